"""How every command speaks: exit codes, tables for people, JSON for programs; it must hold no command."""

import json
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


class ExitCode(IntEnum):
    """What a program may conclude from how a command ended."""

    DONE = 0
    FOUND_FAULTS = 1
    """The command ran; something that it judged is not in order."""
    CANNOT_RUN = 2
    """Wrong usage, a missing file, a set-up that does not allow it."""
    SERVER = 3
    """The server was not reached, or refused the key."""


JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs instead of tables.")]


def print_json(value: Any) -> None:
    """Print one JSON document on standard output, indented, keys in the order given."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, is_error: bool = False
) -> None:
    """Print a table with a title line; None shows as an empty cell, and no text of a cell is taken for markup.

    is_error: it goes to standard error, because standard output is for the command's result.
    """
    table = Table(
        title=Text(visible(title), style="bold"), title_justify="left", title_style="bold", header_style="bold"
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else visible(str(cell))) for cell in row))
    Console(stderr=is_error).print(table)


def fail(message: str, code: ExitCode) -> typer.Exit:
    """The exception to raise in order to end the command; its reason is on standard error by then."""
    print_problem(message)
    return typer.Exit(code)


def print_problem(message: str) -> None:
    """Print one line on standard error, for a command that goes on."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"traceward: {visible(message)}"))


def visible(text: str) -> str:
    """The text with control characters spelt out, so that scanned data cannot steer a terminal (GS becomes <GS>)."""
    return "".join(_SPELT.get(sign) or (sign if sign.isprintable() or sign == "\n" else "\ufffd") for sign in text)


_SPELT = {"\x1d": "<GS>", "\x1e": "<RS>", "\x1c": "<FS>", "\x04": "<EOT>", "\t": "  "}
