"""A late event folded on from the states before it, so that its cost is of what came after and not of all there was.

It must give what a fold from the start would give, or nothing: `refolded` is None where it cannot be sure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from traceward.ledger import closure, corrections, stream
from traceward.ledger.book import Book, Relations
from traceward.ledger.facts import GS1, PRODUCT_END, LedgerEvent, class_keys, container_of, keys, lots_told
from traceward.ledger.fold import apply_all, ledger_of
from traceward.ledger.parties import Parties
from traceward.ledger.persistence import notices_of
from traceward.ledger.snapshots import Keeper, Keeping, NotKept, Past
from traceward.ledger.state import (
    ClassStock,
    Instance,
    Ledger,
    Record,
    claim_record,
    class_record,
    item_of,
    links_record,
)
from traceward.store import ledger_rows, ledger_snapshots
from traceward.store.ledger_snapshots import Snapshot
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction

_MOST_KEYS = 2000
_MOST_TRIES = 40


class TooWide(Exception):
    """More is tied together than is worth folding from in between."""


@dataclass(frozen=True, slots=True)
class Refolded:
    """What one set of keys that hang together was, without and with the new events, from start_us on.

    events: with the new ones, as stored or captured. snapshots: the states in between that are worth keeping.
    """

    keys: frozenset[str]
    start_us: int
    events: Mapping[bytes, LedgerEvent]
    earlier: Ledger
    now: Ledger
    snapshots: Sequence[Snapshot]


class Sights(NamedTuple):
    """(party, eid) of events stored before that the party comes to see, and of those that it sees no longer."""

    gained: list[tuple[str, bytes]]
    lost: list[tuple[str, bytes]]


def sights_of(part: Refolded, new: Collection[bytes]) -> Sights | None:
    """Who sees more and who less by a part; None where something outside of it may still show what it no longer does.

    new: eids that were not stored before. Pairs that are gained may have been there already.
    """
    gained, lost = [], []
    for eid in sorted(part.earlier.visible.keys() | part.now.visible.keys()):
        old, seen = part.earlier.visible.get(eid, frozenset()), part.now.visible.get(eid, frozenset())
        event = part.events.get(eid)
        if eid not in new:
            gained += [(party, eid) for party in sorted(seen - old)]
        if old <= seen or (event is not None and closure.is_notice(event)):
            continue
        if event is None or not part.keys.issuperset(keys(event)):
            return None
        lost += [(party, eid) for party in sorted(old - seen)]
    return Sights(gained, lost)


class Onward:
    """Folds late events on within one unit. fresh: the unit's events; before: what those stored earlier were.

    relations: those proven before the unit, and those proven now.
    """

    def __init__(
        self,
        tx: WriteTransaction,
        parties: Parties,
        relations: tuple[Relations, Relations],
        party_ids: closure.PartyIds,
        keeping: Keeping,
        fresh: Sequence[LedgerEvent],
        before: Sequence[LedgerEvent],
    ) -> None:
        self._tx = tx
        self._parties = parties
        self._relations = relations
        self._party_ids = party_ids
        self._keeping = keeping
        self._fresh = fresh
        self._before = {event.eid: event for event in before}
        self._due: set[int] | None = None
        self._groups = [
            closure.stored_event(row, party_ids)
            for row in tx.events_of_declared_ids([event.event_id for event in fresh])
        ]

    def refolded(
        self, late: Sequence[LedgerEvent], touched: Iterable[str], touched_us: int | None = None
    ) -> list[Refolded] | None:
        """What late events change, in parts that do not touch each other; None where only a fold from the start knows.

        touched: further keys that a late event concerns, or that change from touched_us on. No two parts share a key,
        and a new event that has a key in one of them has all its keys in them.
        """
        if any(event.private for event in late):
            return None
        declared = {event.event_id for event in self._groups}
        times = [event.event_time_us for event in (*late, *self._groups)]
        start_us = min(times if touched_us is None else [*times, touched_us])
        parts: list[Refolded] = []
        waiting = [event for event in self._fresh if not event.private]
        starts = [frozenset((key,)) for key in touched]
        taken = list(late)
        try:
            while True:
                for event in taken:
                    start_us = min(start_us, event.event_time_us)
                    named = keys(event)
                    joint = event.event_id in declared
                    starts += [frozenset(named)] if joint else [frozenset((key,)) for key in named]
                waiting = [event for event in waiting if event not in taken]
                for start in starts:
                    parts = self._with_part(parts, start, start_us)
                starts = []
                covered = {key for part in parts for key in part.keys}
                taken = [event for event in waiting if covered.intersection(keys(event))]
                if not taken:
                    return parts
                if min(event.event_time_us for event in taken) < start_us:
                    # Begin all of them as early as the earliest new event.
                    starts, parts = [part.keys for part in parts], []
        except TooWide:
            return None

    def _with_part(self, parts: list[Refolded], start: frozenset[str], start_us: int) -> list[Refolded]:
        if any(start <= part.keys for part in parts):
            return parts
        found = self._part(start, start_us)
        while overlapping := [part for part in parts if part.keys & found.keys]:
            parts = [part for part in parts if part not in overlapping]
            joint = found.keys.union(*(part.keys for part in overlapping))
            found = self._part(joint, min([found.start_us, *(part.start_us for part in overlapping)]))
        return [*parts, found]

    def _part(self, start: frozenset[str], start_us: int) -> Refolded:
        for _ in range(_MOST_TRIES):
            past = Past(self._tx, start_us)
            try:
                return self._folded(start, past)
            except NotKept as missing:
                start_us = missing.earlier_us
        raise TooWide

    def _folded(self, start: frozenset[str], past: Past) -> Refolded:
        named, now = self._neighbourhood(start, past)
        fresh = {event.eid for event in self._fresh} - self._before.keys()
        earlier = {eid: self._before.get(eid, event) for eid, event in now.items() if eid not in fresh}
        known = past.known()
        noticed = any(
            isinstance(record, ClassStock) and record.notices for name in known if (record := past.load(name))
        )
        keeper = Keeper(self._keeping, {name: found for name, found in known.items() if item_of(name) in named})
        before, proven = self._relations
        folds = [
            self._fold(past, relations, named, events.values(), noticed=noticed, keeper=one)
            for relations, events, one in ((before, earlier, None), (proven, now, keeper))
        ]
        if any(self._has_struck_links(ledger) for ledger in folds):
            raise TooWide
        return Refolded(frozenset(named), past.time_us, now, folds[0], folds[1], keeper.snapshots)

    def _neighbourhood(self, start: Iterable[str], past: Past) -> tuple[set[str], dict[bytes, LedgerEvent]]:
        """The keys that hang together with these from the time on, and the shared events that name them."""
        named, frontier = set(start), set(start)
        events: dict[bytes, LedgerEvent] = {}
        while frontier:
            if len(named) > _MOST_KEYS:
                raise TooWide
            further: set[str] = set()
            names = {name for key in frontier for name in (key, class_record(key))}
            for event in self._events_of(frontier, past.time_us):
                events[event.eid] = event
                concerned = frontier.intersection(keys(event))
                for captor in event.captured_by:
                    names.update(claim_record(key, captor) for key in concerned)
                    names.update(claim_record(class_record(key), captor) for key in concerned)
                if container_of(event) is not None:
                    further.update(keys(event))
            past.fetch(names)
            records = [record for name in sorted(names) if (record := past.load(name)) is not None]
            for record in records:
                further.update(_tied(record))
            further |= self._noticed_classes(frontier, records, events.values())
            frontier = further - named
            named |= frontier
        return named, events

    def _events_of(self, wanted: Collection[str], from_us: int) -> list[LedgerEvent]:
        tx = self._tx
        if self._due is None:
            self._due = {seq for (seq,) in tx.fetch("SELECT seq FROM due")}
        seqs = ledger_snapshots.seqs_from(tx, {key_hash(key) for key in wanted}, from_us) - self._due
        fresh = {event.eid: event for event in self._fresh}
        asked = frozenset(wanted)
        found = [fresh.get(event.eid, event) for event in stream.events_of(tx, seqs, self._party_ids)]
        return [event for event in found if not event.private and not asked.isdisjoint(keys(event))]

    def _noticed_classes(
        self, wanted: Collection[str], records: Iterable[Record], events: Iterable[LedgerEvent]
    ) -> set[str]:
        """The classes to which these keys belong and about which there are notices, now or by a new event.

        records: as they were at the start; events: since then, which may be what first tells of an item's lot.
        """
        classes = {key[:PRODUCT_END] for key in wanted if key.startswith(f"{GS1}01/")}
        classes |= closure.classes_of(events, wanted)
        for record in records:
            if isinstance(record, Instance) and record.lot is not None and record.key.startswith(f"{GS1}01/"):
                classes.add(f"{record.key[:PRODUCT_END]}/10/{record.lot}")
        for event in self._fresh:
            classes.update(f"{key[:PRODUCT_END]}/10/{lot}" for key, lot in lots_told(event))
        rows = ledger_rows.load_records(self._tx, map(class_record, classes))
        found = {key for event in self._fresh if closure.is_notice(event) for key in class_keys(event)} & classes
        return found | {item_of(name) for name, row in rows.items() if notices_of(row.state)}

    def _fold(
        self,
        past: Past,
        relations: Relations,
        named: Collection[str],
        events: Iterable[LedgerEvent],
        *,
        noticed: bool,
        keeper: Keeper | None,
    ) -> Ledger:
        book = Book(self._parties, relations, past.load)
        book.noticed = noticed
        for name in past.known():
            book.find(name)
        given = list(events)
        groups = self._tx.events_of_declared_ids([event.event_id for event in given]) if given else []
        others = [closure.stored_event(row, self._party_ids) for row in groups]
        new = {event.eid for event in self._fresh} - self._before.keys()
        there = {event.eid for event in given}
        others = [event for event in others if event.eid not in there and event.eid not in new]
        corrected = corrections.resolve([*given, *others])
        apply_all(book, [_of_keys(event, named) for event in given], corrected, keeper)
        return ledger_of(book)

    def _has_struck_links(self, ledger: Ledger) -> bool:
        """Whether a patient may be tied to an item by a use that was declared in error: that takes every use of it."""
        voided = {
            (record.key, party)
            for record in ledger.records.values()
            if isinstance(record, Instance | ClassStock)
            for use in record.voided_uses
            for party in use[3]
        }
        if not voided:
            return False
        names = {links_record(key, party) for key, party in voided}
        fresh = {
            links_record(key, party)
            for event in self._fresh
            if event.private
            for key in keys(event)
            for party in event.captured_by
        }
        return not names.isdisjoint(fresh) or bool(ledger_rows.load_records(self._tx, names))


def _tied(record: Record) -> set[str]:
    """The keys of what lies in a record and of what it lies in."""
    if isinstance(record, Instance):
        inside = {item_of(name) for name in record.contents or ()}
        return inside | {item_of(record.container)} if record.container is not None else inside
    if isinstance(record, ClassStock):
        return {item_of(slot.container) for slot in record.slots.values() if slot.container is not None}
    return set()


def _of_keys(event: LedgerEvent, named: Collection[str]) -> LedgerEvent:
    """The event as far as it is about these keys; an event with a container is about all of its own."""
    if container_of(event) is not None or all(key in named for key in keys(event)):
        return event
    lists: dict[str, Any] = {
        field: tuple(key for key in getattr(event, field) if key in named)
        for field in ("instances", "children", "inputs", "outputs")
    }
    lists |= {
        field: tuple(entry for entry in getattr(event, field) if entry[0] in named)
        for field in ("quantities", "child_quantities", "input_quantities", "output_quantities")
    }
    return msgspec.structs.replace(event, **lists)
