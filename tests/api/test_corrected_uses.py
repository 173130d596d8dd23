"""Patients of uses that were declared in error: every surface tells of the doubt, and FHIR ties no device to them."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, MCX, capture, day, delivered, event, lot, parties, serial
from api.test_agreements import CORDIA, NORTHGATE, SCREW, SITE, VALVE
from api.test_fhir import bundle, resources

CLINICAL, SUPPLY = "northgate-clinical", "northgate-supply"
GSRN = "401234500000123452"
PATIENT = f"https://id.gs1.org/8018/{GSRN}"
MISTAKE = {"declarationTime": "2026-01-01T10:00:00Z", "reason": "did_not_occur"}
SERIALS = ("REPORTED", "UNREPORTED", "STANDS", "DISPUTED", "EXPLANTED", "UNTIED")
NOTICE = f"{MCX}recall/FSN-CORRECTED"


def use(name: str, goods: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A use of three days ago, in a usage report of its own."""
    ends = parties("owning", CORDIA, NORTHGATE)
    ends["sourceList"].append({"type": "location", "source": CABINET})
    told = {"eventID": f"urn:uuid:use-{name}", "mcx:useType": "implanted", "mcx:usageReport": f"urn:uuid:report-{name}"}
    there = {"readPoint": {"id": f"{SITE}/254/OR3"}}
    return event(-3, "dispensing", disposition="dispensed", **there, **goods, **ends, **told, **more)


def tie(name: str, goods: dict[str, Any], days: float = -3, action: str = "ADD", **more: Any) -> dict[str, Any]:
    """The private event that ties goods to the patient, or takes them out."""
    children = {"childEPCs": goods.get("epcList"), "childQuantityList": goods.get("quantityList")}
    private = {"type": "AssociationEvent", "eventID": f"urn:uuid:tie-{name}-{action}", "parentID": PATIENT}
    step = "installing" if action == "ADD" else "removing"
    told = private | {key: value for key, value in children.items() if value is not None} | more
    return event(days, step, action=action, readPoint={"id": CABINET}) | told


@pytest.fixture(scope="module", params=BACKENDS)
def hospital(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """Six valves and two screws used and tied to one patient. Declared in error: the uses of two valves and of the
    screws, of one valve by a party that may not; the tie of one. One valve was taken out again.
    """
    with open_site(request.param) as site:
        screws = lot(SCREW, "LX", 2)
        delivered(site, {"epcList": [serial(VALVE, one)["epcList"][0] for one in SERIALS]} | screws, day(900), days=-5)
        capture(site, SUPPLY, *(use(one, serial(VALVE, one)) for one in SERIALS), use("SCREWS", screws))
        for name in (*SERIALS, "SCREWS"):
            reported = {} if name == "UNREPORTED" else {"mcx:usageReport": f"urn:uuid:report-{name}"}
            capture(site, CLINICAL, tie(name, screws if name == "SCREWS" else serial(VALVE, name), **reported))
        wrong = {"errorDeclaration": MISTAKE}
        capture(site, SUPPLY, *(use(one, serial(VALVE, one), **wrong) for one in SERIALS[:2]))
        capture(site, SUPPLY, use("SCREWS", screws, **wrong))
        capture(site, "cordia", use("DISPUTED", serial(VALVE, "DISPUTED"), **wrong))
        reported = {"mcx:usageReport": "urn:uuid:report-UNTIED"}
        capture(site, CLINICAL, tie("UNTIED", serial(VALVE, "UNTIED"), **reported, **wrong))
        capture(site, CLINICAL, tie("EXPLANTED", serial(VALVE, "EXPLANTED"), days=-2, action="DELETE"))
        held = {"readPoint": {"id": f"{SITE}/254/QUAR"}, "bizLocation": {"id": f"{SITE}/254/QUAR"}}
        out = {"mcx:reason": "explanted"} | serial(VALVE, "EXPLANTED")
        capture(site, CLINICAL, event(-1.9, "holding", disposition="non_conformant", **held, **out))
        yield site


def device(site: Site, name: str) -> Any:
    """The Device of a valve, as the clinical role reads it."""
    (found,) = resources(bundle(site, CLINICAL, f"Device?identifier={serial(VALVE, name)['epcList'][0]}"))
    return found


def patient(site: Site) -> str:
    """The opaque id of the patient."""
    (found,) = resources(bundle(site, CLINICAL, "Patient/_search", data={"identifier": GSRN}))
    return f"Patient/{found['id']}"


def test_a_device_names_its_patient_only_while_it_is_known_to_be_there(hospital: Site) -> None:
    """Rejects the last link whatever became of it: a valve on the shelf would be told as implanted in somebody."""
    for name in SERIALS:
        expected = {"reference": patient(hospital)} if name in ("STANDS", "DISPUTED") else None
        assert device(hospital, name).get("patient") == expected, name
    found = resources(bundle(hospital, CLINICAL, f"Device?patient={patient(hospital)}"))
    assert sorted(one.get("serialNumber", "") for one in found) == ["DISPUTED", "STANDS"]


def test_pieces_of_a_lot_whose_use_was_an_error_are_an_entry_in_error(hospital: Site) -> None:
    (found,) = resources(bundle(hospital, CLINICAL, f"Device?udi-carrier=(01){SCREW}(10)LX"))
    assert (found["status"], "patient" in found, "meta" in found) == ("entered-in-error", False, False)
    for status, number in (("entered-in-error", 1), ("active", 0), ("unknown", 0)):
        asked = f"Device?udi-carrier=(01){SCREW}(10)LX&status={status}"
        assert bundle(hospital, CLINICAL, asked)["total"] == number


def test_use_statements_say_which_of_them_were_entered_in_error(hospital: Site) -> None:
    """Rejects `active` for all that nobody took out, and `device=` that tells of one link alone or of the open one."""
    told = resources(bundle(hospital, CLINICAL, f"DeviceUseStatement?patient={patient(hospital)}"))
    expected = {
        "REPORTED": ["entered-in-error"],
        "UNREPORTED": ["entered-in-error"],
        "STANDS": ["active"],
        "DISPUTED": ["active"],
        "EXPLANTED": ["completed"],
        "UNTIED": [],
    }
    for name, statuses in expected.items():
        reference = f"Device/{device(hospital, name)['id']}"
        assert [one["status"] for one in told if one["device"]["reference"] == reference] == statuses, name
        by_device = resources(bundle(hospital, CLINICAL, f"DeviceUseStatement?device={reference}"))
        assert [one["status"] for one in by_device] == statuses, name
    assert sorted(one["status"] for one in told).count("entered-in-error") == 3


def in_doubt(rows: list[dict[str, Any]], key: str) -> dict[str, bool]:
    """Of each row's item or lot, whether its use was declared in error."""
    return {row[key].rpartition("/")[2]: row["useDeclaredInError"] for row in rows}


def test_look_ups_recalls_and_exports_keep_the_patient_and_tell_of_the_doubt(hospital: Site) -> None:
    """Rejects both: the patient left out, who may have the recalled device all the same, and named without a word."""
    expected = {"REPORTED": True, "UNREPORTED": True, "STANDS": False, "DISPUTED": False, "EXPLANTED": False}
    asked = {"patient": PATIENT, "purpose": "recall"}
    found = hospital.request(CLINICAL, "POST", "/patients/search", json=asked).json()["links"]
    assert in_doubt(found, "item") == expected | {"LX": True}
    asked = {"gtin": VALVE, "purpose": "yearly report"}
    rows = hospital.request(CLINICAL, "POST", "/trace/device-tracking", json=asked).json()["rows"]
    assert in_doubt(rows, "serial") == expected
    issued = {"notice": NOTICE, "reason": "leak", "recallClass": "II", "items": [{"gtin": VALVE}, {"gtin": SCREW}]}
    made = hospital.request("cordia", "POST", "/recalls", json=issued)
    assert made.status_code == 201, made.text
    asked = {"notice": NOTICE, "purpose": "recall"}
    answer = hospital.request(CLINICAL, "POST", "/recalls/patients", json=asked)
    assert in_doubt(answer.json()["links"], "item") == expected | {"LX": True}
    for name, doubt in expected.items():
        item = serial(VALVE, name)["epcList"][0]
        (told,) = hospital.get(CLINICAL, f"/trace/item?epc={item}")["patients"]
        assert told["useDeclaredInError"] is doubt, name


def test_there_is_a_card_for_each_use_that_stands_whoever_else_disputes_it(hospital: Site) -> None:
    """Rejects a card of a use that was declared in error, and none where a party that may not declare it did."""
    expected = {"REPORTED": 404, "UNREPORTED": 404, "STANDS": 200, "DISPUTED": 200}
    for name, status in expected.items():
        answer = hospital.request(CLINICAL, "POST", "/trace/implant-card", json={
            "usageReport": f"urn:uuid:report-{name}"})  # fmt: skip
        assert answer.status_code == status, (name, answer.text)


def test_history_marks_what_was_declared_in_error_by_those_who_may(hospital: Site) -> None:
    """Rejects marks by eventID alone: a stranger's declaration has no effect, and would strike the use for all."""
    for name, struck in (("REPORTED", 2), ("DISPUTED", 0)):
        item = serial(VALVE, name)["epcList"][0]
        for key in (CLINICAL, "cordia"):
            history = hospital.get(key, f"/trace/item?epc={item}")["history"]
            marks = [one["declaredInError"] for one in history if one["eventID"] == f"urn:uuid:use-{name}"]
            assert (len(marks), sum(marks)) == (2, struck), (name, key)
