"""The kit's own receiver of webhooks, a small HTTP server; it must not judge what it receives."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from traceward.conformance.data import Event

MAX_BODY_BYTES: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that came in; header names in lower case. status: what it was answered with."""

    headers: Mapping[str, str]
    body: bytes
    status: int

    def events(self) -> list[Event]:
        """The events of the EPCISQueryDocument that came, none where it is something else."""
        try:
            found = self.document()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        except (KeyError, TypeError, ValueError):
            return []
        return [event for event in found if isinstance(event, dict)]

    def document(self) -> Any:
        """The body read as JSON; raises ValueError."""
        return json.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """What came to one address. statuses: the answers to the first deliveries; later ones get 204."""

    url: str
    statuses: list[int]
    deliveries: list[Delivery] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status to answer a delivery with."""
        with self.changed:
            status = self.statuses.pop(0) if self.statuses else 204
            self.deliveries.append(Delivery(headers, body, status))
            self.changed.notify_all()
            return status

    def wait(self, enough: Callable[[Sequence[Delivery]], bool], seconds: float) -> bool:
        """Whether the deliveries came to be enough within that time."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not enough(self.deliveries):
                rest = deadline - time.monotonic()
                if rest <= 0 or not self.changed.wait(rest):
                    return enough(self.deliveries)
            return True

    def event_ids(self) -> list[str]:
        """The ids of all events that came and were accepted, in order."""
        return [str(event.get("eventID")) for one in self.deliveries if one.status < 300 for event in one.events()]


@contextlib.contextmanager
def receiving(callback: str | None, statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    """A receiver that listens until the context ends.

    callback: `host` or `host:port` by which the server reaches this machine, then it listens on every interface; None:
    loopback and any free port.
    """
    host, _, port = (callback or "127.0.0.1").partition(":")
    listen = "127.0.0.1" if callback is None else ""
    with ThreadingHTTPServer((listen, int(port or 0)), _Handler) as server:
        receiver = Receiver(f"http://{host}:{server.server_address[1]}/hook", list(statuses))
        server.receiver = receiver  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), MAX_BODY_BYTES)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.receiver.take(headers, body)  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Nothing: what came is in the receiver."""
