"""The rows of requirements on counting and replenishment, end to end over HTTP: P4, P5, C3, T2, T3."""

import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from api.conftest import BACKENDS, Site
from api.test_agreements import terms
from api.test_conflicts_and_ghosts import CORDIA, DC, NORTHGATE, VALVE, event, send
from api.test_conflicts_and_ghosts import consigned as consign_valves
from api.test_replenishment import (
    HOSPITAL,
    VALVE_GTIN,
    agree,
    consigned,
    ends,
    made,
    orders,
    papers,
    proposals,
    room,
    screws,
    state_empty,
    use,
    within,
)

SCREW_GTIN = "09521141045305"


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def call(site: Site, name: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = site.request(name, method, path, **({"json": body} if body is not None else {}))
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def label(elements: str, *, turned: float = 0, damaged: bool = False) -> Image.Image:
    """A GS1 DataMatrix of these element strings, with its quiet zone."""
    barcode = zxingcpp.create_barcode(elements, zxingcpp.BarcodeFormat.DataMatrix, gs1=True)
    modules = np.array(zxingcpp.write_barcode_to_image(barcode, scale=7, add_quiet_zones=True))
    if damaged:
        middle = modules.shape[0] // 2
        modules[middle : middle + 14, middle : middle + 14] = 255
    return Image.fromarray(modules).rotate(turned, expand=True, fillcolor=255)


def photo(*labels: Image.Image) -> bytes:
    """One picture of many labels, in rows of four."""
    sheet = Image.new("L", (1600, 400 * (1 + (len(labels) - 1) // 4)), 255)
    for number, one in enumerate(labels):
        sheet.paste(one, (30 + 400 * (number % 4), 30 + 400 * (number // 4)))
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()


def test_P4_consumption_to_the_minimum_sends_exactly_one_order_and_its_receipt_closes_it(empty: Site) -> None:
    """Rejects an order too early, one for the wrong amount, a second one after each further capture, and expired or
    recalled stock taken for usable.
    """
    shelf = room("SHELF7")
    consigned(empty, 700, shelf, "R7", 6)
    agree(empty, (shelf, 2, 6), billMode="bill_and_replenish", orderMultiple=2)
    use(empty, 710, shelf, "R7", 3)
    time.sleep(1.5)
    assert orders(empty) == []
    use(empty, 711, shelf, "R7", 1, day=6)
    (sent,) = within(lambda: orders(empty))
    assert (sent["quantity"], sent["state"], sent["automatic"]) == (4, "sent", True)
    send(empty, "northgate-supply", event(712, 7, "inspecting", place=shelf, bizLocation={"id": shelf},
                                          **screws("R7", 1)))  # fmt: skip
    time.sleep(1.5)
    assert len(orders(empty)) == 1
    named = papers(po=sent["transactionID"])
    send(
        empty,
        "cordia",
        made(713, "R7B", 4),
        event(714, 8, "shipping", place=DC, **screws("R7B", 4), **ends(shelf), **named),
    )
    arrived = {"place": shelf, "bizLocation": {"id": shelf}} | ends(shelf)
    send(empty, "northgate-supply", event(715, 9, "receiving", **screws("R7B", 4), **arrived, **named))
    (closed,) = within(lambda: [one for one in orders(empty) if one["closedAt"] is not None])
    assert (closed["state"], closed["received"], closed["closedAt"][:10]) == ("received", "4", "2026-03-09")
    # Recalled, the fresh lot is no stock any more: a new need, and one new order for it.
    notice = {"disposition": "recalled", "persistentDisposition": {"set": ["recalled"]}}
    recall = event(716, 10, "holding", quantityList=[{"epcClass": "urn:epc:class:lgtin:9521141.004530.R7B"}], **notice)
    del recall["readPoint"]
    send(empty, "cordia", recall)
    found = within(lambda: orders(empty)[:-1])
    assert [(one["quantity"], one["number"]) for one in found] == [(4, "RO-9521141000007-000002")]


def test_P5_one_photo_of_many_labels_becomes_one_count_event_with_the_right_items(empty: Site) -> None:
    """Rejects one symbol per photo, a serial counted for each of its labels, two packs of a lot taken for one, and a
    damaged or turned label that is lost without a word.
    """
    place = f"{HOSPITAL}/254/CAB1"
    consign_valves(empty, 100, [f"{VALVE}P{number}" for number in range(5)], "urn:epc:class:lgtin:9521141.004530.LP", 3)
    count = call(empty, "northgate-supply", "POST", "/counts", {"place": {"id": place}, "scope": "complete"}, 201)
    serial, lot = f"(01){VALVE_GTIN}(17)260309(21)GP", f"(01){SCREW_GTIN}(10)LP"
    picture = photo(
        label(f"{serial}0"), label(f"{serial}1", turned=35), label(f"{serial}2", damaged=True), label(f"{serial}3"),
        label(f"{serial}3"), label(lot), label(lot), label(f"(01){VALVE_GTIN}(21)NEW"),
    )  # fmt: skip
    path = f"/counts/{count['id']}/scans"
    for _ in range(2):
        answer = empty.request("northgate-supply", "POST", path, content=picture, headers={"Content-Type": "image/png"})
        assert answer.status_code == 200, answer.text
    outcomes = sorted(one["outcome"] for one in answer.json()["results"])
    assert outcomes == ["sent_before"] * 8
    closed = call(empty, "northgate-supply", "POST", f"/counts/{count['id']}/close")
    lines = {line["serial"] or line["lot"]: (line["kind"], line["counted"]) for line in closed["parts"][0]["lines"]}
    assert lines == {
        **{f"GP{number}": ("agrees", "1") for number in range(4)},
        "GP4": ("missing", "0"), "LP": ("missing", "2"), "NEW": ("unexpected", "1"),
    }  # fmt: skip
    finished = call(empty, "northgate-supply", "POST", f"/counts/{count['id']}/finish")
    (captured,) = [one for one in empty.events("cordia") if one["eventID"] in finished["parts"][0]["eventIDs"]]
    assert sorted(epc.rpartition("/")[2] for epc in captured["epcList"]) == ["GP0", "GP1", "GP2", "GP3", "NEW"]
    assert [(one["epcClass"][-2:], one["quantity"]) for one in captured["quantityList"]] == [("LP", 2)]


def whole_count(site: Site, place: str, elements: list[str], day: int, counted_at: str | None = None) -> dict[str, Any]:
    sent = {
        "place": {"id": place}, "scope": "complete", "finish": True,
        "countedAt": counted_at or f"2026-03-{day:02d}T12:00:00Z",
        "scans": [{"readID": f"read-{day}-{number}", "elementString": one} for number, one in enumerate(elements)],
    }  # fmt: skip
    counted: dict[str, Any] = call(site, "northgate-supply", "POST", "/counts", sent, 201)
    assert counted["state"] == "finished", counted
    return counted


def ghosts(site: Site, name: str, place: str) -> dict[str, int]:
    found = site.get(name, f"/consignment/ghosts?place={place}")["ghosts"]
    return {one["serial"] or one["lot"]: one["ageDays"] for one in found}


def owned_by(site: Site, name: str) -> list[tuple[str | None, str]]:
    moved = site.get(name, "/consignment/ownership-transfers?perPage=1000")["transfers"]
    return sorted((one["serial"] or one["lot"], one["quantity"]) for one in moved)


def test_C3_a_missing_item_is_a_ghost_to_both_until_found_or_written_off_by_agreement(empty: Site) -> None:
    """Rejects a count that changes the book, a write-off by one side alone, one before the time to find it is over,
    one of what was found meanwhile, and a charge beyond the agreement's tolerance and liability.
    """
    place = f"{HOSPITAL}/254/CAB1"
    serials = [f"{VALVE}C{number}" for number in range(16)]
    lot = "urn:epc:class:lgtin:9521141.004530.LC"
    consign_valves(empty, 100, serials, lot, 10)
    agreed = terms(
        lines=[{"gtin": VALVE_GTIN}, {"gtin": SCREW_GTIN, "prices": [{"amount": "12.50", "currency": "EUR"}]}],
        counts={"recountAt": 99, "blind": False}, loss={"liable": "hospital", "toleranceUnits": 1, "graceDays": 30},
    )  # fmt: skip
    call(empty, "cordia", "POST", "/agreements", agreed, 201)
    call(empty, "northgate-supply", "POST", "/agreements/sign", {"agreementID": agreed["agreementID"], "version": 1})
    seen = [f"(01){VALVE_GTIN}(21)GC{number}" for number in range(14)] + [f"(01){SCREW_GTIN}(10)LC"] * 8
    counted = whole_count(empty, place, seen, 20)
    assert counted["parts"][0]["variance"] == "4"
    for name in ("cordia", "northgate-clinical"):
        found = ghosts(empty, name, place)
        assert set(found) == {"GC14", "GC15", "LC"}
        assert min(found.values()) > 30
    assert empty.get("rival-supplier", "/consignment/ghosts")["ghosts"] == []
    # One is found again, and is no ghost any more.
    send(
        empty,
        "northgate-clinical",
        event(150, 25, "stocking", epcList=[serials[15]], bizLocation={"id": place}, place=place),
    )
    item = f"https://id.gs1.org/01/{VALVE_GTIN}/21/GC"
    screw = f"https://id.gs1.org/01/{SCREW_GTIN}/10/LC"
    asked = {"place": {"id": place}, "items": [{"item": f"{item}14"}, {"item": screw}]}
    refused = asked | {"items": [{"item": f"{item}15"}]}
    assert "miss none" in str(call(empty, "cordia", "POST", "/write-offs", refused, 400))
    call(empty, "rival-supplier", "POST", "/write-offs", asked, 400)
    proposed = call(empty, "cordia", "POST", "/write-offs", asked, 201)
    assert (proposed["state"], proposed["payer"]) == ("proposed", "hospital")
    assert [(one["quantity"], one["charged"]) for one in proposed["items"]] == [("1", "0"), ("2", "2")]
    path = f"/write-offs/{proposed['id']}/accept"
    call(empty, "cordia", "POST", path, status=403)
    call(empty, "rival-supplier", "POST", path, status=404)
    assert set(ghosts(empty, "cordia", place)) == {"GC14", "LC"}
    (standing,) = empty.get("cordia", "/consignment/conflicts?kind=count_variance")["conflicts"]
    assert "8 where the book has 10" in standing["message"]
    accepted = call(empty, "northgate-supply", "POST", path)
    assert (accepted["state"], len(accepted["eventIDs"])) == ("accepted", 2)
    for name in ("cordia", "northgate-clinical"):
        assert empty.get(name, "/consignment/conflicts?kind=count_variance")["conflicts"] == []
    assert call(empty, "northgate-supply", "POST", path) == accepted
    for name in ("cordia", "northgate-clinical"):
        assert ghosts(empty, name, place) == {}
        assert owned_by(empty, name) == [("LC", "2")]
        (told,) = call(empty, name, "GET", "/write-offs")["writeOffs"]
        assert told == accepted | {"charges": told["charges"]}
        # What it costs is for roles that see prices.
        assert told["charges"] == ([{"amount": "25.00", "currency": "EUR"}] if name == "cordia" else None)
    rows = empty.get("cordia", f"/consignment/stock?perPage=1000&place={place}")["items"]
    assert sum(float(row["quantity"]) for row in rows) == 15 + 8
    assert call(empty, "rival-supplier", "GET", "/write-offs")["writeOffs"] == []
    # What is found while a proposal waits is cleared, not written off.
    whole_count(empty, place, seen[:13] + seen[14:], 27)
    again = call(empty, "northgate-supply", "POST", "/write-offs", asked | {"items": [{"item": f"{item}13"}]}, 201)
    send(
        empty,
        "northgate-clinical",
        event(160, 28, "stocking", epcList=[serials[13]], bizLocation={"id": place}, place=place),
    )
    call(empty, "cordia", "POST", f"/write-offs/{again['id']}/accept", status=409)
    (cleared,) = [one for one in call(empty, "cordia", "GET", "/write-offs")["writeOffs"] if one["id"] == again["id"]]
    assert (cleared["state"], cleared["eventIDs"]) == ("cleared", [])
    # A proposal may be withdrawn or declined once, and one that nobody answered in time is no offer any more.
    whole_count(empty, place, seen[:11] + seen[12:], 27, "2026-03-27T18:00:00Z")
    named = asked | {"items": [{"item": f"{item}11"}]}
    for name, state in (("cordia", "withdrawn"), ("northgate-supply", "declined")):
        open_ = call(empty, "cordia", "POST", "/write-offs", named, 201)
        # The same goods are proposed once at a time, by whichever side.
        assert open_["id"] in str(call(empty, "northgate-supply", "POST", "/write-offs", named, 409))
        path, said = f"/write-offs/{open_['id']}/decline", {"reason": "It lies in theatre 4"}
        if state == "declined":
            for wrong in ({}, {"reason": "  "}):
                assert "reason is empty" in str(call(empty, name, "POST", path, wrong, 400))
            assert "patient" in str(call(empty, name, "POST", path, {"reason": "(8018)401234500000123452"}, 400))
        ended = call(empty, name, "POST", path, said if state == "declined" else None)
        assert (ended["state"], ended["eventIDs"]) == (state, [])
        assert ended["answerReason"] == (said["reason"] if state == "declined" else None)
        both = [call(empty, one, "GET", "/write-offs")["writeOffs"] for one in ("cordia", "northgate-supply")]
        assert {one["answerReason"] for found in both for one in found if one["id"] == open_["id"]} == {
            ended["answerReason"]
        }
        call(empty, "northgate-supply", "POST", f"/write-offs/{open_['id']}/accept", status=409)
    call(empty, "cordia", "POST", "/agreements", agreed | {"data": {"disputeDays": 0}}, 201)
    call(empty, "northgate-supply", "POST", "/agreements/sign", {"agreementID": agreed["agreementID"], "version": 2})
    late = call(empty, "cordia", "POST", "/write-offs", named, 201)
    assert late["answerBy"] == late["proposedAt"]
    assert "expired" in str(call(empty, "northgate-supply", "POST", f"/write-offs/{late['id']}/accept", status=409))
    (told,) = [one for one in call(empty, "cordia", "GET", "/write-offs")["writeOffs"] if one["id"] == late["id"]]
    assert (told["state"], told["eventIDs"]) == ("expired", [])
    # What a count of today misses may still be found.
    today = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    whole_count(empty, place, seen[:12] + seen[13:], 29, today)
    fresh = asked | {"items": [{"item": f"{item}12"}]}
    assert "time to find it" in str(call(empty, "cordia", "POST", "/write-offs", fresh, 409))


def test_T3_an_expiring_valve_moves_to_the_ward_that_needs_one_before_any_is_ordered(empty: Site) -> None:
    """Rejects an order while a valve expires unused next door, the later expiry taken first, and a proposal that
    stands after it was carried out.
    """
    near, ward_b = f"{HOSPITAL}/254/CAB1", room("WARDB")
    consign_valves(empty, 100, [f"{VALVE}T{number}" for number in range(2)], "urn:epc:class:lgtin:9521141.004530.LT", 1)
    soon = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    valve = f"{VALVE}SOON"
    at_dc = {"action": "ADD", "place": DC, "bizLocation": {"id": DC}}
    fields = {"ilmd": {"cbvmda:itemExpirationDate": soon, "cbvmda:lotNumber": "S"}}
    late = {"ilmd": {"cbvmda:itemExpirationDate": "2035-01-31", "cbvmda:lotNumber": "L"}}
    send(
        empty, "cordia",
        event(150, 1, "commissioning", **at_dc, epcList=[valve], **fields),
        event(151, 1, "commissioning", **at_dc, epcList=[f"{VALVE}LATE"], **late),
        event(152, 2, "shipping", place=DC, epcList=[valve, f"{VALVE}LATE"], **ends(near)),
    )  # fmt: skip
    received = event(
        153, 3, "receiving", place=near, epcList=[valve, f"{VALVE}LATE"], bizLocation={"id": near}, **ends(near)
    )
    send(empty, "northgate-supply", received)
    agree(empty, (near, 0, 4), (ward_b, 0, 1), gtin=VALVE_GTIN)
    assert proposals(empty) == []
    state_empty(empty, ward_b)
    for name in ("cordia", "northgate-supply"):
        (move,) = proposals(empty, name)
        assert (move["kind"], move["from"], move["place"]) == ("transfer", near, ward_b)
        assert [(one["item"].rpartition("/")[2], one["expiry"]) for one in move["items"]] == [("GSOON", soon)]
    assert call(empty, "northgate-supply", "POST", "/replenishment/orders", {}, 201)["orders"] == []
    call(empty, "northgate-clinical", "POST", "/consignment/actions", move["action"], 201)
    assert proposals(empty) == []
    gaps = {one["place"]: one["gap"] for one in empty.get("cordia", "/replenishment/proposals")["positions"]}
    assert gaps == {near: "0", ward_b: "0"}


def test_T2_configurations_are_ranked_by_their_uses_against_the_period_before(site: Site) -> None:
    """Rejects trends by GTIN alone, and a new product's growth told as a share of nothing."""
    shelf = room("SHELF8")
    lines = [
        {"gtin": VALVE_GTIN, "family": "Aortic valve", "size": "23 mm"},
        {"gtin": "09521141010259", "family": "Aortic valve", "size": "25 mm"},
        {"gtin": "09521141060001"},
    ]
    agreed = terms(lines=lines)
    assert site.request("cordia", "POST", "/agreements", json=agreed).status_code == 201
    body = {"agreementID": agreed["agreementID"], "version": 1}
    assert site.request("northgate-supply", "POST", "/agreements/sign", json=body).status_code == 200
    now = datetime.now(UTC)
    uses = [("001023", 45, 2), ("001023", 5, 4), ("001025", 40, 5), ("001025", 3, 1), ("006000", 2, 3)]
    for number, (product, days_ago, quantity) in enumerate(uses):
        lot = f"urn:epc:class:lgtin:9521141.{product}.T{number}"
        lots = {"quantityList": [{"epcClass": lot, "quantity": quantity}]}
        fields = {"eventTime": (now - timedelta(days=days_ago + 20)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        at_dc = {"action": "ADD", "place": DC, "bizLocation": {"id": DC}}
        send(site, "cordia",
             event(800 + number * 10, 1, "creating_class_instance", **at_dc, **lots) | fields,
             event(801 + number * 10, 1, "shipping", place=DC, **lots, **ends(shelf)) | fields)  # fmt: skip
        used = {"eventTime": (now - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        passes = {
            "sourceList": [{"type": "owning_party", "source": CORDIA}],
            "destinationList": [{"type": "owning_party", "destination": NORTHGATE}],
        }
        kind = {"disposition": "dispensed", "mcx:useType": "implanted"}
        send(site, "northgate-clinical",
             event(802 + number * 10, 1, "dispensing", place=shelf, **lots, **passes, **kind) | used)  # fmt: skip
    for name in ("cordia", "northgate-supply"):
        trends = site.get(name, "/consignment/usage-trends?days=30")["trends"]
        told = [(one["family"], one["size"], one["uses"], one["usesBefore"], one["direction"]) for one in trends]
        assert told == [
            ("09521141060001", None, "3", "0", "up"),
            ("Aortic valve", "23 mm", "4", "2", "up"),
            ("Aortic valve", "25 mm", "1", "5", "down"),
        ]
        assert [one["change"] for one in trends] == [None, "1.000", "-0.800"]
    assert site.get("rival-supplier", "/consignment/usage-trends?days=30")["trends"] == []
