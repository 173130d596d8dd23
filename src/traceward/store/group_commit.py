"""Group commit: one thread takes all waiting units of work into one transaction, each in a savepoint of its own.

A unit's future resolves only after the commit that holds it; a unit that fails takes nobody with it. It knows nothing
of what the units write.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from traceward.store.connection import Connection, Database
from traceward.store.errors import StoreBusy, StoreUnavailable
from traceward.store.reading import ContextCache
from traceward.store.sqlite import SyncFailed
from traceward.store.terms import term_hasher
from traceward.store.write import Known, WriteLog, WriteTransaction

T = TypeVar("T")
Unit = Callable[[WriteTransaction], T]
Clock = Callable[[], int]

LARGEST_GROUP: Final = 500
HEAVIEST_GROUP: Final = 5_000
LONGEST_QUEUE: Final = 10_000
HEAVIEST_QUEUE: Final = 200_000

_COUNTERS: Final = "SELECT name, value FROM counter WHERE name IN ('seq', 'record_time_us', 'vocabulary_removals')"


@dataclass(slots=True)
class _Waiting:
    unit: Unit[Any]
    weight: int
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class CommitCounts:
    """How many commits were made and how many units they held, since the store was opened."""

    commits: int
    units: int


class GroupCommitter:
    """The one writer of a store.

    clock: microseconds since 1970 UTC; recordTime is max(last, clock()), read from the database under its write lock.
    """

    def __init__(
        self,
        database: Database,
        *,
        secret: bytes,
        clock: Clock,
        contexts: ContextCache,
        log: WriteLog | None = None,
    ) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock
        self._contexts = contexts
        self._log = log
        self._known = Known()
        self._connection: Connection | None = None
        self._queue: deque[_Waiting] = deque()
        self._queued_weight = 0
        self._state = threading.Condition()
        self._closed = False
        self._refusal: SyncFailed | None = None
        self._commits = 0
        self._units = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Unit[T], *, weight: int = 1) -> Future[T]:
        """A future with what `unit` returns, resolved once it is durable, or with the error that undid it.

        weight: about how many events the unit writes; it bounds how much one transaction takes.
        Raises StoreBusy when the queue is full, StoreUnavailable when the store is closed or its disk failed.
        """
        waiting = _Waiting(unit, weight)
        with self._state:
            if self._refusal is not None:
                raise self._refusal
            if self._closed:
                raise StoreUnavailable("the store is closed")
            full = len(self._queue) >= LONGEST_QUEUE or self._queued_weight + weight > HEAVIEST_QUEUE
            if full and self._queue:
                raise StoreBusy(f"{len(self._queue)} writes are waiting; try again in a moment")
            self._queue.append(waiting)
            self._queued_weight += weight
            self._state.notify()
        return waiting.future

    def run(self, unit: Unit[T], *, weight: int = 1) -> T:
        """What `unit` returns, once it is durable; for callers that may block."""
        return self.submit(unit, weight=weight).result()

    def counts(self) -> CommitCounts:
        """Commits and units so far."""
        return CommitCounts(self._commits, self._units)

    def close(self) -> None:
        """Commit what waits, then end the writer."""
        with self._state:
            self._closed = True
            self._state.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            try:
                self._commit_group(group)
            except Exception as error:  # noqa: BLE001  # the writer's loop must outlive any unit
                for waiting in group:
                    if not waiting.future.done():
                        waiting.future.set_exception(error)
                self._disconnect()
        self._disconnect()

    def _next_group(self) -> list[_Waiting]:
        """The next units to be committed together; empty only when the writer is to end."""
        while True:
            with self._state:
                while not self._queue and not self._closed:
                    self._state.wait()
                if not self._queue:
                    return []
                group = self._take()
            if group:
                return group

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        weight = 0
        while self._queue and len(group) < LARGEST_GROUP:
            if group and weight + self._queue[0].weight > HEAVIEST_GROUP:
                break
            waiting = self._queue.popleft()
            self._queued_weight -= waiting.weight
            if waiting.future.set_running_or_notify_cancel():
                group.append(waiting)
                weight += waiting.weight
        return group

    def _commit_group(self, group: list[_Waiting]) -> None:
        """One transaction for the group; where that fails as a whole, one for each of its units."""
        try:
            settle = self._transact(group)
        except Exception as error:  # noqa: BLE001  # handed to whoever waits for the units
            self._abandon()
            if len(group) == 1:
                self._fail(group[0], error)
                return
        else:
            settle()
            return
        for waiting in group:
            try:
                self._transact([waiting])()
            except Exception as error:  # noqa: BLE001  # handed to whoever waits for the unit
                self._abandon()
                self._fail(waiting, error)

    def _transact(self, group: list[_Waiting]) -> Callable[[], None]:
        """Commit the group; the answer tells every unit's outcome to its future. Raises when nothing was committed."""
        connection = self._connected()
        connection.begin()
        counters: dict[str, int] = dict(connection.fetch(_COUNTERS))
        self._known.forget_unless(counters.get("vocabulary_removals", 0))
        last_seq, last_time = counters.get("seq", 0), counters.get("record_time_us", 0)
        outcomes: list[Callable[[], None]] = []
        learnt: list[WriteTransaction] = []
        for waiting in group:
            transaction = WriteTransaction(
                connection,
                secret=self._secret,
                hasher=term_hasher(self._secret),
                contexts=self._contexts,
                known=self._known,
                record_time_us=max(last_time, self._clock()),
                last_seq=last_seq,
                log=self._log,
            )
            # A unit alone needs no savepoint: what undoes it is the rollback of its transaction.
            if len(group) > 1:
                connection.savepoint()
            try:
                result = waiting.unit(transaction)
            except Exception as error:
                # A disk or connection error has undone the units before this one as well: all must be tried again.
                lost = isinstance(error, StoreUnavailable) or not connection.in_transaction()
                if lost or len(group) == 1:
                    raise
                connection.rollback_to()
                outcomes.append(_failure(waiting.future, error))
                continue
            if len(group) > 1:
                connection.release()
            last_seq, last_time = transaction.last_seq, transaction.record_time_us
            learnt.append(transaction)
            outcomes.append(_success(waiting.future, result))
        if learnt:
            connection.write(
                "counter", ("name", "value"), [("seq", last_seq), ("record_time_us", last_time)], "replace"
            )
        connection.commit()
        self._commits += 1
        self._units += len(group)
        for transaction in learnt:
            self._known.learn(transaction.learnt_vocabulary, transaction.learnt_contexts)

        def settle() -> None:
            for outcome in outcomes:
                outcome()

        return settle

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.open_writer()
        return self._connection

    def _abandon(self) -> None:
        """Undo the open transaction; a connection that cannot even do that is replaced by a new one."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except Exception:  # noqa: BLE001  # the error that led here is the one to report
            self._disconnect()
            return
        if not self._connection.is_alive():
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fail(self, waiting: _Waiting, error: Exception) -> None:
        if isinstance(error, SyncFailed):
            with self._state:
                self._refusal = error
        waiting.future.set_exception(error)


def _success(future: Future[Any], result: Any) -> Callable[[], None]:
    return lambda: future.set_result(result)


def _failure(future: Future[Any], error: Exception) -> Callable[[], None]:
    return lambda: future.set_exception(error)
