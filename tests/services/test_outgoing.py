"""The one door out reaches no address inside, however a URL or a name spells it. OWASP ASVS 5.0 1.3.6."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from traceward.epcis.errors import ForbiddenException
from traceward.services.outgoing import (
    ANSWER_LIMIT_BYTES,
    AddressRefused,
    Answer,
    NotReached,
    Outgoing,
    OutgoingRules,
    address_refusal,
    check_destination,
)

PRODUCTION = OutgoingRules()
#: Everything that an operator can open at once: http, any port. Addresses stay shut.
WIDE = OutgoingRules(allow_http=True, ports=frozenset())
DEMO = OutgoingRules(allow_http=True, allow_loopback=True, ports=frozenset())

#: Spelling in the URL -> what a resolver of the system makes of it (None: it is an address already).
PROBES: dict[str, Sequence[str] | None] = {
    "127.0.0.1": None,
    "127.1.2.3": None,
    "0.0.0.0": None,
    "10.0.0.1": None,
    "172.16.0.1": None,
    "172.31.255.255": None,
    "192.168.1.1": None,
    "100.64.0.1": None,
    "169.254.169.254": None,
    "192.0.0.8": None,
    "192.0.2.1": None,
    "192.88.99.1": None,
    "198.18.0.1": None,
    "198.51.100.7": None,
    "203.0.113.9": None,
    "224.0.0.1": None,
    "239.255.255.255": None,
    "240.0.0.1": None,
    "255.255.255.255": None,
    "[::1]": None,
    "[::]": None,
    "[::ffff:127.0.0.1]": None,
    "[::ffff:7f00:1]": None,
    "[::127.0.0.1]": None,
    "[64:ff9b::7f00:1]": None,
    "[64:ff9b:1::7f00:1]": None,
    "[2002:7f00:1::]": None,
    "[2001:0:7f00:1::]": None,
    "[2001:db8::1]": None,
    "[3fff::1]": None,
    "[fc00::1]": None,
    "[fd12:3456:789a::1]": None,
    "[fe80::1]": None,
    "[fe80::1%25eth0]": None,
    "[fec0::1]": None,
    "[ff02::1]": None,
    "[100::1]": None,
    "[5f00::1]": None,
    "2130706433": ["127.0.0.1"],
    "0x7f000001": ["127.0.0.1"],
    "0177.0.0.1": ["127.0.0.1"],
    "127.1": ["127.0.0.1"],
    "127.0.0.1.": ["127.0.0.1"],
    "localhost": ["127.0.0.1"],
    "LOCALHOST.": ["127.0.0.1"],
    "a.localhost": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "printer.local": ["192.168.1.5"],
    "rebinding.example": ["127.0.0.1"],
    "private.example": ["10.1.2.3"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "mixed6.example": ["93.184.216.34", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::127.0.0.1"],
    "sixtofour.example": ["2002:7f00:0001::1"],
    "zone.example": ["fe80::1%lo"],
    "nonsense.example": ["not an address"],
    "nothing.example": [],
    "１２７.0.0.1": ["127.0.0.1"],
    "user@127.0.0.1": None,
    "partner.example@127.0.0.1": None,
    "127.0.0.1\\@partner.example": None,
    "partner.example%2f@127.0.0.1": None,
}


class Canary:
    """A listener on loopback that nobody may reach."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0


@pytest.fixture
def canary() -> Iterator[Canary]:
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        found = Canary(listener.getsockname()[1])
        listener.settimeout(0.05)
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    listener.accept()[0].close()
                    found.connections += 1

        thread = threading.Thread(target=accept)
        thread.start()
        yield found
        ended.set()
        thread.join()


def resolver(answers: Sequence[Sequence[str]]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver whose answers come one after the other; the last one stays."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def test_there_are_enough_probes() -> None:
    assert len(PROBES) >= 40


async def probe(url: str, addresses: Sequence[str]) -> str | None:
    """What answered, if anything did."""
    outgoing = Outgoing(WIDE, resolve=resolver([addresses]), total_timeout_s=5)
    try:
        return f"{url}: {(await outgoing.post(url, b'{}', {})).status}"
    except NotReached:
        return None
    finally:
        await outgoing.close()


def test_no_probe_reaches_the_canary_even_where_http_and_every_port_are_open(
    canary: Canary, record_property: Callable[[str, object], None]
) -> None:
    """Rejects `ipaddress.is_global`, judging the first address alone, and judging the text of the URL alone.

    Each probe goes twice: as it is spelt in a URL, and as the addresses that an innocent name stands for.
    """

    async def probe_all() -> list[str | None]:
        found = []
        for host, addresses in PROBES.items():
            answers = addresses if addresses is not None else [host.rpartition("@")[2].strip("[]")]
            found += [await probe(f"http://{name}:{canary.port}/hook", answers) for name in (host, "innocent.example")]
        return found

    results = asyncio.run(probe_all())
    record_property("probes", len(results))
    assert [result for result in results if result is not None] == []
    assert canary.connections == 0


def test_the_canary_can_be_reached_where_loopback_is_allowed(canary: Canary) -> None:
    """Guards the test before: its canary listens where the probes point."""

    async def run() -> None:
        outgoing = Outgoing(DEMO, resolve=resolver([["127.0.0.1"]]), total_timeout_s=5)
        with pytest.raises(NotReached):
            await outgoing.post(f"http://rebinding.example:{canary.port}/", b"{}", {})

    asyncio.run(run())
    assert canary.connections == 1


def test_a_name_whose_second_answer_is_loopback_is_judged_anew_at_each_connection(canary: Canary) -> None:
    """Rejects a check by one resolution and a connection by another. Port 9 of a public address is never reached."""

    async def run() -> None:
        outgoing = Outgoing(WIDE, resolve=resolver([["93.184.216.34"], ["127.0.0.1"]]), total_timeout_s=0.2)
        url = f"http://rebinding.example:{canary.port}/"
        with pytest.raises(NotReached):
            await outgoing.post(url, b"{}", {})
        with pytest.raises(AddressRefused):
            await outgoing.post(url, b"{}", {})

    asyncio.run(run())
    assert canary.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://partner.example/",
            "https://partner.example:22/",
            "https://partner.example:8080/",
            "ftp://a.example/",
        ),
        *("https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://localhost/", "https://2130706433/"),
        *("https://u:p@partner.example/", "https://printer.local/", "https://x.internal/", "gopher://a.example/", "x"),
        *("https://partner.example:99999/", "https:///path", "https://partner.example\t/", "https://169.254.169.254/"),
    ],
)
def test_a_destination_that_can_be_seen_to_be_forbidden_is_refused_when_it_is_named(url: str) -> None:
    with pytest.raises(ForbiddenException):
        check_destination(url, PRODUCTION)


@pytest.mark.parametrize(
    "url", ["https://partner.example/hook?a=b", "https://93.184.216.34:8443/", "https://x.example:443"]
)
def test_an_ordinary_destination_is_accepted(url: str) -> None:
    check_destination(url, PRODUCTION)


def test_settings_open_private_networks_but_never_link_local_addresses() -> None:
    on_site = OutgoingRules(private_hosts=frozenset({"erp.hospital.example"}))
    assert address_refusal("10.1.2.3", on_site, "erp.hospital.example") is None
    assert address_refusal("10.1.2.3", on_site, "other.example") is not None
    everything = OutgoingRules(allow_private=True, allow_loopback=True, private_hosts=frozenset({"m.example"}))
    assert address_refusal("192.168.0.1", everything) is None
    assert address_refusal("fd00::1", everything) is None
    for never in ("169.254.169.254", "224.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "0.0.0.0", "fe80::1"):
        assert address_refusal(never, everything, "m.example") is not None, never
    assert address_refusal("127.0.0.1", OutgoingRules(allow_private=True)) is not None


# ---------------------------------------------------------------------- answers


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers["content-length"]))
        _ANSWERS[self.path.partition("?")[0]](self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _plain(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"ok")


def _redirect(handler: _Handler) -> None:
    handler.send_response(int(handler.path.partition("?")[2]))
    handler.send_header("Location", "/plain")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _endless(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with contextlib.suppress(OSError):
        for _ in range(2_000):
            handler.wfile.write(chunk)
            handler.server.sent += 65_536  # type: ignore[attr-defined]
    handler.close_connection = True


def _slow(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(50):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)
    handler.close_connection = True


def _broken(handler: _Handler) -> None:
    handler.wfile.write(b"nonsense\r\n\r\n")
    handler.close_connection = True


_ANSWERS = {"/plain": _plain, "/redirect": _redirect, "/endless": _endless, "/slow": _slow, "/broken": _broken}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = 0


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield made
        made.shutdown()


@contextlib.asynccontextmanager
async def opened(total_timeout_s: float = 5.0) -> AsyncIterator[Outgoing]:
    outgoing = Outgoing(DEMO, total_timeout_s=total_timeout_s)
    try:
        yield outgoing
    finally:
        await outgoing.close()


def post(server: _Server, path: str, **options: float) -> Answer:
    async def run() -> Answer:
        async with opened(**options) as outgoing:
            return await outgoing.post(f"http://127.0.0.1:{server.server_address[1]}{path}", b"{}", {"A": "b"})

    return asyncio.run(run())


def test_an_answer_has_its_status_headers_and_body(server: _Server) -> None:
    answer = post(server, "/plain?x=1")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"ok", "2")
    path, headers = server.asked[0]
    assert path == "/plain?x=1"
    assert headers["Host"] == f"127.0.0.1:{server.server_address[1]}"
    assert headers["A"] == "b"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: _Server, status: int) -> None:
    """Rejects a client that follows a partner's redirect to the inside."""
    assert post(server, f"/redirect?{status}").status == status
    assert [path for path, _ in server.asked] == [f"/redirect?{status}"]


def test_an_endless_answer_is_read_to_a_bound(server: _Server) -> None:
    answer = post(server, "/endless")
    assert len(answer.body) <= ANSWER_LIMIT_BYTES
    assert server.sent < 50_000_000


def test_a_slow_answer_ends_in_time(server: _Server) -> None:
    """Rejects a timeout per read: each byte of this answer comes in time, and all of them together do not."""
    started = time.monotonic()
    with pytest.raises(NotReached, match=r"0\.3 s"):
        post(server, "/slow", total_timeout_s=0.3)
    assert time.monotonic() - started < 2


def test_nonsense_is_a_failure_without_its_text(server: _Server) -> None:
    with pytest.raises(NotReached) as failed:
        post(server, "/broken")
    assert "nonsense" not in str(failed.value)


def test_no_proxy_is_taken_from_the_environment(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(server, "/plain").status == 200


def test_a_port_where_nobody_listens_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def run() -> None:
        async with opened() as outgoing:
            await outgoing.post(f"http://127.0.0.1:{port}/", b"", {})

    with pytest.raises(NotReached, match="refused"):
        asyncio.run(run())


def test_a_certificate_of_another_host_is_refused() -> None:
    """Rejects a client that drops the check of names because it connects by address."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("other.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    results = {host: asyncio.run(_over_tls(host, pem, private)) for host in ("other.example", "partner.example")}
    assert results["other.example"] == "200"
    assert "certificate" in results["partner.example"]


async def _over_tls(host: str, certificate: bytes, key: bytes) -> str:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(certificate + key)
        ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ours.load_cert_chain(file)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=ours)
    theirs = ssl.create_default_context(cadata=certificate.decode())
    outgoing = Outgoing(DEMO, resolve=resolver([["127.0.0.1"]]), tls=theirs, total_timeout_s=5)
    try:
        return str((await outgoing.post(f"https://{host}:{server.sockets[0].getsockname()[1]}/", b"", {})).status)
    except NotReached as error:
        return str(error)
    finally:
        await outgoing.close()
        server.close()
