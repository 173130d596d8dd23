"""Which stored events and which keys a late event can touch: what has to be folded again, and no more.

It must not look at ledger state, only at what events say of each other; so it holds before and after the change.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from traceward.ledger.facts import (
    PRODUCT_END,
    LedgerEvent,
    class_keys,
    class_parts,
    container_of,
    decode_event,
    item_keys,
    keys,
    lots_told,
)
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction

PartyIds = Callable[[Sequence[int]], tuple[str, ...]]


class StreamReader:
    """The events of keys' streams, each stream read once. left_out: eids of those that the unit itself wrote.

    fresh: events of this unit, which count as if they stood in the streams.
    """

    def __init__(
        self,
        tx: WriteTransaction,
        party_ids: PartyIds,
        fresh: Iterable[LedgerEvent],
        before: Iterable[LedgerEvent],
    ) -> None:
        self._tx = tx
        self._party_ids = party_ids
        self._fresh: dict[str, list[LedgerEvent]] = {}
        for event in fresh:
            for key in keys(event):
                self._fresh.setdefault(key, []).append(event)
        self._fresh_eids = {event.eid for listed in self._fresh.values() for event in listed}
        self._before = {event.eid: event for event in before}
        self._due: set[int] | None = None
        self._read: set[str] = set()
        self._inside: defaultdict[str, set[str]] = defaultdict(set)
        self._around: defaultdict[str, set[str]] = defaultdict(set)
        self.stored: dict[bytes, LedgerEvent] = {}
        self.found: dict[bytes, LedgerEvent] = {}

    def read(self, wanted: Iterable[str]) -> None:
        """Read the streams of these keys, as far as they were not read yet."""
        missing = sorted(set(wanted) - self._read)
        if not missing:
            return
        self._read.update(missing)
        for key in missing:
            for event in self._fresh.get(key, ()):
                self._find(event)
                if event.eid in self._before:
                    self.stored[event.eid] = self._before[event.eid]
        hashes = {key_hash(key) for key in missing}
        for row in self._tx.events_by_keys(hashes, witnesses=True):
            eid = bytes(row.eid)
            if eid in self._fresh_eids or eid in self.stored or row.seq in self._not_due():
                continue
            event = stored_event(row, self._party_ids)
            self.stored[eid] = event
            self._find(event)

    def contents(self, start: Iterable[str]) -> set[str]:
        """The keys, and everything that ever lay in them, at any depth."""
        return self._reach(start, self._inside)

    def containers(self, start: Iterable[str]) -> set[str]:
        """The keys, and every container that they ever lay in, at any depth."""
        return self._reach(start, self._around)

    def _find(self, event: LedgerEvent) -> None:
        if event.eid in self.found:
            return
        self.found[event.eid] = event
        container = container_of(event)
        if container is not None:
            named = (item_keys(event) | class_keys(event)) - {container}
            self._inside[container] |= named
            for key in named:
                self._around[key].add(container)

    def _reach(self, start: Iterable[str], edges: Mapping[str, set[str]]) -> set[str]:
        found = set(start)
        frontier = found
        while frontier:
            self.read(frontier)
            frontier = {key for name in frontier for key in edges.get(name, ())} - found
            found = found | frontier
        return found

    def _not_due(self) -> set[int]:
        if self._due is None:
            self._due = {seq for (seq,) in self._tx.fetch("SELECT seq FROM due")}
        return self._due


class StoredFacts(Protocol):
    """What of a stored event `stored_event` reads; a `StoredEvent` has it."""

    @property
    def seq(self) -> int:
        """The event's number."""

    @property
    def record_time_us(self) -> int:
        """When it was captured first."""

    @property
    def facts(self) -> bytes | None:
        """What `encode_event` made of it."""

    @property
    def witnesses(self) -> tuple[int, ...]:
        """The numbers of the organisations that captured it."""


def stored_event(row: StoredFacts, party_ids: PartyIds) -> LedgerEvent:
    """The facts of a stored event with all the parties that captured it."""
    if row.facts is None:
        raise ValueError(f"event {row.seq} is stored without the ledger's facts; expected those that capture writes")
    return witnessed(decode_event(row.facts), party_ids(row.witnesses), row.record_time_us)


def witnessed(event: LedgerEvent, captors: tuple[str, ...], record_time_us: int) -> LedgerEvent:
    """An event's facts with these captors beside those it was first stored with, and with the time of its capture."""
    if captors == event.captured_by and record_time_us == event.record_time_us:
        return event
    everyone = tuple(sorted({*event.captured_by, *captors}))
    return msgspec.structs.replace(event, captured_by=everyone, record_time_us=record_time_us)


def classes_of(events: Iterable[LedgerEvent], wanted: Iterable[str]) -> set[str]:
    """The GTINs and lots, as class keys, to which these items and lots belong as far as events tell."""
    lots: dict[str, set[str]] = {}
    for event in events:
        for key, told in lots_told(event):
            lots.setdefault(key, set()).add(told)
    found = set[str]()
    for key in wanted:
        gtin, lot, serial = class_parts(key)
        if gtin is None:
            continue
        found.add(key[:PRODUCT_END])
        if serial is not None:
            found.update(f"{key[:PRODUCT_END]}/10/{name}" for name in lots.get(key, ()))
        elif lot is not None:
            found.add(key)
    return found


def is_notice(event: LedgerEvent) -> bool:
    """Whether the event states something about a whole class, such as a recall."""
    return not event.private and any(quantity is None for _, quantity, _ in event.quantities)
