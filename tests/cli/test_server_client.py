"""The client's manners towards servers that misbehave, over real HTTP; what answers mean is the commands' business."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from traceward.cli import main
from traceward.cli.server_client import ServerClient, ServerRefusedError, ServerUnreachableError

KEY = "tw_test_secret"


class Handler(BaseHTTPRequestHandler):
    """Answers each path of the tests, and notes which keys came where."""

    seen: list[tuple[str, str | None]] = []  # noqa: RUF012 - one list for the one server of a test

    def do_GET(self) -> None:
        Handler.seen.append((self.path, self.headers["Authorization"]))
        status, headers, body = {
            "/good": (200, {"Content-Type": "application/json"}, b'{"x": 1}'),
            "/moved": (302, {"Location": "/good"}, b""),
            "/html-error": (502, {}, b"<html>bad gateway"),
            "/fields": (
                400,
                {},
                json.dumps({"title": "Bad", "errors": [{"path": "role", "message": "no role"}, {"code": 1}]}).encode(),
            ),
            "/problem": (400, {}, json.dumps({"title": "Bad", "detail": "field x"}).encode()),
        }[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[ServerClient]:
    Handler.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield ServerClient(f"http://127.0.0.1:{listening.server_port}", KEY)
        listening.shutdown()
        thread.join()


def test_key_goes_as_bearer_and_json_comes_back_decoded(server: ServerClient) -> None:
    answer = server.request("GET", "/good")
    assert answer.body == {"x": 1}
    assert answer.headers["content-type"] == "application/json"
    assert Handler.seen == [("/good", f"Bearer {KEY}")]


def test_redirects_are_refused_so_that_the_key_stays_with_its_server(server: ServerClient) -> None:
    """Rejects a client with urllib's default redirect handler, which would send the key after the Location."""
    with pytest.raises(ServerRefusedError) as refused:
        server.request("GET", "/moved")
    assert refused.value.status == 302
    assert [path for path, _ in Handler.seen] == ["/moved"]


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.1:1/x", "https://example.org/x", "file:///etc/passwd", "//example.org/x"]
)
def test_a_location_on_another_server_is_not_asked(server: ServerClient, elsewhere: str) -> None:
    """Rejects joining a Location header to the server's URL without comparing their origins."""
    with pytest.raises(ServerUnreachableError, match=r"is not on the server|is no server address"):
        server.request("GET", elsewhere)
    assert Handler.seen == []


@pytest.mark.parametrize(
    "address", ["localhost:8000", "htp://localhost", "http://", "http://[::1", "http://host:port", "http://a b", ""]
)
def test_what_is_no_address_is_wrong_usage_and_no_server_that_does_not_answer(address: str) -> None:
    """Rejects exit code 3 for a misspelt --url: who waits for a server to come back would wait for ever."""
    ended = CliRunner().invoke(main.app, ["keys", "list", "--url", address, "--key", KEY])
    assert ended.exit_code == 2, ended.output
    assert "is no server address; expected http://host:port or https://host" in ended.stderr


def test_problem_bodies_become_messages_and_other_bodies_do_no_harm(server: ServerClient) -> None:
    with pytest.raises(ServerRefusedError, match="HTTP 400: Bad - field x"):
        server.request("GET", "/problem")
    with pytest.raises(ServerRefusedError, match="HTTP 502"):
        server.request("GET", "/html-error")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "file:///tmp", "127.0.0.1:8000", ""])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ServerUnreachableError, match=r"no server address|is not on the server"):
        ServerClient(url, KEY).request("GET", "/good")


def test_a_server_that_is_not_there_is_named_with_the_reason() -> None:
    with pytest.raises(ServerUnreachableError, match=r"no answer from http://127\.0\.0\.1:1"):
        ServerClient("http://127.0.0.1:1", KEY).request("GET", "/")


def test_the_faults_of_single_fields_are_told_with_their_paths(server: ServerClient) -> None:
    """Rejects "1 field of the request is not as asked" alone, which leaves the reader to guess which."""
    with pytest.raises(ServerRefusedError, match=r"^HTTP 400: Bad \(role: no role\)$"):
        server.request("GET", "/fields")


@pytest.mark.parametrize("url", ["localhost:8000", "notaurl", "ftp://x", ""])
def test_what_is_no_address_is_named_as_it_was_given(url: str) -> None:
    """Rejects a message that shows the path of the request in place of the address that somebody typed."""
    with pytest.raises(ServerUnreachableError) as refused:
        ServerClient(url, KEY).request("GET", "/admin/organisations")
    assert str(refused.value) == f"{url!r} is no server address; expected http://host:port or https://host"
