"""Receipts by phone: with the number of their order, and with no papers at all; levels and the alerts about them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.test_agreements import terms
from api.test_replenishment import (
    SCREW_GTIN,
    VALVE_GTIN,
    agree,
    consigned,
    order,
    orders,
    proposals,
    room,
    state_empty,
    use,
    within,
)


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def received(site: Site, place: str, lot: str, quantity: int, status: int = 201, **more: Any) -> Any:
    """Screws of a lot received by phone."""
    item = {"elementString": f"(01){SCREW_GTIN}(17)301231(10){lot}", "quantity": quantity}
    body = {"action": "receive", "place": {"id": place}, "items": [item]} | more
    answer = site.request("northgate-supply", "POST", "/consignment/actions", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def states(site: Site, name: str = "northgate-supply") -> dict[str, tuple[str, str]]:
    return {one["number"]: (one["state"], one["received"]) for one in orders(site, name)}


def test_a_receipt_without_papers_closes_the_oldest_order_that_it_satisfies_and_no_other(empty: Site) -> None:
    """Rejects an order that stays open because a phone names none, one receipt for two orders, before and after the
    first of them is closed, and goods of another place or product taken for it.
    """
    near, far, dock = room("NEAR"), room("FAR"), room("DOCK1")
    agree(empty, (near, 2, 6), (far, 2, 6))
    state_empty(empty, near, far)
    made = {one["place"]: one["number"] for one in order(empty)}
    received(empty, far, "LA", 6)
    assert states(empty) == {made[near]: ("sent", "0"), made[far]: ("received", "6")}
    assert states(empty, "cordia") == states(empty)
    # Looking again, and another order for the same place, take nothing from a receipt that is spent.
    use(empty, 700, far, "LA", 5, day=6)
    assert states(empty)[made[near]] == ("sent", "0")
    # A dock has no level: what came there without papers came for the order of the site.
    received(empty, dock, "LB", 4)
    assert states(empty)[made[near]] == ("partly_received", "4")
    received(empty, dock, "LC", 2)
    assert states(empty)[made[near]] == ("received", "6")
    (found,) = [one for one in orders(empty, "cordia") if one["number"] == made[near]]
    told = [(one["what"], one["note"]) for one in found["history"]]
    assert [what for what, _ in told if what != "closed"] == ["ordered", "sent", "received", "received"]
    assert "no papers: the oldest open order that it satisfied" in {note for _, note in told}
    assert orders(empty, "rival-supplier") == []


def test_one_receipt_of_two_products_counts_for_one_order_of_each(site: Site) -> None:
    """Rejects goods of the second product lost with the order that the first one has closed."""
    near = room("NEAR")
    level = [{"place": near, "minimum": 1, "maximum": 3}]
    agree(site, (near, 2, 6))
    lines = [{"gtin": one, "billMode": "bill_only", "par": level} for one in (VALVE_GTIN, SCREW_GTIN)]
    body = terms("https://example.org/agreement/RE-1", lines=lines)
    assert site.request("cordia", "POST", "/agreements", json=body).status_code == 201
    signed = {"agreementID": body["agreementID"], "version": 2}
    assert site.request("northgate-supply", "POST", "/agreements/sign", json=signed).status_code == 200
    state_empty(site, near)
    made = {one["gtin"]: one["number"] for one in order(site)}
    valves = [{"elementString": f"(01){VALVE_GTIN}(21)W{number}"} for number in range(3)]
    screws = {"elementString": f"(01){SCREW_GTIN}(10)L1", "quantity": 3}

    def receive(*items: dict[str, Any]) -> None:
        scan = {"action": "receive", "place": {"id": near}, "items": list(items)}
        assert site.request("northgate-supply", "POST", "/consignment/actions", json=scan).status_code == 201

    receive(screws, *valves[:2])
    for _ in range(2):
        told = {made[VALVE_GTIN]: ("partly_received", "2"), made[SCREW_GTIN]: ("received", "3")}
        assert states(site) == told
        within(lambda: [one for one in orders(site) if one["closedAt"] is not None])
    receive(valves[2])
    assert states(site) == dict.fromkeys(made.values(), ("received", "3"))
    within(lambda: [1] if all(one["closedAt"] for one in orders(site)) else [])
    assert states(site) == dict.fromkeys(made.values(), ("received", "3"))


def test_a_receipt_that_names_its_order_is_that_orders_alone(empty: Site) -> None:
    """Rejects the oldest order closed where the phone says which one it is, and a number written in two ways."""
    near, far = room("NEAR"), room("FAR")
    agree(empty, (near, 2, 6), (far, 2, 6))
    state_empty(empty, near, far)
    made = {one["place"]: one for one in order(empty)}
    answer = received(empty, far, "LA", 6, purchaseOrder=made[far]["number"], despatchAdvice="ASN-7")
    papers = {one["type"]: one["bizTransaction"] for one in answer["event"]["bizTransactionList"]}
    assert papers == {"po": made[far]["transactionID"], "desadv": "urn:epcglobal:cbv:bt:9521141000007:ASN-7"}
    assert states(empty) == {made[near]["number"]: ("sent", "0"), made[far]["number"]: ("received", "6")}
    received(empty, far, "LB", 6, purchaseOrder=made[near]["transactionID"])
    assert states(empty)[made[near]["number"]] == ("received", "6")
    moved = {"action": "transfer", "purchaseOrder": "RO-1", "place": {"id": near}, "items": [{"epc": "urn:x"}]}
    assert empty.request("northgate-supply", "POST", "/consignment/actions", json=moved).status_code == 400


def test_the_alert_below_par_stands_exactly_as_long_as_something_is_to_be_proposed(empty: Site) -> None:
    """Rejects an alert that an open order does not end, and one that a cancelled order leaves ended."""
    shelf = room("SHELF")
    consigned(empty, 100, shelf, "R1", 6)
    agree(empty, (shelf, 2, 6))

    def below() -> list[str]:
        for name in ("cordia", "northgate-supply"):
            found = [one["place"] for one in empty.get(name, "/alerts?kind=below_par")["alerts"]]
            assert bool(found) == bool(proposals(empty, name))
        return found

    assert below() == []
    use(empty, 110, shelf, "R1", 4)
    assert below() == [shelf]
    (sent,) = order(empty)
    assert below() == []
    path = f"/replenishment/orders/{sent['number']}/cancel"
    assert empty.request("cordia", "POST", path, json={"reason": "out of stock"}).status_code == 200
    assert below() == [shelf]


def test_nothing_is_ordered_for_a_place_that_nobody_has_counted(empty: Site) -> None:
    """Rejects an empty book taken for an empty shelf, a count without scope taken for a count, and a stated zero that
    is not believed.
    """
    shelf = room("SHELF")
    agree(empty, (shelf, 2, 6), billMode="bill_and_replenish")
    assert (proposals(empty), order(empty), orders(empty)) == ([], [], [])
    (position,) = empty.get("cordia", "/replenishment/proposals")["positions"]
    assert (position["stated"], position["gap"]) == (False, "0")
    assert position["note"].startswith("no count yet")
    (told,) = empty.get("cordia", "/alerts?kind=no_opening_count")["alerts"]
    assert told["place"] == shelf
    body = {"place": {"id": shelf}, "nothingFound": True, "finish": True}
    for scope in ({}, {"scope": "partial"}):
        answer = empty.request("northgate-supply", "POST", "/counts", json=body | scope)
        assert answer.status_code == 400, answer.text
    assert proposals(empty) == []
    state_empty(empty, shelf)
    assert empty.get("cordia", "/alerts?kind=no_opening_count")["alerts"] == []
    (standing,) = empty.get("cordia", "/replenishment/proposals")["positions"]
    assert (standing["stated"], standing["note"]) == (True, None)


def test_an_empty_shelf_is_stated_for_every_agreement_of_its_supplier(empty: Site) -> None:
    """Rejects a complete count that speaks for the products of one agreement alone, where a supplier has several: the
    other's level would wait for a count for ever.
    """
    shelf = room("SHELF")
    agree(empty, (shelf, 2, 6))
    agree(empty, (shelf, 1, 3), number=2, gtin=VALVE_GTIN)
    state_empty(empty, shelf)
    stated = {one["gtin"]: one["stated"] for one in empty.get("cordia", "/replenishment/proposals")["positions"]}
    assert stated == {SCREW_GTIN: True, VALVE_GTIN: True}
    assert empty.get("cordia", "/alerts?kind=no_opening_count")["alerts"] == []


def test_an_empty_shelf_is_stated_for_the_products_alone_that_were_looked_for(empty: Site) -> None:
    """Rejects a count of one product that speaks for another agreement's."""
    shelf = room("SHELF")
    agree(empty, (shelf, 2, 6))
    second = agree(empty, (shelf, 1, 3), number=2, gtin=VALVE_GTIN)
    body = {"place": {"id": shelf}, "scope": "complete", "purpose": "opening", "nothingFound": True, "finish": True}
    answer = empty.request("northgate-supply", "POST", "/counts", json=body | {"gtins": [VALVE_GTIN]})
    assert (answer.status_code, [one["agreementID"] for one in answer.json()["parts"]]) == (201, [second])
    stated = {one["gtin"]: one["stated"] for one in empty.get("cordia", "/replenishment/proposals")["positions"]}
    assert stated == {SCREW_GTIN: False, VALVE_GTIN: True}
