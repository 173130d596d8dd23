"""Kept up step by step or folded at once: the stored ledger is always what a replay gives."""

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.flows import histories
from ledger.stored import Ledgers
from ledger.storyline import CORDIA, NORTHGATE, PARTIES, events_of, storyline
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.ledger.persistence import balance_rows, stored_ledger
from traceward.store.engine import Store
from traceward.store.ledger_rows import load_balances


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


def test_any_order_and_batching_of_the_storyline_gives_the_replays_ledger(
    new_store: Callable[[], Store], full_run: bool
) -> None:
    """Rejects a fast path taken for a late event, and a refold that misses a container's or a lot's other events."""
    events = storyline()
    expected = fold(events, PARTIES)
    for seed in range(1000 if full_run else 40):
        ledgers = Ledgers(new_store(), PARTIES)
        for part in batches(events, random.Random(seed)):
            ledgers.capture(part)
        assert ledgers.digest() == ledger_digest(expected), seed
        assert ledgers.visible() == expected.visible, seed


@given(histories(), st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_histories_kept_up_in_random_batches_are_their_replay(
    one_store: Ledgers, history: list[LedgerEvent], shuffler: random.Random
) -> None:
    """Law 4. Rejects a closure that leaves out a container, a lot's notice, a relation or a waiting declaration."""
    ledgers = one_store
    ledgers.clear()
    for part in batches(history, shuffler):
        ledgers.capture(part)
    expected = fold(history, PARTIES)
    assert ledgers.digest() == ledger_digest(expected)
    assert ledgers.visible() == expected.visible


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
