"""What an event does to a quantity of a class: take it from the right balances, put it where the event leaves it.

It must not lose or make quantity unseen: what is taken beyond the balances is a flagged debt or a first sight.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from traceward.ledger import dealings, steps
from traceward.ledger.book import Act, Book
from traceward.ledger.entitlement import entitled_to_class
from traceward.ledger.facts import PRODUCT_END, class_parts, label_of
from traceward.ledger.notices import serials_of_notice, stated
from traceward.ledger.owning import owner_after
from traceward.ledger.safety import check_class_recall, check_class_use
from traceward.ledger.serials import within
from traceward.ledger.slots import add_slot, show_slot
from traceward.ledger.state import ClassStock, Count, Instance, PatientLinks, Slot, item_of, record_key
from traceward.ledger.taking import (
    advised,
    arriving,
    consigned,
    debit,
    explanted_there,
    first_owner,
    in_order,
    missing_parts,
    note_advices,
    note_opened,
    on_the_way,
    sent_off,
    take,
    there_is,
)
from traceward.ledger.variances import answer_by_loss, note_count

ZERO = Decimal(0)


def act_on_class(book: Book, act: Act, key: str, quantity: Decimal | None, uom: str | None) -> None:
    """Apply the event to a quantity of a class; quantity None: to the class as such."""
    stock = book.stock(key)
    entitled = entitled_to_class(book, act, stock)
    if quantity is None:
        _notice(book, act, stock, entitled is not None)
        return
    if entitled is not None:
        _perform(book, act, stock, entitled[0], quantity, uom)
        return
    _note_claim(book, act, stock)
    _perform(book, act, book.stock(key, act.captors[0]), act.captors[0], quantity, uom)


def put_into(
    book: Book, act: Act, container: Instance, captor: str, key: str, quantity: Decimal, uom: str | None
) -> None:
    """Pack a quantity of a class into a container."""
    stock = _stock_for(book, act, key, captor)
    check_class_recall(book, act, stock, captor)
    inside = record_key(container)
    for part in take(book, act, stock, captor, quantity, uom):
        add_slot(
            book, act, stock,
            Slot(container.place, inside, part.owner, container.holder, container.status,
                 steps.flags_after(part.flags, act.event), uom, part.quantity, 0, b""),
        )  # fmt: skip
    _touched(book, act, stock)


def take_out(
    book: Book, act: Act, container: Instance, captor: str, key: str, quantity: Decimal, uom: str | None
) -> None:
    """Take a quantity of a class out of a container and leave it where the event is."""
    stock = _stock_for(book, act, key, captor)
    check_class_recall(book, act, stock, captor)
    inside = record_key(container)
    wanted = quantity
    parts: list[Slot] = []
    for slot in in_order(slot for slot in stock.slots.values() if slot.container == inside and slot.uom == uom):
        if wanted > 0 and slot.quantity > 0:
            parts.append(debit(book, act, stock, slot, min(wanted, slot.quantity)))
            wanted -= parts[-1].quantity
    if wanted > 0:
        book.raise_conflict("not_in_container", act, stock, *stock.concerned, what=item_of(inside))
        parts.extend(take(book, act, stock, captor, wanted, uom))
    for part in parts:
        add_slot(
            book, act, stock,
            Slot(act.place or container.place, None, part.owner, container.holder, steps.ON_HAND,
                 steps.flags_after(part.flags, act.event), uom, part.quantity, 0, b""),
        )  # fmt: skip
    if not any(slot.container == inside for slot in stock.slots.values()):
        container.take_from(record_key(stock))
    _touched(book, act, stock)


def _perform(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    _EFFECTS.get(act.effect, _note)(book, act, stock, captor, quantity, uom)
    told = label_of(act.event, stock.key)[1]
    if told is not None and stock.expiry is None:
        stock.expiry = told
    elif told not in (None, stock.expiry):
        book.raise_conflict("label_mismatch", act, stock, *stock.concerned, what=told or "")
    _touched(book, act, stock)


def _touched(book: Book, act: Act, stock: ClassStock) -> None:
    stock.order = act.order
    book.change(stock)


def _stock_for(book: Book, act: Act, key: str, captor: str) -> ClassStock:
    stock = book.stock(key)
    if entitled_to_class(book, act, stock) is not None:
        return stock
    _note_claim(book, act, stock)
    return book.stock(key, captor)


def _note_claim(book: Book, act: Act, stock: ClassStock) -> None:
    # Only the maker is told: to others who have the same lot a stranger's claim on it is no concern.
    maker = book.parties.maker_of(stock.key)
    book.raise_conflict("claimed", act, stock, maker if maker in stock.concerned else None)
    _touched(book, act, stock)


def _create(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    stated = next((party for party in (act.event.owning or ()) if party is not None), None)
    owner = stated or captor
    holder = book.parties.party_of_place(act.place) or captor
    note_opened(stock, quantity, uom)
    if stock.claimant is None and book.parties.maker_of(stock.key) == captor:
        stock.public.append(act.event.eid)
        book.show(act.event.eid, stock.concerned)
    add_slot(book, act, stock, Slot(act.place, None, owner, holder, steps.ON_HAND, (), uom, quantity, 0, b""))


def _ship(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    if _already_carried(act, stock, quantity, uom):
        return
    check_class_recall(book, act, stock, captor)
    parts = take(book, act, stock, captor, quantity, uom)
    for part in parts:
        _put(book, act, stock, part, act.target, part.holder, steps.IN_TRANSIT)
    note_advices(act, stock, parts[0].holder if parts else captor)


def _void_ship(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    wanted = quantity
    underway = sent_off(act, stock, captor, uom)
    if act.target is None and not advised(act, stock) and len({slot.place for slot in underway}) > 1:
        book.raise_conflict("guessed_source", act, stock, what=f"what was on its way to {underway[0].place}")
    for slot in underway:
        if wanted > 0:
            part = debit(book, act, stock, slot, min(wanted, slot.quantity))
            wanted -= part.quantity
            _put(book, act, stock, part, act.place, part.holder, steps.ON_HAND)
    if wanted > 0:
        receiver = act.event.possessing[1] if act.event.possessing is not None else None
        told = (receiver, book.parties.party_of_place(act.target))
        book.raise_conflict("void_too_late", act, stock, *told, what=f"{wanted} of {quantity}", quantity=wanted)


def _receive(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    if _already_carried(act, stock, quantity, uom):
        return
    wanted = quantity
    parts: list[Slot] = []
    for slot in () if _taken_over(act) else arriving(book, act, stock, captor, uom):
        if wanted > 0:
            parts.append(debit(book, act, stock, slot, min(wanted, slot.quantity)))
            wanted -= parts[-1].quantity
    _note_short(book, stock, captor, parts, uom)
    if wanted > 0 and act.event.biz_step == "accepting":
        parts.extend(take(book, act, stock, captor, wanted, uom))
    elif wanted > 0:
        beyond = parts or consigned(book, stock, captor, uom)
        if beyond:
            book.raise_conflict("receipt_over", act, stock, beyond[0].owner, beyond[0].holder, what=f"{wanted}")
        parts.extend(missing_parts(book, act, stock, captor, wanted, uom, first_seen=True))
    for part in parts:
        holder = captor if part.status == steps.IN_TRANSIT else part.holder
        place = act.place or part.place
        _put(book, act, stock, part, place, book.holder_at(act, place, holder), steps.ON_HAND)


def _taken_over(act: Act) -> bool:
    """Whether ownership alone is accepted, of goods that stay where they are."""
    owning, possessing = act.event.owning, act.event.possessing
    if act.event.biz_step != "accepting" or owning is None or owning[0] == owning[1]:
        return False
    return possessing is None or possessing[0] == possessing[1]


def _note_short(book: Book, stock: ClassStock, captor: str, parts: Sequence[Slot], uom: str | None) -> None:
    """Remember what a receipt left on its way of the very consignments that it received a part of."""
    received = {part.name() for part in parts}
    for slot in on_the_way(book, stock, captor, uom):
        name = slot.name()
        if name in received:
            stock.short[name] = (slot.quantity, slot.eid)


def _move(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    if act.place is None or _already_carried(act, stock, quantity, uom):
        _show_holders(book, act, stock)
        return
    check_class_recall(book, act, stock, captor)
    if steps.is_explant(act.event) and not explanted_there(act, stock, captor, uom):
        _explant(book, act, stock, captor, quantity, uom)
        return
    known = captor in stock.concerned
    if act.event.reason == steps.OPENING:
        parts = _opened(book, act, stock, captor, quantity, uom)
    else:
        parts = take(book, act, stock, captor, quantity, uom)
    for part in parts:
        holder = captor if part.status == steps.IN_TRANSIT else part.holder
        holder = book.holder_at(act, act.place, holder)
        if not known and act.event.reason != steps.OPENING:
            dealings.note_receipt(book, act, stock, part.owner, holder, act.place)
        stays = part.status == steps.EXPLANTED
        _put(book, act, stock, part, act.place, holder, steps.EXPLANTED if stays else steps.ON_HAND)


def _explant(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    """Place what was taken out of a patient: it comes from what was implanted, never from the shelf."""
    wanted = quantity
    inside = (slot for slot in there_is(stock, "implanted", uom) if captor in (slot.owner, slot.holder))
    for slot in in_order(inside):
        if wanted > 0:
            part = debit(book, act, stock, slot, min(wanted, slot.quantity))
            wanted -= part.quantity
            _put(book, act, stock, part, act.place, part.holder, steps.EXPLANTED)
    if wanted > 0:
        # Implanted before the book began, or by a use that nobody recorded.
        note_opened(stock, wanted, uom)
        book.raise_conflict("use_missing", act, stock)
        part = Slot(None, None, captor, captor, steps.EXPLANTED, (), uom, wanted, 0, b"")
        _put(book, act, stock, part, act.place, captor, steps.EXPLANTED)


def _opened(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> list[Slot]:
    """What an opening balance brings to its place: no more than is missing there to the quantity that it found."""
    owner = first_owner(book, act, stock, captor)
    where = (act.place, None, owner, steps.ON_HAND, uom)
    slots = (one for one in stock.slots.values() if (one.place, one.container, one.owner, one.status, one.uom) == where)
    here = sum((slot.quantity for slot in slots), ZERO)
    if here >= quantity:
        _show_holders(book, act, stock)
        return []
    return missing_parts(book, act, stock, captor, quantity - here, uom, first_seen=True)


def _end(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    event = act.event
    sink = steps.sink_of(event, act.effect)
    used = act.effect == steps.USE
    if used:
        book.uses[stock.key, event.usage_report] = book.uses.get((stock.key, event.usage_report), ZERO) + quantity
    for part in take(book, act, stock, captor, quantity, uom):
        if used:
            check_class_use(book, act, stock, captor, part)
        elif act.effect == steps.LOSE:
            answer_by_loss(stock, part.place, uom, part.quantity)
        place = (event.location[1] if event.location is not None else None) or event.read_point or part.place
        _put(book, act, stock, part, place, captor if part.status == steps.IN_TRANSIT else part.holder, sink)


def _count(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    event = act.event
    there = [
        slot
        for slot in stock.slots.values()
        if slot.status == steps.ON_HAND
        and slot.uom == uom
        and slot.place == act.place
        and captor in (slot.owner, slot.holder)
    ]
    for slot in there:
        show_slot(book, act, stock, slot)
    seen = sum((slot.quantity for slot in there), ZERO)
    if stock.claimant is None:
        book.counts.append(
            Count(event.eid, event.event_time_us, stock.key, act.place, uom, quantity, seen, event.count_scope)
        )
    parties = [party for slot in there for party in (slot.owner, slot.holder) if party is not None]
    note_count(act, stock, captor, uom, quantity, seen, parties)


def _note(book: Book, act: Act, stock: ClassStock, captor: str, quantity: Decimal, uom: str | None) -> None:
    del quantity, uom, captor
    _show_holders(book, act, stock)
    if act.effect == steps.UNKNOWN:
        book.raise_conflict("unknown_step", act, stock, what=act.event.biz_step or act.event.type)


def _notice(book: Book, act: Act, stock: ClassStock, entitled: bool) -> None:
    event = act.event
    if not entitled:
        _note_claim(book, act, stock)
        return
    serials = serials_of_notice(event, stock.key)
    maker = book.parties.maker_of(stock.key)
    by_maker = maker is not None and maker in act.captors
    notices = stated(event, (maker if by_maker else None) or act.captors[0], serials)
    if notices and by_maker:
        if not serials:
            stock.public.append(event.eid)
            book.show(event.eid, stock.concerned)
        _show_to_holders(book, event.eid, stock.key, serials)
    book.noticed = book.noticed or bool(notices)
    stock.notices.extend(notices)
    _touched(book, act, stock)


def _show_to_holders(book: Book, eid: bytes, key: str, serials: tuple[tuple[str, str], ...]) -> None:
    """Show a notice to all whom serials of the class that it covers, or lots of the GTIN, ever concerned."""
    gtin, lot, _ = class_parts(key)
    if gtin is None:
        return
    product = key[:PRODUCT_END]
    for record in book.records.values():
        if isinstance(record, PatientLinks) or record.claimant is not None or not record.key.startswith(product):
            continue
        if isinstance(record, Instance) and lot in (None, record.lot):
            for _, parties in record.trail if within(serials, class_parts(record.key)[2]) else ():
                book.show(eid, parties)
        elif isinstance(record, ClassStock) and lot is None and not serials:
            book.show(eid, record.concerned)


def _put(
    book: Book, act: Act, stock: ClassStock, part: Slot, place: str | None, holder: str | None, status: str
) -> None:
    dealings.note_use(book, act, stock, part.owner, holder, part.place)
    if act.effect == steps.RECEIVE or (act.effect == steps.MOVE and part.status == steps.IN_TRANSIT):
        dealings.note_receipt(book, act, stock, part.owner, holder, place)
    owner = owner_after(book, act, stock, part.owner, part.quantity, part.uom)
    flags = steps.flags_after(part.flags, act.event) if status not in steps.SINKS else ()
    add_slot(book, act, stock, Slot(place, None, owner, holder, status, flags, part.uom, part.quantity, 0, b""))


def _already_carried(act: Act, stock: ClassStock, quantity: Decimal, uom: str | None) -> bool:
    """Whether a container that the same event names has brought the quantity along."""
    along = ZERO
    for slot in stock.slots.values():
        if slot.container is not None and item_of(slot.container) in act.named and slot.uom == uom:
            along += slot.quantity
    return along >= quantity


def _show_holders(book: Book, act: Act, stock: ClassStock) -> None:
    if stock.claimant is not None:
        return
    for slot in stock.slots.values():
        if any(captor in (slot.owner, slot.holder) for captor in act.captors):
            book.show(act.event.eid, (slot.owner, slot.holder))


_Handler = Callable[[Book, Act, ClassStock, str, Decimal, "str | None"], None]
_EFFECTS: dict[str, _Handler] = {
    steps.CREATE: _create,
    steps.RECEIVE: _receive,
    steps.MOVE: _move,
    steps.SHIP: _ship,
    steps.VOID_SHIP: _void_ship,
    steps.USE: _end,
    steps.LOSE: _end,
    steps.DESTROY: _end,
    steps.END: _end,
    steps.TRANSFORM: _end,
    steps.COUNT: _count,
}
