"""A store by its URL: the database, its one writer, its readers and its secret. Decides nothing about events.

store = open_store("sqlite:////var/lib/traceward/events.db", clock=clock)
store.committer.run(lambda tx: tx.insert_events(rows))
with store.reader() as reader:
    page = reader.find(query, VisibleTo(viewers), limit=30)
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from threading import BoundedSemaphore
from typing import Final

from traceward.store.connection import Connection, Database, Dialect
from traceward.store.errors import StoreBusy, StoreUnavailable
from traceward.store.group_commit import Clock, GroupCommitter
from traceward.store.read import Reader
from traceward.store.reading import ContextCache
from traceward.store.schema import migrate
from traceward.store.sealed import Vault
from traceward.store.sqlite import SqliteDatabase
from traceward.store.terms import Number, Pair, PreparedTerms, prepare_terms
from traceward.store.write import WriteLog

#: Readers at once; more wait.
READERS: Final = 16
READER_WAIT_S: Final = 10.0

_SECRET: Final = "secret_key"  # noqa: S105  # the name of the row, not the secret


class Store:
    """An open store. `committer` writes, `reader()` reads; both from any thread."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        secret_key: bytes | None,
        log: WriteLog | None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.database = database
        connection = database.open_writer()
        try:
            migrate(database, connection)
            self.secret_key = secret_key or _instance_secret(connection, random_bytes)
        finally:
            connection.close()
        self.vault = Vault(self.secret_key)
        self._contexts = ContextCache(self.vault)
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._slots = BoundedSemaphore(READERS)
        self._closed = False
        self.committer = GroupCommitter(
            database, secret=self.secret_key, clock=clock, contexts=self._contexts, log=log
        )  # fmt: skip

    @property
    def dialect(self) -> Dialect:
        """The database's kind."""
        return self.database.dialect

    def migrate(self) -> None:
        """Bring the schema to this version; opening has done so already."""
        connection = self.database.open_writer()
        try:
            migrate(self.database, connection)
        finally:
            connection.close()

    def prepare_terms(
        self, pairs: Sequence[Pair], numbers: Iterable[Number], vocabulary: Iterable[Pair]
    ) -> PreparedTerms:  # fmt: skip
        """The index rows of one event, made outside the writer's lock."""
        return prepare_terms(pairs, numbers, vocabulary, self.secret_key)

    @contextmanager
    def reader(self, *, snapshot: bool = False) -> Iterator[Reader]:
        """A reader for the time of one request.

        snapshot: every statement sees the same moment, as an answer made from several tables needs; without it each
        statement sees the newest commit. Give it back soon: a long snapshot keeps the log from shrinking.
        """
        if not self._slots.acquire(timeout=READER_WAIT_S):
            raise StoreBusy(f"{READERS} readers are at work; try again in a moment")
        try:
            connection = self._reader_connection()
            try:
                if snapshot:
                    connection.begin_snapshot()
                yield Reader(connection, self.secret_key, self._contexts)
            finally:
                self._give_back(connection)
        finally:
            self._slots.release()

    def check(self) -> None:
        """Return when the database answers; raises StoreUnavailable with the reason otherwise."""
        with self.reader() as reader:
            reader.fetch("SELECT value FROM counter WHERE name='seq'")

    def close(self) -> None:
        """Commit what waits and close every connection."""
        self._closed = True
        self.committer.close()
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _reader_connection(self) -> Connection:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        try:
            return self._idle.get_nowait()
        except Empty:
            return self.database.open_reader()

    def _give_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
            connection.set_deadline(None)
        except StoreUnavailable:
            connection.close()
            return
        if self._closed or not connection.is_alive():
            connection.close()
        else:
            self._idle.put(connection)


def open_store(
    url: str,
    *,
    clock: Clock,
    secret_key: bytes | None = None,
    log: WriteLog | None = None,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    sqlite_database: Callable[[Path], Database] = SqliteDatabase,
) -> Store:
    """The store at `sqlite:///<path>` or `postgresql://...`, migrated to this version's schema.

    clock: microseconds since 1970 UTC. secret_key: 32 bytes; None takes the one that the database keeps.
    log: called with every bulk insert, for benches. random_bytes: what a new database's secret is drawn from.
    Raises StoreUnavailable, WrongDatabase, ValueError for the URL.
    """
    database = database_of(url, sqlite_database)
    return Store(database, clock=clock, secret_key=secret_key, log=log, random_bytes=random_bytes)


def database_of(url: str, sqlite_database: Callable[[Path], Database] = SqliteDatabase) -> Database:
    """The database that a URL names."""
    if url.startswith("sqlite:///"):
        return sqlite_database(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://")):
        # A server on SQLite starts without the weight of PostgreSQL's driver.
        from traceward.store.postgres import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(url.replace("postgres://", "postgresql://", 1))
    raise ValueError(f"database URL {url.partition('@')[2] or url!r}: expected sqlite:///PATH or postgresql://...")


def _instance_secret(connection: Connection, random_bytes: Callable[[int], bytes]) -> bytes:
    """The secret of this database, made when it is first opened."""
    wanted = "SELECT value FROM meta WHERE name=?"
    rows = connection.fetch(wanted, (_SECRET,))
    if not rows:
        connection.begin()
        try:
            connection.write("meta", ("name", "value"), [(_SECRET, random_bytes(32).hex())], "nothing")
            rows = connection.fetch(wanted, (_SECRET,))
            connection.commit()
        except Exception:
            connection.rollback()
            raise
    return bytes.fromhex(rows[0][0])
