"""What the reckoning of levels reads beside stock: the orders that stand, and where anybody ever stated what lay.

It must not reckon: `ledger.par` does.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from traceward.epcis.predicates import AnyTerm, Query
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger import corrections
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.alerts_model import OpenOrder, Stock
from traceward.ledger.facts import class_parts
from traceward.ledger.ghosts import COUNTING, PlaceCount
from traceward.services.identity.principals import shared_viewer
from traceward.services.ordering.order_progress import OPEN_STATES, progress_of, transaction_id
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.visible_events import goods_terms
from traceward.services.runtime import Runtime
from traceward.store.count_models import ReplenishmentOrder
from traceward.store.read import Reader

_NEWEST: Final = 20
Found = Callable[[Query, int], set[int]]
"""The numbers of the newest events that match a query and that both parties see."""


def open_orders(runtime: Runtime, reader: Reader, supplier: str, hospital: str) -> dict[str, tuple[OpenOrder, ...]]:
    """GTIN -> the orders between two parties that stand, as far as the hospital sees what became of them."""
    known = runtime.registry.find(hospital)
    rows = reader.select(ReplenishmentOrder, hospital=hospital, supplier=supplier)
    standing = sorted((one for one in rows if one.state in OPEN_STATES), key=lambda one: one.number)
    if known is None or not standing:
        return {}
    progress = progress_of(runtime, reader, {shared_viewer(known.number)}, standing)
    found: dict[str, tuple[OpenOrder, ...]] = {}
    for one in standing:
        told = progress[transaction_id(one)]
        order = OpenOrder(one.number, one.place, one.quantity, told.shipped, told.received, one.created_us, one.sent_us)
        found[one.gtin] = (*found.get(one.gtin, ()), order)
    return found


def stated_places(
    runtime: Runtime,
    reader: Reader,
    book: AgreementBook,
    places: Iterable[str],
    gtin: str,
    stock: Sequence[Stock],
    counts: Sequence[PlaceCount],
    found: Found,
) -> frozenset[str]:
    """Those of these places, with all below them, of which somebody has stated what lies there of a product.

    Goods on the book, an event by which some came or went, or a complete count that found none. A count that found
    what is not on the book states nothing: that is for an opening count to put there.
    """
    stated = set()
    for place in sorted(set(places)):
        booked = any(row.is_here and book.is_below(row.place, place) for row in stock)
        empty = any(book.is_below(one.place, place) and _saw_none(one, gtin) for one in counts)
        if booked or empty or _was_there(runtime, reader, book.places_below(place), gtin, found):
            stated.add(place)
    return frozenset(stated)


def _saw_none(count: PlaceCount, gtin: str) -> bool:
    key = f"{CANONICAL_STEM}/01/{gtin}"
    about = any(count.is_about(one) for one in (key, f"{key}/10/x", f"{key}/21/x"))
    return about and all(class_parts(item)[0] != gtin for item, _ in count.seen)


def _was_there(runtime: Runtime, reader: Reader, places: Iterable[str], gtin: str, found: Found) -> bool:
    """Whether an event that stands, and is no count, names the product at one of these places."""
    goods = AnyTerm(goods_terms(f"{CANONICAL_STEM}/01/{gtin}"))
    there = AnyTerm(
        tuple((name, place) for place in places for name in ("bizLocation", "readPoint", "source:location"))
    )
    seqs = found(Query(clauses=(goods, there)), _NEWEST)
    stored = [one for one in reader.documents(sorted(seqs), witnesses=True) if not one.private]
    facts = [stored_fact(one, runtime.registry) for one in stored]
    return any(one.biz_step not in COUNTING for one in corrections.standing(facts))
