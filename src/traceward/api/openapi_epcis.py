"""The operations of the EPCIS binding as the OpenAPI document tells them, but for named queries, which tell their own.

A table of paths; it must not serve anything.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from traceward.api.openapi_parts import (
    EVERYWHERE,
    JSON_TYPES,
    PROBLEMS,
    REQUEST_HEADERS,
    TOKEN,
    XML_TYPES,
    Schema,
    component,
    word,
)
from traceward.epcis.parameter_values import EVENT_TYPES
from traceward.epcis.query_parameters import PARAMETERS

TAG: Final = "EPCIS"
_VERSIONS: Final = ("GS1-EPCIS-Version", "GS1-CBV-Version", "GS1-Extensions")
_RANGES: Final = ("GS1-EPCIS-Min", "GS1-EPCIS-Max", "GS1-CBV-Min", "GS1-CBV-Max")
_FORMATS: Final = ("GS1-EPC-Format", "GS1-CBV-XML-Format")
_PAGE: Final = ("perPage", "nextPageToken")
_PAGED: Final = ("Link", "GS1-Next-Page-Token-Expires")
_DISCOVERY: Final = ("Allow", *_VERSIONS, *_RANGES, *_FORMATS, "GS1-Vendor-Version")
_LIMITS: Final = ("GS1-EPCIS-Capture-Limit", "GS1-EPCIS-Capture-File-Size-Limit", "GS1-Capture-Error-Behaviour")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. answer: schema and status of success; headers, parameters: names of components.

    problems: statuses beside those that every operation may answer. right: what the caller's role must permit.
    """

    method: str
    path: str
    summary: str
    text: str
    answer: tuple[int, str | None]
    right: str
    headers: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    body: str | None = None
    problems: tuple[int, ...] = ()


#: Resource -> what one of its items is, the parameter that it stands for.
_RESOURCES: Final = (
    ("eventTypes", "eventType", "type of events", "eventType"),
    ("epcs", "epc", "identifier", "MATCH_anyEPC"),
    ("bizSteps", "bizStep", "business step", "EQ_bizStep"),
    ("bizLocations", "bizLocation", "business location", "EQ_bizLocation"),
    ("readPoints", "readPoint", "read point", "EQ_readPoint"),
    ("dispositions", "disposition", "disposition", "EQ_disposition"),
)
_QUERY: Final = (*PARAMETERS, "families")


def _resource(path: str, item: str, what: str, fixed: str) -> tuple[Operation, ...]:
    return (
        Operation(
            "get",
            f"/epcis/{path}",
            f"List every {what}",
            f"Each {what} of the events that the caller may see, by code point.",
            (200, "Collection"),
            "READ",
            _PAGED,
            (*_PAGE, *_RANGES, *_FORMATS),
        ),
        Operation(
            "get",
            f"/epcis/{path}/{{{item}}}",
            f"See what there is of one {what}",
            "Its sub-resources: `events`.",
            (200, "Collection"),
            "READ",
            (),
            (f"path-{item}", *_PAGE, *_RANGES, *_FORMATS),
            problems=(404,),
        ),
        Operation(
            "get",
            f"/epcis/{path}/{{{item}}}/events",
            f"Find the events of one {what}",
            f"As GET /epcis/events with `{fixed}` given by the path.",
            (200, "EPCISQueryDocument"),
            "READ",
            (*_PAGED, "Preference-Applied"),
            (
                *(f"path-{item}", *_PAGE, *_RANGES, *_FORMATS, "GS1-Extensions", "Prefer"),
                *(name for name in _QUERY if name != fixed),
            ),
            problems=(404,),
        ),
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "get",
        "/epcis",
        "See the top-level resources",
        "The names of the nine resources below this one. EPCIS 2.0 REST binding, GET /.",
        (200, "Collection"),
        "ANY",
        (),
        (*_RANGES, *_FORMATS),
    ),
    Operation(
        "post",
        "/epcis/capture",
        "Capture a document",
        "Takes the events of an EPCISDocument or EPCISQueryDocument, in JSON or XML. With `rollback` a document of "
        "ordinary size is judged before the answer: 400 names everything that is wrong with it.",
        (202, None),
        "CAPTURE",
        ("Location",),
        (*_RANGES, "GS1-EPCIS-Version", "GS1-CBV-Version", "GS1-Capture-Error-Behaviour"),
        body="EPCISDocument",
        problems=(409,),
    ),
    Operation(
        "get",
        "/epcis/capture",
        "List capture jobs",
        "The caller's own jobs, newest first.",
        (200, "CaptureJobs"),
        "CAPTURE",
        _PAGED,
        (*_PAGE, *_RANGES),
    ),
    Operation(
        "get",
        "/epcis/capture/{captureID}",
        "See a capture job",
        "Whether it still runs, what it came to, and an error for each event that was refused.",
        (200, "CaptureJob"),
        "CAPTURE",
        (),
        ("path-captureID", *_RANGES),
        problems=(404,),
    ),
    Operation(
        "get",
        "/epcis/events",
        "Find events",
        "SimpleEventQuery by its parameters: those of different names must all hold, values of one list are "
        "alternatives. EPCIS 2.0 8.2.7.1.",
        (200, "EPCISQueryDocument"),
        "READ",
        (*_PAGED, "Preference-Applied"),
        (*_PAGE, *_RANGES, *_FORMATS, "GS1-Extensions", "Prefer", *_QUERY),
    ),
    Operation(
        "post",
        "/epcis/events",
        "Capture one event",
        "The event comes back as it is kept. One without eventID gets one that follows from its content.",
        (201, "CapturedEvent"),
        "CAPTURE",
        ("Location",),
        (*_RANGES, *_FORMATS, "GS1-EPCIS-Version", "GS1-CBV-Version"),
        body="BareEvent",
        problems=(409,),
    ),
    Operation(
        "get",
        "/epcis/events/{eventID}",
        "See an event",
        "The event of that id and every error declaration of it.",
        (200, "EPCISQueryDocument"),
        "READ",
        (),
        ("path-eventID", *_RANGES, *_FORMATS),
        problems=(404,),
    ),
    *(operation for row in _RESOURCES for operation in _resource(*row)),
)

_PATH_TEXTS: Final = {
    "captureID": "The id of a capture job, as Location gave it.",
    "eventID": "The id of an event, percent-encoded whole.",
    "epc": "An identifier as URN or as Digital Link, percent-encoded whole.",
    "eventType": "A type of event: the standard's own, or a URI.",
    "bizStep": "A word of the CBV or a URI.",
    "disposition": "A word of the CBV or a URI.",
    "bizLocation": "The identifier of a place.",
    "readPoint": "The identifier of a place.",
}


_SEGMENT: Final = r"[A-Za-z0-9._~:@!$&'()*,;=\-]"
_NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 400}
_IDENTIFIER: Final[Schema] = _NAME | {"pattern": rf"^[A-Za-z][A-Za-z0-9+.\-]*:{_SEGMENT}+([/?]{_SEGMENT}+)*$"}
_PATH_SCHEMAS: Final = {
    "captureID": _NAME,
    "eventID": _NAME,
    "epc": _IDENTIFIER,
    "eventType": {"anyOf": [{"type": "string", "enum": list(EVENT_TYPES)}, _IDENTIFIER]},
    "bizStep": word("bizstep"),
    "disposition": word("disp"),
    "bizLocation": _IDENTIFIER,
    "readPoint": _IDENTIFIER,
}


def path_parameters() -> dict[str, Schema]:
    """The components of path parameters and of paging."""
    found: dict[str, Schema] = {
        f"path-{name}": {
            "name": name,
            "in": "path",
            "required": True,
            "description": text,
            "schema": _PATH_SCHEMAS[name],
        }
        for name, text in _PATH_TEXTS.items()
    }
    whole = {"type": "integer", "minimum": 1, "maximum": 999_999_999, "default": 30}
    found["perPage"] = {
        "name": "perPage",
        "in": "query",
        "required": False,
        "description": "Most entries of a page: an upper bound, not a promise.",
        "schema": whole,
    }
    found["nextPageToken"] = {
        "name": "nextPageToken",
        "in": "query",
        "required": False,
        "description": "Goes on behind a page: the token that its Link header holds. 400 for any other text.",
        "schema": TOKEN,
    }
    for name, (text, schema) in REQUEST_HEADERS.items():
        found[name] = {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
    return found


def operation_object(operation: Operation) -> dict[str, Any]:
    """The Operation Object of OpenAPI 3.1."""
    status, schema = operation.answer
    answer: dict[str, Any] = {
        "description": operation.summary + ": done",
        "headers": {name: component("headers", name) for name in (*_VERSIONS, *operation.headers)},
    }
    if schema is not None:
        answer["content"] = _content(component("schemas", schema), XML_TYPES)
    statuses = sorted({*EVERYWHERE, 401, 403, 406, *operation.problems})
    made: dict[str, Any] = {
        "tags": [TAG],
        "operationId": operation_id(operation.method, operation.path),
        "summary": operation.summary,
        "description": operation.text,
        "parameters": [component("parameters", name) for name in operation.parameters],
        "responses": {str(status): answer} | {str(one): component("responses", PROBLEMS[one][0]) for one in statuses},
    }
    if operation.body is not None:
        made["requestBody"] = {
            "required": True,
            "content": _content(component("schemas", operation.body), XML_TYPES),
        }
    return made


def options_object(path: str) -> dict[str, Any]:
    """The OPTIONS operation of a path of the binding. EPCIS 2.0 REST binding, discovery."""
    parameters = [
        {"name": name, "in": "path", "required": True, "description": "Any text.", "schema": {"type": "string"}}
        for name in re.findall(r"\{([^}]*)\}", path)
    ]
    names = _DISCOVERY + (_LIMITS if path == "/epcis/capture" else ())
    if path.endswith(("/subscriptions", "/subscriptions/{subscriptionID}")):
        names += ("GS1-Query-Min-Record-Time",)
    statuses = sorted(EVERYWHERE)
    return {
        "tags": [TAG],
        "operationId": operation_id("options", path),
        "summary": "Discover methods, versions and formats",
        "description": "What this resource can do, in headers alone; needs no key.",
        "security": [],
        "parameters": parameters,
        "responses": {
            "204": {
                "description": "The headers tell",
                "headers": {name: component("headers", name) for name in names},
            }
        }
        | {str(one): component("responses", PROBLEMS[one][0]) for one in statuses},
    }


def _content(schema: Schema, xml_types: tuple[str, ...]) -> dict[str, Any]:
    xml: Schema = {"type": "string", "description": "The XML binding of the same."}
    return {kind: {"schema": schema} for kind in JSON_TYPES} | {kind: {"schema": xml} for kind in xml_types}


def operation_id(method: str, path: str) -> str:
    """The name of an operation, the same in every version of the document."""
    words = path.replace("{", "").replace("}", "").strip("/").split("/")
    return "_".join([method, *words])
