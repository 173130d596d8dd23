"""Ways of being wrong in queries: parameters, order, paging, resources, formats."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from traceward.conformance.cases.parameters import CORE, PLACES, SENSOR, Row
from traceward.conformance.cases.resources import RESOURCES

from .changes import (
    Change,
    accepted,
    asks,
    body,
    each_event,
    events,
    header_as,
    lacks,
    on,
    one_too_many,
    with_header,
    without,
    without_header,
    without_parameter,
)
from .proxy import Asked, Mutation


def of_parameter(row: Row, group: str) -> Iterator[Mutation]:
    """What can be wrong with one parameter: ignored, never matching, matching too much, taking any value."""
    name = row.name or row.parameter
    only = f"{group}/{name}"

    def asked_for(change: Change) -> Change:
        return lambda asked, answered: change(asked, answered) if asks(row.parameter, asked) else answered

    # Where the parameter means no constraint, ignoring it is right.
    if row.labels and len(row.labels.split()) < 12:
        yield Mutation(f"ignores {name}", f"{only}*", without_parameter(row.parameter))
    yield Mutation(f"{name}: one event too many", only, answer=asked_for(events(one_too_many)))
    if row.labels:
        yield Mutation(f"{name}: one event too few", only, answer=asked_for(events(lambda found: found[:-1])))
    if row.bad is not None:
        yield Mutation(f"{name}: takes {row.bad}", f"{only}-bad", answer=asked_for(accepted))


PARAMETERS = [
    mutation
    for group, rows in (("query", CORE), ("query", PLACES), ("sensor", SENSOR))
    for row in rows
    for mutation in of_parameter(row, group)
]


def _altered_token(asked: Asked) -> Asked:
    """The request as if its token were fine: without it."""
    return without_parameter("nextPageToken")(asked)


def _shuffled(found: list[Any]) -> list[Any]:
    return found[1:] + found[:1]


def _nameless(document: Any) -> Any:
    document["epcisBody"]["queryResults"].pop("queryName", None)
    return document


RESULTS = [
    Mutation("orderBy is ignored", "results/order-by*", without_parameter("orderBy")),
    Mutation("orderDirection is ignored", "results/order-by-event-time-ascending", without_parameter("orderDirection")),
    Mutation(
        "the default direction is ascending",
        "results/the-default*",
        lambda asked: (
            replace(asked, target=asked.target + "&orderDirection=ASC")
            if asks("orderBy", asked) and not asks("orderDirection", asked)
            else asked
        ),
    ),
    Mutation(
        "order by eventTime is shuffled",
        "results/order-by-event-time-descending",
        answer=on("GET", "/events", events(_shuffled)),
    ),
    Mutation(
        "order by recordTime is shuffled",
        "results/order-by-record-time",
        answer=on("GET", "/events", events(_shuffled)),
    ),
    Mutation("takes any direction", "results/an-unknown-direction*", answer=on("GET", "/events", accepted)),
    Mutation("eventCountLimit is ignored", "results/event-count-limit-gives*", without_parameter("eventCountLimit")),
    Mutation(
        "eventCountLimit is for each page",
        "results/event-count-limit-gives*",
        answer=on(
            "GET",
            "/events",
            lambda asked, a: (
                replace(a, headers=a.headers | {"link": f'<{asked.path}?nextPageToken=x>; rel="next"'})
                if asks("eventCountLimit", asked) and not asks("nextPageToken", asked)
                else a
            ),
        ),
    ),
    Mutation(
        "eventCountLimit needs no order", "results/event-count-limit-needs*", answer=on("GET", "/events", accepted)
    ),
    Mutation("maxEventCount is ignored", "results/max*", without_parameter("maxEventCount")),
    Mutation("maxEventCount is a limit", "results/max*", answer=on("GET", "/events", accepted)),
    Mutation(
        "maxEventCount refuses equality",
        "results/max*",
        lambda asked: replace(asked, target=asked.target.replace("maxEventCount=12", "maxEventCount=11")),
    ),
    Mutation("both limits are taken", "results/both*", answer=on("GET", "/events", accepted)),
    Mutation("a limit that is no number is taken", "results/a-limit*", answer=on("GET", "/events", accepted)),
    Mutation("perPage is ignored", "results/pages*", without_parameter("perPage")),
    Mutation(
        "pages repeat an event", "results/pages*", answer=on("GET", "/events", events(lambda found: found + found[-1:]))
    ),
    Mutation("pages lose an event", "results/pages*", answer=on("GET", "/events", events(lambda found: found[:-1]))),
    Mutation("every page is the first", "results/pages*", _altered_token),
    Mutation("no Link", "results/pages*", answer=without_header("Link")),
    Mutation(
        "the last page has a next",
        "results/a-page-that*",
        answer=on(
            "GET",
            "/events",
            lambda asked, a: replace(a, headers={"link": f'<{asked.path}?nextPageToken=x>; rel="next"'} | a.headers),
        ),
    ),
    Mutation(
        "perPage=0 is taken",
        "results/a-per-page*",
        answer=on("GET", "/events", lambda asked, a: accepted(asked, a) if "perPage=0" in asked.target else a),
    ),
    Mutation(
        "perPage=few is taken",
        "results/a-per-page*",
        answer=on("GET", "/events", lambda asked, a: accepted(asked, a) if "perPage=few" in asked.target else a),
    ),
    Mutation(
        "no GS1-Next-Page-Token-Expires", "results/a-page-tells*", answer=without_header("GS1-Next-Page-Token-Expires")
    ),
    Mutation(
        "tokens have expired already",
        "results/a-page-tells*",
        answer=with_header("GS1-Next-Page-Token-Expires", "2001-01-01T00:00:00Z"),
    ),
    Mutation("altered tokens start again", "results/an-altered*", _altered_token),
    Mutation("invented tokens start again", "results/an-invented*", _altered_token),
    Mutation("answers name no query", "query/an-answer*", answer=on("GET", "/events", body(_nameless))),
    *(
        Mutation(f"answers without {name}", "query/an-answer*", answer=on("GET", "/events", body(lacks(name))))
        for name in ("@context", "schemaVersion", "creationDate", "type")
    ),
    *(
        Mutation(f"events lose their {name}", "query/every*", answer=on("GET", "/events", each_event(without(name))))
        for name in (
            "recordTime",
            "ilmd",
            "sourceList",
            "ext:box",
            "persistentDisposition",
            "transformationID",
            "childQuantityList",
            "bizTransactionList",
            "errorDeclaration",
            "eventTimeZoneOffset",
            "parentID",
            "outputEPCList",
        )
    ),
    Mutation(
        "quantities lose their fraction of a unit",
        "query/every*",
        answer=on("GET", "/events", each_event(lambda e: [q.pop("uom", None) for q in e.get("quantityList", [])])),
    ),
    Mutation("parameters combine with OR", "query/parameters*", without_parameter("EQ_action")),
    Mutation("unknown parameters are ignored", "query/an-unknown*", without_parameter("EQ_colour")),
    Mutation("undeclared prefixes are ignored", "query/an-undeclared*", without_parameter("EQ_nobody:field")),
]

RESOURCE = [
    mutation
    for one in RESOURCES
    for mutation in (
        Mutation(
            f"/{one.path} lists nothing",
            f"resources/{one.path}-list",
            answer=on("GET", f"/{one.path}", body(lambda b: b | {"member": []})),
        ),
        Mutation(
            f"/{one.path} repeats",
            f"resources/{one.path}-list",
            answer=on("GET", f"/{one.path}", body(lambda b: b | {"member": b["member"] * 2})),
        ),
        Mutation(
            f"/{one.path} is a bare list",
            f"resources/{one.path}-list",
            answer=on("GET", f"/{one.path}", body(lambda b: b["member"])),
        ),
        Mutation(
            f"an item of {one.path} leads nowhere",
            f"resources/{one.path}-item",
            answer=on("GET", f"/{one.path}/.+", body(lambda b: b | {"member": []})),
        ),
        Mutation(
            f"events of an item of {one.path}: one too many",
            f"resources/{one.path}-events",
            answer=on("GET", f"/{one.path}/.+/events", events(one_too_many)),
        ),
        Mutation(
            f"events of an item of {one.path}: one too few",
            f"resources/{one.path}-events",
            answer=on("GET", f"/{one.path}/.+/events", events(lambda found: found[1:])),
        ),
        Mutation(
            f"events of an item of {one.path} cannot be paged",
            f"resources/{one.path}-pages",
            answer=on(
                "GET",
                f"/{one.path}/.+/events",
                lambda _, a: events(lambda found: found[:1])(_, without_header("Link")(_, a)),
            ),
        ),
        Mutation(
            f"any item of {one.path} is found",
            f"resources/{one.path}-unknown",
            answer=lambda _, a: replace(a, status=200) if a.status in {400, 404} else a,
        ),
    )
] + [
    Mutation(
        "four event types",
        "resources/the-five*",
        answer=on("GET", "/eventTypes", body(lambda b: b | {"member": b["member"][1:]})),
    ),
    Mutation(
        "URNs lead nowhere",
        "resources/an-epc*",
        answer=lambda asked, a: replace(a, status=404) if "urn%3Aepc" in asked.target else a,
    ),
    Mutation("parameters below an item are ignored", "resources/further*", without_parameter("MATCH_epc")),
]

FORMATS = [
    Mutation(
        "the default format is as captured",
        "formats/the-default*",
        header_as("GS1-EPC-Format", None, "Never_Translates"),
    ),
    Mutation(
        "Always_GS1_Digital_Link does nothing",
        "formats/always-digital*",
        header_as("GS1-EPC-Format", "Always_GS1_Digital_Link", "Never_Translates"),
    ),
    Mutation(
        "Never_Translates translates",
        "formats/never*",
        header_as("GS1-EPC-Format", "Never_Translates", "Always_GS1_Digital_Link"),
    ),
    Mutation(
        "Always_EPC_URN does nothing",
        "formats/always-urn*",
        header_as("GS1-EPC-Format", "Always_EPC_URN", "Always_GS1_Digital_Link"),
    ),
    Mutation("takes any format", "formats/an-unknown*", header_as("GS1-EPC-Format", "Roman", None)),
    *(
        Mutation(
            f"another hash ({what})",
            f"formats/{what}",
            answer=on(
                "GET",
                "/events/.+",
                each_event(lambda e: e.update(eventID=e["eventID"].replace("ni:///sha-256;", "ni:///sha-256;0"))),
            ),
        )
        for what in ("the-hash-of-a-plain-event", "the-hash-is-of-normal-forms", "the-hash-leaves-out-record-time")
    ),
]
