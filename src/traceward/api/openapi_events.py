"""JSON schemas of EPCIS documents, events and the other bodies of the binding, as this server takes and gives them.

They say what a schema can say; rules over several fields are the validator's, and told in descriptions. They must not
be used to validate: `epcis.rules` does.
"""

from collections.abc import Mapping
from typing import Any, Final

from traceward.api.openapi_parts import OWN_TERM, TIME, URI, Schema, component, word

CONTEXT_URL: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
_NUMBER: Final[Schema] = {"type": "number", "minimum": -1e15, "maximum": 1e15}
_QUANTITY: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1e15}
_TEXT: Final[Schema] = {"type": "string", "maxLength": 2000}
#: Names of extension fields, whose values may be anything.
EXTENSIONS: Final[Schema] = {r"^(mcx:[A-Za-z][A-Za-z0-9_]{0,40}|https?://[a-z.]{3,40}/[A-Za-z]{1,40})$": {}}
OFFSET: Final[Schema] = {"type": "string", "pattern": r"^[+\-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)$", "example": "+02:00"}


def _record(
    properties: Mapping[str, Schema], required: tuple[str, ...] = (), *, extensible: bool, **more: Any
) -> Schema:
    made: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if required:
        made["required"] = list(required)
    if extensible:
        made["patternProperties"] = EXTENSIONS
    return made | more


def _list(item: Schema, *, at_least: int = 0, unique: bool = False) -> Schema:
    made: Schema = {"type": "array", "items": item}
    return made | ({"minItems": at_least} if at_least else {}) | ({"uniqueItems": True} if unique else {})


def _ref(name: str) -> Schema:
    return component("schemas", name)


_PARTS: Final[Mapping[str, Schema]] = {
    "EpcisUri": URI,
    "EpcisTime": TIME,
    "Place": _record({"id": URI}, ("id",), extensible=True, description="A place by its identifier (SGLN)."),
    "QuantityElement": {
        **_record(
            {"epcClass": URI, "quantity": _QUANTITY, "uom": {"type": "string", "pattern": "^[A-Z0-9]{2,3}$"}},
            ("epcClass",),
            extensible=False,
        ),
        "dependentRequired": {"uom": ["quantity"]},
        "description": "So much of a class; without a quantity, an unspecified amount. uom: UN/CEFACT Rec 20.",
    },
    "BizTransaction": _record({"type": word("btt"), "bizTransaction": URI}, ("bizTransaction",), extensible=False),
    "Source": _record({"type": word("sdt"), "source": URI}, ("type", "source"), extensible=False),
    "Destination": _record({"type": word("sdt"), "destination": URI}, ("type", "destination"), extensible=False),
    "PersistentDisposition": _record(
        {"set": _list(word("disp"), at_least=1, unique=True), "unset": _list(word("disp"), at_least=1, unique=True)},
        extensible=False,
        minProperties=1,
        description="What holds until it is unset. No value may stand in both lists.",
    ),
    "ErrorDeclaration": _record(
        {"declarationTime": TIME, "reason": word("er"), "correctiveEventIDs": _list(URI)},
        ("declarationTime",),
        extensible=True,
        description="Says that the event of the same eventID was wrong. did_not_occur takes no correctiveEventIDs.",
    ),
    "SensorMetadata": _record(
        {"time": TIME, "startTime": TIME, "endTime": TIME}
        | dict.fromkeys(("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"), URI),
        extensible=True,
        description="What all reports of the element share. No time is after eventTime; startTime is before endTime.",
    ),
    "SensorReport": _record(
        {"type": word("measurement"), "exception": word("alert"), "time": TIME, "component": word("comp")}
        | dict.fromkeys(("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"), URI)
        | dict.fromkeys(("microorganism", "chemicalSubstance", "coordinateReferenceSystem", "uriValue"), URI)
        | dict.fromkeys(("value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"), _NUMBER)
        | {
            "stringValue": _TEXT,
            "booleanValue": {"type": "boolean"},
            "uom": {"type": "string", "pattern": "^[A-Z0-9]{2,3}$"},
        }
        | {"hexBinaryValue": {"type": "string", "pattern": "^[A-Fa-f0-9]+$"}},
        ("type",),
        extensible=True,
        description="One measurement. An attribute stands in the metadata or here, not in both.",
    ),
    "SensorElement": _record(
        {"sensorMetadata": _ref("SensorMetadata"), "sensorReport": _list(_ref("SensorReport"), at_least=1)},
        ("sensorReport",),
        extensible=True,
    ),
    "Ilmd": _record({}, extensible=True, description="Instance or lot master data, by extension fields."),
    "EpcisContext": {
        "description": "JSON-LD @context: the standard's address, and objects that declare prefixes.",
        "anyOf": [
            {"const": CONTEXT_URL},
            {
                "type": "array",
                "prefixItems": [
                    {"const": CONTEXT_URL},
                    _record({"mcx": {"const": "https://ns.traceward.org/consignment/"}}, extensible=False),
                ],
                "minItems": 2,
                "maxItems": 2,
            },
        ],
    },
}

_BASE: Final[Mapping[str, Schema]] = {
    "@context": _ref("EpcisContext"),
    "eventTime": _ref("EpcisTime"),
    "eventTimeZoneOffset": OFFSET,
    "recordTime": {"description": "Given by the server; what is sent is not looked at.", **TIME},
    "eventID": _ref("EpcisUri"),
    "certificationInfo": {"anyOf": [URI, _list(URI)]},
    "errorDeclaration": _ref("ErrorDeclaration"),
    "bizStep": word("bizstep"),
    "disposition": word("disp"),
    "readPoint": _ref("Place"),
    "bizLocation": _ref("Place"),
    "bizTransactionList": _list(_ref("BizTransaction")),
    "sourceList": _list(_ref("Source")),
    "destinationList": _list(_ref("Destination")),
    "sensorElementList": _list(_ref("SensorElement")),
}
_ACTION: Final[Schema] = {"type": "string", "enum": ["ADD", "OBSERVE", "DELETE"]}
_EPCS: Final = _list(_ref("EpcisUri"), unique=True)
_CLASSES: Final = _list(_ref("QuantityElement"))
#: Type -> own fields, required fields beside the common ones, what else must hold.
_TYPES: Final[Mapping[str, tuple[Mapping[str, Schema], tuple[str, ...], Schema]]] = {
    "ObjectEvent": (
        {
            "action": _ACTION,
            "epcList": _EPCS,
            "quantityList": _CLASSES,
            "persistentDisposition": _ref("PersistentDisposition"),
            "ilmd": _ref("Ilmd"),
        },
        ("action",),
        {
            "anyOf": [
                {"required": ["epcList"]},
                {"required": ["quantityList"], "properties": {"quantityList": {"minItems": 1}}},
                {"required": ["sensorElementList", "readPoint"], "properties": {"sensorElementList": {"minItems": 1}}},
            ],
            "if": {"required": ["ilmd"]},
            "then": {"properties": {"action": {"const": "ADD"}}},
        },
    ),
    "AggregationEvent": (
        {"action": _ACTION, "parentID": _ref("EpcisUri"), "childEPCs": _EPCS, "childQuantityList": _CLASSES},
        ("action",),
        {
            "anyOf": [
                {"required": ["parentID"], "properties": {"action": {"const": "DELETE"}}},
                {"required": ["parentID", "childEPCs"], "properties": {"childEPCs": {"minItems": 1}}},
                {"required": ["parentID", "childQuantityList"], "properties": {"childQuantityList": {"minItems": 1}}},
                {
                    "required": ["childEPCs"],
                    "properties": {"childEPCs": {"minItems": 1}, "action": {"const": "OBSERVE"}},
                },
            ]
        },
    ),
    "TransactionEvent": (
        {
            "action": _ACTION,
            "parentID": _ref("EpcisUri"),
            "epcList": _EPCS,
            "quantityList": _CLASSES,
            "bizTransactionList": _list(_ref("BizTransaction"), at_least=1),
        },
        ("action", "bizTransactionList"),
        {
            "anyOf": [
                {"required": ["epcList"]},
                {"required": ["quantityList"], "properties": {"quantityList": {"minItems": 1}}},
                {"properties": {"action": {"const": "DELETE"}}},
            ]
        },
    ),
    "TransformationEvent": (
        {
            "inputEPCList": _EPCS,
            "inputQuantityList": _CLASSES,
            "outputEPCList": _EPCS,
            "outputQuantityList": _CLASSES,
            "transformationID": _ref("EpcisUri"),
            "persistentDisposition": _ref("PersistentDisposition"),
            "ilmd": _ref("Ilmd"),
        },
        (),
        {
            "anyOf": [
                {"required": [one, other], "properties": {one: {"minItems": 1}, other: {"minItems": 1}}}
                for one in ("inputEPCList", "inputQuantityList")
                for other in ("outputEPCList", "outputQuantityList")
            ]
            + [
                {"required": ["transformationID", one], "properties": {one: {"minItems": 1}}}
                for one in ("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList")
            ]
        },
    ),
    "AssociationEvent": (
        {"action": _ACTION, "parentID": _ref("EpcisUri"), "childEPCs": _EPCS, "childQuantityList": _CLASSES},
        ("action", "parentID"),
        {
            "anyOf": [
                {"properties": {"action": {"const": "DELETE"}}},
                {"required": ["childEPCs"], "properties": {"childEPCs": {"minItems": 1}}},
                {"required": ["childQuantityList"], "properties": {"childQuantityList": {"minItems": 1}}},
            ]
        },
    ),
}


def _event(name: str) -> Schema:
    own, required, rules = _TYPES[name]
    fields = {"type": {"const": name}, **_BASE, **own}
    return _record(fields, ("type", "eventTime", "eventTimeZoneOffset", *required), extensible=True) | rules


def _given_events() -> Schema:
    """Events in answers: what was captured, whatever its type, with what the server adds."""
    return _list(
        {
            "type": "object",
            "required": ["type", "eventTime", "eventTimeZoneOffset", "recordTime", "eventID"],
            "properties": {
                "type": {"type": "string"},
                "eventTime": TIME_GIVEN,
                "recordTime": TIME_GIVEN,
                "eventID": {"type": "string"},
            },
        }
    )


TIME_GIVEN: Final[Schema] = {"type": "string", "format": "date-time"}
_MASTER_DATA: Final[Schema] = _record(
    {
        "epcisMasterData": _record(
            {
                "vocabularyList": _list(
                    _record(
                        {
                            "type": URI,
                            "vocabularyElementList": _list(
                                _record(
                                    {
                                        "id": URI,
                                        "attributes": _list(
                                            _record(
                                                {
                                                    "id": URI,
                                                    "attribute": {"type": "string", "minLength": 1, "maxLength": 200},
                                                },
                                                ("id", "attribute"),
                                                extensible=False,
                                            )
                                        ),
                                        "children": _list(URI),
                                    },
                                    ("id",),
                                    extensible=False,
                                )
                            ),
                        },
                        ("type",),
                        extensible=False,
                    )
                )
            },
            ("vocabularyList",),
            extensible=False,
        )
    },
    ("epcisMasterData",),
    extensible=False,
)


def event_schemas() -> dict[str, Schema]:
    """Name -> schema of everything that the EPCIS operations refer to."""
    events = {"anyOf": [_ref(name) for name in _TYPES]}
    bare = {"allOf": [_ref("EpcisEvent"), {"required": ["@context"]}]}
    text: Schema = {"type": "string"}
    head = {"@context": _ref("EpcisContext"), "schemaVersion": {"const": "2.0"}, "creationDate": _ref("EpcisTime")}
    return {
        **_PARTS,
        **{name: _event(name) for name in _TYPES},
        "EpcisEvent": events,
        "BareEvent": bare,
        "EPCISDocument": _record(
            {
                **head,
                "type": {"const": "EPCISDocument"},
                "epcisHeader": _MASTER_DATA,
                "epcisBody": _record({"eventList": _list(_ref("EpcisEvent"))}, ("eventList",), extensible=False),
            },
            ("@context", "type", "schemaVersion", "creationDate", "epcisBody"),
            extensible=False,
            description="Events to capture. sender, receiver, instanceIdentifier and extensions may stand beside.",
        ),
        "EPCISQueryDocument": {
            "type": "object",
            "required": ["@context", "type", "epcisBody"],
            "properties": {
                "type": {"const": "EPCISQueryDocument"},
                "schemaVersion": text,
                "creationDate": TIME_GIVEN,
                "nextPageToken": {"type": "string", "description": "Only where Prefer asked for it."},
                "epcisBody": {
                    "type": "object",
                    "required": ["queryResults"],
                    "properties": {
                        "queryResults": {
                            "type": "object",
                            "required": ["queryName", "resultsBody"],
                            "properties": {
                                "queryName": text,
                                "subscriptionID": text,
                                "resultsBody": {
                                    "type": "object",
                                    "required": ["eventList"],
                                    "properties": {"eventList": _given_events()},
                                },
                            },
                        }
                    },
                },
            },
        },
        "Collection": {
            "type": "object",
            "required": ["@context", "type", "member"],
            "properties": {"type": {"const": "Collection"}, "member": _list(text)},
        },
        "CaptureJob": {
            "type": "object",
            "required": ["captureID", "createdAt", "running", "success", "captureErrorBehaviour"],
            "properties": {
                "captureID": text,
                "createdAt": TIME_GIVEN,
                "finishedAt": TIME_GIVEN,
                "running": {"type": "boolean"},
                "success": {"type": "boolean"},
                "captureErrorBehaviour": {"type": "string", "enum": ["rollback", "proceed"]},
                "errors": _list({"type": "object", "required": ["type", "title"]}),
                "errorFile": {"type": "string", "format": "uri-reference"},
            },
        },
        "NamedQuery": {
            "type": "object",
            "required": ["name", "query"],
            "properties": {"name": {"type": "string", "minLength": 1}, "query": {"type": "object"}},
        },
        "Subscription": {
            "type": "object",
            "required": ["dest", "subscriptionID", "createdAt"],
            "properties": {"dest": text, "subscriptionID": text, "createdAt": TIME_GIVEN},
        },
        "OwnTerm": OWN_TERM,
    }
