"""One log line per request, and the answer to what nobody foresaw.

It must not log query strings, bodies or header values: those may name a patient.
"""

import time
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traceward.api.problems import plain_problem

_log = structlog.get_logger("traceward.access")


class AccessLog:
    """ASGI middleware that logs method, route, status and time, and turns stray exceptions into 500.

    new_id: makes each request's id. The route's pattern is logged, not the path, because paths hold identifiers.
    """

    def __init__(self, app: ASGIApp, new_id: Callable[[], str]) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and log how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # noqa: BLE001
            _log.exception("request failed", request_id=request_id, method=scope["method"], route=_route(scope))
            if status == 0:
                await plain_problem(500, accept=Headers(scope=scope).getlist("accept"))(scope, receive, watched)
        finally:
            elapsed_ms = round((time.perf_counter() - started) * 1000, 1)
            _log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=_route(scope),
                status=status,
                elapsed_ms=elapsed_ms,
            )


def _route(scope: Scope) -> str:
    route = scope.get("route")
    return getattr(route, "path", "-")
