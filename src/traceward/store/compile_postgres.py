"""PostgreSQL's statements for one viewer's query, each with a bound that does not depend on the planner's mood.

Three shapes: an ordered walk of a b-tree; the same walk cut after WALKED rows; and a fence, where GIN finds every match
of the terms first (MATERIALIZED, at most FENCED rows) and only then are they ordered. One table each, no joins, so that
the same SQL runs on Citus. Nothing here runs SQL.
"""

from typing import Any, Final

from traceward.store.compile import ForViewer, Numbers, Statement, Terms, time_tests

#: Rows of the viewer's newest that a cut walk looks at before GIN is asked.
WALKED: Final = 2_000
#: Matches that a fence may hold; a query with more is common enough to be found by walking.
FENCED: Final = 20_000
#: Numbers in bounds that are read whole.
PROBE: Final = 1_000


def order_column(query: ForViewer) -> str:
    """The column by which the answer is ordered."""
    return "record_time_us" if query.by_record_time else "event_time_us"


def walk(query: ForViewer, limit: int) -> Statement:
    """(order value, seq) of the viewer's events in order that pass every clause on terms."""
    where, params = _ranges(query)
    terms, more = _has_terms(query.terms)
    sql = f"SELECT {order_column(query)}, seq FROM visible WHERE {' AND '.join(where + terms)} {_order(query)} LIMIT ?"  # noqa: S608
    return Statement("walk in order", sql, (*params, *more, limit))


def cut_walk(query: ForViewer, limit: int, column: Terms | None = None) -> Statement:
    """Like `walk` over the first WALKED rows; the last row is (None, how many were walked).

    column: a clause on a column, whose index is walked then.
    """
    where, params = _ranges(query)
    if column is not None:
        where.append(f"{column.column}=?")
        params.append(column.values[0])
    terms, more = _has_terms(query.terms)
    name = order_column(query)
    sql = (
        f"WITH w AS MATERIALIZED (SELECT {name}, seq, terms FROM visible WHERE {' AND '.join(where)}"  # noqa: S608
        f" {_order(query)} LIMIT {WALKED}) (SELECT {name}, seq FROM w WHERE {' AND '.join(terms)}"
        f" {_order(query)} LIMIT ?) UNION ALL SELECT NULL, count(*) FROM w"
    )
    return Statement("cut walk", sql, (*params, *more, limit))


def short_range(query: ForViewer, limit: int) -> Statement:
    """(order value, seq) of matches within the range of the time by which the answer is not ordered.

    The last row is (None, how many events are in that range), at most PROBE + 1: more, and the answer is void.
    """
    other = "event_time_us" if query.by_record_time else "record_time_us"
    tests = list(time_tests(other, query.event_time if query.by_record_time else query.record_time))
    inner = " AND ".join(["viewer=?", *(test for test, _ in tests)])
    where, params = _ranges(query)
    terms, more = _has_terms(query.terms)
    name = order_column(query)
    sql = (
        "WITH w AS MATERIALIZED (SELECT viewer, event_time_us, record_time_us, seq, terms FROM visible"  # noqa: S608
        f" WHERE {inner} ORDER BY {other}, seq LIMIT {PROBE + 1})"
        f" (SELECT {name}, seq FROM w WHERE {' AND '.join(where + terms)} {_order(query)} LIMIT ?)"
        " UNION ALL SELECT NULL, count(*) FROM w"
    )
    return Statement("short range", sql, (query.viewer, *(value for _, value in tests), *params, *more, limit))


def walk_column(query: ForViewer, column: Terms, limit: int) -> Statement:
    """(order value, seq) of events whose column has one of the clause's values, by event time."""
    where, params = _ranges(query)
    part = (
        f"(SELECT event_time_us, seq FROM visible WHERE {' AND '.join([f'{column.column}=?', *where])}"  # noqa: S608
        f" {_order(query)} LIMIT {int(limit)})"
    )
    if len(column.values) == 1:
        return Statement("walk of a column", part[1:-1], (column.values[0], *params))
    sql = " UNION ALL ".join([part] * len(column.values)) + f" {_order(query)} LIMIT ?"
    every = [value for first in column.values for value in (first, *params)]
    return Statement("walk of a column's values", sql, (*every, limit))


def fence(query: ForViewer, limit: int) -> Statement:
    """(order value, seq) of events that pass every clause on terms; the last row is (None, how many GIN found)."""
    terms, params = _has_terms(query.terms)
    where, more = _ranges(query)
    name = order_column(query)
    sql = (
        "WITH m AS MATERIALIZED (SELECT viewer, event_time_us, record_time_us, seq FROM visible"  # noqa: S608
        f" WHERE {' AND '.join(terms)} LIMIT {FENCED + 1})"
        f" (SELECT {name}, seq FROM m WHERE {' AND '.join(where)} {_order(query)} LIMIT ?)"
        " UNION ALL SELECT NULL, count(*) FROM m"
    )
    return Statement("fence", sql, (*params, *more, limit))


def numbered(numbers: Numbers) -> Statement:
    """Seqs with a number in bounds, at most PROBE + 1 rows; an event with two such numbers stands there twice.

    Whether that is all of them shows in the number of rows, so they are not made distinct here.
    """
    sql = f"SELECT seq FROM number WHERE h=? AND {numbers.tests} LIMIT {PROBE + 1}"  # noqa: S608
    return Statement("events by number", sql, (numbers.hash, *numbers.params))


def walk_seqs(query: ForViewer, seqs: list[int], limit: int) -> Statement:
    """(order value, seq) of those of at most PROBE events that pass every clause on terms."""
    where, params = _ranges(query)
    terms, more = _has_terms(query.terms)
    tests = ["seq = ANY(?::bigint[])", *where, *terms]
    sql = f"SELECT {order_column(query)}, seq FROM visible WHERE {' AND '.join(tests)} {_order(query)} LIMIT ?"  # noqa: S608
    return Statement("few events by number", sql, (seqs, *params, *more, limit))


def having_number(numbers: Numbers, seqs: list[int]) -> Statement:
    """Which of these events have a number in bounds."""
    sql = f"SELECT DISTINCT seq FROM number WHERE h=? AND seq = ANY(?::bigint[]) AND {numbers.tests}"  # noqa: S608
    return Statement("numbers of events", sql, (numbers.hash, seqs, *numbers.params))


def _ranges(query: ForViewer) -> tuple[list[str], list[Any]]:
    where = ["viewer=?"]
    params: list[Any] = [query.viewer]
    for column, time_range in (("event_time_us", query.event_time), ("record_time_us", query.record_time)):
        for test, value in time_tests(column, time_range):
            where.append(test)
            params.append(value)
    if query.after is not None:
        where.append(f"({order_column(query)},seq){'<' if query.descending else '>'}(?,?)")
        params += query.after
    return where, params


def _has_terms(clauses: tuple[Terms, ...]) -> tuple[list[str], list[Any]]:
    every = [terms.hashes[0] for terms in clauses if len(terms.hashes) == 1]
    where = ["terms @> ?::bigint[]"] if every else []
    params: list[Any] = [every] if every else []
    for terms in clauses:
        if len(terms.hashes) > 1:
            where.append("terms && ?::bigint[]")
            params.append(list(terms.hashes))
    return where, params


def _order(query: ForViewer) -> str:
    direction = "DESC" if query.descending else "ASC"
    return f"ORDER BY {order_column(query)} {direction}, seq {direction}"
