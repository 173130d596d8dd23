"""The values of query parameters: one reader a kind of value, from text to what the index compares.

A reader raises ValueError saying what was wrong and what was expected; it knows neither parameters nor events.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from traceward.epcis.errors import ValidationException
from traceward.epcis.extension import Context
from traceward.epcis.master_data import attribute_name
from traceward.epcis.terms import hex_binary
from traceward.epcis.times import parse_time_us
from traceward.epcis.vocabulary import Kind, in_standard_namespace, nearest, to_bare
from traceward.gs1.epc_uri import canonical_identifier

EVENT_TYPES: Final = ("ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent")
ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")


@dataclass(frozen=True, slots=True)
class Reading:
    """What values are read with: the prefixes in force."""

    context: Context


def read_word(kind: Kind) -> Callable[[str, Reading], str]:
    """A reader of vocabulary values: a standard word in any of its forms, or a private URI or CURIE."""

    def read(text: str, reading: Reading) -> str:
        word = to_bare(kind, text)
        if word is not None:
            return word
        name = None if in_standard_namespace(text) else reading.context.expand_name(text)
        if name is None:
            hint = nearest(kind, text)
            expected = "a word of the CBV, or a URI or CURIE whose prefix is declared"
            raise ValueError(f"has '{text}'; expected {expected}{f'; did you mean {hint}?' if hint else ''}")
        return to_bare(kind, name) or name

    return read


def read_identifier(text: str, reading: Reading) -> str:
    """The canonical form of an identifier in either spelling."""
    if ":" not in text:
        raise ValueError(f"has '{text}'; expected a URI")
    return canonical_identifier(reading.context.expand_value(text))


def read_event_type(text: str, reading: Reading) -> str:
    """One of the five event types, or the expanded name of an extension type."""
    name = text if text in EVENT_TYPES else reading.context.expand_name(text)
    if name is None:
        raise ValueError(f"has '{text}'; expected one of {', '.join(EVENT_TYPES)}, or a declared CURIE or URI")
    bare = name.removeprefix("https://ref.gs1.org/epcis/")
    return bare if bare in EVENT_TYPES else name


def read_action(text: str, _reading: Reading) -> str:
    """ADD, OBSERVE or DELETE."""
    if text not in ACTIONS:
        raise ValueError(f"has '{text}'; expected ADD, OBSERVE or DELETE")
    return text


def read_text(text: str, _reading: Reading) -> str:
    """The value as it stands."""
    return text


def read_hex_binary(text: str, _reading: Reading) -> str:
    """The value of hexadecimal digits, of either case."""
    return hex_binary(text)


def read_event_id(text: str, reading: Reading) -> str:
    """The id of another event, a CURIE written out."""
    return reading.context.expand_value(text)


def read_boolean(text: str, _reading: Reading) -> str:
    """The word true or false."""
    if text not in {"true", "false"}:
        raise ValueError(f"has '{text}'; expected true or false")
    return text


def read_time(text: str) -> int:
    """An instant in microseconds since 1970 UTC."""
    try:
        return parse_time_us(text)
    except ValidationException as error:
        hint = "; in a URL write the plus sign as %2B" if re.search(r" \d\d:\d\d$", text) else ""
        raise ValueError(f"has '{text}'; expected a date-time with zone as 2026-06-30T12:00:00Z{hint}") from error


NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def read_number(text: str) -> float:
    """A finite decimal number as a double."""
    number = float(text) if NUMBER.fullmatch(text) and len(text) <= 400 else float("inf")
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"has '{text}'; expected a number")
    return number


def read_count(text: str) -> int:
    """A whole number from 1."""
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) == 0:
        raise ValueError(f"has '{text}'; expected a whole number from 1 to 999999999")
    return int(text)


def read_attribute(text: str, reading: Reading) -> str:
    """The name of a master data attribute: a URI, a CURIE, or a bare word of the CBV's own."""
    return attribute_name(reading.context.expand_name(text) or text)
