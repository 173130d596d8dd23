"""Capture jobs: what was asked, how far it came, and what failed.

A job belongs to its organisation and role: others find nothing. It must not capture; `capture` and `spooled` do.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from traceward.epcis.errors import Finding, NoSuchResource, TracewardError
from traceward.epcis.times import format_time_us
from traceward.services.identity.principals import Principal
from traceward.services.problem_bodies import finding_body, problem_body
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds, text_position
from traceward.store.models import CaptureJob, Spool
from traceward.store.write import WriteTransaction

LISTED_PROBLEMS: Final = 100
"""How many problems a job lists itself; with more it names an error file that has them all."""

MAX_PROBLEMS: Final = 100_000
"""How many problems the error file of a job keeps; `success` is false all the same when there are more."""

MAX_WARNINGS: Final = 1000
"""How many warnings a job keeps."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of the caller's jobs, newest first, and where the next page begins."""

    jobs: list[CaptureJob]
    next_token: str | None
    expires_us: int


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """Some of the problem bodies of one job, each as JSON text, and where the next page begins."""

    problems: list[bytes]
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
        detail=_json({"key": caller.key_id} | detail),
    )


def finish(
    job: CaptureJob,
    tx: WriteTransaction,
    *,
    event_count: int,
    stored_count: int,
    problems: Sequence[TracewardError],
    warnings: Sequence[Finding],
) -> None:
    """Write the job as ended, with its problems; success means that there are none."""
    job.finished_us = max(tx.record_time_us, job.created_us)
    job.running = False
    job.success = not problems
    job.event_count = event_count
    job.stored_count = stored_count
    detail = {"warnings": [finding_body(warning) for warning in warnings[:MAX_WARNINGS]]} if warnings else {}
    job.errors = "[]"
    job.detail = _json(detail | _add_problems(job, tx, {}, problems))
    tx.put(job)


def advance(
    job: CaptureJob, tx: WriteTransaction, following: int, stored: int, problems: Sequence[TracewardError]
) -> CaptureJob:
    """The job after another part, written: ended where `following`, the index of the next event, is behind the last.

    problems: of this part. The job given is not changed, since the unit that writes it may be run again.
    """
    after = CaptureJob(**job.model_dump())
    detail = orjson.loads(job.detail)
    after.stored_count += stored
    detail |= _add_problems(after, tx, detail, problems)
    after.success = job.success and not problems
    after.running = following < after.event_count
    if after.running:
        after.detail = _json(detail | {"next": following})
    else:
        after.detail = _json({name: detail[name] for name in ("problems", "parts") if name in detail})
        after.finished_us = max(tx.record_time_us, after.created_us)
    tx.put(after)
    return after


def _add_problems(
    job: CaptureJob, tx: WriteTransaction, detail: Mapping[str, Any], problems: Sequence[TracewardError]
) -> dict[str, int]:
    """Keep more problems of a job: few in its row, all in parts once they are many; gives what `detail` is to say."""
    before, parts = detail.get("problems", 0), detail.get("parts", 0)
    bodies = [_json(problem_body(problem)) for problem in problems[: MAX_PROBLEMS - before]]
    count = before + len(problems)
    if not bodies:
        return {"problems": count} if count else {}
    if not parts:
        bodies = [*(_json(one) for one in _listed(job)), *bodies]
        if len(bodies) <= LISTED_PROBLEMS:
            job.errors = f"[{','.join(bodies)}]"
            return {"problems": count}
        job.errors = "[]"
    for start in range(0, len(bodies), LISTED_PROBLEMS):
        lines = "\n".join(bodies[start : start + LISTED_PROBLEMS])
        tx.put(Spool(capture_id=job.capture_id, part=parts, data=lines.encode()))
        parts += 1
    return {"problems": count, "parts": parts}


def job_body(job: CaptureJob, error_file: str) -> dict[str, Any]:
    """The wire form of a job; `warnings` is ours, and there only where there are any. EPCIS 2.0 REST, CaptureJob.

    error_file: where this job's problems can be had, named in place of `errors` when they are many.
    """
    detail = orjson.loads(job.detail)
    body: dict[str, Any] = {
        "captureID": job.capture_id,
        "createdAt": format_time_us(job.created_us),
        "running": bool(job.running),
        "success": bool(job.success),
        "captureErrorBehaviour": job.error_behaviour,
    }
    if detail.get("parts"):
        body["errorFile"] = error_file
    else:
        body["errors"] = _listed(job)
    if job.finished_us is not None:
        body["finishedAt"] = format_time_us(job.finished_us)
    warnings = detail.get("warnings")
    return body | {"warnings": warnings} if warnings else body


def problems_page(
    runtime: Runtime, caller: Principal, capture_id: str, token: str | None, per_page: int
) -> ProblemPage:
    """The problems of one of the caller's jobs, in the order of the document.

    Raises NoSuchResource for unknown ids and for jobs of others alike, BadPageToken.
    """
    job = find_job(runtime, caller, capture_id)
    digest = hashlib.sha256(b"capture problems " + capture_id.encode()).digest()
    bounds = page_bounds(runtime, caller, digest, token)
    filed = orjson.loads(job.detail).get("parts", 0)
    part, skip = (int(number) for number in (bounds.after or "0:0").split(":"))
    found: list[bytes] = []
    with runtime.store.reader() as reader:
        while part < max(filed, 1) and len(found) < per_page:
            row = reader.get(Spool, capture_id, part) if filed else None
            lines = row.data.split(b"\n") if row is not None else [_json(one).encode() for one in _listed(job)]
            taken = lines[skip : skip + per_page - len(found)]
            found += taken
            part, skip = (part, skip + len(taken)) if skip + len(taken) < len(lines) else (part + 1, 0)
    next_token = bounds.next_text_token(f"{part}:{skip}") if part < max(filed, 1) else None
    return ProblemPage(found, next_token, bounds.expires_us)


def _listed(job: CaptureJob) -> list[dict[str, Any]]:
    """The problem bodies that the job's row has itself."""
    found: list[dict[str, Any]] = orjson.loads(job.errors)
    return found


def find_job(runtime: Runtime, caller: Principal, capture_id: str) -> CaptureJob:
    """The caller's job of that id; a caller that is bound to a place has the jobs of its own key only.

    Raises NoSuchResource for unknown ids and for jobs of others alike.
    """
    with runtime.store.reader() as reader:
        job = reader.get(CaptureJob, capture_id)
    if job is None or job.party != caller.party_number or job.role != caller.role:
        raise NoSuchResource("there is no capture job of this id")
    if caller.place is not None and orjson.loads(job.detail).get("key") != caller.key_id:
        raise NoSuchResource("there is no capture job of this id")
    return job


def list_jobs(runtime: Runtime, caller: Principal, token: str | None, per_page: int) -> JobPage:
    """The caller's jobs, newest first."""
    bounds = page_bounds(runtime, caller, b"capture jobs", token)
    position = text_position(runtime, caller, b"capture jobs", token)
    columns = ", ".join(CaptureJob.model_fields)
    tests, params = "party = ? AND role = ?", [caller.party_number, caller.role]
    if caller.place is not None:
        tests += " AND detail LIKE ?"
        params.append(f'%"key":"{caller.key_id}"%')
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
