"""What events say of an item's label, lot and expiry: read before the event acts, compared after.

It must not change what a record says already: a label that says otherwise is a conflict.
"""

from traceward.ledger.book import Act, Book
from traceward.ledger.facts import label_of
from traceward.ledger.state import Instance


def read_label(act: Act, record: Instance) -> bool:
    """Take over what the record does not know yet, so that the event itself is judged by it; whether the lot is new."""
    lot, expiry = label_of(act.event, record.key)
    is_new = record.lot is None and lot is not None
    if record.lot is None:
        record.lot = lot
    if record.expiry is None:
        record.expiry = expiry
    return is_new


def compare_label(book: Book, act: Act, record: Instance) -> None:
    """Raise a conflict where the event says otherwise than the record."""
    lot, expiry = label_of(act.event, record.key)
    if lot not in (None, record.lot) or expiry not in (None, record.expiry):
        book.raise_conflict("label_mismatch", act, record, what=f"{lot or ''} {expiry or ''}".strip())
