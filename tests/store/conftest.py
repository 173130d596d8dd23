"""One store on each database: every test that asks for `store` runs on both."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store.cases import Clock
from traceward.store.engine import Store, open_store


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


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    opened = open_store(database_url, clock=clock, secret_key=b"k" * 32)
    yield opened
    opened.close()
