"""Capture over HTTP against the bare write of the rows that it wrote, on both databases, and what it costs in memory.

Prints ratios; never passes or fails on a time. Run: python3 dev.py bench capture
A document of 1,000 events is timed from the request to the end of its job: checked, identified, indexed for its
viewers, folded into the ledger, durable. The bare write is every row that this capture wrote, prepared beforehand,
through the same driver into a database of its own; rounds of both alternate, so that a busy machine slows both.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import uvicorn

from bench.capture_documents import made_document
from bench.naive_capture import full_seconds, small_seconds
from traceward.api.app import create_app
from traceward.api.settings import Settings
from traceward.store.connection import Connection, OnConflict, Row
from traceward.store.engine import database_of, open_store

EVENTS = 1000
ROUNDS = 7
WARM_UP = 2
LARGE_DOCUMENT_EVENTS = 10_000
TARGETS = {"sqlite": 0.50, "postgresql": 0.40}
ROOT = Path(__file__).resolve().parents[1]

Rows = list[tuple[str, tuple[str, ...], Sequence[Row], OnConflict]]


@dataclass
class Recorder:
    """Keeps the rows of the capture under way."""

    rows: Rows

    def __call__(self, table: str, columns: tuple[str, ...], rows: Sequence[Row], conflict: OnConflict) -> None:
        """Take up one bulk insert."""
        self.rows.append((table, columns, list(rows), conflict))


def main() -> int:
    """Print the capture's ratios on SQLite, on PostgreSQL where there is one, and the memory figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sqlite_s = measure("sqlite", None, f"sqlite:///{folder / 'bare.sqlite3'}", folder / "sqlite")
        print_naive(sqlite_s, folder)
        with postgres_urls() as urls:
            if urls is None:
                print("postgresql: no server program found and TRACEWARD_BENCH_POSTGRES_URL not set; not measured")
            else:
                measure("postgresql", urls(), urls(), folder / "postgresql")
        print_memory(folder / "memory")
    return 0


def print_naive(capture_s: float, folder: Path) -> None:
    """Print how long loops of pydantic models and ORM objects take on SQLite, against our capture there."""
    document = made_document(900, EVENTS)
    full_s, small_s = full_seconds([document], folder), small_seconds([document], folder)
    print(
        f"naive pydantic + ORM loop, every row that our capture writes: {full_s * 1000:.0f} ms per 1,000 events; "
        f"{full_s / capture_s:.1f} times as long as our capture on SQLite (target: 10 times)"
    )
    print(
        f"  events and their fields alone, without ledger, visibility and vocabulary: {small_s * 1000:.0f} ms; "
        f"{small_s / capture_s:.1f} times as long"
    )


def measure(name: str, url: str | None, bare_url: str, folder: Path) -> float:
    """Print one database's figures; gives the median seconds of a capture."""
    recorder = Recorder([])
    captures: list[float] = []
    bare: list[float] = []
    open_store(bare_url, clock=lambda: 0).close()
    writer = database_of(bare_url).open_writer()
    with served(folder, url, recorder) as client:
        for number in range(WARM_UP + ROUNDS):
            body = made_document(number, EVENTS)
            recorder.rows.clear()
            captured_s = capture_seconds(client, body)
            written_s = bare_seconds(writer, recorder.rows)
            if number >= WARM_UP:
                captures.append(captured_s)
                bare.append(written_s)
    writer.close()
    ratios = [written / captured for written, captured in zip(bare, captures, strict=True)]
    count = sum(len(rows) for _, _, rows, _ in recorder.rows)
    print(
        f"{name}: capture {statistics.median(captures) * 1000:.0f} ms per 1,000 events, bare write of its "
        f"{count} rows {statistics.median(bare) * 1000:.0f} ms"
    )
    print(
        f"  ratio {statistics.median(ratios):.0%} (median of {ROUNDS} rounds, {min(ratios):.0%} to {max(ratios):.0%}; "
        f"target {TARGETS[name]:.0%})"
    )
    return statistics.median(captures)


def capture_seconds(client: httpx.Client, body: bytes) -> float:
    """From the request to the end of the job."""
    started = time.perf_counter()
    answer = client.post("/epcis/capture", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202, answer.text
    while True:
        job = client.get(answer.headers["location"]).json()
        if not job["running"]:
            assert job["success"], job
            return time.perf_counter() - started


def bare_seconds(writer: Connection, rows: Rows) -> float:
    """Writing the recorded rows in one durable transaction."""
    started = time.perf_counter()
    writer.begin()
    for table, columns, values, conflict in rows:
        writer.write(table, columns, values, conflict)
    writer.commit()
    return time.perf_counter() - started


@contextlib.contextmanager
def served(folder: Path, url: str | None, recorder: Recorder) -> Iterator[httpx.Client]:
    """A demo server in a thread whose bulk inserts are recorded, and a client with a supplier's key."""
    settings = Settings(data_dir=folder, database_url=url, demo=True, demo_storyline=False)
    app = create_app(settings, write_log=recorder)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        port = listener.getsockname()[1]
        headers = {"Authorization": f"Bearer {app.state.demo_keys['cordia']}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=300) as client:
            yield client
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def postgres_urls() -> Iterator[Callable[[], str] | None]:
    """Makes the URLs of empty databases on a PostgreSQL server with durable commits; None where there is none."""
    sys.path.insert(0, str(ROOT / "tests"))
    from postgres_server import PostgresMissing, new_database, running_postgres  # noqa: PLC0415

    names = iter(range(100))
    given = os.environ.get("TRACEWARD_BENCH_POSTGRES_URL")
    if given:
        yield lambda: new_database(given, f"bench_{os.getpid()}_{next(names)}")
        return
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(running_postgres(durable=True))
        except PostgresMissing:
            yield None
            return
        yield lambda: new_database(url, f"bench_{next(names)}")


def print_memory(folder: Path) -> None:
    """Print what a server process holds when idle, and at most while it captures a large document."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, str(ROOT / "tests/api/serve_for_kills.py"), str(folder), str(port), "", "5000000"]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path})
    try:
        client = ready_client(folder, port, process)
        seen = psutil.Process(process.pid)
        time.sleep(1)
        idle = seen.memory_info().rss
        peak = watch_peak(seen, lambda: capture_seconds(client, made_document(1, LARGE_DOCUMENT_EVENTS)))
        client.close()
    finally:
        process.terminate()
        process.wait()
    print(f"memory: idle {idle / 1e6:.0f} MB resident (target below 250)")
    print(
        f"  a document of {LARGE_DOCUMENT_EVENTS:,} events adds {(peak - idle) / 1e6:.0f} MB at most (target below 300)"
    )


def ready_client(folder: Path, port: int, process: subprocess.Popen[bytes]) -> httpx.Client:
    """A supplier's client once the server answers; raises RuntimeError when it ends instead."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        time.sleep(0.1)
    else:
        raise RuntimeError("the server ended before it answered; its output says why")
    key = orjson.loads((folder / "demo-keys.json").read_bytes())["cordia"]
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}, timeout=300)


def watch_peak(process: psutil.Process, work: Callable[[], Any]) -> int:
    """The most memory that the process held while `work` ran."""
    done = threading.Event()
    peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return peak
