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


def test_agreements_and_write_offs_of_earlier_versions_are_known_by_whose_they_are(
    database_url: str, clock: Clock
) -> None:
    """Rejects keys that only what is written from now on has: nothing of before would be found."""
    one, other = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/4012345000009"
    open_store(database_url, clock=clock).close()
    pair = {"supplier": one, "hospital": other}
    agreed = {"agreement_id": "urn:a:1", "version": 2}
    settled = {"id": "s", "agreement_id": "urn:a:1", "period": "2026-03", "number": 1, "known_us": 1, "content": "{}"}
    lost = {"id": "w-1", "agreement_id": "urn:a:1", "agreement_version": 2, "place": "p", "reason": "lost"}
    lost |= {"items": "[]", "payer": "supplier", "explanation": "", "state": "proposed", "event_ids": "[]"}
    line = {"settlement_id": "s", "number": 0, "agreement_id": "urn:a:1", "line_key": "k", "kind": "current"}
    earlier: tuple[tuple[str, dict[str, object]], ...] = (
        ("agreement_version", agreed | pair | {"terms": "{}", "proposed_by": one, "proposed_us": 1}),
        ("agreement_signature", agreed | {"party": one, "principal": "key", "signed_us": 1}),
        ("settlement", settled | pair | {"digest": "d", "created_by": one, "created_us": 1}),
        ("settlement_line", line | {"quantity": "1", "period": "2026-03"}),
        ("write_off", lost | pair | {"proposed_by": other, "proposed_us": 1}),
    )
    connection = database_of(database_url).open_writer()
    connection.begin()
    for table, row in earlier:
        marks = ",".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks})", [*row.values()])
    connection.execute("UPDATE alembic_version SET version_num='0017'")
    connection.commit()
    connection.close()
    store = open_store(database_url, clock=clock)
    key = f"urn:a:1 {other} {one}"
    with store.reader() as reader:
        for table in ("agreement_version", "agreement_signature", "settlement", "settlement_line"):
            assert reader.fetch(f"SELECT agreement_id FROM {table}") == [(key,)], table
        assert reader.fetch("SELECT id, agreement_id FROM write_off") == [(f"w-1 {other}", "urn:a:1")]
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
