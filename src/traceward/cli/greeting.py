"""What a server says once it answers: where it is, how to get in, what to try; plain lines that can be copied whole."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer

from traceward import __version__

# Name of a demo key, path, what it shows.
DEMO_REQUESTS = (
    ("northgate-clinical", "/consignment/stock", "what the hospital holds, where, and who owns it"),
    ("northgate-clinical", "/trace/lot?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30", "whom a lot went to"),
    ("cordia", "/epcis/events?EQ_bizStep=dispensing", "the use as the supplier sees it: no patient"),
)  # fmt: skip


def greet_demo(url: str, keys_file: Path, *, temporary: bool) -> None:
    """Tell where the demo is, its keys, and three requests that can be pasted into a shell.

    keys_file: JSON object from names to keys. temporary: whether the database vanishes with the server.
    """
    keys = json.loads(keys_file.read_text(encoding="utf-8"))
    _say(_demo_lines(url, keys, keys_file, temporary=temporary))


def greet(url: str, *, admin_key_file: Path, setup_code: str | None, minutes: int) -> None:
    """Tell where the server is and, while set-up is not finished, the link that finishes it.

    setup_code: one-time code, valid for so many minutes; None once set-up is finished.
    """
    _say(_lines(url, admin_key_file, setup_code, minutes))


def _demo_lines(url: str, keys: Mapping[str, str], keys_file: Path, *, temporary: bool) -> Iterator[str]:
    fate = "it is gone when the server ends" if temporary else f"it stays in {keys_file.parent}"
    yield f"Traceward {__version__}, demo: {url}/"
    yield f"The database is marked as a demo; {fate}. Sign in with one of these keys:"
    yield ""
    for name, key in keys.items():
        yield f"  {name:<20} {key}"
    yield ""
    yield f"They are in {keys_file} too. Three requests to try:"
    for name, path, shows in DEMO_REQUESTS:
        yield ""
        yield f"  # {shows}"
        yield f'  curl -H "Authorization: Bearer {keys[name]}" "{url}{path}"'
    yield ""
    yield "Ctrl+C ends it."


def _lines(url: str, admin_key_file: Path, setup_code: str | None, minutes: int) -> Iterator[str]:
    yield f"Traceward {__version__}: {url}/"
    if setup_code is not None:
        yield f"Set-up is not finished. Open this link once, within {minutes} minutes:"
        yield ""
        yield f"  {url}/setup#{setup_code}"
        yield ""
    if admin_key_file.is_file():
        yield f"The administrator's key is in {admin_key_file}, readable by you alone."
    yield "Ctrl+C ends it."


def _say(lines: Iterator[str]) -> None:
    typer.echo("\n".join(lines))
