"""What was acknowledged survives: kill -9 on both databases, power cuts on SQLite."""

import itertools
import os
import random
import re
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.cases import ALICE, Clock, write_cases
from store.crash_child import batch_of
from store.power_cut import RecordedDatabase, Recorder, Step, cut
from traceward.epcis.predicates import AnyTerm, Query
from traceward.store.compile import VisibleTo
from traceward.store.engine import Store, open_store

ROOT = Path(__file__).parents[2]
VIEWERS = VisibleTo({ALICE})
_recorders = itertools.count()


def batches_in(store: Store) -> Counter[int]:
    """How many events of each batch a store has; asserts that each is whole in every table."""
    with store.reader() as reader:
        by_time = reader.find(Query(), VIEWERS, limit=1_000_000).seqs
        by_record = reader.find(Query(order_by="recordTime"), VIEWERS, limit=1_000_000).seqs
        assert sorted(by_time) == sorted(by_record)
        events = reader.documents(by_time, witnesses=True)
        assert len(events) == len(by_time) == len({event.eid for event in events})
        assert all(event.witnesses == (1,) for event in events)
        ((total,),) = reader.fetch("SELECT count(*) FROM event")
        assert total == len(events)
        found = Counter(int(re.findall(r"b(\d+)-", event.event_id)[0]) for event in events)
        for number in list(found)[-20:]:
            by_term = reader.find(Query((AnyTerm((("epc", f"urn:epc:{number}"),)),)), VIEWERS, limit=10)
            assert len(by_term.keys) == found[number]
        return found


def assert_whole(found: Counter[int], acknowledged: set[int]) -> None:
    """Every acknowledged batch is there, and every batch that is there is whole and once."""
    assert not acknowledged - found.keys()
    assert all(count == len(batch_of(number)) for number, count in found.items())


def kill_while_capturing(url: str, first: int, wait_s: float) -> tuple[set[int], int]:
    """The batches that were acknowledged before the process was killed, and the highest that was begun."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))}
    child = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/store/crash_child.py"), url, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert child.stdout is not None
    lines = [child.stdout.readline()]
    # Not a wait for something to happen: the moment of the kill is what is random here.
    threading.Timer(wait_s, child.kill).start()
    lines += child.stdout.readlines()
    child.stdout.close()
    child.wait()
    tried = {int(line.split()[1]) for line in lines if re.fullmatch(r"try \d+\n", line)}
    acknowledged = {int(line.split()[1]) for line in lines if re.fullmatch(r"ack \d+\n", line)}
    return acknowledged, max(tried, default=first)


def assert_kills_lose_nothing(url: str, kills: int) -> None:
    chance = random.Random(7)
    acknowledged: set[int] = set()
    first = 0
    for _ in range(kills):
        new, last = kill_while_capturing(url, first, chance.uniform(0.05, 0.5))
        acknowledged |= new
        first = last + 1
        store = open_store(url, clock=Clock())
        found = batches_in(store)
        store.close()
        assert_whole(found, acknowledged)
    assert acknowledged


def test_kill_9_during_capture_loses_nothing_acknowledged_and_doubles_nothing(database_url: str) -> None:
    """Rejects futures that resolve before the commit, and batches whose rows are committed in parts."""
    assert_kills_lose_nothing(database_url, 3)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_a_hundred_kills_lose_nothing(database_url: str) -> None:
    assert_kills_lose_nothing(database_url, 100)


# ---------------------------------------------------------------------- power cuts


def run_recorded(folder: Path, synchronous: str, batches: int) -> tuple[dict[str, bytes], list[Step]]:
    """The files before the run and everything that happened in it."""
    folder.mkdir()
    path = folder / "store.db"
    open_store(f"sqlite:///{path}", clock=Clock()).close()
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    name = f"recorder{next(_recorders)}"
    recorder = Recorder(name)
    store = open_store(
        f"sqlite:///{path}", clock=Clock(), sqlite_database=lambda at: RecordedDatabase(at, name, synchronous)
    )
    for number in range(batches):
        cases = batch_of(number)
        store.committer.run(lambda tx, cases=cases: write_cases(tx, store, cases))
        recorder.steps.append(Step("ack", str(number)))
    steps = list(recorder.steps)
    store.close()
    return before, steps


def lost_after_cut(folder: Path, before: dict[str, bytes], steps: list[Step], at: int, chance: random.Random) -> int:
    """How many acknowledged batches are missing after one power cut; asserts that nothing is damaged or in parts."""
    folder.mkdir()
    for name, data in cut(before, steps, at, chance).items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(data)
    path = folder / "store.db"
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    store = open_store(f"sqlite:///{path}", clock=Clock())
    found = batches_in(store)
    store.close()
    acknowledged = {int(step.name) for step in steps[:at] if step.kind == "ack"}
    assert_whole(found, acknowledged & found.keys())
    return len(acknowledged - found.keys())


def losses(tmp_path: Path, synchronous: str, cuts: int) -> Iterator[int]:
    chance = random.Random(11)
    per_run = 50
    for run in range((cuts + per_run - 1) // per_run):
        before, steps = run_recorded(tmp_path / f"run{run}", synchronous, 30)
        for number in range(min(per_run, cuts - run * per_run)):
            folder = tmp_path / f"cut{run}-{number}"
            yield lost_after_cut(folder, before, steps, chance.randrange(1, len(steps) + 1), chance)


def test_power_cuts_lose_nothing_acknowledged_and_damage_nothing(tmp_path: Path) -> None:
    """Rejects synchronous=NORMAL; see the next test for the proof that these cuts would notice."""
    assert sum(losses(tmp_path, "FULL", 50)) == 0


def test_the_same_cuts_do_find_what_synchronous_normal_loses(tmp_path: Path) -> None:
    """Rejects a simulator that cuts nothing."""
    assert any(losses(tmp_path, "NORMAL", 25))


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_a_thousand_power_cuts_lose_nothing_acknowledged_and_damage_nothing(tmp_path: Path) -> None:
    assert sum(losses(tmp_path, "FULL", 1000)) == 0
