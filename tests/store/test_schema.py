"""A database is brought to this version's schema whole or not at all."""

import sqlite3
from pathlib import Path

import pytest

from store.cases import Case, Clock, capture
from traceward.store import schema
from traceward.store.engine import database_of, open_store
from traceward.store.errors import WrongDatabase


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects DDL that is committed statement by statement, as Python's sqlite3 does when left to itself."""
    from alembic import op

    made: list[str] = []
    create_table = op.create_table

    def fail_at_the_fifth(name: str, *args: object, **options: object) -> object:
        made.append(name)
        if len(made) == 5:
            raise RuntimeError("cut")
        return create_table(name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(op, "create_table", fail_at_the_fifth)
    with pytest.raises(RuntimeError, match="cut"):
        open_store(database_url, clock=clock)
    connection = database_of(database_url).open_writer()
    for name in ("alembic_version", *made):
        with pytest.raises(Exception, match=r"no such table|does not exist"):
            connection.fetch(f"SELECT 1 FROM {name}")
    connection.close()
    monkeypatch.undo()
    store = open_store(database_url, clock=clock)
    assert capture(store, Case("a")) == {"a": 1}
    store.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    open_store(url, clock=clock).close()
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num='9999'")
    connection.close()
    with pytest.raises(WrongDatabase, match=r"revision 9999.*up to " + schema.HEAD):
        open_store(url, clock=clock)


def test_HEAD_is_the_newest_revision() -> None:
    versions = Path(schema.__file__).with_name("migrations") / "versions"
    assert max(path.name.partition("_")[0] for path in versions.glob("*.py")) == schema.HEAD


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite:/x", ""])
def test_a_url_of_another_kind_is_refused_with_what_was_expected(url: str, clock: Clock) -> None:
    with pytest.raises(ValueError, match="expected sqlite:///PATH or postgresql://"):
        open_store(url, clock=clock)


def test_writers_sync_every_commit_and_readers_cannot_write(tmp_path: Path, clock: Clock) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}", clock=clock)
    pragmas = store.committer.run(lambda tx: [tx.fetch(f"PRAGMA {p}")[0][0] for p in ("journal_mode", "synchronous")])
    assert pragmas == ["wal", 2]
    with store.reader() as reader, pytest.raises(Exception, match="readonly"):
        reader.fetch("INSERT INTO meta VALUES ('a', 'b')")
    store.close()
