"""A partner's webhook receiver whose behaviour a test decides; it notes everything that comes to it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from emitted import EMISSIONS


@dataclass(frozen=True)
class Reply:
    """How to answer. status 0: break the connection off; delay_s: before the answer."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


@dataclass(frozen=True)
class Message:
    """One request. path: of the receiver; header names in lower case; status: of its answer; at: monotonic seconds."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    at: float

    @property
    def id(self) -> str:
        """Its webhook-id."""
        return self.headers["webhook-id"]

    @property
    def accepted(self) -> bool:
        """Whether the receiver took it."""
        return 200 <= self.status < 300

    @property
    def results(self) -> dict[str, Any]:
        """The queryResults of the EPCISQueryDocument."""
        found: dict[str, Any] = orjson.loads(self.body)["epcisBody"]["queryResults"]
        return found

    @property
    def event_ids(self) -> list[str]:
        """The ids of its events; empty for a problem body."""
        document = orjson.loads(self.body)
        if "epcisBody" not in document:
            return []
        return [event["eventID"] for event in document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]]


Behaviour = Callable[[str, Mapping[str, str], bytes], Reply]


class Receiver:
    """Answers by `behave(path, headers, body)`, which a test may replace at any time."""

    def __init__(self, behave: Behaviour | None = None) -> None:
        self.behave: Behaviour = behave or (lambda *_: Reply())
        self.url = ""
        self._messages: list[Message] = []
        self._changed = threading.Condition()

    @property
    def messages(self) -> list[Message]:
        """Everything that came so far, in the order in which it was answered."""
        with self._changed:
            return list(self._messages)

    def accepted_ids(self, path: str | None = None) -> list[str]:
        """The ids of all events that were accepted, in order, with repetitions."""
        return [
            event_id
            for message in self.messages
            if message.accepted and path in {None, message.path}
            for event_id in message.event_ids
        ]

    def wait(self, enough: Callable[[], bool], seconds: float = 15.0) -> bool:
        """Whether it came to be enough within that time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not enough():
                rest = deadline - time.monotonic()
                if rest <= 0:
                    return False
                self._changed.wait(min(rest, 0.2))
        return True

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a request, which is noted before it is given."""
        reply = self.behave(path, headers, body)
        if "problem" not in headers["content-type"]:
            EMISSIONS.record("webhook", headers["content-type"], body)
        if reply.delay_s:
            time.sleep(reply.delay_s)
        with self._changed:
            self._messages.append(Message(path, headers, body, reply.status, time.monotonic()))
            self._changed.notify_all()
        return reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.receiver.take(self.path, headers, body)  # type: ignore[attr-defined]
        if reply.status == 0:
            self.close_connection = True
            self.connection.close()
            return
        with contextlib.suppress(OSError):
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextlib.contextmanager
def receiving(behave: Behaviour | None = None) -> Iterator[Receiver]:
    """A receiver on a free loopback port until the context ends."""
    receiver = Receiver(behave)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = receiver  # type: ignore[attr-defined]
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield receiver
        finally:
            server.shutdown()
