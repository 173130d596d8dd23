"""What follows from a receiver's answer, in one transaction: a message is done, waits, is split or given up.

The cursor moves with the 2xx that it rests on. It must not send, and never drops an event without listing it.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import orjson

from traceward.services.delivery.leases import holds
from traceward.services.delivery.rules import DeliveryRules, Outcome, Verdict, wait_s
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.subscription_models import Delivery, Subscription
from traceward.store.write import WriteTransaction

_MICROSECONDS: Final = 1_000_000


class _Attempt(NamedTuple):
    """One attempt and its verdict, inside the transaction that notes it. jitter: from 0 to 1."""

    tx: WriteTransaction
    rules: DeliveryRules
    delivery: Delivery
    verdict: Verdict
    jitter: float

    @property
    def key(self) -> str:
        """The subscription's key."""
        return self.delivery.subscription

    @property
    def end(self) -> Cursor:
        """Where the cursor stands once the message is dealt with."""
        return Cursor(self.delivery.end_order_us, self.delivery.end_number)


def settle(
    runtime: Runtime, rules: DeliveryRules, holder: str, delivery: Delivery, verdict: Verdict, jitter: float
) -> bool:
    """Write down what an attempt came to; False where the holder no longer is one, and then nothing was written."""
    key, number = delivery.subscription, delivery.number

    def unit(tx: WriteTransaction) -> bool:
        current = tx.get(Delivery, key, number) if holds(tx, key, holder) else None
        if current is None:
            return False
        current.attempts += 1
        current.last_status = verdict.status
        current.last_error = verdict.error
        _HANDLERS[verdict.outcome](_Attempt(tx, rules, current, verdict, jitter))
        return True

    return runtime.store.committer.run(unit)


def message_id(delivery: Delivery) -> str:
    """The id under which a message is sent, the same at each attempt."""
    return f"msg_{delivery.subscription}_{delivery.number}"


def new_delivery(key: str, number: int, entries: Sequence[Sequence[int]], end: Cursor, created_us: int) -> Delivery:
    """A message that waits to be sent. entries: as in the table, a place and an event's number each."""
    return Delivery(
        subscription=key,
        number=number,
        state="pending",
        entries=orjson.dumps(entries).decode(),
        event_count=len(entries),
        end_order_us=end.order_us,
        end_number=end.seq,
        created_us=created_us,
    )


def set_cursor(tx: WriteTransaction, key: str, cursor: Cursor) -> None:
    """Move a subscription's cursor."""
    sql = "UPDATE subscription SET cursor_order_us=?, cursor_number=? WHERE key=?"
    tx.execute(sql, (cursor.order_us, cursor.seq, key))


def _delivered(attempt: _Attempt) -> None:
    """The cursor moves, save for a dead letter, behind which it stands already."""
    tx, delivery = attempt.tx, attempt.delivery
    if delivery.state == "pending":
        set_cursor(tx, attempt.key, attempt.end)
    _finish(attempt, "delivered")
    # A parked subscription keeps the reason why it is.
    sql = (
        "UPDATE subscription SET last_notified_us=?, last_error=CASE state WHEN 'active' THEN NULL ELSE last_error END"
        " WHERE key=?"
    )
    tx.execute(sql, (tx.record_time_us, attempt.key))
    sql = "DELETE FROM delivery WHERE subscription=? AND state='delivered' AND number<=?"
    tx.execute(sql, (attempt.key, delivery.number - attempt.rules.kept))


def _too_large(attempt: _Attempt) -> None:
    """Two messages of half the events take its place; an event that is too large alone becomes a dead letter."""
    tx, delivery = attempt.tx, attempt.delivery
    entries = orjson.loads(delivery.entries)
    if delivery.state == "again" or not entries:
        _failed(attempt)
        return
    if len(entries) == 1:
        _bury(attempt)
        return
    row = tx.get(Subscription, attempt.key)
    assert row is not None
    tx.delete(Delivery, attempt.key, delivery.number)
    half = len(entries) // 2
    middle = Cursor(*entries[half - 1][:2])
    # New ids: a receiver may have kept the old one as that of other content.
    tx.put(new_delivery(row.key, row.next_number, entries[:half], middle, delivery.created_us))
    tx.put(new_delivery(row.key, row.next_number + 1, entries[half:], attempt.end, delivery.created_us))
    tx.execute("UPDATE subscription SET next_number=next_number+2 WHERE key=?", (row.key,))


def _gone(attempt: _Attempt) -> None:
    """The receiver wants nothing more: nothing is delivered until somebody resumes the subscription."""
    if attempt.delivery.state == "again":
        _finish(attempt, "dead")
    else:
        attempt.tx.put(attempt.delivery)
    sql = "UPDATE subscription SET state='disabled', last_error=? WHERE key=?"
    attempt.tx.execute(sql, (attempt.verdict.error, attempt.key))


def _failed(attempt: _Attempt) -> None:
    """Later once more; after the last attempt a dead letter, and the subscription is parked, since order is kept."""
    tx, delivery, error = attempt.tx, attempt.delivery, attempt.verdict.error
    if delivery.state == "again":
        _finish(attempt, "dead")
    elif delivery.attempts >= attempt.rules.attempts:
        _bury(attempt)
        tx.execute("UPDATE subscription SET state='parked' WHERE key=?", (attempt.key,))
        error = f"gave up after {delivery.attempts} attempts: {error}"
    else:
        seconds = wait_s(attempt.rules, delivery.attempts, attempt.verdict, attempt.jitter)
        delivery.next_us = tx.record_time_us + int(seconds * _MICROSECONDS)
        tx.put(delivery)
    _note_error(attempt, error)


def _bury(attempt: _Attempt) -> None:
    """A dead letter: its events stay listed, and the cursor moves past it so that what follows can be delivered."""
    set_cursor(attempt.tx, attempt.key, attempt.end)
    _finish(attempt, "dead")
    _note_error(attempt, attempt.verdict.error)


def _note_error(attempt: _Attempt, error: str | None) -> None:
    attempt.tx.execute("UPDATE subscription SET last_error=? WHERE key=?", (error, attempt.key))


def _finish(attempt: _Attempt, state: str) -> None:
    delivery = attempt.delivery
    delivery.state = state
    delivery.finished_us = attempt.tx.record_time_us
    if state == "delivered":
        delivery.entries = "[]"
    attempt.tx.put(delivery)


_HANDLERS: Final[dict[Outcome, Callable[[_Attempt], None]]] = {
    Outcome.DELIVERED: _delivered,
    Outcome.TOO_LARGE: _too_large,
    Outcome.GONE: _gone,
    Outcome.FAILED: _failed,
}
