"""Where a command finds its server and its key, or its database; it must not talk to either."""

from pathlib import Path
from typing import Annotated

import typer

from traceward.cli.output import ExitCode, fail
from traceward.cli.server_client import ServerAddressError, ServerClient, origin_of

DEFAULT_URL = "http://127.0.0.1:8000"

UrlOption = Annotated[str, typer.Option("--url", envvar="TRACEWARD_URL", help="Address of the server.")]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key", envvar="TRACEWARD_KEY", help="API key (tw_...), or @FILE to read it from a file.", show_default=False
    ),
]
DataOption = Annotated[Path, typer.Option("--data", help="The server's data folder, where its SQLite database is.")]
DatabaseOption = Annotated[str | None, typer.Option("--database", help="postgresql:// or sqlite:/// URL instead.")]


def connect(url: str, key: str | None) -> ServerClient:
    """The server to talk to; `key` may be the key or `@FILE`.

    Exits with CANNOT_RUN where there is no key, or where `url` is no address.
    """
    try:
        origin_of(url)
    except ServerAddressError as error:
        raise fail(f"--url: {error}", ExitCode.CANNOT_RUN) from error
    if key is not None and key.startswith("@"):
        file = Path(key[1:])
        try:
            key = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise fail(f"cannot read the key file {file}: {error.strerror}", ExitCode.CANNOT_RUN) from error
    if not key:
        raise fail("no key; give --key tw_... or --key @FILE, or set TRACEWARD_KEY", ExitCode.CANNOT_RUN)
    return ServerClient(url, key)
