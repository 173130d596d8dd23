"""Receipts and uses of goods that belong to another than their holder, as rows: what agreements are asked about.

Functions on a `WriteTransaction`. Whether a dealing is covered is not kept here: agreements change, dealings do not.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from traceward.store.write import WriteTransaction


class DealingRow(NamedTuple):
    """One dealing with one item or class. gtin: 14 digits. what: received, used, lost or destroyed."""

    id: str
    supplier: str
    hospital: str
    event_time_us: int
    eid: bytes
    key: str
    gtin: str
    place: str | None
    what: str


_AT_ONCE: Final = 1000
_COLUMNS: Final = ",".join(DealingRow._fields)
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM ledger_dealing WHERE supplier=? AND hospital=?"  # noqa: S608
    " AND (event_time_us, id) > (?,?) ORDER BY event_time_us, id LIMIT ?"
)


def put_dealings(tx: WriteTransaction, rows: Sequence[DealingRow]) -> None:
    """Insert dealings; one that is there already stays."""
    tx.write("ledger_dealing", DealingRow._fields, rows, "nothing")


def delete_dealings(tx: WriteTransaction, ids: Iterable[str]) -> None:
    """Remove the dealings of these ids."""
    tx.execute_in("DELETE FROM ledger_dealing WHERE id IN {in}", ids)


def dealings_of(tx: WriteTransaction, supplier: str, hospital: str, from_us: int) -> Iterator[list[DealingRow]]:
    """A hospital's dealings with a supplier's goods at or after a time, by time, in parts of bounded size."""
    after: tuple[int, str] = (from_us, "")
    while True:
        rows = [
            DealingRow._make(row)._replace(eid=bytes(row[4]))
            for row in tx.fetch(_PAGE, (supplier, hospital, *after, _AT_ONCE))
        ]
        if rows:
            yield rows
        if len(rows) < _AT_ONCE:
            return
        after = (rows[-1].event_time_us, rows[-1].id)
