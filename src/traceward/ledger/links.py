"""Patients tied to items by private events, and whether their use still stands.

It must not move stock, and nothing here may reach a party other than the one that captured the link.
"""

from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal

from traceward.ledger.book import Act, Book
from traceward.ledger.conflicts import conflict
from traceward.ledger.facts import PATIENT, LedgerEvent, patient_of
from traceward.ledger.state import ClassStock, Instance, Ledger, Link, PatientLinks
from traceward.ledger.steps import IN_TRANSIT, ON_HAND

ONE = Decimal(1)


def act_on_links(book: Book, act: Act) -> None:
    """Open or close the links that a private event states, for each of its captors apart."""
    event = act.event
    patient = patient_of(event)
    if patient is None:
        return
    for party in act.captors:
        for key, quantity in linked(event):
            record = book.links(key, party)
            if closes(event):
                _close(record, event, patient, quantity)
            else:
                # At its place by time, which is the end but for a link that comes late (`fits_in`).
                place = bisect_right(record.links, event.event_time_us, key=_opened_us)
                link = Link(patient, quantity, event.event_time_us, event.eid, event.usage_report)
                record.links.insert(place, link)
            record.order = max(record.order or act.order, act.order)
            book.change(record)


def closes(event: LedgerEvent) -> bool:
    """Whether a private event ends links instead of making one."""
    return event.action == "DELETE" or event.biz_step == "removing"


def fits_in(event: LedgerEvent, since: Iterable[LedgerEvent]) -> bool:
    """Whether a late link changes nothing that came after it, and can be put in at its place.

    since: every other private event at or after its time that names one of its items.
    """
    if closes(event) or event.declares is not None:
        return False
    return all(
        other.event_time_us > event.event_time_us and other.declares is None and not closes(other) for other in since
    )


def _opened_us(link: Link) -> int:
    return link.opened_us


def pass_over_links(book: Book, act: Act, *, waiting: bool) -> None:
    """Note a private event that moves nothing; waiting: it is a declaration whose original is not here yet."""
    for party in act.captors:
        for key, _ in linked(act.event):
            record = book.links(key, party)
            record.order = act.order
            if waiting:
                record.waiting += (act.event.eid,)
            book.change(record)


def check_links(book: Book, record: PatientLinks) -> None:
    """Raise a private conflict for each link whose use was declared in error and not made good.

    Only uses that name the link's party count: by links of its own making, a stranger must not learn of others' uses.
    """
    item = book.find(record.key)
    stock = book.find(f"{record.key}|class")
    voided = [use for found in (item, stock) if isinstance(found, Instance | ClassStock) for use in found.voided_uses]
    for link in record.links:
        struck = [use for use in voided if use[1] == link.usage_report and record.party in use[3]]
        stands = book.uses.get((record.key, link.usage_report), Decimal(0))
        if struck and stands < link.quantity:
            raised = conflict(
                "link_of_corrected_use",
                (record.key,),
                (link.opened_eid, *sorted(use[0] for use in struck)),
                (record.party,),
                link.opened_us,
                subject=record.party,
                private_to=record.party,
            )
            book.conflicts[raised.id] = raised


def links_in_error(ledger: Ledger) -> frozenset[tuple[str, str, bytes]]:
    """(key, party, eid) of the links whose use was declared in error and not made good: nothing tells of it any more.

    A link that names no usage report goes by the item itself: it is in stock, and a use of it was declared in error.
    """
    found = {
        (one.keys[0], one.parties[0], one.eids[0])
        for one in ledger.conflicts.values()
        if one.kind == "link_of_corrected_use"
    }
    for record in ledger.records.values():
        if not isinstance(record, PatientLinks):
            continue
        item = ledger.instance(record.key)
        if item is None or item.status not in (ON_HAND, IN_TRANSIT):
            continue
        if any(record.party in told for _, _, _, told in item.voided_uses):
            found |= {
                (record.key, record.party, link.opened_eid)
                for link in record.links
                if link.usage_report is None and link.closed_eid is None
            }
    return frozenset(found)


def linked(event: LedgerEvent) -> list[tuple[str, Decimal]]:
    """The items and classes, with quantities, that a private event ties to its patient, in the event's order."""
    items = [(key, ONE) for key in (*event.instances, *event.children) if not key.startswith(PATIENT)]
    classes = [
        (key, quantity)
        for key, quantity, _ in (*event.quantities, *event.child_quantities)
        if quantity is not None and not key.startswith(PATIENT)
    ]
    return items + classes


def _close(record: PatientLinks, event: LedgerEvent, patient: str, quantity: Decimal) -> None:
    wanted = quantity
    for number, link in enumerate(record.links):
        if wanted <= 0:
            return
        if link.patient == patient and link.closed_eid is None:
            part = min(wanted, link.quantity)
            wanted -= part
            if part < link.quantity:
                record.links.insert(
                    number + 1, Link(patient, link.quantity - part, link.opened_us, link.opened_eid, link.usage_report)
                )
                link.quantity = part
            link.closed_us, link.closed_eid = event.event_time_us, event.eid
