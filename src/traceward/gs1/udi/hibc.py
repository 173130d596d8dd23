"""HIBC: primary, secondary and combined data of the Health Industry Business Communications Council.

This module must not read the picture of a symbol, nor check that a labeler's code was ever assigned.
ANSI/HIBC 2.6 as summarised by the FDA and IMDRF tables of UDI formats.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from traceward.gs1.check_digits import is_digits
from traceward.gs1.dates import days_in_month, four_digit_year
from traceward.gs1.errors import UdiError, shortened
from traceward.gs1.parsed import Finding
from traceward.gs1.udi.udi import Udi, private_identifiers

_MOD43 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"
_PRIMARY = re.compile(r"([A-Z][A-Z0-9]{3})([A-Z0-9]{1,18})([0-9])").fullmatch
_SECONDARY = re.compile(r"(?P<mark>\$\$?\+?)?(?P<rest>.*)", re.DOTALL)
# Behind $$: the first digit tells how the date is written. (digits to skip, format); 0 and 1 belong to the month.
_DATE_FLAGS = {
    "0": (0, "MMYY"), "1": (0, "MMYY"), "2": (1, "MMDDYY"), "3": (1, "YYMMDD"), "4": (1, "YYMMDDHH"),
    "5": (1, "YYJJJ"), "6": (1, "YYJJJHH"), "7": (1, ""),
}  # fmt: skip
_QUANTITY_DIGITS = {"8": 2, "9": 5}
_QUANTITY_LONGEST = 9
_SUPPLEMENTS = (("16D", "manufacturing"), ("14D", "expiration"), ("S", "serial"), ("Q", "quantity"))


class _HibcDate(NamedTuple):
    """A date and, where its format has one, the hour."""

    value: date
    hour: int | None


def check_character(text: str) -> str:
    """The modulo 43 check character of `text`, which begins with '+'. Raises UdiError for other characters.

    >>> check_character("+A123BJC5D6E71")
    'G'
    """
    total = 0
    for position, character in enumerate(text):
        value = _MOD43.find(character)
        if value < 0:
            raise UdiError(
                f"'{character}' in '{shortened(text)}'; expected {_MOD43}", code="hibc_character", position=position
            )
        total += value
    return _MOD43[total % 43]


def parse_hibc(text: str, *, symbology_identifier: str | None = None, reference_year: int | None = None) -> Udi:
    """The UDI in HIBC data: primary, secondary or combined. A secondary alone has no `di`, but a `link_character`.

    text: from '+' to the check character; stars around it are dropped, '_' in last place stands for a blank.
    A wrong check character or date is a finding. Raises UdiError when the text is no HIBC data at all.

    >>> udi = parse_hibc("+A99912345/$10X3/16D20111231/14D202001313")
    >>> udi.di, udi.lot, udi.expiration_date.isoformat(), udi.is_valid
    ('A99912345', '10X3', '2020-01-31', True)
    """
    data = text.strip("*")
    data = data[:-1] + " " if data.endswith("_") else data
    if len(data) < 4 or data[0] != "+":
        raise UdiError(
            f"'{shortened(text)}' is no HIBC data; expected '+', data and a check character", code="not_hibc"
        )
    year = reference_year if reference_year is not None else datetime.now(UTC).year
    udi = Udi(issuing_agency="HIBCC", carrier_hrf=data, carrier_aidc=(symbology_identifier or "") + data)
    expected = check_character(data[:-1])
    if expected != data[-1]:
        udi = _noted(
            udi, "hibc_check_character", f"'{shortened(data)}': check character '{data[-1]}'; expected '{expected}'"
        )
    body = data[1:-1]
    if body[0].isalpha():
        primary, *parts = body.split("/")
        udi = _with_primary(udi, primary)
    else:
        udi = replace(udi, link_character=body[-1])
        parts = body[:-1].split("/")
    if parts:
        udi = _with_secondary(udi, parts[0], year)
    for part in parts[1:]:
        udi = _with_supplement(udi, part)
    return _with_identifiers(udi)


def join_hibc(primary: Udi, secondary: Udi) -> Udi:
    """The UDI of a device whose primary and secondary data stand in two symbols.

    Raises UdiError when the link character of the secondary is not the check character of the primary.

    >>> join_hibc(parse_hibc("+A99912345D"), parse_hibc("+$$52001510X3DA")).lot
    '10X3'
    """
    if primary.di is None or secondary.link_character != primary.carrier_hrf[-1:]:
        raise UdiError(
            f"'{secondary.carrier_hrf}' links to check character '{secondary.link_character}'; "
            f"expected that of '{primary.carrier_hrf}'",
            code="hibc_link",
        )
    joined = replace(
        secondary,
        di=primary.di,
        findings=primary.findings + secondary.findings,
        carrier_hrf=f"{primary.carrier_hrf} {secondary.carrier_hrf}",
        carrier_aidc=f"{primary.carrier_aidc} {secondary.carrier_aidc}",
    )
    return _with_identifiers(joined)


def _with_primary(udi: Udi, primary: str) -> Udi:
    if not _PRIMARY(primary):
        message = (
            f"primary data '{shortened(primary)}'; expected labeler code (4), product code (1-18) and a unit digit"
        )
        udi = _noted(udi, "hibc_primary", message)
    return replace(udi, di=primary)


def _with_secondary(udi: Udi, secondary: str, year: int) -> Udi:
    found = _SECONDARY.match(secondary)
    mark, rest = (found["mark"] or "", found["rest"]) if found else ("", secondary)
    date_format = ""
    if not mark:
        date_format = "YYJJJ" if secondary[:5].isdigit() else ""
    elif mark.startswith("$$"):
        quantity_digits = _QUANTITY_DIGITS.get(rest[:1])
        if quantity_digits is not None:
            udi = _with_quantity(udi, rest[1 : 1 + quantity_digits])
            rest = rest[1 + quantity_digits :]
        skip, date_format = _DATE_FLAGS.get(rest[:1], (0, ""))
        rest = rest[skip:]
    if date_format:
        udi = _with_date(udi, "expiration", rest[: len(date_format)], date_format, year)
        rest = rest[len(date_format) :]
    if not rest:
        return udi
    return replace(udi, serial=rest) if mark.endswith("+") else replace(udi, lot=rest)


def _with_supplement(udi: Udi, part: str) -> Udi:
    for mark, name in _SUPPLEMENTS:
        if not part.startswith(mark):
            continue
        value = part[len(mark) :]
        if name == "serial":
            return replace(udi, serial=value)
        if name == "quantity":
            return _with_quantity(udi, value)
        return _with_date(udi, name, value, "YYYYMMDD", 0)
    return _noted(
        udi, "hibc_supplement", f"supplement '{shortened(part)}'; expected one that starts with S, Q, 14D or 16D"
    )


def _with_quantity(udi: Udi, text: str) -> Udi:
    if not (is_digits(text) and len(text) <= _QUANTITY_LONGEST):
        return _noted(udi, "hibc_quantity", f"quantity '{text[:20]}'; expected 1-{_QUANTITY_LONGEST} digits")
    return replace(udi, quantity=int(text))


def _with_date(udi: Udi, name: str, text: str, date_format: str, year: int) -> Udi:
    read = _read_date(text, date_format, year)
    if read is None:
        udi = _noted(udi, "hibc_date", f"{name} date '{shortened(text)}'; expected a date as {date_format}")
    value, hour = read if read is not None else (None, None)
    if name == "manufacturing":
        return replace(udi, manufacturing_date=value, manufacturing_original=text, manufacturing_format=date_format)
    return replace(
        udi, expiration_date=value, expiration_original=text, expiration_format=date_format, expiration_hour=hour
    )


def _read_date(text: str, date_format: str, reference_year: int) -> _HibcDate | None:
    """The date that `text` gives, by the letters of the format; None when the calendar does not have it."""
    if len(text) != len(date_format) or not (text.isascii() and text.isdigit()):
        return None
    parts: dict[str, str] = {}
    for letter, digit in zip(date_format, text, strict=True):
        parts[letter] = parts.get(letter, "") + digit
    number = {letter: int(digits) for letter, digits in parts.items()}
    year = number["Y"] if "YYYY" in date_format else four_digit_year(number["Y"], reference_year)
    hour = number.get("H")
    if hour is not None and hour > 23:
        return None
    if "J" in number:
        found = date(year, 1, 1) + timedelta(days=number["J"] - 1)
        return _HibcDate(found, hour) if found.year == year else None
    if not 1 <= number["M"] <= 12 or not 1 <= year <= 9999:
        return None
    last = days_in_month(year, number["M"])
    day = number.get("D", last)
    return _HibcDate(date(year, number["M"], day), hour) if 1 <= day <= last else None


def _with_identifiers(udi: Udi) -> Udi:
    if udi.di is None:
        return udi
    epc, epc_class = private_identifiers("HIBCC", udi.di, udi.lot, udi.serial)
    return replace(udi, epc=epc, epc_class=epc_class)


def _noted(udi: Udi, code: str, message: str) -> Udi:
    return udi.with_findings((Finding(code, "error", message),))
