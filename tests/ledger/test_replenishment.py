"""Replenishment as a pure plan: gaps, surplus before orders, multiples, and law 12: once is enough."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from traceward.ledger.replenishment import (
    Delivery,
    Lot,
    Ordered,
    Par,
    Plan,
    Position,
    delivered,
    plan,
    positions,
)

SITE = "https://id.gs1.org/414/4012345000016"
A, B, STORE = (f"{SITE}/254/{name}" for name in ("A", "B", "STORE"))


def below(place: str, site: str) -> bool:
    return place == site or place.startswith(f"{site}/254/")


def position(par: Par, usable: int, coming: int = 0, ordered: int = 0) -> Position:
    return Position(par, Decimal(usable), Decimal(coming), Decimal(ordered))


def planned(pars: list[Par], lots: list[Lot], rotate_by: date | None = None) -> Plan:
    return plan(positions(pars, lots, {}, {}, {}, below), lots, below, rotate_by=rotate_by)


def test_nothing_is_needed_above_the_minimum_and_the_gap_to_the_maximum_at_it() -> None:
    par = Par(A, 2, 8)
    assert [position(par, usable).gap for usable in (0, 2, 3, 9)] == [8, 6, 0, 0]
    assert position(par, 1, coming=1, ordered=1).gap == 0


def test_orders_are_whole_multiples_within_the_maximum_where_that_suffices() -> None:
    def ordered(minimum: int, maximum: int, multiple: int, usable: int) -> int:
        (need,) = plan([position(Par(A, minimum, maximum, multiple), usable)], [], below).needs
        return need.quantity

    assert ordered(2, 8, 5, 1) == 5
    assert ordered(2, 8, 1, 1) == 7
    # Ten in a box, and room for seven: one box, or the place would never leave its minimum.
    assert ordered(2, 8, 10, 1) == 10
    assert ordered(5, 8, 3, 0) == 6


def test_surplus_elsewhere_goes_first_and_the_earliest_expiry_of_it() -> None:
    lots = [
        Lot("late", STORE, Decimal(4), date(2028, 1, 1)),
        Lot("soon", STORE, Decimal(2), date(2026, 5, 1)),
        Lot("over", B, Decimal(7), date(2027, 1, 1)),
    ]
    found = planned([Par(A, 1, 4), Par(B, 1, 6)], lots)
    assert [(one.source, one.items) for one in found.transfers] == [
        (STORE, (("soon", Decimal(2), date(2026, 5, 1)), ("late", Decimal(1), date(2028, 1, 1)))),
        (B, (("over", Decimal(1), date(2027, 1, 1)),)),
    ]
    assert found.needs == ()


def test_what_expires_soon_moves_from_a_place_above_its_minimum_to_one_below() -> None:
    """T3. Rejects surplus by the maximum alone: a valve that expires unused on one ward while another orders."""
    lots = [Lot("v1", A, Decimal(1), date(2026, 6, 1)), Lot("v2", A, Decimal(1), date(2026, 4, 1)),
            Lot("v3", A, Decimal(1), date(2029, 4, 1))]  # fmt: skip
    pars = [Par(A, 1, 4), Par(B, 0, 1)]
    assert planned(pars, lots).transfers == ()
    (move,) = planned(pars, lots, date(2026, 7, 1)).transfers
    assert (move.source, move.target, move.items) == (A, B, (("v2", Decimal(1), date(2026, 4, 1)),))


def test_what_comes_to_a_site_lifts_its_places_and_what_comes_for_an_order_lifts_its_own() -> None:
    pars = [Par(A, 1, 4), Par(B, 1, 4)]
    loose = positions(pars, [], {SITE: Decimal(6)}, {}, {}, below)
    assert [one.in_transit for one in loose] == [4, 2]
    tied = positions(pars, [], {SITE: Decimal(6)}, {}, {B: Decimal(5)}, below)
    assert [(one.par.place, one.in_transit) for one in tied] == [(A, 1), (B, 5)]
    # An order whose shipment was received without its number expects nothing any more.
    gone = positions(pars, [], {}, {}, {B: Decimal(5)}, below)
    assert [one.in_transit for one in gone] == [0, 0]


def test_a_shipment_for_several_orders_fills_them_by_number() -> None:
    orders = [Ordered("PO-1", A, 2), Ordered("PO-2", B, 3)]
    both = Delivery(("PO-2", "PO-1"), Decimal(4))
    assert delivered(orders, [both]) == {"PO-1": 2, "PO-2": 2}
    assert delivered(orders, [both, Delivery(("PO-2",), Decimal(2))]) == {"PO-1": 2, "PO-2": 4}


PLACES = [f"{SITE}/254/W{number}" for number in range(4)]


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Par], list[Lot]]:
    pars = []
    for place in PLACES[: draw(st.integers(1, 4))]:
        minimum = draw(st.integers(0, 10))
        maximum = minimum + draw(st.integers(1, 10))
        pars.append(Par(place, minimum, maximum, draw(st.integers(1, 7))))
    lots = [
        Lot(f"lot{number}", draw(st.sampled_from([*PLACES, STORE])), Decimal(draw(st.integers(1, 12))),
            draw(st.none() | st.dates(date(2026, 1, 1), date(2028, 1, 1))))
        for number in range(draw(st.integers(0, 6)))
    ]  # fmt: skip
    return pars, lots


def carried_out(lots: list[Lot], found: Plan) -> list[Lot]:
    """The lots after every transfer of a plan."""
    left = {(one.item, one.place): one for one in lots}
    for move in found.transfers:
        for item, quantity, expiry in move.items:
            source = left[item, move.source]
            assert source.quantity >= quantity > 0
            left[item, move.source] = Lot(item, move.source, source.quantity - quantity, expiry)
            there = left.get((item, move.target), Lot(item, move.target, Decimal(0), expiry))
            left[item, move.target] = Lot(item, move.target, there.quantity + quantity, expiry)
    return [one for one in left.values() if one.quantity > 0]


@given(situations(), st.none() | st.dates(date(2026, 1, 1), date(2028, 1, 1)))
def test_once_ordered_and_moved_nothing_more_is_needed_and_the_receipt_closes_every_gap(
    situation: tuple[list[Par], list[Lot]], rotate_by: date | None
) -> None:
    """Law 12. Rejects an order rounded down to the minimum, surplus given twice, and a donor that then needs itself."""
    pars, lots = situation
    first = planned(pars, lots, rotate_by)
    on_order: dict[str, Decimal] = {}
    for need in first.needs:
        assert need.quantity % need.position.par.multiple == 0
        on_order[need.position.par.place] = Decimal(need.quantity)
    # Evaluated again before anything has moved: the transfers stand, and no further order is made.
    again = plan(positions(pars, lots, {}, on_order, {}, below), lots, below, rotate_by=rotate_by)
    assert again.needs == ()
    moved = carried_out(lots, first)
    assert sum(one.quantity for one in moved) == sum(one.quantity for one in lots)
    then = plan(positions(pars, moved, {}, on_order, {}, below), moved, below, rotate_by=rotate_by)
    assert (then.transfers, then.needs) == ((), ())
    received = [*moved, *(Lot(f"new {place}", place, quantity) for place, quantity in on_order.items())]
    last = planned(pars, received, rotate_by)
    assert (last.transfers, last.needs) == ((), ())
    assert all(one.gap <= 0 for one in last.positions)
