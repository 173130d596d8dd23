"""The EPCIS 2.0 REST binding of named queries, their events, and page tokens that are given back.

It must not read definitions or evaluate queries: `services.queries.named_queries` does.
"""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from traceward.api import query_openapi as told
from traceward.api.deps import Reader, ServerSettings, Services
from traceward.api.epcis_capture import Wanted
from traceward.api.epcis_paging import link_headers, page_request, with_token_in_body
from traceward.api.negotiation import VERSION_HEADERS, representation, require_json, version_headers
from traceward.api.websocket import EventSockets
from traceward.epcis.errors import QueryParameterException
from traceward.epcis.xml_codec import Version
from traceward.services import tokens, whole_tokens
from traceward.services.delivery import query_subscriptions
from traceward.services.queries import named_queries
from traceward.services.queries.answers import JSON_MEDIA_TYPES, Representation

_JSON_OFFERS: Final[Mapping[str, tuple[Version, ...]]] = dict.fromkeys(JSON_MEDIA_TYPES, ("2.0",))
_CONTROLS: Final = frozenset(
    ("stream", "second", "minute", "hour", "dayOfMonth", "month", "dayOfWeek", "reportIfEmpty", "initialRecordTime")
)


def negotiated_json(request: Request) -> Representation:
    """The representation that the request asks for, of a resource that is JSON alone."""
    return representation(request.headers, _JSON_OFFERS)


WantedJson = Annotated[Representation, Depends(negotiated_json)]


def location(request: Request, path: str) -> str:
    """The address of a resource below /epcis, as Location tells it; path: percent-encoded already."""
    return f"{request.scope.get('root_path', '')}/epcis{path}"


async def post_query(request: Request, caller: Reader, runtime: Services, wanted: WantedJson) -> Response:
    """Keep a query under a name. EPCIS 2.0 REST binding, POST /queries."""
    require_json(request.headers)
    body = await request.body()
    made = await run_in_threadpool(named_queries.define, runtime, caller, body, wanted.extensions)
    headers = VERSION_HEADERS | {"Location": location(request, f"/queries/{quote(made.name, safe='')}")}
    return Response(status_code=201, headers=headers)


def get_queries(
    request: Request, caller: Reader, runtime: Services, settings: ServerSettings, wanted: WantedJson
) -> Response:
    """The caller's named queries, by name. EPCIS 2.0 REST binding, GET /queries."""
    page = page_request(request, settings)
    refuse_parameters(page.parameters)
    listed = named_queries.list_queries(runtime, caller, page.token, page.per_page)
    headers = VERSION_HEADERS | link_headers(request, page, listed.next_token, listed.expires_us)
    body = b"[%b]" % b",".join(map(named_queries.as_body, listed.queries))
    return Response(body, headers=headers, media_type=wanted.media_type)


def get_query(name: str, caller: Reader, runtime: Services, wanted: WantedJson) -> Response:
    """One named query. EPCIS 2.0 REST binding, GET /queries/{queryName}; the openapi's example, not its schema."""
    found = named_queries.find(runtime, caller, name)
    return Response(named_queries.as_body(found), headers=VERSION_HEADERS, media_type=wanted.media_type)


def delete_query(name: str, caller: Reader, runtime: Services) -> Response:
    """End a named query with its subscriptions and websockets. EPCIS 2.0 REST binding, DELETE /queries/{queryName}."""
    query_subscriptions.end_query(runtime, caller, name)
    return Response(status_code=204, headers=VERSION_HEADERS)


def get_query_events(
    name: str, request: Request, caller: Reader, runtime: Services, settings: ServerSettings, wanted: Wanted
) -> Response:
    """The events of a named query, page by page. EPCIS 2.0 REST binding, GET /queries/{queryName}/events."""
    page = page_request(request, settings)
    for control in _CONTROLS & page.parameters.keys():
        raise QueryParameterException(f"{control} is for websockets; expected it with the header Upgrade: websocket")
    refuse_parameters(page.parameters)
    found = named_queries.events_page(runtime, caller, name, page.token, page.per_page, wanted)
    headers = version_headers(wanted) | link_headers(request, page, found.next_token, found.expires_us)
    document = found.document
    if found.next_token is not None and not wanted.is_xml:
        document, told_so = with_token_in_body(request, document, found.next_token)
        headers |= told_so
    return Response(document, headers=headers, media_type=wanted.media_type)


def delete_page_token(token: str, caller: Reader, runtime: Services) -> Response:
    """Give a page token back, which then works no more. EPCIS 2.0 REST binding, DELETE /nextPageToken/{token}."""
    whole = whole_tokens.unpack(runtime, caller, token)
    tokens.revoke(runtime, caller, whole[0] if whole is not None else token)
    return Response(status_code=204, headers=VERSION_HEADERS)


def refuse_parameters(parameters: dict[str, list[str]]) -> None:
    """Nothing where only a page was asked for; else raises QueryParameterException naming what is too much."""
    for name in parameters:
        raise QueryParameterException(
            f"{name[:80]!r} is no parameter of this resource; expected perPage, nextPageToken"
        )


def add_query_routes(router: APIRouter) -> None:
    """Add the operations of named queries to the EPCIS router."""
    routes = (
        ("POST", "/queries", post_query, told.DEFINE),
        ("GET", "/queries", get_queries, told.LIST),
        ("GET", "/queries/{name}", get_query, told.READ),
        ("DELETE", "/queries/{name}", delete_query, told.DELETE),
        ("GET", "/queries/{name}/events", get_query_events, told.EVENTS),
        ("DELETE", "/nextPageToken/{token}", delete_page_token, told.DELETE_TOKEN),
    )
    for method, path, endpoint, operation in routes:
        router.add_api_route(path, endpoint, methods=[method], response_class=Response, **operation.options())
    router.add_api_websocket_route("/queries/{name}/events", EventSockets().serve)
