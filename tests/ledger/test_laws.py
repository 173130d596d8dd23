"""The laws of the ledger, for random events: conservation, order, correction, containment, ownership, visibility."""

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.flows import CORDIA, NORTHGATE, PARTIES, RIVAL, declared, events, histories, holdings, named, told
from traceward.ledger.digest import canonical_record, ledger_digest
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.ledger.state import ClassStock, Instance, PatientLinks
from traceward.ledger.steps import order_of
from traceward.ledger.trace import trace_lot

pytestmark = pytest.mark.timeout(1800)  # the full count of random histories

RELATIONS = frozenset({(CORDIA, NORTHGATE)})
COUNTS = ("cycle_counting", "stock_taking")


@given(histories())
def test_what_was_created_or_first_seen_is_what_there_is(history: list[LedgerEvent]) -> None:
    """Law 1. Rejects a move that debits without crediting, and a shortage booked without a debt."""
    for record in fold(history, PARTIES).records.values():
        if isinstance(record, ClassStock):
            for uom, opened in record.opened.items():
                assert sum((slot.quantity for slot in record.slots.values()), Decimal(0)) == opened, uom


@given(histories(), st.randoms(use_true_random=False))
def test_arrival_order_and_repetition_never_count(history: list[LedgerEvent], shuffler: random.Random) -> None:
    """Laws 2 and 3. Rejects ties broken by arrival and events counted twice."""
    shuffled = history + shuffler.sample(history, len(history) // 2)
    shuffler.shuffle(shuffled)
    first, second = fold(history, PARTIES), fold(shuffled, PARTIES)
    assert ledger_digest(first) == ledger_digest(second)
    assert first.visible == second.visible


@given(histories(), events(), st.booleans())
def test_an_event_and_its_error_declaration_are_as_if_neither_had_been(
    history: list[LedgerEvent], mistake: LedgerEvent, corrected: bool
) -> None:
    """Law 5. Rejects a correction that reverses the first effect instead of folding without it."""
    event_ids = {event.event_id for event in history}
    if mistake.event_id in event_ids:
        return
    right = named(msgspec.structs.replace(mistake, event_id="", reason="as it was"))
    rest = [*history, right] if corrected else history
    without = fold(rest, PARTIES, RELATIONS)
    struck = fold([*rest, mistake, declared(mistake)], PARTIES, RELATIONS)
    assert holdings(struck) == holdings(without)
    assert struck.transfers == without.transfers
    assert told(struck) - told(without) <= {row for row in told(struck) if row[0] == "link_of_corrected_use"}


@given(histories())
def test_a_serial_is_in_one_place_with_one_unbroken_line_of_owners(history: list[LedgerEvent]) -> None:
    """Law 6. Rejects an owner that changes beside the history of owners."""
    for record in fold(history, PARTIES).records.values():
        if isinstance(record, Instance) and record.status:
            times = [time_us for time_us, _, _ in record.owners]
            assert times == sorted(times)
            assert record.owners[-1][1] == record.owner
            assert all(one[1] != other[1] for one, other in zip(record.owners, record.owners[1:], strict=False))


@given(histories())
def test_ownership_moves_by_the_owning_party_pair_alone(history: list[LedgerEvent]) -> None:
    """Law 7. Rejects ownership inferred from place, receipt or use."""
    ledger = fold([msgspec.structs.replace(event, owning=None) for event in history], PARTIES)
    assert ledger.transfers == {}
    for record in ledger.records.values():
        if isinstance(record, Instance) and record.status:
            assert len(record.owners) == 1


@given(histories(), st.integers(0, 40))
def test_as_of_a_time_is_the_fold_of_what_had_happened_by_then(history: list[LedgerEvent], hour: int) -> None:
    """Law 8. Rejects an asOf that lets a later event change the past, and one that differs from now at the end."""
    moment = 1_770_000_000_000_000 + hour * 3_600_000_000
    past = [event for event in history if event.event_time_us <= moment]
    assert ledger_digest(fold(history, PARTIES, RELATIONS, moment)) == ledger_digest(fold(past, PARTIES, RELATIONS))
    last = max(event.event_time_us for event in history)
    assert ledger_digest(fold(history, PARTIES, as_of_us=last)) == ledger_digest(fold(history, PARTIES))


@given(histories())
def test_contents_share_their_containers_place_holder_and_status(history: list[LedgerEvent]) -> None:
    """Law 9. Rejects a container that moves without its contents, or loses count of what lies in it."""
    records = fold(history, PARTIES).records
    for key, record in records.items():
        if isinstance(record, Instance) and record.container is not None:
            box = records[record.container]
            assert isinstance(box, Instance)
            assert key in (box.contents or ())
            assert (record.place, record.holder, record.status) == (box.place, box.holder, box.status)
        if isinstance(record, ClassStock):
            for slot in record.slots.values():
                if slot.container is not None:
                    box = records[slot.container]
                    assert isinstance(box, Instance)
                    assert key in (box.contents or ())
                    assert (slot.place, slot.holder, slot.status) == (box.place, box.holder, box.status)
        if isinstance(record, Instance):
            for name in record.contents or ():
                content = records[name]
                if isinstance(content, Instance):
                    assert content.container == key
                elif isinstance(content, ClassStock):
                    assert any(slot.container == key for slot in content.slots.values())


@given(histories())
def test_a_count_never_changes_the_book(history: list[LedgerEvent]) -> None:
    """Law 10. Rejects a count that books its variance."""
    counted = {event.eid for event in history if event.biz_step in COUNTS and event.action == "OBSERVE"}
    counted -= {event.eid for event in history if event.disposition in ("dispensed", "unavailable")}
    kept = [event for event in history if event.eid not in counted and event.declares is None]
    every = [event for event in history if event.declares is None]
    ledger = fold(every, PARTIES, RELATIONS)
    assert holdings(ledger) == holdings(fold(kept, PARTIES, RELATIONS))
    told_of = {(found.eids[0], found.keys[0]) for found in ledger.conflicts.values() if found.kind == "count_variance"}
    assert told_of <= {(count.eid, count.key) for count in ledger.counts if count.seen != count.book}
    by_eid = {event.eid: event for event in every}
    newest: dict[tuple[object, ...], Any] = {}
    for count in sorted(ledger.counts, key=lambda one: order_of(by_eid[one.eid])):
        if count.seen >= count.book or count.scope == "complete":
            newest[count.key, count.place, count.uom, by_eid[count.eid].captured_by] = count
    written_off = any(event.disposition in ("unavailable", "stolen") for event in every)
    for count in newest.values():
        assert written_off or ((count.eid, count.key) in told_of) == (count.seen != count.book)


@given(histories())
def test_every_captor_sees_its_event_and_no_private_event_is_shared(history: list[LedgerEvent]) -> None:
    """Law 13. Rejects visibility by items alone, and a private event that reaches the shared compartment."""
    ledger = fold(history, PARTIES)
    for event in history:
        seen = ledger.visible.get(event.eid, frozenset())
        assert seen == frozenset() if event.private else seen >= {p for p in event.captured_by if p in PARTIES}
    assert RIVAL not in {party for seen in ledger.visible.values() for party in seen if party == RIVAL} or any(
        "9506000" in repr(event) for event in history
    )
    shared = [event for event in history if not event.private]
    assert not any(isinstance(record, PatientLinks) for record in fold(shared, PARTIES).records.values())


@given(histories(), st.lists(events((RIVAL,), others=False), min_size=1, max_size=4))
def test_nothing_that_an_outsider_captures_moves_or_reveals_others_items(
    history: list[LedgerEvent], attacks: list[LedgerEvent]
) -> None:
    """Law 13 under attack. Rejects any entitlement that a stranger can give himself."""
    before = fold(history, PARTIES)
    if any("950600" in repr(event) for event in history):
        return  # the base itself hands something to the rival
    own = {event.eid for event in history}
    # Who sends the very content that others sent has it already, and is its witness: that reveals nothing.
    attacks = [event for event in attacks if event.eid not in own]
    after = fold([*history, *attacks], PARTIES)
    assert holdings(before) == {key: value for key, value in holdings(after).items() if RIVAL not in key}
    assert after.transfers == before.transfers
    assert {eid: seen for eid, seen in after.visible.items() if eid in own} == before.visible
    for found in after.conflicts.values():
        if RIVAL in found.parties:
            assert not own.intersection(found.eids)


@given(histories())
def test_a_lots_units_add_up_to_all_that_was_ever_opened(history: list[LedgerEvent]) -> None:
    """Law 14. Rejects a trace that leaves out sinks, containers or what is on its way."""
    ledger = fold(history, PARTIES)
    for gtin, lot in (("09521141045305", "LA"), ("09521141010235", "LB"), ("05060000000012", "Z")):
        trace = trace_lot(ledger, history, gtin, lot)
        total = sum(trace.opened.values(), Decimal(0))
        assert sum(trace.accounted.values(), Decimal(0)) == total
        assert {eid for unit in trace.units for eid in unit.eids} <= {event.eid for event in history}


@pytest.mark.full
@given(histories(60))
@settings(max_examples=1000)
def test_long_histories_keep_records_that_survive_their_stored_form(history: list[LedgerEvent]) -> None:
    """Rejects a record whose stored form loses something."""
    for record in fold(history, PARTIES).records.values():
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=type(record))
        assert canonical_record(again) == canonical_record(record)
