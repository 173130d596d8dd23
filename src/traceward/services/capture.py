"""Capture: bytes become stored events, index rows and ledger changes, in one transaction that is all or nothing.

Everything that needs no lock is done before the writer is asked: reading, checking, expanding, hashing. It must not
acknowledge anything before its commit.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from traceward.epcis import rendering
from traceward.epcis.document import RawEvent
from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    ResourceAlreadyExistsException,
    TracewardError,
    ValidationException,
)
from traceward.epcis.json_codec import read_document, read_event
from traceward.epcis.times import format_time_us
from traceward.services import jobs
from traceward.services.preparation import PreparedEvent, RefusedEvent, errors_of, prepare
from traceward.services.principals import Principal, Right
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime
from traceward.services.writing import WrittenEvents, write_events
from traceward.store.models import CaptureJob
from traceward.store.rows import StoredEvent
from traceward.store.write import WriteTransaction

CHUNK_EVENTS: Final = 1000
"""How many events are alive at once: the garbage collector's cost grows with more."""

_UNIQUE_CLAUSE: Final = "EPCIS 2.0 EPCISEvent, eventID: unique but for error declarations"
_PRIVATE_CLAUSE: Final = "Traceward privacy rule: only the clinical role records patients"


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One event as captured: its id and its text with eventID, recordTime and @context."""

    event_id: str
    text: bytes
    is_new: bool


def capture_document(runtime: Runtime, caller: Principal, body: bytes, behaviour: str) -> CaptureJob:
    """Capture a document that is small enough to be judged before the answer; the job is finished on return.

    rollback: raises ValidationException with every finding, ForbiddenException or ResourceAlreadyExistsException, and
    nothing is stored. proceed: the job lists each event that failed.
    """
    limits = runtime.limits
    document = read_document(body, max_events=limits.capture_limit_events, max_bytes=limits.capture_limit_bytes)
    job = jobs.new_job(uuid.uuid4().hex, caller, behaviour, runtime.now_us(), {})
    problems: list[TracewardError] = []
    if behaviour == "rollback":
        prepared = prepare_all(runtime, caller, document.events)
    else:
        prepared, problems = sort_out(runtime, caller, document.events)
    warnings = [finding for event in prepared for finding in event.warnings]

    def unit(tx: WriteTransaction) -> WrittenEvents:
        if behaviour == "rollback":
            written = write_whole(runtime, caller, job.capture_id, prepared, tx)
        else:
            written = WrittenEvents()
            for chunk in chunks(prepared):
                written.add(write_events(runtime, caller, job.capture_id, chunk, tx))
        ended = jobs.finish(
            job,
            tx.record_time_us,
            event_count=len(document.events),
            stored_count=written.stored,
            problems=[*problems, *(taken_problem(event) for event in written.taken)],
            warnings=warnings,
        )
        tx.put(ended)
        return written

    written = runtime.store.committer.run(unit, weight=max(1, len(prepared)))
    runtime.changes.publish(written.concerned)
    return job


def capture_event(runtime: Runtime, caller: Principal, body: bytes) -> CapturedEvent:
    """Capture one bare event; a retry with the same content finds itself and changes nothing.

    Raises ValidationException, ForbiddenException, ResourceAlreadyExistsException when the caller's organisation has
    other content under this eventID.
    """
    raw = read_event(body, max_bytes=runtime.limits.capture_limit_bytes)
    (prepared,) = prepare_all(runtime, caller, [raw])

    def unit(tx: WriteTransaction) -> tuple[WrittenEvents, int]:
        return write_whole(runtime, caller, None, [prepared], tx), tx.record_time_us

    written, record_time_us = runtime.store.committer.run(unit)
    runtime.changes.publish(written.concerned)
    (final,) = written.events
    text = rendering.with_record_time(
        final.rendered or final.text,
        format_time_us(written.record_times_us.get(final.eid, record_time_us)),
        event_id=final.event_id,
        context=final.context,
    )
    return CapturedEvent(final.event_id, text, written.stored > 0)


def prepare_all(runtime: Runtime, caller: Principal, events: Sequence[RawEvent]) -> list[PreparedEvent]:
    """Every event, ready to be written. Raises one error with every finding when any event is refused."""
    prepared: list[PreparedEvent] = []
    refused: list[RefusedEvent] = []
    for raw in events:
        result = prepare(raw, runtime.store.secret_key)
        raw.release()
        if isinstance(result, RefusedEvent):
            refused.append(result)
        else:
            prepared.append(result)
    if refused:
        findings = errors_of(refused)
        raise ValidationException(summary(findings), findings)
    forbidden = [event for event in prepared if not _may_capture(caller, event)]
    if forbidden:
        findings = [_private_finding(event) for event in forbidden]
        raise ForbiddenException(summary(findings), findings)
    return prepared


def sort_out(
    runtime: Runtime, caller: Principal, events: Iterable[RawEvent]
) -> tuple[list[PreparedEvent], list[TracewardError]]:
    """The events that may be written, and one problem for each that may not."""
    good: list[PreparedEvent] = []
    problems: list[TracewardError] = []
    for raw in events:
        result = prepare(raw, runtime.store.secret_key)
        raw.release()
        if isinstance(result, RefusedEvent):
            problems.append(ValidationException(summary(result.findings), result.findings))
        elif not _may_capture(caller, result):
            finding = _private_finding(result)
            problems.append(ForbiddenException(finding.message, [finding]))
        else:
            good.append(result)
    return good, problems


def write_whole(
    runtime: Runtime, caller: Principal, job_id: str | None, prepared: Sequence[PreparedEvent], tx: WriteTransaction
) -> WrittenEvents:
    """Write every event or, when an eventID is taken, raise ResourceAlreadyExistsException for all that are."""
    total = WrittenEvents()
    for chunk in chunks(prepared):
        total.add(write_events(runtime, caller, job_id, chunk, tx))
    if total.taken:
        findings = [finding for event in total.taken for finding in taken_problem(event).findings]
        raise ResourceAlreadyExistsException(summary(findings), findings)
    return total


def chunks(events: Sequence[PreparedEvent]) -> Iterator[Sequence[PreparedEvent]]:
    """The events in parts of at most CHUNK_EVENTS."""
    for start in range(0, len(events), CHUNK_EVENTS):
        yield events[start : start + CHUNK_EVENTS]


def taken_problem(event: PreparedEvent) -> ResourceAlreadyExistsException:
    """The problem of an event whose eventID the same party has given to other content."""
    message = f"eventID {event.event_id!r} names other content that this organisation captured before"
    finding = Finding(f"eventList[{event.index}].eventID", "event_id_taken", message, _UNIQUE_CLAUSE, event.index)
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


def _may_capture(caller: Principal, event: PreparedEvent) -> bool:
    return not event.private or caller.may(Right.CAPTURE_PRIVATE)


def _private_finding(event: PreparedEvent) -> Finding:
    message = f"event {event.index} names a patient; the role that captures it must be clinical"
    return Finding(f"eventList[{event.index}]", "private_event", message, _PRIVATE_CLAUSE, event.index)
