"""A real Traceward server in a thread on an ephemeral loopback port, for tests that speak HTTP or drive a browser."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from emitted import watched
from traceward.api.app import create_app
from traceward.api.settings import Settings


@dataclass(frozen=True)
class LiveServer:
    """A server that answers. url: without a slash at its end. keys: those of a demo by name, else none."""

    url: str
    app: FastAPI
    settings: Settings
    keys: dict[str, str] = field(default_factory=dict)


class _Server(uvicorn.Server):
    """Tells when it answers, or that it never will."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


@contextlib.contextmanager
def running_server(
    data_dir: Path, *, injected: Mapping[str, Any] | None = None, **settings: Any
) -> Iterator[LiveServer]:
    """A server with these settings until the context ends; its database is SQLite in data_dir unless they say more.

    `demo=True` brings the demo's organisations, keys and story; `demo_storyline=False` leaves the story out.
    injected: the clock and the source of random bytes, as `create_app` takes them; the Date header is then left out.
    """
    made = Settings(data_dir=data_dir, port=0, **({"scan_warm": False} | settings))
    app = create_app(made, **(injected or {}))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            watched(app),
            lifespan="on",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
            date_header=injected is None,
        )
        server = _Server(config)
        thread = threading.Thread(target=_run, args=(server, listener), name="traceward-test-server")
        thread.start()
        try:
            server.answers.wait(timeout=60)
            if not server.started:
                raise RuntimeError("the server did not start; its log says why")
            keys = getattr(app.state, "demo_keys", None) or {}
            yield LiveServer(f"http://127.0.0.1:{listener.getsockname()[1]}", app, made, keys)
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def _run(server: _Server, listener: socket.socket) -> None:
    # A failed start ends uvicorn by SystemExit, which a thread swallows; whoever waits has to be told.
    try:
        server.run(sockets=[listener])
    finally:
        server.answers.set()
