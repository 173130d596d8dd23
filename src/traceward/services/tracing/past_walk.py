"""A walk over the events of the past that the caller may see, some at a time, and what there is to know about them.

What one page of a list costs follows what it shows, and not all that there is. It must not give an event that the
caller may not see, nor one that he came to see later than the moment that is asked about.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.ledger.facts import LedgerEvent, keys
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import KEYS_PER_QUERY, Moment, known_facts, visible_pages
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.read import Page, Reader

_DEPTH: Final = 16
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Portions:
    """How much of the past is taken at a time. events: walked before what they name is folded (those of one instant
    stay together). walked: events after which a page ends, however little it has found.
    """

    events: int = 400
    walked: int = 4_000


class PastWalk:
    """What the caller may see of the past at a moment."""

    def __init__(self, runtime: Runtime, caller: Principal, at: Moment) -> None:
        self._runtime = runtime
        self._caller = caller
        self._at = at

    def step(self, times: TimeRange, size: int, *, descending: bool) -> tuple[list[LedgerEvent], int | None]:
        """The next events of these times, whole instants of them; and the time at which the following ones begin."""
        listed: list[Cursor] = []
        next_us = None
        with self._runtime.store.reader() as reader:
            for page in self._pages(reader, times, (), size, descending=descending):
                listed += page.keys
                if page.next is not None and listed[0].order_us != listed[-1].order_us:
                    next_us = listed[-1].order_us
                    listed = [key for key in listed if key.order_us != next_us]
                    break
            return list(self._known(reader, [key.seq for key in listed])), next_us

    def contents(self, boxes: Iterable[str]) -> set[str]:
        """What ever lay in these things up to the moment, at any depth."""
        return self._further("parentID", boxes, _DEPTH)

    def of_ids(self, event_ids: Collection[str]) -> list[LedgerEvent]:
        """The events under these eventIDs, error declarations too."""
        found: list[LedgerEvent] = []
        ordered = sorted(set(event_ids))
        with self._runtime.store.reader() as reader:
            for clause in _clauses("eventID", ordered):
                for page in self._pages(reader, self._until(), (clause,), _AT_ONCE):
                    found += self._known(reader, page.seqs)
        return found

    def _further(self, term: str, start: Iterable[str], depth: int) -> set[str]:
        found: set[str] = set()
        frontier = set(start)
        with self._runtime.store.reader() as reader:
            for _ in range(depth):
                named: set[str] = set()
                for clause in _clauses(term, sorted(frontier)):
                    for page in self._pages(reader, self._until(), (clause,), _AT_ONCE):
                        for event in self._known(reader, page.seqs):
                            named.update(keys(event))
                frontier = named - found - frontier
                found |= named
                if not frontier:
                    break
        return found

    def _until(self) -> TimeRange:
        return TimeRange(None, self._at.as_of_us + 1)

    def _pages(
        self,
        reader: Reader,
        times: TimeRange,
        clauses: Sequence[AnyTerm],
        size: int,
        *,
        descending: bool = False,
    ) -> Iterator[Page]:
        known_us = self._at.known_at_us
        query = Query(
            clauses=tuple(clauses),
            event_time=times,
            record_time=TimeRange(None, known_us + 1 if known_us is not None else None),
            descending=descending,
        )
        most = self._runtime.limits.fold_limit_events
        beyond = f"more than {most} events would have to be folded for one part of this answer"
        yield from visible_pages(self._runtime, reader, self._caller, query, limit=size, most=most, beyond=beyond)

    def _known(self, reader: Reader, seqs: Sequence[int]) -> Iterator[LedgerEvent]:
        return known_facts(self._runtime, reader, self._caller, seqs, self._at.known_at_us)


def _clauses(term: str, values: Sequence[str]) -> Iterator[AnyTerm]:
    for start in range(0, len(values), KEYS_PER_QUERY):
        yield AnyTerm(tuple((term, value) for value in values[start : start + KEYS_PER_QUERY]))
