"""Tells waiting pages that a party's stock changed; carries no data, only that there is something new.

In memory and best effort: a page that misses a change reads again on its own. It must not hold events.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable


class Changes:
    """Counts changes per party and wakes those who wait for them; publishing is safe from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[frozenset[str]], None]] = []

    def listen(self, heard: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Have `heard` called with the parties of every change, on any thread; gives what ends it."""
        with self._lock:
            self._listeners.append(heard)

        def end() -> None:
            with self._lock:
                self._listeners.remove(heard)

        return end

    def publish(self, parties: Iterable[str]) -> None:
        """Wake everyone who watches one of these parties."""
        parties = frozenset(parties)
        with self._lock:
            watchers = [watcher for party in parties for watcher in self._waiting.get(party, ())]
            listeners = list(self._listeners)
        for heard in listeners:
            heard(parties)
        for loop, event in watchers:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # The loop of a client that has just gone is closed: nobody is there to wake.
                continue

    async def watch(self, party: str, *, idle_s: float) -> AsyncIterator[bool]:
        """True for each change of the party's stock, False after each idle_s seconds without one."""
        watcher = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.setdefault(party, set()).add(watcher)
        try:
            while True:
                try:
                    async with asyncio.timeout(idle_s):
                        await watcher[1].wait()
                except TimeoutError:
                    yield False
                    continue
                watcher[1].clear()
                yield True
        finally:
            with self._lock:
                self._waiting[party].discard(watcher)
                if not self._waiting[party]:
                    del self._waiting[party]
