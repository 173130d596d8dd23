"""The keys of one viewer's matching events in order: which statements are run, and in which sequence.

Chooses by small counted probes, never by what a planner may think; it builds no SQL itself and reads no documents.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from heapq import merge
from typing import Final

from traceward.epcis.predicates import TimeRange
from traceward.store import compile_postgres, compile_sqlite
from traceward.store.compile import Cursor, ForViewer, Statement, Terms
from traceward.store.connection import Row, batches

Run = Callable[[Statement], list[Row]]
UNBOUNDED: Final = TimeRange()

_RECORD_TIMES: Final = "SELECT record_time_us, seq FROM event WHERE seq IN {in}"


def merged(lists: Iterable[Iterable[Cursor]], *, descending: bool, limit: int) -> list[Cursor]:
    """The first keys of several ordered lists, each key once."""
    keys: list[Cursor] = []
    for key in merge(*lists, reverse=descending):
        if not keys or key != keys[-1]:
            keys.append(key)
            if len(keys) == limit:
                break
    return keys


# ---------------------------------------------------------------------- SQLite


def find_sqlite(run: Run, query: ForViewer, limit: int) -> list[Cursor]:
    """The first `limit` keys of the query on SQLite."""
    if query.by_record_time:
        return _sqlite_by_record_time(run, query, limit)
    seqs = _seq_range(run, query)
    if seqs is None:
        return []
    rarest, count = _rarest(run, query, query.terms)
    for numbers in query.numbers:
        found = run(compile_sqlite.count_numbers(numbers))[0][0]
        if found < min(count, compile_sqlite.PROBE):
            return _cursors(run(compile_sqlite.walk_numbers(query, numbers, seqs, limit)))
    if query.record_time != UNBOUNDED:
        found = run(compile_sqlite.count_arrivals(query))[0][0]
        if found < min(count, compile_sqlite.PROBE):
            return _cursors(run(compile_sqlite.sort_arrivals(query, limit)))
    hashes = (query.everything,) if rarest is None else rarest.hashes
    others = tuple(terms for terms in query.terms if terms is not rarest)
    walks = (_cursors(run(compile_sqlite.walk_postings(query, h, others, seqs, limit))) for h in hashes)
    return merged(walks, descending=query.descending, limit=limit)


def _sqlite_by_record_time(run: Run, query: ForViewer, limit: int) -> list[Cursor]:
    everything = () if query.event_time == UNBOUNDED else (Terms((query.everything,), None, (), selective=False),)
    rarest, count = _rarest(run, query, query.terms + everything)
    if rarest is None or count >= compile_sqlite.PROBE:
        return _cursors(run(compile_sqlite.walk_arrivals(query, limit)))
    seqs = _seq_range(run, query)
    if seqs is None:
        return []
    others = tuple(terms for terms in query.terms if terms is not rarest)
    found: set[int] = set()
    for h in rarest.hashes:
        found.update(seq for (seq,) in run(compile_sqlite.read_short_list(query, h, others, seqs)))
    # Event numbers follow record time, so they order the answer and the cursor cuts by them.
    if query.after is not None:
        end = query.after.seq
        found = {seq for seq in found if (seq < end if query.descending else seq > end)}
    chosen = sorted(found, reverse=query.descending)[:limit]
    keys: list[Cursor] = []
    for marks, part in batches(chosen):
        keys += _cursors(run(Statement("record times", _RECORD_TIMES.replace("{in}", marks), tuple(part))))
    return sorted(set(keys), reverse=query.descending)


def _rarest(run: Run, query: ForViewer, clauses: tuple[Terms, ...]) -> tuple[Terms | None, int]:
    """The clause with the shortest posting lists and their length, or None and PROBE where there is no clause."""
    best: Terms | None = None
    least = compile_sqlite.PROBE
    alone = len(clauses) == 1 and not query.numbers and query.record_time == UNBOUNDED
    if alone and not query.by_record_time:
        return clauses[0], least
    for terms in clauses:
        total = 0
        for h in terms.hashes:
            total += run(compile_sqlite.count_terms(query, h))[0][0]
            if total >= least and best is not None:
                break
        if best is None or total < least:
            best, least = terms, min(total, compile_sqlite.PROBE)
    return best, least


def _seq_range(run: Run, query: ForViewer) -> tuple[int | None, int | None] | None:
    """The record time as a range of event numbers; None where no event can be in it."""
    first = end = None
    if query.record_time.ge_us is not None:
        rows = run(compile_sqlite.first_seq(query, query.record_time.ge_us))
        if not rows:
            return None
        first = rows[0][0]
    if query.record_time.lt_us is not None:
        rows = run(compile_sqlite.first_seq(query, query.record_time.lt_us))
        end = rows[0][0] if rows else None
    return first, end


# ---------------------------------------------------------------------- PostgreSQL


def find_postgres(run: Run, query: ForViewer, limit: int) -> list[Cursor]:
    """The first `limit` keys of the query on PostgreSQL."""
    common = []
    few: set[int] | None = None
    for numbers in query.numbers:
        rows = run(compile_postgres.numbered(numbers))
        seqs = {seq for (seq,) in rows}
        if len(rows) > compile_postgres.PROBE:
            common.append(numbers)
        else:
            few = seqs if few is None else few & seqs
    if few is None and not common:
        return _postgres_by_terms(run, query, limit)
    if few is not None:
        for numbers in common:
            few &= {seq for (seq,) in run(compile_postgres.having_number(numbers, sorted(few)))}
        return _cursors(run(compile_postgres.walk_seqs(query, sorted(few), limit))) if few else []
    return _postgres_by_common_numbers(run, query, limit)


def _postgres_by_common_numbers(run: Run, query: ForViewer, limit: int) -> list[Cursor]:
    """Page through the matches of the terms and keep those with the numbers, until enough or out of time."""
    keys: list[Cursor] = []
    step = max(500, limit)
    while True:
        page = _postgres_by_terms(run, query, step)
        passing = {key.seq for key in page}
        for numbers in query.numbers:
            if passing:
                passing &= {seq for (seq,) in run(compile_postgres.having_number(numbers, sorted(passing)))}
        keys += [key for key in page if key.seq in passing]
        if len(keys) >= limit or len(page) < step:
            return keys[:limit]
        query = replace(query, after=page[-1])


def _postgres_by_terms(run: Run, query: ForViewer, limit: int) -> list[Cursor]:
    if query.other_time != UNBOUNDED and not any(terms.selective for terms in query.terms):
        *rows, (_, found) = run(compile_postgres.short_range(query, limit))
        if found <= compile_postgres.PROBE:
            return _ordered(rows, query)
    if not query.terms:
        return _cursors(run(compile_postgres.walk(query, limit)))
    if not any(terms.selective for terms in query.terms):
        keys = _postgres_by_walking(run, query, limit)
        if keys is not None:
            return keys
    *rows, (_, found) = run(compile_postgres.fence(query, limit))
    if found <= compile_postgres.FENCED:
        return _ordered(rows, query)
    return _cursors(run(compile_postgres.walk(query, limit)))


def _postgres_by_walking(run: Run, query: ForViewer, limit: int) -> list[Cursor] | None:
    """The answer where an ordered index gives it within a bounded walk, else None."""
    columns = [terms for terms in query.terms if terms.column] if not query.by_record_time else []
    if columns and len(query.terms) == 1:
        return _ordered(run(compile_postgres.walk_column(query, columns[0], limit)), query)
    single = next((terms for terms in columns if len(terms.values) == 1), None)
    *rows, (_, walked) = run(compile_postgres.cut_walk(query, limit, single))
    if len(rows) >= limit or walked < compile_postgres.WALKED:
        return _ordered(rows, query)
    return None


def _ordered(rows: Iterable[Row], query: ForViewer) -> list[Cursor]:
    # UNION ALL promises no order, although PostgreSQL keeps that of its parts.
    return sorted(_cursors(rows), reverse=query.descending)


def _cursors(rows: Iterable[Row]) -> list[Cursor]:
    return [Cursor(*row) for row in rows]
