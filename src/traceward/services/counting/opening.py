"""Opening balances: what lay on the shelves before any event told of it, as `stocking` events of the day it was found.

Their ids follow from their content, so that the same finding twice, or by both parties, changes nothing. It must not
capture anything.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from traceward.epcis.builder import Item, build_event
from traceward.epcis.times import format_time_us
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger.steps import OPENING

_EVENT_SPACE: Final = uuid.UUID("5d0a1f5e-92d0-5c6e-8a52-bb0a6f0f3b7c")
_MOST_ITEMS: Final = 500
_LOT: Final = "mcx:lotNumber"
_EXPIRY: Final = "mcx:itemExpirationDate"


@dataclass(frozen=True, slots=True)
class Found:
    """Goods that were found. item: canonical; is_class: it names a class, of which there is a quantity in `uom`.

    lot: of a serialised item alone. expiry: as labels have it, YYYY-MM-DD or YYYY-MM-00.
    """

    owner: str
    place: str
    item: str
    is_class: bool
    quantity: Decimal = Decimal(1)
    uom: str | None = None
    lot: str | None = None
    expiry: str | None = None


def opening_events(found: Iterable[Found], counted_us: int, offset: str) -> list[dict[str, Any]]:
    """The events of an opening count: one for each owner, place and label, with at most 500 items or classes.

    counted_us: when it was found; offset: of the place's clock, such as +02:00. Findings of one class at one place
    are added up.
    """
    groups: defaultdict[tuple[str, str, str, str], list[Found]] = defaultdict(list)
    for one in found:
        lot = "" if one.is_class else one.lot or ""
        groups[one.owner, one.place, lot, one.expiry or ""].append(one)
    return [
        _event(key, part, counted_us, offset)
        for key, items in sorted(groups.items(), key=lambda group: group[0])
        for part in _parts(_items(items))
    ]


def nothing_events(
    none: Mapping[tuple[str, str], Collection[str]], counted_us: int, offset: str
) -> list[dict[str, Any]]:
    """The events of a count that looked for products and found none: (owner, place) -> GTINs, 14 digits.

    Complete for these products, so that a level there has its opening balance, which is zero.
    """
    return [
        _with_id(
            build_event(
                "count",
                [],
                place,
                event_time=format_time_us(counted_us),
                offset=offset,
                event_id="",
                owning=(owner, owner),
                count_scope="complete",
                count_gtins=[f"{CANONICAL_STEM}/01/{gtin}" for gtin in sorted(gtins)],
            )
        )
        for (owner, place), gtins in sorted(none.items())
    ]


def _items(found: Iterable[Found]) -> list[Item]:
    totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    singles: set[str] = set()
    for one in found:
        if one.is_class:
            totals[one.item, one.uom or ""] += one.quantity
        else:
            singles.add(one.item)
    amounts = {key: int(total) if total == total.to_integral_value() else total for key, total in totals.items()}
    classes = [Item(epc_class=item, quantity=amounts[item, uom], uom=uom or None) for item, uom in sorted(amounts)]
    return [Item(epc=epc) for epc in sorted(singles)] + classes


def _parts(items: list[Item]) -> list[list[Item]]:
    return [items[start : start + _MOST_ITEMS] for start in range(0, len(items), _MOST_ITEMS)]


def _event(key: tuple[str, str, str, str], items: list[Item], counted_us: int, offset: str) -> dict[str, Any]:
    owner, place, lot, expiry = key
    event = build_event(
        "put_away",
        items,
        place,
        event_time=format_time_us(counted_us),
        offset=offset,
        event_id="",
        owning=(owner, owner),
        reason=OPENING,
    )
    event |= {name: value for name, value in ((_LOT, lot), (_EXPIRY, expiry)) if value}
    return _with_id(event)


def _with_id(event: dict[str, Any]) -> dict[str, Any]:
    """The event under the id that follows from its content."""
    content = orjson.dumps(event, option=orjson.OPT_SORT_KEYS, default=str).decode()
    return event | {"eventID": f"urn:uuid:{uuid.uuid5(_EVENT_SPACE, content)}"}
