"""The EPCIS 2.0 REST binding of subscriptions: made, listed, read and ended below their named query.

It must not judge a subscription or deliver anything: `epcis.subscription` and `services` do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from traceward.api import query_openapi as told
from traceward.api.deps import Reader, ServerSettings, Services, principal_of, runtime_of
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.negotiation import (
    DISCOVERY_HEADERS,
    VERSION_HEADERS,
    body_format,
    representation,
    require_body_versions,
    require_json,
)
from traceward.api.query_routes import WantedJson, location, refuse_parameters
from traceward.epcis.errors import (
    DuplicateSubscriptionException,
    ForbiddenException,
    InvalidURIException,
    NoSuchResource,
    NoSuchSubscriptionException,
    ResourceAlreadyExistsException,
    SecurityException,
    SubscribeNotPermittedException,
    TracewardError,
    ValidationException,
)
from traceward.epcis.json_codec import read_json
from traceward.epcis.subscription import parse_subscription
from traceward.services.delivery import query_subscriptions, subscriptions
from traceward.services.identity.principals import Right
from traceward.store.subscription_models import Subscription

_REST_NAMES: Final[dict[type[TracewardError], Callable[[str], TracewardError]]] = {
    NoSuchSubscriptionException: NoSuchResource,
    SubscribeNotPermittedException: ForbiddenException,
    DuplicateSubscriptionException: ResourceAlreadyExistsException,
    InvalidURIException: ValidationException,
}
"""Exceptions that SOAP alone names -> those that the REST binding has for the same status."""

_NOT_ON_A_SUBSCRIPTION: Final = frozenset(
    ("GS1-EPC-Format", "GS1-CBV-XML-Format", "GS1-CBV-Version", "GS1-CBV-Min", "GS1-CBV-Max")
)


async def post_subscription(name: str, request: Request, caller: Reader, runtime: Services) -> Response:
    """Subscribe a webhook to a named query. EPCIS 2.0 REST binding, POST /queries/{queryName}/subscriptions.

    Accept, GS1-EPC-Format, GS1-CBV-XML-Format and GS1-EPCIS-Min/Max tell how the reports are to come; the answer to
    this request is JSON.
    """
    require_json(request.headers)
    require_body_versions(request.headers, body_format(request.headers))
    wanted = representation(request.headers)
    spec = parse_subscription(read_json(await request.body()))
    with _rest_names():
        made = await run_in_threadpool(subscriptions.create, runtime, caller, name, spec, wanted)
    path = f"/queries/{quote(name, safe='')}/subscriptions/{quote(made.subscription_id, safe='')}"
    headers = VERSION_HEADERS | {"Location": location(request, path)}
    body = orjson.dumps(subscriptions.as_body(made))
    return Response(body, status_code=201, headers=headers, media_type="application/json")


def get_subscriptions(
    name: str, request: Request, caller: Reader, runtime: Services, settings: ServerSettings, wanted: WantedJson
) -> Response:
    """The subscriptions of a named query. EPCIS 2.0 REST binding, GET /queries/{queryName}/subscriptions."""
    page = page_request(request, settings)
    refuse_parameters(page.parameters)
    listed = query_subscriptions.list_subscriptions(runtime, caller, name, page.token, page.per_page)
    headers = VERSION_HEADERS | link_headers(request, page, listed.next_token, listed.expires_us)
    body = orjson.dumps([subscriptions.as_body(row) for row in listed.subscriptions])
    return Response(body, headers=headers, media_type=wanted.media_type)


def get_subscription(
    name: str, subscription_id: str, caller: Reader, runtime: Services, wanted: WantedJson
) -> Response:
    """One subscription. EPCIS 2.0 REST binding, GET /queries/{queryName}/subscriptions/{subscriptionID}."""
    with _rest_names():
        row = subscriptions.find(runtime, caller, name, subscription_id)
    body = orjson.dumps(subscriptions.as_body(row))
    return Response(body, headers=VERSION_HEADERS | _min_record_time(row), media_type=wanted.media_type)


def delete_subscription(name: str, subscription_id: str, caller: Reader, runtime: Services) -> Response:
    """End a subscription. EPCIS 2.0 REST binding, DELETE /queries/{queryName}/subscriptions/{subscriptionID}."""
    with _rest_names():
        subscriptions.delete(runtime, caller, name, subscription_id)
    return Response(status_code=204, headers=VERSION_HEADERS)


def discover_subscription(name: str, subscription_id: str, request: Request) -> Response:
    """What a subscription can do; to those who may read it also from which recordTime on it will report next."""
    headers = {key: value for key, value in DISCOVERY_HEADERS.items() if key not in _NOT_ON_A_SUBSCRIPTION}
    headers["Allow"] = "DELETE, GET, OPTIONS"
    # Discovery is for everyone, and an absent subscription is discovered like one of others.
    with suppress(SecurityException, NoSuchSubscriptionException):
        caller = principal_of(request)
        caller.require(Right.READ)
        headers |= _min_record_time(subscriptions.find(runtime_of(request), caller, name, subscription_id))
    return Response(status_code=204, headers=headers)


def add_subscription_routes(router: APIRouter) -> None:
    """Add the operations of subscriptions to the EPCIS router."""
    path = "/queries/{name}/subscriptions"
    routes = (
        ("POST", path, post_subscription, told.SUBSCRIBE),
        ("GET", path, get_subscriptions, told.SUBSCRIPTIONS),
        ("GET", path + "/{subscription_id}", get_subscription, told.SUBSCRIPTION),
        ("DELETE", path + "/{subscription_id}", delete_subscription, told.UNSUBSCRIBE),
    )
    for method, where, endpoint, operation in routes:
        router.add_api_route(where, endpoint, methods=[method], response_class=Response, **operation.options())
    router.add_api_route(
        path + "/{subscription_id}",
        discover_subscription,
        methods=["OPTIONS"],
        response_class=Response,
        status_code=204,
        include_in_schema=False,
    )


def _min_record_time(row: Subscription) -> dict[str, str]:
    return {"GS1-Query-Min-Record-Time": subscriptions.as_body(row)["minRecordTime"]}


@contextmanager
def _rest_names() -> Iterator[None]:
    """Raise the REST binding's own exception where a service raised one that it does not have."""
    try:
        yield
    except tuple(_REST_NAMES) as error:
        renamed = _REST_NAMES[type(error)](error.detail)
        renamed.findings = error.findings
        raise renamed from error
