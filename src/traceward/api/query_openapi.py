"""What our OpenAPI document says of named queries and their subscriptions: summaries, bodies, answers and headers.

Tables only; it must not serve anything. Where GS1's document is wrong, `docs/queries.md` says what stands here instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_STRING: Final[dict[str, Any]] = {"type": "string"}
_TIME: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
_PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}

_QUERY: Final = {
    "type": "object",
    "description": "Parameters of SimpleEventQuery by name; lists are arrays. @context declares prefixes of CURIEs.",
    "example": {"eventType": ["ObjectEvent"], "EQ_bizStep": ["shipping", "receiving"]},
}
_DEFINITION: Final = {
    "type": "object",
    "required": ["name", "query"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^/\\\\?#]+$"},
        "query": _QUERY,
        "@context": {"description": "Prefixes for the query, beside those that its own @context declares."},
    },
    "additionalProperties": False,
}
_SCHEDULE_FIELDS: Final = {
    "second": "0,30",
    "minute": "[0-59]",
    "hour": "6",
    "dayOfMonth": "1",
    "month": "[1-12]",
    "dayOfWeek": "[1-5]",
}
_SCHEDULE: Final = {
    "type": "object",
    "minProperties": 1,
    "description": "Numbers or ranges as [lo-hi], joined by commas; all fields given must match, in UTC; 1 is Monday.",
    "properties": {name: {"type": "string", "example": example} for name, example in _SCHEDULE_FIELDS.items()},
    "additionalProperties": False,
}
_NEW_SUBSCRIPTION: Final = {
    "type": "object",
    "required": ["dest"],
    "description": "Exactly one of stream and schedule; reportIfEmpty goes with schedule alone.",
    "properties": {
        "dest": {"type": "string", "format": "uri"},
        "signatureToken": {"type": "string", "writeOnly": True, "description": "Key of GS1-Signature; never shown."},
        "secret": {
            "type": "string",
            "writeOnly": True,
            "description": "signatureToken, as GS1's document requires it.",
        },
        "stream": {"type": "boolean", "enum": [True]},
        "schedule": _SCHEDULE,
        "reportIfEmpty": {"type": "boolean"},
        "initialRecordTime": _TIME,
    },
}
_SUBSCRIPTION: Final = {
    "type": "object",
    "required": ["subscriptionID", "dest", "createdAt"],
    "properties": {
        "subscriptionID": _STRING,
        "queryName": _STRING,
        "dest": {"type": "string", "format": "uri"},
        "createdAt": _TIME,
        "lastNotifiedAt": _TIME,
        "initialRecordTime": _TIME,
        "minRecordTime": _TIME,
        "epcFormat": _STRING,
        "stream": {"type": "boolean"},
        "schedule": _SCHEDULE,
        "reportIfEmpty": {"type": "boolean"},
    },
}
_EVENTS: Final = {"type": "object", "description": "An EPCISQueryDocument of EPCIS 2.0."}

_JSON: Final = ("application/json", "application/ld+json")
_XML: Final = ("application/xml", "text/xml")

_LOCATION: Final = {"Location": {"schema": _STRING, "description": "Where the new resource is read."}}
_PAGING: Final = {
    "Link": {"schema": _STRING, "description": 'The next page, with rel="next"; absent on the last one.'},
    "GS1-Next-Page-Token-Expires": {"schema": _TIME},
}
_PROBLEMS: Final = {
    400: "A parameter, the body or a header is wrong: the problem's type names the exception of the standard",
    401: "No valid key or session",
    403: "The caller's role does not permit it",
    404: "There is no such query or subscription for the caller",
    406: "Neither the media types nor the versions asked for are offered",
    409: "The name is taken",
    413: "The query is too complex, matches too much, or the body is too large",
    415: "The body is not JSON",
}


def _parameter(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_PAGE_PARAMETERS: Final = (
    _parameter("perPage", {"type": "integer", "minimum": 1}, "Most entries of the page; 30 where it is not said."),
    _parameter("nextPageToken", _STRING, "What the page before has given in Link."),
)
_WEBSOCKET_PARAMETERS: Final = tuple(
    _parameter(name, schema, "With the header Upgrade: websocket alone.")
    for name, schema in (
        ("stream", {"type": "boolean", "enum": [True]}),
        *((name, _STRING) for name in _SCHEDULE_FIELDS),
        ("reportIfEmpty", {"type": "boolean"}),
        ("initialRecordTime", _TIME),
    )
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as FastAPI is told of it. content: schema of its answer's body; body: that of its request."""

    summary: str
    status: int
    answer: str
    content: dict[str, Any] | None = None
    media_types: tuple[str, ...] = _JSON
    headers: dict[str, Any] = field(default_factory=dict)
    problems: tuple[int, ...] = (400, 401, 403, 406)
    parameters: tuple[dict[str, Any], ...] = ()
    body: dict[str, Any] | None = None

    def options(self) -> dict[str, Any]:
        """The keyword arguments of `APIRouter.add_api_route`."""
        success: dict[str, Any] = {"description": self.answer}
        if self.headers:
            success["headers"] = self.headers
        if self.content is not None:
            success["content"] = {media_type: {"schema": self.content} for media_type in self.media_types}
        responses: dict[int | str, dict[str, Any]] = {self.status: success}
        for status in self.problems:
            content = {"application/problem+json": {"schema": _PROBLEM_SCHEMA}}
            responses[status] = {"description": _PROBLEMS[status], "content": content}
        extra: dict[str, Any] = {}
        if self.parameters:
            extra["parameters"] = list(self.parameters)
        if self.body is not None:
            content = {media_type: {"schema": self.body} for media_type in _JSON}
            extra["requestBody"] = {"required": True, "content": content}
        return {
            "summary": self.summary,
            "status_code": self.status,
            "responses": responses,
            "openapi_extra": extra or None,
        }


DEFINE: Final = Operation(
    "Keep a query under a name",
    201,
    "The query is kept",
    headers=_LOCATION,
    problems=(400, 401, 403, 406, 409, 413, 415),
    body=_DEFINITION,
)
LIST: Final = Operation(
    "The caller's named queries",
    200,
    "One page of definitions, by name",
    content={"type": "array", "items": _DEFINITION},
    headers=_PAGING,
    parameters=_PAGE_PARAMETERS,
)
READ: Final = Operation(
    "One named query", 200, "The definition", content=_DEFINITION, problems=(400, 401, 403, 404, 406)
)
DELETE: Final = Operation(
    "End a named query, its subscriptions and its websockets",
    204,
    "It is gone",
    problems=(400, 401, 403, 404),
)
EVENTS: Final = Operation(
    "The events of a named query; a websocket of them with Upgrade",
    200,
    "One page of the events that match and that the caller may see",
    content=_EVENTS,
    media_types=(*_JSON, *_XML),
    headers=_PAGING,
    problems=(400, 401, 403, 404, 406, 413),
    parameters=(*_PAGE_PARAMETERS, *_WEBSOCKET_PARAMETERS),
)
DELETE_TOKEN: Final = Operation("Give a page token back", 204, "It works no more", problems=(400, 401, 403))
SUBSCRIBE: Final = Operation(
    "Subscribe to a named query by webhook",
    201,
    "The subscription as it was made",
    content=_SUBSCRIPTION,
    headers=_LOCATION,
    problems=(400, 401, 403, 404, 406, 413, 415),
    body=_NEW_SUBSCRIPTION,
)
SUBSCRIPTIONS: Final = Operation(
    "The caller's subscriptions of a named query",
    200,
    "One page of subscriptions",
    content={"type": "array", "items": _SUBSCRIPTION},
    headers=_PAGING,
    problems=(400, 401, 403, 404, 406),
    parameters=_PAGE_PARAMETERS,
)
SUBSCRIPTION: Final = Operation(
    "One subscription", 200, "The subscription", content=_SUBSCRIPTION, problems=(400, 401, 403, 404, 406)
)
UNSUBSCRIBE: Final = Operation("End a subscription", 204, "It is ended", problems=(400, 401, 403, 404))
