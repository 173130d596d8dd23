"""What is to be sent next for a subscription: a message that waits, or one that is made of what is new.

A message is written down before it is sent, with its events and its id, so that a retry after a crash is the same
message. It must not send, nor move a cursor over anything that matches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from traceward.epcis.errors import (
    ImplementationException,
    NoSuchNameException,
    QueryTooComplexException,
    QueryTooLargeException,
    TracewardError,
)
from traceward.epcis.predicates import Query
from traceward.epcis.subscription import parse_schedule
from traceward.services.delivery.leases import holds
from traceward.services.delivery.outcomes import message_id, new_delivery, set_cursor
from traceward.services.delivery.rules import DeliveryRules
from traceward.services.delivery.standing import Placed, PlacedMatches, placed_after
from traceward.services.delivery.subscriptions import cursor_of, viewers_of
from traceward.services.problem_bodies import problem_body
from traceward.services.queries.named_queries import parsed, stored
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.read import Reader
from traceward.store.rows import StoredEvent
from traceward.store.standing import Sight, standing
from traceward.store.subscription_models import Delivery, Subscription
from traceward.store.write import WriteTransaction

#: Most matches that a scheduled execution counts for maxEventCount.
COUNTED: Final = 20_000
#: A stream's cursor that has moved this far over what does not match is written down without a delivery.
_FAR: Final = 5_000


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent now. events: those of the delivery that the subscriber may still see."""

    subscription: Subscription
    delivery: Delivery
    events: Sequence[StoredEvent]

    @property
    def id(self) -> str:
        """The message's id, the same at each attempt."""
        return message_id(self.delivery)

    @property
    def is_void(self) -> bool:
        """Whether it was to hold events, and none of them may be shown any more."""
        return self.delivery.event_count > 0 and not self.events


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to send. until_us: when there may be something by itself; cursor: how far was read without a match."""

    until_us: int | None
    cursor: Cursor | None = None


class Lost:
    """The subscription is gone, or another process delivers for it."""


Step = Message | Rest | Lost


def next_step(
    runtime: Runtime, rules: DeliveryRules, holder: str, key: str, seen: Cursor | None, batch_events: int
) -> Step:
    """What the holder has to do for a subscription now.

    seen: how far the holder has read without a match since the cursor was last written. batch_events: most events of a
    new message. Raises TracewardError where the store or the query fails; then it is to be tried again later.
    """
    with runtime.store.reader() as reader:
        row = reader.get(Subscription, key)
        if row is None or row.holder != holder:
            return Lost()
        waiting = _waiting(reader, row)
        if waiting is not None:
            if waiting.next_us > runtime.now_us():
                return Rest(waiting.next_us)
            return Message(row, waiting, _events(reader, row, waiting))
        if row.state != "active":
            return Rest(None)
    return _execute(runtime, rules, holder, row, seen, batch_events)


def report_problem(runtime: Runtime, holder: str, key: str, error: TracewardError) -> bool:
    """Write down that the subscriber is to be told of an error of its query, and park the subscription.

    Of the errors of a standing query only two reach the subscriber: QueryTooLargeException and, for every other,
    ImplementationException. EPCIS 2.0 8.2.5.
    """
    told = error if isinstance(error, QueryTooLargeException) else ImplementationException(_told(error))

    def unit(tx: WriteTransaction) -> bool:
        row = tx.get(Subscription, key) if holds(tx, key, holder) else None
        if row is None or row.state != "active":
            return False
        _add(tx, row, [], cursor_of(row), problem=problem_body(told))
        tx.execute("UPDATE subscription SET state='parked', last_error=? WHERE key=?", (told.detail, key))
        return True

    return runtime.store.committer.run(unit)


def standing_query(reader: Reader, row: Subscription) -> Query:
    """The predicates of a subscription's query. Raises NoSuchNameException, QueryTooComplexException."""
    found = stored(reader, row.owner, row.query_name)
    if found is None:
        raise NoSuchNameException("the query of this subscription is no longer there")
    return parsed(found)


def _waiting(reader: Reader, row: Subscription) -> Delivery | None:
    """The message to be sent before anything new is looked for: a dead letter asked for, or the oldest pending one."""
    for state in ("again", "pending"):
        if state == "pending" and row.state not in {"active", "parked"}:
            return None
        found: list[Delivery] = reader.select(Delivery, subscription=row.key, state=state)
        # A parked subscription still tells why: its problem body is the one message that is sent.
        found = [one for one in found if row.state != "parked" or state == "again" or one.problem is not None]
        if found:
            # By place and not by number: the halves of a message are numbered after those that follow it.
            return min(found, key=lambda one: (one.end_order_us, one.end_number, one.number))
    return None


def _execute(
    runtime: Runtime, rules: DeliveryRules, holder: str, row: Subscription, seen: Cursor | None, batch_events: int
) -> Step:
    """Look for what is new where that is due, and write down the message that comes of it."""
    now_us = runtime.now_us()
    scheduled = row.schedule is not None
    if scheduled and (row.next_run_us is None or row.next_run_us > now_us):
        return Rest(row.next_run_us)
    cursor = max(cursor_of(row), seen) if seen is not None else cursor_of(row)
    with runtime.store.reader() as reader:
        query = standing_query(reader, row)
        deadline_s = runtime.limits.query_deadline_s
        if scheduled and query.max_event_count is not None:
            _refuse_too_many(reader, query, row, cursor, deadline_s)
        found = placed_after(reader, query, viewers_of(row), cursor, batch_events, deadline_s=deadline_s)
    batch = _bounded(found, rules.batch_bytes)
    following = None
    if scheduled and not batch.more:
        following = parse_schedule(orjson.loads(row.schedule or "")).next_after(now_us)
    if batch.events or (scheduled and row.report_if_empty and not batch.more):
        return _written(runtime, holder, row, batch, following)
    if scheduled or batch.cursor.seq - row.cursor_number > _FAR:
        _move(runtime, holder, row, batch, following)
    if batch.more:
        return Rest(now_us, batch.cursor)
    return Rest(following, batch.cursor)


def _refuse_too_many(reader: Reader, query: Query, row: Subscription, cursor: Cursor, deadline_s: float) -> None:
    most = query.max_event_count
    if most is None or most >= COUNTED:
        return
    found = placed_after(reader, query, viewers_of(row), cursor, most + 1, deadline_s=deadline_s)
    if len(found.events) > most:
        raise QueryTooLargeException(f"more than maxEventCount {most} events match in one execution")


def _bounded(found: PlacedMatches, most_bytes: int) -> PlacedMatches:
    """The first of the events that together have at most so many bytes, and at least one."""
    total = 0
    for count, placed in enumerate(found.events):
        total += len(placed.event.rendered or placed.event.text)
        if total > most_bytes and count:
            kept = found.events[:count]
            return PlacedMatches(kept, kept[-1].place, more=True)
    return found


def _written(runtime: Runtime, holder: str, row: Subscription, batch: PlacedMatches, following: int | None) -> Step:
    """The message of a batch, once it is durable."""

    def unit(tx: WriteTransaction) -> Message | Lost:
        current = tx.get(Subscription, row.key) if holds(tx, row.key, holder) else None
        if current is None or current.state != "active":
            return Lost()
        delivery = _add(tx, current, batch.events, batch.cursor)
        if row.schedule is not None and not batch.more:
            tx.execute("UPDATE subscription SET next_run_us=? WHERE key=?", (following, row.key))
        return Message(current, delivery, [placed.event for placed in batch.events])

    return runtime.store.committer.run(unit)


def _add(
    tx: WriteTransaction,
    row: Subscription,
    events: Sequence[Placed],
    end: Cursor,
    *,
    problem: dict[str, Any] | None = None,
) -> Delivery:
    entries = [[*placed.place, placed.event.seq] for placed in events]
    delivery = new_delivery(row.key, row.next_number, entries, end, tx.record_time_us)
    delivery.problem = None if problem is None else orjson.dumps(problem).decode()
    tx.put(delivery)
    tx.execute("UPDATE subscription SET next_number=next_number+1 WHERE key=?", (row.key,))
    return delivery


def _move(runtime: Runtime, holder: str, row: Subscription, batch: PlacedMatches, following: int | None) -> None:
    """Write down that nothing up to the batch's end is to be sent."""

    def unit(tx: WriteTransaction) -> None:
        if holds(tx, row.key, holder):
            set_cursor(tx, row.key, batch.cursor)
            if row.schedule is not None and not batch.more:
                tx.execute("UPDATE subscription SET next_run_us=? WHERE key=?", (following, row.key))

    runtime.store.committer.run(unit)


def _events(reader: Reader, row: Subscription, delivery: Delivery) -> list[StoredEvent]:
    """The events of a message that its subscriber may see now: some may have been hidden since it was written down."""
    seqs = [seq for _, _, seq in orjson.loads(delivery.entries)]
    events = reader.documents(seqs)
    viewers = viewers_of(row)
    sights = [Sight(viewer, event.seq, event.record_time_us) for event in events for viewer in viewers]
    seen = {seq for _, seq in standing(reader, sights)}
    return [event for event in events if event.seq in seen]


def _told(error: TracewardError) -> str:
    if isinstance(error, QueryTooComplexException):
        return "the query costs more than this server spends on one; narrow it"
    return "the query of this subscription can no longer be executed"
