"""The order in which standing queries see events: by when they became visible, none missed, none twice."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.cases import ALICE, BOB, Case, Clock, capture, visible_rows
from traceward.epcis.predicates import AnyTerm, Query
from traceward.services.delivery.standing import matches_after, start_cursor
from traceward.store import feed
from traceward.store.compile import Cursor, VisibleTo
from traceward.store.engine import Store, open_store

EVERYTHING = Query(())
BEGINNING = Cursor(0, 0)
TEXT = b'{"type":"ObjectEvent","eventTime":"2026-01-01T00:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE"}'


def case(name: str, *viewers: int) -> Case:
    return Case(name, 1_000, viewers=viewers or (ALICE,), text=TEXT)


def show(store: Store, of: Case, seq: int, record_time_us: int, viewer: int) -> None:
    """Make an event that is stored visible to one more viewer."""
    rows = [row._replace(viewer=viewer) for row in visible_rows(store, of, seq, record_time_us)]
    store.committer.run(lambda tx: tx.index_visible(rows[:1]))


def hide(store: Store, of: Case, seq: int, record_time_us: int, viewer: int) -> None:
    rows = [row._replace(viewer=viewer) for row in visible_rows(store, of, seq, record_time_us)]
    store.committer.run(lambda tx: tx.remove_visible(rows[:1]))


def read_all(
    store: Store, cursor: Cursor, viewers: Sequence[int] = (BOB,), limit: int = 100
) -> tuple[list[str], Cursor]:
    """The names of the events behind a cursor, read in parts, and the cursor at the end."""
    names: list[str] = []
    while True:
        with store.reader() as reader:
            found = matches_after(reader, EVERYTHING, viewers, cursor, limit)
        names += [event.event_id.removeprefix("urn:example:") for event in found.events]
        cursor = found.cursor
        if not found.more:
            return names, cursor


def test_an_event_that_becomes_visible_late_is_reported_behind_the_cursor(store: Store, clock: Clock) -> None:
    """Rejects a cursor by recordTime or number, which has passed the event before its viewer could see it."""
    early, later = case("early", ALICE), case("later", BOB)
    seq, at = capture(store, early)["early"], clock.now_us
    clock.now_us += 10
    capture(store, later)
    names, cursor = read_all(store, BEGINNING)
    assert names == ["later"]
    show(store, early, seq, at, BOB)
    names, cursor = read_all(store, cursor)
    assert names == ["early"]
    assert read_all(store, cursor)[0] == []
    assert read_all(store, BEGINNING)[0] == ["later", "early"]


def test_an_event_that_became_visible_late_and_is_ahead_of_the_cursor_is_reported_once(store: Store) -> None:
    """Rejects the union of new events and late marks without leaving the marked ones out of the first."""
    first = case("first", ALICE)
    seq = capture(store, first)["first"]
    show(store, first, seq, 1_790_000_000_000_000, BOB)
    assert read_all(store, BEGINNING)[0] == ["first"]


def test_making_visible_what_is_visible_already_reports_nothing_again(store: Store) -> None:
    seen = case("seen", BOB)
    seq = capture(store, seen)["seen"]
    _, cursor = read_all(store, BEGINNING)
    show(store, seen, seq, 1_790_000_000_000_000, BOB)
    assert read_all(store, cursor)[0] == []


def test_what_was_hidden_before_it_was_reported_is_not_reported_until_it_comes_back(store: Store) -> None:
    one = case("one", ALICE)
    at = 1_790_000_000_000_000
    seq = capture(store, one)["one"]
    cursor = BEGINNING
    show(store, one, seq, at, BOB)
    hide(store, one, seq, at, BOB)
    names, cursor = read_all(store, cursor)
    assert names == []
    show(store, one, seq, at, BOB)
    assert read_all(store, cursor)[0] == ["one"]


def test_a_page_goes_no_further_than_it_has_read(store: Store, clock: Clock) -> None:
    """Rejects a page that is full of new events and steps over late ones between them."""
    old = [case(f"old{n}", ALICE) for n in range(5)]
    seqs, at = capture(store, *old), clock.now_us
    for n, one in enumerate(old):
        capture(store, case(f"new{n}", BOB))
        show(store, one, seqs[one.name], at, BOB)
    expected = [name for n in range(5) for name in (f"new{n}", f"old{n}")]
    for limit in (1, 2, 3, 100):
        assert read_all(store, BEGINNING, limit=limit)[0] == expected


def test_only_matching_events_are_reported_and_the_cursor_moves_past_the_others(store: Store) -> None:
    wanted = Case("wanted", 1_000, (("disposition", "expired"),), viewers=(BOB,), text=TEXT)
    capture(store, case("other", BOB), wanted, case("another", BOB))
    with store.reader() as reader:
        found = matches_after(reader, Query((AnyTerm((("eventID", "urn:example:other"),)),)), (BOB,), BEGINNING, 10)
        assert [event.event_id for event in found.events] == ["urn:example:other"]
        assert matches_after(reader, EVERYTHING, (BOB,), found.cursor, 10).events == []


class Served:
    """What `start_cursor` asks of a runtime."""

    def __init__(self, store: Store) -> None:
        self.store = store


@pytest.mark.parametrize("ahead_us", [-5, 0, 5, 10_000_000])
def test_a_cursor_of_a_time_begins_with_the_first_event_from_that_time(
    store: Store,
    clock: Clock,
    ahead_us: int,
) -> None:
    """Rejects a future time that is taken for now, and an event at the very time that is left out."""
    start = clock.now_us
    capture(store, case("before", BOB))
    clock.now_us += 10
    cursor = start_cursor(Served(store), (BOB,), clock.now_us + ahead_us)  # type: ignore[arg-type]
    assert read_all(store, cursor)[0] == []
    names: list[str] = []
    for step in (0, 5, 10_000_000):
        clock.now_us = start + 10 + step
        capture(store, case(f"at {step}", BOB))
        found, cursor = read_all(store, cursor)
        names += found
    assert names == [f"at {step}" for step in (0, 5, 10_000_000) if step >= ahead_us]


def test_a_cursor_without_a_time_begins_now(store: Store) -> None:
    capture(store, case("before", BOB))
    cursor = start_cursor(Served(store), VisibleTo({BOB}), None)  # type: ignore[arg-type]
    capture(store, case("after", BOB))
    assert read_all(store, cursor)[0] == ["after"]


Move = tuple[str, int]
MOVES = st.lists(
    st.tuples(st.sampled_from(["capture", "show", "hide", "read", "tick"]), st.integers(0, 7)), max_size=40
)


@given(moves=MOVES, limit=st.integers(1, 4))
def test_a_reader_gets_every_event_that_stays_visible_once_and_none_that_is_hidden(
    moves: list[Move], limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rejects every cursor that skips or repeats, whatever the order of captures, late sights and reads."""
    clock = Clock()
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('s') / 'a.db'}", clock=clock, secret_key=b"k" * 32)
    try:
        stored: dict[int, tuple[Case, int, int]] = {}
        visible: set[str] = set()
        owed: set[str] = set()
        cursor = BEGINNING
        for what, number in moves:
            name = f"e{number}"
            if what == "tick":
                clock.now_us += 1
            elif what == "capture" and number not in stored:
                one = case(name, BOB if number % 2 else ALICE)
                stored[number] = (one, capture(store, one)[name], clock.now_us)
                if number % 2:
                    visible.add(name)
                    owed.add(name)
            elif what == "show" and number in stored and name not in visible:
                show(store, *stored[number], BOB)
                visible.add(name)
                owed.add(name)
            elif what == "hide" and name in visible:
                hide(store, *stored[number], BOB)
                visible.discard(name)
                owed.discard(name)
            elif what == "read":
                names, cursor = read_all(store, cursor, limit=limit)
                assert sorted(names) == sorted(owed)
                owed.clear()
        assert sorted(read_all(store, cursor, limit=limit)[0]) == sorted(owed)
    finally:
        store.close()


def test_reading_on_from_a_place_is_answered_through_indexes(store: Store, clock: Clock) -> None:
    """Rejects late places that are sorted or read whole, which each wake of each stream would pay for."""
    seqs = capture(store, *(case(f"e{n}", ALICE) for n in range(300)))
    shown = [
        row._replace(viewer=BOB)
        for n in range(300)
        for row in visible_rows(store, case(f"e{n}"), seqs[f"e{n}"], clock.now_us)
    ]
    store.committer.run(lambda tx: tx.index_visible(shown))
    connection = store.database.open_writer()
    connection.execute("ANALYZE")
    connection.close()
    table = feed.INDEX_TABLE[store.dialect]
    statements: list[tuple[str, tuple[Any, ...]]] = [
        (feed.LATE, (BOB, clock.now_us, 5, 10)),
        (feed.FIRST.format(table="late_visible", number="position"), (BOB, clock.now_us)),
        (feed.FIRST.format(table=table, number="seq"), (BOB, clock.now_us)),
        (feed.LATE_AMONG.replace("IN {in}", "IN (1, 2)"), (BOB,)),
    ]
    with store.reader() as reader:
        for sql, params in statements:
            if store.dialect == "sqlite":
                plan = str([row[3] for row in reader.fetch("EXPLAIN QUERY PLAN " + sql, params)])
                assert "SCAN" not in plan, (sql, plan)
                assert "TEMP B-TREE" not in plan, (sql, plan)
            else:
                plan = str(reader.fetch("EXPLAIN (FORMAT JSON) " + sql, params)[0][0])
                assert "Seq Scan" not in plan, (sql, plan)
                assert "'Sort'" not in plan, (sql, plan)


def test_an_event_that_is_shown_twice_at_once_is_indexed_once(store: Store, clock: Clock) -> None:
    """Rejects a bulk insert that fails on PostgreSQL when a viewer gains an event for two reasons in one unit."""
    one = case("one", ALICE)
    seq = capture(store, one)["one"]
    rows = [row._replace(viewer=BOB) for row in visible_rows(store, one, seq, clock.now_us)] * 2
    store.committer.run(lambda tx: tx.index_visible(rows))
    assert read_all(store, BEGINNING)[0] == ["one"]
