"""Content-Encoding of bodies: gzip and br are inflated as they arrive, within bounds; answers are gzipped where asked.

It must not hold a body: a part of it goes in, parts of at most 100 kB come out, and a bomb is refused while it bursts.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import brotli  # type: ignore[import-untyped]  # brotli ships no types; Inflater says what is used of it
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traceward.epcis.errors import CaptureLimitExceededException, ValidationException

_PART_BYTES: Final = 65_536
_MAX_RATIO: Final = 300
"""How many times its own size a body may inflate to, beyond the first megabyte; events reach a hundredfold at most."""
_RATIO_COUNTS_FROM_BYTES: Final = 1_000_000
_ANSWER_MIN_BYTES: Final = 1_000
_ANSWER_LEVEL: Final = 4


class Inflater(Protocol):
    """Takes a coded body part by part and gives it plain, a bounded part at a time."""

    def feed(self, data: bytes) -> None:
        """Take the next part of the coded body."""

    def more(self) -> bytes:
        """The next plain part; empty when more has to be fed first. Raises ValueError for a broken stream."""

    def is_complete(self) -> bool:
        """Whether the stream has ended as its format says."""


class GzipInflater:
    """gzip, also of several members (RFC 1952 2.2)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._data = b""

    def feed(self, data: bytes) -> None:
        """Take the next part of the coded body."""
        self._data += data

    def more(self) -> bytes:
        """The next plain part; empty when more has to be fed first. Raises ValueError for a broken stream."""
        while True:
            if self._member.eof and self._data:
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                plain = self._member.decompress(self._data, _PART_BYTES)
            except zlib.error as error:
                raise ValueError(str(error)) from error
            self._data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if plain or not (self._member.eof and self._data):
                return plain

    def is_complete(self) -> bool:
        """Whether the last member has ended."""
        return self._member.eof and not self._data


class BrotliInflater:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._data = b""

    def feed(self, data: bytes) -> None:
        """Take the next part of the coded body."""
        self._data += data

    def more(self) -> bytes:
        """The next plain part; empty when more has to be fed first. Raises ValueError for a broken stream."""
        if self._stream.is_finished():
            if self._data:
                raise ValueError("octets follow the end of the stream")
            return b""
        try:
            # What is left of the input before comes first: the library takes more only when it has given that.
            plain: bytes = self._stream.process(b"", output_buffer_limit=_PART_BYTES)
            if not plain and self._data and not self._stream.is_finished():
                data, self._data = self._data, b""
                plain = self._stream.process(data, output_buffer_limit=_PART_BYTES)
        except brotli.error as error:
            raise ValueError(str(error)) from error
        return plain

    def is_complete(self) -> bool:
        """Whether the stream has ended."""
        return self._stream.is_finished() and not self._data


INFLATERS: Final[Mapping[str, Callable[[], Inflater]]] = {
    "gzip": GzipInflater,
    "x-gzip": GzipInflater,
    "br": BrotliInflater,
}
"""Content coding, as Content-Encoding names it -> what inflates it. RFC 9110 8.4.1."""


class InflatedBody:
    """A receive channel that gives the body of another one plain. Raises 413 for a bomb, 400 for a broken stream."""

    def __init__(self, receive: Receive, coding: str, limit_bytes: int) -> None:
        self._receive = receive
        self._coding = coding
        self._inflater = INFLATERS[coding]()
        self._limit_bytes = limit_bytes
        self._coded_bytes = 0
        self._plain_bytes = 0
        self._has_all = False
        self._has_ended = False

    async def __call__(self) -> Message:
        """The next message: a part of the plain body, or whatever else the other channel tells."""
        while not self._has_ended:
            part = self._next_part()
            if part:
                return {"type": "http.request", "body": part, "more_body": True}
            if self._has_all:
                if not self._inflater.is_complete():
                    raise self._broken("it ends too early")
                self._has_ended = True
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            body = message.get("body", b"")
            self._coded_bytes += len(body)
            self._inflater.feed(body)
            self._has_all = not message.get("more_body", False)
        return await self._receive()

    def _next_part(self) -> bytes:
        try:
            part = self._inflater.more()
        except ValueError as error:
            raise self._broken(str(error)) from error
        self._plain_bytes += len(part)
        if self._plain_bytes > self._limit_bytes:
            raise CaptureLimitExceededException(
                f"the body inflates to at least {self._plain_bytes} bytes; expected at most {self._limit_bytes}"
            )
        if self._plain_bytes > max(_RATIO_COUNTS_FROM_BYTES, self._coded_bytes * _MAX_RATIO):
            raise CaptureLimitExceededException(
                f"{self._coded_bytes} bytes of {self._coding} inflate to at least {self._plain_bytes}; expected at "
                f"most {_MAX_RATIO} times as many"
            )
        return part

    def _broken(self, reason: str) -> ValidationException:
        return ValidationException(f"the body is no whole {self._coding} stream: {reason[:200]}")


def without_coding(scope: Scope) -> Scope:
    """The scope of the same request with a plain body."""
    coded = {b"content-encoding", b"content-length"}
    return dict(scope) | {"headers": [(name, value) for name, value in scope["headers"] if name not in coded]}


class CompressedAnswers:
    """ASGI middleware: answers above a kilobyte are gzipped for callers who accept that. RFC 9110 12.5.3."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = GZipMiddleware(app, minimum_size=_ANSWER_MIN_BYTES, compresslevel=_ANSWER_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _refuses_gzip(Headers(scope=scope).getlist("accept-encoding")):
            scope = dict(scope) | {"headers": list(scope["headers"])}
            MutableHeaders(scope=scope)["accept-encoding"] = "identity"

        async def varied(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # Starlette says so of coded answers alone, but a cache must not give a plain one to everybody either.
                if "accept-encoding" not in headers.get("vary", "").lower():
                    headers.add_vary_header("Accept-Encoding")
            await send(message)

        await self._app(scope, receive, varied)


def _refuses_gzip(accept: list[str]) -> bool:
    """Whether Accept-Encoding names gzip with weight 0, which Starlette does not look at."""
    for entry in (one.strip().lower() for value in accept for one in value.split(",")):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        if coding == "gzip" and any(part.removeprefix("q=").strip("0.") == "" for part in parameters):
            return True
    return False
