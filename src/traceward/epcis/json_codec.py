"""EPCIS JSON to events and back: the only place that parses JSON sent by others.

Must not judge what an event says: `rules` does. Refuses what makes two readers of one text disagree (duplicate keys,
NaN, lone surrogates) or one reader fail (depth, giant numbers).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from traceward.epcis.document import Document, RawEvent
from traceward.epcis.errors import CaptureLimitExceededException, DocumentException, Finding, ValidationException
from traceward.epcis.extension import Context, check_context
from traceward.epcis.json_marks import list_length, nests_deeper
from traceward.epcis.json_text import members, without
from traceward.epcis.times import parse_time_us

MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1
MAX_NUMBER_LENGTH = 64
MAX_EXPONENT = 400
MAX_BYTES = 128 * 1024 * 1024
MAX_EVENTS = 100_000
# What is read as one piece: a text of a few bytes per value takes some 30 times its size in memory.
MAX_PIECE_BYTES = 2 * 1024 * 1024

_CLAUSE = "RFC 8259; own rule: one reading for every reader"
_DOCUMENT = "EPCIS 2.0 JSON binding, EPCISDocument"
_VERSION = re.compile(r"2(\.\d+)*", re.ASCII)
_BOM = b"\xef\xbb\xbf"
_NOT_SURROGATE = re.compile(r"[\ud800-\udfff\x00]")

_writer = msgspec.json.Encoder(decimal_format="number")
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])


def read_json(body: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """Any JSON value, strictly: UTF-8, no duplicate key, finite numbers, depth up to 64.

    Integers come as int up to 63 bits, other numbers as Decimal with every digit sent. A byte order mark is taken off
    once. Raises ValidationException saying what was wrong and where.
    """
    if len(body) > max_bytes:
        raise CaptureLimitExceededException(f"{len(body)} octets; at most {max_bytes} are read at once")
    return _read(body.removeprefix(_BOM))


def read_event(body: bytes, *, max_bytes: int = MAX_BYTES) -> RawEvent:
    """The one event of a body sent to POST /events; it must carry its own @context.

    Raises ValidationException when the body is malformed, is no object, or has no @context.
    """
    if len(body) > max_bytes:
        raise CaptureLimitExceededException(f"{len(body)} octets; at most {max_bytes} are read at once")
    text = body.removeprefix(_BOM).strip(b" \t\r\n")
    event = RawEvent(0, text, None, _read_object)
    if event.data.get("type") in ("EPCISDocument", "EPCISQueryDocument"):
        raise _invalid("type", "document", "a document was sent where one bare event is expected", _DOCUMENT)
    check_context(event.data.get("@context"), "an event sent alone")
    return event


def read_document(body: bytes, *, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> Document:
    """The document's header and its events; each event keeps its text exactly as sent and is read when asked for.

    Takes an EPCISDocument or an EPCISQueryDocument (EPCIS 2.0 REST binding, POST /capture).
    One deviation from the text as sent: a hash eventID that the same event replaces by its own id is dropped.
    Raises ValidationException with every finding about the document itself, CaptureLimitExceededException when it is
    larger than max_bytes or has more than max_events events.
    """
    if len(body) > max_bytes:
        raise CaptureLimitExceededException(f"{len(body)} octets; at most {max_bytes} are taken at once")
    text = body.removeprefix(_BOM)
    path, raw_list = _event_list(text)
    envelope = text if raw_list is None else _without(text, raw_list)
    fields = _read_object(envelope)
    findings = list(_document_findings(fields))
    if raw_list is None:
        findings.append(Finding(path, "missing", f"{path} is missing; expected a list of events", _DOCUMENT))
    if findings:
        raise DocumentException(_summary(findings), findings)
    assert raw_list is not None
    # Told before the list is taken apart: a list of millions of tiny values would fill the memory.
    if raw_list.count(b",") >= max_events and (count := list_length(raw_list)) > max_events:
        raise CaptureLimitExceededException(f"{count} events; at most {max_events} are taken at once")
    texts = _decoded(_raw_items, raw_list, path)
    context = Context.of(fields["@context"])
    return Document(
        kind=fields["type"],
        context=context,
        events=[
            RawEvent(index, _without_superseded_id(bytes(raw)), context, _read_object)
            for index, raw in enumerate(texts)
        ],
        schema_version=fields.get("schemaVersion"),
        creation_date=fields.get("creationDate"),
        header={name: value for name, value in fields.items() if name not in _ENVELOPE} | _of_query(fields),
    )


def write_json(value: Any) -> bytes:
    """The value as JSON text; Decimals are numbers with every digit they have."""
    return _writer.encode(value)


_ENVELOPE = frozenset({"@context", "type", "schemaVersion", "creationDate", "epcisBody"})
_HEADER = frozenset({"id", "sender", "receiver", "instanceIdentifier", "epcisHeader"})


def _of_query(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What an EPCISQueryDocument says beside events, as header fields: `queryResults` with the names, master data."""
    if fields["type"] != "EPCISQueryDocument":
        return {}
    results = fields["epcisBody"]["queryResults"]
    stated = {name: results[name] for name in ("queryName", "subscriptionID") if isinstance(results.get(name), str)}
    vocabularies = results["resultsBody"].get("vocabularyList")
    master_data = {} if vocabularies is None else {"epcisHeader": {"epcisMasterData": {"vocabularyList": vocabularies}}}
    return {"queryResults": stated} | master_data


def _without_superseded_id(text: bytes) -> bytes:
    """The event's text, without a hash id that the event replaces by its own id further down.

    The official AssociationEvent-h example gives eventID twice in that way, and every lenient reader takes the last.
    Any other duplicate key is refused, since two readers of the text would then see different events.
    """
    if text.count(b'"eventID"') < 2:
        return text
    try:
        ids = [member for member in members(text) if member.key == "eventID"]
    except orjson.JSONDecodeError:
        return text
    if len(ids) != 2:
        return text
    first, last = (text[member.value_start :].startswith(b'"ni:///') for member in ids)
    return without(text, "eventID") if first and not last else text


def _event_list(text: bytes) -> tuple[str, bytes | None]:
    """Where the events stand, and their text as one slice of the document; None when the document has none."""
    top = _decoded(_raw_fields, text, "")
    query = b"EPCISQueryDocument" in bytes(top.get("type", msgspec.Raw(b"")))
    steps = ("epcisBody", "queryResults", "resultsBody", "eventList") if query else ("epcisBody", "eventList")
    here: Mapping[str, msgspec.Raw] = top
    for depth, step in enumerate(steps):
        found = here.get(step)
        if found is None:
            return ".".join(steps), None
        if depth == len(steps) - 1:
            return ".".join(steps), bytes(found)
        here = _decoded(_raw_fields, found, ".".join(steps[: depth + 1]))
    return ".".join(steps), None


def _without(text: bytes, raw_list: bytes) -> bytes:
    """The document with its events replaced by null, so that the envelope alone is read strictly."""
    start = max(text.find(b"eventList"), 0)
    return text[:start] + text[start:].replace(raw_list, b"null", 1)


def _decoded(decoder: msgspec.json.Decoder[Any], text: bytes | msgspec.Raw, path: str) -> Any:
    try:
        return decoder.decode(text)
    except UnicodeDecodeError as error:
        raise _invalid(path, "encoding", f"byte {error.start} is no UTF-8; expected JSON in UTF-8", _CLAUSE) from error
    except RecursionError as error:
        raise _invalid(path, "depth", f"nested deeper than {MAX_DEPTH} levels", _CLAUSE) from error
    except msgspec.DecodeError as error:
        expected = "a list of events" if decoder is _raw_items else "a JSON object"
        raise _invalid(path, "syntax", f"{error}; expected {expected}", _CLAUSE) from error


def _document_findings(fields: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with the envelope (EPCIS 2.0 JSON binding: required fields, their types, known keys)."""
    findings: list[Finding] = []
    kind = fields.get("type")
    if kind not in ("EPCISDocument", "EPCISQueryDocument"):
        findings.append(
            Finding(
                "type", "type", f"type is {kind!r:.80}; expected 'EPCISDocument' or 'EPCISQueryDocument'", _DOCUMENT
            )
        )
    try:
        check_context(fields.get("@context"), "a document")
    except ValidationException as error:
        findings.extend(error.findings)
    if kind == "EPCISDocument":
        version = fields.get("schemaVersion")
        if not isinstance(version, str) or _VERSION.fullmatch(version) is None:
            message = f"schemaVersion is {version!r:.80}; expected the text '2.0'"
            findings.append(Finding("schemaVersion", "schema_version", message, _DOCUMENT))
        findings.extend(_creation_date_findings(fields))
    context = Context.of(fields.get("@context"))
    findings.extend(
        Finding(name, "unknown_field", f"'{name[:80]}' is no field of a document nor a name with a prefix", _DOCUMENT)
        for name in fields
        if name not in _ENVELOPE and name not in _HEADER and context.expand_name(name) is None
    )
    return findings


def _creation_date_findings(fields: Mapping[str, Any]) -> list[Finding]:
    created = fields.get("creationDate")
    if not isinstance(created, str):
        return [Finding("creationDate", "missing", f"creationDate is {created!r:.80}; expected a time", _DOCUMENT)]
    try:
        parse_time_us(created)
    except ValidationException as error:
        return [Finding("creationDate", "time", error.detail, _DOCUMENT)]
    return []


def _read_object(text: bytes) -> dict[str, Any]:
    value = _read(text)
    if not isinstance(value, dict):
        raise _invalid("", "type", f"{str(value)[:80]!r} is no JSON object", _CLAUSE)
    return value


def _read(text: bytes) -> Any:
    if len(text) > MAX_PIECE_BYTES:
        message = f"{len(text)} octets; an event, or a document without its events, has at most {MAX_PIECE_BYTES}"
        raise _invalid("", "size", message, _CLAUSE)
    if nests_deeper(text, MAX_DEPTH):
        raise _invalid("", "depth", f"nested deeper than {MAX_DEPTH} levels, or brackets do not pair", _CLAUSE)
    try:
        value = _strict.decode(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _invalid("", "encoding", f"byte {error.start} is no UTF-8; expected JSON in UTF-8", _CLAUSE) from error
    except json.JSONDecodeError as error:
        raise _invalid("", "syntax", f"malformed JSON: {error}", _CLAUSE) from error
    except RecursionError as error:
        raise _invalid("", "depth", f"nested deeper than {MAX_DEPTH} levels", _CLAUSE) from error
    if b"\\u" in text:
        check_characters(value)
    return value


def check_characters(value: Any) -> None:
    """Refuse U+0000 and lone surrogates anywhere: no database and no XML document can hold them.

    Raises ValidationException. RFC 8259 8.2.
    """
    if isinstance(value, str):
        bad = _NOT_SURROGATE.search(value)
        if bad is not None:
            raise _invalid("", "character", f"text holds U+{ord(bad.group()):04X}, which is no character", _CLAUSE)
    elif isinstance(value, dict):
        for name, item in value.items():
            check_characters(name)
            check_characters(item)
    elif isinstance(value, list):
        for item in value:
            check_characters(item)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise _invalid("", "duplicate_key", f"the key '{twice[:80]}' occurs twice in one object", _CLAUSE)
    return fields


def _integer(text: str) -> int:
    if len(text) > 20 or not -MAX_INTEGER <= (number := int(text)) <= MAX_INTEGER:
        raise _invalid("", "number", f"the integer {text[:40]} is out of range; at most {MAX_INTEGER}", _CLAUSE)
    return number


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH or not is_writable(number := Decimal(text)):
        raise _invalid("", "number", f"the number {text[:40]} is too long, too large or too small", _CLAUSE)
    return number


def is_writable(number: Decimal) -> bool:
    """Whether a number is one that other systems can read, and that has some hundred digits at most when written out.

    A few signs, such as 1e-999999, can stand for a million digits.
    """
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and abs(exponent) <= MAX_EXPONENT and math.isfinite(float(number))


def _constant(text: str) -> Any:
    raise _invalid("", "number", f"{text} is no JSON number", _CLAUSE)


_strict = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)


def _invalid(path: str, code: str, message: str, clause: str) -> ValidationException:
    return DocumentException(message, [Finding(path, code, message, clause)])


def _summary(findings: list[Finding]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return findings[0].message + more
