"""The ledger's records, conflicts and transfers as rows of the store, and back.

It must not fold: what it writes is what it was given, and what it reads is what was written.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from traceward.ledger.conflicts import Conflict
from traceward.ledger.facts import class_parts
from traceward.ledger.state import (
    ClassStock,
    Dealing,
    Instance,
    Ledger,
    Notice,
    Order,
    OwnershipTransfer,
    PatientLinks,
    Record,
    record_key,
)
from traceward.store import rows
from traceward.store.ledger_dealings import DealingRow
from traceward.store.ledger_rows import CONFLICT_COLUMNS, RECORD_COLUMNS, TRANSFER_COLUMNS
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction, json_text

ITEM, CLASS, LINKS, CLAIM_ITEM, CLAIM_CLASS = range(5)
_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: Mapping[int, msgspec.msgpack.Decoder[Record]] = {
    ITEM: msgspec.msgpack.Decoder(Instance),
    CLASS: msgspec.msgpack.Decoder(ClassStock),
    LINKS: msgspec.msgpack.Decoder(PatientLinks),
    CLAIM_ITEM: msgspec.msgpack.Decoder(Instance),
    CLAIM_CLASS: msgspec.msgpack.Decoder(ClassStock),
}


def record_row(record: Record) -> rows.LedgerRecord:
    """The row of a record. kind: ITEM, CLASS, LINKS, or a claim's."""
    order = record.order or (0, 0, b"")
    name = record_key(record)
    if isinstance(record, PatientLinks):
        return rows.LedgerRecord(
            name, key_hash(name), LINKS, None, None, _ENCODER.encode(record), order[0], order_bytes(order)
        )
    gtin, lot, _ = class_parts(record.key)
    if isinstance(record, Instance):
        lot = record.lot
        kind = ITEM if record.claimant is None else CLAIM_ITEM
    else:
        kind = CLASS if record.claimant is None else CLAIM_CLASS
    return rows.LedgerRecord(
        name, key_hash(name), kind, gtin, lot, _ENCODER.encode(record), order[0], order_bytes(order)
    )


class TwinRows:
    """The rows of items that are what `lead` is but for the serial, built without encoding each: capture's hot path."""

    def __init__(self, lead: Instance) -> None:
        row = record_row(lead)
        key = _ENCODER.encode(lead.key)
        start = row.state.index(key)
        self._head, self._tail = row.state[:start], row.state[start + len(key) :]
        self._row = row
        self._balance = balance_rows(lead)[0]

    def record(self, key: str) -> tuple[Any, ...]:
        """The record's row, in the order of LedgerRecord."""
        row = self._row
        state = self._head + _ENCODER.encode(key) + self._tail
        return (key, key_hash(key), row.kind, row.gtin, row.lot, state, row.last_time_us, row.last_order)

    def balance(self, key: str) -> tuple[Any, ...]:
        """The balance's row, in the order of Balance."""
        row = self._balance
        return (
            key, 0, row.owner, row.holder, row.place, row.container, row.status, row.quantity, row.uom, row.gtin,
            row.lot, key[40:], row.expiry, row.flags, row.last_time_us, row.last_eid,
        )  # fmt: skip


def record_of(row: rows.LedgerRecord) -> Record:
    """The record of a row."""
    return _DECODERS[row.kind].decode(row.state)


def record_of_state(name: str, state: bytes) -> Record:
    """The record that is kept under a record key, of its encoded state alone."""
    rest = name.partition("|")[2]
    kind = LINKS if rest.startswith("patient|") else CLASS if rest.startswith("class") else ITEM
    return _DECODERS[kind].decode(state)


def encoded(record: Record) -> bytes:
    """The record's state as `record_of_state` takes it."""
    return _ENCODER.encode(record)


def notices_of(state: bytes) -> tuple[Notice, ...]:
    """The notices in a stored class record."""
    return tuple(msgspec.msgpack.decode(state, type=ClassStock).notices)


def order_bytes(order: Order) -> bytes:
    """What stands behind the time in an order, as bytes that compare alike."""
    return bytes((order[1],)) + order[2]


def balance_rows(record: Record) -> list[rows.Balance]:
    """The balances of a record: one of an item, one per slot of a class, none of a claim or of patients' links.

    "" stands for an unknown owner or holder.
    """
    if isinstance(record, PatientLinks) or record.claimant is not None:
        return []
    gtin, lot, serial = class_parts(record.key)
    if isinstance(record, Instance):
        if not record.status:
            return []
        return [
            rows.Balance(
                record.key, 0, record.owner or "", record.holder or "", record.place, record.container,
                record.status, "1", None, gtin, record.lot, serial, record.expiry, ",".join(record.flags),
                record.seen[0] if record.seen is not None else 0, record.changed_eid,
            )
        ]  # fmt: skip
    name = record_key(record)
    return [
        rows.Balance(
            name, number, slot.owner or "", slot.holder or "", slot.place, slot.container, slot.status,
            format(slot.quantity, "f"), slot.uom, gtin, lot, None, record.expiry, ",".join(slot.flags),
            slot.time_us, slot.eid,
        )
        for number, (_, slot) in enumerate(sorted(record.slots.items()))
    ]  # fmt: skip


def conflict_row(found: Conflict, opened_us: int) -> rows.ConflictRow:
    """The row of a conflict that was found at opened_us (recordTime)."""
    return rows.ConflictRow(
        found.id, found.kind, found.severity, found.state, found.private_to, json_text(found.parties),
        json_text(found.keys), json_text([eid.hex() for eid in found.eids]), found.message, opened_us,
        found.event_time_us, "{}" if found.quantity is None else json_text({"quantity": format(found.quantity, "f")}),
    )  # fmt: skip


def quantity_of(detail: str) -> Decimal | None:
    """The amount that a conflict's row tells, None where it tells none."""
    told = json.loads(detail).get("quantity")
    return Decimal(told) if told is not None else None


def conflict_of(row: rows.ConflictRow) -> Conflict:
    """The conflict of a row."""
    return Conflict(
        row.id, row.kind, row.severity, row.state, tuple(json.loads(row.keys)),
        tuple(bytes.fromhex(eid) for eid in json.loads(row.eids)), tuple(json.loads(row.parties)),
        row.private_party, row.message, row.event_time_us, quantity_of(row.detail),
    )  # fmt: skip


def transfer_row(transfer: OwnershipTransfer) -> rows.OwnershipTransfer:
    """The row of a passing of ownership; "" stands for an unknown former owner."""
    gtin, lot, serial = class_parts(transfer.key)
    return rows.OwnershipTransfer(
        transfer.id, transfer.event_time_us, transfer.eid, transfer.from_party or "", transfer.to_party, transfer.key,
        gtin, lot, serial, format(transfer.quantity, "f"), transfer.uom, transfer.use_type, transfer.usage_report,
        transfer.agreement, transfer.voided,
    )  # fmt: skip


def transfer_of(row: rows.OwnershipTransfer) -> OwnershipTransfer:
    """The passing of ownership of a row."""
    return OwnershipTransfer(
        row.id, row.event_time_us, bytes(row.eid), row.from_party or None, row.to_party, row.key,
        Decimal(row.quantity), row.uom, row.use_type, row.usage_report, row.agreement, bool(row.voided),
    )  # fmt: skip


def dealing_row(dealing: Dealing) -> DealingRow:
    """The row of a dealing."""
    gtin, _, _ = class_parts(dealing.key)
    return DealingRow(
        dealing.id, dealing.supplier, dealing.hospital, dealing.event_time_us, dealing.eid, dealing.key, gtin or "",
        dealing.place, dealing.what, dealing.sent_eid,
    )  # fmt: skip


def dealing_of(row: DealingRow) -> Dealing:
    """The dealing of a row."""
    sent_eid = bytes(row.sent_eid) if row.sent_eid is not None else None
    return Dealing(
        row.id, row.event_time_us, bytes(row.eid), row.key, row.supplier, row.hospital, row.place, row.what, sent_eid
    )


def stored_ledger(tx: WriteTransaction) -> Ledger:
    """The whole ledger as it stands in the store, for comparison with a replay; `visible` is left empty."""
    records = [
        record_of(rows.LedgerRecord._make(row))
        for row in tx.fetch(f"SELECT {','.join(RECORD_COLUMNS)} FROM ledger_record")  # noqa: S608
    ]
    conflicts = [
        conflict_of(rows.ConflictRow._make(row))
        for row in tx.fetch(f"SELECT {','.join(CONFLICT_COLUMNS)} FROM conflict")  # noqa: S608
    ]
    transfers = [
        transfer_of(rows.OwnershipTransfer._make(row))
        for row in tx.fetch(f"SELECT {','.join(TRANSFER_COLUMNS)} FROM ownership_transfer")  # noqa: S608
    ]
    dealings = [
        dealing_of(DealingRow._make(row))
        for row in tx.fetch(f"SELECT {','.join(DealingRow._fields)} FROM ledger_dealing")  # noqa: S608
    ]
    return Ledger(
        {record_key(record): record for record in records},
        {found.id: found for found in conflicts},
        {transfer.id: transfer for transfer in transfers},
        {dealing.id: dealing for dealing in dealings},
    )
