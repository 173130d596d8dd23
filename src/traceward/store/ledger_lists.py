"""Lists of the ledger for one party: balances, ownership transfers, conflicts, each a bounded keyset page.

Functions on a `Reader`. A list never shows a row that does not name the party.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from traceward.store.read import Reader
from traceward.store.rows import Balance, ConflictRow, OwnershipTransfer

_BALANCE: Final = ",".join(Balance._fields)
_TRANSFER: Final = ",".join(OwnershipTransfer._fields)
_CONFLICT: Final = ",".join(ConflictRow._fields)

#: Said in full in index and query, so that the planner may use the partial indexes of what has not left stock.
IN_STOCK: Final = "status IN ('on_hand','in_transit','explanted')"

_OWNED: Final = f"SELECT {_BALANCE} FROM balance WHERE owner=?"  # noqa: S608
# Said in full, so that the planner may use the partial index of what is held for another.
_HELD: Final = f"SELECT {_BALANCE} FROM balance WHERE holder=? AND holder <> owner"  # noqa: S608

BalanceKey = tuple[str, str, int]
Span = tuple[str, str]
"""Places from the first on and before the second, in the order of their text."""


def stock_of_party(
    reader: Reader,
    party: str,
    *,
    place: str | None = None,
    gtin: str | None = None,
    lot: str | None = None,
    status: str | None = None,
    spans: Sequence[Span] | None = None,
    after: BalanceKey | None = None,
    limit: int = 1000,
) -> list[Balance]:
    """What a party owns or holds of what has not left stock, by (place, record key, slot); `after` is that
    key of the last row seen. A balance without a place counts as place "".

    place: canonical SGLN; gtin: 14 digits; lot: percent-encoded; spans: of places, sorted and apart. None asks for any.
    """
    asked = {"place": place, "gtin": gtin, "lot": lot, "status": status}
    fixed = {name: value for name, value in asked.items() if value is not None}
    tests = f" AND {IN_STOCK}" + "".join(f" AND {name}=?" for name in fixed)
    found: list[Balance] = []
    if spans is not None:
        for start, end in spans:
            if len(found) < limit and (after is None or after[0] < end):
                inside = f"{tests} AND place>=? AND place<?"
                params = [*fixed.values(), start, end]
                part: list[Balance] = []
                for sql in (_OWNED, _HELD):
                    part += _balance_page(reader, sql + inside, party, after, limit, placed=True, params=params)
                found += sorted(part, key=balance_key)
        return found[:limit]
    for sql in (_OWNED, _HELD):
        for placed in (False, True):
            if placed or place is None:
                found += _balance_page(
                    reader, sql + tests, party, after, limit, placed=placed, params=list(fixed.values())
                )
    return sorted(found, key=balance_key)[:limit]


def on_the_way_into(
    reader: Reader,
    party: str,
    start: str,
    end: str,
    *,
    after: BalanceKey | None = None,
    limit: int = 1000,
    **fixed: str,
) -> list[Balance]:
    """What is in transit to places from start on and before end, and that a party neither owns nor holds.

    In the order of `stock_of_party`; fixed: values of place, gtin, lot and status, as there.
    """
    tests = "".join(f" AND {name}=?" for name in fixed)
    params: list[object] = [start, end, party, party, *fixed.values()]
    if after is not None:
        tests += " AND (place, record_key, slot) > (?,?,?)"
        params += after
    sql = (
        f"SELECT {_BALANCE} FROM balance WHERE status='in_transit' AND place>=? AND place<?"  # noqa: S608
        f" AND owner<>? AND holder<>?{tests} ORDER BY place, record_key, slot LIMIT ?"
    )
    return [Balance(*row) for row in reader.fetch(sql, (*params, limit))]


def record_states(reader: Reader, keys: Iterable[str]) -> dict[str, bytes]:
    """The stored states of the ledger's records of these keys, for those that are there; opaque here."""
    sql = "SELECT key, state FROM ledger_record WHERE key IN {in}"
    return {key: bytes(state) for key, state in reader.fetch_in(sql, keys)}


def stored_facts(reader: Reader, eids: Iterable[bytes]) -> dict[bytes, bytes]:
    """The ledger's facts of the events of these contents, as they are stored; opaque here."""
    sql = "SELECT w.eid, e.facts FROM witness w JOIN event e ON e.seq = w.seq WHERE w.eid IN {in}"
    return {bytes(eid): bytes(facts) for eid, facts in reader.fetch_in(sql, eids) if facts is not None}


def balance_key(row: Balance) -> BalanceKey:
    """The place of a balance in `stock_of_party`."""
    return (row.place or "", row.record_key, row.slot)


def _balance_page(
    reader: Reader,
    sql: str,
    party: str,
    after: BalanceKey | None,
    limit: int,
    *,
    placed: bool,
    params: Sequence[object] = (),
) -> list[Balance]:
    tests = " AND place IS NOT NULL" if placed else " AND place IS NULL"
    params = [party, *params]
    order = "place, record_key, slot" if placed else "record_key, slot"
    if after is not None:
        place, record_key, slot = after
        if placed:
            tests += " AND (place, record_key, slot) > (?,?,?)"
            params += [place, record_key, slot]
        elif place:
            return []
        else:
            tests += " AND (record_key, slot) > (?,?)"
            params += [record_key, slot]
    rows = reader.fetch(f"{sql}{tests} ORDER BY {order} LIMIT ?", [*params, limit])
    return [Balance(*row) for row in rows]


def balances_of_lot(reader: Reader, party: str, gtin: str, lot: str, *, limit: int = 10_000) -> list[Balance]:
    """What a party owns or holds of one lot, serials included, by record key and slot."""
    tests = " AND gtin=? AND lot=? ORDER BY owner, record_key, slot LIMIT ?"
    rows = [row for sql in (_OWNED, _HELD) for row in reader.fetch(sql + tests, (party, gtin, lot, limit))]
    return sorted((Balance(*row) for row in rows), key=lambda row: (row.record_key, row.slot))[:limit]


def balances_in_container(reader: Reader, party: str, container: str, *, limit: int = 10_000) -> list[Balance]:
    """What a party owns or holds directly in one container, by record key and slot."""
    tests = " AND container=? ORDER BY owner, record_key, slot LIMIT ?"
    rows = [row for sql in (_OWNED, _HELD) for row in reader.fetch(sql + tests, (party, container, limit))]
    return sorted((Balance(*row) for row in rows), key=lambda row: (row.record_key, row.slot))[:limit]


def transfers_of_party(
    reader: Reader,
    party: str,
    *,
    from_us: int,
    before_us: int,
    after: tuple[int, str] | None = None,
    limit: int = 1000,
) -> list[OwnershipTransfer]:
    """Ownership transfers from or to a party in a half-open time range, by (event time, id)."""
    found: set[OwnershipTransfer] = set()
    tests, params = "event_time_us>=? AND event_time_us<?", [from_us, before_us]
    if after is not None:
        tests += " AND (event_time_us, id) > (?,?)"
    for column in ("from_party", "to_party"):
        sql = (
            f"SELECT {_TRANSFER} FROM ownership_transfer WHERE {column}=? AND {tests}"  # noqa: S608
            " ORDER BY event_time_us, id LIMIT ?"
        )
        rows = reader.fetch(sql, (party, *params, *(after or ()), limit))
        found.update(OwnershipTransfer._make((*row[:-1], bool(row[-1]))) for row in rows)
    return sorted(found, key=lambda row: (row.event_time_us, row.id))[:limit]


def conflicts_of_party(
    reader: Reader, party: str, *, after: tuple[int, str] | None = None, limit: int = 1000
) -> list[ConflictRow]:
    """Conflicts that name a party or are its own private ones, newest event first; `after`: (event time, id)."""
    tests = "" if after is None else " AND (event_time_us, conflict_id) < (?,?)"
    listed = reader.fetch(
        f"SELECT conflict_id FROM conflict_party WHERE party=?{tests}"  # noqa: S608
        " ORDER BY event_time_us DESC, conflict_id DESC LIMIT ?",
        (party, *(after or ()), limit),
    )
    rows = reader.fetch_in(f"SELECT {_CONFLICT} FROM conflict WHERE id IN {{in}}", [row[0] for row in listed])  # noqa: S608
    found = {row[0]: ConflictRow(*row) for row in rows}
    return [found[row[0]] for row in listed if row[0] in found]
