"""One event on its way in: checked, expanded, identified and indexed, before the writer is asked for anything.

Pure: the same event always prepares to the same value. It must not read or write the store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from traceward.epcis import event_hash, identity, rendering, rules, terms
from traceward.epcis.document import RawEvent
from traceward.epcis.errors import Finding
from traceward.epcis.extension import CONSIGNMENT_NAMESPACE, Context
from traceward.epcis.json_codec import read_json
from traceward.gs1.patient import contains_patient_identifier, may_name_patient
from traceward.store.rows import EventRow
from traceward.store.terms import PreparedTerms, prepare_terms

_KINDS: Final = {
    "ObjectEvent": 0,
    "AggregationEvent": 1,
    "TransactionEvent": 2,
    "TransformationEvent": 3,
    "AssociationEvent": 4,
}
_EXTENSION_KIND: Final = 5
_HASH_SCHEME: Final = "ni:///"
_PRIVATE_MARK: Final = CONSIGNMENT_NAMESPACE + "private"
"""An event that says so of itself is private to its captor's clinical role, and moves no stock."""

_PRIVACY_CLAUSE: Final = "Traceward privacy rule: a patient link is an event of its own"
_HASH_CLAUSE: Final = "CBV 2.0, event hash id"


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """An event that may be captured.

    path: where it stands in its document. eid: 16 bytes. event_id: as sent, or assigned. text: as sent. rendered: its
    Digital Link form where that differs.
    context: the JSON-LD context that the text needs, None for the standard one. warnings: findings that do not refuse.
    """

    index: int
    path: str
    eid: bytes
    event_id: str
    assigned: bool
    is_declaration: bool
    private: bool
    kind: int
    event_time_us: int
    expanded: Mapping[str, Any]
    text: bytes
    rendered: bytes | None
    context: bytes | None
    terms: PreparedTerms
    warnings: tuple[Finding, ...]

    def row(self, seq: int, record_time_us: int, facts: bytes | None) -> EventRow:
        """The event's row under the number and time that the commit gives it."""
        return EventRow(
            seq,
            self.eid,
            self.event_id,
            self.event_time_us,
            record_time_us,
            self.kind,
            self.private,
            self.context,
            self.text,
            self.rendered,
            facts,
        )


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that may not be captured, and why; at least one finding is an error."""

    index: int
    findings: tuple[Finding, ...]


def prepare(
    raw: RawEvent, secret: bytes, *, hash_is_taken: bool = False, strict_sensors: bool = False
) -> PreparedEvent | RefusedEvent:
    """The event ready to be written, or why it may not be.

    secret: the store's key for index terms. hash_is_taken: the capturing party has other content under the event's
    hash, so that an eventID which must be assigned is made from the content's digest instead. strict_sensors: what the
    conformance requirements say of sensor data counts, even where GS1's own examples break it.
    """
    findings = rules.check_event(raw, strict=strict_sensors)
    if any(finding.severity == "error" for finding in findings):
        return RefusedEvent(raw.index, tuple(findings))
    data, context = raw.data, raw.context
    expanded = identity.expand(data, context)
    event_id = expanded.get("eventID")
    assigned = event_id is None
    if event_id is None:
        event_id = identity.assigned_event_id(data, context, hash_is_taken=hash_is_taken)
        expanded["eventID"] = event_id
    elif event_id.startswith(_HASH_SCHEME):
        findings.extend(_hash_findings(raw, event_id))
    names_patient = _may_name_patient(raw) and identity.private(expanded, data)
    private = names_patient or str(expanded.get(_PRIVATE_MARK, "")).lower() == "true"
    kind = _KINDS.get(expanded["type"], _EXTENSION_KIND)
    if names_patient and kind != _KINDS["AssociationEvent"]:
        findings.append(_patient_finding(raw))
    rendered = rendering.render_event(raw.text, data=data)
    return PreparedEvent(
        index=raw.index,
        path=raw.path,
        eid=identity.digest(expanded),
        event_id=event_id,
        assigned=assigned,
        is_declaration="errorDeclaration" in expanded,
        private=private,
        kind=kind,
        event_time_us=expanded["eventTime"],
        expanded=expanded,
        text=raw.text,
        rendered=None if rendered is raw.text or rendered == raw.text else rendered,
        context=raw.stored_context,
        terms=_terms(expanded, secret, private=private),
        warnings=tuple(findings),
    )


def prepare_again(event: PreparedEvent, secret: bytes) -> PreparedEvent:
    """The same event under an id made from its content, because its party has other content under its hash."""
    raw = _stored(event.index, event.text, event.context)
    prepared = prepare(raw, secret, hash_is_taken=True)
    assert isinstance(prepared, PreparedEvent)
    return prepared


def prepare_stored(text: bytes, context: bytes | None, secret: bytes) -> PreparedEvent:
    """An event that was judged before and kept apart, ready to be written."""
    prepared = prepare(_stored(0, text, context), secret)
    assert isinstance(prepared, PreparedEvent)
    return prepared


def stored_terms(
    text: bytes, context: bytes | None, event_id: str, secret: bytes, *, private: bool = False
) -> PreparedTerms:
    """The index rows of an event that is stored already: what `prepare` made of it when it came."""
    return _terms(expanded_stored(text, context, event_id), secret, private=private)


def _terms(expanded: Mapping[str, Any], secret: bytes, *, private: bool) -> PreparedTerms:
    """The index rows of an event. Lists hold plain values: those of a private event leave patients out."""
    listed = terms.vocabulary_terms(expanded)
    if private:
        listed = [(kind, value) for kind, value in listed if not contains_patient_identifier(value)]
    return prepare_terms(terms.event_terms(expanded), terms.event_numbers(expanded), listed, secret)


def expanded_stored(text: bytes, context: bytes | None, event_id: str) -> dict[str, Any]:
    """The expanded form of an event that is stored already."""
    raw = _stored(0, text, context)
    expanded = identity.expand(raw.data, raw.context)
    expanded.setdefault("eventID", event_id)
    return expanded


def errors_of(refused: Iterable[RefusedEvent]) -> list[Finding]:
    """Every finding of refused events, in the order of the document."""
    return [finding for event in sorted(refused, key=lambda one: one.index) for finding in event.findings]


def _may_name_patient(raw: RawEvent) -> bool:
    """Whether a look at the whole event is worth its time: without one of these marks nothing can spell a GSRN.

    Prefixes of the context count as well, since they can stand for the beginning of a spelling.
    """
    return _has_mark(raw.text) or _has_mark(raw.context.text)


def _has_mark(text: bytes) -> bool:
    return b"\\" in text or may_name_patient(text)


def _stored(index: int, text: bytes, context: bytes | None) -> RawEvent:
    return RawEvent(index, text, Context.of(read_json(context)) if context is not None else None, read_json)


def _hash_findings(raw: RawEvent, event_id: str) -> list[Finding]:
    algorithm = event_id.removeprefix(_HASH_SCHEME).partition(";")[0]
    if algorithm != "sha-256" or event_id.lower() == event_hash.event_hash(raw.data, raw.context).lower():
        return []
    message = f"eventID is {event_id!r}, which is not the hash of this event; it is kept as a name"
    return [Finding("eventID", "hash_mismatch", message, _HASH_CLAUSE, None, "warning").under(raw.path, raw.index)]


def _patient_finding(raw: RawEvent) -> Finding:
    message = (
        "the event names a patient (AI 8018): it is kept private to the capturing party's clinical role and moves no "
        "stock; expected the patient in an AssociationEvent of its own"
    )
    return Finding("", "patient_in_shared_event", message, _PRIVACY_CLAUSE, None, "warning").under(raw.path, raw.index)
