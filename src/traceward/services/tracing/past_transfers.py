"""Passings of ownership as they were known at a time: what one page costs does not grow with all that there is.

Walks the events of the time asked for, oldest first, and folds what those name that pass ownership. It must not fold an
event that the caller may not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from traceward.epcis.predicates import TimeRange
from traceward.ledger.facts import LedgerEvent, item_keys, keys
from traceward.ledger.persistence import transfer_row
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import Moment, facts_of, folded, told_relations
from traceward.services.runtime import Runtime
from traceward.services.tracing.past_walk import PastWalk, Portions
from traceward.store.rows import OwnershipTransfer


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
        self._walk = PastWalk(runtime, caller, at)

    def page(self, after: tuple[int, str] | None, per_page: int) -> TransferPage:
        """Up to per_page transfers; fewer, or none, where finding more would cost more than a page may."""
        found: list[OwnershipTransfer] = []
        start_us, walked = self._start_us if after is None else max(self._start_us, after[0]), 0
        while True:
            times = TimeRange(start_us, self._end_us)
            events, next_us = self._walk.step(times, self._portions.events)
            found += [row for row in self._transfers(events) if after is None or (row.event_time_us, row.id) > after]
            if len(found) > per_page:
                last = found[per_page - 1]
                return TransferPage(tuple(found[:per_page]), (last.event_time_us, last.id))
            if next_us is None:
                return TransferPage(tuple(found), None)
            start_us, walked = next_us, walked + len(events)
            if len(found) == per_page or walked >= self._portions.walked:
                return TransferPage(tuple(found), (next_us, ""))

    def _transfers(self, events: Sequence[LedgerEvent]) -> list[OwnershipTransfer]:
        """The caller's transfers by these events, by time and id."""
        passing = [event for event in events if event.owning is not None and event.owning[0] != event.owning[1]]
        named = {key for event in passing for key in keys(event)}
        if not named:
            return []
        named |= self._walk.contents({key for event in passing for key in item_keys(event)})
        told = told_relations(self._runtime, self._caller, self._at)
        facts = facts_of(self._runtime, self._caller, named, self._at)
        ledger = folded(self._runtime, self._caller, facts, self._at, told)
        eids = {event.eid for event in passing}
        rows = (transfer_row(one) for one in ledger.transfers.values() if one.eid in eids)
        own = [row for row in rows if self._caller.organisation in (row.from_party, row.to_party)]
        return sorted(own, key=lambda row: (row.event_time_us, row.id))
