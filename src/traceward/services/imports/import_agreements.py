"""PAR levels and prices from CSV, as the proposed next version of an agreement that exists.

What the file does not name stays as it is; the same file again proposes nothing. It must not sign for the other side.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import pydantic

from traceward.epcis.errors import Finding, ValidationException
from traceward.ledger.agreement import Agreement, day_of
from traceward.ledger.agreement_terms import AgreementTerms, ParLevel, Price, ProductLine
from traceward.services.agreements import agreements
from traceward.services.identity.principals import Principal
from traceward.services.imports.csv_table import Column, Row, Table, number
from traceward.services.imports.imported import CLAUSE, EXTENSION, NO_ONE, PLACE, Plan, day_of_cell, gtin_of, place_of
from traceward.services.runtime import Runtime

PAR: Final = (
    Column("gtin", ("ean", "di", "device identifier"), needed=True, example="09521141010235"),
    PLACE,
    EXTENSION,
    Column("minimum", ("min", "par min", "mindestbestand", "meldebestand"), needed=True, example="1"),
    Column("maximum", ("max", "par", "par max", "höchstbestand", "sollbestand"), needed=True, example="4"),
)
PRICES: Final = (
    Column("gtin", ("ean", "di", "device identifier"), needed=True, example="09521141010235"),
    Column("price", ("amount", "preis", "betrag", "einzelpreis"), needed=True, example="1850.00"),
    Column("currency", ("währung", "waehrung"), needed=True, example="EUR"),
    Column("valid from", ("from", "gültig ab", "gueltig ab"), example="2026-07-01"),
    Column("valid to", ("to", "until", "gültig bis", "gueltig bis"), example=""),
)

_ONE_DAY: Final = timedelta(days=1)

_Change = Callable[[Plan, Row, ProductLine], ProductLine | None]
"""The line as one row of the file has it; None where the row is wrong."""


def plan_par(runtime: Runtime, caller: Principal, table: Table, options: Mapping[str, str]) -> Plan:
    """PAR levels: those of the file in place of those of the same product and place; without both figures, none."""
    newest = _newest(runtime, caller, options)
    covers = agreements.book(runtime).covers
    seen: dict[tuple[str, str], int] = {}

    def change(plan: Plan, row: Row, line: ProductLine) -> ProductLine | None:
        place = place_of(plan, row)
        if place is None:
            return None
        if not covers(newest, place):
            plan.doubt(row, "place", "lies at none of the agreement's sites")
        first = seen.setdefault((line.gtin, place), row.line)
        if first != row.line:
            plan.wrong(row, "place", f"has the levels of this product in line {first} already")
            return None
        others = [one for one in line.par if one.place != place]
        known = next((one for one in line.par if one.place == place), None)
        if not row.cells.get("minimum") and not row.cells.get("maximum"):
            return line.model_copy(update={"par": tuple(others)})
        minimum, maximum = _count(plan, row, "minimum"), _count(plan, row, "maximum")
        if minimum is None or maximum is None:
            return None
        if minimum >= maximum:
            plan.wrong(row, "maximum", f"is not above the minimum, {minimum}")
            return None
        level = ParLevel(place=place, minimum=minimum, maximum=maximum)
        kept = [level if one is known else one for one in line.par] if known else [*others, level]
        return line.model_copy(update={"par": tuple(kept)})

    return _planned(runtime, caller, table, options, newest, change)


def plan_prices(runtime: Runtime, caller: Principal, table: Table, options: Mapping[str, str]) -> Plan:
    """Prices: one that begins on a day ends the one before it on the day before."""
    newest = _newest(runtime, caller, options)
    seen: dict[tuple[str, date | None], int] = {}

    def change(plan: Plan, row: Row, line: ProductLine) -> ProductLine | None:
        price = _price(plan, row)
        if price is None:
            return None
        first = seen.setdefault((line.gtin, price.valid_from), row.line)
        if first != row.line:
            plan.wrong(row, "valid from", f"is the first day of this product's price in line {first} already")
            return None
        others = [_ended_before(plan, row, one, price) for one in line.prices if one.valid_from != price.valid_from]
        later = [one for one in others if _first_day(one) > _first_day(price)]
        if later:
            price = _ended_before(plan, row, price, min(later, key=_first_day))
        return line.model_copy(update={"prices": tuple(sorted([*others, price], key=_first_day))})

    return _planned(runtime, caller, table, options, newest, change)


def _price(plan: Plan, row: Row) -> Price | None:
    before = len(plan.findings)
    amount = number(row.cells.get("price", ""))
    if amount is None or amount < 0:
        plan.wrong(row, "price", "is no price that reads in one way; expected such as 1850.00 or 1850,00")
    currency = row.cells.get("currency", "").upper()
    starts, ends = day_of_cell(plan, row, "valid from"), day_of_cell(plan, row, "valid to")
    if starts is not None and ends is not None and ends < starts:
        plan.wrong(row, "valid to", f"is before valid from, {starts}")
    if len(plan.findings) > before or amount is None:
        return None
    try:
        return Price(amount=amount, currency=currency, valid_from=starts, valid_to=ends)
    except pydantic.ValidationError as error:
        for one in error.errors():
            column = "price" if "amount" in one["loc"] else "currency"
            expected = "an amount of at most 18 digits" if column == "price" else "three letters such as EUR"
            plan.wrong(row, column, f"is refused; expected {expected}")
        return None


def _ended_before(plan: Plan, row: Row, old: Price, new: Price) -> Price:
    """A price, ending on the day before another one begins where it went on beyond that day."""
    # Nothing can end before the calendar's first day: two prices from then on are refused with the terms.
    if new.valid_from in (None, date.min) or _first_day(old) > new.valid_from:
        return old
    if old.valid_to is not None and old.valid_to < new.valid_from:
        return old
    last = new.valid_from - _ONE_DAY
    plan.doubt(row, "valid from", f"the price of {old.amount} {old.currency} then ends on {last}, before the next one")
    return old.model_copy(update={"valid_to": last})


def _first_day(price: Price) -> date:
    return price.valid_from or date.min


def _count(plan: Plan, row: Row, column: str) -> int | None:
    found = number(row.cells.get(column, ""))
    if found is None or found != found.to_integral_value() or found < 0 or found > Decimal(1_000_000_000):
        plan.wrong(row, column, "is no number of pieces; expected such as 4")
        return None
    return int(found)


def _newest(runtime: Runtime, caller: Principal, options: Mapping[str, str]) -> Agreement:
    wanted = options.get("agreementID")
    if not wanted:
        message = "agreementID is missing; expected the agreement whose next version the file is to propose"
        raise ValidationException(message, [Finding("agreementID", "missing", message, CLAUSE)])
    return agreements.newest_of(runtime, caller, wanted, options.get("counterparty"))


def _planned(
    runtime: Runtime, caller: Principal, table: Table, options: Mapping[str, str], newest: Agreement, change: _Change
) -> Plan:
    plan = Plan()
    lines = {line.gtin: line for line in newest.terms.lines}
    first = dict(lines)
    for row in table.rows:
        gtin = gtin_of(plan, row)
        if gtin is None:
            continue
        line = lines.get(gtin) or ProductLine(gtin=gtin)
        changed = change(plan, row, line)
        if changed is None:
            continue
        if gtin not in lines:
            plan.doubt(row, "gtin", "is new in the agreement; its other terms are the defaults")
        if gtin not in first:
            plan.new += 1
        elif changed == line:
            plan.unchanged += 1
        else:
            plan.changed += 1
        lines[gtin] = changed
    terms = _next_terms(runtime, plan, newest, tuple(lines.values()), options)
    plan.details = {"agreementID": newest.terms.agreement_id, "version": newest.version}
    if terms is None:
        return plan
    plan.details["version"] = newest.version + 1
    for one in agreements.book(runtime).overlaps(Agreement(terms, newest.version + 1, caller.organisation, 0)):
        plan.wrong(NO_ONE, None, f"the agreement {one.other} covers {one.gtin} at {one.site} from {one.day} too")

    def apply() -> dict[str, Any]:
        made = agreements.propose(runtime, caller, terms)
        return {"agreementID": made.terms.agreement_id, "version": made.version, "signed": made.is_signed}

    plan.apply = apply
    return plan


def _next_terms(
    runtime: Runtime, plan: Plan, newest: Agreement, lines: tuple[ProductLine, ...], options: Mapping[str, str]
) -> AgreementTerms | None:
    """The terms of the next version; None where nothing changes or, with a finding, where they may not be."""
    if lines == newest.terms.lines:
        return None
    today = day_of(runtime.now_us())
    starts = max(newest.terms.valid_from, today)
    if "validFrom" in options:
        try:
            starts = date.fromisoformat(options["validFrom"])
        except ValueError:
            message = f"validFrom is {options['validFrom'][:40]!r}; expected a day such as {today}"
            raise ValidationException(message, [Finding("validFrom", "day", message, CLAUSE)]) from None
    changed = newest.terms.model_dump() | {"lines": [line.model_dump() for line in lines], "valid_from": starts}
    try:
        return AgreementTerms.model_validate(changed)
    except pydantic.ValidationError as error:
        for one in error.errors():
            plan.wrong(NO_ONE, None, f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}")
        return None
