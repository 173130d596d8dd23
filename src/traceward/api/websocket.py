"""Events of a named query over a websocket, as they come or by a schedule.

What is wrong is told by a problem body before the upgrade. It must not hold events: the listener reads them from the
store as fast as the client takes them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final
from urllib.parse import urlsplit

import orjson
from fastapi import Request, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect, WebSocketState

from traceward.api.deps import principal_of, runtime_of, settings_of
from traceward.api.negotiation import representation
from traceward.api.problems import problem_response
from traceward.api.settings import Settings
from traceward.epcis.errors import (
    ForbiddenException,
    NoSuchResource,
    QueryParameterException,
    SecurityException,
    TracewardError,
)
from traceward.epcis.subscription import Controls, parse_controls
from traceward.services.delivery.listening import Listener, ListeningEnded
from traceward.services.identity.principals import Principal, Right
from traceward.services.problem_bodies import problem_body
from traceward.services.runtime import Runtime
from traceward.store.errors import StoreUnavailable

BEARER_PROTOCOL: Final = "bearer"
"""Browsers cannot send Authorization: they offer the subprotocols `bearer` and their key, and get `bearer`."""

_PARAMETERS: Final = frozenset(
    ("stream", "second", "minute", "hour", "dayOfMonth", "month", "dayOfWeek", "reportIfEmpty", "initialRecordTime")
)
#: How often a listener looks by itself, for what another server process has captured.
_LOOK_S: Final = 0.5
#: How long a listener may go on after its key was revoked or its query deleted.
_CHECK_S: Final = 1.0
#: Longest sleep of a schedule, so that a clock that was set is noticed.
_NAP_S: Final = 1.0
_CLOSE_S: Final = 1.0

_GONE, _POLICY, _FAILED, _LATER = 1001, 1008, 1011, 1013


class TooManySockets(TracewardError):
    """The organisation has as many open websockets as it may (429)."""

    status, title = 429, "Too many websockets"

    @property
    def type(self) -> str:
        """No exception name of the standard stands for this status."""
        return "about:blank"


class EventSockets:
    """The open websockets of one server, counted by organisation."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    async def serve(self, websocket: WebSocket, name: str) -> None:
        """Report the events of the query `name` until either side ends it.

        EPCIS 2.0 REST binding, GET /queries/{queryName}/events with Upgrade: websocket.
        """
        request = _handshake(websocket)
        settings = settings_of(request)
        organisation: str | None = None
        try:
            caller = await run_in_threadpool(_reader, request)
            if self._open[caller.organisation] >= settings.websockets_per_organisation:
                most = settings.websockets_per_organisation
                raise TooManySockets(f"the organisation has {most} open websockets; expected fewer before another")
            organisation = caller.organisation
            self._open[organisation] += 1
            controls = _controls(request)
            wanted = representation(request.headers)
            listener = await run_in_threadpool(Listener, runtime_of(request), caller, name, controls, wanted)
            await websocket.accept(
                subprotocol=BEARER_PROTOCOL if _offered_key(websocket) is not None else None,
                headers=[(b"gs1-query-min-record-time", listener.min_record_time.encode())],
            )
            await _Conversation(websocket, request, settings, listener, controls).hold()
        except TracewardError as error:
            await websocket.send_denial_response(problem_response(error))
        finally:
            if organisation is not None:
                self._open[organisation] -= 1
                self._open += Counter()  # drops those at zero


async def refuse_unknown(websocket: WebSocket) -> None:
    """Answer a websocket on a path that has none, before the upgrade (404)."""
    error = NoSuchResource("there is no websocket here; expected /epcis/queries/{queryName}/events")
    await websocket.send_denial_response(problem_response(error))


class _Conversation:
    """One accepted websocket: what is sent on it, and how it ends."""

    def __init__(
        self, websocket: WebSocket, request: Request, settings: Settings, listener: Listener, controls: Controls
    ) -> None:
        self._websocket = websocket
        self._request = request
        self._runtime: Runtime = runtime_of(request)
        self._send_timeout_s = settings.websocket_send_timeout_s
        self._listener = listener
        self._controls = controls
        self._checked_us = self._runtime.now_us()

    async def hold(self) -> None:
        """Report until the client goes, or there is a reason to close."""
        reporting = asyncio.create_task(self._report())
        hearing = asyncio.create_task(self._hear())
        try:
            await asyncio.wait((reporting, hearing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reporting, hearing):
                task.cancel()
            await asyncio.gather(reporting, hearing, return_exceptions=True)
        if not reporting.cancelled():
            await self._close(*reporting.result())

    async def _hear(self) -> None:
        """Return when the client has gone; what it says otherwise is ignored."""
        while (await self._websocket.receive())["type"] != "websocket.disconnect":
            continue

    async def _report(self) -> tuple[int, str]:
        """Send until something ends it; gives the close code and reason."""
        try:
            async with aclosing(self._due()) as due:
                async for _ in due:
                    await self._check()
                    await self._send_what_is_new()
        except ListeningEnded as ended:
            return _GONE, ended.detail
        except SecurityException:
            return _POLICY, "the key or session is no longer valid"
        except TimeoutError:
            return _POLICY, f"a message was not taken within {self._send_timeout_s:g} s"
        except StoreUnavailable as error:
            return _LATER, error.title
        except WebSocketDisconnect:
            return _GONE, ""
        except TracewardError as error:
            return await self._fail(error)
        return _GONE, "the server is going down"

    async def _fail(self, error: TracewardError) -> tuple[int, str]:
        """Tell the client what its query has come to, as a webhook's receiver is told."""
        with suppress(TimeoutError, WebSocketDisconnect):
            await self._send(orjson.dumps(problem_body(error)))
        return _FAILED, error.type

    async def _due(self) -> AsyncGenerator[None]:
        """Whenever it is time to look for events."""
        schedule = self._controls.schedule
        if schedule is None:
            watch = self._runtime.changes.watch(self._listener.party, idle_s=_LOOK_S, private=True)
            async with aclosing(watch) as changes:  # type: ignore[type-var]  # an async generator, typed by its interface
                yield
                async for _ in changes:
                    if self._runtime.stopping.is_set():
                        return
                    yield
            return
        now_us = self._runtime.now_us()
        next_us = schedule.next_after(now_us)
        while next_us is not None:
            while (ahead_s := (next_us - self._runtime.now_us()) / 1_000_000) > 0:
                await asyncio.sleep(min(ahead_s, _NAP_S))
                await self._check()
            yield
            next_us = schedule.next_after(max(next_us, self._runtime.now_us()))

    async def _check(self) -> None:
        """Nothing while the key, the session and the query are as they were; at most once per _CHECK_S."""
        now_us = self._runtime.now_us()
        if now_us - self._checked_us >= _CHECK_S * 1_000_000:
            self._checked_us = now_us
            await run_in_threadpool(self._check_now)

    def _check_now(self) -> None:
        self._listener.check(_reader(self._request))

    async def _send_what_is_new(self) -> None:
        sent, more = 0, True
        while more:
            messages, more = await run_in_threadpool(self._listener.take)
            for message in messages:
                await self._send(message)
            sent += len(messages)
            await self._check()
        if not sent and self._controls.report_if_empty:
            await self._send(self._listener.empty())

    async def _send(self, message: bytes) -> None:
        """Give one message to the client, which the server holds in memory alone until it is taken."""
        async with asyncio.timeout(self._send_timeout_s):
            await self._websocket.send_text(message.decode())

    async def _close(self, code: int, reason: str) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            return
        # A client that takes nothing would not take this either: the connection then ends without it.
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(_CLOSE_S):
                await self._websocket.close(code, reason[:120])


def _handshake(websocket: WebSocket) -> Request:
    """The handshake as the GET request that it is, with the key where a header would have it."""
    headers = list(websocket.scope["headers"])
    key = _offered_key(websocket)
    if key is not None and not any(name == b"authorization" for name, _ in headers):
        headers.append((b"authorization", b"Bearer " + key.encode()))
    return Request(dict(websocket.scope) | {"type": "http", "method": "GET", "headers": headers})


def _offered_key(websocket: WebSocket) -> str | None:
    offered: list[str] = list(websocket.scope.get("subprotocols", ()))
    return offered[1] if len(offered) == 2 and offered[0] == BEARER_PROTOCOL else None


def _reader(request: Request) -> Principal:
    """Who stands behind a websocket now. Raises SecurityException, ForbiddenException.

    Browsers let any site open a websocket with the user's cookie, so then the page must be one of this server's.
    OWASP ASVS 5.0 4.4.2.
    """
    principal = principal_of(request)
    if "authorization" not in request.headers:
        origin = urlsplit(request.headers.get("origin", ""))
        if not origin.netloc or origin.netloc.lower() != request.headers.get("host", "").lower():
            raise ForbiddenException("a websocket by cookie must come from a page of this server")
    principal.require(Right.READ)
    return principal


def _controls(request: Request) -> Controls:
    given: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name not in _PARAMETERS:
            expected = ", ".join(sorted(_PARAMETERS))
            raise QueryParameterException(f"{name[:80]!r} is no parameter of a websocket; expected {expected}")
        given.setdefault(name, []).append(value)
    return parse_controls(given)
