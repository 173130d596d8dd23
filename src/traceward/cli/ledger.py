"""`traceward ledger`: fold the ledger of a database afresh, and print the digest of what it amounts to."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from traceward.cli.output import ExitCode, JsonFlag, fail, print_json
from traceward.ledger.rebuild import Tell
from traceward.services.identity.registry import Registry
from traceward.services.runtime import system_clock_us
from traceward.services.tracing import ledger_care
from traceward.store.engine import Store, open_store
from traceward.store.errors import StoreUnavailable, WrongDatabase

ledger_app = typer.Typer(no_args_is_help=True, help="The ledger of a database: fold it afresh, or say what it holds.")

DataOption = Annotated[Path, typer.Option("--data", help="The server's data folder, where its SQLite database is.")]
DatabaseOption = Annotated[str | None, typer.Option("--database", help="postgresql:// or sqlite:/// URL instead.")]

_EVERY_S = 1.0


@ledger_app.command("rebuild")
def rebuild(data: DataOption = Path("data"), database: DatabaseOption = None, as_json: JsonFlag = False) -> None:
    """Fold every event afresh; captures wait meanwhile, and readers see the old ledger until it ends."""
    store = opened(data, database)
    started = time.monotonic()
    try:
        count = ledger_care.rebuild(store, Registry(store, system_clock_us), told_by_the_second())
    finally:
        store.close()
    seconds = time.monotonic() - started
    if as_json:
        print_json({"events": count, "seconds": round(seconds, 3)})
    else:
        typer.echo(f"folded {count:,} events in {seconds:,.1f} s, {count / max(seconds, 1e-9):,.0f} a second")


@ledger_app.command("verify")
def verify(data: DataOption = Path("data"), database: DatabaseOption = None, as_json: JsonFlag = False) -> None:
    """Print the digests of stock and ownership transfers; docs/ledger.md says how to reproduce them."""
    store = opened(data, database)
    try:
        found = ledger_care.verify(store)
    finally:
        store.close()
    if as_json:
        print_json(asdict(found))
        return
    typer.echo(f"stock     {found.stock} ({found.stock_lines:,} lines)")
    typer.echo(f"transfers {found.transfers} ({found.transfer_lines:,} lines)")


def told_by_the_second() -> Tell:
    """What says on standard error how far a walk over all events has come, once a second."""
    started = last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_S:
            last = now
            typer.echo(f"{done:,} of {total:,} events, {done / (now - started):,.0f} a second", err=True)

    return tell


def opened(data: Path, database: str | None) -> Store:
    """The store of a server's data folder or of a database URL; ends the command where there is none."""
    url = database
    if url is None:
        path = data / "traceward.sqlite3"
        if not path.exists():
            raise fail(f"{path} does not exist; expected the data folder of a server, or --database", ExitCode.SERVER)
        url = f"sqlite:///{path}"
    try:
        return open_store(url, clock=system_clock_us)
    except (StoreUnavailable, WrongDatabase, ValueError) as error:
        raise fail(str(error), ExitCode.SERVER) from error
