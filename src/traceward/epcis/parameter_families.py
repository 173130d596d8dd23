"""The parameters of SimpleEventQuery whose names go on: a type, a unit, an extension field, an attribute.

A family binds the rest of the name, which is part of the question. EPCIS 2.0 8.2.7.1.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from traceward.epcis import extension_terms as fields
from traceward.epcis.decimals import normal_decimal
from traceward.epcis.master_data import FIELD_NAMES
from traceward.epcis.parameter_rows import (
    OPERATORS,
    Family,
    Make,
    Parameter,
    Terms,
    bounded,
    exists_row,
    number_row,
    terms_row,
)
from traceward.epcis.parameter_values import (
    NUMBER,
    Reading,
    read_attribute,
    read_identifier,
    read_number,
    read_time,
    read_word,
)
from traceward.epcis.predicates import Attributed, NumberRange
from traceward.epcis.vocabulary import Kind


def _typed_family(list_key: str, kind: Kind, example: str) -> Family:
    def bind(name: str, rest: str, reading: Reading) -> Parameter:
        try:
            word = read_word(kind)(rest, reading)
        except ValueError as error:
            raise ValueError(f"names a type that {error}") from error
        return terms_row(name, read_identifier, f"{list_key}:{word}")

    return Family(f"EQ_{list_key}_", example, bind)


_NUMBER_FIELDS: Final = ("value", "minValue", "maxValue", "meanValue", "sDev", "percValue", "quantity")
_UOM: Final = re.compile(r"[A-Z0-9]{2,3}", re.ASCII)


def _unit_family(operator: str, field: str) -> Family:
    def bind(name: str, rest: str, _reading: Reading) -> Parameter:
        if not _UOM.fullmatch(rest):
            raise ValueError(f"names the unit '{rest}'; expected a UN/CEFACT Rec 20 code such as CEL")
        return number_row(name, operator, field, rest)

    return Family(f"{operator}_{field}_", f"{operator}_{field}_CEL", bind)


#: How the section of an extension field is spelt in parameter names -> its section in index keys. EPCIS 2.0 8.2.7.1.
_SECTIONS: Final = {
    "": fields.TOP_LEVEL,
    "ILMD_": fields.ILMD,
    "ERROR_DECLARATION_": fields.ERROR_DECLARATION,
    "SENSORELEMENT_": fields.SENSOR_ELEMENT,
    "SENSORMETADATA_": fields.SENSOR_METADATA,
    "SENSORREPORT_": fields.SENSOR_REPORT,
    "readPoint_": fields.READ_POINT,
    "bizLocation_": fields.BIZ_LOCATION,
}


def _field_values(key: str) -> Make:
    """Equality of an extension field: the text, the number whatever its spelling, or the instant whatever its zone."""

    def make(values: Sequence[str], _reading: Reading) -> Terms | NumberRange:
        instants = [fields.instant(value) for value in values]
        if None not in instants:
            return NumberRange(key + fields.TIME, equals=tuple(float(one) for one in instants if one is not None))
        texts: list[str] = []
        for value in values:
            texts.append(value)
            if NUMBER.fullmatch(value) and len(value) <= 64:
                texts.append(normal_decimal(Decimal(value)))
        return Terms(key, tuple((key, text) for text in dict.fromkeys(texts)))

    return make


def _field_bound(key: str, operator: str) -> Make:
    """A comparison of an extension field: the parameter's type, number or time, is the type that fields must have."""

    def make(values: Sequence[str], _reading: Reading) -> NumberRange:
        text = values[0]
        if NUMBER.fullmatch(text):
            return bounded(key, operator, read_number(text))
        try:
            return bounded(key + fields.TIME, operator, float(read_time(text)))
        except ValueError as error:
            raise ValueError(f"has '{text}'; expected a number, or a date-time with zone") from error

    return make


def _field_family(operator: str, inner: str, spelling: str) -> Family:
    section = _SECTIONS[spelling] + (fields.INNER if inner else "")
    prefix = f"{operator}_{inner}{spelling}"

    def bind(name: str, rest: str, reading: Reading) -> Parameter | None:
        field = reading.context.expand_name(rest)
        if field is None:
            if ":" not in rest and not (inner or spelling):
                return None
            raise ValueError(f"names the field '{rest}'; expected a URI, or a CURIE whose prefix is declared")
        key = f"{section}:{fields.field_name(field)}"
        if operator == "EXISTS":
            return exists_row(name, key)
        if operator == "EQ":
            return Parameter(name, "list", _field_values(key))
        return Parameter(name, "single", _field_bound(key, operator))

    return Family(prefix, f"{prefix}ex:field", bind)


def _has_attribute_family() -> Family:
    def bind(name: str, rest: str, _reading: Reading) -> Parameter:
        field = FIELD_NAMES.get(rest)
        if field is None:
            raise ValueError(f"names the field '{rest}'; expected {_MASTER_DATA_FIELDS}")

        def make(values: Sequence[str], reading: Reading) -> Terms:
            names = tuple(dict.fromkeys(read_attribute(value, reading) for value in values))
            return Terms(name, (), master_data=(Attributed(field, names),))

        return Parameter(name, "list", make)

    return Family("HASATTR_", "HASATTR_bizLocation", bind)


def _attribute_family(prefix: str) -> Family:
    def bind(name: str, rest: str, reading: Reading) -> Parameter:
        spelling, _, attribute = rest.partition("_")
        field = FIELD_NAMES.get(spelling)
        if field is None:
            raise ValueError(f"names the field '{spelling}'; expected {_MASTER_DATA_FIELDS}")
        if not attribute:
            raise ValueError(f"names no attribute; expected {prefix}{spelling}_ and the name of one")
        names = (read_attribute(attribute, reading),)
        return Parameter(
            name, "list", lambda values, _: Terms(name, (), master_data=(Attributed(field, names, tuple(values)),))
        )

    return Family(prefix, f"{prefix}bizLocation_cbvmda:city", bind)


_MASTER_DATA_FIELDS: Final = f"one of {', '.join(sorted(set(FIELD_NAMES.values())))}"

#: Families of parameters; the longest prefix that fits a name decides.
FAMILIES: Final[tuple[Family, ...]] = tuple(
    sorted(
        (
            _typed_family("bizTransaction", "btt", "EQ_bizTransaction_po"),
            _typed_family("source", "sdt", "EQ_source_owning_party"),
            _typed_family("destination", "sdt", "EQ_destination_owning_party"),
            _has_attribute_family(),
            # The spelling of EPCIS 1.x, and that of the official JSON schema.
            _attribute_family("EQATTR_"),
            _attribute_family("EQ_ATTR_"),
            *(_unit_family(operator, field) for field in _NUMBER_FIELDS for operator in OPERATORS),
            *(
                _field_family(operator, inner, spelling)
                for operator in (*OPERATORS, "EXISTS")
                for inner in ("", "INNER_")
                for spelling in _SECTIONS
            ),
        ),
        key=lambda family: -len(family.prefix),
    )
)
