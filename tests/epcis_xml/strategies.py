"""Events that JSON can hold and rules accept, with extensions as odd as JSON allows: keys that are no XML names,
lists of lists, text of blanks, names of our own namespaces.
"""

import re

from hypothesis import strategies as st

from traceward.epcis.extension import STANDARD_CONTEXT

CONTEXT = [
    STANDARD_CONTEXT,
    {
        "ex": "https://ex.org/",
        "deep": "https://ex.org/deep/",
        "u": "urn:example:",
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "twx": "https://other.example/",
        "epcis": "https://redefined.example/",
        "xml2": "https://ex.org/xml2#",
        "own": "https://ns.traceward.org/xml/",
        "unq": "https://ns.traceward.org/xml/unqualified/",
        "sbdh": "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader",
        "target": "urn:epcglobal:epcis:xsd:2",
    },
]

# What XML 1.0 has no character for cannot come through; docs/xml.md says so.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
TEXT = st.text(st.characters(codec="utf-8"), max_size=12).map(lambda text: _ILLEGAL.sub("", text))
ODD_TEXT = st.sampled_from(["", " ", "\n", " a ", "a\r\nb", "<&>\"'", "]]>", "&amp;", "\u2028", "true", "05", "\t"])
SCALARS = st.one_of(
    TEXT,
    ODD_TEXT,
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.decimals(-(10**6), 10**6, places=3).map(float),
    st.none(),
)
QUALIFIED = st.sampled_from(
    [
        "ex:a",
        "ex:b",
        "deep:a",
        "https://ex.org/deep/b",
        "https://elsewhere.example/x#y",
        "u:a",
        "urn:example:b",
        "urn:other:1",
        "cbvmda:lotNumber",
        "rdfs:comment",
        "ex:1a",
        "ex:with space",
        "ex:a:b",
        "ex:é",
        "epcis:x",
        "twx:field",
        "own:field",
        "own:item",
        "own:more",
        "https://ns.traceward.org/xml/certificationInfo",
        "unq:vendor",
        "unq:with space",
        "xsi:type",
        "sbdh:StandardBusinessDocumentHeader",
        "target:ObjectEvent",
        "https://ex.org/",
        "xml2:lang",
    ]
)
BARE = st.sampled_from(
    ["plain", "with space", "", "@id", "@ex:at", "@https://ex.org/at", "@", "#text", "a.b", "1", "id", "name", "@name"]
) | st.sampled_from(["undeclared:x", "@http://www.w3.org/XML/1998/namespace#lang", "@xml:lang"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(QUALIFIED | BARE, inner, max_size=4),
    max_leaves=10,
)
EXTENSIONS = st.dictionaries(QUALIFIED, VALUES, max_size=3)

URIS = st.sampled_from(
    [
        "urn:epc:id:sgtin:9521141.001023.V23-0007",
        "https://id.gs1.org/01/09521141010235/21/V23-0007",
        "ex:custom/thing",
        "https://ex.org/thing?x=1&y=2#z",
        "urn:uuid:11111111-1111-4111-8111-111111111111",
        "https://ex.org/it's",
    ]
)
CLASSES = st.sampled_from(["urn:epc:class:lgtin:9521141.004530.LOT77A", "https://ex.org/class"])
TIMES = st.sampled_from(["2026-03-12T10:42:00Z", "2026-03-12t10:42:00.123456789z", "2026-03-12T10:42:00+14:00"])
NUMBERS = st.one_of(st.integers(0, 10**15), st.sampled_from([0, 1.50, 1e-7, 12345.678, 1e15]))
PLACES = st.builds(lambda uri, extra: {"id": uri, **extra}, URIS, EXTENSIONS)


def optional(**fields):
    return st.fixed_dictionaries({}, optional=fields)


def typed(item, words):
    return st.lists(
        st.builds(lambda kind, uri: {"type": kind, item: uri}, st.sampled_from(words), URIS), min_size=1, max_size=2
    )


def quantities():
    entry = st.fixed_dictionaries(
        {"epcClass": CLASSES}, optional={"quantity": NUMBERS, "uom": st.sampled_from(["KGM", "EA"])}
    )
    return st.lists(entry, max_size=2)


REPORT = st.builds(
    lambda fields, extra: {"type": "Temperature"} | fields | extra,
    optional(
        type=st.sampled_from(["Temperature", "ex:Own", "https://gs1.org/voc/Mass"]),
        value=st.integers(-100, 100) | st.sampled_from([26.0, 1e-7, -1.5e300]),
        stringValue=TEXT | ODD_TEXT,
        booleanValue=st.booleans(),
        hexBinaryValue=st.sampled_from(["f0f0", "abc", "00"]),
        uriValue=URIS,
        uom=st.sampled_from(["CEL", " odd \n"]),
        component=st.sampled_from(["x", "ex:mine", "https://ref.gs1.org/cbv/Comp-latitude"]),
        exception=st.sampled_from(["ALARM_CONDITION", "gs1:ERROR_CONDITION"]),
        bizRules=URIS,
        time=TIMES,
    ),
    EXTENSIONS,
)
METADATA = st.builds(lambda fields, extra: fields | extra, optional(startTime=TIMES, deviceID=URIS), EXTENSIONS)
SENSORS = st.lists(
    st.builds(
        lambda reports, metadata, extra: {"sensorReport": reports, **metadata, **extra},
        st.lists(REPORT, min_size=1, max_size=2),
        optional(sensorMetadata=METADATA),
        EXTENSIONS,
    ),
    min_size=1,
    max_size=2,
)
DECLARATION = st.builds(
    lambda fields, extra: {"declarationTime": "2026-03-13T00:00:00Z"} | fields | extra,
    optional(reason=st.sampled_from(["incorrect_data", "ex:why"]), correctiveEventIDs=st.lists(URIS, max_size=2)),
    EXTENSIONS,
)
PERSISTENT = st.fixed_dictionaries(
    {"set": st.just(["available", "ex:state"])}, optional={"unset": st.just(["cbv:Disp-damaged"])}
)
COMMON = optional(
    eventID=st.sampled_from(["urn:uuid:11111111-1111-4111-8111-111111111111", "ni:///sha-256;00?ver=CBV2.0"]),
    certificationInfo=URIS | st.lists(URIS, unique=True, max_size=3),
    errorDeclaration=DECLARATION,
    bizStep=st.sampled_from(["shipping", "cbv:BizStep-receiving", "https://ref.gs1.org/cbv/BizStep-packing", "ex:s"]),
    disposition=st.sampled_from(["in_transit", "https://ex.org/disposition"]),
    readPoint=PLACES,
    bizLocation=PLACES,
    sourceList=typed("source", ["owning_party", "ex:t"]),
    destinationList=typed("destination", ["possessing_party", "https://ref.gs1.org/cbv/SDT-location"]),
    sensorElementList=SENSORS,
    recordTime=TIMES,
)
TRANSACTIONS = st.lists(
    st.fixed_dictionaries({"bizTransaction": URIS}, optional={"type": st.sampled_from(["po", "ex:t"])}),
    min_size=1,
    max_size=2,
)
EPCS = st.lists(URIS, unique=True, max_size=2)
ILMD = optional(ilmd=EXTENSIONS)
OF_TYPE = {
    "ObjectEvent": st.builds(
        lambda *parts: {"action": "ADD", "epcList": []} | parts[0] | parts[1] | parts[2],
        optional(epcList=EPCS, quantityList=quantities(), bizTransactionList=TRANSACTIONS),
        optional(persistentDisposition=PERSISTENT),
        ILMD,
    ),
    "AggregationEvent": st.builds(
        lambda fields: {"action": "DELETE", "parentID": "urn:epc:id:sscc:9521141.0000000001"} | fields,
        optional(childEPCs=EPCS, childQuantityList=quantities(), bizTransactionList=TRANSACTIONS),
    ),
    "TransactionEvent": st.builds(
        lambda transactions, fields: {"action": "DELETE", "bizTransactionList": transactions} | fields,
        TRANSACTIONS,
        optional(epcList=EPCS, quantityList=quantities(), parentID=URIS),
    ),
    "TransformationEvent": st.builds(
        lambda fields, ilmd: {"transformationID": "ex:tr", "inputEPCList": ["urn:x:y"]} | fields | ilmd,
        optional(outputEPCList=EPCS, inputQuantityList=quantities(), outputQuantityList=quantities()),
        ILMD,
    ),
    "AssociationEvent": st.builds(
        lambda fields: {"action": "DELETE", "parentID": "ex:asset"} | fields,
        optional(childEPCs=EPCS, childQuantityList=quantities(), bizTransactionList=TRANSACTIONS),
    ),
    "ex:OwnEvent": st.builds(lambda fields: {"bare": "x"} | fields, optional(epcList=EPCS, plain=VALUES)),
    "ex:own/event1": st.just({}),
}


@st.composite
def events(draw):
    """One event as plain JSON values."""
    kind = draw(st.sampled_from(sorted(OF_TYPE)))
    event = {"type": kind, "eventTime": draw(TIMES), "eventTimeZoneOffset": "+01:00"}
    for part in (COMMON, OF_TYPE[kind], EXTENSIONS):
        event |= draw(part)
    return event
