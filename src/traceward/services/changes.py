"""Tells waiting pages that a party's stock or alerts changed; carries no data, only that there is something new.

In memory and best effort: a page that misses a change reads again on its own. It must not hold events.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_PRIVATE: Final = "#private"


def private_of(party: str) -> str:
    """What stands for a party in a change that only the readers of its private events may be told of."""
    return party + _PRIVATE


class Topic(StrEnum):
    """What changed of a party's."""

    STOCK = "stock"
    ALERTS = "alerts"


@dataclass(slots=True, eq=False)
class _Watcher:
    """One who waits: where to wake it, and what has changed since it was woken last (guarded by the lock)."""

    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)
    topics: set[Topic] = field(default_factory=set)


class Changes:
    """Counts changes per party and wakes those who wait for them; publishing is safe from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[_Watcher]] = {}
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

    def publish(self, parties: Iterable[str], topic: Topic = Topic.STOCK) -> None:
        """Wake everyone who watches one of these parties, or what `private_of` gives for them.

        Listeners, which are the server's own, hear of the parties either way.
        """
        names = frozenset(parties)
        concerned = frozenset(name.removesuffix(_PRIVATE) for name in names)
        with self._lock:
            watchers = {watcher for name in names for watcher in self._waiting.get(name, ())}
            for watcher in watchers:
                watcher.topics.add(topic)
            listeners = list(self._listeners)
        for heard in listeners:
            heard(concerned)
        for watcher in watchers:
            try:
                watcher.loop.call_soon_threadsafe(watcher.news.set)
            except RuntimeError:  # The loop of a client that has just gone is closed: nobody is there to wake.
                continue

    async def watch(self, party: str, *, idle_s: float, private: bool = False) -> AsyncIterator[frozenset[Topic]]:
        """What changed of the party's, each time that something did; nothing after each idle_s seconds without.

        private: whether changes by private events count: when they come would tell others of patients.
        """
        watcher = _Watcher(asyncio.get_running_loop())
        names = (party, private_of(party)) if private else (party,)
        with self._lock:
            for name in names:
                self._waiting.setdefault(name, set()).add(watcher)
        try:
            while True:
                if not await came_within(watcher.news, idle_s):
                    yield frozenset()
                    continue
                watcher.news.clear()
                with self._lock:
                    changed = frozenset(watcher.topics)
                    watcher.topics.clear()
                yield changed
        finally:
            with self._lock:
                for name in names:
                    self._waiting[name].discard(watcher)
                    if not self._waiting[name]:
                        del self._waiting[name]


async def came_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until an event is set, so many seconds at the most; whether it was."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def first_of(news: asyncio.Event, stopping: asyncio.Event, seconds: float) -> bool:
    """Wait for either event, so many seconds at the most; whether there is news."""
    waiting = [asyncio.create_task(one.wait()) for one in (news, stopping)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return news.is_set()
