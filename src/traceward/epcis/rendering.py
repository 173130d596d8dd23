"""Answers made of stored event text: the EPC format that the caller asked for, recordTime, and the query document.

Edits and joins bytes; it never rebuilds an event from a model, so what a partner sent comes back as sent.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from traceward.epcis import json_text
from traceward.epcis.extension import STANDARD_CONTEXT
from traceward.gs1.epc_uri import canonical_identifier, digital_link_to_urn

_STANDARD_CONTEXT_TEXT: Final = orjson.dumps(STANDARD_CONTEXT)


class EpcFormat(StrEnum):
    """The values of the GS1-EPC-Format header; absent means ALWAYS_GS1_DIGITAL_LINK."""

    NO_PREFERENCE = "No_Preference"
    ALWAYS_GS1_DIGITAL_LINK = "Always_GS1_Digital_Link"
    ALWAYS_EPC_URN = "Always_EPC_URN"
    NEVER_TRANSLATES = "Never_Translates"


#: Members that hold identifiers, by the keys that lead to them; arrays are looked through.
_TEXT_FIELDS: Final = ("parentID", "transformationID")
_LIST_FIELDS: Final = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
_PLACE_FIELDS: Final = ("readPoint", "bizLocation")
_ENTRY_FIELDS: Final = {
    "quantityList": "epcClass",
    "childQuantityList": "epcClass",
    "inputQuantityList": "epcClass",
    "outputQuantityList": "epcClass",
    "bizTransactionList": "bizTransaction",
    "sourceList": "source",
    "destinationList": "destination",
}
_SENSOR_PARTS: Final = ("sensorMetadata", "sensorReport")
_SENSOR_FIELDS: Final = ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules")
_IDENTIFIER_PATHS: Final = frozenset(
    [(field,) for field in (*_TEXT_FIELDS, *_LIST_FIELDS)]
    + [(field, "id") for field in _PLACE_FIELDS]
    + list(_ENTRY_FIELDS.items())
    + [("sensorElementList", part, field) for part in _SENSOR_PARTS for field in _SENSOR_FIELDS]
)


def render_event(
    text: bytes,
    epc_format: EpcFormat = EpcFormat.ALWAYS_GS1_DIGITAL_LINK,
    *,
    prefix_length: Callable[[str], int | None] | None = None,
    original: Mapping[str, str] | None = None,
    data: Mapping[str, Any] | None = None,
) -> bytes:
    """The text of one event with the identifiers of its standard fields in the form asked for, all else unchanged.

    text: the event as sent. prefix_length: the known length of a key's company prefix, as
    ``gs1.epc_uri.digital_link_to_urn`` asks for it. original: canonical identifier -> the URN under which it was
    captured elsewhere. Where neither knows, the Digital Link stays: a server may not guess. data: the decoded text,
    when at hand. Extension fields are never translated. EPCIS 2.0 REST, GS1-EPC-Format.
    """
    if epc_format is EpcFormat.ALWAYS_GS1_DIGITAL_LINK:
        return _translated(text, b"urn:epc:", _to_digital_link, data)
    if epc_format is EpcFormat.ALWAYS_EPC_URN:
        known = original if original is not None else {}
        return _translated(text, b"http", lambda value: _to_urn(value, prefix_length, known), data)
    return text


def _to_digital_link(value: str) -> str:
    return canonical_identifier(value) if value[:8].lower() == "urn:epc:" else value


def _to_urn(value: str, prefix_length: Callable[[str], int | None] | None, original: Mapping[str, str]) -> str:
    if value[:4].lower() != "http":
        return value
    remembered = original.get(canonical_identifier(value))
    if remembered is not None:
        return remembered
    return (digital_link_to_urn(value, prefix_length) if prefix_length is not None else None) or value


def _translated(text: bytes, mark: bytes, translate: Callable[[str], str], data: Mapping[str, Any] | None) -> bytes:
    """The text with its identifiers translated; ``mark`` is in every one that may change, whatever its case."""
    if b"\\" not in text:
        if data is None and mark not in text.lower():
            return text
        return _translated_plain(text, translate, data if data is not None else orjson.loads(text))
    return json_text.with_strings_replaced(
        text, lambda path, value: translate(value) if path in _IDENTIFIER_PATHS else value
    )


def _translated_plain(text: bytes, translate: Callable[[str], str], data: Mapping[str, Any]) -> bytes:
    """The same for text without escapes, where every other piece between quotation marks is a whole string."""
    changes: dict[bytes, bytes] = {}
    expected = 0
    for value in _identifiers(data):
        translated = translate(value)
        if translated is not value and translated != value:
            changes[value.encode()] = translated.encode()
            expected += 1
    if not changes:
        return text
    pieces = text.split(b'"')
    places = [index for index, piece in enumerate(pieces) if piece in changes]
    if len(places) != expected or any(b'"' in new or b"\\" in new for new in changes.values()):
        # One of them also stands in an extension field, or is a key: only the path tells which is which.
        return json_text.with_strings_replaced(
            text, lambda path, value: translate(value) if path in _IDENTIFIER_PATHS else value
        )
    for index in places:
        pieces[index] = changes[pieces[index]]
    return b'"'.join(pieces)


def _identifiers(data: Mapping[str, Any]) -> list[str]:
    """The identifiers in the standard fields of an event, as often as they stand there."""
    found: list[str] = []
    for field, value in data.items():
        entry_field = _ENTRY_FIELDS.get(field)
        if entry_field is not None:
            found += [entry[entry_field] for entry in value]
        elif field in _LIST_FIELDS:
            found += value
        elif field in _PLACE_FIELDS:
            found.append(value["id"])
        elif field in _TEXT_FIELDS:
            found.append(value)
        elif field == "sensorElementList":
            for element in value:
                for part in (element.get("sensorMetadata", {}), *element.get("sensorReport", ())):
                    found += [part[name] for name in _SENSOR_FIELDS if name in part]
    return found


def with_record_time(
    text: bytes, record_time: str, *, event_id: str | None = None, context: bytes | None = None
) -> bytes:
    """The text of one event with recordTime, in place of any that it had.

    record_time: RFC 3339 text. event_id: the id under which the event is stored, added where the text has none.
    context: JSON text of the context in which the event was captured, when the answer must carry it; it goes before
    a context of the event's own. recordTime SHALL be present on output (EPCIS 2.0 ontology).
    """
    added = b'"recordTime":"%b"' % record_time.encode()
    if json_text.may_have(text, b'"recordTime"'):
        text = json_text.without(text, "recordTime")
    if event_id is not None and not _has_event_id(text, event_id):
        added = b'"eventID":%b,%b' % (orjson.dumps(event_id), added)
    if context is not None:
        own = json_text.value_of(text, "@context") if json_text.may_have(text, b'"@context"') else None
        if own is not None:
            text = json_text.without(text, "@context")
            context = _joined_contexts(context, own)
        added = b'"@context":%b,%b' % (context, added)
    return json_text.with_first(text, added)


def _has_event_id(text: bytes, event_id: str) -> bool:
    """Tell whether an event stored under an id carries an eventID itself."""
    # An assigned id is a hash of the whole event, so no event without eventID can hold its own id further down.
    quoted = orjson.dumps(event_id)
    if b'"eventID":' + quoted in text or b'"eventID": ' + quoted in text:
        return True
    return json_text.may_have(text, b'"eventID"') and json_text.value_of(text, "eventID") is not None


def _joined_contexts(outer: bytes, own: bytes) -> bytes:
    """One context that first declares what ``outer`` does, then what ``own`` does."""
    entries = []
    for text in (outer, own):
        value = orjson.loads(text)
        for entry in value if isinstance(value, list) else [value]:
            if entry not in entries:
                entries.append(entry)
    return orjson.dumps(entries if len(entries) > 1 else entries[0])


def answer_text(text: bytes, data: Mapping[str, Any], *, event_id: str | None = None) -> bytes:
    """The text of one event made ready at capture for answers in the default format; the text itself if it is so.

    Identifiers as Digital Link, without recordTime, with eventID: an answer then only puts recordTime in front.
    text: one event as sent, without blanks around it; data: the same decoded; event_id: as ``with_record_time``.
    """
    ready = render_event(text, data=data)
    if "recordTime" in data:
        ready = json_text.without(ready, "recordTime")
    if event_id is not None and "eventID" not in data:
        ready = json_text.with_first(ready, b'"eventID":' + orjson.dumps(event_id))
    return ready


class AnswerEvent(NamedTuple):
    """One event of an answer.

    text: JSON text in the EPC format asked for; record_time: RFC 3339 text; context: JSON text of the context in which
    it was captured, None for the standard one; event_id: the id that was assigned where the text has none;
    is_ready: the text is one that ``answer_text`` gave, so that nothing need be searched in it.
    """

    text: bytes
    record_time: str
    context: bytes | None = None
    event_id: str | None = None
    is_ready: bool = False


def query_document(
    events: Iterable[AnswerEvent],
    *,
    creation_date: str,
    query_name: str = "SimpleEventQuery",
    subscription_id: str | None = None,
) -> bytes:
    """The EPCISQueryDocument that answers a query, joined from stored text.

    The context that all events share stands at the document. Where events differ, the document has the standard
    context alone and each event carries its own: joining them would let one partner's prefix change the meaning of
    another's event. EPCIS 2.0 8.2.
    """
    answered = list(events)
    contexts = {event.context for event in answered}
    differ = len(contexts) > 1
    shared = None if differ or not contexts else contexts.pop()
    if shared is None:
        shared = _STANDARD_CONTEXT_TEXT
    elif b"epcis-context" not in shared:
        shared = _joined_contexts(_STANDARD_CONTEXT_TEXT, shared)
    subscription = b"" if subscription_id is None else b'"subscriptionID":%b,' % orjson.dumps(subscription_id)
    pieces = [
        b'{"@context":%b,"type":"EPCISQueryDocument","schemaVersion":"2.0","creationDate":%b,'
        b'"epcisBody":{"queryResults":{%b"queryName":%b,"resultsBody":{"eventList":['
        % (shared, orjson.dumps(creation_date), subscription, orjson.dumps(query_name))
    ]
    pieces += _event_pieces(answered, carry_contexts=differ)
    pieces.append(b"]}}}}")
    return b"".join(pieces)


def _is_as_if_ready(text: bytes, event_id: str | None) -> bool:
    """Whether a look tells that recordTime need only be put in front: text without escapes, with its own eventID."""
    # Searched from its end, a key is found in half the time, or not found: CPython 3.11 has another algorithm for it.
    if b"\\" in text or text.rfind(b'"recordTime"') >= 0 or not text.startswith(b'{"'):
        return False
    return event_id is None or text.rfind(b'"eventID":"%b"' % event_id.encode()) >= 0


def _event_pieces(answered: list[AnswerEvent], *, carry_contexts: bool) -> list[bytes]:
    """The events with commas between them, in pieces: the text of an event is copied as few times as can be."""
    pieces: list[bytes] = []
    heads: dict[str, bytes] = {}
    for text, record_time, context, event_id, is_ready in answered:
        carries = carry_contexts and context is not None
        if not carries and (is_ready or _is_as_if_ready(text, event_id)):
            head = heads.get(record_time)
            if head is None:
                head = heads[record_time] = b',{"recordTime":"' + record_time.encode() + b'",'
            pieces += (head, text[1:])
        else:
            own = context if carries else None
            pieces += (b",", with_record_time(text, record_time, event_id=event_id, context=own))
    if pieces:
        pieces[0] = pieces[0][1:]
    return pieces
