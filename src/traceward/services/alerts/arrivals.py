"""How what lies at a hospital came there: the last receipt, and the oldest of which something lies there still.

Pure: it reads neither the store nor a clock.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from traceward.ledger.alerts_model import Arrival, Stock
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.steps import COUNT, MOVE, RECEIVE, UNPACK, effect_of

CAME: Final = (RECEIVE, UNPACK, MOVE, COUNT)
"""What may bring goods to a place."""


def arrivals(
    stock: Iterable[Stock], histories: Mapping[str, Sequence[LedgerEvent]], is_here: Callable[[str | None], bool]
) -> Iterator[Arrival]:
    """One for each item or class in stock. histories: its events in order. is_here: whether a place is the hospital's.

    Without a receipt, the first event that has it there is how it came.
    """
    lying: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in stock:
        lying[row.key] += row.quantity if row.is_here else 0
    for key, quantity in lying.items():
        here = [
            one
            for one in histories.get(key, ())
            if effect_of(one) in CAME and is_here(one.biz_location or one.read_point)
        ]
        received = [one for one in here if effect_of(one) == RECEIVE]
        came = received[-1] if received else here[0] if here else None
        if came is not None:
            oldest = _oldest(received, key, quantity) or came
            place = came.biz_location or came.read_point
            yield Arrival(key, came.event_time_us, came.eid, place, oldest.event_time_us, oldest.eid)


def _oldest(received: Sequence[LedgerEvent], key: str, quantity: Decimal) -> LedgerEvent | None:
    """The oldest receipt of which something is left, where what came first went first."""
    oldest, left = None, quantity
    for one in reversed(received):
        oldest, said = one, _quantity_of(one, key)
        # How much came in a container its receipt does not say: all that lies there, for what is known.
        left -= said if said is not None else left
        if left <= 0:
            break
    return oldest


def _quantity_of(event: LedgerEvent, key: str) -> Decimal | None:
    """How much of an item or class an event names by itself, None where it does not."""
    if key in event.instances:
        return Decimal(1)
    named = [quantity for one, quantity, _ in event.quantities if one == key and quantity is not None]
    return sum(named, Decimal(0)) if named else None
