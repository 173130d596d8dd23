"""Typed events: the same data out as in, frozen, and shape as the rules have it."""

import pytest
from pydantic import ValidationError

from epcis.samples import example_events, object_event, raw
from traceward.epcis.decimals import normal_decimal
from traceward.epcis.model import Event, ObjectEvent, TransformationEvent, event_model


def plain(value):
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def test_every_example_comes_out_of_its_model_as_it_went_in():
    """Rejects models that drop extensions, rewrite times or numbers, or fill in defaults."""
    for event in example_events():
        assert plain(event_model(event.data).to_data()) == event.data


def test_fields_are_read_by_python_names_and_extensions_by_their_own():
    event = event_model(raw(object_event(ex__a={"b": 1}, readPoint={"id": "urn:a:b", "ex:row": 5})).data)
    assert isinstance(event, ObjectEvent)
    assert event.event_time == "2026-03-12T10:42:00Z"
    assert event.epc_list == ("urn:epc:id:sgtin:9521141.001023.V23-0007",)
    assert event.extensions == {"ex:a": {"b": 1}}
    assert event.read_point is not None
    assert (event.read_point.id, event.read_point.extensions) == ("urn:a:b", {"ex:row": 5})


def test_numbers_keep_their_text():
    data = raw(object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": 0.5}])).data
    event = event_model(data)
    assert isinstance(event, ObjectEvent)
    assert normal_decimal(event.quantity_list[0].quantity) == "0.5"


def test_events_are_frozen():
    event = event_model(raw(object_event()).data)
    with pytest.raises(ValidationError):
        event.event_time = "2027-01-01T00:00:00Z"


def test_each_type_has_its_model_and_ones_own_type_the_common_one():
    base = {"eventTime": "2026-01-01T00:00:00Z", "eventTimeZoneOffset": "+00:00"}
    assert type(event_model(base | {"type": "ex:MyEvent", "x": 1})) is Event
    assert type(event_model(base | {"type": "TransformationEvent"})) is TransformationEvent


def test_what_the_rules_refuse_for_its_shape_has_no_model():
    for changes in ({"eventTime": 5}, {"epcList": "urn:a:b"}, {"action": "USE"}, {"readPoint": "urn:a:b"}):
        with pytest.raises(ValidationError):
            event_model(object_event(**changes))
