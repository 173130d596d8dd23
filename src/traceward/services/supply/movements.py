"""Movements of consigned goods as SAP numbers them, special stock K: for import by an inventory system.

101 receipt; 122 return, 161 return by a return order, both without a debt; 201 consumption or loss that the hospital
pays; 411 purchase without use; one more (102, 123, 162, 202, 412) takes the movement back. What is lost, wasted or
destroyed at the supplier's cost leaves as a return: nobody owes it. It must not show a movement that names the caller
neither as supplier nor as hospital.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import QueryTooComplexException
from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import format_time_us
from traceward.ledger import corrections
from traceward.ledger.facts import LedgerEvent, class_parts
from traceward.ledger.persistence import balance_rows
from traceward.ledger.state import item_of
from traceward.ledger.steps import DESTROY, LOSE, effect_of
from traceward.services.identity.principals import Principal, Right, Sight
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.money.usage import item_body, require_sight
from traceward.services.money.usage_events import (
    CLAIMED,
    DECLARED,
    STANDING,
    UseEvent,
    UseLine,
    find_uses,
    read_uses,
)
from traceward.services.ordering.order_progress import paper_ids
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.visible_events import Moment, facts_of, folded
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tracing.labels import with_labels
from traceward.store import business_lists, ledger_lists
from traceward.store.compile import VisibleTo

COLUMNS: Final = (
    "postingDate", "movementType", "specialStock", "gtin", "lot", "serial", "quantity", "uom", "place", "supplier",
    "hospital", "reference", "item", "eventID",
)  # fmt: skip
_TYPES: Final = {"receipt": 101, "return": 122, "return_order": 161, "use": 201, "loss": 201, "purchase": 411}
_REFERENCES: Final = {"receipt": ("po", "desadv"), "return": ("desadv",), "return_order": ("rma",)}
_GONE: Final = AnyTerm((
    *(("disposition", word) for word in ("unavailable", "stolen", "destroyed", "disposed")), ("bizStep", "destroying"),
))  # fmt: skip
_STEPS: Final = AnyTerm((("bizStep", "receiving"), ("bizStep", "shipping")))
_MOST: Final = 2000
_AT_ONCE: Final = 1000


def movements(runtime: Runtime, caller: Principal, *, start: str, end: str) -> list[dict[str, Any]]:
    """The movements of start <= eventTime < end (dates or date-times), by time. What was declared in error comes twice:
    as it was, and taken back.

    Raises ForbiddenException for roles that see no uses, QueryTooComplexException for a period with too many events.
    """
    caller.require(Right.READ)
    require_sight(caller, Sight.USE)
    times = TimeRange(instant("from", start, end_of_day=False), instant("to", end, end_of_day=False))
    told = [
        *_passings(runtime, caller, times),
        *_borne(runtime, caller, times),
        *_handovers(runtime, caller, times),
    ]
    with runtime.store.reader() as reader:
        found = with_labels(reader, caller, told)
    return sorted(found, key=lambda one: (one["postingDate"], one["eventID"], one["item"], one["movementType"]))


def _passings(runtime: Runtime, caller: Principal, times: TimeRange) -> Iterator[dict[str, Any]]:
    """Consumption, losses and purchases: what passed ownership, and uses that were taken back."""
    assert times.ge_us is not None
    assert times.lt_us is not None
    eids: set[bytes] = set()
    after: tuple[int, str] | None = None
    with runtime.store.reader() as reader:
        while True:
            rows = ledger_lists.transfers_of_party(
                reader, caller.organisation, from_us=times.ge_us, before_us=times.lt_us, after=after, limit=_AT_ONCE
            )
            eids |= {bytes(row.eid) for row in rows if not row.voided}
            if len(rows) < _AT_ONCE:
                break
            after = (rows[-1].event_time_us, rows[-1].id)
        uses, more = find_uses(runtime, reader, caller, [], times, after=None, limit=_MOST)
        _refuse_more(more)
        documents = reader.documents(business_lists.event_numbers(reader, eids), witnesses=True)
        passed = read_uses(runtime, reader, caller, documents, any_kind=True)
    for use in (*passed, *(use for _, use in uses if use.status == DECLARED)):
        for line in use.lines:
            if line.counts or use.status == DECLARED:
                yield from _of_use(use, line)


def _of_use(use: UseEvent, line: UseLine) -> Iterator[dict[str, Any]]:
    reference = next(iter(use.papers.orders), None) or use.usage_report
    told = _body(_TYPES[use.kind], line.item, line.quantity, line.uom, use.event_time_us, use.event_id) | {
        "place": use.taken_from,
        "supplier": line.owner or use.supplier,
        "hospital": use.hospital,
        "reference": reference,
    }
    yield told
    if use.status != STANDING:
        yield told | {"movementType": _TYPES[use.kind] + 1}


def _borne(runtime: Runtime, caller: Principal, times: TimeRange) -> Iterator[dict[str, Any]]:
    """Consigned goods lost, wasted or destroyed that stayed the supplier's: they leave stock without a debt."""
    with runtime.store.reader() as reader:
        query = Query(clauses=(_GONE,), event_time=times)
        page = reader.find(query, VisibleTo(caller.viewers), limit=_MOST, deadline_s=runtime.limits.query_deadline_s)
        _refuse_more(page.next)
        stored = [one for one in reader.documents(page.seqs, witnesses=True) if not one.private]
        facts = {one.eid: stored_fact(one, runtime.registry) for one in stored}
        gone = [one for one in stored if effect_of(facts[one.eid]) in (LOSE, DESTROY)]
        found = read_uses(runtime, reader, caller, gone, any_kind=True)
    for use in found:
        for line in use.lines:
            consigned = line.owner not in (None, use.hospital) and not line.counts and use.status != CLAIMED
            if consigned and caller.organisation in (line.owner, use.hospital):
                told = _body(_TYPES["return"], line.item, line.quantity, line.uom, use.event_time_us, use.event_id) | {
                    "place": use.taken_from,
                    "supplier": line.owner,
                    "hospital": use.hospital,
                }
                told |= {"reference": use.usage_report or use.agreement}
                yield told
                if use.status != STANDING:
                    yield told | {"movementType": _TYPES["return"] + 1}


def _handovers(runtime: Runtime, caller: Principal, times: TimeRange) -> Iterator[dict[str, Any]]:
    """Receipts on consignment and returns, with what the containers held then."""
    query = Query(clauses=(_STEPS,), event_time=times)
    with runtime.store.reader() as reader:
        page = reader.find(query, VisibleTo(caller.viewers), limit=_MOST, deadline_s=runtime.limits.query_deadline_s)
        documents = [one for one in reader.documents(page.seqs, witnesses=True) if not one.private]
    _refuse_more(page.next)
    facts = [stored_fact(one, runtime.registry) for one in documents]
    resolved = corrections.resolve(facts)
    for one, fact in zip(documents, facts, strict=True):
        kind, supplier, hospital = _handover(fact)
        if kind is None or fact.declares is not None or caller.organisation not in (supplier, hospital):
            continue
        papers = paper_ids(expanded_stored(one.text, one.context, one.event_id))
        if kind == "return" and "rma" in papers:
            kind = "return_order"
        steps = (0,) if resolved.captors.get(fact.eid, fact.captured_by) else (0, 1)
        for item, quantity, uom in _goods(runtime, caller, fact):
            for step in steps:
                told = _body(_TYPES[kind] + step, item, quantity, uom, fact.event_time_us, fact.event_id)
                reference = next((papers[name][0] for name in _REFERENCES[kind] if name in papers), None)
                parties = {"supplier": supplier, "hospital": hospital}
                yield told | parties | {"place": fact.read_point, "reference": reference}


def _handover(fact: LedgerEvent) -> tuple[str | None, str | None, str | None]:
    """(receipt or return, supplier, hospital); (None, None, None) for what hands over no consigned goods."""
    giver, taker = fact.possessing or (None, None)
    owner = fact.owning[0] if fact.owning is not None and fact.owning[0] == fact.owning[1] else None
    if owner is not None and fact.biz_step == "receiving" and taker not in (None, owner):
        return "receipt", owner, taker
    if owner is not None and fact.biz_step == "shipping" and taker == owner and giver != owner:
        return "return", owner, giver
    return None, None, None


def _goods(runtime: Runtime, caller: Principal, fact: LedgerEvent) -> Iterator[tuple[str, Decimal, str | None]]:
    """The trade items that an event names, and those that lay in the containers that it names."""
    yield from ((item, Decimal(1), None) for item in fact.instances if class_parts(item)[0] is not None)
    yield from ((key, quantity, uom) for key, quantity, uom in fact.quantities if quantity is not None)
    boxes = [item for item in fact.instances if class_parts(item)[0] is None]
    if boxes:
        yield from _contents(runtime, caller, boxes, fact.event_time_us)


def _contents(
    runtime: Runtime, caller: Principal, boxes: Iterable[str], at_us: int
) -> Iterator[tuple[str, Decimal, str | None]]:
    at = Moment(at_us, None, is_now=False)
    ledger = folded(runtime, caller, facts_of(runtime, caller, boxes, at), at)
    inside, frontier = set[str](), set(boxes)
    while frontier:
        inside |= frontier
        found = [row for record in ledger.records.values() for row in balance_rows(record) if row.container in frontier]
        yield from ((item_of(row.record_key), Decimal(row.quantity), row.uom) for row in found if row.gtin is not None)
        frontier = {item_of(row.record_key) for row in found} - inside


def _refuse_more(following: object) -> None:
    if following is not None:
        raise QueryTooComplexException(f"more than {_MOST} events in the period; expected a shorter one")


def _body(movement: int, item: str, quantity: Decimal, uom: str | None, time_us: int, event_id: str) -> dict[str, Any]:
    goods = item_body(UseLine(item, quantity, uom, counts=False, owner=None))
    return goods | {
        "postingDate": format_time_us(time_us)[:10],
        "movementType": movement,
        "specialStock": "K",
        "quantity": normal_decimal(quantity),
        "reference": None,
        "eventID": event_id,
    }
