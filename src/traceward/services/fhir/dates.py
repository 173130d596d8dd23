"""FHIR's date search parameters as ranges of time. It must not search anything.

A value stands for all of the time that it leaves open: a year, a month, a day, a minute or a second. FHIR R4 3.1.1.4.6.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from traceward.epcis.errors import QueryParameterException, ValidationException
from traceward.epcis.predicates import TimeRange
from traceward.epcis.times import parse_time_us

# prefix -> whether it bounds the beginning, and the end.
_PREFIXES: Final = {
    "ge": (True, False),
    "gt": (True, False),
    "sa": (True, False),
    "le": (False, True),
    "lt": (False, True),
    "eb": (False, True),
    "eq": (True, True),
}
_AFTER: Final = frozenset({"gt", "sa"})
_BEFORE: Final = frozenset({"lt", "eb"})
_DAY: Final = re.compile(r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d))?)?", re.ASCII)
_TIME: Final = re.compile(
    r"(?P<minute>\d{4}-\d\d-\d\dT\d\d:\d\d)((?P<second>:\d\d)(?P<part>\.\d+)?)?(?P<zone>Z|[+-]\d\d:\d\d)", re.ASCII
)
_LAST_YEAR: Final = 9998
_MINUTE_US: Final = 60_000_000
_SECOND_US: Final = 1_000_000


def time_range(values: Sequence[str]) -> TimeRange:
    """The time that all of these values of a date parameter leave; days are those of UTC.

    Raises QueryParameterException for what is no date, and for the prefixes `ne` and `ap`, which no range can say.
    """
    start: int | None = None
    end: int | None = None
    for value in values:
        prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
        if prefix not in _PREFIXES:
            raise QueryParameterException(f"date has the prefix {prefix!a}; expected one of {', '.join(_PREFIXES)}")
        first, behind = _period(text)
        begins, ends = _PREFIXES[prefix]
        if begins:
            bound = behind if prefix in _AFTER else first
            start = bound if start is None else max(start, bound)
        if ends:
            bound = first if prefix in _BEFORE else behind
            end = bound if end is None else min(end, bound)
    return TimeRange(start, end)


def _period(text: str) -> tuple[int, int]:
    """The first microsecond since 1970 UTC that a value stands for, and the first behind it."""
    try:
        if day := _DAY.fullmatch(text):
            return _days(int(day["year"]), day["month"], day["day"])
        if time := _TIME.fullmatch(text):
            first = parse_time_us(f"{time['minute']}{time['second'] or ':00'}{time['part'] or ''}{time['zone']}")
            width = 1 if time["part"] else _SECOND_US if time["second"] else _MINUTE_US
            return first, first + width
    except (ValueError, ValidationException):
        pass
    raise QueryParameterException(
        f"date is {text[:64]!a}; expected a year (2026), month (2026-06), date (2026-06-30) or date-time with zone "
        "(2026-06-30T12:00:00Z)"
    )


def _days(year: int, month: str | None, day: str | None) -> tuple[int, int]:
    if year > _LAST_YEAR:
        raise ValueError(year)
    first = datetime(year, int(month or 1), int(day or 1), tzinfo=UTC)
    if day is not None:
        behind = first + timedelta(days=1)
    elif month is not None:
        behind = (first + timedelta(days=31)).replace(day=1)
    else:
        behind = first.replace(year=year + 1)
    return int(first.timestamp()) * _SECOND_US, int(behind.timestamp()) * _SECOND_US
