"""The ledger's state as lines of text, and the digests of them that an independent replay can reproduce.

It must not fold, and no line has an identifier of this server's own making: docs/ledger.md says how each is made.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from traceward.epcis.decimals import normal_decimal
from traceward.ledger.persistence import balance_rows, transfer_row
from traceward.ledger.state import Ledger, item_of
from traceward.store.rows import Balance, OwnershipTransfer

_MODULUS = 1 << 256


class LineDigest:
    """A digest of a set of lines that comes out the same in whatever order they are added."""

    def __init__(self) -> None:
        self._sum = 0
        self.count = 0

    def add(self, line: str) -> None:
        """Take up one line: the sum of all lines' SHA-256, as numbers, modulo 2 to the power of 256."""
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(line.encode()).digest(), "big")) % _MODULUS
        self.count += 1

    def hexdigest(self) -> str:
        """64 hexadecimal digits."""
        return f"{self._sum:064x}"


def stock_line(row: Balance) -> str:
    """A balance as a line: what, whose, with whom, where, in what, status, flags, how much, unit."""
    container = item_of(row.container) if row.container is not None else ""
    parts = (
        "stock", item_of(row.record_key), row.owner, row.holder, row.place or "", container, row.status, row.flags,
        normal_decimal(Decimal(row.quantity)), row.uom or "",
    )  # fmt: skip
    return "\t".join(parts)


def transfer_line(row: OwnershipTransfer, event_ids: Mapping[bytes, str]) -> str:
    """A passing of ownership as a line: by which event, of what, from whom, to whom, how much, unit, does it count."""
    parts = (
        "transfer", event_ids[bytes(row.eid)], row.key, row.from_party, row.to_party,
        normal_decimal(Decimal(row.quantity)), row.uom or "", "void" if row.voided else "counts",
    )  # fmt: skip
    return "\t".join(parts)


def lines_of(ledger: Ledger, event_ids: Mapping[bytes, str]) -> Iterator[str]:
    """The lines of a folded ledger; event_ids: eid -> eventID."""
    for record in ledger.records.values():
        yield from (stock_line(row) for row in balance_rows(record))
    for transfer in ledger.transfers.values():
        yield transfer_line(transfer_row(transfer), event_ids)


def digests(lines: Iterable[str]) -> dict[str, LineDigest]:
    """The digest of the stock lines and that of the transfer lines."""
    found: dict[str, Any] = {"stock": LineDigest(), "transfer": LineDigest()}
    for line in lines:
        found[line.partition("\t")[0]].add(line)
    return found
