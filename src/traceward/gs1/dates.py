"""Dates of element strings: the century of a two-digit year and day 00.

This module must not know the time of day it runs at: the reference year is an argument.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import NamedTuple

from traceward.gs1.errors import DateError


class Gs1Date(NamedTuple):
    """A date, and whether its day was given as 00 (then `value` is the month's last day)."""

    value: date
    is_whole_month: bool


def four_digit_year(year: int, reference_year: int) -> int:
    """The year that a two-digit `year` means when read in `reference_year`: 49 years back to 50 years ahead.

    GS1 General Specifications 7.12.

    >>> four_digit_year(76, 2026), four_digit_year(77, 2026)
    (2076, 1977)
    """
    century = reference_year - reference_year % 100
    distance = year - reference_year % 100
    if distance >= 51:
        return century - 100 + year
    if distance <= -50:
        return century + 100 + year
    return century + year


def days_in_month(year: int, month: int) -> int:
    """Days in a month, 1-12; of a two-digit `year` only its being a leap year counts, and 00 is one (2000).

    >>> days_in_month(24, 2), days_in_month(2100, 2)
    (29, 28)
    """
    return monthrange(year + 2000 if year < 100 else year, month)[1]


def parse_yymmdd(text: str, reference_year: int) -> Gs1Date:
    """The date of six digits YYMMDD; day 00 means the last day of the month.

    Raises DateError for anything else, and for days that the calendar does not have.
    GS1 General Specifications 3.4.2 and 7.12.

    >>> parse_yymmdd("280200", 2026)
    Gs1Date(value=datetime.date(2028, 2, 29), is_whole_month=True)
    """
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        raise DateError(f"date '{text}'; expected six digits YYMMDD", code="date_format")
    year, month, day = four_digit_year(int(text[:2]), reference_year), int(text[2:4]), int(text[4:])
    if not 1 <= month <= 12:
        raise DateError(f"date '{text}': month {month}; expected YYMMDD", code="illegal_month", position=2)
    last = monthrange(year, month)[1]
    if day > last:
        raise DateError(f"date '{text}': day {day}; {year}-{month:02} has {last}", code="illegal_day", position=4)
    return Gs1Date(date(year, month, day or last), is_whole_month=day == 0)
