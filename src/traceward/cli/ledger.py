"""`traceward ledger`: fold the ledger of a database afresh, and print the digest of what it amounts to."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traceward.cli.options import DatabaseOption, DataOption
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json
from traceward.cli.walks import report_walk, told_by_the_second

if TYPE_CHECKING:
    from traceward.services.tracing.ledger_care import Verification

ledger_app = typer.Typer(no_args_is_help=True, help="The ledger of a database: fold it afresh, or say what it holds.")


@ledger_app.command("rebuild")
def rebuild(data: DataOption = Path("data"), database: DatabaseOption = None, as_json: JsonFlag = False) -> None:
    """Fold every event afresh; captures wait meanwhile, and readers see the old ledger until it ends."""
    from traceward.cli.database import rebuild_ledger  # noqa: PLC0415  # the database tool kit takes long to import

    report_walk("folded", lambda tell: rebuild_ledger(data, database, tell), as_json=as_json)


@ledger_app.command("verify")
def verify(
    data: DataOption = Path("data"),
    database: DatabaseOption = None,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Fold every event afresh, keep nothing of it, and end with 1 if it differs."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the digests of stock and ownership transfers; docs/ledger.md says how to reproduce them."""
    from traceward.cli.database import replay_ledger, verify_ledger  # noqa: PLC0415  # takes long to import

    if not replay:
        found = verify_ledger(data, database)
        _tell(found, as_json=as_json)
        return
    found, afresh = replay_ledger(data, database, told_by_the_second())
    _tell(found, as_json=as_json)
    if found != afresh:
        stock, transfers = afresh.stock_lines, afresh.transfer_lines
        raise fail(
            f"a replay gives another ledger (stock {afresh.stock}, {stock:,} lines; transfers {afresh.transfers},"
            f" {transfers:,} lines); run `traceward ledger rebuild`",
            ExitCode.FOUND_FAULTS,
        )


def _tell(found: "Verification", *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    typer.echo(f"stock     {found.stock} ({found.stock_lines:,} lines)")
    typer.echo(f"transfers {found.transfers} ({found.transfer_lines:,} lines)")
