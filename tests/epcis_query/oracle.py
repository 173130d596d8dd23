"""The naive evaluator of the query language: raw parameters and a raw JSON event in, true or false out.

Written from the wording of the parameters alone; shares no table, term or predicate with the code under test.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from traceward.gs1.epc_uri import canonical_identifier, identifier_kind

Event = Mapping[str, Any]
#: Canonical id -> attribute -> value: master data.
Declared = Mapping[str, Mapping[str, str]]

PREFIXES = {
    "ex": "https://ex.example/ns/",
    "mcx": "https://ns.traceward.org/consignment/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def word(text: str) -> str:
    """The bare word of a CBV value in any form; a private URI is itself."""
    found = re.fullmatch(
        r"(?:urn:epcglobal:cbv:[a-z]+:|https://ref\.gs1\.org/cbv/[A-Za-z]+-|https://gs1\.org/voc/)(.+)", text
    )
    return full_name(found.group(1) if found else text)


def full_name(text: str) -> str:
    prefix, colon, local = text.partition(":")
    return PREFIXES[prefix] + local if colon and prefix in PREFIXES else text


def same_id(left: str, right: str) -> bool:
    return canonical_identifier(left) == canonical_identifier(right)


def epc_matches(pattern: str, epc: str, *, classes: bool) -> bool:
    """Whether one stored id answers one MATCH_ value: component by component, `*` is anything."""
    found = re.fullmatch(r"urn:epc:idpat:([a-z]+):(.*)", pattern)
    if found is None or "*" not in found.group(2):
        return same_id(pattern.replace(":idpat:", ":id:"), epc)
    scheme, components = found.group(1), found.group(2).split(".")
    if classes and same_id(pattern, epc):
        return True
    kind = identifier_kind(canonical_identifier(epc))
    wanted = {scheme, "lgtin", "gtin"} if classes and scheme == "sgtin" else {scheme}
    if kind.kind not in wanted or kind.key is None:
        return False
    # The digits as the URN orders them: company prefix first, indicator or extension digit behind it.
    company = components[0]
    if company == "*":
        return True
    key = kind.key
    if scheme in {"sgtin", "lgtin", "sscc", "itip", "upui"}:
        lead, digits = key[0], key[1:-1]
    else:
        lead, digits = "", (key[1:-1] if scheme == "grai" else key if scheme == "giai" else key[:-1])
    if not digits.startswith(company):
        return False
    reference = lead + digits[len(company) :]
    rest = [reference, kind.extension or kind.serial or kind.lot or kind.tpx or ""][: len(components) - 1]
    return all(part in ("*", value) for part, value in zip(components[1:], rest, strict=False))


def any_of(values: Iterable[str], test: Callable[[str], bool]) -> bool:
    return any(test(value) for value in values)


def ids(event: Event, *fields: str) -> Iterator[str]:
    for field in fields:
        value = event.get(field, [])
        yield from [value] if isinstance(value, str) else value


def quantities(event: Event, *fields: str) -> Iterator[Mapping[str, Any]]:
    for field in fields:
        yield from event.get(field, [])


def sensor_parts(event: Event) -> Iterator[Mapping[str, Any]]:
    for element in event.get("sensorElementList", []):
        yield element.get("sensorMetadata", {})
        yield from element["sensorReport"]


EPC_LISTS = {
    "epc": ("epcList", "childEPCs"),
    "parentID": ("parentID",),
    "inputEPC": ("inputEPCList",),
    "outputEPC": ("outputEPCList",),
    "anyEPC": ("epcList", "childEPCs", "parentID", "inputEPCList", "outputEPCList"),
}
CLASS_LISTS = {
    "epcClass": ("quantityList", "childQuantityList"),
    "inputEPCClass": ("inputQuantityList",),
    "outputEPCClass": ("outputQuantityList",),
    "anyEPCClass": ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"),
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "GE": lambda a, b: a >= b, "GT": lambda a, b: a > b, "LE": lambda a, b: a <= b, "LT": lambda a, b: a < b,
    "EQ": lambda a, b: a == b,
}  # fmt: skip
SENSOR_IDS = {
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "microorganism",
    "chemicalSubstance",
    "bizRules",
    "uriValue",
}
NUMBERS = {"value", "minValue", "maxValue", "meanValue", "sDev", "percValue"}


def number(value: Any) -> float:
    return float(Decimal(str(value)))


SCALES: dict[str, Callable[[Fraction], tuple[str, Fraction]]] = {
    "CEL": lambda x: ("temperature", x),
    "KEL": lambda x: ("temperature", x - Fraction("273.15")),
    "FAH": lambda x: ("temperature", (x - 32) / Fraction("1.8")),
    "KGM": lambda x: ("mass", x),
    "GRM": lambda x: ("mass", x / 1000),
}


def compares(operator: str, stored: Any, stored_uom: str | None, asked: str, asked_uom: str | None) -> bool:
    """Whether a stored number answers a bound: whatever its unit where none is asked for, else in like units."""
    left, right = Fraction(str(stored)), Fraction(asked)
    if asked_uom is None:
        return COMPARE[operator](left, right)
    if stored_uom is None:
        return False
    kind, left = SCALES.get(stored_uom, lambda x: (stored_uom, x))(left)
    asked_kind, right = SCALES.get(asked_uom, lambda x: (asked_uom, x))(right)
    return kind == asked_kind and COMPARE[operator](left, right)


def flatten(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from flatten(item)
    else:
        yield value


def top_fields(record: Mapping[str, Any], name: str) -> Iterator[Any]:
    for key, value in record.items():
        if full_name(key) == name:
            yield from flatten(value)


def inner_fields(record: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Fields of that name at any depth below the record's own fields."""
    for value in record.values():
        for item in flatten(value):
            if isinstance(item, dict):
                yield from top_fields(item, name)
                yield from inner_fields(item, name)


def extension_values(event: Event, where: str, name: str) -> list[Any]:
    inner = where.startswith("INNER_")
    section = where.removeprefix("INNER_")
    find = inner_fields if inner else top_fields
    if section == "ILMD_":
        return list(find(event.get("ilmd", {}), name))
    extensions = {key: value for key, value in event.items() if ":" in key}
    return list(find(extensions, name))


def comparable(value: Any) -> Decimal | datetime | None:
    text = str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return Decimal(text)
    try:
        return instant(text) if "T" in text else None
    except ValueError:
        return None


def extension_holds(operator: str, values: list[str], found: list[Any]) -> bool:
    if operator == "EXISTS":
        return bool(found)
    leaves = [value for value in found if not isinstance(value, dict)]
    if operator == "EQ":
        instants = [comparable(value) for value in values]
        if all(isinstance(one, datetime) for one in instants):
            return any(comparable(leaf) in instants for leaf in leaves)
        # Numbers have one normal form; a text that is such a form is that number, as it is in XML.
        texts = {leaf if isinstance(leaf, str) else normal(leaf) for leaf in leaves}
        return any(value in texts or (is_decimal(value) and normal(value) in texts) for value in values)
    bound = comparable(values[0])
    return any(type(comparable(leaf)) is type(bound) and COMPARE[operator](comparable(leaf), bound) for leaf in leaves)


def normal(value: Any) -> str:
    return format(Decimal(value).normalize(), "f")


def is_decimal(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def described(event: Event, field: str) -> Iterator[str]:
    """The ids in a field that master data may describe."""
    if field in {"readPoint", "bizLocation"}:
        yield from [event[field]["id"]] if field in event else []
    elif field == "epcClass":
        yield from (element["epcClass"] for element in quantities(event, *CLASS_LISTS["anyEPCClass"]))
    elif field == "bizTransaction":
        yield from (entry["bizTransaction"] for entry in event.get("bizTransactionList", []))
    elif field in {"source", "destination"}:
        yield from (entry[field] for entry in event.get(f"{field}List", []))
    elif field == "sourceDest":
        yield from (*described(event, "source"), *described(event, "destination"))
    elif field in {"microorganism", "chemicalSubstance"}:
        yield from (part[field] for part in sensor_parts(event) if field in part)
    elif field == "resource":
        names = ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules")
        yield from (part[name] for part in sensor_parts(event) for name in names if name in part)
    else:
        parties = {"owning_party", "possessing_party"}
        entries = [(one, one["source"]) for one in event.get("sourceList", [])]
        entries += [(one, one["destination"]) for one in event.get("destinationList", [])]
        types = parties if field == "party" else {"location"}
        yield from (value for entry, value in entries if word(entry["type"]) in types)
        if field == "location":
            yield from (*described(event, "readPoint"), *described(event, "bizLocation"))


def product(identifier: str) -> str:
    """The GTIN of a lot or item; anything else is itself."""
    found = re.fullmatch(r"(https://id\.gs1\.org/01/[0-9]{14})/.*", identifier)
    return found.group(1) if found else identifier


def attributes(event: Event, field: str, name: str, declared: Declared) -> list[str]:
    """The values that an attribute has for what a field names; a lot has what its product has."""
    own = {full_name(name), full_name(name).replace("cbv:mda#", "cbv:mda:")}
    found: list[str] = []
    for identifier in map(canonical_identifier, described(event, field)):
        for one in {identifier, product(identifier)}:
            found += [value for key, value in declared.get(one, {}).items() if key in own]
    return found


def holds(name: str, values: list[str], event: Event, children: Mapping[str, list[str]], declared: Declared) -> bool:
    """Whether the event satisfies one parameter."""
    operator, _, rest = name.partition("_")
    if operator == "HASATTR":
        return any(attributes(event, rest, value, declared) for value in values)
    if operator == "EQATTR" or rest.startswith("ATTR_"):
        field, _, attribute = rest.removeprefix("ATTR_").partition("_")
        return any(value in values for value in attributes(event, field, attribute, declared))
    declaration = event.get("errorDeclaration")
    if name == "eventType":
        return event["type"] in values
    if rest == "eventTime":
        return COMPARE[operator](instant(event["eventTime"]), instant(values[0]))
    if rest == "action":
        return event.get("action") in values
    if rest in {"bizStep", "disposition"}:
        return rest in event and any_of(values, lambda value: word(value) == word(event[rest]))
    if rest.startswith("persistentDisposition_"):
        side = event.get("persistentDisposition", {}).get(rest.rpartition("_")[2], [])
        return any(word(value) == word(member) for value in values for member in side)
    if rest in {"readPoint", "bizLocation"}:
        wanted = [canonical_identifier(value) for value in values]
        if operator == "WD":
            for identifier in wanted:  # grows while it is walked: the children's children too
                wanted.extend(child for child in children.get(identifier, []) if child not in wanted)
        return rest in event and canonical_identifier(event[rest]["id"]) in wanted
    if rest == "transformationID":
        return rest in event and any_of(values, lambda value: same_id(value, event[rest]))
    if operator == "MATCH" and rest in EPC_LISTS:
        return any(epc_matches(value, epc, classes=False) for value in values for epc in ids(event, *EPC_LISTS[rest]))
    if operator == "MATCH":
        elements = list(quantities(event, *CLASS_LISTS[rest]))
        return any(epc_matches(value, element["epcClass"], classes=True) for value in values for element in elements)
    if rest == "quantity" or rest.startswith("quantity_"):
        uom = rest[9:] or None
        found = [element for element in quantities(event, *CLASS_LISTS["anyEPCClass"]) if "quantity" in element]
        return any(
            compares(operator, element["quantity"], element.get("uom"), value, uom)
            for element in found
            for value in values
        )
    if rest == "eventID":
        return event.get("eventID") in values
    if name == "EXISTS_errorDeclaration":
        return values[0] == "false" or declaration is not None
    if name in {"EXISTS_sensorElement", "EXISTS_sensorElementList"}:
        return values[0] == "false" or "sensorElementList" in event
    if rest in {"errorDeclarationTime", "errorDeclaration_Time"}:
        return declaration is not None and COMPARE[operator](
            instant(declaration["declarationTime"]), instant(values[0])
        )
    if rest == "errorReason":
        return declaration is not None and any(word(declaration.get("reason", "-")) == word(value) for value in values)
    if rest == "correctiveEventID":
        return declaration is not None and any(value in declaration.get("correctiveEventIDs", []) for value in values)
    if rest in {"time", "startTime", "endTime"}:
        return any(
            rest in part and COMPARE[operator](instant(part[rest]), instant(values[0])) for part in sensor_parts(event)
        )
    if rest == "type":
        return any(word(part.get("type", "-")) == word(value) for part in sensor_parts(event) for value in values)
    if rest in SENSOR_IDS:
        return any(rest in part and same_id(part[rest], value) for part in sensor_parts(event) for value in values)
    if rest == "hexBinaryValue":
        return any(part.get(rest, "-").lower() == value.lower() for part in sensor_parts(event) for value in values)
    if rest == "stringValue":
        return any(part.get(rest) == value for part in sensor_parts(event) for value in values)
    if rest == "booleanValue":
        return any(part.get(rest) is (values[0] == "true") for part in sensor_parts(event))
    if rest == "percRank" or rest in {"sDev", "percValue"}:
        return any(
            rest in part and COMPARE[operator](number(part[rest]), number(value))
            for part in sensor_parts(event)
            for value in values
        )
    field, _, uom = rest.partition("_")
    if field in NUMBERS:
        return any(
            field in part and compares(operator, part[field], part.get("uom"), value, uom)
            for part in sensor_parts(event)
            for value in values
        )
    for list_field, key in (("bizTransaction", "bizTransaction"), ("source", "source"), ("destination", "destination")):
        if field == list_field:
            return any(
                word(entry.get("type", "-")) == word(uom) and same_id(entry[key], value)
                for entry in event.get(f"{list_field}List", [])
                for value in values
            )
    section = re.match(r"(INNER_)?(ILMD_)?", rest)
    assert section is not None
    where = section.group()
    return extension_holds(operator, values, extension_values(event, where, full_name(rest[len(where) :])))


def answers(
    params: Mapping[str, list[str]], event: Event, children: Mapping[str, list[str]], declared: Declared
) -> bool:
    """Whether the event answers all parameters; EQ_ and WD_ of one field unite."""
    united: dict[str, bool] = {}
    for name, values in params.items():
        operator, _, field = name.partition("_")
        group = field if operator in {"EQ", "WD"} and field in {"readPoint", "bizLocation"} else name
        united[group] = united.get(group, False) or holds(name, values, event, children, declared)
    return all(united.values())
