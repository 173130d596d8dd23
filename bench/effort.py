"""The processor time that work takes: of this process, and of a PostgreSQL server on this machine.

On a busy machine the clock tells what else was running; this tells what the work itself needs. It must not do the work.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from traceward.services.runtime import Runtime


@dataclass(frozen=True)
class Effort:
    """Seconds: by the clock, of a processor for this process, and for the database server (0 where there is none)."""

    clock_s: float
    here_s: float
    server_s: float

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(self.clock_s + other.clock_s, self.here_s + other.here_s, self.server_s + other.server_s)

    @property
    def core_s(self) -> float:
        """Of a processor for both together: what it would take on one core that did nothing else."""
        return self.here_s + self.server_s


class Meter:
    """Measures work on one runtime. The server's time is that of all its processes: nobody else may use it."""

    def __init__(self, runtime: Runtime) -> None:
        self._server: psutil.Process | None = None
        if runtime.store.dialect == "postgresql":
            with runtime.store.reader() as reader:
                pid = reader.fetch("SELECT pg_backend_pid()")[0][0]
                local = reader.fetch("SELECT inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8'")[0][0]
            self._server = psutil.Process(pid).parent() if local else None
            if self._server is None:
                print("  the database server runs elsewhere: its processor time is not in the figures")

    def of(self, work: Callable[[], object]) -> Effort:
        """What one call takes."""
        clock, here, server = time.perf_counter(), time.process_time(), self._server_s()
        work()
        return Effort(time.perf_counter() - clock, time.process_time() - here, self._server_s() - server)

    def _server_s(self) -> float:
        if self._server is None:
            return 0.0
        times = self._server.cpu_times()
        total: float = times.user + times.system + times.children_user + times.children_system
        for process in self._server.children():
            try:
                own = process.cpu_times()
            except psutil.NoSuchProcess:
                continue  # by the next look it is among the times of ended children
            total += own.user + own.system
        return total


def load() -> str:
    """How many processes have wanted a processor in the last minute, and how many processors there are."""
    return f"load average {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} processors"
