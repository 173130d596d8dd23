"""Receipts and uses of goods that belong to another than their holder, as rows: what agreements are asked about.

Functions on a `WriteTransaction`. Whether a dealing is covered is not kept here: agreements change, dealings do not.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from traceward.store.connection import Row
from traceward.store.write import WriteTransaction


class DealingRow(NamedTuple):
    """One dealing with one item or class. gtin: 14 digits. what: received, used, lost or destroyed.

    sent_eid: of what was received, the event that had sent it.
    """

    id: str
    supplier: str
    hospital: str
    event_time_us: int
    eid: bytes
    key: str
    gtin: str
    place: str | None
    what: str
    sent_eid: bytes | None = None


_AT_ONCE: Final = 1000
_COLUMNS: Final = ",".join(DealingRow._fields)
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM ledger_dealing WHERE supplier=? AND hospital=?"  # noqa: S608
    " AND (event_time_us, id) > (?,?) ORDER BY event_time_us, id LIMIT ?"
)
_FIRST: Final = (
    f"SELECT {_COLUMNS} FROM ledger_dealing WHERE sent_eid=? AND supplier=? AND hospital=?"  # noqa: S608
    " ORDER BY event_time_us, id LIMIT 1"
)
_MISSING: Final = "status='in_transit' AND last_eid=? AND owner=? AND serial IS NOT NULL"
_NAMED: Final = f"SELECT record_key FROM balance WHERE {_MISSING} ORDER BY record_key LIMIT ?"  # noqa: S608
_COUNT: Final = f"SELECT COUNT(*) FROM balance WHERE {_MISSING}"  # noqa: S608


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
        rows = [_row(row) for row in tx.fetch(_PAGE, (supplier, hospital, *after, _AT_ONCE))]
        if rows:
            yield rows
        if len(rows) < _AT_ONCE:
            return
        after = (rows[-1].event_time_us, rows[-1].id)


class Underway(NamedTuple):
    """What a shipment sent and did not bring yet. keys: of the first serials that are missing; total: of all."""

    keys: tuple[str, ...]
    total: int


def pairs_of_shipment(tx: WriteTransaction, sent_eid: bytes) -> list[tuple[str, str]]:
    """(supplier, hospital) of what was received of a shipment."""
    sql = "SELECT DISTINCT supplier, hospital FROM ledger_dealing WHERE sent_eid=? ORDER BY supplier, hospital"
    return [(supplier, hospital) for supplier, hospital in tx.fetch(sql, (sent_eid,))]


def first_of_shipment(tx: WriteTransaction, sent_eid: bytes, supplier: str, hospital: str) -> DealingRow | None:
    """The first that a hospital received of a supplier's goods by a shipment."""
    rows = tx.fetch(_FIRST, (sent_eid, supplier, hospital))
    return _row(rows[0]) if rows else None


def underway(tx: WriteTransaction, sent_eid: bytes, owner: str, most: int) -> Underway:
    """The serials of an owner that a shipment sent and that are on their way still; `most` of them are named."""
    rows = tx.fetch(_NAMED, (sent_eid, owner, most))
    if not rows:
        return Underway((), 0)
    total = tx.fetch(_COUNT, (sent_eid, owner))[0][0]
    return Underway(tuple(key for (key,) in rows), total)


def shipments_underway(tx: WriteTransaction) -> list[bytes]:
    """The events that sent what is on its way."""
    sql = "SELECT DISTINCT last_eid FROM balance WHERE status='in_transit' AND serial IS NOT NULL"
    return sorted(bytes(eid) for (eid,) in tx.fetch(sql))


def _row(row: Row) -> DealingRow:
    found = DealingRow._make(row)
    return found._replace(eid=bytes(found.eid), sent_eid=bytes(found.sent_eid) if found.sent_eid is not None else None)
