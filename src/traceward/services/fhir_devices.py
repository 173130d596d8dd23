"""Devices and their patients, as FHIR tells of them: read from the trace, within what the caller may see.

It must not build FHIR resources (`fhir_resources` does) nor name a patient to a role that may not know patients.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

from traceward.epcis.errors import QueryTooComplexException
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.ledger.facts import GS1, PATIENT, LedgerEvent
from traceward.ledger.links import linked
from traceward.ledger.state import PatientLinks
from traceward.services import trace
from traceward.services.facts import stored_fact
from traceward.services.fhir_ids import FhirIds, Item, LinkLine, is_item
from traceward.services.labelled_items import item_of_texts
from traceward.services.principals import Principal, Right
from traceward.services.runtime import Runtime
from traceward.services.visible_events import facts_of, folded, moment
from traceward.store.compile import VisibleTo

MOST_DEVICES: Final = 1000
"""How many devices a search may come to; more are refused as too costly."""

_ACTIVE: Final = frozenset({"on_hand", "in_transit", "implanted"})


@dataclass(frozen=True, slots=True)
class Implant:
    """Pieces tied to a patient by one line of a private event. patient: GSRN. Times: microseconds since 1970 UTC."""

    patient: str
    key: str
    quantity: Decimal
    opened_us: int
    closed_us: int | None
    line: LinkLine
    event_id: str
    usage_report: str | None
    place: str | None


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device as the caller may know it. subject: what its id stands for. implant: None for other roles.

    state: the unit of the trace (see services.trace), None for pieces of a lot. expiry: YYYY-MM-DD.
    """

    subject: Item | LinkLine
    gtin: str
    lot: str | None
    serial: str | None
    expiry: str | None
    is_active: bool
    state: dict[str, Any] | None
    implant: Implant | None


def device(runtime: Runtime, caller: Principal, subject: Item | LinkLine) -> DeviceView | None:
    """The device of an id; None where the caller may know of none."""
    if isinstance(subject, LinkLine):
        return _lot_device(runtime, caller, subject)
    told = trace.item(runtime, caller, subject.epc, as_of=None, known_at=None)
    if told["state"] is None:
        return None
    gtin, _, serial = label_parts(subject.epc)
    return DeviceView(
        subject=subject,
        gtin=gtin,
        lot=unquote(told["lot"]) if told["lot"] is not None else None,
        serial=serial,
        expiry=told["expiry"],
        is_active=told["state"]["status"] in _ACTIVE,
        state=told["state"],
        implant=_open_implant(runtime, caller, subject.epc, told["patients"]),
    )


def label_parts(epc: str) -> tuple[str, str | None, str | None]:
    """GTIN, lot and serial of a trade item's identifier, as on the label.

    >>> label_parts("https://id.gs1.org/01/09521141010235/21/V23-0007")
    ('09521141010235', None, 'V23-0007')
    """
    kind = identifier_kind(epc)
    return kind.gtin or "", kind.lot, kind.serial


def implants_of(runtime: Runtime, caller: Principal, patient: str) -> list[Implant]:
    """Everything tied to a patient, open and explanted, by time. patient: GSRN. The caller's role knows patients."""
    caller.require(Right.KNOW_PATIENTS)
    at = moment(runtime, None, None)
    links = facts_of(runtime, caller, [patient], at)
    keys = {key for event in links if event.private for key, _ in linked(event)}
    return _implants(runtime, caller, keys, {patient})


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
    return [one.line for one in _implants(runtime, caller, {udi.epc_class}, None)]


def devices_at(runtime: Runtime, caller: Principal, place: str) -> list[Item]:
    """The serialised items in stock at a place that the caller owns or holds, by serial."""
    sql = (
        "SELECT record_key FROM balance WHERE place=? AND (owner=? OR holder=?) AND serial IS NOT NULL"
        " AND status='on_hand' ORDER BY record_key LIMIT ?"
    )
    party = caller.organisation
    with runtime.store.reader() as reader:
        rows = reader.fetch(sql, (canonical_identifier(place), party, party, MOST_DEVICES + 1))
    if len(rows) > MOST_DEVICES:
        raise QueryTooComplexException(f"more than {MOST_DEVICES} devices are at that place; ask for a product")
    return [Item(key) for (key,) in rows if is_item(key) and "|" not in key]


def subject_of(implant: Implant) -> Item | LinkLine:
    """The device that an implant is: the item itself, or these pieces of the lot."""
    return Item(implant.key) if is_item(implant.key) else implant.line


def implant_of_line(runtime: Runtime, caller: Principal, line: LinkLine) -> Implant | None:
    """What one line of a private event ties to its patient; None where the caller may know of none."""
    if not caller.may(Right.KNOW_PATIENTS):
        return None
    with runtime.store.reader() as reader:
        rows = reader.fetch("SELECT seq FROM witness WHERE eid=? AND party=?", (line.eid, caller.party_number))
        stored = reader.documents([seq for (seq,) in rows], witnesses=True)
    for event in stored:
        fact = stored_fact(event, runtime.registry)
        entries = linked(fact)
        if fact.private and line.line < len(entries):
            found = _implants(runtime, caller, {entries[line.line][0]}, None)
            return next((one for one in found if one.line == line), None)
    return None


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
        is_active=implant.closed_us is None,
        state=None,
        implant=implant,
    )


def _open_implant(
    runtime: Runtime, caller: Principal, epc: str, patients: list[dict[str, Any]] | None
) -> Implant | None:
    """The link that holds, else the last one; None without patients or for roles that may not know them."""
    if not patients:
        return None
    found = _implants(runtime, caller, {epc}, None)
    return next((one for one in reversed(found) if one.closed_us is None), found[-1] if found else None)


def _implants(runtime: Runtime, caller: Principal, keys: Iterable[str], patients: set[str] | None) -> list[Implant]:
    """The links of these items that the caller's organisation recorded; patients: of these alone."""
    wanted = set(keys)
    if not wanted:
        return []
    at = moment(runtime, None, None)
    events = {event.eid: event for event in facts_of(runtime, caller, wanted, at)}
    ledger = folded(runtime, caller, events.values(), at)
    found = [
        Implant(
            patient=link.patient,
            key=record.key,
            quantity=link.quantity,
            opened_us=link.opened_us,
            closed_us=link.closed_us,
            line=_line(event, record.key),
            event_id=event.event_id,
            usage_report=link.usage_report,
            place=event.read_point,
        )
        for record in ledger.records.values()
        if isinstance(record, PatientLinks) and record.party == caller.organisation and record.key in wanted
        for link in record.links
        if link.patient.startswith(PATIENT)
        and (patients is None or link.patient in patients)
        and (event := events.get(link.opened_eid)) is not None
    ]
    return sorted(found, key=lambda one: (one.opened_us, one.key, one.line))


def _line(event: LedgerEvent, key: str) -> LinkLine:
    index = next(number for number, (name, _) in enumerate(linked(event)) if name == key)
    return LinkLine(event.eid, index)


def ids_of(runtime: Runtime, caller: Principal) -> FhirIds:
    """The maker of the caller's logical ids."""
    return FhirIds(runtime.store.secret_key, caller.organisation)
