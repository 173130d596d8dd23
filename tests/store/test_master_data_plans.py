"""The statements of master data are answered through an index and with a bound, on both databases."""

from typing import Any

import pytest

from traceward.store import master_data_read
from traceward.store.compile import VisibleTo
from traceward.store.engine import Store
from traceward.store.master_data_read import CallerMasterData
from traceward.store.master_data_rows import NewElement, write_elements

PLACES = "urn:epcglobal:epcis:vtype:BusinessLocation"
ELEMENTS = 4000


@pytest.fixture
def filled(store: Store) -> Store:
    """Two organisations' places, each with a name and a child."""
    for party in (1, 2):
        elements = [
            NewElement(
                f"urn:p:{number:05}",
                PLACES,
                bytes([number % 251]) * 16,
                "a name",
                '{"id":"urn:p"}',
                (("urn:a:name", f"n{number % 7}"),),
                (f"urn:p:{number + 1:05}",),
            )
            for number in range(ELEMENTS)
        ]
        store.committer.run(lambda tx, e=elements, p=party: write_elements(tx, p, "key", None, e))
    connection = store.database.open_writer()
    connection.execute("ANALYZE")
    connection.close()
    return store


class Recorder:
    """Passes reads on and keeps what was asked."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def fetch(self, sql: str, params: Any = ()) -> list[Any]:
        self.asked.append((sql, tuple(params)))
        found: list[Any] = self._reader.fetch(sql, params)
        return found

    def fetch_in(self, sql: str, values: Any, params: Any = ()) -> list[Any]:
        listed = sorted(values)
        if listed:
            one = (sql.replace("{in}", "(?)"), (*params, listed[0]))
            self.asked.append(one)
        found: list[Any] = self._reader.fetch_in(sql, listed, params)
        return found

    def vocabulary(self, *given: Any, **named: Any) -> list[str]:
        found: list[str] = self._reader.vocabulary(*given, **named)
        return found


def test_no_statement_reads_a_table_of_master_data_whole(filled: Store) -> None:
    """Rejects a lookup by a column that leads no index, and a list that sorts what it read."""
    with filled.reader() as reader:
        recorder = Recorder(reader)
        source = CallerMasterData(recorder, VisibleTo({2, 3}))
        assert source.children(["urn:p:00007"]) == {"urn:p:00008"}
        assert source.carrying(["urn:p:00007", "urn:p:00008"], ["urn:a:name"], {"n0"}) == {"urn:p:00007"}
        assert [row.party for row in source.by_id(["urn:p:00007"])] == [1]
        page = source.page(("urn:p:00005", PLACES), 10)
        assert [row.id for row in page.elements] == [f"urn:p:{number:05}" for number in range(6, 16)]
        assert len(source.versions(1, "urn:p:00007", PLACES)) == 1
        statements = dict(recorder.asked)
        assert len(statements) >= 6
        for sql, params in statements.items():
            if filled.dialect == "sqlite":
                plan = " ".join(row[3] for row in reader.fetch("EXPLAIN QUERY PLAN " + sql, params))
                assert "SCAN" not in plan, (sql, plan)
                assert "TEMP B-TREE" not in plan, (sql, plan)
            else:
                plan = str(reader.fetch("EXPLAIN (FORMAT JSON) " + sql, params))
                assert "Seq Scan" not in plan or "vocabulary" in sql, (sql, plan)


def test_a_page_goes_on_where_the_one_before_it_ended(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects a part of the walk whose end is taken for the end of the list, and entries that come twice."""
    monkeypatch.setattr(master_data_read, "_WALKED", 3)
    with filled.reader() as reader:
        source = CallerMasterData(reader, VisibleTo({2, 3}))
        found: list[str] = []
        after: tuple[str, str] | None = ("urn:p:03900", PLACES)
        while after is not None:
            page = source.page(after, 7)
            found += [row.id for row in page.elements]
            after = page.next
    assert found == [f"urn:p:{number:05}" for number in range(3901, ELEMENTS)]
