"""Events of a named query over websockets: who gets what and when, in which order, and how it ends."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from .conftest import BACKENDS, Site

CORDIA, CLINICAL, RIVAL = "cordia", "northgate-clinical", "rival-supplier"
CORDIA_PARTY, NORTHGATE_PARTY = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/4012345000009"
CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"ex": "https://ex.example/"}]
QUERY = "/epcis/queries/watched"
PATIENCE_S = 15.0


@pytest.fixture(scope="module", params=BACKENDS)
def desk(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server on each database where every party has the query `watched` for shipments."""
    with open_site(request.param) as site:
        for who in (CORDIA, CLINICAL, RIVAL):
            define(site, who)
        yield site


def define(site: Site, who: str = CORDIA, query: dict[str, Any] | None = None) -> None:
    """Make the query `watched`."""
    body = {"name": "watched", "query": query if query is not None else {"EQ_bizStep": ["shipping"]}}
    made = site.request(who, "POST", "/epcis/queries", json=body)
    assert made.status_code == 201, made.text


def shipment(number: str, **fields: Any) -> dict[str, Any]:
    """An event with the eventID urn:uuid:..number."""
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{number}",
        "eventTime": "2026-05-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": "shipping",
        "epcList": [f"https://id.gs1.org/01/09521141010235/21/{number}"],
    } | fields


def capture(site: Site, *events: dict[str, Any], who: str = CORDIA) -> None:
    """Capture events; done when it returns."""
    document = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-03T00:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }
    job = site.job(who, site.capture(who, json.dumps(document).encode()))
    assert job["success"], job


def listen(site: Site, who: str | None, target: str = "?stream=true", **options: Any) -> ClientConnection:
    """An open websocket of that key's owner on the events of `watched`."""
    headers = dict(options.pop("headers", {}))
    if who is not None:
        headers["Authorization"] = f"Bearer {site.server.keys[who]}"
    url = site.server.url.replace("http://", "ws://") + f"{QUERY}/events{target}"
    return connect(url, additional_headers=headers, **options)


def numbers(message: str | bytes) -> list[str]:
    """The numbers of a message's events, as `shipment` gave them."""
    document = json.loads(message)
    assert document["type"] == "EPCISQueryDocument"
    results = document["epcisBody"]["queryResults"]
    assert results["queryName"] == "watched"
    return [event["eventID"].removeprefix("urn:uuid:") for event in results["resultsBody"]["eventList"]]


def heard(client: ClientConnection, until: str) -> list[str]:
    """The numbers of all events up to the one of number `until`."""
    found: list[str] = []
    while until not in found:
        found += numbers(client.recv(timeout=PATIENCE_S))
    return found


def closed(client: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server closes."""
    with pytest.raises(ConnectionClosed) as ended:
        _hear_all(client)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code, ended.value.rcvd.reason


def _hear_all(client: ClientConnection) -> None:
    while True:
        client.recv(timeout=PATIENCE_S)


def refusal(site: Site, who: str | None, target: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and problem body of a handshake that must fail."""
    with pytest.raises(InvalidStatus) as refused, listen(site, who, target, **options):
        pass
    response = refused.value.response
    assert response.headers["content-type"] == "application/problem+json"
    assert response.body is not None
    body: dict[str, Any] = json.loads(response.body)
    return response.status_code, body


def test_a_stream_tells_what_is_captured_from_now_on_once_and_in_order(desk: Site) -> None:
    """EPCIS 2.0 REST, websocket. Rejects a stream that begins with what was there, or repeats what a poll has seen."""
    capture(desk, shipment("before-1"))
    with listen(desk, CORDIA) as client:
        assert client.response is not None
        assert client.response.headers["gs1-query-min-record-time"].endswith("Z")
        for number in range(5):
            capture(desk, shipment(f"now-{number}"), shipment(f"other-{number}", bizStep="storing"))
        assert heard(client, "now-4") == [f"now-{number}" for number in range(5)]
        # The same content again is not new.
        capture(desk, shipment("now-3"))
        capture(desk, shipment("now-5"))
        assert heard(client, "now-5") == ["now-5"]


def test_an_initial_record_time_tells_what_was_there_and_goes_on_without_gap_or_repetition(desk: Site) -> None:
    """Rejects a switch from history to live that loses, or gives twice, what is captured in between."""
    capture(desk, *(shipment(f"old-{number}") for number in range(70)))
    target = f"?stream=true&initialRecordTime={quote('2020-01-01T00:00:00Z')}"
    done = threading.Event()

    def keep_capturing() -> None:
        for number in range(30):
            capture(desk, shipment(f"live-{number}"))
        done.set()

    writer = threading.Thread(target=keep_capturing)
    writer.start()
    with ExitStack() as stack:
        stack.callback(writer.join)
        clients = [stack.enter_context(listen(desk, CORDIA, target)) for _ in range(3)]
        told = [heard(client, "live-29") for client in clients]
    assert done.is_set()
    for found in told:
        mine = [number for number in found if number.startswith(("old-", "live-"))]
        assert mine == [f"old-{number}" for number in range(70)] + [f"live-{number}" for number in range(30)]
        assert len(found) == len(set(found))


def test_each_client_hears_only_what_its_organisation_may_see(desk: Site) -> None:
    """Rejects a stream that is shared by all who listen to the same parameters."""
    to_northgate = {
        "sourceList": [{"type": "owning_party", "source": CORDIA_PARTY}],
        "destinationList": [{"type": "owning_party", "destination": NORTHGATE_PARTY}],
    }
    with listen(desk, CORDIA) as supplier, listen(desk, CLINICAL) as hospital, listen(desk, RIVAL) as rival:
        capture(desk, shipment("own-1"), shipment("sent-1", **to_northgate))
        capture(desk, shipment("rival-1", epcList=["https://id.gs1.org/01/09506000134352/21/R1"]), who=RIVAL)
        capture(desk, shipment("sent-2", **to_northgate))
        capture(desk, shipment("rival-2", epcList=["https://id.gs1.org/01/09506000134352/21/R2"]), who=RIVAL)
        assert heard(supplier, "sent-2") == ["own-1", "sent-1", "sent-2"]
        assert heard(hospital, "sent-2") == ["sent-1", "sent-2"]
        assert heard(rival, "rival-2") == ["rival-1", "rival-2"]


def test_a_schedule_tells_each_event_once_and_says_so_where_there_is_nothing(desk: Site) -> None:
    """EPCIS 2.0 8.2.5.3. Rejects a schedule that reports the same events at every execution, or nothing when asked."""
    target = "?second=%5B0-59%5D"
    with listen(desk, CORDIA, f"{target}&reportIfEmpty=true") as talking, listen(desk, CORDIA, target) as silent:
        assert numbers(talking.recv(timeout=PATIENCE_S)) == []
        capture(desk, shipment("timed-1"), shipment("timed-2"))
        assert heard(talking, "timed-2") == ["timed-1", "timed-2"]
        assert numbers(talking.recv(timeout=PATIENCE_S)) == []
        assert numbers(silent.recv(timeout=PATIENCE_S)) == ["timed-1", "timed-2"]
        with pytest.raises(TimeoutError):
            silent.recv(timeout=2.2)


def test_what_another_process_captures_is_told_too(desk: Site, open_site: Callable[..., Any]) -> None:
    """Rejects a stream that wakes only for captures of its own process. SQLite is of one server alone."""
    url = desk.server.settings.database_url
    if url is None:
        pytest.skip("a SQLite database is of one server")
    with (
        open_site("sqlite", database_url=url.get_secret_value()) as other,
        listen(desk, CORDIA) as client,
    ):
        capture(other, shipment("elsewhere-1"))
        assert heard(client, "elsewhere-1") == ["elsewhere-1"]


def test_formats_asked_for_in_the_handshake_are_kept_to(desk: Site) -> None:
    wanted = {"Accept": "application/xml", "GS1-EPC-Format": "Always_EPC_URN"}
    with listen(desk, CORDIA, headers=wanted) as client:
        capture(desk, shipment("xml1"))
        message = client.recv(timeout=PATIENCE_S)
        assert isinstance(message, str)
        assert "EPCISQueryDocument" in message
        assert "urn:epc:id:sgtin:9521141.001023.xml1" in message


@pytest.mark.parametrize(
    ("target", "status", "name", "said"),
    [
        ("", 400, "SubscriptionControlsException", "stream"),
        ("?stream=false", 400, "SubscriptionControlsException", "stream"),
        ("?stream=yes", 400, "SubscriptionControlsException", "stream"),
        ("?stream=true&stream=true", 400, "SubscriptionControlsException", "stream"),
        ("?stream=true&hour=1", 400, "SubscriptionControlsException", "both"),
        ("?stream=true&reportIfEmpty=true", 400, "SubscriptionControlsException", "reportIfEmpty"),
        ("?second=60", 400, "SubscriptionControlsException", "second"),
        ("?minute=%5B5-3%5D", 400, "SubscriptionControlsException", "minute"),
        ("?dayOfWeek=0", 400, "SubscriptionControlsException", "dayOfWeek"),
        ("?stream=true&initialRecordTime=now", 400, "SubscriptionControlsException", "initialRecordTime"),
        ("?stream=true&EQ_bizStep=shipping", 400, "QueryParameterException", "EQ_bizStep"),
        ("?stream=true&perPage=3", 400, "QueryParameterException", "perPage"),
    ],
)
def test_wrong_controls_are_told_before_the_upgrade(desk: Site, target: str, status: int, name: str, said: str) -> None:
    """EPCIS 2.0 8.2.5. Rejects a websocket that opens and then never tells anything."""
    found, body = refusal(desk, CORDIA, target)
    assert (found, body["type"]) == (status, f"epcisException:{name}")
    assert said in body["detail"]


def test_a_query_of_one_whole_answer_is_not_listened_to(desk: Site) -> None:
    """EPCIS 2.0 8.2.7.1, eventCountLimit. Rejects a stream that goes on beyond the number that its query names."""
    desk.request(CORDIA, "DELETE", QUERY)
    define(desk, CORDIA, {"orderBy": "eventTime", "eventCountLimit": 1})
    status, body = refusal(desk, CORDIA, "?stream=true")
    assert (status, body["type"]) == (400, "epcisException:QueryParameterException")
    assert "orderBy" in body["detail"]
    desk.request(CORDIA, "DELETE", QUERY)
    define(desk, CORDIA)


def test_who_may_not_listen_is_told_before_the_upgrade(desk: Site) -> None:
    assert refusal(desk, None, "?stream=true")[0] == 401
    assert refusal(desk, None, "?stream=true", headers={"Authorization": "Bearer tw_0_x"})[0] == 401
    assert refusal(desk, "admin", "?stream=true")[0] == 403
    status, body = refusal(desk, "northgate-supply", "?stream=true")
    assert (status, body["type"]) == (404, "epcisException:NoSuchNameException")
    assert refusal(desk, CORDIA, "?stream=true", headers={"GS1-EPC-Format": "x"})[0] == 400
    assert refusal(desk, CORDIA, "?stream=true", headers={"Accept": "text/html"})[0] == 406


@pytest.mark.parametrize("path", ["/epcis/events", "/epcis/queries/watched", "/no/such/place", "/"])
@pytest.mark.parametrize("who", [None, CORDIA])
def test_a_path_without_websocket_says_where_one_is(desk: Site, path: str, who: str | None) -> None:
    """Rejects the framework's bare 403, which reads as a key that may not listen."""
    headers = {"Authorization": f"Bearer {desk.server.keys[who]}"} if who is not None else {}
    url = desk.server.url.replace("http://", "ws://") + path
    with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=headers):
        pass
    response = refused.value.response
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert "/epcis/queries/{queryName}/events" in json.loads(response.body or b"")["detail"]


def test_a_refused_websocket_is_no_error_of_the_server(desk: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Rejects a log that strangers can fill with errors by asking for what they may not have."""
    assert refusal(desk, None, "?stream=true")[0] == 401
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_browser_gives_its_key_as_a_subprotocol(desk: Site) -> None:
    """Browsers cannot set Authorization. Rejects an answer without the subprotocol: a browser would then hang up."""
    with listen(desk, None, subprotocols=["bearer", desk.server.keys[CORDIA]]) as client:
        assert client.subprotocol == "bearer"
        capture(desk, shipment("browser-1"))
        assert heard(client, "browser-1") == ["browser-1"]
    assert refusal(desk, None, "?stream=true", subprotocols=["bearer", "tw_0_x"])[0] == 401
    assert refusal(desk, None, "?stream=true", subprotocols=["bearer"])[0] == 401


def test_a_session_listens_from_our_own_pages_alone(desk: Site) -> None:
    """OWASP ASVS 5.0 4.4.2. Rejects a websocket that any page may open with the user's cookie."""
    own = desk.server.url
    opened = desk.request(
        None, "POST", "/session", json={"key": desk.server.keys[CORDIA]}, headers={"X-Traceward-Client": "web"}
    )
    cookie = opened.headers["set-cookie"].partition(";")[0]
    desk.http.cookies.clear()
    with listen(desk, None, headers={"Cookie": cookie}, origin=own) as client:  # type: ignore[arg-type]
        capture(desk, shipment("session-1"))
        assert heard(client, "session-1") == ["session-1"]
        desk.request(None, "DELETE", "/session", headers={"Cookie": cookie, "X-Traceward-Client": "web"})
        assert closed(client)[0] == 1008
    again = desk.request(
        None, "POST", "/session", json={"key": desk.server.keys[CORDIA]}, headers={"X-Traceward-Client": "web"}
    )
    cookie = again.headers["set-cookie"].partition(";")[0]
    desk.http.cookies.clear()
    for origin in (None, "https://evil.example", "null", f"{own}.evil.example"):
        assert refusal(desk, None, "?stream=true", headers={"Cookie": cookie}, origin=origin)[0] == 403


def test_the_door_keeps_websockets_to_its_rules(desk: Site) -> None:
    """Rejects a door that looks at HTTP alone: a rebound name would come in by a websocket."""
    assert refusal(desk, CORDIA, "?stream=true%00")[0] == 400
    port = int(desk.server.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://rebound.example:{port}{QUERY}/events?stream=true", sock=plain, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 400


def test_a_deleted_query_ends_its_websockets_even_if_its_name_is_taken_again(desk: Site) -> None:
    """Rejects a listener that looks only whether some query has the name."""
    with listen(desk, CORDIA) as client:
        assert desk.request(CORDIA, "DELETE", QUERY).status_code == 204
        define(desk, query={"EQ_bizStep": ["storing"]})
        code, reason = closed(client)
        assert (code, "deleted" in reason) == (1001, True)
    desk.request(CORDIA, "DELETE", QUERY)
    define(desk)


def test_a_revoked_key_ends_its_websockets(desk: Site) -> None:
    """Rejects a check of the key at the handshake alone."""
    made = desk.request("admin", "POST", "/admin/keys", json={"organisation": CORDIA_PARTY, "role": "supplier"})
    assert made.status_code == 201, made.text
    with listen(desk, None, headers={"Authorization": f"Bearer {made.json()['key']}"}) as client:
        assert desk.request("admin", "DELETE", f"/admin/keys/{made.json()['id']}").status_code == 204
        capture(desk, shipment("revoked-1"))
        code, reason = closed(client)
        assert (code, "valid" in reason) == (1008, True)


def test_a_slow_client_is_dropped_and_others_are_not_kept_waiting(open_site: Callable[..., Any]) -> None:
    """Rejects a server that keeps in memory what a client does not take, or waits for it for ever."""
    with open_site(websocket_send_timeout_s=0.5, websockets_per_organisation=2) as site, ExitStack() as stack:
        define(site)
        narrow = stack.enter_context(socket.socket())
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", int(site.server.url.rpartition(":")[2])))
        plain = {"compression": None, "max_size": None}
        slow = stack.enter_context(listen(site, CORDIA, sock=narrow, max_queue=1, close_timeout=0.1, **plain))
        quick = stack.enter_context(listen(site, CORDIA, **plain))
        for half in ("a", "b"):
            capture(site, *(shipment(f"{half}{number}", **{"ex:text": "x" * 900_000}) for number in range(5)))
        assert heard(quick, "b4") == [f"{half}{number}" for half in ("a", "b") for number in range(5)]
        # Only two may be open: a third one is let in as soon as the slow one is given up.
        assert _opens_within(site, PATIENCE_S)
        with pytest.raises(ConnectionClosed):
            _hear_all(slow)


def _opens_within(site: Site, patience_s: float) -> bool:
    """Whether another websocket is let in before so many seconds are over; it is refused until then."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        with suppress(InvalidStatus), listen(site, CORDIA):
            return True
        time.sleep(0.1)
    return False


def test_an_organisation_has_only_so_many_websockets(open_site: Callable[..., Any]) -> None:
    """Rejects a count that never goes down, and one that all organisations share."""
    with open_site(websockets_per_organisation=2) as site:
        define(site)
        define(site, RIVAL)
        with listen(site, CORDIA), listen(site, CORDIA):
            assert refusal(site, CORDIA, "?stream=true")[0] == 429
            with listen(site, RIVAL):
                pass
        assert _opens_within(site, PATIENCE_S)
        for _ in range(3):
            assert refusal(site, CORDIA, "?stream=false")[0] == 400


def test_a_server_that_stops_closes_its_websockets(open_site: Callable[..., Any]) -> None:
    with ExitStack() as stack:
        with open_site() as site:
            define(site)
            client = stack.enter_context(listen(site, CORDIA))
        assert closed(client)[0] in {1001, 1012}
