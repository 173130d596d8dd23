"""Which events a viewer sees already, by number; used by the writer and by readers. Judges no query."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from traceward.store.connection import Dialect, Row


class Sight(NamedTuple):
    """One event in one viewer's index."""

    viewer: int
    seq: int
    record_time_us: int


class _Fetches(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]: ...


_STANDING: Final[dict[Dialect, str]] = {
    "sqlite": "SELECT seq FROM arrival WHERE viewer=? AND record_time_us=? AND seq IN {in}",
    "postgresql": "SELECT seq FROM visible WHERE viewer=? AND seq IN {in}",
}


def standing(source: _Fetches, wanted: Iterable[Sight]) -> set[tuple[int, int]]:
    """(viewer, seq) of those that are in their viewer's index."""
    by_prefix: dict[tuple[int, ...], list[int]] = {}
    for viewer, seq, record_time_us in wanted:
        prefix = (viewer, record_time_us) if source.dialect == "sqlite" else (viewer,)
        by_prefix.setdefault(prefix, []).append(seq)
    sql = _STANDING[source.dialect]
    return {(prefix[0], seq) for prefix, seqs in by_prefix.items() for (seq,) in source.fetch_in(sql, seqs, prefix)}
