"""Generated events whose every name tells who may know of it: a mark in serial, lot, place, eventID, extensions.

Whoever finds a mark in an answer to the wrong role has found a leak. `roles` says which role may meet which mark, and
`expected` what each of them is to be told of these events.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from traceward.gs1.check_digits import check_digit

NORTHGATE: Final = "https://id.gs1.org/417/4012345000009"
CORDIA: Final = "https://id.gs1.org/417/9521141000007"
RIVAL: Final = "https://id.gs1.org/417/9506000000008"
CARRIER: Final = "https://id.gs1.org/417/9524321000002"

CORDIA_ALONE: Final = "ZCOR"
RIVAL_ALONE: Final = "ZRIV"
HOSPITAL_ALONE: Final = "ZNOR"
CORDIA_AND_HOSPITAL: Final = "ZCAH"
RIVAL_AND_HOSPITAL: Final = "ZRAH"
BY_CARRIER: Final = "ZSWI"
"""Cordia's goods that a carrier brings to the hospital, still on their way."""
PATIENT: Final = "ZPAT"
MARKS: Final = (
    CORDIA_ALONE, RIVAL_ALONE, HOSPITAL_ALONE, CORDIA_AND_HOSPITAL, RIVAL_AND_HOSPITAL, BY_CARRIER, PATIENT,
)  # fmt: skip

CAPTORS: Final = ("cordia", "rival-supplier", "northgate-supply", "northgate-clinical")
VALVE: Final = "09521141010235"
RIVALS_VALVE: Final = "09506000117843"
GTINS: Final = {
    CORDIA_ALONE: VALVE,
    CORDIA_AND_HOSPITAL: VALVE,
    BY_CARRIER: VALVE,
    RIVAL_ALONE: RIVALS_VALVE,
    RIVAL_AND_HOSPITAL: RIVALS_VALVE,
    HOSPITAL_ALONE: "04012345000016",
    PATIENT: VALVE,
}
OWNERS: Final = {
    CORDIA_ALONE: CORDIA,
    CORDIA_AND_HOSPITAL: CORDIA,
    BY_CARRIER: CORDIA,
    RIVAL_ALONE: RIVAL,
    RIVAL_AND_HOSPITAL: RIVAL,
    HOSPITAL_ALONE: NORTHGATE,
    PATIENT: NORTHGATE,
}
LOTS: Final = 5
"""How many lots each party alone has; serialised items of a partnership have a lot of their own each."""
_GLNS: Final = {CORDIA: "9521141000106", RIVAL: "9506000000008", NORTHGATE: "4012345000016"}
_CONTEXT: Final = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"mcx": "https://ns.traceward.org/consignment/", "cbvmda": "urn:epcglobal:cbv:mda:"},
]
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_CYCLE: Final = 16


@dataclass(frozen=True)
class Planted:
    """An event, the demo key that captures it, the mark that tells who may know of it, its item's number, its flow.

    flow: make, ship, receive, use, use_again, recall, link; what a party alone made is `make` too.
    """

    captor: str
    mark: str
    number: int
    flow: str
    event: dict[str, Any]

    @property
    def item(self) -> str:
        """The item's token, which stands in its serial number and nowhere else of another item."""
        return f"{self.mark}{self.number}"


def gsrn(number: int) -> str:
    """The digits of the patient of that number, at the hospital."""
    digits = f"4012345{number + 7_100_000:010d}"
    return digits + str(check_digit(digits))


def epc(mark: str, number: int) -> str:
    """The item of an event of that mark."""
    return f"https://id.gs1.org/01/{GTINS[mark]}/21/{mark}{number}"


def lot_of(mark: str, number: int) -> str:
    """The lot number that belongs to an event of that mark."""
    alone = mark in (CORDIA_ALONE, RIVAL_ALONE, HOSPITAL_ALONE)
    return f"{mark}L{number % LOTS if alone else number}"


def event_id(mark: str, number: int) -> str:
    """How the eventID of every event of an item begins."""
    return f"https://planted.example/{mark}{number}"


def place(mark: str, party: str) -> str:
    """A place of the party that events of that mark alone name."""
    return f"https://id.gs1.org/414/{_GLNS[party]}/254/{mark}"


def body_of(*events: dict[str, Any]) -> bytes:
    """A document of these events."""
    return orjson.dumps({
        "@context": _CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-07-01T10:00:00Z",
        "epcisBody": {"eventList": events},
    })  # fmt: skip


def numbers(mark: str, most: int) -> list[int]:
    """The numbers of the first items of that mark."""
    found: list[int] = []
    for one in planted(_CYCLE * most):
        if one.mark == mark and one.number not in found:
            found.append(one.number)
        if len(found) == most:
            break
    return found


def planted(count: int) -> Iterator[Planted]:
    """So many events: makings, shipments, receipts, uses, second uses, recalls and patient links, in turn."""
    for number in range(count):
        yield _turn(number)


def _turn(number: int) -> Planted:
    turn, cycle = number % _CYCLE, number // _CYCLE
    alone = {0: CORDIA_ALONE, 1: RIVAL_ALONE, 2: HOSPITAL_ALONE, 14: CORDIA_ALONE, 15: RIVAL_ALONE}
    if turn in alone or (turn == 13 and cycle % 4):
        return _alone(alone.get(turn, HOSPITAL_ALONE), number)
    if turn == 6:
        return _link(number)
    if turn == 7:
        return _ship(BY_CARRIER, number, carrier=True)
    mark, flow, first = {
        3: (CORDIA_AND_HOSPITAL, _ship, 3),
        4: (RIVAL_AND_HOSPITAL, _ship, 4),
        5: (CORDIA_AND_HOSPITAL, _receive, 3),
        8: (CORDIA_AND_HOSPITAL, _make, 3),
        9: (RIVAL_AND_HOSPITAL, _receive, 4),
        10: (RIVAL_AND_HOSPITAL, _make, 4),
        11: (CORDIA_AND_HOSPITAL, _recall if cycle % 2 else _use, 3),
        12: (RIVAL_AND_HOSPITAL, _use, 4),
        13: (CORDIA_AND_HOSPITAL, _use_again, 3),
    }[turn]
    return flow(mark, cycle * _CYCLE + first)


def _event(mark: str, number: int, flow: str, hours: int, step: str, where: str | None, **more: Any) -> dict[str, Any]:
    # Items of later numbers are later, save that each day of the half-year comes again: some of them overlap.
    time = _START + timedelta(days=number % 180, hours=hours, minutes=number % 60)
    event = {
        "type": "ObjectEvent",
        "eventID": f"{event_id(mark, number)}-{flow}",
        "eventTime": time.isoformat().replace("+00:00", "Z"),
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": step,
        "epcList": [epc(mark, number)],
        "bizTransactionList": [{"type": "desadv", "bizTransaction": f"https://planted.example/bt/{mark}{number}"}],
        "mcx:note": f"https://planted.example/note/{mark}{number}",
    }
    if where is not None:
        event |= {"readPoint": {"id": where}, "bizLocation": {"id": where}}
    return event | more


def _captor(mark: str) -> str:
    return {CORDIA: "cordia", RIVAL: "rival-supplier", NORTHGATE: "northgate-supply"}[OWNERS[mark]]


def _alone(mark: str, number: int) -> Planted:
    event = _event(mark, number, "make", 0, "commissioning", place(mark, OWNERS[mark]), action="ADD")
    event["quantityList"] = [
        {"epcClass": f"https://id.gs1.org/01/{GTINS[mark]}/10/{lot_of(mark, number)}", "quantity": 3}
    ]
    return Planted(_captor(mark), mark, number, "make", event)


def _make(mark: str, number: int) -> Planted:
    ilmd = {"cbvmda:lotNumber": lot_of(mark, number), "cbvmda:itemExpirationDate": "2028-05-31"}
    where = place(mark, OWNERS[mark])
    event = _event(mark, number, "make", 0, "commissioning", where, action="ADD", ilmd=ilmd)
    return Planted(_captor(mark), mark, number, "make", event)


def _ship(mark: str, number: int, *, carrier: bool = False) -> Planted:
    event = _event(mark, number, "ship", 2, "shipping", place(mark, OWNERS[mark]), disposition="in_transit")
    del event["bizLocation"]
    holder = CARRIER if carrier else NORTHGATE
    return Planted(_captor(mark), mark, number, "ship", event | _ends(mark, holder, place(mark, NORTHGATE)))


def _receive(mark: str, number: int) -> Planted:
    event = _event(mark, number, "receive", 4, "receiving", place(mark, NORTHGATE))
    return Planted("northgate-supply", mark, number, "receive", event | _ends(mark, NORTHGATE, place(mark, NORTHGATE)))


def _use(mark: str, number: int) -> Planted:
    event = _used(mark, number, "use", 6)
    return Planted("northgate-supply", mark, number, "use", event)


def _use_again(mark: str, number: int) -> Planted:
    event = _used(mark, number, "use_again", 8)
    return Planted("northgate-supply", mark, number, "use_again", event)


def _used(mark: str, number: int, flow: str, hours: int) -> dict[str, Any]:
    event = _event(mark, number, flow, hours, "dispensing", place(mark, NORTHGATE), disposition="dispensed")
    del event["bizLocation"]
    return event | {
        "sourceList": [{"type": "owning_party", "source": OWNERS[mark]}],
        "destinationList": [{"type": "owning_party", "destination": NORTHGATE}],
        "mcx:useType": "implanted",
        "mcx:usageReport": f"https://planted.example/report/{mark}{number}",
    }


def _recall(mark: str, number: int) -> Planted:
    event = _event(mark, number, "recall", 7, "holding", None, disposition="recalled")
    said = {"mcx:recallClass": "II", "mcx:recallNotice": notice_of(number)}
    event |= {"persistentDisposition": {"set": ["recalled"]}} | said
    return Planted(_captor(mark), mark, number, "recall", event)


def notice_of(number: int) -> str:
    """The number of the recall notice of an item."""
    return f"https://planted.example/notice/{CORDIA_AND_HOSPITAL}{number}"


def _ends(mark: str, holder: str, to: str) -> dict[str, Any]:
    owner = OWNERS[mark]
    return {
        "sourceList": [
            {"type": "possessing_party", "source": owner},
            {"type": "owning_party", "source": owner},
            {"type": "location", "source": place(mark, owner)},
        ],
        "destinationList": [
            {"type": "possessing_party", "destination": holder},
            {"type": "owning_party", "destination": owner},
            {"type": "location", "destination": to},
        ],
    }


def _link(number: int) -> Planted:
    event = _event(PATIENT, number, "link", 0, "installing", place(PATIENT, NORTHGATE), action="ADD")
    event |= {
        "type": "AssociationEvent",
        "parentID": f"https://id.gs1.org/8018/{gsrn(number)}",
        "childEPCs": event.pop("epcList"),
    }
    return Planted("northgate-clinical", PATIENT, number, "link", event)
