"""Trace of a lot and of an item: complete, cited, and nothing of what the asker may not see."""

from collections import Counter
from decimal import Decimal

import pytest

from ledger.storyline import CORDIA, JUNE_30_US, LOT77A, NORTHGATE, PARTIES, PATIENT, TRAY, V7, V8, storyline
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.ledger.trace import trace_item, trace_lot


def visible_to(party: str, *, clinical: bool = False) -> list[LedgerEvent]:
    """The storyline's events that a party may see, the private ones of its own with the clinical role."""
    seen = fold(storyline(), PARTIES).visible
    return [
        event
        for event in storyline()
        if party in seen.get(event.eid, ()) or (clinical and event.private and party in event.captured_by)
    ]


@pytest.mark.parametrize(("party", "clinical"), [(CORDIA, False), (NORTHGATE, False), (NORTHGATE, True)])
def test_each_partner_is_told_where_all_500_screws_of_the_lot_are(party: str, clinical: bool) -> None:
    """Rejects a visibility rule that hides from a partner an event which its own answer needs."""
    events = visible_to(party, clinical=clinical)
    trace = trace_lot(fold(events, PARTIES, as_of_us=JUNE_30_US), events, "09521141045305", "LOT77A")
    found = Counter[tuple[str, str, str]]()
    for unit in trace.units:
        place = (unit.container or unit.place or "").rpartition("/")[2]
        found[unit.where, unit.status, place] += int(unit.quantity)
    assert found == {
        ("sink", "implanted", "OR3"): 2,
        ("sink", "wasted", "OR3"): 1,
        ("sink", "lost", "OR3-CAB2"): 1,
        ("in_transit", "in_transit", "9521141000106"): 12,
        ("place", "on_hand", "WARDB-CAB1"): 4,
        ("place", "on_hand", "OR3"): 3,
        ("container", "on_hand", TRAY.rpartition("/")[2]): 27,
        ("place", "on_hand", "9521141000106"): 450,
    }
    assert trace.accounted == trace.opened == {"": Decimal(500)}
    patients = [(tied.patient, tied.quantity) for tied in trace.patients]
    assert patients == ([(PATIENT, Decimal(2))] if clinical else [])
    cited = {eid for unit in trace.units for eid in unit.eids}
    assert cited <= {event.eid for event in events}
    assert [notice.party for notice in trace.notices] == [CORDIA]


def test_an_items_trace_tells_owners_and_history_in_order() -> None:
    events = visible_to(NORTHGATE)
    trace = trace_item(fold(events, PARTIES, as_of_us=JUNE_30_US), events, V8)
    assert trace.units is not None
    assert (trace.units.status, trace.lot, trace.expiry) == ("implanted", "L23-A", "2028-01-31")
    assert [owner for _, owner, _ in trace.owners] == [CORDIA, NORTHGATE]
    times = [step.event_time_us for step in trace.history]
    assert times == sorted(times)
    assert {step.biz_step for step in trace.history} >= {
        "commissioning",
        "packing",
        "shipping",
        "receiving",
        "dispensing",
    }


def test_a_use_declared_in_error_stays_in_the_history_as_such() -> None:
    events = visible_to(CORDIA)
    trace = trace_item(fold(events, PARTIES), events, V7)
    struck = [step for step in trace.history if step.biz_step == "dispensing"]
    assert [step.declared_in_error for step in struck] == [True, True]


def test_without_the_clinical_role_no_answer_holds_the_patient() -> None:
    for party in (CORDIA, NORTHGATE):
        events = visible_to(party)
        ledger = fold(events, PARTIES)
        answers = [trace_lot(ledger, events, "09521141045305", "LOT77A"), trace_item(ledger, events, V7), ledger]
        assert all(PATIENT not in repr(answer) for answer in answers)


def test_an_item_that_nothing_tells_of_has_no_state() -> None:
    trace = trace_item(fold([], PARTIES), [], LOT77A)
    assert (trace.units, trace.history, trace.patients) == (None, (), ())
