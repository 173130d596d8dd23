"""The query index written afresh from the stored events, for a store that an older version has filled.

Part by part, each a unit of its own between those of captures, so that it can be stopped and goes on where it was.
It must not change who sees an event, nor an event: only by what those who see it find it.
"""

from collections.abc import Iterable
from functools import partial
from typing import Final

from traceward import __version__
from traceward.services.identity.principals import clinical_viewer, shared_viewer
from traceward.services.indexing.preparation import stored_terms
from traceward.store import counters
from traceward.store.engine import Store
from traceward.store.progress import Tell
from traceward.store.rows import StoredEvent, Visible
from traceward.store.sealed import ERASED
from traceward.store.standing import Sight, standing
from traceward.store.write import WriteTransaction

EVENTS_AT_ONCE: Final = 500
"""Events of one unit: captures wait for so many at the most."""

_PLACE: Final = f"reindex {__version__}"
_OTHER_PLACES: Final = "DELETE FROM counter WHERE name LIKE 'reindex %' AND name<>?"
_NEXT: Final = "SELECT seq FROM event WHERE seq>? AND seq<=? ORDER BY seq LIMIT ?"
_LISTED: Final = (
    "SELECT viewer, kind, value FROM vocabulary WHERE viewer>? OR (viewer=? AND (kind>? OR (kind=? AND value>?)))"
    " ORDER BY viewer, kind, value LIMIT ?"
)


def reindex(store: Store, tell: Tell | None = None, *, at_once: int = EVENTS_AT_ONCE) -> int:
    """Write the index rows of every event afresh; the number of events that this call wrote.

    One that was stopped goes on where it was. Events that come meanwhile are indexed by their capture. tell: told
    (events written, events that there were to write) after each unit.
    """
    run = store.committer.run
    place = run(_begin)
    with store.reader() as reader:
        ((last, total),) = reader.fetch("SELECT MAX(seq), COUNT(*) FROM event WHERE seq>?", (place,))
    done = 0
    while last is not None and place < last:
        part = partial(_write_part, secret=store.secret_key, after=place, last=last, at_once=at_once)
        place, written = run(part, weight=at_once)
        done += written
        if tell is not None:
            tell(done, total)
    entry: tuple[int, int, str] | None = (-1, 0, "")
    while entry is not None:
        entry = run(partial(_clear_part, after=entry, at_once=at_once))
    run(_end)
    return done


def _begin(tx: WriteTransaction) -> int:
    """The number of the last event that an earlier run of this version has written, 0 where there is none."""
    tx.execute(_OTHER_PLACES, (_PLACE,))
    tx.indexed_by_event(wanted=True)
    return counters.value_of(tx, _PLACE)


def _write_part(tx: WriteTransaction, *, secret: bytes, after: int, last: int, at_once: int) -> tuple[int, int]:
    """The place to go on from, and how many events were written."""
    seqs = [seq for (seq,) in tx.fetch(_NEXT, (after, last, at_once))]
    events = [event for event in tx.events(seqs) if event.text != ERASED]
    tx.index_afresh(seqs, _rows(tx, events, secret))
    place = seqs[-1] if seqs else last
    tx.write("counter", ("name", "value"), [(_PLACE, place)], "replace")
    return place, len(seqs)


def _rows(tx: WriteTransaction, events: Iterable[StoredEvent], secret: bytes) -> list[Visible]:
    """The index rows of events for all who see them; nobody sees an event that was erased."""
    numbers = [number for (number,) in tx.fetch("SELECT number FROM organisation")]
    by_seq = {event.seq: event for event in events}
    viewers = [viewer for number in numbers for viewer in (shared_viewer(number), clinical_viewer(number))]
    seen = standing(
        tx, [Sight(viewer, event.seq, event.record_time_us) for viewer in viewers for event in by_seq.values()]
    )
    terms = {
        seq: stored_terms(event.text, event.context, event.event_id, secret, private=event.private)
        for seq in {seq for _, seq in seen}
        for event in (by_seq[seq],)
    }
    return [
        Visible(viewer, seq, by_seq[seq].event_time_us, by_seq[seq].record_time_us, terms[seq])
        for viewer, seq in sorted(seen)
    ]


def _clear_part(tx: WriteTransaction, *, after: tuple[int, int, str], at_once: int) -> tuple[int, int, str] | None:
    """Drop what the vocabularies list without an event; gives the entry to go on from, None at the end."""
    viewer, kind, value = after
    listed = [(row[0], row[1], row[2]) for row in tx.fetch(_LISTED, (viewer, viewer, kind, kind, value, at_once))]
    tx.drop_unmentioned(listed)
    return listed[-1] if len(listed) == at_once else None


def _end(tx: WriteTransaction) -> None:
    tx.indexed_by_event(wanted=False)
    tx.execute("DELETE FROM counter WHERE name=?", (_PLACE,))
