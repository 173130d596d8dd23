"""Devices and their patients, as FHIR tells of them: read from the trace, within what the caller may see.

It must not build FHIR resources (`resources` does) nor name a patient to a role that may not know patients.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.errors import QueryTooComplexException
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.facts import GS1
from traceward.services.fhir.ids import FhirIds, Item, is_item
from traceward.services.identity.principals import Principal, Right
from traceward.services.runtime import Runtime
from traceward.services.scanning.labelled_items import item_of_texts
from traceward.services.tracing import trace
from traceward.services.tracing.implants import Implant, LinkLine, implant_of_line, implants_of_items, label_parts
from traceward.store.compile import VisibleTo
from traceward.store.ledger_lists import IN_STOCK

MOST_DEVICES: Final = 1000
"""How many devices a search may come to; more are refused as too costly."""

# Two statements, each with an index of its own: one with OR would read every balance there is.
DEVICES: Final = tuple(
    f"SELECT record_key FROM balance WHERE {party} AND {IN_STOCK} AND place=? AND serial IS NOT NULL"  # noqa: S608
    " AND status='on_hand' ORDER BY record_key, slot LIMIT ?"
    for party in ("owner=?", "holder=? AND holder <> owner")
)
"""What a party has at a place: its own, and what it holds of others'."""

ACTIVE, INACTIVE, IN_ERROR = "active", "inactive", "entered-in-error"
"""Status of a Device. FHIR R4 8.20, device-status."""

_ACTIVE: Final = frozenset({"on_hand", "in_transit", "implanted"})


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device as the caller may know it. subject: what its id stands for. status: as FHIR has it (R4 8.20).

    implant: what ties it to the patient who has it now; None where nobody has, where that is in doubt since its use was
    declared in error, and for other roles. pieces: how many of a lot, None for items.
    state: the unit of the trace (see services.tracing.trace), None for pieces of a lot. expiry: YYYY-MM-DD.
    """

    subject: Item | LinkLine
    gtin: str
    lot: str | None
    serial: str | None
    expiry: str | None
    status: str
    state: dict[str, Any] | None
    implant: Implant | None
    pieces: Decimal | None = None


def device(runtime: Runtime, caller: Principal, subject: Item | LinkLine) -> DeviceView | None:
    """The device of an id; None where the caller may know of none."""
    if isinstance(subject, LinkLine):
        return _lot_device(runtime, caller, subject)
    told = trace.item(runtime, caller, subject.epc, as_of=None, known_at=None)
    if told["state"] is None:
        return None
    links = device_links(runtime, caller, subject) if told["patients"] else []
    gtin, _, serial = label_parts(subject.epc)
    return DeviceView(
        subject=subject,
        gtin=gtin,
        lot=told["lot"],
        serial=serial,
        expiry=told["expiry"],
        status=ACTIVE if told["state"]["status"] in _ACTIVE else INACTIVE,
        state=told["state"],
        implant=next((one for one in reversed(links) if one.is_open), None),
    )


def device_links(runtime: Runtime, caller: Principal, subject: Item | LinkLine) -> list[Implant]:
    """What tied a device to patients, by time, over and in doubt too; for the caller whose role knows patients."""
    caller.require(Right.KNOW_PATIENTS)
    if isinstance(subject, Item):
        return implants_of_items(runtime, caller, {subject.epc}, None)
    found = implant_of_line(runtime, caller, subject)
    return [found] if found is not None else []


def devices_of_product(runtime: Runtime, caller: Principal, gtin: str) -> list[Item]:
    """The serialised items of a product in events that the caller may see, by serial.

    Raises QueryTooComplexException beyond MOST_DEVICES.
    """
    prefix = f"{GS1}01/{gtin.zfill(14)}/21/"
    with runtime.store.reader() as reader:
        found = reader.vocabulary("epcs", VisibleTo(caller.viewers), after=prefix, limit=MOST_DEVICES + 1)
    items = [Item(value) for value in found if value.startswith(prefix)]
    if len(items) > MOST_DEVICES:
        raise QueryTooComplexException(f"product {gtin} has more than {MOST_DEVICES} devices; name one by udi-carrier")
    return items


def devices_of_carrier(runtime: Runtime, caller: Principal, text: str) -> list[Item | LinkLine]:
    """The devices that a UDI carrier names: one serialised item, or what is implanted of a lot."""
    udi = item_of_texts([text]).udi
    if udi is None:
        return []
    if udi.epc is not None and is_item(udi.epc):
        return [Item(udi.epc)]
    if udi.epc_class is None or not caller.may(Right.KNOW_PATIENTS):
        return []
    return [one.line for one in implants_of_items(runtime, caller, {udi.epc_class}, None)]


def devices_at(runtime: Runtime, caller: Principal, place: str) -> list[Item]:
    """The serialised items in stock at a place that the caller owns or holds, by serial."""
    found: set[str] = set()
    with runtime.store.reader() as reader:
        for sql in DEVICES:
            rows = reader.fetch(sql, (caller.organisation, canonical_identifier(place), MOST_DEVICES + 1))
            found.update(key for (key,) in rows)
    if len(found) > MOST_DEVICES:
        raise QueryTooComplexException(f"more than {MOST_DEVICES} devices are at that place; ask for a product")
    return [Item(key) for key in sorted(found) if is_item(key) and "|" not in key]


def subject_of(implant: Implant) -> Item | LinkLine:
    """The device that an implant is: the item itself, or these pieces of the lot."""
    return Item(implant.key) if is_item(implant.key) else implant.line


def _lot_device(runtime: Runtime, caller: Principal, line: LinkLine) -> DeviceView | None:
    implant = implant_of_line(runtime, caller, line)
    if implant is None or is_item(implant.key):
        return None
    gtin, lot, _ = label_parts(implant.key)
    told = trace.lot(runtime, caller, gtin, lot or "", as_of=None, known_at=None)
    return DeviceView(
        subject=line,
        gtin=gtin,
        lot=lot,
        serial=None,
        expiry=told["expiry"],
        status=IN_ERROR if implant.use_in_error else ACTIVE if implant.is_open else INACTIVE,
        state=None,
        implant=implant if implant.is_open else None,
        pieces=implant.quantity,
    )


def ids_of(runtime: Runtime, caller: Principal) -> FhirIds:
    """The maker of the caller's logical ids."""
    return FhirIds(runtime.store.secret_key, caller.organisation)
