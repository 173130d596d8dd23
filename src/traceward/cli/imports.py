"""`traceward import`: CSV files of a catalogue, places, PAR levels, prices or opening stock, to a running server.

It must not read the tables itself: the server does, and tells of every line.
"""

import urllib.parse
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from traceward.cli.administration import server_for
from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table

_FINDING_COLUMNS = ("", "line", "column", "value", "finding")


class Kind(StrEnum):
    """What a file holds."""

    CATALOGUE = "catalogue"
    PLACES = "places"
    PAR = "par"
    PRICES = "prices"
    STOCK = "stock"


def import_file(
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[
        Path | None, typer.Argument(help="A CSV file with a head line.", exists=True, dir_okay=False)
    ] = None,
    as_template: Annotated[bool, typer.Option("--template", help="Print a file to fill in, and end.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it, all or nothing; without, only tell.")] = False,
    agreement: Annotated[str | None, typer.Option(help="par, prices: id of the agreement.")] = None,
    valid_from: Annotated[str | None, typer.Option(help="par, prices: first day of the new version; today.")] = None,
    counted_at: Annotated[str | None, typer.Option(help="stock: when it was counted, with its zone.")] = None,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Tell line by line what importing a CSV file would do, and do it with --apply."""
    if as_template:
        from traceward.services.imports.imports import template_of  # noqa: PLC0415  # it knows the database tool kit

        typer.echo(template_of(kind.value), nl=False)
        return
    if file is None:
        raise fail("FILE is missing; --template prints one to fill in", ExitCode.CANNOT_RUN)
    options = {"agreementID": agreement, "validFrom": valid_from, "countedAt": counted_at}
    query = {name: value for name, value in options.items() if value is not None}
    with server_for(url, key) as server:
        report = server.request("POST", _path(kind, query), body=file.read_bytes(), headers=_CSV).body
        if apply and not report["errors"]:
            query["apply"] = "true"
            report = server.request("POST", _path(kind, query), body=file.read_bytes(), headers=_CSV).body
    if as_json:
        print_json(report)
    else:
        _show(report)
    if report["errors"]:
        raise fail("nothing was imported; correct the lines above", ExitCode.FOUND_FAULTS)


_CSV = {"Content-Type": "text/csv"}


def _path(kind: Kind, query: dict[str, str]) -> str:
    return f"/imports/{kind.value}" + (f"?{urllib.parse.urlencode(query)}" if query else "")


def _show(report: dict[str, Any]) -> None:
    rows = [(one["severity"], one["line"], one["column"], one["value"], one["message"]) for one in report["findings"]]
    if rows:
        print_table(f"{report['errors']} errors, {report['warnings']} warnings", _FINDING_COLUMNS, rows)
    verb = "imported" if report["applied"] else "would be imported; add --apply to do it"
    counts = f"{report['new']} new, {report['changed']} changed, {report['unchanged']} unchanged"
    if not report["errors"]:
        typer.echo(f"{report['rows']} rows: {counts}; {verb}")
    for name, value in (report["details"] | report["result"]).items():
        if not isinstance(value, list):
            typer.echo(f"{name}: {value}")
