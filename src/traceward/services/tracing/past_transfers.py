"""Passings of ownership as they were known at a time: what one page costs does not grow with all that there is.

Walks the events of the time asked for that the caller may see, oldest first, and folds what those name that pass
ownership. It must not fold an event that the caller may not see, nor one that he came to see later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.ledger.facts import LedgerEvent, item_keys, keys
from traceward.ledger.persistence import transfer_row
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import (
    KEYS_PER_QUERY,
    Moment,
    facts_of,
    folded,
    known_facts,
    told_relations,
    visible_pages,
)
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.read import Page, Reader
from traceward.store.rows import OwnershipTransfer

_DEPTH: Final = 16
_CONTENTS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Portions:
    """How much of the past is taken at a time. events: walked before what they name is folded (those of one instant
    stay together). walked: events after which a page ends, however little it has found.
    """

    events: int = 400
    walked: int = 4_000


@dataclass(frozen=True, slots=True)
class TransferPage:
    """Some of the transfers, by (event time, id); where the next page begins, if any: behind (time, id)."""

    transfers: tuple[OwnershipTransfer, ...]
    next: tuple[int, str] | None


class PastTransfers:
    """The transfers from or to the caller's organisation at a moment, of events from start_us on and before end_us."""

    def __init__(
        self,
        runtime: Runtime,
        caller: Principal,
        at: Moment,
        start_us: int,
        end_us: int,
        portions: Portions | None = None,
    ) -> None:
        self._runtime = runtime
        self._caller = caller
        self._at = at
        self._start_us = start_us
        self._end_us = min(end_us, at.as_of_us + 1)
        self._portions = portions if portions is not None else Portions()

    def page(self, after: tuple[int, str] | None, per_page: int) -> TransferPage:
        """Up to per_page transfers; fewer, or none, where finding more would cost more than a page may."""
        found: list[OwnershipTransfer] = []
        start_us, walked = self._start_us if after is None else max(self._start_us, after[0]), 0
        while True:
            events, next_us = self._step(start_us)
            part = [row for row in self._transfers(events) if after is None or (row.event_time_us, row.id) > after]
            found += part
            if len(found) > per_page:
                last = found[per_page - 1]
                return TransferPage(tuple(found[:per_page]), (last.event_time_us, last.id))
            if next_us is None:
                return TransferPage(tuple(found), None)
            start_us, walked = next_us, walked + len(events)
            if len(found) == per_page or walked >= self._portions.walked:
                return TransferPage(tuple(found), (next_us, ""))

    def _step(self, start_us: int) -> tuple[list[LedgerEvent], int | None]:
        """The next events from a time on, whole instants of them, and the time from which the following ones are."""
        listed: list[Cursor] = []
        next_us = None
        with self._runtime.store.reader() as reader:
            for page in self._pages(reader, TimeRange(start_us, self._end_us), (), self._portions.events):
                listed += page.keys
                if page.next is not None and listed[0].order_us < listed[-1].order_us:
                    next_us = listed[-1].order_us
                    listed = [key for key in listed if key.order_us < next_us]
                    break
            return list(self._known(reader, [key.seq for key in listed])), next_us

    def _pages(self, reader: Reader, times: TimeRange, clauses: Sequence[AnyTerm], size: int) -> Iterator[Page]:
        known_us = self._at.known_at_us
        query = Query(
            clauses=tuple(clauses),
            event_time=times,
            record_time=TimeRange(None, known_us + 1 if known_us is not None else None),
            descending=False,
        )
        most = self._runtime.limits.fold_limit_events
        beyond = f"more than {most} events would have to be folded for one part of this answer"
        yield from visible_pages(self._runtime, reader, self._caller, query, limit=size, most=most, beyond=beyond)

    def _known(self, reader: Reader, seqs: Sequence[int]) -> Iterator[LedgerEvent]:
        return known_facts(self._runtime, reader, self._caller, seqs, self._at.known_at_us)

    def _transfers(self, events: Sequence[LedgerEvent]) -> list[OwnershipTransfer]:
        """The caller's transfers by these events, by time and id."""
        passing = [event for event in events if event.owning is not None and event.owning[0] != event.owning[1]]
        named = {key for event in passing for key in keys(event)}
        if not named:
            return []
        named |= self._contents({key for event in passing for key in item_keys(event)})
        told = told_relations(self._runtime, self._caller, self._at)
        facts = facts_of(self._runtime, self._caller, named, self._at)
        ledger = folded(self._runtime, self._caller, facts, self._at, told)
        eids = {event.eid for event in passing}
        rows = (transfer_row(one) for one in ledger.transfers.values() if one.eid in eids)
        own = [row for row in rows if self._caller.organisation in (row.from_party, row.to_party)]
        return sorted(own, key=lambda row: (row.event_time_us, row.id))

    def _contents(self, boxes: set[str]) -> set[str]:
        """What ever lay in these things up to the moment, at any depth."""
        found: set[str] = set()
        frontier = set(boxes)
        with self._runtime.store.reader() as reader:
            for _ in range(_DEPTH):
                inside: set[str] = set()
                ordered = sorted(frontier)
                for start in range(0, len(ordered), KEYS_PER_QUERY):
                    pairs = tuple(("parentID", key) for key in ordered[start : start + KEYS_PER_QUERY])
                    times = TimeRange(None, self._at.as_of_us + 1)
                    for page in self._pages(reader, times, (AnyTerm(pairs),), _CONTENTS_AT_ONCE):
                        for event in self._known(reader, page.seqs):
                            inside.update(keys(event))
                frontier = inside - found - frontier
                found |= inside
                if not frontier:
                    break
        return found
