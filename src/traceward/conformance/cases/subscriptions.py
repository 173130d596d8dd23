"""Subscriptions of named queries: webhooks with the kit's own receiver, and websockets."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from traceward.conformance.case import Group, Judge
from traceward.conformance.cases.capture import fresh
from traceward.conformance.cases.named_queries import MISSING, named
from traceward.conformance.client import Answer
from traceward.conformance.data import Event
from traceward.conformance.model import Level, NotSupported, Unmet
from traceward.conformance.receiver import Receiver, receiving
from traceward.conformance.run import Run, expect_problem, expect_status
from traceward.conformance.websocket import WebSocket

GROUP: Final = Group("subscriptions", "Subscriptions")
EVERY_SECOND: Final = {"schedule": {"second": "[0-59]"}}
STREAM: Final = {"stream": True}
SECRET: Final = "conformance-signature-token"  # noqa: S105 - the receiver's, made up here
#: How long to watch for what must not come. A schedule of every second has run at least twice by then.
QUIET_S: Final = 2.5


def _mark(run: Run) -> dict[str, Any]:
    """A query for one disposition of this run's own events, which no other case uses."""
    return {"EQ_disposition": ["needs_replacement"], "MATCH_epc": [run.data.names["s4"]]}


def _marked(run: Run) -> Event:
    return fresh(run, epcList=[run.data.names["s4"]], disposition="needs_replacement")


def _subscribe(run: Run, name: str, body: dict[str, Any]) -> Answer:
    answer = run.post(f"/queries/{name}/subscriptions", body)
    if answer.status in {404, 405, 501}:
        raise NotSupported(f"POST /queries/{{queryName}}/subscriptions is answered with {answer.status}")
    return answer


@contextlib.contextmanager
def _subscribed(
    run: Run, controls: dict[str, Any], statuses: Sequence[int] = ()
) -> Iterator[tuple[str, dict[str, Any], Receiver]]:
    """A query's name, the answer to its subscription, and the receiver that it reports to."""
    with named(run, _mark(run)) as name, receiving(run.callback, statuses) as receiver:
        answer = _subscribe(run, name, {"dest": receiver.url} | controls)
        expect_status(answer, 201)
        try:
            yield name, answer.json() | {"Location": answer.headers.get("location")}, receiver
        finally:
            run.request("DELETE", f"/queries/{name}")


def _expect_delivered(run: Run, receiver: Receiver, *events: Event) -> None:
    wanted = {event["eventID"] for event in events}
    if not receiver.wait(lambda _: wanted <= set(receiver.event_ids()), run.patience_s):
        raise Unmet(
            f"the events {', '.join(sorted(wanted))} at the receiver within {run.patience_s:g} s",
            f"{len(receiver.deliveries)} deliveries with {', '.join(receiver.event_ids()) or 'no events'}",
        )


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}/subscriptions, POST 201")
def a_subscription_is_made(run: Run) -> None:
    """A subscription is answered with 201, Location and its subscriptionID, and the secret is never shown."""
    with _subscribed(run, STREAM | {"signatureToken": SECRET}) as (name, made, receiver):
        if not made["Location"] or not isinstance(made.get("subscriptionID"), str):
            raise Unmet("Location and a subscriptionID", str(made)[:300])
        read = run.request("GET", made["Location"])
        expect_status(read, 200)
        for field, value in (("dest", receiver.url), ("subscriptionID", made["subscriptionID"])):
            if read.json().get(field) != value:
                raise Unmet(f"{field} {value}", str(read.json().get(field)))
        if "createdAt" not in read.json():
            raise Unmet("createdAt in the subscription", read.text(300))
        listed = run.get(f"/queries/{name}/subscriptions")
        expect_status(listed, 200)
        if [one.get("subscriptionID") for one in listed.json()] != [made["subscriptionID"]]:
            raise Unmet("the subscription alone in the list", listed.text(300))
        for shown in (str(made), read.text(), listed.text()):
            if SECRET in shown:
                raise Unmet("no signatureToken in any answer", shown[:300])


@GROUP.case(Level.MANDATORY, "REST subscriptions, stream: true")
def a_stream_reports_what_is_captured(run: Run) -> None:
    """With stream each matching event is reported soon after its capture, once, and no other event is."""
    with _subscribed(run, STREAM) as (_, _, receiver):
        first, other, second = _marked(run), fresh(run), _marked(run)
        run.captured([first, other])
        _expect_delivered(run, receiver, first)
        run.captured([second])
        _expect_delivered(run, receiver, first, second)
        ids = receiver.event_ids()
        if sorted(ids) != sorted([first["eventID"], second["eventID"]]):
            raise Unmet("the two matching events, each once", ", ".join(ids))


@GROUP.case(Level.MANDATORY, "REST subscriptions, message to dest")
def a_report_is_a_query_document(run: Run) -> None:
    """A report is an EPCISQueryDocument that names the query and the subscription."""
    with _subscribed(run, STREAM) as (name, made, receiver):
        event = _marked(run)
        run.captured([event])
        _expect_delivered(run, receiver, event)
        document = receiver.deliveries[0].document()
        results = document["epcisBody"]["queryResults"]
        if document.get("type") != "EPCISQueryDocument":
            raise Unmet("an EPCISQueryDocument", str(document.get("type")))
        if (results.get("queryName"), results.get("subscriptionID")) != (name, made["subscriptionID"]):
            raise Unmet(f"queryName {name} and subscriptionID {made['subscriptionID']}", str(results)[:200])


@GROUP.case(Level.RECOMMENDED, "REST GS1-Signature")
def a_report_is_signed(run: Run) -> None:
    """With a signatureToken a report carries GS1-Signature."""
    with _subscribed(run, STREAM | {"signatureToken": SECRET}) as (_, _, receiver):
        event = _marked(run)
        run.captured([event])
        _expect_delivered(run, receiver, event)
        if not receiver.deliveries[0].headers.get("gs1-signature"):
            raise Unmet("the header GS1-Signature", "none")


@GROUP.case(Level.MANDATORY, "REST subscriptions, schedule")
def a_schedule_reports_each_event_once(run: Run) -> None:
    """With a schedule of every second an event is reported once, and nothing is reported while there is nothing."""
    with _subscribed(run, EVERY_SECOND) as (_, _, receiver):
        event = _marked(run)
        run.captured([event])
        _expect_delivered(run, receiver, event)
        receiver.wait(lambda all_of_them: len(all_of_them) > 1, QUIET_S)
        if receiver.event_ids() != [event["eventID"]] or len(receiver.deliveries) != 1:
            raise Unmet("one report", f"{len(receiver.deliveries)} with {', '.join(receiver.event_ids())}")


@GROUP.case(Level.MANDATORY, "REST subscriptions, reportIfEmpty")
def empty_reports_come_when_asked_for(run: Run) -> None:
    """With reportIfEmpty a schedule reports also when nothing matches."""
    with _subscribed(run, EVERY_SECOND | {"reportIfEmpty": True}) as (_, _, receiver):
        if not receiver.wait(lambda reports: len(reports) >= 2, run.patience_s):
            raise Unmet("two empty reports", str(len(receiver.deliveries)))
        if receiver.event_ids():
            raise Unmet("reports without events", ", ".join(receiver.event_ids()))


@GROUP.case(Level.MANDATORY, "REST subscriptions, initialRecordTime")
def a_subscription_starts_at_its_initial_record_time(run: Run) -> None:
    """By default a subscription sees what is recorded from now on; with initialRecordTime also earlier events."""
    event = _marked(run)
    run.captured([event])
    with _subscribed(run, EVERY_SECOND) as (_, _, receiver):
        if receiver.wait(lambda _: bool(receiver.event_ids()), QUIET_S):
            raise Unmet("no event from before the subscription", ", ".join(receiver.event_ids()))
    with _subscribed(run, EVERY_SECOND | {"initialRecordTime": "2010-01-01T00:00:00Z"}) as (_, _, receiver):
        _expect_delivered(run, receiver, event)


@GROUP.case(Level.RECOMMENDED, "REST subscriptions, minRecordTime moves on success")
def a_report_that_fails_comes_again(run: Run) -> None:
    """A receiver that answers 503 first gets the event again."""
    with _subscribed(run, STREAM, [503]) as (_, _, receiver):
        event = _marked(run)
        run.captured([event])
        _expect_delivered(run, receiver, event)


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}/subscriptions/{subscriptionID}, DELETE")
def a_deleted_subscription_reports_no_more(run: Run) -> None:
    """DELETE of a subscription is answered with 204; then it is not found, and nothing more comes."""
    with _subscribed(run, STREAM) as (_, made, receiver):
        expect_status(run.request("DELETE", made["Location"]), 204)
        expect_problem(run.request("GET", made["Location"]), 404, *MISSING)
        run.captured([_marked(run)])
        if receiver.wait(bool, QUIET_S):
            raise Unmet("no report after the end of the subscription", ", ".join(receiver.event_ids()))


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}, DELETE ends subscriptions")
def a_deleted_query_reports_no_more(run: Run) -> None:
    """With its query a subscription ends."""
    with _subscribed(run, STREAM) as (name, made, receiver):
        expect_status(run.request("DELETE", f"/queries/{name}"), 204)
        expect_status(run.request("GET", made["Location"]), 404)
        run.captured([_marked(run)])
        if receiver.wait(bool, QUIET_S):
            raise Unmet("no report after the end of the query", ", ".join(receiver.event_ids()))


@GROUP.case(Level.MANDATORY, "REST /queries/{queryName}/subscriptions/{subscriptionID}, GET 404")
def an_unknown_subscription_is_answered_with_404(run: Run) -> None:
    """A subscriptionID that nobody got is answered with 404."""
    with named(run, _mark(run)) as name:
        expect_problem(run.get(f"/queries/{name}/subscriptions/{run.data.token}"), 404, *MISSING)


def _refuses(body: dict[str, Any]) -> Judge:
    def judge(run: Run) -> None:
        with named(run, _mark(run)) as name, receiving(run.callback) as receiver:
            full = {"dest": receiver.url} | body
            answer = _subscribe(run, name, {key: value for key, value in full.items() if value is not None})
            expect_problem(answer, 400, "SubscriptionControlsException", "ValidationException", "InvalidURIException")

    return judge


_REFUSALS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("without-controls", "A subscription without schedule or stream is refused.", {}),
    ("with-both-controls", "A subscription with schedule and stream is refused.", STREAM | EVERY_SECOND),
    ("without-dest", "A subscription without dest is refused.", STREAM | {"dest": None}),
    ("with-a-dest-that-is-no-uri", "A dest that is no URI is refused.", STREAM | {"dest": "somewhere"}),
    ("with-a-second-of-61", "A schedule with second 61 is refused.", {"schedule": {"second": "61"}}),
    ("with-a-month-of-0", "A schedule with month 0 is refused.", {"schedule": {"month": "0"}}),
    ("with-a-reversed-range", "A schedule with the range [30-10] is refused.", {"schedule": {"second": "[30-10]"}}),
    ("with-a-word", "A schedule with the word noon is refused.", {"schedule": {"hour": "noon"}}),
    ("with-stream-false", "A subscription with stream false alone is refused.", {"stream": False}),
)


def _add_refusals() -> None:
    clause = "REST subscriptions, SubscriptionControlsException"
    for name, title, body in _REFUSALS:
        GROUP.add(f"refused-{name}", title, clause, Level.MANDATORY, _refuses(body))


@GROUP.case(Level.OPTIONAL, "REST /queries/{queryName}/events, Upgrade: websocket")
def a_websocket_reports_what_is_captured(run: Run) -> None:
    """A websocket on the events of a query, with stream=true, tells of a matching event as it is captured."""
    with named(run, _mark(run)) as name:
        target = run.client.locate(f"/queries/{name}/events?stream=true")
        with contextlib.closing(WebSocket(run.client, target, run.patience_s)) as socket:
            event = _marked(run)
            run.captured([event])
            if event["eventID"] not in socket.message():
                raise Unmet(f"the event {event['eventID']} over the websocket", "another message")


_add_refusals()
