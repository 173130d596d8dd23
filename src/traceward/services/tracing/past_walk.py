"""A walk over the events of the past that the caller may see, some at a time, and what there is to know about them.

What one page of a list costs follows what it shows, and not all that there is. It must not give an event that the
caller may not see, nor one that he came to see later than the moment that is asked about.
"""

from collections.abc import Iterable, Iterator, Sequence
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

    def step(
        self, times: TimeRange, size: int, clauses: Sequence[AnyTerm] = (), *, descending: bool = False
    ) -> tuple[list[LedgerEvent], int | None]:
        """The next events of these times, whole instants of them; and the time at which the following ones begin.

        clauses: what the events must meet, all of them.
        """
        listed: list[Cursor] = []
        next_us = None
        with self._runtime.store.reader() as reader:
            for page in self.pages(reader, times, clauses, size, descending=descending):
                listed += page.keys
                if page.next is not None and listed[0].order_us != listed[-1].order_us:
                    next_us = listed[-1].order_us
                    listed = [key for key in listed if key.order_us != next_us]
                    break
            return list(self.known(reader, [key.seq for key in listed])), next_us

    def contents(self, boxes: Iterable[str]) -> set[str]:
        """What ever lay in these things up to the moment, at any depth."""
        found: set[str] = set()
        frontier = set(boxes)
        with self._runtime.store.reader() as reader:
            for _ in range(_DEPTH):
                inside = {key for event in self._naming(reader, "parentID", frontier) for key in keys(event)}
                frontier = inside - found - frontier
                found |= inside
                if not frontier:
                    break
        return found

    def of_ids(self, event_ids: Iterable[str]) -> list[LedgerEvent]:
        """The events under these eventIDs, error declarations too."""
        with self._runtime.store.reader() as reader:
            return list(self._naming(reader, "eventID", event_ids))

    def pages(
        self, reader: Reader, times: TimeRange, clauses: Sequence[AnyTerm], size: int, *, descending: bool = False
    ) -> Iterator[Page]:
        """The events of these times that meet the clauses, page by page."""
        known_us = self._at.known_at_us
        query = Query(
            clauses=tuple(clauses),
            event_time=times,
            record_time=TimeRange(None, known_us + 1 if known_us is not None else None),
            descending=descending,
        )
        most = self._runtime.limits.fold_limit_events
        beyond = f"more than {most} events would have to be folded for one part of this answer"
        return visible_pages(self._runtime, reader, self._caller, query, limit=size, most=most, beyond=beyond)

    def known(self, reader: Reader, seqs: Sequence[int]) -> Iterator[LedgerEvent]:
        """What was known at the moment of the events of these numbers."""
        return known_facts(self._runtime, reader, self._caller, seqs, self._at.known_at_us)

    def _naming(self, reader: Reader, term: str, values: Iterable[str]) -> Iterator[LedgerEvent]:
        """The events up to the moment that have one of these values for a term."""
        times = TimeRange(None, self._at.as_of_us + 1)
        listed = sorted(set(values))
        for start in range(0, len(listed), KEYS_PER_QUERY):
            clause = AnyTerm(tuple((term, value) for value in listed[start : start + KEYS_PER_QUERY]))
            for page in self.pages(reader, times, (clause,), _AT_ONCE):
                yield from self.known(reader, page.seqs)
