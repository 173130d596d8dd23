"""Conflicts as they stood at a time: what one page costs does not grow with all that there is.

Walks the events up to the moment, newest first; a conflict is told with the event whose time it bears. What the events
of a part name is folded, with what lay in it, with what came and went beside it and, where they state something of a
class, with the items of that class. It must not fold an event that the caller may not see.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from traceward.epcis.errors import QueryTooComplexException
from traceward.epcis.predicates import TimeRange
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger import closure
from traceward.ledger.conflicts import Conflict
from traceward.ledger.facts import LedgerEvent, class_keys, class_parts, keys
from traceward.ledger.state import Ledger
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import Moment, facts_of, folded, serials_of_lot, told_relations
from traceward.services.runtime import Runtime
from traceward.services.tracing.past_walk import PastWalk, Portions
from traceward.store.compile import VisibleTo

_MOST_ITEMS: Final = 20_000
_KINDS: Final = ("epcs", "epcClasses")


class Part(NamedTuple):
    """Some of the conflicts, newest first, and where to go on where the walk ends early: before (time, id)."""

    conflicts: list[Conflict]
    behind: tuple[int, str] | None


class PastConflicts:
    """The conflicts that concern the caller's organisation at a moment."""

    def __init__(self, runtime: Runtime, caller: Principal, at: Moment, portions: Portions | None = None) -> None:
        self._runtime = runtime
        self._caller = caller
        self._at = at
        self._portions = portions if portions is not None else Portions()
        self._walk = PastWalk(runtime, caller, at)

    def about(self, item: str) -> list[Conflict]:
        """Those about one item or class, newest first."""
        events = self._facts({item})
        return [one for one in self._own(self._ledger({item}, events)) if item in one.keys]

    def parts(self, after: tuple[int, str] | None) -> Iterator[Part]:
        """Those that come behind (time, id), part by part, up to the end or to where a page has walked enough."""
        end_us, walked = self._at.as_of_us + 1, 0
        if after is not None:
            end_us = min(end_us, after[0] + 1)
        while True:
            events, next_us = self._walk.step(TimeRange(None, end_us), self._portions.events, descending=True)
            found = self._of_events(events)
            part = [one for one in found if after is None or (one.event_time_us, one.id) < after]
            walked += len(events)
            if next_us is None or walked >= self._portions.walked:
                yield Part(part, (next_us + 1, "") if next_us is not None else None)
                return
            yield Part(part, None)
            end_us = next_us + 1

    def _of_events(self, events: list[LedgerEvent]) -> list[Conflict]:
        times = {event.event_time_us for event in events}
        named = {key for event in events for key in keys(event)}
        for event in events:
            if closure.is_notice(event):
                named.update(item for key in class_keys(event) for item in self._items_of_class(key))
        if not events:
            return []
        ledger = self._ledger(named, events)
        return [one for one in self._own(ledger) if one.event_time_us in times]

    def _own(self, ledger: Ledger) -> list[Conflict]:
        party = self._caller.organisation
        own = [one for one in ledger.conflicts.values() if party in (one.private_to, *one.parties)]
        return sorted(own, key=lambda one: (one.event_time_us, one.id), reverse=True)

    def _ledger(self, named: Iterable[str], events: Iterable[LedgerEvent]) -> Ledger:
        """What these things come to, with all that a conflict about one of them can rest on."""
        things = set(named)
        things |= self._walk.contents(things)
        facts = {event.eid: event for event in self._facts(things)}
        # A shipment is short by what else it brought.
        things |= {key for event in facts.values() if event.possessing is not None for key in keys(event)}
        facts |= {event.eid: event for event in self._facts(things)}
        facts |= {event.eid: event for event in self._facts(closure.classes_of(facts.values(), things))}
        # Two events under one eventID contradict each other, whatever they name.
        facts |= {event.eid: event for event in self._walk.of_ids({event.event_id for event in events})}
        told = told_relations(self._runtime, self._caller, self._at)
        return folded(self._runtime, self._caller, facts.values(), self._at, told)

    def _facts(self, things: Iterable[str]) -> list[LedgerEvent]:
        return facts_of(self._runtime, self._caller, things, self._at)

    def _items_of_class(self, key: str) -> set[str]:
        """The items and lots of a class that the caller has seen. Raises QueryTooComplexException beyond 20,000."""
        gtin, lot, _ = class_parts(key)
        if gtin is None:
            return set()
        if lot is not None:
            return {key, *serials_of_lot(self._runtime, gtin, lot)}
        prefix = f"{CANONICAL_STEM}/01/{gtin}/"
        found: set[str] = set()
        with self._runtime.store.reader() as reader:
            for kind in _KINDS:
                listed = reader.vocabulary(kind, VisibleTo(self._caller.viewers), after=prefix, limit=_MOST_ITEMS + 1)
                found.update(value for value in listed if value.startswith(prefix))
        if len(found) > _MOST_ITEMS:
            raise QueryTooComplexException(f"more than {_MOST_ITEMS} things of {key} are recalled; name an item")
        return found
