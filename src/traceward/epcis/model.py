"""Events as frozen typed values, for code that reads fields by name; one model for each event type.

Must not validate rules or rewrite values: `rules` judges, times stay the text that was sent, numbers keep every digit,
and what the standard does not know is kept as extension.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Strict, Tag, TypeAdapter
from pydantic.alias_generators import to_camel

Number = Annotated[int, Strict()] | Annotated[Decimal, Strict()]
Text = Annotated[str, Strict()]
Action = Literal["ADD", "OBSERVE", "DELETE"]


def _wire_name(name: str) -> str:
    return _WIRE_NAMES.get(name) or to_camel(name)


_WIRE_NAMES: Mapping[str, str] = {
    "context": "@context",
    "event_id": "eventID",
    "corrective_event_ids": "correctiveEventIDs",
    "device_id": "deviceID",
    "parent_id": "parentID",
    "child_epcs": "childEPCs",
    "input_epc_list": "inputEPCList",
    "output_epc_list": "outputEPCList",
    "transformation_id": "transformationID",
}


class _Closed(BaseModel):
    """A record without extensions."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_wire_name, populate_by_name=True)

    def to_data(self) -> dict[str, Any]:
        """The wire form: exactly the fields that were given, by their wire names."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class _Open(_Closed):
    """A record that keeps extensions under the names that were sent."""

    model_config = ConfigDict(extra="allow")

    @property
    def extensions(self) -> dict[str, Any]:
        """Every field that the standard does not know, by its name as sent."""
        return dict(self.model_extra or {})


class QuantityElement(_Closed):
    """A class of objects and how much of it; quantity None: unspecified."""

    epc_class: Text
    quantity: Number | None = None
    uom: Text | None = None


class BizTransaction(_Closed):
    """A business transaction, perhaps with its type."""

    type: Text | None = None
    biz_transaction: Text


class Source(_Closed):
    """Where a transfer starts: a party or a place, by its type."""

    type: Text
    source: Text


class Destination(_Closed):
    """Where a transfer ends: a party or a place, by its type."""

    type: Text
    destination: Text


class PersistentDisposition(_Closed):
    """Dispositions that hold until unset."""

    set: tuple[Text, ...] = ()
    unset: tuple[Text, ...] = ()


class Place(_Open):
    """A read point or business location."""

    id: Text


class ErrorDeclaration(_Open):
    """Says that the event was wrong, when, why, and which events correct it."""

    declaration_time: Text
    reason: Text | None = None
    corrective_event_ids: tuple[Text, ...] = ()


class SensorMetadata(_Open):
    """What all reports of a sensor element share; times as sent."""

    time: Text | None = None
    start_time: Text | None = None
    end_time: Text | None = None
    device_id: Text | None = None
    device_metadata: Text | None = None
    raw_data: Text | None = None
    data_processing_method: Text | None = None
    biz_rules: Text | None = None


class SensorReport(_Open):
    """One measurement or observation; numbers as sent, in the unit `uom`."""

    type: Text | None = None
    exception: Text | None = None
    device_id: Text | None = None
    device_metadata: Text | None = None
    raw_data: Text | None = None
    data_processing_method: Text | None = None
    biz_rules: Text | None = None
    time: Text | None = None
    microorganism: Text | None = None
    chemical_substance: Text | None = None
    coordinate_reference_system: Text | None = None
    value: Number | None = None
    component: Text | None = None
    string_value: Text | None = None
    boolean_value: Annotated[bool, Strict()] | None = None
    hex_binary_value: Text | None = None
    uri_value: Text | None = None
    min_value: Number | None = None
    max_value: Number | None = None
    mean_value: Number | None = None
    s_dev: Annotated[Number | None, Field(alias="sDev")] = None
    perc_rank: Number | None = None
    perc_value: Number | None = None
    uom: Text | None = None


class SensorElement(_Open):
    """Reports with what they share."""

    sensor_metadata: SensorMetadata | None = None
    sensor_report: tuple[SensorReport, ...]


class Event(_Open):
    """What all events share (EPCIS 2.0, EPCISEvent); also the model of an event of one's own type."""

    context: Any = None
    type: Text
    event_time: Text
    event_time_zone_offset: Text
    record_time: Any = None  # ignored on capture, whatever it is
    event_id: Text | None = None
    certification_info: Text | tuple[Text, ...] | None = None
    error_declaration: ErrorDeclaration | None = None


class _StandardEvent(Event):
    """What the five standard types share."""

    biz_step: Text | None = None
    disposition: Text | None = None
    read_point: Place | None = None
    biz_location: Place | None = None
    biz_transaction_list: tuple[BizTransaction, ...] = ()
    source_list: tuple[Source, ...] = ()
    destination_list: tuple[Destination, ...] = ()
    sensor_element_list: tuple[SensorElement, ...] = ()


class ObjectEvent(_StandardEvent):
    """Objects seen, made or ended."""

    action: Action
    epc_list: tuple[Text, ...] = ()
    quantity_list: tuple[QuantityElement, ...] = ()
    persistent_disposition: PersistentDisposition | None = None
    ilmd: dict[str, Any] | None = None


class AggregationEvent(_StandardEvent):
    """Objects put into a container or taken out, for a while."""

    action: Action
    parent_id: Text | None = None
    child_epcs: tuple[Text, ...] = ()
    child_quantity_list: tuple[QuantityElement, ...] = ()


class TransactionEvent(_StandardEvent):
    """Objects tied to business transactions."""

    action: Action
    parent_id: Text | None = None
    epc_list: tuple[Text, ...] = ()
    quantity_list: tuple[QuantityElement, ...] = ()


class TransformationEvent(_StandardEvent):
    """Objects made of others."""

    input_epc_list: tuple[Text, ...] = ()
    input_quantity_list: tuple[QuantityElement, ...] = ()
    output_epc_list: tuple[Text, ...] = ()
    output_quantity_list: tuple[QuantityElement, ...] = ()
    transformation_id: Text | None = None
    persistent_disposition: PersistentDisposition | None = None
    ilmd: dict[str, Any] | None = None


class AssociationEvent(_StandardEvent):
    """Objects joined to a parent for long."""

    action: Action
    parent_id: Text
    child_epcs: tuple[Text, ...] = ()
    child_quantity_list: tuple[QuantityElement, ...] = ()


_MODELS: Mapping[str, type[Event]] = {
    model.__name__: model
    for model in (ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent, AssociationEvent)
}


def _tag(value: Any) -> str:
    kind = value.get("type") if isinstance(value, Mapping) else value.type
    return str(kind) if kind in _MODELS else "Event"


AnyEvent = Annotated[
    Annotated[ObjectEvent, Tag("ObjectEvent")]
    | Annotated[AggregationEvent, Tag("AggregationEvent")]
    | Annotated[TransactionEvent, Tag("TransactionEvent")]
    | Annotated[TransformationEvent, Tag("TransformationEvent")]
    | Annotated[AssociationEvent, Tag("AssociationEvent")]
    | Annotated[Event, Tag("Event")],
    Discriminator(_tag),
]
_any_event: TypeAdapter[Event] = TypeAdapter(AnyEvent)


def event_model(data: Mapping[str, Any]) -> Event:
    """The typed, frozen form of an event that `rules` has accepted; `to_data` gives the same data back.

    Raises pydantic.ValidationError for data that `rules` would refuse for its shape.
    """
    return _any_event.validate_python(data)
