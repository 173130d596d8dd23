"""Conflicts that hold for as long as the state does, such as recalled stock that nobody quarantined.

It must not change stock, and a conflict here must follow from the record and its notices alone.
"""

from traceward.epcis.decimals import normal_decimal
from traceward.ledger import steps
from traceward.ledger.book import Book
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.state import ClassStock, Instance, Notice, item_of
from traceward.ledger.variances import variance_conflicts


def standing_conflicts(book: Book, record: Instance | ClassStock) -> None:
    """Raise the conflicts that the record's present state amounts to, and forget those that no longer hold."""
    for name in record.standing:
        if book.conflicts.pop(name, None) is None:
            book.gone.add(name)
    raised = [] if record.claimant is not None else [*_not_quarantined(book, record), *_short(book, record)]
    if isinstance(record, ClassStock) and record.claimant is None:
        raised += variance_conflicts(record)
    record.standing = tuple(sorted(found.id for found in raised))
    for found in raised:
        book.conflicts[found.id] = found
        book.gone.discard(found.id)


def _not_quarantined(book: Book, record: Instance | ClassStock) -> list[Conflict]:
    lot = record.lot if isinstance(record, Instance) else (record.key.partition("/10/")[2] or None)
    notices = book.notices(record.key, lot)
    if isinstance(record, Instance) and record.notices:
        notices = sorted([*notices, *record.notices], key=lambda one: (one.time_us, one.eid))
    if not notices:
        return []
    maker = book.parties.maker_of(record.key)
    if isinstance(record, Instance):
        if record.status != steps.ON_HAND or "held" in record.flags:
            return []
        notice = _recall(notices, (maker, record.owner, record.holder))
        if notice is None or record.holder == notice.party:
            return []
        where = _where(record.place, record.container)
        return [_conflict(record.key, notice, (record.owner, record.holder), where, f"1 at {where}")]
    raised = []
    for slot in sorted(record.slots.values(), key=lambda slot: slot.name()):
        notice = _recall(notices, (maker, slot.owner, slot.holder))
        if notice is None or slot.status != steps.ON_HAND or "held" in slot.flags or slot.quantity <= 0:
            continue
        if slot.holder != notice.party:
            where = _where(slot.place, slot.container)
            what = f"{slot.quantity} at {where}"
            raised.append(_conflict(record.key, notice, (slot.owner, slot.holder), slot.name(), what))
    return raised


def _short(book: Book, record: Instance | ClassStock) -> list[Conflict]:
    """What receipts fell short by and is still on its way; a mark whose stock has arrived since is taken off."""
    if isinstance(record, Instance) or not record.short:
        return []
    raised = []
    for name, (quantity, eid) in sorted(record.short.items()):
        slot = record.slots.get(name)
        if slot is None or slot.quantity <= 0:
            del record.short[name]
            continue
        parties = (slot.owner, slot.holder, book.destination(slot))
        what = normal_decimal(min(quantity, slot.quantity))
        raised.append(conflict("receipt_short", (record.key,), (eid,), parties, slot.time_us, subject=name, what=what))
    return raised


def _recall(notices: list[Notice], heard: tuple[str | None, ...]) -> Notice | None:
    """The notice by which the stock is recalled now, None where it is not; heard: parties whose notices count."""
    current: Notice | None = None
    for notice in notices:
        if notice.party in heard:
            if "recalled" in notice.set_flags:
                current = notice
            elif "recalled" in notice.unset_flags:
                current = None
    return current


def _conflict(key: str, notice: Notice, parties: tuple[str | None, ...], subject: str, what: str) -> Conflict:
    return conflict(
        "recalled_not_quarantined", (key,), (notice.eid,), parties, notice.time_us, subject=subject, what=what
    )


def _where(place: str | None, container: str | None) -> str:
    return (
        f"{item_of(container)} at {place or 'an unknown place'}"
        if container is not None
        else place or "an unknown place"
    )
