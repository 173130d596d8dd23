"""Requests to the server under test, each kept as an exchange for the report.

It must not judge answers, follow redirects, or send the key to another origin.
"""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any, Final
from urllib.parse import quote, urlsplit

from traceward.conformance.model import Exchange, Unmet

MAX_ANSWER_BYTES: Final = 64_000_000
EXCERPT_CHARACTERS: Final = 3000
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})

Parameters = Mapping[str, str | Sequence[str]]


class NoAnswer(Exception):
    """No HTTP answer came; the message names the address and the reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names in lower case, repeated headers joined by a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body read as JSON; raises Unmet where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unmet("a JSON body", f"{self.text(120)!r} ({self.media_type or 'no Content-Type'})") from None

    def text(self, characters: int = EXCERPT_CHARACTERS) -> str:
        """The beginning of the body."""
        shown = self.body[: characters * 4].decode("utf-8", errors="replace")
        return shown if len(shown) <= characters else shown[:characters] + "\N{HORIZONTAL ELLIPSIS}"

    @property
    def media_type(self) -> str:
        """Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An answer to an upgrade: its status, what comes after it, and what ends the connection."""

    status: int
    stream: BufferedReader
    close: Callable[[], None]


@dataclass(slots=True)
class Client:
    """The server at one base address, such as `https://host/epcis`; headers go with every request.

    `exchanges` grows with each request; whoever judges a case takes them.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    exchanges: list[Exchange] = field(default_factory=list)
    _connection: http.client.HTTPConnection | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"'{self.url}' is no server address; expected http://host:port/path or https://host/path")
        self.url = self.url.rstrip("/")

    def request(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer to one request. path: below the base address, percent-encoded; or a reference of the server.

        Lists among the parameters are joined by `|`, as the REST binding spells them. Raises NoAnswer.
        """
        target = self.locate(path) + (f"?{query_string(parameters)}" if parameters else "")
        sent = {"Accept": "application/json, application/problem+json"} | dict(self.headers) | dict(headers or {})
        started = time.perf_counter()
        answer: Answer | None = None
        try:
            answer = self._exchange(method, target, sent, body)
        finally:
            self._note(method, target, sent, body, answer, time.perf_counter() - started)
        return answer

    def locate(self, reference: str) -> str:
        """The path on the server of a Location, a Link or a path below the base address.

        `/epcis/capture/7`, `/capture/7`, `capture/7` and the whole URL name the same job of the server at `/epcis`.
        Raises Unmet for a URL of another origin.
        """
        base = urlsplit(self.url)
        parts = urlsplit(reference)
        if parts.scheme in {"http", "https"}:
            if (parts.scheme, parts.netloc.lower()) != (base.scheme, base.netloc.lower()):
                raise Unmet(f"an address on {base.scheme}://{base.netloc}", reference)
            return reference[reference.index(parts.netloc) + len(parts.netloc) :] or "/"
        if not reference.startswith(("/", "?")):
            reference = "/" + reference if reference else ""
        if base.path and (reference + "/").startswith((base.path + "/", base.path + "?")):
            return reference
        return (base.path + reference) or "/"

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def upgrade(self, target: str, headers: Mapping[str, str], timeout_s: float) -> "Upgrade":
        """The answer to a GET that asks for another protocol, on a connection of its own. Raises NoAnswer."""
        connection = self._connect()
        connection.timeout = timeout_s
        try:
            connection.request("GET", target, headers=dict(self.headers) | dict(headers))
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoAnswer(f"no answer to the upgrade: {error}") from error
        return Upgrade(response.status, response.fp, connection.close)

    def _connect(self) -> http.client.HTTPConnection:
        """A new connection to the server."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=self.timeout_s, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self.timeout_s)

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        # A kept connection may have been closed by the server meanwhile: one more try on a new one.
        for again in (True, False) if self._connection is not None else (False,):
            if self._connection is None:
                self._connection = self._connect()
            try:
                self._connection.request(method, target, body=body, headers=dict(headers))
                response = self._connection.getresponse()
                content = response.read(MAX_ANSWER_BYTES)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if again and isinstance(error, http.client.RemoteDisconnected | BrokenPipeError | ConnectionError):
                    continue
                raise NoAnswer(f"no answer from {self.url}: {str(error) or type(error).__name__}") from error
            if response.will_close or not response.isclosed():
                self.close()
            return Answer(response.status, _joined(response.getheaders()), content)
        raise NoAnswer(f"no answer from {self.url}")

    def _note(
        self,
        method: str,
        target: str,
        sent: Mapping[str, str],
        body: bytes | None,
        answer: Answer | None,
        seconds: float,
    ) -> None:
        # What goes with every request is how the user signs in, whatever the header is called.
        secret = _SECRET_HEADERS | {name.lower() for name in self.headers}
        origin = self.url[: self.url.index("/", 8)] if "/" in self.url[8:] else self.url
        self.exchanges.append(
            Exchange(
                method,
                origin + target,
                {name: "(left out)" if name.lower() in secret else value for name, value in sent.items()},
                (body or b"")[:EXCERPT_CHARACTERS].decode("utf-8", errors="replace"),
                answer.status if answer else None,
                answer.headers if answer else {},
                answer.text() if answer else "",
                seconds,
            )
        )


def query_string(parameters: Parameters) -> str:
    """The query string of parameters, lists joined by an encoded `|`.

    >>> query_string({"EQ_bizStep": ["shipping", "receiving"]})
    'EQ_bizStep=shipping%7Creceiving'
    """
    return "&".join(
        f"{quote(name, safe=':')}={quote(value if isinstance(value, str) else '|'.join(value), safe='')}"
        for name, value in parameters.items()
    )


def next_link(answer: Answer) -> str | None:
    """The address of the next page by the Link header, or None on the last page. RFC 8288."""
    for link in answer.headers.get("link", "").split(",<"):
        address, _, parameters = link.strip().removeprefix("<").partition(">")
        if any(part.strip().replace('"', "") == "rel=next" for part in parameters.split(";")):
            return address
    return None


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined
