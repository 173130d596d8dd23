"""Index terms of one event: the (key, value) pairs, numbers and vocabulary by which queries find it.

Takes the expanded form of an event (``identity.expand``); it never reads raw JSON, hashes nothing and stores nothing.
This is on the hot path of capture: tables of handlers keyed by field name, one pass over the fields present.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from traceward.epcis import extension_terms as fields
from traceward.epcis.predicates import ALL_EVENTS
from traceward.epcis.units import converted

Pair = tuple[str, str]
Number = tuple[str, float, str | None]
Expanded = Mapping[str, Any]

_ID_HOST: Final = "https://id.gs1.org/"
_HOST_WIDTH: Final = len(_ID_HOST)

#: Key qualifiers follow a slash: the class ends with the last one. EPCIS digest 5.
_SLASHED_KEYS: Final = frozenset({"01", "8006", "414", "8010"})
#: The serial follows these keys at once: the class has this many digits.
_FIXED_KEYS: Final = {"8003": 14, "253": 13, "255": 13}


def class_prefix(identifier: str) -> str | None:
    """The part of a canonical identifier that all instances of its class begin with, or None where there is none.

    identifier: canonical Digital Link. A lot or serial of a GTIN yields the text up to and with the slash before it.

    >>> class_prefix("https://id.gs1.org/01/09521141010235/21/V23-0007")
    'https://id.gs1.org/01/09521141010235/21/'
    >>> class_prefix("https://id.gs1.org/8003/04012345123457789")
    'https://id.gs1.org/8003/04012345123457'
    >>> class_prefix("https://id.gs1.org/01/09521141010235") is None
    True
    """
    if not identifier.startswith(_ID_HOST):
        return None
    slash = identifier.find("/", _HOST_WIDTH)
    key = identifier[_HOST_WIDTH:slash]
    if key in _SLASHED_KEYS:
        last = identifier.rfind("/")
        return identifier[: last + 1] if last > slash else None
    width = _FIXED_KEYS.get(key)
    if width is None or len(identifier) <= slash + 1 + width:
        return None
    return identifier[: slash + 1 + width]


def event_terms(expanded: Expanded) -> list[Pair]:
    """The distinct (key, value) pairs of an event, in no fixed order.

    Keys: "*" (all events), eventType, action, bizStep, disposition, persistentDisposition_set and _unset, readPoint,
    bizLocation, epc (epcList and childEPCs), parentID, inputEPC, outputEPC, epcClass (quantityList and
    childQuantityList), inputEPCClass, outputEPCClass, each EPC key with "~class" for the class prefixes of its ids,
    transformationID, eventID, bizTransaction:<type>, source:<type>, destination:<type>, errorReason,
    correctiveEventID, has:errorDeclaration, has:sensorElement, and the sensor fields by name. An entry of
    bizTransactionList without type has the key "bizTransaction:". Extension fields: ``extension_terms``.
    """
    terms: list[Pair] = [ALL_EVENTS]
    for field, value in expanded.items():
        handler = _TERM_HANDLERS.get(field)
        if handler is not None:
            handler(value, terms)
        elif ":" in field:
            fields.add_field_terms(fields.TOP_LEVEL, field, value, terms)
    return list(dict.fromkeys(terms))


def event_numbers(expanded: Expanded) -> list[Number]:
    """The distinct (key, number, unit) rows of an event for range queries.

    Numbers are doubles, instants microseconds since 1970 UTC. A number with a unit of measure is given twice: as it is
    with None, since GE_quantity and the like ignore the unit, and converted with its base unit (``units``).
    """
    numbers: list[Number] = []
    for field, value in expanded.items():
        handler = _NUMBER_HANDLERS.get(field)
        if handler is not None:
            handler(value, numbers)
        elif ":" in field:
            fields.add_field_numbers(fields.TOP_LEVEL, field, value, numbers)
    return list(dict.fromkeys(numbers))


def vocabulary_terms(expanded: Expanded) -> list[Pair]:
    """The (kind, value) pairs that an event adds to its viewers' vocabularies.

    Kinds: eventTypes, epcs (every instance: lists, parent, inputs and outputs), bizSteps, bizLocations, readPoints,
    dispositions as the top-level resources list them; epcClasses, which only pattern queries range over; and what
    master data may describe besides: named (sources, destinations, what sensors name) and bizTransactions, each entry
    the id, a tab, and the key of its term.
    """
    vocabulary: list[Pair] = []
    for field, value in expanded.items():
        entry = _VOCABULARY.get(field)
        if entry is not None:
            kind, values_of = entry
            vocabulary.extend((kind, member) for member in values_of(value))
    return list(dict.fromkeys(vocabulary))


TermHandler = Callable[[Any, list[Pair]], None]
NumberHandler = Callable[[Any, list[Number]], None]


def _word(key: str) -> TermHandler:
    def handler(value: str, terms: list[Pair]) -> None:
        terms.append((key, value))

    return handler


def _place(key: str) -> TermHandler:
    def handler(value: Mapping[str, Any], terms: list[Pair]) -> None:
        for name, member in value.items():
            if name == "id":
                terms.append((key, member))
            else:
                fields.add_field_terms(key, name, member, terms)

    return handler


def _instances(key: str) -> TermHandler:
    class_key = key + "~class"

    def handler(value: list[str], terms: list[Pair]) -> None:
        last = ""
        for identifier in value:
            terms.append((key, identifier))
            # Sorted lists keep one class together: most ids repeat the class just seen.
            if last and identifier.startswith(last):
                continue
            prefix = class_prefix(identifier)
            if prefix is not None:
                terms.append((class_key, prefix))
                last = prefix

    return handler


def _parent(value: str, terms: list[Pair]) -> None:
    terms.append(("parentID", value))
    prefix = class_prefix(value)
    if prefix is not None:
        terms.append(("parentID~class", prefix))


def _classes(key: str) -> TermHandler:
    class_key = key + "~class"

    def handler(value: list[Mapping[str, Any]], terms: list[Pair]) -> None:
        for element in value:
            identifier = element["epcClass"]
            terms.append((key, identifier))
            prefix = class_prefix(identifier)
            if prefix is not None:
                terms.append((class_key, prefix))

    return handler


def _typed(list_key: str, value_field: str) -> TermHandler:
    def handler(value: list[Mapping[str, Any]], terms: list[Pair]) -> None:
        terms.extend((f"{list_key}:{entry.get('type', '')}", entry[value_field]) for entry in value)

    return handler


def _persistent_disposition(value: Mapping[str, Any], terms: list[Pair]) -> None:
    for side in ("set", "unset"):
        terms.extend((f"persistentDisposition_{side}", member) for member in value.get(side, ()))


def _error_declaration(value: Mapping[str, Any], terms: list[Pair]) -> None:
    terms.append(("has:errorDeclaration", ""))
    if "reason" in value:
        terms.append(("errorReason", value["reason"]))
    terms.extend(("correctiveEventID", event_id) for event_id in value.get("correctiveEventIDs", ()))
    _extensions(fields.ERROR_DECLARATION, value, terms)


def _ilmd(value: Mapping[str, Any], terms: list[Pair]) -> None:
    for name, member in value.items():
        fields.add_field_terms(fields.ILMD, name, member, terms)


def _extensions(section: str, value: Mapping[str, Any], terms: list[Pair]) -> None:
    """The extension fields of a record that has standard fields too: their names are URIs."""
    for name, member in value.items():
        if ":" in name:
            fields.add_field_terms(section, name, member, terms)


_SENSOR_METADATA_TEXTS: Final = ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules")
_SENSOR_REPORT_TEXTS: Final = (
    "type",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
    "microorganism",
    "chemicalSubstance",
    "stringValue",
    "uriValue",
)


def _sensor_elements(value: list[Mapping[str, Any]], terms: list[Pair]) -> None:
    terms.append(("has:sensorElement", ""))
    for element in value:
        metadata = element.get("sensorMetadata", {})
        terms.extend((field, metadata[field]) for field in _SENSOR_METADATA_TEXTS if field in metadata)
        _extensions(fields.SENSOR_ELEMENT, element, terms)
        _extensions(fields.SENSOR_METADATA, metadata, terms)
        for report in element.get("sensorReport", ()):
            _extensions(fields.SENSOR_REPORT, report, terms)
            terms.extend((field, report[field]) for field in _SENSOR_REPORT_TEXTS if field in report)
            if "hexBinaryValue" in report:
                terms.append(("hexBinaryValue", hex_binary(report["hexBinaryValue"])))
            if "booleanValue" in report:
                terms.append(("booleanValue", "true" if report["booleanValue"] in {True, "true"} else "false"))


def hex_binary(text: str) -> str:
    """The value of hexadecimal digits: those of either case are the same. XML Schema 1.1 part 2, 3.3.15.

    >>> hex_binary("f0f0") == hex_binary("F0F0")
    True
    """
    return text.upper()


_TERM_HANDLERS: Final[dict[str, TermHandler]] = {
    "type": _word("eventType"),
    "eventID": _word("eventID"),
    "action": _word("action"),
    "bizStep": _word("bizStep"),
    "disposition": _word("disposition"),
    "persistentDisposition": _persistent_disposition,
    "readPoint": _place("readPoint"),
    "bizLocation": _place("bizLocation"),
    "epcList": _instances("epc"),
    "childEPCs": _instances("epc"),
    "inputEPCList": _instances("inputEPC"),
    "outputEPCList": _instances("outputEPC"),
    "parentID": _parent,
    "quantityList": _classes("epcClass"),
    "childQuantityList": _classes("epcClass"),
    "inputQuantityList": _classes("inputEPCClass"),
    "outputQuantityList": _classes("outputEPCClass"),
    "transformationID": _word("transformationID"),
    "bizTransactionList": _typed("bizTransaction", "bizTransaction"),
    "sourceList": _typed("source", "source"),
    "destinationList": _typed("destination", "destination"),
    "errorDeclaration": _error_declaration,
    "sensorElementList": _sensor_elements,
    "ilmd": _ilmd,
}


def _quantities(value: list[Mapping[str, Any]], numbers: list[Number]) -> None:
    for element in value:
        if "quantity" in element:
            _add_number("quantity", element["quantity"], element.get("uom"), numbers)


def _declaration_time(value: Mapping[str, Any], numbers: list[Number]) -> None:
    if "declarationTime" in value:
        numbers.append(("errorDeclarationTime", float(value["declarationTime"]), None))
    _extension_numbers(fields.ERROR_DECLARATION, value, numbers)


def _section_numbers(section: str) -> NumberHandler:
    def handler(value: Mapping[str, Any], numbers: list[Number]) -> None:
        for name, member in value.items():
            if name != "id":
                fields.add_field_numbers(section, name, member, numbers)

    return handler


def _extension_numbers(section: str, value: Mapping[str, Any], numbers: list[Number]) -> None:
    for name, member in value.items():
        if ":" in name:
            fields.add_field_numbers(section, name, member, numbers)


_REPORT_NUMBERS: Final = ("value", "minValue", "maxValue", "meanValue", "sDev", "percValue")


def _sensor_numbers(value: list[Mapping[str, Any]], numbers: list[Number]) -> None:
    for element in value:
        metadata = element.get("sensorMetadata", {})
        times = ("time", "startTime", "endTime")
        numbers.extend((field, float(metadata[field]), None) for field in times if field in metadata)
        _extension_numbers(fields.SENSOR_ELEMENT, element, numbers)
        _extension_numbers(fields.SENSOR_METADATA, metadata, numbers)
        for report in element.get("sensorReport", ()):
            _extension_numbers(fields.SENSOR_REPORT, report, numbers)
            if "time" in report:
                numbers.append(("time", float(report["time"]), None))
            if "percRank" in report:
                numbers.append(("percRank", float(report["percRank"]), None))
            for field in _REPORT_NUMBERS:
                if field in report:
                    _add_number(field, report[field], report.get("uom"), numbers)


def _add_number(key: str, text: str, uom: str | None, numbers: list[Number]) -> None:
    number = float(text)
    numbers.append((key, number, None))
    if uom is not None:
        in_base, base = converted(key, text, uom)
        numbers.append((key, in_base, base))


_NUMBER_HANDLERS: Final[dict[str, NumberHandler]] = {
    "quantityList": _quantities,
    "childQuantityList": _quantities,
    "inputQuantityList": _quantities,
    "outputQuantityList": _quantities,
    "errorDeclaration": _declaration_time,
    "sensorElementList": _sensor_numbers,
    "ilmd": _section_numbers(fields.ILMD),
    "readPoint": _section_numbers(fields.READ_POINT),
    "bizLocation": _section_numbers(fields.BIZ_LOCATION),
}


def _itself(value: str) -> tuple[str, ...]:
    return (value,)


def _members(value: list[str]) -> list[str]:
    return value


def _place_id(value: Mapping[str, Any]) -> tuple[str, ...]:
    return (value["id"],) if "id" in value else ()


def _class_ids(value: list[Mapping[str, Any]]) -> list[str]:
    return [element["epcClass"] for element in value]


def _typed_ids(list_key: str, value_field: str) -> Callable[[list[Mapping[str, Any]]], list[str]]:
    def values(value: list[Mapping[str, Any]]) -> list[str]:
        return [f"{entry[value_field]}\t{list_key}:{entry.get('type', '')}" for entry in value]

    return values


#: What sensors name that master data may describe.
SENSOR_IDS: Final = (
    "microorganism",
    "chemicalSubstance",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
)


def _sensor_ids(value: list[Mapping[str, Any]]) -> list[str]:
    parts = [
        part for element in value for part in (element.get("sensorMetadata", {}), *element.get("sensorReport", ()))
    ]
    return [f"{part[field]}\t{field}" for part in parts for field in SENSOR_IDS if field in part]


_VOCABULARY: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "type": ("eventTypes", _itself),
    "epcList": ("epcs", _members),
    "childEPCs": ("epcs", _members),
    "inputEPCList": ("epcs", _members),
    "outputEPCList": ("epcs", _members),
    "parentID": ("epcs", _itself),
    "bizStep": ("bizSteps", _itself),
    "disposition": ("dispositions", _itself),
    "bizLocation": ("bizLocations", _place_id),
    "readPoint": ("readPoints", _place_id),
    "quantityList": ("epcClasses", _class_ids),
    "childQuantityList": ("epcClasses", _class_ids),
    "inputQuantityList": ("epcClasses", _class_ids),
    "outputQuantityList": ("epcClasses", _class_ids),
    "sourceList": ("named", _typed_ids("source", "source")),
    "destinationList": ("named", _typed_ids("destination", "destination")),
    "sensorElementList": ("named", _sensor_ids),
    "bizTransactionList": ("bizTransactions", _typed_ids("bizTransaction", "bizTransaction")),
}
