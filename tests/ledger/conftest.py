"""Stores for the tests of the projector: SQLite for every order, both databases where that is the question."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from figures import LATE
from ledger.flows import DRAWN
from traceward.store.engine import Store, open_store

NOW_US = 1_840_000_000_000_000  # April 2028: the storyline's last events are past


@pytest.fixture(scope="session", autouse=True)
def _drawn(pytestconfig: pytest.Config) -> None:
    pytestconfig.stash.setdefault(LATE, {})["laws"] = lambda: (
        f"laws of the ledger: {DRAWN['histories']:,} random histories with {DRAWN['events']:,} events"
        if DRAWN["histories"]
        else ""
    )


@pytest.fixture
def new_store(tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """A function that opens another empty SQLite store."""
    opened: list[Store] = []

    def make() -> Store:
        opened.append(
            open_store(f"sqlite:///{tmp_path / f'{len(opened)}.db'}", clock=lambda: NOW_US, secret_key=b"k" * 32)
        )
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        url = request.getfixturevalue("new_postgres_database")()
    opened = open_store(url, clock=lambda: NOW_US, secret_key=b"k" * 32)
    yield opened
    opened.close()
