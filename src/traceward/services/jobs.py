"""Capture jobs: what was asked, how far it came, and what failed.

A job belongs to its organisation and role: others find nothing. It must not capture; `capture` and `spooled` do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from traceward.epcis.errors import Finding, NoSuchResource, TracewardError
from traceward.epcis.times import format_time_us
from traceward.services.principals import Principal
from traceward.services.problem_bodies import finding_body, problem_body
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds, text_position
from traceward.store.models import CaptureJob

MAX_PROBLEMS: Final = 1000
"""How many problems a job keeps; `success` is false all the same when there are more."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of the caller's jobs, newest first, and where the next page begins."""

    jobs: list[CaptureJob]
    next_token: str | None
    expires_us: int


def new_job(capture_id: str, caller: Principal, behaviour: str, created_us: int, detail: dict[str, Any]) -> CaptureJob:
    """A running job. detail: what resuming it needs."""
    return CaptureJob(
        capture_id=capture_id,
        party=caller.party_number,
        role=caller.role,
        created_us=created_us,
        error_behaviour=behaviour,
        detail=_json(detail),
    )


def finish(
    job: CaptureJob,
    finished_us: int,
    *,
    event_count: int,
    stored_count: int,
    problems: Sequence[TracewardError],
    warnings: Sequence[Finding],
) -> CaptureJob:
    """The same job, ended; success means that no event failed."""
    job.finished_us = max(finished_us, job.created_us)
    job.running = False
    job.success = not problems
    job.event_count = event_count
    job.stored_count = stored_count
    job.errors = _json([problem_body(problem) for problem in problems[:MAX_PROBLEMS]])
    job.detail = _json({"warnings": [finding_body(warning) for warning in warnings[:MAX_PROBLEMS]]} if warnings else {})
    return job


def advance(job: CaptureJob, now_us: int, following: int, stored: int, problems: list[dict[str, Any]]) -> CaptureJob:
    """The same job after another part: ended where `following`, the index of the next event, is behind the last.

    problems: problem bodies of all parts so far.
    """
    job.stored_count += stored
    job.errors = _json(problems)
    job.success = not problems
    job.running = following < job.event_count
    if job.running:
        job.detail = _json(orjson.loads(job.detail) | {"next": following})
    else:
        job.detail = "{}"
        job.finished_us = max(now_us, job.created_us)
    return job


def job_body(job: CaptureJob) -> dict[str, Any]:
    """The wire form of a job; `warnings` is ours, and there only where there are any. EPCIS 2.0 REST, CaptureJob."""
    body: dict[str, Any] = {
        "captureID": job.capture_id,
        "createdAt": format_time_us(job.created_us),
        "running": bool(job.running),
        "success": bool(job.success),
        "captureErrorBehaviour": job.error_behaviour,
        "errors": orjson.loads(job.errors),
    }
    if job.finished_us is not None:
        body["finishedAt"] = format_time_us(job.finished_us)
    warnings = orjson.loads(job.detail).get("warnings")
    return body | {"warnings": warnings} if warnings else body


def find_job(runtime: Runtime, caller: Principal, capture_id: str) -> CaptureJob:
    """The caller's job of that id. Raises NoSuchResource for unknown ids and for jobs of others alike."""
    with runtime.store.reader() as reader:
        job = reader.get(CaptureJob, capture_id)
    if job is None or job.party != caller.party_number or job.role != caller.role:
        raise NoSuchResource("there is no capture job of this id")
    return job


def list_jobs(runtime: Runtime, caller: Principal, token: str | None, per_page: int) -> JobPage:
    """The caller's jobs, newest first."""
    bounds = page_bounds(runtime, caller, b"capture jobs", token)
    position = text_position(runtime, caller, b"capture jobs", token)
    columns = ", ".join(CaptureJob.model_fields)
    tests, params = "party = ? AND role = ?", [caller.party_number, caller.role]
    if position is not None:
        tests += " AND (created_us, capture_id) < (?, ?)"
        params += [position.order_us or 0, position.text]
    sql = f"SELECT {columns} FROM capture_job WHERE {tests} ORDER BY created_us DESC, capture_id DESC LIMIT ?"  # noqa: S608
    with runtime.store.reader() as reader:
        rows = reader.fetch(sql, [*params, per_page + 1])
    found = [CaptureJob(**dict(zip(CaptureJob.model_fields, row, strict=True))) for row in rows]
    page = found[:per_page]
    token_after = bounds.next_text_token(page[-1].capture_id, page[-1].created_us) if len(found) > per_page else None
    return JobPage(page, token_after, bounds.expires_us)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
