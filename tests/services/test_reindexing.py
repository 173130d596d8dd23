"""The query index written afresh: from whatever an older version left, on both databases, in one go or in several."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from traceward.cli.main import app
from traceward.services.demo.demo import load_demo
from traceward.services.identity.principals import Principal
from traceward.services.indexing.reindexing import reindex
from traceward.services.intake.capture import capture_document
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.store.write import WriteTransaction

TABLES = {
    "sqlite": ("posting", "arrival", "number", "vocabulary"),
    "postgresql": ("visible", "number", "vocabulary"),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """The demo's story on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'traceward.sqlite3'}"
    else:
        url = request.getfixturevalue("new_postgres_database")()
    opened = open_runtime(url, data_dir=tmp_path, limits=Limits(), scan_workers=1)
    load_demo(opened)
    yield opened
    opened.close()


def index_of(runtime: Runtime) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the index; an array of terms in no order."""
    with runtime.store.reader() as reader:
        found = {}
        for table in TABLES[reader.dialect]:
            rows = reader.fetch(f"SELECT * FROM {table}")
            plain = [tuple(sorted(cell) if isinstance(cell, list) else cell for cell in row) for row in rows]
            found[table] = sorted(plain, key=repr)
        return found


def spoil(tx: WriteTransaction) -> None:
    """An index as an older version might have left it: other keys, other numbers, fewer and more values listed."""
    chance = random.Random(7)
    viewer, seq = 2, max(seq for (seq,) in tx.fetch("SELECT seq FROM event"))
    if tx.dialect == "sqlite":
        for h, t, number in chance.sample(tx.fetch("SELECT h, t, seq FROM posting"), 60):
            tx.execute("DELETE FROM posting WHERE h=? AND t=? AND seq=?", (h, t, number))
            tx.write("posting", ("h", "t", "seq"), [(h ^ 12345, t, number)])
    else:
        tx.execute("UPDATE visible SET terms='{1,2,3}', biz_step=NULL WHERE seq<=?", (seq - 3,))
    tx.execute("DELETE FROM number WHERE seq=(SELECT MIN(seq) FROM number)")
    tx.write("number", ("h", "seq", "x", "t"), [(99, seq, 1.5, 0)])
    tx.execute("DELETE FROM vocabulary WHERE kind=2")
    tx.write("vocabulary", ("viewer", "kind", "value"), [(viewer, 2, "no such step"), (viewer, 0, "NoEvent")])


def test_an_index_of_an_older_version_becomes_the_one_that_captures_write(runtime: Runtime) -> None:
    """Rejects rows that are only added, private events without their clinical viewer, and values nothing mentions."""
    before = index_of(runtime)
    runtime.store.committer.run(spoil)
    assert index_of(runtime) != before
    told: list[tuple[int, int]] = []
    count = reindex(runtime.store, lambda done, total: told.append((done, total)), at_once=7)
    assert index_of(runtime) == before
    assert told == [(min(done, count), count) for done in range(7, count + 7, 7)]
    with runtime.store.reader() as reader:
        assert reader.fetch("SELECT name FROM counter WHERE name LIKE 'reindex%'") == []
    assert reindex(runtime.store) == count
    assert index_of(runtime) == before


def test_one_that_was_stopped_goes_on_where_it_was(runtime: Runtime) -> None:
    """Rejects a second run that starts anew, and one that takes what is left for done."""
    before = index_of(runtime)
    runtime.store.committer.run(spoil)

    def stop_soon(done: int, _total: int) -> None:
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(runtime.store, stop_soon, at_once=5)
    with runtime.store.reader() as reader:
        ((total,),) = reader.fetch("SELECT COUNT(*) FROM event")
    assert reindex(runtime.store) == total - 10
    assert index_of(runtime) == before


def test_what_is_captured_meanwhile_is_found_afterwards(runtime: Runtime) -> None:
    """Rejects a walk whose end is looked up once but whose last part deletes rows of newer events."""
    organisation = next(one for one in runtime.registry.organisations() if one.name == "Cordia Devices")
    maker = Principal(organisation.id, "supplier", organisation.number, organisation.name, "test", "test")

    def capture_one(done: int, _total: int) -> None:
        event = {
            "type": "ObjectEvent", "eventTime": f"2026-09-01T00:00:{done:02d}Z", "eventTimeZoneOffset": "+00:00",
            "action": "OBSERVE", "bizStep": "inspecting", "epcList": ["urn:epc:id:sgtin:9521141.001023.RX1"],
        }  # fmt: skip
        document = {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-09-01T00:00:00Z",
            "epcisBody": {"eventList": [event]},
        }  # fmt: skip
        capture_document(runtime, maker, orjson.dumps(document), "rollback")

    reindex(runtime.store, capture_one, at_once=10)
    there = index_of(runtime)
    reindex(runtime.store)
    assert index_of(runtime) == there


def test_the_command_tells_how_many_events_it_wrote(tmp_path: Path) -> None:
    opened = open_runtime(
        f"sqlite:///{tmp_path / 'traceward.sqlite3'}", data_dir=tmp_path, limits=Limits(), scan_workers=1
    )
    load_demo(opened)
    opened.close()
    done = CliRunner().invoke(app, ["reindex", "--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "indexed " in done.output
    asked = CliRunner().invoke(app, ["reindex", "--data", str(tmp_path), "--json"])
    assert orjson.loads(asked.output)["events"] > 20
