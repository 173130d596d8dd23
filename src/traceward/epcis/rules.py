"""The one validator of events: shape and business rules of EPCIS 2.0, for every format, each rule with its clause.

Must not change an event, nor stop at the first mistake: every finding is collected, with the path of the field.

Rules that official documents contradict by their own examples are warnings unless `strict` is asked for; they are
marked CONTESTED below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traceward.epcis.document import RawEvent
from traceward.epcis.errors import Finding, Severity, ValidationException
from traceward.epcis.extension import Context
from traceward.epcis.shape import EVENT_FIELDS
from traceward.epcis.times import parse_time_us
from traceward.epcis.uris import is_uri
from traceward.epcis.value_checks import Findings, extension, shown
from traceward.epcis.vocabulary import to_bare


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Fields that an event of one's own type shares with all events (EPCIS 2.0, EPCISEvent).
_BASE = _names("@context type eventTime recordTime eventTimeZoneOffset eventID certificationInfo errorDeclaration")
# Fields that all five types share.
_COMMON = _BASE | _names(
    "bizStep disposition readPoint bizLocation bizTransactionList sourceList destinationList sensorElementList"
)


@dataclass(frozen=True, slots=True)
class _TypeRules:
    """What one event type allows and needs: EPCIS 2.0, its own section and table of fields."""

    allowed: frozenset[str]
    required: tuple[str, ...]
    check: Callable[[Mapping[str, Any], Findings], None]


def check_event(raw: RawEvent, *, strict: bool = False) -> list[Finding]:
    """Everything wrong with one event; no finding of severity `error` means that it may be captured.

    Finding paths start at the document (`eventList[3].epcList[0]`). strict: CONTESTED rules are errors wherever they
    are broken, although official examples break them.
    """
    try:
        data, context = raw.data, raw.context
    except ValidationException as error:
        return [_placed(finding, raw) for finding in error.findings]
    found = check_data(data, context, strict=strict)
    return [_placed(finding, raw) for finding in found] if found else found


def check_data(data: Mapping[str, Any], context: Context, *, strict: bool = False) -> list[Finding]:
    """Everything wrong with the data of one event; paths start at the event."""
    findings = Findings(context)
    kind = data.get("type")
    rules = _TYPES.get(kind) if kind.__class__ is str else None
    if rules is not None:
        _check_fields(data, rules, findings)
        if not findings.has_errors:
            _check_common(data, findings, "error" if strict else "warning")
        rules.check(data, findings)
    elif kind.__class__ is str and is_uri(str(kind)) and context.declares(str(kind)):
        _check_own_type(data, findings)
        if not findings.has_errors:
            _check_common(data, findings, "error" if strict else "warning")
    else:
        message = f"type is {shown(kind)}; expected {', '.join(_TYPES)}, or a URI or declared prefix:name of your own"
        findings.add("type", "event_type", message, "EPCIS 2.0 event types")
    return findings.found


def _placed(finding: Finding, raw: RawEvent) -> Finding:
    return finding.under(raw.path, raw.index if raw.path else None)


def _check_fields(data: Mapping[str, Any], rules: _TypeRules, findings: Findings) -> None:
    allowed, kind = rules.allowed, data["type"]
    for name, value in data.items():
        if name in allowed:
            EVENT_FIELDS[name](value, name, findings)
        elif name in EVENT_FIELDS:
            findings.add(name, "forbidden_field", f"{name} has no place in {kind}", f"EPCIS 2.0 {kind}, fields")
        else:
            extension(name, value, "", findings)
    for name in rules.required:
        if name not in data:
            findings.add(name, "missing", f"{kind} has no {name}; expected one", f"EPCIS 2.0 {kind}, fields")


def _check_own_type(data: Mapping[str, Any], findings: Findings) -> None:
    """An event of one's own type: fields of the standard keep their shape, what else it holds is its own affair."""
    for name, value in data.items():
        if name in EVENT_FIELDS:
            EVENT_FIELDS[name](value, name, findings)
    for name in ("eventTime", "eventTimeZoneOffset"):
        if name not in data:
            findings.add(name, "missing", f"the event has no {name}; expected one", "EPCIS 2.0 EPCISEvent, fields")


# Rules of every type


def _check_common(data: Mapping[str, Any], findings: Findings, contested: Severity) -> None:
    """Rules over well-shaped fields that all types share."""
    persistent = data.get("persistentDisposition")
    if persistent is not None:
        _check_persistent(persistent, findings)
    declaration = data.get("errorDeclaration")
    if declaration is not None:
        _check_declaration(declaration, findings)
    for place in ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"):
        if place in data:
            _check_units(data[place], place, findings)
    sensors = data.get("sensorElementList")
    if sensors:
        event_time_us = parse_time_us(data["eventTime"])
        for index, element in enumerate(sensors):
            _check_sensor(element, f"sensorElementList[{index}]", event_time_us, findings, contested)


def _check_persistent(persistent: Mapping[str, Any], findings: Findings) -> None:
    clause = "EPCIS 2.0 PersistentDisposition"
    if not persistent:
        findings.add("persistentDisposition", "empty", "persistentDisposition is empty; expected set or unset", clause)
    both = sorted(set(persistent.get("set", ())) & set(persistent.get("unset", ())))
    if both:
        message = f"persistentDisposition sets and unsets {shown(both[0])} at once; expected one of both"
        findings.add("persistentDisposition", "set_and_unset", message, clause)


def _check_declaration(declaration: Mapping[str, Any], findings: Findings) -> None:
    reason = declaration.get("reason")
    if reason is not None and to_bare("er", reason) == "did_not_occur" and declaration.get("correctiveEventIDs"):
        message = "reason did_not_occur comes with correctiveEventIDs; expected none: nothing happened to be corrected"
        findings.add("errorDeclaration.correctiveEventIDs", "did_not_occur", message, "CBV 2.0 error reasons")


def _check_units(quantities: list[Mapping[str, Any]], place: str, findings: Findings) -> None:
    for index, element in enumerate(quantities):
        if "uom" in element and "quantity" not in element:
            path = f"{place}[{index}].uom"
            # The JSON schema takes it, the XML schema does not: a unit of nothing says nothing.
            message = f"{path} is given without a quantity; it has no meaning"
            findings.add(path, "uom_alone", message, "EPCIS 2.0 QuantityElement", "warning")
        elif "uom" not in element and element.get("quantity", 0) % 1:
            path = f"{place}[{index}].quantity"
            message = (
                f"{path} is {element['quantity']} without uom; expected a whole number of pieces, or a unit of measure"
            )
            findings.add(path, "fractional_each", message, "EPCIS 2.0 QuantityElement, uom")


# Sensor data (EPCIS 2.0, SensorElement, SensorMetadata, SensorReport)

_SENSOR = "EPCIS 2.0 SensorElement"
_SHARED = ("time", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod")
_UOM_VALUES = frozenset(("value", "minValue", "maxValue", "meanValue", "percValue", "sDev"))


def _check_sensor(
    element: Mapping[str, Any], path: str, event_time_us: int, findings: Findings, contested: Severity
) -> None:
    metadata, reports = element.get("sensorMetadata", {}), element["sensorReport"]
    # CONTESTED, but only by specimens: the draft conformance requirements name these rules.
    named: Severity = contested if _is_specimen(metadata, reports) else "error"
    _check_sensor_times(metadata, f"{path}.sensorMetadata", event_time_us, findings, named)
    for index, report in enumerate(reports):
        here = f"{path}.sensorReport[{index}]"
        for name in _SHARED:
            if name in report and name in metadata:
                message = f"{here}.{name} stands in sensorMetadata as well; expected it in one of both"
                findings.add(f"{here}.{name}", "sensor_twice", message, "EPCIS 2.0 conformance TCR-53", named)
        if "microorganism" in report and "chemicalSubstance" in report:
            message = f"{here} has microorganism and chemicalSubstance; expected one of both"
            findings.add(f"{here}.chemicalSubstance", "sensor_exclusive", message, _SENSOR, named)
        _check_report_values(report, here, findings, contested)
        if "time" in report and parse_time_us(report["time"]) > event_time_us:
            _late(f"{here}.time", report["time"], findings, named)


def _is_specimen(metadata: Mapping[str, Any], reports: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an element shows the schema's fields rather than a measurement.

    Official examples "with all possible fields" state each of the five attributes that have two places in both; no
    sensor does, and a mistake repeats one or two.
    """
    return all(name in metadata for name in _SHARED) and any(
        all(name in report for name in _SHARED) for report in reports
    )


def _check_sensor_times(
    metadata: Mapping[str, Any], path: str, event_time_us: int, findings: Findings, severity: Severity
) -> None:
    """Times in order: time <= eventTime, startTime < eventTime, startTime < endTime, endTime <= eventTime (M122)."""
    times = {name: parse_time_us(metadata[name]) for name in ("time", "startTime", "endTime") if name in metadata}
    for name, time_us in times.items():
        if time_us > event_time_us or (name == "startTime" and time_us == event_time_us):
            _late(f"{path}.{name}", metadata[name], findings, severity)
    if "startTime" in times and "endTime" in times and times["startTime"] >= times["endTime"]:
        message = f"{path}.startTime {metadata['startTime']} is not before endTime {metadata['endTime']}"
        findings.add(f"{path}.startTime", "sensor_period", message, "EPCIS 2.0 SensorMetadata")


def _late(path: str, value: str, findings: Findings, severity: Severity) -> None:
    message = f"{path} {value} is later than the eventTime; a report tells what was measured before"
    findings.add(path, "sensor_time", message, "EPCIS 2.0 conformance M122", severity)


def _check_report_values(report: Mapping[str, Any], path: str, findings: Findings, contested: Severity) -> None:
    if ("percRank" in report) != ("percValue" in report):
        present, absent = ("percRank", "percValue") if "percRank" in report else ("percValue", "percRank")
        message = f"{path} has {present} without {absent}; expected both or none"
        findings.add(f"{path}.{present}", "sensor_percentile", message, _SENSOR)
    if "sDev" in report and "meanValue" not in report:
        findings.add(f"{path}.sDev", "sensor_deviation", f"{path} has sDev without meanValue; expected both", _SENSOR)
    # CONTESTED by official examples: a unit beside text, and a component of one's own without a unit.
    if "uom" in report and not _UOM_VALUES & report.keys():
        message = f"{path} has uom without any value that it could be the unit of"
        findings.add(f"{path}.uom", "sensor_uom", message, _SENSOR, contested)
    if "component" in report and not ("value" in report and "uom" in report):
        message = f"{path} has component; expected value and uom with it"
        findings.add(f"{path}.component", "sensor_component", message, _SENSOR, contested)


# Rules of one type


def _check_object(data: Mapping[str, Any], findings: Findings) -> None:
    sensed = data.get("sensorElementList") and "readPoint" in data
    if "epcList" not in data and not data.get("quantityList") and not sensed:
        message = "ObjectEvent names nothing; expected epcList, quantityList, or sensorElementList with readPoint"
        findings.add("", "no_object", message, "EPCIS 2.0 ObjectEvent, what dimension")
    if "ilmd" in data and data.get("action") in ("OBSERVE", "DELETE"):
        message = f"ilmd stands with action {data['action']}; expected it only with ADD"
        findings.add("ilmd", "ilmd_action", message, "EPCIS 2.0 ObjectEvent, ilmd")


def _check_children(data: Mapping[str, Any], findings: Findings) -> None:
    """AggregationEvent and AssociationEvent: children unless DELETE, a parent unless an aggregation's OBSERVE."""
    kind, action = data["type"], data.get("action")
    if action in ("ADD", "OBSERVE") and not data.get("childEPCs") and not data.get("childQuantityList"):
        message = f"{kind} with action {action} has no children; expected childEPCs or childQuantityList"
        findings.add("childEPCs", "no_children", message, f"EPCIS 2.0 {kind}, childEPCs")


def _check_aggregation(data: Mapping[str, Any], findings: Findings) -> None:
    _check_children(data, findings)
    if "parentID" not in data and data.get("action") in ("ADD", "DELETE"):
        message = f"AggregationEvent with action {data['action']} has no parentID; only OBSERVE may leave it out"
        findings.add("parentID", "missing", message, "EPCIS 2.0 AggregationEvent, parentID")


def _check_transaction(data: Mapping[str, Any], findings: Findings) -> None:
    if data.get("bizTransactionList") == []:
        message = "bizTransactionList is empty; expected at least one business transaction"
        findings.add("bizTransactionList", "empty", message, "EPCIS 2.0 TransactionEvent, bizTransactionList")
    if data.get("action") in ("ADD", "OBSERVE") and "epcList" not in data and not data.get("quantityList"):
        message = f"TransactionEvent with action {data['action']} names nothing; expected epcList or quantityList"
        findings.add("", "no_object", message, "EPCIS 2.0 TransactionEvent, what dimension")


def _check_transformation(data: Mapping[str, Any], findings: Findings) -> None:
    inputs = data.get("inputEPCList") or data.get("inputQuantityList")
    outputs = data.get("outputEPCList") or data.get("outputQuantityList")
    if (inputs and outputs) or ("transformationID" in data and (inputs or outputs)):
        return
    message = "TransformationEvent lacks inputs or outputs; expected both, or one of them with a transformationID"
    findings.add("", "no_transformation", message, "EPCIS 2.0 TransformationEvent, transformationID")


_WHEN = ("eventTime", "eventTimeZoneOffset")

_TYPES: Mapping[Any, _TypeRules] = {
    "ObjectEvent": _TypeRules(
        _COMMON | _names("action epcList quantityList persistentDisposition ilmd"), (*_WHEN, "action"), _check_object
    ),
    "AggregationEvent": _TypeRules(
        _COMMON | _names("action parentID childEPCs childQuantityList"), (*_WHEN, "action"), _check_aggregation
    ),
    "TransactionEvent": _TypeRules(
        _COMMON | _names("action parentID epcList quantityList"),
        (*_WHEN, "action", "bizTransactionList"),
        _check_transaction,
    ),
    "TransformationEvent": _TypeRules(
        _COMMON
        | _names("inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID")
        | _names("persistentDisposition ilmd"),
        _WHEN,
        _check_transformation,
    ),
    "AssociationEvent": _TypeRules(
        _COMMON | _names("action parentID childEPCs childQuantityList"), (*_WHEN, "action", "parentID"), _check_children
    ),
}
