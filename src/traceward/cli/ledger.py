"""`traceward ledger`: fold the ledger of a database afresh, and print the digest of what it amounts to."""

from dataclasses import asdict
from pathlib import Path

import typer

from traceward.cli.options import DatabaseOption, DataOption
from traceward.cli.output import JsonFlag, print_json
from traceward.cli.walks import report_walk

ledger_app = typer.Typer(no_args_is_help=True, help="The ledger of a database: fold it afresh, or say what it holds.")


@ledger_app.command("rebuild")
def rebuild(data: DataOption = Path("data"), database: DatabaseOption = None, as_json: JsonFlag = False) -> None:
    """Fold every event afresh; captures wait meanwhile, and readers see the old ledger until it ends."""
    from traceward.cli.database import rebuild_ledger  # noqa: PLC0415  # the database tool kit takes long to import

    report_walk("folded", lambda tell: rebuild_ledger(data, database, tell), as_json=as_json)


@ledger_app.command("verify")
def verify(data: DataOption = Path("data"), database: DatabaseOption = None, as_json: JsonFlag = False) -> None:
    """Print the digests of stock and ownership transfers; docs/ledger.md says how to reproduce them."""
    from traceward.cli.database import verify_ledger  # noqa: PLC0415  # the database tool kit takes long to import

    found = verify_ledger(data, database)
    if as_json:
        print_json(asdict(found))
        return
    typer.echo(f"stock     {found.stock} ({found.stock_lines:,} lines)")
    typer.echo(f"transfers {found.transfers} ({found.transfer_lines:,} lines)")
