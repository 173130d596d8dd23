"""The CBV 2.0 event hash: an event's canonical pre-hash string, and the `ni:` URI made of it.

Must not serve as a commitment: keys and values are joined without separators, so different events can be built that
share a hash. Identity within the server is `identity.digest`.

Follows the reference implementation wherever its published vectors tell, also where its own text says otherwise:
certificationInfo after eventTimeZoneOffset, parentID before epcList, `type` before the value it types, and
bizTransactionList, destinationList, ilmd and sourceList among the extensions in code point order, after sensor data.
Not followed, as faults: text that looks like a number keeps its zeros (lot 00123 is not lot 123), milliseconds round
half up always, numbers keep every digit, a business transaction may lack a type, and the attributes of CBV master data
have one namespace, whether a document declares cbvmda with its last colon, without it, or leaves it to the context.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

from traceward.epcis.decimals import is_number, normal_decimal
from traceward.epcis.extension import CBVMDA, Context
from traceward.epcis.times import format_time_us, parse_time_us
from traceward.epcis.vocabulary import Kind, to_web_uri
from traceward.gs1.epc_uri import canonical_identifier

Algorithm = Literal["sha-256", "sha3-256", "sha-384", "sha-512"]

_HASHES: Mapping[Algorithm, Callable[[bytes], Any]] = {
    "sha-256": hashlib.sha256,
    "sha3-256": hashlib.sha3_256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}

Part = Callable[[Any, Context], str]


def event_hash(
    data: Mapping[str, Any],
    context: Context,
    *,
    algorithm: Algorithm = "sha-256",
    ignored: frozenset[str] = frozenset(),
) -> str:
    """The event's hash as a URI: `ni:///sha-256;<hex>?ver=CBV2.0`.

    eventID, recordTime and errorDeclaration do not count (CBV 2.0, event hash identifiers), nor do the top fields
    whose names as sent are ignored: what a repository added of its own.
    """
    return hash_uri(pre_hash(data, context, ignored=ignored), algorithm)


def hash_uri(pre_hashed: str, algorithm: Algorithm = "sha-256") -> str:
    """The hash, as a URI, of an event whose pre-hash string is at hand."""
    return f"ni:///{algorithm};{_HASHES[algorithm](pre_hashed.encode()).hexdigest()}?ver=CBV2.0"


def pre_hash(data: Mapping[str, Any], context: Context, *, ignored: frozenset[str] = frozenset()) -> str:
    """The string that is hashed: `eventType=ObjectEvent`, then every field in canonical order, without separators."""
    parts = ["eventType=", context.expand_value(data["type"].strip())]
    counted = {name: value for name, value in data.items() if name not in ignored} if ignored else data
    parts.extend(_ordered(counted, context, _FIELDS))
    parts.extend(sorted(_unordered(counted, context)))
    return "".join(parts)


def _ordered(fields: Mapping[str, Any], context: Context, table: Mapping[str, Part]) -> list[str]:
    """The fields of a table, in its order, each as name and value; empty ones are left out."""
    return [
        name + rendered
        for name, part in table.items()
        if fields.get(name) is not None and (rendered := part(fields[name], context))
    ]


def _unordered(data: Mapping[str, Any], context: Context) -> list[str]:
    """What follows the ordered fields: three lists, ilmd and extensions."""
    parts = _ordered(data, context, _LATE_FIELDS)
    parts.extend(
        _extension(name, value, context)
        for name, value in data.items()
        if name not in _FIELDS and name not in _LATE_FIELDS and name not in _LEFT_OUT
    )
    return [part for part in parts if part]


# Single values: each renderer returns what follows the name


def _text(value: Any, _context: Context) -> str:
    if value.__class__ is bool:
        return "=true" if value else "=false"
    return "=" + (normal_decimal(value) if is_number(value) else str(value).strip())


def _time(value: str, _context: Context) -> str:
    return "=" + _milliseconds(value.strip())


def _milliseconds(text: str) -> str:
    """The time in UTC with three decimals; the fourth digit 5 to 9 rounds up."""
    time_us = parse_time_us(text)
    return format_time_us((time_us + 500) // 1000 * 1000)


def _identifier(value: str, context: Context) -> str:
    text = value.strip()
    return "=" + canonical_identifier(context.expand_value(text)) if text else ""


def _term(kind: Kind) -> Part:
    def part(value: str, context: Context) -> str:
        text = value.strip()
        full = context.expand_value(text)
        return "=" + (to_web_uri(kind, text) or to_web_uri(kind, full) or full) if text else ""

    return part


# Lists and objects


def _sorted(item_name: str, item: Part) -> Part:
    """A list: its items in code point order, each after its own name."""

    def part(value: Any, context: Context) -> str:
        entries = value if isinstance(value, list) else [value]
        return "".join(sorted(item_name + rendered for entry in entries if (rendered := item(entry, context))))

    return part


def _object(table: Mapping[str, Part], *, extensible: bool = False) -> Part:
    """An object: its regular fields in order, then its extensions in code point order."""

    def part(value: Mapping[str, Any], context: Context) -> str:
        parts = _ordered(value, context, table)
        if extensible:
            others = [_extension(name, entry, context) for name, entry in value.items() if name not in table]
            parts.extend(sorted(other for other in others if other))
        return "".join(parts)

    return part


def _repeated(name: str, item: Part) -> Part:
    """One value, or several in code point order; the name stands before each."""

    def part(value: Any, context: Context) -> str:
        entries = value if isinstance(value, list) else [value]
        return name.join(sorted(rendered for entry in entries if (rendered := item(entry, context))))

    return part


def _extension(name: str, value: Any, context: Context) -> str:
    """A field by namespace and local name with its value; comments, empty elements and nulls give nothing."""
    if name in _COMMENTS or context.expand_name(name) in _COMMENTS:
        return ""
    key = _braced(name, context)
    entries = value if isinstance(value, list) else [value]
    return "".join(sorted(key + rendered for entry in entries if (rendered := _extension_value(entry, context))))


def _extension_value(value: Any, context: Context) -> str:
    if isinstance(value, dict):
        return "".join(sorted(_extension(name, entry, context) for name, entry in value.items()))
    if isinstance(value, list):  # a list in a list has no name of its own
        return "".join(sorted(_extension_value(entry, context) for entry in value))
    if value is None or value == "":
        return ""
    return _extension_text(value, context)


def _extension_text(value: Any, context: Context) -> str:
    rendered = _text(value, context)
    return "=" + canonical_identifier(rendered[1:]) if rendered.startswith(("=urn:epc:", "=http")) else rendered


def _braced(name: str, context: Context) -> str:
    """`{namespace}local`; a name in no declared namespace stays as it is."""
    prefix, colon, local = name.partition(":")
    namespace = context.prefixes.get(prefix) if colon else None
    if namespace is None:
        return name
    return "{" + (CBVMDA if namespace == CBVMDA[:-1] else namespace) + "}" + local


_COMMENTS = frozenset({"rdfs:comment", "http://www.w3.org/2000/01/rdf-schema#comment"})
_LEFT_OUT = frozenset({"@context", "type", "eventID", "recordTime", "errorDeclaration", "id", *_COMMENTS})

_EPCS = _sorted("epc", _identifier)
_QUANTITIES = _sorted("quantityElement", _object({"epcClass": _identifier, "quantity": _text, "uom": _text}))
_PLACE = _object({"id": _identifier}, extensible=True)
_METADATA: Mapping[str, Part] = {
    "time": _time,
    "startTime": _time,
    "endTime": _time,
    "deviceID": _identifier,
    "deviceMetadata": _identifier,
    "rawData": _identifier,
    "dataProcessingMethod": _identifier,
    "bizRules": _identifier,
}
_REPORT: Mapping[str, Part] = {
    "type": _term("measurement"),
    "exception": _term("alert"),
    "deviceID": _identifier,
    "deviceMetadata": _identifier,
    "rawData": _identifier,
    "dataProcessingMethod": _identifier,
    "time": _time,
    "microorganism": _identifier,
    "chemicalSubstance": _identifier,
    "value": _text,
    "component": _term("comp"),
    "stringValue": _text,
    "booleanValue": _text,
    "hexBinaryValue": _text,
    "uriValue": _identifier,
    "minValue": _text,
    "maxValue": _text,
    "meanValue": _text,
    "sDev": _text,
    "percRank": _text,
    "percValue": _text,
    "uom": _text,
    "coordinateReferenceSystem": _identifier,
}
_SENSOR_ELEMENT = _object(
    {
        "sensorMetadata": _object(_METADATA, extensible=True),
        "sensorReport": _repeated("sensorReport", _object(_REPORT, extensible=True)),
    },
    extensible=True,
)

_FIELDS: Mapping[str, Part] = {
    "eventTime": _time,
    "eventTimeZoneOffset": _text,
    "certificationInfo": _repeated("certificationInfo", _identifier),
    "parentID": _identifier,
    "epcList": _EPCS,
    "inputEPCList": _EPCS,
    "childEPCs": _EPCS,
    "quantityList": _QUANTITIES,
    "childQuantityList": _QUANTITIES,
    "inputQuantityList": _QUANTITIES,
    "outputEPCList": _EPCS,
    "outputQuantityList": _QUANTITIES,
    "action": _text,
    "transformationID": _identifier,
    "bizStep": _term("bizstep"),
    "disposition": _term("disp"),
    "persistentDisposition": _object(
        {"set": _repeated("set", _term("disp")), "unset": _repeated("unset", _term("disp"))}
    ),
    "readPoint": _PLACE,
    "bizLocation": _PLACE,
    "sensorElementList": _sorted("sensorElement", _SENSOR_ELEMENT),
}
_LATE_FIELDS: Mapping[str, Part] = {
    "bizTransactionList": _sorted("", _object({"type": _term("btt"), "bizTransaction": _identifier})),
    "destinationList": _sorted("", _object({"type": _term("sdt"), "destination": _identifier})),
    "ilmd": _object({}, extensible=True),
    "sourceList": _sorted("", _object({"type": _term("sdt"), "source": _identifier})),
}
