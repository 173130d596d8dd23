"""A caller's subscriptions across all queries: state, deliveries and dead letters, and what to do about them.

Beside the standard's own paths. It must not show another owner's subscriptions: they answer 404 like absent ones.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from traceward.api.deps import Reader, Services
from traceward.services.delivery import admin as delivery_admin
from traceward.services.delivery import subscriptions

router = APIRouter(prefix="/subscriptions", tags=["subscriptions"])


DeliveryNumber = Annotated[int, Path(ge=1, le=2**62)]


class DeliveryBody(BaseModel):
    """One message to a subscriber, and what became of it. problem: what was sent in place of events."""

    number: int
    messageID: str
    state: Literal["pending", "delivered", "dead", "redelivering"]
    events: int
    createdAt: str
    attempts: int
    problem: dict[str, Any] | None
    lastStatus: int | None
    lastError: str | None
    nextAttemptAt: str | None
    finishedAt: str | None


class DeadLetterBody(DeliveryBody):
    """A message that was given up, with the events that it held."""

    eventIDs: list[str]


class SubscriptionState(BaseModel):
    """A subscription as EPCIS shows it, and its deliveries' condition."""

    subscriptionID: str
    queryName: str
    dest: str
    createdAt: str
    minRecordTime: str
    epcFormat: str
    stream: bool | None = None
    schedule: dict[str, str] | None = None
    reportIfEmpty: bool | None = None
    initialRecordTime: str | None = None
    lastNotifiedAt: str | None = None
    state: Literal["active", "paused", "parked", "disabled"]
    lastError: str | None
    waitingEvents: int
    lagSeconds: float
    nextAttemptAt: str | None
    deadLetters: int


class TrialBody(BaseModel):
    """What a message without events came to."""

    delivered: bool
    status: int | None
    error: str | None


@router.get("", response_model_exclude_unset=True)
def get_subscriptions(caller: Reader, runtime: Services) -> dict[str, list[SubscriptionState]]:
    """The caller's subscriptions of all queries, with their state, what waits, and the last error."""
    return {"subscriptions": [SubscriptionState(**body) for body in delivery_admin.overview(runtime, caller)]}


@router.get("/{subscription_id}", response_model_exclude_unset=True)
def get_subscription(subscription_id: str, caller: Reader, runtime: Services) -> SubscriptionState:
    """One subscription, with its state, what waits, and the last error."""
    return SubscriptionState(**delivery_admin.condition(runtime, caller, subscription_id))


@router.get("/{subscription_id}/deliveries")
def get_deliveries(subscription_id: str, caller: Reader, runtime: Services) -> dict[str, list[DeliveryBody]]:
    """Its newest messages, newest first: those that wait, those delivered lately, and those given up."""
    found = delivery_admin.deliveries(runtime, caller, subscription_id)
    return {"deliveries": [DeliveryBody(**body) for body in found]}


@router.get("/{subscription_id}/dead-letters")
def get_dead_letters(subscription_id: str, caller: Reader, runtime: Services) -> dict[str, list[DeadLetterBody]]:
    """The messages that were given up, oldest first, with their events."""
    found = delivery_admin.dead_letters(runtime, caller, subscription_id)
    return {"deadLetters": [DeadLetterBody(**body) for body in found]}


@router.post("/{subscription_id}/dead-letters/{number}/redeliver", status_code=202)
def post_redeliver(subscription_id: str, number: DeliveryNumber, caller: Reader, runtime: Services) -> DeliveryBody:
    """Send a dead letter once more, ahead of what is new; where that fails it is a dead letter again."""
    return DeliveryBody(**delivery_admin.redeliver(runtime, caller, subscription_id, number))


@router.post("/{subscription_id}/pause", response_model_exclude_unset=True)
def post_pause(subscription_id: str, caller: Reader, runtime: Services) -> SubscriptionState:
    """Deliver nothing until resumed; what matches meanwhile is delivered then."""
    return SubscriptionState(**delivery_admin.pause(runtime, caller, subscription_id))


@router.post("/{subscription_id}/resume", response_model_exclude_unset=True)
def post_resume(subscription_id: str, caller: Reader, runtime: Services) -> SubscriptionState:
    """Deliver again, at once: after a pause, after a 410, or when the server had given up."""
    return SubscriptionState(**delivery_admin.resume(runtime, caller, subscription_id))


@router.post("/{subscription_id}/test")
async def post_test(subscription_id: str, caller: Reader, runtime: Services) -> TrialBody:
    """Send the receiver one signed message without events, and tell what it answered."""
    row = await run_in_threadpool(subscriptions.find, runtime, caller, None, subscription_id)
    trial = await delivery_admin.try_out(runtime, row)
    return TrialBody(delivered=trial.delivered, status=trial.status, error=trial.error)
