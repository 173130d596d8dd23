"""The one validator: every rule by its clause, every published verdict, every finding with its path."""

import json

import pytest

from epcis.samples import (
    errors,
    object_event,
    official_examples,
    raw,
    sensed,
    storylines,
    without,
)
from shared_data import shared
from traceward.epcis.json_codec import read_document
from traceward.epcis.rules import check_event

AGGREGATION = {
    "type": "AggregationEvent",
    "eventTime": "2026-03-12T10:42:00Z",
    "eventTimeZoneOffset": "+00:00",
    "action": "ADD",
    "parentID": "urn:epc:id:sscc:9521141.0000000011",
    "childEPCs": ["urn:epc:id:sgtin:9521141.001023.V23-0007"],
}
TRANSACTION = {
    "type": "TransactionEvent",
    "eventTime": "2026-03-12T10:42:00Z",
    "eventTimeZoneOffset": "+00:00",
    "action": "ADD",
    "epcList": ["urn:epc:id:sgtin:9521141.001023.V23-0007"],
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:BO-7001"}],
}
TRANSFORMATION = {
    "type": "TransformationEvent",
    "eventTime": "2026-03-12T10:42:00Z",
    "eventTimeZoneOffset": "+00:00",
    "inputEPCList": ["urn:epc:id:sgtin:9521141.001023.V23-0007"],
    "outputEPCList": ["urn:epc:id:sgtin:9521141.001023.V23-0009"],
}
ASSOCIATION = AGGREGATION | {"type": "AssociationEvent"}


def test_the_storyline_and_every_official_example_pass():
    """Rejects rules stricter than the standard's own examples."""
    assert len(official_examples()) == 47
    for path in [*official_examples(), *storylines()]:
        for event in read_document(path.read_bytes()).events:
            assert [finding for finding in check_event(event) if finding.severity == "error"] == [], path.name


# Where the official JSON schema accepts what we refuse: each with the reason.
STRICTER_THAN_THE_SCHEMA = {
    "eventTime +15:00",  # XML Schema's dateTimeStamp has no such offset: the event could not be given as XML
    "persistentDisposition same in set+unset",  # cannot both begin and cease to hold
    "Agg ADD no parent",  # EPCIS 2.0 AggregationEvent: only OBSERVE may leave parentID out
    "Agg DELETE no parent no child",  # the same
}


def test_published_edge_cases_get_the_schemas_verdict_or_a_stricter_one_with_a_reason():
    """Rejects a validator without uri and date-time checks, which lets a quarter of these through."""
    for case in json.loads(shared("standard/vectors/json-schema-edge-cases.json").read_text()):
        accepted = errors(case["event"]) == []
        expected = case["valid_format_asserted"] and case["case"] not in STRICTER_THAN_THE_SCHEMA
        assert accepted == expected, case["case"]


# event, path of the finding, its code
BROKEN = {
    # common fields: EPCIS 2.0 EPCISEvent
    "no eventTime": (object_event(eventTime=None), "eventTime", "missing"),
    "no offset": (object_event(eventTimeZoneOffset=None), "eventTimeZoneOffset", "missing"),
    "offset Z": (object_event(eventTimeZoneOffset="Z"), "eventTimeZoneOffset", "offset"),
    "offset without colon": (object_event(eventTimeZoneOffset="+0100"), "eventTimeZoneOffset", "offset"),
    "offset 14:01": (object_event(eventTimeZoneOffset="+14:01"), "eventTimeZoneOffset", "offset"),
    "time without zone": (object_event(eventTime="2026-03-12T10:42:00"), "eventTime", "time"),
    "time of February 30": (object_event(eventTime="2026-02-30T10:42:00Z"), "eventTime", "time"),
    "time of hour 24": (object_event(eventTime="2026-02-20T24:00:00Z"), "eventTime", "time"),
    "time as number": (object_event(eventTime=1773312120), "eventTime", "time"),
    "time before the year 1": (object_event(eventTime="0001-01-01T00:00:00+00:01"), "eventTime", "time"),
    "time after 9999": (object_event(eventTime="9999-12-31T23:59:59-14:00"), "eventTime", "time"),
    "time with Arabic digits": (object_event(eventTime="٢٠٢٦-03-12T10:42:00Z"), "eventTime", "time"),
    "eventID no URI": (object_event(eventID="1234"), "eventID", "uri"),
    "eventID with blank": (object_event(eventID="urn:x: y"), "eventID", "uri"),
    "eventID with bad escape": (object_event(eventID="urn:x:%4g"), "eventID", "uri"),
    "eventID too long": (object_event(eventID="urn:x:" + "y" * 3000), "eventID", "uri"),
    "certificationInfo no URI": (object_event(certificationInfo=["x"]), "certificationInfo[0]", "uri"),
    "unknown field": (object_event(colour="red"), "colour", "unknown_field"),
    "undeclared prefix": (object_event(zz__colour="red"), "zz:colour", "undeclared_prefix"),
    "null field": (object_event() | {"disposition": None}, "disposition", "unknown_term"),
    "unknown type": (object_event(type="MyEvent"), "type", "event_type"),
    "type missing": (object_event(type=None), "type", "event_type"),
    "type is a list": (object_event(type=["ObjectEvent"]), "type", "event_type"),
    "own type with undeclared prefix": (object_event(type="zz:MyEvent"), "type", "event_type"),
    "own type without time": (object_event(type="ex:MyEvent", eventTime=None), "eventTime", "missing"),
    "own type with misshapen field": (object_event(type="ex:MyEvent", epcList=5), "epcList", "list"),
    # CBV 2.0 terms
    "bizStep mistyped": (object_event(bizStep="shippping"), "bizStep", "unknown_term"),
    "bizStep URN in JSON": (object_event(bizStep="urn:epcglobal:cbv:bizstep:shipping"), "bizStep", "term_form"),
    "bizStep unknown in the standard's namespace": (
        object_event(bizStep="https://ref.gs1.org/cbv/BizStep-consuming"),
        "bizStep",
        "unknown_term",
    ),
    "disposition of another kind": (object_event(disposition="shipping"), "disposition", "unknown_term"),
    "transaction type": (
        object_event(bizTransactionList=[{"type": "order", "bizTransaction": "urn:a:b"}]),
        "bizTransactionList[0].type",
        "unknown_term",
    ),
    "source type": (
        object_event(sourceList=[{"type": "owner", "source": "urn:a:b"}]),
        "sourceList[0].type",
        "unknown_term",
    ),
    "source without type": (object_event(sourceList=[{"source": "urn:a:b"}]), "sourceList[0].type", "missing"),
    "destination without value": (
        object_event(destinationList=[{"type": "location"}]),
        "destinationList[0].destination",
        "missing",
    ),
    "transaction with extra key": (
        object_event(bizTransactionList=[{"bizTransaction": "urn:a:b", "ex:a": 1}]),
        "bizTransactionList[0].ex:a",
        "unknown_field",
    ),
    "plain transaction with extra key": (
        object_event(bizTransactionList=[{"type": "po", "bizTransaction": "urn:a:b", "ex:a": 1}]),
        "bizTransactionList[0].ex:a",
        "unknown_field",
    ),
    # what dimension
    "action missing": (object_event(action=None), "action", "missing"),
    "action unknown": (object_event(action="USE"), "action", "action"),
    "object without objects": (object_event(epcList=None), "", "no_object"),
    "sensor data without readPoint": (
        object_event(epcList=None, readPoint=None, sensorElementList=sensed()["sensorElementList"]),
        "",
        "no_object",
    ),
    "epc repeated": (object_event(epcList=["urn:a:b", "urn:a:c", "urn:a:b"]), "epcList[2]", "repeated"),
    "epc repeated in another spelling": (
        object_event(
            epcList=[
                "urn:epc:id:sgtin:9521141.001023.V23-0007",
                "https://shop.example/01/09521141010235/21/V23-0007?x=1",
            ]
        ),
        "epcList[1]",
        "repeated",
    ),
    "epc no text": (object_event(epcList=[["urn:a:b"]]), "epcList[0]", "uri"),
    "epcList no list": (object_event(epcList="urn:a:b"), "epcList", "list"),
    "quantity negative": (
        object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": -0.5}]),
        "quantityList[0].quantity",
        "quantity_range",
    ),
    "quantity beyond reason": (
        object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": 10**15 + 1}]),
        "quantityList[0].quantity",
        "quantity_range",
    ),
    "quantity as text": (
        object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": "5"}]),
        "quantityList[0].quantity",
        "number",
    ),
    "quantity true": (
        object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": True}]),
        "quantityList[0].quantity",
        "number",
    ),
    "uom of four letters": (
        object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": 1, "uom": "KGMX"}]),
        "quantityList[0].uom",
        "uom",
    ),
    "uom in small letters": (
        object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": 1, "uom": "kgm"}]),
        "quantityList[0].uom",
        "uom",
    ),
    "quantity without class": (object_event(quantityList=[{"quantity": 1}]), "quantityList[0].epcClass", "missing"),
    "ilmd with OBSERVE": (object_event(ilmd={"ex:a": "1"}), "ilmd", "ilmd_action"),
    "ilmd with DELETE": (object_event(action="DELETE", ilmd={"ex:a": "1"}), "ilmd", "ilmd_action"),
    "ilmd bare key": (object_event(action="ADD", ilmd={"lot": "1"}), "ilmd.lot", "unknown_field"),
    "object with childEPCs": (object_event(childEPCs=["urn:a:b"]), "childEPCs", "forbidden_field"),
    "object with parentID": (object_event(parentID="urn:a:b"), "parentID", "forbidden_field"),
    # where
    "readPoint text": (object_event(readPoint="urn:a:b"), "readPoint", "object"),
    "readPoint without id": (object_event(readPoint={"ex:a": 1}), "readPoint.id", "missing"),
    "readPoint bare key": (object_event(readPoint={"id": "urn:a:b", "name": "x"}), "readPoint.name", "unknown_field"),
    # persistentDisposition
    "persistent empty": (object_event(persistentDisposition={}), "persistentDisposition", "empty"),
    "persistent set empty": (object_event(persistentDisposition={"set": []}), "persistentDisposition.set", "empty"),
    "persistent twice": (
        object_event(persistentDisposition={"set": ["damaged", "damaged"]}),
        "persistentDisposition.set[1]",
        "repeated",
    ),
    "persistent set and unset": (
        object_event(persistentDisposition={"set": ["damaged"], "unset": ["damaged"]}),
        "persistentDisposition",
        "set_and_unset",
    ),
    "persistent unknown key": (
        object_event(persistentDisposition={"set": ["damaged"], "ex:a": 1}),
        "persistentDisposition.ex:a",
        "unknown_field",
    ),
    "aggregation with persistent": (
        AGGREGATION | {"persistentDisposition": {"set": ["damaged"]}},
        "persistentDisposition",
        "forbidden_field",
    ),
    # error declaration
    "declaration without time": (
        object_event(errorDeclaration={"reason": "incorrect_data"}),
        "errorDeclaration.declarationTime",
        "missing",
    ),
    "declaration with unknown reason": (
        object_event(errorDeclaration={"declarationTime": "2026-03-12T11:00:00Z", "reason": "mistake"}),
        "errorDeclaration.reason",
        "unknown_term",
    ),
    "declaration with corrective no URI": (
        object_event(errorDeclaration={"declarationTime": "2026-03-12T11:00:00Z", "correctiveEventIDs": ["5"]}),
        "errorDeclaration.correctiveEventIDs[0]",
        "uri",
    ),
    "did not occur yet corrected": (
        object_event(
            errorDeclaration={
                "declarationTime": "2026-03-12T11:00:00Z",
                "reason": "did_not_occur",
                "correctiveEventIDs": ["urn:a:b"],
            }
        ),
        "errorDeclaration.correctiveEventIDs",
        "did_not_occur",
    ),
    # AggregationEvent, AssociationEvent
    "aggregation ADD without parent": (without(AGGREGATION, "parentID"), "parentID", "missing"),
    "aggregation DELETE without parent": (
        without(AGGREGATION, "parentID") | {"action": "DELETE"},
        "parentID",
        "missing",
    ),
    "aggregation ADD without children": (without(AGGREGATION, "childEPCs"), "childEPCs", "no_children"),
    "aggregation OBSERVE with empty children": (
        AGGREGATION | {"childEPCs": [], "action": "OBSERVE"},
        "childEPCs",
        "no_children",
    ),
    "aggregation with ilmd": (AGGREGATION | {"ilmd": {"ex:a": 1}}, "ilmd", "forbidden_field"),
    "aggregation with epcList": (AGGREGATION | {"epcList": []}, "epcList", "forbidden_field"),
    "association OBSERVE without parent": (
        without(ASSOCIATION, "parentID") | {"action": "OBSERVE"},
        "parentID",
        "missing",
    ),
    "association ADD without children": (without(ASSOCIATION, "childEPCs"), "childEPCs", "no_children"),
    # TransactionEvent
    "transaction without transactions": (
        without(TRANSACTION, "bizTransactionList"),
        "bizTransactionList",
        "missing",
    ),
    "transaction with empty transactions": (TRANSACTION | {"bizTransactionList": []}, "bizTransactionList", "empty"),
    "transaction without objects": (without(TRANSACTION, "epcList"), "", "no_object"),
    # TransformationEvent
    "transformation with action": (TRANSFORMATION | {"action": "ADD"}, "action", "forbidden_field"),
    "transformation without outputs": (without(TRANSFORMATION, "outputEPCList"), "", "no_transformation"),
    "transformation of its id alone": (
        without(TRANSFORMATION, "inputEPCList", "outputEPCList") | {"transformationID": "urn:a:b"},
        "",
        "no_transformation",
    ),
    # sensor data: EPCIS 2.0 SensorElement, M121, M122
    "no sensor report": (
        object_event(sensorElementList=[{"sensorMetadata": {}}]),
        "sensorElementList[0].sensorReport",
        "missing",
    ),
    "empty sensor report": (
        object_event(sensorElementList=[{"sensorReport": []}]),
        "sensorElementList[0].sensorReport",
        "empty",
    ),
    "exception without type": (
        object_event(sensorElementList=[{"sensorReport": [{"exception": "ALARM_CONDITION"}]}]),
        "sensorElementList[0].sensorReport[0].type",
        "missing",
    ),
    "measurement mistyped": (
        sensed({"type": "Temperatur"}),
        "sensorElementList[0].sensorReport[0].type",
        "unknown_term",
    ),
    "value as text": (sensed({"value": "5"}), "sensorElementList[0].sensorReport[0].value", "number"),
    "boolean as number": (
        sensed({"booleanValue": 1}),
        "sensorElementList[0].sensorReport[0].booleanValue",
        "boolean",
    ),
    "boolean as text": (
        sensed({"booleanValue": "true"}),
        "sensorElementList[0].sensorReport[0].booleanValue",
        "boolean",
    ),
    "hex of other letters": (
        sensed({"hexBinaryValue": "xyz"}),
        "sensorElementList[0].sensorReport[0].hexBinaryValue",
        "hex",
    ),
    "percRank alone": (sensed({"percRank": 50}), "sensorElementList[0].sensorReport[0].percRank", "sensor_percentile"),
    "percValue alone": (
        sensed({"percValue": 50}),
        "sensorElementList[0].sensorReport[0].percValue",
        "sensor_percentile",
    ),
    "sDev without mean": (sensed({"sDev": 1}), "sensorElementList[0].sensorReport[0].sDev", "sensor_deviation"),
    "period turned round": (
        sensed(metadata={"startTime": "2026-03-12T10:00:00Z", "endTime": "2026-03-12T09:00:00Z"}),
        "sensorElementList[0].sensorMetadata.startTime",
        "sensor_period",
    ),
    "metadata bare key": (
        sensed(metadata={"colour": "red"}),
        "sensorElementList[0].sensorMetadata.colour",
        "unknown_field",
    ),
}


@pytest.mark.parametrize(("event", "path", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_one_finding_with_path_and_code(event, path, code):
    """Each case rejects a validator that lacks this one rule, or reports it at another place."""
    assert errors(event) == [(path, code)]


SHARED = {
    "time": "2026-03-12T10:41:00Z",
    "deviceID": "urn:a:d",
    "deviceMetadata": "https://ex.org/d",
    "rawData": "https://ex.org/r",
    "dataProcessingMethod": "https://ex.org/m",
}
# Rules that the draft conformance requirements name: errors, but for elements that show every field in both places.
NAMED = {
    "time after eventTime": ({"time": "2026-03-12T10:42:00.001Z"}, {}, "sensor_time"),
    "start at eventTime": ({}, {"startTime": "2026-03-12T10:42:00Z"}, "sensor_time"),
    "end after eventTime": ({}, {"endTime": "2026-03-12T10:43:00Z"}, "sensor_time"),
    "device in both places": ({"deviceID": "urn:a:b"}, {"deviceID": "urn:a:b"}, "sensor_twice"),
    "organism and substance": ({"microorganism": "urn:a:b", "chemicalSubstance": "urn:a:c"}, {}, "sensor_exclusive"),
}


@pytest.mark.parametrize(("report", "metadata", "code"), NAMED.values(), ids=NAMED)
def test_a_rule_of_the_conformance_text_refuses_but_for_specimens(report, metadata, code):
    """Rejects a rule that only warns, and one that refuses the official examples with all possible fields."""
    assert [found for _, found in errors(sensed(report, metadata))] == [code]
    specimen = sensed(SHARED | report, SHARED | metadata)
    found = [(one.code, one.severity) for one in check_event(raw(specimen))]
    assert (code, "warning") in found
    assert {severity for _, severity in found} == {"warning"}
    assert code in [found for _, found in errors(specimen, strict=True)]
    four = {name: value for name, value in SHARED.items() if name != "rawData"}
    assert "sensor_twice" in [found for _, found in errors(sensed(four, four))]


# Rules that official examples break in plain elements: warnings, unless the strict reading is asked for.
CONTESTED = {
    "component without unit": (
        object_event(sensorElementList=[{"sensorReport": [{"type": "Length", "value": 1, "component": "x"}]}]),
        "sensor_component",
    ),
    "unit without value": (
        object_event(sensorElementList=[{"sensorReport": [{"type": "Length", "uom": "MTR"}]}]),
        "sensor_uom",
    ),
}


@pytest.mark.parametrize(("event", "code"), CONTESTED.values(), ids=CONTESTED)
def test_a_contested_sensor_rule_warns_and_refuses_only_when_strict(event, code):
    """Rejects a validator without the rule, and one that refuses official examples for it."""
    assert [(finding.code, finding.severity) for finding in check_event(raw(event))] == [(code, "warning")]
    assert [found for _, found in errors(event, strict=True)] == [code]


GOOD = {
    "plain": object_event(),
    "web URI of a term": object_event(bizStep="https://ref.gs1.org/cbv/BizStep-shipping"),
    "CURIE of a term": object_event(bizStep="cbv:BizStep-shipping"),
    "own term": object_event(bizStep="https://ns.traceward.org/consignment/bizstep/sterilizing"),
    "own term by declared prefix": object_event(bizStep="mcx:bizstep/sterilizing"),
    "zero found in a count": object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": 0}]),
    "class without quantity": object_event(epcList=None, quantityList=[{"epcClass": "urn:a:b"}]),
    "empty epcList": object_event(epcList=[]),
    "sensor data at a place": object_event(epcList=None, sensorElementList=sensed()["sensorElementList"]),
    "extension by URI": object_event() | {"https://ex.org/a": {"b": [1, None, {"c": True}]}},
    "recordTime of any shape is ignored": object_event(recordTime="whenever"),
    "offset -00:00": object_event(eventTimeZoneOffset="-00:00"),
    "nine decimals": object_event(eventTime="2026-03-12T10:42:00.123456789Z"),
    "small t and z": object_event(eventTime="2026-03-12t10:42:00z"),
    "far future": object_event(eventTime="9999-12-31T23:59:59Z"),
    "ilmd with ADD": object_event(action="ADD", ilmd={"cbvmda:lotNumber": "00123"}),
    "aggregation OBSERVE without parent": without(AGGREGATION, "parentID") | {"action": "OBSERVE"},
    "aggregation DELETE of all": without(AGGREGATION, "childEPCs") | {"action": "DELETE"},
    "transaction DELETE of nothing": without(TRANSACTION, "epcList") | {"action": "DELETE"},
    "transaction type left out": TRANSACTION | {"bizTransactionList": [{"bizTransaction": "urn:a:b"}]},
    "transformation by id": without(TRANSFORMATION, "outputEPCList") | {"transformationID": "urn:a:b"},
    "association with a place as parent": ASSOCIATION | {"parentID": "urn:epc:id:sgln:4012345.00001.OR3"},
    "own event type": {
        "type": "ex:MyEvent",
        "eventTime": "2026-01-01T00:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "anything": 1,
    },
}


@pytest.mark.parametrize("event", GOOD.values(), ids=GOOD)
def test_what_the_standard_allows_has_no_finding(event):
    assert check_event(raw(event)) == []
