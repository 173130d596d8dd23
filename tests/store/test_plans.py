"""Every statement that the store makes has an index and a bound on both databases, and keeps the rules of Citus."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from store.cases import Case, Clock, visible_rows, write_cases
from traceward.epcis.predicates import AnyTerm, NumberRange, Query, TextPrefix, TimeRange
from traceward.store import business_lists, compile_postgres, compile_sqlite, ledger_lists, ledger_rows
from traceward.store.compile import Cursor, Statement, VisibleTo
from traceward.store.connection import Row
from traceward.store.engine import Store, open_store
from traceward.store.postgres import PostgresConnection
from traceward.store.rows import Balance, ConflictRow, LedgerRecord, OwnershipTransfer, Relation
from traceward.store.sqlite import SqliteConnection
from traceward.store.tables import metadata, tables_of
from traceward.store.terms import key_hash

EVENTS = 1500
VIEWERS = VisibleTo({2, 3})
#: Where each table of events would be put on a Citus cluster; no statement may touch two of them.
DISTRIBUTED_BY = {
    "event": "seq",
    "witness": "eid",
    "event_id": "event_id_hash",
    "stream": "key_hash",
    "visible": "seq",
    "number": "h",
    "vocabulary": "value",
    "posting": "h",
    "arrival": "seq",
}


@pytest.fixture(params=["usual bounds", "tiny bounds"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With tiny bounds every term is a common one, so that the statements for common terms are made too."""
    if request.param == "tiny bounds":
        monkeypatch.setattr(compile_sqlite, "PROBE", 2)
        monkeypatch.setattr(compile_postgres, "PROBE", 2)
        monkeypatch.setattr(compile_postgres, "WALKED", 3)
        monkeypatch.setattr(compile_postgres, "FENCED", 3)
    return str(request.param)


@pytest.fixture
def filled(store: Store, clock: Clock) -> Store:
    rows = [
        Case(
            f"e{n}",
            n * 10,
            (
                ("epc", f"urn:epc:{n // 3}"),
                ("bizStep", ["shipping", "receiving", "storing"][n % 3]),
                ("bizLocation", f"urn:p:{n % 5}"),
                ("disposition", f"d{n % 2}"),
            ),
            (("quantity", float(n % 50), None),),
            (("epcs", f"urn:epc:{n // 3}"), ("bizSteps", "shipping")),
            viewers=(2 + n % 2,),
            keys=(f"k{n % 7}",),
        )
        for n in range(EVENTS)
    ]
    store.committer.run(lambda tx: write_cases(tx, store, rows))
    connection = store.database.open_writer()
    connection.execute("ANALYZE")
    connection.close()
    return store


def shapes() -> Iterator[Query]:
    """Queries that together need every statement: each kind of clause alone and beside each other kind."""
    few = AnyTerm((("epc", "urn:epc:7"), ("epc", "urn:epc:8")))
    one = AnyTerm((("epc", "urn:epc:7"),))
    step = AnyTerm((("bizStep", "shipping"),))
    steps = AnyTerm((("bizStep", "shipping"), ("bizStep", "storing")))
    place = AnyTerm((("bizLocation", "urn:p:1"),))
    plain = AnyTerm((("disposition", "d0"),))
    pattern = AnyTerm((), (TextPrefix("epc", "urn:epc:14"),))
    rare, common = NumberRange("quantity", equals=(7.0,)), NumberRange("quantity", ge=1.0, lt=40.0)
    narrow, wide = TimeRange(100, 900), TimeRange(0, None)
    recorded = TimeRange(1, 2_000_000_000_000_000)
    for clauses in (
        (), (one,), (few,), (step,), (steps,), (place,), (plain,), (pattern,), (rare,), (common,), (one, step),
        (step, place), (steps, plain), (plain, common), (step, rare), (common, rare), (few, common, place),
    ):  # fmt: skip
        for event_time, record_time in ((TimeRange(), TimeRange()), (narrow, recorded), (wide, recorded)):
            for order_by in ("eventTime", "recordTime"):
                for descending in (True, False):
                    yield Query(clauses, event_time, record_time, order_by, descending)


def statements_of(store: Store) -> list[Statement]:
    """Every distinct statement that the queries make."""
    found: dict[str, Statement] = {}
    with store.reader() as reader:
        statements = reader.record_statements()
        for query in shapes():
            for after in (None, Cursor(500, 50), Cursor(1_790_000_000_000_000, 50)):
                reader.find(query, VIEWERS, after=after, limit=10)
        reader.vocabulary("epcs", VIEWERS, limit=10)
        for statement in statements:
            found[statement.sql] = statement
    return list(found.values())


def test_every_query_shape_is_answered_through_an_index_and_with_a_bound(filled: Store, bounds: str) -> None:
    """Rejects an OR of posting lists that SQLite sorts as a whole, a walk that sorts, GIN replaced by a full read."""
    statements = statements_of(filled)
    assert len({statement.name for statement in statements}) >= 7
    with filled.reader() as reader:
        for statement in statements:
            assert " LIMIT " in statement.sql or " IN (" in statement.sql or "= ANY(" in statement.sql, statement
            if filled.dialect == "sqlite":
                assert_sqlite_plan(reader.fetch("EXPLAIN QUERY PLAN " + statement.sql, statement.params), statement)
            else:
                plan = reader.fetch("EXPLAIN (FORMAT JSON) " + statement.sql, statement.params)[0][0]
                assert_postgres_plan(plan[0]["Plan"], statement)
                if statement.name == "fence":
                    # The terms are looked up by GIN alone, behind a fence that the planner cannot look through.
                    assert "ix_visible_terms" in str(plan), (statement, plan)
                    assert "CTE Scan" in str(plan), (statement, plan)


def assert_sqlite_plan(rows: Sequence[Row], statement: Statement) -> None:
    steps = [row[3] for row in rows]
    tables = "|".join(table.name for table in metadata.sorted_tables)
    for step in steps:
        assert not re.match(rf"SCAN ({tables}|p|q|n|a)\b", step), (statement, steps)
    if statement.name in {"walk of a posting list", "walk of arrivals", "vocabulary"}:
        assert not any("TEMP B-TREE" in step for step in steps), (statement, steps)


def assert_postgres_plan(plan: dict[str, Any], statement: Statement) -> None:
    kind = plan["Node Type"]
    assert kind != "Seq Scan", (statement, plan)
    assert kind != "Nested Loop", (statement, plan)
    if kind in {"Index Scan", "Index Only Scan"}:
        leading = {"visible": "viewer", "vocabulary": "viewer", "number": "h", "event": "seq", "context": "id"}
        assert leading[plan["Relation Name"]] in plan["Index Cond"], (statement, plan)
    if kind == "Bitmap Index Scan":
        assert plan.get("Index Cond"), (statement, plan)
    if statement.name in {"walk in order", "walk of a column"}:
        assert kind not in {"Sort", "Incremental Sort"}, (statement, plan)
    for child in plan.get("Plans", ()):
        assert_postgres_plan(child, statement)


# ---------------------------------------------------------------------- all other statements


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[Any]]:
    """Every statement that any connection runs, with its last parameters."""
    statements: dict[str, Sequence[Any]] = {}
    for kind in (SqliteConnection, PostgresConnection):
        for method in ("fetch", "execute"):
            original = getattr(kind, method)

            def listen(self: Any, sql: str, params: Sequence[Any] = (), *, _run: Any = original) -> Any:
                statements[sql] = params
                return _run(self, sql, params)

            monkeypatch.setattr(kind, method, listen)
    return statements


def use_everything(store: Store, clock: Clock) -> None:
    case = Case(
        "x",
        5,
        (("epc", "urn:epc:1"), ("bizStep", "shipping")),
        (("quantity", 1.0, None),),
        (("epcs", "urn:epc:1"),),
        keys=("k1",),
    )
    seqs = store.committer.run(lambda tx: write_cases(tx, store, [case]))
    rows = list(visible_rows(store, case, seqs["x"], clock.now_us))
    record = LedgerRecord("k1", 1, 0, "g", "l", b"s", 1, b"o")
    balance = Balance("k1", 0, "A", "B", "p", "c", "on_hand", "1", None, "g", "l", "s", None, "[]", 1, b"e")
    transfer = OwnershipTransfer("t", 1, b"e", "A", "B", "k1", "g", "l", "s", "1", None, None, None, None, False)
    conflict = ConflictRow("c", "kind", "low", "open", None, '["A"]', '["k1"]', "[]", "text", 1, 1, "{}")

    def unit(tx: Any) -> None:
        tx.existing([case.eid])
        tx.event_ids(1, [case.event_id])
        tx.events([seqs["x"]], witnesses=True)
        tx.events_by_keys([key_hash("k1")])
        tx.seqs_by_keys([key_hash("k1")])
        tx.index_visible(rows)
        tx.remove_visible(rows)
        ledger_rows.put_records(tx, [record])
        ledger_rows.load_records(tx, ["k1"])
        ledger_rows.replace_balances(tx, ["k1"], [balance])
        ledger_rows.load_balances(tx, ["k1"])
        ledger_rows.replace_transfers(tx, ["k1"], [transfer])
        ledger_rows.load_transfers(tx, ["k1"])
        ledger_rows.put_conflicts(tx, [conflict])
        ledger_rows.load_conflicts(tx, ["k1"])
        ledger_rows.put_relations(tx, [Relation("A", "B", b"e")])
        ledger_rows.put_due(tx, [(1, 1)])
        ledger_rows.take_due(tx, 5)
        ledger_rows.delete_conflicts(tx, ["c2"])
        ledger_rows.delete_records(tx, ["k2"])

    store.committer.run(unit)
    with store.reader() as reader:
        for after in (None, ("", "k", 0), ("p", "k", 0)):
            ledger_lists.stock_of_party(reader, "A", after=after, limit=5)
        ledger_lists.stock_of_party(reader, "A", spans=[("a", "b"), ("p", "q")], after=("a", "k", 0), limit=5)
        ledger_lists.balances_of_lot(reader, "A", "g", "l")
        ledger_lists.balances_in_container(reader, "A", "c")
        ledger_lists.transfers_of_party(reader, "A", from_us=0, before_us=9, after=(0, "a"))
        ledger_lists.conflicts_of_party(reader, "A", after=(9, "z"))
        business_lists.transfers_at(reader, "A", [1, 2])
        business_lists.transfers_between(reader, "A", "B", from_us=0, before_us=9, after=(0, "a"))
        business_lists.balances_of_records(reader, "A", ["k"])
        business_lists.settled_lines(reader, "A", ["k"])
        business_lists.settled_of_agreement(reader, "g")
        business_lists.settlements_of_agreement(reader, "g")
        business_lists.settlements_of_party(reader, "A", 5)
        business_lists.event_numbers(reader, [b"e" * 16])
        reader.event_by_id("urn:example:x", VIEWERS)
        for query in shapes():
            reader.find(query, VIEWERS, limit=10)


#: The few rows of these are read whole on purpose, or found by a unique column that the planner may choose not to use.
SMALL = {"relation", "meta", "counter", "alembic_version"}
#: Whether a table has any row: the first one answers, however many there are. With a test it would need an index.
IS_THERE_ANY = re.compile(r"SELECT 1 FROM \w+ LIMIT 1")


def test_no_statement_of_the_writer_or_the_ledger_lists_reads_a_whole_table(
    filled: Store, clock: Clock, heard: dict[str, Sequence[Any]]
) -> None:
    use_everything(filled, clock)
    explained = 0
    with filled.reader() as reader:
        for sql, params in list(heard.items()):
            if not re.match(r"\s*(SELECT|DELETE|UPDATE|WITH)\b", sql) or "pg_advisory" in sql:
                continue
            if set(re.findall(r"(?:FROM|UPDATE)\s+\"?(\w+)", sql)) & SMALL:
                continue
            if IS_THERE_ANY.fullmatch(sql):
                continue
            explained += 1
            statement = Statement("any", sql, tuple(params))
            if filled.dialect == "sqlite":
                assert_sqlite_plan(reader.fetch("EXPLAIN QUERY PLAN " + sql, params), statement)
            else:
                plan = reader.fetch("EXPLAIN (FORMAT JSON) " + sql, params)[0][0]
                assert "Seq Scan" not in str(plan), (sql, plan)
    assert explained > 30


@pytest.mark.parametrize(
    "sql", ["SELECT 1 FROM event WHERE kind=? LIMIT 1", "SELECT 1 FROM event ORDER BY kind LIMIT 1"]
)
def test_only_the_question_without_a_condition_is_answered_by_the_first_row(sql: str) -> None:
    """Rejects a rule that passes every LIMIT 1 over: looking for a row that fits may read all that do not."""
    assert IS_THERE_ANY.fullmatch("SELECT 1 FROM subscription LIMIT 1")
    assert not IS_THERE_ANY.fullmatch(sql)


def test_no_statement_on_postgresql_touches_two_distributed_tables(
    new_postgres_database: Callable[[], str], clock: Clock, heard: dict[str, Sequence[Any]], bounds: str
) -> None:
    """Rejects joins and subqueries between event, postings and vocabulary, which Citus refuses or repartitions."""
    store = open_store(new_postgres_database(), clock=clock)
    use_everything(store, clock)
    store.close()
    for sql in heard:
        named = set(re.findall(r"(?:FROM|JOIN|INTO|UPDATE)\s+\"?(\w+)", sql, re.IGNORECASE))
        assert len(named & DISTRIBUTED_BY.keys()) <= 1, sql
        assert "FOR UPDATE" not in sql.upper(), sql
        assert not re.search(r"\bJOIN\b", sql, re.IGNORECASE), sql


def test_every_unique_key_of_a_distributed_table_has_its_distribution_column() -> None:
    for table in tables_of("postgresql"):
        if table.name not in DISTRIBUTED_BY:
            continue
        column = DISTRIBUTED_BY[table.name]
        assert column in table.primary_key.columns, table.name
        assert not table.foreign_keys, table.name
        for index in table.indexes:
            assert not index.unique or column in index.columns, index.name
        for each in table.columns:
            assert each.autoincrement is not True, each
            assert each.identity is None, each
            assert each.server_default is None, each


def test_no_foreign_key_points_at_a_distributed_table() -> None:
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            assert key.column.table.name not in DISTRIBUTED_BY


def test_opening_makes_the_same_tables_that_the_definitions_describe(database_url: str, clock: Clock) -> None:
    """Rejects a revision that was forgotten after a table was changed."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    store = open_store(database_url, clock=clock)
    dialect = store.dialect
    engine = create_engine(store.database.sqlalchemy_url())
    store.close()
    ours = {table.name for table in tables_of(dialect)}

    def concerns(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return kind != "table" or name in ours

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": concerns, "compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
