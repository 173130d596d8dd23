"""How much of a product each place needs, and where it is to come from: another place's surplus first, then an order.

Pure: it reads no store and no clock, and it issues nothing. Only what can be used counts: the caller leaves out what is
expired, recalled, held, damaged or reserved.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import ceil

Below = Callable[[str, str], bool]
"""Whether the first place is the second or lies below it."""


@dataclass(frozen=True, slots=True)
class Par:
    """A place's level of one product: replenished at `minimum` or below, up to `maximum`; ordered in multiples."""

    place: str
    minimum: int
    maximum: int
    multiple: int = 1


@dataclass(frozen=True, slots=True)
class Lot:
    """So much of an item, or of a class, that can be used at a place. expiry: its last day of use."""

    item: str
    place: str
    quantity: Decimal
    expiry: date | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """What a place has and expects, in eaches. gap: what lifts it to its maximum; 0 above its minimum.

    stated: whether anybody ever stated what lay there; where nobody did, nothing is missing that could be told.
    """

    par: Par
    usable: Decimal
    in_transit: Decimal
    on_order: Decimal
    stated: bool = True

    @property
    def total(self) -> Decimal:
        """Usable, in transit and on order."""
        return self.usable + self.in_transit + self.on_order

    @property
    def gap(self) -> Decimal:
        """How much is missing to the maximum, where the total is at the minimum or below."""
        return self.par.maximum - self.total if self.is_low else Decimal(0)

    @property
    def is_low(self) -> bool:
        """Whether the total is at the minimum or below, at a place of which that can be told."""
        return self.stated and self.total <= self.par.minimum


@dataclass(frozen=True, slots=True)
class Transfer:
    """Stock to be moved to a place that needs it. items: (item, quantity, expiry), the earliest expiry first."""

    source: str
    target: str
    items: tuple[tuple[str, Decimal, date | None], ...]

    @property
    def quantity(self) -> Decimal:
        """How much is moved."""
        return sum((quantity for _, quantity, _ in self.items), Decimal(0))


@dataclass(frozen=True, slots=True)
class Need:
    """So much to be ordered for a place."""

    position: Position
    quantity: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What replenishes one product: the places' positions, what is moved between them, what is ordered."""

    positions: tuple[Position, ...]
    transfers: tuple[Transfer, ...]
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Ordered:
    """A standing order of the product. number: its transaction id."""

    number: str
    place: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one shipment or receipt brings of the product, and the orders that it names."""

    numbers: tuple[str, ...]
    quantity: Decimal


def delivered(orders: Iterable[Ordered], deliveries: Iterable[Delivery]) -> dict[str, Decimal]:
    """Order -> how much of it these deliveries bring. One that names several fills them by number.

    >>> orders = [Ordered("PO-1", "a", 2), Ordered("PO-2", "b", 3)]
    >>> delivered(orders, [Delivery(("PO-1", "PO-2"), Decimal(4))])
    {'PO-1': Decimal('2'), 'PO-2': Decimal('2')}
    """
    wanted = {one.number: one.quantity for one in orders}
    found: dict[str, Decimal] = {}
    for delivery in deliveries:
        rest = delivery.quantity
        named = sorted(set(delivery.numbers) & wanted.keys())
        for number in named:
            open_ = max(Decimal(0), wanted[number] - found.get(number, Decimal(0)))
            part = rest if number == named[-1] else min(rest, open_)
            rest -= part
            found[number] = found.get(number, Decimal(0)) + part
    return found


def positions(
    pars: Sequence[Par],
    lots: Iterable[Lot],
    coming: Mapping[str, Decimal],
    on_order: Mapping[str, Decimal],
    coming_for: Mapping[str, Decimal],
    below: Below,
    *,
    stated: Collection[str] | None = None,
) -> list[Position]:
    """The position of each place. stated: places whose opening balance was ever stated, None for all.

    coming: destination -> what is on its way there, all of it. on_order: place -> ordered and not shipped. coming_for:
    place -> shipped for an order of that place; it is part of `coming`, wherever that is addressed to. The rest of what
    comes to a whole site goes to its places by their need, so that nothing is ordered twice.
    """
    usable: defaultdict[str, Decimal] = defaultdict(Decimal)
    for lot in lots:
        place = _par_place(lot.place, pars, below)
        if place is not None:
            usable[place] += lot.quantity
    arriving: defaultdict[str, Decimal] = defaultdict(Decimal)
    total = sum(coming.values(), Decimal(0))
    for place, quantity in sorted(coming_for.items()):
        arriving[place] = min(quantity, total)
        total -= arriving[place]
    loose = _loose(coming, total)
    for target, quantity in loose.items():
        place = _par_place(target, pars, below)
        if place is not None:
            arriving[place] += quantity
    found = [
        Position(
            par,
            usable[par.place],
            arriving[par.place],
            on_order.get(par.place, Decimal(0)),
            stated is None or par.place in stated,
        )
        for par in sorted(pars, key=lambda one: one.place)
    ]
    for target, quantity in loose.items():
        if _par_place(target, pars, below) is None:
            found = _spread(found, quantity, target, below)
    return found


def plan(places: Sequence[Position], lots: Iterable[Lot], below: Below, *, rotate_by: date | None = None) -> Plan:
    """What closes the gaps of one product. rotate_by: what expires by then is surplus as far as the minimum allows.

    Surplus is all that lies where the product has no level, and what a place has beyond its maximum. A place is given
    the earliest expiry first. What surplus does not lift above the minimum is ordered: whole multiples that stay within
    the maximum, and one more where that would leave the place at its minimum.
    """
    surplus = _surplus(places, lots, below, rotate_by)
    transfers: list[Transfer] = []
    needs: list[Need] = []
    for position in sorted(places, key=lambda one: (one.total - one.par.minimum, one.par.place)):
        gap = position.gap
        if gap <= 0:
            continue
        given = _take(surplus, gap, position.par.place, below)
        transfers += given
        total = position.total + sum((one.quantity for one in given), Decimal(0))
        if total <= position.par.minimum:
            needs.append(Need(position, _whole(position.par, total)))
    return Plan(tuple(places), tuple(transfers), tuple(needs))


def _whole(par: Par, total: Decimal) -> int:
    """How much is ordered at a total at the minimum or below: in multiples, within the maximum where that suffices."""
    fitting = int((par.maximum - total) // par.multiple) * par.multiple
    if total + fitting > par.minimum and fitting > 0:
        return fitting
    lacking = par.minimum + 1 - total
    return ceil(lacking / par.multiple) * par.multiple


def _par_place(place: str, pars: Iterable[Par], below: Below) -> str | None:
    """The nearest place with a level that a place is, or lies below."""
    around = [par.place for par in pars if below(place, par.place)]
    return max(around, key=len, default=None)


def _loose(coming: Mapping[str, Decimal], total: Decimal) -> dict[str, Decimal]:
    """What is on its way for no order, `total` in all, by destination."""
    found: dict[str, Decimal] = {}
    for place, quantity in sorted(coming.items()):
        found[place] = min(quantity, total)
        total -= found[place]
    return {place: quantity for place, quantity in found.items() if quantity > 0}


def _spread(places: Sequence[Position], quantity: Decimal, target: str, below: Below) -> list[Position]:
    found = {one.par.place: one for one in places}
    for one in sorted(places, key=lambda one: (one.total - one.par.minimum, one.par.place)):
        if below(one.par.place, target):
            part = min(quantity, max(Decimal(0), one.par.maximum - one.total))
            quantity -= part
            found[one.par.place] = replace(one, in_transit=one.in_transit + part)
    return [found[one.par.place] for one in places]


def _surplus(
    places: Sequence[Position], lots: Iterable[Lot], below: Below, rotate_by: date | None
) -> list[tuple[Lot, str | None]]:
    """Stock that can be given away, the earliest expiry first, with the place whose level it lies under, if any."""
    pars = [one.par for one in places]
    spare = {one.par.place: max(Decimal(0), one.usable - one.par.maximum) for one in places}
    # A place whose total is above its minimum may give what expires soon, and stays above it.
    rotating = {one.par.place: max(Decimal(0), one.usable - one.par.minimum - 1) for one in places}
    found: list[tuple[Lot, str | None]] = []
    for lot in sorted(lots, key=lambda one: (one.expiry or date.max, one.place, one.item)):
        place = _par_place(lot.place, pars, below)
        if place is None:
            found.append((lot, None))
            continue
        soon = rotate_by is not None and lot.expiry is not None and lot.expiry <= rotate_by
        part = min(lot.quantity, max(spare[place], rotating[place] if soon else Decimal(0)))
        if part > 0:
            spare[place] = max(Decimal(0), spare[place] - part)
            rotating[place] = max(Decimal(0), rotating[place] - part)
            found.append((Lot(lot.item, lot.place, part, lot.expiry), place))
    return found


def _take(surplus: list[tuple[Lot, str | None]], gap: Decimal, target: str, below: Below) -> list[Transfer]:
    """Take up to `gap` out of the surplus that lies elsewhere; one transfer for each place that gives."""
    given: dict[str, list[tuple[str, Decimal, date | None]]] = {}
    for index, (lot, origin) in enumerate(surplus):
        if gap <= 0:
            break
        if lot.quantity <= 0 or below(lot.place, target) or origin == target:
            continue
        part = min(lot.quantity, gap // 1)
        if part <= 0:
            break
        gap -= part
        surplus[index] = (Lot(lot.item, lot.place, lot.quantity - part, lot.expiry), origin)
        given.setdefault(lot.place, []).append((lot.item, part, lot.expiry))
    return [Transfer(source, target, tuple(items)) for source, items in given.items()]
