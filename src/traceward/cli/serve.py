"""`traceward serve`: the flags of a server, as settings; starting it is `server_process`' task."""

from pathlib import Path
from typing import Annotated

import typer

from traceward.cli.output import ExitCode, fail


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
    if (tls_certificate is None) != (tls_key is None):
        raise fail("--tls-certificate and --tls-key go together", ExitCode.CANNOT_RUN)
    if empty and not demo:
        raise fail("--empty goes with --demo; any other database starts empty", ExitCode.CANNOT_RUN)
    # Every other command would wait for the web framework and the database tool kit.
    from traceward.cli.server_process import run_server  # noqa: PLC0415

    given = {
        "demo": demo or None,
        "demo_storyline": False if empty else None,
        "data_dir": data,
        "host": host,
        "port": port,
        "behind_proxy": behind_proxy or None,
    }
    tls = (tls_certificate, tls_key) if tls_certificate is not None and tls_key is not None else None
    run_server({name: value for name, value in given.items() if value is not None}, tls=tls, unattended=unattended)
