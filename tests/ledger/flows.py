"""Random but well-formed events of a small world, for the ledger's laws; sensible and senseless flows alike."""

import hashlib
from collections import Counter
from decimal import Decimal

import msgspec
from hypothesis import strategies as st

from ledger.storyline import CORDIA, NORTHGATE, PARTIES, RECORDED_US, RIVAL
from traceward.ledger.conflicts import Conflict
from traceward.ledger.facts import Declaration, LedgerEvent
from traceward.ledger.state import ClassStock, Instance, Ledger
from traceward.ledger.steps import STERILISING

MERCY = "https://id.gs1.org/417/5060000000009"  # a party that is not registered
SERIALS = tuple(f"https://id.gs1.org/01/09521141010235/21/S{number}" for number in range(3))
OTHER_SERIAL = "https://id.gs1.org/01/05060000000012/21/A1"
LOTS = ("https://id.gs1.org/01/09521141045305/10/LA", "https://id.gs1.org/01/09521141010235/10/LB")
OTHER_LOT = "https://id.gs1.org/01/05060000000012/10/Z"
CONTAINERS = (
    "https://id.gs1.org/00/095211410000000113",
    "https://id.gs1.org/00/095211410000000120",
    "https://id.gs1.org/8003/09521141007778T1",
)
PLACES = tuple(
    f"https://id.gs1.org/414/{site}"
    for site in (
        "9521141000106",
        "4012345000016",
        "4012345000016/254/STORE",
        "4012345000016/254/OR",
        "9506000000015",
    )
)
PATIENT = "https://id.gs1.org/8018/401234500000123452"
STEPS = (
    "receiving", "shipping", "stocking", "storing", "holding", "dispensing", "destroying", "cycle_counting",
    "stock_taking", "void_shipping", "accepting", "transporting", "https://example.org/own-step", STERILISING, None,
)  # fmt: skip
DISPOSITIONS = (None, None, "in_transit", "dispensed", "unavailable", "returned", "damaged")
KINDS = ("make", "make", "object", "object", "object", "object", "pack", "pack", "notice", "patient", "bill")
INSTRUMENT = "https://id.gs1.org/8004/9521141DRIVER-1"
DRAWN = Counter[str]()
"""How many random histories were drawn, and how many events they have."""
START_US = 1_770_000_000_000_000
HOUR_US = 3_600_000_000

_parties = st.sampled_from((CORDIA, CORDIA, NORTHGATE, NORTHGATE, MERCY))
_maybe_party = st.one_of(st.none(), _parties)
_maybe_place = st.one_of(st.none(), st.sampled_from(PLACES))
_amounts = st.integers(1, 9).map(Decimal)


def _some(values: tuple[str, ...], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(lambda found: tuple(sorted(found)))


@st.composite
def _notices(draw: st.DrawFn, lots: tuple[str, ...]) -> dict[str, object]:
    """What a notice is about: a lot, a product, a range of its serials, or serials by name."""
    kind = draw(st.sampled_from(("lot", "product", "range", "names")))
    if kind == "names":
        return {"instances": draw(_some(SERIALS, 2))}
    if kind == "lot":
        return {"quantities": ((draw(st.sampled_from(lots)), None, None),)}
    product = SERIALS[0][:36]
    ranges = ((product[22:], "S0", draw(st.sampled_from(("S0", "S1")))),) if kind == "range" else ()
    return {"quantities": ((product, None, None),), "recalled_serials": ranges}


def _quantities(lots: tuple[str, ...]) -> st.SearchStrategy[tuple[tuple[str, Decimal, None], ...]]:
    entries = st.lists(st.tuples(st.sampled_from(lots), _amounts, st.none()), max_size=2, unique_by=lambda row: row[0])
    return entries.map(lambda found: tuple(sorted(found, key=lambda row: row[0])))


@st.composite
def events(draw: st.DrawFn, captors: tuple[str, ...] = (CORDIA, NORTHGATE), *, others: bool = True) -> LedgerEvent:
    """One event. captors: who may have captured it; others: items of an unregistered maker too."""
    items = (*SERIALS, *CONTAINERS, *((OTHER_SERIAL,) if others else ()))
    lots = (*LOTS, *((OTHER_LOT,) if others else ()))
    kind = draw(st.sampled_from(KINDS))
    facts: dict[str, object] = {}
    if kind == "make":
        facts = {
            "action": "ADD",
            "biz_step": "commissioning",
            "instances": draw(_some(items, 2)),
            "quantities": draw(_quantities(lots)),
            "lot": draw(st.sampled_from((None, "LB"))),
            "expiry": draw(st.sampled_from((None, "2026-02-03", "2030-01-00"))),
        }
    elif kind in ("object", "bill"):
        facts = {
            "action": draw(st.sampled_from(("OBSERVE", "OBSERVE", "OBSERVE", "DELETE"))),
            "biz_step": draw(st.sampled_from(STEPS)),
            "disposition": draw(st.sampled_from(DISPOSITIONS)),
            "instances": draw(_some(items, 2)),
            "quantities": draw(_quantities(lots)),
            "use_type": draw(st.sampled_from((None, "implanted", "wasted"))),
            "usage_report": draw(st.sampled_from((None, "report-1"))),
            "type": "TransactionEvent" if kind == "bill" else "ObjectEvent",
        }
    elif kind == "pack":
        facts = {
            "type": "AggregationEvent",
            "action": draw(st.sampled_from(("ADD", "ADD", "DELETE", "OBSERVE"))),
            "biz_step": draw(st.sampled_from(("packing", "unpacking", "shipping", None))),
            "parent": draw(st.sampled_from(CONTAINERS)),
            "disposition": draw(st.sampled_from((None, "completeness_verified"))),
            "children": draw(_some((*items, INSTRUMENT), 2)),
            "child_quantities": draw(_quantities(lots)),
        }
    elif kind == "notice":
        facts = draw(_notices(lots)) | {
            "biz_step": "holding",
            draw(st.sampled_from(("set_flags", "set_flags", "unset_flags"))): ("recalled",),
        }
    else:
        facts = {
            "type": "AssociationEvent",
            "private": True,
            "action": draw(st.sampled_from(("ADD", "ADD", "DELETE"))),
            "parent": PATIENT,
            "children": draw(_some(SERIALS, 1)),
            "child_quantities": draw(_quantities(lots)),
            "usage_report": draw(st.sampled_from((None, "report-1"))),
        }
    # A label tells a lot whatever the event does, a count too: what the book has is the same, how it is told is not.
    if kind == "object" and facts["biz_step"] not in ("cycle_counting", "stock_taking"):
        facts["labels"] = tuple(
            (key, "LB", draw(st.sampled_from((None, "2026-03-31")))) for key in draw(_some(SERIALS, 1))
        )
    if kind in ("make", "object", "pack"):
        facts["biz_location"] = draw(_maybe_place)
        facts["read_point"] = draw(_maybe_place)
    if kind in ("object", "pack"):
        facts["owning"] = draw(st.one_of(st.none(), st.tuples(_maybe_party, _maybe_party)))
        facts["possessing"] = draw(st.one_of(st.none(), st.tuples(_maybe_party, _maybe_party)))
        facts["location"] = draw(st.one_of(st.none(), st.tuples(_maybe_place, _maybe_place)))
    time_us = START_US + draw(st.integers(0, 40)) * HOUR_US
    event = LedgerEvent(b"", "", "ObjectEvent", time_us, "+00:00", RECORDED_US, (draw(st.sampled_from(captors)),))
    return named(msgspec.structs.replace(event, **({"action": "OBSERVE"} | facts)))


def named(event: LedgerEvent) -> LedgerEvent:
    """The event with the identity that its content gives it."""
    blank = msgspec.structs.replace(event, eid=b"", event_id="", captured_by=())
    eid = hashlib.sha256(repr(blank).encode()).digest()[:16]
    return msgspec.structs.replace(event, eid=eid, event_id=event.event_id or f"urn:event:{eid.hex()}")


def declared(event: LedgerEvent, captors: tuple[str, ...] | None = None) -> LedgerEvent:
    """The declaration that the event was an error."""
    declaration = Declaration(event.event_time_us + HOUR_US, "did_not_occur")
    eid = hashlib.sha256(event.eid + b"declared").digest()[:16]
    return msgspec.structs.replace(
        event, eid=eid, declares=declaration, captured_by=captors if captors is not None else event.captured_by
    )


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> list[LedgerEvent]:
    """A set of distinct events, some of them declared in error, some of those by another party."""
    found = draw(st.lists(events(), min_size=1, max_size=most, unique_by=lambda event: event.eid))
    struck = draw(st.lists(st.sampled_from(found), max_size=2, unique_by=lambda event: event.eid))
    by_another = draw(st.booleans())
    if len(found) > 1 and draw(st.integers(0, 4)) == 0:
        # Another party's content under an eventID that is taken: both stand.
        first, second = found[0], found[1]
        if first.captured_by != second.captured_by and second not in struck:
            found[1] = msgspec.structs.replace(second, event_id=first.event_id)
    whole = found + [declared(event, (NORTHGATE,) if by_another else None) for event in struck]
    DRAWN.update(histories=1, events=len(whole))
    return whole


def holdings(ledger: Ledger) -> dict[str, object]:
    """What there is, where, whose and in which state: the ledger without its memory of events."""
    found: dict[str, object] = {}
    for key, record in ledger.records.items():
        if isinstance(record, Instance) and record.status:
            found[key] = (
                record.owner, record.holder, record.place, record.container, record.status, record.flags,
                tuple(sorted(record.contents or ())), record.lot, record.expiry,
            )  # fmt: skip
        elif isinstance(record, ClassStock) and record.slots:
            amounts = Counter[str]()
            for name, slot in record.slots.items():
                amounts[name] += slot.quantity  # type: ignore[assignment]
            found[key] = dict(amounts)
    return found


def told(ledger: Ledger) -> set[tuple[str, tuple[str, ...], tuple[bytes, ...]]]:
    """The conflicts by kind, keys and events."""

    def parts(found: Conflict) -> tuple[str, tuple[str, ...], tuple[bytes, ...]]:
        return found.kind, found.keys, found.eids

    return {parts(found) for found in ledger.conflicts.values()}


__all__ = [
    "CORDIA", "NORTHGATE", "PARTIES", "RIVAL", "declared", "events", "histories", "holdings", "named", "told",
]  # fmt: skip
