"""What counts of a class say against the book, for as long as nothing answers them: conflicts of kind count_variance.

A variance is answered by a later count of the same party at the same place, or by a write-off of what was missing
there. It must not change stock: a count is an observation.
"""

from decimal import Decimal
from typing import Final

from traceward.epcis.decimals import normal_decimal
from traceward.ledger.book import Act
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.ghosts import COMPLETE
from traceward.ledger.state import ClassStock, Variance

_KIND: Final = "count_variance"


def note_count(
    act: Act, stock: ClassStock, captor: str, uom: str | None, counted: Decimal, booked: Decimal, parties: list[str]
) -> None:
    """Take up what a count saw of a class at its place, in place of what the same party counted there before.

    A count that was not declared complete and saw less than the book has proves nothing, and answers nothing.
    """
    if counted < booked and act.event.count_scope != COMPLETE:
        return
    name = f"{act.place or ''}|{uom or ''}|{captor}"
    stock.variances.pop(name, None)
    if counted != booked:
        told = tuple(sorted({*act.captors, *parties}))
        stock.variances[name] = Variance(act.place, uom, counted, booked, act.event.event_time_us, act.event.eid, told)


def answer_by_loss(stock: ClassStock, place: str | None, uom: str | None, lost: Decimal) -> None:
    """Answer what counts miss at a place by so much that was written off there; each party's count by all of it."""
    for name, one in sorted(stock.variances.items()):
        if (one.place, one.uom) != (place, uom) or one.counted >= one.booked:
            continue
        left = one.booked - lost
        if left <= one.counted:
            del stock.variances[name]
        else:
            stock.variances[name] = Variance(one.place, one.uom, one.counted, left, one.time_us, one.eid, one.parties)


def variance_conflicts(stock: ClassStock) -> list[Conflict]:
    """The conflicts that the variances of a class amount to, the same id as long as one of them stands."""
    return [
        conflict(
            _KIND,
            (stock.key,),
            (one.eid,),
            one.parties,
            one.time_us,
            subject=one.uom or "",
            what=f"{normal_decimal(one.counted)} where the book has {normal_decimal(one.booked)}",
        )
        for _, one in sorted(stock.variances.items())
    ]
