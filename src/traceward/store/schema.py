"""Bringing a database to the schema of this version: alembic, driven by the program, in one transaction.

A migration that is killed halfway leaves the database as it was; two servers that start at once migrate it once.
"""

from pathlib import Path
from typing import Any, Final

from traceward.store.connection import WRITER_LOCK, Connection, Database
from traceward.store.errors import WrongDatabase

#: The newest revision in `migrations/versions`; a test compares.
HEAD: Final = "0020"

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_HAS_VERSION: Final = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type='table' AND name='alembic_version'",
    "postgresql": "SELECT 1 FROM pg_class WHERE oid = to_regclass('alembic_version')",
}


def schema_revision(connection: Connection) -> str | None:
    """The revision that a database has, None for an empty one."""
    if not connection.fetch(_HAS_VERSION[connection.dialect]):
        return None
    rows = connection.fetch("SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else None


def migrate(database: Database, connection: Connection) -> None:
    """Bring the database to HEAD. Raises WrongDatabase for one that a newer version has written."""
    found = schema_revision(connection)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise WrongDatabase(f"the database has schema revision {found}; this version knows up to {HEAD}")
    _upgrade(database)


def _upgrade(database: Database) -> None:
    # Alembic takes a third of a second to import, and nearly every start finds the schema in place.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine, event, text  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine(database.sqlalchemy_url(), poolclass=NullPool)
    if database.dialect == "sqlite":
        # The driver would otherwise commit before each CREATE TABLE.
        event.listen(engine, "connect", _leave_transactions_alone)
        event.listen(engine, "begin", _begin_immediate)
    with engine.begin() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITER_LOCK})
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def _leave_transactions_alone(connection: Any, _: Any) -> None:
    connection.isolation_level = None


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
