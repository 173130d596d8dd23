"""The only renderer of errors: every failure of a request becomes an RFC 7807 problem body here.

It must not let an exception's text out unless the error tree made it: what is unforeseen answers a fixed text.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Route

from traceward.api.deps import principal_of
from traceward.api.negotiation import accepted_media_types
from traceward.api.parameters import with_all_below
from traceward.api.xml_bodies import problem_xml
from traceward.epcis.errors import (
    CaptureLimitExceededException,
    NotAcceptableException,
    SecurityException,
    TracewardError,
)
from traceward.services.problem_bodies import problem_body
from traceward.services.queries.answers import JSON_MEDIA_TYPES, XML_MEDIA_TYPES

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
XML_PROBLEM_MEDIA_TYPE: Final = "application/problem+xml"

_READ_AS_JSON: Final = (PROBLEM_MEDIA_TYPE, *JSON_MEDIA_TYPES)
_READ_AS_XML: Final = (XML_PROBLEM_MEDIA_TYPE, *XML_MEDIA_TYPES)
"""What a caller accepts who can read a problem in JSON, or in XML."""

_RETRY_AFTER_S: Final = "1"
_MOST_TOLD: Final = 100
"""So many fields at fault are told one by one: an answer must not outgrow its request."""

_HTTP_PROBLEMS: Final[dict[int, tuple[str, str, str]]] = {
    400: (
        "epcisException:ValidationException",
        "The request is not valid",
        "The body cannot be read as JSON: it is malformed, nests too deeply, or has a number with too many digits.",
    ),
    401: ("epcisException:SecurityException", "Not authenticated", "A valid key or session is needed."),
    403: ("epcisException:SecurityException", "Not permitted", "This key's role does not permit the request."),
    404: ("epcisException:NoSuchNameException", "Not found", "There is no such resource."),
    405: ("about:blank", "Method not allowed", "This resource does not have that method; Allow lists those it has."),
    408: ("about:blank", "Request timeout", "The request's body did not arrive in time."),
    500: ("epcisException:ImplementationException", "Internal error", "The server failed; its log has the reason."),
}


def problem_response(
    error: TracewardError, headers: dict[str, str] | None = None, *, accept: Sequence[str] = ()
) -> Response:
    """The answer to one error of the tree: its status, its problem body and what its status needs as headers.

    accept: the values of the request's Accept; a problem is XML where they allow no JSON.
    """
    answer = dict(headers or {})
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer.setdefault("WWW-Authenticate", 'Bearer realm="traceward"')
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.setdefault("Retry-After", _RETRY_AFTER_S)
    return _render(error.status, problem_body(error), answer, accept)


def plain_problem(status: int, headers: dict[str, str] | None = None, *, accept: Sequence[str] = ()) -> Response:
    """The fixed problem of an HTTP status that no error of the tree stands for."""
    fallback = ("about:blank", HTTPStatus(status).phrase, HTTPStatus(status).description or HTTPStatus(status).phrase)
    kind, title, detail = _HTTP_PROBLEMS.get(status, fallback)
    return _render(
        status, {"type": kind, "title": title, "status": status, "detail": detail}, dict(headers or {}), accept
    )


def install_problems(app: FastAPI, routers: Sequence[APIRouter], limit_headers: dict[str, str]) -> None:
    """Make `app` answer every error with a problem body.

    routers: those of the app, of which Allow is made. limit_headers go with each exceeded capture limit.
    """

    async def traceward_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, TracewardError)
        limits = limit_headers if isinstance(error, CaptureLimitExceededException) else None
        return problem_response(error, limits, accept=request.headers.getlist("accept"))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == HTTPStatus.BAD_REQUEST:
            # The body could not be read. What the door says of one is the cause; nobody unknown is told anything.
            refusal = await _refusal_of_caller(request) or error.__cause__
            if isinstance(refusal, TracewardError):
                return await traceward_error(request, refusal)
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(routers, request))
        return plain_problem(error.status_code, headers, accept=request.headers.getlist("accept"))

    async def malformed_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        refusal = await _refusal_of_caller(request)
        if refusal is not None:
            return await traceward_error(request, refusal)
        found = error.errors()
        more = f"; the first {_MOST_TOLD} are listed" if len(found) > _MOST_TOLD else ""
        return _render(
            400,
            {
                "type": "epcisException:ValidationException",
                "title": "The request is not valid",
                "status": 400,
                "detail": f"{len(found)} field(s) of the request are not as the interface asks{more}",
                "errors": [_field_error(entry) for entry in found[:_MOST_TOLD]],
            },
            {},
            request.headers.getlist("accept"),
        )

    app.add_exception_handler(TracewardError, traceward_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, malformed_request)


async def _refusal_of_caller(request: Request) -> SecurityException | None:
    """Why this caller may not ask at all, where the route asks who it is: a body is read before that is asked."""
    dependant: Dependant | None = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None or not any(one.call is principal_of for one in with_all_below(dependant)):
        return None
    try:
        await run_in_threadpool(principal_of, request)
    except SecurityException as refusal:
        return refusal
    return None


def _render(status: int, body: dict[str, Any], headers: dict[str, str], accept: Sequence[str]) -> Response:
    headers.setdefault("Vary", "Accept")
    if _reads_xml_alone(accept):
        return Response(problem_xml(body), status_code=status, headers=headers, media_type=XML_PROBLEM_MEDIA_TYPE)
    return Response(orjson.dumps(body), status_code=status, headers=headers, media_type=PROBLEM_MEDIA_TYPE)


def _reads_xml_alone(accept: Sequence[str]) -> bool:
    """Whether these Accept values allow XML and no JSON; who accepts neither gets JSON."""
    try:
        accepted = accepted_media_types(list(accept), (*_READ_AS_JSON, *_READ_AS_XML))
    except NotAcceptableException:
        return False
    return not any(media_type in _READ_AS_JSON for media_type in accepted)


def _methods(routers: Sequence[APIRouter], request: Request) -> list[str]:
    """The methods of every route of the request's path."""
    methods: set[str] = set()
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, Route) and route.path_regex.match(request.scope["path"]):
            methods |= route.methods or set()
    return sorted(methods)


def _field_error(entry: dict[str, Any]) -> dict[str, Any]:
    location = [part for part in entry["loc"] if part not in {"body", "query", "path", "header"}]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    return {"path": path, "code": entry["type"], "message": entry["msg"], "severity": "error"}
