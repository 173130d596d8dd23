"""What its owner sees of a subscription's deliveries, and can do about them: pause, resume, send again, try out.

It must not show another owner's, nor what a receiver answered beyond its status.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from traceward.epcis.errors import NoSuchResource
from traceward.epcis.times import format_time_us
from traceward.services.delivery.outcomes import message_id
from traceward.services.delivery.rules import Outcome, Verdict
from traceward.services.delivery.signing import message_headers
from traceward.services.delivery.subscriptions import (
    all_of,
    announce,
    as_body,
    find,
    find_in,
    representation_of,
    signature_token,
    viewers_of,
)
from traceward.services.delivery.worker import attempt
from traceward.services.identity.principals import Principal
from traceward.services.queries.answers import event_answer
from traceward.services.queries.named_queries import owner_of, public_name
from traceward.services.runtime import Runtime
from traceward.store.read import Reader
from traceward.store.standing import Sight, standing
from traceward.store.subscription_models import Delivery, Subscription
from traceward.store.write import WriteTransaction

LISTED: Final = 200
"""Most deliveries that one answer lists."""

_COLUMNS: Final = ", ".join(Delivery.model_fields)
_NEWEST: Final = f"SELECT {_COLUMNS} FROM delivery WHERE subscription=? ORDER BY number DESC LIMIT ?"  # noqa: S608
_DEAD: Final = (
    f"SELECT {_COLUMNS} FROM delivery WHERE subscription=? AND state IN ('dead', 'again') ORDER BY number LIMIT ?"  # noqa: S608
)
_SUMMARY: Final = (
    "SELECT state, count(*), sum(event_count), min(created_us), min(next_us) FROM delivery"
    " WHERE subscription=? AND state<>'delivered' GROUP BY state"
)
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """What a message of no events came to at the receiver. status: None where no answer came."""

    delivered: bool
    status: int | None
    error: str | None


def overview(runtime: Runtime, caller: Principal) -> list[dict[str, Any]]:
    """Each of the caller's subscriptions, of all queries: its wire form, its state, and what waits."""
    rows = all_of(runtime, caller)
    now_us = runtime.now_us()
    with runtime.store.reader() as reader:
        return [as_body(row) | _condition(reader, row, now_us) for row in rows]


def condition(runtime: Runtime, caller: Principal, subscription_id: str) -> dict[str, Any]:
    """One subscription as `overview` shows it. Raises NoSuchSubscriptionException."""
    row = find(runtime, caller, None, subscription_id)
    with runtime.store.reader() as reader:
        return as_body(row) | _condition(reader, row, runtime.now_us())


def deliveries(runtime: Runtime, caller: Principal, subscription_id: str) -> list[dict[str, Any]]:
    """The newest messages of a subscription, whatever became of them. Raises NoSuchSubscriptionException."""
    row = find(runtime, caller, None, subscription_id)
    with runtime.store.reader() as reader:
        return [delivery_body(one) for one in _rows(reader, _NEWEST, row.key)]


def dead_letters(runtime: Runtime, caller: Principal, subscription_id: str) -> list[dict[str, Any]]:
    """The messages that were given up, oldest first, with the eventIDs of those events that are still visible."""
    row = find(runtime, caller, None, subscription_id)
    with runtime.store.reader() as reader:
        return [
            delivery_body(one) | {"eventIDs": _event_ids(reader, row, one)} for one in _rows(reader, _DEAD, row.key)
        ]


def redeliver(runtime: Runtime, caller: Principal, subscription_id: str, number: int) -> dict[str, Any]:
    """Have a dead letter sent once more, ahead of what is new. Raises NoSuchSubscriptionException, NoSuchResource."""
    owner = owner_of(caller)

    def unit(tx: WriteTransaction) -> Delivery:
        row = find_in(tx, owner, None, subscription_id)
        delivery = tx.get(Delivery, row.key, number)
        if delivery is None or delivery.state not in {"dead", "again"}:
            raise NoSuchResource("there is no dead letter of this number")
        delivery.state = "again"
        delivery.next_us = 0
        tx.put(delivery)
        return delivery

    asked = runtime.store.committer.run(unit)
    announce(runtime)
    return delivery_body(asked)


def pause(runtime: Runtime, caller: Principal, subscription_id: str) -> dict[str, Any]:
    """Deliver nothing until resumed; what matches meanwhile is delivered then. Raises NoSuchSubscriptionException."""
    return _set_state(runtime, caller, subscription_id, "paused")


def resume(runtime: Runtime, caller: Principal, subscription_id: str) -> dict[str, Any]:
    """Deliver again, beginning at once with what waits: after a pause, a 410, failures, or when the server gave up."""
    return _set_state(runtime, caller, subscription_id, "active")


async def try_out(runtime: Runtime, row: Subscription) -> Trial:
    """Send the receiver an EPCISQueryDocument without events, marked by the header Traceward-Test, once."""
    representation = representation_of(row)
    name = public_name(row.query_name)
    body = event_answer(runtime, [], representation, query_name=name, subscription_id=row.subscription_id)
    identifier = f"test_{runtime.random_bytes(12).hex()}"
    signed = message_headers(identifier, runtime.now_us() // _MICROSECONDS, body, signature_token(runtime, row))
    headers = {"Content-Type": representation.media_type, "Traceward-Test": "true"} | signed
    verdict: Verdict = await attempt(runtime, row.dest, body, headers)
    return Trial(verdict.outcome is Outcome.DELIVERED, verdict.status, verdict.error)


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    """One message as its owner sees it."""
    body: dict[str, Any] = {
        "number": delivery.number,
        "messageID": message_id(delivery),
        "state": "redelivering" if delivery.state == "again" else delivery.state,
        "events": delivery.event_count,
        "createdAt": format_time_us(delivery.created_us),
        "attempts": delivery.attempts,
        "problem": None if delivery.problem is None else orjson.loads(delivery.problem),
        "lastStatus": delivery.last_status,
        "lastError": delivery.last_error,
    }
    waits = delivery.state in {"pending", "again"} and delivery.next_us > 0
    body["nextAttemptAt"] = format_time_us(delivery.next_us) if waits else None
    body["finishedAt"] = None if delivery.finished_us is None else format_time_us(delivery.finished_us)
    return body


def _condition(reader: Reader, row: Subscription, now_us: int) -> dict[str, Any]:
    found = {state: counts for state, *counts in reader.fetch(_SUMMARY, (row.key,))}
    _, waiting, since_us, next_us = found.get("pending", (0, 0, None, None))
    dead = sum(found.get(state, (0,))[0] for state in ("dead", "again"))
    return {
        "state": row.state,
        "lastError": row.last_error,
        "waitingEvents": int(waiting or 0),
        # Of what is written down: what a paused subscription has not looked for yet is not known.
        "lagSeconds": 0.0 if since_us is None else max(now_us - since_us, 0) / _MICROSECONDS,
        "nextAttemptAt": format_time_us(next_us) if next_us else None,
        "deadLetters": dead,
    }


def _set_state(runtime: Runtime, caller: Principal, subscription_id: str, state: str) -> dict[str, Any]:
    owner = owner_of(caller)

    def unit(tx: WriteTransaction) -> None:
        row = find_in(tx, owner, None, subscription_id)
        tx.execute("UPDATE subscription SET state=? WHERE key=?", (state, row.key))
        if state == "active":
            sql = "UPDATE delivery SET next_us=0, attempts=0 WHERE subscription=? AND state='pending'"
            tx.execute(sql, (row.key,))

    runtime.store.committer.run(unit)
    announce(runtime)
    return condition(runtime, caller, subscription_id)


def _rows(reader: Reader, sql: str, key: str) -> list[Delivery]:
    names = list(Delivery.model_fields)
    return [Delivery(**dict(zip(names, row, strict=True))) for row in reader.fetch(sql, (key, LISTED))]


def _event_ids(reader: Reader, row: Subscription, delivery: Delivery) -> list[str]:
    events = reader.documents([seq for _, _, seq in orjson.loads(delivery.entries)])
    sights = [Sight(viewer, event.seq, event.record_time_us) for event in events for viewer in viewers_of(row)]
    seen = {seq for _, seq in standing(reader, sights)}
    return [event.event_id for event in events if event.seq in seen]
