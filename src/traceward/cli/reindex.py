"""`traceward reindex`: write the query index of a database afresh, after an upgrade that reads events otherwise."""

from pathlib import Path

from traceward.cli.options import DatabaseOption, DataOption
from traceward.cli.output import JsonFlag
from traceward.cli.walks import report_walk


def reindex(data: DataOption = Path("data"), database: DatabaseOption = None, as_json: JsonFlag = False) -> None:
    """Write the query index afresh; a server may go on beside it, and what was stopped goes on where it was."""
    from traceward.cli.database import write_index  # noqa: PLC0415  # the database tool kit takes long to import

    report_walk("indexed", lambda tell: write_index(data, database, tell), as_json=as_json)
