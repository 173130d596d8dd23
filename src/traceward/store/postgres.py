"""PostgreSQL connections: COPY for bulk, one advisory lock for the one writer. Holds no knowledge of queries.

The lock is what makes the order of `seq` the order of commits; it is never taken by a reader.
"""

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import errors as pg_errors
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

from traceward.epcis.errors import QueryTooComplexException
from traceward.store.connection import WRITER_LOCK, Connection, Dialect, OnConflict, Row
from traceward.store.errors import StoreUnavailable
from traceward.store.tables import metadata

CONNECT_TIMEOUT_S: Final = 5
_COPY_FROM: Final = 8
_TRY_FROM: Final = 32
# With old statistics the planner would read whole tables, or sort a viewer's events instead of walking an index that
# has them in order; where there is no index to walk it still does both. Compiling short statements never pays.
_READER_OPTIONS: Final = "-c enable_seqscan=off -c enable_sort=off -c jit=off -c default_transaction_read_only=on"
# Temporary tables are a rebuild's alone; the memory is taken when they fill it.
_WRITER_OPTIONS: Final = "-c jit=off -c enable_seqscan=off -c temp_buffers=128MB"

_UNAVAILABLE: Final = {
    pg_errors.DiskFull: "the disk is full",
    pg_errors.ReadOnlySqlTransaction: "the database is read-only",
    pg_errors.AdminShutdown: "the database server is shutting down",
    pg_errors.CannotConnectNow: "the database server is starting",
    pg_errors.TooManyConnections: "the database server takes no more connections",
    pg_errors.LockNotAvailable: "another server holds the writer's lock",
}


class PostgresDatabase:
    """A database by its `postgresql://` URL."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url

    def open_writer(self) -> "PostgresConnection":
        """The connection that writes."""
        return PostgresConnection(self._open(_WRITER_OPTIONS))

    def open_reader(self) -> "PostgresConnection":
        """A connection on which every write fails."""
        return PostgresConnection(self._open(_READER_OPTIONS))

    def sqlalchemy_url(self) -> str:
        """The URL of the same database for migrations."""
        return "postgresql+psycopg" + self._url.removeprefix("postgresql")

    def _open(self, options: str) -> psycopg.Connection[Row]:
        try:
            return psycopg.connect(self._url, autocommit=True, options=options, connect_timeout=CONNECT_TIMEOUT_S)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the database server does not answer ({str(error).strip()})") from error


class PostgresConnection:
    """One PostgreSQL connection; the transaction is begun and ended by hand."""

    dialect: Dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._deadline: float | None = None
        self._timeout_ms = 0

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement."""
        if self._deadline is not None:
            self._apply_deadline()
        try:
            return self._cursor.execute(_pyformat(sql), params).fetchall()
        except psycopg.Error as error:
            raise unavailable(error) from error

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """The number of rows that a statement changed."""
        try:
            return self._cursor.execute(_pyformat(sql), params).rowcount
        except psycopg.Error as error:
            raise unavailable(error) from error

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement with a list, which goes as one array."""
        listed = list(values)
        return self.fetch(sql.replace("IN {in}", "= ANY(?)"), [*params, listed]) if listed else []

    def execute_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> int:
        """The number of rows that a statement with a list changed."""
        listed = list(values)
        return self.execute(sql.replace("IN {in}", "= ANY(?)"), [*params, listed]) if listed else 0

    def write(self, table: str, columns: tuple[str, ...], rows: Sequence[Row], conflict: OnConflict) -> None:
        """Insert many rows at once: by COPY where no row can be there already, else by arrays."""
        if conflict == "unlikely" and len(rows) >= _TRY_FROM:
            if self._try_copy(table, columns, rows):
                return
            conflict = "nothing"
        self._write(table, columns, rows, conflict)

    def _try_copy(self, table: str, columns: tuple[str, ...], rows: Sequence[Row]) -> bool:
        """Whether COPY could insert all rows; nothing is inserted where one stood already."""
        self.execute("SAVEPOINT try_copy")
        try:
            self._write(table, columns, rows, "fail")
        except pg_errors.UniqueViolation:
            self.execute("ROLLBACK TO try_copy")
            return False
        self.execute("RELEASE try_copy")
        return True

    def _write(self, table: str, columns: tuple[str, ...], rows: Sequence[Row], conflict: OnConflict) -> None:
        names = _types(table, columns)
        try:
            if conflict == "fail" and (len(rows) >= _COPY_FROM or any(name.endswith("[]") for name in names)):
                self._copy(table, columns, names, rows)
                return
            chosen: Sequence[Row] = rows
            if conflict == "replace":
                key = _key_positions(table, columns)
                chosen = list({tuple(row[place] for place in key): row for row in rows}.values())
            arrays = [list(column) for column in zip(*chosen, strict=True)]
            self._cursor.execute(_unnest(table, columns, conflict).encode(), arrays)
        except psycopg.Error as error:
            raise unavailable(error) from error

    def begin(self) -> None:
        """Open the transaction and wait for the writer's lock."""
        self.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    def begin_snapshot(self) -> None:
        """Start reading; the first statement fixes the moment."""
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        """Commit; durable on return, as the server's synchronous_commit is on by default."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything."""
        if self.in_transaction():
            self.execute("ROLLBACK")
            self._timeout_ms = -1  # a setting made in the transaction went with it

    def savepoint(self) -> None:
        """Mark the start of a unit."""
        self.execute("SAVEPOINT unit")

    def release(self) -> None:
        """Keep the unit."""
        self.execute("RELEASE unit")

    def rollback_to(self) -> None:
        """Drop the unit."""
        self.execute("ROLLBACK TO unit; RELEASE unit")

    def in_transaction(self) -> bool:
        """Whether a transaction is open on a connection that still lives."""
        return not self._connection.closed and self._connection.info.transaction_status in {
            psycopg.pq.TransactionStatus.INTRANS,
            psycopg.pq.TransactionStatus.INERROR,
        }

    def is_alive(self) -> bool:
        """Whether the server still answers on this connection."""
        return not self._connection.closed

    def set_deadline(self, seconds: float | None) -> None:
        """Give each later statement what is left of the time."""
        self._deadline = None if seconds is None else time.monotonic() + seconds
        if seconds is None and self._timeout_ms:
            self._timeout_ms = 0
            self.execute("SET statement_timeout = 0")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _apply_deadline(self) -> None:
        left_s = (self._deadline or 0.0) - time.monotonic()
        if left_s <= 0:
            raise _out_of_time()
        # Set again only when it is off by a second or more: one round trip per reader, not per statement.
        wanted_ms = max(1, int(left_s * 1000))
        if self._timeout_ms <= 0 or self._timeout_ms - wanted_ms > 1000:
            self._timeout_ms = wanted_ms
            self.execute(f"SET statement_timeout = {wanted_ms}")

    def _copy(self, table: str, columns: tuple[str, ...], types: tuple[str, ...], rows: Sequence[Row]) -> None:
        with self._cursor.copy(_copy_statement(table, columns).encode()) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


def unavailable(error: psycopg.Error) -> Exception:
    """The store's error for one of PostgreSQL's; anything that is a fault of the statement stays as it is."""
    if isinstance(error, pg_errors.QueryCanceled):
        return _out_of_time()
    for kind, reason in _UNAVAILABLE.items():
        if isinstance(error, kind):
            return StoreUnavailable(f"{reason} ({str(error).strip()})")
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return StoreUnavailable(f"the connection to the database server was lost ({str(error).strip()})")
    return error


def _out_of_time() -> QueryTooComplexException:
    return QueryTooComplexException("the query ran out of time; narrow it by time or by a more selective parameter")


@lru_cache(maxsize=1024)
def _pyformat(sql: str) -> bytes:
    # Arrays go in binary: as text each of their members would be escaped in Python.
    arrays = sql.replace("%", "%%").replace("ANY(?", "ANY(%b").replace("?::bigint[]", "%b::bigint[]")
    return arrays.replace("?", "%s").encode()


@lru_cache(maxsize=256)
def _types(table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    names = []
    for name in columns:
        kind = metadata.tables[table].c[name].type
        element = kind.item_type if isinstance(kind, ARRAY) else kind
        sql_name = element.compile(dialect=dialect).split(" COLLATE")[0].lower()
        names.append(sql_name + ("[]" if isinstance(kind, ARRAY) else ""))
    return tuple(names)


@lru_cache(maxsize=256)
def _key_positions(table: str, columns: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(columns.index(column.name) for column in metadata.tables[table].primary_key)


@lru_cache(maxsize=256)
def _copy_statement(table: str, columns: tuple[str, ...]) -> str:
    return f'COPY "{table}" ({_quoted(columns)}) FROM STDIN (FORMAT BINARY)'


@lru_cache(maxsize=256)
def _unnest(table: str, columns: tuple[str, ...], conflict: OnConflict) -> str:
    arrays = ",".join(f"%b::{name}[]" for name in _types(table, columns))
    sql = f'INSERT INTO "{table}" ({_quoted(columns)}) SELECT * FROM unnest({arrays})'  # noqa: S608
    if conflict == "fail":
        return sql
    key = [column.name for column in metadata.tables[table].primary_key]
    rest = [name for name in columns if name not in key]
    if conflict in {"nothing", "unlikely"} or not rest:
        return f"{sql} ON CONFLICT DO NOTHING"
    changes = ",".join(f'"{name}"=excluded."{name}"' for name in rest)
    return f"{sql} ON CONFLICT ({_quoted(key)}) DO UPDATE SET {changes}"


def _quoted(names: Sequence[str]) -> str:
    return ",".join(f'"{name}"' for name in names)


def _conforms(connection: PostgresConnection) -> Connection:
    return connection
