"""What a row of the query's parameters is, and the rows that fixed names and families have in common.

A row says how values are read and what they contribute to a query; it never sees events, SQL or HTTP.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from traceward.epcis.parameter_values import Reading, read_number
from traceward.epcis.predicates import Attributed, NumberRange, TextPrefix, Within
from traceward.epcis.units import converted


@dataclass(frozen=True, slots=True)
class Terms:
    """What must hold in one way or another; parameters of one ``group`` unite, groups must all hold."""

    group: str
    pairs: tuple[tuple[str, str], ...]
    prefixes: tuple[TextPrefix, ...] = ()
    master_data: tuple[Within | Attributed, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of the query: ``field`` is event_time.ge_us, record_time.lt_us, order_by, descending and so on."""

    field: str
    value: int | str | bool


OPERATORS: Final = ("EQ", "GT", "GE", "LT", "LE")

Part = Terms | NumberRange | Setting | None
Make = Callable[[Sequence[str], Reading], Part]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, whether it takes a list or a single value, and what its values contribute.

    ``values``: "void" takes none or a truth value. ``make`` raises ValueError saying what was wrong and what was
    expected; the caller adds the parameter's name.
    """

    name: str
    values: Literal["list", "single", "void"]
    make: Make


@dataclass(frozen=True, slots=True)
class Family:
    """Parameters whose names begin with ``prefix``; ``bind`` makes the parameter from the rest of the name.

    ``bind`` gives None where the rest cannot belong to the family, and raises ValueError where it is a bad one.
    """

    prefix: str
    example: str
    bind: Callable[[str, str, Reading], Parameter | None]


def terms_row(name: str, read: Callable[[str, Reading], str], *keys: str, group: str = "") -> Parameter:
    """A list parameter: one of the keys has one of the values."""

    def make(values: Sequence[str], reading: Reading) -> Terms:
        found = [read(value, reading) for value in values]
        return Terms(group or name, tuple((key, value) for key in keys for value in found))

    return Parameter(name, "list", make)


def exists_row(name: str, key: str) -> Parameter:
    """A parameter that asks for presence: without a value or true; false asks for nothing."""

    def make(values: Sequence[str], _reading: Reading) -> Part:
        text = values[0] if values else ""
        if text not in {"", "true", "1", "false", "0"}:
            raise ValueError(f"has '{text}'; expected no value, or true or false")
        # EPCIS 2.0 openapi: false means no constraint, not absence.
        return None if text in {"false", "0"} else Terms(name, ((f"has:{key}", ""),))

    return Parameter(name, "void", make)


def bounded(key: str, operator: str, number: float, uom: str | None = None) -> NumberRange:
    """The range that a comparison leaves. operator: GT, GE, LE or LT."""
    return NumberRange(
        key,
        uom,
        ge=number if operator == "GE" else None,
        gt=number if operator == "GT" else None,
        le=number if operator == "LE" else None,
        lt=number if operator == "LT" else None,
    )


def number_row(name: str, operator: str, key: str, uom: str | None = None) -> Parameter:
    """A comparison of a number, in the base unit where a unit is named: EQ takes a list, the others one value."""
    base = None if uom is None else converted(key, "0", uom)[1]

    def read(text: str) -> float:
        number = read_number(text)
        return number if uom is None else converted(key, text, uom)[0]

    if operator == "EQ":
        return Parameter(name, "list", lambda values, _: NumberRange(key, base, equals=tuple(map(read, values))))
    return Parameter(name, "single", lambda values, _: bounded(key, operator, read(values[0]), base))
