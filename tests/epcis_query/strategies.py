"""Small random events and queries over shared pools of values, so that queries often hit."""

from itertools import product
from typing import Any

from hypothesis import strategies as st

CONTEXT = [
    "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
    {"ex": "https://ex.example/ns/", "mcx": "https://ns.traceward.org/consignment/"},
]

EPCS = [
    "urn:epc:id:sgtin:9521141.001023.V23-0007",
    "https://id.gs1.org/01/09521141010235/21/V23-0007",
    "https://shop.example/01/09521141010235/10/LOT9/21/V23-0008?17=270101",
    "urn:epc:id:sgtin:9521141.101023.V23-0007",
    "urn:epc:id:sgtin:9521141.101023.a%2Fb",
    "urn:epc:id:sgtin:4012345.012345.400",
    "urn:epc:id:sgtin:4012345.012345.40",
    "urn:epc:id:upui:9521141.001023.TPX9",
    "urn:epc:id:sscc:9521141.0000000011",
    "urn:epc:id:sscc:9521141.1000000011",
    "urn:epc:id:grai:4012345.12345.789",
    "urn:epc:id:grai:4012345.12345.7890",
    "urn:epc:id:giai:4012345.PUMP-1",
    "urn:epc:id:giai:4012345.PUMP-12",
    "urn:epc:id:sgln:4012345.00001.0",
    "urn:epc:id:sgln:4012345.00001.OR3",
    "https://ex.example/own/id%25_[x]?*",
]
PATTERNS = [
    "urn:epc:idpat:sgtin:9521141.001023.*",
    "urn:epc:idpat:sgtin:9521141.101023.*",
    "urn:epc:idpat:sgtin:9521141.*.*",
    "urn:epc:idpat:sgtin:4012345.*.*",
    "urn:epc:idpat:sgtin:*.*.*",
    "urn:epc:idpat:sgtin:9521141.001023.V23-0007",
    "urn:epc:idpat:upui:9521141.001023.*",
    "urn:epc:idpat:upui:9521141.*.*",
    "urn:epc:idpat:sscc:9521141.*",
    "urn:epc:idpat:grai:4012345.12345.*",
    "urn:epc:idpat:grai:4012345.*.*",
    "urn:epc:idpat:giai:4012345.*",
    "urn:epc:idpat:sgln:4012345.00001.*",
    "urn:epc:idpat:sgln:4012345.*.*",
    "https://ex.example/own/id%25_*",
    "urn:epc:id:sgtin:9521141.001023.V23-000%2A",
]
CLASSES = [
    "urn:epc:class:lgtin:9521141.045305.LOT77A",
    "https://id.gs1.org/01/09521141453056/10/LOT77A",
    "urn:epc:class:lgtin:9521141.045305.LOT77B",
    "urn:epc:idpat:sgtin:9521141.045305.*",
    "urn:epc:idpat:sgtin:4012345.012345.*",
    "urn:epc:idpat:grai:4012345.12345.*",
    "https://id.gs1.org/01/04012345123456",
]
CLASS_PATTERNS = [
    "urn:epc:idpat:sgtin:9521141.*.*",
    "urn:epc:idpat:lgtin:9521141.045305.*",
    "urn:epc:idpat:grai:4012345.*.*",
]
EVENT_IDS = ["urn:uuid:1", "ni:///sha-256;ab?ver=CBV2.0"]
MICROORGANISMS = ["https://bug.example/1", "urn:bug:2"]
SUBSTANCES = ["https://stuff.example/1", "urn:stuff:2"]
PLACES = [
    "urn:epc:id:sgln:4012345.00001.0",
    "urn:epc:id:sgln:4012345.00001.OR3",
    "https://id.gs1.org/414/4012345000023",
    "urn:own:ward",
]
#: Canonical place -> its direct children in the master data; it runs in a circle, as a partner's mistake may.
CHILDREN = {
    "https://id.gs1.org/414/4012345000016": ["https://id.gs1.org/414/4012345000016/254/OR3"],
    "https://id.gs1.org/414/4012345000016/254/OR3": ["urn:own:ward"],
    "urn:own:ward": ["https://id.gs1.org/414/4012345000016"],
}
_NAME = "urn:epcglobal:cbv:mda:name"
_KIND = "https://ex.example/ns/kind"
#: Canonical id -> attribute -> value.
DECLARED = {
    "https://id.gs1.org/414/4012345000016": {_NAME: "North", _KIND: "clinic"},
    "https://id.gs1.org/414/4012345000016/254/OR3": {_KIND: "theatre"},
    "urn:own:ward": {_NAME: "Ward", _KIND: "20"},
    "https://id.gs1.org/01/09521141453056": {_KIND: "20"},
    "https://id.gs1.org/01/09521141453056/10/LOT77B": {_NAME: "North"},
    "https://id.gs1.org/417/4012345000009": {_NAME: "North"},
    "https://id.gs1.org/417/9521141000006": {_NAME: "Ward"},
    "urn:epcglobal:cbv:bt:4012345000009:CPO-1001": {_KIND: "clinic"},
    "https://bug.example/1": {_NAME: "Ward"},
    "urn:stuff:2": {_KIND: "20"},
    "urn:own:probe": {_KIND: "theatre"},
}
DESCRIBED = (
    "readPoint", "bizLocation", "bizTransaction", "epcClass", "source", "destination", "sourceDest", "location",
    "party", "microorganism", "chemicalSubstance", "resource",
)  # fmt: skip
ATTRIBUTES = ["urn:epcglobal:cbv:mda#name", "cbvmda:name", "ex:kind"]
PARTIES = ["urn:epc:id:pgln:9521141.00000", "https://id.gs1.org/417/4012345000009"]
STEPS = [
    "shipping",
    "receiving",
    "urn:epcglobal:cbv:bizstep:shipping",
    "https://ref.gs1.org/cbv/BizStep-receiving",
    "ex:weighing",
    "https://ex.example/ns/weighing",
]
DISPOSITIONS = ["in_transit", "urn:epcglobal:cbv:disp:in_transit", "active", "https://ref.gs1.org/cbv/Disp-active"]
TIMES = [
    "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.001Z", "2026-06-30T12:00:00-05:00",
    "2027-01-01T00:00:00.123456Z",
]  # fmt: skip
NUMBERS = ["0", "1", "1.5", "20", "20.25", "-3"]
TEMPERATURES = ["273.15", "293.15", "270.15", "274.65", "20", "68", "34.7", "26.6"]
DEVICES = ["urn:epc:id:giai:4012345.PUMP-1", "https://id.gs1.org/8004/4012345PUMP-1", "urn:own:probe"]
TRANSACTIONS = [
    "urn:epcglobal:cbv:bt:4012345000009:CPO-1001",
    "urn:epc:id:gdti:4012345.00001.7",
    "https://id.gs1.org/253/40123450000167",
]
FIELD_VALUES = ["a", "b|", "20", "20.0", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "", "x' OR 1=1"]


def few(pool: list[str], *, unique: bool = True) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=unique)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


leaf = st.one_of(st.sampled_from(FIELD_VALUES), st.sampled_from([20, 1, -3]))
extension = st.recursive(
    leaf,
    lambda children: st.one_of(
        st.lists(children, min_size=1, max_size=2),
        st.dictionaries(st.sampled_from(["ex:a", "mcx:b"]), children, min_size=1, max_size=2),
    ),
    max_leaves=4,
)
quantity = st.fixed_dictionaries(
    {"epcClass": st.sampled_from(CLASSES)},
    optional={"quantity": st.sampled_from([1, 20, 1.5, 20.25]), "uom": st.sampled_from(["KGM", "GRM", "LTR"])},
)
quantities = st.lists(quantity, min_size=1, max_size=2)
report_numbers = {
    name: st.sampled_from([0, 1.5, 20, -3])
    for name in ("value", "minValue", "maxValue", "meanValue", "sDev", "percValue", "percRank")
}
shared_sensor = {
    "time": st.sampled_from(TIMES),
    "deviceID": st.sampled_from(DEVICES),
    "rawData": st.sampled_from(DEVICES),
    "dataProcessingMethod": st.sampled_from(DEVICES),
}
sensor_report = st.fixed_dictionaries(
    {"type": st.sampled_from(["Temperature", "https://gs1.org/voc/Illuminance", "gs1:Speed"])},
    optional={
        **shared_sensor,
        **report_numbers,
        "uom": st.sampled_from(["CEL", "KEL", "FAH", "LUX"]),
        "booleanValue": st.booleans(),
        "stringValue": st.sampled_from(["x", "y|z"]),
        "hexBinaryValue": st.sampled_from(["0F", "0f", "f0"]),
        "uriValue": st.sampled_from(DEVICES),
        "microorganism": st.sampled_from(MICROORGANISMS),
        "chemicalSubstance": st.sampled_from(SUBSTANCES),
    },
)
sensor_metadata = optional(
    **shared_sensor,
    startTime=st.sampled_from(TIMES),
    endTime=st.sampled_from(TIMES),
    bizRules=st.sampled_from(DEVICES),
)
sensor_element = st.fixed_dictionaries(
    {"sensorReport": st.lists(sensor_report, min_size=1, max_size=2)}, optional={"sensorMetadata": sensor_metadata}
)
typed = {
    "bizTransactionList": ("bizTransaction", ["po", "urn:epcglobal:cbv:btt:desadv", "ex:note"], TRANSACTIONS),
    "sourceList": ("source", ["owning_party", "https://ref.gs1.org/cbv/SDT-location"], PARTIES + PLACES),
    "destinationList": ("destination", ["owning_party", "possessing_party"], PARTIES + PLACES),
}
what: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ObjectEvent": {"epcList": few(EPCS), "quantityList": quantities},
    "TransactionEvent": {"epcList": few(EPCS), "quantityList": quantities, "parentID": st.sampled_from(EPCS)},
    "AggregationEvent": {"childEPCs": few(EPCS), "childQuantityList": quantities, "parentID": st.sampled_from(EPCS)},
    "AssociationEvent": {"childEPCs": few(EPCS), "childQuantityList": quantities, "parentID": st.sampled_from(EPCS)},
    "TransformationEvent": {
        "inputEPCList": few(EPCS), "outputEPCList": few(EPCS), "inputQuantityList": quantities,
        "outputQuantityList": quantities, "transformationID": st.sampled_from(TRANSACTIONS),
    },
}  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(what)))
    event = {"type": kind, "eventTime": draw(st.sampled_from(TIMES)), "eventTimeZoneOffset": "+00:00"}
    if kind != "TransformationEvent":
        event["action"] = draw(st.sampled_from(["ADD", "OBSERVE", "DELETE"]))
    lists = {
        field: st.lists(
            st.fixed_dictionaries({"type": st.sampled_from(types), key: st.sampled_from(pool)}), min_size=1, max_size=2
        )
        for field, (key, types, pool) in typed.items()
    }
    place = st.fixed_dictionaries({"id": st.sampled_from(PLACES)})
    dispositions = st.lists(st.sampled_from(DISPOSITIONS), min_size=1, max_size=1)
    reasons = st.sampled_from(["incorrect_data", "urn:epcglobal:cbv:er:did_not_occur"])
    rest = optional(
        **what[kind],
        **lists,
        bizStep=st.sampled_from(STEPS),
        disposition=st.sampled_from(DISPOSITIONS),
        readPoint=place,
        bizLocation=place,
        persistentDisposition=optional(set=dispositions, unset=dispositions),
        eventID=st.sampled_from(EVENT_IDS),
        errorDeclaration=st.fixed_dictionaries(
            {"declarationTime": st.sampled_from(TIMES)},
            optional={"reason": reasons, "correctiveEventIDs": st.just(["urn:uuid:1"])},
        ),
        sensorElementList=st.lists(sensor_element, min_size=1, max_size=2),
        ilmd=st.dictionaries(st.sampled_from(["cbvmda:lotNumber", "ex:a"]), extension, min_size=1, max_size=2),
    )
    event.update(draw(rest))
    event.update(draw(st.dictionaries(st.sampled_from(["ex:a", "mcx:b"]), extension, max_size=2)))
    return event


PLAIN_FIELD_VALUES = [value for value in FIELD_VALUES if value and "|" not in value]
SECTIONS = ("", "INNER_", "ILMD_", "INNER_ILMD_")
BOUNDS = ("GE", "GT", "LE", "LT")


def named(pattern: str, pool: list[str], *parts: tuple[str, ...]) -> dict[str, list[str]]:
    """The same pool for every name that the pattern makes of the product of parts."""
    return {pattern.format(*chosen): pool for chosen in product(*parts)}


#: Parameters that take one value -> values to ask with.
SINGLE: dict[str, list[str]] = {
    **named("{}_{}", TIMES, ("GE", "LT"), ("eventTime", "errorDeclarationTime", "errorDeclaration_Time")),
    **named("{}_{}", TIMES, ("GE", "LT"), ("time", "startTime", "endTime")),
    **named("{}_{}", NUMBERS, BOUNDS, ("quantity", "percRank", "sDev", "percValue", "value_CEL", "quantity_LTR")),
    **named("{}_{}_CEL", NUMBERS, ("GT", "LE"), ("minValue", "maxValue")),
    **named("{}_{}", TEMPERATURES, BOUNDS, ("value_KEL", "meanValue_FAH")),
    "EQ_booleanValue": ["true", "false"],
    **named("EXISTS_{}", ["true", "false"], ("errorDeclaration", "sensorElement", "sensorElementList")),
    **named("EXISTS_{}{}", ["true"], SECTIONS, ("ex:a", "mcx:b")),
    **named("{}_{}ex:a", ["20", "1", "2026-01-01T00:00:00Z"], BOUNDS, SECTIONS),
}
#: Parameters that take a list -> values to ask with.
LISTED: dict[str, list[str]] = {
    "eventType": sorted(what),
    "EQ_action": ["ADD", "OBSERVE", "DELETE"],
    "EQ_bizStep": STEPS,
    "EQ_disposition": DISPOSITIONS,
    **named("EQ_persistentDisposition_{}", DISPOSITIONS, ("set", "unset")),
    **named("{}_{}", PLACES, ("EQ", "WD"), ("readPoint", "bizLocation")),
    **named("HASATTR_{}", ATTRIBUTES, DESCRIBED),
    **named("{}_{}_{}", ["North", "Ward", "20", "clinic"], ("EQATTR", "EQ_ATTR"), DESCRIBED, tuple(ATTRIBUTES)),
    "EQ_transformationID": TRANSACTIONS,
    **named("MATCH_{}", EPCS + PATTERNS, ("epc", "parentID", "inputEPC", "outputEPC", "anyEPC")),
    **named("MATCH_{}Class", CLASSES + CLASS_PATTERNS, ("epc", "inputEPC", "outputEPC", "anyEPC")),
    **named("EQ_{}", NUMBERS, ("quantity", "quantity_KGM", "percRank", "sDev", "value_CEL", "meanValue_LUX")),
    **named("EQ_{}", TEMPERATURES, ("value_KEL", "value_FAH", "maxValue_KEL")),
    "EQ_quantity_GRM": ["1000", "20000", "20.25", "1"],
    "EQ_eventID": EVENT_IDS,
    "EQ_errorReason": ["incorrect_data", "did_not_occur"],
    "EQ_correctiveEventID": EVENT_IDS,
    "EQ_type": ["Temperature", "Illuminance", "gs1:Speed"],
    **named("EQ_{}", DEVICES, ("deviceID", "rawData", "dataProcessingMethod", "bizRules", "uriValue")),
    "EQ_microorganism": MICROORGANISMS,
    "EQ_chemicalSubstance": SUBSTANCES,
    "EQ_stringValue": ["x", "y"],
    "EQ_hexBinaryValue": ["0F", "0f", "F0"],
    **named("EQ_bizTransaction_{}", TRANSACTIONS, ("po", "desadv", "ex:note")),
    **named("EQ_{}_{}", PARTIES + PLACES, ("source", "destination"), ("owning_party", "location", "possessing_party")),
    **named("EQ_{}{}", PLAIN_FIELD_VALUES, SECTIONS, ("ex:a", "mcx:b")),
}


@st.composite
def queries(draw: st.DrawFn) -> dict[str, list[str]]:
    names = draw(st.lists(st.sampled_from(sorted(SINGLE | LISTED)), min_size=1, max_size=3, unique=True))
    return {
        name: draw(few(LISTED[name])) if name in LISTED else [draw(st.sampled_from(SINGLE[name]))] for name in names
    }
