"""Requests to a Traceward server by URL and key, by the standard library; it must not know what answers mean."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

MAX_ANSWER_BYTES = 64_000_000
_FIELDS_TOLD = 10


class ServerUnreachableError(Exception):
    """No HTTP answer came; the message names the address and the reason."""


class ServerAddressError(ServerUnreachableError):
    """What was given as the server's address is none; nothing was sent."""


class ServerRefusedError(Exception):
    """The server answered with an error. problem: its problem body; status: the HTTP status."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        title = problem.get("title", "no explanation given")
        detail = problem.get("detail")
        super().__init__(f"HTTP {status}: {title}" + (f" - {detail}" if detail else "") + _fields(problem))


@dataclass(frozen=True)
class Answer:
    """A successful answer. body: the decoded JSON, or None where there was none; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class ServerClient:
    """One server and the key that is shown to it. url: without path, such as `http://127.0.0.1:8000`."""

    url: str
    key: str
    timeout_s: float = 60.0

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to one request; path starts with `/`, or is an absolute URL on the same server.

        Raises ServerUnreachableError, and ServerRefusedError for every status from 300 on: redirects are not followed,
        since they would carry the key elsewhere.
        """
        origin = origin_of(self.url)
        target = urllib.parse.urljoin(self.url, path)
        if origin_of(target) != origin:
            raise ServerUnreachableError(f"'{target}' is not on the server {self.url}; the key is not sent there")
        # The scheme is checked by origin_of, so no file: or ftp: URL gets here.
        request = urllib.request.Request(target, data=body, method=method)  # noqa: S310
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Accept", "application/json, application/problem+json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with _OPENER.open(request, timeout=self.timeout_s) as response:
                return Answer(response.status, _lower(response.headers), _decoded(response.read(MAX_ANSWER_BYTES)))
        except urllib.error.HTTPError as error:
            with error:
                content = _decoded(error.read(MAX_ANSWER_BYTES))
            problem = content if isinstance(content, dict) else {"title": error.reason}
            raise ServerRefusedError(error.code, problem) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise ServerUnreachableError(f"no answer from {self.url}: {reason}") from error

    def post_json(self, path: str, value: Any) -> Any:
        """The decoded answer to a POST of `value` as JSON; raises as `request` does."""
        body = json.dumps(value).encode()
        return self.request("POST", path, body=body, headers={"Content-Type": "application/json"}).body


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def origin_of(url: str) -> tuple[str, str]:
    """The scheme and the host with its port. Raises ServerAddressError for what is no address of a server."""
    try:
        parts = urllib.parse.urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise ServerAddressError(f"{url!r} is no server address; expected http://host:port or https://host")
    return parts.scheme, parts.netloc.lower()


def _fields(problem: Mapping[str, Any]) -> str:
    """The faults of single fields that a problem lists, each with its path; "" where it lists none."""
    listed = problem.get("errors")
    errors = [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []
    told = [f"{error.get('path') or 'body'}: {error['message']}" for error in errors if error.get("message")]
    more = f"; and {len(told) - _FIELDS_TOLD} more" if len(told) > _FIELDS_TOLD else ""
    return f" ({'; '.join(told[:_FIELDS_TOLD])}{more})" if told else ""


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _decoded(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None
