"""What must not be done with goods, and is told where it was: recalled stock moved, unsafe stock used.

It must not move or stop anything; each check raises conflicts and no more.
"""

from traceward.ledger import expiry, steps
from traceward.ledger.book import Act, Book
from traceward.ledger.facts import label_of
from traceward.ledger.notices import flags_in_force
from traceward.ledger.state import ClassStock, Instance, Slot


def check_recall(book: Book, act: Act, record: Instance) -> None:
    """Raise a conflict where a recalled item is moved, and not to quarantine or back."""
    if moves_recalled_stock(act, record.owner, book.parties.maker_of(record.key)) and "recalled" in _flags_of_item(
        book, act, record
    ):
        book.raise_conflict("moved_after_recall", act, record)


def moves_recalled_stock(act: Act, owner: str | None, maker: str | None) -> bool:
    """Whether the event would be wrong for recalled stock: it is neither holding, nor its return."""
    event = act.event
    if event.biz_step == "holding" or event.disposition in ("returned", "recalled"):
        return False
    receiver = event.possessing[1] if event.possessing is not None else None
    return receiver is None or receiver not in (owner, maker)


def _flags_of_item(book: Book, act: Act, record: Instance) -> frozenset[str]:
    """The item's flags with those that a notice on its lot or GTIN laid on it before the event."""
    earlier = [one for one in book.notices(record.key, record.lot) if one.time_us < act.event.event_time_us]
    return flags_in_force(record.flags, earlier, (book.parties.maker_of(record.key), record.owner, record.holder))


def check_use(book: Book, act: Act, record: Instance) -> None:
    """Raise what makes the use of an item dangerous: expired, recalled, held back, or out of a patient already."""
    flags = _flags_of_item(book, act, record)
    if steps.EXPLANTED in record.flags and steps.sink_of(act.event, act.effect) != "wasted":
        book.raise_conflict("consumed_twice", act, record, *(act.event.owning or ()))
    if "expired" in flags or expiry.is_past(record.expiry, act.event):
        book.raise_conflict("used_expired", act, record, what=record.expiry or "")
    if "recalled" in flags:
        book.raise_conflict("used_recalled", act, record)
    held = sorted(flags - steps.STICKY)
    if held:
        book.raise_conflict("used_held", act, record, what=", ".join(held))


def _flags_of_slot(book: Book, act: Act, stock: ClassStock, captor: str, slot: Slot | None) -> frozenset[str]:
    lot = stock.key.partition("/10/")[2] or None
    earlier = [one for one in book.notices(stock.key, lot) if one.time_us < act.event.event_time_us]
    heard = (book.parties.maker_of(stock.key), captor)
    return flags_in_force(slot.flags if slot is not None else (), earlier, heard)


def check_class_recall(book: Book, act: Act, stock: ClassStock, captor: str) -> None:
    """`check_recall` for stock of a class."""
    maker = book.parties.maker_of(stock.key)
    if moves_recalled_stock(act, maker, maker) and "recalled" in _flags_of_slot(book, act, stock, captor, None):
        book.raise_conflict("moved_after_recall", act, stock, *(_holders(stock)))


def _holders(stock: ClassStock) -> set[str | None]:
    return {party for slot in stock.slots.values() for party in (slot.owner,)}


def check_class_use(book: Book, act: Act, stock: ClassStock, captor: str, part: Slot) -> None:
    """`check_use` for a part of a class's stock."""
    flags = _flags_of_slot(book, act, stock, captor, part)
    if steps.EXPLANTED in part.flags and steps.sink_of(act.event, act.effect) != "wasted":
        book.raise_conflict("consumed_twice", act, stock, part.owner)
    if "expired" in flags or expiry.is_past(stock.expiry or label_of(act.event, stock.key)[1], act.event):
        book.raise_conflict("used_expired", act, stock, part.owner, what=stock.expiry or "")
    if "recalled" in flags:
        book.raise_conflict("used_recalled", act, stock, part.owner)
    held = sorted(flags - steps.STICKY)
    if held:
        book.raise_conflict("used_held", act, stock, part.owner, what=", ".join(held))
