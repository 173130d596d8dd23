"""The parameters of SimpleEventQuery whose names are fixed, one row each; a new parameter is a new row.

EPCIS 2.0 8.2.7.1, REST openapi. Names that begin a family are in parameter_families.py.
"""

from collections.abc import Sequence
from typing import Final

from traceward.epcis.epc_patterns import match_value
from traceward.epcis.parameter_rows import (
    OPERATORS,
    Parameter,
    Setting,
    Terms,
    bounded,
    exists_row,
    number_row,
    terms_row,
)
from traceward.epcis.parameter_values import (
    Reading,
    read_action,
    read_boolean,
    read_count,
    read_event_id,
    read_event_type,
    read_hex_binary,
    read_identifier,
    read_text,
    read_time,
    read_word,
)
from traceward.epcis.predicates import TextPrefix, Within


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


def _time_row(name: str, operator: str, key: str) -> Parameter:
    return Parameter(name, "single", lambda values, _: bounded(key, operator, float(read_time(values[0]))))


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
        *(number_row(f"{operator}_quantity", operator, "quantity") for operator in OPERATORS),
        terms_row("EQ_eventID", read_text, "eventID"),
        exists_row("EXISTS_errorDeclaration", "errorDeclaration"),
        *(
            _time_row(f"{operator}_{spelling}", operator, "errorDeclarationTime")
            for operator in ("GE", "LT")
            for spelling in ("errorDeclarationTime", "errorDeclaration_Time")
        ),
        terms_row("EQ_errorReason", read_word("er"), "errorReason"),
        terms_row("EQ_correctiveEventID", read_event_id, "correctiveEventID"),
        exists_row("EXISTS_sensorElement", "sensorElement"),
        exists_row("EXISTS_sensorElementList", "sensorElement"),
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
        *(number_row(f"{operator}_percRank", operator, "percRank") for operator in OPERATORS),
        *(number_row(f"{operator}_{key}", operator, key) for key in ("sDev", "percValue") for operator in OPERATORS),
        Parameter("orderBy", "single", _order_by),
        Parameter("orderDirection", "single", _order_direction),
        _count_setting("eventCountLimit", "event_count_limit"),
        _count_setting("maxEventCount", "max_event_count"),
    )
}
