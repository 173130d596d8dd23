"""How much of replenishment orders was shipped and received, by the events that name them.

An order is named by its number (type po) on the supplier's shipping and the hospital's receiving event; a receipt that
names the shipment's despatch advice (desadv) instead counts too, and so does one of the shipment's own containers or
serials that names no paper, as phones make it. It must not look at events that its caller cannot see.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from traceward.epcis.predicates import AnyTerm, Query
from traceward.ledger import corrections
from traceward.ledger.facts import LedgerEvent, class_parts
from traceward.ledger.replenishment import Delivery, Ordered, delivered
from traceward.ledger.steps import PACK, RECEIVE, SHIP, VOID_SHIP, effect_of
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.queries.facts import stored_fact
from traceward.services.runtime import Runtime
from traceward.store.compile import VisibleTo
from traceward.store.count_models import ReplenishmentOrder
from traceward.store.read import Reader

_AT_ONCE: Final = 100
_EVENTS: Final = 1000
_DEPTH: Final = 4


@dataclass(frozen=True, slots=True)
class Progress:
    """What events say of an order. event_ids: of those that name it. last_us: eventTime of the newest receipt."""

    shipped: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    event_ids: tuple[str, ...] = ()
    last_us: int | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    fact: LedgerEvent
    papers: Mapping[str, tuple[str, ...]]


def transaction_id(order: ReplenishmentOrder) -> str:
    """The order's number as events name it. CBV 2.0 8.5: the hospital's GLN and its number."""
    gln = order.hospital.rpartition("/417/")[2].partition("/")[0]
    return f"urn:epcglobal:cbv:bt:{gln}:{order.number}"


def progress_of(
    runtime: Runtime, reader: Reader, viewers: Collection[int], orders: Sequence[ReplenishmentOrder]
) -> dict[str, Progress]:
    """Transaction id -> what events that these viewers see say of the order."""
    by_id = {transaction_id(one): one for one in orders}
    if not by_id or not viewers:
        return {name: Progress() for name in by_id}
    look = _Look(runtime, reader, VisibleTo(viewers))
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
    return {name: found[name] for name in by_id}


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
    brought: defaultdict[str, list[tuple[Delivery, LedgerEvent]]] = defaultdict(list)
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
            brought[gtin].append((Delivery(own, amounts.get(gtin, Decimal(0))), one.fact))
    for gtin, deliveries in brought.items():
        orders = [Ordered(name, one.place, one.quantity) for name, one in by_id.items() if one.gtin == gtin]
        quantities = delivered(orders, [delivery for delivery, _ in deliveries])
        for name, quantity in quantities.items():
            facts = [fact for delivery, fact in deliveries if name in delivery.numbers]
            before = found[name]
            found[name] = Progress(
                quantity if effect == SHIP else before.shipped,
                quantity if effect == RECEIVE else before.received,
                (*before.event_ids, *(fact.event_id for fact in facts)),
                max(fact.event_time_us for fact in facts) if effect == RECEIVE else before.last_us,
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
            stored = [one for one in self._reader.documents(page.seqs, witnesses=True) if not one.private]
            facts = [stored_fact(one, self._runtime.registry) for one in stored]
            standing = corrections.resolve(facts)
            for one, fact in zip(stored, facts, strict=True):
                if fact.declares is None and standing.captors.get(fact.eid, fact.captured_by):
                    expanded = expanded_stored(one.text, one.context, one.event_id)
                    found[fact.eid] = _Named(fact, _papers(expanded))
        return list(found.values())

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
                found.append(_Named(replace(one.fact, instances=tuple(items), quantities=()), shipment.papers))
        return found

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
        standing = corrections.resolve(facts)
        for fact in facts:
            stands = fact.declares is None and standing.captors.get(fact.eid, fact.captured_by)
            if stands and fact.event_time_us <= until_us and effect_of(fact) == PACK:
                self._count(found, fact.children, fact.child_quantities, until_us, depth)


def _papers(expanded: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for entry in expanded.get("bizTransactionList", ()):
        found[entry.get("type", "")].append(entry["bizTransaction"])
    return {kind: tuple(names) for kind, names in found.items()}
