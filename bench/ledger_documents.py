"""The documents that the ledger bench captures: lots of a supplier that a hospital receives, uses and ties to patients.

They must not repeat: each number gives items of its own, and every event comes after those that it builds on.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

STEM = "https://id.gs1.org/"
SUPPLIER, HOSPITAL = f"{STEM}417/9521141000007", f"{STEM}417/4012345000009"
DC, SITE = f"{STEM}414/9521141000106", f"{STEM}414/4012345000016"
GTIN, VALVES, CABINETS = "09521141045305", 4, 200
APART_S = 900
"""Between two uses of a long lot."""
EVENTS_A_LOT = 14
"""How many events one lot has in both documents together."""

_LONG_START = datetime(2023, 1, 2, tzinfo=UTC)
_CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"mcx": "https://ns.traceward.org/consignment/", "cbvmda": "urn:epcglobal:cbv:mda:"},
]


def lot_of(number: int) -> str:
    """The lot of that number, as on its label."""
    return f"L{number}"


def cabinet_of(number: int) -> str:
    """The cabinet in which the lot of that number is kept."""
    return f"{SITE}/254/CAB{number % CABINETS}"


def documents(first: int, count: int) -> tuple[bytes, bytes]:
    """The supplier's and the hospital's document of so many lots from `first` on."""
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for number in range(first, first + count):
        made, used = _lot(number)
        ours += made
        theirs += used
    return _document(ours), _document(theirs)


def long_lot(number: int) -> tuple[bytes, bytes]:
    """The supplier's and the hospital's document of one lot that is used for years, from 2023 on."""
    cabinet = cabinet_of(number)
    moved = _ends(possessing_party=(SUPPLIER, HOSPITAL), owning_party=(SUPPLIER, SUPPLIER), location=(DC, SITE))
    some = {"quantityList": [_some(number, 1_000_000)]}
    here = {"readPoint": {"id": DC}, "bizLocation": {"id": DC}}
    there = {"readPoint": {"id": cabinet}, "bizLocation": {"id": cabinet}}
    made = _event(number, 1, 1, "creating_class_instance", action="ADD", **some, **here)
    sent = _event(number, 2, 1, "shipping", disposition="in_transit", readPoint={"id": DC}, **some, **moved)
    come = _event(number, 3, 1, "receiving", **some, **there, **moved)
    return (
        _document([made | {"eventTime": _since_2023(-3)}, sent | {"eventTime": _since_2023(-2)}]),
        _document([come | {"eventTime": _since_2023(-1)}]),
    )


def uses(number: int, first: int, count: int, *, late_s: int = 0) -> bytes:
    """A document with so many uses of a long lot, from the `first` on, one every `APART_S`; all told late_s late."""
    where = {"readPoint": {"id": f"{SITE}/254/OR"}}
    source = _ends(location=(cabinet_of(number), f"{SITE}/254/OR"))
    use = {"disposition": "dispensed", "quantityList": [_some(number, 1)], "mcx:useType": "consumed"}
    events = []
    for serial in range(first, first + count):
        event = _event(number, 1000 + serial, 12, "dispensing", **where, **source, **use)
        events.append(event | {"eventTime": _since_2023(serial * APART_S - late_s)})
    return _document(events)


def _since_2023(seconds: int) -> str:
    return (_LONG_START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _lot(number: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    valves = [f"{STEM}01/09521141010235/21/N{number}V{one}" for one in range(VALVES)]
    here = {"readPoint": {"id": DC}, "bizLocation": {"id": DC}}
    cabinet, room = cabinet_of(number), f"{SITE}/254/OR"
    moved = _ends(possessing_party=(SUPPLIER, HOSPITAL), owning_party=(SUPPLIER, SUPPLIER), location=(DC, SITE))
    goods = {"epcList": valves, "quantityList": [_some(number, 100)]}
    label = {"ilmd": {"cbvmda:lotNumber": lot_of(number), "cbvmda:itemExpirationDate": "2030-01-31"}}
    made = [
        _event(number, 0, 1, "commissioning", action="ADD", epcList=valves, **here, **label),
        _event(number, 1, 1, "creating_class_instance", action="ADD", quantityList=[_some(number, 500)], **here),
        _event(number, 2, 2, "shipping", disposition="in_transit", readPoint={"id": DC}, **goods, **moved),
    ]
    there = {"readPoint": {"id": cabinet}, "bizLocation": {"id": cabinet}}
    used = [_event(number, 3, 3, "receiving", **goods, **there, **moved)]
    sold = _ends(owning_party=(SUPPLIER, HOSPITAL), location=(cabinet, room))
    for one in range(3):
        report = {"mcx:usageReport": f"urn:uuid:report-{number}-{one}"}
        use = {"disposition": "dispensed", "mcx:useType": "implanted", "readPoint": {"id": room}}
        items = {"epcList": [valves[one]], "quantityList": [_some(number, 2)]}
        used.append(_event(number, 4 + one, 4 + one, "dispensing", **use, **items, **sold, **report))
        link = {"parentID": f"{STEM}8018/4012345{number * 3 + one:010d}0", "childEPCs": [valves[one]]}
        link |= {"childQuantityList": [_some(number, 2)], "readPoint": {"id": room}}
        used.append(
            _event(number, 7 + one, 4 + one, "installing", type="AssociationEvent", action="ADD", **link, **report)
        )
    used += [
        _event(number, 10 + one, 8 + one, "inspecting", quantityList=[_some(number, 1)], **there) for one in range(4)
    ]
    return made, used


def _some(number: int, quantity: int) -> dict[str, Any]:
    return {"epcClass": f"{STEM}01/{GTIN}/10/{lot_of(number)}", "quantity": quantity}


def _event(number: int, place: int, day: int, step: str, **fields: Any) -> dict[str, Any]:
    seconds = number % 86_400
    time = f"2026-05-{day:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{place % 1000:03}Z"
    return {
        "type": "ObjectEvent", "eventID": f"urn:bench:{number}:{place}", "eventTime": time,
        "eventTimeZoneOffset": "+00:00", "action": "OBSERVE", "bizStep": step,
    } | fields  # fmt: skip


def _ends(**pairs: tuple[str, str]) -> dict[str, list[dict[str, str]]]:
    return {
        "sourceList": [{"type": kind, "source": start} for kind, (start, _) in pairs.items()],
        "destinationList": [{"type": kind, "destination": end} for kind, (_, end) in pairs.items()],
    }


def _document(events: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({
        "@context": _CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-05-31T00:00:00Z",
        "epcisBody": {"eventList": events},
    })  # fmt: skip
