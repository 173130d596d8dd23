"""The ledger's rows in batches: load by key, put, delete. What the rows mean is the ledger's affair.

Functions on a `WriteTransaction`; lists for a party are in `ledger_lists`, for readers.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from traceward.store.rows import Balance, ConflictRow, LedgerRecord, OwnershipTransfer, Relation
from traceward.store.write import WriteTransaction

RECORD_COLUMNS: Final = LedgerRecord._fields
BALANCE_COLUMNS: Final = Balance._fields
TRANSFER_COLUMNS: Final = OwnershipTransfer._fields
CONFLICT_COLUMNS: Final = ConflictRow._fields

_RECORDS: Final = f"SELECT {','.join(RECORD_COLUMNS)} FROM ledger_record WHERE key IN {{in}}"  # noqa: S608
_BALANCES: Final = f"SELECT {','.join(BALANCE_COLUMNS)} FROM balance WHERE record_key IN {{in}}"  # noqa: S608
_TRANSFERS: Final = f"SELECT {','.join(TRANSFER_COLUMNS)} FROM ownership_transfer WHERE key IN {{in}}"  # noqa: S608
_CONFLICTS: Final = f"SELECT {','.join(CONFLICT_COLUMNS)} FROM conflict WHERE id IN {{in}}"  # noqa: S608


def load_records(tx: WriteTransaction, keys: Iterable[str]) -> dict[str, LedgerRecord]:
    """The records of those keys that have one."""
    return {row[0]: LedgerRecord(*row) for row in tx.fetch_in(_RECORDS, keys)}


def put_records(tx: WriteTransaction, records: Sequence[LedgerRecord]) -> None:
    """Insert records, each in place of the one with its key."""
    tx.write("ledger_record", RECORD_COLUMNS, records, "replace")


def delete_records(tx: WriteTransaction, keys: Iterable[str]) -> None:
    """Remove the records of these keys; their balances are removed by `replace_balances`."""
    tx.execute_in("DELETE FROM ledger_record WHERE key IN {in}", keys)


def load_balances(tx: WriteTransaction, record_keys: Iterable[str]) -> dict[str, tuple[Balance, ...]]:
    """The balances of each of these records that has any, by slot."""
    found: defaultdict[str, set[Balance]] = defaultdict(set)
    for row in tx.fetch_in(_BALANCES, record_keys):
        found[row[0]].add(Balance(*row))
    return {key: tuple(sorted(rows, key=lambda row: row.slot)) for key, rows in found.items()}


def put_balances(tx: WriteTransaction, balances: Sequence[Balance]) -> None:
    """Insert balances, each in place of the one with its record key and slot; other slots stay."""
    tx.write("balance", BALANCE_COLUMNS, balances, "replace")


def insert_balances(tx: WriteTransaction, balances: Sequence[Balance]) -> None:
    """Insert balances of records that have none yet; the fastest way for items seen for the first time."""
    tx.write("balance", BALANCE_COLUMNS, balances, "fail")


def replace_balances(tx: WriteTransaction, record_keys: Iterable[str], balances: Sequence[Balance]) -> None:
    """Make `balances` all that these records have."""
    tx.execute_in("DELETE FROM balance WHERE record_key IN {in}", record_keys)
    tx.write("balance", BALANCE_COLUMNS, balances, "replace")


def load_transfers(tx: WriteTransaction, keys: Iterable[str]) -> list[OwnershipTransfer]:
    """The ownership transfers of these ledger keys, by time."""
    rows = {OwnershipTransfer._make((*row[:-1], bool(row[-1]))) for row in tx.fetch_in(_TRANSFERS, keys)}
    return sorted(rows, key=lambda row: (row.event_time_us, row.id))


def put_transfers(tx: WriteTransaction, transfers: Sequence[OwnershipTransfer]) -> None:
    """Insert ownership transfers, each in place of the one with its id."""
    tx.write("ownership_transfer", TRANSFER_COLUMNS, transfers, "replace")


def replace_transfers(tx: WriteTransaction, keys: Iterable[str], transfers: Sequence[OwnershipTransfer]) -> None:
    """Make `transfers` all that these ledger keys have."""
    tx.execute_in("DELETE FROM ownership_transfer WHERE key IN {in}", keys)
    put_transfers(tx, transfers)


def load_conflicts(tx: WriteTransaction, keys: Iterable[str]) -> list[ConflictRow]:
    """The conflicts that name any of these ledger keys, by id."""
    found = tx.fetch_in("SELECT conflict_id FROM conflict_key WHERE key IN {in}", keys)
    rows = tx.fetch_in(_CONFLICTS, {row[0] for row in found})
    return sorted({ConflictRow(*row) for row in rows}, key=lambda row: row.id)


def load_conflicts_by_id(tx: WriteTransaction, ids: Iterable[str]) -> list[ConflictRow]:
    """The conflicts of these ids that stand."""
    return [ConflictRow(*row) for row in tx.fetch_in(_CONFLICTS, ids)]


def put_conflicts(tx: WriteTransaction, conflicts: Sequence[ConflictRow]) -> None:
    """Insert conflicts, each in place of the one with its id, and list them for their parties.

    A conflict with a private_party is listed for that party alone.
    """
    if not conflicts:
        return
    ids = [row.id for row in conflicts]
    tx.execute_in("DELETE FROM conflict_party WHERE conflict_id IN {in}", ids)
    tx.execute_in("DELETE FROM conflict_key WHERE conflict_id IN {in}", ids)
    tx.write("conflict", CONFLICT_COLUMNS, conflicts, "replace")
    listed = {
        (party, row.event_time_us, row.id)
        for row in conflicts
        for party in ([row.private_party] if row.private_party else json.loads(row.parties))
    }
    named = {(key, row.id) for row in conflicts for key in json.loads(row.keys)}
    tx.write("conflict_party", ("party", "event_time_us", "conflict_id"), sorted(listed), "nothing")
    tx.write("conflict_key", ("key", "conflict_id"), sorted(named), "nothing")


def delete_conflicts(tx: WriteTransaction, ids: Iterable[str]) -> None:
    """Remove conflicts and their listings."""
    gone = list(ids)
    for table, column in (("conflict", "id"), ("conflict_party", "conflict_id"), ("conflict_key", "conflict_id")):
        tx.execute_in(f"DELETE FROM {table} WHERE {column} IN {{in}}", gone)  # noqa: S608


def load_relations(tx: WriteTransaction) -> list[Relation]:
    """Every relation, by owner and consignee."""
    rows = tx.fetch("SELECT owner, consignee, eid FROM relation ORDER BY owner, consignee, eid")
    return [Relation(owner, consignee, bytes(eid)) for owner, consignee, eid in rows]


def put_relations(tx: WriteTransaction, relations: Sequence[Relation]) -> None:
    """Insert relations; one that is there already stays."""
    tx.write("relation", Relation._fields, relations, "nothing")


def delete_relations(tx: WriteTransaction, eids: Iterable[bytes]) -> None:
    """Remove the relations that these events prove."""
    gone = set(eids)
    for row in load_relations(tx):
        if row.eid in gone:
            tx.execute("DELETE FROM relation WHERE owner=? AND consignee=? AND eid=?", row)


def put_due(tx: WriteTransaction, rows: Sequence[tuple[int, int]]) -> None:
    """Remember events whose time is yet to come: (apply_us, seq)."""
    tx.write("due", ("apply_us", "seq"), rows, "nothing")


def take_due(tx: WriteTransaction, now_us: int, *, limit: int = 1000) -> list[int]:
    """The numbers of events whose time has come, oldest first; they are remembered no longer."""
    rows = tx.fetch("SELECT apply_us, seq FROM due WHERE apply_us<=? ORDER BY apply_us, seq LIMIT ?", (now_us, limit))
    for row in rows:
        tx.execute("DELETE FROM due WHERE apply_us=? AND seq=?", row)
    return [seq for _, seq in rows]
