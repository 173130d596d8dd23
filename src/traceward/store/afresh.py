"""The ledger's tables written anew beside those that stand, which then become what was written, row by row.

While they are written the ledger's names mean temporary tables, for this one connection; nothing of them is logged,
synced or seen by anyone. It must not lock readers out nor touch a row that is right already: a reader whose snapshot
is older than the end sees the old ledger, whole.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from traceward.store.connection import Dialect
from traceward.store.progress import COMPARED, Tell
from traceward.store.tables import metadata
from traceward.store.write import WriteTransaction

#: Looked up, and replaced, by key while the ledger is folded.
_KEYED: Final = ("ledger_record", "balance", "conflict", "conflict_party", "conflict_key", "relation")
#: Only added to, each key once: they get their indexes when they are full.
_FILLED: Final = ("ownership_transfer", "ledger_dealing", "ledger_snapshot")
#: Added to, with repetitions, and never kept.
_SHOWN: Final = "ledger_shown"
#: Indexes that the fold asks, those that the end of it asks, and one that only a notice on a class asks: (table, name).
_ASKED: Final = (("conflict_party", "ix_conflict_party_conflict"), ("conflict_key", "ix_conflict_key_conflict"))
_ASKED_WHEN_FULL: Final = (("balance", "ix_balance_underway"), ("ledger_dealing", "ix_ledger_dealing_sent"))
_ASKED_BY_NOTICES: Final = ("ledger_record", "ix_ledger_record_lot")
#: When a row was written is nothing that it says: the row that stands keeps its own.
_KEPT: Final = frozenset({("conflict", "opened_us")})
_UNUSED: Final = "afresh_unused"

_SCHEMAS: Final = {
    "sqlite": "SELECT 'main'",
    "postgresql": "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'ledger_record'::regclass",
}
_TEMPORARY: Final[dict[Dialect, str]] = {"sqlite": "temp", "postgresql": "pg_temp"}
# The writer's connection walks indexes, as captures must; whole tables are better compared by hashing.
_FOR_WHOLE_TABLES: Final = {"enable_seqscan": "on", "enable_nestloop": "off", "work_mem": "'128MB'"}
_SQLITE_CACHE_KIB: Final = 65_536


class Afresh:
    """The ledger's new tables, for the time of one rebuild within one unit; empty at first.

    Until `take_their_place` the whole unit reads and writes these by the ledger's names. A rollback undoes them.
    """

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx
        if tx.dialect == "sqlite":
            _keep_beside_database(tx)
        forget_shown(tx)
        self._standing = str(tx.fetch(_SCHEMAS[tx.dialect])[0][0])
        tx.execute(f"CREATE TEMPORARY TABLE {_UNUSED} (unused INTEGER)")
        for name in (*_KEYED, *_FILLED, _SHOWN):
            tx.execute(_definition(metadata.tables[name], tx.dialect, keyed=name in _KEYED))
        for name, index in _ASKED:
            self._index(name, index)
        # A dropped table has PostgreSQL's driver forget what it prepared: those statements mean the tables that stand.
        tx.execute(f"DROP TABLE {_TEMPORARY[tx.dialect]}.{_UNUSED}")

    def index_lots(self) -> None:
        """Have the records in the order of GTIN and lot as well."""
        self._index(*_ASKED_BY_NOTICES)

    def is_full(self) -> None:
        """Say that no more is added but by key, so that what was added can be asked by whatever index it needs."""
        for name, index in _ASKED_WHEN_FULL:
            self._index(name, index)
        self._tx.execute(self._create_index("CREATE INDEX", "ix_afresh_shown", _SHOWN, ("eid",)))

    def take_their_place(self, tell: Tell | None = None) -> int:
        """Make the tables that stand what the new ones are, and drop those; the number of rows that this changed.

        `ledger_shown` alone stays, until `forget_shown`. tell: told after each table.
        """
        tx = self._tx
        if tx.dialect == "postgresql":
            for setting, value in _FOR_WHOLE_TABLES.items():
                tx.execute(f"SET LOCAL {setting} = {value}")
        counts = {name: self._count(_TEMPORARY[tx.dialect], name) for name in (*_KEYED, *_FILLED)}
        changed = compared = 0
        for name, count in counts.items():
            if tell is not None:
                tell(compared, sum(counts.values()), COMPARED)
            changed += self._take_place(metadata.tables[name], count)
            compared += count
        if tell is not None:
            tell(compared, compared, COMPARED)
        if tx.dialect == "postgresql":
            for setting in _FOR_WHOLE_TABLES:
                tx.execute(f"RESET {setting}")
        return changed

    def _count(self, schema: str, table: str) -> int:
        count: int = self._tx.fetch(f"SELECT COUNT(*) FROM {schema}.{table}")[0][0]  # noqa: S608
        return count

    def _take_place(self, table: Table, count: int) -> int:
        tx, name = self._tx, table.name
        new, old = f"{_TEMPORARY[tx.dialect]}.{name}", f"{self._standing}.{name}"
        key = [column.name for column in table.primary_key]
        if tx.dialect == "postgresql":
            tx.execute(f"ANALYZE {new}")
        columns = [column.name for column in table.columns]
        rest = [column for column in columns if column not in key and (name, column) not in _KEPT]
        same = " AND ".join(f"o.{column} = n.{column}" for column in key)
        equal = "IS" if tx.dialect == "sqlite" else "IS NOT DISTINCT FROM"
        alike = " AND ".join((same, *(f"o.{column} {equal} n.{column}" for column in rest)))
        listed, by_key = ",".join(columns), ",".join(key)
        replaced = ",".join(f"{column}=excluded.{column}" for column in rest)
        changed = tx.execute(
            f"INSERT INTO {old} ({listed}) SELECT {listed} FROM {new} AS n"  # noqa: S608
            f" WHERE NOT EXISTS (SELECT 1 FROM {old} AS o WHERE {alike}) ORDER BY {by_key}"
            f" ON CONFLICT ({by_key}) DO " + (f"UPDATE SET {replaced}" if rest else "NOTHING")
        )
        # Every row of the new one stands now: where there are no more than these, none is left over.
        if self._count(self._standing, name) != count:
            if tx.dialect == "sqlite" and name in _FILLED:
                tx.execute(self._create_index("CREATE UNIQUE INDEX", f"ix_afresh_{name}", name, key))
            changed += tx.execute(
                f"DELETE FROM {old} AS o WHERE NOT EXISTS (SELECT 1 FROM {new} AS n WHERE {same})"  # noqa: S608
            )
        tx.execute(f"DROP TABLE {new}")
        return changed

    def _index(self, table: str, name: str) -> None:
        index = next(one for one in metadata.tables[table].indexes if one.name == name)
        where = index.dialect_options[self._tx.dialect]["where"]
        made = self._create_index("CREATE INDEX", f"{name}_afresh", table, [column.name for column in index.columns])
        self._tx.execute(made if where is None else f"{made} WHERE {where}")

    def _create_index(self, verb: str, name: str, table: str, columns: Sequence[str]) -> str:
        listed = ",".join(columns)
        if self._tx.dialect == "sqlite":
            return f"{verb} temp.{name} ON {table} ({listed})"
        return f"{verb} {name} ON pg_temp.{table} ({listed})"


def forget_shown(tx: WriteTransaction) -> None:
    """Drop what a rebuild told of who sees which event."""
    tx.execute(f"DROP TABLE IF EXISTS {_TEMPORARY[tx.dialect]}.{_SHOWN}")


def _keep_beside_database(tx: WriteTransaction) -> None:
    """Have SQLite put what does not fit into memory into the database's folder: `/tmp` may have no room for it."""
    if not any(folder for (folder,) in tx.fetch("PRAGMA temp_store_directory")):
        folder = str(Path(tx.fetch("PRAGMA database_list")[0][2]).parent).replace("'", "''")
        tx.execute(f"PRAGMA temp_store_directory='{folder}'")
    tx.execute(f"PRAGMA temp.cache_size=-{_SQLITE_CACHE_KIB}")


def _definition(table: Table, dialect: Dialect, *, keyed: bool) -> str:
    """The statement that makes a table's temporary twin. keyed: with its primary key."""
    compiler = postgresql.dialect() if dialect == "postgresql" else sqlite.dialect()  # type: ignore[no-untyped-call]
    twin = Table(
        table.name,
        MetaData(),
        *(Column(one.name, one.type, primary_key=keyed and one.primary_key, autoincrement=False, nullable=one.nullable)
          for one in table.columns),
        prefixes=["TEMPORARY"],
        sqlite_with_rowid=not keyed,
        postgresql_on_commit="DROP",
    )  # fmt: skip
    return str(CreateTable(twin).compile(dialect=compiler))
