"""What money is settled from and by: passings of ownership of given events or between two parties, settled lines.

Functions on a `Reader`; a list never shows a row that does not name the party or parties asked for.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from traceward.store.read import Reader
from traceward.store.rows import Balance, OwnershipTransfer

_TRANSFER: Final = ",".join(OwnershipTransfer._fields)
_BALANCE: Final = ",".join(Balance._fields)


def transfers_at(reader: Reader, party: str, times_us: Iterable[int]) -> list[OwnershipTransfer]:
    """The passings of ownership from or to a party by events of these very times, by (event time, id)."""
    wanted = sorted(set(times_us))
    found: set[OwnershipTransfer] = set()
    for column in ("from_party", "to_party"):
        sql = f"SELECT {_TRANSFER} FROM ownership_transfer WHERE {column}=? AND event_time_us IN {{in}}"  # noqa: S608
        rows = reader.fetch_in(sql, wanted, (party,))
        found.update(OwnershipTransfer._make((*row[:-1], bool(row[-1]))) for row in rows)
    return sorted(found, key=lambda row: (row.event_time_us, row.id))


def transfers_between(
    reader: Reader,
    supplier: str,
    hospital: str,
    *,
    from_us: int,
    before_us: int,
    after: tuple[int, str] | None = None,
    limit: int = 1000,
) -> list[OwnershipTransfer]:
    """Ownership that passed from a supplier to a hospital in a half-open time range, by (event time, id)."""
    tests = "" if after is None else " AND (event_time_us, id) > (?,?)"
    rows = reader.fetch(
        f"SELECT {_TRANSFER} FROM ownership_transfer WHERE from_party=? AND to_party=?"  # noqa: S608
        f" AND event_time_us>=? AND event_time_us<?{tests} ORDER BY event_time_us, id LIMIT ?",
        (supplier, hospital, from_us, before_us, *(after or ()), limit),
    )
    return [OwnershipTransfer._make((*row[:-1], bool(row[-1]))) for row in rows]


def balances_of_records(reader: Reader, party: str, record_keys: Iterable[str]) -> list[Balance]:
    """What a party owns or holds of these ledger records, what has left stock included, by record key and slot."""
    sql = f"SELECT {_BALANCE} FROM balance WHERE record_key IN {{in}}"  # noqa: S608
    rows = [Balance(*row) for row in reader.fetch_in(sql, sorted(set(record_keys)))]
    own = [row for row in rows if party in (row.owner, row.holder)]
    return sorted(own, key=lambda row: (row.record_key, row.slot))


def amounts_of_conflicts(reader: Reader, party: str, ids: Iterable[str]) -> dict[str, Decimal]:
    """The amount that each of these conflicts tells, of those of which the party may be told."""
    rows = reader.fetch_in("SELECT id, parties, detail FROM conflict WHERE id IN {in}", sorted(set(ids)))
    told = {name: json.loads(detail).get("quantity") for name, parties, detail in rows if party in json.loads(parties)}
    return {name: Decimal(quantity) for name, quantity in told.items() if quantity is not None}


def settled_lines(reader: Reader, party: str, line_keys: Iterable[str]) -> list[tuple[str, str]]:
    """(line key, quantity) of every settlement line of these uses, of settlements that the party takes part in."""
    sql = "SELECT line_key, quantity, settlement_id FROM settlement_line WHERE line_key IN {in}"
    rows = reader.fetch_in(sql, sorted(set(line_keys)))
    parties = "SELECT id, supplier, hospital FROM settlement WHERE id IN {in}"
    known = reader.fetch_in(parties, sorted({row[2] for row in rows}))
    own = {name for name, supplier, hospital in known if party in (supplier, hospital)}
    return [(key, quantity) for key, quantity, name in rows if name in own]


def settled_of_agreement(reader: Reader, key: str) -> list[tuple[str, str, str | None, str | None, str]]:
    """(line key, quantity, amount, currency, period) of every line of an agreement's settlements. key: its key."""
    rows = reader.fetch(
        "SELECT line_key, quantity, amount, currency, period FROM settlement_line WHERE agreement_id=?"
        " ORDER BY line_key, settlement_id, number",
        (key,),
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def settlements_of_agreement(reader: Reader, key: str) -> list[tuple[str, int, str]]:
    """(period, number, digest) of an agreement's settlements, by number. key: its key."""
    sql = "SELECT period, number, digest FROM settlement WHERE agreement_id=?"
    return sorted(((row[0], row[1], row[2]) for row in reader.fetch(sql, (key,))), key=lambda row: row[1])


def settlements_of_party(reader: Reader, party: str, most: int) -> list[str]:
    """The ids of the newest settlements that a party takes part in."""
    found: list[tuple[int, str]] = []
    for side in ("supplier", "hospital"):
        sql = f"SELECT created_us, id FROM settlement WHERE {side}=? ORDER BY created_us DESC, id DESC LIMIT ?"  # noqa: S608
        found += [(created_us, name) for created_us, name in reader.fetch(sql, (party, most))]
    return [name for _, name in sorted(found, reverse=True)[:most]]


def event_numbers(reader: Reader, eids: Iterable[bytes]) -> list[int]:
    """The numbers of the events of these contents, in order."""
    rows = reader.fetch_in("SELECT seq FROM witness WHERE eid IN {in}", sorted(set(eids)))
    return sorted({row[0] for row in rows})
