"""How EPCIS documents stand in XML: namespaces, the one table of element order, and where EPCIS 1.x puts each field.

Holds tables only. The reader judges order by them, the writer writes in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from traceward.epcis.vocabulary import Kind

Version = Literal["2.0", "1.2"]
Wrapper = tuple[str, ...]

SBDH = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"
# Our own elements and attributes, for what XML could not carry otherwise; docs/xml.md lists them.
OWN = "https://ns.traceward.org/xml/"
# Elements that 1.x lets vendors add without a namespace: JSON needs one for every name of an extension.
UNQUALIFIED = OWN + "unqualified/"

_DOCUMENT = "urn:epcglobal:epcis:xsd:"
_QUERY = "urn:epcglobal:epcis-query:xsd:"
_MASTER_DATA = "urn:epcglobal:epcis-masterdata:xsd:"
DOCUMENT_NAMESPACES: Mapping[Version, str] = {"2.0": _DOCUMENT + "2", "1.2": _DOCUMENT + "1"}
QUERY_NAMESPACES: Mapping[Version, str] = {"2.0": _QUERY + "2", "1.2": _QUERY + "1"}
MASTER_DATA_NAMESPACES: Mapping[Version, str] = {"2.0": _MASTER_DATA + "2", "1.2": _MASTER_DATA + "1"}

# Root element -> what the document is, and whose rules it follows.
ROOTS: Mapping[str, tuple[str, Version]] = {
    f"{{{namespaces[version]}}}{kind}": (kind, version)
    for kind, namespaces in (
        ("EPCISDocument", DOCUMENT_NAMESPACES),
        ("EPCISQueryDocument", QUERY_NAMESPACES),
        ("EPCISMasterDataDocument", MASTER_DATA_NAMESPACES),
    )
    for version in namespaces
}

# No extension can be an element here: a schema would take it for one of its own.
RESERVED_NAMESPACES = frozenset(
    (
        *DOCUMENT_NAMESPACES.values(),
        *QUERY_NAMESPACES.values(),
        *MASTER_DATA_NAMESPACES.values(),
        "urn:epcglobal:xsd:1",
        SBDH,
        XSI,
        XML,
        OWN,
        "http://www.w3.org/2000/xmlns/",
    )
)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BASE = _names("eventTime recordTime eventTimeZoneOffset eventID errorDeclaration certificationInfo baseExtension")
_WHERE_AND_WHY = _names("bizStep disposition readPoint bizLocation bizTransactionList")
_TRANSFER_AND_SENSORS = _names("sourceList destinationList sensorElementList persistentDisposition")

#: The element order of every event type (EPCIS 2.0 XML schema, sequences); 1.x keeps it within each of its wrappers.
ORDER: Mapping[str, tuple[str, ...]] = {
    "ObjectEvent": (
        *_BASE,
        *_names("epcList action"),
        *_WHERE_AND_WHY,
        "quantityList",
        *_TRANSFER_AND_SENSORS,
        *_names("ilmd extension"),
    ),
    "AggregationEvent": (
        *_BASE,
        *_names("parentID childEPCs action"),
        *_WHERE_AND_WHY,
        "childQuantityList",
        *_TRANSFER_AND_SENSORS,
        "extension",
    ),
    "TransactionEvent": (
        *_BASE,
        *_names("bizTransactionList parentID epcList action bizStep disposition readPoint bizLocation quantityList"),
        *_TRANSFER_AND_SENSORS,
        "extension",
    ),
    "TransformationEvent": (
        *_BASE,
        *_names("inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID"),
        *_WHERE_AND_WHY,
        *_TRANSFER_AND_SENSORS,
        *_names("ilmd extension"),
    ),
    "AssociationEvent": (
        *_BASE,
        *_names("parentID childEPCs childQuantityList action"),
        *_WHERE_AND_WHY,
        *_TRANSFER_AND_SENSORS,
        "extension",
    ),
}
# An event type of one's own may have any field, and no schema orders them.
ANY_ORDER: tuple[str, ...] = tuple(dict.fromkeys(name for order in ORDER.values() for name in order))

_IN_BASE: Mapping[str, Wrapper] = {
    "eventID": ("baseExtension",),
    "errorDeclaration": ("baseExtension",),
    "certificationInfo": ("baseExtension", "extension"),
}


def _wrapped(first: str, second: str) -> Mapping[str, Wrapper]:
    """Fields in `extension`, and fields in the extension of that."""
    deeper = dict.fromkeys(_names(second), ("extension", "extension"))
    return {**_IN_BASE, **dict.fromkeys(_names(first), ("extension",)), **deeper}


#: The wrapper in which EPCIS 1.1 and 1.2 put a field; fields that are not named stand in the event itself.
WRAPPERS: Mapping[str, Mapping[str, Wrapper]] = {
    "ObjectEvent": _wrapped("quantityList sourceList destinationList ilmd", "sensorElementList persistentDisposition"),
    "AggregationEvent": _wrapped(
        "childQuantityList sourceList destinationList", "sensorElementList persistentDisposition"
    ),
    "TransactionEvent": _wrapped("quantityList sourceList destinationList", "sensorElementList persistentDisposition"),
    "TransformationEvent": _wrapped("sensorElementList persistentDisposition", ""),
    "AssociationEvent": _IN_BASE,
}
#: The deepest wrapper of a type in 1.x: elements without a namespace may stand there.
DEEPEST: Mapping[str, Wrapper] = {
    name: ("extension",) if name in ("TransformationEvent", "AssociationEvent") else ("extension", "extension")
    for name in ORDER
}
#: Fields that 1.x cannot leave out.
REQUIRED_LISTS_1: Mapping[str, str] = {
    "ObjectEvent": "epcList",
    "AggregationEvent": "childEPCs",
    "TransactionEvent": "epcList",
}
#: Where an event type stands below EventList in 1.x.
EVENT_WRAPPERS_1: Mapping[str, Wrapper] = {
    "TransformationEvent": ("extension",),
    "AssociationEvent": ("extension", "extension"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The elements of one container: each name's rank in its sequence; whether the sequence is judged."""

    ranks: Mapping[str, int]
    ordered: bool


def _layout(kind: str, version: Version, wrapper: Wrapper) -> Layout:
    order = ORDER[kind]
    places = WRAPPERS[kind]
    # 2.0 has every field in the event; what stands in a 1.x wrapper all the same is understood.
    here = {
        name
        for name in order
        if places.get(name, ()) == wrapper
        or (version == "2.0" and not wrapper)
        or (name == "extension" and (wrapper, name) != (DEEPEST[kind], name))
    }
    return Layout(
        {name: rank for rank, name in enumerate(order) if name in here},
        # 1.x schemas do not know the type: it stands where they take anything.
        ordered=not (kind == "AssociationEvent" and version == "1.2"),
    )


LAYOUTS: Mapping[tuple[str, Version, Wrapper], Layout] = {
    (kind, version, wrapper): _layout(kind, version, wrapper)
    for kind in ORDER
    for version in DOCUMENT_NAMESPACES
    for wrapper in ((), ("baseExtension",), ("baseExtension", "extension"), ("extension",), ("extension", "extension"))
}

# Fields by the way XML carries them

TEXTS = frozenset(_names("eventTime recordTime eventTimeZoneOffset eventID action"))
IDENTIFIERS = frozenset(_names("parentID transformationID"))
TERMS: Mapping[str, Kind] = {"bizStep": "bizstep", "disposition": "disp"}
EPC_LISTS = frozenset(_names("epcList childEPCs inputEPCList outputEPCList"))
QUANTITY_LISTS = frozenset(_names("quantityList childQuantityList inputQuantityList outputQuantityList"))
PLACES = frozenset(_names("readPoint bizLocation"))
#: List -> element of an entry, and the kind of its type attribute.
TYPED_LISTS: Mapping[str, tuple[str, Kind]] = {
    "bizTransactionList": ("bizTransaction", "btt"),
    "sourceList": ("source", "sdt"),
    "destinationList": ("destination", "sdt"),
}
SENSOR_METADATA = _names("time deviceID deviceMetadata rawData startTime endTime bizRules dataProcessingMethod")
SENSOR_TERMS: Mapping[str, Kind] = {"type": "measurement", "exception": "alert", "component": "comp"}
SENSOR_NUMBERS = frozenset(_names("value minValue maxValue meanValue sDev percRank percValue"))
SENSOR_TEXTS = frozenset(_names("stringValue uom"))
SENSOR_REPORT = _names(
    "type exception value component stringValue booleanValue hexBinaryValue uriValue uom minValue maxValue sDev "
    "chemicalSubstance microorganism deviceID deviceMetadata rawData time meanValue percRank percValue "
    "dataProcessingMethod coordinateReferenceSystem bizRules"
)
#: The item elements of lists, to say where in a document a finding is; other lists are repeated elements.
ITEMS: Mapping[str, str] = {
    **dict.fromkeys(EPC_LISTS, "epc"),
    **dict.fromkeys(QUANTITY_LISTS, "quantityElement"),
    **{name: item for name, (item, _) in TYPED_LISTS.items()},
    "sensorElementList": "sensorElement",
    "correctiveEventIDs": "correctiveEventID",
}
