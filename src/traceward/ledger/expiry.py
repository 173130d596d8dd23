"""Whether an expiry date has passed: usable through the date, day 00 = the month's last day.

It must not read the clock: the instant is always an argument, and so is the zone whose calendar counts. What was done
is judged by the event's own offset, what stands by the zone of the place (`ledger.place_zones`).
"""

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from traceward.epcis.times import DAY_US, MINUTE_US
from traceward.ledger.facts import LedgerEvent

_EPOCH = date(1970, 1, 1).toordinal()
_LAST_SECOND = time(23, 59, 59, fold=1)
_MICROSECOND = timedelta(microseconds=1)


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


def ended_us(expiry: str | None, zone: tzinfo = UTC) -> int | None:
    """The first instant after the last day of use, by a zone's calendar; None without a date. Microseconds UTC.

    >>> ended_us("1970-01-01")
    86400000000
    """
    day = last_day(expiry) if expiry is not None else None
    return _end_us(day, zone) if day is not None else None


def opens_us(expiry: str, days: int, zone: tzinfo = UTC) -> int | None:
    """The first instant of the day that is so many days before the last day of use; None without a date."""
    day = last_day(expiry)
    if day is None:
        return None
    before = day.toordinal() - days - 1
    return _end_us(date.fromordinal(before), zone) if before > 0 else (before + 1 - _EPOCH) * DAY_US


def days_left(expiry: str | None, time_us: int, zone: tzinfo = UTC) -> int | None:
    """Whole days from an instant's day to the last day of use, by a zone's calendar; negative once it has passed.

    >>> days_left("2026-07-01", 1782777600000000)  # 2026-06-30
    1
    """
    day = last_day(expiry) if expiry is not None else None
    return day.toordinal() - _EPOCH - _local_us(time_us, zone) // DAY_US if day is not None else None


def is_past(expiry: str | None, event: LedgerEvent) -> bool:
    """Whether the expiry date had passed at the event, by the calendar of its eventTimeZoneOffset."""
    return is_past_at(expiry, event.event_time_us, event.offset)


def is_past_at(expiry: str | None, time_us: int, offset: str) -> bool:
    """Whether the expiry date had passed at an instant, by the calendar of an offset such as +02:00."""
    day = last_day(expiry) if expiry is not None else None
    return day is not None and (time_us + _offset_us(offset)) // DAY_US > day.toordinal() - _EPOCH


def is_over(expiry: str | None, time_us: int, zone: tzinfo = UTC) -> bool:
    """Whether the expiry date had passed at an instant, by a zone's calendar."""
    ended = ended_us(expiry, zone)
    return ended is not None and time_us >= ended


def _end_us(day: date, zone: tzinfo) -> int:
    # The last second of the day, and of two of that name the second, since clocks may be set back at midnight.
    last = datetime.combine(day, _LAST_SECOND, zone)
    offset = last.utcoffset() or timedelta()
    return (day.toordinal() + 1 - _EPOCH) * DAY_US - offset // _MICROSECOND


def _local_us(time_us: int, zone: tzinfo) -> int:
    """The local time of an instant, as if it were UTC; the instant itself beyond the years that calendars know."""
    if zone is UTC:
        return time_us
    try:
        offset = datetime.fromtimestamp(time_us // 1_000_000, zone).utcoffset()
    except (OverflowError, ValueError, OSError):
        return time_us
    return time_us + (offset or timedelta()) // _MICROSECOND


@lru_cache(maxsize=256)
def _offset_us(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    hours, _, minutes = text.lstrip("+-").partition(":")
    if not (hours.isdigit() and minutes.isdigit()):
        return 0
    return sign * (int(hours) * 60 + int(minutes)) * MINUTE_US
