"""Large documents: accepted with their file, captured in the background, and taken up again after a crash.

The file is synced and its job committed before the caller is told. It must not keep more than a part of the document's
events in memory as values.
"""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from traceward.epcis.document import Document, RawEvent
from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    ImplementationException,
    TracewardError,
    ValidationException,
)
from traceward.epcis.json_codec import read_document
from traceward.services import jobs
from traceward.services.capture import CHUNK_EVENTS, judge, prepare_all, taken_problem, write_whole
from traceward.services.preparation import PreparedEvent
from traceward.services.principals import Principal, Right
from traceward.services.problem_bodies import problem_body, summary
from traceward.services.runtime import Runtime
from traceward.services.writing import write_events
from traceward.store.models import CaptureJob
from traceward.store.write import WriteTransaction

_log = structlog.get_logger("traceward.capture")

_HEAVY: Final = 5_000
"""The weight of a whole large document in the writer's queue: it shares its transaction with nobody."""


class _Stopped(Exception):  # no error: the server ends, and the job goes on at its next start
    """The server is ending."""


def accept(runtime: Runtime, caller: Principal, file: Path, behaviour: str) -> CaptureJob:
    """A running job for a document that lies synced in the spool folder; it is captured in the background."""
    job = jobs.new_job(uuid.uuid4().hex, caller, behaviour, runtime.now_us(), _first_detail(file, caller))
    runtime.store.committer.run(lambda tx: tx.put(job))
    runtime.background.submit(_capture, runtime, job)
    return job


def resume_all(runtime: Runtime) -> int:
    """Take up every job that a crash has left running; gives how many. Files that no job names are removed."""
    with runtime.store.reader() as reader:
        running = reader.select(CaptureJob, running=True)
    ours = [job for job in running if _detail(job)["folder"] == str(runtime.spool_folder.absolute())]
    own = [job for job in ours if (runtime.spool_folder / _detail(job)["file"]).is_file()]
    for job in ours:
        if job not in own:
            _end(runtime, job, [ImplementationException("the document of this job is no longer on the server's disk")])
    named = {_detail(job)["file"] for job in own}
    if runtime.spool_folder.is_dir():
        for file in runtime.spool_folder.iterdir():
            if file.name not in named:
                file.unlink()
    for job in own:
        runtime.background.submit(_capture, runtime, job)
    return len(own)


def _capture(runtime: Runtime, job: CaptureJob) -> None:
    """Capture one spooled document to the end of its job; whatever goes wrong becomes the job's error."""
    file = runtime.spool_folder / _detail(job)["file"]
    try:
        _capture_file(runtime, job, file)
    except _Stopped:
        return
    except TracewardError as error:
        _end(runtime, job, [error])
    except Exception:  # noqa: BLE001  # a worker loop: whatever it was, the job must end and say so
        _log.exception("spooled capture failed", capture_id=job.capture_id)
        _end(runtime, job, [ImplementationException("the server failed while capturing; its log has the reason")])
    file.unlink(missing_ok=True)


def _capture_file(runtime: Runtime, job: CaptureJob, file: Path) -> None:
    caller = _principal(runtime, job)
    limits = runtime.limits
    document = read_document(
        file.read_bytes(), max_events=limits.capture_limit_events, max_bytes=limits.capture_limit_bytes
    )
    job.event_count = len(document.events)
    if job.error_behaviour == "rollback":
        _capture_whole(runtime, caller, job, document)
    else:
        _capture_parts(runtime, caller, job, document)


def _capture_whole(runtime: Runtime, caller: Principal, job: CaptureJob, document: Document) -> None:
    """All in one transaction. Everything is judged before it, since it holds the writer for as long as it lasts."""
    _judge(runtime, caller, document.events)

    def unit(tx: WriteTransaction) -> set[str]:
        stored = 0
        warnings: list[Finding] = []
        concerned: set[str] = set()
        for part in _parts(runtime, document.events):
            prepared = prepare_all(runtime, caller, part)
            written = write_whole(runtime, caller, job.capture_id, prepared, tx)
            stored += written.stored
            concerned |= written.concerned
            warnings += [finding for event in prepared for finding in event.warnings]
        count = len(document.events)
        finished = jobs.finish(
            job, tx.record_time_us, event_count=count, stored_count=stored, problems=(), warnings=warnings
        )
        tx.put(finished)
        return concerned

    runtime.changes.publish(runtime.store.committer.run(unit, weight=_HEAVY))


def _judge(runtime: Runtime, caller: Principal, events: Sequence[RawEvent]) -> None:
    """Raise one error with the findings of all events, as `prepare_all` does for few."""
    findings: list[Finding] = []
    forbidden = False
    for part in _parts(runtime, events):
        try:
            prepare_all(runtime, caller, part)
        except TracewardError as error:
            forbidden = forbidden or isinstance(error, ForbiddenException)
            findings += error.findings[: jobs.MAX_PROBLEMS - len(findings)]
    if findings:
        raise (ForbiddenException if forbidden else ValidationException)(summary(findings), findings)


def _capture_parts(runtime: Runtime, caller: Principal, job: CaptureJob, document: Document) -> None:
    """Part by part, the job's progress in the transaction of each: after a crash it goes on where it stopped."""
    detail = _detail(job)
    problems: list[dict[str, Any]] = orjson.loads(job.errors)
    start = int(detail["next"])
    for part in _parts(runtime, document.events[start:]):
        judged = judge(runtime, caller, part)
        good, refused = judged.good, judged.problems()
        following = start + len(part)

        def unit(
            tx: WriteTransaction,
            *,
            good: Sequence[PreparedEvent] = good,
            refused: Sequence[TracewardError] = refused,
            before: Sequence[dict[str, Any]] = problems,
            following: int = following,
        ) -> set[str]:
            written = write_events(runtime, caller, job.capture_id, good, tx)
            found = [*refused, *(taken_problem(event) for event in written.taken)]
            kept = [*before, *(problem_body(problem) for problem in found)][: jobs.MAX_PROBLEMS]
            tx.put(jobs.advance(job, tx.record_time_us, following, written.stored, kept))
            return written.concerned

        runtime.changes.publish(runtime.store.committer.run(unit, weight=max(1, len(good))))
        problems = orjson.loads(job.errors)
        start = following
    if job.running:
        runtime.store.committer.run(lambda tx: tx.put(jobs.advance(job, tx.record_time_us, start, 0, problems)))


def _end(runtime: Runtime, job: CaptureJob, problems: Sequence[TracewardError]) -> None:
    def unit(tx: WriteTransaction) -> None:
        tx.put(
            jobs.finish(
                job,
                tx.record_time_us,
                event_count=job.event_count,
                stored_count=job.stored_count,
                problems=problems,
                warnings=(),
            )
        )

    try:
        runtime.store.committer.run(unit)
    except TracewardError:
        # The store cannot take anything: the job stays running and is taken up at the next start.
        _log.exception("capture job could not be ended", capture_id=job.capture_id)
        raise


def _principal(runtime: Runtime, job: CaptureJob) -> Principal:
    owner = runtime.registry.by_number(job.party)
    if owner is None:
        raise ImplementationException("the organisation of this job is no longer known")
    detail = _detail(job)
    rights = detail.get("rights")
    granted = frozenset(Right(one) for one in rights) if rights is not None else None
    return Principal(
        owner.id, owner.name, owner.number, job.role, detail.get("key", ""), "", detail.get("place"), granted
    )


def _parts(runtime: Runtime, events: Sequence[RawEvent]) -> Iterator[Sequence[RawEvent]]:
    for start in range(0, len(events), CHUNK_EVENTS):
        if runtime.stopping.is_set():
            raise _Stopped
        yield events[start : start + CHUNK_EVENTS]


def _detail(job: CaptureJob) -> dict[str, Any]:
    detail: dict[str, Any] = orjson.loads(job.detail)
    return {"file": "", "folder": "", "next": 0} | detail


def _first_detail(file: Path, caller: Principal) -> dict[str, Any]:
    """What a job needs to be taken up again, by the server that has the file, within the bounds of its caller."""
    rights = sorted(caller.granted) if caller.granted is not None else None
    return {
        "file": file.name,
        "folder": str(file.parent.absolute()),
        "next": 0,
        "key": caller.key_id,
        "place": caller.place,
        "rights": rights,
    }
