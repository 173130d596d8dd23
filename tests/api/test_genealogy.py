"""Genealogy and chains over HTTP: every level, both ways, cycles that end, gaps that show, nothing that is hidden."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from api.conftest import PATIENT_SPELLINGS, Site

SCREW = "https://id.gs1.org/01/09521141045305/10/LOT77A"
VALVE = "https://id.gs1.org/01/09521141010235/21/"
SHIPPER = "https://id.gs1.org/00/095211410000000113"
TRAY = "https://id.gs1.org/8003/09521141007778T0042"
WAREHOUSE = "https://id.gs1.org/414/9521141000106"
NORTHGATE = "https://id.gs1.org/417/4012345000009"
CORDIA = "https://id.gs1.org/417/9521141000007"
BAR, PLATE = "https://id.gs1.org/01/09521141045305/10/BAR1", "https://id.gs1.org/01/09521141060001/10/PLATE1"


def sscc(number: int) -> str:
    """One of some container identifiers."""
    body = f"0952114100000{number:04}"
    digit = -sum(int(digit) * weight for digit, weight in zip(body, itertools.cycle((3, 1)), strict=False)) % 10
    return f"https://id.gs1.org/00/{body}{digit}"


def links(site: Site, name: str, identifier: str, direction: str, **more: Any) -> set[tuple[str, str, str]]:
    """Relation, part and whole of every link."""
    found = genealogy(site, name, identifier, direction, **more)["links"]
    return {(one["relation"], one["part"], one["whole"]) for one in found}


def genealogy(site: Site, name: str, identifier: str, direction: str, **more: Any) -> Any:
    """What GET /trace/genealogy answers."""
    parameters = {"id": identifier, "direction": direction, **more}
    answer = site.request(name, "GET", "/trace/genealogy", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_story_s_lot_is_found_in_shipper_and_tray(story: Site) -> None:
    found = links(story, "cordia", SCREW, "forward")
    assert {("packed", SCREW, SHIPPER), ("packed", SCREW, TRAY)} <= found
    contents = links(story, "cordia", SHIPPER, "backward")
    assert ("packed", VALVE + "V23-0007", SHIPPER) in contents
    unpacked = [one for one in genealogy(story, "cordia", SHIPPER, "backward")["links"] if one["part"] == SCREW]
    assert [(one["quantity"], one["until"]) for one in unpacked] == [("20", "2026-02-11T07:30:00.000Z")]
    assert len(unpacked[0]["eventIDs"]) == 2


def test_no_patient_is_a_link_of_a_genealogy_for_any_role(story: Site) -> None:
    """Rejects a walk over all AssociationEvents: the patient is the parent of what is implanted."""
    for name in ("northgate-clinical", "cordia", "northgate-supply"):
        for path in ("genealogy", "custody"):
            for item in (VALVE + "V23-0007", TRAY):
                answer = story.request(name, "GET", f"/trace/{path}", params={"id": item, "direction": "forward"})
                assert not any(spelling in answer.content for spelling in PATIENT_SPELLINGS)


def test_the_chain_of_a_valve_tells_who_had_it_and_who_owned_it(story: Site) -> None:
    body = story.request("cordia", "GET", "/trace/custody", params={"id": VALVE + "V23-0008"}).json()
    holders = list(dict.fromkeys(row["party"] for row in body["custody"]))
    assert holders[0] == CORDIA
    assert NORTHGATE in holders
    assert [row["party"] for row in body["ownership"]] == [CORDIA, NORTHGATE]
    for rows in (body["custody"], body["ownership"]):
        assert [row["until"] for row in rows[:-1]] == [row["since"] for row in rows[1:]]
        assert all(row["eventID"].startswith("urn:uuid:") for row in rows)
    hidden = story.request("rival-supplier", "GET", "/trace/custody", params={"id": VALVE + "V23-0008"})
    absent = story.request("rival-supplier", "GET", "/trace/custody", params={"id": VALVE + "V99"})
    assert (hidden.status_code, hidden.content) == (404, absent.content)


def event(number: int, kind: str, hour: int, **fields: Any) -> dict[str, Any]:
    """An event of the made-up world."""
    return {
        "type": kind,
        "eventID": f"urn:uuid:00000000-0000-4000-9000-{number:012}",
        "eventTime": f"2026-03-01T{hour:02}:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "bizLocation": {"id": WAREHOUSE},
    } | fields


def capture(site: Site, *events: dict[str, Any]) -> None:
    """Capture events as the supplier."""
    document = {
        "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-02T00:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }
    job = site.job("cordia", site.capture("cordia", orjson.dumps(document)))
    assert job["success"], job


@pytest.fixture(scope="module")
def world(open_site: Callable[..., Any]) -> Iterator[Site]:
    """Bars become plates in one transformation of two events; plates are packed in boxes, boxes in each other."""
    with open_site() as site:
        capture(
            site,
            event(1, "TransformationEvent", 1, transformationID="urn:example:t1",
                  inputQuantityList=[{"epcClass": BAR, "quantity": 3}]),
            event(2, "TransformationEvent", 2, transformationID="urn:example:t1",
                  outputQuantityList=[{"epcClass": PLATE, "quantity": 30}], outputEPCList=[VALVE + "P1"]),
            event(3, "AggregationEvent", 3, action="ADD", parentID=sscc(1), childEPCs=[VALVE + "P1"],
                  childQuantityList=[{"epcClass": PLATE, "quantity": 10}]),
            event(4, "AggregationEvent", 4, action="ADD", parentID=sscc(2), childEPCs=[sscc(1)]),
            event(5, "AggregationEvent", 5, action="ADD", parentID=sscc(1), childEPCs=[sscc(2)]),
            event(6, "AggregationEvent", 6, action="DELETE", parentID=sscc(1), childEPCs=[VALVE + "P1"]),
        )  # fmt: skip
        chain = [event(10 + n, "AggregationEvent", 7, action="ADD", parentID=sscc(n + 100), childEPCs=[sscc(n + 99)])
                 for n in range(8)]  # fmt: skip
        capture(site, *chain)
        yield site


def test_events_of_one_transformationID_are_one_transformation(world: Site) -> None:
    """Rejects a genealogy that joins inputs and outputs of the same event only. EPCIS 2.0 7.4.6."""
    assert ("transformed", BAR, PLATE) in links(world, "cordia", BAR, "forward")
    assert ("transformed", BAR, VALVE + "P1") in links(world, "cordia", VALVE + "P1", "backward")
    deep = links(world, "cordia", BAR, "forward", levels=3)
    assert ("packed", PLATE, sscc(1)) in deep
    assert ("packed", sscc(1), sscc(2)) in deep


def test_a_cycle_of_containers_ends_where_it_closes(world: Site) -> None:
    """Rejects a walk without memory, which goes round for ever."""
    found = genealogy(world, "cordia", sscc(1), "forward", levels=20)
    assert {one["id"] for one in found["things"]} == {sscc(1), sscc(2)}
    assert found["more"] == []


def test_what_lies_beyond_the_levels_asked_for_is_told(world: Site) -> None:
    found = genealogy(world, "cordia", sscc(99), "forward", levels=3)
    assert [one["level"] for one in found["things"]] == [0, 1, 2, 3]
    assert found["more"] == [sscc(102)]
    assert genealogy(world, "cordia", sscc(99), "forward", levels=20)["more"] == []
    refused = world.request("cordia", "GET", "/trace/genealogy", params={"id": sscc(99), "levels": 21})
    assert refused.status_code == 400


def test_what_was_taken_out_again_has_an_end(world: Site) -> None:
    (packed,) = [
        one
        for one in genealogy(world, "cordia", VALVE + "P1", "forward", levels=1)["links"]
        if one["relation"] == "packed"
    ]
    assert (packed["since"], packed["until"]) == ("2026-03-01T03:00:00.000Z", "2026-03-01T06:00:00.000Z")
    before = genealogy(world, "cordia", VALVE + "P1", "forward", levels=1, asOf="2026-03-01T05:30:00Z")["links"]
    assert [one["until"] for one in before if one["relation"] == "packed"] == [None]


def test_a_rival_sees_an_empty_genealogy_for_known_and_unknown_things_alike(world: Site) -> None:
    """Rejects a walk that follows the store's own hierarchy instead of the caller's events."""
    known = genealogy(world, "rival-supplier", sscc(1), "forward")
    unknown = genealogy(world, "rival-supplier", sscc(3), "forward")
    for body in (known, unknown):
        body.pop("asOf")
        assert body["links"] == []
        assert len(body["things"]) == 1
