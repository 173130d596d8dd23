"""Show 5: servers are killed while they deliver to a receiver that fails half the time, and every event arrives."""

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared_data import CHECKOUT

from .conftest import document, event
from .receiver import Message, Receiver, Reply, receiving

SERVE = Path(__file__).parents[1] / "api" / "serve_for_kills.py"
START_TIMEOUT_S = 60.0
#: A lease lasts 8 s and is renewed every 2 s: another process has taken over by then, and delivers.
TAKEOVER_S = 10.0
MOST_FAILURES = 7


@dataclass
class Process:
    """A server process on a database that others may share."""

    folder: Path
    url: str
    port: int
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "src"), "TRACEWARD_WEBHOOK_FIRST_WAIT_S": "0.05"}
        command = [sys.executable, str(SERVE), str(self.folder), str(self.port), self.url, "5000000"]
        self.running = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.running.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return
            threading.Event().wait(0.05)
        raise AssertionError("the server did not become ready")

    def kill(self) -> float:
        """Kill it as a power cut would; gives when."""
        assert self.running is not None
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()
        return time.monotonic()

    def client(self) -> httpx.Client:
        key = json.loads((self.folder / "demo-keys.json").read_text())["cordia"]
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {key}"}, timeout=30
        )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts a server process on a database; every one that still runs is killed at the end."""
    started: list[Process] = []

    def make(url: str = "") -> Process:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        process = Process(tmp_path / "data", url, port)
        started.append(process)
        process.start()
        return process

    yield make
    for process in started:
        if process.running is not None:
            process.running.kill()
            process.running.wait()


def failing_half_the_time(seed: int) -> Callable[[str, Mapping[str, str], bytes], Reply]:
    """Refuses, breaks off or delays by chance; the lock keeps one seed's sequence whatever the threads do.

    No path is failed more than MOST_FAILURES times in a row: the wait doubles with each, and a subscriber that chance
    fails eleven times over would wait longer than the test does.
    """
    chance, lock = random.Random(seed), threading.Lock()
    in_a_row: Counter[str] = Counter()

    def behave(path: str, *_: object) -> Reply:
        with lock:
            if chance.random() < 0.5 and in_a_row[path] < MOST_FAILURES:
                in_a_row[path] += 1
                return Reply(chance.choice((500, 503, 429, 301, 0)))
            in_a_row[path] = 0
            return Reply(204, delay_s=chance.choice((0.0, 0.0, 0.02)))

    return behave


@dataclass
class Traffic:
    """Captures, one after the other, by any of the servers that live; sent: eventIDs in the order of their commits."""

    sent: list[str]
    numbers: "itertools.count[int]"

    def capture(self, client: httpx.Client, count: int) -> None:
        events = [event(next(self.numbers)) for _ in range(count)]
        answer = client.post("/epcis/capture", content=document(events), headers={"Content-Type": "application/json"})
        assert answer.status_code == 202, answer.text
        assert client.get(answer.headers["location"]).json()["success"]
        self.sent += [one["eventID"] for one in events]


def subscribe(client: httpx.Client, url: str) -> None:
    answer = client.post("/epcis/queries/all/subscriptions", json={"dest": url, "stream": True})
    assert answer.status_code == 201, answer.text


def define_all(client: httpx.Client) -> None:
    assert client.post("/epcis/queries", json={"name": "all", "query": {}}).status_code == 201


def everything_came(receiver: Receiver, paths: list[str], sent: list[str], seconds: float) -> None:
    """Waits until each subscription has got everything; else says what is missing."""
    wanted = set(sent)
    came = receiver.wait(lambda: all(wanted <= set(receiver.accepted_ids(path)) for path in paths), seconds)
    missing = {path: len(wanted - set(receiver.accepted_ids(path))) for path in paths}
    assert came, f"missing of {len(wanted)}: {missing}"


def judge(receiver: Receiver, path: str, sent: list[str], kills: list[float]) -> int:
    """The number of events that came more than once; the order of first arrivals must be that of the commits."""
    accepted = [message for message in receiver.messages if message.path == path and message.accepted]
    first_arrivals = list(dict.fromkeys(event_id for message in accepted for event_id in message.event_ids))
    assert first_arrivals == sent
    by_id: dict[str, list[Message]] = {}
    for message in accepted:
        by_id.setdefault(message.id, []).append(message)
    repeated = {name: found for name, found in by_id.items() if len(found) > 1}
    # A duplicate is the same message once more, at most one for each kill, and the kill lies between the two.
    assert len(repeated) <= len(kills)
    for found in repeated.values():
        assert len(found) == 2
        assert found[0].event_ids == found[1].event_ids
        assert any(found[0].at <= kill + 1.5 and kill <= found[1].at for kill in kills)
    counts = Counter(event_id for message in accepted for event_id in message.event_ids)
    return sum(count - 1 for count in counts.values())


def test_two_servers_share_subscribers_and_one_is_killed(
    start: Callable[..., Process],
    new_postgres_database: Callable[[], str],
    full_run: bool,
    record_property: Callable[[str, object], None],
) -> None:
    """Rejects a cursor that moves before the 2xx, a message made anew after a crash, and two senders at once.

    While both live there are no duplicates at all: neither do both find work in the same rows, nor is a subscription
    handed over while a message of it is under way.
    """
    subscribers, documents, rounds = (20, 60, 5) if full_run else (6, 12, 1)
    url = new_postgres_database()
    first = start(url)
    paths = [f"/hook/{number}" for number in range(subscribers)]
    kills: list[float] = []
    silences: list[float] = []
    with receiving(failing_half_the_time(7)) as receiver, first.client() as one:
        define_all(one)
        for path in paths:
            subscribe(one, receiver.url + path)
        traffic = Traffic([], itertools.count(1))
        second = start(url)
        with second.client() as two:
            for round_number in range(rounds):
                # Deliveries go on while the subscriptions are shared out anew between the two.
                deadline = time.monotonic() + 30
                while len(_holders(url)) < 2 and time.monotonic() < deadline:
                    traffic.capture(two, 2)
                    receiver.wait(lambda: False, 0.2)
                assert len(_holders(url)) == 2, "the second server took no subscription over"
                if round_number == 0:
                    everything_came(receiver, paths, traffic.sent, 60)
                    assert sum(judge(receiver, path, traffic.sent, []) for path in paths) == 0
                for number in range(documents):
                    traffic.capture(one if number % 2 and number < documents // 2 else two, 1 + number % 5)
                    if number == documents // 2:
                        kills.append(first.kill())
                everything_came(receiver, paths, traffic.sent, 90)
                silences.append(_longest_wait(receiver, kills[-1]))
                if round_number < rounds - 1:
                    first.start()
        duplicates = sum(judge(receiver, path, traffic.sent, kills) for path in paths)
    assert max(silences) < TAKEOVER_S + 5.0
    for name, figure in {
        "events": len(traffic.sent),
        "subscriptions": subscribers,
        "messages": len(receiver.messages),
        "messages refused": sum(not message.accepted for message in receiver.messages),
        "kills": len(kills),
        "duplicate events, all after a kill": duplicates,
        "longest silence after a kill in s": round(max(silences), 1),
    }.items():
        record_property(name, figure)


def _holders(url: str) -> set[str]:
    import psycopg

    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT holder FROM subscription") if row[0]}


def _longest_wait(receiver: Receiver, killed: float) -> float:
    """How long after the kill the last of the subscriptions was delivered to for the first time."""
    firsts: dict[str, float] = {}
    for message in receiver.messages:
        if message.at > killed:
            firsts.setdefault(message.path, message.at)
    return max(firsts.values()) - killed


def test_a_server_on_sqlite_is_killed_while_it_delivers(
    start: Callable[..., Process], full_run: bool, record_property: Callable[[str, object], None]
) -> None:
    """Rejects an outbox in memory. In the last round the kill comes while the receiver has taken a message and not
    answered yet, so that a duplicate must come of it: the same message once more, under the same id.
    """
    rounds, batches = (20, 10) if full_run else (1, 5)
    chance = random.Random(11)
    server = start()
    with receiving(failing_half_the_time(3)) as receiver:
        traffic = Traffic([], itertools.count(1))
        with server.client() as client:
            define_all(client)
            subscribe(client, receiver.url + "/hook")
        kills: list[float] = []
        for _ in range(rounds - 1):
            with server.client() as client:
                for _ in range(batches):
                    traffic.capture(client, chance.randint(1, 20))
            threading.Event().wait(chance.uniform(0.0, 0.1))
            kills.append(server.kill())
            server.start()
        with server.client() as client:
            for _ in range(batches):
                traffic.capture(client, chance.randint(1, 20))
            everything_came(receiver, ["/hook"], traffic.sent, 60)
            taken = threading.Event()

            def take_and_wait(*_: object) -> Reply:
                taken.set()
                return Reply(204, delay_s=1.0)

            receiver.behave = take_and_wait
            traffic.capture(client, 3)
        assert taken.wait(10)
        kills.append(server.kill())
        assert receiver.wait(lambda: set(traffic.sent) <= set(receiver.accepted_ids()))
        receiver.behave = failing_half_the_time(4)
        count = len(receiver.messages)
        server.start()
        assert receiver.wait(lambda: any(message.accepted for message in receiver.messages[count:]), 30)
        duplicates = judge(receiver, "/hook", traffic.sent, kills)
    assert duplicates >= 3
    record_property("duplicates", duplicates)
    record_property("events", len(traffic.sent))
    record_property("kills", len(kills))
