"""What commands do with a database themselves, without a server; it must print nothing.

Only such a command loads it: the database tool kit takes longer to import than all other commands together.
"""

from contextlib import closing
from pathlib import Path

from traceward.cli.output import ExitCode, fail
from traceward.services.identity import audit_log
from traceward.services.identity.audit_log import ChainVerdict
from traceward.services.identity.registry import Registry
from traceward.services.indexing.reindexing import reindex
from traceward.services.runtime import system_clock_us
from traceward.services.tracing import ledger_care
from traceward.services.tracing.ledger_care import Verification
from traceward.store.engine import Store, open_store
from traceward.store.errors import StoreUnavailable, WrongDatabase
from traceward.store.progress import Tell


def rebuild_ledger(data: Path, database: str | None, tell: Tell) -> int:
    """Fold the ledger afresh; the number of events."""
    with closing(_of_server(data, database)) as store:
        return ledger_care.rebuild(store, Registry(store, system_clock_us), tell)


def verify_ledger(data: Path, database: str | None) -> Verification:
    """The digests of what the ledger amounts to."""
    with closing(_of_server(data, database)) as store:
        return ledger_care.verify(store)


def replay_ledger(data: Path, database: str | None, tell: Tell) -> tuple[Verification, Verification]:
    """The digests of what the ledger amounts to, and of what it would after a fold of every event afresh."""
    with closing(_of_server(data, database)) as store:
        afresh = ledger_care.replay(store, Registry(store, system_clock_us), tell)
        return ledger_care.verify(store), afresh


def write_index(data: Path, database: str | None, tell: Tell) -> int:
    """Write the query index afresh; the number of events that this call indexed."""
    with closing(_of_server(data, database)) as store:
        return reindex(store, tell)


def verify_audit_log(database: str, expected: tuple[int, str] | None) -> ChainVerdict:
    """What a walk along the chain of a database's audit log found. expected: (number, hash) noted elsewhere before."""
    if database.startswith("sqlite:///") and not Path(database.removeprefix("sqlite:///")).exists():
        raise fail(f"{database} does not exist, so there is no log to prove; nothing was made", ExitCode.CANNOT_RUN)
    try:
        opened = open_store(database, clock=system_clock_us)
    except (StoreUnavailable, WrongDatabase, ValueError) as error:
        raise fail(f"cannot open the database: {error}", ExitCode.CANNOT_RUN) from error
    with closing(opened) as store, store.reader(snapshot=True) as reader:
        return audit_log.verify(reader, expected)


def _of_server(data: Path, database: str | None) -> Store:
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
