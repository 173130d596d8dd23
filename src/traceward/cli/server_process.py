"""The process of a server: its socket, its data folder, its start and its end; what it serves is api's."""

import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import ValidationError

from traceward.api.app import create_app
from traceward.api.settings import Settings
from traceward.cli.greeting import greet, greet_demo
from traceward.cli.output import ExitCode, fail
from traceward.cli.start import Gate
from traceward.services.identity.key_files import DEMO_KEYS_FILE

# How long answers under way may take once the server is told to end.
GRACE_S = 10
# Clients of websockets have nothing to say.
_WEBSOCKET_MESSAGE_BYTES = 65_536


def run_server(given: Mapping[str, Any], *, tls: tuple[Path, Path] | None, unattended: bool) -> None:
    """Serve until the process is told to end. given: settings by name, before those of the environment.

    tls: files of certificate and key. unattended: serve others although nobody has finished the set-up. Exits with
    CANNOT_RUN and the reason where the settings do not fit, the port is taken, or serving would not be safe.
    """
    asked = _settings(given)
    with _data_folder(asked, temporary=asked.demo and "data_dir" not in asked.model_fields_set) as folder:
        settings = asked.model_copy(update={"data_dir": folder})
        gate = Gate(create_app(settings), settings, tls=tls is not None, unattended=unattended)
        with _listening_socket(settings) as listener:
            config = uvicorn.Config(
                gate,
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=settings.behind_proxy,
                ws_max_size=_WEBSOCKET_MESSAGE_BYTES,
                timeout_graceful_shutdown=GRACE_S,
                ssl_certfile=tls[0] if tls else None,
                ssl_keyfile=tls[1] if tls else None,
            )
            url = f"{'https' if tls else 'http'}://{_shown_host(settings.host)}:{listener.getsockname()[1]}"
            temporary = folder != asked.data_dir
            _run(config, listener, gate, lambda: _greet(gate, settings, url, temporary=temporary))


class _AnnouncingServer(uvicorn.Server):
    """Calls `ready` once requests are answered."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _run(config: uvicorn.Config, listener: socket.socket, gate: Gate, ready: Callable[[], None]) -> None:
    # uvicorn raises the signal that ended it again once everything is closed; as an exception it lets us tidy up too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _AnnouncingServer(config, ready).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    except SystemExit:
        if gate.refusal is None:
            raise
        raise fail(gate.refusal, ExitCode.CANNOT_RUN) from None


def _greet(gate: Gate, settings: Settings, url: str, *, temporary: bool) -> None:
    if settings.demo:
        greet_demo(url, settings.data_dir / DEMO_KEYS_FILE, temporary=temporary)
        return
    first_run = gate.first_run
    code = None if gate.unattended else first_run.code
    greet(url, admin_key_file=first_run.admin_key_file, setup_code=code, minutes=settings.setup_code_ttl_s // 60)


def _settings(given: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise fail(f"the settings do not fit: {faults}", ExitCode.CANNOT_RUN) from error


@contextmanager
def _data_folder(asked: Settings, *, temporary: bool) -> Iterator[Path]:
    """The folder asked for; or, for a demo that names none, a new one that is removed afterwards."""
    if not temporary:
        yield asked.data_dir
        return
    folder = Path(tempfile.mkdtemp(prefix="traceward-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _listening_socket(settings: Settings) -> Iterator[socket.socket]:
    """A socket that is bound already, so that the port is known and a taken one is told in plain words."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host} port {settings.port}"
            reason = f"cannot listen on {where}: {error.strerror}; choose with --host and --port"
            raise fail(reason, ExitCode.CANNOT_RUN) from error
        yield listener


def _shown_host(host: str) -> str:
    """The host as a link needs it; a wildcard address shows as this machine."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
