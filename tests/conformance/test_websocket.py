"""The kit's websocket against a real one, by the library that our server speaks it with."""

import threading
from collections.abc import Iterator

import pytest
from websockets.sync.server import ServerConnection, serve

from live_server import LiveServer
from traceward.conformance.client import Client
from traceward.conformance.model import NotSupported, Unmet
from traceward.conformance.websocket import WebSocket

LONG = "x" * 70_000


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of a server that sends what its path names, then says goodbye."""

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        what = connection.request.path.rpartition("/")[2]
        if what == "silence":
            connection.recv()
        connection.ping()
        for message in {"short": ["hello"], "long": [LONG], "parts": [["one ", "two"]]}.get(what, []):
            connection.send(message)

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Client(f"http://127.0.0.1:{server.socket.getsockname()[1]}")
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "message"), [("/short", "hello"), ("/long", LONG), ("/parts", "one two")])
def test_a_message_of_any_length_and_in_parts_is_heard(client: Client, path: str, message: str) -> None:
    """RFC 6455 5.2 and 5.4. Rejects one-byte lengths, and frames taken for messages."""
    socket = WebSocket(client, path, 5)
    assert socket.message() == message
    socket.close()


def test_a_websocket_that_ends_or_keeps_silent_is_a_failure(client: Client) -> None:
    for path, seconds in (("/nothing", 5.0), ("/silence", 0.2)):
        socket = WebSocket(client, path, seconds)
        with pytest.raises(Unmet):
            socket.message()
        socket.close()


def test_a_server_without_websockets_is_not_at_fault(server: LiveServer) -> None:

    with pytest.raises(NotSupported):
        WebSocket(Client(f"{server.url}/epcis"), "/epcis/nothing", 5)
