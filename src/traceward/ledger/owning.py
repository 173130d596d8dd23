"""How ownership passes: by the owning_party pair alone, and only where ledger and captor bear it out.

It must not touch place, holder or status.
"""

from decimal import Decimal

from traceward.ledger.book import Act, Book
from traceward.ledger.state import ClassStock, Instance


def owner_after(
    book: Book,
    act: Act,
    record: Instance | ClassStock,
    owner: str | None,
    quantity: Decimal,
    uom: str | None,
    *,
    ended: bool = False,
) -> str | None:
    """The owner after the event of a quantity that `owner` had before it; records the transfer or the conflict.

    ended: the quantity was used up before, so that a passing of ownership does not count for money.
    """
    pair = act.event.owning
    if pair is None or (pair[0] is None and pair[1] is None):
        return owner
    start, end = pair
    if record.claimant is not None:
        return end if end == record.claimant else owner
    if end is None or start == end:
        if owner is not None and start is not None and start != owner:
            book.raise_conflict("owner_mismatch", act, record, owner, what=book.parties.name_of(start))
        return owner
    if owner == end:
        book.raise_conflict("already_owned", act, record, owner)
        book.transfer(act, record.key, start, end, quantity, uom, voided=True)
        return owner
    if owner is not None and start is not None and start != owner:
        book.raise_conflict("owner_mismatch", act, record, owner, what=book.parties.name_of(start))
        return owner
    if not _may_pass(book, act, owner, end):
        book.raise_conflict("claimed", act, record, owner)
        return owner
    book.transfer(act, record.key, owner or start, end, quantity, uom, voided=ended)
    return owner if ended else end


def _may_pass(book: Book, act: Act, owner: str | None, end: str) -> bool:
    # A holder may take over what it holds; to give it to a third party is the owner's to say.
    return owner is None or owner in act.captors or end in act.captors or (owner, end) in book.relations
