"""Server-sent events: tells a page that its organisation's stock or alerts changed.

It must not send data; the page asks for what it may see.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from traceward.api.deps import Reader, Services
from traceward.services.changes import Topic
from traceward.services.identity.credentials import is_alive
from traceward.services.identity.principals import clinical_viewer

router = APIRouter(tags=["live"])

_HEARTBEAT_S = 15.0


@router.get("/live", response_class=StreamingResponse)
async def live(caller: Reader, runtime: Services) -> StreamingResponse:
    """An event named `stock` or `alerts` whenever the caller's changed; a comment every 15 s keeps proxies awake.

    Private events wake those alone who may read them.
    """
    private = clinical_viewer(caller.party_number) in caller.viewers
    watch = runtime.changes.watch(caller.organisation, idle_s=_HEARTBEAT_S, private=private)
    stream = _messages(watch, runtime.stopping, lambda: is_alive(runtime, caller))
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _messages(
    watch: AsyncIterator[frozenset[Topic]], stopping: asyncio.Event, alive: Callable[[], bool]
) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    number = 0
    try:
        async for changed in watch:
            if stopping.is_set() or not await asyncio.to_thread(alive):
                return
            if not changed:
                yield b": still here\n\n"
            for topic in sorted(changed):
                number += 1
                yield f"id: {number}\nevent: {topic}\ndata: {{}}\n\n".encode()
    finally:
        await watch.aclose()  # type: ignore[attr-defined]  # an async generator, typed by its interface
