"""Invoices that suppliers post for what was used, and what is wrong with each of their lines.

An invoice never changes: the same one again is that one, another under its number is refused. It must not price
anything itself: `usage_prices` does, by the agreement.
"""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.services.amounts import money, rounded, totals
from traceward.services.identity import parties
from traceward.services.identity.principals import Principal, Right, Sight
from traceward.services.money.usage_matching import InvoiceLine, InvoiceRecord
from traceward.services.runtime import Runtime
from traceward.store import business_models
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

_CLAUSE: Final = "Traceward settlement: an invoice is for what its supplier's agreement prices"
_LINE: Final = "supplier, number, position, hospital, item, quantity, unit_price, order_number, usage_report"


def post(runtime: Runtime, caller: Principal, invoice: InvoiceRecord) -> InvoiceRecord:
    """Store an invoice of the caller's organisation; the same one again changes nothing.

    Raises ForbiddenException for roles that see no prices or for another's invoice, ValidationException for a hospital
    that is none, ResourceAlreadyExistsException where the number stands for other content. Whether this server knows
    the hospital is not told.
    """
    _require_prices(caller)
    caller.require(Right.CAPTURE)
    if caller.organisation != invoice.supplier:
        raise ForbiddenException("an invoice is posted by its supplier")
    if invoice.hospital == invoice.supplier:
        message = f"hospital is {invoice.hospital}; expected another organisation than the supplier"
        raise ValidationException(message, [Finding("hospital", "same_party", message, _CLAUSE)])
    parties.require_party(runtime, invoice.hospital, "hospital")

    def unit(tx: WriteTransaction) -> InvoiceRecord:
        known = tx.get(business_models.Invoice, invoice.supplier, invoice.number)
        if known is not None:
            lines = tx.select(business_models.InvoiceLine, supplier=invoice.supplier, number=invoice.number)
            if _record(known, lines) != invoice:
                message = f"the invoice number {invoice.number!r} stands for other content; expected a new number"
                raise ResourceAlreadyExistsException(message, [Finding("number", "taken", message, _CLAUSE)])
            return invoice
        tx.put(
            business_models.Invoice(
                supplier=invoice.supplier,
                number=invoice.number,
                hospital=invoice.hospital,
                issued_on=invoice.issued_on,
                currency=invoice.currency,
                principal=caller.name or caller.key_id,
                received_us=tx.record_time_us,
            )
        )
        for position, line in enumerate(invoice.lines):
            tx.put(_row(invoice, position, line))
        return invoice

    return runtime.store.committer.run(unit)


def find(reader: Reader, caller: Principal, supplier: str, number: str) -> InvoiceRecord:
    """One invoice of which the caller is a party. Raises NoSuchResource, ForbiddenException."""
    _require_prices(caller)
    known = reader.get(business_models.Invoice, supplier, number)
    if known is None or caller.organisation not in (known.supplier, known.hospital):
        raise NoSuchResource(f"there is no invoice {number[:80]!r} of {supplier[:80]!r}")
    return _record(known, reader.select(business_models.InvoiceLine, supplier=supplier, number=number))


def listed(reader: Reader, caller: Principal, most: int) -> list[dict[str, Any]]:
    """The newest invoices of which the caller is a party, without their lines. Raises ForbiddenException."""
    _require_prices(caller)
    found = []
    for side in ("supplier", "hospital"):
        found += reader.fetch(
            "SELECT supplier, number, hospital, issued_on, currency, received_us FROM invoice"  # noqa: S608
            f" WHERE {side}=? ORDER BY issued_on DESC, supplier, number LIMIT ?",
            (caller.organisation, most),
        )
    newest = sorted(found, key=lambda row: (row[3], row[0], row[1]), reverse=True)[:most]
    return [
        {
            "supplier": supplier,
            "number": number,
            "hospital": hospital,
            "issuedOn": issued_on,
            "currency": currency,
            "receivedAt": format_time_us(received_us),
        }
        for supplier, number, hospital, issued_on, currency, received_us in newest
    ]


def records_of(reader: Reader, caller: Principal, items: Collection[str]) -> list[InvoiceRecord]:
    """The invoices, for as far as they name these items, of which the caller is a party and may see prices."""
    if not caller.sees(Sight.PRICE) or not items:
        return []
    found: dict[tuple[str, str], dict[int, InvoiceLine]] = {}
    for side in ("supplier", "hospital"):
        sql = f"SELECT {_LINE} FROM invoice_line WHERE {side}=? AND item IN {{in}}"  # noqa: S608
        for row in reader.fetch_in(sql, sorted(items), (caller.organisation,)):
            line = InvoiceLine(row[4], Decimal(row[5]), Decimal(row[6]), row[7], row[8])
            found.setdefault((row[0], row[1]), {})[row[2]] = line
    records = []
    for (supplier, number), lines in sorted(found.items()):
        known = reader.get(business_models.Invoice, supplier, number)
        assert known is not None
        ordered = tuple(lines[position] for position in sorted(lines))
        records.append(InvoiceRecord(supplier, number, known.hospital, known.issued_on, known.currency, ordered))
    return records


def record_of_body(caller: Principal, body: dict[str, Any]) -> InvoiceRecord:
    """The invoice that a request's body describes; identifiers become canonical.

    Raises ValidationException for what is no identifier, date or positive number.
    """
    issued_on: date = body["issued_on"]
    lines = tuple(
        InvoiceLine(
            canonical_identifier(one["item"]),
            Decimal(one["quantity"]),
            Decimal(one["unit_price"]),
            one.get("order"),
            one.get("usage_report"),
        )
        for one in body["lines"]
    )
    hospital = canonical_identifier(body["hospital"])
    return InvoiceRecord(caller.organisation, body["number"], hospital, issued_on.isoformat(), body["currency"], lines)


def invoice_body(invoice: InvoiceRecord) -> dict[str, Any]:
    """An invoice as its parties read it: each line's amount in whole minor units, and their sum."""
    amounts = [rounded(line.quantity * line.unit_price, invoice.currency) for line in invoice.lines]
    return {
        "supplier": invoice.supplier,
        "number": invoice.number,
        "hospital": invoice.hospital,
        "issuedOn": invoice.issued_on,
        "currency": invoice.currency,
        "lines": [
            {
                "item": line.item,
                "quantity": normal_decimal(line.quantity),
                "unitPrice": money(line.unit_price, invoice.currency),
                "amount": money(amount, invoice.currency),
                "order": line.order,
                "usageReport": line.usage_report,
            }
            for line, amount in zip(invoice.lines, amounts, strict=True)
        ],
        "totals": totals((amount, invoice.currency) for amount in amounts),
    }


def _require_prices(caller: Principal) -> None:
    caller.require(Right.READ)
    if not caller.sees(Sight.PRICE):
        raise ForbiddenException(f"the role {caller.role!r} does not see {Sight.PRICE.value}")


def _record(invoice: business_models.Invoice, lines: Sequence[business_models.InvoiceLine]) -> InvoiceRecord:
    return InvoiceRecord(
        invoice.supplier,
        invoice.number,
        invoice.hospital,
        invoice.issued_on,
        invoice.currency,
        tuple(
            InvoiceLine(one.item, Decimal(one.quantity), Decimal(one.unit_price), one.order_number, one.usage_report)
            for one in sorted(lines, key=lambda row: row.position)
        ),
    )


def _row(invoice: InvoiceRecord, position: int, line: InvoiceLine) -> business_models.InvoiceLine:
    return business_models.InvoiceLine(
        supplier=invoice.supplier,
        number=invoice.number,
        position=position,
        hospital=invoice.hospital,
        item=line.item,
        quantity=normal_decimal(line.quantity),
        unit_price=normal_decimal(line.unit_price),
        order_number=line.order,
        usage_report=line.usage_report,
    )
