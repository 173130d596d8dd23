"""The order in which events became visible to a viewer, from which standing queries report: reads alone.

An event's place is its number, unless it became visible after the unit that stored it: then `late_visible` gives it a
later one of the same row of numbers. So whoever has read up to a place never has to look behind it. It must not judge
whether an event matches.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from traceward.store.compile import Cursor, VisibleTo
from traceward.store.connection import Dialect
from traceward.store.read import Reader
from traceward.store.rows import StoredEvent
from traceward.store.standing import Sight, standing


class Late(NamedTuple):
    """An event that became visible to a viewer late, and its place."""

    place: Cursor
    seq: int
    viewer: int


_HEAD: Final = "SELECT name, value FROM counter WHERE name IN ('seq', 'record_time_us')"
INDEX_TABLE: Final[dict[Dialect, str]] = {"sqlite": "arrival", "postgresql": "visible"}
FIRST: Final = (
    "SELECT record_time_us, {number} FROM {table} WHERE viewer=? AND record_time_us>=?"
    " ORDER BY record_time_us, {number} LIMIT 1"
)
LATE: Final = (
    "SELECT record_time_us, position, seq FROM late_visible WHERE viewer=? AND (record_time_us,position)>(?,?)"
    " ORDER BY record_time_us, position LIMIT ?"
)
LATER_AMONG: Final = "SELECT seq FROM late_visible WHERE viewer=? AND record_time_us>? AND seq IN {in}"
RECORDED: Final = "SELECT seq, record_time_us FROM event WHERE seq IN {in}"
LATE_AMONG: Final = "SELECT seq FROM late_visible WHERE viewer=? AND seq IN {in}"


def head(reader: Reader) -> Cursor:
    """The place of the newest commit: every event that is visible now has its place at or before it."""
    counters: dict[str, int] = dict(reader.fetch(_HEAD))
    return Cursor(counters.get("record_time_us", 0), counters.get("seq", 0))


def before_time(reader: Reader, viewers: VisibleTo, time_us: int, end: Cursor) -> Cursor:
    """The last place before everything that became visible to the viewers from a time on; `end` where nothing did."""
    first = end.seq + 1
    table = INDEX_TABLE[reader.dialect]
    statements = (
        FIRST.format(table=table, number="seq"),
        FIRST.format(table="late_visible", number="position"),
    )
    for viewer in viewers:
        for sql in statements:
            for _, number in reader.fetch(sql, (viewer, time_us)):
                first = min(first, number)
    return end if first > end.seq else Cursor(time_us, first - 1)


def late_between(reader: Reader, viewers: VisibleTo, after: Cursor, end: Cursor, limit: int) -> list[Late]:
    """Up to `limit` events that became visible late, in the order of their places behind `after`, up to `end`."""
    found = [
        Late(Cursor(time_us, position), seq, viewer)
        for viewer in viewers
        for time_us, position, seq in reader.fetch(LATE, (viewer, *after, limit))
        if (time_us, position) <= end
    ]
    return sorted(found)[:limit]


def late_among(reader: Reader, viewers: VisibleTo, seqs: Collection[int]) -> set[int]:
    """Which of these events have a late place for one of the viewers."""
    return {seq for viewer in viewers for (seq,) in reader.fetch_in(LATE_AMONG, seqs, (viewer,))}


def not_seen_yet(reader: Reader, viewers: VisibleTo, seqs: Collection[int], time_us: int) -> set[int]:
    """Which of these events, that one of the viewers sees now, none of them saw at a time (recordTime, inclusive)."""
    later = {
        viewer: {seq for (seq,) in reader.fetch_in(LATER_AMONG, seqs, (viewer, time_us))} for viewer in sorted(viewers)
    }
    doubtful = set().union(*later.values())
    if not doubtful:
        return doubtful
    recorded: dict[int, int] = dict(reader.fetch_in(RECORDED, doubtful))
    wanted = [Sight(one, seq, recorded[seq]) for one in viewers for seq in doubtful - later[one]]
    return doubtful - {seq for _, seq in standing(reader, wanted)}


def still_visible(reader: Reader, late: Iterable[Late], events: Mapping[int, StoredEvent]) -> list[Late]:
    """Those that their viewer still sees. events: by number."""
    listed = list(late)
    wanted = (Sight(one.viewer, one.seq, events[one.seq].record_time_us) for one in listed if one.seq in events)
    seen = standing(reader, wanted)
    return [one for one in listed if (one.viewer, one.seq) in seen]
