"""What was told before the relation that makes it count was proven, and which items a statement on a class concerns.

It must not fold anything: it finds keys, and reads no events but those that stated something of a class in vain.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from traceward.ledger import closure, stream
from traceward.ledger.facts import PRODUCT_END, LedgerEvent, class_keys, class_parts, item_keys
from traceward.ledger.notices import serials_of_notice
from traceward.ledger.serials import within
from traceward.ledger.state import item_of
from traceward.store.write import WriteTransaction

# Conflicts that another proven relation can settle.
_UNPROVEN = ("claimed", "first_seen", "lot_short")
_CLAIMS = (
    "SELECT k.key, c.eids FROM conflict_key k JOIN conflict c ON c.id=k.conflict_id"
    " WHERE c.kind='claimed' AND k.key IN {in}"
)


def unproven_keys(tx: WriteTransaction, new: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The keys of which a party claimed something that a newly proven relation may bear out, each with the time of the
    first event that contradicts anything about it. new: (owner, consignee).
    """
    consignees = {consignee for _, consignee in new}
    found = tx.fetch_in("SELECT conflict_id FROM conflict_party WHERE party IN {in}", consignees)
    ids = {row[0] for row in found}
    unproven = {
        row[0] for row in tx.fetch_in("SELECT id, kind FROM conflict WHERE id IN {in}", ids) if row[1] in _UNPROVEN
    }
    touched = {row[0] for row in tx.fetch_in("SELECT key FROM conflict_key WHERE conflict_id IN {in}", unproven)}
    first: dict[str, int] = {}
    contradicted = (
        "SELECT k.key, c.event_time_us FROM conflict_key k JOIN conflict c ON c.id=k.conflict_id WHERE k.key IN {in}"
    )
    for key, time_us in tx.fetch_in(contradicted, touched):
        first[key] = min(first.get(key, time_us), time_us)
    return first


def stated_classes(
    tx: WriteTransaction, unproven: Mapping[str, int], events: Sequence[LedgerEvent], party_ids: closure.PartyIds
) -> dict[str, int]:
    """The items of those unproven classes of which somebody stated something that may count from now on, with times.

    A claim that moves some of a class says nothing of its items, so that it is not here; nor is a class without items.
    events: the unit's.
    """
    items = {key: _items_of_class(tx, key, (), events) - {key} for key in unproven if _is_class(key)}
    claims: defaultdict[str, set[str]] = defaultdict(set)
    for key, eids in tx.fetch_in(_CLAIMS, [key for key, named in items.items() if named]):
        claims[key].update(json.loads(eids))
    rows = tx.existing([bytes.fromhex(eid) for eids in claims.values() for eid in eids])
    told = stream.events_of(tx, [row.seq for row in rows.values()], party_ids)
    notices = {event.eid.hex() for event in told if closure.is_notice(event)}
    found: dict[str, int] = {}
    for key, eids in claims.items():
        if not notices.isdisjoint(eids):
            for item in items[key]:
                found[item] = min(found.get(item, unproven[key]), unproven[key])
    return found


def items_of_classes(tx: WriteTransaction, notice: LedgerEvent, events: Iterable[LedgerEvent]) -> set[str]:
    """The items and lots of the classes that a notice names: those in the ledger, and those of this unit."""
    told = [_items_of_class(tx, key, serials_of_notice(notice, key), events) for key in class_keys(notice)]
    return set[str]().union(*told)


def _is_class(key: str) -> bool:
    gtin, _, serial = class_parts(key)
    return gtin is not None and serial is None


def _items_of_class(
    tx: WriteTransaction, key: str, serials: tuple[tuple[str, str], ...], events: Iterable[LedgerEvent]
) -> set[str]:
    """The items and lots of one class, with a serial in one of the ranges where there are any."""
    gtin, lot, _ = class_parts(key)
    if gtin is None:
        return set()
    if lot is None:
        rows = tx.fetch("SELECT key FROM ledger_record WHERE gtin=?", (gtin,))
    else:
        rows = tx.fetch("SELECT key FROM ledger_record WHERE gtin=? AND lot=?", (gtin, lot))
    named = {item_of(name) for (name,) in rows}
    product = key[:PRODUCT_END]
    named.update(
        other for event in events for other in item_keys(event) | class_keys(event) if other.startswith(product)
    )
    return {one for one in named if one == key or within(serials, class_parts(one)[2])}
