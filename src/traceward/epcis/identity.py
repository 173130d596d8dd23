"""What an event says, apart from how it is written: its expanded form, the digest that identifies it, its assigned id.

Must not validate: an event comes here after `rules` found no error in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from traceward.epcis.decimals import is_number, normal_decimal
from traceward.epcis.document import RawEvent
from traceward.epcis.event_hash import event_hash
from traceward.epcis.extension import Context
from traceward.epcis.times import parse_time_us
from traceward.epcis.vocabulary import Kind, to_bare
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.patient import contains_patient_identifier

DIGEST_BYTES = 16

Expander = Callable[[Any, Context], Any]


def expand(data: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The expanded, semantic form of one event: the same for every spelling of the same event.

    Instants are int microseconds since 1970 UTC, identifiers canonical GS1 Digital Links, CBV terms bare words,
    numbers decimal text, unordered lists sorted, extension names full URIs; a one-item extension list equals its item.
    Fields that are absent, empty or null are left out, and so are recordTime and @context.
    """
    expanded: dict[str, Any] = {}
    for name, value in data.items():
        expander = _FIELDS.get(name)
        if expander is not None:
            result = expander(value, context)
        elif name in _LEFT_OUT:
            continue
        else:
            _put(expanded, context.expand_name(name) or name, _extension(value, context))
            continue
        if result or result.__class__ not in (list, dict):
            expanded[name] = result
    return expanded


def canonical_bytes(expanded: Mapping[str, Any]) -> bytes:
    """The expanded event as JSON with sorted keys and no blanks: what the digest is made of."""
    return orjson.dumps(expanded, option=orjson.OPT_SORT_KEYS)


def digest(expanded: Mapping[str, Any]) -> bytes:
    """The identity of the event: the first 16 bytes of SHA-256 over its canonical bytes."""
    return hashlib.sha256(canonical_bytes(expanded)).digest()[:DIGEST_BYTES]


def private(expanded: Mapping[str, Any], data: Mapping[str, Any] | None = None) -> bool:
    """Whether the event names a patient (GSRN, AI 8018) anywhere: in any value or key, however spelt.

    data: the event as sent; what expansion drops (the query of a Digital Link, recordTime) is then looked at as well.
    """
    if contains_patient_identifier(canonical_bytes(expanded).decode()):
        return True
    return data is not None and contains_patient_identifier(orjson.dumps(data, default=str).decode())


@dataclass(frozen=True, slots=True)
class Identified:
    """One event as the server knows it: expanded form, 16-byte digest, and whether it names a patient."""

    expanded: dict[str, Any]
    digest: bytes
    private: bool


def identify(raw: RawEvent, expanded: dict[str, Any] | None = None) -> Identified:
    """The same as `expand`, `digest` and `private` of one event, at a lower cost than the three.

    expanded: its expanded form where that is known already, perhaps with an eventID assigned.
    """
    if expanded is None:
        expanded = expand(raw.data, raw.context)
    form = canonical_bytes(expanded)
    # An escape such as \u0038 could hide a digit from a search of the text.
    sent = orjson.dumps(raw.data, default=str) if b"\\" in raw.text else raw.text
    named = contains_patient_identifier(form.decode()) or contains_patient_identifier(sent.decode())
    return Identified(expanded, hashlib.sha256(form).digest()[:DIGEST_BYTES], named)


def assigned_event_id(data: Mapping[str, Any], context: Context, *, hash_is_taken: bool = False) -> str:
    """The eventID of an event that came without: its CBV event hash, so that a retry always finds itself.

    hash_is_taken: the capturing party has other content under that hash; then a UUIDv8 made from the digest of the
    event as it came. Never random.
    """
    if not hash_is_taken:
        return event_hash(data, context)
    unnamed = {name: value for name, value in data.items() if name != "eventID"}
    bits = bytearray(digest(expand(unnamed, context)))
    bits[6] = bits[6] & 0x0F | 0x80  # RFC 9562: version 8
    bits[8] = bits[8] & 0x3F | 0x80  # RFC 9562: variant
    text = bits.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


# Single values


def _text(value: Any, _context: Context) -> Any:
    return value


def _time(value: str, _context: Context) -> int:
    return parse_time_us(value)


def _identifier(value: str, context: Context) -> str:
    if value.startswith(("urn:", "https://", "http://")):
        return canonical_identifier(value)
    return canonical_identifier(context.expand_value(value))


def _term(kind: Kind) -> Expander:
    @lru_cache(maxsize=1024)
    def standard(value: str) -> str | None:
        return to_bare(kind, value)

    def expander(value: str, context: Context) -> str:
        word = standard(value)
        if word is not None:
            return word
        full = context.expand_value(value)
        return to_bare(kind, full) or full

    return expander


def _number(value: Any, _context: Context) -> str:
    return normal_decimal(value)


def _flag(value: bool, _context: Context) -> bool:
    return value


# Lists and records


def _sorted_list(item: Expander) -> Expander:
    def expander(value: list[Any], context: Context) -> list[Any]:
        return sorted([item(entry, context) for entry in value])

    return expander


def _identifiers(value: list[str], context: Context) -> list[str]:
    return sorted([_identifier(entry, context) for entry in value])


def _identifiers_or_one(value: list[str] | str, context: Context) -> list[str]:
    return _texts([value] if isinstance(value, str) else value, context)


def _texts(value: list[str], context: Context) -> list[str]:
    return sorted([context.expand_value(entry) for entry in value])


def _record(fields: Mapping[str, Expander]) -> Expander:
    """An expander of an object: known fields by their own, other names as extensions."""

    def expander(value: Mapping[str, Any], context: Context) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, entry in value.items():
            known = fields.get(name)
            if known is not None:
                item = known(entry, context)
                if item or item.__class__ not in (list, dict):
                    result[name] = item
            else:
                _put(result, context.expand_name(name) or name, _extension(entry, context))
        return result

    return expander


def _sorted_records(fields: Mapping[str, Expander], key: Callable[[dict[str, Any]], Any]) -> Expander:
    """An expander of an unordered list of objects, sorted by a key that tells any two different ones apart."""
    item = _record(fields)

    def expander(value: list[Any], context: Context) -> list[Any]:
        records = [item(entry, context) for entry in value]
        if len(records) > 1:
            records.sort(key=key)
        return records

    return expander


def _typed(name: str) -> Callable[[dict[str, Any]], Any]:
    """A sort key of objects that hold a value under `name` and perhaps its type."""

    def key(record: dict[str, Any]) -> tuple[str, str]:
        return record[name], record.get("type", "")

    return key


def _quantity_key(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["epcClass"], record.get("uom", ""), record.get("quantity", "")


def _extension(value: Any, context: Context) -> Any:
    """The value of an extension, as XML could carry it: text as sent, numbers and booleans as text, names in full.

    A one-item list is its item and an empty list is nothing, since XML knows only repeated elements; an empty object
    is an empty element, hence empty text. None for nothing.
    """
    if value.__class__ is str:
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if is_number(value):
        return normal_decimal(value)
    if value.__class__ is list:
        items = [item for entry in value if (item := _extension(entry, context)) is not None]
        return items[0] if len(items) == 1 else items or None
    if value.__class__ is dict:
        fields: dict[str, Any] = {}
        for name, entry in value.items():
            _put(fields, context.expand_name(name) or name, _extension(entry, context))
        return fields or ""
    return None


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """Set an extension; one name under two spellings is a repeated element, as a list is."""
    if value is None:
        return
    if name in fields:
        before = fields[name]
        joined = [*(before if before.__class__ is list else [before])]
        value = joined + (value if value.__class__ is list else [value])
    fields[name] = value


_QUANTITIES = _sorted_records({"epcClass": _identifier, "quantity": _number, "uom": _text}, _quantity_key)
_extended_place = _record({"id": _identifier})


def _place(value: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return {"id": _identifier(value["id"], context)} if len(value) == 1 else _extended_place(value, context)


_SENSOR_SHARED: Mapping[str, Expander] = {
    "time": _time,
    "deviceID": _identifier,
    "deviceMetadata": _identifier,
    "rawData": _identifier,
    "dataProcessingMethod": _identifier,
    "bizRules": _identifier,
}
_NUMBERS = ("value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue")
_REPORT: Mapping[str, Expander] = {
    **_SENSOR_SHARED,
    "type": _term("measurement"),
    "exception": _term("alert"),
    "component": _term("comp"),
    "microorganism": _identifier,
    "chemicalSubstance": _identifier,
    "coordinateReferenceSystem": _identifier,
    "uriValue": _identifier,
    "stringValue": _text,
    "hexBinaryValue": _text,
    "booleanValue": _flag,
    "uom": _text,
    **dict.fromkeys(_NUMBERS, _number),
}
_METADATA: Mapping[str, Expander] = {**_SENSOR_SHARED, "startTime": _time, "endTime": _time}


def _event_type(value: str, context: Context) -> str:
    return context.expand_value(value)


_LEFT_OUT = frozenset({"@context", "recordTime"})
_FIELDS: Mapping[str, Expander] = {
    "type": _event_type,
    "eventID": _text,
    "eventTime": _time,
    "eventTimeZoneOffset": _text,
    "certificationInfo": _identifiers_or_one,
    "errorDeclaration": _record({"declarationTime": _time, "reason": _term("er"), "correctiveEventIDs": _texts}),
    "action": _text,
    "bizStep": _term("bizstep"),
    "disposition": _term("disp"),
    "persistentDisposition": _record({"set": _sorted_list(_term("disp")), "unset": _sorted_list(_term("disp"))}),
    "readPoint": _place,
    "bizLocation": _place,
    "epcList": _identifiers,
    "childEPCs": _identifiers,
    "inputEPCList": _identifiers,
    "outputEPCList": _identifiers,
    "parentID": _identifier,
    "transformationID": _identifier,
    "quantityList": _QUANTITIES,
    "childQuantityList": _QUANTITIES,
    "inputQuantityList": _QUANTITIES,
    "outputQuantityList": _QUANTITIES,
    "bizTransactionList": _sorted_records(
        {"type": _term("btt"), "bizTransaction": _identifier}, _typed("bizTransaction")
    ),
    "sourceList": _sorted_records({"type": _term("sdt"), "source": _identifier}, _typed("source")),
    "destinationList": _sorted_records({"type": _term("sdt"), "destination": _identifier}, _typed("destination")),
    "sensorElementList": _sorted_records(
        {"sensorMetadata": _record(_METADATA), "sensorReport": _sorted_records(_REPORT, canonical_bytes)},
        canonical_bytes,
    ),
    "ilmd": _record({}),
}
