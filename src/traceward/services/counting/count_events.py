"""The events that a count goes on record by: one for each supplier's part, or what an opening puts on the book.

It must not capture anything, nor put one supplier's products into another's event.
"""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

from traceward.epcis.builder import Item, build_event
from traceward.epcis.times import format_time_us
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.services.counting import counts
from traceward.services.counting.opening import Found, opening_events
from traceward.store.count_models import CountPart, CountRead, CountSession

_EVENT_SPACE: Final = uuid.UUID("0b6f2f2e-2f0d-5d59-8f6c-7a43c1f4a6d1")


def count_events(session: CountSession, part: CountPart, reads: Sequence[CountRead]) -> list[dict[str, Any]]:
    """The event of a part; none where a count that proves no absence saw nothing.

    An opening puts what it found on the book; where its scope is complete it says too that there was no more.
    """
    seen = _elements(part)
    is_opening = session.step == counts.STEPS["opening"]
    opened = _opening(session, part, reads, seen) if is_opening else []
    if part.scope != "complete" and (opened or not seen):
        return opened
    assert session.counted_us is not None
    labels = {one.item: one for one in reads}
    items = [_item(item, uom, quantity, labels[item]) for item, uom, quantity in seen]
    classes = [one if one.startswith("http") else f"{CANONICAL_STEM}/01/{one}" for one in orjson.loads(part.gtins)]
    event = build_event(
        "count",
        items,
        session.place,
        event_time=format_time_us(session.counted_us),
        offset=session.utc_offset,
        event_id=f"urn:uuid:{uuid.uuid5(_EVENT_SPACE, f'{session.counter} {session.id} {part.supplier}')}",
        # What names no item would be seen by its captor alone.
        owning=(part.supplier, part.supplier) if not items else None,
        agreement=part.agreement_id,
        count_id=session.number,
        count_scope="complete" if part.scope == "complete" else "partial" if part.scope == "partial" else None,
        count_gtins=classes,
        device_mode="manual" if any(labels[item].manual for item, _, _ in seen) else None,
    )
    step = counts.STEPS["cycle"] if is_opening else session.step
    return [*opened, event | {"bizStep": step}]


def _opening(
    session: CountSession, part: CountPart, reads: Sequence[CountRead], seen: Sequence[tuple[str, str | None, Decimal]]
) -> list[dict[str, Any]]:
    """What a first count found, as opening balances of its owner."""
    assert session.counted_us is not None
    labels = {one.item: one for one in reads}
    found = [
        Found(
            part.supplier,
            session.place,
            item,
            labels[item].is_class,
            quantity,
            uom,
            labels[item].lot,
            labels[item].expiry,
        )
        for item, uom, quantity in seen
    ]
    return opening_events(found, session.counted_us, session.utc_offset)


def _item(item: str, uom: str | None, quantity: Decimal, label: CountRead) -> Item:
    if not label.is_class:
        return Item(epc=item, lot=label.lot, expiration_date=label.expiry)
    amount = int(quantity) if quantity == quantity.to_integral_value() else quantity
    return Item(epc_class=item, quantity=amount, uom=uom, lot=label.lot, expiration_date=label.expiry)


def _elements(part: CountPart) -> list[tuple[str, str | None, Decimal]]:
    lines = [(line["item"], line["uom"], Decimal(line["counted"])) for line in orjson.loads(part.lines)]
    return [one for one in lines if one[2] > 0]
