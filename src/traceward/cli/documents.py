"""EPCIS files as the commands read them: of either format, from a path or standard input, event by event.

It must not judge events. XML is never whole in memory; JSON is, as text.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from traceward.epcis import json_codec, xml_codec
from traceward.epcis.document import Document, RawEvent
from traceward.epcis.errors import CaptureLimitExceededException, Finding, ValidationException

#: A document of one's own disk may be larger than one that a server takes from anybody.
MAX_JSON_BYTES = 2 * 1024**3
MAX_JSON_EVENTS = 10_000_000
_CHUNK_BYTES = 1024 * 1024
_XML_STARTS = (b"<", b"\xff\xfe", b"\xfe\xff")

Format = Literal["json", "xml"]
Take = Callable[[RawEvent], None]


class UnreadableFileError(Exception):
    """The file is not there, or may not be read; str() is the system's reason."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as read. document: its header, without events; is_event: it held one bare event and no document."""

    document: Document
    format: Format
    is_event: bool = False


def read_file(file: str, take: Take) -> ReadFile:
    """The header of a file; each event goes to `take` as soon as it is read and need not be kept.

    file: a path, or - for standard input. Takes every document of EPCIS JSON and XML, and in JSON one bare event.
    Raises UnreadableFileError, and ValidationException where the document, not one of its events, is wrong.
    """
    with _opened(file) as stream:
        first = stream.read(_CHUNK_BYTES)
        if first.removeprefix(b"\xef\xbb\xbf").lstrip()[:2].startswith(_XML_STARTS):
            return ReadFile(xml_codec.stream_document(_rest(first, stream), take), "xml")
        return _read_json(b"".join(_rest(first, stream)), take)


def findings_of(error: ValidationException) -> list[Finding]:
    """What is wrong with a document; an error without findings counts as one."""
    return list(error.findings) or [Finding("", "document", error.detail, "")]


def _read_json(body: bytes, take: Take) -> ReadFile:
    try:
        document = json_codec.read_document(body, max_bytes=MAX_JSON_BYTES, max_events=MAX_JSON_EVENTS)
    except CaptureLimitExceededException as error:
        raise ValidationException(error.detail) from error
    except ValidationException as error:
        event = _bare_event(body, error)
        take(event)
        alone = Document("EPCISDocument", event.context, [])
        return ReadFile(alone, "json", is_event=True)
    for event in document.events:
        take(event)
        event.release()
    return ReadFile(replace(document, events=[]), "json")


def _bare_event(body: bytes, error: ValidationException) -> RawEvent:
    """The one event that the body is; raises what is wrong with the body as a document where it is none either."""
    if not any(finding.path == "type" for finding in error.findings):
        raise error
    event = json_codec.read_event(body)
    if not isinstance(event.data.get("type"), str) or "eventTime" not in event.data:
        raise error
    return event


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise UnreadableFileError(f"cannot read {file}: {error.strerror}") from error


def _rest(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while first:
        yield first
        first = stream.read(_CHUNK_BYTES)
