"""The parameters of SimpleEventQuery: one row per name of fixed spelling, one per family of names.

A row says how values are read and what they contribute to a query; it never sees events, SQL or HTTP.
EPCIS 2.0 8.2.7.1, REST openapi; a new parameter is a new row.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from traceward.epcis import extension_terms as fields
from traceward.epcis.decimals import normal_decimal
from traceward.epcis.epc_patterns import match_value
from traceward.epcis.errors import ValidationException
from traceward.epcis.extension import Context
from traceward.epcis.master_data import FIELD_NAMES, attribute_name
from traceward.epcis.predicates import Attributed, NumberRange, TextPrefix, Within
from traceward.epcis.terms import hex_binary
from traceward.epcis.times import parse_time_us
from traceward.epcis.units import converted
from traceward.epcis.vocabulary import Kind, in_standard_namespace, nearest, to_bare
from traceward.gs1.epc_uri import canonical_identifier

EVENT_TYPES: Final = ("ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent")
ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")


@dataclass(frozen=True, slots=True)
class Reading:
    """What values are read with: the prefixes in force."""

    context: Context


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


# --- readers of one value: text -> value, ValueError when it does not fit ---------------------------------------


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


_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def read_number(text: str) -> float:
    """A finite decimal number as a double."""
    number = float(text) if _NUMBER.fullmatch(text) and len(text) <= 400 else float("inf")
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"has '{text}'; expected a number")
    return number


def read_count(text: str) -> int:
    """A whole number from 1."""
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) == 0:
        raise ValueError(f"has '{text}'; expected a whole number from 1 to 999999999")
    return int(text)


# --- what the values of one row contribute ------------------------------------------------------------------------


def terms_row(name: str, read: Callable[[str, Reading], str], *keys: str, group: str = "") -> Parameter:
    """A list parameter: one of the keys has one of the values."""

    def make(values: Sequence[str], reading: Reading) -> Terms:
        found = [read(value, reading) for value in values]
        return Terms(group or name, tuple((key, value) for key in keys for value in found))

    return Parameter(name, "list", make)


def _match_row(name: str, *keys: str, classes: bool = False) -> Parameter:
    def make(values: Sequence[str], reading: Reading) -> Terms:
        pairs: list[tuple[str, str]] = []
        prefixes: list[TextPrefix] = []
        for value in values:
            if ":" not in value:
                raise ValueError(f"has '{value}'; expected a URI or an EPC pattern")
            try:
                more_pairs, more_prefixes = match_value(reading.context.expand_value(value), keys, classes=classes)
            except ValueError as error:
                raise ValueError(f"has {error}") from error
            pairs.extend(more_pairs)
            prefixes.extend(more_prefixes)
        return Terms(name, tuple(pairs), tuple(prefixes))

    return Parameter(name, "list", make)


def _boolean_value(values: Sequence[str], reading: Reading) -> Terms:
    return Terms("EQ_booleanValue", (("booleanValue", read_boolean(values[0], reading)),))


def _within_row(name: str, key: str) -> Parameter:
    def make(values: Sequence[str], reading: Reading) -> Terms:
        ids = dict.fromkeys(read_identifier(value, reading) for value in values)
        return Terms(key, (), master_data=(Within(key, tuple(ids)),))

    return Parameter(name, "list", make)


def _exists_row(name: str, key: str) -> Parameter:
    def make(values: Sequence[str], _reading: Reading) -> Part:
        text = values[0] if values else ""
        if text not in {"", "true", "1", "false", "0"}:
            raise ValueError(f"has '{text}'; expected no value, or true or false")
        # EPCIS 2.0 openapi: false means no constraint, not absence.
        return None if text in {"false", "0"} else Terms(name, ((f"has:{key}", ""),))

    return Parameter(name, "void", make)


def _bounded(key: str, operator: str, number: float, uom: str | None = None) -> NumberRange:
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
    return Parameter(name, "single", lambda values, _: _bounded(key, operator, read(values[0]), base))


def _time_row(name: str, operator: str, key: str) -> Parameter:
    return Parameter(name, "single", lambda values, _: _bounded(key, operator, float(read_time(values[0]))))


def _time_setting(name: str, field: str) -> Parameter:
    return Parameter(name, "single", lambda values, _: Setting(field, read_time(values[0])))


def _count_setting(name: str, field: str) -> Parameter:
    return Parameter(name, "single", lambda values, _: Setting(field, read_count(values[0])))


def _order_by(values: Sequence[str], reading: Reading) -> Setting:
    field = values[0]
    name = field if field in {"eventTime", "recordTime"} else reading.context.expand_name(field)
    if name is None:
        raise ValueError(f"has '{field}'; expected eventTime, recordTime or the CURIE or URI of an extension field")
    return Setting("order_by", name)


def _order_direction(values: Sequence[str], _reading: Reading) -> Setting:
    if values[0] not in {"ASC", "DESC"}:
        raise ValueError(f"has '{values[0]}'; expected ASC or DESC")
    return Setting("descending", values[0] == "DESC")


_ANY_EPC: Final = ("epc", "parentID", "inputEPC", "outputEPC")
_ANY_CLASS: Final = ("epcClass", "inputEPCClass", "outputEPCClass")
_TIMES: Final = {"time": "time", "startTime": "startTime", "endTime": "endTime"}
_OPERATORS: Final = ("EQ", "GT", "GE", "LT", "LE")

#: Every parameter of fixed name. EPCIS 2.0 8.2.7.1; spellings of the official JSON schema and of TCR-53 beside.
PARAMETERS: Final[dict[str, Parameter]] = {
    row.name: row
    for row in (
        terms_row("eventType", read_event_type, "eventType"),
        _time_setting("GE_eventTime", "event_time.ge_us"),
        _time_setting("LT_eventTime", "event_time.lt_us"),
        _time_setting("GE_recordTime", "record_time.ge_us"),
        _time_setting("LT_recordTime", "record_time.lt_us"),
        terms_row("EQ_action", read_action, "action"),
        terms_row("EQ_bizStep", read_word("bizstep"), "bizStep"),
        terms_row("EQ_disposition", read_word("disp"), "disposition"),
        terms_row("EQ_persistentDisposition_set", read_word("disp"), "persistentDisposition_set"),
        terms_row("EQ_persistentDisposition_unset", read_word("disp"), "persistentDisposition_unset"),
        # EQ_ and WD_ of one field unite (EPCIS 2.0 describes them together).
        terms_row("EQ_readPoint", read_identifier, "readPoint", group="readPoint"),
        terms_row("EQ_bizLocation", read_identifier, "bizLocation", group="bizLocation"),
        _within_row("WD_readPoint", "readPoint"),
        _within_row("WD_bizLocation", "bizLocation"),
        terms_row("EQ_transformationID", read_identifier, "transformationID"),
        _match_row("MATCH_epc", "epc"),
        _match_row("MATCH_parentID", "parentID"),
        _match_row("MATCH_inputEPC", "inputEPC"),
        _match_row("MATCH_outputEPC", "outputEPC"),
        _match_row("MATCH_anyEPC", *_ANY_EPC),
        _match_row("MATCH_epcClass", "epcClass", classes=True),
        _match_row("MATCH_inputEPCClass", "inputEPCClass", classes=True),
        _match_row("MATCH_outputEPCClass", "outputEPCClass", classes=True),
        _match_row("MATCH_anyEPCClass", *_ANY_CLASS, classes=True),
        *(number_row(f"{operator}_quantity", operator, "quantity") for operator in _OPERATORS),
        terms_row("EQ_eventID", read_text, "eventID"),
        _exists_row("EXISTS_errorDeclaration", "errorDeclaration"),
        *(
            _time_row(f"{operator}_{spelling}", operator, "errorDeclarationTime")
            for operator in ("GE", "LT")
            for spelling in ("errorDeclarationTime", "errorDeclaration_Time")
        ),
        terms_row("EQ_errorReason", read_word("er"), "errorReason"),
        terms_row("EQ_correctiveEventID", read_event_id, "correctiveEventID"),
        _exists_row("EXISTS_sensorElement", "sensorElement"),
        _exists_row("EXISTS_sensorElementList", "sensorElement"),
        *(_time_row(f"{operator}_{name}", operator, key) for name, key in _TIMES.items() for operator in ("GE", "LT")),
        terms_row("EQ_type", read_word("measurement"), "type"),
        terms_row("EQ_deviceID", read_identifier, "deviceID"),
        terms_row("EQ_deviceMetadata", read_identifier, "deviceMetadata"),
        terms_row("EQ_rawData", read_identifier, "rawData"),
        terms_row("EQ_dataProcessingMethod", read_identifier, "dataProcessingMethod"),
        terms_row("EQ_microorganism", read_identifier, "microorganism"),
        terms_row("EQ_chemicalSubstance", read_identifier, "chemicalSubstance"),
        terms_row("EQ_bizRules", read_identifier, "bizRules"),
        terms_row("EQ_stringValue", read_text, "stringValue"),
        terms_row("EQ_hexBinaryValue", read_hex_binary, "hexBinaryValue"),
        terms_row("EQ_uriValue", read_identifier, "uriValue"),
        Parameter("EQ_booleanValue", "single", _boolean_value),
        *(number_row(f"{operator}_percRank", operator, "percRank") for operator in _OPERATORS),
        *(number_row(f"{operator}_{key}", operator, key) for key in ("sDev", "percValue") for operator in _OPERATORS),
        Parameter("orderBy", "single", _order_by),
        Parameter("orderDirection", "single", _order_direction),
        _count_setting("eventCountLimit", "event_count_limit"),
        _count_setting("maxEventCount", "max_event_count"),
    )
}


# --- families: the rest of the name is part of the question -------------------------------------------------------


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
            if _NUMBER.fullmatch(value) and len(value) <= 64:
                texts.append(normal_decimal(Decimal(value)))
        return Terms(key, tuple((key, text) for text in dict.fromkeys(texts)))

    return make


def _field_bound(key: str, operator: str) -> Make:
    """A comparison of an extension field: the parameter's type, number or time, is the type that fields must have."""

    def make(values: Sequence[str], _reading: Reading) -> NumberRange:
        text = values[0]
        if _NUMBER.fullmatch(text):
            return _bounded(key, operator, read_number(text))
        try:
            return _bounded(key + fields.TIME, operator, float(read_time(text)))
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
            return _exists_row(name, key)
        if operator == "EQ":
            return Parameter(name, "list", _field_values(key))
        return Parameter(name, "single", _field_bound(key, operator))

    return Family(prefix, f"{prefix}ex:field", bind)


def read_attribute(text: str, reading: Reading) -> str:
    """The name of a master data attribute: a URI, a CURIE, or a bare word of the CBV's own."""
    return attribute_name(reading.context.expand_name(text) or text)


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
            *(_unit_family(operator, field) for field in _NUMBER_FIELDS for operator in _OPERATORS),
            *(
                _field_family(operator, inner, spelling)
                for operator in (*_OPERATORS, "EXISTS")
                for inner in ("", "INNER_")
                for spelling in _SECTIONS
            ),
        ),
        key=lambda family: -len(family.prefix),
    )
)
