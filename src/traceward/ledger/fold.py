"""The ledger as a pure fold over events: same events, same ledger, in whatever order they came.

It must not read anything but its arguments: no clock, no database, no settings.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from traceward.ledger import corrections, steps
from traceward.ledger.book import Act, Book, Relations
from traceward.ledger.classes import act_on_class
from traceward.ledger.conflicts import conflict
from traceward.ledger.consignments import short_receipts
from traceward.ledger.containers import act_on_container
from traceward.ledger.entitlement import relation_of
from traceward.ledger.facts import LedgerEvent, class_keys, item_keys, keys
from traceward.ledger.foretold import dated_ahead
from traceward.ledger.instances import act_on_instance, act_on_instances, concerned, touch
from traceward.ledger.links import act_on_links, check_links, pass_over_links
from traceward.ledger.misspelt import misspelt
from traceward.ledger.parties import Parties
from traceward.ledger.shared_ids import reused_ids
from traceward.ledger.snapshots import Keeper
from traceward.ledger.standing import standing_conflicts
from traceward.ledger.state import ClassStock, Instance, Ledger, Order, PatientLinks
from traceward.ledger.visibility import named_parties

ONE = Decimal(1)


def relations(events: Iterable[LedgerEvent]) -> Relations:
    """The pairs (owner, consignee) that an event captured by the owner proves. ADR 0011."""
    return frozenset(pair for event in events if (pair := relation_of(event)) is not None)


def fold(
    events: Iterable[LedgerEvent],
    parties: Parties,
    relations_: Relations | None = None,
    as_of_us: int | None = None,
) -> Ledger:
    """The ledger that the events amount to, with everything up to as_of_us (inclusive) having happened.

    Captures of one content are one event with all its captors. relations_: proven elsewhere; None: by these events.
    """
    merged = merge_witnesses(events)
    proven = relations(merged) if relations_ is None else relations_
    if as_of_us is not None:
        merged = [event for event in merged if event.event_time_us <= as_of_us]
    book = Book(parties, proven)
    apply_all(book, merged)
    for raised in reused_ids(merged, parties):
        book.conflicts[raised.id] = raised
    for short in short_receipts(ledger_of(book)):
        book.conflicts[short.id] = short
    return ledger_of(book)


def apply_all(
    book: Book,
    events: Sequence[LedgerEvent],
    corrected: corrections.Corrections | None = None,
    keeper: Keeper | None = None,
) -> None:
    """Apply events, each once, in the fold's order, and then what holds as they leave things.

    corrected: what was declared in error, where that is known from more than these events. keeper: is given the states
    between them.
    """
    if corrected is None:
        corrected = corrections.resolve(events)
    for event in sorted(events, key=steps.order_of):
        if keeper is not None:
            keeper.before(book, event)
        captors = corrected.captors.get(event.eid, event.captured_by)
        if event.declares is not None or not captors:
            pass_over(book, event, corrected)
        else:
            apply_event(book, event, captors)
        if keeper is not None:
            keeper.after(book, event)
    for record in list(book.records.values()):
        if isinstance(record, PatientLinks):
            check_links(book, record)
        else:
            standing_conflicts(book, record)


def apply_event(book: Book, event: LedgerEvent, captors: tuple[str, ...], order: Order | None = None) -> None:
    """Apply one event whose capture by `captors` stands. Its place in the order must be after all applied so far."""
    act = Act(event, captors, book.parties, order)
    for ahead in dated_ahead(event, captors, book.parties):
        book.conflicts[ahead.id] = ahead
    if event.private:
        act_on_links(book, act)
        return
    for wrong in misspelt(event, captors, book.parties):
        book.conflicts[wrong.id] = wrong
    book.show(event.eid, named_parties(event, book.parties))
    if event.type == "TransformationEvent":
        _transform(book, act)
        return
    if event.parent is not None:
        act_on_container(book, act)
    if event.instances:
        act_on_instances(book, act)
    for key, quantity, uom in event.quantities:
        act_on_class(book, act, key, quantity, uom)


def pass_over(book: Book, event: LedgerEvent, corrected: corrections.Corrections) -> None:
    """Show an event that moves nothing (declared in error, or itself a declaration) to those whom its items concern."""
    act = Act(event, event.captured_by, book.parties)
    if event.private:
        # Whether another party has such a private event must make no difference here.
        pass_over_links(book, act, waiting=event.eid in corrected.waiting or event.eid in corrected.refused)
        return
    named = named_parties(event, book.parties)
    book.show(event.eid, named)
    told = tuple(sorted(party for party in named if party is not None))
    struck = event.declares is None
    used = act.effect == steps.USE
    amounts = dict.fromkeys(event.instances, ONE)
    amounts.update({key: quantity or Decimal(0) for key, quantity, _ in event.quantities})
    records: list[Instance | ClassStock] = []
    for key in sorted(item_keys(event)):
        item = book.instance(key)
        seen = item.seen
        touch(book, act, item, concerned(book, item))
        item.seen = seen  # what did not occur saw nothing
        records.append(item)
    for key in sorted(class_keys(event)):
        stock = book.stock(key)
        for slot in stock.slots.values():
            if any(captor in (slot.owner, slot.holder) for captor in event.captured_by):
                book.show(event.eid, (slot.owner, slot.holder))
        stock.order = act.order
        book.change(stock)
        records.append(stock)
    for record in records:
        if struck and used and record.key in amounts:
            record.voided_uses += ((event.eid, event.usage_report, amounts[record.key], told),)
        if event.eid in corrected.waiting:
            record.waiting += (event.eid,)
    touched = keys(event)
    refused = corrected.refused.get(event.eid, ())
    if touched and (event.eid in corrected.waiting or refused):
        # Only whom the original names is told that it is here: a guess must not find out what others captured.
        known = any(not named_parties(one, book.parties).isdisjoint(event.captured_by) for one in refused)
        kind = "not_declarant" if known else "original_missing"
        raised = conflict(kind, touched, (event.eid,), event.captured_by, event.event_time_us)
        book.conflicts[raised.id] = raised


def merge_witnesses(events: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """The events, each content once, with the captors of all its captures and the earliest recordTime."""
    merged: dict[bytes, LedgerEvent] = {}
    for event in events:
        other = merged.get(event.eid)
        if other is None:
            merged[event.eid] = event
        elif other.captured_by != event.captured_by or event.record_time_us < other.record_time_us:
            merged[event.eid] = msgspec.structs.replace(
                event,
                captured_by=tuple(sorted({*other.captured_by, *event.captured_by})),
                record_time_us=min(other.record_time_us, event.record_time_us),
            )
    return list(merged.values())


def ledger_of(book: Book) -> Ledger:
    """The book's result as a value; records that no event brought to life are left out."""
    return Ledger(
        {key: record for key, record in sorted(book.records.items()) if not is_blank(record)},
        dict(sorted(book.conflicts.items())),
        dict(sorted(book.transfers.items())),
        dict(sorted(book.dealings.items())),
        tuple(sorted(book.counts, key=lambda count: (count.event_time_us, count.eid, count.key))),
        {eid: frozenset(seen) for eid, seen in sorted(book.shown.items())},
    )


def is_blank(record: Instance | ClassStock | PatientLinks) -> bool:
    """Whether no event has had any bearing on a record."""
    return record.order is None


def _transform(book: Book, act: Act) -> None:
    event = act.event
    for key in event.inputs:
        act_on_instance(book, act, key)
    for key, quantity, uom in event.input_quantities:
        act_on_class(book, act, key, quantity, uom)
    act.effect = steps.CREATE
    for key in event.outputs:
        act_on_instance(book, act, key)
    for key, quantity, uom in event.output_quantities:
        act_on_class(book, act, key, quantity, uom)
