"""The network between a browser and a server, which a test can take away: a forwarder of TCP connections."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from live_server import LiveServer

_CHUNK_BYTES = 65_536


class Network:
    """Forwards connections while it is up; while it is down it drops those that are open and every new one."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._up = threading.Event()
        self._up.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def down(self) -> None:
        """Take the network away."""
        self._up.clear()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def up(self) -> None:
        """Give it back."""
        self._up.set()

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if not self._up.is_set():
                client.close()
                continue
            server = socket.create_connection(self._target)
            with self._lock:
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK_BYTES):
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source}
        source.close()


@contextlib.contextmanager
def between(server: LiveServer) -> Iterator[tuple[LiveServer, Network]]:
    """The server as a browser sees it through a network, and that network."""
    network = Network(urlsplit(server.url).port or 80)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=network.serve, args=(listener,), daemon=True).start()
        yield dataclasses.replace(server, url=f"http://127.0.0.1:{listener.getsockname()[1]}"), network
        network.down()
        # A thread that waits for connections does not hear of a closed listener; one more connection wakes it.
        listener.shutdown(socket.SHUT_RDWR)
