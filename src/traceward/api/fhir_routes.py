"""FHIR R4 over HTTP, read-only at /fhir: read, search by GET and POST, metadata; every failure an OperationOutcome.

It must not decide what the caller may see: services.fhir does.
"""

import hashlib
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from traceward import __version__
from traceward.api.deps import Caller, Services
from traceward.epcis.errors import (
    NoSuchResource,
    NotAcceptableException,
    QueryParameterException,
    TracewardError,
    UnsupportedMediaTypeException,
)
from traceward.gs1.patient import contains_patient_identifier, without_patients
from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime

MEDIA_TYPE: Final = "application/fhir+json"
BASE: Final = "/fhir"

_TAKEN: Final = frozenset({"application/fhir+json", "application/json", "*/*", "application/*", "json", "text/json"})
_FORM: Final = "application/x-www-form-urlencoded"
_NUMBER: Final = "identifier"
"""The parameter by which a Patient is found: a GSRN."""
_BY_POST: Final = "The GSRN, 18 digits; taken in the form of a POST to Patient/_search alone, never in a URL."
_DEFAULT_COUNT: Final = 50
_MOST: Final = 200
_LONGEST_COUNT: Final = 9
_CONTROLS: Final = frozenset({"_count", "_summary", "_sort", "_total", "_format", "_page", "_pretty"})
_SUMMARIES: Final = ("true", "count", "false")
_TOTALS: Final = ("none", "estimate", "accurate")
_CODES: Final = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    413: "too-costly",
    415: "not-supported",
    503: "transient",
}
_READ_ONLY: Final = "this service is read-only; events are captured at /epcis/capture"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Page(msgspec.Struct, array_like=True, frozen=True):
    """Where a page begins, and the search that it is a page of. expires_us: microseconds since 1970 UTC.

    after: (sort key, id) of the last one before it. sort: as `searches.ordered` takes it.
    """

    expires_us: int
    after: tuple[str, str] | None
    parameters: dict[str, list[str]]
    count: int
    sort: str = "_id"
    summary: str = "false"
    total: str = "accurate"


class FhirRoute(APIRoute):
    """A route whose errors are OperationOutcomes."""

    def get_route_handler(self) -> Handler:
        """The handler, with what it raises turned into the answer of FHIR R4 3.1.0.1.1."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                _require_json(request)
                return await handle(request)
            except TracewardError as error:
                headers = {"WWW-Authenticate": 'Bearer realm="traceward"'} if error.status == 401 else {}
                return await run_in_threadpool(_failure, error.status, error.detail, headers)
            except HTTPException as error:
                return await run_in_threadpool(_failure, error.status_code, str(error.detail), {})
            except RequestValidationError:
                return await run_in_threadpool(_failure, 400, "the request is not as the interface asks", {})

        return handler


router = APIRouter(prefix=BASE, tags=["FHIR"], route_class=FhirRoute)


@router.get("/metadata", response_class=Response)
def get_metadata(request: Request, runtime: Services) -> Response:
    """The CapabilityStatement; open to all. FHIR R4 3.1.0.12."""
    return _answer(_capabilities(request, runtime))


@router.options("", response_class=Response, include_in_schema=False)
@router.options("/{rest:path}", response_class=Response, include_in_schema=False)
def get_options(request: Request, runtime: Services) -> Response:
    """What can be done here: the methods, and the CapabilityStatement; open to all."""
    return _answer(_capabilities(request, runtime), headers={"Allow": "GET, POST, OPTIONS"})


def _capabilities(request: Request, runtime: Runtime) -> dict[str, Any]:
    from traceward.services.fhir import resources as fhir_resources  # noqa: PLC0415
    from traceward.services.fhir import searches as fhir  # noqa: PLC0415  # the models take long to import

    entries = [
        {
            "type": name,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [
                {"name": one, "type": _PARAMETER_TYPES.get(one, "token")}
                | ({"documentation": _BY_POST} if (name, one) == ("Patient", _NUMBER) else {})
                for one in kind.parameters
                if one != "_id"
            ]
            + [{"name": "_id", "type": "token"}],
        }
        for name, kind in fhir.KINDS.items()
    ]
    return fhir_resources.capability_statement(
        entries, version=__version__, now_us=runtime.now_us(), base=_base(request)
    )


@router.get("/{kind}", response_class=Response)
def get_search(kind: str, request: Request, caller: Caller, runtime: Services) -> Response:
    """Search a kind of resource. FHIR R4 3.1.1."""
    return _search(request, caller, runtime, kind, _of_url(request, kind))


@router.post("/{kind}/_search", response_class=Response)
async def post_search(kind: str, request: Request, caller: Caller, runtime: Services) -> Response:
    """Search by a form in the body, so that nothing about a patient stands in a URL. FHIR R4 3.1.1."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UnsupportedMediaTypeException(f"a search by POST is a form; expected Content-Type {_FORM}")
    body = (await request.body()).decode("utf-8", errors="replace")
    given = [*_of_url(request, kind), *parse_qsl(body, keep_blank_values=True)]
    return await run_in_threadpool(_search, request, caller, runtime, kind, given)


def _of_url(request: Request, kind: str) -> list[tuple[str, str]]:
    """The parameters that stand in the URL. Raises QueryParameterException where one would name a patient there:
    URLs end in the logs of proxies. The number is not repeated.
    """
    given = list(request.query_params.multi_items())
    if kind == "Patient" and any(name == _NUMBER for name, _value in given):
        raise QueryParameterException(
            "identifier stands in the URL, and would leave the patient's GSRN in logs; expected it in the form of a "
            "POST to /fhir/Patient/_search"
        )
    return given


@router.get("/{kind}/{logical_id}", response_class=Response)
def get_one(kind: str, logical_id: str, request: Request, caller: Caller, runtime: Services) -> Response:
    """Read one resource; nothing again for whoever names its entity tag. FHIR R4 3.1.0.2, 3.1.0.1.5."""
    from traceward.services.fhir import searches as fhir  # noqa: PLC0415  # the models take long to import

    _require_kind(kind)
    answer = _answer(fhir.read(runtime, caller, kind, logical_id))
    tag = f'W/"{hashlib.sha256(bytes(answer.body)).hexdigest()[:32]}"'
    known = {one.strip() for value in request.headers.getlist("if-none-match") for one in value.split(",")}
    if known & {tag, tag.removeprefix("W/"), "*"}:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
    answer.headers["ETag"] = tag
    return answer


@router.api_route("/{rest:path}", methods=["GET"], response_class=Response, include_in_schema=False)
def get_anything_else(rest: str, _caller: Caller) -> Response:
    """What the service does not have."""
    raise NoSuchResource(f"there is nothing at {rest[:80]!r}; /fhir/metadata lists what there is")


@router.api_route("/{rest:path}", methods=["POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
def refuse_writing(rest: str, _caller: Caller) -> Response:
    """Every write is refused."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, f"{_READ_ONLY} ({without_patients(rest)[:80]!r})")


_PARAMETER_TYPES: Final = {
    "patient": "reference",
    "device": "reference",
    "target": "reference",
    "location": "reference",
    "udi-di": "string",
    "udi-carrier": "string",
    "date": "date",
}


def _search(request: Request, caller: Principal, runtime: Runtime, kind: str, given: list[tuple[str, str]]) -> Response:
    from traceward.services.fhir import resources as fhir_resources  # noqa: PLC0415
    from traceward.services.fhir import searches as fhir  # noqa: PLC0415  # the models take long to import

    _require_kind(kind)
    page = _page_of(runtime, caller, kind, given, lenient="handling=lenient" in request.headers.get("prefer", ""))
    found = fhir.search(runtime, caller, kind, page.parameters)
    only_count = page.summary == "count" or page.count == 0
    listed = [] if only_count else fhir.ordered(kind, found, page.sort, page.after)
    entries = listed[: page.count]
    shown = [one for _, one in entries]
    links = {"self": f"{_base(request)}/{kind}{_asked(kind, given)}"}
    if len(listed) > len(entries):
        links["next"] = f"{_base(request)}/{kind}?_page={_token(runtime, caller, kind, page, entries[-1])}"
    found.told(runtime, caller, kind, page.parameters, shown)
    told = [found.read(one) for one in shown]
    if page.summary == "true":
        told = [fhir_resources.summary_of(one) for one in told]
    total = None if page.total == "none" and page.summary != "count" else len(found.ids)
    return _answer(fhir_resources.search_bundle(told, total=total, base=_base(request), links=links))


def _page_of(runtime: Runtime, caller: Principal, kind: str, given: list[tuple[str, str]], *, lenient: bool) -> _Page:
    from traceward.services.fhir import searches as fhir  # noqa: PLC0415  # the models take long to import

    controls = {name: value for name, value in given if name in _CONTROLS}
    if "_page" in controls:
        body = runtime.page_tokens.unseal(controls["_page"], f"fhir {kind}".encode(), _name(caller))
        page = msgspec.msgpack.decode(body, type=_Page)
        if page.expires_us <= runtime.now_us():
            raise QueryParameterException("the page has expired; search again")
        return page
    parameters: dict[str, list[str]] = {}
    for name, value in given:
        plain, _, modifier = name.partition(":")
        if name in _CONTROLS or (lenient and plain not in fhir.KINDS[kind].parameters):
            continue
        if modifier and not (plain == "patient" and modifier == "Patient"):
            raise QueryParameterException(f"{name[:80]!r} has a modifier; expected {plain} alone")
        # A comma means "or", a repetition "and": of these the searches know one for each parameter. FHIR R4 3.1.1.4.
        if plain == "date" and "," in value:
            raise QueryParameterException("date holds a comma; expected one time, or two dates as from and to")
        if plain != "date" and plain in parameters:
            raise QueryParameterException(f"{plain[:80]!r} is given twice; expected it once, its values with commas")
        parameters.setdefault(plain, []).extend(part for part in value.split(",") if part)
    text = controls.get("_count", str(_DEFAULT_COUNT))
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT):
        raise QueryParameterException(f"_count is {text[:20]!r}; expected a whole number")
    expires_us = runtime.now_us() + runtime.limits.page_token_ttl_s * 1_000_000
    sort = controls.get("_sort", "_id")
    fhir.require_sort(kind, sort)
    summary = _one_of("_summary", controls.get("_summary", "false"), _SUMMARIES)
    total = _one_of("_total", controls.get("_total", "accurate"), _TOTALS)
    return _Page(expires_us, None, parameters, min(int(text), _MOST), sort, summary, total)


def _asked(kind: str, given: list[tuple[str, str]]) -> str:
    """The query of a search as it was understood, but for a patient's GSRN, which no URL holds. FHIR R4 3.1.1.1.1."""
    from traceward.services.fhir import searches as fhir  # noqa: PLC0415  # the models take long to import

    known = {*fhir.KINDS[kind].parameters, *_CONTROLS}
    if kind == "Patient":
        known.discard(_NUMBER)
    asked = [(name, value) for name, value in given if name.partition(":")[0] in known]
    query = f"?{urlencode(asked)}" if asked else ""
    return "" if contains_patient_identifier(query) else query


def _token(runtime: Runtime, caller: Principal, kind: str, page: _Page, after: tuple[str, str]) -> str:
    body = msgspec.msgpack.encode(msgspec.structs.replace(page, after=after))
    return runtime.page_tokens.seal(body, f"fhir {kind}".encode(), _name(caller))


def _one_of(name: str, value: str, expected: tuple[str, ...]) -> str:
    if value not in expected:
        raise QueryParameterException(f"{name} is {value[:20]!r}; expected one of {', '.join(expected)}")
    return value


def _name(caller: Principal) -> str:
    return f"{caller.organisation} {caller.role}"


def _require_kind(kind: str) -> None:
    from traceward.services.fhir import searches as fhir  # noqa: PLC0415  # the models take long to import

    if kind not in fhir.KINDS:
        raise NoSuchResource(f"{kind[:80]!r} is not served here; /fhir/metadata lists what is")


def _require_json(request: Request) -> None:
    # What _format says goes before what Accept says. FHIR R4 3.1.0.1.11.
    asked = request.query_params.getlist("_format") or request.headers.getlist("accept")
    ranges = [part.partition(";")[0].strip().lower() for value in asked for part in value.split(",")]
    if ranges and not any(one in _TAKEN for one in ranges):
        raise NotAcceptableException(f"this service speaks {MEDIA_TYPE}; Accept asks for {', '.join(ranges)[:200]}")


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{BASE}"


def _answer(resource: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(resource), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _failure(status: int, text: str, headers: dict[str, str]) -> Response:
    from traceward.services.fhir import resources as fhir_resources  # noqa: PLC0415  # the models take long to import

    return _answer(fhir_resources.outcome("error", _CODES.get(status, "exception"), text), status, headers)
