"""SQLite's statements for one viewer's query: an ordered walk of one posting list, the other terms as key probes.

The outer list is named in the FROM clause alone and the others stand in EXISTS, so the planner cannot swap them.
Every statement has a LIMIT. Nothing here runs SQL.
"""

from typing import Any, Final

from traceward.epcis.predicates import TimeRange
from traceward.store.compile import ForViewer, Numbers, Statement, Terms, time_tests

#: A posting list shorter than this is read whole where that helps; beyond it the exact length does not matter.
PROBE: Final = 1000


def count_terms(query: ForViewer, hashed: int) -> Statement:
    """How many events one term has in the query's event time, up to PROBE."""
    tests = list(time_tests("t", query.event_time))
    where = "".join(f" AND {test}" for test, _ in tests)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM posting WHERE h=?{where} LIMIT {PROBE})"  # noqa: S608
    return Statement("count of a term", sql, (hashed, *(value for _, value in tests)))


def count_numbers(numbers: Numbers) -> Statement:
    """How many numbers lie within the bounds, up to PROBE."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM number WHERE h=? AND {numbers.tests} LIMIT {PROBE})"  # noqa: S608
    return Statement("count of numbers", sql, (numbers.hash, *numbers.params))


def first_seq(query: ForViewer, record_time_us: int) -> Statement:
    """The first event that the viewer has from a record time on; numbers follow record time."""
    sql = "SELECT seq FROM arrival WHERE viewer=? AND record_time_us>=? ORDER BY record_time_us, seq LIMIT 1"
    return Statement("first event from a record time", sql, (query.viewer, record_time_us))


def walk_postings(
    query: ForViewer, hashed: int, others: tuple[Terms, ...], seqs: tuple[int | None, int | None], limit: int
) -> Statement:
    """(event time, seq) of events in one posting list, by event time, that pass every other clause.

    seqs: first and end of the event numbers that the record time allows.
    """
    where, params = _conditions("p", query, others, seqs, query.numbers)
    _add_cursor(query, ("p.t", "p.seq"), where, params)
    sql = f"SELECT p.t, p.seq FROM posting p WHERE {' AND '.join(['p.h=?', *where])} {_order('p.t', query)} LIMIT ?"  # noqa: S608
    return Statement("walk of a posting list", sql, (hashed, *params, limit))


def read_short_list(
    query: ForViewer, hashed: int, others: tuple[Terms, ...], seqs: tuple[int | None, int | None]
) -> Statement:
    """Seqs of a posting list that is known to be shorter than PROBE and pass every other clause, in no order."""
    where, params = _conditions("p", query, others, seqs, query.numbers)
    sql = f"SELECT p.seq FROM posting p WHERE {' AND '.join(['p.h=?', *where])} LIMIT {PROBE}"  # noqa: S608
    return Statement("whole short posting list", sql, (hashed, *params))


def walk_numbers(
    query: ForViewer, outer: Numbers, seqs: tuple[int | None, int | None], limit: int
) -> Statement:  # fmt: skip
    """(event time, seq) of events with a number in bounds that is known to be rare, by event time."""
    rest = tuple(numbers for numbers in query.numbers if numbers is not outer)
    where, params = _conditions("p", query, query.terms, seqs, rest)
    _add_cursor(query, ("p.t", "p.seq"), where, params)
    tests = " AND ".join(["p.h=?", outer.tests.replace("x", "p.x"), *where])
    sql = f"SELECT DISTINCT p.t, p.seq FROM number p WHERE {tests} {_order('p.t', query)} LIMIT ?"  # noqa: S608
    return Statement("walk of rare numbers", sql, (outer.hash, *outer.params, *params, limit))


def count_arrivals(query: ForViewer) -> Statement:
    """How many events the viewer has in the query's record time, up to PROBE."""
    tests = list(time_tests("record_time_us", query.record_time))
    where = " AND ".join(["viewer=?", *(test for test, _ in tests)])
    sql = f"SELECT count(*) FROM (SELECT 1 FROM arrival WHERE {where} LIMIT {PROBE})"  # noqa: S608
    return Statement("count of arrivals", sql, (query.viewer, *(value for _, value in tests)))


def walk_arrivals(query: ForViewer, limit: int) -> Statement:
    """(record time, seq) of the viewer's events by record time that pass every clause."""
    return _from_arrivals("walk of arrivals", "a.record_time_us", query, limit)


def sort_arrivals(query: ForViewer, limit: int) -> Statement:
    """(event time, seq) of events in a record time that is known to hold few, by event time."""
    return _from_arrivals("few arrivals", "a.event_time_us", query, limit)


def _from_arrivals(name: str, order: str, query: ForViewer, limit: int) -> Statement:
    where = ["a.viewer=?"]
    params: list[Any] = [query.viewer]
    for column, time_range in (("a.record_time_us", query.record_time), ("a.event_time_us", query.event_time)):
        for test, value in time_tests(column, time_range):
            where.append(test)
            params.append(value)
    _add_cursor(query, (order, "a.seq"), where, params)
    for terms in query.terms:
        where.append(_has_term("a.event_time_us", "a.seq", terms))
        params += terms.hashes
    for numbers in query.numbers:
        where.append(_has_number("a.seq", numbers))
        params += [numbers.hash, *numbers.params]
    sql = f"SELECT {order}, a.seq FROM arrival a WHERE {' AND '.join(where)} {_order(order, query)} LIMIT ?"  # noqa: S608
    return Statement(name, sql, (*params, limit))


def _conditions(
    alias: str,
    query: ForViewer,
    others: tuple[Terms, ...],
    seqs: tuple[int | None, int | None],
    numbers: tuple[Numbers, ...],
) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    params: list[Any] = []
    limits = (*time_tests(f"{alias}.t", query.event_time), *time_tests(f"{alias}.seq", TimeRange(*seqs)))
    for test, value in limits:
        where.append(test)
        params.append(value)
    for terms in others:
        where.append(_has_term(f"{alias}.t", f"{alias}.seq", terms))
        params += terms.hashes
    for each in numbers:
        where.append(_has_number(f"{alias}.seq", each))
        params += [each.hash, *each.params]
    return where, params


def _has_term(time: str, seq: str, terms: Terms) -> str:
    marks = "=?" if len(terms.hashes) == 1 else f" IN ({','.join('?' * len(terms.hashes))})"
    return f"EXISTS (SELECT 1 FROM posting q WHERE q.h{marks} AND q.t={time} AND q.seq={seq})"  # noqa: S608


def _has_number(seq: str, numbers: Numbers) -> str:
    tests = numbers.tests.replace("x", "n.x")
    return f"EXISTS (SELECT 1 FROM number n WHERE n.h=? AND n.seq={seq} AND {tests})"  # noqa: S608


def _add_cursor(query: ForViewer, names: tuple[str, str], where: list[str], params: list[Any]) -> None:
    if query.after is not None:
        where.append(f"({names[0]},{names[1]}){'<' if query.descending else '>'}(?,?)")
        params += query.after


def _order(time: str, query: ForViewer) -> str:
    direction = "DESC" if query.descending else "ASC"
    return f"ORDER BY {time} {direction}, {time[0]}.seq {direction}"
