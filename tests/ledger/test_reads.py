"""What a late event makes the ledger read, counted in events: it must not grow with all that there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ledger.flows import HOUR_US, PATIENT, START_US, named
from ledger.stored import Ledgers
from ledger.storyline import CORDIA, NORTHGATE, PARTIES, RECORDED_US
from traceward.ledger import closure
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.store.engine import Store

LOT = "https://id.gs1.org/01/09521141045305/10/LA"
SERIAL = "https://id.gs1.org/01/09521141045305/21/S1"
DC, STORE, ROOM = (
    "https://id.gs1.org/414/9521141000106", "https://id.gs1.org/414/4012345000016/254/STORE",
    "https://id.gs1.org/414/4012345000016/254/OR",
)  # fmt: skip
MINUTE_US = HOUR_US // 60
APART_US = 15 * MINUTE_US


def told(captor: str, time_us: int, **facts: Any) -> LedgerEvent:
    blank = LedgerEvent(b"", "", "ObjectEvent", time_us, "+00:00", RECORDED_US, (captor,), action="OBSERVE")
    return named(msgspec.structs.replace(blank, **facts))


def a_used_lot(uses: int) -> list[LedgerEvent]:
    """A lot that a hospital gets from its consignor, and uses every quarter of an hour."""
    some = {"quantities": ((LOT, Decimal(10_000), None),)}
    ends: dict[str, Any] = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "location": (DC, STORE)}
    here, there = {"biz_location": DC, "read_point": DC}, {"biz_location": STORE, "read_point": STORE}
    sending = {"biz_step": "shipping", "disposition": "in_transit", "read_point": DC}
    start = [
        told(CORDIA, START_US - 3 * HOUR_US, action="ADD", biz_step="commissioning", **here, **some),
        told(CORDIA, START_US - 2 * HOUR_US, **sending, **some, **ends),
        told(NORTHGATE, START_US - HOUR_US, biz_step="receiving", **there, **some, **ends),
    ]
    return start + [use(number) for number in range(uses)]


def use(number: int, *, late_us: int = 0) -> LedgerEvent:
    """A use of one piece, told of so much earlier than the place of its number."""
    return told(
        NORTHGATE, START_US + number * APART_US - late_us, biz_step="dispensing", disposition="dispensed",
        read_point=ROOM, location=(STORE, ROOM), quantities=((LOT, Decimal(1), None),), use_type="consumed",
    )  # fmt: skip


def link(number: int, *, late_us: int = 0) -> LedgerEvent:
    """A private event that ties a piece to the patient."""
    return told(
        NORTHGATE, START_US + number * APART_US - late_us, type="AssociationEvent", private=True, action="ADD",
        biz_step="installing", parent=PATIENT, child_quantities=((LOT, Decimal(1), None),),
    )  # fmt: skip


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many events' facts are decoded within; one number that grows."""
    count = [0]
    decode = closure.decode_event

    def decoded(facts: bytes) -> LedgerEvent:
        count[0] += 1
        return decode(facts)

    with monkeypatch.context() as patched:
        patched.setattr(closure, "decode_event", decoded)
        yield count


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_a_late_event_reads_what_came_since_and_not_the_whole_lot(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_rebuilt: bool, full_run: bool, figures: list[str]
) -> None:
    """Rejects a late use, a late link and a first late event after a rebuild that fold the whole stream: each of them
    would read all events of the lot.
    """
    uses = 20_000 if full_run else 5_000
    ledgers = Ledgers(store, PARTIES)
    events = a_used_lot(uses) + [link(number) for number in range(0, uses, 20)]
    ledgers.capture(events)
    for number in range(uses, uses + 30):
        ledgers.capture([use(number)])
        events.append(use(number))
    if is_rebuilt:
        ledgers.rebuild(10_000)
    late = {
        "a use": use(uses + 29, late_us=HOUR_US + MINUTE_US),
        "a link": link(uses + 29, late_us=10 * HOUR_US + MINUTE_US),
        "a link an hour late": link(uses + 29, late_us=HOUR_US + 2 * MINUTE_US),
    }
    for what, event in late.items():
        with counted(monkeypatch) as count:
            ledgers.capture([event])
        events.append(event)
        assert count[0] < 200, what
        figures.append(f"{what} of a lot with {uses:,} events, late: {count[0]} events read")
    assert ledgers.digest() == ledger_digest(fold(events, PARTIES))


def test_a_relation_proven_late_reads_what_came_since_the_first_claim(
    store: Store, monkeypatch: pytest.MonkeyPatch, figures: list[str]
) -> None:
    """Rejects a newly proven relation that folds all of a lot because somebody claimed some of it yesterday, also of a
    lot of which there are items, as there are where a recall of the lot would concern them.
    """
    uses = 5_000
    ledgers = Ledgers(store, PARTIES)
    here = {"biz_location": DC, "read_point": DC}
    made = told(
        CORDIA, START_US - HOUR_US, action="ADD", biz_step="commissioning", quantities=((LOT, Decimal(10_000), None),),
        **here,
    )  # fmt: skip
    some = ((LOT, Decimal(1), None),)
    item = told(
        CORDIA, START_US - HOUR_US, action="ADD", biz_step="commissioning", instances=(SERIAL,), lot="LA", **here
    )
    events = [made, item] + [
        told(CORDIA, START_US + number * APART_US, biz_step="dispensing", disposition="dispensed", quantities=some,
             location=(DC, DC), read_point=DC)
        for number in range(uses)
    ]  # fmt: skip
    there = {"biz_location": STORE, "read_point": STORE}
    events.append(told(NORTHGATE, START_US + uses * APART_US, biz_step="receiving", quantities=some, **there))
    ledgers.capture(events)
    ends: dict[str, Any] = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "location": (DC, STORE)}
    other = "https://id.gs1.org/01/09521141010235/21/S0"
    proof = told(CORDIA, START_US, biz_step="shipping", instances=(other,), **ends)
    claims = [one.kind for one in fold(events, PARTIES).conflicts.values()]
    with counted(monkeypatch) as count:
        ledgers.capture([proof])
    events.append(proof)
    assert "claimed" in claims
    assert count[0] < 200
    figures.append(f"a relation proven late, of a lot with {uses:,} events: {count[0]} events read")
    assert ledgers.digest() == ledger_digest(fold(events, PARTIES))
