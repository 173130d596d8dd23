"""How much of replenishment orders was shipped and received, by the events that name them.

An order is named by its number (type po) on the supplier's shipping and the hospital's receiving event; a receipt that
names the shipment's despatch advice (desadv) instead counts too, and so does one of the shipment's own containers or
serials that names no paper, as phones make it. Other goods without papers go to one order each (`loose_receipts`). It
must not look at events that its caller cannot see.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from decimal import Decimal
from typing import Any, Final

import orjson
from msgspec.structs import replace

from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger import corrections
from traceward.ledger.facts import LedgerEvent, class_parts
from traceward.ledger.replenishment import Delivery, Ordered, delivered
from traceward.ledger.steps import PACK, RECEIVE, SHIP, VOID_SHIP, effect_of
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.ordering.loose_receipts import LooseReceipt, Waiting, assign
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.visible_events import goods_terms
from traceward.services.runtime import Runtime
from traceward.store.compile import VisibleTo
from traceward.store.count_models import ReplenishmentOrder
from traceward.store.read import Reader

_AT_ONCE: Final = 100
_EVENTS: Final = 1000
_DEPTH: Final = 4
_RECEIVING: Final = AnyTerm(tuple(("bizStep", step) for step in ("receiving", "arriving", "accepting")))


OPEN_STATES: Final = ("proposed", "sent")
"""The states of an order that goods may still come for."""

PAPERS: Final = "papers"
SHIPMENT: Final = "items of its shipment"
LOOSE: Final = "no papers: the oldest open order that it satisfied"
"""How an event is an order's: it names it or its despatch advice; it has its shipment's items; or by `assign`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an order. what: shipped or received. by: PAPERS, SHIPMENT or LOOSE."""

    time_us: int
    what: str
    event_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What events say of an order. steps: its events, in order. last_us: eventTime of the newest receipt."""

    shipped: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    steps: tuple[Step, ...] = ()
    last_us: int | None = None

    @property
    def event_ids(self) -> tuple[str, ...]:
        """The eventIDs of its events, each once."""
        return tuple(dict.fromkeys(one.event_id for one in self.steps))

    @property
    def loose(self) -> tuple[str, ...]:
        """The eventIDs of the receipts that became its own without papers."""
        return tuple(one.event_id for one in self.steps if one.by == LOOSE)


@dataclass(frozen=True, slots=True)
class _Named:
    fact: LedgerEvent
    papers: Mapping[str, tuple[str, ...]]
    by: str = PAPERS


def transaction_id(order: ReplenishmentOrder) -> str:
    """The order's number as events name it. CBV 2.0 8.5: the hospital's GLN and its number."""
    gln = order.hospital.rpartition("/417/")[2].partition("/")[0]
    return f"urn:epcglobal:cbv:bt:{gln}:{order.number}"


def progress_of(
    runtime: Runtime, reader: Reader, viewers: Collection[int], orders: Sequence[ReplenishmentOrder]
) -> dict[str, Progress]:
    """Transaction id -> what events that these viewers see say of the order."""
    asked = {transaction_id(one): one for one in orders}
    if not asked or not viewers:
        return {name: Progress() for name in asked}
    look = _Look(runtime, reader, VisibleTo(viewers))
    # Which order a receipt without papers belongs to depends on the others that are open.
    pairs = {(one.hospital, one.supplier) for one in asked.values()}
    known = [one for hospital, supplier in sorted(pairs) for one in _orders_of(reader, hospital, supplier)]
    by_id = asked | {transaction_id(one): one for one in known if one.state in OPEN_STATES}
    named = look.naming("po", by_id)
    advices: defaultdict[str, set[str]] = defaultdict(set)
    for one in named:
        if effect_of(one.fact) == SHIP:
            for advice in one.papers.get("desadv", ()):
                advices[advice].update(set(one.papers["po"]) & by_id.keys())
    by_advice = look.naming("desadv", advices)
    void = {advice for one in by_advice if effect_of(one.fact) == VOID_SHIP for advice in one.papers["desadv"]}
    events = {one.fact.eid: one for one in [*named, *by_advice]}
    unnamed = look.receipts_of(events.values(), void)
    found: defaultdict[str, Progress] = defaultdict(Progress)
    for effect in (SHIP, RECEIVE):
        _add(
            look,
            by_id,
            advices,
            void,
            [one for one in [*events.values(), *unnamed] if effect_of(one.fact) == effect],
            effect,
            found,
        )
    _add_loose(runtime, look, by_id, known, [*events.values(), *unnamed], found)
    return {name: found[name] for name in asked}


def _orders_of(reader: Reader, hospital: str, supplier: str) -> list[ReplenishmentOrder]:
    return reader.select(ReplenishmentOrder, hospital=hospital, supplier=supplier)


def _add_loose(
    runtime: Runtime,
    look: "_Look",
    by_id: Mapping[str, ReplenishmentOrder],
    known: Sequence[ReplenishmentOrder],
    named: Sequence[_Named],
    found: defaultdict[str, Progress],
) -> None:
    """Take up receipts that name no papers: those that closed an order are its own, the others go to open orders."""
    kept = [(event_id, name) for name, one in by_id.items() for event_id in orjson.loads(one.receipts)]
    spent = {(event_id, one.gtin) for one in known for event_id in orjson.loads(one.receipts)}
    waiting = [
        Waiting(
            name, one.hospital, one.supplier, one.gtin, one.place, one.quantity - found[name].received, one.created_us,
            _shipped_classes(name, named),
        )
        for name, one in by_id.items()
        if one.state in OPEN_STATES
    ]  # fmt: skip
    receipts = look.loose_receipts(waiting, named, spent) if waiting else []
    book = runtime.agreement_books.current(runtime.store)
    levels: defaultdict[str, set[str]] = defaultdict(set)
    for supplier, hospital in {(one.supplier, one.hospital) for one in waiting}:
        for version in book.versions_of_pair(supplier, hospital):
            for line in version.terms.lines:
                levels[line.gtin].update(level.place for level in line.par)

    def has_level(gtin: str, place: str) -> bool:
        return any(book.is_below(place, level) for level in levels[gtin])

    assigned = [
        (order.number, one, amount) for order, one, amount in assign(waiting, receipts, book.is_below, has_level)
    ]
    own = {one.fact.event_id: look.as_receipt(one, ()) for one in look.with_ids({event_id for event_id, _ in kept})}
    for event_id, name in kept:
        if event_id in own:
            assigned.append((name, own[event_id], own[event_id].amounts.get(by_id[name].gtin, Decimal(0))))
    for name, one, amount in assigned:
        before = found[name]
        step = Step(one.time_us, "received", one.event_id, LOOSE)
        found[name] = dataclass_replace(
            before,
            received=before.received + amount,
            steps=(*before.steps, step),
            last_us=max(one.time_us, before.last_us or 0),
        )


def _shipped_classes(name: str, named: Iterable[_Named]) -> frozenset[str]:
    return frozenset(
        key
        for one in named
        if effect_of(one.fact) == SHIP and name in one.papers.get("po", ())
        for key, _, _ in one.fact.quantities
    )


def _add(
    look: "_Look",
    by_id: Mapping[str, ReplenishmentOrder],
    advices: Mapping[str, set[str]],
    void: Collection[str],
    events: Iterable[_Named],
    effect: str,
    found: defaultdict[str, Progress],
) -> None:
    """Take up what shipments, or receipts, bring of each product."""
    brought: defaultdict[str, list[tuple[Delivery, _Named]]] = defaultdict(list)
    for one in sorted(events, key=lambda one: (one.fact.event_time_us, one.fact.eid)):
        if effect == SHIP and any(advice in void for advice in one.papers.get("desadv", ())):
            continue
        names = set(one.papers.get("po", ())) & by_id.keys()
        for advice in one.papers.get("desadv", ()):
            names |= advices.get(advice, set())
        side = {by_id[name].supplier if effect == SHIP else by_id[name].hospital for name in names}
        if not side.intersection(one.fact.captured_by):
            continue
        amounts = look.amounts(one.fact)
        for gtin in {by_id[name].gtin for name in names}:
            own = tuple(sorted(name for name in names if by_id[name].gtin == gtin))
            brought[gtin].append((Delivery(own, amounts.get(gtin, Decimal(0))), one))
    for gtin, deliveries in brought.items():
        orders = [Ordered(name, one.place, one.quantity) for name, one in by_id.items() if one.gtin == gtin]
        quantities = delivered(orders, [delivery for delivery, _ in deliveries])
        for name, quantity in quantities.items():
            own_events = [one for delivery, one in deliveries if name in delivery.numbers]
            what = "shipped" if effect == SHIP else "received"
            steps = [Step(one.fact.event_time_us, what, one.fact.event_id, one.by) for one in own_events]
            before = found[name]
            found[name] = Progress(
                quantity if effect == SHIP else before.shipped,
                quantity if effect == RECEIVE else before.received,
                (*before.steps, *steps),
                max(step.time_us for step in steps) if effect == RECEIVE else before.last_us,
            )


class _Look:
    """Events as the viewers see them, each read once."""

    def __init__(self, runtime: Runtime, reader: Reader, viewers: VisibleTo) -> None:
        self._runtime = runtime
        self._reader = reader
        self._viewers = viewers

    def naming(self, kind: str, names: Iterable[str]) -> list[_Named]:
        """The events that stand and name one of these business transactions."""
        return self._with(f"bizTransaction:{kind}", names)

    def _with(self, term: str, values: Iterable[str]) -> list[_Named]:
        """The events that stand and have one of these values of a term."""
        found: dict[bytes, _Named] = {}
        wanted = sorted(values)
        for start in range(0, len(wanted), _AT_ONCE):
            pairs = tuple((term, name) for name in wanted[start : start + _AT_ONCE])
            page = self._reader.find(Query(clauses=(AnyTerm(pairs),)), self._viewers, limit=_EVENTS)
            found |= {one.fact.eid: one for one in self._standing(page.seqs)}
        return list(found.values())

    def _standing(self, seqs: Sequence[int]) -> list[_Named]:
        """Those of these events that are shared and not declared in error, with their papers."""
        stored = [one for one in self._reader.documents(seqs, witnesses=True) if not one.private]
        facts = [stored_fact(one, self._runtime.registry) for one in stored]
        by_eid = {one.eid: one for one in stored}
        return [
            _Named(fact, paper_ids(expanded_stored(one.text, one.context, one.event_id)))
            for fact in corrections.standing(facts)
            for one in (by_eid[fact.eid],)
        ]

    def receipts_of(self, named: Iterable[_Named], void: set[str]) -> list[_Named]:
        """The first receipt of each container and serial that shipments with papers sent, where it names no paper."""
        sent: dict[str, _Named] = {}
        for one in sorted(named, key=lambda one: (one.fact.event_time_us, one.fact.eid)):
            if effect_of(one.fact) == SHIP and void.isdisjoint(one.papers.get("desadv", ())):
                sent |= dict.fromkeys(one.fact.instances, one)
        found: list[_Named] = []
        for one in sorted(self._with("epc", sent), key=lambda one: (one.fact.event_time_us, one.fact.eid)):
            if effect_of(one.fact) != RECEIVE or {"po", "desadv"} & one.papers.keys():
                continue
            came: dict[bytes, tuple[_Named, list[str]]] = {}
            for item in one.fact.instances:
                if item in sent and sent[item].fact.event_time_us <= one.fact.event_time_us:
                    shipment = sent.pop(item)
                    came.setdefault(shipment.fact.eid, (shipment, []))[1].append(item)
            for shipment, items in came.values():
                fact = replace(one.fact, instances=tuple(items), quantities=())
                found.append(_Named(fact, shipment.papers, SHIPMENT))
        return found

    def loose_receipts(
        self, waiting: Sequence[Waiting], named: Iterable[_Named], spent: Collection[tuple[str, str]]
    ) -> list[LooseReceipt]:
        """The receipts of these orders' products since they were made that name no paper.

        spent: (eventID, GTIN) of what has closed an order; it is left out.
        """
        gtins = sorted({one.gtin for one in waiting})
        # A serial that an order's shipment has sent, or that was received before, is no other order's goods.
        known = {item for one in named for item in one.fact.instances}
        found: dict[bytes, _Named] = {}
        since = TimeRange(min(one.created_us for one in waiting), None)
        for start in range(0, len(gtins), _AT_ONCE):
            classes = [f"{CANONICAL_STEM}/01/{gtin}" for gtin in gtins[start : start + _AT_ONCE]]
            goods = AnyTerm(tuple(pair for name in classes for pair in goods_terms(name)))
            page = self._reader.find(Query(clauses=(_RECEIVING, goods), event_time=since), self._viewers, limit=_EVENTS)
            found |= {one.fact.eid: one for one in self._standing(page.seqs)}
        receipts = []
        for one in sorted(found.values(), key=lambda one: (one.fact.event_time_us, one.fact.eid)):
            if not {"po", "desadv"} & one.papers.keys() and effect_of(one.fact) == RECEIVE:
                receipt = self.as_receipt(one, known)
                amounts = {
                    gtin: part for gtin, part in receipt.amounts.items() if (receipt.event_id, gtin) not in spent
                }
                receipts.append(dataclass_replace(receipt, amounts=amounts))
                known.update(one.fact.instances)
        return receipts

    def as_receipt(self, one: _Named, known: Collection[str]) -> LooseReceipt:
        """A receipt as `assign` reads it. known: items that do not count for it."""
        fact = one.fact
        rest = replace(fact, instances=tuple(item for item in fact.instances if item not in known))
        return LooseReceipt(
            fact.event_id, fact.event_time_us, fact.biz_location or fact.read_point, fact.captured_by,
            fact.owning[1] if fact.owning is not None else None, self.amounts(rest, 0),
            frozenset(key for key, _, _ in fact.quantities),
        )  # fmt: skip

    def with_ids(self, event_ids: Collection[str]) -> list[_Named]:
        """The events of these ids that stand."""
        return self._with("eventID", event_ids) if event_ids else []

    def amounts(self, fact: LedgerEvent, depth: int = _DEPTH) -> dict[str, Decimal]:
        """GTIN -> eaches that an event names, the contents of its containers by what was packed into them."""
        found: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._count(found, fact.instances, fact.quantities, fact.event_time_us, depth)
        return dict(found)

    def _count(
        self,
        found: defaultdict[str, Decimal],
        instances: Iterable[str],
        quantities: Iterable[tuple[str, Decimal | None, str | None]],
        until_us: int,
        depth: int,
    ) -> None:
        for key, quantity, uom in quantities:
            gtin = class_parts(key)[0]
            if gtin is not None and uom is None:
                found[gtin] += quantity or Decimal(0)
        for item in instances:
            gtin = class_parts(item)[0]
            if gtin is not None:
                found[gtin] += 1
            elif depth:
                self._count_contents(found, item, until_us, depth - 1)

    def _count_contents(self, found: defaultdict[str, Decimal], container: str, until_us: int, depth: int) -> None:
        query = Query(clauses=(AnyTerm((("parentID", container),)),))
        page = self._reader.find(query, self._viewers, limit=_EVENTS)
        facts = [stored_fact(one, self._runtime.registry) for one in self._reader.documents(page.seqs, witnesses=True)]
        for fact in corrections.standing(facts):
            if fact.event_time_us <= until_us and effect_of(fact) == PACK:
                self._count(found, fact.children, fact.child_quantities, until_us, depth)


def paper_ids(expanded: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Type -> ids of the business transactions that an expanded event names."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for entry in expanded.get("bizTransactionList", ()):
        found[entry.get("type", "")].append(entry["bizTransaction"])
    return {kind: tuple(names) for kind, names in found.items()}
