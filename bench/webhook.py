"""The time from a capture to the webhook that tells of it, at 100 events a second, on both databases.

Prints figures; never passes or fails on a time. Run: python3 dev.py bench webhook
A server process of its own captures five events twenty times a second for one organisation, which has one stream
subscription for everything; the receiver is here. The lag of an event runs from the moment at which its capture was
sent to the moment at which the webhook that holds it had come whole, so it holds the capture's own time as well.
"""

import contextlib
import http.server
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.capture import postgres_urls

RATE = 100
EVENTS_AT_ONCE = 5
SECONDS = 20.0
WARM_UP_S = 3.0
TARGET_S = 1.0
SENDERS = 8
START_TIMEOUT_S = 60.0
ROOT = Path(__file__).resolve().parents[1]


class Arrivals(http.server.ThreadingHTTPServer):
    """Notes when each event came first; answers every message with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.at: dict[str, float] = {}
        self.messages = 0


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Arrivals

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        now = time.perf_counter()
        self.server.messages += 1
        for event in orjson.loads(body)["epcisBody"]["queryResults"]["resultsBody"]["eventList"]:
            self.server.at.setdefault(event["eventID"], now)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> int:
    """Print the lag on SQLite, and on PostgreSQL where there is one."""
    with tempfile.TemporaryDirectory() as name:
        measure("sqlite", None, Path(name) / "sqlite")
        with postgres_urls() as urls:
            if urls is None:
                print("postgresql: no server program found and TRACEWARD_BENCH_POSTGRES_URL not set; not measured")
            else:
                measure("postgresql", urls(), Path(name) / "postgresql")
    return 0


def measure(name: str, url: str | None, folder: Path) -> None:
    """Print one database's figures."""
    with Arrivals() as receiver, served(folder, url) as client:
        threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        post(client, "/epcis/queries", {"name": "all", "query": {}})
        dest = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
        post(client, "/epcis/queries/all/subscriptions", {"dest": dest, "stream": True})
        sent = capture_at_rate(client)
        deadline = time.perf_counter() + 30
        while len(receiver.at) < len(sent) and time.perf_counter() < deadline:
            time.sleep(0.05)
        receiver.shutdown()
    first = min(sent.values())
    lags = sorted(receiver.at[one] - at for one, at in sent.items() if one in receiver.at and at > first + WARM_UP_S)
    rate = len(sent) / (max(sent.values()) - first)
    p50, p99 = statistics.median(lags), lags[int(len(lags) * 0.99)]
    print(
        f"{name}: {rate:.0f} events/s over {SECONDS:.0f} s in {receiver.messages} messages; from capture to webhook "
        f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {lags[-1] * 1000:.0f} ms "
        f"(target: below {TARGET_S * 1000:.0f} ms); {len(sent) - len(receiver.at)} of {len(sent)} did not come; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def capture_at_rate(client: httpx.Client) -> dict[str, float]:
    """The eventIDs -> when their capture was sent; several clients, so that a slow answer delays no later capture."""
    sent: dict[str, float] = {}
    numbers = itertools.count(1)
    interval = EVENTS_AT_ONCE / RATE
    started = time.perf_counter() + 0.1
    turns = iter(range(int(SECONDS / interval)))
    lock = threading.Lock()

    def capture() -> None:
        while True:
            with lock:
                turn = next(turns, None)
                events = [made_event(next(numbers)) for _ in range(EVENTS_AT_ONCE)]
            if turn is None:
                return
            time.sleep(max(started + turn * interval - time.perf_counter(), 0))
            now = time.perf_counter()
            sent.update((event["eventID"], now) for event in events)
            post(client, "/epcis/capture", document(events))

    threads = [threading.Thread(target=capture) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sent


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    """A POST that must succeed."""
    answer = client.post(path, content=orjson.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.is_success, answer.text


def made_event(number: int) -> dict[str, Any]:
    """An event of one serial."""
    return {
        "type": "ObjectEvent",
        "eventID": f"https://cordia.example/events/{number}",
        "eventTime": "2026-03-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": [f"https://id.gs1.org/01/09506000134352/21/W{number}"],
        "action": "OBSERVE",
        "bizStep": "inspecting",
    }


def document(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The EPCISDocument of those events."""
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-01T10:00:00Z",
        "epcisBody": {"eventList": events},
    }


@contextlib.contextmanager
def served(folder: Path, url: str | None) -> Iterator[httpx.Client]:
    """A client of a demo server in a process of its own, which may call receivers on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    program = "import sys; sys.argv[0] = 'traceward'; from traceward.cli.main import main; main()"
    command = [sys.executable, "-c", program, "serve", "--demo", "--data", str(folder), "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TRACEWARD_DEMO_STORYLINE": "false"}
    if url is not None:
        environment["TRACEWARD_DATABASE_URL"] = url
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                break
            time.sleep(0.05)
        key = json.loads((folder / "demo-keys.json").read_text())["cordia"]
        headers = {"Authorization": f"Bearer {key}"}
        limits = httpx.Limits(max_connections=SENDERS, max_keepalive_connections=SENDERS)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, limits=limits) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
