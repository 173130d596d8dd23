"""The rules of AssociationEvent (TCR-54) and AggregationEvent, and of sensor data (M121, M122, TCR-53 step 29)."""

from typing import Any, Final

from traceward.conformance.case import Group
from traceward.conformance.cases.capture import expect_refused, fresh
from traceward.conformance.data import Event
from traceward.conformance.model import Level, Unmet
from traceward.conformance.run import Run

GROUP: Final = Group("association", "Association (TCR-54) and aggregation")
SENSOR_RULES: Final = Group("sensor-rules", "Rules of sensor data")
"""The level of rules that GS1's own example documents break: a server that takes those cannot hold to the rule."""


def _event(run: Run, kind: str, **fields: Any) -> Event:
    """An event of that type on the run's assets; a field of None is left out."""
    names = run.data.names
    event = fresh(run) | {"type": kind, "action": "ADD", "parentID": names["asset1"], "childEPCs": [names["asset2"]]}
    del event["epcList"]
    return {name: value for name, value in (event | fields).items() if value is not None}


@GROUP.case(Level.MANDATORY, "TCR-54 step 1")
def a_parent_may_be_a_location(run: Run) -> None:
    """An AssociationEvent whose parent is a location is captured and found by that parent."""
    place = run.data.names["locA"]
    event = _event(run, "AssociationEvent", parentID=place)
    run.captured([event])
    found = run.find({"MATCH_parentID": place, "eventType": "AssociationEvent"})
    if event["eventID"] not in {one.get("eventID") for one in found}:
        raise Unmet("the event by MATCH_parentID of its location", f"{len(found)} others")


def _refusal(kind: str, name: str, title: str, clause: str, level: Level, **fields: Any) -> None:
    GROUP.add(name, title, clause, level, lambda run: expect_refused(run, _event(run, kind, **fields)))


for _step, _action in ((2, "ADD"), (3, "DELETE")):
    _refusal(
        "AssociationEvent",
        f"{_action.lower()}-without-parent",
        f"An AssociationEvent of action {_action} without parentID is refused.",
        f"TCR-54 step {_step}",
        Level.MANDATORY,
        action=_action,
        parentID=None,
    )
for _action in ("ADD", "OBSERVE"):
    _refusal(
        "AssociationEvent",
        f"{_action.lower()}-without-children",
        f"An AssociationEvent of action {_action} without children is refused.",
        "TCR-54 step 4",
        Level.MANDATORY,
        action=_action,
        childEPCs=None,
    )
_refusal(
    "AggregationEvent",
    "aggregation-without-parent",
    "An AggregationEvent of action ADD without parentID is refused.",
    "EPCIS 7.4.3, parentID",
    Level.MANDATORY,
    parentID=None,
)


@GROUP.case(Level.MANDATORY, "EPCIS 7.4.3, 7.4.6, DELETE")
def delete_without_children_ends_all(run: Run) -> None:
    """Action DELETE without children is accepted: all children leave the parent."""
    events = [_event(run, kind, action="DELETE", childEPCs=None) for kind in ("AggregationEvent", "AssociationEvent")]
    run.captured(events)
    for event in events:
        if not run.event(event["eventID"]):
            raise Unmet(f"the captured {event['type']}", "no such event")


@GROUP.case(Level.MANDATORY, "EPCIS 7.4.4, bizTransactionList")
def a_transaction_needs_its_business_transaction(run: Run) -> None:
    """A TransactionEvent without bizTransactionList is refused."""
    names = run.data.names
    event = _event(run, "TransactionEvent", parentID=None, childEPCs=None, epcList=[names["s1"]])
    expect_refused(run, event)


@GROUP.case(Level.MANDATORY, "EPCIS 7.4.5")
def a_transformation_needs_input_and_output(run: Run) -> None:
    """A TransformationEvent with inputs alone and without transformationID is refused."""
    names = run.data.names
    event = _event(run, "TransformationEvent", action=None, parentID=None, childEPCs=None, inputEPCList=[names["s1"]])
    expect_refused(run, event)


def _sensed(run: Run, report: Any, metadata: Event | None = None) -> Event:
    element: Event = {"sensorReport": report}
    if metadata is not None:
        element["sensorMetadata"] = metadata
    return fresh(run, sensorElementList=[element], readPoint={"id": run.data.names["rp1"]})


@SENSOR_RULES.case(Level.MANDATORY, "M121")
def a_sensor_element_needs_a_report(run: Run) -> None:
    """A sensorElement without any sensorReport is refused."""
    expect_refused(run, _sensed(run, []))


@SENSOR_RULES.case(Level.MANDATORY, "M122")
def a_sensor_time_is_not_after_the_event(run: Run) -> None:
    """A sensor time later than eventTime is refused."""
    report = [{"type": "Temperature", "value": 1, "uom": "CEL"}]
    expect_refused(run, _sensed(run, report, {"time": "2199-01-01T00:00:00Z"}))


@SENSOR_RULES.case(Level.MANDATORY, "M122")
def a_sensor_time_has_a_zone(run: Run) -> None:
    """A sensor time without zone is refused."""
    report = [{"type": "Temperature", "value": 1, "uom": "CEL"}]
    expect_refused(run, _sensed(run, report, {"time": "2020-01-01T00:00:00"}))


@SENSOR_RULES.case(Level.MANDATORY, "TCR-53 step 29")
def an_attribute_in_metadata_and_report_is_refused(run: Run) -> None:
    """A deviceID in sensorMetadata and in sensorReport of one element is refused."""
    device = run.data.names["asset3"]
    report = {"type": "Temperature", "value": 1, "uom": "CEL", "deviceID": device}
    expect_refused(run, _sensed(run, [report], {"deviceID": device}))


@SENSOR_RULES.case(Level.RECOMMENDED, "EPCIS 7.3.3.7")
def a_germ_and_a_substance_exclude_each_other(run: Run) -> None:
    """A sensorReport with microorganism and chemicalSubstance is refused."""
    report = {"type": "MassConcentration", "value": 1, "uom": "KGM"}
    both = {"microorganism": "https://example.org/germ", "chemicalSubstance": "https://example.org/substance"}
    expect_refused(run, _sensed(run, [report | both]))


@SENSOR_RULES.case(Level.RECOMMENDED, "EPCIS 7.3.3.7, percRank and percValue")
def a_percentile_needs_rank_and_value(run: Run) -> None:
    """A percRank without percValue is refused."""
    expect_refused(run, _sensed(run, [{"type": "Temperature", "value": 1, "uom": "CEL", "percRank": 50}]))
