"""Scans in worker processes with memory, CPU and wall limits; a picture that kills its worker harms nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import msgspec

from traceward.scanner.errors import NotAPicture, PictureTooLarge, ScannerError, ScannerUnavailable
from traceward.scanner.header import read_header
from traceward.scanner.protocol import HEADER, MAX_ANSWER_BYTES, READY, ScanAnswer, ScanRequest
from traceward.scanner.symbol import ScanResult

_START_S = 60.0
_ERRORS: dict[str, type[ScannerError]] = {error.code: error for error in (NotAPicture, PictureTooLarge)}


class ScanPool:
    """Up to `workers` processes that read pictures one at a time; thread-safe.

    Processes start with the first scan (the first is kept, further ones end when idle_s passed without work). A scan
    that takes longer than wall_s, more than cpu_s of processor time or more than memory_bytes of address space ends its
    process; the next scan gets a new one.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        memory_bytes: int = 1 << 30,
        cpu_s: int = 5,
        wall_s: float = 5.0,
        wait_s: float = 10.0,
        idle_s: float = 60.0,
    ) -> None:
        self._memory_bytes, self._cpu_s, self._wall_s = memory_bytes, cpu_s, wall_s
        self._wait_s, self._idle_s = wait_s, idle_s
        self._slots = threading.BoundedSemaphore(workers)
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._closed = False
        self._warming: _Worker | None = None

    def scan(self, data: bytes, *, mode: str = "default", budget_ms: int | None = None) -> ScanResult:
        """Read one picture as scan.scan_picture does.

        Raises NotAPicture, PictureTooLarge; ScannerUnavailable when no worker was free within wait_s, or the worker hit
        one of its limits. What is no picture, or too large, is refused before any worker is asked.
        """
        read_header(data)
        with self._slot():
            worker = self._take()
            try:
                answer = worker.ask(ScanRequest(data, mode, budget_ms), self._wall_s)
            except BaseException:
                worker.kill()
                raise
            worker.last_used = time.monotonic()
            self._idle.put(worker)
            self._end_idle()
        if answer.error_code is not None:
            raise _ERRORS.get(answer.error_code, ScannerUnavailable)(answer.error_message)
        if answer.result is None:
            raise ScannerUnavailable("the scan worker gave an answer without a result")
        return answer.result

    async def ascan(self, data: bytes, *, mode: str = "default", budget_ms: int | None = None) -> ScanResult:
        """The same as scan(), awaited: a thread waits for the worker."""
        return await asyncio.to_thread(self.scan, data, mode=mode, budget_ms=budget_ms)

    def warm(self) -> None:
        """Start a worker, so that the first scan need not wait for one; does nothing where none can be had."""
        with contextlib.suppress(ScannerUnavailable), self._slot():
            worker = self._warming = self._take()
            try:
                worker.wait_until_ready()
            except ScannerUnavailable:
                worker.kill()
                raise
            finally:
                self._warming = None
            self._idle.put(worker)

    def close(self) -> None:
        """End all idle workers; scans that are under way end theirs."""
        self._closed = True
        warming = self._warming
        if warming is not None:
            # Its own thread waits at its pipe: that must stay open, or the end of the process goes unseen.
            warming.end()
        for worker in self._drain():
            worker.kill()

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        if self._closed:
            raise ScannerUnavailable("the scanner is shut down")
        if not self._slots.acquire(timeout=self._wait_s):
            raise ScannerUnavailable(f"all scan workers were busy for {self._wait_s:g} s")
        try:
            yield
        finally:
            self._slots.release()
            if self._closed:
                self.close()

    def _take(self) -> _Worker:
        for worker in self._pop_idle():
            if worker.alive:
                return worker
            worker.kill()
        return _Worker(self._memory_bytes, self._cpu_s)

    def _pop_idle(self) -> Iterator[_Worker]:
        while True:
            try:
                yield self._idle.get_nowait()
            except queue.Empty:
                return

    def _drain(self) -> list[_Worker]:
        return list(self._pop_idle())

    def _end_idle(self) -> None:
        workers = self._drain()
        oldest_allowed = time.monotonic() - self._idle_s
        for position, worker in enumerate(sorted(workers, key=lambda w: w.last_used, reverse=True)):
            if position and worker.last_used < oldest_allowed:
                worker.kill()
            else:
                self._idle.put(worker)


class _Worker:
    """One process and its two pipes."""

    def __init__(self, memory_bytes: int, cpu_s: int) -> None:
        # One thread each: idle threads of linear algebra reserve address space that the limit counts.
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module, no shell
            [sys.executable, "-m", "traceward.scanner.worker", str(memory_bytes), str(cpu_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **threads, "PYTHONPATH": path},
        )
        self.last_used = time.monotonic()
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> None:
        if not self._ready:
            # Loading the engines is not the picture's fault, and takes its time on a busy machine.
            late = f"the scan worker did not start within {_START_S:g} s"
            self._read_exactly(len(READY), time.monotonic() + _START_S, late)
            self._ready = True

    def ask(self, request: ScanRequest, wall_s: float) -> ScanAnswer:
        assert self._process.stdin is not None
        self.wait_until_ready()
        body = msgspec.msgpack.encode(request)
        try:
            self._process.stdin.write(HEADER.pack(len(body)))
            self._process.stdin.write(body)
            self._process.stdin.flush()
        except OSError as error:
            raise ScannerUnavailable("the scan worker ended before it took the picture") from error
        deadline, late = time.monotonic() + wall_s, f"the picture took longer than {wall_s:g} s to read"
        (length,) = HEADER.unpack(self._read_exactly(HEADER.size, deadline, late))
        if length > MAX_ANSWER_BYTES:
            raise ScannerUnavailable(f"the scan worker announced an answer of {length} bytes")
        return msgspec.msgpack.decode(self._read_exactly(length, deadline, late), type=ScanAnswer)

    def end(self) -> None:
        self._process.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read_exactly(self, count: int, deadline: float, late: str) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        chunks: list[bytes] = []
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while count:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise ScannerUnavailable(late)
                chunk = os.read(descriptor, min(count, 1 << 16))
                if not chunk:
                    raise ScannerUnavailable("the scan worker ended at a limit of memory or processor time")
                chunks.append(chunk)
                count -= len(chunk)
        return b"".join(chunks)
