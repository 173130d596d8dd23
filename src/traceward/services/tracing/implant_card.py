"""Implant cards: what Art. 18 of Regulation (EU) 2017/745 asks for of each implanted device, without its patient.

From the hospital's own shared uses. It must not know who has the implant: the hospital writes that on the card.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from traceward.epcis.errors import NoSuchResource
from traceward.epcis.predicates import AnyTerm, Query
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger import corrections
from traceward.ledger.facts import GS1, MCX, PRODUCT_END, LedgerEvent, class_parts
from traceward.ledger.steps import USE, effect_of, sink_of
from traceward.services.identity.principals import Principal
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.master_data import find_element, names_of
from traceward.services.queries.visible_events import facts_of, folded, moment
from traceward.services.runtime import Runtime
from traceward.services.tracing.implants import udi_texts
from traceward.store.compile import VisibleTo

EXEMPT: Final = (
    "Sutures, staples, dental fillings, dental braces, tooth crowns, screws, wedges, plates, wires, pins, clips and"
    " connectors need no implant card (Regulation (EU) 2017/745, Art. 18(3)); whether this device is one of them the"
    " server does not know."
)
FILLED_BY_HAND: Final = ("patient name or patient ID", "information website of the manufacturer, where not given")

_MOST: Final = 200
_ADDRESS: Final = (
    "streetAddressOne",
    "streetAddressTwo",
    "streetAddressThree",
    "postalCode",
    "city",
    "state",
    "countryCode",
)
_WEBSITE: Final = ("website", "organizationWebsite", "informationWebsite")


@dataclass(frozen=True, slots=True)
class _Use:
    event: LedgerEvent
    key: str
    quantity: str
    uom: str | None


def cards(runtime: Runtime, caller: Principal, *, usage_report: str | None, epc: str | None) -> dict[str, Any]:
    """A card for each device that a usage report, or the use of one item, says was implanted by the caller.

    Raises NoSuchResource where the caller's organisation has captured no such use.
    """
    clause = (
        AnyTerm(((f"ext:{MCX}usageReport", usage_report),))
        if usage_report is not None
        else AnyTerm((("epc", canonical_identifier(epc or "")),))
    )
    uses = list(_uses(runtime, caller, clause, canonical_identifier(epc) if epc is not None else None))
    if not uses:
        raise NoSuchResource("there is no use of yours that says of an implant what is asked for")
    at = moment(runtime, None, None)
    keys = sorted({use.key for use in uses})
    facts = facts_of(runtime, caller, [*keys, *{key[:PRODUCT_END] for key in keys}], at)
    ledger = folded(runtime, caller, (event for event in facts if not event.private), at)
    makers = {use.key: runtime.registry.parties.maker_of(use.key) for use in uses}
    contacts = {maker: _contact(runtime, caller, maker) for maker in {*makers.values(), caller.organisation}}
    with runtime.store.reader() as reader:
        known = names_of(runtime, reader, caller, {key[:PRODUCT_END] for key in keys})
    made = []
    for use in uses:
        gtin, lot, serial = class_parts(use.key)
        record, stock = ledger.instance(use.key), ledger.stock(use.key)
        of_lot = record.lot if record is not None and record.lot is not None else lot
        expiry = record.expiry if record is not None else stock.expiry if stock is not None else None
        shown = (unquote(of_lot) if of_lot is not None else None, unquote(serial) if serial is not None else None)
        udi, scanned = udi_texts(gtin or "", *shown, expiry)
        made.append(
            {
                "deviceName": known.get(f"{GS1}01/{gtin}"),
                "gtin": gtin,
                "lot": shown[0],
                "serial": shown[1],
                "expiry": expiry,
                "quantity": use.quantity,
                "uom": use.uom,
                "udi": udi,
                "udiCarrier": scanned,
                "manufacturer": contacts[makers[use.key]],
                "implantedOn": format_time_us(use.event.event_time_us)[:10],
                "institution": contacts[caller.organisation],
                "usageReport": use.event.usage_report,
                "eventID": use.event.event_id,
            }
        )
    return {"cards": made, "exempt": EXEMPT, "filledByHand": list(FILLED_BY_HAND)}


def printed_rows(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what it is, text) of each line of a card in print, with one for the patient, which is filled in by hand."""
    rows = (
        ("Patient name or ID", "_" * 40),
        ("Date of implantation", card["implantedOn"]),
        ("Institution", _printed_contact(card["institution"])),
        ("Device", card["deviceName"]),
        ("Quantity", card["quantity"] if card["quantity"] != "1" else None),
        ("GTIN", card["gtin"]),
        ("Lot", card["lot"]),
        ("Serial number", card["serial"]),
        ("Expiry", card["expiry"]),
        ("UDI", card["udi"]),
        ("Manufacturer", _printed_contact(card["manufacturer"])),
        ("Information for patients", card["manufacturer"]["website"]),
    )
    return [(name, value) for name, value in rows if value]


def _printed_contact(contact: Mapping[str, Any]) -> str:
    gln = f"GLN {contact['gln']}" if contact["gln"] else None
    return ", ".join(one for one in (contact["name"], contact["address"], gln) if one)


def _uses(runtime: Runtime, caller: Principal, clause: AnyTerm, key: str | None) -> Iterable[_Use]:
    query = Query(clauses=(clause,), descending=False)
    with runtime.store.reader() as reader:
        page = reader.find(query, VisibleTo(caller.viewers), limit=_MOST, deadline_s=runtime.limits.query_deadline_s)
        facts = [stored_fact(stored, runtime.registry) for stored in reader.documents(page.seqs, witnesses=True)]
    captors = corrections.resolve(facts).captors
    for fact in facts:
        if (
            fact.private
            or fact.declares is not None
            or caller.organisation not in captors.get(fact.eid, fact.captured_by)
            or effect_of(fact) != USE
            or sink_of(fact, USE) != "implanted"
        ):
            continue
        for item in fact.instances:
            if key in (None, item) and class_parts(item)[0] is not None:
                yield _Use(fact, item, "1", None)
        for lot, amount, uom in fact.quantities:
            if key is None and amount is not None and class_parts(lot)[0] is not None:
                yield _Use(fact, lot, format(amount, "f"), uom)


def _contact(runtime: Runtime, caller: Principal, party: str | None) -> dict[str, Any]:
    """Name, GLN, address and website of a party, from master data that the caller may see; None where not declared."""
    if party is None:
        return dict.fromkeys(("name", "gln", "address", "website"))
    try:
        declared = find_element(runtime, caller, party)
    except NoSuchResource:
        declared = []
    own_first = sorted(declared, key=lambda one: one.owner != party)
    told: dict[str, str] = {}
    for one in own_first:
        for attribute in one.element.attributes:
            if attribute.text is not None:
                told.setdefault(attribute.key.rpartition(":")[2], attribute.text)
    address = [told[name] for name in _ADDRESS if name in told]
    return {
        "name": runtime.registry.parties.name_of(party),
        "gln": party.rpartition("/")[2],
        "address": ", ".join(address) or None,
        "website": next((told[name] for name in _WEBSITE if name in told), None),
    }
