"""Servers for the tests of the HTTP interface: the demo's parties on each database, with or without their story."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from live_server import LiveServer, running_server
from shared_data import shared

BACKENDS = ("sqlite", "postgresql")
PARTY_FILES = {"cordia": "storyline-cordia.json", "northgate-clinical": "storyline-northgate.json"}
STORY_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""When the storyline is looked at: after the buy-out of September 2026, before the explant of June 2027."""
PATIENT_SPELLINGS = (b"401234500000123452", b"4012345.0000012345", b"0000012345")


def story_clock() -> Callable[[], int]:
    """A clock that goes on from STORY_NOW, whatever day the tests run on: for what follows from the storyline alone."""
    late_us = time.time_ns() // 1000 - int(STORY_NOW.timestamp()) * 1_000_000
    return lambda: time.time_ns() // 1000 - late_us


@dataclass(frozen=True)
class Site:
    """A running demo server and a client for each of its keys."""

    server: LiveServer
    http: httpx.Client

    def request(self, name: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        """One request of the owner of that demo key, or of nobody."""
        headers = dict(options.pop("headers", {}))
        if name is not None:
            headers.setdefault("Authorization", f"Bearer {self.server.keys[name]}")
        return self.http.request(method, path, headers=headers, **options)

    def get(self, name: str, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.request(name, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def capture(self, name: str, body: bytes, **headers: str) -> httpx.Response:
        """POST /epcis/capture of a JSON body."""
        return self.request(
            name, "POST", "/epcis/capture", content=body, headers={"Content-Type": "application/json"} | headers
        )

    def job(self, name: str, accepted: httpx.Response) -> Any:
        """The job of an accepted capture."""
        assert accepted.status_code == 202, accepted.text
        return self.get(name, accepted.headers["location"])

    def events(self, name: str, query: str = "perPage=1000") -> list[dict[str, Any]]:
        """The events of one page."""
        document = self.get(name, f"/epcis/events?{query}")
        found: list[dict[str, Any]] = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        return found

    def load_story(self, order: tuple[str, ...] = ("cordia", "northgate-clinical")) -> None:
        """Capture the published storyline, party by party."""
        for name in order:
            job = self.job(name, self.capture(name, shared(f"examples/{PARTY_FILES[name]}").read_bytes()))
            assert job["success"], job


@pytest.fixture(scope="session")
def open_site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes the context of an empty demo server on a backend, with settings of its own."""
    # Documents of thousands of events take their time where other runs have the processors too.
    patience_s = 600 if request.config.getoption("--full") else 60

    @contextmanager
    def opened(backend: str = "sqlite", **settings: Any) -> Iterator[Site]:
        folder: Path = tmp_path_factory.mktemp("site")
        if backend == "postgresql":
            settings["database_url"] = request.getfixturevalue("new_postgres_database")()
        chosen = {"demo_storyline": False} | settings
        with (
            running_server(folder, demo=True, **chosen) as server,
            httpx.Client(base_url=server.url, timeout=patience_s) as http,
        ):
            yield Site(server, http)

    return opened


@pytest.fixture(scope="session", params=BACKENDS)
def story(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server with the published storyline; tests must not change it."""
    with open_site(request.param, injected={"now_us": story_clock()}) as site:
        site.load_story()
        yield site


@pytest.fixture
def site(open_site: Callable[..., Any]) -> Iterator[Site]:
    """An empty demo server on SQLite."""
    with open_site() as opened:
        yield opened
