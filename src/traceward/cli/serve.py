"""`traceward serve`: starts the server where that is safe, and says how to get in; the application itself is api's."""

import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import ValidationError

from traceward.api.settings import Settings
from traceward.cli.greeting import greet, greet_demo
from traceward.cli.output import ExitCode, fail
from traceward.cli.start import Gate
from traceward.services.key_files import DEMO_KEYS_FILE

# How long answers under way may take once the server is told to end.
GRACE_S = 10


def serve(
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Temporary, marked database with a story and keys to try.")
    ] = False,
    empty: Annotated[bool, typer.Option("--empty", help="With --demo: organisations and keys, but no events.")] = False,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless told.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 8000 unless told, 0 for any.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the database and the keys.", show_default=False)
    ] = None,
    behind_proxy: Annotated[bool, typer.Option("--behind-proxy", help="A proxy in front ends TLS.")] = False,
    tls_certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file, with --tls-key.", show_default=False)
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file of its key.", show_default=False)
    ] = None,
    unattended: Annotated[
        bool, typer.Option("--unattended", help="Take the admin key file as the finished set-up (for automation).")
    ] = False,
) -> None:
    """Start the server, for this machine alone unless told otherwise.

    Any other address needs a finished set-up, and TLS: here, or in a proxy. Flags go before TRACEWARD_* variables.
    """
    # Other commands should not wait for the web framework.
    from traceward.api.app import create_app  # noqa: PLC0415

    if (tls_certificate is None) != (tls_key is None):
        raise fail("--tls-certificate and --tls-key go together", ExitCode.CANNOT_RUN)
    if empty and not demo:
        raise fail("--empty goes with --demo; any other database starts empty", ExitCode.CANNOT_RUN)
    given = {
        "demo": demo or None,
        "demo_storyline": False if empty else None,
        "host": host,
        "port": port,
        "behind_proxy": behind_proxy or None,
    }
    tls = tls_certificate is not None
    with _data_folder(data, temporary=demo and data is None) as folder:
        settings = _settings(given | {"data_dir": folder})
        gate = Gate(create_app(settings), settings, tls=tls, unattended=unattended)
        with _listening_socket(settings) as listener:
            config = uvicorn.Config(
                gate,
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=settings.behind_proxy,
                timeout_graceful_shutdown=GRACE_S,
                ssl_certfile=tls_certificate,
                ssl_keyfile=tls_key,
            )
            url = f"{'https' if tls else 'http'}://{_shown_host(settings.host)}:{listener.getsockname()[1]}"
            _run(config, listener, gate, lambda: _greet(gate, settings, url, temporary=data is None))


class _AnnouncingServer(uvicorn.Server):
    """Calls `ready` once requests are answered."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _run(config: uvicorn.Config, listener: socket.socket, gate: Gate, ready: Callable[[], None]) -> None:
    try:
        _AnnouncingServer(config, ready).run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn raises it again once everything is closed; Ctrl+C is how a server is meant to end.
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


def _settings(given: dict[str, Any]) -> Settings:
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise fail(f"the settings do not fit: {faults}", ExitCode.CANNOT_RUN) from error


@contextmanager
def _data_folder(given: Path | None, *, temporary: bool) -> Iterator[Path | None]:
    """The folder given; or, for a demo without one, a new one that is removed afterwards."""
    if not temporary:
        yield given
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
