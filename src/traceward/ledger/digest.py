"""The digest of a ledger: equal for equal ledgers, whatever the order in which events, sets or rows came.

It must not cover what a reader may see: `visible` is answered elsewhere, event by event.
"""

import dataclasses
import hashlib
from decimal import Decimal
from typing import Any

import msgspec

from traceward.epcis.decimals import normal_decimal
from traceward.ledger.state import Ledger, Record

_ENCODER = msgspec.json.Encoder(order="deterministic")


def ledger_digest(ledger: Ledger) -> bytes:
    """SHA-256 (32 bytes) over the ledger's records, conflicts, transfers and dealings in one canonical form.

    Decimals count by value: 20 and 20.0 are one quantity.
    """
    state = hashlib.sha256()
    rows: list[bytes] = []
    for key, record in sorted(ledger.records.items()):
        state.update(key.encode())
        state.update(canonical_record(record))
    rows += [_ENCODER.encode(_canonical(dataclasses.asdict(row))) for row in ledger.conflicts.values()]
    rows += [_ENCODER.encode(_canonical(dataclasses.asdict(row))) for row in ledger.transfers.values()]
    rows += [_ENCODER.encode(_canonical(dataclasses.asdict(row))) for row in ledger.dealings.values()]
    for encoded in sorted(rows):
        state.update(encoded)
    return state.digest()


def canonical_record(record: Record) -> bytes:
    """One record as canonical JSON."""
    return _ENCODER.encode(_canonical(msgspec.structs.asdict(record)))


def _canonical(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _canonical(msgspec.structs.asdict(value))
    if isinstance(value, dict):
        return {key: _canonical(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_canonical(entry) for entry in value]
    if isinstance(value, Decimal):
        return normal_decimal(value)
    if isinstance(value, bytes):
        return value.hex()
    return value
