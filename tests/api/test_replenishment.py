"""Replenishment over HTTP on both databases: proposals, orders, their documents and their end; trends of use."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from api.conftest import BACKENDS, Site
from api.test_agreements import terms
from api.test_conflicts_and_ghosts import CORDIA, DC, NORTHGATE, event, send

HOSPITAL = "https://id.gs1.org/414/4012345000016"
SUPPLIER_ID, HOSPITAL_ID = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/4012345000009"
VALVE_GTIN, SCREW_GTIN = "09521141010235", "09521141045305"
ORDER = "{urn:gs1:ecom:order:xsd:3}"
SBDH = "{http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader}"


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def room(name: str) -> str:
    return f"{HOSPITAL}/254/{name}"


def ends(place: str) -> dict[str, Any]:
    return {
        "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "owning_party", "source": CORDIA}],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE}, {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": place},
        ],
    }  # fmt: skip


def papers(**named: str) -> dict[str, Any]:
    return {"bizTransactionList": [{"type": kind, "bizTransaction": name} for kind, name in named.items()]}


def screws(lot: str, quantity: int) -> dict[str, Any]:
    return {"quantityList": [{"epcClass": f"urn:epc:class:lgtin:9521141.004530.{lot}", "quantity": quantity}]}


def made(number: int, lot: str, quantity: int, expiry: str = "2029-12-31") -> dict[str, Any]:
    return event(
        number, 1, "creating_class_instance", action="ADD", place=DC, bizLocation={"id": DC}, **screws(lot, quantity),
        ilmd={"cbvmda:itemExpirationDate": expiry},
    )  # fmt: skip


def consigned(site: Site, number: int, place: str, lot: str, quantity: int, **fields: Any) -> None:
    """Screws of a lot, made and shipped by the supplier, and received at a place of the hospital."""
    expiry = fields.pop("expiry", "2029-12-31")
    shipped = event(number + 1, 2, "shipping", place=DC, **screws(lot, quantity), **ends(place), **fields)
    send(site, "cordia", made(number, lot, quantity, expiry), shipped)
    received = {"place": place, "bizLocation": {"id": place}} | ends(place) | fields
    send(site, "northgate-supply", event(number + 2, 3, "receiving", **screws(lot, quantity), **received))


def use(site: Site, number: int, place: str, lot: str, quantity: int, day: int = 5, **more: Any) -> None:
    passes = {
        "sourceList": [{"type": "owning_party", "source": CORDIA}, {"type": "location", "source": place}],
        "destinationList": [{"type": "owning_party", "destination": NORTHGATE}],
    }
    fields = {"disposition": "dispensed", "mcx:useType": "implanted"} | passes | more
    send(site, "northgate-clinical", event(number, day, "dispensing", place=place, **screws(lot, quantity), **fields))


def agree(site: Site, *par: tuple[str, int, int], number: int = 1, **line: Any) -> str:
    levels = [{"place": place, "minimum": low, "maximum": high} for place, low, high in par]
    agreed = terms(
        f"https://example.org/agreement/RE-{number}",
        lines=[{"gtin": SCREW_GTIN, "par": levels, "billMode": "bill_only"} | line],
    )
    assert site.request("cordia", "POST", "/agreements", json=agreed).status_code == 201
    body = {"agreementID": agreed["agreementID"], "version": 1}
    assert site.request("northgate-supply", "POST", "/agreements/sign", json=body).status_code == 200
    return str(agreed["agreementID"])


def state_empty(site: Site, *places: str) -> None:
    """Have the hospital say of places that it has looked, and that nothing is there."""
    for place in places:
        body = {"place": {"id": place}, "scope": "complete", "purpose": "opening", "nothingFound": True, "finish": True}
        answer = site.request("northgate-supply", "POST", "/counts", json=body)
        assert (answer.status_code, answer.json()["state"]) == (201, "finished"), answer.text


def proposals(site: Site, name: str = "northgate-supply") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(name, "/replenishment/proposals")["proposals"]
    return found


def orders(site: Site, name: str = "northgate-supply") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(name, "/replenishment/orders")["orders"]
    return found


def order(site: Site, *ids: str, name: str = "northgate-supply", status: int = 201) -> list[dict[str, Any]]:
    body = {"proposals": list(ids)} if ids else {}
    answer = site.request(name, "POST", "/replenishment/orders", json=body)
    assert answer.status_code == status, answer.text
    found: list[dict[str, Any]] = answer.json().get("orders", [])
    return found


def test_a_need_is_ordered_once_however_often_and_by_whomever_it_is_asked(empty: Site) -> None:
    """Law 12. Rejects an order for each request, and a second one by two clients at the same moment."""
    shelf = room("SHELF1")
    consigned(empty, 100, shelf, "R1", 6)
    agree(empty, (shelf, 2, 6))
    assert proposals(empty) == []
    use(empty, 110, shelf, "R1", 4)
    (need,) = proposals(empty)
    assert (need["kind"], need["place"], need["quantity"]) == ("order", shelf, "4")
    assert proposals(empty, "cordia") == [need]
    assert proposals(empty, "rival-supplier") == []
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: order(empty, need["id"]), range(8)))
    assert {one["number"] for found in answers for one in found} == {"RO-9521141000007-000001"}
    assert order(empty) == []
    (standing,) = orders(empty)
    assert (standing["state"], standing["quantity"]) == ("sent", 4)
    assert standing["transactionID"] == "urn:epcglobal:cbv:bt:4012345000009:RO-9521141000007-000001"
    assert [one["number"] for one in orders(empty, "cordia")] == ["RO-9521141000007-000001"]
    assert orders(empty, "rival-supplier") == []
    assert proposals(empty) == []
    for number in ("RO-9521141000007-000001", "RO-9521141000007-000099"):
        hidden = empty.request("rival-supplier", "GET", f"/replenishment/orders/{number}")
        assert (hidden.status_code, number in hidden.text) == (404, True)
    order(empty, "0" * 32, status=404)


def test_an_order_is_followed_through_shipment_and_partial_receipts_to_its_end(empty: Site) -> None:
    """Rejects an order that its shipment closes, goods counted on order and in transit at once, and a receipt that
    must repeat the order's number though it names the despatch advice.
    """
    shelf, dock = room("SHELF2"), room("DOCK1")
    consigned(empty, 200, shelf, "R2", 2)
    agree(empty, (shelf, 2, 8))
    (sent,) = order(empty)
    assert sent["quantity"] == 6
    po = sent["transactionID"]
    packed = papers(po=po, desadv="urn:epcglobal:cbv:bt:9521141000007:ASN-2")
    send(empty, "cordia", made(210, "R2B", 6),
         event(211, 3, "shipping", place=DC, **screws("R2B", 6), **ends(HOSPITAL), **packed))  # fmt: skip
    (standing,) = orders(empty)
    assert (standing["state"], standing["shipped"], standing["received"]) == ("sent", "6", "0")
    (position,) = empty.get("cordia", "/replenishment/proposals")["positions"]
    assert [position[name] for name in ("usable", "inTransit", "onOrder", "gap")] == ["2", "6", "0", "0"]
    arrived = {"place": dock, "bizLocation": {"id": dock}} | ends(HOSPITAL)
    advice = papers(desadv="urn:epcglobal:cbv:bt:9521141000007:ASN-2")
    send(empty, "northgate-supply", event(212, 4, "receiving", **screws("R2B", 2), **arrived, **advice))
    (standing,) = orders(empty, "cordia")
    assert (standing["state"], standing["received"]) == ("partly_received", "2")
    cancelled = empty.request(
        "northgate-supply", "POST", f"/replenishment/orders/{sent['number']}/cancel", json={"reason": "late"}
    )
    assert cancelled.status_code == 409
    send(empty, "northgate-supply", event(213, 5, "receiving", **screws("R2B", 4), **arrived, **papers(po=po)))
    (standing,) = orders(empty)
    assert (standing["state"], standing["received"], len(standing["eventIDs"])) == ("received", "6", 3)
    # What lies at the dock is to be put away, not to be ordered again.
    (move,) = proposals(empty)
    assert (move["kind"], move["from"], move["place"], move["quantity"]) == ("transfer", dock, shelf, "6")
    assert empty.request("northgate-supply", "POST", "/consignment/actions", json=move["action"]).status_code == 201
    assert proposals(empty) == []


def test_goods_that_somebody_else_claims_to_have_received_close_no_order(site: Site) -> None:
    """Rejects an order closed by whoever captures a receipt that names it: only its hospital can."""
    shelf = room("SHELF3")
    consigned(site, 300, shelf, "R3", 1)
    agree(site, (shelf, 2, 4))
    (sent,) = order(site)
    named = papers(po=sent["transactionID"])
    # The supplier's own word is told to the hospital; the rival's concerns nobody but itself.
    there = {"place": shelf, "bizLocation": {"id": shelf}} | ends(shelf) | named
    for number, name in ((310, "rival-supplier"), (311, "cordia")):
        send(site, name, event(number, 4, "receiving", **screws("R3", 3), **there))
    assert any(one["eventID"].endswith("311") for one in site.events("northgate-supply"))
    (standing,) = orders(site)
    assert (standing["state"], standing["received"]) == ("sent", "0")


def test_what_cannot_be_used_does_not_count_and_surplus_is_moved_before_it_is_ordered(empty: Site) -> None:
    """Rejects stock counted though expired or recalled, and an order beside a full cupboard next door."""
    shelf, store = room("SHELF4"), room("STORE4")
    consigned(empty, 400, shelf, "OLD", 5, expiry="2026-04-30")
    consigned(empty, 410, shelf, "BAD", 5)
    agree(empty, (shelf, 2, 6))
    notice = {"disposition": "recalled", "persistentDisposition": {"set": ["recalled"]}}
    recalled = event(420, 6, "holding", quantityList=[{"epcClass": "urn:epc:class:lgtin:9521141.004530.BAD"}], **notice)
    del recalled["readPoint"]
    send(empty, "cordia", recalled)
    (need,) = proposals(empty)
    assert (need["kind"], need["quantity"]) == ("order", "6")
    consigned(empty, 430, store, "NEXT", 3, expiry="2029-06-30")
    consigned(empty, 440, store, "FIRST", 2, expiry="2029-01-31")
    (move,) = proposals(empty, "cordia")
    assert [(one["item"][-5:], one["quantity"]) for one in move["items"]] == [("FIRST", "2"), ("/NEXT", "3")]
    assert move["items"][0]["expiry"] == "2029-01-31"


def test_a_suppliers_order_is_proposed_until_the_hospital_sends_it_and_either_may_cancel(empty: Site) -> None:
    shelf = room("SHELF5")
    agree(empty, (shelf, 2, 6), prices=[{"amount": "12.50", "currency": "EUR"}])
    state_empty(empty, shelf)
    (proposed,) = order(empty, name="cordia")
    assert (proposed["state"], proposed["price"]) == ("proposed", {"amount": "12.5", "currency": "EUR"})
    path = f"/replenishment/orders/{proposed['number']}"
    assert empty.request("cordia", "POST", f"{path}/send").status_code == 403
    assert empty.request("rival-supplier", "POST", f"{path}/send").status_code == 404
    assert empty.request("northgate-supply", "POST", f"{path}/send").json()["state"] == "sent"
    # Prices and names of staff are not for every role.
    assert empty.get("northgate-clinical", path)["price"] is None
    assert empty.get("cordia", path)["createdBy"] is None
    patient = {"reason": "for urn:epc:id:gsrn:4012345.0000012345"}
    assert empty.request("cordia", "POST", f"{path}/cancel", json=patient).status_code == 400
    ended = empty.request("cordia", "POST", f"{path}/cancel", json={"reason": "out of stock"}).json()
    assert (ended["state"], ended["closedBy"], ended["closedReason"]) == ("cancelled", SUPPLIER_ID, "out of stock")
    assert empty.request("northgate-supply", "POST", f"{path}/send").status_code == 409
    (again,) = proposals(empty)
    assert again["quantity"] == "6"


def test_an_order_is_told_as_a_GS1_XML_order_message(site: Site) -> None:
    """GS1 XML 3.4, Order: buyer, seller, site and place, line with GTIN, quantity in eaches and price."""
    agree(site, (room("A&B"), 2, 6), prices=[{"amount": "12.50", "currency": "EUR"}])
    state_empty(site, room("A&B"))
    (sent,) = order(site)
    answer = site.request(
        "northgate-supply", "GET", f"/replenishment/orders/{sent['number']}", headers={"Accept": "application/xml"}
    )
    assert answer.headers["content-type"].startswith("application/xml")
    root = ET.fromstring(answer.content)
    assert root.tag == f"{ORDER}orderMessage"
    assert [one.tag for one in root] == [f"{SBDH}StandardBusinessDocumentHeader", "order"]
    told = {
        path: root.findtext(path)
        for path in (
            f"{SBDH}StandardBusinessDocumentHeader/{SBDH}DocumentIdentification/{SBDH}TypeVersion",
            "order/documentStatusCode", "order/orderIdentification/entityIdentification",
            "order/orderIdentification/contentOwner/gln", "order/orderTypeCode", "order/buyer/gln", "order/seller/gln",
            "order/orderLogisticalInformation/shipTo/gln",
            "order/orderLogisticalInformation/inventoryLocation/additionalPartyIdentification",
            "order/orderLineItem/lineItemNumber", "order/orderLineItem/requestedQuantity",
            "order/orderLineItem/netPrice", "order/orderLineItem/transactionalTradeItem/gtin",
        )
    }  # fmt: skip
    assert list(told.values()) == [
        "3.4", "ORIGINAL", sent["number"], "4012345000009", "227", "4012345000009", "9521141000007", "4012345000016",
        "A&B", "1", "6", "12.5", SCREW_GTIN,
    ]  # fmt: skip
    line = root.find("order/orderLineItem/requestedQuantity")
    assert line is not None
    assert line.get("measurementUnitCode") == "EA"
    names = [one.tag for one in root.find("order") or ()]
    assert names == [
        "creationDateTime", "documentStatusCode", "orderIdentification", "orderTypeCode", "buyer", "seller",
        "orderLogisticalInformation", "tradeAgreement", "orderLineItem",
    ]  # fmt: skip


def within(look: Callable[[], list[Any]], seconds: float = 15) -> list[Any]:
    """What look gives as soon as it gives anything."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing came within {seconds} s")
