"""One listener to a named query: what a websocket sends, read from the store piece by piece.

It holds a place and never events, so a listener that is slow costs no memory. It must not send anything.
"""

from collections.abc import Iterator
from typing import Final

from traceward.epcis.errors import NoSuchNameException, TracewardError
from traceward.epcis.subscription import Controls
from traceward.epcis.times import format_time_us
from traceward.services.delivery.standing import matches_after, start_cursor
from traceward.services.identity.principals import Principal
from traceward.services.queries import named_queries
from traceward.services.queries.answers import Representation, event_answer
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.feed import head
from traceward.store.rows import StoredEvent

#: Events of one message, and about how many bytes of them.
MESSAGE_EVENTS: Final = 50
MESSAGE_BYTES: Final = 1_000_000


class ListeningEnded(TracewardError):
    """What is listened to is no more; `detail` says why."""

    status, title = 410, "Nothing more will come"


class Listener:
    """A place in the order in which events became visible to a caller, which moves as messages are taken.

    Not safe for several threads at once. Raises NoSuchNameException for a query that the caller does not have, and
    QueryParameterException for one that is of one whole answer (`named_queries.check_reportable`).
    EPCIS 2.0 REST binding, GET /queries/{queryName}/events with Upgrade: websocket.
    """

    def __init__(
        self, runtime: Runtime, caller: Principal, query_name: str, controls: Controls, wanted: Representation
    ) -> None:
        self._runtime = runtime
        self._caller = caller
        self._named = named_queries.find(runtime, caller, query_name)
        named_queries.check_reportable(self._named)
        self._query = named_queries.parsed(self._named)
        self._wanted = wanted
        self._cursor = start_cursor(runtime, caller.viewers, controls.initial_record_time_us)
        self._looked_up_to: Cursor | None = None
        begun_us = controls.initial_record_time_us
        self.min_record_time = format_time_us(runtime.now_us() if begun_us is None else begun_us)
        """What GS1-Query-Min-Record-Time tells: nothing recorded before is sent."""

    @property
    def party(self) -> str:
        """The organisation whose changes concern this listener."""
        return self._caller.organisation

    def check(self, caller: Principal) -> None:
        """Nothing while the listener may go on; caller: who stands behind it now.

        Raises ListeningEnded when the query was deleted, even if another has its name, or the caller's rights changed.
        """
        if caller.viewers != self._caller.viewers:
            raise ListeningEnded("the rights of this key have changed")
        try:
            now = named_queries.find(self._runtime, caller, self._named.name)
        except NoSuchNameException:
            raise ListeningEnded("the query was deleted") from None
        if now.id != self._named.id:
            raise ListeningEnded("the query was deleted and made anew")

    def take(self) -> tuple[list[bytes], bool]:
        """The next messages, none where nothing is new, and whether there is more already.

        Raises QueryTooComplexException past the deadline, StoreUnavailable; the place then stays.
        """
        runtime = self._runtime
        with runtime.store.reader() as reader:
            end = head(reader)
            if end == self._looked_up_to:
                return [], False
            found = matches_after(
                reader,
                self._query,
                self._caller.viewers,
                self._cursor,
                MESSAGE_EVENTS,
                deadline_s=runtime.limits.query_deadline_s,
            )
        messages = [self._message(events) for events in _parts(found.events)]
        self._cursor = found.cursor
        self._looked_up_to = None if found.more else end
        return messages, found.more

    def empty(self) -> bytes:
        """The message of a schedule that found nothing, for reportIfEmpty."""
        return self._message([])

    def _message(self, events: list[StoredEvent]) -> bytes:
        return event_answer(self._runtime, events, self._wanted, query_name=self._named.name)


def _parts(events: list[StoredEvent]) -> Iterator[list[StoredEvent]]:
    """The events in runs of about MESSAGE_BYTES at most."""
    part: list[StoredEvent] = []
    size = 0
    for event in events:
        if part and size + len(event.text) > MESSAGE_BYTES:
            yield part
            part, size = [], 0
        part.append(event)
        size += len(event.text)
    if part:
        yield part
