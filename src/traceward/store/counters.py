"""Named counters of a database: how far something has come, or how often it has changed.

Functions for readers and units of the writer alike. It must not say what a counter means: who names it does.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from traceward.store.connection import Row

_VALUE: Final = "SELECT value FROM counter WHERE name=?"
_BUMP: Final = (
    "INSERT INTO counter (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = counter.value + 1"
)


class _Fetches(Protocol):
    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[Row]: ...


class _Executes(Protocol):
    def execute(self, sql: str, params: Sequence[Any] = ()) -> int: ...


def value_of(source: _Fetches, name: str) -> int:
    """What a counter stands at, 0 where it was never moved."""
    return next((value for (value,) in source.fetch(_VALUE, (name,))), 0)


def bump(unit: _Executes, name: str) -> None:
    """Move a counter on by one, in the unit that changes what it counts."""
    unit.execute(_BUMP, (name,))
