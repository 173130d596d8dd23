"""EPCIS capture: POST /capture, POST /events and the capture jobs.

It must not judge documents: services.capture does. Bodies above the spool threshold go to disk as they arrive.
"""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from traceward.api.deps import Capturer, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.negotiation import (
    VERSION_HEADERS,
    Representation,
    body_format,
    error_behaviour,
    representation,
    require_body_versions,
    require_json,
)
from traceward.services import capture, jobs, spooled
from traceward.services.spool import Spool


def negotiated(request: Request) -> Representation:
    """The representation that the request asks for; see `negotiation.representation`."""
    return representation(request.headers)


Wanted = Annotated[Representation, Depends(negotiated)]


async def post_capture(request: Request, caller: Capturer, runtime: Services, _wanted: Wanted) -> Response:
    """Capture a document (202); its job tells what became of it. EPCIS 2.0 REST binding, POST /capture.

    With rollback, a document below the spool threshold is judged before the answer: 400 with every finding.
    """
    behaviour = error_behaviour(request.headers)
    _check_body_headers(request)
    async with Spool(runtime.spool_folder, runtime.limits.spool_threshold_bytes) as spool:
        async for chunk in request.stream():
            await spool.write(chunk)
        if spool.on_disk:
            job = await run_in_threadpool(spooled.accept, runtime, caller, spool.keep(), behaviour)
        else:
            job = await run_in_threadpool(capture.capture_document, runtime, caller, spool.content(), behaviour)
    location = str(request.scope.get("root_path", "")) + f"/epcis/capture/{job.capture_id}"
    return Response(status_code=202, headers=VERSION_HEADERS | {"Location": location})


async def post_event(request: Request, caller: Capturer, runtime: Services, wanted: Wanted) -> Response:
    """Capture one bare event and give it back (201). EPCIS 2.0 REST binding, POST /events."""
    _check_body_headers(request)
    body = await request.body()
    captured = await run_in_threadpool(capture.capture_event, runtime, caller, body)
    location = str(request.scope.get("root_path", "")) + f"/epcis/events/{capture.path_segment(captured.event_id)}"
    return Response(
        captured.text, status_code=201, headers=VERSION_HEADERS | {"Location": location}, media_type=wanted.media_type
    )


def get_jobs(
    request: Request, caller: Capturer, runtime: Services, settings: ServerSettings, wanted: Wanted
) -> Response:
    """The caller's capture jobs, newest first. EPCIS 2.0 REST binding, GET /capture."""
    wanted_page = page_request(request, settings)
    page = jobs.list_jobs(runtime, caller, wanted_page.token, wanted_page.per_page)
    headers = VERSION_HEADERS | link_headers(request, wanted_page, page.next_token, page.expires_us)
    body = orjson.dumps([jobs.job_body(job) for job in page.jobs])
    return Response(body, headers=headers, media_type=wanted.media_type)


def get_job(capture_id: str, caller: Capturer, runtime: Services, wanted: Wanted) -> Response:
    """One capture job of the caller's organisation. EPCIS 2.0 REST binding, GET /capture/{captureID}."""
    job = jobs.find_job(runtime, caller, capture_id)
    return Response(orjson.dumps(jobs.job_body(job)), headers=VERSION_HEADERS, media_type=wanted.media_type)


def _check_body_headers(request: Request) -> None:
    require_json(request.headers)
    require_body_versions(request.headers, body_format(request.headers))


def add_capture_routes(router: APIRouter) -> None:
    """Add the operations of capture to the EPCIS router."""
    router.add_api_route("/capture", post_capture, methods=["POST"], status_code=202, response_class=Response)
    router.add_api_route("/capture", get_jobs, methods=["GET"], response_class=Response)
    router.add_api_route("/capture/{capture_id}", get_job, methods=["GET"], response_class=Response)
    router.add_api_route("/events", post_event, methods=["POST"], status_code=201, response_class=Response)
