"""What a capture would do, told without storing anything: the same reading, judging and sorting as the capture itself.

It must not write: its units read alone. The ledger's conflicts are not foreseen, since they never refuse an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traceward.epcis.document import Document
from traceward.epcis.errors import Finding, TracewardError
from traceward.epcis.times import format_time_us
from traceward.services.identity.principals import Principal
from traceward.services.intake import jobs
from traceward.services.intake.capture import Judged, judge, taken_problem
from traceward.services.intake.documents import BodyFormat, read_document, vocabularies
from traceward.services.intake.spooled import opened_document, parts_of
from traceward.services.intake.writing import Batch, WrittenEvents, sort_events
from traceward.services.problem_bodies import finding_body, problem_body
from traceward.services.queries.master_data import vocabulary_problem
from traceward.services.runtime import Runtime
from traceward.store.write import WriteTransaction


@dataclass(slots=True)
class _Foreseen:
    """What is known of a document so far. problems, warnings: those that are listed; failures counts all."""

    would_store: int = 0
    duplicates: int = 0
    failures: int = 0
    problems: list[TracewardError] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def add(self, problems: Sequence[TracewardError], warnings: Sequence[Finding]) -> None:
        """Take up what is wrong with a part of the document."""
        self.failures += len(problems)
        self.problems += problems[: jobs.MAX_WARNINGS - len(self.problems)]
        self.warnings += warnings[: jobs.MAX_WARNINGS - len(self.warnings)]


def foresee_body(runtime: Runtime, caller: Principal, body: bytes, behaviour: str, form: BodyFormat) -> dict[str, Any]:
    """What capturing a body would do, as `_body` gives it. Raises as reading it for capture does."""
    return _foresee(runtime, caller, read_document(body, form, runtime.limits), behaviour)


def foresee_file(runtime: Runtime, caller: Principal, file: Path, behaviour: str, form: BodyFormat) -> dict[str, Any]:
    """The same for a body that lies in a file, in the memory that capturing it takes."""
    with opened_document(runtime, file, form) as document:
        return _foresee(runtime, caller, document, behaviour)


def _foresee(runtime: Runtime, caller: Principal, document: Document, behaviour: str) -> dict[str, Any]:
    started_us = runtime.now_us()
    seen = _Foreseen()
    unusable = vocabulary_problem(caller, vocabularies(document))
    if unusable is not None:
        seen.add([unusable], [])
    batch = Batch()
    for part in parts_of(runtime, document.events):
        judged = judge(runtime, caller, part, dry=True)
        stored, taken = _sorted(runtime, caller, judged, batch)
        seen.would_store += stored
        seen.duplicates += len(judged.good) - stored - len(taken)
        seen.add([*judged.problems(), *taken], [finding for event in judged.good for finding in event.warnings])
    times = {"createdAt": format_time_us(started_us), "finishedAt": format_time_us(runtime.now_us())}
    return _body(seen, len(document.events), behaviour) | times


def _sorted(runtime: Runtime, caller: Principal, judged: Judged, batch: Batch) -> tuple[int, list[TracewardError]]:
    """How many events of a part would be stored, and the problems of those whose eventID is taken."""

    def unit(tx: WriteTransaction) -> tuple[int, list[TracewardError], Batch]:
        # The unit may be run again: what it met is kept only when it has ended.
        met = Batch(set(batch.contents), dict(batch.ids))
        written = WrittenEvents()
        todo = sort_events(runtime, caller.party_number, judged.good, tx, written, met)
        return len(todo.new) + len(todo.seen), [taken_problem(event) for event in written.taken], met

    stored, taken, met = runtime.store.committer.run(unit)
    batch.contents, batch.ids = met.contents, met.ids
    return stored, taken


def _body(seen: _Foreseen, event_count: int, behaviour: str) -> dict[str, Any]:
    """The form of a capture job, with counts of events beside it; its captureID names no job.

    eventCount: of the document. wouldStore: new for the caller's organisation; none with rollback where any event
    fails. duplicates: captured before by it, or repeated in the document. errors: one problem for each event that
    fails, and one for master data that is wrong, up to a thousand; failures counts them all.
    """
    success = not seen.failures
    return {
        "captureID": "dry-run",
        "dryRun": True,
        "running": False,
        "success": success,
        "captureErrorBehaviour": behaviour,
        "eventCount": event_count,
        "wouldStore": seen.would_store if success or behaviour == "proceed" else 0,
        "duplicates": seen.duplicates,
        "failures": seen.failures,
        "errors": [problem_body(problem) for problem in seen.problems],
        "warnings": [finding_body(warning) for warning in seen.warnings],
    }
