"""The OpenAPI 3.1 document of this server, made from its routes: whole, and true of every answer.

What FastAPI cannot know is put in here: the EPCIS binding, problem bodies, headers, who must sign in. It must not
describe what no route serves.
"""

import re
import warnings
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from traceward.api.deps import SESSION_COOKIE, principal_of
from traceward.api.openapi_epcis import OPERATIONS, operation_id, operation_object, options_object, path_parameters
from traceward.api.openapi_events import event_schemas
from traceward.api.openapi_parts import (
    ANSWER_HEADERS,
    EVERYWHERE,
    PROBLEMS,
    Schema,
    component,
    fhir_outcome,
    problem_responses,
    query_parameters,
)

_DESCRIPTION: Final = """EPCIS 2.0 capture and query, and what consignment stock needs beside it.

Answers are in JSON, those of the EPCIS paths in XML too where `Accept` asks for it. Every error is an RFC 7807 problem
body. A caller sees only what concerns its organisation: what is hidden answers like what is absent."""

_TAGS: Final = {
    "EPCIS": "The REST binding of GS1 EPCIS 2.0: capture, events, top-level resources, named queries, subscriptions.",
    "consignment": "Stock on consignment: actions, balances, transfers of ownership, conflicts.",
    "subscriptions": "Deliveries to subscribers: their state, dead letters, redelivery.",
    "master data": "Places, products and parties by their declared attributes and hierarchy.",
    "alerts": "What an agreement asks of its parties: the same alert for both, acknowledged by either.",
    "agreements": "Consignment agreements between two parties, proposed, signed and ended.",
    "money": "Uses, invoices, settlements, leaks of charges, and the reports on ownership and stock.",
    "patients": "Whose implants are whose, for the clinical role alone.",
    "audit": "Who saw what, in an append-only log.",
    "FHIR": "FHIR R4, read-only.",
    "trace": "Where items and lots are, were and went.",
    "recalls": "Recall notices: issued by makers, answered by those who have the goods.",
    "scan": "Bar codes read and judged.",
    "labels": "Labels to print.",
    "live": "Notice of changes to the stock.",
    "session": "Sign-in of the web pages.",
    "administration": "Organisations, keys and the first run.",
    "health": "Whether the server works.",
}
_CHANGING: Final = frozenset({"post", "put", "patch", "delete"})


def install_openapi(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Make `/openapi.json` answer this module's document, made at the first request for it. routers: the app's."""
    made: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not made:
            made.update(own_document(app, routers))
        return made

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to replace it


def own_document(app: FastAPI, routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The document of the routes that these routers of the application have now."""
    with warnings.catch_warnings():
        # Routes of several methods share an id with FastAPI; `_complete` gives each operation one of its own.
        warnings.filterwarnings("ignore", "Duplicate Operation ID")
        generated = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=_DESCRIPTION,
            routes=app.routes,
            tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        )
    public = {
        (spelt(route.path), method.lower())
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and not _signs_in(route.dependant)
        for method in route.methods or ()
    }
    told = {(spelt(one.path), one.method): one for one in OPERATIONS}
    paths: dict[str, dict[str, Any]] = {}
    for path, item in generated["paths"].items():
        for method, operation in item.items():
            if method == "head":
                continue  # the door answers HEAD as GET without its body, on every path
            own = told.get((spelt(path), method))
            if own is not None:
                paths.setdefault(own.path, {})[method] = operation_object(own)
            else:
                _complete(operation, path, method, public=(spelt(path), method) in public)
                paths.setdefault(path, {})[method] = operation
    for path, item in paths.items():
        if path.startswith("/epcis") and (spelt(path), "options") in public:
            item["options"] = options_object(path)
    used = {tag for item in paths.values() for operation in item.values() for tag in operation.get("tags", ())}
    generated["tags"] += [{"name": name} for name in sorted(used - set(_TAGS))]
    components = generated.setdefault("components", {})
    schemas = {name: schema for name, schema in components.get("schemas", {}).items() if "ValidationError" not in name}
    components["schemas"] = schemas | event_schemas() | _OWN_SCHEMAS
    components["headers"] = {
        name: {"description": text, "schema": schema} for name, (text, schema) in ANSWER_HEADERS.items()
    }
    components["parameters"] = path_parameters() | query_parameters()
    components["responses"] = problem_responses() | {"FhirOutcome": fhir_outcome()}
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "bearerFormat": "tw_...", "description": "A key of this server."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "The session of a web page; what changes something also needs X-Traceward-Client: web.",
        },
    }
    return generated | {"paths": paths, "security": [{"key": []}, {"session": []}]}


_OWN_SCHEMAS: Final[dict[str, Schema]] = {
    "CaptureJobs": {"type": "array", "uniqueItems": True, "items": component("schemas", "CaptureJob")},
    "CapturedEvent": {
        "type": "object",
        "required": ["type", "eventID", "eventTime", "eventTimeZoneOffset"],
        "properties": {"type": {"type": "string"}, "eventID": {"type": "string"}},
    },
}


def spelt(path: str) -> str:
    """The path with nameless parameters: what routes and the document both can be compared by.

    >>> spelt("/epcis/events/{event_id:path}")
    '/epcis/events/{}'
    """
    return re.sub(r"\{[^}]*\}", "{}", path)


def _signs_in(dependant: Dependant) -> bool:
    return dependant.call is principal_of or any(_signs_in(one) for one in dependant.dependencies)


#: A search of FHIR by POST. FHIR R4 3.1.1.4.
_SEARCH: Final[Schema] = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "additionalProperties": {"type": "string"}, "description": "As in the query."}
        }
    },
}


def _complete(operation: dict[str, Any], path: str, method: str, *, public: bool) -> None:
    """Put the problem answers and the security of one operation right, as its route keeps them."""
    operation["operationId"] = operation_id(method, path)
    answers = operation.setdefault("responses", {})
    for status in [one for one in answers if one in {"422", "4XX"} or int(one[0]) > 3]:
        del answers[status]
    statuses = {*EVERYWHERE, 404, 406}
    if not public:
        statuses |= {401, 403}
    if method in _CHANGING:
        statuses |= {401, 403, 409}
    for status in sorted(statuses):
        kind = "FhirOutcome" if path.startswith("/fhir") else PROBLEMS[status][0]
        answers[str(status)] = component("responses", kind)
    if public:
        operation["security"] = []
    if path.endswith("/_search"):
        operation.setdefault("requestBody", _SEARCH)
    if path.startswith("/epcis"):
        operation["tags"] = ["EPCIS"]
