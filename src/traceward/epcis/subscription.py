"""What a subscription asks for: its destination, its stream or schedule, and when a schedule comes due.

Reads values only; it must neither look at the clock nor call anyone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from traceward.epcis.errors import Finding, SubscriptionControlsException, ValidationException
from traceward.epcis.times import parse_time_us

_CLAUSE: Final = "EPCIS 2.0 8.2.5"
_CALLBACK_SCHEMES: Final = ("https", "http")
_LONGEST_DEST: Final = 2048
_LONGEST_TOKEN: Final = 1024
_SECOND_US: Final = 1_000_000

#: Wire name of each field of a schedule, its bounds, and the attribute that holds it. Monday is day 1 of a week.
_FIELDS: Final[dict[str, tuple[int, int]]] = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "dayOfMonth": (1, 31),
    "month": (1, 12),
    "dayOfWeek": (1, 7),
}
_ELEMENT: Final = re.compile(r"(?:(\d{1,4})|\[(\d{1,4})-(\d{1,4})\])", re.ASCII)
_LONGEST_FIELD: Final = 500
#: The calendar repeats itself after 400 years; 29 February on a given weekday comes at least once in 40.
_DAYS_AHEAD: Final = 41 * 366

#: Members that a server adds to a subscription: a client may send back what it was shown.
_SERVER_MEMBERS: Final = frozenset(
    {"subscriptionID", "createdAt", "lastNotifiedAt", "minRecordTime", "epcFormat", "queryName", "@context", "type"}
)
_CONTROLS: Final = frozenset({"stream", "schedule", "reportIfEmpty", "initialRecordTime"})
#: What GS1's openapi document requires of a subscription, though it defines the member under the other name.
_OTHER_NAME: Final = "secret"
_MEMBERS: Final = _CONTROLS | {"dest", "signatureToken"}


@dataclass(frozen=True, slots=True)
class Schedule:
    """The seconds at which a query is to be executed, in UTC: those at which every field given has the value.

    Each field: the values that it may have; None for any. EPCIS 2.0 8.2.5.3.
    """

    second: frozenset[int] | None = None
    minute: frozenset[int] | None = None
    hour: frozenset[int] | None = None
    dayOfMonth: frozenset[int] | None = None
    month: frozenset[int] | None = None
    dayOfWeek: frozenset[int] | None = None

    def next_after(self, time_us: int) -> int | None:
        """The first instant after time_us that the schedule names; None where there never is one, as 30 February.

        >>> Schedule(second=frozenset({30})).next_after(29_000_000)
        30000000
        >>> Schedule(dayOfMonth=frozenset({30}), month=frozenset({2})).next_after(0) is None
        True
        """
        first = datetime.fromtimestamp(time_us // _SECOND_US + 1, UTC)
        for day in self._days(first.date()):
            earliest = (first.hour, first.minute, first.second) if day == first.date() else (0, 0, 0)
            found = self._time_of_day(earliest)
            if found is not None:
                return int(datetime(day.year, day.month, day.day, *found, tzinfo=UTC).timestamp()) * _SECOND_US
        return None

    def _days(self, first: date) -> Iterator[date]:
        for ahead in range(_DAYS_AHEAD):
            day = first + timedelta(days=ahead)
            if (
                _allows(self.month, day.month)
                and _allows(self.dayOfMonth, day.day)
                and _allows(self.dayOfWeek, day.isoweekday())
            ):
                yield day

    def _time_of_day(self, earliest: tuple[int, int, int]) -> tuple[int, int, int] | None:
        for hour in _values(self.hour, 24, earliest[0]):
            same_hour = hour == earliest[0]
            for minute in _values(self.minute, 60, earliest[1] if same_hour else 0):
                same_minute = same_hour and minute == earliest[1]
                for second in _values(self.second, 60, earliest[2] if same_minute else 0):
                    return hour, minute, second
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """When a standing query reports: as events come (stream), or by a schedule; exactly one of the two.

    schedule_fields: the schedule's texts by wire name, as given. report_if_empty: a schedule reports also when nothing
    is new. initial_record_time_us: nothing recorded before counts; None: from now on.
    """

    schedule: Schedule | None = None
    schedule_fields: Mapping[str, str] | None = None
    report_if_empty: bool = False
    initial_record_time_us: int | None = None

    @property
    def stream(self) -> bool:
        """Whether events are reported as they come."""
        return self.schedule is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSpec(Controls):
    """A subscription as its client asks for it. signature_token: secret; it must be neither shown nor logged."""

    dest: str
    signature_token: str | None = None

    def __repr__(self) -> str:
        return f"SubscriptionSpec(dest={self.dest!r})"


def parse_subscription(body: Any) -> SubscriptionSpec:
    """The subscription that a JSON body asks for.

    Raises ValidationException for a body that is no subscription or a dest that is no http(s) URI (finding `dest`), and
    SubscriptionControlsException for controls that are wrong, both or neither. EPCIS 2.0 8.2.5, REST Subscription.
    """
    if not isinstance(body, dict):
        raise _invalid("", "body", f"the body is {_kind(body)}; expected an object with dest and schedule or stream")
    unknown = sorted(str(name)[:64] for name in body.keys() - _MEMBERS - _SERVER_MEMBERS - {_OTHER_NAME})
    if unknown:
        expected = ", ".join(sorted(_MEMBERS))
        raise _invalid(unknown[0], "member", f"{unknown[0]!a} is no member of a subscription; expected {expected}")
    controls = _controls({name: body[name] for name in body.keys() & _CONTROLS})
    return SubscriptionSpec(
        dest=parse_dest(body.get("dest")),
        signature_token=_given_token(body),
        **{field.name: getattr(controls, field.name) for field in fields(controls)},
    )


def parse_controls(query_params: Mapping[str, Sequence[str]]) -> Controls:
    """The controls in the URL of a websocket: stream, or the fields of a schedule; reportIfEmpty, initialRecordTime.

    query_params: name -> values; other names are left alone. Raises SubscriptionControlsException.
    """
    given: dict[str, Any] = {}
    for name in ("stream", "reportIfEmpty", "initialRecordTime", *_FIELDS):
        values = query_params.get(name, ())
        if len(values) > 1:
            raise SubscriptionControlsException(f"{name} is given {len(values)} times; expected once")
        if values:
            given[name] = values[0]
    body: dict[str, Any] = {name: _boolean(name, given[name]) for name in ("stream", "reportIfEmpty") if name in given}
    if "initialRecordTime" in given:
        body["initialRecordTime"] = given["initialRecordTime"]
    schedule = {name: given[name] for name in _FIELDS if name in given}
    return _controls(body | ({"schedule": schedule} if schedule else {}))


def parse_schedule(schedule: Any) -> Schedule:
    """The schedule of texts by field name. Raises SubscriptionControlsException naming the field. EPCIS 2.0 8.2.5.3.

    >>> sorted(parse_schedule({"minute": "0,[28-30]"}).minute)
    [0, 28, 29, 30]
    """
    if not isinstance(schedule, Mapping):
        raise SubscriptionControlsException(f"schedule is {_kind(schedule)}; expected an object")
    if not schedule:
        raise SubscriptionControlsException(f"schedule is empty; expected one of {', '.join(_FIELDS)}")
    values: dict[str, frozenset[int]] = {}
    for name, text in schedule.items():
        bounds = _FIELDS.get(name)
        if bounds is None:
            raise SubscriptionControlsException(f"schedule has {str(name)[:64]!a}; expected {', '.join(_FIELDS)}")
        values[name] = _field(name, text, *bounds)
    return Schedule(**values)


def parse_dest(dest: Any) -> str:
    """The destination, an absolute http or https URI. Raises ValidationException whose finding has the path `dest`.

    Whether the address may be called is not judged here.
    """
    expected = "expected an absolute http or https URI"
    if not isinstance(dest, str) or not dest:
        raise _invalid("dest", "dest", f"dest is {'missing' if dest is None else _kind(dest)}; {expected}")
    shown = dest[:200]
    if len(dest) > _LONGEST_DEST:
        raise _invalid("dest", "dest", f"dest has {len(dest)} characters; expected {_LONGEST_DEST} at most")
    if not dest.isascii() or not dest.isprintable() or re.search(r"[\s\\<>\"{}|^`]", dest):
        raise _invalid("dest", "dest", f"dest {shown!a} has characters that no URI has; {expected}")
    try:
        parts = urlsplit(dest)
        usable = parts.scheme.lower() in _CALLBACK_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _invalid("dest", "dest", f"dest is {shown!a}; {expected}")
    if parts.username is not None or parts.password is not None:
        raise _invalid("dest", "dest", "dest has a user name or password; expected a URI without credentials")
    if parts.fragment:
        raise _invalid("dest", "dest", "dest has a fragment; expected a URI without one")
    return dest


def _controls(body: Mapping[str, Any]) -> Controls:
    """The controls of a JSON body, of which exactly one of stream and schedule may stand."""
    stream, schedule = body.get("stream"), body.get("schedule")
    if stream is not None and not isinstance(stream, bool):
        raise SubscriptionControlsException(f"stream is {_kind(stream)}; expected true")
    if stream is False:
        raise SubscriptionControlsException("stream is false, which is no way to report; expected true, or a schedule")
    if (stream is None) == (schedule is None):
        found = "neither stream nor schedule is given" if stream is None else "both stream and schedule are given"
        raise SubscriptionControlsException(f"{found}; expected exactly one of them")
    if_empty = body.get("reportIfEmpty")
    if if_empty is not None and not isinstance(if_empty, bool):
        raise SubscriptionControlsException(f"reportIfEmpty is {_kind(if_empty)}; expected true or false")
    if stream and if_empty is not None:
        raise SubscriptionControlsException("reportIfEmpty stands beside stream; expected it with a schedule alone")
    parsed = None if schedule is None else parse_schedule(schedule)
    return Controls(
        schedule=parsed,
        schedule_fields=None if schedule is None else {name: schedule[name] for name in _FIELDS if name in schedule},
        report_if_empty=bool(if_empty),
        initial_record_time_us=_instant(body.get("initialRecordTime")),
    )


def _instant(value: Any) -> int | None:
    if value is None:
        return None
    wrong = f"initialRecordTime is {str(value)[:64]!a}; expected a date and time with offset, as 2026-06-30T00:00:00Z"
    if not isinstance(value, str):
        raise SubscriptionControlsException(wrong)
    try:
        return parse_time_us(value)
    except ValidationException as error:
        raise SubscriptionControlsException(wrong) from error


def _field(name: str, text: Any, least: int, most: int) -> frozenset[int]:
    expected = f"expected numbers from {least} to {most} or ranges as [{least}-{most}], joined by commas"
    if not isinstance(text, str):
        raise SubscriptionControlsException(f"{name} of the schedule is {_kind(text)}; expected a string")
    found: set[int] = set()
    if len(text) > _LONGEST_FIELD:
        raise SubscriptionControlsException(f"{name} of the schedule has {len(text)} characters; {expected}")
    for element in text.split(","):
        match = _ELEMENT.fullmatch(element)
        if match is None:
            raise SubscriptionControlsException(f"{name} of the schedule has {element[:64]!a}; {expected}")
        low, high = (int(match[1]),) * 2 if match[1] else (int(match[2]), int(match[3]))
        if not (least <= low <= most and least <= high <= most):
            raise SubscriptionControlsException(f"{name} of the schedule has {element!a}, out of range; {expected}")
        if low > high:
            raise SubscriptionControlsException(f"{name} of the schedule has {element!a}, which ends before it begins")
        found.update(range(low, high + 1))
    return frozenset(found)


def _given_token(body: Mapping[str, Any]) -> str | None:
    """The token by either name: a `secret` that was dropped would leave its owner with messages not signed by it."""
    token, secret = _token(body.get("signatureToken")), _token(body.get(_OTHER_NAME))
    if token is not None and secret is not None and token != secret:
        raise _invalid(
            _OTHER_NAME, "token", "secret and signatureToken differ; expected signatureToken alone, or the same"
        )
    return secret if token is None else token


def _token(token: Any) -> str | None:
    if token is None:
        return None
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN or not token.isprintable():
        # The value is a secret: the message must not hold it.
        raise _invalid(
            "signatureToken", "token", f"signatureToken must be a string of 1 to {_LONGEST_TOKEN} printable characters"
        )
    return token


def _boolean(name: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise SubscriptionControlsException(f"{name} is {text[:64]!a}; expected true or false")
    return text == "true"


def _allows(values: frozenset[int] | None, value: int) -> bool:
    return values is None or value in values


def _values(values: frozenset[int] | None, end: int, least: int) -> Sequence[int]:
    return range(least, end) if values is None else sorted(value for value in values if value >= least)


def _invalid(path: str, code: str, message: str) -> ValidationException:
    return ValidationException(message, [Finding(path, code, message, _CLAUSE)])


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
