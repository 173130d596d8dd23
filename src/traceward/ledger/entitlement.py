"""Whose capture moves an item's balance, as one table of bases. ADR 0011.

It must not change any record, and it never refuses an event: a captor without entitlement makes a claim.
"""

from traceward.ledger import steps
from traceward.ledger.book import Act, Book
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.state import UNSEEN, ClassStock, Instance

OWN = "own"  # present owner or holder
SENT = "sent"  # named destination of what is in transit
OPEN = "open"  # never seen: first seen here
IMPLIED = "implied"  # consignee of the owner, receipt missing
NOTICE = "notice"  # the maker states something about it, moving nothing
Entitled = tuple[str, str]
"""(captor, basis)."""


def relation_of(event: LedgerEvent) -> tuple[str, str] | None:
    """(owner, consignee) where the event hands goods to another party while they stay its captor's own, else None."""
    if event.private or event.declares is not None or event.possessing is None or event.owning is None:
        return None
    owner, consignee = event.owning[0], event.possessing[1]
    if owner is None or consignee is None or owner == consignee or owner not in event.captured_by:
        return None
    return (owner, consignee) if event.owning[1] in (None, owner) else None


def entitled_to_instance(book: Book, act: Act, record: Instance) -> Entitled | None:
    """The captor that may move an item, and on what ground; None: the event only claims."""
    for captor in act.captors:
        basis = _instance_basis(book, act, record, captor)
        if basis is not None:
            return captor, basis
    return None


def entitled_to_class(book: Book, act: Act, record: ClassStock) -> Entitled | None:
    """The captor that may move stock of a class, and on what ground; None: the event only claims."""
    maker = book.parties.maker_of(record.key)
    for captor in act.captors:
        if maker is None or maker == captor:
            return captor, OWN
        if act.effect != steps.CREATE and ((maker, captor) in book.relations or captor in record.concerned):
            return captor, OWN
    for captor in act.captors:
        if any((slot.owner, captor) in book.relations for slot in record.slots.values()):
            return captor, IMPLIED
    return None


def _instance_basis(book: Book, act: Act, record: Instance, captor: str) -> str | None:
    if record.status == UNSEEN:
        maker = book.parties.maker_of(record.key)
        if maker is None or maker == captor:
            return OPEN
        return OPEN if act.effect != steps.CREATE and (maker, captor) in book.relations else None
    if captor in (record.owner, record.holder):
        return OWN
    if record.status == steps.IN_TRANSIT and book.destination(record) == captor:
        return SENT
    if record.owner is not None and record.holder in (record.owner, None) and (record.owner, captor) in book.relations:
        return IMPLIED
    if book.parties.maker_of(record.key) == captor and (act.effect == steps.CREATE or act.place is None):
        return NOTICE
    return None
