"""Statements about alerts and about what their rules read: each bounded by a party, a product or a count.

They decide nothing; a list never shows a row whose party columns do not name the party.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypedDict

from traceward.store import counters
from traceward.store.agreement_models import Alert, AlertAcknowledgement, AlertScope
from traceward.store.ledger_lists import IN_STOCK
from traceward.store.read import Reader
from traceward.store.rows import Balance, LedgerRecord, OwnershipTransfer
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction

CURSOR: Final = "alerts_seq"
"""The counter that says up to which event the products that alerts are about were marked."""

_ALERT: Final = tuple(Alert.model_fields)
_ALERTS: Final = f"SELECT {','.join(_ALERT)} FROM alert"  # noqa: S608
_SCOPES: Final = f"SELECT {','.join(AlertScope.model_fields)} FROM alert_scope"  # noqa: S608
_BALANCES: Final = f"SELECT {','.join(Balance._fields)} FROM balance"  # noqa: S608
_RECORDS: Final = f"SELECT {','.join(LedgerRecord._fields)} FROM ledger_record"  # noqa: S608
# By lot first, which is the order of their index: any other would read all records.
RECORDS_OF_PRODUCT: Final = f"{_RECORDS} WHERE gtin=? AND kind=? ORDER BY lot, key LIMIT ?"
"""The ledger's records of one kind of a product."""
_RECORDS_OF_LOT: Final = f"{_RECORDS} WHERE gtin=? AND lot=? AND kind=? ORDER BY key LIMIT ?"
TRANSFORMED: Final = (
    "SELECT record_key, lot FROM balance WHERE gtin=? AND holder=? AND status='transformed'"
    " ORDER BY lot, owner, record_key, slot LIMIT ?"
)
"""What a party has made something else of, of a product; in the order of its index."""
_TRANSFERS: Final = f"SELECT {','.join(OwnershipTransfer._fields)} FROM ownership_transfer"  # noqa: S608
_MARK: Final = (
    "INSERT INTO alert_scope (scope, supplier, hospital, gtin, marked, next_us) VALUES (?,?,?,?,1,0)"
    " ON CONFLICT (scope) DO UPDATE SET marked = alert_scope.marked + 1, next_us = 0"
)
_GRAI: Final = "https://id.gs1.org/8003/"
_NEVER: Final = 1 << 62


class AlertColumns(TypedDict):
    """The columns of an alert, as `agreement_models.Alert` has them; thousands are compared at a look."""

    id: str
    base: str
    number: int
    scope: str
    kind: str
    severity: str
    sight: str
    agreement_id: str | None
    supplier: str
    hospital: str
    responsible: str
    subject: str
    place: str | None
    gtin: str | None
    message: str
    detail: str
    evidence: str
    due_us: int | None
    opened_us: int
    closed_us: int | None


class Wanted(NamedTuple):
    """Which alerts are asked for; None asks for any. open_only: True, False (closed ones) or None (both)."""

    open_only: bool | None
    kind: str | None
    place: str | None
    gtin: str | None
    agreement_id: str | None
    responsible: str | None


# ---------------------------------------------------------------------------------------------------------- alerts


def alerts_of_party(
    reader: Reader, party: str, sights: Sequence[str], wanted: Wanted, after: tuple[int, str] | None, limit: int
) -> list[Alert]:
    """The alerts that a party reads, the newest first; `after`: (opened_us, id) of the last one seen."""
    tests, params = "", list[object]()
    for column in ("kind", "place", "gtin", "agreement_id", "responsible"):
        value = getattr(wanted, column)
        if value is not None:
            tests += f" AND {column}=?"
            params.append(value)
    if wanted.open_only is not None:
        tests += " AND closed_us IS NULL" if wanted.open_only else " AND closed_us IS NOT NULL"
    if after is not None:
        tests += " AND (opened_us, id) < (?,?)"
        params += after
    tests += f" AND sight IN ({','.join('?' for _ in sights)}) ORDER BY opened_us DESC, id DESC LIMIT ?"
    found: dict[str, Alert] = {}
    for column in ("supplier", "hospital"):
        for row in reader.fetch(f"{_ALERTS} WHERE {column}=?{tests}", (party, *params, *sights, limit)):
            alert = _alert(row)
            found[alert.id] = alert
    return sorted(found.values(), key=lambda one: (one.opened_us, one.id), reverse=True)[:limit]


def open_in_scope(reader: Reader, scope: str) -> list[AlertColumns]:
    """The open alerts of a scope."""
    rows = reader.fetch(f"{_ALERTS} WHERE scope=? AND closed_us IS NULL", (scope,))
    return [AlertColumns(**dict(zip(_ALERT, row, strict=True))) for row in rows]  # type: ignore[typeddict-item]


def put_alerts(tx: WriteTransaction, rows: Sequence[AlertColumns]) -> None:
    """Insert alerts, each in place of the one with its id."""
    tx.write("alert", _ALERT, [tuple(row[name] for name in _ALERT) for row in rows], "replace")  # type: ignore[literal-required]


def last_numbers(reader: Reader, bases: Iterable[str]) -> dict[str, int]:
    """How often each of these alerts has opened, for those that ever did."""
    return dict(reader.fetch_in("SELECT base, MAX(number) FROM alert WHERE base IN {in} GROUP BY base", bases))


def acknowledged_bases(reader: Reader, scope: str) -> set[tuple[str, str]]:
    """(base, party) of the acknowledgements of a scope's alerts."""
    sql = "SELECT a.base, k.party FROM alert a JOIN alert_acknowledgement k ON k.alert_id=a.id WHERE a.scope=?"
    return {(base, party) for base, party in reader.fetch(sql, (scope,))}


def acknowledgements(reader: Reader, ids: Iterable[str]) -> dict[str, list[AlertAcknowledgement]]:
    """The acknowledgements of each of these alerts, by time."""
    columns = tuple(AlertAcknowledgement.model_fields)
    rows = reader.fetch_in(f"SELECT {','.join(columns)} FROM alert_acknowledgement WHERE alert_id IN {{in}}", ids)  # noqa: S608
    found: dict[str, list[AlertAcknowledgement]] = {}
    for row in sorted(rows, key=lambda row: (row[-1], row[1])):
        found.setdefault(row[0], []).append(AlertAcknowledgement(**dict(zip(columns, row, strict=True))))
    return found


# ---------------------------------------------------------------------------------------------------------- scopes


def scope_name(supplier: str, hospital: str, gtin: str) -> str:
    """The key of a product between a pair of parties; gtin "": of the pair as such."""
    return f"{supplier}|{hospital}|{gtin}"


def mark(tx: WriteTransaction, scopes: Iterable[tuple[str, str, str]]) -> None:
    """Note that these (supplier, hospital, GTIN) are to be looked at; a scope that is marked already stays so."""
    for supplier, hospital, gtin in sorted(set(scopes)):
        tx.execute(_MARK, (scope_name(supplier, hospital, gtin), supplier, hospital, gtin))


def due_scopes(reader: Reader, now_us: int, limit: int) -> list[AlertScope]:
    """Scopes whose alerts are to be looked at by now, the longest due first."""
    rows = reader.fetch(f"{_SCOPES} WHERE next_us<=? ORDER BY next_us, scope LIMIT ?", (now_us, limit))
    return [AlertScope(**dict(zip(AlertScope.model_fields, row, strict=True))) for row in rows]


def settle_scope(tx: WriteTransaction, scope: AlertScope, next_us: int | None) -> bool:
    """Whether nothing has touched the scope since it was read; then it rests until next_us (None: until marked)."""
    sql = "UPDATE alert_scope SET marked=marked+1, next_us=? WHERE scope=? AND marked=?"
    return tx.execute(sql, (_NEVER if next_us is None else next_us, scope.scope, scope.marked)) > 0


def cursor(source: Reader | WriteTransaction) -> int:
    """Up to which event number scopes were marked."""
    return counters.value_of(source, CURSOR)


def move_cursor(tx: WriteTransaction, seq: int) -> None:
    """Remember that scopes were marked up to an event number; it never goes back."""
    tx.write("counter", ("name", "value"), [(CURSOR, max(seq, cursor(tx)))], "replace")


# ----------------------------------------------------------------------------------------------------------- facts


def mark_all(tx: WriteTransaction) -> None:
    """Note that every scope is to be looked at: who takes part has changed."""
    tx.execute("UPDATE alert_scope SET marked=marked+1, next_us=0")


def touch(tx: WriteTransaction, seqs: Iterable[int]) -> None:
    """Note that stored events count anew."""
    tx.write("alert_touched", ("seq",), [(seq,) for seq in sorted(set(seqs))], "nothing")


def touched(reader: Reader, limit: int) -> list[tuple[int, bytes | None]]:
    """(number, facts) of events that count anew."""
    seqs = [seq for (seq,) in reader.fetch("SELECT seq FROM alert_touched ORDER BY seq LIMIT ?", (limit,))]
    rows = reader.fetch_in("SELECT seq, facts FROM event WHERE seq IN {in}", seqs)
    return sorted((number, None if facts is None else bytes(facts)) for number, facts in rows)


def forget_touched(tx: WriteTransaction, seqs: Iterable[int]) -> None:
    """Remove what was marked."""
    tx.execute_in("DELETE FROM alert_touched WHERE seq IN {in}", seqs)


def facts_naming(reader: Reader, keys: Iterable[str], limit: int) -> list[bytes]:
    """The facts of events that name these items or containers, up to a number of them."""
    hashes = sorted({key_hash(key) for key in keys})
    seqs = sorted({seq for (seq,) in reader.fetch_in("SELECT seq FROM stream WHERE key_hash IN {in}", hashes)})
    rows = reader.fetch_in("SELECT facts FROM event WHERE seq IN {in}", seqs[-limit:])
    return [bytes(facts) for (facts,) in rows if facts is not None]


def newest_naming(reader: Reader, key: str, limit: int) -> list[bytes]:
    """The facts of the newest events, by event time, that name this item or class."""
    tests = "s.key_hash=? AND e.facts IS NOT NULL ORDER BY s.event_time_us DESC, s.seq DESC LIMIT ?"
    sql = f"SELECT e.facts FROM stream s JOIN event e ON e.seq=s.seq WHERE {tests}"  # noqa: S608
    return [bytes(facts) for (facts,) in reader.fetch(sql, (key_hash(key), limit))]


def products_at(reader: Reader, hospital: str, place: str) -> set[str]:
    """The GTINs of what a hospital holds of others' goods at a place."""
    sql = f"SELECT DISTINCT gtin FROM balance WHERE holder=? AND holder <> owner AND {IN_STOCK} AND place=?"  # noqa: S608
    return {gtin for (gtin,) in reader.fetch(sql, (hospital, place)) if gtin is not None}


def assets_of(reader: Reader, owner: str, limit: int) -> list[str]:
    """The returnable assets (GRAI) that a party owns, wherever they are."""
    sql = "SELECT record_key FROM balance WHERE record_key>=? AND record_key<? AND owner=? ORDER BY record_key LIMIT ?"
    return [key for (key,) in reader.fetch(sql, (_GRAI, _GRAI[:-1] + "0", owner, limit))]


def events_behind(reader: Reader, seq: int, limit: int) -> list[tuple[int, bytes | None]]:
    """(number, facts) of the events behind a number, in order."""
    sql = "SELECT seq, facts FROM event WHERE seq>? ORDER BY seq LIMIT ?"
    return [(number, None if facts is None else bytes(facts)) for number, facts in reader.fetch(sql, (seq, limit))]


def consigned(reader: Reader, supplier: str, hospital: str, gtin: str | None) -> list[Balance]:
    """What a hospital holds of a supplier's goods of one product (None: containers and assets) and has not used up."""
    product, params = ("gtin=?", [gtin]) if gtin is not None else ("gtin IS NULL", [])
    held = f"{_BALANCES} WHERE holder=? AND holder <> owner AND {IN_STOCK} AND owner=? AND {product}"
    return [Balance(*row) for row in reader.fetch(held, (hospital, supplier, *params))]


def consigned_at(reader: Reader, supplier: str, hospital: str, place: str) -> list[str]:
    """The quantities of a supplier's goods that lie at a place of a hospital."""
    sql = "SELECT quantity FROM balance WHERE holder=? AND owner=? AND status='on_hand' AND place=?"
    return [str(quantity) for (quantity,) in reader.fetch(sql, (hospital, supplier, place))]


def on_the_way(reader: Reader, supplier: str, gtin: str | None) -> list[Balance]:
    """What a supplier owns of one product and has sent, wherever to."""
    product, params = ("gtin=?", [gtin]) if gtin is not None else ("gtin IS NULL", [])
    sent = f"{_BALANCES} WHERE owner=? AND {IN_STOCK} AND status='in_transit' AND {product}"
    return [Balance(*row) for row in reader.fetch(sent, (supplier, *params))]


def records(reader: Reader, keys: Iterable[str]) -> dict[str, LedgerRecord]:
    """The ledger's records of those keys that have one."""
    return {row[0]: LedgerRecord(*row) for row in reader.fetch_in(f"{_RECORDS} WHERE key IN {{in}}", keys)}


def transformed(reader: Reader, holder: str, gtin: str, limit: int) -> list[tuple[str, str | None]]:
    """The items and classes of a product, with lots, of which a party has made something else."""
    rows = reader.fetch(TRANSFORMED, (gtin, holder, limit))
    return sorted({(key.partition("|")[0], lot) for key, lot in rows})


def records_of_product(reader: Reader, gtin: str, lot: str | None, kind: int, limit: int) -> list[LedgerRecord]:
    """The ledger's records of one kind of a product, or of a lot of it."""
    if lot is None:
        rows = reader.fetch(RECORDS_OF_PRODUCT, (gtin, kind, limit))
    else:
        rows = reader.fetch(_RECORDS_OF_LOT, (gtin, lot, kind, limit))
    return sorted((LedgerRecord(*row) for row in rows), key=lambda one: one.key)


def passings(reader: Reader, supplier: str, hospital: str, since_us: int, limit: int) -> list[OwnershipTransfer]:
    """The passings of ownership from a supplier to a hospital since a time that count for money, the newest first."""
    tests = "from_party=? AND to_party=? AND event_time_us>=? ORDER BY event_time_us DESC, id DESC LIMIT ?"
    sql = f"{_TRANSFERS} WHERE {tests}"
    rows = reader.fetch(sql, (supplier, hospital, since_us, limit))
    return [one for row in rows if not (one := OwnershipTransfer._make((*row[:-1], bool(row[-1])))).voided]


def numbers_of(reader: Reader, eids: Iterable[bytes]) -> dict[bytes, int]:
    """The event number of each of these contents."""
    return {bytes(eid): seq for eid, seq in reader.fetch_in("SELECT eid, seq FROM witness WHERE eid IN {in}", eids)}


def acknowledged_notices(reader: Reader, party: str, notices: Iterable[str]) -> set[tuple[str, str]]:
    """(issuer, number) of those recall notices with these numbers of which a party has said that it took any step."""
    sql = "SELECT DISTINCT issuer, notice FROM recall_acknowledgement WHERE party=? AND notice IN {in}"
    return {(issuer, notice) for issuer, notice in reader.fetch_in(sql, notices, (party,))}


def links_in_error(reader: Reader, hospital: str, keys: Iterable[str]) -> set[tuple[str, bytes]]:
    """(key, eid) of the private events that tie one of these items to a patient by a use declared in error."""
    sql = (
        "SELECT k.key, c.eids FROM conflict_key k JOIN conflict c ON c.id=k.conflict_id"
        " WHERE c.kind='link_of_corrected_use' AND c.private_party=? AND k.key IN {in}"
    )
    return {(key, bytes.fromhex(json.loads(eids)[0])) for key, eids in reader.fetch_in(sql, keys, (hospital,))}


def conflict_rows_of(reader: Reader, party: str, kinds: Sequence[str], limit: int) -> list[tuple[str, ...]]:
    """(kind, keys, eids, parties, private_party, message, event_time_us) of a party's newest conflicts of kinds."""
    sql = (
        "SELECT c.kind, c.keys, c.eids, c.parties, c.private_party, c.message, c.event_time_us FROM conflict_party p"
        " JOIN conflict c ON c.id=p.conflict_id WHERE p.party=?"
        " ORDER BY p.event_time_us DESC, p.conflict_id DESC LIMIT ?"
    )
    return [tuple(row) for row in reader.fetch(sql, (party, limit)) if row[0] in kinds]


def _alert(row: Sequence[Any]) -> Alert:
    return Alert(**dict(zip(_ALERT, row, strict=True)))
