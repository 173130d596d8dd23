"""Many units share a commit, and none of them shares another's failure."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from store.cases import ALICE, Case, Clock, capture, write_cases
from traceward.epcis.predicates import Query
from traceward.store import group_commit
from traceward.store.compile import VisibleTo
from traceward.store.engine import Store, open_store
from traceward.store.errors import StoreBusy, StoreUnavailable
from traceward.store.write import WriteTransaction


def names_in(store: Store) -> set[str]:
    with store.reader() as reader:
        page = reader.find(Query(), VisibleTo({ALICE}), limit=1000)
        return {event.event_id.rpartition(":")[2] for event in reader.documents(page.seqs)}


def held(store: Store) -> tuple[threading.Event, Callable[[], None]]:
    """Keep the writer busy until the event is set, so that what is submitted meanwhile makes one group."""
    go, started = threading.Event(), threading.Event()

    def wait(_: WriteTransaction) -> None:
        started.set()
        go.wait(20)

    waiting = store.committer.submit(wait)
    assert started.wait(20)
    return go, lambda: waiting.result(20)


def test_a_unit_that_fails_gets_its_own_error_and_the_others_are_stored(store: Store) -> None:
    """Rejects a group that is rolled back as a whole, and a failed unit whose rows stay."""
    go, _ = held(store)

    def fail(tx: WriteTransaction, name: str) -> None:
        write_cases(tx, store, [Case(name)])
        raise ValueError(name)

    def clash(tx: WriteTransaction) -> None:
        write_cases(tx, store, [Case("clash")])
        tx.write("event", ("seq",), [(1,)], "fail")

    good = [
        store.committer.submit(lambda tx, n=name: write_cases(tx, store, [Case(n)])) for name in ("a", "b")
    ]  # fmt: skip
    bad = store.committer.submit(lambda tx: fail(tx, "bad"))
    clashing = store.committer.submit(clash)
    last = store.committer.submit(lambda tx: write_cases(tx, store, [Case("c")]))
    commits = store.committer.counts().commits
    go.set()
    assert [future.result(20) for future in (*good, last)] == [{"a": 1}, {"b": 2}, {"c": 3}]
    with pytest.raises(ValueError, match="bad"):
        bad.result(20)
    assert clashing.exception(20) is not None
    assert names_in(store) == {"a", "b", "c"}
    assert store.committer.counts().commits <= commits + 2


def test_units_that_wait_together_share_commits(store: Store) -> None:
    go, _ = held(store)
    futures = [store.committer.submit(lambda tx, n=n: write_cases(tx, store, [Case(f"e{n}")])) for n in range(200)]
    go.set()
    seqs = [future.result(60)[f"e{n}"] for n, future in enumerate(futures)]
    assert seqs == list(range(1, 201))
    assert store.committer.counts().commits <= 4


def test_a_future_resolves_only_when_another_connection_sees_the_rows(store: Store) -> None:
    """Rejects futures that are settled when the unit has run, before the commit."""
    for number in range(20):
        future = store.committer.submit(lambda tx, n=number: write_cases(tx, store, [Case(f"e{n}")]))
        seen: list[set[str]] = []
        future.add_done_callback(lambda _, seen=seen: seen.append(names_in(store)))
        future.result(20)
        store.committer.run(lambda _: None)
        assert f"e{number}" in seen[0]


def test_a_commit_that_fails_is_tried_again_unit_by_unit(store: Store) -> None:
    """Rejects a shared failure that is reported to units which could have been stored alone."""
    go, finish = held(store)
    futures = [store.committer.submit(lambda tx, n=n: write_cases(tx, store, [Case(f"e{n}")])) for n in range(3)]

    def broken(tx: WriteTransaction) -> None:
        write_cases(tx, store, [Case("broken")])
        raise StoreUnavailable("the disk is full")

    fourth = store.committer.submit(broken)
    go.set()
    finish()
    assert [future.result(20) for future in futures] == [{"e0": 1}, {"e1": 2}, {"e2": 3}]
    with pytest.raises(StoreUnavailable, match="disk is full"):
        fourth.result(20)
    assert names_in(store) == {"e0", "e1", "e2"}


def test_what_a_failed_unit_learnt_about_the_vocabulary_is_forgotten(store: Store) -> None:
    """Rejects a cache of written entries that is filled before the commit: the second capture would leave them out."""
    entry = (("bizSteps", "shipping"),)

    def fail(tx: WriteTransaction) -> None:
        write_cases(tx, store, [Case("a", vocabulary=entry)])
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.committer.run(fail)
    capture(store, Case("a", vocabulary=entry))
    with store.reader() as reader:
        assert reader.vocabulary("bizSteps", VisibleTo({ALICE}), limit=5) == ["shipping"]
        assert reader.documents([1])[0].context == b'["urn:c"]'


def test_a_full_queue_refuses_and_takes_again_when_it_has_drained(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LONGEST_QUEUE", 3)
    go, finish = held(store)
    futures = [store.committer.submit(lambda _: 1) for _ in range(3)]
    with pytest.raises(StoreBusy, match="3 writes are waiting"):
        store.committer.submit(lambda _: 1)
    go.set()
    finish()
    assert [future.result(20) for future in futures] == [1, 1, 1]
    assert store.committer.run(lambda _: 2) == 2


def test_closing_stores_what_waits_and_refuses_what_comes_later(database_url: str, clock: Clock) -> None:
    store = open_store(database_url, clock=clock)
    go, _ = held(store)
    future = store.committer.submit(lambda tx: write_cases(tx, store, [Case("a")]))
    go.set()
    store.close()
    assert future.result(0) == {"a": 1}
    with pytest.raises(StoreUnavailable, match="closed"):
        store.committer.submit(lambda _: 1)


def test_two_stores_on_one_database_give_every_event_its_own_number(database_url: str, clock: Clock) -> None:
    """Rejects numbers that a process counts for itself."""
    stores = [open_store(database_url, clock=clock) for _ in range(2)]
    futures = [
        stores[n % 2].committer.submit(lambda tx, n=n: write_cases(tx, stores[n % 2], [Case(f"e{n}")]))
        for n in range(40)
    ]
    seqs = sorted(seq for future in futures for seq in future.result(60).values())
    assert seqs == list(range(1, 41))
    for store in stores:
        assert len(names_in(store)) == 40
        store.close()


def test_a_database_on_a_full_disk_refuses_with_the_reason_and_goes_on_after(tmp_path: Path, clock: Clock) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}", clock=clock)
    store.committer.run(lambda tx: tx.fetch("PRAGMA max_page_count=120"))
    big = Case("big", text=b"x" * 2_000_000)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        capture(store, big)
    assert capture(store, Case("small")) == {"small": 1}
    store.committer.run(lambda tx: tx.fetch("PRAGMA max_page_count=100000"))
    capture(store, big)
    assert names_in(store) == {"small", "big"}
    store.close()
