"""A query for one viewer, resolved to hashes: what the SQL of both databases is made from. Runs nothing.

No statement on events can be written without a viewer: every hash here is salted with one, and `ForViewer` is the only
input that the SQL builders take.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from traceward.epcis.predicates import ALL_EVENTS, AnyTerm, NumberRange, Query, TimeRange
from traceward.store.terms import TermHasher, number_pair


class VisibleTo(frozenset[int]):
    """The viewers whose rows a read may touch: `number * 2` of the caller's organisation, + 1 for its clinical role."""


class Cursor(NamedTuple):
    """A place in an ordered answer: the order value (event or record time, microseconds) and the event's number."""

    order_us: int
    seq: int


class Statement(NamedTuple):
    """SQL with `?` parameters, and what it is, for the tests that look at its plan."""

    name: str
    sql: str
    params: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """The event has a term with one of these salted hashes.

    column, values: the column that PostgreSQL keeps for this key and the plain hashes in it, where all have one.
    selective: every key is one of few events (an item, a document, an id), so its postings are short.
    """

    hashes: tuple[int, ...]
    column: str | None
    values: tuple[int, ...]
    selective: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """The event has a number of this salted hash within the bounds; `tests` is SQL on `x` with its `params`."""

    hash: int
    tests: str
    params: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ForViewer:
    """A query as one viewer's rows can answer it. `everything`: the salted hash of the viewer's all-events marker."""

    viewer: int
    everything: int
    terms: tuple[Terms, ...]
    numbers: tuple[Numbers, ...]
    event_time: TimeRange
    record_time: TimeRange
    by_record_time: bool
    descending: bool
    after: Cursor | None

    @property
    def other_time(self) -> TimeRange:
        """The range of the time by which the answer is not ordered."""
        return self.event_time if self.by_record_time else self.record_time


COLUMN_KEYS: Final = {"bizStep": "biz_step", "bizLocation": "biz_location"}
_SELECTIVE: Final = (
    "epc",
    "parentID",
    "inputEPC",
    "outputEPC",
    "eventID",
    "transformationID",
    "bizTransaction:",
    "correctiveEventID",
    "deviceID",
)
_BOUNDS: Final = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))


def for_viewer(
    query: Query,
    clauses: tuple[AnyTerm | NumberRange, ...],
    viewer: int,
    hasher: TermHasher,
    after: Cursor | None,
) -> ForViewer | None:
    """The query with its hashes for one viewer, or None where no event can match.

    clauses: those of the query with every prefix resolved to pairs.
    """
    salt = hasher.salt(viewer)
    terms: list[Terms] = []
    numbers: list[Numbers] = []
    for clause in clauses:
        if isinstance(clause, NumberRange):
            numbers.append(_numbers(clause, hasher.hash(number_pair(clause.key, clause.uom)) ^ salt))
        elif clause.pairs:
            terms.append(_terms(clause, hasher, salt))
        else:
            return None
    return ForViewer(
        viewer,
        hasher.hash(ALL_EVENTS) ^ salt,
        tuple(terms),
        tuple(numbers),
        query.event_time,
        query.record_time,
        query.order_by == "recordTime",
        query.descending,
        after,
    )


def time_tests(column: str, time_range: TimeRange) -> Iterator[tuple[str, int]]:
    """SQL tests on a column of microseconds, each with its parameter."""
    if time_range.ge_us is not None:
        yield f"{column}>=?", time_range.ge_us
    if time_range.lt_us is not None:
        yield f"{column}<?", time_range.lt_us


def _terms(clause: AnyTerm, hasher: TermHasher, salt: int) -> Terms:
    plain = tuple(dict.fromkeys(map(hasher.hash, clause.pairs)))
    keys = {key for key, _ in clause.pairs}
    column = COLUMN_KEYS.get(next(iter(keys))) if len(keys) == 1 else None
    return Terms(
        tuple(h ^ salt for h in plain),
        column,
        plain if column else (),
        all(key.startswith(_SELECTIVE) and not key.endswith("~class") for key in keys),
    )


def _numbers(clause: NumberRange, salted: int) -> Numbers:
    tests: list[str] = []
    params: list[float] = []
    for name, sign in _BOUNDS:
        bound = getattr(clause, name)
        if bound is not None:
            tests.append(f"x{sign}?")
            params.append(float(bound))
    if clause.equals:
        tests.append(f"x IN ({','.join('?' * len(clause.equals))})")
        params.extend(map(float, clause.equals))
    return Numbers(salted, " AND ".join(tests) or "x IS NOT NULL", tuple(params))
