"""The shape of an event: which fields exist where, and of which type.

Holds tables only; how a value is checked is in `value_checks`, what fields mean together in `rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traceward.epcis.uris import is_uri
from traceward.epcis.value_checks import (
    Check,
    Findings,
    Plain,
    action,
    anything,
    boolean,
    hex_binary,
    identifiers,
    list_of,
    number,
    offset,
    one_or_list,
    quantity,
    record,
    term,
    text,
    time,
    uom,
    uri,
)
from traceward.epcis.vocabulary import KINDS, Kind


def _plain_pair(kind: Kind, name: str) -> Plain:
    """Tells an object of exactly a standard type and a URI under `name`."""
    words = KINDS[kind].words

    def plain(value: Any) -> bool:
        if value.__class__ is not dict or len(value) != 2:
            return False
        word, text = value.get("type"), value.get(name)
        return word.__class__ is str and word in words and text.__class__ is str and is_uri(text)

    return plain


def _transfer_ends(name: str) -> Check:
    item = record({"type": term("sdt"), name: uri}, ("type", name), extensible=False)
    return list_of(item, plain=_plain_pair("sdt", name))


def _place(value: Any, path: str, findings: Findings) -> None:
    if value.__class__ is dict and len(value) == 1:
        text = value.get("id")
        if text.__class__ is str and is_uri(text):
            return
    _ANY_PLACE(value, path, findings)


QUANTITY_ELEMENT = record({"epcClass": uri, "quantity": quantity, "uom": uom}, ("epcClass",), extensible=False)
_ANY_PLACE = record({"id": uri}, ("id",), extensible=True)
_DISPOSITIONS = list_of(term("disp"), at_least=1, unique=True)
SENSOR_METADATA_FIELDS: Mapping[str, Check] = {
    "time": time,
    "startTime": time,
    "endTime": time,
    "deviceID": uri,
    "deviceMetadata": uri,
    "rawData": uri,
    "dataProcessingMethod": uri,
    "bizRules": uri,
}
SENSOR_REPORT_FIELDS: Mapping[str, Check] = {
    "type": term("measurement"),
    "exception": term("alert"),
    "deviceID": uri,
    "deviceMetadata": uri,
    "rawData": uri,
    "dataProcessingMethod": uri,
    "bizRules": uri,
    "time": time,
    "microorganism": uri,
    "chemicalSubstance": uri,
    "coordinateReferenceSystem": uri,
    "value": number,
    "component": term("comp"),
    "stringValue": text,
    "booleanValue": boolean,
    "hexBinaryValue": hex_binary,
    "uriValue": uri,
    "minValue": number,
    "maxValue": number,
    "meanValue": number,
    "sDev": number,
    "percRank": number,
    "percValue": number,
    "uom": text,
}
SENSOR_ELEMENT = record(
    {
        "sensorMetadata": record(SENSOR_METADATA_FIELDS, extensible=True),
        "sensorReport": list_of(record(SENSOR_REPORT_FIELDS, ("type",), extensible=True), at_least=1),
    },
    ("sensorReport",),
    extensible=True,
)

EVENT_FIELDS: Mapping[str, Check] = {
    "@context": anything,
    "type": anything,
    "recordTime": anything,
    "eventTime": time,
    "eventTimeZoneOffset": offset,
    "eventID": uri,
    "certificationInfo": one_or_list(uri),
    "errorDeclaration": record(
        {"declarationTime": time, "reason": term("er"), "correctiveEventIDs": list_of(uri)},
        ("declarationTime",),
        extensible=True,
    ),
    "action": action,
    "bizStep": term("bizstep"),
    "disposition": term("disp"),
    "persistentDisposition": record({"set": _DISPOSITIONS, "unset": _DISPOSITIONS}, extensible=False),
    "readPoint": _place,
    "bizLocation": _place,
    "epcList": identifiers,
    "childEPCs": identifiers,
    "inputEPCList": identifiers,
    "outputEPCList": identifiers,
    "parentID": uri,
    "transformationID": uri,
    "quantityList": list_of(QUANTITY_ELEMENT),
    "childQuantityList": list_of(QUANTITY_ELEMENT),
    "inputQuantityList": list_of(QUANTITY_ELEMENT),
    "outputQuantityList": list_of(QUANTITY_ELEMENT),
    "bizTransactionList": list_of(
        record({"type": term("btt"), "bizTransaction": uri}, ("bizTransaction",), extensible=False),
        plain=_plain_pair("btt", "bizTransaction"),
    ),
    "sourceList": _transfer_ends("source"),
    "destinationList": _transfer_ends("destination"),
    "sensorElementList": list_of(SENSOR_ELEMENT),
    "ilmd": record({}, extensible=True),
}
