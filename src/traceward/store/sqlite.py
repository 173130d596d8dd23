"""SQLite connections: WAL, synchronous=FULL, one writer, readers of their own. Holds no knowledge of the tables.

FULL is not a preference: with NORMAL an acknowledged commit can vanish in a power cut.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from traceward.epcis.errors import QueryTooComplexException
from traceward.store.connection import Connection, Dialect, OnConflict, Row, batches
from traceward.store.errors import StoreUnavailable
from traceward.store.tables import metadata

BUSY_TIMEOUT_MS: Final = 5000
#: Pages of the log before it is folded into the file: 64 MB, so that folding is rare and the log stays bounded.
CHECKPOINT_PAGES: Final = 16_384
#: What a large document changes fits in: what does not is written to the log before its time, and then once more.
WRITER_CACHE_KIB: Final = 65_536
READER_CACHE_KIB: Final = 4_096
_STATEMENTS: Final = 256
#: Values to a bulk insert's statement, and the rows of those statements that insert the rest.
_VALUES: Final = 600
_ROWS: Final = (16, 4, 1)
_SORTED_FROM: Final = 32
#: Virtual machine steps between two looks at the clock: some tens of microseconds.
_STEPS: Final = 4_000

_REASONS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the database is read-only",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_BUSY: "another process holds the database",
    sqlite3.SQLITE_LOCKED: "another connection holds a table",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is no database",
    sqlite3.SQLITE_NOMEM: "memory ran out",
}
#: After one of these the operating system may have dropped written pages: nothing more may be acknowledged.
_SYNC_FAILED: Final = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})


class SyncFailed(StoreUnavailable):
    """The disk did not confirm a write; captures stop until the server is started anew."""


class SqliteDatabase:
    """A database file. synchronous: only the test that shows why FULL is needed passes another level."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        self.path = path
        self._synchronous = synchronous

    def open_writer(self) -> "SqliteConnection":
        """The connection that writes; creates the file where there is none, for its owner alone to read."""
        with contextlib.suppress(OSError):  # what is wrong with the folder is told by opening the file
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = self._open()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={CHECKPOINT_PAGES * 4096}")
        connection.execute(f"PRAGMA cache_size=-{WRITER_CACHE_KIB}")
        return SqliteConnection(connection)

    def open_reader(self) -> "SqliteConnection":
        """A connection on which every write fails."""
        connection = self._open()
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")
        return SqliteConnection(connection)

    def sqlalchemy_url(self) -> str:
        """The URL of the same file for migrations."""
        return f"sqlite:///{self.path}"

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_TIMEOUT_MS / 1000,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS,
            )
            connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        except sqlite3.Error as error:
            raise unavailable(error) from error
        return connection


class SqliteConnection:
    """One SQLite connection; the transaction is begun and ended by hand."""

    dialect: Dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement."""
        try:
            return self._connection.execute(sql, params).fetchall()
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """The number of rows that a statement changed."""
        try:
            return self._connection.execute(sql, params).rowcount
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement with a list, a batch of the list at a time."""
        rows: list[Row] = []
        for marks, part in batches(values):
            rows += self.fetch(sql.replace("{in}", marks), [*params, *part])
        return rows

    def execute_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> int:
        """The number of rows that a statement with a list changed."""
        return sum(self.execute(sql.replace("{in}", marks), [*params, *part]) for marks, part in batches(values))

    def write(self, table: str, columns: tuple[str, ...], rows: Sequence[Row], conflict: OnConflict) -> None:
        """Insert many rows at once, hundreds of values to a statement.

        One row to a statement would cost twice the time, and hand the interpreter's lock to and fro for each row. They
        go in the order of their keys, so that each page of the table is looked for, read and changed once.
        """
        rows = _by_key(table, columns, rows)
        start = 0
        try:
            for size in (_VALUES // len(columns), *_ROWS):
                sql = _insert(table, columns, conflict, size)
                end = start + (len(rows) - start) // size * size
                for first in range(start, end, size):
                    self._connection.execute(sql, tuple(chain.from_iterable(rows[first : first + size])))
                start = end
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error

    def begin(self) -> None:
        """Take the write lock; IMMEDIATE, so that no transaction fails halfway for want of it."""
        self.execute("BEGIN IMMEDIATE")

    def begin_snapshot(self) -> None:
        """Start reading; the first statement fixes the moment."""
        self.execute("BEGIN")

    def commit(self) -> None:
        """Write and sync the log."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything; SQLite may have done so already after a disk error."""
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def savepoint(self) -> None:
        """Mark the start of a unit."""
        self._connection.execute("SAVEPOINT unit")

    def release(self) -> None:
        """Keep the unit."""
        self._connection.execute("RELEASE unit")

    def rollback_to(self) -> None:
        """Drop the unit."""
        self._connection.execute("ROLLBACK TO unit")
        self._connection.execute("RELEASE unit")

    def in_transaction(self) -> bool:
        """Whether the transaction still stands."""
        return self._connection.in_transaction

    def is_alive(self) -> bool:
        """A file is always there to be tried."""
        return True

    def set_deadline(self, seconds: float | None) -> None:
        """Look at the clock every few thousand steps of the virtual machine, and stop past the deadline."""
        if seconds is None:
            self._connection.set_progress_handler(None, 0)
            return
        self._connection.set_progress_handler(_watch(time.monotonic() + seconds), _STEPS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def unavailable(error: sqlite3.Error) -> Exception:
    """The store's error for one of SQLite's; anything that is a fault of the statement stays as it is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return QueryTooComplexException("the query ran out of time; narrow it by time or by a more selective parameter")
    if code in _SYNC_FAILED:
        return SyncFailed(f"the disk did not confirm a write ({error}); start the server anew once the disk is sound")
    reason = _REASONS.get(code & 0xFF) if code is not None else None
    return error if reason is None else StoreUnavailable(f"{reason} ({error})")


def _watch(end: float) -> Callable[[], int]:
    return lambda: int(time.monotonic() > end)


def _by_key(table: str, columns: tuple[str, ...], rows: Sequence[Row]) -> Sequence[Row]:
    """The rows in the order of their primary keys; of one key in the order in which they were given."""
    return rows if len(rows) < _SORTED_FROM else sorted(rows, key=_key_of(table, columns))


@lru_cache(maxsize=256)
def _key_of(table: str, columns: tuple[str, ...]) -> Callable[[Row], Any]:
    return itemgetter(*(columns.index(column.name) for column in metadata.tables[table].primary_key))


@lru_cache(maxsize=256)
def _insert(table: str, columns: tuple[str, ...], conflict: OnConflict, rows: int) -> str:
    verb = "INSERT OR IGNORE" if conflict in {"nothing", "unlikely"} else "INSERT"
    values = ",".join([f"({','.join('?' * len(columns))})"] * rows)
    sql = f"{verb} INTO {table} ({','.join(columns)}) VALUES {values}"
    return sql + on_conflict_replace(table, columns) if conflict == "replace" else sql


def on_conflict_replace(table: str, columns: tuple[str, ...]) -> str:
    """The clause by which a new row takes the place of the one with its primary key."""
    key = [column.name for column in metadata.tables[table].primary_key]
    rest = [name for name in columns if name not in key]
    if not rest:
        return f" ON CONFLICT ({','.join(key)}) DO NOTHING"
    return f" ON CONFLICT ({','.join(key)}) DO UPDATE SET {','.join(f'{name}=excluded.{name}' for name in rest)}"


def _conforms(connection: SqliteConnection) -> Connection:
    return connection
