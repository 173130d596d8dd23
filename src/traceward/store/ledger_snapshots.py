"""Earlier states of ledger records: rows in and out. Which are kept, and what they mean, is the ledger's affair.

Functions on a `WriteTransaction`. A state must never be read for a time that its row does not cover.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from traceward.store.write import WriteTransaction


class Snapshot(NamedTuple):
    """A record's state after everything before any time t with since_us < t <= until_us; microseconds UTC."""

    key: str
    until_us: int
    since_us: int
    state: bytes


_NEXT: Final = (
    "SELECT key, until_us, since_us, state FROM ledger_snapshot WHERE key=? AND until_us>=? ORDER BY until_us LIMIT 1"
)
_LAST: Final = "SELECT MAX(until_us) FROM ledger_snapshot WHERE key=? AND until_us<?"
_FIRST_EVENT: Final = "SELECT MIN(event_time_us) FROM stream WHERE key_hash=?"
_SEQS: Final = "SELECT seq FROM stream WHERE event_time_us>=? AND key_hash IN {in}"
_FIRST_CLAIM: Final = (
    "SELECT MIN(c.event_time_us) FROM conflict_key k JOIN conflict c ON c.id=k.conflict_id"
    " JOIN conflict_party p ON p.conflict_id=c.id AND p.event_time_us=c.event_time_us"
    " WHERE k.key=? AND p.party=? AND c.kind='claimed'"
)
_PRIVATE_SEQS: Final = (
    "SELECT s.seq FROM stream s JOIN event e ON e.seq=s.seq"
    " WHERE e.private AND s.event_time_us>=? AND s.key_hash IN {in}"
)


def put_snapshots(tx: WriteTransaction, snapshots: Sequence[Snapshot]) -> None:
    """Keep states, each in place of the one with its key and end."""
    tx.write("ledger_snapshot", Snapshot._fields, snapshots, "replace")


def drop_snapshots(tx: WriteTransaction, keys: Iterable[str], from_us: int) -> None:
    """Forget the states of these records that end at from_us or later."""
    tx.execute_in("DELETE FROM ledger_snapshot WHERE until_us>=? AND key IN {in}", keys, (from_us,))


def snapshot_at(tx: WriteTransaction, key: str, time_us: int) -> Snapshot | None:
    """The state of a record after everything before a time, where it is kept."""
    for row in tx.fetch(_NEXT, (key, time_us)):
        found = Snapshot(row[0], row[1], row[2], bytes(row[3]))
        return found if found.since_us < time_us else None
    return None


def last_end_before(tx: WriteTransaction, key: str, time_us: int) -> int | None:
    """The latest time before time_us at which a kept state of the record ends."""
    end: int | None = tx.fetch(_LAST, (key, time_us))[0][0]
    return end


def first_event_us(tx: WriteTransaction, key_hash: int) -> int | None:
    """The time of the first event in a ledger key's stream."""
    first: int | None = tx.fetch(_FIRST_EVENT, (key_hash,))[0][0]
    return first


def first_claim_us(tx: WriteTransaction, key: str, party: str) -> int | None:
    """The time of the first event that claims something of a ledger key, of those conflicts that a party is told of."""
    first: int | None = tx.fetch(_FIRST_CLAIM, (key, party))[0][0]
    return first


def seqs_from(tx: WriteTransaction, key_hashes: Iterable[int], from_us: int) -> set[int]:
    """The numbers of the events at or after a time in the streams of these ledger keys."""
    return {seq for (seq,) in tx.fetch_in(_SEQS, key_hashes, (from_us,))}


def private_seqs_from(tx: WriteTransaction, key_hashes: Iterable[int], from_us: int) -> set[int]:
    """Those of `seqs_from` that are of private events."""
    return {seq for (seq,) in tx.fetch_in(_PRIVATE_SEQS, key_hashes, (from_us,))}
