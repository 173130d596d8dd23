"""Parts that operations of the OpenAPI document share: headers, problem answers, media types, query parameters.

Names of query parameters come from the table that reads them, so the document cannot know other ones; nothing here may
describe a single operation.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from traceward.epcis.parameter_families import FAMILIES
from traceward.epcis.parameter_rows import Parameter
from traceward.epcis.query_parameters import PARAMETERS
from traceward.epcis.vocabulary import KINDS, Kind

Schema = dict[str, Any]

JSON_TYPES: Final = ("application/json", "application/ld+json")
XML_TYPES: Final = ("application/xml", "text/xml")
PROBLEM_TYPES: Final = ("application/problem+json", "application/problem+xml")

URI: Final[Schema] = {
    "type": "string",
    "maxLength": 2048,
    "pattern": r"^[A-Za-z][A-Za-z0-9+.\-]*:[A-Za-z0-9._~:/?@!$&'()*+,;=\-]+(#[A-Za-z0-9._~:/?@!$&'()*+,;=\-]*)?$",
    "description": "An absolute URI (RFC 3986); percent-encoded octets may stand in it too.",
    "example": "https://id.gs1.org/01/09521321000014/21/S1",
}
#: Years in which every offset still gives a year of four digits.
TIME: Final[Schema] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^(19[0-9]{2}|[2-8][0-9]{3})-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?(Z|[+\-](0[0-9]|1[0-3]):[0-5][0-9])$",
    "description": "A date and time with its zone, RFC 3339.",
    "example": "2026-06-30T12:00:00.000Z",
}
VERSION: Final[Schema] = {"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,4}){0,5}$", "example": "2.0.0"}
TOKEN: Final[Schema] = {"type": "string", "minLength": 1}
EPC_FORMATS: Final = ("No_Preference", "Always_GS1_Digital_Link", "Always_EPC_URN", "Never_Translates")
CBV_FORMATS: Final = ("No_Preference", "Always_Web_URI", "Always_URN", "Never_Translates")
_WHOLE: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 999_999_999}


def component(kind: str, name: str) -> Schema:
    """A reference to a component of that kind (schemas, headers, parameters, responses)."""
    return {"$ref": f"#/components/{kind}/{name}"}


def word(kind: Kind) -> Schema:
    """A word of the Core Business Vocabulary, or a URI of one's own."""
    return {"anyOf": [{"type": "string", "enum": sorted(KINDS[kind].words)}, OWN_TERM]}


OWN_TERM: Final[Schema] = {
    "allOf": [URI],
    "not": {
        "pattern": r"^(urn:epcglobal:cbv:|https?://ref\.gs1\.org/|https?://(www\.)?gs1\.org/voc/|cbv:|gs1:|epcis:)"
    },
    "description": "A term of one's own, as a URI or as a CURIE whose prefix is declared.",
}

#: Header of answers -> what it says, its schema.
ANSWER_HEADERS: Final[Mapping[str, tuple[str, Schema]]] = {
    "GS1-EPCIS-Version": ("Version of EPCIS that the answer keeps to.", VERSION),
    "GS1-CBV-Version": ("Version of the Core Business Vocabulary.", VERSION),
    "GS1-EPCIS-Min": ("Lowest version of EPCIS that this server speaks.", VERSION),
    "GS1-EPCIS-Max": ("Highest version of EPCIS that this server speaks.", VERSION),
    "GS1-CBV-Min": ("Lowest version of the CBV that this server speaks.", VERSION),
    "GS1-CBV-Max": ("Highest version of the CBV that this server speaks.", VERSION),
    "GS1-Extensions": ("Prefixes of extensions that this server uses, as prefix=namespace.", {"type": "string"}),
    "GS1-EPC-Format": ("Form of identifiers in answers.", {"type": "string", "enum": list(EPC_FORMATS)}),
    "GS1-CBV-XML-Format": ("Form of CBV terms in XML.", {"type": "string", "enum": list(CBV_FORMATS)}),
    "GS1-Vendor-Version": ("Version of this server.", {"type": "string"}),
    "GS1-EPCIS-Capture-Limit": ("Most events that one capture may hold.", {"type": "integer", "minimum": 1}),
    "GS1-EPCIS-Capture-File-Size-Limit": ("Most octets of one capture.", {"type": "integer", "minimum": 1}),
    "GS1-Capture-Error-Behaviour": (
        "What capture does with faulty events; `all`: as each request says.",
        {"type": "string", "enum": ["rollback", "proceed", "all"]},
    ),
    "GS1-Query-Min-Record-Time": ("Events recorded before this time are not reported.", TIME),
    "Allow": ("Methods of this resource.", {"type": "string"}),
    "Link": ("Address of the next page with rel=next; absent on the last page. RFC 8288.", {"type": "string"}),
    "GS1-Next-Page-Token-Expires": ("When the token of the next page ends.", TIME),
    "Location": ("Address of what was made.", {"type": "string", "format": "uri-reference"}),
    "Preference-Applied": ("The preference that was heeded. RFC 7240.", {"type": "string"}),
    "WWW-Authenticate": ("How to prove who is asking. RFC 9110.", {"type": "string"}),
    "Retry-After": ("After how many seconds to try again.", {"type": "string"}),
}

#: Header of requests -> what it asks, its schema; all optional.
REQUEST_HEADERS: Final[Mapping[str, tuple[str, Schema]]] = {
    "GS1-EPCIS-Min": (
        "Lowest version of EPCIS that the caller understands.",
        {"type": "string", "enum": ["2.0.0", "1.2.0"]},
    ),
    "GS1-EPCIS-Max": ("Highest version of EPCIS that the caller understands.", {"type": "string", "enum": ["2.0.0"]}),
    "GS1-CBV-Min": ("Lowest version of the CBV that the caller understands.", {"type": "string", "enum": ["2.0.0"]}),
    "GS1-CBV-Max": ("Highest version of the CBV that the caller understands.", {"type": "string", "enum": ["2.0.0"]}),
    "GS1-EPCIS-Version": ("Version of EPCIS in the body.", {"type": "string", "enum": ["2.0.0"]}),
    "GS1-CBV-Version": ("Version of the CBV in the body.", {"type": "string", "enum": ["2.0.0"]}),
    "GS1-Extensions": (
        "Prefixes of the names in the query, as prefix=namespace, joined by commas.",
        {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]{0,20}=https?://[a-z.]{3,40}/[a-z/]{0,40}$"},
    ),
    "GS1-EPC-Format": (
        "Form of identifiers in the answer; Digital Link where absent.",
        {"type": "string", "enum": list(EPC_FORMATS)},
    ),
    "GS1-CBV-XML-Format": ("Form of CBV terms in an XML answer.", {"type": "string", "enum": list(CBV_FORMATS)}),
    "GS1-Capture-Error-Behaviour": (
        "`rollback`: all events or none; `proceed`: each by itself.",
        {"type": "string", "enum": ["rollback", "proceed"], "default": "rollback"},
    ),
    "Prefer": (
        "`page-token=body` puts the token of the next page into a JSON answer: a member that EPCIS does not know.",
        {"type": "string", "enum": ["page-token=body"]},
    ),
}

_BOTH_LIMITS: Final = ("GS1-EPCIS-Capture-Limit", "GS1-EPCIS-Capture-File-Size-Limit")
#: Status -> component, what it means, headers beside.
PROBLEMS: Final[Mapping[int, tuple[str, str, tuple[str, ...]]]] = {
    400: ("BadRequest", "The request, a parameter or the body breaks a rule; `errors` names each place.", ()),
    401: ("Unauthorised", "No valid key or session came with the request.", ("WWW-Authenticate",)),
    403: ("Forbidden", "The caller is known, and its role does not permit this.", ()),
    404: ("NotFound", "There is nothing of that name that the caller may see.", ()),
    405: ("MethodNotAllowed", "The resource does not have this method.", ("Allow",)),
    406: ("NotAcceptable", "No representation or version fits what the request accepts.", ()),
    408: ("TooSlow", "The body did not arrive in time.", ()),
    409: ("Conflict", "The identifier or name stands for other content already.", ()),
    413: ("TooLarge", "The body is larger than one request may be, or the query matches or costs too much.", ()),
    414: ("UriTooLong", "The address is longer than this server reads.", ()),
    415: ("UnsupportedMediaType", "The body is of a media type or encoding that this operation does not take.", ()),
    500: ("Failed", "The server failed through no fault of the request.", ()),
    501: ("NotImplemented", "This server leaves out this part of the standard.", ()),
    503: ("Busy", "The server cannot answer now.", ("Retry-After",)),
}
#: What the door and the sign-in answer, whatever the operation.
EVERYWHERE: Final = (400, 405, 408, 413, 414, 415, 500, 503)


#: What is no HTTP at all is answered before any of this server's own code runs.
_NO_HTTP: Final[Schema] = {"text/plain": {"schema": {"type": "string", "description": "The request is no HTTP."}}}


def problem_responses() -> dict[str, Schema]:
    """The components of problem answers."""
    content = {kind: {"schema": component("schemas", "Problem")} for kind in PROBLEM_TYPES[:1]}
    content[PROBLEM_TYPES[1]] = {"schema": {"type": "string", "description": "EPCISException of the XML binding"}}
    return {
        name: {
            "description": text,
            "content": content | (_NO_HTTP if name == "BadRequest" else {}),
            **({"headers": {header: component("headers", header) for header in headers}} if headers else {}),
        }
        for name, text, headers in PROBLEMS.values()
    }


def fhir_outcome() -> Schema:
    """The component of an answer to a FHIR request that failed: an OperationOutcome, or what the door answers."""
    outcome: Schema = {"type": "object", "required": ["resourceType", "issue"]}
    problem = {"schema": component("schemas", "Problem")}
    return {
        "description": "What is wrong, as OperationOutcome of FHIR R4; where no route was reached, as problem body.",
        "content": {"application/fhir+json": {"schema": outcome}, PROBLEM_TYPES[0]: problem} | _NO_HTTP,
    }


def query_parameters() -> dict[str, Schema]:
    """The components of the parameters of SimpleEventQuery: one for each fixed name, and one for all families."""
    found = {name: _query_parameter(row) for name, row in PARAMETERS.items()}
    examples = sorted({family.example for family in FAMILIES})
    found["families"] = {
        "name": "families",
        "in": "query",
        "required": False,
        "style": "form",
        "explode": True,
        "description": "Parameters whose names end in a type, a unit or a field: a URI or a CURIE whose prefix "
        f"GS1-Extensions declares. For example: {', '.join(f'`{one}`' for one in examples)}.",
        "schema": {
            "type": "object",
            "patternProperties": FAMILY_PATTERNS,
            "additionalProperties": False,
            "maxProperties": 3,
        },
    }
    return found


_NUMBER: Final[Schema] = {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$", "description": "A number."}
_TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 2048, "pattern": r"^[^|\u0000]+$"}
_MARK: Final[Schema] = {"type": "string", "enum": ["true", "false"], "description": "`false` means no constraint."}
_FIELD = r"https?://[a-z.]{3,40}/[A-Za-z]{1,40}"
_INNER = r"(INNER_)?(ILMD_|ERROR_DECLARATION_|SENSORELEMENT_|SENSORMETADATA_|SENSORREPORT_|readPoint_|bizLocation_)?"
_NUMBERS = "value|minValue|maxValue|meanValue|sDev|percValue|quantity"
FAMILY_PATTERNS: Final[Mapping[str, Schema]] = {
    f"^EQ_bizTransaction_({'|'.join(sorted(KINDS['btt'].words))})$": URI,
    f"^EQ_(source|destination)_({'|'.join(sorted(KINDS['sdt'].words))})$": URI,
    f"^(EQ|GT|GE|LT|LE)_({_NUMBERS})_(CEL|KEL|FAH|KGM|GRM|LTR|MTR)$": _NUMBER,
    f"^EQ_{_INNER}{_FIELD}$": _TEXT,
    f"^(GT|GE|LT|LE)_{_INNER}{_FIELD}$": _NUMBER,
    f"^EXISTS_{_INNER}{_FIELD}$": _MARK,
}

_WORDS: Final[Mapping[str, Kind]] = {
    "EQ_bizStep": "bizstep",
    "EQ_disposition": "disp",
    "EQ_persistentDisposition_set": "disp",
    "EQ_persistentDisposition_unset": "disp",
    "EQ_errorReason": "er",
    "EQ_type": "measurement",
}
_LISTS: Final[Mapping[str, Schema]] = {
    "eventType": {
        "type": "string",
        "enum": ["ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent"],
    },
    "EQ_action": {"type": "string", "enum": ["ADD", "OBSERVE", "DELETE"]},
    "EQ_stringValue": _TEXT,
    "EQ_hexBinaryValue": _TEXT,
    "EQ_eventID": _TEXT,
}
_SINGLES: Final[Mapping[str, Schema]] = {
    "orderBy": {"anyOf": [{"type": "string", "enum": ["eventTime", "recordTime"]}, URI]},
    "orderDirection": {"type": "string", "enum": ["ASC", "DESC"], "default": "DESC"},
    "eventCountLimit": _WHOLE,
    "maxEventCount": _WHOLE,
    "EQ_booleanValue": {"type": "string", "enum": ["true", "false"]},
}
_SINGLE_TIME: Final = re.compile(r"(GE|LT)_(.*[tT]ime)")
_NUMBERED: Final = re.compile(r"(EQ|GT|GE|LT|LE)_(quantity|percRank|sDev|percValue)")

_TEXTS: Final[Mapping[str, str]] = {
    "orderBy": "By what events are ordered: eventTime, recordTime or an extension field.",
    "orderDirection": "Ascending or descending; descending where absent.",
    "eventCountLimit": "Only so many events, the first in that order; needs orderBy, excludes maxEventCount.",
    "maxEventCount": "413 where more events match.",
    "WD_readPoint": "The read point is one of these places, or lies within one by the master data.",
    "WD_bizLocation": "The business location is one of these places, or lies within one by the master data.",
}


def _schema_of(row: Parameter) -> Schema:
    name = row.name
    if row.values == "void":
        return _MARK
    if name in _SINGLES:
        return _SINGLES[name]
    if _NUMBERED.fullmatch(name):
        return _NUMBER
    if row.values == "single" and _SINGLE_TIME.fullmatch(name):
        return TIME
    if name in _WORDS:
        return word(_WORDS[name])
    return _LISTS.get(name, URI)


def _query_parameter(row: Parameter) -> Schema:
    schema = _schema_of(row)
    made: Schema = {
        "name": row.name,
        "in": "query",
        "required": False,
        "description": _TEXTS.get(row.name) or _description(row),
    }
    if row.values != "list":
        return made | {"schema": schema}
    listed = {"type": "array", "minItems": 1, "maxItems": 20, "items": schema}
    return made | {"style": "pipeDelimited", "explode": False, "schema": listed}


def _description(row: Parameter) -> str:
    operator, _, rest = row.name.partition("_")
    said = {
        "EQ": f"Events whose {rest} is one of these.",
        "GE": f"Events whose {rest} is this or more.",
        "GT": f"Events whose {rest} is more than this.",
        "LE": f"Events whose {rest} is this or less.",
        "LT": f"Events whose {rest} is less than this.",
        "MATCH": f"Events whose {rest} matches one of these identifiers or patterns, in either spelling.",
        "EXISTS": f"Events that have {rest}.",
    }
    return said.get(operator, f"Events of one of these: {row.name}.")
