"""What an invoice says otherwise than the uses that it answers and the agreement that prices them.

It must not change or refuse an invoice: both parties read the findings beside it.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.predicates import AnyTerm, TimeRange
from traceward.ledger.agreement import Agreement, AgreementBook
from traceward.services.agreements import agreements
from traceward.services.identity.principals import Principal
from traceward.services.money import invoices
from traceward.services.money.usage import matches_of
from traceward.services.money.usage_events import UseEvent, find_uses
from traceward.services.money.usage_matching import InvoiceRecord, Matches, Progress
from traceward.services.money.usage_prices import charge_of, money
from traceward.services.queries.visible_events import goods_terms
from traceward.services.runtime import Runtime
from traceward.store.read import Reader

_MOST: Final = 2000


def answer(runtime: Runtime, caller: Principal, supplier: str, number: str) -> dict[str, Any]:
    """An invoice with its findings. Raises NoSuchResource, ForbiddenException."""
    with runtime.store.reader() as reader:
        invoice = invoices.find(reader, caller, supplier, number)
        book = agreements.book_of(reader)
        uses = _uses(runtime, reader, caller, invoice)
        matches = matches_of(runtime, reader, caller, uses, papers_for={line.item for line in invoice.lines})
    found = [*_prices(book, invoice, matches), *_quantities(invoice, matches)]
    return invoices.invoice_body(invoice) | {"findings": sorted(found, key=lambda one: (one["line"], one["kind"]))}


def _uses(runtime: Runtime, reader: Reader, caller: Principal, invoice: InvoiceRecord) -> list[UseEvent]:
    pairs = [pair for line in invoice.lines for pair in goods_terms(line.item)]
    found: list[UseEvent] = []
    for start in range(0, len(pairs), 100):
        clause = AnyTerm(tuple(pairs[start : start + 100]))
        uses, _ = find_uses(runtime, reader, caller, [clause], TimeRange(), after=None, limit=_MOST)
        found += [use for _, use in uses]
    return list({use.eid: use for use in found}.values())


def _prices(book: AgreementBook, invoice: InvoiceRecord, matches: Matches) -> Iterator[dict[str, Any]]:
    for progress in matches.lines.values():
        for record, index, _ in progress.charged:
            if (record.supplier, record.number) == (invoice.supplier, invoice.number):
                found = _price(book, invoice, index, progress)
                if found is not None:
                    yield found


def _price(book: AgreementBook, invoice: InvoiceRecord, index: int, progress: Progress) -> dict[str, Any] | None:
    charge, line = charge_of(book, progress.use, progress.line), invoice.lines[index]
    at = f"use {progress.use.event_id}"
    if charge.payer != "hospital":
        return _finding(index, "not_chargeable", f"{at} is for {charge.payer} to pay", "0.00", line.unit_price)
    if charge.unit_price is None or charge.currency is None:
        return _finding(index, "no_price", f"{at} has no price: {charge.problem}", None, line.unit_price)
    expected = money(charge.unit_price)
    if charge.currency != invoice.currency:
        message = f"{at} is priced in {charge.currency}, the invoice is in {invoice.currency}"
        return _finding(index, "currency_difference", message, expected, line.unit_price)
    if charge.unit_price != line.unit_price:
        message = f"{at} costs {expected} {charge.currency} each by {_named(charge.agreement)}"
        difference = (line.unit_price - charge.unit_price) * progress.line.quantity
        told = _finding(index, "price_difference", message, expected, line.unit_price)
        return told | {"difference": money(difference)}
    return None


def _named(agreement: Agreement | None) -> str:
    return f"{agreement.terms.agreement_id} version {agreement.version}" if agreement is not None else "no agreement"


def _quantities(invoice: InvoiceRecord, matches: Matches) -> Iterator[dict[str, Any]]:
    for left in matches.invoices:
        if left.number != invoice.number or left.position is None:
            continue
        kind = "no_use" if left.matched == 0 else "beyond_use"
        message = f"{normal_decimal(left.quantity)} of {left.item} invoiced, {normal_decimal(left.matched)} used for it"
        yield _finding(left.position, kind, message, None, invoice.lines[left.position].unit_price)


def _finding(index: int, kind: str, message: str, expected: str | None, invoiced: Decimal) -> dict[str, Any]:
    return {
        "line": index,
        "kind": kind,
        "message": message,
        "expected": expected,
        "invoiced": money(invoiced),
        "difference": None,
    }
