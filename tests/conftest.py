"""What every test room shares: the `--full` switch, hypothesis profiles, PostgreSQL servers; no room's own fixtures."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import emitted
import figures as told_figures
from postgres_server import PostgresMissing, new_database, running_postgres

if TYPE_CHECKING:
    from live_server import LiveServer

# No deadline: a shared machine's pauses are no property of the code.
settings.register_profile("sampled", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "full", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)

_FULL_TIMEOUT_S = 3600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run every count whole, not the sample of it")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("full" if config.getoption("--full") else "sampled")
    config.pluginmanager.register(emitted.Judge(is_full=bool(config.getoption("--full"))), "emitted")
    config.pluginmanager.register(told_figures.Told(), "figures")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        # A whole count takes as long as it takes; the limit of an ordinary run is there to catch what hangs.
        for item in items:
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(_FULL_TIMEOUT_S))
        return
    whole = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=whole)
    items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture(scope="session")
def full_run(pytestconfig: pytest.Config) -> bool:
    """Whether counts are to be run whole: `rounds = 100 if full_run else 5`."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Lines for the end of the run's output: how much a test has looked at."""
    return told_figures.lines_of(pytestconfig)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The maintenance database's URL of this test process's PostgreSQL; a test's own data goes in a new database."""
    try:
        with running_postgres() as url:
            yield url
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def new_postgres_database(postgres_url: str) -> Callable[[], str]:
    """A function that makes an empty database and returns its `postgresql://` URL; each call makes another one."""
    numbers = itertools.count(1)
    return lambda: new_database(postgres_url, f"test_{next(numbers)}")


@pytest.fixture
def live_server(tmp_path: Path) -> "Iterator[LiveServer]":
    """A demo server with its story, on SQLite, fresh for this test; `running_server` makes every other kind."""
    # Only tests that need the server should wait for its imports.
    from live_server import running_server

    with running_server(tmp_path / "data", demo=True) as server:
        yield server
