"""Orders and the receipts that phones make, which name no papers."""

from typing import Any

from api.conftest import Site
from api.flows import CABINET, DC, capture, event, serial
from api.test_agreements import CORDIA, NORTHGATE, VALVE, propose, sign, terms
from api.test_replenishment import state_empty


def orders(site: Site) -> list[tuple[str, str, str]]:
    """State, shipped and received of each order."""
    found: list[dict[str, Any]] = site.get("northgate-supply", "/replenishment/orders")["orders"]
    return [(one["state"], one["shipped"], one["received"]) for one in found]


def test_a_receipt_that_names_no_paper_brings_what_was_shipped_for_the_order(site: Site) -> None:
    """Rejects receipts found by their papers alone: the goods would count as stock and as on their way, and the order
    would stay open for ever, so that nothing is ordered any more.
    """
    line = {
        "gtin": VALVE,
        "billMode": "bill_only",
        "par": [{"place": CABINET, "minimum": 1, "maximum": 2}],
    }
    body = terms(lines=[line])
    assert propose(site, "cordia", body).status_code == 201
    assert sign(site, "northgate-supply", body["agreementID"]).status_code == 200
    state_empty(site, CABINET)
    (order,) = site.request("northgate-supply", "POST", "/replenishment/orders", json={}).json()["orders"]
    goods = {"epcList": [serial(VALVE, number)["epcList"][0] for number in ("P1", "P2")]}
    made = event(0, "commissioning", action="ADD", bizLocation={"id": DC}, **goods)
    sent = {
        "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "owning_party", "source": CORDIA}],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE},
            {"type": "owning_party", "destination": CORDIA},
        ],
        "bizTransactionList": [{"type": "po", "bizTransaction": order["transactionID"]}],
    }
    capture(site, "cordia", made, event(0, "shipping", disposition="in_transit", readPoint={"id": DC}, **goods, **sent))
    assert orders(site) == [("sent", "2", "0")]
    for number, state in (("P1", ("partly_received", "2", "1")), ("P1", ("partly_received", "2", "1"))):
        scan = {"action": "receive", "place": {"id": CABINET}, "items": [{"epc": serial(VALVE, number)["epcList"][0]}]}
        assert site.request("northgate-supply", "POST", "/consignment/actions", json=scan).status_code == 201
        assert orders(site) == [state]
    scan = {"action": "receive", "place": {"id": CABINET}, "items": [{"epc": serial(VALVE, "P2")["epcList"][0]}]}
    assert site.request("northgate-supply", "POST", "/consignment/actions", json=scan).status_code == 201
    assert orders(site) == [("received", "2", "2")]
    (position,) = site.get("northgate-supply", "/replenishment/proposals")["positions"]
    assert (position["usable"], position["inTransit"], position["onOrder"]) == ("2", "0", "0")
