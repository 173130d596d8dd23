"""`traceward doctor`: tells what this installation can do here, and how to get what it lacks; it changes nothing."""

import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import typer

from traceward import __version__
from traceward.cli.output import ExitCode, JsonFlag, print_json, print_table
from traceward.scanner import doctor as scanner_doctor
from traceward.web import static_folder


@dataclass(frozen=True)
class Check:
    """One thing looked at. needed: whether the server cannot do its main job without it."""

    name: str
    good: bool
    found: str
    remedy: str | None
    needed: bool


def doctor(as_json: JsonFlag = False) -> None:
    """Show versions, decoders and the web client, and what is missing. Ends with 1 when something needed is."""
    checks = list(_checks())
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        rows = [(check.name, _verdict(check), check.found, check.remedy) for check in checks]
        print_table(
            f"Traceward {__version__} on Python {platform.python_version()}", ("part", "", "found", "remedy"), rows
        )
    if any(check.needed and not check.good for check in checks):
        raise typer.Exit(ExitCode.FOUND_FAULTS)


def _verdict(check: Check) -> str:
    if check.good:
        return "ok"
    return "MISSING" if check.needed else "absent"


def _checks() -> Iterator[Check]:
    sqlite_is_new = sqlite3.sqlite_version_info >= (3, 35)
    yield Check(
        "SQLite", sqlite_is_new, sqlite3.sqlite_version, None if sqlite_is_new else "3.35 or newer", needed=True
    )
    for engine in scanner_doctor.report():
        yield Check(
            engine.engine,
            engine.available,
            f"{engine.version}: {', '.join(engine.symbologies)}",
            engine.missing,
            needed=engine.engine == "zxing-cpp",
        )
    client = static_folder()
    remedy = None if client else "reinstall without SKIP_WEB_BUILD; the server works without its pages"
    yield Check("web client", client is not None, str(client or "not built"), remedy, needed=False)
