"""Instants: RFC 3339 text to integer microseconds since 1970 UTC, and back.

Must not round: what is finer than a microsecond is cut off, and the text as sent stays the truth.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from traceward.epcis.errors import ValidationException

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
_EARLIEST_S, _LATEST_S = -62_135_596_800, 253_402_300_799  # the first and the last second of years 1 to 9999
EARLIEST_US = _EARLIEST_S * 1_000_000
"""The first instant that has a text."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=16_384)  # an event's times are asked for by check and by identity
def parse_time_us(text: str) -> int:
    """The instant of a time with a zone, in microseconds since 1970 UTC; digits past the sixth are cut off.

    Raises ValidationException when the text is no RFC 3339 date-time, or its offset lies beyond +-14:00
    (XML Schema dateTimeStamp allows no more, so such an event could not be given as XML).

    >>> parse_time_us("1970-01-01T01:00:00.5+01:00")
    500000
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValidationException(f"'{text[:64]}' is no time; expected YYYY-MM-DDThh:mm:ss[.fff] and Z or +hh:mm")
    year, month, day, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001
    except ValueError as error:
        raise ValidationException(f"'{text[:64]}' is no time: {error}") from error
    seconds = (moment.toordinal() - _EPOCH_DAY) * 86_400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign is not None:
        offset = int(offset_hour) * 60 + int(offset_minute)
        if int(offset_minute) > 59 or offset > 14 * 60:
            raise ValidationException(
                f"'{text[:64]}' has the offset {sign}{offset_hour}:{offset_minute}; at most 14:00"
            )
        seconds += -offset * 60 if sign == "+" else offset * 60
    if not _EARLIEST_S <= seconds <= _LATEST_S:
        raise ValidationException(f"'{text[:64]}' lies outside the years 1 to 9999 in UTC")
    micros = int(fraction[:6].ljust(6, "0")) if fraction is not None and seconds < _LATEST_S else 0
    return seconds * 1_000_000 + micros


def format_time_us(time_us: int) -> str:
    """The instant as UTC text with milliseconds, or microseconds where it has them: `2026-02-02T08:00:00.000Z`."""
    moment = _EPOCH + time_us * _MICROSECOND
    spec = "microseconds" if time_us % 1000 else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"
