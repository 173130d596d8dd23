"""Webhooks: what matches is delivered in order, once, signed, and never given up in silence. EPCIS 2.0 8.2.5."""

import base64
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from traceward.services.delivery.rules import judged
from traceward.services.outgoing import Answer

from .conftest import Site, document, event
from .receiver import Behaviour, Reply

EVERY_SECOND = {"schedule": {"second": "[0-59]"}}
TOKEN = "conformant-partner-secret-0123456789"


def script(*replies: Reply) -> Behaviour:
    """These answers one after the other, then 204."""
    left = list(replies)
    return lambda *_: left.pop(0) if left else Reply()


def test_a_stream_reports_each_event_once_and_in_order(site: Site) -> None:
    site.subscribe()
    expected = [event_id for _ in range(5) for event_id in site.capture(3)]
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) >= len(expected))
    assert site.receiver.accepted_ids() == expected
    assert len({message.id for message in site.receiver.messages}) == len(site.receiver.messages)


def test_a_message_names_its_query_and_subscription(site: Site) -> None:
    made = site.subscribe()
    site.capture()
    assert site.receiver.wait(lambda: bool(site.receiver.messages))
    message = site.receiver.messages[0]
    assert (message.results["queryName"], message.results["subscriptionID"]) == ("all", made)
    assert message.headers["content-type"] == "application/json"
    assert message.headers["gs1-epcis-version"] == "2.0.0"


def test_a_subscription_that_asked_in_xml_gets_xml(site: Site) -> None:
    made = site.subscribe(Accept="application/xml, application/json;q=0.5")
    site.capture()
    assert site.receiver.wait(lambda: bool(site.receiver.messages))
    message = site.receiver.messages[0]
    assert message.headers["content-type"] == "application/xml"
    assert b"EPCISQueryDocument" in message.body
    assert f"<subscriptionID>{made}</subscriptionID>".encode() in message.body


def test_only_what_the_subscriber_may_see_and_asked_for_is_reported(site: Site) -> None:
    """Rejects a worker that asks with the server's own sight."""
    site.define("inspected", {"EQ_bizStep": ["inspecting"]})
    site.subscribe(query="inspected")
    site.capture(key="rival-supplier", epcList=["https://id.gs1.org/01/09506000134352/21/R1"])
    site.capture(bizStep="storing")
    wanted = site.capture()
    assert site.receiver.wait(lambda: bool(site.receiver.accepted_ids()))
    assert site.receiver.accepted_ids() == wanted


@pytest.mark.parametrize("secret", [TOKEN, "whsec_" + base64.b64encode(b"k" * 24).decode()])
def test_standardwebhooks_accepts_a_message_and_refuses_it_altered(site: Site, secret: str) -> None:
    """An outside library is the judge: it refuses another body, another id, another key and an old time."""
    site.subscribe({"stream": True, "signatureToken": secret})
    site.capture()
    assert site.receiver.wait(lambda: bool(site.receiver.messages))
    message = site.receiver.messages[0]
    raw = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    judge = Webhook(base64.b64encode(raw).decode())
    headers = dict(message.headers)
    judge.verify(message.body, headers)
    assert headers["gs1-signature"] == headers["webhook-signature"]
    forged: list[tuple[bytes, Mapping[str, str], Webhook]] = [
        (message.body.replace(b"OBSERVE", b"DELETE "), headers, judge),
        (message.body, headers | {"webhook-id": "msg_other"}, judge),
        (message.body, headers | {"webhook-timestamp": str(int(time.time()) - 10)}, judge),
        (message.body, headers, Webhook(base64.b64encode(b"another key").decode())),
    ]
    for body, changed, with_key in forged:
        with pytest.raises(WebhookVerificationError):
            with_key.verify(body, dict(changed))


def test_the_token_is_nowhere_in_the_clear(site: Site) -> None:
    """Rejects a token in answers, and one in the database as it was sent."""
    made = site.subscribe({"stream": True, "signatureToken": TOKEN})
    seen = [site.request("GET", path).text for path in ("/subscriptions", f"/epcis/queries/all/subscriptions/{made}")]
    runtime = site.server.app.state.runtime
    with runtime.store.reader() as reader:
        rows = reader.fetch("SELECT * FROM subscription")
    assert TOKEN not in "".join(seen)
    assert all(TOKEN not in str(value) and TOKEN.encode() not in _bytes(value) for row in rows for value in row)


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else b""


@pytest.mark.parametrize(
    "failure",
    [Reply(500), Reply(404), Reply(301, {"Location": "/elsewhere"}), Reply(307, {"Location": "/elsewhere"}), Reply(0)],
    ids=lambda reply: str(reply.status),
)
def test_a_failed_message_comes_again_under_its_id_before_anything_newer(site: Site, failure: Reply) -> None:
    """Rejects a cursor that moves on failure, redirects that count as success, and a new id for each attempt."""
    site.receiver.behave = script(failure, failure)
    site.subscribe()
    first = site.capture(2)
    assert site.receiver.wait(lambda: bool(site.receiver.messages))
    second = site.capture()
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 3)
    assert site.receiver.accepted_ids() == first + second
    tries = [message for message in site.receiver.messages if message.event_ids == first]
    assert [message.status for message in tries] == [failure.status, failure.status, 204]
    assert len({message.id for message in tries}) == 1
    assert {message.path for message in site.receiver.messages} == {"/hook"}


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(site: Site, status: int) -> None:
    """Rejects a retry by the worker's own back-off alone, which would come after 20 ms."""
    site.receiver.behave = script(Reply(status, {"Retry-After": "1"}))
    site.subscribe()
    site.capture()
    assert site.receiver.wait(lambda: bool(site.receiver.accepted_ids()))
    first, second = site.receiver.messages
    assert second.at - first.at >= 0.9


def test_a_date_in_retry_after_is_honoured(site: Site) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    site.receiver.behave = script(Reply(503, {"Retry-After": until}))
    site.subscribe()
    site.capture()
    assert site.receiver.wait(lambda: bool(site.receiver.accepted_ids()))
    first, second = site.receiver.messages
    assert second.at - first.at >= 0.5


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_date_in_retry_after_is_in_utc_whatever_the_zone_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Rejects a date without zone that is read as local time: a message would wait hours, or not at all."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for spelt in ("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"):
            waits = judged(Answer(503, {"retry-after": spelt}, b""), 784_111_777 - 60).retry_after_s
            assert waits == 60, spelt
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_receiver_that_takes_few_events_gets_few_and_all_of_them(site: Site) -> None:
    """413 halves the message until it fits. Rejects halves that overlap or leave one out."""
    site.receiver.behave = lambda _path, _headers, body: Reply(204 if body.count(b'"eventID"') <= 3 else 413)
    site.subscribe()
    expected = site.capture(40)
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) >= 40)
    assert site.receiver.accepted_ids() == expected
    accepted = [message for message in site.receiver.messages if message.accepted]
    assert len({message.id for message in site.receiver.messages}) == len(site.receiver.messages)
    assert max(len(message.event_ids) for message in accepted) <= 3


def test_a_message_that_is_split_more_than_once_keeps_its_order(site: Site) -> None:
    """Rejects halves that are sent by their numbers: those of the first half are numbered after the second."""
    big = "https://cordia.example/disposition/" + "y" * 500
    site.receiver.behave = lambda _path, _headers, body: Reply(
        413 if big.encode() in body and body.count(b'"eventID"') > 1 else 204
    )
    made = site.subscribe()
    site.request("POST", f"/subscriptions/{made}/pause")
    expected = site.capture(1, disposition=big) + site.capture(7)
    site.request("POST", f"/subscriptions/{made}/resume")
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 8)
    assert site.receiver.accepted_ids() == expected


def test_an_event_that_is_too_large_alone_is_a_dead_letter_and_the_rest_goes_on(site: Site) -> None:
    big = "https://cordia.example/disposition/" + "x" * 500

    def refuse_big(_path: str, _headers: Mapping[str, str], body: bytes) -> Reply:
        return Reply(413 if big.encode() in body else 204)

    site.receiver.behave = refuse_big
    made = site.subscribe()
    expected = site.capture(3)
    too_big = site.capture(1, disposition=big)
    expected += site.capture(3)
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 6)
    assert site.receiver.accepted_ids() == expected
    state = site.await_state(made, lambda one: one["deadLetters"] == 1 and one["waitingEvents"] == 0)
    assert state["state"] == "active"
    (letter,) = site.request("GET", f"/subscriptions/{made}/dead-letters").json()["deadLetters"]
    assert letter["eventIDs"] == too_big
    assert (letter["lastStatus"], letter["state"]) == (413, "dead")
    site.receiver.behave = script()
    asked = site.request("POST", f"/subscriptions/{made}/dead-letters/{letter['number']}/redeliver")
    assert asked.status_code == 202
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 7)
    assert site.receiver.accepted_ids() == expected + too_big
    site.await_state(made, lambda one: one["deadLetters"] == 0)


def test_a_dead_letter_that_fails_again_is_still_there(site: Site) -> None:
    site.receiver.behave = lambda *_: Reply(413)
    made = site.subscribe()
    site.capture()
    site.await_state(made, lambda one: one["deadLetters"] == 1)
    (letter,) = site.request("GET", f"/subscriptions/{made}/dead-letters").json()["deadLetters"]
    site.receiver.behave = lambda *_: Reply(500)
    site.request("POST", f"/subscriptions/{made}/dead-letters/{letter['number']}/redeliver")
    assert site.receiver.wait(lambda: any(message.status == 500 for message in site.receiver.messages))

    def letters() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = site.request("GET", f"/subscriptions/{made}/dead-letters").json()["deadLetters"]
        return found

    assert site.receiver.wait(lambda: letters()[0]["lastStatus"] == 500)
    assert letters()[0]["state"] == "dead"
    assert site.request("POST", f"/subscriptions/{made}/dead-letters/999/redeliver").status_code == 404


def test_410_disables_and_resume_goes_on_where_it_was(site: Site) -> None:
    site.receiver.behave = lambda *_: Reply(410)
    made = site.subscribe()
    first = site.capture()
    site.await_state(made, lambda one: one["state"] == "disabled")
    second = site.capture()
    count = len(site.receiver.messages)
    site.receiver.behave = script()
    assert len(site.receiver.messages) == count == 1
    assert site.request("POST", f"/subscriptions/{made}/resume").json()["state"] == "active"
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 2)
    assert site.receiver.accepted_ids() == first + second


def test_a_paused_subscription_catches_up_when_resumed(site: Site) -> None:
    made = site.subscribe()
    assert site.request("POST", f"/subscriptions/{made}/pause").json()["state"] == "paused"
    other = site.subscribe(path="/other")
    expected = site.capture(2)
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids("/other")) == 2)
    assert site.receiver.accepted_ids("/hook") == []
    assert site.state(other)["state"] == "active"
    site.request("POST", f"/subscriptions/{made}/resume")
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids("/hook")) == 2)
    assert site.receiver.accepted_ids("/hook") == expected


def test_a_receiver_that_hangs_holds_nobody_else_up(site: Site) -> None:
    """Rejects one queue for all subscribers."""
    released = threading.Event()

    def hang(path: str, *_: object) -> Reply:
        if path == "/slow":
            released.wait(30)
        return Reply()

    site.receiver.behave = hang
    for number in range(5):
        site.subscribe(path="/quick" if number == 2 else "/slow")
    site.capture()
    try:
        assert site.receiver.wait(lambda: bool(site.receiver.accepted_ids("/quick")))
        assert not site.receiver.accepted_ids("/slow")
    finally:
        released.set()


def test_a_schedule_reports_at_its_times_and_an_empty_report_only_where_asked_for(site: Site) -> None:
    site.subscribe(EVERY_SECOND, path="/quiet")
    site.subscribe(EVERY_SECOND | {"reportIfEmpty": True}, path="/empty")
    assert site.receiver.wait(lambda: sum(message.path == "/empty" for message in site.receiver.messages) >= 2)
    expected = site.capture(2)
    assert site.receiver.wait(lambda: all(len(site.receiver.accepted_ids(path)) == 2 for path in ("/quiet", "/empty")))
    assert site.receiver.accepted_ids("/quiet") == site.receiver.accepted_ids("/empty") == expected
    assert [message.path for message in site.receiver.messages].count("/quiet") == 1


def test_executions_that_were_missed_are_made_up_for_once(site: Site) -> None:
    """Rejects a report for each second in which the subscription was not served."""
    made = site.subscribe(EVERY_SECOND | {"reportIfEmpty": True})
    assert site.receiver.wait(lambda: bool(site.receiver.messages))
    site.request("POST", f"/subscriptions/{made}/pause")
    runtime = site.server.app.state.runtime
    hours_ago = runtime.now_us() - 7_200_000_000
    runtime.store.committer.run(
        lambda tx: tx.execute("UPDATE subscription SET next_run_us=? WHERE subscription_id=?", (hours_ago, made))
    )
    before, started = len(site.receiver.messages), time.monotonic()
    site.request("POST", f"/subscriptions/{made}/resume")
    assert site.receiver.wait(lambda: len(site.receiver.messages) >= before + 2)
    assert len(site.receiver.messages) - before <= time.monotonic() - started + 2


def test_an_initial_record_time_brings_what_was_stored_before(site: Site) -> None:
    earlier = site.capture(2)
    moment = site.request("GET", "/epcis/events?perPage=1").json()
    first = moment["epcisBody"]["queryResults"]["resultsBody"]["eventList"][0]["recordTime"]
    site.define(
        "mine", {"MATCH_epc": [f"https://id.gs1.org/01/09506000134352/21/D{one.rpartition('/')[2]}" for one in earlier]}
    )
    site.subscribe({"stream": True, "initialRecordTime": "2020-01-01T00:00:00Z"}, query="mine")
    later = (datetime.fromisoformat(first) + timedelta(days=1)).isoformat()
    site.subscribe({"stream": True, "initialRecordTime": later}, path="/later", query="mine")
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 2)
    assert site.receiver.accepted_ids() == earlier
    assert site.receiver.accepted_ids("/later") == []


def test_too_many_events_in_one_execution_are_told_and_the_subscription_waits_for_its_owner(site: Site) -> None:
    """Of a standing query's errors only two are told, as those are. EPCIS 2.0 8.2.5."""
    site.define("few", {"maxEventCount": 2})
    made = site.subscribe(EVERY_SECOND, query="few")
    site.request("POST", f"/subscriptions/{made}/pause")
    site.capture(3)
    site.request("POST", f"/subscriptions/{made}/resume")
    assert site.receiver.wait(lambda: bool(site.receiver.messages))
    message = site.receiver.messages[0]
    problem = orjson.loads(message.body)
    assert message.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "epcisException:QueryTooLargeException"
    assert (problem["queryName"], problem["subscriptionID"]) == ("few", made)
    assert site.await_state(made, lambda one: one["state"] == "parked")["lastError"]


def test_a_deleted_subscription_gets_nothing_more_and_leaves_nothing_behind(site: Site) -> None:
    site.receiver.behave = lambda *_: Reply(500)
    made = site.subscribe()
    site.capture()
    assert site.receiver.wait(lambda: bool(site.receiver.messages))
    assert site.request("DELETE", f"/epcis/queries/all/subscriptions/{made}").status_code == 204
    with site.server.app.state.runtime.store.reader() as reader:
        assert reader.fetch("SELECT count(*) FROM delivery") == [(0,)]
    count = len(site.receiver.messages)
    other = site.subscribe(path="/other")
    site.capture()
    assert site.receiver.wait(lambda: any(message.path == "/other" for message in site.receiver.messages))
    assert sum(message.path == "/hook" for message in site.receiver.messages) <= count + 1
    assert site.state(other)["subscriptionID"] == other


def test_a_trial_message_has_no_events_and_is_marked(site: Site) -> None:
    made = site.subscribe({"stream": True, "signatureToken": TOKEN})
    assert site.request("POST", f"/subscriptions/{made}/test").json() == {
        "delivered": True,
        "status": 204,
        "error": None,
    }
    (message,) = site.receiver.messages
    assert message.headers["traceward-test"] == "true"
    assert message.event_ids == []
    Webhook(base64.b64encode(TOKEN.encode()).decode()).verify(message.body, dict(message.headers))
    site.receiver.behave = lambda *_: Reply(404)
    told = site.request("POST", f"/subscriptions/{made}/test").json()
    assert (told["delivered"], told["status"]) == (False, 404)


def test_another_owner_finds_nothing_of_a_subscription(site: Site) -> None:
    """Rejects a look-up by id alone: for others it is absent, on every path."""
    made = site.subscribe()
    paths = [
        ("GET", f"/subscriptions/{made}"),
        ("GET", f"/subscriptions/{made}/deliveries"),
        ("GET", f"/subscriptions/{made}/dead-letters"),
        ("POST", f"/subscriptions/{made}/dead-letters/1/redeliver"),
        ("POST", f"/subscriptions/{made}/pause"),
        ("POST", f"/subscriptions/{made}/resume"),
        ("POST", f"/subscriptions/{made}/test"),
    ]
    for method, path in paths:
        for key in ("rival-supplier", "northgate-clinical", "northgate-supply"):
            hidden = site.request(method, path, key=key)
            absent = site.request(method, path.replace(made, "0" * 32), key=key)
            assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
            assert hidden.status_code == 404
    assert site.request("GET", "/subscriptions", key="rival-supplier").json() == {"subscriptions": []}
    assert site.state(made)["state"] == "active"
    assert site.receiver.messages == []


def test_what_waits_and_why_can_be_seen(site: Site) -> None:
    site.receiver.behave = lambda *_: Reply(500, {"Retry-After": "60"})
    made = site.subscribe()
    site.capture(3)
    state = site.await_state(made, lambda one: one["lastError"] is not None)
    assert (state["waitingEvents"], state["state"]) == (3, "active")
    assert state["lastError"] == "the receiver answered 500"
    assert state["lagSeconds"] > 0
    assert state["nextAttemptAt"] is not None
    (delivery,) = site.request("GET", f"/subscriptions/{made}/deliveries").json()["deliveries"]
    assert (delivery["state"], delivery["attempts"], delivery["lastStatus"]) == ("pending", 1, 500)
    site.receiver.behave = script()
    site.request("POST", f"/subscriptions/{made}/resume")
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 3)


def test_after_the_last_attempt_the_message_is_a_dead_letter_and_the_subscription_parked(
    open_site: Any,
) -> None:
    """Order is kept: nothing newer is delivered until its owner has looked. Rejects a worker that skips and goes on."""
    with open_site(webhook_attempts=3, webhook_first_wait_s=0.01) as site:
        site.receiver.behave = lambda *_: Reply(500)
        made = site.subscribe()
        first = site.capture(2)
        state = site.await_state(made, lambda one: one["state"] == "parked")
        assert state["lastError"] == "gave up after 3 attempts: the receiver answered 500"
        assert len(site.receiver.messages) == 3
        second = site.capture()
        site.receiver.behave = script()
        (letter,) = site.request("GET", f"/subscriptions/{made}/dead-letters").json()["deadLetters"]
        assert letter["eventIDs"] == first
        site.request("POST", f"/subscriptions/{made}/dead-letters/{letter['number']}/redeliver")
        assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 2)
        assert site.receiver.accepted_ids() == first
        site.request("POST", f"/subscriptions/{made}/resume")
        assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 3)
        assert site.receiver.accepted_ids() == first + second


def test_a_production_server_calls_no_address_inside(open_site: Any) -> None:
    """At subscription by its text, at delivery by what its name stands for."""
    from traceward.services.outgoing import OutgoingRules

    with open_site() as site:
        site.server.app.state.runtime.outgoing.rules = OutgoingRules()
        for dest in ("https://127.0.0.1/hook", "https://10.0.0.7/hook", "https://localhost/hook", "http://a.example/"):
            answer = site.request("POST", "/epcis/queries/all/subscriptions", json={"dest": dest, "stream": True})
            assert answer.status_code == 403, answer.text
            assert answer.json()["type"] == "epcisException:SecurityException"


def test_an_event_that_became_visible_late_is_delivered_when_it_does(site: Site) -> None:
    """Rejects a cursor by recordTime: the rival captures, and so sees, what Cordia captured before it subscribed."""
    shared = site.capture(1)
    number = int(shared[0].rpartition("/")[2])
    query = {"name": f"rivals {number}", "query": {}}
    assert site.request("POST", "/epcis/queries", key="rival-supplier", json=query).status_code == 201
    path = f"/epcis/queries/rivals%20{number}/subscriptions"
    asked = {"dest": f"{site.receiver.url}/rival", "stream": True}
    assert site.request("POST", path, key="rival-supplier", json=asked).status_code == 201
    other = site.request(
        "POST",
        "/epcis/capture",
        key="rival-supplier",
        content=document([event(number)]),
        headers={"Content-Type": "application/json"},
    )
    assert other.status_code == 202
    assert site.receiver.wait(lambda: site.receiver.accepted_ids("/rival") == shared)
    assert site.request("DELETE", path.removesuffix("/subscriptions"), key="rival-supplier").status_code == 204


def test_the_command_line_shows_and_steers_subscriptions(site: Site) -> None:
    from typer.testing import CliRunner

    from traceward.cli.main import app

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            app, ["subscriptions", *arguments, "--url", site.server.url, "--key", site.server.keys["cordia"]]
        )
        return done.exit_code, done.output

    site.receiver.behave = lambda *_: Reply(413)
    made = site.subscribe()
    site.capture()
    site.await_state(made, lambda one: one["deadLetters"] == 1)
    assert made[:8] in run("list")[1]
    number = orjson.loads(run("dead-letters", made, "--json")[1])["deadLetters"][0]["number"]
    assert run("test", made)[0] == 1
    site.receiver.behave = script()
    assert run("redeliver", made, str(number))[0] == 0
    assert site.receiver.wait(lambda: len(site.receiver.accepted_ids()) == 1)
    assert run("pause", made) == (0, f"{made} is paused\n")
    assert run("resume", made) == (0, f"{made} is active\n")
    assert run("test", made) == (0, "the receiver answered 204\n")
    assert run("pause", "unknown")[0] == 1
