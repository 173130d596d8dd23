"""Look-ups that begin at the shelf: the text of a label to its item's state and history; what expires, and where.

It must not show a balance that names the caller neither as owner nor as holder, nor another's events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from traceward.epcis.errors import Finding, QueryParameterException, QueryTooComplexException, ValidationException
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger import expiry
from traceward.ledger.facts import PATIENT, class_parts
from traceward.ledger.state import item_of
from traceward.services.identity.principals import Principal
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime
from traceward.services.scanning.labelled_items import item_of_texts
from traceward.services.tracing import stock, trace
from traceward.store import ledger_lists
from traceward.store.rows import Balance

MOST_READ: Final = 50_000
"""Balances that one list of what expires is looked for in."""

MOST_DAYS: Final = 3660

_CLAUSE: Final = "Traceward look-ups"
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class ExpiringFilter:
    """What is asked for; None asks for any. place, owner, holder: either spelling.

    days: from today on, by the calendar of each place.
    """

    days: int
    place: str | None = None
    gtin: str | None = None
    owner: str | None = None
    holder: str | None = None


def label(
    runtime: Runtime, caller: Principal, texts: Sequence[str], *, as_of: str | None, known_at: str | None
) -> dict[str, Any]:
    """What the symbols of one label say, and the state and history of the item or lot that they name.

    item, lot: as `trace.item` and `trace.lot` tell, one of them None. Raises ValidationException for what
    names none, or breaks a rule of its symbology or application identifiers.
    """
    read = item_of_texts(texts)
    udi = read.udi
    identifier = read.epc or read.epc_class
    wrong = [Finding("texts", one.code, one.message, _CLAUSE) for one in read.findings if one.severity == "error"]
    if wrong:
        raise ValidationException(summary(wrong), wrong)
    if udi is None or identifier is None or identifier.startswith(PATIENT):
        message = "the label names no device; expected a device identifier with a serial or lot number"
        raise ValidationException(message, [Finding("texts", "no_item", message, _CLAUSE)])
    gtin, lot, _ = class_parts(identifier)
    when = {"as_of": as_of, "known_at": known_at}
    of_lot = trace.lot(runtime, caller, gtin, unquote(lot), **when) if gtin and lot and read.epc is None else None
    return {
        "label": {
            "epc": read.epc,
            "epcClass": read.epc_class,
            "udi": udi.carrier_hrf,
            "di": udi.di,
            "lot": udi.lot,
            "serial": udi.serial,
            "expiry": udi.expiration_date.isoformat() if udi.expiration_date is not None else None,
            "findings": [{"code": one.code, "severity": one.severity, "message": one.message} for one in read.findings],
        },
        "item": trace.item(runtime, caller, identifier, **when) if of_lot is None else None,
        "lot": of_lot,
    }


def expiring(runtime: Runtime, caller: Principal, wanted: ExpiringFilter) -> dict[str, Any]:
    """The caller's stock whose last day of use is past or at most `days` days ahead, the first to expire first.

    Raises QueryParameterException for days outside 0 to MOST_DAYS, QueryTooComplexException beyond MOST_READ balances.
    """
    if not 0 <= wanted.days <= MOST_DAYS:
        raise QueryParameterException(f"days is {wanted.days}; expected 0 to {MOST_DAYS}")
    now_us = runtime.now_us()
    zones = runtime.place_zones()
    owner, holder = (canonical_identifier(one) if one is not None else None for one in (wanted.owner, wanted.holder))
    bodies = []
    for row in _balances(runtime, caller, wanted):
        left = expiry.days_left(row.expiry, now_us, zones.of(row.place))
        if left is not None and left <= wanted.days and owner in (None, row.owner) and holder in (None, row.holder):
            bodies.append(_expiring_body(row, left))
    bodies.sort(key=lambda one: (one["daysLeft"], one["place"] or "", one["item"]))
    return {"asOf": format_time_us(now_us), "items": bodies} | stock.names(runtime, caller, bodies)


def _balances(runtime: Runtime, caller: Principal, wanted: ExpiringFilter) -> list[Balance]:
    place = canonical_identifier(wanted.place) if wanted.place is not None else None
    gtin = wanted.gtin.zfill(14) if wanted.gtin is not None else None
    found: list[Balance] = []
    after: ledger_lists.BalanceKey | None = None
    read = 0
    with runtime.store.reader() as reader:
        while True:
            page = ledger_lists.stock_of_party(
                reader, caller.organisation, place=place, gtin=gtin, after=after, limit=_AT_ONCE
            )
            read += len(page)
            found += [row for row in page if row.expiry is not None and not row.quantity.startswith("-")]
            if len(page) < _AT_ONCE:
                return found
            if read >= MOST_READ:
                raise QueryTooComplexException(f"more than {MOST_READ} balances; name a place or a product")
            after = ledger_lists.balance_key(page[-1])


def _expiring_body(row: Balance, days_left: int) -> dict[str, Any]:
    return {
        "item": item_of(row.record_key),
        "gtin": row.gtin,
        "lot": unquote(row.lot) if row.lot is not None else None,
        "serial": unquote(row.serial) if row.serial is not None else None,
        "expiry": row.expiry,
        "daysLeft": days_left,
        "place": row.place,
        "owner": row.owner or None,
        "holder": row.holder or None,
        "status": row.status,
        "quantity": row.quantity,
        "uom": row.uom,
        "lastSeen": format_time_us(row.last_time_us),
    }
