"""EPCIS capture: POST /capture, POST /events and the capture jobs with their errors.

It must not judge documents: services.intake.capture does. Bodies above the spool threshold go to disk as they arrive.
"""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from traceward.api.deps import Capturer, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.negotiation import (
    JSON_OFFERS,
    OFFERS_2_0,
    VERSION_HEADERS,
    body_format,
    error_behaviour,
    representation,
    require_body_versions,
    version_headers,
)
from traceward.api.xml_bodies import job_xml, jobs_xml
from traceward.epcis.errors import ValidationException
from traceward.services.identity.principals import Principal
from traceward.services.intake import capture, dry_run, jobs, spooled
from traceward.services.intake.documents import BodyFormat
from traceward.services.intake.spool import Spool
from traceward.services.queries.answers import Representation
from traceward.services.runtime import Runtime
from traceward.store.models import CaptureJob


def negotiated(request: Request) -> Representation:
    """The representation that the request asks for; see `negotiation.representation`."""
    return representation(request.headers)


def negotiated_2_0(request: Request) -> Representation:
    """The representation that the request asks for, of a resource that EPCIS 1.x does not have."""
    return representation(request.headers, OFFERS_2_0)


def negotiated_json(request: Request) -> Representation:
    """The representation that the request asks for, of a resource that is JSON alone."""
    return representation(request.headers, JSON_OFFERS)


Wanted = Annotated[Representation, Depends(negotiated)]
Wanted20 = Annotated[Representation, Depends(negotiated_2_0)]
WantedJson = Annotated[Representation, Depends(negotiated_json)]


async def post_capture(request: Request, caller: Capturer, runtime: Services, wanted: Wanted) -> Response:
    """Capture a document (202); its job tells what became of it. EPCIS 2.0 REST binding, POST /capture.

    With rollback, a document below the spool threshold is judged before the answer: 400 with every finding.
    `?dry-run=true`: nothing is stored, and the answer (200) tells what the job would.
    """
    behaviour = error_behaviour(request.headers)
    form = _body_format(request)
    is_dry = _flag(request, "dry-run")
    async with Spool(runtime.spool_folder, runtime.limits.spool_threshold_bytes) as spool:
        async for chunk in request.stream():
            await spool.write(chunk)
        if is_dry:
            return _job_answer(await _foreseen(runtime, caller, spool, behaviour, form), wanted)
        if spool.on_disk:
            job = await run_in_threadpool(spooled.accept, runtime, caller, spool.keep(), behaviour, form)
        else:
            job = await run_in_threadpool(capture.capture_document, runtime, caller, spool.content(), behaviour, form)
    location = str(request.scope.get("root_path", "")) + f"/epcis/capture/{job.capture_id}"
    return Response(status_code=202, headers=VERSION_HEADERS | {"Location": location})


async def post_event(request: Request, caller: Capturer, runtime: Services, wanted: Wanted) -> Response:
    """Capture one bare event and give it back (201). EPCIS 2.0 REST binding, POST /events."""
    form = _body_format(request)
    body = await request.body()
    captured = await run_in_threadpool(capture.capture_event, runtime, caller, body, form)
    location = str(request.scope.get("root_path", "")) + f"/epcis/events/{capture.path_segment(captured.event_id)}"
    headers = version_headers(wanted) | {"Location": location}
    return Response(captured.answer(wanted), status_code=201, headers=headers, media_type=wanted.media_type)


def get_jobs(
    request: Request, caller: Capturer, runtime: Services, settings: ServerSettings, wanted: Wanted20
) -> Response:
    """The caller's capture jobs, newest first. EPCIS 2.0 REST binding, GET /capture."""
    wanted_page = page_request(request, settings)
    page = jobs.list_jobs(runtime, caller, wanted_page.token, wanted_page.per_page)
    headers = VERSION_HEADERS | link_headers(request, wanted_page, page.next_token, page.expires_us)
    bodies = [_job_body(request, job) for job in page.jobs]
    body = jobs_xml(bodies) if wanted.is_xml else orjson.dumps(bodies)
    return Response(body, headers=headers, media_type=wanted.media_type)


def get_job(capture_id: str, request: Request, caller: Capturer, runtime: Services, wanted: Wanted20) -> Response:
    """One capture job of the caller's organisation. EPCIS 2.0 REST binding, GET /capture/{captureID}."""
    return _job_answer(_job_body(request, jobs.find_job(runtime, caller, capture_id)), wanted)


def get_job_errors(
    capture_id: str,
    request: Request,
    caller: Capturer,
    runtime: Services,
    settings: ServerSettings,
    wanted: WantedJson,
) -> Response:
    """The problems of a capture job, page by page as a JSON array: what `errorFile` of the job names."""
    asked = page_request(request, settings)
    page = jobs.problems_page(runtime, caller, capture_id, asked.token, asked.per_page)
    headers = VERSION_HEADERS | link_headers(request, asked, page.next_token, page.expires_us)
    return Response(b"[" + b",".join(page.problems) + b"]", headers=headers, media_type=wanted.media_type)


async def _foreseen(
    runtime: Runtime, caller: Principal, spool: Spool, behaviour: str, form: BodyFormat
) -> dict[str, Any]:
    """What capturing the body would do. A large one waits for its turn in the background, behind captures."""
    if not spool.on_disk:
        return await run_in_threadpool(dry_run.foresee_body, runtime, caller, spool.content(), behaviour, form)
    job = runtime.background.submit(dry_run.foresee_file, runtime, caller, spool.close(), behaviour, form)
    return await asyncio.wrap_future(job)


def _job_answer(body: dict[str, Any], wanted: Representation) -> Response:
    text = job_xml(body) if wanted.is_xml else orjson.dumps(body)
    return Response(text, headers=VERSION_HEADERS, media_type=wanted.media_type)


def _job_body(request: Request, job: CaptureJob) -> dict[str, Any]:
    return jobs.job_body(job, f"{str(request.base_url).rstrip('/')}/epcis/capture/{job.capture_id}/errors")


def _body_format(request: Request) -> BodyFormat:
    """How the body is written, by its headers; raises 415 or 406 where that is not captured here."""
    form = body_format(request.headers)
    require_body_versions(request.headers, form)
    return form


def _flag(request: Request, name: str) -> bool:
    """A query parameter that is `true` or `false`; false where it is absent."""
    value = request.query_params.get(name, "false")
    if value not in {"true", "false"}:
        raise ValidationException(f"{name} is {value[:40]!r}; expected true or false")
    return value == "true"


def add_capture_routes(router: APIRouter) -> None:
    """Add the operations of capture to the EPCIS router."""
    router.add_api_route("/capture", post_capture, methods=["POST"], status_code=202, response_class=Response)
    router.add_api_route("/capture", get_jobs, methods=["GET"], response_class=Response)
    router.add_api_route("/capture/{capture_id}", get_job, methods=["GET"], response_class=Response)
    router.add_api_route("/capture/{capture_id}/errors", get_job_errors, methods=["GET"], response_class=Response)
    router.add_api_route("/events", post_event, methods=["POST"], status_code=201, response_class=Response)
