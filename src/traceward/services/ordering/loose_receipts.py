"""Which order a receipt without papers belongs to: the oldest open one of its place and product that it satisfies.

A phone reads labels, and a lot's label names no order. Each receipt goes to one order and never to two; what an order
was closed by stays its own. Pure: it reads no events, and it must not look at receipts that name a paper.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger.replenishment import Below


@dataclass(slots=True)
class Waiting:
    """An open order and what is still to come of it. shipped: item classes that its shipments named."""

    number: str
    hospital: str
    supplier: str
    gtin: str
    place: str
    open: Decimal
    created_us: int
    shipped: Collection[str] = ()
    taken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LooseReceipt:
    """Goods received without papers: GTIN -> quantity in eaches, and the classes that its labels named."""

    event_id: str
    time_us: int
    place: str | None
    captors: Collection[str]
    owner: str | None
    amounts: Mapping[str, Decimal]
    classes: Collection[str]


def assign(
    orders: Sequence[Waiting],
    receipts: Iterable[LooseReceipt],
    below: Below,
    has_level: Callable[[str, str], bool],
) -> list[tuple[Waiting, LooseReceipt, Decimal]]:
    """(order, receipt, quantity), one order at most for each receipt and product; `open` falls by what was assigned.

    Of the orders that were made before a receipt, the first is: one whose shipment named the very lot, one for the very
    place rather than for another of the site, one that the receipt fills, the oldest. has_level: whether a place lies
    under a level of a product, so that goods there were received for it and not on the way to elsewhere.
    """
    found = []
    for receipt in sorted(receipts, key=lambda one: (one.time_us, one.event_id)):
        for gtin, amount in sorted(receipt.amounts.items()):
            fitting = [one for one in orders if one.gtin == gtin and _fits(one, receipt, below, has_level)]
            if fitting and amount > 0:
                order = min(fitting, key=lambda one: _rank(one, receipt, amount, below))
                order.open -= amount
                order.taken.append(receipt.event_id)
                found.append((order, receipt, amount))
    return found


def _fits(order: Waiting, receipt: LooseReceipt, below: Below, has_level: Callable[[str, str], bool]) -> bool:
    place = receipt.place
    if place is None or order.open <= 0 or order.created_us > receipt.time_us:
        return False
    if order.hospital not in receipt.captors or receipt.owner not in (None, order.supplier):
        return False
    return below(place, order.place) or (_site(place) == _site(order.place) and not has_level(order.gtin, place))


def _rank(order: Waiting, receipt: LooseReceipt, amount: Decimal, below: Below) -> tuple[bool, bool, bool, int, str]:
    return (
        not set(order.shipped).intersection(receipt.classes),
        not below(receipt.place or "", order.place),
        order.open > amount,
        order.created_us,
        order.number,
    )


def _site(place: str) -> str:
    return place.removeprefix(f"{CANONICAL_STEM}/414/").partition("/")[0]
