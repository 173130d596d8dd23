"""What each place has and expects of a product: one reckoning, by which alerts, proposals and orders all go.

Usable stock, what is on its way and what is on order count together. It reads no store. Of a
place where nobody ever stated what lay there, nothing follows: an empty book may be a shelf that nobody has counted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from traceward.ledger.agreement import Agreement, AgreementBook
from traceward.ledger.agreement_terms import ProductLine
from traceward.ledger.alerts_model import OpenOrder, Stock
from traceward.ledger.expiry import last_day
from traceward.ledger.replenishment import Lot, Par, Position, positions


@dataclass(frozen=True, slots=True)
class ParFacts:
    """What a reckoning reads of one product. stated: places with a level whose opening balance was ever stated."""

    stock: Sequence[Stock]
    orders: Sequence[OpenOrder]
    stated: Collection[str]
    now_us: int


def par_positions(facts: ParFacts, agreement: Agreement, line: ProductLine, book: AgreementBook) -> list[Position]:
    """The position of each place that has a level by this line, in eaches."""
    pars = [Par(one.place, one.minimum, one.maximum, line.order_multiple) for one in line.par]
    coming: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in facts.stock:
        if row.is_coming and row.uom is None:
            coming[row.place or ""] += row.quantity
    on_order: defaultdict[str, Decimal] = defaultdict(Decimal)
    coming_for: defaultdict[str, Decimal] = defaultdict(Decimal)
    for order in facts.orders:
        on_order[order.place] += max(Decimal(0), order.quantity - max(order.shipped, order.received))
        coming_for[order.place] += max(Decimal(0), order.shipped - order.received)
    lots = usable_lots(facts.stock, agreement, book, facts.now_us)
    return positions(pars, lots, coming, on_order, coming_for, book.is_below, stated=facts.stated)


def usable_lots(stock: Iterable[Stock], agreement: Agreement, book: AgreementBook, now_us: int) -> list[Lot]:
    """What of this stock can be used where the agreement covers it."""
    return [
        Lot(row.key, row.place or "", row.quantity, last_day(row.expiry) if row.expiry is not None else None)
        for row in stock
        if row.place is not None and book.covers(agreement, row.place) and row.uom is None and row.is_usable(now_us)
    ]
