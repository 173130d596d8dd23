"""Stored records, read in batches before the events that need them are applied.

It must not change what it read; the fold works on the records that it hands out.
"""

from collections.abc import Collection, Iterable, Iterator

from traceward.ledger.facts import GS1, PRODUCT_END, LedgerEvent, class_keys, item_keys, lots_told
from traceward.ledger.persistence import record_of
from traceward.ledger.state import ClassStock, Instance, Record, claim_record, class_record, links_record
from traceward.store import ledger_rows
from traceward.store.rows import LedgerRecord
from traceward.store.write import WriteTransaction

_DEPTH = 64


class Loader:
    """The stored records that one projection works on. noticed: one of them is a class with notices.

    empty: the tables are known to hold nothing, so that nothing is looked for.
    """

    def __init__(self, tx: WriteTransaction, *, empty: bool = False) -> None:
        self._tx = tx
        self._empty = empty
        self._records: dict[str, Record | None] = {}
        self._rows: dict[str, LedgerRecord] = {}
        self._packed: set[str] = set()
        self.noticed = False

    def fetch(self, events: Collection[LedgerEvent]) -> None:
        """Read the records that events name, their captors' claims on those, what lies in them, and their classes."""
        if self._empty:
            return
        wanted = set[str]()
        gtins = set[str]()
        for event in events:
            items = event.instances if event.parent is None and not event.private else item_keys(event)
            wanted.update(items)
            gtins.update([key[:PRODUCT_END] for key in items])
            for key in class_keys(event):
                wanted.add(class_record(key))
                gtins.add(key[:PRODUCT_END])
            gtins.update({f"{key[:PRODUCT_END]}/10/{lot}" for key, lot in lots_told(event)})
            if event.private:
                named = item_keys(event) | class_keys(event)
                wanted.update(links_record(key, party) for key in named for party in event.captured_by)
        wanted.update(class_record(gtin) for gtin in gtins if gtin.startswith(GS1 + "01/"))
        wanted = self.fetch_keys(wanted)
        if self._rows:
            wanted.update(name for event in events for name in self._claims(event))
        for _ in range(_DEPTH):
            wanted = self.fetch_keys(wanted)
            if not wanted:
                return

    def fetch_keys(self, wanted: Iterable[str]) -> set[str]:
        """Read records by key; gives back the keys of what lies in them, around them and of their lots."""
        if self._empty:
            return set()
        missing = {key for key in wanted if key not in self._records}
        found = ledger_rows.load_records(self._tx, missing) if missing else {}
        further = set[str]()
        self._records.update(dict.fromkeys(missing))
        self._rows.update(found)
        for key, row in found.items():
            record = self._records[key] = record_of(row)
            if isinstance(record, Instance):
                further.update(record.contents or ())
                if record.contents or record.container is not None:
                    self._packed.add(key)
                if record.container is not None:
                    further.add(record.container)
                if record.key.startswith(GS1 + "01/"):
                    further.add(class_record(record.key[:PRODUCT_END]))
                    if record.lot is not None:
                        further.add(class_record(f"{record.key[:PRODUCT_END]}/10/{record.lot}"))
            elif isinstance(record, ClassStock):
                self.noticed = self.noticed or bool(record.notices)
                if record.key.startswith(GS1 + "01/"):
                    further.add(class_record(record.key[:PRODUCT_END]))
                further.update(slot.container for slot in record.slots.values() if slot.container is not None)
        return further - self._records.keys()

    def load(self, key: str) -> Record | None:
        """The stored record of a key, None where there is none."""
        if key not in self._records:
            self.fetch_keys((key,))
        return self._records.get(key)

    def is_stored(self, key: str) -> bool:
        """Whether a record of this key stands in the store."""
        return self.load(key) is not None

    def stored(self, key: str) -> LedgerRecord | None:
        """The row of a record that was read, as it stands in the store."""
        return self._rows.get(key)

    def was_packed(self, key: str) -> bool:
        """Whether the stored record of an item lies in a container, or holds something."""
        return key in self._packed

    def is_fresh(self, event: LedgerEvent) -> bool:
        """Whether the event names nothing but items of which there are no stored records."""
        if event.parent is not None or event.private or event.quantities or not event.instances:
            return False
        records = self._records
        return event.type == "ObjectEvent" and all(records.get(key) is None for key in event.instances)

    def touched(self, event: LedgerEvent) -> Iterator[Record]:
        """The stored records that the event can touch: what it names, its captors' claims, what lies in all of them."""
        names = [*_records_named(event), *self._claims(event)]
        if event.private:
            named = item_keys(event) | class_keys(event)
            names += [links_record(key, party) for key in named for party in event.captured_by]
        seen = set[str]()
        while names:
            name = names.pop()
            if name in seen:
                continue
            seen.add(name)
            record = self.load(name)
            if record is not None:
                yield record
                if isinstance(record, Instance):
                    names.extend(record.contents or ())

    def _claims(self, event: LedgerEvent) -> Iterator[str]:
        """The record keys of its captors' claims on what the event names; who claims a thing leaves a record of it."""
        if not event.private:
            for name in _records_named(event):
                if self._records.get(name) is not None:
                    for captor in event.captured_by:
                        yield claim_record(name, captor)


def _records_named(event: LedgerEvent) -> list[str]:
    return [*item_keys(event), *(class_record(key) for key in class_keys(event))]
