"""What the rooms of the store ask of a database connection; SQLite and PostgreSQL each give it in their own file.

Holds no SQL of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, Protocol

Dialect = Literal["sqlite", "postgresql"]
#: What a bulk write does where a row of the same primary key stands: fail, keep the old row, take the new one.
#: "unlikely" keeps the old row as "nothing" does, and is faster where there hardly ever is one.
OnConflict = Literal["fail", "nothing", "unlikely", "replace"]
Row = tuple[Any, ...]

#: PostgreSQL: held by the writer from BEGIN to COMMIT, on whichever server process it runs.
WRITER_LOCK: Final = 0x7472_6163_6577_6172


class Connection(Protocol):
    """One database connection, used by one thread at a time. SQL has `?` for its parameters on both databases."""

    @property
    def dialect(self) -> Dialect:
        """The database's kind."""

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """The number of rows that a statement changed."""

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement with `IN {in}`, where a list of any length belongs; `params` come before it."""

    def execute_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> int:
        """The number of rows that such a statement changed."""

    def write(self, table: str, columns: tuple[str, ...], rows: Sequence[Row], conflict: OnConflict) -> None:
        """Insert many rows at once."""

    def begin(self) -> None:
        """Start the one writing transaction; waits for whoever has it."""

    def begin_snapshot(self) -> None:
        """Start a transaction whose every read sees the same moment."""

    def commit(self) -> None:
        """End the transaction; on return it is durable."""

    def rollback(self) -> None:
        """End the transaction without effect; harmless where there is none."""

    def savepoint(self) -> None:
        """Mark a point to which `rollback_to` returns."""

    def release(self) -> None:
        """Forget the mark and keep what came after it."""

    def rollback_to(self) -> None:
        """Undo what came after the mark, and forget it."""

    def in_transaction(self) -> bool:
        """Whether a transaction is open and can still be used."""

    def is_alive(self) -> bool:
        """Whether the connection can still be used."""

    def set_deadline(self, seconds: float | None) -> None:
        """Stop every later statement with QueryTooComplexException once so much time has passed; None: no limit."""

    def close(self) -> None:
        """Close it; harmless when closed already."""


class Database(Protocol):
    """A database by its URL: it opens connections and owns none."""

    @property
    def dialect(self) -> Dialect:
        """The database's kind."""

    def open_writer(self) -> Connection:
        """A new connection for the one writer."""

    def open_reader(self) -> Connection:
        """A new connection that cannot write."""

    def sqlalchemy_url(self) -> str:
        """The URL by which migrations open the same database."""


#: Sizes to which lists of parameters are padded, so that each statement has few shapes.
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def batches(values: Iterable[Any]) -> Iterable[tuple[str, list[Any]]]:
    """Split values for `IN` lists: each ("(?,?,...)", parameters), padded to one of ten sizes by repeating the last."""
    rest = list(values)
    largest = _SIZES[-1]
    for start in range(0, len(rest), largest):
        part = rest[start : start + largest]
        size = next(size for size in _SIZES if size >= len(part))
        part.extend(part[-1:] * (size - len(part)))
        yield f"({','.join('?' * size)})", part
