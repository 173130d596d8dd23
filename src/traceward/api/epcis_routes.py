"""The EPCIS 2.0 REST binding under /epcis: root, events, and the top-level resources with their events.

One table names the resources; OPTIONS of every path is made from the routes themselves. It must not evaluate queries.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response

from traceward.api.deps import Caller, Reader, ServerSettings, Services
from traceward.api.epcis_capture import Wanted, Wanted20, add_capture_routes
from traceward.api.epcis_paging import link_headers, page_request, with_token_in_body
from traceward.api.negotiation import DISCOVERY_HEADERS, VERSION_HEADERS, version_headers
from traceward.api.query_routes import add_query_routes
from traceward.api.subscription_routes import add_subscription_routes
from traceward.api.xml_bodies import collection_xml
from traceward.epcis.errors import QueryParameterException
from traceward.services import whole_tokens
from traceward.services.queries import query
from traceward.services.queries.answers import Representation
from traceward.services.runtime import Runtime

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
TOP_LEVEL: Final = (
    "queries",
    "capture",
    "events",
    "eventTypes",
    "epcs",
    "readPoints",
    "bizLocations",
    "dispositions",
    "bizSteps",
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One top-level resource: its path, its vocabulary, and the query parameter that its items stand for."""

    path: str
    parameter: str


RESOURCES: Final = (
    Resource("eventTypes", "eventType"),
    Resource("epcs", "MATCH_anyEPC"),
    Resource("bizSteps", "EQ_bizStep"),
    Resource("bizLocations", "EQ_bizLocation"),
    Resource("readPoints", "EQ_readPoint"),
    Resource("dispositions", "EQ_disposition"),
)


def epcis_router(limit_headers: dict[str, str]) -> APIRouter:
    """All routes of the binding; limit_headers: the capture limits that OPTIONS /capture tells."""
    router = APIRouter(prefix="/epcis", tags=["EPCIS"])
    router.add_api_route("", get_root, methods=["GET"], response_class=Response)
    router.add_api_route("/", get_root, methods=["GET"], response_class=Response, include_in_schema=False)
    add_capture_routes(router)
    router.add_api_route("/events", get_events, methods=["GET"], response_class=Response)
    router.add_api_route("/events/{event_id:path}", get_event, methods=["GET"], response_class=Response)
    for resource in RESOURCES:
        _add_resource(router, resource)
    add_query_routes(router)
    add_subscription_routes(router)
    _add_options(router, limit_headers)
    return router


def get_root(_caller: Caller, wanted: Wanted20) -> Response:
    """The nine top-level resources. EPCIS 2.0 REST binding, GET /."""
    return _collection(list(TOP_LEVEL), wanted)


def get_events(
    request: Request, caller: Reader, runtime: Services, settings: ServerSettings, wanted: Wanted
) -> Response:
    """The events that match, as one page of an EPCISQueryDocument. EPCIS 2.0 REST binding, GET /events."""
    return _events(request, caller, runtime, settings, wanted, {})


def get_event(event_id: str, request: Request, caller: Reader, runtime: Services, wanted: Wanted) -> Response:
    """The event of that id and every error declaration of it. EPCIS 2.0 REST binding, GET /events/{eventID}."""
    if request.query_params:
        raise QueryParameterException("/events/{eventID} takes no query parameters")
    document = query.event_document(runtime, caller, event_id, wanted)
    return Response(document, headers=version_headers(wanted), media_type=wanted.media_type)


def _add_resource(router: APIRouter, resource: Resource) -> None:
    """GET of the list, of one item's sub-resources and of its events; the longer path first, since ids hold slashes."""

    def get_list(
        request: Request, caller: Reader, runtime: Services, settings: ServerSettings, wanted: Wanted20
    ) -> Response:
        page = page_request(request, settings)
        _refuse_parameters(page.parameters)
        listed = query.vocabulary_page(runtime, caller, resource.path, page.token, page.per_page, wanted.epc_format)
        return _collection(listed.values, wanted, link_headers(request, page, listed.next_token, listed.expires_us))

    def get_item(
        value: str, request: Request, caller: Reader, runtime: Services, settings: ServerSettings, wanted: Wanted20
    ) -> Response:
        # There is one page, whatever perPage says; what is no parameter here is refused as everywhere.
        _refuse_parameters(page_request(request, settings).parameters)
        query.require_item(runtime, caller, resource.path, resource.parameter, value)
        return _collection(["events"], wanted)

    def get_item_events(
        value: str, request: Request, caller: Reader, runtime: Services, settings: ServerSettings, wanted: Wanted
    ) -> Response:
        query.require_item(runtime, caller, resource.path, resource.parameter, value)
        return _events(request, caller, runtime, settings, wanted, {resource.parameter: [value]})

    routes = (
        ("", get_list, "list"),
        ("/{value:path}/events", get_item_events, "events"),
        ("/{value:path}", get_item, "item"),
    )
    for suffix, endpoint, what in routes:
        router.add_api_route(
            f"/{resource.path}{suffix}",
            endpoint,
            methods=["GET"],
            response_class=Response,
            name=f"get_{resource.path}_{what}",
        )


def _events(
    request: Request,
    caller: Reader,
    runtime: Runtime,
    settings: ServerSettings,
    wanted: Representation,
    fixed: dict[str, list[str]],
) -> Response:
    page = page_request(request, settings)
    whole = whole_tokens.unpack(runtime, caller, page.token) if page.token and not page.parameters else None
    if whole is not None:
        page = replace(page, token=whole[0], parameters=whole[1])
    for name in fixed:
        if name in page.parameters:
            raise QueryParameterException(f"{name} is given by the path already; it may not be a query parameter too")
    parameters = page.parameters | fixed
    found = query.find_events(runtime, caller, parameters, page.token, page.per_page, wanted)
    headers = version_headers(wanted) | link_headers(request, page, found.next_token, found.expires_us)
    document = found.document
    if found.next_token is not None and "json" in wanted.media_type:
        token = whole_tokens.pack(runtime, caller, found.next_token, page.parameters)
        document, told = with_token_in_body(request, document, token)
        headers |= told
    return Response(document, headers=headers, media_type=wanted.media_type)


def _collection(members: list[str], wanted: Representation, headers: dict[str, str] | None = None) -> Response:
    body = collection_xml(members) if wanted.is_xml else _collection_json(members)
    return Response(body, headers=VERSION_HEADERS | (headers or {}), media_type=wanted.media_type)


def _collection_json(members: list[str]) -> bytes:
    return orjson.dumps({"@context": CONTEXT, "type": "Collection", "member": members})


def _refuse_parameters(parameters: dict[str, list[str]]) -> None:
    for name in parameters:
        raise QueryParameterException(
            f"{name[:80]!r} is no parameter of this resource; expected perPage, nextPageToken"
        )


def _add_options(router: APIRouter, limit_headers: dict[str, str]) -> None:
    """OPTIONS for every path that has routes, with Allow and the discovery headers."""
    methods: dict[str, set[str]] = {}
    for route in router.routes:
        path = getattr(route, "path", "")
        methods.setdefault(path, set()).update(getattr(route, "methods", None) or ())
    for path, allowed in methods.items():
        router.add_api_route(
            path.removeprefix("/epcis"),
            _options_endpoint(sorted(allowed | {"OPTIONS"}), path == "/epcis/capture", limit_headers),
            methods=["OPTIONS"],
            status_code=204,
            response_class=Response,
            include_in_schema=False,
        )


def _options_endpoint(allowed: list[str], captures: bool, limit_headers: dict[str, str]) -> Callable[[], Response]:
    def options() -> Response:
        headers = DISCOVERY_HEADERS | {"Allow": ", ".join(allowed)}
        if captures:
            headers = headers | limit_headers | {"GS1-Capture-Error-Behaviour": "all"}
        return Response(status_code=204, headers=headers)

    return options
