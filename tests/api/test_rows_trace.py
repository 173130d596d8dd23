"""T1 of docs/promises.md, and what else finds things: recalls, tracking, implant cards, labels, places."""

import csv
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import orjson
import pytest

from .conftest import BACKENDS, Site
from .test_recall import (
    CABINET,
    CONSIGNED,
    CORDIA,
    NORTHGATE,
    SCREW,
    SCREW_GTIN,
    VALVE,
    VALVE_GTIN,
    WAREHOUSE,
    capture,
    event,
    issued,
    of_notice,
)
from .test_reports import _unpacked

PATIENT: Final = "https://id.gs1.org/8018/401234500000123452"
NUMBER: Final = "401234500000123452"
REPORT: Final = "urn:uuid:00000000-0000-4000-a000-0000000000aa"
SITE: Final = "https://id.gs1.org/414/4012345000016"
WARD: Final = f"{SITE}/254/WARDB"
PURPOSE: Final = "yearly report to the manufacturer"
MCX: Final = {"mcx": "https://ns.traceward.org/consignment/"}


def mine(made: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An event with the product's own fields."""
    return made | fields | {"@context": [*made["@context"], MCX]}


@pytest.fixture(scope="module", params=BACKENDS)
def hospital(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """Two valves and 20 screws of lot S1 received; a valve and two screws implanted in one patient, the valve later
    explanted; four screws moved to a ward.
    """
    with open_site(request.param) as site:
        home = {"readPoint": {"id": WAREHOUSE}, "bizLocation": {"id": WAREHOUSE}}
        there = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
        valves = [f"{VALVE}V1", f"{VALVE}V2"]
        screws = {"quantityList": [{"epcClass": f"{SCREW}S1", "quantity": 20}]}
        made = event(1, 0, "commissioning", action="ADD", epcList=valves, **home)
        made["ilmd"] = {"cbvmda:lotNumber": "L1", "cbvmda:itemExpirationDate": "2026-12-31"}
        lot = event(2, 0, "creating_class_instance", action="ADD", **screws, **home)
        lot["ilmd"] = {"cbvmda:itemExpirationDate": "2031-12-31"}
        goods = {"epcList": valves} | screws
        capture(site, "cordia", made, lot, event(3, 1, "shipping", readPoint={"id": WAREHOUSE}, **goods, **CONSIGNED))
        used = {"epcList": valves[:1], "quantityList": [{"epcClass": f"{SCREW}S1", "quantity": 2}]}
        ends = {
            "sourceList": [{"type": "owning_party", "source": CORDIA}, {"type": "location", "source": CABINET}],
            "destinationList": [
                {"type": "owning_party", "destination": NORTHGATE},
                {"type": "location", "destination": CABINET},
            ],
        }
        use = event(5, 26, "dispensing", disposition="dispensed", readPoint={"id": CABINET}, **used, **ends)
        moved = {
            "sourceList": [{"type": "location", "source": CABINET}],
            "destinationList": [{"type": "location", "destination": WARD}],
            "quantityList": [{"epcClass": f"{SCREW}S1", "quantity": 4}],
            "readPoint": {"id": WARD},
            "bizLocation": {"id": WARD},
        }
        tied = {
            "type": "AssociationEvent",
            "parentID": PATIENT,
            "childEPCs": valves[:1],
            "childQuantityList": used["quantityList"],
            "readPoint": {"id": CABINET},
        }
        taken = tied | {"action": "DELETE"}
        taken.pop("childQuantityList")
        capture(
            site,
            "northgate-clinical",
            event(4, 2, "receiving", **goods, **there, **CONSIGNED),
            mine(use, **{"mcx:useType": "implanted", "mcx:usageReport": REPORT}),
            mine(event(6, 26, "installing", **(tied | {"action": "ADD"})), **{"mcx:usageReport": REPORT}),
            event(7, 500, "removing", **taken),
            event(8, 30, "storing", **moved),
        )
        yield site


def test_the_patient_of_a_notice_is_told_to_the_clinical_role_alone(hospital: Site) -> None:
    """Two screws, one patient. Rejects a link kept in the shared use, where the supplier reads it."""
    assert issued(hospital, {"gtin": SCREW_GTIN, "lot": "S1"}, notice="urn:example:a2").status_code in (200, 201)
    asked = {"notice": "urn:example:a2", "purpose": "find the patients"}
    (link,) = hospital.request("northgate-clinical", "POST", "/recalls/patients", json=asked).json()["links"]
    assert (link["patient"], link["quantity"], link["usageReport"]) == (PATIENT, "2", REPORT)
    for name in ("northgate-supply", "cordia", "rival-supplier"):
        assert hospital.request(name, "POST", "/recalls/patients", json=asked).status_code == 403
    for name in ("northgate-supply", "cordia"):
        assert of_notice(hospital, name, "urn:example:a2")["totals"][0]["goneBy"] == {"implanted": "2"}
        assert NUMBER not in orjson.dumps(hospital.events(name)).decode()


def tracking(site: Site, name: str, form: str = "application/json", **asked: Any) -> Any:
    """The answer to a device tracking export."""
    body = {"purpose": PURPOSE, **asked}
    return site.request(name, "POST", "/trace/device-tracking", json=body, headers={"Accept": form})


def test_device_tracking_is_exported_by_the_hospital_with_a_purpose_and_logged(hospital: Site) -> None:
    """21 CFR 821.30. Rejects an export that any reader can start, that leaves no trace, or that loses the explant."""
    body = tracking(hospital, "northgate-clinical", **{"from": "2026-03-01", "to": "2026-04-01"}).json()
    assert {"patientName", "followingPhysician", "patientDiedOn"} <= set(body["notHeld"])
    rows = {row["serial"] or row["lot"]: row for row in body["rows"]}
    assert set(rows) == {"V1", "S1"}
    valve = rows["V1"]
    assert (valve["manufacturer"], valve["manufacturerID"]) == ("Cordia Devices", CORDIA)
    assert valve["udi"] == f"(01){VALVE_GTIN}(17)261231(10)L1(21)V1"
    assert (valve["receivedAt"], valve["providedAt"], valve["explantedAt"]) == (
        "2026-03-01T02:00:00.000Z", "2026-03-02T02:00:00.000Z", "2026-03-21T20:00:00.000Z",
    )  # fmt: skip
    assert (valve["patientPseudonym"], valve["patientName"], valve["prescribingPhysician"]) == (PATIENT, None, None)
    assert len(valve["eventIDs"]) == 2
    assert (rows["S1"]["quantity"], rows["S1"]["explantedAt"]) == ("2", None)
    for name in ("northgate-supply", "cordia", "rival-supplier", "admin"):
        assert tracking(hospital, name, gtin=VALVE_GTIN).status_code == 403
    assert tracking(hospital, "northgate-clinical").status_code == 400
    assert tracking(hospital, "northgate-clinical", gtin=VALVE_GTIN, purpose="none").status_code == 400
    with hospital.server.app.state.runtime.store.reader() as reader:
        logged = reader.fetch("SELECT purpose, result_count FROM audit WHERE action='export private' ORDER BY seq")
    assert logged[0] == (PURPOSE, 2)


def test_the_export_as_csv_has_the_same_rows(hospital: Site) -> None:
    answer = tracking(hospital, "northgate-clinical", "text/csv", epc=f"{VALVE}V1")
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["serial"], row["patientPseudonym"], row["patientName"]) == ("V1", PATIENT, "")


def declare(site: Site, name: str, vocabulary: str, *elements: dict[str, Any]) -> None:
    """Capture master data of one party."""
    listed = [{"type": f"urn:epcglobal:epcis:vtype:{vocabulary}", "vocabularyElementList": [*elements]}]
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-01T00:00:00Z",
        "epcisHeader": {"epcisMasterData": {"vocabularyList": listed}},
        "epcisBody": {"eventList": []},
    }
    assert site.job(name, site.capture(name, orjson.dumps(document)))["success"]


def test_the_implant_card_tells_of_the_device_and_leaves_the_patient_to_the_hospital(hospital: Site) -> None:
    """Regulation (EU) 2017/745, Art. 18. Rejects cards made from private events, and cards of another's uses."""
    attributes = [
        {"id": "urn:epcglobal:cbv:mda#streetAddressOne", "attribute": "Valve Road 1"},
        {"id": "urn:epcglobal:cbv:mda#city", "attribute": "<Hartford>"},
    ]
    declare(hospital, "cordia", "SourceDest", {"id": CORDIA, "attributes": attributes})
    asked = {"usageReport": REPORT}
    body = hospital.request("northgate-supply", "POST", "/trace/implant-card", json=asked).json()
    valve, screws = sorted(body["cards"], key=lambda one: one["serial"] is None)
    assert (valve["gtin"], valve["lot"], valve["serial"], valve["implantedOn"]) == (
        VALVE_GTIN,
        "L1",
        "V1",
        "2026-03-02",
    )
    assert valve["udi"] == f"(01){VALVE_GTIN}(17)261231(10)L1(21)V1"
    assert (screws["lot"], screws["quantity"]) == ("S1", "2")
    assert valve["manufacturer"]["address"] == "Valve Road 1, <Hartford>"
    assert (valve["institution"]["name"], valve["institution"]["gln"]) == ("Northgate Hospital", "4012345000009")
    page = hospital.request(
        "northgate-supply", "POST", "/trace/implant-card", json={"epc": f"{VALVE}V1"}, headers={"Accept": "text/html"}
    )
    assert "Valve Road 1, &lt;Hartford&gt;" in page.text
    assert NUMBER not in page.text + orjson.dumps(body).decode()
    printed = [
        hospital.request(
            "northgate-supply", "POST", "/trace/implant-card", json=asked, headers={"Accept": "application/pdf"}
        )
        for _ in range(2)
    ]
    assert printed[0].headers["content-type"] == "application/pdf"
    assert printed[0].content == printed[1].content
    drawn = _unpacked(printed[0].content)
    assert b"V1" in drawn
    assert b"Valve Road 1" in drawn
    assert b"Patient name or ID" in drawn
    assert NUMBER.encode() not in drawn
    for name in ("cordia", "rival-supplier"):
        assert hospital.request(name, "POST", "/trace/implant-card", json=asked).status_code == 404


def test_T1_what_was_used_and_what_expires_is_listed_by_place_product_and_party(hospital: Site) -> None:
    """Rejects a list that forgets what is held for others, one that tells stock that left as expiring or stock that
    moved as used, and one that shows a rival what it has no part in, or a supplier the patient.
    """
    days = 3650
    for name in ("northgate-supply", "cordia"):
        answer = hospital.request(name, "GET", "/usage?from=2026-03-01&to=2026-04-01")
        lines = [line for use in answer.json()["uses"] for line in use["lines"]]
        assert sorted((line["item"], line["quantity"]) for line in lines) == [(f"{VALVE}V1", "1"), (f"{SCREW}S1", "2")]
        assert NUMBER not in answer.text
    assert hospital.get("northgate-supply", "/usage?to=2026-03-01")["uses"] == []
    assert hospital.get("rival-supplier", "/usage")["uses"] == []
    for name in ("northgate-supply", "cordia"):
        items = hospital.get(name, f"/trace/expiring?days={days}&place={CABINET}")["items"]
        assert [(one["serial"] or one["lot"], one["expiry"], one["quantity"]) for one in items] == [
            ("V2", "2026-12-31", "1"), ("S1", "2031-12-31", "14"),
        ]  # fmt: skip
        assert items[0]["daysLeft"] < items[1]["daysLeft"]
    owned = hospital.get("northgate-supply", f"/trace/expiring?days={days}&owner={NORTHGATE}")["items"]
    assert owned == []
    held = hospital.get("cordia", f"/trace/expiring?days={days}&holder={NORTHGATE}&gtin={SCREW_GTIN}")["items"]
    assert sorted((one["place"].rpartition("/")[2], one["quantity"]) for one in held) == [
        ("OR3-CAB2", "14"), ("WARDB", "4"),
    ]  # fmt: skip
    assert hospital.get("rival-supplier", f"/trace/expiring?days={days}")["items"] == []
    assert hospital.request("cordia", "GET", "/trace/expiring?days=-1").status_code == 400


def test_one_scan_tells_what_an_item_is_where_it_is_and_what_happened_to_it(hospital: Site) -> None:
    """Rejects a look-up that takes only clean identifiers, and one that answers a wrong check digit."""
    scanned = {"texts": [f"]d201{VALVE_GTIN}17261231" + "10L1\x1d21V1"]}
    body = hospital.request("northgate-supply", "POST", "/trace/label", json=scanned).json()
    assert (body["label"]["serial"], body["label"]["lot"], body["label"]["expiry"]) == ("V1", "L1", "2026-12-31")
    assert body["item"]["state"]["status"] == "implanted"
    assert [step["bizStep"] for step in body["item"]["history"]][:3] == ["commissioning", "shipping", "receiving"]
    of_lot = hospital.request(
        "cordia", "POST", "/trace/label", json={"texts": [f"(01){SCREW_GTIN}(10)S1"]}
    ).json()  # fmt: skip
    assert of_lot["item"] is None
    assert of_lot["lot"]["total"] == {"": "20"}
    wrong = hospital.request("cordia", "POST", "/trace/label", json={"texts": ["(01)09521141045306(10)S1"]})
    assert wrong.status_code == 400
    assert "check" in wrong.text
    hidden = hospital.request("rival-supplier", "POST", "/trace/label", json=scanned).json()
    assert (hidden["item"]["state"], hidden["item"]["history"]) == (None, [])
    worn = hospital.request("northgate-supply", "POST", "/trace/label", json={"texts": [f"(8018){NUMBER}"]})
    assert worn.status_code == 400
    assert NUMBER not in worn.text


def test_a_lot_that_is_stored_in_several_places_is_found_in_each_of_them(hospital: Site) -> None:
    """Rejects a lot that is only where its last event was. The sum over places is what the site has."""
    told = hospital.get("northgate-supply", f"/trace/lot?gtin={SCREW_GTIN}&lot=S1")
    places = {one["place"]: Decimal(one["quantity"]) for one in told["units"]}
    assert places == {CABINET: 14, WARD: 4}
    assert sum(amount for place, amount in places.items() if place.startswith(SITE)) == 18
    declare(hospital, "northgate-supply", "BusinessLocation", {"id": SITE, "children": [CABINET, WARD]})
    stored = hospital.events("northgate-supply", f"WD_bizLocation={SITE}&EQ_bizStep=storing")
    assert [one["bizLocation"]["id"] for one in stored] == [WARD]
    assert hospital.events("northgate-supply", f"EQ_bizLocation={SITE}&EQ_bizStep=storing") == []
