"""The UDI in GS1 element strings.

This module must not parse symbols: it reads what element_string.py found.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from traceward.gs1.check_digits import is_digits
from traceward.gs1.dates import parse_yymmdd
from traceward.gs1.epc_from_elements import epc_identifiers
from traceward.gs1.errors import DateError
from traceward.gs1.parsed import Finding, ParsedElementStrings
from traceward.gs1.udi.udi import Udi

# Where dates stand, the first AI that is present wins. Of the longer values the first six digits are the date.
_EXPIRATION = (("17", "YYMMDD"), ("7003", "YYMMDDhhmm"))
_MANUFACTURING = (("11", "YYMMDD"), ("8008", "YYMMDDhhmmss"))


class _Dated(NamedTuple):
    """A date of the carrier: what it means, as it stands there, how that is to be read."""

    value: date | None = None
    original: str | None = None
    format: str | None = None


def udi_from_elements(parsed: ParsedElementStrings, *, reference_year: int | None = None) -> Udi:
    """The UDI in the element strings of an item. Parts that they do not have are None; the `di` may be one of them.

    parsed: of one symbol, or of several joined with `join_symbols`. reference_year: the year in which two-digit years
    are read (GS1 General Specifications 7.12); None = the current one. Never raises: `findings` repeats those of
    `parsed` and adds what is wrong with dates. GS1 General Specifications 3.2-3.4; IMDRF UDI Application Guide.

    >>> from traceward.gs1.element_string import parse
    >>> udi = udi_from_elements(parse("(01)09506000117843(17)201200(21)5678CD"), reference_year=2026)
    >>> udi.di, udi.expiration_date.isoformat(), udi.epc
    ('09506000117843', '2020-12-31', 'https://id.gs1.org/01/09506000117843/21/5678CD')
    """
    year = reference_year if reference_year is not None else datetime.now(UTC).year
    values: dict[str, str] = {}
    for element in parsed.elements:
        values.setdefault(element.ai, element.value)
    findings = list(parsed.findings)
    expiration = _date_of(_EXPIRATION, values, year, findings)
    manufacturing = _date_of(_MANUFACTURING, values, year, findings)
    identifiers = epc_identifiers(parsed.elements)
    return Udi(
        issuing_agency="GS1",
        di=values.get("01"),
        lot=values.get("10"),
        serial=values.get("21"),
        expiration_date=expiration.value,
        expiration_original=expiration.original,
        expiration_format=expiration.format,
        manufacturing_date=manufacturing.value,
        manufacturing_original=manufacturing.original,
        manufacturing_format=manufacturing.format,
        quantity=_count(values.get("30")),
        epc=identifiers.instance,
        epc_class=identifiers.class_,
        carrier_hrf=parsed.to_bracketed(),
        carrier_aidc=(parsed.symbology_identifier or "") + parsed.to_element_string(),
        findings=tuple(findings),
    )


def _date_of(
    places: tuple[tuple[str, str], ...], values: Mapping[str, str], year: int, findings: list[Finding]
) -> _Dated:
    for ai, date_format in places:
        original = values.get(ai)
        if not original:
            continue
        try:
            found = parse_yymmdd(original[:6], year)
        except DateError as error:
            if not any(finding.ai == ai and finding.severity == "error" for finding in findings):
                findings.append(Finding(error.code, "error", f"AI {ai}: {error}", ai, error.position))
            return _Dated(None, original, date_format[: len(original)])
        if found.is_whole_month:
            message = f"AI {ai} has '{original}': day 00 read as {found.value.isoformat()}, the last day of the month"
            findings.append(Finding("day_00", "warning", message, ai, None))
        return _Dated(found.value, original, date_format[: len(original)])
    return _Dated()


def _count(text: str | None) -> int | None:
    return int(text) if text and is_digits(text) and len(text) <= 8 else None
