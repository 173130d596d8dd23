"""From which balances of a class a quantity is taken: as the event says, what lies there, what is on its way, a guess.

It must not put anything anywhere but a flagged debt: where the parts go is for `classes` to say.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from traceward.ledger import steps, trays
from traceward.ledger.book import Act, Book, agrees
from traceward.ledger.slots import add_slot
from traceward.ledger.state import ClassStock, Instance, Slot, item_of, record_key

ZERO = Decimal(0)
_ADVICES_KEPT = 200
_ENDING = frozenset({steps.USE, steps.LOSE, steps.DESTROY, steps.END, steps.TRANSFORM})
_DEBIT_AT_PLACE = frozenset({*_ENDING, steps.SHIP, steps.PACK, steps.RECEIVE})


def take(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> list[Slot]:
    """Take a quantity from the balances that the captor may move; the parts as they were.

    By the event's source place, else by its own place, else the single possible balance, else a flagged guess. What
    is missing comes from what is on its way to the captor, then from a consignor's stock; else it is first seen
    here, or a debt.
    """
    parts: list[Slot] = []
    wanted = quantity
    first = _owner_first(act, captor)
    for slot in sorted(_candidates(book, act, stock, captor, uom), key=lambda slot: slot.owner != first):
        if wanted <= 0:
            return parts
        parts.append(debit(book, act, stock, slot, min(wanted, slot.quantity)))
        wanted -= parts[-1].quantity
    if wanted > 0:
        parts.extend(missing_parts(book, act, stock, captor, wanted, uom, beside=parts))
    return parts


def _owner_first(act: Act, captor: str) -> str | None:
    """Whose goods an event takes before others': the stated owner's; of what is ended without one, the captor's own."""
    if act.event.owning is not None:
        return act.event.owning[0]
    return captor if act.effect in _ENDING else None


def debit(book: Book, act: Act, stock: ClassStock, slot: Slot, quantity: Decimal) -> Slot:
    """Take a quantity out of one balance; the part as it was."""
    if slot.container is not None and act.effect == steps.USE:
        trays.check_use(book, act, slot)
    if slot.container is not None and act.effect != steps.UNPACK:
        book.raise_conflict("implied_disaggregation", act, stock, slot.owner, slot.holder, what=item_of(slot.container))
    part = Slot(
        slot.place, slot.container, slot.owner, slot.holder, slot.status, slot.flags, slot.uom, quantity, 0, b""
    )
    add_slot(
        book, act, stock,
        Slot(slot.place, slot.container, slot.owner, slot.holder, slot.status, slot.flags, slot.uom, -quantity, 0, b""),
    )  # fmt: skip
    if slot.container is not None and slot.quantity == quantity:
        container = book.find(slot.container)
        if isinstance(container, Instance) and all(other.container != slot.container for other in stock.slots.values()):
            container.take_from(record_key(stock))
            container.order = max(container.order or act.order, act.order)
            book.change(container)
    return part


def _candidates(book: Book, act: Act, stock: ClassStock, captor: str, uom: str | None) -> Sequence[Slot]:
    own = in_order(
        slot
        for slot in there_is(stock, steps.ON_HAND, uom)
        if stock.claimant is not None or captor in (slot.owner, slot.holder)
    )
    explants = explanted_there(act, stock, captor, uom, own)
    if explants:
        return explants
    if act.source is not None:
        return [slot for slot in own if slot.place == act.source] or [
            slot for slot in own if agrees(act.source, slot.place)
        ]
    if act.effect in _DEBIT_AT_PLACE or act.effect == steps.UNPACK:
        for place in (act.event.read_point, act.event.biz_location):
            here = [slot for slot in own if place is not None and slot.place == place]
            if here:
                return here
    else:
        own = [slot for slot in own if slot.place != act.place or slot.container is not None]
    if len(own) > 1:
        book.raise_conflict("guessed_source", act, stock, own[0].owner, own[0].holder, what=own[0].place or "nowhere")
    return own


def explanted_there(
    act: Act, stock: ClassStock, captor: str, uom: str | None, on_hand: Sequence[Slot] = ()
) -> list[Slot]:
    """What came out of patients and lies where the event takes from, where it says that it is about that.

    An event that says nothing of it is about that only where nothing on hand lies there.
    """
    start = act.source if act.effect == steps.MOVE else act.source or act.event.read_point
    if start is None or act.effect in (steps.USE, steps.LOSE):
        return []
    if act.event.reason != steps.EXPLANTED and any(agrees(start, slot.place) for slot in on_hand):
        return []
    return in_order(
        slot
        for slot in there_is(stock, steps.EXPLANTED, uom)
        if agrees(start, slot.place) and captor in (slot.owner, slot.holder)
    )


def missing_parts(
    book: Book,
    act: Act,
    stock: ClassStock,
    captor: str,
    wanted: Decimal,
    uom: str | None,
    *,
    first_seen: bool = False,
    beside: Sequence[Slot] = (),
) -> list[Slot]:
    """What the balances fell short by: from what is on its way, from the consignor's stock, first seen here, or a debt.

    first_seen: what nothing explains is seen here first, even where the captor has had some of the class before.
    beside: the parts that the balances did have.
    """
    parts: list[Slot] = []
    known = captor in stock.concerned if stock.claimant is None else bool(stock.opened)
    received = act.effect == steps.RECEIVE and act.event.biz_step != "accepting"  # the receipt itself says what is over
    used = act.effect == steps.USE
    for kind, slots in (
        ("used_in_transit" if used else "implied_receipt", arriving(book, act, stock, captor, uom)),
        (
            "used_elsewhere" if used else "implied_receipt",
            consigned(book, stock, captor, uom) if first_seen or not known else [],
        ),
    ):
        for slot in slots:
            if wanted <= 0:
                return parts
            if not received:
                book.raise_conflict(kind, act, stock, slot.owner, slot.holder)
            part = debit(book, act, stock, slot, min(wanted, slot.quantity))
            part.holder = captor
            parts.append(part)
            wanted -= part.quantity
    if wanted <= 0:
        return parts
    place = act.source or act.event.read_point or act.place
    owners = {part.owner for part in beside}
    owner = owners.pop() if len(owners) == 1 else first_owner(book, act, stock, captor)
    missing = Slot(place, None, owner, captor, steps.ON_HAND, (), uom, wanted, 0, b"")
    if first_seen or not known:
        note_opened(stock, wanted, uom)
        if act.event.reason != steps.OPENING:
            book.raise_conflict("first_seen", act, stock)
    else:
        debt = Slot(place, None, owner, captor, steps.ON_HAND, (), uom, -wanted, 0, b"")
        book.raise_conflict("lot_short", act, stock, owner, what=f"{wanted}", quantity=wanted)
        add_slot(book, act, stock, debt)
    parts.append(missing)
    return parts


def first_owner(book: Book, act: Act, stock: ClassStock, captor: str) -> str | None:
    """The owner of what nothing tells the origin of."""
    maker = book.parties.maker_of(stock.key)
    stated = next((party for party in (act.event.owning or ()) if party is not None), None)
    if act.event.reason == steps.OPENING and stock.claimant is None and (maker is None or maker in act.captors):
        return stated or maker
    here = [slot for slot in stock.slots.values() if slot.holder == captor and slot.owner is not None]
    owners = {slot.owner for slot in here if slot.status not in steps.SINKS}
    if len(owners) == 1:
        return owners.pop()
    if stock.claimant is not None:
        return captor if stated == captor else None
    # What was used up is its user's own: more of it than there was is still the consignor's whom the event names.
    start = act.event.owning[0] if act.event.owning is not None else None
    if start is not None and (start == maker or (start, captor) in book.relations):
        return start
    users = {slot.owner for slot in here} - owners
    return users.pop() if not owners and len(users) == 1 else maker or stated


def on_the_way(book: Book, stock: ClassStock, captor: str, uom: str | None) -> list[Slot]:
    """The balances of a class that are on their way to a party."""
    if stock.claimant is not None:
        return []
    return in_order(slot for slot in there_is(stock, steps.IN_TRANSIT, uom) if book.destination(slot) == captor)


def arriving(book: Book, act: Act, stock: ClassStock, captor: str, uom: str | None) -> list[Slot]:
    """The balances that are on their way to a party, first those that the event's words fit.

    Of one lot there may be several consignments under way: the owner, the despatch advice and the sender that the event
    names tell which it is, then the place to which it goes.
    """
    sender = act.event.possessing[0] if act.event.possessing is not None else None
    places = {act.place, act.target}
    return _fitting(act, stock, captor, on_the_way(book, stock, captor, uom), sender, places)


def sent_off(act: Act, stock: ClassStock, captor: str, uom: str | None) -> list[Slot]:
    """The balances under way that a party may call back: first what the event's words fit and it sent itself."""
    sent = (slot for slot in there_is(stock, steps.IN_TRANSIT, uom) if captor in (slot.owner, slot.holder))
    return _fitting(act, stock, captor, in_order(sent), captor, {act.target})


def advised(act: Act, stock: ClassStock) -> set[tuple[str | None, str | None]]:
    """Where the despatches go that the event names by their advice, and who sent them."""
    return {stock.advised[advice] for advice in act.event.advices if advice in stock.advised}


def note_advices(act: Act, stock: ClassStock, sender: str | None) -> None:
    """Note where a despatch goes under its advices; what was noted of others is kept while anything goes that way."""
    if not act.event.advices:
        return
    ways = {(slot.place, slot.holder) for slot in stock.slots.values() if slot.status == steps.IN_TRANSIT}
    kept = [(advice, way) for advice, way in stock.advised.items() if way in ways][-_ADVICES_KEPT:]
    stock.advised = dict(kept) | dict.fromkeys(act.event.advices, (act.target, sender))


def _fitting(
    act: Act,
    stock: ClassStock,
    captor: str,
    slots: Sequence[Slot],
    sender: str | None,
    places: set[str | None],
) -> list[Slot]:
    owner, ways = _owner_first(act, captor), advised(act, stock)
    return sorted(
        slots,
        key=lambda slot: (
            owner not in (None, slot.owner),
            bool(ways) and (slot.place, slot.holder) not in ways,
            sender not in (None, slot.holder),
            slot.container is not None,
            slot.place not in places,
        ),
    )


def consigned(book: Book, stock: ClassStock, captor: str, uom: str | None) -> list[Slot]:
    """The balances that a consignor of this party still has, so that their despatch or receipt is missing."""
    if stock.claimant is not None:
        return []
    return in_order(
        slot
        for slot in there_is(stock, steps.ON_HAND, uom)
        if slot.owner is not None and slot.holder in (slot.owner, None) and (slot.owner, captor) in book.relations
    )


def there_is(stock: ClassStock, status: str, uom: str | None) -> Iterator[Slot]:
    """The balances of a class that have something in a status and a unit of measure; no debts."""
    return (slot for slot in stock.slots.values() if slot.status == status and slot.uom == uom and slot.quantity > 0)


def in_order(slots: Iterable[Slot]) -> list[Slot]:
    """Balances in the order in which they are taken from."""
    # First what lies loose, then first moved; the name breaks ties so that the order never follows arrival.
    return sorted(slots, key=lambda slot: (slot.container is not None, slot.time_us, slot.name()))


def note_opened(stock: ClassStock, quantity: Decimal, uom: str | None) -> None:
    """Note that a quantity of a class was created, or seen first."""
    stock.opened[uom or ""] = stock.opened.get(uom or "", ZERO) + quantity
