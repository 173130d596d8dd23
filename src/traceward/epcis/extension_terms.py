"""Index terms of extension and ILMD fields: the part of ``terms`` whose keys are made of field names.

Takes expanded values (``identity.expand``): names are full URIs, values text, objects, or lists of both. It stores
nothing and judges nothing.
"""

import re
from typing import Any, Final

from traceward.epcis.errors import ValidationException
from traceward.epcis.times import parse_time_us

#: Where an extension field stands -> the section in its index keys.
TOP_LEVEL: Final = "ext"
ILMD: Final = "ilmd"
ERROR_DECLARATION: Final = "error"
SENSOR_ELEMENT: Final = "sensorElement"
SENSOR_METADATA: Final = "sensorMetadata"
SENSOR_REPORT: Final = "sensorReport"
READ_POINT: Final = "readPoint"
BIZ_LOCATION: Final = "bizLocation"

#: Appended to a section for fields at any depth below its own.
INNER: Final = "~inner"
#: Appended to the key of an instant among the numbers: a time is never compared with a number.
TIME: Final = "@time"

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]*)?", re.ASCII)
_LONGEST_TIME: Final = 64


_CBVMDA_1X: Final = "urn:epcglobal:cbv:mda#"
_CBVMDA: Final = "urn:epcglobal:cbv:mda:"


def field_name(name: str) -> str:
    """An expanded field name as index keys spell it: without the "#" that may join namespace and local name.

    XML and EPCIS 1.x queries name a field by two parts, JSON-LD by both written together. So what 1.x asks for as
    ``namespace#local`` finds what JSON and XML expand to ``namespacelocal``, whatever the namespace ends with.

    >>> field_name("http://ns.example/epcis#field") == field_name("http://ns.example/epcisfield")
    True
    """
    if "#" not in name:
        return name
    return name.replace(_CBVMDA_1X, _CBVMDA).replace("#", "")


def add_field_terms(section: str, name: str, value: Any, terms: list[tuple[str, str]]) -> None:
    """Append the pairs of one field: "has:<section>:<name>", "<section>:<name>" per text, and its inner fields."""
    key = f"{section}:{field_name(name)}"
    terms.append((f"has:{key}", ""))
    if value.__class__ is str:
        terms.append((key, value))
        return
    inner = section if section.endswith(INNER) else section + INNER
    for item in value if value.__class__ is list else (value,):
        if item.__class__ is str:
            terms.append((key, item))
        elif item.__class__ is dict:
            for inner_name, inner_value in item.items():
                add_field_terms(inner, inner_name, inner_value, terms)
        else:
            add_field_terms(section, name, item, terms)


def add_field_numbers(section: str, name: str, value: Any, numbers: list[tuple[str, float, str | None]]) -> None:
    """Append the numbers of one field: decimal text as a double, date-times in microseconds under "...@time"."""
    if value.__class__ is str:
        _add_number(f"{section}:{field_name(name)}", value, numbers)
        return
    inner = section if section.endswith(INNER) else section + INNER
    for item in value if value.__class__ is list else (value,):
        if item.__class__ is dict:
            for inner_name, inner_value in item.items():
                add_field_numbers(inner, inner_name, inner_value, numbers)
        else:
            add_field_numbers(section, name, item, numbers)


def _add_number(key: str, text: str, numbers: list[tuple[str, float, str | None]]) -> None:
    if text[:1] not in "+-0123456789" or not text:
        return
    if _NUMBER.fullmatch(text):
        numbers.append((key, float(text), None))
        return
    time_us = instant(text)
    if time_us is not None:
        numbers.append((key + TIME, float(time_us), None))


def instant(text: str) -> int | None:
    """The microseconds since 1970 UTC that a field's text names; None where it is no date-time with a zone."""
    if len(text) > _LONGEST_TIME or text[4:5] != "-" or ":" not in text:
        return None
    try:
        return parse_time_us(text)
    except ValidationException:
        return None  # looks like a time and is none: text alone
