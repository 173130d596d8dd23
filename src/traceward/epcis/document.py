"""What a codec reads: a document's header and its events, each with its own text and context.

Must not parse: `json_codec` does, and hands its reader over where an event is read only when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from traceward.epcis.extension import Context, check_context


class RawEvent:
    """One event: its text exactly as sent, and its data when asked for.

    index: position in eventList from 0; document_context: None for an event sent alone, which has its own @context.
    `data` and `context` raise ValidationException when the text breaks the codec's rules (duplicate key, NaN, ...).
    Data holds numbers as int or Decimal, so that no digit is lost.
    """

    __slots__ = ("_context", "_data", "_document_context", "_read", "index", "text")

    def __init__(self, index: int, text: bytes, document_context: Context | None, read: Callable[[bytes], Any]) -> None:
        self.index = index
        self.text = text
        self._document_context = document_context
        self._read = read
        self._data: dict[str, Any] | None = None
        self._context: Context | None = None

    @property
    def path(self) -> str:
        """Where the event stands: `eventList[3]`, or empty for an event sent alone."""
        return "" if self._document_context is None else f"eventList[{self.index}]"

    @property
    def data(self) -> dict[str, Any]:
        """The event as plain values; read at the first call and kept until `release`."""
        if self._data is None:
            self._data = self._read(self.text)
        return self._data

    @property
    def context(self) -> Context:
        """The document's context followed by the event's own, if it has one."""
        if self._context is None:
            own, document = self.data.get("@context"), self._document_context
            if own is not None:
                check_context(own, "an event")
            if document is None:
                self._context = Context.of(own)
            else:
                self._context = document if own is None else document.extended(own)
        return self._context

    @property
    def stored_context(self) -> bytes | None:
        """The document's @context as JSON, to be kept beside the text; None when the text stands without it."""
        document = self._document_context
        return None if document is None or document.is_standard else document.text

    def release(self) -> None:
        """Forget the read data, so that a large document needs no more memory than a part of it."""
        self._data = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read.

    kind: `EPCISDocument` or `EPCISQueryDocument`; schema_version and creation_date as sent; header: every other top
    field but the events (sender, receiver, instanceIdentifier, id, epcisHeader, extensions), as plain values.
    """

    kind: str
    context: Context
    events: Sequence[RawEvent]
    schema_version: str | None = None
    creation_date: str | None = None
    header: Mapping[str, Any] = field(default_factory=dict)
