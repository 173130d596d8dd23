"""Consigned goods on their whole way: every flow in a sensible order, with errors and lateness.

What `flows` makes is any events in any order; here goods are made, shipped, used, recalled and returned as in practice.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from ledger.flows import (
    CONTAINERS,
    CORDIA,
    HOUR_US,
    INSTRUMENT,
    LOTS,
    NORTHGATE,
    PATIENT,
    PLACES,
    SERIALS,
    START_US,
    declared,
    named,
)
from ledger.storyline import RECORDED_US
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.steps import STERILISING

DC, SITE, STORE, THEATRE, _ = PLACES
CABINET, QUARANTINE = f"{SITE}/254/CAB", f"{SITE}/254/QUAR"
BOX, _, TRAY = CONTAINERS
SCREW: Final = LOTS[0]
TRAVELLED: Final[Counter[str]] = Counter()
"""How often each flow was drawn, and how many events came late, twice or were taken back."""
_SOLD: Final = (CORDIA, NORTHGATE)
_KEPT: Final = (CORDIA, CORDIA)
_SENT: Final = {"possessing": _SOLD, "owning": _KEPT, "location": (DC, SITE)}
_BACK: Final = {"possessing": (NORTHGATE, CORDIA), "owning": _KEPT, "location": (QUARANTINE, DC)}
_RECALLED: Final = {"disposition": "recalled", "set_flags": ("recalled",)}


@dataclass
class Journey:
    """Events in the order in which they happened; draw decides where there is a choice."""

    draw: st.DrawFn
    events: list[LedgerEvent] = field(default_factory=list)
    clock_us: int = START_US

    def say(self, captor: str, step: str | None, **facts: Any) -> LedgerEvent:
        """One event, some hours after the last one."""
        self.clock_us += self.draw(st.integers(1, 5)) * HOUR_US
        stays = facts.pop("at", None)
        if stays is not None:
            facts |= {"read_point": stays, "biz_location": stays}
        event = LedgerEvent(b"", "", "ObjectEvent", self.clock_us, "+00:00", RECORDED_US, (captor,))
        made = named(msgspec.structs.replace(event, **({"action": "OBSERVE", "biz_step": step} | facts)))
        self.events.append(made)
        return made


def screws(amount: int) -> dict[str, Any]:
    """So many screws of the lot, as an event's quantities."""
    return {"quantities": ((SCREW, Decimal(amount), None),)}


def _make(on: Journey) -> None:
    on.say(CORDIA, "commissioning", action="ADD", at=DC, instances=SERIALS, lot="LB", expiry="2030-01-00")


def _make_lot(on: Journey) -> None:
    on.say(CORDIA, "creating_class_instance", action="ADD", at=DC, **screws(40), expiry="2030-01-00")


def _pack(on: Journey) -> None:
    inside = {"children": SERIALS, "child_quantities": screws(20)["quantities"]}
    on.say(CORDIA, "packing", type="AggregationEvent", action="ADD", at=DC, parent=BOX, **inside)


def _ship(on: Journey) -> None:
    on.say(CORDIA, "shipping", read_point=DC, disposition="in_transit", instances=(BOX,), **_SENT)


def _void(on: Journey) -> None:
    on.say(CORDIA, "void_shipping", at=DC, disposition="in_progress", instances=(BOX,))
    _ship(on)


def _receive(on: Journey) -> None:
    on.say(NORTHGATE, "receiving", at=STORE, disposition="in_progress", instances=(BOX,), **_SENT)


def _unpack(on: Journey) -> None:
    inside = {"children": SERIALS, "child_quantities": screws(20)["quantities"]}
    done = {"disposition": "completeness_verified", "at": STORE, "parent": BOX}
    on.say(NORTHGATE, "unpacking", type="AggregationEvent", action="DELETE", **done, **inside)


def _put_away(on: Journey) -> None:
    on.say(NORTHGATE, "stocking", at=CABINET, instances=SERIALS, **screws(20), location=(STORE, CABINET))


def _move(on: Journey) -> None:
    on.say(NORTHGATE, "storing", at=THEATRE, instances=SERIALS[2:], **screws(4), location=(CABINET, THEATRE))


def _count(on: Journey) -> None:
    seen = {"instances": SERIALS[:2], **screws(on.draw(st.integers(10, 18)))}
    scope = {"count_scope": on.draw(st.sampled_from((None, "complete", "partial"))), "count_gtins": ("09521141045305",)}
    on.say(NORTHGATE, "cycle_counting", at=CABINET, **seen, **scope)


def _lose(on: Journey) -> None:
    on.say(NORTHGATE, "stock_taking", read_point=CABINET, disposition="unavailable", **screws(1), owning=_SOLD,
           location=(CABINET, None))  # fmt: skip


def _use(on: Journey, **facts: Any) -> LedgerEvent:
    chosen = {"instances": SERIALS[:1], **screws(2), "use_type": "implanted", "usage_report": "report-1"}
    chosen |= {"disposition": "dispensed", "owning": _SOLD, "location": (CABINET, THEATRE)} | facts
    return on.say(NORTHGATE, "dispensing", read_point=THEATRE, **chosen)


def _patient(on: Journey) -> None:
    on.say(NORTHGATE, "installing", type="AssociationEvent", action="ADD", private=True, parent=PATIENT,
           children=SERIALS[:1], child_quantities=screws(2)["quantities"], usage_report="report-1")  # fmt: skip


def _order(on: Journey) -> None:
    on.say(NORTHGATE, "accepting", type="TransactionEvent", action="ADD", instances=SERIALS[:1])


def _consume(on: Journey) -> None:
    _use(on, action="DELETE", instances=(), use_type="consumed", **screws(1))


def _waste(on: Journey) -> None:
    on.say(NORTHGATE, "destroying", action="DELETE", read_point=THEATRE, disposition="destroyed", use_type="wasted",
           owning=on.draw(st.sampled_from((_SOLD, _KEPT))), location=(CABINET, None), **screws(1))  # fmt: skip


def _explant(on: Journey) -> None:
    on.say(NORTHGATE, "removing", type="AssociationEvent", action="DELETE", private=True, parent=PATIENT,
           children=SERIALS[:1])  # fmt: skip
    on.say(NORTHGATE, "holding", at=QUARANTINE, instances=SERIALS[:1], disposition="non_conformant", reason="explanted")


def _expire(on: Journey) -> None:
    flags = {"disposition": "expired", "set_flags": ("expired",)}
    on.say(NORTHGATE, "holding", at=QUARANTINE, instances=SERIALS[1:2], location=(CABINET, QUARANTINE), **flags)
    on.say(NORTHGATE, "destroying", action="DELETE", read_point=QUARANTINE, disposition="destroyed",
           instances=SERIALS[1:2])  # fmt: skip


def _recall(on: Journey) -> None:
    on.say(CORDIA, "holding", quantities=((SCREW, None, None),), **_RECALLED)


def _quarantine(on: Journey) -> None:
    on.say(NORTHGATE, "holding", at=QUARANTINE, **screws(5), location=(CABINET, QUARANTINE), **_RECALLED)


def _give_back(on: Journey) -> None:
    on.say(NORTHGATE, "shipping", read_point=QUARANTINE, disposition="returned", **screws(5), **_BACK)
    if on.draw(st.booleans()):
        on.say(CORDIA, "receiving", at=DC, **screws(5), **_BACK)


def _lend(on: Journey) -> None:
    inside = {"children": (INSTRUMENT,), "child_quantities": screws(6)["quantities"]}
    on.say(CORDIA, "packing", type="AggregationEvent", action="ADD", at=DC, parent=TRAY, **inside)
    on.say(CORDIA, "shipping", read_point=DC, disposition="in_transit", instances=(TRAY,), **_SENT)
    on.say(NORTHGATE, "receiving", at=STORE, instances=(TRAY,), **_SENT)


def _use_from_tray(on: Journey) -> None:
    used = {"child_quantities": screws(2)["quantities"]}
    on.say(NORTHGATE, "unpacking", type="AggregationEvent", action="DELETE", at=THEATRE, parent=TRAY, **used)
    _use(on, instances=(), location=(THEATRE, THEATRE))


def _sterilise(on: Journey) -> None:
    on.say(NORTHGATE, STERILISING, at=f"{SITE}/254/CSSD", disposition="conformant", instances=(TRAY,))


def _alarm(on: Journey) -> None:
    on.say(NORTHGATE, "sensor_reporting", at=CABINET)
    on.say(NORTHGATE, "holding", at=CABINET, disposition="non_conformant", **screws(3), location=(CABINET, CABINET))


def _correct(on: Journey) -> None:
    wrong = _use(on, instances=SERIALS[2:], use_type="implanted")
    right = named(msgspec.structs.replace(wrong, event_id="", instances=SERIALS[1:2]))
    on.events += [right, declared(wrong)]
    TRAVELLED["taken back"] += 1


def _buy_out(on: Journey) -> None:
    on.say(NORTHGATE, "accepting", at=CABINET, **screws(2), owning=_SOLD, possessing=(NORTHGATE, NORTHGATE))


FLOWS: Final[dict[str, tuple[Callable[[Journey], object], bool]]] = {
    "F1": (_make, True), "F1b": (_make_lot, True), "F2": (_pack, True), "F3": (_ship, True), "F24": (_void, False),
    "F4": (_receive, True), "F4b": (_unpack, True), "F5": (_put_away, True), "F6": (_move, False),
    "F7": (_count, False), "F8": (_lose, False), "F9": (_use, False), "F10": (_patient, False),
    "F11": (_order, False), "F12": (_consume, False), "F13": (_waste, False), "F22": (_correct, False),
    "F14": (_explant, False), "F15": (_expire, False), "F16": (_recall, False), "F16b": (_quarantine, False),
    "F17": (_give_back, False), "F18": (_lend, False), "F19": (_sterilise, False), "F18b": (_use_from_tray, False),
    "F21": (_alarm, False), "F25": (_buy_out, False),
}  # fmt: skip
"""Flow -> what it is made of, and whether every journey has it. F20, an order, is a record of ours and no event."""


@st.composite
def journeys(draw: st.DrawFn) -> list[LedgerEvent]:
    """A journey as it arrives: some of it late, some of it twice, some of it lost."""
    on = Journey(draw)
    for name, (flow, always) in FLOWS.items():
        if always or draw(st.booleans()):
            flow(on)
            TRAVELLED[name] += 1
    arrived = list(on.events)
    if draw(st.booleans()):
        lost = draw(st.sampled_from(arrived))
        arrived.remove(lost)
        TRAVELLED["never told"] += 1
    for late in draw(st.lists(st.sampled_from(arrived), max_size=4, unique_by=lambda one: one.eid)):
        arrived.remove(late)
        arrived.append(late)
        TRAVELLED["late"] += 1
    again = draw(st.lists(st.sampled_from(arrived), max_size=3))
    TRAVELLED["twice"] += len(again)
    return arrived + again
