"""Answers made of stored events: one EPCISQueryDocument in the representation that its receiver asked for.

Every way out of the server uses it: queries, named queries, webhooks, websockets, SOAP. It must not decide which events
its receiver may see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from traceward.epcis import rendering
from traceward.epcis.rendering import AnswerEvent, EpcFormat
from traceward.epcis.times import format_time_us
from traceward.epcis.xml_codec import CbvXmlFormat, Version, document_pieces
from traceward.services.runtime import Runtime
from traceward.store.rows import StoredEvent

JSON_MEDIA_TYPES: Final = ("application/json", "application/ld+json")
XML_MEDIA_TYPES: Final = ("application/xml", "text/xml")


@dataclass(frozen=True, slots=True)
class Representation:
    """How a receiver wants EPCIS data; the default is that of a request without headers.

    media_type: one of JSON_MEDIA_TYPES and XML_MEDIA_TYPES. version: of EPCIS; "1.2" is for XML alone. cbv_format: for
    XML alone. extensions: prefix -> namespace of the names in its query. EPCIS 2.0 REST, GS1-* headers.
    """

    media_type: str = JSON_MEDIA_TYPES[0]
    epc_format: EpcFormat = EpcFormat.ALWAYS_GS1_DIGITAL_LINK
    cbv_format: CbvXmlFormat = CbvXmlFormat.NO_PREFERENCE
    version: Version = "2.0"
    extensions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for a media type that nothing here writes, and for JSON of EPCIS 1.2."""
        if self.media_type not in JSON_MEDIA_TYPES and self.media_type not in XML_MEDIA_TYPES:
            expected = ", ".join((*JSON_MEDIA_TYPES, *XML_MEDIA_TYPES))
            raise ValueError(f"media_type is {self.media_type!r}; expected one of {expected}")
        if self.version != "2.0" and not self.is_xml:
            raise ValueError(f"version is {self.version!r} with {self.media_type}; JSON has EPCIS 2.0 alone")

    @property
    def is_xml(self) -> bool:
        """Whether the answer is XML."""
        return self.media_type in XML_MEDIA_TYPES


def event_answer(
    runtime: Runtime,
    events: Sequence[StoredEvent],
    representation: Representation,
    *,
    query_name: str = "SimpleEventQuery",
    subscription_id: str | None = None,
) -> bytes:
    """The EPCISQueryDocument of these events, in their order, with eventID and recordTime in each.

    XML is valid by the schema of its version: EPCIS 2.0 XML binding, EPCISQueryDocument; in 1.2 its namespace and
    wrappers.
    """
    created = format_time_us(runtime.now_us())
    answers = answer_events(runtime, events, representation.epc_format)
    if not representation.is_xml:
        return rendering.query_document(
            answers, creation_date=created, query_name=query_name, subscription_id=subscription_id
        )
    # The text is in the EPC format asked for already.
    return b"".join(
        document_pieces(
            answers,
            creation_date=created,
            version=representation.version,
            kind="EPCISQueryDocument",
            query_name=query_name,
            subscription_id=subscription_id,
            epc_format=EpcFormat.NEVER_TRANSLATES,
            cbv_format=representation.cbv_format,
        )
    )


def answer_event(runtime: Runtime, event: StoredEvent, epc_format: EpcFormat) -> AnswerEvent:
    """One stored event as an answer takes it, its text in the EPC format asked for."""
    return answer_events(runtime, (event,), epc_format)[0]


def answer_events(runtime: Runtime, events: Sequence[StoredEvent], epc_format: EpcFormat) -> list[AnswerEvent]:
    """Stored events as an answer takes them, their text in the EPC format asked for."""
    # Events of one capture share their recordTime.
    times = {time_us: format_time_us(time_us) for time_us in {event.record_time_us for event in events}}
    return [
        AnswerEvent(_text(runtime, event, epc_format), times[event.record_time_us], event.context, event.event_id)
        for event in events
    ]


def _text(runtime: Runtime, event: StoredEvent, epc_format: EpcFormat) -> bytes:
    if epc_format is EpcFormat.ALWAYS_GS1_DIGITAL_LINK:
        return event.rendered or event.text
    if epc_format is EpcFormat.ALWAYS_EPC_URN:
        return rendering.render_event(event.text, epc_format, prefix_length=runtime.prefixes.length)
    return event.text
