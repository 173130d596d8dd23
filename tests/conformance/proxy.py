"""A server that stands before another one and breaks its answers, or its requests, in one stated way."""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import orjson

_HOP = {"connection", "content-length", "transfer-encoding", "date", "server", "host", "keep-alive"}


@dataclass(frozen=True)
class Asked:
    """A request. target: path and query string; header names as sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def with_header(self, name: str, value: str | None) -> "Asked":
        kept = {key: one for key, one in self.headers.items() if key.lower() != name.lower()}
        return replace(self, headers=kept if value is None else kept | {name: value})


@dataclass(frozen=True)
class Answered:
    """An answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return orjson.loads(self.body)

    def with_json(self, value: Any) -> "Answered":
        return replace(self, body=orjson.dumps(value))


Forward = Callable[[Asked], Answered]


@dataclass(frozen=True)
class Mutation:
    """One way of being wrong. only: pattern of the cases that should notice it."""

    name: str
    only: str
    request: Callable[[Asked], Asked] = lambda asked: asked
    answer: Callable[[Asked, Answered], Answered] = lambda _, answered: answered


@dataclass
class Proxy:
    """A running proxy. mutation: what it does wrong now. front: answers in place of the server, or None."""

    url: str
    upstream: str
    mutation: Mutation | None = None
    front: Callable[[Asked, Forward], Answered | None] | None = None
    served: int = 0
    _local: threading.local = field(default_factory=threading.local)

    def serve(self, asked: Asked) -> Answered:
        """The answer to a request, as the mutation leaves it."""
        self.served += 1
        wrong = asked if self.mutation is None else self.mutation.request(asked)
        return self.mutated(asked, self._serve_right(wrong))

    def mutated(self, asked: Asked, answered: Answered) -> Answered:
        """The answer as the mutation leaves it."""
        return answered if self.mutation is None else self.mutation.answer(asked, answered)

    def _serve_right(self, asked: Asked) -> Answered:
        answered = self.front(asked, self.forward) if self.front else None
        return answered or self.forward(asked)

    def hang_up(self) -> None:
        """Close this thread's connection to the server behind."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def forward(self, asked: Asked) -> Answered:
        """The answer of the server behind."""
        for again in (True, False):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                parts = urlsplit(self.upstream)
                connection = self._local.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
            headers = {name: value for name, value in asked.headers.items() if name.lower() not in _HOP}
            try:
                connection.request(asked.method, asked.target, body=asked.body or None, headers=headers)
                response = connection.getresponse()
                body = response.read()
            except (http.client.HTTPException, OSError):
                self.hang_up()
                if not again:
                    raise
                continue
            if response.will_close:
                self.hang_up()
            kept = {name.lower(): value for name, value in response.getheaders() if name.lower() not in _HOP}
            return Answered(response.status, kept, body)
        raise AssertionError("unreachable")


@contextlib.contextmanager
def running_proxy(upstream: str) -> Iterator[Proxy]:
    """A proxy before the server at `upstream`, until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def finish(self) -> None:
            super().finish()
            proxy.hang_up()

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError, TimeoutError):
                super().handle_one_request()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answered = proxy.serve(Asked(self.command, self.path, dict(self.headers.items()), body))
            self._send(answered)

        def _send(self, answered: Answered) -> None:
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            if answered.status != 204:
                self.send_header("content-length", str(len(answered.body)))
            self.end_headers()
            if answered.status != 204:
                self.wfile.write(answered.body)

        do_GET = do_POST = do_DELETE = do_OPTIONS = _serve

        def send_error(self, code: int, *_: str | None) -> None:
            # A request line that is too long for this proxy itself: it answers as the server would.
            self.close_connection = True
            refused = Answered(code, {"content-type": "application/problem+json"}, b"{}")
            self._send(proxy.mutated(Asked("GET", "/epcis/events", {}, b""), refused))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", upstream)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
