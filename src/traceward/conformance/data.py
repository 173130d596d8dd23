"""The events that one run captures, with identifiers and times of its own; it must not send them.

Each part of the data lies in an hour of event time that holds nothing else, so that a query for that hour sees the
part and nothing more, whatever the server held before.
"""

import copy
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from traceward.conformance import identifiers
from traceward.conformance.identifiers import Identifier

NAMESPACE: Final = "https://ns.example.org/conformance/"
GS1_CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
CONTEXT: Final = [GS1_CONTEXT, {"ext": NAMESPACE}]
EXTENSIONS_HEADER: Final = {"GS1-Extensions": f"ext={NAMESPACE}"}
PLACES: Final = "urn:epcglobal:epcis:vtype:BusinessLocation"

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Events by label, the documents they are captured in (labels), the hour they lie in, and master data."""

    name: str
    start: datetime
    events: Mapping[str, Event]
    documents: Sequence[Sequence[str]]
    vocabularies: Sequence[Mapping[str, Any]] = ()

    def at(self, minute: float) -> str:
        """The time of that minute of the part's hour, as text."""
        return time_text(self.start + timedelta(minutes=minute))

    @property
    def window(self) -> dict[str, str]:
        """The query parameters that this part alone answers to."""
        return {"GE_eventTime": self.at(0), "LT_eventTime": self.at(60)}


@dataclass(frozen=True, slots=True)
class Data:
    """Everything that a run captures. names: text for the placeholders in the tables of cases, `{s1}`, `{t3}`..."""

    token: str
    item: str
    parts: Mapping[str, Part]
    names: Mapping[str, str]

    def filled(self, text: str) -> str:
        """The text with its placeholders filled in."""
        return text.format_map(self.names)


def time_text(moment: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def document(events: Sequence[Event], vocabularies: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """An EPCISDocument of these events."""
    made: dict[str, Any] = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": time_text(datetime.now(UTC)),
        "epcisBody": {"eventList": list(events)},
    }
    if vocabularies:
        made["epcisHeader"] = {"epcisMasterData": {"vocabularyList": list(vocabularies)}}
    return made


def encoded(value: Any) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode()


def new_event_id() -> str:
    """A fresh event id."""
    return f"urn:uuid:{uuid.uuid4()}"


def object_event(time: str, **fields: Any) -> Event:
    """An ObjectEvent of that time with a fresh event id; fields override what it has."""
    return _event("ObjectEvent", time, action="OBSERVE") | fields


def make_data() -> Data:
    """New data: no two runs share an identifier or, but for a rare chance, an hour."""
    token = secrets.token_hex(5)
    item = f"{secrets.randbelow(100_000):05d}"
    ids = _identifiers(token, item)
    names = {name: one.link for name, one in ids.items()} | {f"{name}_urn": one.urn for name, one in ids.items()}
    names |= {"token": token, "po1": f"urn:epcglobal:cbv:bt:9521987000008:PO1{token}"}
    names |= {"po2": f"urn:epcglobal:cbv:bt:9521987000008:PO2{token}", "item": item, "ns": NAMESPACE}
    names |= {"xform": f"urn:uuid:{uuid.uuid4()}", "never": "https://id.gs1.org/01/09521987999990/21/NEVER"}
    names |= {"pattern": f"urn:epc:idpat:sgtin:{identifiers.PREFIX}.0{item}.*"}
    # SQL's LIKE would take the underscore for any sign.
    names["s1_underscore"] = names["s1"][:-1] + "_"
    start = datetime(2002, 1, 1, tzinfo=UTC) + timedelta(hours=4 * secrets.randbelow(35_000))
    parts = {
        part.name: part
        for part in (
            _core(start, names),
            _sensor(start + timedelta(hours=1), names),
            _places(start + timedelta(hours=2), names),
        )
    }
    for minute in range(15):
        names[f"t{minute}"] = parts["core"].at(minute)
        names[f"s{minute}m"] = parts["sensor"].at(minute)
    names |= {f"id_{label}": event["eventID"] for part in parts.values() for label, event in part.events.items()}
    return Data(token, item, parts, names)


def _identifiers(token: str, item: str) -> dict[str, Identifier]:
    place = f"{secrets.randbelow(100_000):05d}"
    made = {f"s{number}": identifiers.sgtin(item, f"{number}{token}") for number in range(1, 7)}
    made |= {f"lot{letter}": identifiers.lgtin(item, f"{letter}{token}") for letter in "ABC"}
    made |= {f"loc{letter}": identifiers.sgln(place, f"{letter}{token}") for letter in "ABCD"}
    made |= {f"rp{number}": identifiers.sgln(place, f"R{number}{token}") for number in (1, 2)}
    made |= {"party1": identifiers.pgln(place), "party2": identifiers.pgln(f"{(int(place) + 1) % 100_000:05d}")}
    made |= {"crate": identifiers.sscc(f"{secrets.randbelow(10**9):09d}")}
    made |= {f"asset{number}": identifiers.giai(f"{number}{token}") for number in (1, 2, 3, 4)}
    return made


def _event(kind: str, time: str, **fields: Any) -> Event:
    return {
        "type": kind,
        "eventID": new_event_id(),
        "eventTime": time,
        "eventTimeZoneOffset": "+00:00",
    } | fields


def _core(start: datetime, n: Mapping[str, str]) -> Part:
    """One event of each type, with every standard field somewhere, and an error declaration."""

    def at(minute: float) -> str:
        return time_text(start + timedelta(minutes=minute))

    wrong = object_event(at(10), epcList=[n["s5"]], bizStep="inspecting", readPoint={"id": n["rp2"]})
    right = object_event(at(12), epcList=[n["s5"]], bizStep="inspecting", disposition="conformant")
    denied = copy.deepcopy(wrong) | {
        "errorDeclaration": {
            "declarationTime": at(30),
            "reason": "incorrect_data",
            "correctiveEventIDs": [right["eventID"]],
            "ext:blame": "label",
        }
    }
    events = {
        "commission": object_event(
            at(1),
            action="ADD",
            epcList=[n["s1"], n["s2"]],
            quantityList=[{"epcClass": n["lotA"], "quantity": 20, "uom": "KGM"}],
            bizStep="commissioning",
            disposition="active",
            readPoint={"id": n["rp1"]},
            bizLocation={"id": n["locA"]},
            bizTransactionList=[{"type": "po", "bizTransaction": n["po1"]}],
            sourceList=[{"type": "owning_party", "source": n["party1"]}],
            destinationList=[{"type": "owning_party", "destination": n["party2"]}],
            ilmd={"cbvmda:lotNumber": f"A{n['token']}", "ext:grade": "fine", "ext:made": {"ext:batch": "b7"}},
            **{"ext:score": 42, "ext:word": "amber", "ext:checked": at(1), "ext:box": {"ext:depth": 3}},
        ),
        "ship": object_event(
            at(2),
            epcList=[n["s1"]],
            bizStep="shipping",
            disposition="in_transit",
            persistentDisposition={"set": ["completeness_verified"]},
            readPoint={"id": n["rp2"]},
            bizLocation={"id": n["locB"]},
            bizTransactionList=[{"type": "inv", "bizTransaction": n["po1"]}],
            destinationList=[{"type": "possessing_party", "destination": n["party2"]}],
            **{"ext:score": 7, "ext:word": "Amber"},
        ),
        "receive": object_event(
            at(3),
            epcList=[n["s2"]],
            bizStep="receiving",
            disposition="in_progress",
            persistentDisposition={"unset": ["completeness_verified"]},
            readPoint={"id": n["rp1"]},
            bizLocation={"id": n["locB"]},
            sourceList=[{"type": "possessing_party", "source": n["party1"]}],
            **{"ext:score": 42.5, "ext:checked": at(3)},
        ),
        "discard": object_event(
            at(4),
            action="DELETE",
            epcList=[n["s2"]],
            quantityList=[{"epcClass": n["lotA"], "quantity": 3}],
            bizStep="destroying",
            disposition="destroyed",
            readPoint={"id": n["rp1"], "ext:gate": "west"},
        ),
        "pack": _event(
            "AggregationEvent",
            at(5),
            action="ADD",
            parentID=n["crate"],
            childEPCs=[n["s1"], n["s4"]],
            childQuantityList=[{"epcClass": n["lotB"], "quantity": 5, "uom": "KGM"}],
            bizStep="packing",
            bizLocation={"id": n["locA"], "ext:shelf": "top"},
        ),
        "sell": _event(
            "TransactionEvent",
            at(6),
            action="ADD",
            bizTransactionList=[{"type": "po", "bizTransaction": n["po2"]}],
            epcList=[n["s4"]],
            quantityList=[{"epcClass": n["lotB"], "quantity": 1}],
            bizStep="retail_selling",
            disposition=f"{NAMESPACE}state-{n['token']}",
        ),
        "mix": _event(
            "TransformationEvent",
            at(7),
            inputEPCList=[n["s1"]],
            outputEPCList=[n["s3"]],
            inputQuantityList=[{"epcClass": n["lotA"], "quantity": 2, "uom": "KGM"}],
            outputQuantityList=[{"epcClass": n["lotC"], "quantity": 10}],
            transformationID=n["xform"],
            ilmd={"ext:grade": "coarse"},
        ),
        "fit": _event(
            "AssociationEvent", at(8), action="ADD", parentID=n["asset1"], childEPCs=[n["asset2"]], bizStep="installing"
        ),
        "quarantine": object_event(
            at(9),
            epcList=[n["s6"]],
            bizStep=f"{NAMESPACE}step-{n['token']}",
            disposition=f"{NAMESPACE}state-{n['token']}",
        ),
        "wrong": wrong,
        "right": right,
        "denied": denied,
    }
    first = [label for label in events if label != "denied"]
    return Part("core", start, events, (first, ["denied"]))


def _sensor(start: datetime, n: Mapping[str, str]) -> Part:
    """Sensor data at every place where it may stand: metadata, report, each kind of value. TCR-53."""

    def at(minute: float) -> str:
        return time_text(start + timedelta(minutes=minute))

    def sensed(minute: float, *elements: Event) -> Event:
        listed = {"sensorElementList": list(elements)} if elements else {}
        return object_event(at(minute), epcList=[n["asset3"]], readPoint={"id": n["rp1"]}, **listed)

    method, rules, raw = (f"{NAMESPACE}{what}/{n['token']}" for what in ("method", "rules", "raw"))
    warm = {"type": "Temperature", "value": 26.0, "uom": "CEL", "ext:channel": "c1"}
    cold_room = {
        "type": "Temperature",
        "deviceID": n["asset4"],
        "minValue": -21.5,
        "maxValue": -18,
        "meanValue": -20,
        "sDev": 0.5,
        "percRank": 90,
        "percValue": -18.5,
        "uom": "CEL",
    }
    texts = {
        "type": "AmountOfSubstance",
        "microorganism": f"https://www.ncbi.nlm.nih.gov/taxonomy/{n['item']}",
        "stringValue": f"seen {n['token']}",
        "booleanValue": True,
        "hexBinaryValue": "F0F0F0",
        "uriValue": f"{NAMESPACE}picture/{n['token']}",
    }
    substance = {
        "type": "MassConcentration",
        "time": at(3.5),
        "chemicalSubstance": f"https://identifiers.org/inchikey:{n['token']}",
        "value": 3,
        "uom": "KGM",
    }
    events = {
        "warm": sensed(
            1,
            {
                "sensorMetadata": {
                    "time": at(1),
                    "deviceID": n["asset3"],
                    "deviceMetadata": f"{NAMESPACE}device/{n['token']}",
                    "rawData": raw,
                    "dataProcessingMethod": method,
                    "bizRules": rules,
                    "ext:mode": "fast",
                },
                "sensorReport": [warm],
                "ext:panel": "p1",
            },
        ),
        "cold": sensed(3, {"sensorMetadata": {"startTime": at(1), "endTime": at(2)}, "sensorReport": [cold_room]}),
        "germs": sensed(4, {"sensorMetadata": {"startTime": at(2), "endTime": at(3)}, "sensorReport": [texts]}),
        "dose": sensed(5, {"sensorReport": [substance]}),
        "blind": sensed(6),
    }
    return Part("sensor", start, events, (tuple(events),))


def _places(start: datetime, n: Mapping[str, str]) -> Part:
    """Events at a place, at a place in it, and at a place in that one; the tree comes as master data."""

    def at(minute: float) -> str:
        return time_text(start + timedelta(minutes=minute))

    def event(minute: float, place: str, point: str) -> Event:
        return object_event(
            at(minute), epcList=[n["s6"]], bizLocation={"id": n[place]}, readPoint={"id": n[point]}, bizStep="storing"
        )

    vocabulary = {
        "type": PLACES,
        "vocabularyElementList": [
            {
                "id": n["locA"],
                "attributes": [{"id": "urn:epcglobal:cbv:mda:city", "attribute": f"Town {n['token']}"}],
                "children": [n["locB"]],
            },
            {"id": n["locB"], "children": [n["locC"]]},
        ],
    }
    points = {
        "type": "urn:epcglobal:epcis:vtype:ReadPoint",
        "vocabularyElementList": [{"id": n["rp1"], "children": [n["rp2"]]}],
    }
    events = {
        "top": event(1, "locA", "rp1"),
        "middle": event(2, "locB", "rp2"),
        "bottom": event(3, "locC", "rp2"),
        "elsewhere": event(4, "locD", "rp1"),
    }
    return Part("places", start, events, (tuple(events),), (vocabulary, points))
