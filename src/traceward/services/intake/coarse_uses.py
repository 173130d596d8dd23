"""Uses that an agreement lets the supplier see by site and day only: a coarse shared event, and a private fine one.

The coarse event is written as such from the start and moves the stock; nothing is ever redacted. The fine event says
where and when exactly, names the coarse one, and is for the hospital's clinical role alone. It must not capture.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from traceward.epcis.builder import Item
from traceward.epcis.times import DAY_US, format_time_us, parse_time_us
from traceward.gs1.epc_uri import identifier_kind
from traceward.services.agreements.agreements import book
from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime

_FINE_SPACE: Final = uuid.UUID("0b0f9a5e-6a0b-5f0f-8a35-6a9f3f2c1d77")
_EXTENSION: Final = "/254/"
_SECOND_US: Final = 1_000_000


def is_coarse(runtime: Runtime, caller: Principal, owner: str, items: Iterable[Item], place: str, time: str) -> bool:
    """Whether an agreement of the caller with the goods' owner, in force at `time`, wants its uses coarse."""
    if owner == caller.organisation:
        return False
    known, at_us = book(runtime), parse_time_us(time)
    gtins = {identifier_kind(item.epc or item.epc_class or "").gtin for item in items}
    judged = (known.judge(owner, caller.organisation, gtin, place, at_us) for gtin in gtins)
    return any(one is not None and one.agreement.terms.data.visibility == "coarse" for one in judged)


def coarse_event(event: Mapping[str, Any], now_us: int) -> dict[str, Any]:
    """The shared form of a use: at the site, at the end of its day; now, where that is still to come."""
    ends = [
        entry | {"destination": site_of(entry["destination"])} if entry["type"] == "location" else entry
        for entry in event.get("destinationList", ())
    ]
    made = dict(event)
    made["eventTime"] = end_of_day(event["eventTime"], event["eventTimeZoneOffset"], now_us)
    made["readPoint"] = {"id": site_of(event["readPoint"]["id"])}
    if ends:
        made["destinationList"] = ends
    return made


def fine_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """The private form of a use: exact, naming the shared event, under an id that follows from that one's."""
    shared_id = event["eventID"]
    made = {name: value for name, value in event.items() if name not in {"sourceList", "destinationList"}}
    made["eventID"] = fine_id(shared_id)
    return made | {"mcx:private": "true", "mcx:detailOf": shared_id}


def fine_id(shared_id: str) -> str:
    """The eventID of the private event that belongs to a coarse one."""
    return f"urn:uuid:{uuid.uuid5(_FINE_SPACE, shared_id)}"


def site_of(place: str) -> str:
    """The site that a place lies on: its GLN without extension.

    >>> site_of("https://id.gs1.org/414/4012345000016/254/OR3")
    'https://id.gs1.org/414/4012345000016'
    """
    return place.partition(_EXTENSION)[0]


def end_of_day(time: str, offset: str, now_us: int) -> str:
    """The last second of the day that a time falls on in an offset; now, where that second is still to come.

    >>> end_of_day("2026-03-12T23:30:00Z", "+01:00", 1_800_000_000_000_000)
    '2026-03-13T22:59:59.000Z'
    """
    time_us, shift_us = parse_time_us(time), _shift_us(offset)
    end_us = ((time_us + shift_us) // DAY_US + 1) * DAY_US - shift_us - _SECOND_US
    return format_time_us(min(end_us, max(now_us, time_us)))


def same_day(one: str, other: str, offset: str) -> bool:
    """Whether two times fall on the same day in an offset."""
    shift_us = _shift_us(offset)
    return (parse_time_us(one) + shift_us) // DAY_US == (parse_time_us(other) + shift_us) // DAY_US


def _shift_us(offset: str) -> int:
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return (-minutes if offset.startswith("-") else minutes) * 60 * _SECOND_US
