"""`traceward agreements`: list, export, import and sign agreements on a running server.

It must not judge terms: the server does, and says of each what is wrong.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from traceward.cli.administration import server_for
from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table

agreements_app = typer.Typer(no_args_is_help=True, help="Consignment agreements of one's own organisation.")


@agreements_app.command("list")
def list_agreements(url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """Show every version of every agreement, its state and who has signed."""
    with server_for(url, key) as server:
        answer = server.request("GET", "/agreements").body
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one["agreementID"],
            str(one["version"]),
            one["state"],
            one["terms"]["validFrom"],
            one["endedOn"] or one["terms"]["validTo"] or "",
            str(len(one["signatures"])),
        )
        for one in answer["agreements"]
    ]
    print_table("Agreements", ("id", "version", "state", "from", "to", "signatures"), rows)


@agreements_app.command("export")
def export_agreements(url: UrlOption = DEFAULT_URL, key: KeyOption = None) -> None:
    """Print the terms of the newest version of each agreement as JSON, as `import` takes them."""
    with server_for(url, key) as server:
        print_json(server.request("GET", "/agreements/export").body)


@agreements_app.command("import")
def import_agreements(
    file: Annotated[Path, typer.Argument(help="JSON as `export` prints it.", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")] = False,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Propose every agreement of a file, and sign each for one's own side."""
    try:
        document = json.loads(file.read_bytes())
    except ValueError as error:
        raise fail(f"{file}: no JSON: {error}", ExitCode.CANNOT_RUN) from error
    with server_for(url, key) as server:
        answer = server.post_json(f"/agreements/import?dry-run={'true' if dry_run else 'false'}", document)
    if as_json:
        print_json(answer)
    for one in () if as_json else answer["items"]:
        version = f" as version {one['version']}" if one["version"] is not None else ""
        typer.echo(f"{one['agreementID'] or 'item ' + str(one['index'])}: {one['outcome']}{version}")
        for finding in one["findings"]:
            typer.echo(f"  {finding['path']}: {finding['message']}")
    if any(one["outcome"] == "refused" for one in answer["items"]):
        raise typer.Exit(ExitCode.FOUND_FAULTS)


@agreements_app.command("sign")
def sign_agreement(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The agreementID.")],
    version: Annotated[int, typer.Option("--version", help="The version that is signed.", min=1)],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
) -> None:
    """Sign a version for one's own side."""
    with server_for(url, key) as server:
        signed = server.post_json("/agreements/sign", {"agreementID": identifier, "version": version})
    typer.echo(f"{signed['agreementID']} version {signed['version']} is {signed['state']}")
