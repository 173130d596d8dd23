"""Events that the tests of this room share: published examples where they are at hand, and small ones of our own."""

import json
from typing import Any

from shared_data import shared
from traceward.epcis.document import RawEvent
from traceward.epcis.extension import STANDARD_CONTEXT, Context
from traceward.epcis.json_codec import read_document, read_event
from traceward.epcis.rules import check_event

OWN_CONTEXT = [STANDARD_CONTEXT, {"ex": "https://ex.org/", "mcx": "https://ns.traceward.org/consignment/"}]


def object_event(**changes: Any) -> dict[str, Any]:
    """A valid ObjectEvent; a change to None takes the field away, a name with __ stands for one with a colon."""
    event: dict[str, Any] = {
        "type": "ObjectEvent",
        "eventID": "urn:uuid:11111111-1111-4111-8111-111111111111",
        "eventTime": "2026-03-12T10:42:00Z",
        "eventTimeZoneOffset": "+01:00",
        "action": "OBSERVE",
        "bizStep": "dispensing",
        "epcList": ["urn:epc:id:sgtin:9521141.001023.V23-0007"],
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00001.OR3"},
    }
    event.update({name.replace("__", ":"): value for name, value in changes.items()})
    return {name: value for name, value in event.items() if value is not None}


def document(*events: Any, context: Any = OWN_CONTEXT, **header: Any) -> bytes:
    """An EPCISDocument with those events, as JSON text."""
    fields = {
        "@context": context,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-12T11:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }
    return json.dumps({name: value for name, value in (fields | header).items() if value is not None}).encode()


def raw(event: Any, context: Any = OWN_CONTEXT) -> RawEvent:
    """One event as the codec reads it out of a document."""
    return read_document(document(event, context=context)).events[0]


def bare(text: str) -> RawEvent:
    """One event sent alone."""
    return read_event(text.encode())


def own_context() -> Context:
    """The context of `document`."""
    return Context.of(OWN_CONTEXT)


def sensed(report: Any = None, metadata: Any = None, **element: Any) -> dict[str, Any]:
    """An ObjectEvent of 2026-03-12T10:42:00Z with one sensor element."""
    fields = {"sensorReport": [{"type": "Temperature", "value": 5, "uom": "CEL"} | (report or {})]} | element
    if metadata is not None:
        fields["sensorMetadata"] = metadata
    return object_event(sensorElementList=[fields])


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    """The event without those fields."""
    return {name: value for name, value in event.items() if name not in names}


def errors(event: Any, **options: Any) -> list[tuple[str, str]]:
    """Path within the event and code of every finding that refuses it."""
    found = check_event(raw(event), **options)
    return [
        (finding.path.removeprefix("eventList[0]").removeprefix("."), finding.code)
        for finding in found
        if finding.severity == "error"
    ]


def official_examples() -> list[Any]:
    """The published JSON examples, as paths."""
    return sorted(shared("standard/examples/gs1/json").rglob("*.json*"))


def storylines() -> list[Any]:
    """The example documents of medical consignment, as paths."""
    return sorted(shared("examples").glob("storyline*.json"))


def example_events() -> list[RawEvent]:
    """Every event of the published examples and of the storyline."""
    paths = [*official_examples(), shared("examples/storyline.json")]
    return [event for path in paths for event in read_document(path.read_bytes()).events]
