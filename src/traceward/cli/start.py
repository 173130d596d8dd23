"""The gate through which a server starts: refuses what would open an unready server to others; it serves nothing."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from traceward.api.settings import Settings
from traceward.services.identity.setup import FirstRun
from traceward.store.errors import StoreUnavailable, WrongDatabase

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Application(Protocol):
    """What `create_app` makes, as far as the gate knows it."""

    state: Any
    router: Any

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection."""


class StartRefusedError(Exception):
    """Why this server must not be reachable under these settings, and what to do."""


class Gate:
    """The application with a start that can be refused in plain words, before the first connection is taken.

    refusal: why the start failed, for the person who asked for it; None while all is well.
    """

    def __init__(self, app: Application, settings: Settings, *, tls: bool, unattended: bool) -> None:
        self._app = app
        self._settings = settings
        self._tls = tls
        self.unattended = unattended
        self.refusal: str | None = None

    @property
    def first_run(self) -> FirstRun:
        """How far the set-up was when the server started."""
        found: FirstRun = self._app.state.first_run
        return found

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection, or take the server through its life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        started = False
        try:
            self._check_address()
            async with self._app.router.lifespan_context(self._app):
                self._check_set_up()
                started = True
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except (StartRefusedError, WrongDatabase, StoreUnavailable, OSError, ValueError) as error:
            if started:
                raise
            self.refusal = str(error)
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        await send({"type": "lifespan.shutdown.complete"})

    def _check_address(self) -> None:
        settings = self._settings
        if settings.loopback:
            return
        if settings.demo:
            raise StartRefusedError(f"a demo is for this machine alone; --host is {settings.host}, expected 127.0.0.1")
        if not (self._tls or settings.behind_proxy):
            raise StartRefusedError(
                f"{settings.host} can be reached from elsewhere, so keys and patients' data would travel in the clear: "
                "give --tls-certificate and --tls-key, or --behind-proxy where a proxy ends TLS"
            )

    def _check_set_up(self) -> None:
        if self._settings.loopback or self.unattended or self.first_run.finished:
            return
        raise StartRefusedError(
            f"set-up is not finished, so {self._settings.host} is not served yet: start once without --host, "
            "open the printed link, and start again; or give --unattended to take the admin key file instead"
        )
