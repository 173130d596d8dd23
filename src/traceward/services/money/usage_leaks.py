"""Where a hospital loses money: goods that left without a report, uses without an order, orders without a use.

Each leak has the value that the agreement gives it. For roles that see prices; a supplier has no leaks of others' to
read. It must not change anything: what is listed is closed by further events, invoices and settlements.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import QueryTooComplexException
from traceward.epcis.predicates import TimeRange
from traceward.epcis.times import HOUR_US, format_time_us, parse_time_us
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.facts import class_parts
from traceward.services.agreements import agreements
from traceward.services.amounts import money, rounded, totals
from traceward.services.counting import ghosts
from traceward.services.identity.principals import Principal, Right, Sight
from traceward.services.money.usage import item_body, matches_of, require_sight
from traceward.services.money.usage_events import (
    STANDING,
    OrderEvent,
    UseEvent,
    UseLine,
    find_uses,
    orders_where,
    read_uses,
)
from traceward.services.money.usage_matching import Matches, Progress
from traceward.services.money.usage_prices import Charge, charge_of, value_of
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tracing import stock
from traceward.services.tracing.labels import with_labels
from traceward.store import business_lists, ledger_lists
from traceward.store.compile import Cursor
from traceward.store.read import Reader

_YEAR_US: Final = 365 * 24 * HOUR_US
_MOST: Final = 5000
_AT_ONCE: Final = 1000
_OPENED: Final = frozenset({"wasted", "trial_not_used"})

KINDS: Final = {
    "missing_in_count": "a complete count missed it, and nothing tells where it went",
    "written_off": "written off without a usage report",
    "use_not_reported": "used without a usage report",
    "opened_undecided": "opened and not implanted, and nothing says who pays",
    "use_without_order": "used, and no purchase order came in time",
    "order_below_use": "fewer ordered than used",
    "use_without_invoice": "used and ordered, and no invoice came in time",
    "order_without_use": "ordered, and no use answers it",
    "order_beyond_use": "more ordered than used",
}
"""Kind of leak -> what it says."""


@dataclass(frozen=True, slots=True)
class _Window:
    start_us: int
    end_us: int
    now_us: int


def leaks(runtime: Runtime, caller: Principal, *, start: str | None, end: str | None) -> dict[str, Any]:
    """The leaks of uses, losses and orders of a period (a year to now where none is given), by kind and time.

    start, end: start <= eventTime < end, dates or date-times. What counts miss is told as of now. Raises
    ForbiddenException for roles that see no prices, QueryTooComplexException for a period with too many uses.
    """
    caller.require(Right.READ)
    require_sight(caller, Sight.PRICE)
    now_us = runtime.now_us()
    end_us = instant("to", end, end_of_day=False) if end is not None else now_us + 1
    start_us = instant("from", start, end_of_day=False) if start is not None else end_us - _YEAR_US
    window = _Window(start_us, end_us, now_us)
    with runtime.store.reader() as reader:
        book = agreements.book_of(reader)
        uses = _uses(runtime, reader, caller, window)
        times = TimeRange(start_us, end_us)
        orders = list(orders_where(runtime, reader, caller, (), times).values())
        matches = matches_of(runtime, reader, caller, uses, more_orders=_own(caller, orders))
        lost = _losses(runtime, reader, caller, window)
    told = [
        *_of_uses(caller, book, matches, window),
        *_of_losses(book, lost),
        *_of_orders(runtime, caller, book, matches, window),
        *_of_counts(runtime, caller, book),
    ]
    with runtime.store.reader() as reader:
        found = with_labels(reader, caller, told)
    order = list(KINDS)
    found.sort(key=lambda one: (order.index(one["kind"]), one["since"], one["item"]))
    values = ((Decimal(one["value"]) if one["value"] else None, one["currency"]) for one in found)
    answer = {"from": format_time_us(start_us), "to": format_time_us(end_us), "leaks": found, "totals": totals(values)}
    return answer | stock.names(runtime, caller, [one | {"owner": one["supplier"], "holder": None} for one in found])


def _uses(runtime: Runtime, reader: Reader, caller: Principal, window: _Window) -> list[UseEvent]:
    found: list[UseEvent] = []
    after: Cursor | None = None
    examined = 0
    while True:
        times = TimeRange(window.start_us, window.end_us)
        page, after = find_uses(runtime, reader, caller, [], times, after=after, limit=_AT_ONCE)
        found += [use for _, use in page if use.hospital == caller.organisation]
        examined += _AT_ONCE
        if after is None:
            return found
        if examined >= _MOST:
            raise QueryTooComplexException(f"more than {_MOST} events of use; expected a shorter period from, to")


def _own(caller: Principal, orders: Iterable[OrderEvent]) -> list[OrderEvent]:
    return [one for one in orders if caller.organisation in one.captured_by]


def _losses(runtime: Runtime, reader: Reader, caller: Principal, window: _Window) -> list[UseEvent]:
    eids: set[bytes] = set()
    after: tuple[int, str] | None = None
    while True:
        rows = ledger_lists.transfers_of_party(
            reader, caller.organisation, from_us=window.start_us, before_us=window.end_us, after=after, limit=_AT_ONCE
        )
        eids |= {bytes(row.eid) for row in rows if row.use_type is None and row.to_party == caller.organisation}
        if len(rows) < _AT_ONCE:
            break
        after = (rows[-1].event_time_us, rows[-1].id)
    documents = reader.documents(business_lists.event_numbers(reader, eids), witnesses=True)
    found = read_uses(runtime, reader, caller, documents, any_kind=True)
    return [one for one in found if one.kind == "loss" and one.status == STANDING and one.usage_report is None]


def _of_uses(caller: Principal, book: AgreementBook, matches: Matches, window: _Window) -> Iterator[dict[str, Any]]:
    for progress in matches.lines.values():
        use, line = progress.use, progress.line
        within = window.start_us <= use.event_time_us < window.end_us
        if not within or use.status != STANDING or use.hospital != caller.organisation:
            continue
        if line.owner == caller.organisation:
            continue
        charge = charge_of(book, use, line)
        for kind, quantity, hours in _kinds(progress, charge):
            due_us = use.event_time_us + hours * HOUR_US
            if due_us < window.now_us:
                yield _leak(kind, use, line, charge, quantity, due_us=due_us, orders=progress.orders)


def _kinds(progress: Progress, charge: Charge) -> Iterator[tuple[str, Decimal, int]]:
    """(kind, quantity concerned, hours after the use from which it is a leak)."""
    use, line = progress.use, progress.line
    if use.usage_report is None:
        yield "use_not_reported", line.quantity, charge.report_within_hours
    if use.use_type in _OPENED and not use.charge_stated and not progress.ordered:
        yield "opened_undecided", line.quantity, charge.report_within_hours
        return
    if charge.payer != "hospital" or not line.counts or progress.settled > 0:
        return
    if progress.ordered < line.quantity:
        kind = "use_without_order" if progress.ordered == 0 else "order_below_use"
        yield kind, line.quantity - progress.ordered, charge.order_within_hours
    elif progress.invoiced < line.quantity:
        yield "use_without_invoice", line.quantity - progress.invoiced, charge.order_within_hours


def _of_losses(book: AgreementBook, lost: Iterable[UseEvent]) -> Iterator[dict[str, Any]]:
    for use in lost:
        for line in use.lines:
            if line.counts:
                charge = charge_of(book, use, line)
                yield _leak(
                    "written_off", use, line, charge, line.quantity, due_us=None, orders=list(use.papers.orders)
                )


def _of_orders(
    runtime: Runtime, caller: Principal, book: AgreementBook, matches: Matches, window: _Window
) -> Iterator[dict[str, Any]]:
    for left in matches.orders:
        if left.event_time_us is None or not window.start_us <= left.event_time_us < window.end_us:
            continue
        supplier = runtime.registry.parties.maker_of(left.item)
        kind = "order_without_use" if left.matched == 0 else "order_beyond_use"
        quantity = left.quantity - left.matched
        price = _price(book, caller, supplier, left.item, left.event_time_us)
        yield _body(kind, left.item, quantity, price) | {
            "supplier": supplier,
            "since": format_time_us(left.event_time_us),
            "eventIDs": [left.event_id],
            "usageReport": next(iter(left.usage_reports), None),
            "orders": [left.number],
        }


def _of_counts(runtime: Runtime, caller: Principal, book: AgreementBook) -> Iterator[dict[str, Any]]:
    told = ghosts.ghosts(runtime, caller, place=None, gtin=None, as_of=None, known_at=None)["ghosts"]
    for one in told:
        if one["holder"] != caller.organisation or one["owner"] in (None, caller.organisation):
            continue
        at_us = parse_time_us(one["firstMissed"])
        price = value_of(book, one["owner"], one["holder"], one["gtin"], one["place"], at_us)
        yield _body("missing_in_count", one["item"], Decimal(one["quantity"]), price) | {
            "supplier": one["owner"],
            "place": one["place"],
            "since": one["firstMissed"],
            "eventIDs": one["countEventIDs"],
        }


def _price(
    book: AgreementBook, caller: Principal, supplier: str | None, item: str, at_us: int
) -> tuple[Decimal, str] | None:
    if supplier is None:
        return None
    return value_of(book, supplier, caller.organisation, class_parts(item)[0], None, at_us)


def _leak(
    kind: str,
    use: UseEvent,
    line: UseLine,
    charge: Charge,
    quantity: Decimal,
    *,
    due_us: int | None,
    orders: list[str],
) -> dict[str, Any]:
    price = None
    if charge.unit_price is not None and charge.currency is not None:
        price = (charge.unit_price, charge.currency)
    return _body(kind, line.item, quantity, price) | {
        "supplier": line.owner or use.supplier,
        "place": use.taken_from,
        "since": format_time_us(use.event_time_us),
        "dueAt": format_time_us(due_us) if due_us is not None else None,
        "eventIDs": [use.event_id],
        "usageReport": use.usage_report,
        "useType": use.use_type,
        "orders": orders,
        "priceProblem": charge.problem,
    }


def _body(kind: str, item: str, quantity: Decimal, price: tuple[Decimal, str] | None) -> dict[str, Any]:
    line = UseLine(item, quantity, None, counts=False, owner=None)
    return item_body(line) | {
        "kind": kind,
        "says": KINDS[kind],
        "quantity": normal_decimal(quantity),
        "value": money(rounded(price[0] * quantity, price[1]), price[1]) if price is not None else None,
        "currency": price[1] if price is not None else None,
        "priceProblem": None if price is not None else "no_price",
        "supplier": None,
        "place": None,
        "since": "",
        "dueAt": None,
        "eventIDs": [],
        "usageReport": None,
        "useType": None,
        "orders": [],
    }
