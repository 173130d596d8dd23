"""Device tracking: what a hospital must tell a manufacturer of tracked implants (21 CFR 821.30), as one export.

Started by the hospital's clinical role alone, with a purpose, and in the audit log before it leaves. It must not hold
what the server does not know: a patient's name and address and the physicians are the hospital's to fill in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import orjson

from traceward.epcis.errors import Finding, ForbiddenException, ValidationException
from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.percent import encode_link_segment
from traceward.ledger import corrections
from traceward.ledger.facts import GS1, PRODUCT_END, LedgerEvent
from traceward.ledger.links import linked
from traceward.ledger.state import Instance, Ledger
from traceward.ledger.steps import DESTROY, RECEIVE, SHIP, effect_of
from traceward.services.identity import audit
from traceward.services.identity.principals import Principal, Right
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.master_data import names_of
from traceward.services.queries.visible_events import facts_of, folded, moment, serials_of_lot, visible_pages
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tracing.implants import Implant, implants_in, label_parts, udi_texts

MOST_EVENTS: Final = 5000
"""Private events that one period may have."""

COLUMNS: Final = (
    "manufacturer",
    "manufacturerID",
    "deviceName",
    "deviceIdentifier",
    "udi",
    "lot",
    "serial",
    "expiry",
    "quantity",
    "receivedAt",
    "providedAt",
    "explantedAt",
    "returnedAt",
    "destroyedAt",
    "outOfUseAt",
    "patientDiedOn",
    "finalDistributor",
    "finalDistributorID",
    "place",
    "patientPseudonym",
    "patientName",
    "patientAddress",
    "patientPhone",
    "prescribingPhysician",
    "followingPhysician",
    "explantingPhysician",
    "usageReport",
    "useDeclaredInError",
    "eventIDs",
)
"""The fields of a row, in the order of the CSV form."""

NOT_HELD: Final = {
    "patientName": "the server knows a pseudonym (GSRN) alone; the hospital's system maps it to the patient",
    "patientAddress": "not held; filled in by the hospital, unless the patient refuses its release (21 CFR 821.55(a))",
    "patientPhone": "not held; filled in by the hospital, unless the patient refuses its release (21 CFR 821.55(a))",
    "patientDiedOn": "not held; filled in by the hospital where the device goes out of use by it (21 CFR 821.30(b))",
    "prescribingPhysician": "not held; filled in by the hospital (21 CFR 821.30(b))",
    "followingPhysician": "not held; filled in by the hospital where it is another (21 CFR 821.30(b))",
    "explantingPhysician": "not held; filled in by the hospital where the device was explanted (21 CFR 821.30(b))",
}
"""What 21 CFR 821.30 asks for and no row can have, and why."""

_CLAUSE: Final = "Traceward device tracking"
_ASSOCIATIONS: Final = AnyTerm((("eventType", "AssociationEvent"),))
_DISCARDED: Final = frozenset({"destroyed", "decommissioned"})
_PAGE: Final = 500
_BEYOND: Final = f"more than {MOST_EVENTS} associations; ask for a shorter period"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which implants: of an item, or a product or lot of it, or any; provided or explanted from start on, before end.

    All as the caller wrote it; None asks for any, but something must be asked for.
    """

    epc: str | None = None
    gtin: str | None = None
    lot: str | None = None
    start: str | None = None
    end: str | None = None


def export(runtime: Runtime, caller: Principal, wanted: Selection, *, purpose: str) -> dict[str, Any]:
    """One row for each implant that matches, by time; the export is in the audit log before it is given out.

    Raises ForbiddenException for any role but the hospital's clinical one and for keys that are bound to a place,
    ValidationException where nothing is asked for, QueryTooComplexException for too long a period.
    """
    caller.require(Right.KNOW_PATIENTS)
    caller.require(Right.EXPORT)
    if caller.place is not None:
        raise ForbiddenException(
            "a key that is bound to a place may not export device tracking; patients have look-ups"
        )
    time = _times(wanted)
    at = moment(runtime, None, None)
    keys = _keys(runtime, caller, wanted, time)
    facts = facts_of(runtime, caller, {*keys, *(key[:PRODUCT_END] for key in keys)}, at) if keys else []
    ledger = folded(runtime, caller, facts, at)
    found = implants_in(ledger, facts, caller, frozenset(keys))
    in_time = [one for one in found if one.opened_us in time or (one.closed_us is not None and one.closed_us in time)]
    rows = _rows(runtime, caller, in_time, ledger, facts)
    asked = [wanted.epc, wanted.gtin, wanted.lot, wanted.start, wanted.end]
    audit.record(
        runtime,
        audit.entry(
            caller,
            "export private",
            "device tracking",
            asked=orjson.dumps(asked),
            count=len(rows),
            event_ids=list(dict.fromkeys(name for row in rows for name in row["eventIDs"])),
            purpose=purpose,
        ),
    )
    return {"asOf": at.text, "purpose": purpose, "rows": rows, "notHeld": NOT_HELD}


def _times(wanted: Selection) -> TimeRange:
    return TimeRange(
        instant("from", wanted.start, end_of_day=False) if wanted.start is not None else None,
        instant("to", wanted.end, end_of_day=False) if wanted.end is not None else None,
    )


def _keys(runtime: Runtime, caller: Principal, wanted: Selection, time: TimeRange) -> list[str]:
    """The items and classes that are asked for, as far as they may be tied to patients."""
    if wanted.epc is not None:
        return [canonical_identifier(wanted.epc)]
    if wanted.gtin is not None and wanted.lot is not None:
        gtin, lot = wanted.gtin.zfill(14), encode_link_segment(wanted.lot)
        return [f"{GS1}01/{gtin}/10/{lot}", *serials_of_lot(runtime, gtin, lot)]
    if wanted.gtin is not None or time != TimeRange():
        product = f"{GS1}01/{wanted.gtin.zfill(14)}/" if wanted.gtin is not None else ""
        return sorted(key for key in _linked_keys(runtime, caller, time) if key.startswith(product))
    message = "nothing is asked for; expected epc, gtin, gtin and lot, or a period (from, to)"
    raise ValidationException(message, [Finding("", "selection", message, _CLAUSE)])


def _linked_keys(runtime: Runtime, caller: Principal, time: TimeRange) -> set[str]:
    """The items and lots that private events of a time tie to patients, or take out of them."""
    query = Query(clauses=(_ASSOCIATIONS,), event_time=time, descending=False)
    found: set[str] = set()
    with runtime.store.reader() as reader:
        for page in visible_pages(runtime, reader, caller, query, limit=_PAGE, most=MOST_EVENTS, beyond=_BEYOND):
            for stored in reader.documents(page.seqs, witnesses=True):
                if stored.private:
                    found.update(key for key, _ in linked(stored_fact(stored, runtime.registry)))
    return found


def _rows(
    runtime: Runtime, caller: Principal, found: Iterable[Implant], ledger: Ledger, facts: Iterable[LedgerEvent]
) -> list[dict[str, Any]]:
    implants = list(found)
    events = {event.eid: event for event in corrections.standing(facts)}
    products = {one.key[:PRODUCT_END] for one in implants}
    with runtime.store.reader() as reader:
        known = names_of(runtime, reader, caller, {*products, *(one.place for one in implants if one.place)})
    parties = runtime.registry.parties
    rows = []
    for one in implants:
        gtin, lot, serial = label_parts(one.key)
        record, stock = ledger.instance(one.key), ledger.stock(one.key)
        if record is not None and record.lot is not None:
            lot = unquote(record.lot)
        expiry = record.expiry if record is not None else stock.expiry if stock is not None else None
        maker = parties.maker_of(one.key)
        trail = _trail(record, events)
        ended = record.order if record is not None and record.status in _DISCARDED else None
        row = dict.fromkeys(COLUMNS) | {
            "manufacturer": parties.name_of(maker) if maker is not None else None,
            "manufacturerID": maker,
            "deviceName": known.get(one.key[:PRODUCT_END]),
            "deviceIdentifier": gtin,
            "udi": udi_texts(gtin, lot, serial, expiry)[0],
            "lot": lot,
            "serial": serial,
            "expiry": expiry,
            "quantity": format(one.quantity, "f"),
            "receivedAt": _received_at(caller, trail),
            "providedAt": format_time_us(one.opened_us),
            "explantedAt": _time(one.closed_us),
            **_left(caller, trail, one.opened_us),
            "outOfUseAt": _time(ended[0] if ended is not None else None),
            "finalDistributor": caller.organisation_name,
            "finalDistributorID": caller.organisation,
            "place": known.get(one.place, one.place) if one.place is not None else None,
            "patientPseudonym": one.patient,
            "usageReport": one.usage_report,
            "useDeclaredInError": one.use_in_error,
            "eventIDs": [name for name in (one.event_id, one.closing_event_id) if name is not None],
        }
        rows.append(row)
    return rows


def _trail(record: Instance | None, events: Mapping[bytes, LedgerEvent]) -> list[LedgerEvent]:
    """What happened to a serialised device, by time; nothing of a lot."""
    eids = {eid for eid, _ in record.trail} if record is not None else set()
    return sorted((events[eid] for eid in eids if eid in events), key=lambda event: (event.event_time_us, event.eid))


def _received_at(caller: Principal, trail: Iterable[LedgerEvent]) -> str | None:
    """When the hospital first received a serialised device; a lot comes in parts, so that it has no one time."""
    for event in trail:
        if caller.organisation in event.captured_by and effect_of(event) == RECEIVE:
            return format_time_us(event.event_time_us)
    return None


def _left(caller: Principal, trail: Iterable[LedgerEvent], provided_us: int) -> dict[str, str | None]:
    """When a serialised device that had been provided was sent back, and when destroyed; a lot leaves in parts."""
    found: dict[str, str | None] = {"returnedAt": None, "destroyedAt": None}
    for event in trail:
        if event.event_time_us <= provided_us:
            continue
        giver, taker = event.possessing or (None, None)
        if effect_of(event) == SHIP and giver == caller.organisation != taker:
            found["returnedAt"] = format_time_us(event.event_time_us)
        elif effect_of(event) == DESTROY:
            found["destroyedAt"] = format_time_us(event.event_time_us)
    return found


def _time(time_us: int | None) -> str | None:
    return format_time_us(time_us) if time_us is not None else None
