"""Generated events whose every name tells who may know of it: a mark in serial, lot, place, eventID, extensions.

Whoever finds a mark in an answer to the wrong role has found a leak.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from traceward.gs1.check_digits import check_digit

NORTHGATE: Final = "https://id.gs1.org/417/4012345000009"
CORDIA: Final = "https://id.gs1.org/417/9521141000007"
RIVAL: Final = "https://id.gs1.org/417/9506000000008"

CORDIA_ALONE: Final = "ZCOR"
RIVAL_ALONE: Final = "ZRIV"
HOSPITAL_ALONE: Final = "ZNOR"
CORDIA_AND_HOSPITAL: Final = "ZCAH"
RIVAL_AND_HOSPITAL: Final = "ZRAH"
PATIENT: Final = "ZPAT"
MARKS: Final = (CORDIA_ALONE, RIVAL_ALONE, HOSPITAL_ALONE, CORDIA_AND_HOSPITAL, RIVAL_AND_HOSPITAL, PATIENT)

GTINS: Final = {
    CORDIA_ALONE: "09521141010235",
    CORDIA_AND_HOSPITAL: "09521141010235",
    RIVAL_ALONE: "09506000117843",
    RIVAL_AND_HOSPITAL: "09506000117843",
    HOSPITAL_ALONE: "04012345000016",
    PATIENT: "09521141010235",
}
_GLNS: Final = {CORDIA: "9521141000106", RIVAL: "9506000000008", NORTHGATE: "4012345000016"}
_CONTEXT: Final = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"mcx": "https://ns.traceward.org/consignment/"},
]


@dataclass(frozen=True)
class Planted:
    """An event, the demo key that captures it, and the mark that tells who may know of it."""

    captor: str
    mark: str
    event: dict[str, Any]


def gsrn(number: int) -> str:
    """The digits of the patient of that number, at the hospital."""
    digits = f"4012345{number + 7_100_000:010d}"
    return digits + str(check_digit(digits))


def epc(mark: str, number: int) -> str:
    """The item of an event of that mark."""
    return f"https://id.gs1.org/01/{GTINS[mark]}/21/{mark}{number}"


def event_id(mark: str, number: int) -> str:
    """The eventID of an event of that mark."""
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


def planted(count: int) -> Iterator[Planted]:
    """So many events: commissionings, shipments, receipts, uses and patient links, in turn."""
    for number in range(count):
        kind = number % 7
        if kind == 0:
            yield _alone("cordia", CORDIA_ALONE, CORDIA, number)
        elif kind == 1:
            yield _alone("rival-supplier", RIVAL_ALONE, RIVAL, number)
        elif kind == 2:
            yield _alone("northgate-supply", HOSPITAL_ALONE, NORTHGATE, number)
        elif kind == 3:
            yield _between("cordia", CORDIA_AND_HOSPITAL, CORDIA, "shipping", number)
        elif kind == 4:
            yield _between("rival-supplier", RIVAL_AND_HOSPITAL, RIVAL, "shipping", number)
        elif kind == 5:
            yield _between("northgate-supply", CORDIA_AND_HOSPITAL, CORDIA, "receiving", number - 2)
        else:
            yield _patient(number)


def _event(mark: str, number: int, step: str, where: str, suffix: str = "", **more: Any) -> dict[str, Any]:
    day = number % 28 + 1
    return {
        "type": "ObjectEvent",
        "eventID": event_id(mark, number) + suffix,
        "eventTime": f"2026-0{number % 6 + 1}-{day:02d}T10:{number % 60:02d}:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": step,
        "epcList": [epc(mark, number)],
        "readPoint": {"id": where},
        "bizLocation": {"id": where},
        "bizTransactionList": [{"type": "desadv", "bizTransaction": f"https://planted.example/bt/{mark}{number}"}],
        "mcx:usageReport": f"https://planted.example/report/{mark}{number}",
    } | more


def _alone(captor: str, mark: str, party: str, number: int) -> Planted:
    event = _event(mark, number, "commissioning", place(mark, party), action="ADD")
    event["quantityList"] = [{"epcClass": f"https://id.gs1.org/01/{GTINS[mark]}/10/{mark}L{number % 5}", "quantity": 3}]
    return Planted(captor, mark, event)


def _between(captor: str, mark: str, owner: str, step: str, number: int) -> Planted:
    def ends(kind: str) -> list[dict[str, str]]:
        goes_to = NORTHGATE if kind == "destination" else owner
        return [{"type": "possessing_party", kind: goes_to}, {"type": "owning_party", kind: owner}]

    where = place(mark, owner if step == "shipping" else NORTHGATE)
    event = _event(
        mark, number, step, where, f"-{step}", sourceList=ends("source"), destinationList=ends("destination")
    )
    return Planted(captor, mark, event)


def _patient(number: int) -> Planted:
    event = _event(PATIENT, number, "installing", place(PATIENT, NORTHGATE), action="ADD")
    event |= {
        "type": "AssociationEvent",
        "parentID": f"https://id.gs1.org/8018/{gsrn(number)}",
        "childEPCs": event.pop("epcList"),
    }
    return Planted("northgate-clinical", PATIENT, event)
