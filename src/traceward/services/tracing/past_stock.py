"""Stock at another time, a part of the past at a time: what one page costs does not grow with all that there is.

Walks the events that the caller may see, oldest first. A thing is folded where the walk first meets it, from all the
events of it and of what it lay in; so each is folded once, whatever comes later. It must not fold an event that the
caller may not see, nor look for things anywhere but in events that he may.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from traceward.epcis.predicates import AnyTerm, TimeRange
from traceward.ledger import closure
from traceward.ledger.facts import GS1, LedgerEvent, container_of, item_keys, keys
from traceward.ledger.notices import classes_of
from traceward.ledger.persistence import balance_rows
from traceward.ledger.state import Ledger, Notice, item_of
from traceward.ledger.steps import IN_TRANSIT
from traceward.services.identity.principals import Principal
from traceward.services.queries import place_tree
from traceward.services.queries.visible_events import (
    KEY_TERMS,
    KEYS_PER_QUERY,
    Moment,
    facts_of,
    folded,
    told_relations,
)
from traceward.services.runtime import Runtime
from traceward.services.tracing.past_walk import PastWalk
from traceward.store import ledger_lists, rows
from traceward.store.read import Reader

_PLACE_TERMS: Final = (
    "readPoint", "bizLocation", "source:location", "destination:location", "destination:possessing_party",
)  # fmt: skip
_KEYS_AT_ONCE: Final = KEYS_PER_QUERY // len(KEY_TERMS)
_EARLIER: Final = 100


@dataclass(frozen=True, slots=True)
class Portions:
    """How much of the past is taken at a time. events: walked before things are looked at (those of one instant stay
    together). things: folded together. walked: events after which a page ends, however little it has found.
    """

    events: int = 40
    things: int = 300
    walked: int = 4_000


class Position(NamedTuple):
    """Where a page begins: events from start_us on; of those looked at first, what comes behind `after`."""

    start_us: int | None
    after: ledger_lists.BalanceKey | None


@dataclass(frozen=True, slots=True)
class PastPage:
    """Some of the balances, by place and item; the notices about their classes; where the next page begins, if any."""

    balances: tuple[rows.Balance, ...]
    notices: Mapping[str, tuple[Notice, ...]]
    next: Position | None


class PastStock:
    """What the caller's organisation owned or held at a moment.

    columns: of a balance, with the values that they must have. spans: of places in which it must lie; None: anywhere.
    is_stock: whether a balance counts as stock. incoming: what others hold and had sent to the organisation too.
    """

    def __init__(
        self,
        runtime: Runtime,
        caller: Principal,
        at: Moment,
        columns: Mapping[str, str],
        spans: Sequence[ledger_lists.Span] | None,
        is_stock: Callable[[rows.Balance], bool],
        portions: Portions | None = None,
        *,
        incoming: bool = False,
    ) -> None:
        self._runtime = runtime
        self._caller = caller
        self._at = at
        self._columns = columns
        self._spans = spans
        self._is_stock = is_stock
        self._incoming = incoming
        self._portions = portions if portions is not None else Portions()
        self._walk = PastWalk(runtime, caller, at)
        self._placed = spans is not None or "place" in columns
        gtin = columns.get("gtin")
        self._stem = f"{GS1}01/{gtin}" if gtin is not None else ""
        self._clauses = self._narrowed()

    def page(self, begin: Position, per_page: int) -> PastPage:
        """Up to per_page balances; fewer, or none, where finding more would cost more than a page may."""
        found: list[rows.Balance] = []
        notices: dict[str, tuple[Notice, ...]] = {}
        met: set[str] = set()
        at, walked = begin, 0
        while True:
            events, next_us = self._step(at.start_us)
            part = self._balances(events, at.start_us, notices, met)
            rest = [row for row in part if at.after is None or ledger_lists.balance_key(row) > at.after]
            taken = rest[: per_page - len(found)]
            found += taken
            if len(rest) > len(taken):
                after = ledger_lists.balance_key(taken[-1]) if taken else at.after
                return self._page(found, notices, Position(at.start_us, after))
            if next_us is None:
                return self._page(found, notices, None)
            at, walked = Position(next_us, None), walked + len(events)
            if len(found) == per_page or walked >= self._portions.walked:
                return self._page(found, notices, at)

    def _page(
        self, found: list[rows.Balance], notices: Mapping[str, tuple[Notice, ...]], next_: Position | None
    ) -> PastPage:
        return PastPage(tuple(sorted(found, key=ledger_lists.balance_key)), notices, next_)

    def _narrowed(self) -> tuple[AnyTerm, ...]:
        """What an event must name to be the first that a thing asked for is met in."""
        if "place" in self._columns:
            return (AnyTerm(tuple((term, self._columns["place"]) for term in _PLACE_TERMS)),)
        if self._stem and not self._placed:
            pairs = [(term, self._stem) for term in KEY_TERMS]
            pairs += [(f"{term}~class", f"{self._stem}{kind}") for term in KEY_TERMS for kind in ("/10/", "/21/")]
            return (AnyTerm(tuple(pairs)),)
        return ()

    def _step(self, start_us: int | None) -> tuple[list[LedgerEvent], int | None]:
        """The next events of the walk from a time on, and the time from which the following ones are."""
        times = TimeRange(start_us, self._at.as_of_us + 1)
        events, next_us = self._walk.step(times, self._portions.events, self._clauses)
        return [event for event in events if self._names_place(event)], next_us

    def _balances(
        self,
        events: Sequence[LedgerEvent],
        start_us: int | None,
        notices: dict[str, tuple[Notice, ...]],
        met: set[str],
    ) -> list[rows.Balance]:
        """The balances of the things that these events are the first to name, by place and item.

        met: what this page has met already, and here meets.
        """
        named = {key for event in events for key in keys(event)}
        if self._placed:
            named |= self._walk.contents({key for event in events for key in item_keys(event)})
        things = sorted(key for key in named - met if key.startswith(self._stem))
        met |= named
        if start_us is not None:
            things = self._not_named_before(things, start_us)
        told = told_relations(self._runtime, self._caller, self._at) if things else None
        found: list[rows.Balance] = []
        for start in range(0, len(things), self._portions.things):
            part = things[start : start + self._portions.things]
            facts = {event.eid: event for event in facts_of(self._runtime, self._caller, part, self._at)}
            if start_us is not None and self._placed:
                carried = self._carried_before(facts.values(), part, start_us)
                part = [key for key in part if key not in carried]
            classes = closure.classes_of(facts.values(), part) - set(part)
            facts |= {event.eid: event for event in facts_of(self._runtime, self._caller, classes, self._at)}
            ledger = folded(self._runtime, self._caller, facts.values(), self._at, told)
            own = self._own(ledger, part)
            found += own
            for row in own:
                for key in classes_of(row.gtin, row.lot):
                    if record := ledger.stock(key):
                        notices[key] = tuple(record.notices)
        return sorted(found, key=ledger_lists.balance_key)

    def _own(self, ledger: Ledger, things: Collection[str]) -> list[rows.Balance]:
        asked = frozenset(things)
        party = self._caller.organisation
        return [
            row
            for record in ledger.records.values()
            for row in balance_rows(record)
            if item_of(row.record_key) in asked
            and (party in (row.owner, row.holder) or self._is_coming(row))
            and self._is_stock(row)
            and all(getattr(row, name) == value for name, value in self._columns.items())
            and (self._spans is None or place_tree.lies_in(row.place, self._spans))
        ]

    def _is_coming(self, row: rows.Balance) -> bool:
        belongs = self._runtime.registry.parties.party_of_place
        return self._incoming and row.status == IN_TRANSIT and belongs(row.place) == self._caller.organisation

    def _not_named_before(self, things: Iterable[str], start_us: int) -> list[str]:
        """Those of the things that no event names of the walk up to a time."""
        fresh: list[str] = []
        waiting = list(things)
        with self._runtime.store.reader() as reader:
            for start in range(0, len(waiting), _KEYS_AT_ONCE):
                rest = set(waiting[start : start + _KEYS_AT_ONCE])
                while rest:
                    named = next(self._earlier(reader, rest, start_us), None)
                    if named is None:
                        break
                    rest -= named
                fresh += rest
        return sorted(fresh)

    def _earlier(self, reader: Reader, things: Collection[str], start_us: int) -> Iterator[frozenset[str]]:
        """What of these things events of the walk before a time name, some events at a time, never nothing."""
        pairs = AnyTerm(tuple((term, key) for key in sorted(things) for term in KEY_TERMS))
        times = TimeRange(None, start_us)
        for page in self._walk.pages(reader, times, (pairs, *self._clauses), _EARLIER, descending=True):
            facts = self._walk.known(reader, page.seqs)
            named = {key for event in facts if self._names_place(event) for key in keys(event)}
            if not named.isdisjoint(things):
                yield frozenset(named)

    def _carried_before(self, facts: Iterable[LedgerEvent], things: Iterable[str], start_us: int) -> set[str]:
        """Those of the things of which the walk up to a time has named a container they lay in up to the moment."""
        above: defaultdict[str, set[str]] = defaultdict(set)
        named: set[str] = set()
        for event in facts:
            container = container_of(event)
            if container is not None:
                for key in keys(event):
                    above[key].add(container)
            if event.event_time_us < start_us and self._is_walked(event):
                named |= item_keys(event)
        return {thing for thing in things if not named.isdisjoint(_around(thing, above))}

    def _is_walked(self, event: LedgerEvent) -> bool:
        place = self._columns.get("place")
        return (place is None or place in _places_of(event)) and self._names_place(event)

    def _names_place(self, event: LedgerEvent) -> bool:
        """Whether the event can bring something to one of the places asked for."""
        return self._spans is None or any(place_tree.lies_in(place, self._spans) for place in _places_of(event))


def _around(thing: str, above: Mapping[str, Collection[str]]) -> set[str]:
    """The containers that a thing lay in, at any depth. above: what lay in something -> in what."""
    around, frontier = set[str](), {thing}
    while frontier:
        frontier = {box for key in frontier for box in above.get(key, ())} - around
        around |= frontier
    return around


def _places_of(event: LedgerEvent) -> tuple[str | None, ...]:
    receiver = event.possessing[1] if event.possessing is not None else None
    return (event.read_point, event.biz_location, *(event.location or ()), receiver)
