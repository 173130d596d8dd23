"""Whether an expiry date has passed: usable through the date, day 00 = the month's last day (decisions.md 15).

It must not read the clock: the instant is always an argument.
"""

import calendar
from datetime import date
from functools import lru_cache

from traceward.ledger.facts import LedgerEvent

MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US
_EPOCH = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=4096)
def last_day(expiry: str) -> date | None:
    """The last day of use that an expiry date means, None where the text is no date.

    >>> last_day("2028-02-00")
    datetime.date(2028, 2, 29)
    """
    try:
        year, month, day = (int(part) for part in expiry[:10].split("-"))
        return date(year, month, day or calendar.monthrange(year, month)[1])
    except ValueError:
        return None


def days_left(expiry: str | None, time_us: int) -> int | None:
    """Whole days from an instant's day to the last day of use, in UTC; negative once it has passed.

    >>> days_left("2026-07-01", 1782777600000000)  # 2026-06-30
    1
    """
    day = last_day(expiry) if expiry is not None else None
    return day.toordinal() - _EPOCH - time_us // DAY_US if day is not None else None


def is_past(expiry: str | None, event: LedgerEvent) -> bool:
    """Whether the expiry date had passed at the event, by the calendar of its eventTimeZoneOffset."""
    day = last_day(expiry) if expiry is not None else None
    if day is None:
        return False
    local_us = event.event_time_us + _offset_us(event.offset)
    return local_us // DAY_US > day.toordinal() - _EPOCH


def is_over(expiry: str | None, time_us: int) -> bool:
    """Whether the expiry date had passed at an instant, by the calendar of UTC."""
    day = last_day(expiry) if expiry is not None else None
    return day is not None and time_us // DAY_US > day.toordinal() - _EPOCH


@lru_cache(maxsize=256)
def _offset_us(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    hours, _, minutes = text.lstrip("+-").partition(":")
    if not (hours.isdigit() and minutes.isdigit()):
        return 0
    return sign * (int(hours) * 60 + int(minutes)) * MINUTE_US
