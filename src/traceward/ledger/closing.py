"""Conflicts that the facts bear out no longer: taken off the list, and kept as corrected for those who were told.

It must not close what still stands, and a replay keeps nothing: what was once told is no part of the ledger's state.
"""

import json
from collections.abc import Iterable

import msgspec

from traceward.store import ledger_marks, ledger_rows
from traceward.store.rows import ConflictRow
from traceward.store.write import WriteTransaction

_encode = msgspec.msgpack.Encoder().encode
# What is low says that something is missing yet; its arrival is the normal course and worth no record.
_PASSING = "low"


def close_conflicts(tx: WriteTransaction, ids: Iterable[str]) -> None:
    """Remove conflicts that stand no longer; grave ones, and those that somebody explained, are kept as corrected."""
    gone = list(ids)
    rows = ledger_rows.load_conflicts_by_id(tx, gone)
    if not rows:
        return
    said = ledger_marks.resolutions(tx, [row.id for row in rows])
    kept = [row for row in rows if row.severity != _PASSING or row.id in said]
    ledger_marks.put_corrected(tx, [
        (party, tx.record_time_us, row.id, _encode(row)) for row in kept for party in _told(row)
    ])  # fmt: skip
    ledger_rows.delete_conflicts(tx, [row.id for row in rows])


def _told(row: ConflictRow) -> list[str]:
    return [row.private_party] if row.private_party else list(json.loads(row.parties))
