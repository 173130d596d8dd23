"""One store on each database: every test that asks for `store` runs on both."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from store.cases import Clock
from traceward.store.engine import Store, open_store
from traceward.store.tables import tables_of


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    new_database: Callable[[], str] = request.getfixturevalue("new_postgres_database")
    return new_database()


@pytest.fixture(scope="session")
def shared_postgres_url(new_postgres_database: Callable[[], str]) -> str:
    """One PostgreSQL database with the schema in it, emptied before each test that uses it."""
    url = new_postgres_database()
    open_store(url, clock=Clock()).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """An empty store."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("shared_postgres_url")
        with psycopg.connect(url, autocommit=True) as connection:
            names = ",".join(f'"{table.name}"' for table in tables_of("postgresql"))
            # The audit log refuses to be emptied, save without triggers.
            connection.execute("SET session_replication_role = replica")
            connection.execute(f"TRUNCATE {names}".encode())
    opened = open_store(url, clock=clock, secret_key=b"k" * 32)
    yield opened
    opened.close()
