"""What was said about conflicts, and conflicts that were corrected: rows in and out.

It must not judge: whether a resolution still holds, and who may give one, is for the services.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from traceward.store.connection import Row
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction


class Resolution(NamedTuple):
    """What somebody said about a conflict. content: digest of what the conflict said then. state: explained | open."""

    conflict_id: str
    number: int
    state: str
    content: bytes
    party: str
    role: str
    key_id: str
    reason: str
    at_us: int


class _Reads(Protocol):
    def fetch_in(self, sql: str, values: Iterable[object], params: Sequence[object] = ()) -> list[Row]:
        """All rows of a statement with a list."""


_RESOLUTION: Final = ",".join(Resolution._fields)
_RESOLUTIONS: Final = f"SELECT {_RESOLUTION} FROM conflict_resolution WHERE conflict_id IN {{in}}"  # noqa: S608


def resolutions(reads: _Reads, conflict_ids: Iterable[str]) -> dict[str, list[Resolution]]:
    """What was said about each of these conflicts, oldest first; conflicts of which nothing was said are left out."""
    found: dict[str, list[Resolution]] = {}
    rows = [Resolution._make((*row[:3], bytes(row[3]), *row[4:])) for row in reads.fetch_in(_RESOLUTIONS, conflict_ids)]
    for row in sorted(rows, key=lambda one: one.number):
        found.setdefault(row.conflict_id, []).append(row)
    return found


def put_resolution(tx: WriteTransaction, row: Resolution) -> None:
    """Add one resolution; its number must be new for its conflict."""
    tx.write("conflict_resolution", Resolution._fields, [row], "fail")


def put_corrected(tx: WriteTransaction, rows: Sequence[tuple[str, int, str, bytes]]) -> None:
    """Remember conflicts that the facts bear out no longer: (party, closed_us, conflict id, conflict)."""
    tx.write("conflict_corrected", ("party", "closed_us", "conflict_id", "conflict"), rows, "nothing")


def corrected_of_party(
    reader: Reader, party: str, *, after: tuple[int, str] | None = None, limit: int = 1000
) -> list[tuple[int, str, bytes]]:
    """A party's corrected conflicts (closed_us, id, conflict), newest first; `after`: (closed_us, id).

    A conflict that stands again is not among them.
    """
    tests = "" if after is None else " AND (closed_us, conflict_id) < (?,?)"
    tests += " AND NOT EXISTS (SELECT 1 FROM conflict WHERE id = conflict_id)"
    rows = reader.fetch(
        f"SELECT closed_us, conflict_id, conflict FROM conflict_corrected WHERE party=?{tests}"  # noqa: S608
        " ORDER BY closed_us DESC, conflict_id DESC LIMIT ?",
        (party, *(after or ()), limit),
    )
    return [(closed_us, conflict_id, bytes(conflict)) for closed_us, conflict_id, conflict in rows]
