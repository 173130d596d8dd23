"""What a use costs and who pays: by the agreement's version, line and price that were valid at the use's eventTime.

Pure: it reads no store and no clock. A price never comes from an event.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from traceward.ledger.agreement import Agreement, AgreementBook, day_of, price_on
from traceward.ledger.agreement_terms import Payer, ProductLine
from traceward.services.amounts import rounded
from traceward.services.money.usage_events import UseEvent, UseLine

_DEFAULT_ORDER_HOURS: Final = 72
_DEFAULT_REPORT_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Charge:
    """What one line of a use comes to. payer: who bears it. amount: what the hospital owes, None without a price.

    value: quantity times unit price, whoever pays; both in whole minor units. problem: why there is no price:
    off_agreement, no_price or unit (the quantity has a unit of measure, and prices are for one each).
    """

    agreement: Agreement | None
    product: ProductLine | None
    payer: Payer
    unit_price: Decimal | None = None
    currency: str | None = None
    value: Decimal | None = None
    amount: Decimal | None = None
    problem: str | None = None

    @property
    def order_within_hours(self) -> int:
        """How soon a purchase order is due after the use."""
        return self.agreement.terms.use.order_within_hours if self.agreement is not None else _DEFAULT_ORDER_HOURS

    @property
    def report_within_hours(self) -> int:
        """How soon a use is to be reported."""
        return self.agreement.terms.use.report_within_hours if self.agreement is not None else _DEFAULT_REPORT_HOURS


def charge_of(book: AgreementBook, use: UseEvent, line: UseLine) -> Charge:
    """What a line of a use comes to."""
    agreement, product = _judged(book, use, line)
    payer = _payer(agreement, use)
    if agreement is None or product is None:
        return Charge(agreement, product, payer, problem="off_agreement")
    price = price_on(product, day_of(use.event_time_us))
    if line.uom is not None or price is None:
        return Charge(agreement, product, payer, problem="no_price" if price is None else "unit")
    value = rounded(price.amount * line.quantity, price.currency)
    amount = value if payer == "hospital" else Decimal(0)
    return Charge(agreement, product, payer, price.amount, price.currency, value, amount)


def value_of(
    book: AgreementBook, supplier: str, hospital: str, gtin: str | None, place: str | None, at_us: int
) -> tuple[Decimal, str] | None:
    """(amount, currency) of one each of a supplier's product at a place, None where no agreement prices it."""
    judged = book.judge(supplier, hospital, gtin, place, at_us)
    price = price_on(judged.line, day_of(at_us)) if judged is not None else None
    return (price.amount, price.currency) if price is not None else None


def _judged(book: AgreementBook, use: UseEvent, line: UseLine) -> tuple[Agreement | None, ProductLine | None]:
    supplier = line.owner or use.supplier
    if supplier is None or use.hospital is None:
        return None, None
    judged = book.judge_use(supplier, use.hospital, line.gtin, use.taken_from, use.event_time_us, named=use.agreement)
    return (judged.agreement, judged.line) if judged is not None else (None, None)


def _payer(agreement: Agreement | None, use: UseEvent) -> Payer:
    if use.papers.no_charge:
        return "none"
    if use.kind == "purchase" or agreement is None:
        return "hospital"
    if use.kind == "loss":
        return agreement.terms.loss.liable
    payers = agreement.terms.use.payer
    return next((payer for use_type, payer in payers.items() if use_type == use.use_type), "hospital")
