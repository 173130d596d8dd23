"""Events ordered by an extension field: no index has that order, so a bounded number of matches is sorted.

It must not order more than its bound: an answer that would need it is refused as too complex.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from traceward.epcis.errors import QueryTooComplexException, ValidationException
from traceward.epcis.predicates import Query
from traceward.epcis.times import parse_time_us
from traceward.services.indexing.preparation import expanded_stored
from traceward.store.compile import VisibleTo
from traceward.store.read import Reader
from traceward.store.rows import StoredEvent

INDEXED_ORDERS: Final = frozenset({"eventTime", "recordTime"})
MOST_SORTED: Final = 10_000
_AT_ONCE: Final = 1000

_NUMBER, _TIME, _TEXT, _ABSENT = range(4)


class SortKey(msgspec.Struct, array_like=True, frozen=True):
    """Where an event stands in the order: kind of value, the value as text, the event's number.

    Numbers stand before times, those before texts (by code point), and events without the field last.
    """

    kind: int
    value: str
    seq: int


@dataclass(frozen=True, slots=True)
class OrderedPage:
    """Events in order, and the key of the last one where there are more."""

    events: list[StoredEvent]
    last: SortKey | None


def ordered_page(
    reader: Reader,
    query: Query,
    viewers: VisibleTo,
    after: SortKey | None,
    limit: int,
    deadline_s: float,
    is_match: Callable[[Query, StoredEvent], bool],
) -> OrderedPage:
    """The page of matches behind `after`, ordered by the query's extension field.

    Raises QueryTooComplexException when more than MOST_SORTED events match, or past the deadline. EPCIS 2.0 8.2.7.1,
    orderBy.
    """
    keyed = [
        (_key(event, query.order_by), event)
        for event in _matches(reader, query, viewers, deadline_s)
        if is_match(query, event)
    ]
    present = sorted((pair for pair in keyed if pair[0].kind != _ABSENT), key=_rank, reverse=query.descending)
    absent = sorted((pair for pair in keyed if pair[0].kind == _ABSENT), key=_rank)
    ordered = [*present, *absent]
    start = 0
    if after is not None:
        start = next((index + 1 for index, (key, _) in enumerate(ordered) if key == after), len(ordered))
    page = ordered[start : start + max(0, limit)]
    more = start + len(page) < len(ordered)
    return OrderedPage([event for _, event in page], page[-1][0] if page and more else None)


def _matches(reader: Reader, query: Query, viewers: VisibleTo, deadline_s: float) -> Iterable[StoredEvent]:
    plain = replace(query, order_by="eventTime", descending=True, event_count_limit=None)
    found = reader.find(plain, viewers, limit=MOST_SORTED, deadline_s=deadline_s)
    if found.next is not None:
        raise QueryTooComplexException(
            f"orderBy {query.order_by}: more than {MOST_SORTED} events match; expected a narrower query, or orderBy "
            "eventTime or recordTime"
        )
    seqs = found.seqs
    for start in range(0, len(seqs), _AT_ONCE):
        yield from reader.documents(seqs[start : start + _AT_ONCE])


def _key(event: StoredEvent, field: str) -> SortKey:
    value: Any = expanded_stored(event.text, event.context, event.event_id).get(field)
    if not isinstance(value, str):
        return SortKey(_ABSENT, "", event.seq)
    if _number(value) is not None:
        return SortKey(_NUMBER, value, event.seq)
    try:
        parse_time_us(value)
    except ValidationException:
        return SortKey(_TEXT, value, event.seq)
    return SortKey(_TIME, value, event.seq)


def _rank(pair: tuple[SortKey, StoredEvent]) -> tuple[int, Decimal | int | str, int]:
    key = pair[0]
    if key.kind == _NUMBER:
        return key.kind, Decimal(key.value), key.seq
    if key.kind == _TIME:
        return key.kind, parse_time_us(key.value), key.seq
    return key.kind, key.value, key.seq


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
