"""Large documents: accepted with their file, captured in the background, and taken up again after a crash.

The file is synced and its job committed before the caller is told. It must not keep more than a part of the document's
events in memory as values.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from traceward.epcis.document import Document, RawEvent
from traceward.epcis.errors import Finding, ImplementationException, TracewardError
from traceward.services.identity.principals import Principal, Right
from traceward.services.indexing.preparation import PreparedEvent
from traceward.services.intake import jobs
from traceward.services.intake.capture import CHUNK_EVENTS, judge, prepare_all, taken_problem, write_whole
from traceward.services.intake.documents import BodyFormat, read_document, vocabularies
from traceward.services.intake.filed_events import filed_document
from traceward.services.intake.writing import write_events
from traceward.services.queries.master_data import take_vocabulary, vocabulary_problem
from traceward.services.runtime import Runtime
from traceward.store.models import CaptureJob
from traceward.store.write import WriteTransaction

_log = structlog.get_logger("traceward.capture")

_HEAVY: Final = 5_000
"""The weight of a whole large document in the writer's queue: it shares its transaction with nobody."""


class _Stopped(Exception):  # no error: the server ends, and the job goes on at its next start
    """The server is ending."""


class _Refused(Exception):  # no error of its own: it brings those of the events
    """A document that is to be stored whole has events that may not be stored."""

    def __init__(self, problems: Sequence[TracewardError]) -> None:
        super().__init__(f"{len(problems)} events are refused")
        self.problems = problems


def accept(runtime: Runtime, caller: Principal, file: Path, behaviour: str, form: BodyFormat) -> CaptureJob:
    """A running job for a document that lies synced in the spool folder; it is captured in the background."""
    capture_id, detail = runtime.random_bytes(16).hex(), _first_detail(file, form, caller)
    job = jobs.new_job(capture_id, caller, behaviour, runtime.now_us(), detail)
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
    except _Refused as refused:
        _end(runtime, job, refused.problems)
    except TracewardError as error:
        _end(runtime, job, [error])
    except Exception:  # noqa: BLE001  # a worker loop: whatever it was, the job must end and say so
        _log.exception("spooled capture failed", capture_id=job.capture_id)
        _end(runtime, job, [ImplementationException("the server failed while capturing; its log has the reason")])
    file.unlink(missing_ok=True)


def _capture_file(runtime: Runtime, job: CaptureJob, file: Path) -> None:
    caller = _principal(runtime, job)
    detail = _detail(job)
    with opened_document(runtime, file, BodyFormat(detail["xml"], detail["charset"])) as document:
        job.event_count = len(document.events)
        if job.error_behaviour == "rollback":
            _capture_whole(runtime, caller, job, document)
        else:
            _capture_parts(runtime, caller, job, document)


@contextmanager
def opened_document(runtime: Runtime, file: Path, form: BodyFormat) -> Iterator[Document]:
    """The document of a file, as long as the context lasts; an XML document's events stay on disk."""

    def check() -> None:
        if runtime.stopping.is_set():
            raise _Stopped

    if form.is_xml:
        with filed_document(file, form, runtime.limits, check) as document:
            yield document
    else:
        yield read_document(file.read_bytes(), form, runtime.limits)


def _capture_whole(runtime: Runtime, caller: Principal, job: CaptureJob, document: Document) -> None:
    """All in one transaction. Everything is judged before it, since it holds the writer for as long as it lasts."""
    found = vocabularies(document)
    _judge(runtime, caller, document.events, vocabulary_problem(caller, found))

    def unit(tx: WriteTransaction) -> set[str]:
        stored = 0
        warnings: list[Finding] = []
        concerned: set[str] = set()
        for part in parts_of(runtime, document.events):
            prepared = prepare_all(runtime, caller, part)
            written = write_whole(runtime, caller, job.capture_id, prepared, tx)
            stored += written.stored
            concerned |= written.concerned
            room = jobs.MAX_WARNINGS - len(warnings)
            warnings += [finding for event in prepared for finding in event.warnings][:room]
        if found:
            take_vocabulary(runtime, caller, found, tx, job.capture_id)
        count = len(document.events)
        jobs.finish(job, tx, event_count=count, stored_count=stored, problems=(), warnings=warnings)
        return concerned

    runtime.changes.publish(runtime.store.committer.run(unit, weight=_HEAVY))


def _judge(runtime: Runtime, caller: Principal, events: Sequence[RawEvent], unusable: TracewardError | None) -> None:
    """Raise _Refused with a problem for each event that may not be written, and for master data that is wrong."""
    problems: list[TracewardError] = [] if unusable is None else [unusable]
    for part in parts_of(runtime, events):
        problems += judge(runtime, caller, part).problems()[: jobs.MAX_PROBLEMS - len(problems)]
    if problems:
        raise _Refused(problems)


def _capture_parts(runtime: Runtime, caller: Principal, job: CaptureJob, document: Document) -> None:
    """Part by part, the job's progress in the transaction of each: after a crash it goes on where it stopped."""
    start = int(_detail(job)["next"])
    if start == 0 and (found := vocabularies(document)):
        job = _take_master_data(runtime, caller, job, found)
    for part in parts_of(runtime, document.events, start):
        judged = judge(runtime, caller, part)
        good, refused = judged.good, judged.problems()
        following = start + len(part)

        def unit(
            tx: WriteTransaction,
            *,
            job: CaptureJob = job,
            good: Sequence[PreparedEvent] = good,
            refused: Sequence[TracewardError] = refused,
            following: int = following,
        ) -> tuple[CaptureJob, set[str]]:
            written = write_events(runtime, caller, job.capture_id, good, tx)
            problems = [*refused, *(taken_problem(event) for event in written.taken)]
            return jobs.advance(job, tx, following, written.stored, problems), written.concerned

        job, concerned = runtime.store.committer.run(unit, weight=max(1, len(good)))
        runtime.changes.publish(concerned)
        start = following
    if job.running:
        runtime.store.committer.run(lambda tx: jobs.advance(job, tx, start, 0, ()))


def _take_master_data(
    runtime: Runtime, caller: Principal, job: CaptureJob, found: Sequence[Mapping[str, Any]]
) -> CaptureJob:
    """The job, once the document's master data is taken up, or its problem noted; doing it again changes nothing."""
    unusable = vocabulary_problem(caller, found)

    def unit(tx: WriteTransaction) -> CaptureJob:
        if unusable is not None:
            return jobs.advance(job, tx, 0, 0, [unusable])
        take_vocabulary(runtime, caller, found, tx, job.capture_id)
        return job

    return runtime.store.committer.run(unit)


def _end(runtime: Runtime, job: CaptureJob, problems: Sequence[TracewardError]) -> None:
    def unit(tx: WriteTransaction) -> None:
        jobs.finish(job, tx, event_count=job.event_count, stored_count=job.stored_count, problems=problems, warnings=())

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


def parts_of(runtime: Runtime, events: Sequence[RawEvent], first: int = 0) -> Iterator[Sequence[RawEvent]]:
    """The events from `first` on in parts that are alive one at a time; ends the work where the server ends."""
    for start in range(first, len(events), CHUNK_EVENTS):
        if runtime.stopping.is_set():
            raise _Stopped
        yield events[start : start + CHUNK_EVENTS]


def _detail(job: CaptureJob) -> dict[str, Any]:
    detail: dict[str, Any] = orjson.loads(job.detail)
    return {"file": "", "folder": "", "next": 0, "xml": False, "charset": None} | detail


def _first_detail(file: Path, form: BodyFormat, caller: Principal) -> dict[str, Any]:
    """What a job needs to be taken up again, by the server that has the file, within the bounds of its caller."""
    rights = sorted(caller.granted) if caller.granted is not None else None
    return {
        "file": file.name,
        "folder": str(file.parent.absolute()),
        "next": 0,
        "xml": form.is_xml,
        "charset": form.charset,
        "key": caller.key_id,
        "place": caller.place,
        "rights": rights,
    }
