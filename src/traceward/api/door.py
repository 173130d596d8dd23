"""The door of the server: what a request must keep to before any route sees it.

Host name, URI length, content encoding, body size and body time are checked here for every request; it must not
parse bodies or know identities. A body in gzip or br is inflated here, so that every route sees it plain.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traceward.api.content_encoding import INFLATERS, InflatedBody, without_coding
from traceward.api.problems import problem_response
from traceward.epcis.errors import (
    CaptureLimitExceededException,
    TracewardError,
    UnsupportedMediaTypeException,
    URITooLongException,
    ValidationException,
)

_DEADLINE_STEP_BYTES = 5_000_000


class BodyTooSlow(TracewardError):
    """The client did not send its body in time (408)."""

    status, title = 408, "Request timeout"

    @property
    def type(self) -> str:
        """No exception name of the standard stands for this status."""
        return "about:blank"


@dataclass(frozen=True, slots=True)
class DoorRules:
    """Limits of every request. Sizes in bytes; a path takes the first body limit whose prefix it starts with."""

    hosts: frozenset[str] | None
    uri_limit_bytes: int
    body_limits_bytes: Sequence[tuple[str, int]]
    body_timeout_s: float

    def body_limit(self, path: str) -> int:
        """How many bytes a body sent to `path` may have."""
        return next(limit for prefix, limit in self.body_limits_bytes if path.startswith(prefix))


class Door:
    """ASGI middleware that keeps to DoorRules; HEAD is answered as GET without its body.

    limit_headers: sent with every 413, EPCIS 2.0 GS1-EPCIS-Capture-Limit and -File-Size-Limit.
    """

    def __init__(self, app: ASGIApp, *, rules: DoorRules, limit_headers: dict[str, str]) -> None:
        self._app = app
        self._rules = rules
        self._limit_headers = limit_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or answer the problem that it fails with."""
        if scope["type"] == "websocket":
            # A refusal before the upgrade is an ordinary answer, by ASGI's extension for it.
            refusal = self._refusal(scope)
            await (problem_response(refusal) if refusal is not None else self._app)(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = self._refusal(scope)
        if error is not None:
            more = self._headers_of(error)
            await problem_response(error, more, accept=Headers(scope=scope).getlist("accept"))(scope, receive, send)
            return
        inner_send = send
        if scope["method"] == "HEAD":
            scope = dict(scope) | {"method": "GET"}
            inner_send = _without_body(send)
        limit = self._rules.body_limit(scope["path"])
        body: Receive = _BoundedBody(receive, limit, self._rules.body_timeout_s)
        coding = _coding(scope)
        if coding != "identity":
            scope, body = without_coding(scope), InflatedBody(body, coding, limit)
        await self._app(scope, body, inner_send)

    def _headers_of(self, error: TracewardError) -> dict[str, str] | None:
        """What the answer to a refusal carries beside its body."""
        if isinstance(error, CaptureLimitExceededException):
            return self._limit_headers
        return {"Accept-Encoding": "gzip, br"} if isinstance(error, UnsupportedMediaTypeException) else None

    def _refusal(self, scope: Scope) -> TracewardError | None:
        headers = Headers(scope=scope)
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        length = len(raw_path) + len(query)
        if length > self._rules.uri_limit_bytes:
            return URITooLongException(f"the URI has {length} bytes; expected at most {self._rules.uri_limit_bytes}")
        if b"%00" in raw_path or b"%00" in query or "\x00" in scope["path"]:
            return ValidationException("the URI contains a NUL character; none is expected")
        host = headers.get("host", "")
        if self._rules.hosts is not None and _host_name(host) not in self._rules.hosts:
            return ValidationException(f"Host is {host!r}; expected a name that this server was told to answer to")
        coding = _coding(scope)
        if coding != "identity" and coding not in INFLATERS:
            return UnsupportedMediaTypeException(f"Content-Encoding is {coding[:80]!r}; expected gzip or br, once")
        declared = headers.get("content-length")
        limit = self._rules.body_limit(scope["path"])
        if declared is not None and declared.isdecimal() and int(declared) > limit:
            return _too_large(int(declared), limit)
        return None


class _BoundedBody:
    """A receive channel that raises once the body is larger or slower than it may be."""

    def __init__(self, receive: Receive, limit_bytes: int, timeout_s: float) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._timeout_s = timeout_s
        self._started = time.monotonic()
        self._seen_bytes = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        allowed_s = self._timeout_s * (1 + self._seen_bytes // _DEADLINE_STEP_BYTES)
        remaining_s = self._started + allowed_s - time.monotonic()
        try:
            async with asyncio.timeout(max(remaining_s, 0)):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(
                f"{self._seen_bytes} bytes of the body arrived in {allowed_s:g} s; expected the whole body by then"
            ) from None
        if message["type"] == "http.request":
            self._seen_bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._seen_bytes > self._limit_bytes:
                raise _too_large(self._seen_bytes, self._limit_bytes)
        return message


def _coding(scope: Scope) -> str:
    """The content coding of a request's body; several are one name that nothing knows."""
    return ", ".join(Headers(scope=scope).getlist("content-encoding")).strip().lower() or "identity"


def _too_large(size: int, limit: int) -> CaptureLimitExceededException:
    return CaptureLimitExceededException(f"the body has at least {size} bytes; expected at most {limit}")


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[").lower()
    return host.partition(":")[0].lower()


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await send(message)

    return headers_only
