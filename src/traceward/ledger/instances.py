"""What an event does to one serialised item or container, and to everything that lies in it.

It must not choose whether the captor is entitled (entitlement.py) nor which effect a step has (steps.py).
"""

from collections.abc import Callable
from decimal import Decimal

from traceward.ledger import dealings, steps, trays
from traceward.ledger.book import Act, Book, agrees
from traceward.ledger.entitlement import IMPLIED, NOTICE, OPEN, SENT, entitled_to_instance
from traceward.ledger.facts import PRODUCT_END
from traceward.ledger.labels import compare_label, read_label
from traceward.ledger.notices import stated
from traceward.ledger.owning import owner_after
from traceward.ledger.safety import check_class_recall, check_class_use, check_recall, check_use
from traceward.ledger.slots import add_slot, show_notices, show_slot
from traceward.ledger.state import UNSEEN, ClassStock, Dealing, Instance, Slot, item_of, record_key

ONE = Decimal(1)
_SEEN_ONLY = frozenset({steps.NOTE, steps.COUNT, steps.UNKNOWN})
_SERIAL = PRODUCT_END + len("/21/")
_ENDED_BY_USE = frozenset({"implanted", "consumed"})
_MOVES = frozenset({steps.RECEIVE, steps.MOVE, steps.SHIP})
_ALIKE = frozenset({steps.CREATE, steps.RECEIVE, steps.MOVE, steps.SHIP})
_STAYS_ON_THE_WAY = frozenset({"transporting", "loading", "unloading", "entering_exiting"})


def act_on_instance(book: Book, act: Act, key: str) -> tuple[Instance, str]:
    """Apply the event to an item it names; gives back the record it changed and the captor that it credits.

    Where no captor is entitled the claim is recorded, and kept apart under the first captor.
    """
    record = book.instance(key)
    entitled = entitled_to_instance(book, act, record)
    if entitled is not None:
        perform(book, act, record, *entitled)
        return record, entitled[0]
    note_claim(book, act, record)
    captor = act.captors[0]
    claim = book.instance(key, captor)
    perform(book, act, claim, captor, OPEN if claim.status == UNSEEN else "own")
    return claim, captor


def act_on_instances(book: Book, act: Act) -> None:
    """Apply the event to all items that it names as its objects.

    Never seen items of one GTIN differ by their serial alone, so what happens to the first happens to the others.
    """
    alike: Instance | None = None
    dealt: Dealing | None = None
    for key in act.event.instances:
        if alike is not None and key[:_SERIAL] == alike.key[:_SERIAL] and book.find(key) is None:
            dealings.note_twin(book, act, book.add_twin(alike, key), dealt)
            continue
        new = act.effect in _ALIKE and key[PRODUCT_END:_SERIAL] == "/21/" and book.find(key) is None
        raised, earlier = len(book.conflicts) + len(book.transfers), len(book.dealings)
        record, _ = act_on_instance(book, act, key)
        plain = new and record.claimant is None and raised == len(book.conflicts) + len(book.transfers)
        plain = plain and not act.event.labels and not book.noticed_by_serial(key)
        alike = record if plain else None
        dealt = dealings.newest(book, earlier)


def note_claim(book: Book, act: Act, record: Instance) -> None:
    """Record that the event claims an item of others, and let those who own and hold it see the event.

    Where the item's maker is not registered nobody's ownership is proven: whoever dates his receipt before others'
    would read theirs. So he is told of the claim, and not shown it.
    """
    book.raise_conflict("claimed", act, record)
    if book.parties.maker_of(record.key) is not None:
        book.show(act.event.eid, (record.owner, record.holder))
    record.order = act.order
    book.change(record)


def perform(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    """Apply the event to a record on behalf of an entitled captor."""
    if record.status != UNSEEN and _went_through(act, record):
        return  # its container, named by the same event, brought it along
    before = concerned(book, record)
    is_lot_new = read_label(act, record)
    if record.status in steps.SINKS:
        _after_the_end(book, act, record)
    else:
        if record.status == UNSEEN and act.effect not in _SEEN_ONLY:
            open_instance(book, act, record, captor)
        if basis == IMPLIED and act.effect not in _SEEN_ONLY:
            _note_undespatched(book, act, record)
        trays.note_sterilised(act, record)
        if basis == NOTICE and act.effect != steps.COUNT:
            _state(book, act, record, captor)
        else:
            _EFFECTS.get(act.effect, _note)(book, act, record, captor, basis)
            if act.effect not in _SEEN_ONLY:
                _pass_ownership(book, act, record)
                if record.container is not None and not _travels_along(book, act, record):
                    leave_if_apart(book, act, record)
                if record.contents:
                    carry(book, act, record)
    compare_label(book, act, record)
    touch(book, act, record, before)
    if is_lot_new and record.claimant is None:
        for party in {*before, *concerned(book, record)}:
            show_notices(book, record.key, record.lot, party)


def _note_undespatched(book: Book, act: Act, record: Instance) -> None:
    """What its consignee has though nothing was sent: received beyond the despatch, or used or handled unreceived."""
    if act.effect == steps.RECEIVE and act.event.biz_step != "accepting":
        book.raise_conflict("receipt_over", act, record, what="1")
    elif act.effect == steps.USE:
        book.raise_conflict("used_elsewhere", act, record)
    else:
        book.raise_conflict("implied_receipt", act, record)


def touch(book: Book, act: Act, record: Instance, before: tuple[str, ...]) -> None:
    """Note that the event touched the record, and show it and the item's earlier events to those concerned."""
    event = act.event
    record.order = act.order
    record.seen = (event.event_time_us, event.read_point or record.place, event.eid)
    parties = tuple(sorted({*before, *concerned(book, record)}))
    if not record.trail or record.trail[-1][1] != parties:
        for party in parties:
            _show_earlier(book, record, party)
    record.trail += ((event.eid, parties),)
    book.show(event.eid, parties)
    book.change(record)


def concerned(book: Book, record: Instance) -> tuple[str, ...]:
    """The parties whom the record concerns: owner, holder, and the destination of what is in transit."""
    if record.claimant is not None:
        return (record.claimant,)
    owner, holder = record.owner, record.holder
    if record.status == steps.IN_TRANSIT:
        return tuple(sorted({party for party in (owner, holder, book.destination(record)) if party is not None}))
    if owner == holder or holder is None:
        return () if owner is None else (owner,)
    return (holder,) if owner is None else (owner, holder) if owner < holder else (holder, owner)


def open_instance(book: Book, act: Act, record: Instance, captor: str) -> None:
    """Give a never seen item its first owner, holder and place."""
    event = act.event
    stated = next((party for party in (event.owning or ()) if party is not None), None)
    maker = book.parties.maker_of(record.key)
    created = act.effect == steps.CREATE
    if record.claimant is not None:
        record.owner = captor if created or stated == captor else None
    elif created:
        record.owner = stated or captor
    elif event.reason == steps.OPENING and maker in act.captors:
        record.owner = stated or maker
    else:
        record.owner = maker or stated
    record.place = act.source or event.read_point or act.place
    if created or act.effect == steps.PACK:
        record.place = act.place
    record.holder = (book.parties.party_of_place(record.place) or captor) if created else captor
    record.status = steps.ON_HAND
    record.provenance = "commissioned" if created else "first_seen"
    record.changed_eid = event.eid
    record.owners += ((event.event_time_us, record.owner, event.eid),)


def leave_container(book: Book, act: Act, record: Instance, *, told: bool = False) -> None:
    """Take an item out of its container; told: the event says so, else the unpacking is implied and flagged."""
    if record.container is None:
        return
    container = book.find(record.container)
    if not told:
        book.raise_conflict("implied_disaggregation", act, record, what=item_of(record.container))
    if isinstance(container, Instance):
        container.take_from(record_key(record))
        container.order = max(container.order or act.order, act.order)
        book.change(container)
    record.container = None


def leave_if_apart(book: Book, act: Act, record: Instance) -> None:
    """Take an item out of a container that is somewhere else than the item now is."""
    container = book.find(record.container) if record.container is not None else None
    if isinstance(container, Instance) and (container.place, container.holder, container.status) != (
        record.place, record.holder, record.status,
    ):  # fmt: skip
        leave_container(book, act, record)


def carry(book: Book, act: Act, container: Instance, seen: frozenset[str] = frozenset()) -> None:
    """Give a container's place, holder and status to all that lies in it, and pass ownership on where it passed."""
    seen |= {record_key(container)}
    for name in sorted((container.contents or set()) - seen):
        content = book.find(name)
        if isinstance(content, Instance):
            if _went_through(act, content):
                content.place, content.holder = container.place, container.holder
                content.origin, content.status = container.origin, container.status
                continue
            before, sent_eid = concerned(book, content), dealings.sent_by(content)
            _judge_content(book, act, content)
            content.place, content.holder, content.origin = container.place, container.holder, container.origin
            content.flags = steps.flags_after(content.flags, act.event)
            ended = container.status in steps.SINKS
            dealings.note_content(book, act, content, container, content.owner, sent_eid)
            _pass_ownership(book, act, content)
            content.status = container.status
            content.changed_eid = act.event.eid
            if ended:
                content.ended_eid, content.deleted = act.event.eid, container.deleted
            if content.contents:
                carry(book, act, content, seen)
            touch(book, act, content, before)
        elif isinstance(content, ClassStock):
            carry_stock(book, act, container, content)


def _judge_content(book: Book, act: Act, content: Instance) -> None:
    """Say of what lies in a container what would be said of it alone: used, or moved although it is recalled."""
    if act.effect == steps.USE:
        check_use(book, act, content)
        book.uses[content.key, act.event.usage_report] = ONE
        dealings.note_use(book, act, content, content.owner, content.holder, act.source or content.place)
    elif act.effect in _MOVES:
        check_recall(book, act, content)


def _judge_part(book: Book, act: Act, stock: ClassStock, part: Slot) -> None:
    if act.effect == steps.USE:
        check_class_use(book, act, stock, act.captors[0], part)
        use = (stock.key, act.event.usage_report)
        book.uses[use] = book.uses.get(use, Decimal(0)) + part.quantity
        dealings.note_use(book, act, stock, part.owner, part.holder, act.source or part.place)
    elif act.effect in _MOVES:
        check_class_recall(book, act, stock, act.captors[0])


def carry_stock(book: Book, act: Act, container: Instance, stock: ClassStock) -> None:
    """Give a container's place, holder and status to a class's stock in it."""
    inside = record_key(container)
    for slot in [slot for slot in stock.slots.values() if slot.container == inside]:
        show_slot(book, act, stock, slot)
        _judge_part(book, act, stock, slot)
        del stock.slots[slot.name()]
        sent_eid = slot.eid if slot.status == steps.IN_TRANSIT else None
        dealings.note_content(book, act, stock, container, slot.owner, sent_eid)
        owner = owner_after(book, act, stock, slot.owner, slot.quantity, slot.uom)
        add_slot(
            book, act, stock,
            Slot(container.place, inside, owner, container.holder, container.status,
                 steps.flags_after(slot.flags, act.event), slot.uom, slot.quantity, 0, b""),
        )  # fmt: skip
    stock.order = act.order
    book.change(stock)


def _show_earlier(book: Book, record: Instance, party: str) -> None:
    known_maker = book.parties.maker_of(record.key) is not None
    for eid, parties in reversed(record.trail):
        if party in parties:
            return
        # Where no maker vouches for who comes first, what was seen of nobody's item is not told to whoever takes it.
        if parties or known_maker:
            book.show(eid, (party,))
    if record.claimant is None:
        show_notices(book, record.key, record.lot, party)


def _pass_ownership(book: Book, act: Act, record: Instance) -> None:
    if act.event.owning is None:
        return
    owner = owner_after(book, act, record, record.owner, ONE, None)
    if owner != record.owner:
        record.owner = owner
        record.owners += ((act.event.event_time_us, owner, act.event.eid),)


def _create(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    del captor, basis
    if record.changed_eid == act.event.eid:
        return
    if record.provenance == "commissioned":
        book.raise_conflict("already_commissioned", act, record)
    else:
        record.provenance = "commissioned"


def _ship(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    if not _travels_along(book, act, record):
        leave_container(book, act, record)
    _check_source(book, act, record)
    check_recall(book, act, record)
    if record.status != steps.IN_TRANSIT:
        record.origin = record.place
    if basis == IMPLIED:
        record.holder = captor
    record.status, record.place = steps.IN_TRANSIT, act.target
    _changed(act, record)


def _void_ship(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    del captor, basis
    if record.status == steps.IN_TRANSIT:
        record.status, record.place, record.origin = steps.ON_HAND, act.place or record.origin, None
        _changed(act, record)
    elif record.holder not in act.captors:
        book.raise_conflict("void_too_late", act, record, what=f"it is at {record.place or 'an unknown place'}")


def _receive(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    if not _travels_along(book, act, record):
        leave_container(book, act, record)
    check_recall(book, act, record)
    if basis in (SENT, IMPLIED):
        record.holder = captor
    record.holder = book.holder_at(act, act.place, record.holder)
    sent_eid = dealings.sent_by(record)
    record.status, record.place, record.origin = steps.ON_HAND, act.place or record.place, None
    dealings.note_receipt(book, act, record, record.owner, record.holder, record.place, sent_eid)
    _changed(act, record)


def _move(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    if act.place is None:
        _state(book, act, record, captor)
        return
    if record.status == steps.IN_TRANSIT:
        if act.event.biz_step in _STAYS_ON_THE_WAY:
            return
        if basis == SENT:
            book.raise_conflict("implied_receipt", act, record)
    else:
        _check_source(book, act, record)
    check_recall(book, act, record)
    _receive_quietly(book, act, record, captor, basis)


def _state(book: Book, act: Act, record: Instance, captor: str) -> None:
    record.flags = steps.flags_after(record.flags, act.event)
    if act.place is None:
        record.notices += stated(act.event, captor)
        book.noticed = book.noticed or bool(record.notices)


def _receive_quietly(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    if not _travels_along(book, act, record):
        leave_container(book, act, record)
    if basis in (SENT, IMPLIED):
        record.holder = captor
    record.holder = book.holder_at(act, act.place, record.holder)
    if record.status == steps.IN_TRANSIT or (basis in (SENT, IMPLIED, OPEN) and act.event.reason != steps.OPENING):
        sent_eid = dealings.sent_by(record)
        dealings.note_receipt(book, act, record, record.owner, record.holder, act.place, sent_eid)
    if steps.is_explant(act.event) and steps.EXPLANTED not in record.flags:
        book.raise_conflict("use_missing", act, record)
    stays = record.status == steps.EXPLANTED or steps.is_explant(act.event)
    record.status, record.place, record.origin = steps.EXPLANTED if stays else steps.ON_HAND, act.place, None
    _changed(act, record)


def position(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    """Let a container, or an item that goes in or out of one, be where the event is."""
    if record.status == steps.IN_TRANSIT and basis == SENT:
        book.raise_conflict("implied_receipt", act, record)
    if basis in (SENT, IMPLIED):
        record.holder = captor
    if act.place is not None:
        record.place = act.place
        record.holder = book.holder_at(act, act.place, record.holder)
    if act.place is not None or basis in (SENT, IMPLIED):
        record.status, record.origin = steps.ON_HAND, None
    _changed(act, record)


def _end(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    event = act.event
    if act.effect == steps.USE:
        trays.check_use(book, act, record)
    leave_container(book, act, record)
    if record.status == steps.IN_TRANSIT and act.effect == steps.USE:
        book.raise_conflict("used_in_transit", act, record)
    if act.effect == steps.USE:
        check_use(book, act, record)
        book.uses[record.key, event.usage_report] = ONE
    if basis in (SENT, IMPLIED):
        record.holder = captor
    if record.status != steps.IN_TRANSIT and record.provenance != "first_seen":
        _check_source(book, act, record)
    dealings.note_use(book, act, record, record.owner, record.holder, act.source or record.place)
    record.status = steps.sink_of(event, act.effect)
    record.place = (event.location[1] if event.location is not None else None) or event.read_point or record.place
    record.origin, record.ended_eid, record.deleted = None, event.eid, event.action == "DELETE"
    _changed(act, record)


def _count(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    del captor, basis
    if act.place is not None and not agrees(act.place, record.place):
        book.raise_conflict("counted_elsewhere", act, record, what=f"{record.place or 'nowhere'}")


def _note(book: Book, act: Act, record: Instance, captor: str, basis: str) -> None:
    del captor, basis
    if act.effect == steps.UNKNOWN:
        book.raise_conflict("unknown_step", act, record, what=act.event.biz_step or act.event.type)


def _after_the_end(book: Book, act: Act, record: Instance) -> None:
    event = act.event
    if act.effect in (steps.NOTE, steps.UNKNOWN) or (act.effect == steps.MOVE and act.place is None):
        return  # a statement, such as a recall, is no sighting
    if record.status == "implanted" and steps.is_explant(event):
        record.status, record.deleted = steps.EXPLANTED, False
        record.place = act.place or record.place
        _changed(act, record)
        return
    if act.effect == steps.USE:
        # Who is to sell the item a second time owns it no more, and must know that this use does not count.
        book.raise_conflict("consumed_twice", act, record, *(event.owning or ()))
    elif record.status in _ENDED_BY_USE and not record.deleted:
        book.raise_conflict("seen_after_use", act, record, what=record.status)
    else:
        book.raise_conflict("seen_after_end", act, record, what=record.status)
    if event.owning is not None:
        owner_after(book, act, record, record.owner, ONE, None, ended=True)


def _changed(act: Act, record: Instance) -> None:
    record.flags = steps.flags_after(record.flags, act.event)
    record.changed_eid = act.event.eid


def _went_through(act: Act, record: Instance) -> bool:
    """Whether the event was applied to the record already, and did not only take something out of it."""
    return record.order == act.order and bool(record.trail) and record.trail[-1][0] == act.event.eid


def _travels_along(book: Book, act: Act, record: Instance) -> bool:
    """Whether a container that the same event moves has the item in it, at any depth."""
    inside, seen = record.container, set[str]()
    while inside is not None and inside not in seen:
        container = book.find(inside)
        if not isinstance(container, Instance):
            return False
        if container.key in act.named and _is_acted_on(book, act, container):
            return True
        seen.add(inside)
        inside = container.container
    return False


def _is_acted_on(book: Book, act: Act, named: Instance) -> bool:
    """Whether what an event does to an item is done to this record of it: the ledger's own, or a captor's claim."""
    if _went_through(act, named):
        return True
    entitled = entitled_to_instance(book, act, book.instance(named.key))
    if named.claimant is None:
        return entitled is not None
    return entitled is None and named.claimant == act.captors[0]


def _check_source(book: Book, act: Act, record: Instance) -> None:
    if act.source is not None and record.place is not None and not agrees(act.source, record.place):
        book.raise_conflict("place_mismatch", act, record, what=record.place)


_Handler = Callable[[Book, Act, Instance, str, str], None]
_EFFECTS: dict[str, _Handler] = {
    steps.CREATE: _create,
    steps.RECEIVE: _receive,
    steps.MOVE: _move,
    steps.SHIP: _ship,
    steps.VOID_SHIP: _void_ship,
    steps.PACK: position,
    steps.UNPACK: position,
    steps.USE: _end,
    steps.LOSE: _end,
    steps.DESTROY: _end,
    steps.END: _end,
    steps.TRANSFORM: _end,
    steps.COUNT: _count,
    steps.NOTE: _note,
    steps.UNKNOWN: _note,
}
