"""A class's balances: a quantity put into one of them, and the event shown to those whom the quantity concerns.

It must not choose which balance: `taking` says from where, `classes` to where.
"""

from traceward.ledger.book import Act, Book
from traceward.ledger.state import ClassStock, Instance, Slot, record_key


def add_slot(book: Book, act: Act, stock: ClassStock, slot: Slot) -> None:
    """Add a quantity to a class's stock, and show the event to those whom the quantity concerns."""
    slot.time_us, slot.eid = act.event.event_time_us, act.event.eid
    name = slot.name()
    there = stock.slots.get(name)
    if there is not None:
        slot.quantity += there.quantity
    if slot.quantity:
        stock.slots[name] = slot
    else:
        stock.slots.pop(name, None)
    show_slot(book, act, stock, slot)
    if slot.container is not None and slot.quantity:
        container = book.find(slot.container)
        if isinstance(container, Instance):
            container.put_in(record_key(stock))


def show_slot(book: Book, act: Act, stock: ClassStock, slot: Slot) -> None:
    """Show the event to a quantity's owner, holder and destination, who from now on are concerned with the class."""
    if stock.claimant is not None:
        return
    for party in (slot.owner, slot.holder, book.destination(slot)):
        if party is not None and party not in stock.concerned:
            stock.concerned.append(party)
            for eid in stock.public:
                book.show(eid, (party,))
            show_notices(book, stock.key, None, party)
    book.show(act.event.eid, (slot.owner, slot.holder, book.destination(slot)))


def show_notices(book: Book, key: str, lot: str | None, party: str) -> None:
    """Show a party the maker's notices on an item's or a lot's classes."""
    maker = book.parties.maker_of(key)
    for notice in book.notices(key, lot):
        if notice.party == maker:
            book.show(notice.eid, (party,))
