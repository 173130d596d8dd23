"""Runs the `traceward` command as its users do; a server as a process of its own."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from shared_data import CHECKOUT
from traceward.cli.main import app

COMMAND = [sys.executable, "-c", "from traceward.cli.main import main; main()"]
START_TIMEOUT_S = 60


def environment(**changes: str) -> dict[str, str]:
    """The environment with this checkout's package in it, and without settings or keys of whoever runs the test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRACEWARD_")}
    return kept | {"PYTHONPATH": str(CHECKOUT / "src"), "COLUMNS": "200", "NO_COLOR": "1"} | changes


def traceward(*arguments: str | Path, stdin: bytes = b"", **changes: str) -> Result:
    """Run the command to its end in this process; changes are environment variables."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env=environment(**changes))


def json_output(done: Result) -> Any:
    """The JSON document that the command printed."""
    return json.loads(done.stdout)


@dataclass
class ServeProcess:
    """A running `traceward serve`. greeting: what it printed until it was ready; url: where it answers."""

    process: subprocess.Popen[str]
    greeting: str
    url: str


@contextlib.contextmanager
def serving(*arguments: str | Path, cwd: Path, **changes: str) -> Iterator[ServeProcess]:
    """A server process on a port of its own choice, ended like by Ctrl+C when the context ends."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment(PYTHONUNBUFFERED="1", **changes),
    )
    watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
    watchdog.start()
    try:
        greeting = "".join(_until_ready(process))
        watchdog.cancel()
        found = re.search(r"https?://[\d.]+:\d+", greeting)
        assert found is not None, greeting + (process.stderr.read() if process.stderr else "")
        yield ServeProcess(process, greeting, found[0])
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate(timeout=30)


def _until_ready(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if line.startswith("Ctrl+C"):
            return


def keys_in(folder: Path) -> dict[str, str]:
    """The keys of the demo whose data folder this is."""
    keys: dict[str, str] = json.loads((folder / "demo-keys.json").read_text())
    return keys
