"""Recalls over HTTP: issued by the maker, found by those concerned, and every unit of them accounted for."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import orjson
import pytest

from .conftest import BACKENDS, PATIENT_SPELLINGS, Site

SCREW_GTIN: Final = "09521141045305"
VALVE_GTIN: Final = "09521141010235"
SCREW: Final = f"https://id.gs1.org/01/{SCREW_GTIN}/10/"
VALVE: Final = f"https://id.gs1.org/01/{VALVE_GTIN}/21/"
CORDIA: Final = "https://id.gs1.org/417/9521141000007"
NORTHGATE: Final = "https://id.gs1.org/417/4012345000009"
WAREHOUSE: Final = "https://id.gs1.org/414/9521141000106"
CABINET: Final = "https://id.gs1.org/414/4012345000016/254/OR3-CAB2"
QUARANTINE: Final = "https://id.gs1.org/414/4012345000016/254/QUAR"
FSN: Final = "urn:epcglobal:cbv:bt:9521141000007:FSN-2026-004"
PARTS: Final = ("withIssuer", "quarantined", "notQuarantined", "returning", "inTransit", "gone")
CONSIGNED: Final = {
    "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "owning_party", "source": CORDIA}],
    "destinationList": [
        {"type": "possessing_party", "destination": NORTHGATE},
        {"type": "owning_party", "destination": CORDIA},
        {"type": "location", "destination": CABINET},
    ],
}


def of_notice(site: Site, name: str, number: str = FSN, query: str = "") -> Any:
    """What GET /recalls/{notice} answers."""
    return site.get(name, f"/recalls/{quote(number, safe='')}?{query}")


def amounts(units: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Status, handling and quantity of units, sorted."""
    return sorted((one["status"], one["handling"], one["quantity"]) for one in units)


def test_a_recalled_lot_is_accounted_for_to_the_last_unit(story: Site) -> None:
    """Law 14. Rejects sums over the caller's own stock alone, and lists that miss what left stock."""
    for name in ("cordia", "northgate-supply", "northgate-clinical"):
        body = of_notice(story, name, query="asOf=2026-06-30")
        (total,) = body["totals"]
        assert (total["created"], total["total"]) == ("500", "500")
        assert sum(Decimal(total[part]) for part in PARTS) == 500
        assert total["goneBy"] == {"implanted": "2", "lost": "1", "wasted": "1"}
        assert (total["withIssuer"], total["returning"], total["notQuarantined"]) == ("450", "12", "34")
        listed = [one for group in ("units", "inTransit", "sinks") for one in body[group]]
        assert sum(Decimal(one["quantity"]) for one in listed) == 500
        assert body["state"] == "open"
        assert {one["kind"] for one in body["conflicts"]} >= {"moved_after_recall", "recalled_not_quarantined"}
        holders = {one["holder"]: one["notQuarantined"] for one in body["holders"]}
        assert holders[NORTHGATE] == "34"


def test_the_notice_says_what_its_event_says(story: Site) -> None:
    (listed,) = [one for one in story.get("northgate-supply", "/recalls")["recalls"] if one["notice"] == FSN]
    assert listed["issuer"] == CORDIA
    assert (listed["recallClass"], listed["reason"]) == ("I", "Sterile barrier defect")
    assert listed["items"] == [{"gtin": SCREW_GTIN, "lot": "LOT77A", "serials": None, "contains": []}]
    assert listed["issuedAt"] == "2026-04-01T09:00:00.000Z"
    later = story.get("northgate-supply", "/recalls?from=2026-04-02")["recalls"]
    assert FSN not in [one["notice"] for one in later]


def test_a_notice_of_others_answers_like_one_that_is_not_there(story: Site) -> None:
    """Rejects a look-up by number that skips the caller's viewers."""
    hidden = story.request("rival-supplier", "GET", f"/recalls/{quote(FSN, safe='')}")
    absent = story.request("rival-supplier", "GET", f"/recalls/{quote(FSN + '9', safe='')}")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert story.get("rival-supplier", "/recalls")["recalls"] == []
    said = {"notice": FSN, "step": "received"}
    assert story.request("rival-supplier", "POST", "/recalls/acknowledgements", json=said).status_code == 404


def test_the_patients_of_a_notice_are_told_to_the_clinical_role_and_audited(story: Site) -> None:
    """A2. Rejects patients in the notice's own answer, and a look-up that leaves no trace."""
    asked = {"notice": FSN, "purpose": "trace the patients of the field notice"}
    body = story.request("northgate-clinical", "POST", "/recalls/patients", json=asked).json()
    assert [(one["patient"], one["quantity"]) for one in body["links"]] == [
        ("https://id.gs1.org/8018/401234500000123452", "2")
    ]
    for name in ("northgate-supply", "cordia", "rival-supplier", "admin"):
        assert story.request(name, "POST", "/recalls/patients", json=asked).status_code == 403
    for name in ("northgate-clinical", "northgate-supply", "cordia"):
        told = story.request(name, "GET", f"/recalls/{quote(FSN, safe='')}").content
        assert not any(spelling in told for spelling in PATIENT_SPELLINGS)


def event(number: int, hour: int, step: str, **fields: Any) -> dict[str, Any]:
    """An event of the made-up world, in March 2026."""
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:00000000-0000-4000-9000-{number:012}",
        "eventTime": f"2026-03-{1 + hour // 24:02}T{hour % 24:02}:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "bizStep": step,
    } | fields


def capture(site: Site, name: str, *events: dict[str, Any]) -> None:
    """Capture events of one party."""
    for one in events:
        answer = site.request(
            name, "POST", "/epcis/events", content=orjson.dumps(one), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 201, answer.text


@pytest.fixture(params=BACKENDS)
def world(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """Twelve valves of lots A and B and 40 screws of a supplier's; valves 1 to 6 and 10 screws are at the hospital."""
    with open_site(request.param) as site:
        home = {"readPoint": {"id": WAREHOUSE}, "bizLocation": {"id": WAREHOUSE}}
        there = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
        serials = [f"{VALVE}V-{number:03}" for number in range(1, 13)]
        ship = {"epcList": serials[:6], "quantityList": [{"epcClass": f"{SCREW}S1", "quantity": 10}]}
        capture(
            site,
            "cordia",
            event(1, 0, "commissioning", action="ADD", epcList=serials[:8],
                  ilmd={"cbvmda:lotNumber": "A"}, **home),
            event(2, 0, "commissioning", action="ADD", epcList=serials[8:],
                  ilmd={"cbvmda:lotNumber": "B"}, **home),
            event(3, 0, "creating_class_instance", action="ADD",
                  quantityList=[{"epcClass": f"{SCREW}S1", "quantity": 40}], **home),
            event(4, 1, "shipping", readPoint={"id": WAREHOUSE}, **ship, **CONSIGNED),
        )  # fmt: skip
        capture(site, "northgate-supply", event(5, 2, "receiving", **ship, **there, **CONSIGNED))
        yield site


def issued(site: Site, *items: dict[str, Any], **more: Any) -> Any:
    """The answer to a notice that the supplier issues."""
    body = {"recallClass": "II", "reason": "Delivery system may stick", "items": [*items], **more}
    return site.request("cordia", "POST", "/recalls", json=body)


def test_the_maker_recalls_several_lots_at_once_and_the_same_notice_again_changes_nothing(world: Site) -> None:
    """Rejects a retry that makes a second notice, and a number that comes to mean two things."""
    lots = ({"gtin": VALVE_GTIN, "lot": "A"}, {"gtin": SCREW_GTIN, "lot": "S1"})
    first = issued(world, *lots, notice="urn:example:fsn:1", eventTime="2026-03-02T00:00:00Z")
    assert first.status_code == 201, first.text
    assert first.json()["totals"][0]["total"] == "48"
    again = issued(world, *lots, notice="urn:example:fsn:1")
    assert again.status_code == 200
    assert again.json()["eventIDs"] == first.json()["eventIDs"]
    other = issued(world, lots[0], notice="urn:example:fsn:1")
    assert other.status_code == 409
    hospital = of_notice(world, "northgate-supply", "urn:example:fsn:1")
    assert amounts(hospital["units"]).count(("on_hand", "not_quarantined", "1")) == 6
    assert all("recalled" in one["flags"] for one in hospital["units"])


def test_only_the_maker_may_issue_a_notice_and_only_who_has_goods_hears_of_it(world: Site) -> None:
    """Rejects a recall endpoint by which a competitor, or a hospital, blocks another's goods."""
    body = {"recallClass": "I", "reason": "none", "items": [{"gtin": VALVE_GTIN, "lot": "A"}]}
    for name in ("rival-supplier", "northgate-supply", "northgate-clinical"):
        assert world.request(name, "POST", "/recalls", json=body).status_code == 403
    assert world.request("admin", "POST", "/recalls", json=body).status_code == 403
    assert issued(world, {"gtin": VALVE_GTIN, "lot": "B"}, notice="urn:example:fsn:2").status_code == 201
    assert world.get("northgate-supply", "/recalls")["recalls"] == []
    assert world.request("northgate-supply", "GET", "/recalls/urn:example:fsn:2").status_code == 404


def test_units_that_arrive_after_the_notice_are_found_and_their_move_is_a_conflict(world: Site) -> None:
    """Rejects a list of units that is made when the notice is issued."""
    notice = "urn:example:fsn:3"
    assert issued(
        world, {"gtin": SCREW_GTIN, "lot": "S1"}, notice=notice, eventTime="2026-03-02T00:00:00Z"
    ).status_code == 201  # fmt: skip
    late = {"quantityList": [{"epcClass": f"{SCREW}S1", "quantity": 5}]}
    there = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(world, "cordia", event(10, 30, "shipping", readPoint={"id": WAREHOUSE}, **late, **CONSIGNED))
    assert of_notice(world, "cordia", notice)["totals"][0]["inTransit"] == "5"
    capture(world, "northgate-supply", event(11, 31, "receiving", **late, **there, **CONSIGNED))
    body = of_notice(world, "northgate-supply", notice)
    (total,) = body["totals"]
    assert (total["notQuarantined"], total["withIssuer"], total["total"]) == ("15", "25", "40")
    assert [one["afterNotice"] for one in body["units"] if one["holder"] == NORTHGATE] == [True]
    assert "recalled_not_quarantined" in {one["kind"] for one in body["conflicts"]}
    assert "moved_after_recall" in {one["kind"] for one in of_notice(world, "cordia", notice)["conflicts"]}


def test_a_range_of_serials_is_recalled_wherever_they_are(world: Site) -> None:
    """Rejects a range compared as text without length, and a statement that counts as setting apart, or as a sighting.

    V-005 and V-006 are at the hospital, V-005 is implanted; V-007 to V-009 are at the supplier.
    """
    owner = {"sourceList": [{"type": "owning_party", "source": CORDIA}],
             "destinationList": [{"type": "owning_party", "destination": NORTHGATE}]}  # fmt: skip
    use = event(20, 26, "dispensing", disposition="dispensed", epcList=[f"{VALVE}V-005"], readPoint={"id": CABINET},
                **owner)  # fmt: skip
    use["@context"].append({"mcx": "https://ns.traceward.org/consignment/"})
    capture(world, "northgate-supply", use | {"mcx:useType": "implanted"})
    notice = "urn:example:fsn:4"
    wanted = {"gtin": VALVE_GTIN, "serials": {"from": "V-005", "to": "V-009"}}
    answer = issued(world, wanted, notice=notice, eventTime="2026-03-03T00:00:00Z")
    assert answer.status_code == 201, answer.text
    assert answer.json()["items"] == [wanted | {"lot": None, "contains": []}]
    assert answer.json()["totals"][0]["total"] == "5"
    body = of_notice(world, "northgate-supply", notice)
    found = {one["item"].rpartition("/")[2]: one for group in ("units", "sinks") for one in body[group]}
    assert {"V-005", "V-006"} <= set(found)
    assert (found["V-005"]["handling"], found["V-006"]["handling"]) == ("gone", "not_quarantined")
    assert found["V-006"]["flags"] == ["recalled"]
    assert "seen_after_use" not in {one["kind"] for one in body["conflicts"]}
    seen = orjson.dumps(world.events("northgate-supply"))
    assert f"{VALVE}V-009".encode() not in seen  # still at the supplier: no concern of the hospital
    apart = {"readPoint": {"id": QUARANTINE}, "bizLocation": {"id": QUARANTINE}, "disposition": "recalled"}
    capture(world, "northgate-supply", event(21, 50, "holding", epcList=[f"{VALVE}V-006"], **apart))
    after = of_notice(world, "northgate-supply", notice)
    assert (after["totals"][0]["quarantined"], after["totals"][0]["notQuarantined"], after["state"]) == (
        "1", "0", "complete",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ({"gtin": VALVE_GTIN, "serials": {"from": "V-009", "to": "V-005"}}, "lower one first"),
        ({"gtin": VALVE_GTIN, "serials": {"from": "V-9", "to": "V-10"}}, "of one length"),
        ({"gtin": VALVE_GTIN, "lot": "A", "serials": {"from": "V-1", "to": "V-2"}}, "both lot and serials"),
        ({"gtin": "09521141010236"}, "check digit"),
    ],
)
def test_a_notice_that_cannot_be_meant_is_refused_with_the_reason(site: Site, item: dict[str, Any], what: str) -> None:
    answer = issued(site, item)
    assert answer.status_code == 400
    assert what in answer.text


def test_a_withdrawn_notice_flags_nothing_any_more(world: Site) -> None:
    """Rejects a withdrawal that is a note beside flags which stay."""
    notice = "urn:example:fsn:5"
    items = ({"gtin": SCREW_GTIN, "lot": "S1"}, {"gtin": VALVE_GTIN, "serials": {"from": "V-006", "to": "V-006"}})
    assert issued(world, *items, notice=notice).status_code == 201
    stock = world.get("northgate-supply", "/consignment/stock?perPage=100")["items"]
    assert sum("recalled" in one["flags"] for one in stock) == 2
    asked = {"notice": notice, "reason": "Test report was of another lot"}
    assert world.request("northgate-supply", "POST", "/recalls/withdrawals", json=asked).status_code == 404
    answer = world.request("cordia", "POST", "/recalls/withdrawals", json=asked)
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    assert (
        world.request("cordia", "POST", "/recalls/withdrawals", json=asked).json()["eventIDs"]
        == (answer.json()["eventIDs"])
    )
    stock = world.get("northgate-supply", "/consignment/stock?perPage=100")["items"]
    assert not any("recalled" in one["flags"] for one in stock)


def test_the_issuer_reads_who_has_acknowledged_what(world: Site) -> None:
    """Rejects a second click that moves a step to a later time, and notes that carry a patient to the supplier."""
    notice = "urn:example:fsn:6"
    assert issued(world, {"gtin": SCREW_GTIN, "lot": "S1"}, notice=notice).status_code == 201
    said = {"notice": notice, "step": "received", "note": "Ward 3 is informed"}
    first = world.request("northgate-supply", "POST", "/recalls/acknowledgements", json=said)
    assert first.status_code == 200, first.text
    again = world.request("northgate-clinical", "POST", "/recalls/acknowledgements", json=said | {"note": "again"})
    assert again.json() == first.json()
    (heard,) = of_notice(world, "cordia", notice)["acknowledgements"]
    assert (heard["party"], heard["step"], heard["note"]) == (NORTHGATE, "received", "Ward 3 is informed")
    assert world.request("cordia", "POST", "/recalls/acknowledgements", json=said).status_code == 403
    named = said | {"step": "done", "note": "told urn:epc:id:gsrn:4012345.0000012345"}
    refused = world.request("northgate-supply", "POST", "/recalls/acknowledgements", json=named)
    assert refused.status_code == 400
    assert "0000012345" not in refused.text
