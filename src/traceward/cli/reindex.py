"""`traceward reindex`: write the query index of a database afresh, after an upgrade that reads events otherwise."""

import time
from pathlib import Path

import typer

from traceward.cli.ledger import DatabaseOption, DataOption, opened, told_by_the_second
from traceward.cli.output import JsonFlag, print_json
from traceward.services.indexing.reindexing import reindex as write_afresh


def reindex(data: DataOption = Path("data"), database: DatabaseOption = None, as_json: JsonFlag = False) -> None:
    """Write the query index afresh; a server may go on beside it, and what was stopped goes on where it was."""
    store = opened(data, database)
    started = time.monotonic()
    try:
        count = write_afresh(store, told_by_the_second())
    finally:
        store.close()
    seconds = time.monotonic() - started
    if as_json:
        print_json({"events": count, "seconds": round(seconds, 3)})
    else:
        typer.echo(f"indexed {count:,} events in {seconds:,.1f} s, {count / max(seconds, 1e-9):,.0f} a second")
