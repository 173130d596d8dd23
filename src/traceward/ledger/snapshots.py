"""Earlier states of records: which are worth keeping, and what a record was at a time.

It must not guess: a state that is not known for certain is `NotKept`, and whoever asked begins earlier.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from traceward.epcis.times import DAY_US
from traceward.ledger.book import Book
from traceward.ledger.facts import LedgerEvent, keys
from traceward.ledger.loading import Loader
from traceward.ledger.persistence import encoded, record_of_state
from traceward.ledger.state import CLAIM, ClassStock, Instance, Order, Record, class_record, item_of
from traceward.store import ledger_rows, ledger_snapshots
from traceward.store.ledger_snapshots import Snapshot
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction


@dataclass(frozen=True, slots=True)
class Keeping:
    """Between which events a state is kept: where a period ends, and before one event in so many, told by its eid."""

    period_us: int = DAY_US
    one_in: int = 32

    def parts(self, last_us: int, order: Order) -> bool:
        """Whether the state between a record's last change and an event at `order` is kept."""
        time_us, _, eid = order
        if last_us >= time_us:
            return False
        return last_us // self.period_us != time_us // self.period_us or eid[0] % self.one_in == 0


class Keeper:
    """Takes the states of the records of one fold as it goes. start: (since_us, state) of records it begins with."""

    def __init__(self, keeping: Keeping, start: dict[str, tuple[int, bytes]] | None = None) -> None:
        self._keeping = keeping
        self._held = dict(start or {})
        self._dirty: set[str] = set()
        self._last_us: int | None = None
        self.snapshots: list[Snapshot] = []

    def before(self, book: Book, event: LedgerEvent) -> None:
        """Hold the states as they are before an event where one of them may be kept."""
        book.recent.clear()
        time_us = event.event_time_us
        if self._last_us is not None and self._keeping.parts(self._last_us, (time_us, 0, event.eid)):
            for name in self._dirty:
                record = book.records[name]
                if is_worth_keeping(record) and record.order is not None:
                    self._held[name] = (record.order[0], encoded(record))
            self._dirty.clear()
        self._last_us = time_us

    def after(self, book: Book, event: LedgerEvent) -> None:
        """Keep the held states of the records that the event has changed."""
        for name in book.recent:
            held = self._held.pop(name, None)
            if held is not None and held[0] < event.event_time_us:
                self.snapshots.append(Snapshot(name, event.event_time_us, *held))
            self._dirty.add(name)


class NotKept(Exception):
    """What a record was at a time is not known, yet it is at earlier_us."""

    def __init__(self, earlier_us: int) -> None:
        super().__init__(earlier_us)
        self.earlier_us = earlier_us


class Past:
    """Records as they were after everything before a time; each `load` gives one of its own."""

    def __init__(self, tx: WriteTransaction, time_us: int) -> None:
        self._tx = tx
        self.time_us = time_us
        self._states: dict[str, tuple[int, bytes] | None] = {}

    def fetch(self, names: Iterable[str]) -> None:
        """Find out what these records were. Raises NotKept where one of them is not known at this time."""
        missing = set(names) - self._states.keys()
        now = ledger_rows.load_records(self._tx, missing) if missing else {}
        for name in sorted(missing):
            row = now.get(name)
            if row is None:
                self._states[name] = None
            elif row.last_time_us < self.time_us:
                self._states[name] = (row.last_time_us, bytes(row.state))
            else:
                self._states[name] = self._earlier(name)

    def load(self, name: str) -> Record | None:
        """The record of this key at the time, None where it was not there yet."""
        self.fetch((name,))
        found = self._states[name]
        return None if found is None else record_of_state(name, found[1])

    def known(self) -> dict[str, tuple[int, bytes]]:
        """What was found, by record key: (time of its last change, state)."""
        return {name: found for name, found in self._states.items() if found is not None}

    def _earlier(self, name: str) -> tuple[int, bytes] | None:
        kept = ledger_snapshots.snapshot_at(self._tx, name, self.time_us)
        if kept is not None:
            return kept.since_us, kept.state
        first_us = ledger_snapshots.first_event_us(self._tx, key_hash(item_of(name)))
        _, is_claim, claimant = name.partition(CLAIM)
        if is_claim:
            # Whatever brings a claim's record into being raises the conflict about it as well.
            claimed_us = ledger_snapshots.first_claim_us(self._tx, item_of(name), claimant)
            first_us = claimed_us if claimed_us is not None else first_us
        if first_us is None or self.time_us <= first_us:
            return None
        last_us = ledger_snapshots.last_end_before(self._tx, name, self.time_us)
        raise NotKept(first_us if last_us is None else max(first_us, last_us))


def snapshots_of(book: Book, loader: Loader, keeping: Keeping) -> list[Snapshot]:
    """The stored states worth keeping of records that a book has changed since."""
    kept = []
    for name, record in book.changed.items():
        row = loader.stored(name)
        order = book.first_order.get(name)
        if row is None or order is None or not keeping.parts(row.last_time_us, order):
            continue
        if is_worth_keeping(record) or loader.was_packed(name):
            kept.append(Snapshot(name, order[0], row.last_time_us, bytes(row.state)))
    return kept


def states_before(event: LedgerEvent, keeping: Keeping, records: Mapping[str, Record]) -> list[Snapshot]:
    """The states worth keeping of what an event names, and of what lies in that, as they are before the event.

    records: those that count, by record key.
    """
    found: dict[str, Snapshot] = {}
    order = (event.event_time_us, 0, event.eid)
    names = [name for key in keys(event) for name in (key, class_record(key))]
    while names:
        name = names.pop()
        record = records.get(name)
        if record is None or name in found or record.order is None or not is_worth_keeping(record):
            continue
        if keeping.parts(record.order[0], order):
            found[name] = Snapshot(name, event.event_time_us, record.order[0], encoded(record))
            if isinstance(record, Instance):
                names.extend(record.contents or ())
    return list(found.values())


def is_worth_keeping(record: Record) -> bool:
    """Whether earlier states of the record pay: of lots, containers and what lies in one; the rest is soon folded."""
    if isinstance(record, Instance):
        return record.container is not None or bool(record.contents)
    return isinstance(record, ClassStock)
