"""Count sessions over HTTP on both databases: scope, labels, blindness, recounts, one event for each supplier."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from api.conftest import BACKENDS, Site
from api.test_agreements import terms
from api.test_conflicts_and_ghosts import VALVE, cabinet, consigned

VALVE_GTIN, SCREW_GTIN = "09521141010235", "09521141045305"
HOSPITAL = "https://id.gs1.org/414/4012345000016"
CORDIA, HELIX = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/9506000000008"
NORTHGATE = "https://id.gs1.org/417/4012345000009"


@pytest.fixture(scope="module", params=BACKENDS)
def world(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server on each database to which every test brings items and a cabinet of its own."""
    with open_site(request.param) as site:
        yield site


def place_of(number: int) -> str:
    return f"{HOSPITAL}/254/CAB{number // 100}"


def shelf(site: Site, number: int, name: str, screws: int = 5, valves: int = 3) -> tuple[list[str], str]:
    """Element strings of serials, and of a lot, that were consigned to the cabinet of that number."""
    serials = [f"{VALVE}{name}{one}" for one in range(valves)]
    lot = f"urn:epc:class:lgtin:9521141.004530.LG{name}"
    consigned(site, number, serials, lot, screws)
    return [f"(01){VALVE_GTIN}(21)G{name}{one}" for one in range(valves)], f"(01){SCREW_GTIN}(10)LG{name}"


def call(site: Site, name: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = site.request(name, method, path, json=body) if body is not None else site.request(name, method, path)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def begin(site: Site, number: int, **fields: Any) -> str:
    body = {"place": {"id": place_of(number)}, "scope": "complete"} | fields
    count_id: str = call(site, "northgate-supply", "POST", "/counts", body, 201)["id"]
    return count_id


def scan(site: Site, count_id: str, *scans: dict[str, Any]) -> list[dict[str, Any]]:
    listed = [{"readID": f"r-{uuid4()}"} | one for one in scans]
    results: list[dict[str, Any]] = call(
        site, "northgate-supply", "POST", f"/counts/{count_id}/scans", {"scans": listed}
    )["results"]
    return results


def text(*elements: str, **more: Any) -> list[dict[str, Any]]:
    return [{"elementString": one} | more for one in elements]


def post(site: Site, count_id: str, verb: str, status: int = 200) -> Any:
    return call(site, "northgate-supply", "POST", f"/counts/{count_id}/{verb}", status=status)


def lines(body: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {
        (line["serial"] or line["lot"]): (line["kind"], line["booked"], line["counted"])
        for part in body["parts"]
        for line in part["lines"]
    }


def agree(site: Site, number: int, **counts: Any) -> str:
    """An agreement in force for one cabinet alone."""
    agreement_id = f"https://example.org/agreement/COUNT-{number}"
    agreed = terms(
        agreement_id, sites=[place_of(number)], lines=[{"gtin": VALVE_GTIN}, {"gtin": SCREW_GTIN}],
        counts={"recountAt": 1, "blind": False} | counts,
    )  # fmt: skip
    call(site, "cordia", "POST", "/agreements", agreed, 201)
    call(site, "northgate-supply", "POST", "/agreements/sign", {"agreementID": agreement_id, "version": 1})
    return agreement_id


def test_a_serial_read_twice_counts_once_and_labels_of_a_lot_add_up(world: Site) -> None:
    """Rejects a count that adds up reads of a serial, and one that takes two packs of a lot for one."""
    valves, screw = shelf(world, 1100, "K", screws=4)
    count_id = begin(world, 1100)
    outcomes = [one["outcome"] for one in scan(world, count_id, *text(*valves, valves[0]))]
    assert outcomes == ["counted", "counted", "counted", "counted_before"]
    outcomes = [one["outcome"] for one in scan(world, count_id, *text(screw, screw), *text(screw, quantity=2))]
    assert outcomes == ["counted", "added", "added"]
    closed = post(world, count_id, "close")
    assert lines(closed) == {
        "GK0": ("agrees", "1", "1"), "GK1": ("agrees", "1", "1"), "GK2": ("agrees", "1", "1"),
        "LGK": ("agrees", "4", "4"),
    }  # fmt: skip
    assert closed["parts"][0]["variance"] == "0"
    finished = post(world, count_id, "finish")
    (event_id,) = finished["parts"][0]["eventIDs"]
    (event,) = [one for one in world.events("cordia") if one["eventID"] == event_id]
    assert (event["bizStep"], event["mcx:countScope"]) == ("cycle_counting", "complete")
    assert event["mcx:count"] == f"urn:epcglobal:cbv:bt:4012345000009:CC-{count_id}"
    assert len(event["epcList"]) == 3
    assert event["quantityList"][0]["quantity"] == 4
    assert event["eventTime"] == finished["countedAt"]
    again = post(world, count_id, "finish")
    assert again["parts"] == finished["parts"]


def test_a_read_taken_back_does_not_count_and_does_not_come_back_when_sent_again(world: Site) -> None:
    valves, screw = shelf(world, 1200, "L", screws=1, valves=1)
    count_id = begin(world, 1200)
    scan(world, count_id, {"readID": "wrong-1", "elementString": screw}, *text(valves[0]))
    for _ in range(2):
        assert world.request("northgate-supply", "DELETE", f"/counts/{count_id}/scans/wrong-1").status_code == 204
    (again,) = scan(world, count_id, {"readID": "wrong-1", "elementString": screw})
    assert again["outcome"] == "undone"
    assert world.request("northgate-supply", "DELETE", f"/counts/{count_id}/scans/none-1").status_code == 404
    assert lines(post(world, count_id, "close"))["LGL"] == ("missing", "1", "0")


def test_unknown_misplaced_and_foreign_items_are_told_label_by_label(world: Site) -> None:
    valves, _ = shelf(world, 1300, "M", valves=1)
    other, _ = shelf(world, 1400, "N", valves=1)
    count_id = begin(world, 1300, supplier=CORDIA)
    told = scan(
        world, count_id, *text(valves[0], other[0], f"(01){VALVE_GTIN}(21)NEVER-SEEN", "(01)09506000134352(21)H1"),
        *text("(01)09521141010236(21)X"), *text("hello"),
    )  # fmt: skip
    codes = [[finding["code"] for finding in one["findings"]] for one in told]
    assert codes[0] == ["expired"]
    assert codes[1] == ["wrong_place", "expired"]
    assert "CAB14" in told[1]["findings"][0]["message"]
    assert codes[2] == ["unknown_item"]
    assert codes[3] == ["unknown_item", "foreign_supplier"]
    assert [one["outcome"] for one in told[4:]] == ["refused", "refused"]
    closed = post(world, count_id, "close")
    parts = {part["supplier"]: part for part in closed["parts"]}
    assert (parts[CORDIA]["scope"], parts[HELIX]["scope"]) == ("complete", "partial")
    assert lines(closed)["GN0"] == ("wrong_place", "0", "1")
    assert lines(closed)["NEVER-SEEN"] == ("unexpected", "0", "1")


def test_a_blind_count_shows_no_figure_of_the_book_before_its_variance_stands(world: Site) -> None:
    """Rejects a page that tells the counter how many to find, be it by a list, a hint or the first round's variance."""
    valves, screw = shelf(world, 1500, "P", screws=7, valves=2)
    elsewhere, _ = shelf(world, 1600, "Q", valves=1)
    agree(world, 1500, blind=True)
    count_id = begin(world, 1500)
    (told,) = scan(world, count_id, *text(elsewhere[0]))
    assert "CAB16" not in str(told)
    scan(world, count_id, *text(valves[0]), *text(screw, quantity=6))
    shown = call(world, "northgate-supply", "GET", f"/counts/{count_id}")
    assert shown["blind"] is True
    assert "book" not in shown
    assert shown["parts"] == []
    closed = post(world, count_id, "close")
    assert (closed["recountRequired"], closed["parts"]) == (True, [])
    assert closed["recount"] == [VALVE_GTIN, SCREW_GTIN]
    post(world, count_id, "finish", 409)
    post(world, count_id, "recount")
    scan(world, count_id, *text(*valves), *text(screw, quantity=7))
    closed = post(world, count_id, "close")
    assert closed["recountRequired"] is False
    assert lines(closed) == {
        "GP0": ("agrees", "1", "1"), "GP1": ("agrees", "1", "1"), "LGP": ("agrees", "7", "7"),
    }  # fmt: skip


def test_a_variance_at_the_threshold_is_counted_again_before_it_is_final(world: Site) -> None:
    """Rejects a recount that adds to the first round, and one that asks again for ever."""
    valves, screw = shelf(world, 1700, "R", screws=9, valves=2)
    agree(world, 1700, recountAt=2)
    count_id = begin(world, 1700)
    scan(world, count_id, *text(*valves), *text(screw, quantity=7))
    closed = post(world, count_id, "close")
    assert (closed["recountRequired"], closed["recount"]) == (True, [SCREW_GTIN])
    post(world, count_id, "recount")
    (outside,) = scan(world, count_id, *text(valves[0]))
    assert outside["outcome"] == "refused"
    assert "not_in_recount" in [one["code"] for one in outside["findings"]]
    scan(world, count_id, *text(screw, quantity=6))
    closed = post(world, count_id, "close")
    assert lines(closed)["LGR"] == ("missing", "9", "6")
    finished = post(world, count_id, "finish")
    assert (finished["parts"][0]["rounds"], finished["parts"][0]["variance"]) == (2, "3")
    # The book stands: only an agreed event changes it.
    rows = world.get("cordia", "/consignment/stock?perPage=1000&lot=LGR")["items"]
    assert [row["quantity"] for row in rows if row["place"] == place_of(1700)] == ["9"]
    ghosts = world.get("cordia", f"/consignment/ghosts?place={place_of(1700)}")["ghosts"]
    assert [(one["lot"], one["quantity"]) for one in ghosts] == [("LGR", "3")]


def test_a_shared_cabinet_gives_each_supplier_an_event_and_a_variance_of_its_own(world: Site) -> None:
    """Rejects one event for a shared cabinet, and a scope that names another supplier's products."""
    valves, _ = shelf(world, 1800, "S", valves=2)
    agreed = {"owner": HELIX, "consignee": NORTHGATE}
    assert world.request("admin", "POST", "/admin/consignments", json=agreed).status_code in {200, 201}
    received = {
        "action": "receive", "place": {"id": place_of(1800)}, "counterparty": HELIX,
        "items": [{"elementString": "(01)09506000134352(21)H18"}],
    }  # fmt: skip
    call(world, "northgate-supply", "POST", "/consignment/actions", received, 201)
    count_id = begin(world, 1800)
    scan(world, count_id, *text(valves[0], "(01)09506000134352(21)H18"))
    post(world, count_id, "close")
    hidden = world.request("cordia", "GET", f"/counts/{count_id}")
    absent = world.request("cordia", "GET", f"/counts/{count_id[:-4]}0000")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    finished = post(world, count_id, "finish")
    by_supplier = {part["supplier"]: part for part in finished["parts"]}
    assert set(by_supplier) == {CORDIA, HELIX}
    for name, own, other in (("cordia", CORDIA, "0950600"), ("rival-supplier", HELIX, "0952114")):
        body = call(world, name, "GET", f"/counts/{count_id}")
        assert [part["supplier"] for part in body["parts"]] == [own]
        listed = call(world, name, "GET", "/counts/variances")["variances"]
        assert by_supplier[own] in listed
        events = [one for one in world.events(name) if one["eventID"] in by_supplier[own]["eventIDs"]]
        assert len(events) == 1
        assert other not in str((body, listed, events))


def test_an_empty_shelf_is_counted_by_an_event_that_its_supplier_sees(world: Site) -> None:
    valves, _ = shelf(world, 1900, "T", screws=2, valves=1)
    count_id = begin(world, 1900)
    path = f"/counts/{count_id}/close"
    assert "proves nothing" in call(world, "northgate-supply", "POST", path, {}, 400)["detail"]
    call(world, "northgate-supply", "POST", path, {"nothingFound": True})
    part = post(world, count_id, "finish")["parts"][0]
    (event,) = [one for one in world.events("cordia") if one["eventID"] == part["eventIDs"][0]]
    assert event["epcList"] == []
    assert event["mcx:countGTINs"] == [f"https://id.gs1.org/01/{gtin}" for gtin in (VALVE_GTIN, SCREW_GTIN)]
    ghosts = world.get("cordia", f"/consignment/ghosts?place={place_of(1900)}")["ghosts"]
    assert sorted(one["serial"] or one["lot"] for one in ghosts) == ["GT0", "LGT"]
    assert valves


@pytest.mark.parametrize("scope", ["partial", None])
def test_a_count_without_a_complete_scope_proves_no_absence_and_says_so(world: Site, scope: str | None) -> None:
    number, name = (2000, "U") if scope else (2100, "V")
    valves, screw = shelf(world, number, name)
    fields = {"scope": scope} if scope else {}
    body = {"place": {"id": place_of(number)}} | fields
    begun = call(world, "northgate-supply", "POST", "/counts", body, 201)
    assert "proves nothing" in begun["note"]
    scan(world, begun["id"], *text(valves[0]), *text(screw, quantity=2))
    closed = post(world, begun["id"], "close")
    assert lines(closed) == {f"G{name}0": ("agrees", "1", "1"), f"LG{name}": ("seen", "5", "2")}
    assert closed["parts"][0]["variance"] == "0"
    (event_id,) = post(world, begun["id"], "finish")["parts"][0]["eventIDs"]
    (event,) = [one for one in world.events("cordia") if one["eventID"] == event_id]
    assert event.get("mcx:countScope") == scope
    assert world.get("cordia", f"/consignment/ghosts?place={place_of(number)}")["ghosts"] == []


def test_a_whole_count_sent_twice_is_one_count_judged_by_the_book_of_its_time(world: Site) -> None:
    """Rejects a count sent after the fact that is compared with today's book, and a retry that counts lots again."""
    valves, screw = shelf(world, 2200, "W", screws=6, valves=2)
    used = {
        "action": "use", "place": {"id": f"{HOSPITAL}/254/OR3"}, "from": {"id": place_of(2200)}, "useType": "consumed",
        "items": [{"elementString": screw, "quantity": 2}, {"elementString": valves[0]}],
    }  # fmt: skip
    call(world, "northgate-clinical", "POST", "/consignment/actions", used, 201)
    count_id = str(uuid4())
    sent = {
        "id": count_id, "place": {"id": place_of(2200)}, "scope": "complete", "countedAt": "2026-03-05T09:00:00Z",
        "finish": True, "scans": [
            {"readID": f"{count_id[:8]}-{number}", "readAt": "2026-03-05T08:59:00Z"} | one
            for number, one in enumerate([*text(*valves), *text(screw, quantity=6)])
        ],
    }  # fmt: skip
    first = call(world, "northgate-supply", "POST", "/counts", sent, 201)
    assert {kind for kind, _, _ in lines(first).values()} == {"agrees"}, lines(first)
    assert first["state"] == "finished"
    again = call(world, "northgate-supply", "POST", "/counts", sent, 201)
    assert again["parts"] == first["parts"]
    assert {one["outcome"] for one in again["results"]} == {"sent_before"}
    events = [one for one in world.events("cordia") if one.get("mcx:count", "").endswith(count_id)]
    assert [one["eventTime"] for one in events] == ["2026-03-05T09:00:00.000Z"]
    other = sent | {"place": {"id": place_of(2300)}}
    call(world, "northgate-supply", "POST", "/counts", other, 409)


def test_a_count_is_its_organisations_own_and_ends_where_it_is_abandoned(world: Site) -> None:
    count_id = begin(world, 2400)
    for method, path in (("GET", ""), ("POST", "/close"), ("POST", "/finish"), ("POST", "/abandon")):
        assert world.request("cordia", method, f"/counts/{count_id}{path}").status_code == 404
    assert cabinet(2400).endswith("CAB24")
    assert post(world, count_id, "abandon")["state"] == "abandoned"
    new = {"scans": [{"readID": "late-1", "elementString": f"(01){VALVE_GTIN}(21)LATE"}]}
    call(world, "northgate-supply", "POST", f"/counts/{count_id}/scans", new, 409)
    post(world, count_id, "finish", 409)
    listed = {one["id"]: one["state"] for one in call(world, "northgate-clinical", "GET", "/counts")["counts"]}
    assert listed[count_id] == "abandoned"
