"""Subscriptions over HTTP: made, shown, listed, ended, and what is refused; on both databases. Nothing is delivered."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .conftest import BACKENDS, Site

CORDIA, SUPPLY, RIVAL = "cordia", "northgate-supply", "rival-supplier"
DEST = "http://127.0.0.1:9/reports"
SECRET = "a-token-that-nobody-may-see"  # made up here
STREAM = {"dest": DEST, "stream": True}


@pytest.fixture(scope="module", params=BACKENDS)
def desk(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """An empty server on each database."""
    with open_site(request.param) as site:
        yield site


@pytest.fixture
def query(desk: Site) -> Iterator[str]:
    """The path of a named query of Cordia."""
    made = desk.request(CORDIA, "POST", "/epcis/queries", json={"name": "my shipments", "query": {}})
    assert made.status_code == 201, made.text
    yield made.headers["location"]
    desk.request(CORDIA, "DELETE", made.headers["location"])


def subscribe(desk: Site, query: str, body: Any, who: str = CORDIA, **headers: str) -> httpx.Response:
    """The answer to POST .../subscriptions."""
    return desk.request(who, "POST", f"{query}/subscriptions", json=body, headers=headers)


def refused(answer: httpx.Response, status: int, name: str) -> str:
    """The detail of a problem of that status and type."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["type"] == f"epcisException:{name}", body
    detail: str = body["detail"]
    return detail


def test_a_subscription_is_made_shown_listed_and_ended_and_its_token_is_never_told(desk: Site, query: str) -> None:
    """EPCIS 2.0 REST, Subscription. Rejects an answer, list or error that echoes the signatureToken."""
    made = subscribe(desk, query, STREAM | {"signatureToken": SECRET, "initialRecordTime": "2026-01-01T00:00:00Z"})
    assert made.status_code == 201, made.text
    body = made.json()
    assert made.headers["location"] == f"{query}/subscriptions/{body['subscriptionID']}"
    assert (body["dest"], body["stream"], body["queryName"]) == (DEST, True, "my shipments")
    assert body["initialRecordTime"] == body["minRecordTime"] == "2026-01-01T00:00:00.000Z"
    assert "createdAt" in body
    read = desk.request(CORDIA, "GET", made.headers["location"])
    listed = desk.request(CORDIA, "GET", f"{query}/subscriptions")
    assert read.json() == body
    assert listed.json() == [body]
    again = subscribe(desk, query, {"dest": "nowhere", "stream": True, "signatureToken": SECRET})
    for answer in (made, read, listed, again):
        assert SECRET not in answer.text
        assert SECRET not in str(answer.headers)
    assert desk.request(CORDIA, "DELETE", made.headers["location"]).status_code == 204
    refused(desk.request(CORDIA, "GET", made.headers["location"]), 404, "NoSuchNameException")
    refused(desk.request(CORDIA, "DELETE", made.headers["location"]), 404, "NoSuchNameException")
    assert desk.get(CORDIA, f"{query}/subscriptions") == []


def test_the_formats_asked_for_stay_with_the_subscription(desk: Site, query: str) -> None:
    """Rejects reports in the default format whatever the subscriber asked for."""
    asked = {"GS1-EPC-Format": "Always_EPC_URN", "GS1-CBV-XML-Format": "Always_URN", "Accept": "application/xml"}
    made = subscribe(desk, query, STREAM, **asked)
    assert made.status_code == 201, made.text
    assert made.headers["content-type"] == "application/json"
    assert made.json()["epcFormat"] == "Always_EPC_URN"
    assert subscribe(desk, query, STREAM).json()["epcFormat"] == "Always_GS1_Digital_Link"
    refused(subscribe(desk, query, STREAM, **{"GS1-EPC-Format": "Sometimes"}), 400, "ValidationException")
    refused(subscribe(desk, query, STREAM, **{"GS1-EPCIS-Min": "3.0"}), 406, "NotAcceptableException")


def test_options_of_a_subscription_tell_its_minimal_record_time_to_its_owner_alone(desk: Site, query: str) -> None:
    """EPCIS 2.0 REST discovery, GS1-Query-Min-Record-Time. Rejects a header that tells strangers of a subscription."""
    made = subscribe(desk, query, STREAM | {"initialRecordTime": "2026-01-01T02:00:00+02:00"})
    where = made.headers["location"]
    own = desk.request(CORDIA, "OPTIONS", where)
    assert own.status_code == 204
    assert own.headers["gs1-query-min-record-time"] == "2026-01-01T00:00:00.000Z"
    assert own.headers["allow"] == "DELETE, GET, OPTIONS"
    for who, path in ((RIVAL, where), ("admin", where), (None, where), (CORDIA, f"{query}/subscriptions/none")):
        answer = desk.request(who, "OPTIONS", path)
        assert answer.status_code == 204
        assert "gs1-query-min-record-time" not in answer.headers
    collection = desk.request(None, "OPTIONS", f"{query}/subscriptions")
    assert collection.headers["allow"] == "GET, OPTIONS, POST"


def test_subscriptions_are_listed_page_by_page_each_once(desk: Site, query: str) -> None:
    ids = [subscribe(desk, query, STREAM).json()["subscriptionID"] for _ in range(5)]
    found: list[str] = []
    path: str | None = f"{query}/subscriptions?perPage=2"
    while path:
        answer = desk.request(CORDIA, "GET", path)
        assert len(answer.json()) <= 2
        found += [one["subscriptionID"] for one in answer.json()]
        path = answer.headers["link"][1:].partition(">")[0] if "link" in answer.headers else None
    assert sorted(found) == sorted(ids)
    refused(desk.request(CORDIA, "GET", f"{query}/subscriptions?state=active"), 400, "QueryParameterException")


def test_a_subscription_is_there_for_its_owner_and_below_its_own_query_alone(desk: Site, query: str) -> None:
    """Rejects a lookup by subscriptionID alone, and an answer to a stranger that tells a hidden one from none."""
    made = subscribe(desk, query, STREAM)
    identifier = made.json()["subscriptionID"]
    for who in (RIVAL, SUPPLY):
        refused(desk.request(who, "GET", f"{query}/subscriptions"), 404, "NoSuchNameException")
        refused(subscribe(desk, query, STREAM, who), 404, "NoSuchNameException")
        desk.request(who, "POST", "/epcis/queries", json={"name": "my shipments", "query": {}})
        hidden = desk.request(who, "GET", made.headers["location"])
        absent = desk.request(who, "GET", f"{query}/subscriptions/none")
        assert hidden.content == absent.content
        refused(desk.request(who, "DELETE", made.headers["location"]), 404, "NoSuchNameException")
        assert desk.get(who, f"{query}/subscriptions") == []
        desk.request(who, "DELETE", query)
    desk.request(CORDIA, "POST", "/epcis/queries", json={"name": "other", "query": {}})
    refused(desk.request(CORDIA, "GET", f"/epcis/queries/other/subscriptions/{identifier}"), 404, "NoSuchNameException")
    desk.request(CORDIA, "DELETE", "/epcis/queries/other")
    assert desk.request(CORDIA, "GET", made.headers["location"]).status_code == 200
    refused(subscribe(desk, query, STREAM, "admin"), 403, "SecurityException")


def test_with_its_query_a_subscription_ends_and_does_not_come_back_with_the_name(desk: Site) -> None:
    """EPCIS 2.0 REST, DELETE /queries/{queryName}. Rejects subscriptions that hang on a name and outlive the query."""
    definition = {"name": "short lived", "query": {"EQ_action": ["ADD"]}}
    query = desk.request(CORDIA, "POST", "/epcis/queries", json=definition).headers["location"]
    made = subscribe(desk, query, STREAM)
    assert desk.request(CORDIA, "DELETE", query).status_code == 204
    refused(desk.request(CORDIA, "GET", made.headers["location"]), 404, "NoSuchNameException")
    assert desk.request(CORDIA, "POST", "/epcis/queries", json=definition).status_code == 201
    assert desk.get(CORDIA, f"{query}/subscriptions") == []
    refused(desk.request(CORDIA, "GET", made.headers["location"]), 404, "NoSuchNameException")
    desk.request(CORDIA, "DELETE", query)


CONTROLS = "SubscriptionControlsException"
VALIDATION = "ValidationException"


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        ({"dest": DEST}, CONTROLS, "stream"),
        ({"dest": DEST, "stream": True, "schedule": {"second": "0"}}, CONTROLS, "both"),
        ({"dest": DEST, "stream": False}, CONTROLS, "stream"),
        ({"dest": DEST, "stream": "true"}, CONTROLS, "stream"),
        ({"dest": DEST, "stream": True, "reportIfEmpty": True}, CONTROLS, "reportIfEmpty"),
        ({"dest": DEST, "schedule": {}}, CONTROLS, "schedule"),
        ({"dest": DEST, "schedule": {"second": "60"}}, CONTROLS, "second"),
        ({"dest": DEST, "schedule": {"second": "0/30"}}, CONTROLS, "second"),
        ({"dest": DEST, "schedule": {"hour": "[5-3]"}}, CONTROLS, "hour"),
        ({"dest": DEST, "schedule": {"hour": 5}}, CONTROLS, "hour"),
        ({"dest": DEST, "schedule": {"dayOfWeek": "0"}}, CONTROLS, "dayOfWeek"),
        ({"dest": DEST, "schedule": {"year": "2026"}}, CONTROLS, "year"),
        ({"dest": DEST, "schedule": {"second": "0"}, "reportIfEmpty": 1}, CONTROLS, "reportIfEmpty"),
        ({"dest": DEST, "stream": True, "initialRecordTime": "now"}, CONTROLS, "initialRecordTime"),
        ({"stream": True}, VALIDATION, "dest"),
        ({"dest": "somewhere", "stream": True}, VALIDATION, "dest"),
        ({"dest": "ftp://partner.example/", "stream": True}, VALIDATION, "dest"),
        ({"dest": "https://user:word@partner.example/", "stream": True}, VALIDATION, "dest"),
        ({"dest": ["https://partner.example/"], "stream": True}, VALIDATION, "dest"),
        ({"dest": DEST, "stream": True, "signatureToken": 7}, VALIDATION, "signatureToken"),
        ({"dest": DEST, "stream": True, "trigger": "x"}, VALIDATION, "trigger"),
        ([], VALIDATION, "object"),
    ],
)
def test_a_subscription_that_cannot_be_kept_is_refused_with_its_mistake(
    desk: Site, query: str, body: Any, name: str, said: str
) -> None:
    """EPCIS 2.0 8.2.5. Rejects a subscription that is kept although it can never report."""
    assert said in refused(subscribe(desk, query, body), 400, name)
    assert desk.get(CORDIA, f"{query}/subscriptions") == []


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"orderBy": "recordTime"}, "orderBy"),
        ({"orderBy": "eventTime", "orderDirection": "ASC", "eventCountLimit": 1}, "orderBy"),
    ],
)
def test_a_query_of_one_whole_answer_takes_no_subscription(desk: Site, parameters: dict[str, Any], name: str) -> None:
    """EPCIS 2.0 8.2.7.1, orderBy. Rejects a subscription that forgets what its query says of order and number."""
    definition = {"name": "newest", "query": {"EQ_action": ["ADD"], **parameters}}
    query = desk.request(CORDIA, "POST", "/epcis/queries", json=definition).headers["location"]
    assert name in refused(subscribe(desk, query, STREAM), 400, "QueryParameterException")
    assert desk.get(CORDIA, f"{query}/subscriptions") == []
    assert desk.request(CORDIA, "GET", f"{query}/events").status_code == 200
    desk.request(CORDIA, "DELETE", query)


@pytest.mark.parametrize(
    "dest",
    [
        "http://10.0.0.1/",
        "https://192.168.1.1/x",
        "http://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
    ],
)
def test_a_destination_that_this_server_does_not_call_is_forbidden(desk: Site, query: str, dest: str) -> None:
    """Rejects a check that waits for the first delivery: the subscriber would never learn of it."""
    answer = subscribe(desk, query, {"dest": dest, "stream": True})
    refused(answer, 403, "SecurityException")
    assert desk.get(CORDIA, f"{query}/subscriptions") == []


def test_a_body_that_is_no_JSON_or_of_another_version_is_refused(desk: Site, query: str) -> None:
    path = f"{query}/subscriptions"
    plain = {"Content-Type": "text/plain"}
    refused(
        desk.request(CORDIA, "POST", path, content=b"{}", headers=plain), 415, "UnsupportedMediaTypeException"
    )  # fmt: skip
    broken = desk.request(CORDIA, "POST", path, content=b'{"dest"', headers={"Content-Type": "application/json"})
    refused(broken, 400, "ValidationException")
    twice = json.dumps(STREAM)[:-1] + ',"stream":true}'
    doubled = desk.request(CORDIA, "POST", path, content=twice, headers={"Content-Type": "application/json"})
    refused(doubled, 400, "ValidationException")
    refused(subscribe(desk, query, STREAM, **{"GS1-EPCIS-Version": "1.2"}), 406, "NotAcceptableException")
