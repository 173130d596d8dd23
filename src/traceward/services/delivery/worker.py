"""The worker that delivers: one task per subscription that this process holds, woken by commits and by schedules.

It decides nothing about what matches or what follows from an answer (`steps`, `outcomes`), and must
not send while its lease is in doubt.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

import orjson
import structlog

from traceward import __version__
from traceward.epcis.errors import QueryTooLargeException, TracewardError
from traceward.services.changes import came_within
from traceward.services.delivery.leases import release, renew
from traceward.services.delivery.outcomes import settle
from traceward.services.delivery.rules import DeliveryRules, Outcome, Verdict, judged, unreached
from traceward.services.delivery.signing import message_headers
from traceward.services.delivery.steps import Lost, Message, Rest, Step, next_step, report_problem
from traceward.services.delivery.subscriptions import representation_of, signature_token
from traceward.services.outgoing import NotReached
from traceward.services.queries.answers import event_answer
from traceward.services.queries.named_queries import public_name
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.errors import StoreBusy, StoreUnavailable
from traceward.store.feed import head

_log = structlog.get_logger("traceward.delivery")

_T = TypeVar("_T")
_THREADS: Final = 4
_LONGEST_REST_S: Final = 60.0
_QUERY_FAILURES: Final = 5
"""How often in a row a query may fail before its subscriber is told and the subscription is parked."""
_MICROSECONDS: Final = 1_000_000
_STORE_ERRORS: Final = (StoreUnavailable, StoreBusy)


@dataclass(slots=True)
class _Served:
    """A subscription that this process holds. news: set when there may be something to do.

    leaving: another process is to have it; its task ends between two messages, never while one is under way.
    """

    key: str
    party: str | None
    batch_events: int
    news: asyncio.Event = field(default_factory=asyncio.Event)
    seen: Cursor | None = None
    query_failures: int = 0
    leaving: bool = False


class DeliveryWorker:
    """Delivers for the subscriptions whose leases it can get, until `runtime.stopping` is set."""

    def __init__(self, runtime: Runtime, rules: DeliveryRules) -> None:
        self._runtime = runtime
        self._rules = rules
        self._holder = uuid.uuid4().hex
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="delivery")
        self._served: dict[str, tuple[_Served, asyncio.Task[None]]] = {}
        self._look = asyncio.Event()
        self._certain_until = 0.0
        self._newest = 0

    async def run(self) -> None:
        """Work until cancelled or the server stops; then give the leases back."""
        loop = asyncio.get_running_loop()
        end_listening = self._runtime.changes.listen(lambda parties: _call_soon(loop, lambda: self._hear(parties)))
        try:
            while not self._runtime.stopping.is_set():
                await self._renew()
                await self._watch()
        finally:
            end_listening()
            await self._end()

    async def _watch(self) -> None:
        """Look for other processes' commits until leases have to be renewed, or a subscription was made or ended."""
        until = time.monotonic() + self._rules.renew_s
        while time.monotonic() < until and not self._look.is_set() and not self._runtime.stopping.is_set():
            await came_within(self._look, self._rules.poll_s)
            if self._served:
                await self._poll()

    async def _poll(self) -> None:
        try:
            newest = await self._in_thread(self._head)
        except Exception:  # noqa: BLE001  # a worker loop: the renewal of leases tells of a store that is gone
            return
        if newest > self._newest:
            self._newest = newest
            for served, _ in self._served.values():
                served.news.set()

    def _head(self) -> int:
        with self._runtime.store.reader() as reader:
            return head(reader).seq

    async def _renew(self) -> None:
        self._look.clear()
        asked = time.monotonic()
        try:
            given_up = [key for key, (served, task) in self._served.items() if served.leaving and task.done()]
            held = await self._in_thread(lambda: renew(self._runtime, self._rules, self._holder, given_up))
        except Exception:  # noqa: BLE001  # a worker loop: whatever it was, the next renewal may succeed
            _log.warning("leases could not be renewed", exc_info=True)
            await came_within(self._runtime.stopping, self._rules.poll_s)
            return
        self._certain_until = asked + self._rules.lease_s
        for key, (served, task) in list(self._served.items()):
            if task.done():
                del self._served[key]
            else:
                served.news.set()
        for key, owner in held.owners.items():
            if key not in self._served:
                self._serve(key, owner)
        staying = [served for served, _ in self._served.values() if not served.leaving]
        for served in staying[: max(held.surplus - (len(self._served) - len(staying)), 0)]:
            served.leaving = True

    def _serve(self, key: str, owner: int) -> None:
        organisation = self._runtime.registry.by_number(owner // 2)
        served = _Served(key, None if organisation is None else organisation.id, self._rules.batch_events)
        self._served[key] = (served, asyncio.create_task(self._deliver(served), name=f"delivery {key}"))

    def _hear(self, parties: frozenset[str]) -> None:
        """A commit of this process: wake those whom it concerns; one that concerns nobody is about subscriptions."""
        if not parties:
            self._look.set()
        for served, _ in self._served.values():
            if not parties or served.party is None or served.party in parties:
                served.news.set()

    async def _deliver(self, served: _Served) -> None:
        """Deliver for one subscription, message after message, for as long as it is this process's."""
        failures = 0
        while not (self._runtime.stopping.is_set() or served.leaving):
            try:
                if not await self._round(served):
                    return
                failures = 0
            except Exception:  # noqa: BLE001  # a worker loop: the next round may succeed, and the log has the reason
                failures += 1
                _log.exception("delivery failed", subscription=served.key)
                await came_within(self._runtime.stopping, min(0.5 * 2.0**failures, _LONGEST_REST_S))

    async def _round(self, served: _Served) -> bool:
        """One step; False where the subscription is no longer this process's."""
        if time.monotonic() >= self._certain_until:
            await came_within(served.news, self._rules.poll_s)
            served.news.clear()
            return True
        served.news.clear()
        step = await self._step(served)
        if isinstance(step, Lost):
            return False
        if isinstance(step, Rest):
            served.seen = step.cursor or served.seen
            await came_within(served.news, self._rest_s(step))
            return True
        served.seen = None
        return await self._send(served, step)

    async def _step(self, served: _Served) -> Step:
        try:
            step = await self._in_thread(
                lambda: next_step(
                    self._runtime, self._rules, self._holder, served.key, served.seen, served.batch_events
                )
            )
        except _STORE_ERRORS as error:
            _log.warning("deliveries wait for the store", reason=error.detail)
            return Rest(self._runtime.now_us() + _MICROSECONDS)
        except TracewardError as error:
            return await self._query_failed(served, error)
        served.query_failures = 0
        return step

    async def _query_failed(self, served: _Served, error: TracewardError) -> Step:
        """A slow moment is no reason to end a subscription, so only a query that keeps failing is reported."""
        served.query_failures += 1
        if not isinstance(error, QueryTooLargeException) and served.query_failures < _QUERY_FAILURES:
            return Rest(self._runtime.now_us() + 2**served.query_failures * _MICROSECONDS)
        served.query_failures = 0
        await self._in_thread(lambda: report_problem(self._runtime, self._holder, served.key, error))
        return Rest(self._runtime.now_us())

    async def _send(self, served: _Served, message: Message) -> bool:
        verdict = Verdict(Outcome.DELIVERED, None, None)
        if not message.is_void:
            body, headers = await self._in_thread(lambda: message_parts(self._runtime, message))
            # The lease may have run out while the message was made: then another process may be sending it.
            if time.monotonic() >= self._certain_until:
                return True
            verdict = await attempt(self._runtime, message.subscription.dest, body, headers)
        if verdict.outcome is Outcome.TOO_LARGE:
            served.batch_events = max(1, len(message.events) // 2)
        elif verdict.outcome is Outcome.DELIVERED:
            served.batch_events = min(self._rules.batch_events, served.batch_events * 2)
        jitter = int.from_bytes(self._runtime.random_bytes(2)) / 65_535
        return await self._in_thread(
            lambda: settle(self._runtime, self._rules, self._holder, message.delivery, verdict, jitter)
        )

    def _rest_s(self, rest: Rest) -> float:
        if rest.until_us is None:
            return _LONGEST_REST_S
        return min(max((rest.until_us - self._runtime.now_us()) / _MICROSECONDS, 0.0), _LONGEST_REST_S)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _end(self) -> None:
        tasks = [task for _, task in self._served.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await asyncio.to_thread(release, self._runtime, self._holder)
        except TracewardError as error:
            _log.warning("leases were not given back", reason=error.detail)
        self._threads.shutdown(wait=False)


def message_parts(runtime: Runtime, message: Message) -> tuple[bytes, dict[str, str]]:
    """The body and headers of a message: an EPCISQueryDocument, or the problem body of a query that failed."""
    row, representation = message.subscription, representation_of(message.subscription)
    name = public_name(row.query_name)
    if message.delivery.problem is None:
        body = event_answer(
            runtime, message.events, representation, query_name=name, subscription_id=row.subscription_id
        )
        media_type = representation.media_type
    else:
        named = {"queryName": name, "subscriptionID": row.subscription_id}
        body = orjson.dumps(orjson.loads(message.delivery.problem) | named)
        media_type = "application/problem+json"
    signed = message_headers(message.id, runtime.now_us() // _MICROSECONDS, body, signature_token(runtime, row))
    version = f"{representation.version}.0"
    return body, {
        "Content-Type": media_type,
        "User-Agent": f"traceward/{__version__}",
        "GS1-EPCIS-Version": version,
        "GS1-CBV-Version": version,
        "GS1-EPC-Format": representation.epc_format.value,
        **signed,
    }


async def attempt(runtime: Runtime, dest: str, body: bytes, headers: dict[str, str]) -> Verdict:
    """What one POST to a receiver came to."""
    try:
        answer = await runtime.outgoing.post(dest, body, headers)
    except NotReached as error:
        return unreached(str(error))
    return judged(answer, runtime.now_us() / _MICROSECONDS)


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
