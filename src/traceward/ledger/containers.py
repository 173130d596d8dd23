"""What an aggregation or association does: pack into a container, take out of it, or move it with its contents.

It must not decide what a container's contents become when it moves: instances.carry does.
"""

from traceward.ledger import steps, trays
from traceward.ledger.book import Act, Book
from traceward.ledger.classes import act_on_class, put_into, take_out
from traceward.ledger.entitlement import OPEN, entitled_to_instance
from traceward.ledger.facts import container_of
from traceward.ledger.instances import (
    act_on_instance,
    carry,
    concerned,
    leave_container,
    leave_if_apart,
    note_claim,
    open_instance,
    perform,
    touch,
)
from traceward.ledger.state import UNSEEN, ClassStock, Instance, item_of, record_key

_RETURNABLE = "https://id.gs1.org/8003/"
_NAMED = 10
_CHECKED = frozenset({"completeness_verified", "mismatch_class", "mismatch_instance", "mismatch_quantity"})


def act_on_container(book: Book, act: Act) -> None:
    """Apply an AggregationEvent or AssociationEvent to its parent and children."""
    event = act.event
    key = container_of(event)
    if key is None:
        act.effect = steps.MOVE if act.effect in (steps.PACK, steps.UNPACK) else act.effect
        act.place = act.place or event.parent
        for child in event.children:
            act_on_instance(book, act, child)
        for name, quantity, uom in event.child_quantities:
            act_on_class(book, act, name, quantity, uom)
        return
    known = book.instance(key)
    if act.effect == steps.PACK and key.startswith(_RETURNABLE) and not known.contents:
        known.trail = ()  # an asset's earlier loans are no pedigree of its new load
    container, captor = act_on_instance(book, act, key)
    if act.effect == steps.PACK:
        trays.note_load(container, event.children)
    if container.status in steps.SINKS or act.effect == steps.COUNT:
        return
    if act.effect == steps.UNPACK:
        _unpack(book, act, container, captor)
    elif act.effect != steps.NOTE or event.action == "OBSERVE":
        _pack(book, act, container, captor)


def _pack(book: Book, act: Act, container: Instance, captor: str) -> None:
    event = act.event
    if event.action == "OBSERVE" and act.effect in (steps.NOTE, steps.UNKNOWN):
        return
    for child in event.children:
        record, _ = _child(book, act, child, captor)
        if record is None:
            continue
        name = record_key(container)
        if _lies_in(book, container, record):
            book.raise_conflict("container_cycle", act, record, what=container.key)
            leave_if_apart(book, act, container)  # it was taken to travel along with what now stays where it is
            continue
        before = concerned(book, record)
        if record.container not in (None, name):
            leave_container(book, act, record)
        if record.status == steps.IN_TRANSIT and container.status != steps.IN_TRANSIT:
            book.raise_conflict("implied_receipt", act, record)
        record.container, record.place, record.status = name, container.place, container.status
        record.holder, record.origin = container.holder, container.origin
        container.put_in(record_key(record))
        _settle(book, act, record, before)
    inside = record_key(container)
    for key, quantity, uom in event.child_quantities:
        if quantity is None:
            continue
        stock = book.find(f"{key}|class")
        there = (
            sum(slot.quantity for slot in stock.slots.values() if slot.container == inside and slot.uom == uom)
            if isinstance(stock, ClassStock)
            else 0
        )
        more = quantity - there if event.action == "OBSERVE" else quantity
        if more > 0:
            put_into(book, act, container, captor, key, more, uom)


def _unpack(book: Book, act: Act, container: Instance, captor: str) -> None:
    event = act.event
    name = record_key(container)
    trays.check_sterile(book, act, container)
    if not event.children and not event.child_quantities:
        _empty(book, act, container, captor)
        return
    for child in event.children:
        record, _ = _child(book, act, child, captor)
        if record is None:
            continue
        before = concerned(book, record)
        if record.container != name:
            book.raise_conflict("not_in_container", act, record, what=item_of(name))
            leave_container(book, act, record)
        _take_item_out(book, act, container, record, before)
    for key, quantity, uom in event.child_quantities:
        if quantity is not None:
            take_out(book, act, container, captor, key, quantity, uom)
    if event.disposition in _CHECKED and container.contents and container.claimant is None:
        left = sorted(item_of(content) for content in container.contents)
        book.raise_conflict("left_in_container", act, container, what=", ".join(left[:_NAMED]))


def _empty(book: Book, act: Act, container: Instance, captor: str) -> None:
    inside = record_key(container)
    for name in sorted(container.contents or ()):
        content = book.find(name)
        if isinstance(content, Instance):
            _take_item_out(book, act, container, content, concerned(book, content))
        elif isinstance(content, ClassStock):
            for slot in [slot for slot in content.slots.values() if slot.container == inside]:
                take_out(book, act, container, captor, content.key, slot.quantity, slot.uom)


def _take_item_out(book: Book, act: Act, container: Instance, record: Instance, before: tuple[str, ...]) -> None:
    record.container = None
    container.take_from(record_key(record))
    record.place, record.holder, record.status = act.place or container.place, container.holder, container.status
    _settle(book, act, record, before)


def _child(book: Book, act: Act, key: str, captor: str) -> tuple[Instance | None, str]:
    """The record of a child that the captor may move, or his claim's; None where its life has ended."""
    record = book.instance(key)
    entitled = entitled_to_instance(book, act, record)
    if entitled is None:
        note_claim(book, act, record)
        record = book.instance(key, captor)
    if record.status == UNSEEN:
        open_instance(book, act, record, entitled[0] if entitled is not None else captor)
    if record.status in steps.SINKS:
        perform(book, act, record, captor, OPEN)
        return None, captor
    return record, captor


def _settle(book: Book, act: Act, record: Instance, before: tuple[str, ...]) -> None:
    record.flags = steps.flags_after(record.flags, act.event)
    record.changed_eid = act.event.eid
    if record.contents:
        carry(book, act, record)
    touch(book, act, record, before)


def _lies_in(book: Book, container: Instance, record: Instance) -> bool:
    """Whether the container is the record itself or lies, at any depth, inside it."""
    inside: str | None = record_key(container)
    seen = set[str]()
    while inside is not None and inside not in seen:
        if inside == record_key(record):
            return True
        seen.add(inside)
        outer = book.find(inside)
        inside = outer.container if isinstance(outer, Instance) else None
    return False
