"""Large XML documents as events in a file: read once as a stream, then taken from disk part by part, as often as asked.

It must not hold more of a document in memory than a part of its events and where each of them lies.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, overload

import msgspec

from traceward.epcis.document import Document, RawEvent
from traceward.epcis.errors import CaptureLimitExceededException, Finding
from traceward.epcis.extension import Context
from traceward.epcis.xml_codec import XmlEvent, stream_document
from traceward.services.intake.documents import BodyFormat
from traceward.services.runtime import Limits

_CHUNK_BYTES: Final = 1 << 18


class _Record(msgspec.Struct, array_like=True, frozen=True):
    """One event as the file has it."""

    text: bytes
    place: str
    findings: tuple[Finding, ...] = ()


class FiledEvents(Sequence[RawEvent]):
    """The events of one document. They share its context, which the whole of it has settled."""

    def __init__(self, file: BinaryIO, ends: Sequence[int], context: Context) -> None:
        """ends: where each record ends in the file, after a first 0."""
        self._file = file
        self._ends = ends
        self._context = context
        self._decoder = msgspec.msgpack.Decoder(_Record)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> RawEvent: ...

    @overload
    def __getitem__(self, index: slice) -> list[RawEvent]: ...

    def __getitem__(self, index: int | slice) -> RawEvent | list[RawEvent]:
        """The event of that number, or those of a slice without a step of its own, read from the file."""
        if isinstance(index, int):
            (event,) = self[range(len(self))[index] : range(len(self))[index] + 1]
            return event
        start, stop, _ = index.indices(len(self))
        if stop <= start:
            return []
        first = self._ends[start]
        self._file.seek(first)
        part = memoryview(self._file.read(self._ends[stop] - first))
        return [
            self._event(number, part[self._ends[number] - first : self._ends[number + 1] - first])
            for number in range(start, stop)
        ]

    def _event(self, number: int, text: memoryview) -> XmlEvent:
        record = self._decoder.decode(text)
        return XmlEvent(number, record.text, self._context, record.place, record.findings)


@contextmanager
def filed_document(document: Path, form: BodyFormat, limits: Limits, check: Callable[[], None]) -> Iterator[Document]:
    """The document of an XML file, its events in a file beside it that goes when the context ends.

    check: called as events are read; it may raise to end the reading. Raises what `stream_document` raises.
    """
    if document.stat().st_size > limits.capture_limit_bytes:
        raise CaptureLimitExceededException(
            f"{document.stat().st_size} octets; at most {limits.capture_limit_bytes} are taken at once"
        )
    path = document.with_suffix(".events")
    ends = array("Q", [0])
    encoder = msgspec.msgpack.Encoder()
    try:
        with path.open("w+b") as file:

            def take(event: XmlEvent) -> None:
                record = encoder.encode(_Record(event.text, event.path, tuple(event.findings)))
                file.write(record)
                ends.append(ends[-1] + len(record))
                check()

            with document.open("rb") as source:
                chunks = iter(lambda: source.read(_CHUNK_BYTES), b"")
                read = stream_document(chunks, take, max_events=limits.capture_limit_events, charset=form.charset)
            file.flush()
            yield replace(read, events=FiledEvents(file, ends, read.context))
    finally:
        path.unlink(missing_ok=True)
