"""Trace: where a lot or an item is and was, which units were used up, and whose patients have them.

Folded from what the caller may see; every fact names the events that say so. It must not name a patient to a role that
does not read private events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger import trace as ledger_trace
from traceward.ledger.conflicts import Conflict
from traceward.ledger.facts import GS1, PRODUCT_END, class_parts
from traceward.ledger.notices import with_notices
from traceward.ledger.state import Ledger, Notice
from traceward.ledger.trace import HistoryStep, PatientUnits, Units
from traceward.services.identity import audit
from traceward.services.identity.principals import Principal, Right
from traceward.services.queries.visible_events import facts_of, folded, moment, serials_of_lot
from traceward.services.runtime import Runtime
from traceward.services.tracing import conflicts, stock
from traceward.services.tracing.labels import as_printed

Ids = Mapping[bytes, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What every unit of an answer is told with: names of events, and the notices on the lot and its product."""

    runtime: Runtime
    ids: Ids
    notices: Sequence[Notice]


def lot(
    runtime: Runtime, caller: Principal, gtin: str, lot_number: str, *, as_of: str | None, known_at: str | None
) -> dict[str, Any]:
    """All units of a lot: at places, in containers, in transit and used up; its serials, patients and conflicts.

    gtin: 8 to 14 digits; lot_number: as on the label. patients: None for roles that may not know them.
    """
    at = moment(runtime, as_of, known_at)
    item = canonical_identifier(f"{GS1}01/{gtin.zfill(14)}/10/{quote(lot_number, safe='')}")
    encoded = item.rpartition("/")[2]
    product = f"{GS1}01/{gtin.zfill(14)}"
    serials = serials_of_lot(runtime, gtin.zfill(14), encoded)
    events = facts_of(runtime, caller, [item, product, *serials], at)
    ledger = folded(runtime, caller, events, at)
    found = ledger_trace.trace_lot(ledger, events, gtin.zfill(14), encoded)
    audit.tell_of_private(runtime, caller, "trace of a lot", item.encode(), events)
    ids = {event.eid: event.event_id for event in events}
    told = Told(runtime, ids, found.notices)
    body = {
        "gtin": found.gtin,
        "lot": lot_number,
        "asOf": at.text,
        "item": found.key,
        "expiry": found.expiry,
        "units": _units(found.units, (ledger_trace.AT_PLACE, ledger_trace.IN_CONTAINER), told),
        "inTransit": _units(found.units, (ledger_trace.IN_TRANSIT,), told),
        "sinks": _units(found.units, (ledger_trace.IN_SINK,), told),
        "claims": [unit_body(unit, told) for unit in found.claims],
        "total": {uom: format(quantity, "f") for uom, quantity in found.accounted.items()},
        "serials": list(found.serials),
        "patients": _patients(caller, found.patients, ids),
        "notices": [_notice_body(notice, ids) for notice in found.notices],
        "conflicts": conflicts_about(runtime, caller, ledger, {found.key, *found.serials}),
        "history": [_step_body(step) for step in found.history],
    }
    return body | stock.names(runtime, caller, _named(body))


def item(runtime: Runtime, caller: Principal, epc: str, *, as_of: str | None, known_at: str | None) -> dict[str, Any]:
    """One item's or container's state, owners, contents and history; state None where the caller sees nothing of it."""
    at = moment(runtime, as_of, known_at)
    identifier = canonical_identifier(epc)
    product = identifier[:PRODUCT_END] if identifier.startswith(GS1 + "01/") else None
    events = facts_of(runtime, caller, [identifier, *([product] if product is not None else [])], at)
    ledger = folded(runtime, caller, events, at)
    known = ledger.instance(identifier)
    if known is not None and known.lot is not None and product is not None:
        events = facts_of(runtime, caller, [identifier, product, f"{product}/10/{known.lot}"], at)
        ledger = folded(runtime, caller, events, at)
    found = ledger_trace.trace_item(ledger, events, identifier)
    audit.tell_of_private(runtime, caller, "trace of an item", identifier.encode(), events)
    ids = {event.eid: event.event_id for event in events}
    state = unit_body(found.units, Told(runtime, ids, found.notices)) if found.units is not None else None
    body = {
        "epc": found.key,
        "asOf": at.text,
        "lot": as_printed(found.lot),
        "expiry": found.expiry,
        "state": state,
        "owners": [
            {"since": format_time_us(time_us), "owner": owner, "eventID": ids.get(eid)}
            for time_us, owner, eid in found.owners
        ],
        "contents": list(found.contents),
        "patients": _patients(caller, found.patients, ids),
        "notices": [_notice_body(notice, ids) for notice in found.notices],
        "conflicts": conflicts_about(runtime, caller, ledger, {found.key}),
        "history": [_step_body(step) for step in found.history],
    }
    return body | stock.names(runtime, caller, _named(body))


def _units(units: Iterable[Units], where: Sequence[str], told: Told) -> list[dict[str, Any]]:
    return [unit_body(unit, told) for unit in units if unit.where in where]


def unit_body(unit: Units, told: Told) -> dict[str, Any]:
    """Units of one state as answers tell of them, with the flags that notices lay on them."""
    heard = (told.runtime.registry.parties.maker_of(unit.key), unit.owner, unit.holder)
    return {
        "item": unit.key,
        "place": unit.place,
        "container": unit.container,
        "owner": unit.owner,
        "holder": unit.holder,
        "status": unit.status,
        "quantity": format(unit.quantity, "f"),
        "uom": unit.uom,
        "flags": list(with_notices(unit.flags, unit.status, told.notices, heard, class_parts(unit.key)[2])),
        "eventIDs": _event_ids(unit.eids, told.ids),
    }


def _patients(caller: Principal, found: Iterable[PatientUnits], ids: Ids) -> list[dict[str, Any]] | None:
    """One entry per patient and whether the units are still with the patient; None where the role may not know."""
    if not caller.may(Right.KNOW_PATIENTS):
        return None
    grouped: dict[tuple[str, bool, bool], list[PatientUnits]] = {}
    for units in found:
        grouped.setdefault((units.patient, units.closed_us is None, units.use_in_error), []).append(units)
    return [
        {
            "patient": patient,
            "open": is_open,
            "useDeclaredInError": in_error,
            "quantity": format(sum((units.quantity for units in tied), start=tied[0].quantity * 0), "f"),
            "items": sorted({units.key for units in tied}),
            "since": format_time_us(min(units.opened_us for units in tied)),
            "usageReports": sorted({units.usage_report for units in tied if units.usage_report is not None}),
            "eventIDs": _event_ids((eid for units in tied for eid in units.eids), ids),
        }
        for (patient, is_open, in_error), tied in grouped.items()
    ]


def _notice_body(notice: Notice, ids: Ids) -> dict[str, Any]:
    return {
        "time": format_time_us(notice.time_us),
        "set": list(notice.set_flags),
        "unset": list(notice.unset_flags),
        "party": notice.party,
        "eventIDs": _event_ids((notice.eid,), ids),
    }


def _step_body(step: HistoryStep) -> dict[str, Any]:
    return {
        "eventID": step.event_id,
        "eventTime": format_time_us(step.event_time_us),
        "eventTimeZoneOffset": step.offset,
        "action": step.action,
        "bizStep": step.biz_step,
        "disposition": step.disposition,
        "readPoint": step.read_point,
        "bizLocation": step.biz_location,
        "capturedBy": list(step.captured_by),
        "declaredInError": step.declared_in_error,
        "private": step.private,
    }


def conflicts_about(runtime: Runtime, caller: Principal, ledger: Ledger, items: set[str]) -> list[dict[str, Any]]:
    """The conflicts about these items that the caller may see, newest first."""
    found: list[Conflict] = [
        one
        for one in ledger.conflicts.values()
        if items.intersection(one.keys) and caller.organisation in (one.private_to, *one.parties)
    ]
    ordered = sorted(found, key=lambda one: (one.event_time_us, one.id), reverse=True)
    return conflicts.conflict_bodies(runtime, caller, ordered)


def _event_ids(eids: Iterable[bytes], ids: Ids) -> list[str]:
    return list(dict.fromkeys(ids[eid] for eid in eids if eid in ids))


def _named(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Whatever in an answer has a place, an owner or a holder."""
    state = body.get("state")
    groups = (body.get(name, []) for name in ("units", "inTransit", "sinks", "claims"))
    steps = [{"place": step["bizLocation"]} for step in body["history"]]
    steps += [{"place": step["readPoint"]} for step in body["history"]]
    return [*(unit for group in groups for unit in group), *([state] if state else []), *steps]
