"""Times that a request names, as every service reads them.

It must not know what time it is: a time that was not given is the caller's to choose.
"""

from traceward.epcis.errors import QueryParameterException, ValidationException
from traceward.epcis.times import DAY_US, parse_time_us


def instant(name: str, text: str, *, end_of_day: bool = True) -> int:
    """The time that a query parameter names, in microseconds since 1970 UTC; a date is its day's end, or its start.

    Raises QueryParameterException naming the parameter.
    """
    try:
        if len(text) == len("2026-06-30"):
            return parse_time_us(f"{text}T00:00:00Z") + (DAY_US - 1 if end_of_day else 0)
        return parse_time_us(text)
    except ValidationException as error:
        raise QueryParameterException(
            f"{name} is {text[:64]!r}; expected a date (2026-06-30) or a date-time with zone (2026-06-30T12:00:00Z)"
        ) from error
