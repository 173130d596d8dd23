"""Standing queries: the events that became visible to a viewer after a place and match, in that order.

For webhooks and websockets alike. It must not deliver, and must not skip what became visible while it was read.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from traceward.epcis import evaluate
from traceward.epcis.predicates import Query
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.queries.query import rechecked
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor, VisibleTo
from traceward.store.feed import before_time, head, late_among, late_between, still_visible
from traceward.store.read import DEADLINE_S, Reader
from traceward.store.rows import StoredEvent


class Matches(NamedTuple):
    """Matching events in order. cursor: from which to go on; more: whether there are more already."""

    events: list[StoredEvent]
    cursor: Cursor
    more: bool


class Placed(NamedTuple):
    """A matching event and its place in the order in which events became visible."""

    place: Cursor
    event: StoredEvent


class PlacedMatches(NamedTuple):
    """As `Matches`, each event with its place."""

    events: list[Placed]
    cursor: Cursor
    more: bool


def start_cursor(runtime: Runtime, viewers: Collection[int], initial_record_time_us: int | None) -> Cursor:
    """Where a standing query begins: at what becomes visible from now on, or from a time on, past or to come."""
    with runtime.store.reader() as reader:
        end = head(reader)
        if initial_record_time_us is None:
            return end
        return _begun(reader, VisibleTo(viewers), _of_time(initial_record_time_us), end)


def matches_after(
    reader: Reader,
    query: Query,
    viewers: Collection[int],
    cursor: Cursor,
    limit: int,
    *,
    deadline_s: float = DEADLINE_S,
) -> Matches:
    """Up to `limit` events that became visible behind `cursor` and match, by the order in which they did.

    query: its order and limits do not count; its recordTime does. The cursor that comes back moves past what did not
    match as well. Raises QueryTooComplexException past the deadline.
    """
    found = placed_after(reader, query, viewers, cursor, limit, deadline_s=deadline_s)
    return Matches([placed.event for placed in found.events], found.cursor, found.more)


def placed_after(
    reader: Reader,
    query: Query,
    viewers: Collection[int],
    cursor: Cursor,
    limit: int,
    *,
    deadline_s: float = DEADLINE_S,
) -> PlacedMatches:
    """As `matches_after`, with the place of each event."""
    sight = VisibleTo(viewers)
    query = reader.resolved(query, sight)
    # Read before the events: what is committed in between has a later place and is left to the next call.
    end = head(reader)
    after = _begun(reader, sight, cursor, end)
    if after.seq == 0 and after.order_us > end.order_us:
        return PlacedMatches([], cursor, more=False)
    ordered = replace(query, order_by="recordTime", descending=False)
    page = reader.find(ordered, sight, after=after, limit=limit, deadline_s=deadline_s)
    more = page.next is not None
    if page.keys:
        end = page.keys[-1] if more else max(end, page.keys[-1])
    late = late_between(reader, sight, after, end, limit)
    delayed = late_among(reader, sight, page.seqs)
    keys = [(key, key.seq) for key in page.keys if key.seq not in delayed]
    places = sorted([*keys, *((one.place, one.seq) for one in late)])
    if len(late) == limit or len(places) > limit:
        # More may have become visible late than was read: go no further than what is certain.
        end, more = places[:limit][-1][0], True
        places = [one for one in places if one[0] <= end]
    events = {event.seq: event for event in reader.documents([seq for _, seq in places])}
    hidden = {one.place for one in late} - {one.place for one in still_visible(reader, late, events)}
    by_late_place = {one.place for one in late}
    matching = [
        Placed(place, events[seq])
        for place, seq in places
        if seq in events and place not in hidden and _matches(query, events[seq], late=place in by_late_place)
    ]
    return PlacedMatches(matching, max(after, end), more)


def _matches(query: Query, event: StoredEvent, *, late: bool) -> bool:
    """Whether an event matches: of those that the index found the hashes are checked, the others judged whole."""
    if not late:
        return rechecked(query, event)
    if event.record_time_us not in query.record_time:
        return False
    return evaluate.matches(query, expanded_stored(event.text, event.context, event.event_id))


def _of_time(time_us: int) -> Cursor:
    """The place before everything from a time on, while no number of it is known: numbers begin at 1."""
    return Cursor(time_us, 0)


def _begun(reader: Reader, viewers: VisibleTo, cursor: Cursor, end: Cursor) -> Cursor:
    """The cursor with the number that its time stands for; unchanged while its time has not come."""
    if cursor.seq != 0 or cursor.order_us == 0 or cursor.order_us > end.order_us:
        return cursor
    return before_time(reader, viewers, cursor.order_us, end)
