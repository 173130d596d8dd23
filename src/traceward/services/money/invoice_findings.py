"""What an invoice says otherwise than the uses that it answers and the agreement that prices them.

It must not change or refuse an invoice: both parties read the findings beside it.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.predicates import AnyTerm, TimeRange
from traceward.ledger.agreement import Agreement, AgreementBook
from traceward.services.agreements import agreements
from traceward.services.amounts import money, rounded
from traceward.services.identity.principals import Principal
from traceward.services.money import invoices
from traceward.services.money.usage import matches_of
from traceward.services.money.usage_events import UseEvent, find_uses
from traceward.services.money.usage_matching import InvoiceRecord, Matches, Progress
from traceward.services.money.usage_prices import Charge, charge_of
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
    answered: defaultdict[int, list[Decimal]] = defaultdict(list)
    otherwise = {left.position for left in matches.invoices if left.number == invoice.number}
    for progress in matches.lines.values():
        charge = charge_of(book, progress.use, progress.line)
        for record, index, taken in progress.charged:
            if (record.supplier, record.number) == (invoice.supplier, invoice.number):
                found = _price(invoice, index, progress, charge, taken)
                if found is not None:
                    otherwise.add(index)
                    yield found
                elif charge.unit_price is not None:
                    answered[index].append(rounded(charge.unit_price * taken, charge.currency))
    for index, parts in answered.items():
        if index not in otherwise:
            yield from _rounding(invoice, index, sum(parts, Decimal(0)), len(parts))


def _price(
    invoice: InvoiceRecord, index: int, progress: Progress, charge: Charge, taken: Decimal
) -> dict[str, Any] | None:
    line, currency = invoice.lines[index], invoice.currency
    invoiced = money(line.unit_price, currency)
    at = f"use {progress.use.event_id}"
    if charge.payer != "hospital":
        message = f"{at} is for {charge.payer} to pay"
        return _finding(index, "not_chargeable", message, money(Decimal(0), currency), invoiced)
    if charge.unit_price is None or charge.currency is None:
        return _finding(index, "no_price", f"{at} has no price: {charge.problem}", None, invoiced)
    expected = money(charge.unit_price, charge.currency)
    if charge.currency != currency:
        message = f"{at} is priced in {charge.currency}, the invoice is in {currency}"
        return _finding(index, "currency_difference", message, expected, invoiced)
    if charge.unit_price != line.unit_price:
        message = f"{at} costs {expected} {currency} each by {_named(charge.agreement)}"
        difference = rounded(line.unit_price * taken, currency) - rounded(charge.unit_price * taken, currency)
        told = _finding(index, "price_difference", message, expected, invoiced)
        return told | {"difference": money(difference, currency)}
    return None


def _rounding(invoice: InvoiceRecord, index: int, expected: Decimal, uses: int) -> Iterator[dict[str, Any]]:
    """What a line comes to otherwise than the uses that it answers, since each of them is charged in whole cents."""
    line, currency = invoice.lines[index], invoice.currency
    amount = rounded(line.quantity * line.unit_price, currency)
    if amount != expected:
        owed, told = money(expected, currency), money(amount, currency)
        message = f"the {uses} uses that the line is for come to {owed} {currency}, each of them rounded"
        finding = _finding(index, "rounding_difference", message, owed, told)
        yield finding | {"difference": money(amount - expected, currency)}


def _named(agreement: Agreement | None) -> str:
    return f"{agreement.terms.agreement_id} version {agreement.version}" if agreement is not None else "no agreement"


def _quantities(invoice: InvoiceRecord, matches: Matches) -> Iterator[dict[str, Any]]:
    for left in matches.invoices:
        if left.number != invoice.number or left.position is None:
            continue
        kind = "no_use" if left.matched == 0 else "beyond_use"
        message = f"{normal_decimal(left.quantity)} of {left.item} invoiced, {normal_decimal(left.matched)} used for it"
        invoiced = money(invoice.lines[left.position].unit_price, invoice.currency)
        yield _finding(left.position, kind, message, None, invoiced)


def _finding(index: int, kind: str, message: str, expected: str | None, invoiced: str) -> dict[str, Any]:
    return {
        "line": index,
        "kind": kind,
        "message": message,
        "expected": expected,
        "invoiced": invoiced,
        "difference": None,
    }
