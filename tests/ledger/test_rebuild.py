"""A rebuild writes beside the ledger that stands: nobody sees it before its end, and what was right stays untouched."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.flows import PARTIES
from ledger.stored import Ledgers
from ledger.storyline import storyline
from traceward.ledger.digest import ledger_digest
from traceward.ledger.fold import fold
from traceward.ledger.rebuild import Rebuild
from traceward.store.engine import Store, open_store
from traceward.store.write import WriteTransaction

ROOT = Path(__file__).parents[2]
SPOILT = "UPDATE balance SET quantity='777' WHERE slot=0"
TABLES = (
    "ledger_record", "balance", "conflict", "conflict_party", "conflict_key", "relation", "ownership_transfer",
    "ledger_dealing", "ledger_snapshot",
)  # fmt: skip


@pytest.fixture
def ledgers(store: Store) -> Ledgers:
    """A ledger of the storyline."""
    found = Ledgers(store, PARTIES)
    found.capture(storyline())
    return found


def rebuilt(ledgers: Ledgers, tx: WriteTransaction, records_at_once: int = 3) -> int:
    """How many rows a rebuild in small parts changed."""
    names = {number: party for party, number in ledgers.numbers.items()}
    rebuild = Rebuild(
        tx, PARTIES, lambda numbers: tuple(sorted(names[one] for one in numbers)), ledgers.agreements, ledgers.keeping
    )
    rebuild.run(records_at_once=records_at_once)
    return rebuild.changed


def rows(ledgers: Ledgers, table: str) -> list[tuple[object, ...]]:
    """Every row of a table."""
    return ledgers.store.committer.run(lambda tx: sorted(tx.fetch(f"SELECT * FROM {table}"), key=repr))


def test_a_rebuild_of_a_right_ledger_writes_nothing(ledgers: Ledgers) -> None:
    """Rejects a rebuild that empties the tables and fills them again: each row would be written to the log."""
    run = ledgers.store.committer.run
    run(lambda tx: rebuilt(ledgers, tx))
    before = {table: rows(ledgers, table) for table in TABLES}
    assert all(before[table] for table in TABLES if table != "ledger_snapshot"), "a table has nothing to compare"
    assert run(lambda tx: rebuilt(ledgers, tx)) == 0
    assert {table: rows(ledgers, table) for table in TABLES} == before


def test_a_rebuild_brings_back_what_is_missing(ledgers: Ledgers) -> None:
    """Rejects a comparison that only takes out what is too much, and one that leaves some table aside."""
    run = ledgers.store.committer.run
    run(lambda tx: rebuilt(ledgers, tx))
    right = {table: rows(ledgers, table) for table in TABLES}
    for table in TABLES:
        run(lambda tx, table=table: tx.execute(f"DELETE FROM {table}"))  # type: ignore[misc]
    assert run(lambda tx: rebuilt(ledgers, tx)) == sum(len(found) for found in right.values())
    assert {table: rows(ledgers, table) for table in TABLES} == right


def test_what_no_event_tells_of_is_taken_out_and_what_was_changed_is_put_right(ledgers: Ledgers) -> None:
    run = ledgers.store.committer.run
    run(lambda tx: rebuilt(ledgers, tx))
    right = {table: rows(ledgers, table) for table in TABLES}
    run(lambda tx: tx.execute("INSERT INTO relation (owner, consignee, eid) VALUES ('a', 'b', ?)", (b"1" * 16,)))
    run(lambda tx: tx.execute("UPDATE balance SET expiry='2031-01-01' WHERE expiry IS NULL"))
    spoilt = run(lambda tx: tx.execute("UPDATE ledger_record SET lot=NULL WHERE lot IS NOT NULL"))
    assert spoilt > 0
    assert run(lambda tx: rebuilt(ledgers, tx)) > spoilt
    assert {table: rows(ledgers, table) for table in TABLES} == right


def test_a_conflict_that_stands_keeps_the_time_at_which_it_was_found(ledgers: Ledgers) -> None:
    """Rejects a rebuild after which every dispute is as old as the rebuild."""
    run = ledgers.store.committer.run
    run(lambda tx: tx.execute("UPDATE conflict SET opened_us=5, message='otherwise' WHERE id < ?", ("8",)))
    run(lambda tx: rebuilt(ledgers, tx))
    found = run(lambda tx: tx.fetch("SELECT opened_us, message FROM conflict WHERE id < ?", ("8",)))
    assert found
    assert all(opened_us == 5 and message != "otherwise" for opened_us, message in found)


def test_readers_see_the_old_ledger_until_it_commits_and_old_snapshots_for_as_long_as_they_last(
    ledgers: Ledgers,
) -> None:
    """Rejects emptied or exchanged tables: to a snapshot that is older than the exchange the new ones are empty."""
    store = ledgers.store
    store.committer.run(lambda tx: tx.execute(SPOILT))
    count = "SELECT COUNT(*) FROM balance WHERE quantity='777'"
    seen: list[int] = []

    def unit(tx: WriteTransaction) -> None:
        rebuilt(ledgers, tx)
        with store.reader() as reader:
            seen.append(reader.fetch(count)[0][0])

    with store.reader(snapshot=True) as old:
        spoilt = old.fetch("SELECT COUNT(*) FROM balance WHERE slot=0")[0][0]
        store.committer.run(unit)
        with store.reader() as reader:
            seen.append(reader.fetch(count)[0][0])
        assert seen == [spoilt, 0]
        assert old.fetch(count)[0][0] == spoilt


def test_what_is_captured_meanwhile_waits_and_is_in_the_ledger_after_it(store: Store) -> None:
    """Rejects a rebuild that folds what stood at its beginning and is put in place of what came since."""
    ledgers = Ledgers(store, PARTIES)
    events = storyline()
    ledgers.capture(events[: len(events) // 2])
    begun, waiting = threading.Event(), threading.Event()

    def unit(tx: WriteTransaction) -> None:
        begun.set()
        assert waiting.wait(10)
        rebuilt(ledgers, tx)

    rebuild = threading.Thread(target=lambda: store.committer.run(unit))
    rebuild.start()
    assert begun.wait(10)
    capture = threading.Thread(target=lambda: ledgers.capture(events[len(events) // 2 :]))
    capture.start()
    waiting.set()
    rebuild.join()
    capture.join()
    assert ledgers.digest() == ledger_digest(fold(events, PARTIES))


def test_a_rebuild_that_fails_leaves_the_old_ledger_and_a_writer_that_goes_on(ledgers: Ledgers) -> None:
    """Rejects new tables that outlive the unit: every later capture would be written to them and lost."""
    store = ledgers.store
    store.committer.run(lambda tx: tx.execute(SPOILT))
    before = ledgers.digest()

    def failing(tx: WriteTransaction) -> None:
        rebuilt(ledgers, tx)
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        store.committer.run(failing)
    assert ledgers.digest() == before
    assert store.committer.run(lambda tx: rebuilt(ledgers, tx)) > 0
    assert ledgers.digest() == ledger_digest(fold(storyline(), PARTIES))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'killed.db'}"
    else:
        yield request.getfixturevalue("new_postgres_database")()


@pytest.mark.parametrize("moment", ["folding", "written"])
def test_a_rebuild_that_is_killed_leaves_the_old_ledger_and_the_next_one_mends_it(
    url: str, moment: str, tmp_path: Path
) -> None:
    """Rejects a rebuild that commits on its way."""
    store = open_store(url, clock=lambda: 1_840_000_000_000_000, secret_key=b"k" * 32)
    ledgers = Ledgers(store, PARTIES)
    ledgers.capture(storyline())
    store.committer.run(lambda tx: tx.execute(SPOILT))
    before = ledgers.digest()
    store.close()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))}
    script = ROOT / "tests/ledger/killed_rebuild.py"
    child = subprocess.run(
        [sys.executable, str(script), url, moment], env=environment, capture_output=True, text=True, check=False
    )
    assert child.returncode == -9, child.stderr
    store = open_store(url, clock=lambda: 1_840_000_000_000_000, secret_key=b"k" * 32)
    try:
        left = Ledgers(store, PARTIES)
        assert left.digest() == before
        assert not [file for file in tmp_path.iterdir() if "etilqs" in file.name]
        store.committer.run(lambda tx: rebuilt(left, tx))
        assert left.digest() == ledger_digest(fold(storyline(), PARTIES))
    finally:
        store.close()
