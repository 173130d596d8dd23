"""Query answers of 1,000 events joined from stored bytes, against decoding and encoding the same events.

Prints ratios; never passes or fails on a time. Run: python3 dev.py bench answers
As functions: `services.answers.event_answer` against orjson.loads of each stored text and orjson.dumps of the whole
answer, the least that a server has to do that keeps events as values. Over HTTP: GET /epcis/events?perPage=1000 of a
server in this process, against the same server whose answer function decodes and encodes; the search is in both.
Rounds of both alternate, so that a busy machine slows both.
"""

import contextlib
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import orjson
import uvicorn

from bench.capture_documents import made_document
from traceward.api.app import create_app
from traceward.api.settings import Settings
from traceward.epcis.extension import STANDARD_CONTEXT
from traceward.epcis.times import format_time_us
from traceward.services.queries import answers, query
from traceward.services.runtime import Runtime
from traceward.store.rows import StoredEvent

EVENTS = 1000
ROUNDS = 15
WARM_UP = 3
TARGET = 3.5


def main() -> int:
    """Print both ratios."""
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as client:
        answer = client.post(
            "/epcis/capture", content=made_document(1, EVENTS), headers={"Content-Type": "application/json"}
        )
        while client.get(answer.headers["location"]).json()["running"]:
            time.sleep(0.05)
        seen = events_given(client)
        compare(
            "as a function",
            lambda: answers.event_answer(*seen),
            lambda: decoded_and_encoded(*seen),
        )
        compare("over HTTP", lambda: got(client), lambda: got_decoded(client))
    return 0


def events_given(client: httpx.Client) -> tuple[Runtime, list[StoredEvent], answers.Representation]:
    """What the answer function is given for the query."""
    given: list[Any] = []
    with mock.patch.object(query, "event_answer", lambda *arguments, **_: given.append(arguments) or b"{}"):
        got(client)
    (arguments,) = given
    assert len(arguments[1]) == EVENTS
    return arguments


def decoded_and_encoded(
    runtime: Runtime, events: list[StoredEvent], _representation: answers.Representation, **_names: Any
) -> bytes:
    """The same answer by way of values."""
    listed = [
        {"recordTime": format_time_us(event.record_time_us), **orjson.loads(event.rendered or event.text)}
        for event in events
    ]
    results = {"queryName": "SimpleEventQuery", "resultsBody": {"eventList": listed}}
    return orjson.dumps(
        {
            "@context": [STANDARD_CONTEXT, {"mcx": "https://ns.traceward.org/consignment/"}],
            "type": "EPCISQueryDocument",
            "schemaVersion": "2.0",
            "creationDate": format_time_us(runtime.now_us()),
            "epcisBody": {"queryResults": results},
        }
    )


def got(client: httpx.Client) -> bytes:
    """The answer of the server."""
    return client.get(f"/epcis/events?perPage={EVENTS}").raise_for_status().content


def got_decoded(client: httpx.Client) -> bytes:
    """The answer of the server when it decodes and encodes."""
    with mock.patch.object(query, "event_answer", decoded_and_encoded):
        return got(client)


def compare(what: str, joined: Callable[[], bytes], decoded: Callable[[], bytes]) -> None:
    """Print how long each takes; both must give the same events."""
    assert event_list(joined()) == event_list(decoded())
    rounds = [(seconds(joined), seconds(decoded)) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    ours, theirs = (statistics.median(one[index] for one in rounds) * 1000 for index in (0, 1))
    ratios = [one[1] / one[0] for one in rounds]
    print(
        f"{what}: {ours:.2f} ms joined, {theirs:.2f} ms decoded and encoded, {EVENTS:,} events; ratio "
        f"{statistics.median(ratios):.1f} (median of {ROUNDS}, {min(ratios):.1f} to {max(ratios):.1f}; "
        f"target {TARGET})"
    )


def event_list(body: bytes) -> list[dict[str, Any]]:
    """The events of an answer."""
    found: list[dict[str, Any]] = orjson.loads(body)["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return found


def seconds(work: Callable[[], bytes]) -> float:
    """How long the work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextlib.contextmanager
def served(folder: Path) -> Iterator[httpx.Client]:
    """A demo server in a thread, and a client with a supplier's key."""
    app = create_app(Settings(data_dir=folder, demo=True, demo_storyline=False, scan_warm=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        headers = {"Authorization": f"Bearer {app.state.demo_keys['cordia']}"}
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, headers=headers, timeout=300) as client:
            yield client
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
