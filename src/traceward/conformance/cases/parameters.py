"""Each query parameter of SimpleEventQuery: what it finds, what it leaves out, and values that it must refuse.

A row becomes up to three cases. The events by label are in `data`; a case finds exactly the labelled ones, so an
ignored parameter, a missing event and an event too many all fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from traceward.conformance.case import Group, Judge
from traceward.conformance.data import EXTENSIONS_HEADER, Data
from traceward.conformance.model import Level, Unmet
from traceward.conformance.run import Run, expect_problem

GROUP: Final = Group("query", "Query parameters")
SENSORS: Final = Group("sensor", "Sensor data (TCR-53)")

ALL: Final = "commission ship receive discard pack sell mix fit quarantine wrong right denied"
TIME: Final = "yesterday"
NUMBER: Final = "many"


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter. value, none: values that find `labels`, and nothing; bad: one to be refused with 400."""

    parameter: str
    value: str
    labels: str
    none: str | None = None
    bad: str | None = None
    clause: str = "EPCIS 8.2.7.1"
    level: Level = Level.MANDATORY
    name: str = ""
    beside: Mapping[str, str] | None = None
    """Parameters that go with it."""


_OPTIONAL: Final = Level.OPTIONAL

CORE: Final = (
    Row("eventType", "ObjectEvent", "commission ship receive discard quarantine wrong right denied", bad="Nonsense"),
    Row("eventType", "AggregationEvent", "pack", name="eventType-aggregation"),
    Row("eventType", "TransactionEvent", "sell", name="eventType-transaction"),
    Row("eventType", "TransformationEvent", "mix", name="eventType-transformation"),
    Row("eventType", "AssociationEvent", "fit", name="eventType-association"),
    Row("eventType", "AggregationEvent|AssociationEvent", "pack fit", name="eventType-list"),
    Row("GE_eventTime", "{t7}", "mix fit quarantine wrong denied right", "{t13}", TIME),
    Row("LT_eventTime", "{t3}", "commission ship", "{t1}", TIME),
    Row("GE_recordTime", "2010-01-01T00:00:00Z", ALL, "2199-01-01T00:00:00Z", TIME),
    Row("LT_recordTime", "2199-01-01T00:00:00Z", ALL, "2010-01-01T00:00:00Z", TIME),
    Row("EQ_action", "ADD", "commission pack sell fit", bad="MOVE"),
    Row("EQ_action", "DELETE", "discard", name="EQ_action-delete"),
    Row("EQ_action", "OBSERVE|DELETE", "ship receive discard quarantine wrong denied right", name="EQ_action-list"),
    Row("EQ_bizStep", "shipping", "ship", "void_shipping", "shiping"),
    Row("EQ_bizStep", "shipping|receiving", "ship receive", name="EQ_bizStep-list"),
    Row("EQ_bizStep", "{ns}step-{token}", "quarantine", name="EQ_bizStep-custom"),
    Row("EQ_disposition", "in_transit", "ship", "stolen", "intransit"),
    Row("EQ_disposition", "{ns}state-{token}", "quarantine sell", name="EQ_disposition-custom"),
    Row("EQ_persistentDisposition_set", "completeness_verified", "ship", "stolen"),
    Row("EQ_persistentDisposition_unset", "completeness_verified", "receive", "stolen"),
    Row("EQ_readPoint", "{rp1}", "commission receive discard", "{never}"),
    Row("EQ_bizLocation", "{locB}", "ship receive", "{never}"),
    Row("WD_readPoint", "{rp2}", "ship wrong denied", "{never}"),
    Row("WD_bizLocation", "{locB}", "ship receive", "{never}"),
    Row("EQ_transformationID", "{xform}", "mix", "{never}"),
    Row("MATCH_epc", "{s1}", "commission ship pack", "{s3}"),
    Row("MATCH_epc", "{s5}|{s6}", "quarantine wrong denied right", name="MATCH_epc-list"),
    Row(
        "MATCH_epc",
        "{s1_urn}",
        "commission ship pack",
        name="MATCH_epc-urn",
        clause="EPCIS 8.2.7.1.1, either spelling",
        level=Level.RECOMMENDED,
    ),
    Row(
        "MATCH_epc",
        "{pattern}",
        "commission ship receive discard pack sell quarantine wrong denied right",
        name="MATCH_epc-pattern",
        clause="EPCIS 8.2.7.1.1, patterns",
        level=_OPTIONAL,
    ),
    Row("MATCH_epc", "{s1_underscore}", "", name="MATCH_epc-underscore", clause="EPCIS 8.2.7.1.1, no other wildcard"),
    Row("MATCH_parentID", "{crate}", "pack", "{s1}"),
    Row("MATCH_parentID", "{asset1}", "fit", name="MATCH_parentID-association"),
    Row("MATCH_inputEPC", "{s1}", "mix", "{s3}"),
    Row("MATCH_outputEPC", "{s3}", "mix", "{s1}"),
    Row("MATCH_anyEPC", "{s1}", "commission ship pack mix", "{never}"),
    Row("MATCH_anyEPC", "{crate}", "pack", name="MATCH_anyEPC-parent"),
    Row("MATCH_anyEPC", "{s3}", "mix", name="MATCH_anyEPC-output"),
    Row("MATCH_epcClass", "{lotA}", "commission discard", "{lotC}"),
    Row("MATCH_epcClass", "{lotB}", "pack sell", name="MATCH_epcClass-child"),
    Row("MATCH_inputEPCClass", "{lotA}", "mix", "{lotC}"),
    Row("MATCH_outputEPCClass", "{lotC}", "mix", "{lotA}"),
    Row("MATCH_anyEPCClass", "{lotA}", "commission discard mix", "{never}"),
    Row("EQ_quantity", "20", "commission", "21", NUMBER),
    Row("GT_quantity", "5", "commission mix", "20", NUMBER),
    Row("GE_quantity", "5", "commission pack mix", "20.5", NUMBER),
    Row("LT_quantity", "2", "sell", "1", NUMBER),
    Row("LE_quantity", "2", "sell mix", "0.5", NUMBER),
    Row("EQ_quantity_KGM", "5", "pack", "10", clause="EPCIS 8.2.7.1, quantity with unit", level=_OPTIONAL),
    Row("GE_quantity_KGM", "3", "commission pack", "21", clause="EPCIS 8.2.7.1, quantity with unit", level=_OPTIONAL),
    Row("EQ_quantity_GRM", "5000", "pack", clause="EPCIS 8.2.7.1, units are converted", level=_OPTIONAL),
    Row("EQ_eventID", "{id_ship}", "ship", "urn:uuid:00000000-0000-4000-8000-000000000000"),
    Row("EQ_eventID", "{id_ship}|{id_mix}", "ship mix", name="EQ_eventID-list"),
    Row("EXISTS_errorDeclaration", "true", "denied", bad="perhaps"),
    Row("EXISTS_errorDeclaration", "false", ALL, name="EXISTS_errorDeclaration-false", clause="REST parameter text"),
    Row("GE_errorDeclarationTime", "{t13}", "denied", "2199-01-01T00:00:00Z", TIME),
    Row("LT_errorDeclarationTime", "2199-01-01T00:00:00Z", "denied", "{t13}", TIME),
    Row("EQ_errorReason", "incorrect_data", "denied", "did_not_occur"),
    Row("EQ_correctiveEventID", "{id_right}", "denied", "{id_ship}"),
    Row("EQ_bizTransaction_po", "{po1}", "commission", "urn:epcglobal:cbv:bt:9521987000008:NONE"),
    Row("EQ_bizTransaction_po", "{po1}|{po2}", "commission sell", name="EQ_bizTransaction_po-list"),
    Row("EQ_bizTransaction_inv", "{po1}", "ship", "{po2}"),
    Row("EQ_source_owning_party", "{party1}", "commission", "{party2}"),
    Row("EQ_source_possessing_party", "{party1}", "receive", "{party2}"),
    Row("EQ_destination_owning_party", "{party2}", "commission", "{party1}"),
    Row("EQ_destination_possessing_party", "{party2}", "ship", "{party1}"),
    Row("EQ_ext:word", "amber", "commission", "green"),
    Row("EQ_ext:score", "42", "commission", "43"),
    Row("GT_ext:score", "7", "commission receive", "42.5"),
    Row("GE_ext:score", "42", "commission receive", "43"),
    Row("LT_ext:score", "42", "ship", "7"),
    Row("LE_ext:score", "42", "commission ship", "6"),
    Row("GE_ext:checked", "{t2}", "receive", "{t4}"),
    Row("EXISTS_ext:box", "true", "commission"),
    Row("EXISTS_ext:nothing", "true", ""),
    Row("EQ_INNER_ext:depth", "3", "commission", "4"),
    Row("EXISTS_INNER_ext:depth", "true", "commission"),
    Row("EQ_ILMD_ext:grade", "fine", "commission", "rough"),
    Row("EQ_ILMD_cbvmda:lotNumber", "A{token}", "commission", "B{token}"),
    Row("EXISTS_ILMD_ext:grade", "true", "commission mix"),
    Row("EQ_INNER_ILMD_ext:batch", "b7", "commission", "b8"),
    Row("EQ_ERROR_DECLARATION_ext:blame", "label", "denied", "reader"),
    Row("EXISTS_ERROR_DECLARATION_ext:blame", "true", "denied"),
    Row("EQ_readPoint_ext:gate", "west", "discard", "east", level=_OPTIONAL),
    Row("EQ_bizLocation_ext:shelf", "top", "pack", "low", level=_OPTIONAL),
)

PLACES: Final = (
    Row(
        "WD_bizLocation",
        "{locA}",
        "top middle bottom",
        "{never}",
        name="WD_bizLocation-tree",
        clause="EPCIS 8.2.7.1, WD: all descendants",
    ),
    Row("WD_bizLocation", "{locB}", "middle bottom", name="WD_bizLocation-middle"),
    Row("WD_bizLocation", "{locC}", "bottom", name="WD_bizLocation-leaf"),
    Row("EQ_bizLocation", "{locA}", "top", name="EQ_bizLocation-without-descendants"),
    Row("WD_readPoint", "{rp1}", "top middle bottom elsewhere", "{never}", name="WD_readPoint-tree"),
    Row("HASATTR_bizLocation", "urn:epcglobal:cbv:mda:city", "top", "urn:epcglobal:cbv:mda:none"),
    Row("EQATTR_bizLocation_urn:epcglobal:cbv:mda:city", "Town {token}", "top", "Town nowhere", name="EQATTR"),
)

_UNIT: Final = "TCR-53, value with unit"
SENSOR: Final = (
    Row("EXISTS_sensorElement", "true", "warm cold germs dose", clause="TCR-53, EXISTS_sensorElement"),
    Row("EXISTS_sensorElementList", "true", "warm cold germs dose", clause="query schema spelling", level=_OPTIONAL),
    Row("GE_time", "{s2m}", "dose", "{s6m}", TIME, clause="TCR-53, time"),
    Row("LT_time", "{s2m}", "warm", "{s1m}", TIME, clause="TCR-53, time"),
    Row("GE_startTime", "{s2m}", "germs", "{s3m}", TIME, clause="TCR-53, startTime"),
    Row("LT_startTime", "{s2m}", "cold", "{s1m}", TIME, clause="TCR-53, startTime"),
    Row("GE_endTime", "{s3m}", "germs", "{s4m}", TIME, clause="TCR-53, endTime"),
    Row("LT_endTime", "{s3m}", "cold", "{s2m}", TIME, clause="TCR-53, endTime"),
    Row("EQ_type", "Temperature", "warm cold", "Voltage", clause="TCR-53, type"),
    Row("EQ_deviceID", "{asset3}", "warm", "{asset1}", clause="TCR-53, deviceID in metadata"),
    Row("EQ_deviceID", "{asset4}", "cold", name="EQ_deviceID-report", clause="TCR-53 step 28, deviceID in report"),
    Row("EQ_deviceMetadata", "{ns}device/{token}", "warm", "{never}", clause="TCR-53"),
    Row("EQ_rawData", "{ns}raw/{token}", "warm", "{never}", clause="TCR-53"),
    Row("EQ_dataProcessingMethod", "{ns}method/{token}", "warm", "{never}", clause="TCR-53"),
    Row("EQ_bizRules", "{ns}rules/{token}", "warm", "{never}", clause="TCR-53, bizRules"),
    Row("EQ_microorganism", "https://www.ncbi.nlm.nih.gov/taxonomy/{item}", "germs", "{never}", clause="TCR-53"),
    Row("EQ_chemicalSubstance", "https://identifiers.org/inchikey:{token}", "dose", "{never}", clause="TCR-53"),
    Row("EQ_value_CEL", "26", "warm", "27", NUMBER, clause=_UNIT),
    Row("GE_value_CEL", "26", "warm", "26.5", NUMBER, clause=_UNIT),
    Row("GT_value_CEL", "25.5", "warm", "26", NUMBER, clause=_UNIT),
    Row("LT_value_CEL", "26.5", "warm", "26", NUMBER, clause=_UNIT),
    Row("LE_value_CEL", "26", "warm", "25.5", NUMBER, clause=_UNIT),
    Row("EQ_value_KEL", "299.15", "warm", "26", clause="TCR-53 step 26: a KEL query finds a CEL event"),
    Row("GE_value_KGM", "3", "dose", "3.5", clause=_UNIT),
    Row("EQ_minValue_CEL", "-21.5", "cold", "-21", clause=_UNIT),
    Row("EQ_maxValue_CEL", "-18", "cold", "-19", clause=_UNIT),
    Row("EQ_meanValue_CEL", "-20", "cold", "-21", clause=_UNIT),
    Row("GE_minValue_CEL", "-22", "cold", "-21", clause=_UNIT),
    Row("LT_maxValue_CEL", "-17", "cold", "-18", clause=_UNIT),
    Row("LE_meanValue_CEL", "-20", "cold", "-20.5", clause=_UNIT),
    Row("GE_sDev_CEL", "0.5", "cold", "0.6", level=_OPTIONAL, clause="query schema spelling"),
    Row("GE_sDev", "0.5", "cold", "0.6", NUMBER, clause="TCR-53, sDev"),
    Row("GE_percRank", "90", "cold", "91", NUMBER, clause="TCR-53, percRank"),
    Row("LT_percRank", "91", "cold", "90", NUMBER, clause="TCR-53, percRank"),
    Row("GE_percValue", "-18.5", "cold", "-18", NUMBER, clause="TCR-53, percValue"),
    Row("GE_percValue_CEL", "-18.5", "cold", "-18", level=_OPTIONAL, clause="query schema spelling"),
    Row("EQ_stringValue", "seen {token}", "germs", "seen nothing", clause="TCR-53, stringValue"),
    Row("EQ_booleanValue", "true", "germs", "false", "perhaps", clause="TCR-53, booleanValue"),
    Row("EQ_hexBinaryValue", "F0F0F0", "germs", "00", clause="TCR-53, hexBinaryValue"),
    Row("EQ_uriValue", "{ns}picture/{token}", "germs", "{never}", clause="TCR-53, uriValue"),
    Row("EQ_SENSORELEMENT_ext:panel", "p1", "warm", "p2", clause="TCR-53, extension of a sensorElement"),
    Row("EQ_SENSORMETADATA_ext:mode", "fast", "warm", "slow", clause="TCR-53, extension of sensorMetadata"),
    Row("EQ_SENSORREPORT_ext:channel", "c1", "warm", "c2", clause="TCR-53, extension of a sensorReport"),
    Row("EXISTS_SENSORREPORT_ext:channel", "true", "warm", clause="TCR-53, extension of a sensorReport"),
)


def _filled(row: Row, value: str, data: Data) -> dict[str, str]:
    return {row.parameter: data.filled(value)} | dict(row.beside or {})


def _finds(part: str, row: Row, value: str, labels: str) -> Judge:
    def judge(run: Run) -> None:
        run.expect(part, _filled(row, value, run.data), labels.split(), EXTENSIONS_HEADER)

    return judge


def _refuses(row: Row, bad: str) -> Judge:
    def judge(run: Run) -> None:
        answer = run.request("GET", "/events", {row.parameter: bad}, headers=EXTENSIONS_HEADER)
        if answer.status == 200:
            raise Unmet(f"400 for {row.parameter}={bad}", "200")
        expect_problem(answer, 400, "QueryParameterException", "QueryValidationException", "ValidationException")

    return judge


def _shown(row: Row, value: str) -> str:
    """The parameter and its value, with the names of the run's own identifiers in place of them."""
    return f"{row.parameter}={value.replace('{', '<').replace('}', '>')}"


def _listed(labels: str) -> str:
    if not labels:
        return "nothing"
    return "all twelve events" if labels == ALL else ", ".join(labels.split())


def _add_rows(group: Group, part: str, rows: tuple[Row, ...]) -> None:
    for row in rows:
        name = row.name or row.parameter
        title = f"{_shown(row, row.value)} finds {_listed(row.labels)}."
        group.add(name, title, row.clause, row.level, _finds(part, row, row.value, row.labels))
        if row.none is not None:
            title = f"{_shown(row, row.none)} finds nothing."
            group.add(f"{name}-none", title, row.clause, row.level, _finds(part, row, row.none, ""))
        if row.bad is not None:
            title = f"{_shown(row, row.bad)} is answered with 400."
            group.add(f"{name}-bad", title, f"{row.clause}, QueryParameterException", row.level, _refuses(row, row.bad))


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, parameters combine with AND")
def parameters_combine_with_and(run: Run) -> None:
    """Two parameters find the events that meet both."""
    names = run.data.names
    run.expect("core", {"MATCH_epc": names["s2"], "EQ_readPoint": names["rp1"], "EQ_action": "DELETE"}, ["discard"])
    run.expect("core", {"MATCH_epc": names["s1"], "EQ_bizStep": "receiving"}, [])


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, QueryParameterException")
def an_unknown_parameter_is_refused(run: Run) -> None:
    """A parameter that the standard does not have is answered with 400."""
    answer = run.get("/events", {"EQ_colour": "blue"})
    expect_problem(answer, 400, "QueryParameterException", "QueryValidationException", "ValidationException")


@GROUP.case(Level.RECOMMENDED, "EPCIS 8.2.7.1, QueryParameterException")
def an_undeclared_prefix_is_refused(run: Run) -> None:
    """An extension parameter whose prefix nobody declares is answered with 400."""
    answer = run.get("/events", {"EQ_nobody:field": "blue"})
    expect_problem(answer, 400, "QueryParameterException", "QueryValidationException", "ValidationException")


@GROUP.case(Level.MANDATORY, "REST /events, GET 200")
def an_answer_is_a_query_document(run: Run) -> None:
    """An answer is an EPCISQueryDocument with @context, schemaVersion, creationDate and queryName."""
    part = run.part("core")
    body = run.get("/events", part.window).json()
    for name in ("@context", "type", "schemaVersion", "creationDate", "epcisBody"):
        if name not in body:
            raise Unmet(f"`{name}` in the document", ", ".join(body))
    if not str(body["schemaVersion"]).startswith("2.0"):
        raise Unmet('schemaVersion "2.0"', str(body["schemaVersion"]))
    if not body["epcisBody"]["queryResults"].get("queryName"):
        raise Unmet("queryResults.queryName", "none")


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7, event data as captured")
def every_event_comes_back_as_captured(run: Run) -> None:
    """Each event of every type comes back with every field and value that was captured, and with a recordTime."""
    part = run.part("core")
    by_id = {(e.get("eventID"), "errorDeclaration" in e): e for e in run.find(part.window)}
    for label, captured in part.events.items():
        found = by_id.get((captured["eventID"], "errorDeclaration" in captured), {})
        for name, value in captured.items():
            if name not in {"eventTime", "errorDeclaration"} and not _same(found.get(name), value):
                raise Unmet(f"{name} of {label}: {value}", str(found.get(name)))
        if "recordTime" not in found:
            raise Unmet(f"recordTime in {label}", "none")


def _same(found: object, captured: object) -> bool:
    """Whether two values are equal, lists in any order, numbers by value."""
    if isinstance(captured, dict):
        return (
            isinstance(found, dict)
            and found.keys() == captured.keys()
            and all(_same(found[name], value) for name, value in captured.items())
        )
    if isinstance(captured, list):
        if not isinstance(found, list) or len(found) != len(captured):
            return False
        rest = list(found)
        for value in captured:
            match = next((one for one in rest if _same(one, value)), None)
            if match is None:
                return False
            rest.remove(match)
        return True
    return found == captured


_add_rows(GROUP, "core", CORE)
_add_rows(GROUP, "places", PLACES)
_add_rows(SENSORS, "sensor", SENSOR)
