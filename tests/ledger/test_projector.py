"""Kept up step by step or folded at once: the stored ledger is always what a replay gives."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.flows import CONTAINERS, LOTS, START_US, histories, named
from ledger.stored import Ledgers
from ledger.storyline import CORDIA, NORTHGATE, PARTIES, RECORDED_US, RIVAL, V7, events_of, storyline
from ledger.test_rules import DC, at
from traceward.epcis.times import DAY_US, HOUR_US
from traceward.ledger.closure import is_notice
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.ledger.foretold import dated_ahead
from traceward.ledger.persistence import balance_rows, stored_ledger
from traceward.ledger.projector import Projector
from traceward.ledger.snapshots import Keeping
from traceward.ledger.state import claim_record
from traceward.store.engine import Store, open_store
from traceward.store.ledger_rows import load_balances
from traceward.store.progress import COMPARED, EVENTS

KEEPINGS = (Keeping(HOUR_US, 1), Keeping(6 * HOUR_US, 4), Keeping())


@pytest.fixture
def one_store(new_store: Callable[[], Store]) -> Ledgers:
    return Ledgers(new_store(), PARTIES)


def batches(events: list[LedgerEvent], shuffler: random.Random) -> list[list[LedgerEvent]]:
    """The events shuffled and cut into parts of random size, some events in two of them."""
    shuffled = events + shuffler.sample(events, len(events) // 4)
    shuffler.shuffle(shuffled)
    cut: list[list[LedgerEvent]] = []
    while shuffled:
        size = shuffler.choice((1, 1, 2, 5, 12))
        cut.append(shuffled[:size])
        shuffled = shuffled[size:]
    return cut


def test_the_storyline_in_either_order_of_parties_gives_the_replays_ledger(store: Store) -> None:
    """Rejects a projector that needs the supplier's events before the hospital's."""
    ledgers = Ledgers(store, PARTIES)
    ledgers.capture(events_of("storyline-northgate.json", NORTHGATE))
    ledgers.capture(events_of("storyline-cordia.json", CORDIA))
    expected = fold(storyline(), PARTIES)
    assert ledgers.digest() == ledger_digest(expected)
    assert ledgers.visible() == expected.visible
    ledgers.capture(storyline())
    assert ledgers.digest() == ledger_digest(expected)


@pytest.mark.timeout(1800)
def test_any_order_and_batching_of_the_storyline_gives_the_replays_ledger(
    new_store: Callable[[], Store], full_run: bool
) -> None:
    """Rejects a fast path taken for a late event, and a refold that misses a container's or a lot's other events."""
    events = storyline()
    expected = fold(events, PARTIES)
    for seed in range(400 if full_run else 12):
        ledgers = Ledgers(new_store(), PARTIES)
        for part in batches(events, random.Random(seed)):
            ledgers.capture(part)
        assert ledgers.digest() == ledger_digest(expected), seed
        assert ledgers.visible() == expected.visible, seed


def test_a_recall_of_a_lot_reaches_items_that_tell_their_lot_no_earlier_than_it(one_store: Ledgers) -> None:
    """Rejects lots of items taken from states of before alone: what is made at that time has none there yet."""
    serial, lot = "https://id.gs1.org/01/09521141010235/21/S0", "https://id.gs1.org/01/09521141010235/10/LB"
    made = LedgerEvent(
        b"m" * 16, "urn:event:made", "ObjectEvent", START_US, "+00:00", RECORDED_US, (CORDIA,), action="ADD",
        biz_step="commissioning", instances=(serial,), read_point="https://id.gs1.org/414/4012345000016", lot="LB",
    )  # fmt: skip
    for time_us in (START_US, START_US - HOUR_US):
        notice = LedgerEvent(
            b"n" * 16, "urn:event:notice", "ObjectEvent", time_us, "+00:00", RECORDED_US, (CORDIA,), action="OBSERVE",
            biz_step="holding", quantities=((lot, None, None),), set_flags=("recalled",),
        )  # fmt: skip
        one_store.clear()
        for event in (made, notice):
            one_store.capture([event])
        expected = fold([made, notice], PARTIES)
        assert [one.kind for one in expected.conflicts.values()] == ["recalled_not_quarantined"]
        assert one_store.digest() == ledger_digest(expected)


def test_a_consignees_notice_counts_for_what_comes_with_the_proof_of_the_relation(one_store: Ledgers) -> None:
    """Rejects items judged by what stands stored of their class: the notice on it proved nothing until now."""
    product = "https://id.gs1.org/01/09521141010235"

    def happened(hour: int, step: str, captor: str, **facts: object) -> LedgerEvent:
        event = LedgerEvent(
            b"", "", "ObjectEvent", START_US + hour * HOUR_US, "+00:00", RECORDED_US, (captor,), action="OBSERVE",
            biz_step=step,
        )  # fmt: skip
        return named(msgspec.structs.replace(event, **facts))

    notice = happened(0, "holding", NORTHGATE, quantities=((product, None, None),), set_flags=("recalled",))
    proof = happened(0, "receiving", CORDIA, owning=(CORDIA, None), possessing=(None, NORTHGATE))
    came = happened(1, "receiving", NORTHGATE, instances=(f"{product}/21/S0",))
    expected = fold([notice, proof, came], PARTIES)
    assert "moved_after_recall" in {one.kind for one in expected.conflicts.values()}
    for keeping in KEEPINGS:
        one_store.clear()
        one_store.projector = Projector(PARTIES, keeping)
        one_store.capture([notice])
        one_store.capture([came, proof])
        assert one_store.digest() == ledger_digest(expected)


def test_what_a_consignee_stated_of_goods_counts_alike_however_late_the_relation_is_proven(one_store: Ledgers) -> None:
    """Rejects a proof that reaches only what was claimed itself: a notice on a lot is about the items of that lot, too,
    whose own records nobody contradicted.
    """
    product = "https://id.gs1.org/01/09521141010235"
    lot, serial = f"{product}/10/LB", f"{product}/21/S0"
    statements = {
        "product": {"quantities": ((product, None, None),)},
        "lot": {"quantities": ((lot, None, None),)},
        "item": {"instances": (serial,)},
    }
    goods = {"item": {"instances": (serial,), "lot": "LB"}, "lot": {"quantities": ((lot, Decimal(5), None),)}}

    def happened(hour: float, step: str, captor: str, **facts: object) -> LedgerEvent:
        event = LedgerEvent(
            b"", "", "ObjectEvent", START_US + int(hour * HOUR_US), "+00:00", RECORDED_US, (captor,), action="OBSERVE",
            biz_step=step,
        )  # fmt: skip
        return named(msgspec.structs.replace(event, **facts))

    proof = happened(2, "receiving", CORDIA, owning=(CORDIA, None), possessing=(None, NORTHGATE))
    for (what, about), (kind, named_), hour in itertools.product(statements.items(), goods.items(), (0.5, 1.5)):
        notice = happened(hour, "holding", NORTHGATE, set_flags=("recalled",), **about)
        came = happened(1, "receiving", NORTHGATE, read_point=DC, biz_location=DC, **named_)
        expected = fold([notice, proof, came], PARTIES)
        for keeping in KEEPINGS:
            one_store.projector = Projector(PARTIES, keeping)
            for order in ([[notice], [came], [proof]], [[came], [notice], [proof]], [[notice], [proof, came]]):
                one_store.clear()
                for part in order:
                    one_store.capture(part)
                assert one_store.ledger().records == expected.records, (what, kind, hour)
                assert one_store.digest() == ledger_digest(expected), (what, kind, hour)


def test_an_event_before_what_a_claim_last_took_in_is_late_for_the_claim(one_store: Ledgers) -> None:
    """Rejects lateness told by the ledger's own records alone: a claim changes through its box, without them."""
    lot, box = LOTS[0], CONTAINERS[1]
    one = ((lot, Decimal(1), None),)

    def happened(hour: float, step: str, captor: str = NORTHGATE, **facts: object) -> LedgerEvent:
        time_us = START_US + int(hour * HOUR_US)
        event = LedgerEvent(
            b"", "", "ObjectEvent", time_us, "+00:00", RECORDED_US, (captor,), action="OBSERVE", biz_step=step
        )
        return named(msgspec.structs.replace(event, **facts))

    pack = {"type": "AggregationEvent", "action": "ADD", "parent": box}
    made = happened(0, "commissioning", CORDIA, action="ADD", instances=(box,), quantities=((lot, Decimal(9), None),))
    packed = happened(1, "packing", **pack, child_quantities=one)
    lot_sent, box_sent = happened(3, "shipping", quantities=one), happened(3, "shipping", instances=(box,))
    at_once = (happened(1, "shipping", quantities=one), happened(1, "packing", **pack))
    histories_ = {
        "the box, emptied by what was sent of the lot": (made, packed, lot_sent, happened(2, "packing", **pack)),
        "the same at one instant": (made, packed, *at_once),
        "the lot, sent with its box": (made, packed, box_sent, happened(2, "shipping", quantities=one)),
    }  # fmt: skip
    for what, history in histories_.items():
        expected = fold(history, PARTIES)
        assert claim_record(box, NORTHGATE) in expected.records, what
        for order in itertools.permutations(history):
            one_store.clear()
            for event in order:
                one_store.capture([event])
            assert one_store.ledger().records == expected.records, what
            assert one_store.digest() == ledger_digest(expected), what


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("keeping", KEEPINGS)
@given(histories(), st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_histories_kept_up_in_random_batches_are_their_replay(
    one_store: Ledgers, keeping: Keeping, history: list[LedgerEvent], shuffler: random.Random
) -> None:
    """Law 4. Rejects a closure that leaves out a container, a lot's notice, a relation or a waiting declaration, and
    earlier states that are used for a time that they do not cover, or outlive the late event that changed them.
    """
    ledgers = one_store
    ledgers.clear()
    ledgers.projector = Projector(PARTIES, keeping)
    for part in batches(history, shuffler):
        ledgers.capture(part)
    expected = fold(history, PARTIES)
    assert ledgers.digest() == ledger_digest(expected)
    seen = ledgers.visible()
    notices = {event.eid for event in history if is_notice(event)}
    for eid, parties in expected.visible.items():
        # A recall that was shown once stays shown, even where a correction takes away the reason.
        assert seen[eid] >= parties if eid in notices else seen[eid] == parties


def test_balances_in_the_table_are_those_of_the_records(new_store: Callable[[], Store]) -> None:
    ledgers = Ledgers(new_store(), PARTIES)
    for part in batches(storyline(), random.Random(7)):
        ledgers.capture(part)
    records = ledgers.store.committer.run(stored_ledger).records
    expected = {key: tuple(rows) for key, record in records.items() if (rows := balance_rows(record))}
    assert ledgers.store.committer.run(lambda tx: load_balances(tx, expected)) == expected
    assert ledgers.store.committer.run(lambda tx: tx.fetch("SELECT count(*) FROM balance"))[0][0] == sum(
        map(len, expected.values())
    )


def test_an_event_far_ahead_is_kept_and_counts_when_its_day_comes(tmp_path: Path) -> None:
    """Rejects a future event that hides today's stock, and a refold that lets it in before its day."""
    early_us = 1_790_000_000_000_000  # September 2026: F25 and the storyline's last years are still to come
    store = open_store(f"sqlite:///{tmp_path / 'early.db'}", clock=lambda: early_us, secret_key=b"k" * 32)
    try:
        ledgers = Ledgers(store, PARTIES)
        for part in batches(storyline(), random.Random(3)):
            ledgers.capture(part)
        until = fold(storyline(), PARTIES, as_of_us=early_us + DAY_US)
        ahead = [
            said
            for event in storyline()
            if event.event_time_us > early_us + DAY_US
            for said in dated_ahead(event, event.captured_by, PARTIES)
        ]
        told = until.conflicts | {said.id: said for said in ahead}
        assert len(ahead) >= 4, "nobody is told of what is dated ahead"
        assert ledgers.digest() == ledger_digest(replace(until, conflicts=dict(sorted(told.items()))))
        last_us = max(event.event_time_us for event in storyline())
        ledgers.apply_due(last_us)
        expected = fold(storyline(), PARTIES)
        assert ledgers.digest() == ledger_digest(expected)
        assert ledgers.visible() == expected.visible
    finally:
        store.close()


def test_an_event_far_ahead_counts_for_all_who_witnessed_it_before_its_day(tmp_path: Path) -> None:
    """Rejects a day of reckoning that knows the first captor alone: the one who was entitled may have come later."""
    early_us = 1_770_000_000_000_000
    store = open_store(f"sqlite:///{tmp_path / 'ahead.db'}", clock=lambda: early_us, secret_key=b"k" * 32)
    try:
        ledgers = Ledgers(store, PARTIES)
        theirs = at(24 * 30, RIVAL, "commissioning", action="ADD", instances=(V7,), biz_location=DC)
        ours = msgspec.structs.replace(theirs, captured_by=(CORDIA,))
        for event in (theirs, ours):
            ledgers.capture([event])
        ledgers.apply_due(theirs.event_time_us)
        assert ledgers.digest() == ledger_digest(fold([theirs, ours], PARTIES))
        item = ledgers.ledger().instance(V7)
        assert item is not None
        assert item.owner == CORDIA
    finally:
        store.close()


def test_a_rebuild_finds_what_step_by_step_came_to(store: Store) -> None:
    """Rejects a rebuild that leaves rows of the old ledger behind."""
    ledgers = Ledgers(store, PARTIES)
    for part in batches(storyline(), random.Random(5)):
        ledgers.capture(part)
    before = ledgers.digest()
    balances = "SELECT record_key, slot, owner, holder, place, status, quantity FROM balance ORDER BY record_key, slot"
    rows = ledgers.store.committer.run(lambda tx: tx.fetch(balances))
    ledgers.store.committer.run(ledgers.projector.rebuild)
    assert ledgers.digest() == before == ledger_digest(fold(storyline(), PARTIES))
    assert ledgers.rebuild(10_000) == ledgers.visible()
    assert ledgers.store.committer.run(lambda tx: tx.fetch(balances)) == rows


def test_a_further_witness_is_weighed_with_the_captors_before(new_store: Callable[[], Store]) -> None:
    """Rejects a projector that keeps the first captor's verdict."""
    ledgers = Ledgers(new_store(), PARTIES)
    swapped = [
        msgspec.structs.replace(event, captured_by=(CORDIA if event.captured_by == (NORTHGATE,) else NORTHGATE,))
        for event in storyline()
        if not event.private
    ]
    ledgers.capture(swapped)
    ledgers.capture([event for event in storyline() if not event.private])
    expected = fold([*swapped, *(event for event in storyline() if not event.private)], PARTIES)
    assert ledgers.digest() == ledger_digest(expected)
    assert ledgers.visible() == expected.visible


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("records_at_once", [1, 3, 10_000])
@given(histories(), st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_rebuild_in_parts_gives_the_replays_ledger_and_visibility(
    one_store: Ledgers, records_at_once: int, history: list[LedgerEvent], shuffler: random.Random
) -> None:
    """Law 4. Rejects a part that forgets a correction, a notice, a use or a relation that an earlier part met."""
    ledgers = one_store
    ledgers.clear()
    for part in batches(history, shuffler):
        ledgers.capture(part)
    expected = fold(history, PARTIES)
    shown = ledgers.rebuild(records_at_once)
    assert ledgers.digest() == ledger_digest(expected)
    shared = {eid: seen for eid, seen in expected.visible.items() if seen}
    assert shown == shared


def test_a_rebuild_of_the_storyline_tells_how_far_it_is(store: Store) -> None:
    ledgers = Ledgers(store, PARTIES)
    ledgers.capture(storyline())
    before = ledgers.digest()
    told: list[tuple[int, int, str]] = []

    def tell(done: int, in_all: int, what: str = EVENTS) -> None:
        told.append((done, in_all, what))

    folded = store.committer.run(lambda tx: ledgers.projector.rebuild(tx, tell))
    assert [one for one in told if one[2] == EVENTS][-1] == (folded, folded, EVENTS)
    assert folded == len(storyline())
    compared = [one for one in told if one[2] == COMPARED]
    assert compared[0][0] == 0
    assert len({done for done, _, _ in compared}) > 5
    assert compared[-1][0] == compared[-1][1] == told[-1][1] > folded
    assert ledgers.digest() == before
