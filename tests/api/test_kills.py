"""Show 9: kill -9 while captures are under way; what was acknowledged is there once, every document whole or absent."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from live_server import running_server
from shared_data import CHECKOUT
from traceward.services.intake import jobs

from .conftest import BACKENDS
from .test_epcis_binding import bare_event, document

START_TIMEOUT_S = 60.0
EVENTS_PER_DOCUMENT = 25
#: Half of the documents are above it: those are spooled, and taken up again after a kill.
SPOOL_THRESHOLD_BYTES = 9_000
SCRIPT = Path(__file__).with_name("serve_for_kills.py")


@dataclass
class Victim:
    """A server that is killed and started again on the same data. sent: document name -> its number of events."""

    folder: Path
    url: str
    port: int
    sent: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, str] = field(default_factory=dict)
    since: str = ""
    script: Path = SCRIPT

    @property
    def base(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, name: str = "cordia") -> httpx.Client:
        """A client with the demo key of that name."""
        key = json.loads((self.folder / "demo-keys.json").read_text())[name]
        return httpx.Client(base_url=self.base, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The process, ready; killed at the end if it still runs."""
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "src")}
        command = [
            sys.executable,
            str(self.script),
            str(self.folder),
            str(self.port),
            self.url,
            str(SPOOL_THRESHOLD_BYTES),
        ]
        process = subprocess.Popen(command, env=environment)
        try:
            self._await_ready(process)
            yield process
        finally:
            process.kill()
            process.wait()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return
            threading.Event().wait(0.05)
        raise AssertionError("the server did not become ready")

    def send_until_gone(self, behaviour: str, count: int) -> None:
        """Capture one document after another until the server is gone; remember which were acknowledged."""
        with self.client() as client:
            while True:
                name = uuid.uuid4().hex
                self.sent[name] = count
                try:
                    answer = client.post(
                        "/epcis/capture",
                        content=made_document(name, count),
                        headers={"Content-Type": "application/json", "GS1-Capture-Error-Behaviour": behaviour},
                    )
                except httpx.TransportError:
                    return
                assert answer.status_code == 202, answer.text
                self.acknowledged[name] = answer.headers["location"]

    def stored(self, client: httpx.Client) -> dict[str, list[str]]:
        """The eventIDs that are stored of each document since the round began."""
        found: dict[str, list[str]] = {name: [] for name in self.sent}
        path: str | None = f"/epcis/events?perPage=1000&GE_recordTime={self.since}"
        while path is not None:
            answer = client.get(path)
            for event in answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]:
                name = event["bizTransactionList"][0]["bizTransaction"].rpartition(":")[2]
                found[name].append(event["eventID"])
            path = answer.headers["link"][1:].partition(">")[0] if "link" in answer.headers else None
        return found


def made_document(name: str, count: int) -> bytes:
    """A document of that many events, which share a purchase order named after it."""
    events = [
        bare_event(
            eventID=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{name} {index}')}",
            epcList=[f"https://id.gs1.org/01/09521141010235/21/{name[:8]}{index}"],
            bizTransactionList=[{"type": "po", "bizTransaction": f"urn:example:po:{name}"}],
        )
        for index in range(count)
    ]
    return orjson.dumps(document(*events))


def check_after_a_kill(victim: Victim) -> None:
    """Every acknowledged document is whole; every other is whole or absent; no event is there twice."""
    with victim.running(), victim.client() as client:
        for name, location in victim.acknowledged.items():
            if len(made_document(name, victim.sent[name])) > SPOOL_THRESHOLD_BYTES:
                await_end(client, location)
        stored = victim.stored(client)
        for name, count in victim.sent.items():
            found = stored[name]
            assert len(found) == len(set(found))
            expected = {count} if name in victim.acknowledged else {0, count}
            assert len(found) in expected, (name, len(found), name in victim.acknowledged)
        for name in [name for name in victim.sent if name not in victim.acknowledged]:
            again = client.post(
                "/epcis/capture",
                content=made_document(name, victim.sent[name]),
                headers={"Content-Type": "application/json"},
            )
            assert again.status_code == 202
            await_end(client, again.headers["location"])
        for name, found in victim.stored(client).items():
            assert len(found) == len(set(found)) == victim.sent[name]


def await_end(client: httpx.Client, location: str) -> dict[str, Any]:
    """The job once it has ended; it must have succeeded."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(location).json()
        if not job["running"]:
            assert job["success"], job
            return job
        threading.Event().wait(0.02)
    raise AssertionError("the job did not end")


def kill_loop(victim: Victim, rounds: int, seed: int) -> None:
    """Start, load from several clients, kill at a random moment, check; `rounds` times."""
    chance = random.Random(seed)
    for _ in range(rounds):
        victim.sent.clear()
        victim.acknowledged.clear()
        victim.since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        with victim.running() as process:
            loads = [("rollback", 1), ("rollback", EVENTS_PER_DOCUMENT), ("proceed", 10), ("proceed", 60)]
            threads = [threading.Thread(target=victim.send_until_gone, args=load) for load in loads]
            for thread in threads:
                thread.start()
            threading.Event().wait(chance.uniform(0.05, 0.8))
            process.send_signal(signal.SIGKILL)
            process.wait()
            for thread in threads:
                thread.join()
        check_after_a_kill(victim)


@pytest.fixture
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Victim:
    """A server on the backend that the test is parametrised with."""
    url = request.getfixturevalue("new_postgres_database")() if request.param == "postgresql" else ""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    folder = tmp_path / "data"
    folder.mkdir()
    return Victim(folder, url, port)


@pytest.mark.parametrize("victim", BACKENDS, indirect=True)
def test_kills_lose_and_double_nothing(victim: Victim) -> None:
    """Rejects 202 before the commit, a job that is forgotten with its process, and a retry that doubles events."""
    kill_loop(victim, rounds=1, seed=1)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("victim", BACKENDS, indirect=True)
def test_a_hundred_kills_lose_and_double_nothing(victim: Victim) -> None:
    """The same a hundred times on each database."""
    kill_loop(victim, rounds=100, seed=2)


def test_a_spooled_document_is_judged_in_its_job(open_site: Callable[..., Any]) -> None:
    """Rejects a job of a large document that stores half of it, or hides its findings."""
    with open_site(spool_threshold_bytes=5_000) as site:
        good = made_document("a" * 32, 60)
        bad = orjson.dumps(document(*(bare_event(bizStep="consuming" if n == 50 else "storing") for n in range(60))))
        for body, behaviour, success, stored in (
            (good, "rollback", True, 60),
            (bad, "rollback", False, 60),
            (bad, "proceed", False, 61),
        ):
            accepted = site.capture("cordia", body, **{"GS1-Capture-Error-Behaviour": behaviour})
            assert accepted.status_code == 202
            job = ended(site, accepted.headers["location"])
            assert job["success"] is success
            assert job["captureErrorBehaviour"] == behaviour
            if not success:
                assert job["errors"][0]["errors"][0]["path"] == "eventList[50].bizStep"
                assert "finishedAt" in job
            assert len(site.events("cordia")) == stored
        assert not list(site.server.settings.data_dir.glob("spool/*"))


def test_jobs_are_listed_newest_first_for_their_own_role(open_site: Callable[..., Any]) -> None:
    """Rejects a list that shows another role's or party's jobs: their findings may name a patient."""
    with open_site() as site:
        for number in range(3):
            assert site.capture("northgate-clinical", made_document(f"{number:032}", 1)).status_code == 202
        whole = site.get("northgate-clinical", "/epcis/capture")
        assert len(whole) == 3
        assert [job["createdAt"] for job in whole] == sorted((job["createdAt"] for job in whole), reverse=True)
        first = site.request("northgate-clinical", "GET", "/epcis/capture?perPage=2")
        rest = site.get("northgate-clinical", first.headers["link"][1:].partition(">")[0])
        assert [*first.json(), *rest] == whole
        for name in ("northgate-supply", "cordia"):
            assert site.get(name, "/epcis/capture") == []
            hidden = site.request(name, "GET", f"/epcis/capture/{whole[0]['captureID']}")
            absent = site.request(name, "GET", f"/epcis/capture/{'0' * 32}")
            assert hidden.status_code == absent.status_code == 404
            assert hidden.content == absent.content


def ended(site: Any, location: str) -> dict[str, Any]:
    """Cordia's job once it has ended, well or not."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = site.get("cordia", location)
        if not job["running"]:
            return job
        threading.Event().wait(0.02)
    raise AssertionError("the job did not end")


def test_a_job_whose_document_is_gone_says_so_at_the_next_start(tmp_path: Path) -> None:
    """Rejects a job that runs for ever."""
    folder = tmp_path / "data"
    with running_server(folder, demo=True, demo_storyline=False) as server:
        caller = server.app.state.runtime.registry.authenticate(server.keys["cordia"])
        spool = server.app.state.runtime.spool_folder
        detail = {"file": "gone.json", "folder": str(spool.absolute()), "next": 0}
        job = jobs.new_job("f" * 32, caller, "rollback", 1, detail)
        server.app.state.runtime.store.committer.run(lambda tx: tx.put(job))
    with running_server(folder, demo=True, demo_storyline=False) as server:
        headers = {"Authorization": f"Bearer {server.keys['cordia']}"}
        answer = httpx.get(f"{server.url}/epcis/capture/{'f' * 32}", headers=headers).json()
        assert (answer["running"], answer["success"]) == (False, False)
        assert "no longer" in answer["errors"][0]["detail"]
