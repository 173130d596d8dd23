"""Bodies that partners send, in either format, as documents and events; and the master data in their headers.

It must not judge events, nor write anything: `capture` and `spooled` do.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from traceward.epcis import json_codec, xml_codec
from traceward.epcis.document import Document, RawEvent
from traceward.epcis.extension import Context
from traceward.services.runtime import Limits


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """How a body is written. charset: as Content-Type names it, None where it names none."""

    is_xml: bool = False
    charset: str | None = None


def read_document(body: bytes, form: BodyFormat, limits: Limits) -> Document:
    """The document, its events each with their own text. Raises what the codec of its format raises."""
    most, size = limits.capture_limit_events, limits.capture_limit_bytes
    if form.is_xml:
        return xml_codec.read_document(body, max_events=most, max_bytes=size, charset=form.charset)
    return json_codec.read_document(body, max_events=most, max_bytes=size)


def read_event(body: bytes, form: BodyFormat, limits: Limits) -> RawEvent:
    """The one event of a body sent to POST /events. Raises what the codec of its format raises."""
    if form.is_xml:
        return xml_codec.read_event(body, max_bytes=limits.capture_limit_bytes, charset=form.charset)
    return json_codec.read_event(body, max_bytes=limits.capture_limit_bytes)


def vocabularies(document: Document) -> list[dict[str, Any]]:
    """The master data in a document's header, the same for both formats; names in full.

    Each is {type, elements: [{id, attributes: [{id, value}], children: [id]}]}. EPCIS 2.0, EPCISMasterData.
    """
    header = document.header.get("epcisHeader")
    master_data = header.get("epcisMasterData") if isinstance(header, Mapping) else None
    listed = master_data.get("vocabularyList") if isinstance(master_data, Mapping) else None
    return [
        {
            "type": _name(document.context, entry.get("type")),
            "elements": list(_elements(document.context, _objects(entry.get("vocabularyElementList")))),
        }
        for entry in _objects(listed)
    ]


def _elements(context: Context, entries: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield {
            "id": _name(context, entry.get("id")),
            "attributes": [
                {"id": _name(context, one.get("id")), "value": one.get("attribute")}
                for one in _objects(entry.get("attributes"))
            ],
            "children": [_name(context, child) for child in _list(entry.get("children"))],
        }


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in _list(value) if isinstance(one, Mapping)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _name(context: Context, value: Any) -> str:
    """A name in full: a CURIE by the document's prefixes, anything else as it stands."""
    text = str(value or "")
    return context.expand_value(text)
