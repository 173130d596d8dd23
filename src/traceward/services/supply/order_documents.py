"""A replenishment order as a GS1 XML Order message, EDI standard GS1 XML 3.4.

It must not add facts to the order: what the message needs and the order does not say is left out.
"""

from typing import Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

VERSION: Final = "3.4"
MEDIA_TYPE: Final = "application/xml"
NAMESPACE: Final = "urn:gs1:ecom:order:xsd:3"
SBDH: Final = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"

_CONSIGNMENT_ORDER: Final = "227"  # OrderTypeCode: goods into stock, paid for when they are taken out of it
_STATUS: Final = {"cancelled": "CANCELLED"}


def order_message(order: dict[str, Any]) -> bytes:
    """The message of an order's JSON body, in UTF-8. Buyer and ship-to are the hospital, seller is the supplier.

    The place within a site is the inventory location, its extension under the buyer's own numbers.
    """
    buyer, seller = _gln(order["hospital"]), _gln(order["supplier"])
    site, extension = _place(order["place"])
    price = order["price"]
    header = _element("sh:StandardBusinessDocumentHeader", [
        _text("sh:HeaderVersion", "1.0"),
        _element("sh:Sender", [_text("sh:Identifier", buyer, Authority="GS1")]),
        _element("sh:Receiver", [_text("sh:Identifier", seller, Authority="GS1")]),
        _element("sh:DocumentIdentification", [
            _text("sh:Standard", "GS1"),
            _text("sh:TypeVersion", VERSION),
            _text("sh:InstanceIdentifier", order["number"]),
            _text("sh:Type", "order"),
            _text("sh:MultipleType", "false"),
            _text("sh:CreationDateAndTime", order["createdAt"]),
        ]),
    ])  # fmt: skip
    location = [_text("gln", site)]
    if extension is not None:
        location.append(_text(
            "additionalPartyIdentification", extension,
            additionalPartyIdentificationTypeCode="BUYER_ASSIGNED_IDENTIFIER_FOR_A_PARTY",
        ))  # fmt: skip
    line = [
        _text("lineItemNumber", "1"),
        _text("requestedQuantity", str(order["quantity"]), measurementUnitCode="EA"),
        *([_text("netPrice", price["amount"], currencyCode=price["currency"])] if price is not None else []),
        _element("transactionalTradeItem", [_text("gtin", order["gtin"])]),
    ]
    body = _element("order", [
        _text("creationDateTime", order["createdAt"]),
        _text("documentStatusCode", _STATUS.get(order["state"], "ORIGINAL")),
        _element("orderIdentification", [
            _text("entityIdentification", order["number"]),
            _element("contentOwner", [_text("gln", buyer)]),
        ]),
        _text("orderTypeCode", _CONSIGNMENT_ORDER),
        _element("buyer", [_text("gln", buyer)]),
        _element("seller", [_text("gln", seller)]),
        _element("orderLogisticalInformation", [
            _element("shipTo", [_text("gln", site)]),
            _element("inventoryLocation", location),
        ]),
        _element("tradeAgreement", [_text("entityIdentification", order["agreementID"])]),
        _element("orderLineItem", line),
    ])  # fmt: skip
    namespaces = f' xmlns:order="{NAMESPACE}" xmlns:sh="{SBDH}"'
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<order:orderMessage{namespaces}>{header}{body}</order:orderMessage>\n'
    )
    return text.encode()


def _element(name: str, children: list[str]) -> str:
    return f"<{name}>{''.join(children)}</{name}>"


def _text(name: str, text: str, **attributes: str) -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{escape(text)}</{name}>"


def _gln(party: str) -> str:
    return party.rpartition("/417/")[2].partition("/")[0]


def _place(place: str) -> tuple[str, str | None]:
    """The GLN of a place, and its extension where it has one."""
    gln, _, extension = place.rpartition("/414/")[2].partition("/254/")
    return gln, unquote(extension) or None
