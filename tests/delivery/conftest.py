"""A demo server that delivers, and a partner's receiver beside it, for each test of a worker."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from live_server import LiveServer, running_server

from .receiver import Receiver, receiving

STREAM: dict[str, Any] = {"stream": True}


def event(number: int, **fields: Any) -> dict[str, Any]:
    """An event of Cordia's that names nobody else."""
    return {
        "type": "ObjectEvent",
        "eventID": f"https://cordia.example/events/{number}",
        "eventTime": "2026-03-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": [f"https://id.gs1.org/01/09506000134352/21/D{number}"],
        "action": "OBSERVE",
        "bizStep": "inspecting",
    } | fields


def document(events: list[dict[str, Any]]) -> bytes:
    return orjson.dumps(
        {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-03-01T10:00:00Z",
            "epcisBody": {"eventList": events},
        }
    )


@dataclass
class Site:
    """A server with one named query of Cordia's, and the receiver that its subscriptions report to."""

    server: LiveServer
    http: httpx.Client
    receiver: Receiver
    numbers: "itertools.count[int]"

    def request(self, method: str, path: str, *, key: str = "cordia", **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.server.keys[key]}"} | options.pop("headers", {})
        return self.http.request(method, path, headers=headers, **options)

    def subscribe(
        self, body: dict[str, Any] | None = None, path: str = "/hook", query: str = "all", **headers: str
    ) -> str:
        """The id of a new subscription."""
        asked = {"dest": self.receiver.url + path} | (STREAM if body is None else body)
        answer = self.request("POST", f"/epcis/queries/{query}/subscriptions", json=asked, headers=headers)
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["subscriptionID"]
        return made

    def define(self, name: str, query: dict[str, Any]) -> None:
        answer = self.request("POST", "/epcis/queries", json={"name": name, "query": query})
        assert answer.status_code == 201, answer.text

    def capture(self, count: int = 1, *, key: str = "cordia", **fields: Any) -> list[str]:
        """The eventIDs of so many new events, stored in one capture."""
        events = [event(next(self.numbers), **fields) for _ in range(count)]
        answer = self.request(
            "POST", "/epcis/capture", key=key, content=document(events), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 202, answer.text
        job = self.request("GET", answer.headers["location"], key=key).json()
        assert job["success"], job
        return [one["eventID"] for one in events]

    def state(self, subscription_id: str) -> dict[str, Any]:
        answer = self.request("GET", f"/subscriptions/{subscription_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def await_state(self, subscription_id: str, accept: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The subscription's state once it is as wanted."""
        assert self.receiver.wait(lambda: accept(self.state(subscription_id))), self.state(subscription_id)
        return self.state(subscription_id)


@pytest.fixture(scope="session")
def open_site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes the context of a site with settings of its own."""
    from contextlib import contextmanager

    @contextmanager
    def opened(backend: str = "sqlite", **settings: Any) -> Iterator[Site]:
        folder: Path = tmp_path_factory.mktemp("delivery")
        if backend == "postgresql":
            settings["database_url"] = request.getfixturevalue("new_postgres_database")()
        chosen = {"demo_storyline": False, "webhook_first_wait_s": 0.02} | settings
        with (
            running_server(folder, demo=True, **chosen) as server,
            httpx.Client(base_url=server.url, timeout=60) as http,
            receiving() as receiver,
        ):
            site = Site(server, http, receiver, itertools.count(1))
            site.define("all", {})
            yield site

    return opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as site:
        yield site


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """A site without subscriptions, whose receiver has got nothing yet."""
    with receiving() as receiver:
        shared_site.receiver = receiver
        yield shared_site
        for one in shared_site.request("GET", "/subscriptions").json()["subscriptions"]:
            path = f"/epcis/queries/{one['queryName']}/subscriptions/{one['subscriptionID']}"
            assert shared_site.request("DELETE", path).status_code == 204
