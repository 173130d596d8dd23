"""An empty server for foreign clients, on each database."""

from collections.abc import Iterator

import pytest

from live_server import LiveServer, running_server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def foreign_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo server without its story."""
    chosen = {}
    if request.param == "postgresql":
        chosen["database_url"] = request.getfixturevalue("new_postgres_database")()
    folder = tmp_path_factory.mktemp("interop")
    with running_server(folder, demo=True, demo_storyline=False, **chosen) as server:
        yield server
