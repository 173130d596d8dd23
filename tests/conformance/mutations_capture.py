"""Ways of being wrong in discovery, negotiation, capture, and the rules of events."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from traceward.conformance.cases.discovery import PATHS

from .changes import (
    Change,
    body,
    each_event,
    events,
    header_as,
    lacks,
    on,
    problem,
    status,
    with_header,
    without,
    without_header,
)
from .proxy import Mutation


def options_name(path: str) -> str:
    """The name of the case on OPTIONS of that path."""
    return "discovery/options" + (re.sub(r"[^A-Za-z]+", "-", path).rstrip("-") or "*")


DISCOVERY = (
    [
        Mutation(
            f"OPTIONS {path} without {name}", "discovery/options*", answer=on("OPTIONS", path, without_header(name))
        )
        for path, name in (
            ("", "Allow"),
            ("/capture", "Allow"),
            ("/events/.*", "Allow"),
            ("/epcs", "GS1-EPCIS-Version"),
            ("", "GS1-EPCIS-Min"),
            ("", "GS1-EPCIS-Max"),
            ("", "GS1-CBV-Version"),
            ("", "GS1-CBV-Min"),
            ("", "GS1-CBV-Max"),
            ("", "GS1-EPC-Format"),
            ("", "GS1-Vendor-Version"),
            ("/capture", "GS1-EPCIS-Capture-Limit"),
            ("/capture", "GS1-EPCIS-Capture-File-Size-Limit"),
            ("/capture", "GS1-Capture-Error-Behaviour"),
        )
    ]
    + [
        Mutation(f"OPTIONS {path} answers 200", options_name(path), answer=on("OPTIONS", ".*", status(204, 200)))
        for path, _, _ in PATHS
    ]
    + [
        Mutation(
            "Allow of /events without POST",
            "discovery/options*",
            answer=on("OPTIONS", "/events", with_header("Allow", "GET, OPTIONS")),
        ),
        Mutation(
            "the root lacks queries",
            "discovery/*",
            answer=on("GET", "", body(lambda b: b | {"member": b["member"][1:]})),
        ),
        Mutation(
            "the root is no collection", "discovery/*", answer=on("GET", "", body(lambda b: b | {"type": "List"}))
        ),
        Mutation("the root without @context", "discovery/*", answer=on("GET", "", body(lacks("@context")))),
        Mutation(
            "answers without GS1-EPCIS-Version",
            "discovery/answers*",
            answer=on("GET", "/events", without_header("GS1-EPCIS-Version")),
        ),
        Mutation(
            "answers without GS1-CBV-Version",
            "discovery/answers*",
            answer=on("GET", "/events", without_header("GS1-CBV-Version")),
        ),
        *(
            Mutation(f"ignores {name}", "discovery/gs1*", header_as(name, value, None))
            for name, value in (
                ("GS1-EPCIS-Min", "99.0.0"),
                ("GS1-EPCIS-Max", "0.9"),
                ("GS1-CBV-Min", "99.0.0"),
                ("GS1-CBV-Max", "0.9"),
            )
        ),
        *(
            Mutation(
                f"refuses any {name}",
                "discovery/gs1*",
                answer=lambda asked, a, name=name: replace(a, status=406) if asked.header(name) else a,
            )
            for name in ("GS1-EPCIS-Min", "GS1-EPCIS-Max", "GS1-CBV-Min", "GS1-CBV-Max")
        ),
        Mutation(
            "ignores the version of a body",
            "discovery/a-body*",
            answer=lambda asked, a: replace(a, status=202) if asked.header("GS1-EPCIS-Version") else a,
        ),
        Mutation("answers any Accept", "discovery/a-media*", header_as("Accept", "image/png", None)),
        Mutation(
            "calls JSON-LD plain JSON",
            "discovery/json-ld*",
            answer=on("GET", "/events", with_header("Content-Type", "application/json")),
        ),
        Mutation("an unknown path is found", "discovery/an-unknown*", answer=status(404, 200)),
        Mutation("a wrong method is 404", "discovery/a-wrong*", answer=status(405, 404)),
        Mutation("405 without Allow", "discovery/a-wrong*", answer=on("DELETE", "/events", without_header("Allow"))),
        Mutation(
            "deleting a page token answers 200",
            "discovery/page-tokens*",
            answer=on("DELETE", "/nextPageToken/.+", status(204, 200)),
        ),
        Mutation(
            "a deleted page token works on",
            "discovery/page-tokens*",
            answer=on("GET", "/events", status(400, 200)),
        ),
        Mutation("takes endless URIs", "discovery/a-uri*", answer=status(414, 200)),
    ]
)


def _job(change: Callable[[dict[str, Any]], Any]) -> Change:
    return on("GET", "/capture/.+", body(change))


CAPTURE = [
    Mutation(
        "Location is the bare id",
        "capture/the-location*",
        answer=on(
            "POST",
            "/capture",
            lambda _, a: (
                replace(a, headers=a.headers | {"location": a.headers["location"].rsplit("/", 1)[1]})
                if "location" in a.headers
                else a
            ),
        ),
    ),
    Mutation(
        "the limit is one event less",
        "capture/as-many*",
        answer=lambda asked, a: replace(a, status=413) if asked.body.count(b'"eventID"') >= 60 else a,
    ),
    Mutation(
        "takes no query documents",
        "capture/a-query-document*",
        answer=lambda asked, a: replace(a, status=400) if b"EPCISQueryDocument" in asked.body else a,
    ),
    Mutation(
        "takes no transformations",
        "capture/a-document-with*",
        answer=lambda asked, a: replace(a, status=400) if b"TransformationEvent" in asked.body else a,
    ),
    Mutation("capture answers 200", "capture/a-document*", answer=on("POST", "/capture", status(202, 200))),
    Mutation(
        "capture without Location", "capture/a-document*", answer=on("POST", "/capture", without_header("Location"))
    ),
    Mutation(
        "capture without GS1-EPCIS-Version",
        "capture/a-document*",
        answer=on("POST", "/capture", without_header("GS1-EPCIS-Version")),
    ),
    Mutation(
        "capture without GS1-CBV-Version",
        "capture/a-document*",
        answer=on("POST", "/capture", without_header("GS1-CBV-Version")),
    ),
    Mutation(
        "capture sends to another host",
        "capture/a-document*",
        answer=on("POST", "/capture", with_header("Location", "https://elsewhere.example/capture/1")),
    ),
    *(
        Mutation(f"jobs without {name}", "capture/a-job*", answer=_job(lacks(name)))
        for name in ("captureID", "running", "success", "captureErrorBehaviour", "createdAt", "finishedAt", "errors")
    ),
    Mutation("jobs never end", "capture/a-job*", answer=_job(lambda job: job | {"running": True})),
    Mutation("jobs always succeed", "capture/proceed*", answer=_job(lambda job: job | {"success": True})),
    Mutation("jobs always fail", "capture/a-job*", answer=_job(lambda job: job | {"success": False})),
    Mutation("jobs tell no errors", "capture/proceed*", answer=_job(lambda job: job | {"errors": []})),
    Mutation(
        "jobs say rollback", "capture/proceed*", answer=_job(lambda job: job | {"captureErrorBehaviour": "rollback"})
    ),
    Mutation("jobs say proceed", "capture/a-job*", answer=_job(lambda job: job | {"captureErrorBehaviour": "proceed"})),
    Mutation("rollback proceeds", "capture/rollback*", header_as("GS1-Capture-Error-Behaviour", "rollback", "proceed")),
    Mutation("proceed rolls back", "capture/proceed*", header_as("GS1-Capture-Error-Behaviour", "proceed", "rollback")),
    Mutation("the default is proceed", "capture/a-job*", header_as("GS1-Capture-Error-Behaviour", None, "proceed")),
    Mutation(
        "takes any error behaviour",
        "capture/an-unknown-error*",
        header_as("GS1-Capture-Error-Behaviour", "sometimes", None),
    ),
    Mutation("the list of jobs is empty", "capture/jobs*", answer=on("GET", "/capture", body(lambda _: []))),
    Mutation("jobs are listed twice", "capture/jobs*", answer=on("GET", "/capture", body(lambda jobs: jobs + jobs))),
    Mutation("an unknown job is found", "capture/an-unknown-job*", answer=on("GET", "/capture/.+", status(404, 200))),
    Mutation("takes text that is no JSON", "capture/text*", answer=on("POST", "/capture", status(400, 202))),
    Mutation("takes JSON that is no document", "capture/json*", answer=on("POST", "/capture", status(400, 202))),
    Mutation("takes text/plain", "capture/a-foreign*", header_as("Content-Type", "text/plain", "application/json")),
    Mutation(
        "takes a single event as text/plain",
        "capture/a-single*",
        header_as("Content-Type", "text/plain", "application/json"),
    ),
    Mutation("too many events are 400", "capture/too-many*", answer=on("POST", "/capture", status(413, 400))),
    Mutation(
        "413 without the limit of events",
        "capture/too-many*",
        answer=on("POST", "/capture", without_header("GS1-EPCIS-Capture-Limit")),
    ),
    Mutation(
        "413 without the limit of bytes",
        "capture/too-many*",
        answer=on("POST", "/capture", without_header("GS1-EPCIS-Capture-File-Size-Limit")),
    ),
    Mutation(
        "problems as plain JSON",
        "capture/*",
        answer=lambda _, a: (
            replace(a, headers=a.headers | {"content-type": "application/json"}) if a.status >= 400 else a
        ),
    ),
    Mutation("problems without title", "capture/*", answer=problem(lacks("title"))),
    Mutation("problems of a wrong type", "capture/*", answer=problem(lambda b: b | {"type": "about:blank"})),
    Mutation("problems of another status", "capture/*", answer=problem(lambda b: b | {"status": 499})),
    Mutation("a single event is 200", "capture/a-single*", answer=on("POST", "/events", status(201, 200))),
    Mutation(
        "a single event without Location", "capture/a-single*", answer=on("POST", "/events", without_header("Location"))
    ),
    Mutation(
        "a single event is not given back", "capture/a-single*", answer=on("POST", "/events", body(lambda _: {}, 201))
    ),
    Mutation("an eventID may be taken twice", "capture/an-event-id*", answer=on("POST", "/events", status(409, 201))),
    Mutation("a bare event needs no context", "capture/a-bare*", answer=on("POST", "/events", status(400, 201))),
    Mutation(
        "events without id keep none",
        "capture/an-event-without*",
        answer=on("GET", "/events/.+", each_event(without("eventID"))),
    ),
    Mutation(
        "recordTime is taken from the sender",
        "capture/record*",
        answer=on("GET", "/events/.+", each_event(lambda e: e.update(recordTime="2001-01-01T00:00:00Z"))),
    ),
    Mutation(
        "an event without recordTime",
        "capture/an-event-is*",
        answer=on("GET", "/events/.+", each_event(without("recordTime"))),
    ),
    Mutation(
        "an event loses its extension",
        "capture/an-event-is*",
        answer=on("GET", "/events/.+", each_event(without("ext:word"))),
    ),
    Mutation(
        "an unknown event is an empty list",
        "capture/an-unknown-event*",
        answer=on("GET", "/events/.+", status(404, 200)),
    ),
    Mutation(
        "an event sent again is stored twice",
        "capture/an-event-sent*",
        answer=on("GET", "/events/.+", events(lambda found: found + found)),
    ),
    *(
        Mutation(
            f"takes what it must refuse ({what})",
            f"capture/refuses-{what}",
            answer=on("POST", "/capture", status(400, 202)),
        )
        for what in (
            "a-missing-event-time",
            "a-time-without-zone",
            "a-zone-offset-of-z",
            "a-missing-action",
            "an-unknown-action",
            "an-unknown-biz-step",
            "an-undeclared-prefix",
            "a-bare-extension",
            "a-quantity-without-class",
            "an-ilmd-of-an-observation",
        )
    ),
    *(
        Mutation(f"takes what it must refuse ({what})", what, answer=on("POST", "/capture", status(400, 202)))
        for what in (
            "association/add-without-parent",
            "association/delete-without-parent",
            "association/add-without-children",
            "association/observe-without-children",
            "association/aggregation-without-parent",
            "association/a-transaction-needs*",
            "association/a-transformation-needs*",
            "sensor-rules/a-sensor-element*",
            "sensor-rules/a-sensor-time-has*",
            "sensor-rules/a-sensor-time-is*",
            "sensor-rules/an-attribute*",
            "sensor-rules/a-germ*",
            "sensor-rules/a-percentile*",
            "errors/an-error-declaration-needs*",
            "errors/an-unknown-reason*",
        )
    ),
    Mutation("a location is no parent", "association/a-parent*", answer=on("POST", "/capture", status(202, 400))),
    Mutation(
        "an association is not found by its parent",
        "association/a-parent*",
        answer=on("GET", "/events", events(lambda _: [])),
    ),
    Mutation(
        "DELETE needs children", "association/delete-without-children*", answer=on("POST", "/capture", status(202, 400))
    ),
    Mutation(
        "a declaration replaces its event",
        "errors/*",
        answer=on("GET", "/events/.+", events(lambda found: [e for e in found if "errorDeclaration" in e] or found)),
    ),
    Mutation(
        "a declaration is not told",
        "errors/*",
        answer=on("GET", "/events/.+", events(lambda found: [e for e in found if "errorDeclaration" not in e])),
    ),
    Mutation(
        "a declaration loses its reason",
        "errors/*",
        answer=on("GET", "/events/.+", each_event(lambda e: e.get("errorDeclaration", {}).pop("reason", None))),
    ),
    Mutation(
        "a declaration needs a reason",
        "errors/an-error-declaration-may*",
        answer=on("POST", "/capture", status(202, 400)),
    ),
]
