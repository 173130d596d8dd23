"""The worked example of the consignment storyline: numbers, conflicts, transfers and who sees what."""

import random
from collections import Counter
from decimal import Decimal

import msgspec
import pytest

from ledger.storyline import (
    B2201,
    CORDIA,
    JUNE_30_US,
    LOT77A,
    NORTHGATE,
    PARTIES,
    PATIENT,
    TRAY,
    V7,
    V8,
    storyline,
)
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import decode_event, encode_event
from traceward.ledger.fold import fold
from traceward.ledger.state import ClassStock, Instance, Ledger, PatientLinks, links_record


@pytest.fixture(scope="module")
def june() -> Ledger:
    return fold(storyline(), PARTIES, as_of_us=JUNE_30_US)


@pytest.fixture(scope="module")
def today() -> Ledger:
    return fold(storyline(), PARTIES)


def test_lot_LOT77A_is_where_the_worked_example_says(june: Ledger) -> None:
    stock = june.stock(LOT77A)
    assert stock is not None
    found = Counter[tuple[str, str | None, str | None]]()
    for slot in stock.slots.values():
        found[slot.status, (slot.place or "").rpartition("/")[2], slot.container] += int(slot.quantity)
    assert found == {
        ("implanted", "OR3", None): 2,
        ("wasted", "OR3", None): 1,
        ("lost", "OR3-CAB2", None): 1,
        ("in_transit", "9521141000106", None): 12,
        ("on_hand", "WARDB-CAB1", None): 4,
        ("on_hand", "OR3", None): 3,
        ("on_hand", "OR3", TRAY): 27,
        ("on_hand", "9521141000106", None): 450,
    }
    assert found.total() == stock.opened[""] == 500


def test_two_screws_of_the_lot_are_tied_to_one_patient(june: Ledger) -> None:
    links = june.records[links_record(LOT77A, NORTHGATE)]
    assert isinstance(links, PatientLinks)
    assert [(link.patient, link.quantity, link.closed_us) for link in links.links] == [(PATIENT, Decimal(2), None)]


def test_the_correction_moves_the_use_from_valve_7_to_valve_8(june: Ledger) -> None:
    seven, eight = june.instance(V7), june.instance(V8)
    assert seven is not None
    assert eight is not None
    assert (seven.status, seven.owner, seven.holder) == ("on_hand", CORDIA, NORTHGATE)
    assert (eight.status, eight.owner) == ("implanted", NORTHGATE)


def test_ownership_passes_by_use_waste_and_agreed_loss_only(today: Ledger) -> None:
    counted = [
        (transfer.key, transfer.quantity, transfer.use_type)
        for transfer in sorted(today.transfers.values(), key=lambda row: (row.event_time_us, row.key))
        if not transfer.voided
    ]
    assert counted == [
        (B2201, 1, "consumed"),
        (V8, 1, "implanted"),
        (LOT77A, 2, "implanted"),
        (LOT77A, 1, "wasted"),
        (LOT77A, 1, None),
    ]


def test_the_expected_conflicts_are_open(today: Ledger) -> None:
    kinds = Counter((found.kind, found.keys[0]) for found in today.conflicts.values())
    assert kinds["link_of_corrected_use", V7] == 1
    assert kinds["moved_after_recall", LOT77A] >= 1
    assert kinds["already_owned", V8] == 1
    ward_b = [
        found
        for found in today.conflicts.values()
        if found.kind == "recalled_not_quarantined" and "4 at" in found.message and "WARDB-CAB1" in found.message
    ]
    assert len(ward_b) == 1
    assert set(ward_b[0].parties) == {CORDIA, NORTHGATE}


def test_the_conflict_on_the_patient_link_is_for_the_hospital_alone(today: Ledger) -> None:
    private = [found for found in today.conflicts.values() if found.kind == "link_of_corrected_use"]
    assert [(found.private_to, found.parties) for found in private] == [(NORTHGATE, (NORTHGATE,))]
    assert all(PATIENT not in found.message for found in today.conflicts.values())


def test_both_partners_see_use_and_stock_and_only_the_hospital_its_cabinet_alarm(today: Ledger) -> None:
    events = {event.eid: event for event in storyline()}
    for eid, seen in today.visible.items():
        event = events[eid]
        if event.biz_step in ("dispensing", "cycle_counting", "stocking", "receiving", "commissioning", "unpacking"):
            assert seen == {CORDIA, NORTHGATE}, event.event_id
        if event.biz_step == "sensor_reporting":
            assert seen == {NORTHGATE}
    assert not any(events[eid].private for eid in today.visible)


@pytest.mark.parametrize("as_of_us", [None, JUNE_30_US])
def test_any_order_of_arrival_and_any_repetition_gives_one_digest(as_of_us: int | None, full_run: bool) -> None:
    """Rejects a fold that follows arrival order, breaks ties by it, or counts a repeated event twice."""
    events = storyline()
    shuffler = random.Random(4)
    expected = ledger_digest(fold(events, PARTIES, as_of_us=as_of_us))
    visible = fold(events, PARTIES, as_of_us=as_of_us).visible
    for _ in range(1000 if full_run else 100):
        shuffled = events + shuffler.sample(events, shuffler.randrange(len(events)))
        shuffler.shuffle(shuffled)
        ledger = fold(shuffled, PARTIES, as_of_us=as_of_us)
        assert ledger_digest(ledger) == expected
        assert ledger.visible == visible


def test_facts_survive_their_stored_form() -> None:
    for event in storyline():
        assert decode_event(encode_event(event)) == event


def test_stock_in_a_claim_is_never_in_the_ledgers_own_record(today: Ledger) -> None:
    claims = [record for record in today.records.values() if isinstance(record, ClassStock) and record.claimant]
    assert claims == []


def _balances(ledger: Ledger) -> list[tuple[object, ...]]:
    """Where what is, owned and held by whom, in which status; without the events that say so."""
    found: list[tuple[object, ...]] = []
    for record in ledger.records.values():
        if isinstance(record, ClassStock) and record.claimant is None:
            found += [(record.key, slot.name(), slot.quantity) for slot in record.slots.values() if slot.quantity]
        elif isinstance(record, Instance) and record.claimant is None:
            found.append((record.key, record.owner, record.holder, record.place, record.container, record.status))
    return sorted(found, key=repr)


def test_partners_who_hand_each_other_s_events_on_change_no_balance(today: Ledger) -> None:
    """Rejects crediting whichever captor's id sorts first: the hospital would ship from the supplier's warehouse."""
    both = tuple(sorted((CORDIA, NORTHGATE)))
    relayed = [event if event.private else msgspec.structs.replace(event, captured_by=both) for event in storyline()]
    assert _balances(fold(relayed, PARTIES)) == _balances(today)
