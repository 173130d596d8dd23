"""Recalls: where the units of a notice are, which are used, who has yet to act, and whose patients have them.

Folded from what the caller may see, so that the parts always add up to the whole. It must not name a patient but to
the clinical role, by `patients_of_notice`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.errors import Finding, ForbiddenException, ValidationException
from traceward.epcis.predicates import TimeRange
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.patient import contains_patient_identifier
from traceward.ledger import trace as ledger_trace
from traceward.ledger.facts import class_parts
from traceward.ledger.notices import classes_of
from traceward.ledger.state import Instance, Ledger
from traceward.ledger.trace import Account, Units
from traceward.services.agreements import agreements
from traceward.services.identity.principals import Principal, Right
from traceward.services.patients import patients
from traceward.services.queries.visible_events import facts_of, folded, moment
from traceward.services.recalls.containing import Containing, containing_of
from traceward.services.recalls.notices import RecallNotice, all_notices, find_notice, keys_of
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tracing import stock
from traceward.services.tracing.trace import Told, conflicts_about, unit_body
from traceward.store import alert_rows
from traceward.store.recall_models import RecallAcknowledgement
from traceward.store.write import WriteTransaction

STEPS: Final = ("received", "quarantined", "patients_traced", "done")
"""What a party can say that it has done about a notice."""

WITH_ISSUER, QUARANTINED, NOT_QUARANTINED = "with_issuer", "quarantined", "not_quarantined"
RETURNING, IN_TRANSIT, GONE = "returning", "in_transit", "gone"

_CLAUSE: Final = "Traceward recalls"
_ACT: Final = frozenset({NOT_QUARANTINED, IN_TRANSIT})
_FIELDS: Final = {
    WITH_ISSUER: "withIssuer",
    QUARANTINED: "quarantined",
    NOT_QUARANTINED: "notQuarantined",
    RETURNING: "returning",
    IN_TRANSIT: "inTransit",
    GONE: "gone",
}


@dataclass(frozen=True, slots=True)
class _Unit:
    """Units in one state, with what became of them since the notice. body: as answers tell of them."""

    units: Units
    handling: str
    body: dict[str, Any]


class _Teller:
    """What the units of an answer are told with, each with the notices on its own product and lot."""

    def __init__(self, runtime: Runtime, ledger: Ledger, found: Account, ids: Mapping[bytes, str]) -> None:
        self._runtime, self._ledger, self.ids = runtime, ledger, ids
        self._lots = {record.key: record.lot for record in found.records if isinstance(record, Instance)}

    def told(self, key: str) -> Told:
        """With what units of an item or class are told."""
        gtin, lot, _ = class_parts(key)
        named = classes_of(gtin, self._lots.get(key, lot))
        notices = [one for name in named if (known := self._ledger.stock(name)) is not None for one in known.notices]
        return Told(self._runtime, self.ids, notices)

    def parts(self, around: Containing, key: str) -> tuple[str, ...]:
        """What of the recalled goods is in an item or class."""
        gtin, lot, serial = class_parts(key)
        return around.parts_in(gtin or "", self._lots.get(key, lot), serial)


def recalls(runtime: Runtime, caller: Principal, *, start: str | None, end: str | None) -> dict[str, Any]:
    """The notices that concern the caller, newest first, and what each party said about them, as far as visible.

    start, end: issued then or later, and before; dates or date-times.
    """
    time = TimeRange(
        instant("from", start, end_of_day=False) if start is not None else None,
        instant("to", end, end_of_day=False) if end is not None else None,
    )
    found = all_notices(runtime, caller, time)
    bodies = [one.body() | {"acknowledgements": _acknowledgements(runtime, caller, one)} for one in found]
    return {"recalls": bodies} | _names(runtime, caller, bodies, ())


def recall(
    runtime: Runtime,
    caller: Principal,
    number: str,
    *,
    issuer: str | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
) -> dict[str, Any]:
    """One notice with all units that it covers: by place, in transit, used up, and not yet in quarantine; and those
    that contain some of them, apart from the sums.

    For each unit of measure, total = created = withIssuer + quarantined + notQuarantined + returning + inTransit +
    gone. Raises NoSuchResource where the caller sees no such notice.
    """
    notice = find_notice(runtime, caller, number, _party(issuer))
    at = moment(runtime, as_of, known_at)
    keys = keys_of(runtime, notice)
    around = containing_of(runtime, caller, notice, keys, at)
    events = facts_of(runtime, caller, [*keys, *around.parts], at)
    ledger = folded(runtime, caller, events, at)
    found = ledger_trace.account(ledger, notice.covers)
    times = {event.eid: event.event_time_us for event in events}
    tell = _Teller(runtime, ledger, found, {event.eid: event.event_id for event in events})
    units = [_unit(notice, unit, tell.told(unit.key), times) for unit in found.units]
    outer = ledger_trace.account(ledger, around.covers)
    tell_outer = _Teller(runtime, ledger, outer, tell.ids)
    wholes = [_unit(notice, unit, tell_outer.told(unit.key), times) for unit in outer.units]
    groups = {
        "units": (ledger_trace.AT_PLACE, ledger_trace.IN_CONTAINER),
        "inTransit": (ledger_trace.IN_TRANSIT,),
        "sinks": (ledger_trace.IN_SINK,),
    }
    body = notice.body() | {
        "asOf": at.text,
        "state": _state(notice, [*units, *wholes]),
        "totals": _totals(found, units),
        **{name: [one.body for one in units if one.units.where in where] for name, where in groups.items()},
        "containedIn": [one.body | {"contains": list(tell_outer.parts(around, one.units.key))} for one in wholes],
        "containedInMore": list(around.more),
        "claims": [unit_body(unit, tell.told(unit.key)) for unit in found.claims],
        "holders": _holders(units),
        "acknowledgements": _acknowledgements(runtime, caller, notice),
        "conflicts": conflicts_about(runtime, caller, ledger, {record.key for record in found.records}),
    }
    return body | _names(runtime, caller, [body], [one.body for one in (*units, *wholes)])


def acknowledge(
    runtime: Runtime, caller: Principal, number: str, step: str, *, issuer: str | None = None, note: str = ""
) -> dict[str, Any]:
    """Note that the caller's organisation has taken a step; the issuer reads it. Saying it again changes nothing.

    step: one of STEPS. note: up to 1,000 characters that name no patient. Raises NoSuchResource, ForbiddenException
    for the issuer itself, ValidationException.
    """
    caller.require(Right.CAPTURE)
    notice = find_notice(runtime, caller, number, _party(issuer))
    if notice.issuer == caller.organisation:
        raise ForbiddenException("a notice is acknowledged by those who have its goods, not by its issuer")
    require_no_patient(note, "note")
    key = (notice.issuer, notice.number, caller.organisation, step)
    suppliers = [one for one, hospital in agreements.book(runtime).pairs() if hospital == caller.organisation]
    scopes = {(supplier, caller.organisation, line.gtin) for supplier in suppliers for line in notice.lines}

    def unit(tx: WriteTransaction) -> None:
        if tx.get(RecallAcknowledgement, *key) is None:
            tx.put(
                RecallAcknowledgement(
                    issuer=notice.issuer,
                    notice=notice.number,
                    party=caller.organisation,
                    step=step,
                    principal=caller.name or caller.key_id,
                    note=note,
                    acknowledged_us=tx.record_time_us,
                )
            )
            alert_rows.mark(tx, scopes)

    runtime.store.committer.run(unit)
    runtime.changes.publish({notice.issuer, caller.organisation})
    return {"acknowledgements": _acknowledgements(runtime, caller, notice)}


def patients_of_notice(
    runtime: Runtime, caller: Principal, number: str, *, issuer: str | None, purpose: str
) -> dict[str, Any]:
    """The patients whom units of a notice are or were with, or what such units went into; for the clinical role, in the
    audit log first.

    Raises ForbiddenException, NoSuchResource.
    """
    caller.require(Right.KNOW_PATIENTS)
    notice = find_notice(runtime, caller, number, _party(issuer))
    keys = keys_of(runtime, notice)
    around = containing_of(runtime, caller, notice, keys, moment(runtime, None, None))
    named = [*(key for key in keys if key[36:]), *around.parts]
    contained = [{"item": item, "contains": list(parts)} for item, parts in around.parts.items()]
    told = {"containedIn": contained, "containedInMore": list(around.more)}
    return (
        {"notice": notice.number, "issuer": notice.issuer}
        | told
        | patients.links_of_items(
            runtime, caller, named, resource="patients of a recall", asked=notice.number.encode(), purpose=purpose
        )
    )


def require_no_patient(text: str, path: str) -> None:
    """Nothing where a text that other parties read names no patient; else raises ValidationException."""
    if contains_patient_identifier(text):
        message = f"{path} names a patient (GSRN, AI 8018), and other parties read it; expected a text without"
        raise ValidationException(message, [Finding(path, "patient", message, _CLAUSE)])


def _unit(notice: RecallNotice, unit: Units, told: Told, times: Mapping[bytes, int]) -> _Unit:
    body = unit_body(unit, told)
    handling = _handling(notice, unit, body["flags"], told.runtime.registry.parties.party_of_place(unit.place))
    changed_us = max((times[eid] for eid in unit.eids if eid in times), default=0)
    body |= {
        "handling": handling,
        "since": format_time_us(changed_us),
        "afterNotice": handling != GONE and changed_us > notice.issued_us,
    }
    return _Unit(unit, handling, body)


def _handling(notice: RecallNotice, unit: Units, flags: Sequence[str], place_of: str | None) -> str:
    if unit.where == ledger_trace.IN_SINK:
        return GONE
    if unit.where == ledger_trace.IN_TRANSIT:
        return RETURNING if place_of == notice.issuer else IN_TRANSIT
    if unit.holder == notice.issuer:
        return WITH_ISSUER
    return QUARANTINED if "held" in flags else NOT_QUARANTINED


def _state(notice: RecallNotice, units: Iterable[_Unit]) -> str:
    if notice.withdrawn_us is not None:
        return "withdrawn"
    return "open" if any(one.handling in _ACT and one.units.quantity for one in units) else "complete"


def _totals(found: Account, units: Sequence[_Unit]) -> list[dict[str, Any]]:
    """One entry for each unit of measure. gone: by status of what left stock."""
    entries = []
    for uom in sorted({*found.opened, *found.accounted}):
        own = [one for one in units if (one.units.uom or "") == uom]
        sums = {handling: _sum(one for one in own if one.handling == handling) for handling in _FIELDS}
        gone = {one.units.status for one in own if one.handling == GONE}
        entries.append(
            {
                "uom": uom or None,
                "created": _text(found.opened.get(uom, Decimal(0))),
                "total": _text(found.accounted.get(uom, Decimal(0))),
                **{_FIELDS[handling]: _text(amount) for handling, amount in sums.items()},
                "goneBy": {
                    status: _text(_sum(one for one in own if one.handling == GONE and one.units.status == status))
                    for status in sorted(gone)
                },
            }
        )
    return entries


def _holders(units: Sequence[_Unit]) -> list[dict[str, Any]]:
    """One entry for each party that has or had units, and unit of measure."""
    groups: dict[tuple[str, str], list[_Unit]] = {}
    for one in units:
        groups.setdefault((one.units.holder or "", one.units.uom or ""), []).append(one)
    return [
        {"holder": holder or None, "uom": uom or None}
        | {
            field: _text(_sum(one for one in members if one.handling == handling))
            for handling, field in _FIELDS.items()
        }
        for (holder, uom), members in sorted(groups.items())
    ]


def _sum(units: Iterable[_Unit]) -> Decimal:
    return sum((one.units.quantity for one in units), start=Decimal(0))


def _text(amount: Decimal) -> str:
    return format(amount, "f")


def _acknowledgements(runtime: Runtime, caller: Principal, notice: RecallNotice) -> list[dict[str, Any]]:
    """What was said about a notice: all of it for its issuer, its own for anybody else."""
    equal = {"issuer": notice.issuer, "notice": notice.number}
    if caller.organisation != notice.issuer:
        equal["party"] = caller.organisation
    with runtime.store.reader() as reader:
        rows = reader.select(RecallAcknowledgement, **equal)
    return [
        {
            "party": row.party,
            "step": row.step,
            "principal": row.principal,
            "note": row.note,
            "acknowledgedAt": format_time_us(row.acknowledged_us),
        }
        for row in sorted(rows, key=lambda row: (row.acknowledged_us, row.party, STEPS.index(row.step)))
    ]


def _names(
    runtime: Runtime, caller: Principal, bodies: Sequence[Mapping[str, Any]], units: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Names of the places, parties and products in an answer."""
    named: list[Mapping[str, Any]] = [*units]
    for body in bodies:
        named += [{"holder": body["issuer"]}]
        named += [{"holder": one["party"]} for one in body["acknowledgements"]]
        named += [{"item": f"https://id.gs1.org/01/{one['gtin']}"} for one in body["items"]]
    return dict(stock.names(runtime, caller, named))


def _party(identifier: str | None) -> str | None:
    return canonical_identifier(identifier) if identifier is not None else None
