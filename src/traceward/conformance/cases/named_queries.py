"""Named queries: made, read, asked, deleted."""

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any, Final

from traceward.conformance.case import Group
from traceward.conformance.client import Answer
from traceward.conformance.data import CONTEXT, encoded
from traceward.conformance.model import Level, NotSupported, Unmet
from traceward.conformance.run import (
    Run,
    expect_header,
    expect_labels,
    expect_problem,
    expect_status,
)

GROUP: Final = Group("queries", "Named queries")
BAD: Final = ("QueryValidationException", "QueryParameterException", "ValidationException")
MISSING: Final = ("NoSuchNameException", "NoSuchResourceException")


def new_name(run: Run) -> str:
    """A name that no query has."""
    return f"conformance-{run.data.token}-{secrets.token_hex(3)}"


def define(run: Run, name: str, query: dict[str, Any]) -> Answer:
    """The answer to the definition of a query; raises NotSupported where there is no such thing."""
    answer = run.post("/queries", {"name": name, "query": query})
    if answer.status in {404, 405, 501}:
        raise NotSupported(f"POST /queries is answered with {answer.status}")
    return answer


@contextlib.contextmanager
def named(run: Run, query: dict[str, Any]) -> Iterator[str]:
    """The name of a query that is deleted when the context ends."""
    name = new_name(run)
    expect_status(define(run, name, query), 201)
    try:
        yield name
    finally:
        run.request("DELETE", f"/queries/{name}")


def shipping(run: Run) -> dict[str, Any]:
    """A query that finds `ship` and `receive` of the core events."""
    return run.part("core").window | {"EQ_bizStep": ["shipping", "receiving"]}


@GROUP.case(Level.MANDATORY, "REST /queries, POST 201")
def a_query_is_made_and_read(run: Run) -> None:
    """POST /queries answers 201 with Location, where the query is read with its name and parameters."""
    name, query = new_name(run), shipping(run)
    answer = define(run, name, query)
    expect_status(answer, 201)
    read = run.request("GET", expect_header(answer, "Location"))
    expect_status(read, 200)
    found = read.json()
    # The openapi's schema is an array and its example an object: either is taken.
    found = found[0] if isinstance(found, list) and found else found
    run.request("DELETE", f"/queries/{name}")
    if found.get("name") != name or found.get("query", {}).get("EQ_bizStep") != query["EQ_bizStep"]:
        raise Unmet(f"the query {name} as it was defined", read.text(300))


@GROUP.case(Level.MANDATORY, "REST /queries, GET")
def queries_are_listed(run: Run) -> None:
    """GET /queries lists the query."""
    with named(run, shipping(run)) as name:
        answer = run.get("/queries", {"perPage": "100"})
        expect_status(answer, 200)
        listed = answer.json()
        names = [one.get("name") for one in listed] if isinstance(listed, list) else []
        if names.count(name) != 1:
            raise Unmet(f"{name} once in an array of queries", str(names)[:300])


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}/events, GET")
def a_query_gives_its_events(run: Run) -> None:
    """The events of a named query are those of its parameters, lists being alternatives."""
    part = run.part("core")
    with named(run, shipping(run)) as name:
        expect_labels(part, run.find({}, path=f"/queries/{name}/events"), ["ship", "receive"])
        body = run.get(f"/queries/{name}/events").json()
        if body["epcisBody"]["queryResults"].get("queryName") != name:
            raise Unmet(f"queryName {name} in the answer", str(body["epcisBody"]["queryResults"].get("queryName")))


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}/events, paging")
def the_events_of_a_query_are_paged(run: Run) -> None:
    """The events of a named query come page by page, each once."""
    part = run.part("core")
    with named(run, dict(part.window)) as name:
        expect_labels(part, run.find({"perPage": "5"}, path=f"/queries/{name}/events"), part.events)


@GROUP.case(Level.MANDATORY, "REST query body, @context")
def a_query_declares_prefixes(run: Run) -> None:
    """The @context of a query declares the prefixes of its extension parameters."""
    part = run.part("core")
    query = part.window | {"@context": CONTEXT[1], "EQ_ext:word": ["amber"]}
    with named(run, query) as name:
        expect_labels(part, run.find({}, path=f"/queries/{name}/events"), ["commission"])


@GROUP.case(Level.MANDATORY, "REST /queries, POST 409")
def a_name_that_is_taken_is_refused(run: Run) -> None:
    """A second query of the same name is answered with 409."""
    with named(run, shipping(run)) as name:
        expect_problem(define(run, name, {"EQ_action": ["ADD"]}), 409, "ResourceAlreadyExistsException")


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}, DELETE")
def a_deleted_query_is_gone(run: Run) -> None:
    """DELETE of a query is answered with 204; then it and its events are answered with 404."""
    with named(run, shipping(run)) as name:
        expect_status(run.request("DELETE", f"/queries/{name}"), 204)
        expect_problem(run.get(f"/queries/{name}"), 404, *MISSING)
        expect_problem(run.get(f"/queries/{name}/events"), 404, *MISSING)


@GROUP.case(Level.MANDATORY, "REST /queries, GS1 query schema")
def a_query_with_an_unknown_parameter_is_refused(run: Run) -> None:
    """A query with a parameter that the standard does not have is answered with 400."""
    expect_problem(define(run, new_name(run), {"EQ_colour": ["blue"]}), 400, *BAD)


@GROUP.case(Level.MANDATORY, "REST /queries, GS1 query schema")
def a_query_with_page_parameters_is_refused(run: Run) -> None:
    """A page size has no place in a query body: perPage there is answered with 400."""
    expect_problem(define(run, new_name(run), {"EQ_action": ["ADD"], "perPage": 3}), 400, *BAD)


@GROUP.case(Level.MANDATORY, "REST /queries, POST: name and query are required")
def a_query_without_name_is_refused(run: Run) -> None:
    """A body without name is answered with 400."""
    answer = run.post("/queries", {"query": {"EQ_action": ["ADD"]}})
    if answer.status in {404, 405, 501}:
        raise NotSupported(f"POST /queries is answered with {answer.status}")
    expect_problem(answer, 400, *BAD)


@GROUP.case(Level.MANDATORY, "REST /queries, POST 415")
def a_query_of_a_foreign_media_type_is_refused(run: Run) -> None:
    """POST /queries of text/plain is answered with 415."""
    body = encoded({"name": new_name(run), "query": {"EQ_action": ["ADD"]}})
    answer = run.request("POST", "/queries", headers={"Content-Type": "text/plain"}, body=body)
    if answer.status in {404, 405, 501}:
        raise NotSupported(f"POST /queries is answered with {answer.status}")
    expect_problem(answer, 415, "UnsupportedMediaTypeException")


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}, GET 404")
def an_unknown_query_is_answered_with_404(run: Run) -> None:
    """A query that nobody made is answered with 404."""
    expect_problem(run.get(f"/queries/{new_name(run)}"), 404, *MISSING)
