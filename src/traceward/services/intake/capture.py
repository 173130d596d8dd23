"""Capture: bytes become stored events, index rows and ledger changes, in one transaction that is all or nothing.

Everything that needs no lock is done before the writer is asked: reading, checking, expanding, hashing. It must not
acknowledge anything before its commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from traceward.epcis import rendering
from traceward.epcis.document import RawEvent
from traceward.epcis.errors import (
    DocumentException,
    Finding,
    ForbiddenException,
    ResourceAlreadyExistsException,
    TracewardError,
)
from traceward.epcis.times import format_time_us
from traceward.epcis.xml_codec import write_event
from traceward.services.identity import audit
from traceward.services.identity.principals import Principal
from traceward.services.indexing.preparation import PreparedEvent, RefusedEvent, errors_of, prepare
from traceward.services.intake import capture_scope, documents, jobs
from traceward.services.intake.documents import BodyFormat, read_document, read_event
from traceward.services.intake.writing import WrittenEvents, write_events
from traceward.services.patients import quarantine
from traceward.services.problem_bodies import summary
from traceward.services.queries.answers import Representation
from traceward.services.queries.master_data import take_vocabulary, vocabulary_problem
from traceward.services.runtime import Runtime
from traceward.store.models import CaptureJob
from traceward.store.rows import StoredEvent
from traceward.store.write import WriteTransaction

CHUNK_EVENTS: Final = 1000
"""How many events of a large document are alive at once: the garbage collector's cost grows with more."""

_JSON: Final = BodyFormat()

_UNIQUE_CLAUSE: Final = "EPCIS 2.0 EPCISEvent, eventID: unique but for error declarations"


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One event as captured: its id and its JSON text with eventID, recordTime and @context."""

    event_id: str
    text: bytes
    record_time: str
    is_new: bool

    def answer(self, wanted: Representation) -> bytes:
        """The event alone in the representation wanted, its identifiers as Digital Link. EPCIS 2.0 REST, POST /events.

        In XML its element is the root: the standard's schema has no other form of an event alone.
        """
        if not wanted.is_xml:
            return self.text
        event = rendering.AnswerEvent(self.text, self.record_time)
        return write_event(event, version=wanted.version, cbv_format=wanted.cbv_format)


@dataclass(frozen=True, slots=True)
class ForbiddenEvent:
    """An event that keeps the rules, but that the caller may not capture, and why."""

    event: PreparedEvent
    finding: Finding


@dataclass(slots=True)
class Judged:
    """Events of one part of a document: those that may be written, those refused and those forbidden to the caller."""

    good: list[PreparedEvent] = field(default_factory=list)
    refused: list[RefusedEvent] = field(default_factory=list)
    forbidden: list[ForbiddenEvent] = field(default_factory=list)

    def problems(self) -> list[TracewardError]:
        """One problem for each event that may not be written."""
        found: list[TracewardError] = [
            DocumentException(summary(event.findings), event.findings) for event in self.refused
        ]
        found += [ForbiddenException(one.finding.message, [one.finding]) for one in self.forbidden]
        return found


def capture_document(
    runtime: Runtime, caller: Principal, body: bytes, behaviour: str, form: BodyFormat = _JSON
) -> CaptureJob:
    """Capture a document that is small enough to be judged before the answer; the job is finished on return.

    rollback: raises ValidationException with every finding, ForbiddenException or ResourceAlreadyExistsException, and
    nothing is stored. proceed: the job lists each event that failed.
    """
    document = read_document(body, form, runtime.limits)
    job = jobs.new_job(runtime.random_bytes(16).hex(), caller, behaviour, runtime.now_us(), {})
    whole = behaviour == "rollback"
    judged = judge(runtime, caller, document.events)
    vocabularies = documents.vocabularies(document)
    unusable = vocabulary_problem(caller, vocabularies)
    if whole:
        raise_refusal([judged])
        if unusable is not None:
            raise unusable
    warnings = [finding for event in judged.good for finding in event.warnings]

    def unit(tx: WriteTransaction) -> WrittenEvents:
        written = write_events(runtime, caller, job.capture_id, judged.good, tx)
        if whole:
            raise_taken(written.taken)
        if vocabularies and unusable is None:
            take_vocabulary(runtime, caller, vocabularies, tx, job.capture_id)
        jobs.finish(
            job,
            tx,
            event_count=len(document.events),
            stored_count=written.stored,
            problems=[
                *judged.problems(),
                *(taken_problem(event) for event in written.taken),
                *([unusable] if unusable is not None else []),
            ],
            warnings=warnings,
        )
        return written

    written = runtime.store.committer.run(unit, weight=max(1, len(judged.good)))
    runtime.changes.publish(written.concerned)
    return job


def capture_event(runtime: Runtime, caller: Principal, body: bytes, form: BodyFormat = _JSON) -> CapturedEvent:
    """Capture one bare event; a retry with the same content finds itself and changes nothing.

    Raises ValidationException, ForbiddenException, ResourceAlreadyExistsException when the caller's organisation has
    other content under this eventID.
    """
    (captured,) = capture_together(runtime, caller, [body], form)
    return captured


def capture_together(
    runtime: Runtime, caller: Principal, bodies: Sequence[bytes], form: BodyFormat = _JSON
) -> list[CapturedEvent]:
    """Capture bare events, all of them or none: what a crash leaves half done no retry could find whole.

    is_new is of all together. Raises as `capture_event` does.
    """
    raws = [read_event(body, form, runtime.limits) for body in bodies]
    prepared = prepare_all(runtime, caller, raws)

    def unit(tx: WriteTransaction) -> tuple[WrittenEvents, int]:
        return write_whole(runtime, caller, None, prepared, tx), tx.record_time_us

    written, record_time_us = runtime.store.committer.run(unit, weight=max(1, len(prepared)))
    runtime.changes.publish(written.concerned)
    captured = []
    for final, raw in zip(written.events, raws, strict=True):
        record_time = format_time_us(written.record_times_us.get(final.eid, record_time_us))
        # An event alone has its own @context in JSON; XML has namespaces instead, so it is added.
        context = raw.context.text if form.is_xml else final.context
        text = rendering.with_record_time(
            final.rendered or final.text, record_time, event_id=final.event_id, context=context
        )
        captured.append(CapturedEvent(final.event_id, text, record_time, written.stored > 0))
    return captured


def judge(runtime: Runtime, caller: Principal, events: Iterable[RawEvent], *, dry: bool = False) -> Judged:
    """Each event prepared, refused for its content, or forbidden to the caller.

    What is forbidden because it tells of a patient is in quarantine on return, unless the run is dry.
    """
    judged = Judged()
    for raw in events:
        result = prepare(raw, runtime.store.secret_key, strict_sensors=runtime.limits.strict_sensors)
        raw.release()
        if isinstance(result, RefusedEvent):
            judged.refused.append(result)
        elif (finding := capture_scope.refusal(caller, result, runtime.limits.patient_patterns)) is not None:
            judged.forbidden.append(ForbiddenEvent(result, finding))
        else:
            judged.good.append(result)
    if judged.forbidden and not dry:
        told = [(one.event, one.finding) for one in judged.forbidden if one.finding.code in capture_scope.QUARANTINED]
        quarantine.keep(runtime, caller, told)
    return judged


def release_quarantined(runtime: Runtime, caller: Principal, quarantine_id: str) -> str:
    """Capture an event that waits in quarantine, as the clinical role that answers for it; gives its eventID.

    Raises ForbiddenException, NoSuchResource, ResourceAlreadyExistsException.
    """
    event = quarantine.opened_event(runtime, caller, quarantine_id)
    made = audit.entry(caller, "quarantine released", f"quarantine {quarantine_id[:80]}", event_ids=[event.event_id])

    def unit(tx: WriteTransaction) -> WrittenEvents:
        quarantine.decide(tx, caller, quarantine_id, quarantine.RELEASED, made)
        return write_whole(runtime, caller, None, [event], tx)

    written = runtime.store.committer.run(unit)
    runtime.changes.publish(written.concerned)
    return written.events[0].event_id


def raise_refusal(parts: Iterable[Judged]) -> None:
    """Raise one error with every finding when any event of any part is refused or forbidden."""
    judged = list(parts)
    refused = [event for part in judged for event in part.refused]
    if refused:
        findings = errors_of(refused)
        raise DocumentException(summary(findings), findings)
    findings = [one.finding for part in judged for one in part.forbidden]
    if findings:
        raise ForbiddenException(summary(findings), findings)


def prepare_all(runtime: Runtime, caller: Principal, events: Iterable[RawEvent]) -> list[PreparedEvent]:
    """Every event, ready to be written. Raises one error with every finding when any event is refused."""
    judged = judge(runtime, caller, events)
    raise_refusal([judged])
    return judged.good


def write_whole(
    runtime: Runtime, caller: Principal, job_id: str | None, prepared: Sequence[PreparedEvent], tx: WriteTransaction
) -> WrittenEvents:
    """Write every event or, when an eventID is taken, raise ResourceAlreadyExistsException for all that are."""
    written = write_events(runtime, caller, job_id, prepared, tx)
    raise_taken(written.taken)
    return written


def raise_taken(taken: Sequence[PreparedEvent]) -> None:
    """Raise ResourceAlreadyExistsException with a finding for each of these events, if there are any."""
    if taken:
        findings = [finding for event in taken for finding in taken_problem(event).findings]
        raise ResourceAlreadyExistsException(summary(findings), findings)


def taken_problem(event: PreparedEvent) -> ResourceAlreadyExistsException:
    """The problem of an event whose eventID the same party has given to other content."""
    message = f"eventID {event.event_id!r} names other content that this organisation captured before"
    finding = Finding("eventID", "event_id_taken", message, _UNIQUE_CLAUSE).under(event.path, event.index)
    return ResourceAlreadyExistsException(message, [finding])


def answered_text(event: StoredEvent) -> bytes:
    """A stored event as it is answered alone: in Digital Link form, with its eventID, recordTime and @context."""
    return rendering.with_record_time(
        event.rendered or event.text,
        format_time_us(event.record_time_us),
        event_id=event.event_id,
        context=event.context,
    )


def path_segment(event_id: str) -> str:
    """The id as one segment of a URL's path."""
    return quote(event_id, safe="")
