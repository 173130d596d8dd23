"""Care of the ledger as a whole: fold it afresh, and say in a digest what it amounts to.

It must not change an event, and what it prints names no patient.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from traceward.ledger.statement import digests, stock_line, transfer_line
from traceward.services.identity.registry import Registry
from traceward.services.indexing import indexing
from traceward.store.engine import Store
from traceward.store.progress import Tell
from traceward.store.read import Reader
from traceward.store.rows import Balance, OwnershipTransfer
from traceward.store.write import WriteTransaction

_AT_ONCE: Final = 5000
_BALANCES: Final = (
    f"SELECT {','.join(Balance._fields)} FROM balance WHERE (record_key, slot) > (?,?)"  # noqa: S608
    " ORDER BY record_key, slot LIMIT ?"
)
_TRANSFERS: Final = (
    f"SELECT {','.join(OwnershipTransfer._fields)} FROM ownership_transfer WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Verification:
    """What the ledger's tables amount to: digests as 64 hexadecimal digits, and how many lines each is of."""

    stock: str
    stock_lines: int
    transfers: str
    transfer_lines: int


def rebuild(store: Store, registry: Registry, tell: Tell | None = None) -> int:
    """Fold every event afresh in one transaction; the number of events. Readers see the old ledger until it ends."""
    secret = store.secret_key
    return store.committer.run(lambda tx: indexing.rebuild(tx, registry, secret, tell))


def verify(store: Store) -> Verification:
    """The digests of stock and transfers, read from one snapshot, in bounded memory."""
    with store.reader(snapshot=True) as reader:
        return _amount_to(reader)


def replay(store: Store, registry: Registry, tell: Tell | None = None) -> Verification:
    """The digests that a fold of every event afresh would give; nothing is changed. Captures wait meanwhile."""
    secret = store.secret_key

    def unit(tx: WriteTransaction) -> None:
        indexing.rebuild(tx, registry, secret, tell)
        raise _Replayed(_amount_to(tx))

    try:
        store.committer.run(unit)
    except _Replayed as undone:
        return undone.found
    raise AssertionError("a replay ends by being undone")


class _Replayed(Exception):  # no error: it has the writer undo the replay
    def __init__(self, found: Verification) -> None:
        super().__init__()
        self.found = found


def _amount_to(reader: Reader | WriteTransaction) -> Verification:
    found = digests(_lines(reader))
    stock, transfers = found["stock"], found["transfer"]
    return Verification(stock.hexdigest(), stock.count, transfers.hexdigest(), transfers.count)


def _lines(reader: Reader | WriteTransaction) -> Iterator[str]:
    after: tuple[str, int] = ("", -1)
    while rows := [Balance(*row) for row in reader.fetch(_BALANCES, (*after, _AT_ONCE))]:
        yield from map(stock_line, rows)
        after = (rows[-1].record_key, rows[-1].slot)
    last = ""
    while moved := [OwnershipTransfer._make(row) for row in reader.fetch(_TRANSFERS, (last, _AT_ONCE))]:
        witnessed = reader.fetch_in("SELECT eid, seq FROM witness WHERE eid IN {in}", {row.eid for row in moved})
        seqs: dict[bytes, int] = {bytes(eid): seq for eid, seq in witnessed}
        names: dict[int, str] = dict(
            reader.fetch_in("SELECT seq, event_id FROM event WHERE seq IN {in}", set(seqs.values()))
        )
        event_ids = {eid: names[seq] for eid, seq in seqs.items()}
        yield from (transfer_line(row, event_ids) for row in moved)
        last = moved[-1].id
