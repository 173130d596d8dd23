"""The one door out: every request that the server itself makes to another host goes through here.

It resolves a name once, judges every address that comes back, and connects to the address that it has judged. It must
not follow redirects, use a proxy, or read more of an answer than a status needs.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
from httpcore import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

from traceward.epcis.errors import ForbiddenException

CONNECT_TIMEOUT_S: Final = 5.0
TOTAL_TIMEOUT_S: Final = 15.0
ANSWER_LIMIT_BYTES: Final = 65_536
CONNECTIONS: Final = 200

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_LOOPBACK: Final = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
#: Addresses inside an organisation, which a setting may open. RFC 1918, RFC 6598, RFC 4193.
_PRIVATE: Final = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)
#: Addresses that no setting opens: IANA's special-purpose registries, and forms of IPv6 that hide an IPv4 address.
_NEVER: Final = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),  # link-local, where clouds keep their credentials
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.31.196.0/24"),
    IPv4Network("192.52.193.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.175.48.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/4"),
    IPv4Network("240.0.0.0/4"),
    IPv6Network("2001::/23"),  # Teredo, benchmarks, ORCHID and the rest of IETF's own
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("2620:4f:8000::/48"),
    IPv6Network("3fff::/20"),
)
#: All of IPv6 that is routed; outside it lie mapped, compatible and NAT64 addresses, link-local, site-local, multicast.
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_LOCAL_NAMES: Final = ("localhost", "localdomain", "internal", "local")


@dataclass(frozen=True, slots=True)
class OutgoingRules:
    """What the server may call. ports: empty for any. private_hosts: names that may lie inside the organisation."""

    allow_http: bool = False
    allow_loopback: bool = False
    allow_private: bool = False
    private_hosts: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset({443, 8443})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case; body: its first ANSWER_LIMIT_BYTES at most."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotReached(Exception):
    """No answer came; the message says why in a few words, without anything that the other side sent."""


class AddressRefused(NotReached):
    """The name stands for an address that this server may not call."""


def check_destination(url: str, rules: OutgoingRules) -> None:
    """Nothing when the URL, as far as its text tells, may be called; else raises ForbiddenException (403).

    A name is resolved, and its addresses judged, at every call anew.
    """
    reason = _refusal(url, rules)
    if reason is not None:
        raise ForbiddenException(f"this server does not call {url[:200]!a}: {reason}")


def address_refusal(address: str, rules: OutgoingRules, host: str = "") -> str | None:
    """Why an address must not be called, None when it may be. host: the name that it was resolved from.

    `ipaddress.is_global` is no help: it says yes to NAT64 and 6to4 forms of loopback, and to multicast.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"{address[:64]!a} is no address"
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        return f"{address[:64]} has a zone"
    if _in(found, _LOOPBACK):
        return None if rules.allow_loopback or _is_private_host(host, rules) else "it is this machine's own address"
    if _in(found, _PRIVATE):
        allowed = rules.allow_private or _is_private_host(host, rules)
        return None if allowed else "it is an address of a private network"
    if _in(found, _NEVER) or (isinstance(found, IPv6Address) and found not in _GLOBAL_IPV6):
        return "it is an address of special purpose"
    return None


class Outgoing:
    """Makes requests by the rules; used from one event loop. resolve: host and port -> addresses, for tests."""

    def __init__(
        self,
        rules: OutgoingRules,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        self.rules = rules
        self._backend = _CheckedBackend(rules, resolve or _resolve)
        self._tls = tls
        self._total_timeout_s = total_timeout_s
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer to one POST; as `request`."""
        return await self.request("POST", url, headers, body)

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer to one request, whatever its status; a redirect is an answer like any other.

        Raises AddressRefused when the URL or its address is forbidden now, NotReached when no answer came in time.
        """
        reason = _refusal(url, self.rules)
        if reason is not None:
            raise AddressRefused(reason)
        try:
            async with asyncio.timeout(self._total_timeout_s):
                return await self._exchange(method, url, headers, body)
        except TimeoutError:
            raise NotReached(f"no answer within {self._total_timeout_s:g} s") from None
        except httpcore.TimeoutException as error:
            raise NotReached(
                "no connection in time" if isinstance(error, httpcore.ConnectTimeout) else "no answer in time"
            ) from error
        except httpcore.ConnectError as error:
            raise NotReached(_connect_reason(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise NotReached("the connection broke before an answer came") from error
        except (UnicodeError, ValueError) as error:
            raise NotReached("the URL cannot be called") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        pool = self._opened()
        fields = [("Host", _authority(url)), *headers.items(), ("Content-Length", str(len(body)))]
        timeouts = {
            "connect": CONNECT_TIMEOUT_S,
            "read": TOTAL_TIMEOUT_S,
            "write": TOTAL_TIMEOUT_S,
            "pool": TOTAL_TIMEOUT_S,
        }
        async with pool.stream(method, url, headers=fields, content=body, extensions={"timeout": timeouts}) as answer:
            received = bytearray()
            async for part in answer.aiter_stream():
                received += part
                if len(received) >= ANSWER_LIMIT_BYTES:
                    break
            return Answer(answer.status, _names(answer.headers), bytes(received[:ANSWER_LIMIT_BYTES]))

    def _opened(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls or ssl.create_default_context(),
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS // 4,
                keepalive_expiry=30.0,
                network_backend=self._backend,
            )
        return self._pool


class _CheckedBackend(AsyncNetworkBackend):
    """Connects to addresses that the rules allow, and to no name."""

    def __init__(self, rules: OutgoingRules, resolve: Resolve) -> None:
        self._rules = rules
        self._resolve = resolve
        self._backend = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """A connection to the first address of the host that answers; none at all when one of them is forbidden."""
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError("the name was not found") from error
        if not addresses:
            raise httpcore.ConnectError("the name was not found")
        for address in addresses:
            reason = address_refusal(address, self._rules, host)
            if reason is not None:
                raise AddressRefused(reason)
        failure: Exception | None = None
        for address in dict.fromkeys(addresses):
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts."""
        await self._backend.sleep(seconds)


async def _resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _refusal(url: str, rules: OutgoingRules) -> str | None:
    """Why the text of a URL forbids calling it, None where it does not."""
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return "it has characters that no URI has"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "it is no URI"
    scheme = parts.scheme.lower()
    if scheme != "https" and not (scheme == "http" and rules.allow_http):
        return "its scheme must be https"
    if not host or parts.username is not None or parts.password is not None:
        return "it must name a host, and no user"
    if rules.ports and (port or (443 if scheme == "https" else 80)) not in rules.ports:
        return f"its port must be one of {', '.join(map(str, sorted(rules.ports)))}"
    return _host_refusal(host, rules)


def _host_refusal(host: str, rules: OutgoingRules) -> str | None:
    if "%" in host:
        return "its host has an escape or a zone"
    last = host.rpartition(".")[2]
    if ":" in host or _is_dotted_quad(host):
        return address_refusal(host, rules, host)
    if last.isdigit() or last.startswith("0x"):
        return "its host is a number that is no address in the usual form"
    if last in _LOCAL_NAMES and not (_is_private_host(host, rules) or (last == "localhost" and rules.allow_loopback)):
        return None if rules.allow_private else "its host is a name of a private network"
    return None


def _is_dotted_quad(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _in(address: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_private_host(host: str, rules: OutgoingRules) -> bool:
    return host.lower().rstrip(".") in rules.private_hosts


def _authority(url: str) -> str:
    return urlsplit(url).netloc


def _names(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _connect_reason(error: BaseException) -> str:
    """Few words on why no connection came about; certificates get their own, since only they need another's help."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the certificate is not valid for this host"
        if isinstance(cause, ssl.SSLError):
            return "TLS could not be agreed on"
        if isinstance(cause, socket.gaierror) or "not found" in str(cause):
            return "the name was not found"
        cause = cause.__cause__ or cause.__context__
    return "the connection was refused or did not come about"
