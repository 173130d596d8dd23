"""Ways of being wrong in named queries and in what is refused of subscriptions; `partner` has the others."""

from traceward.conformance.runner import selected

from .changes import body, events, on, one_too_many, status, without_header
from .proxy import Mutation

QUERIES = [
    Mutation("a query is 200", "queries/a-query-is-made*", answer=on("POST", "/queries", status(201, 200))),
    Mutation(
        "a query without Location",
        "queries/a-query-is-made*",
        answer=on("POST", "/queries", without_header("Location")),
    ),
    Mutation("no query is listed", "queries/queries*", answer=on("GET", "/queries", body(lambda _: []))),
    Mutation(
        "a query finds one event too many",
        "queries/a-query-gives*",
        answer=on("GET", "/queries/[^/]+/events", events(one_too_many)),
    ),
    Mutation(
        "pages of a query lose an event",
        "queries/the-events*",
        answer=on("GET", "/queries/[^/]+/events", events(lambda found: found[1:])),
    ),
    *(
        Mutation(f"any query is found ({name})", f"queries/{name}*", answer=on("GET", "/queries/.+", status(404, 200)))
        for name in ("a-deleted", "an-unknown")
    ),
    *(
        Mutation(f"any query is taken ({name})", f"queries/{name}", answer=on("POST", "/queries", status(old, 201)))
        for name, old in (
            ("a-query-with-an-unknown*", 400),
            ("a-query-with-page*", 400),
            ("a-query-without-name*", 400),
            ("a-query-of-a-foreign*", 415),
            ("a-name*", 409),
        )
    ),
    Mutation(
        "any subscription is found",
        "subscriptions/an-unknown*",
        answer=on("GET", "/queries/.+/subscriptions/.+", status(404, 200)),
    ),
    *(
        Mutation(f"takes {case.name}", case.name, answer=on("POST", "/queries/.+/subscriptions", status(400, 201)))
        for case in selected("subscriptions/refused*")
    ),
]
