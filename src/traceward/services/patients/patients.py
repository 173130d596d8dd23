"""Patients: look-ups by the clinical role, emergency access beyond a key's place, and erasure; each of them audited.

What is asked comes in bodies, never in URLs. It must not tell a patient's identifier to the log, or in an error.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from traceward.epcis.errors import Finding, NoSuchResource, ResourceAlreadyExistsException, ValidationException
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.percent import encode_link_segment
from traceward.ledger.facts import GS1, PATIENT, LedgerEvent, class_keys, item_keys
from traceward.ledger.trace import PatientUnits, patients_of
from traceward.services.identity import audit
from traceward.services.identity.principals import Principal, Right
from traceward.services.patients import subjects
from traceward.services.queries.visible_events import Moment, facts_of, folded, moment, serials_of_lot
from traceward.services.runtime import Runtime
from traceward.store.account_models import EmergencyAccess
from traceward.store.write import WriteTransaction

EMERGENCY_S: Final = 3600
"""How long one break-glass lasts."""

_CLAUSE: Final = "Traceward privacy rule: patient look-ups"
_GSRN_LENGTH: Final = 18


@dataclass(frozen=True, slots=True)
class Question:
    """Whom or what is asked for, exactly one of: a patient, an item, or a lot of a GTIN. All as the caller wrote it."""

    patient: str | None = None
    epc: str | None = None
    gtin: str | None = None
    lot: str | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """A question resolved: a patient's canonical GSRN, or the ledger keys of an item or lot, itself the first."""

    patient: str | None
    keys: tuple[str, ...]

    @property
    def item(self) -> str | None:
        """The item or lot that is asked for."""
        return self.keys[0] if self.patient is None else None

    @property
    def digest_text(self) -> bytes:
        """What the audit log keeps a digest of."""
        return orjson.dumps([self.patient, *self.keys[:1]])


def search(
    runtime: Runtime, caller: Principal, question: Question, *, purpose: str, as_of: str | None = None
) -> dict[str, Any]:
    """The units that a patient has, or the patients that an item or lot is with; the look-up is in the audit log first.

    A caller that is bound to a place is told of links made there, and of others while it has emergency access to them.
    Raises ForbiddenException, and ValidationException with the path of a bad field.
    """
    caller.require(Right.KNOW_PATIENTS)
    target = _target(runtime, question)
    at = moment(runtime, as_of, None)
    whole = replace(caller, place=None)
    if target.patient is not None:
        linked = facts_of(runtime, whole, [target.patient], at)
        keys = {key for event in linked if event.private for key in item_keys(event) | class_keys(event)}
    else:
        keys = set(target.keys)
    everywhere = caller.place is None or _has_emergency(runtime, caller, target)
    asking = whole if everywhere else caller
    return _links(runtime, asking, keys, at, target.patient, "patients", target.digest_text, purpose)


def links_of_items(
    runtime: Runtime, caller: Principal, keys: Collection[str], *, resource: str, asked: bytes, purpose: str
) -> dict[str, Any]:
    """The patients whom units of these items and classes are with; the look-up is in the audit log first.

    resource: what the log calls it; asked: what it keeps a digest of. A caller that is bound to a place is told of
    links made there. Raises ForbiddenException.
    """
    caller.require(Right.KNOW_PATIENTS)
    return _links(runtime, caller, set(keys), moment(runtime, None, None), None, resource, asked, purpose)


def _links(
    runtime: Runtime,
    caller: Principal,
    keys: Collection[str],
    at: Moment,
    patient: str | None,
    resource: str,
    asked: bytes,
    purpose: str,
) -> dict[str, Any]:
    """The links of these keys, of one patient or of all, recorded in the audit log; those of the caller's place."""
    whole = replace(caller, place=None)
    named = set(keys)
    facts = facts_of(runtime, whole, sorted(named), at) if named else []
    by_eid = {event.eid: event for event in facts}
    found = [
        units
        for units in patients_of(folded(runtime, whole, facts, at), named)
        if patient in (None, units.patient) and (caller.place is None or _made_at(caller, units, by_eid))
    ]
    event_ids = sorted({by_eid[eid].event_id for units in found for eid in units.eids if eid in by_eid})
    audit.record(
        runtime,
        audit.entry(
            caller,
            "read private",
            resource,
            asked=asked,
            count=len(found),
            event_ids=event_ids,
            purpose=purpose,
        ),
    )
    return {"asOf": at.text, "links": [_link_body(units, by_eid) for units in found]}


def break_glass(runtime: Runtime, caller: Principal, question: Question, *, reason: str) -> dict[str, Any]:
    """Emergency access of the caller's key to one patient, item or lot beyond its place, for an hour.

    reason: typed by the caller; the privacy officer reviews it. Raises ForbiddenException.
    """
    caller.require(Right.BREAK_GLASS)
    target = _target(runtime, question)
    vault = runtime.store.vault
    patient = target.patient
    opened = EmergencyAccess(
        id=runtime.random_bytes(8).hex(),
        party=caller.party_number,
        principal=caller.name or caller.key_id,
        credential=caller.key_id,
        subject=vault.subject_id(caller.party_number, patient) if patient is not None else None,
        item=target.item,
        reason=reason,
        opened_us=0,
        expires_us=0,
    )
    made = audit.entry(caller, "break glass", f"emergency {opened.id}", asked=target.digest_text, purpose=reason)

    def unit(tx: WriteTransaction) -> None:
        opened.opened_us = tx.record_time_us
        opened.expires_us = tx.record_time_us + EMERGENCY_S * 1_000_000
        tx.put(opened)
        audit.append(tx, made)

    runtime.store.committer.run(unit)
    return _emergency_body(opened)


def emergencies(runtime: Runtime, caller: Principal, *, unreviewed: bool) -> list[dict[str, Any]]:
    """The uses of break-glass in the caller's organisation, newest first; for its privacy officer."""
    caller.require(Right.READ_AUDIT)
    with runtime.store.reader() as reader:
        rows = reader.select(EmergencyAccess, party=caller.party_number)
    kept = [row for row in rows if row.reviewed_us is None or not unreviewed]
    return [_emergency_body(row) for row in sorted(kept, key=lambda row: (row.opened_us, row.id), reverse=True)]


def review(runtime: Runtime, caller: Principal, emergency_id: str, *, judgement: str) -> dict[str, Any]:
    """One use of break-glass, judged by the privacy officer. Raises NoSuchResource, and 409 when it is reviewed."""
    caller.require(Right.READ_AUDIT)
    made = audit.entry(caller, "break glass reviewed", f"emergency {emergency_id[:40]}", purpose=judgement)

    def unit(tx: WriteTransaction) -> EmergencyAccess:
        row = tx.get(EmergencyAccess, emergency_id)
        if row is None or row.party != caller.party_number:
            raise NoSuchResource("there is no emergency access of this id")
        if row.reviewed_us is not None:
            raise ResourceAlreadyExistsException(f"the emergency access {emergency_id} was reviewed already")
        row.reviewed_us = tx.record_time_us
        row.reviewed_by = caller.name or caller.key_id
        row.review = judgement
        tx.put(row)
        audit.append(tx, made)
        return row

    return _emergency_body(runtime.store.committer.run(unit))


def erase(runtime: Runtime, caller: Principal, patient: str, *, reason: str) -> int:
    """Make every event of the caller's organisation that names a patient unreadable for good; gives how many there are.

    The ledger, counts and all else stay as they are. Raises ForbiddenException, NoSuchResource for an unknown patient.
    """
    caller.require(Right.ERASE_PATIENTS)
    name = _patient_name(patient)
    made = audit.entry(caller, "patient erased", "patients", asked=orjson.dumps([name]), purpose=reason)

    def unit(tx: WriteTransaction) -> int:
        count = subjects.erase(tx, runtime.store.vault, caller.party_number, name)
        audit.append(tx, replace(made, count=count))
        return count

    return runtime.store.committer.run(unit)


def _target(runtime: Runtime, question: Question) -> _Target:
    if question.patient is not None:
        return _Target(_patient_name(question.patient), ())
    if question.epc is not None:
        return _Target(None, (canonical_identifier(question.epc),))
    gtin, lot = (question.gtin or "").zfill(14), encode_link_segment(question.lot or "")
    item = canonical_identifier(f"{GS1}01/{gtin}/10/{lot}")
    return _Target(None, (item, *serials_of_lot(runtime, gtin, item.rpartition("/")[2])))


def _patient_name(text: str) -> str:
    """The canonical GSRN of a patient. The error does not repeat what was sent, which may be somebody's number."""
    name = canonical_identifier(f"{PATIENT}{text}" if text.isdecimal() and len(text) == _GSRN_LENGTH else text)
    if not name.startswith(PATIENT):
        message = "patient is no GSRN; expected 18 digits, urn:epc:id:gsrn:... or https://id.gs1.org/8018/..."
        raise ValidationException(message, [Finding("patient", "patient", message, _CLAUSE)])
    return name


def _has_emergency(runtime: Runtime, caller: Principal, target: _Target) -> bool:
    """Whether the caller's key has emergency access to what is asked for, now."""
    with runtime.store.reader() as reader:
        rows = reader.fetch(
            "SELECT subject, item FROM emergency_access WHERE party=? AND credential=? AND expires_us>?",
            (caller.party_number, caller.key_id, runtime.now_us()),
        )
    if target.patient is not None:
        subject = runtime.store.vault.subject_id(caller.party_number, target.patient)
        return any(opened is not None and bytes(opened) == subject for opened, _ in rows)
    return any(item == target.item for _, item in rows)


def _made_at(caller: Principal, units: PatientUnits, by_eid: Mapping[bytes, LedgerEvent]) -> bool:
    event = by_eid.get(units.eids[0])
    return event is not None and any(caller.acts_at(place) for place in (event.read_point, event.biz_location))


def _link_body(units: PatientUnits, by_eid: Mapping[bytes, LedgerEvent]) -> dict[str, Any]:
    return {
        "patient": units.patient,
        "item": units.key,
        "quantity": format(units.quantity, "f"),
        "since": format_time_us(units.opened_us),
        "until": format_time_us(units.closed_us) if units.closed_us is not None else None,
        "usageReport": units.usage_report,
        "useDeclaredInError": units.use_in_error,
        "eventIDs": _ids(units.eids, by_eid),
    }


def _ids(eids: Iterable[bytes], by_eid: Mapping[bytes, LedgerEvent]) -> Collection[str]:
    return [by_eid[eid].event_id for eid in eids if eid in by_eid]


def _emergency_body(row: EmergencyAccess) -> dict[str, Any]:
    return {
        "id": row.id,
        "principal": row.principal,
        "credential": row.credential,
        "concerns": row.item if row.item is not None else "a patient",
        "reason": row.reason,
        "openedAt": format_time_us(row.opened_us),
        "expiresAt": format_time_us(row.expires_us),
        "reviewedAt": format_time_us(row.reviewed_us) if row.reviewed_us is not None else None,
        "reviewedBy": row.reviewed_by,
        "review": row.review,
    }
