"""How far each use has come: reported, ordered, invoiced, settled; and orders or invoices that no use answers.

Pure: the same uses and papers always match the same way, whatever their order. It must not read prices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from traceward.services.money.usage_events import STANDING, OrderEvent, UseEvent, UseLine

STATES: Final = ("used", "reported", "ordered", "invoiced", "settled", "declared_in_error", "claimed")
"""How far a use has come; the last two are no steps: the use was taken back, or was never its captor's to tell."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice: quantity of an item at a price for one each; order, usage_report: what it refers to."""

    item: str
    quantity: Decimal
    unit_price: Decimal
    order: str | None = None
    usage_report: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """An invoice as its supplier sent it. issued_on: ISO date. currency: ISO 4217."""

    supplier: str
    number: str
    hospital: str
    issued_on: str
    currency: str
    lines: tuple[InvoiceLine, ...]


@dataclass(slots=True)
class Progress:
    """How much of one line of a use was ordered, invoiced and settled, and by what."""

    use: UseEvent
    line: UseLine
    ordered: Decimal = Decimal(0)
    invoiced: Decimal = Decimal(0)
    settled: Decimal = Decimal(0)
    orders: list[str] = field(default_factory=list)
    invoices: list[str] = field(default_factory=list)
    charged: list[tuple[InvoiceRecord, int, Decimal]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The furthest step that this line has reached."""
        if self.use.status != STANDING:
            return self.use.status
        reached = (
            ("settled", self.settled > 0),
            ("invoiced", self.invoiced > 0),
            ("ordered", self.ordered > 0),
            ("reported", self.use.usage_report is not None),
        )
        return next((name for name, is_reached in reached if is_reached), "used")


@dataclass(frozen=True, slots=True)
class Leftover:
    """What an order or invoice has beyond the uses that it answers. matched: how much of it was used.

    position: of the invoice's line, from 0 on.
    """

    number: str
    event_time_us: int | None
    event_id: str | None
    item: str
    quantity: Decimal
    matched: Decimal
    usage_reports: tuple[str, ...] = ()
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """Every line of the uses by line key, and what no use answers."""

    lines: Mapping[str, Progress]
    orders: tuple[Leftover, ...]
    invoices: tuple[Leftover, ...]


def match(
    uses: Iterable[UseEvent],
    orders: Iterable[OrderEvent],
    invoices: Iterable[InvoiceRecord],
    settled: Iterable[tuple[str, str]],
) -> Matches:
    """Match uses with the papers that follow them, oldest use first.

    An order that names usage reports answers their uses alone; one without answers any use of its items. settled:
    (line key, quantity) of settlement lines.
    """
    lines = _lines(uses)
    standing = [one for one in lines.values() if one.use.status == STANDING]
    by_time = sorted(orders, key=lambda one: (not one.papers.usage_reports, one.event_time_us, one.event_id))
    left_orders = [left for order in by_time for left in _take_order(order, standing)]
    by_date = sorted(invoices, key=lambda one: (one.issued_on, one.supplier, one.number))
    left_invoices = [left for invoice in by_date for left in _take_invoice(invoice, standing)]
    for key, quantity in settled:
        if key in lines:
            lines[key].settled += Decimal(quantity)
    return Matches(lines, tuple(left_orders), tuple(left_invoices))


def names_item(paper_item: str, item: str) -> bool:
    """Whether a paper's item is that item, or the product that it is one of.

    >>> names_item("https://id.gs1.org/01/09521141045305", "https://id.gs1.org/01/09521141045305/10/LOT77A")
    True
    """
    return item == paper_item or item.startswith(paper_item + "/")


def _lines(uses: Iterable[UseEvent]) -> dict[str, Progress]:
    lines: dict[str, Progress] = {}
    for use in sorted(uses, key=lambda one: (one.event_time_us, one.eid)):
        for line in use.lines:
            entry = Progress(use, line)
            if use.status == STANDING:
                if use.papers.orders:
                    entry.ordered, entry.orders = line.quantity, list(use.papers.orders)
                if use.papers.invoices:
                    entry.invoiced, entry.invoices = line.quantity, list(use.papers.invoices)
            lines[use.line_key(line)] = entry
    return lines


def _take_order(order: OrderEvent, lines: Sequence[Progress]) -> Iterable[Leftover]:
    reports = set(order.papers.usage_reports)
    if reports and order.papers.orders and not order.items:
        _order_whole_reports(order, lines)
    for item, quantity in order.items:
        wanted = [
            one
            for one in lines
            if names_item(item, one.line.item) and (not reports or reports.intersection(one.use.papers.usage_reports))
        ]
        matched = Decimal(0)
        for one in wanted:
            if not order.papers.orders:
                break
            taken = min(quantity - matched, one.line.quantity - one.ordered)
            if taken > 0:
                one.ordered += taken
                one.orders += [number for number in order.papers.orders if number not in one.orders]
                matched += taken
        _note_invoices(order, wanted, quantity)
        if matched < quantity and order.papers.orders:
            yield Leftover(
                order.papers.orders[0],
                order.event_time_us,
                order.event_id,
                item,
                quantity,
                matched,
                order.papers.usage_reports,
            )


def _order_whole_reports(order: OrderEvent, lines: Sequence[Progress]) -> None:
    """An order that names usage reports and no goods is for all that they report."""
    reports = set(order.papers.usage_reports)
    for one in lines:
        if one.ordered < one.line.quantity and reports.intersection(one.use.papers.usage_reports):
            one.ordered = one.line.quantity
            one.orders += [number for number in order.papers.orders if number not in one.orders]


def _note_invoices(order: OrderEvent, wanted: Sequence[Progress], quantity: Decimal) -> None:
    left = quantity if order.papers.invoices else Decimal(0)
    for one in wanted:
        taken = min(left, one.line.quantity - one.invoiced)
        if taken > 0:
            one.invoiced += taken
            one.invoices += [number for number in order.papers.invoices if number not in one.invoices]
            left -= taken


def _take_invoice(invoice: InvoiceRecord, lines: Sequence[Progress]) -> Iterable[Leftover]:
    """An invoice by record: what a transaction event (F11) already names by its number is the same invoice."""
    for index, entry in enumerate(invoice.lines):
        matched = Decimal(0)
        for one in lines:
            if matched < entry.quantity and _refers(invoice, entry, one):
                told = _is_told(invoice.number, one)
                before = sum((quantity for _, _, quantity in one.charged), Decimal(0)) if told else one.invoiced
                taken = min(entry.quantity - matched, one.line.quantity - before)
                if taken > 0:
                    one.charged.append((invoice, index, taken))
                    matched += taken
                    if not told:
                        one.invoiced += taken
                        one.invoices.append(invoice.number)
        if matched < entry.quantity:
            yield Leftover(invoice.number, None, None, entry.item, entry.quantity, matched, position=index)


def _refers(invoice: InvoiceRecord, entry: InvoiceLine, one: Progress) -> bool:
    use = one.use
    return (
        names_item(entry.item, one.line.item)
        and (one.line.owner or use.supplier, use.hospital) == (invoice.supplier, invoice.hospital)
        and (entry.usage_report is None or entry.usage_report in use.papers.usage_reports)
        and (entry.order is None or entry.order in one.orders)
    )


def _is_told(number: str, one: Progress) -> bool:
    """Whether an event names this very invoice for the line: a transaction id ends with the issuer's own number."""
    return any(told == number or told.endswith(f":{number}") for told in one.invoices)
