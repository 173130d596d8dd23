"""Documents of events to EPCIS XML 2.0 and 1.2, whole or piece by piece.

Must not judge events, nor build a tree: joins the text of events to the text around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from traceward.epcis.document import RawEvent
from traceward.epcis.extension import Context
from traceward.epcis.json_codec import write_json
from traceward.epcis.rendering import AnswerEvent, EpcFormat, render_event
from traceward.epcis.xml_event_writer import CbvXmlFormat, EventWriter
from traceward.epcis.xml_header import foreign_parts, header_xml, root_attributes_xml, vocabulary_list_parts
from traceward.epcis.xml_names import WriteNames
from traceward.epcis.xml_tables import DOCUMENT_NAMESPACES, MASTER_DATA_NAMESPACES, QUERY_NAMESPACES, Version
from traceward.epcis.xml_values import ValueWriter, attribute_xml, text_xml

Kind = Literal["EPCISDocument", "EPCISQueryDocument"]

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def document_pieces(
    events: Iterable[RawEvent | AnswerEvent],
    *,
    creation_date: str,
    version: Version = "2.0",
    kind: Kind = "EPCISDocument",
    header: Mapping[str, Any] | None = None,
    context: Context | None = None,
    query_name: str = "SimpleEventQuery",
    subscription_id: str | None = None,
    epc_format: EpcFormat = EpcFormat.NEVER_TRANSLATES,
    cbv_format: CbvXmlFormat = CbvXmlFormat.NO_PREFERENCE,
    prefix_length: Callable[[str], int | None] | None = None,
    original: Mapping[str, str] | None = None,
) -> Iterator[bytes]:
    """The document of those events in XML, valid by the schema of its version, piece by piece.

    The head, each event when it is asked for, the tail.

    events: as a codec has read them, or as an answer is made of them; `rules` must have found no error in them.
    header, context: as a Document has them. epc_format, prefix_length, original: as `rendering.render_event` takes
    them; cbv_format: how CBV terms are written. Event elements declare the prefixes that they use.
    """
    given: Mapping[str, Any] = header or {}
    around = ValueWriter(WriteNames(context or Context.of(None)))
    after = "".join(foreign_parts(given, around))
    before = header_xml(given, creation_date, around, needs_sbdh=version == "1.2")
    prefix, namespaces = ("epcis", DOCUMENT_NAMESPACES) if kind == "EPCISDocument" else ("epcisq", QUERY_NAMESPACES)
    root = f"{prefix}:{kind}"
    open_body, close_body = "<EPCISBody><EventList>", "</EventList></EPCISBody>"
    if kind == "EPCISQueryDocument":
        subscription = (
            "" if subscription_id is None else f"<subscriptionID>{text_xml(subscription_id)}</subscriptionID>"
        )
        open_body = (
            f"<EPCISBody><epcisq:QueryResults><queryName>{text_xml(query_name)}</queryName>{subscription}"
            "<resultsBody><EventList>"
        )
        close_body = "</EventList></resultsBody></epcisq:QueryResults></EPCISBody>"
    yield (_root_start(root, prefix, namespaces[version], version, creation_date, given, around) + before).encode()
    yield open_body.encode()
    writers = _Writers(version, cbv_format)
    for event in events:
        text = render_event(event.text, epc_format, prefix_length=prefix_length, original=original)
        yield writers.written(event, text).encode("utf-8", "replace")
    yield f"{close_body}{after}</{root}>".encode()


def write_event(
    event: AnswerEvent, *, version: Version = "2.0", cbv_format: CbvXmlFormat = CbvXmlFormat.NO_PREFERENCE
) -> bytes:
    """One event alone, as the answer to POST /events: the root is its element, which no schema of EPCIS has."""
    written = _Writers(version, cbv_format).written(event, event.text, alone=True)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written.encode("utf-8", "replace")


def event_elements(
    events: Iterable[AnswerEvent], *, version: Version = "2.0", cbv_format: CbvXmlFormat = CbvXmlFormat.NO_PREFERENCE
) -> Iterator[str]:
    """The elements of an EventList, each with the wrapper that its version asks for; for documents of other kinds."""
    writers = _Writers(version, cbv_format)
    for event in events:
        yield writers.written(event, event.text)


def write_master_data(
    header: Mapping[str, Any], *, creation_date: str, version: Version = "2.0", context: Context | None = None
) -> bytes:
    """The EPCISMasterDataDocument of the master data in a header."""
    around = ValueWriter(WriteNames(context or Context.of(None)))
    master_data = (header.get("epcisHeader") or {}).get("epcisMasterData") or {}
    content = "".join(vocabulary_list_parts(master_data.get("vocabularyList") or (), around))
    others = {name: value for name, value in header.items() if name != "epcisHeader"}
    after = "".join(foreign_parts(others, around))
    root = "epcismd:EPCISMasterDataDocument"
    namespace = MASTER_DATA_NAMESPACES[version]
    start = _root_start(root, "epcismd", namespace, version, creation_date, header, around)
    before = header_xml(others, creation_date, around, needs_sbdh=version == "1.2")
    return f"{start}{before}<EPCISBody>{content}</EPCISBody>{after}</{root}>".encode()


def _root_start(
    root: str,
    prefix: str,
    namespace: str,
    version: Version,
    creation_date: str,
    header: Mapping[str, Any],
    around: ValueWriter,
) -> str:
    own = root_attributes_xml(header)
    declared = "".join(
        f' xmlns:{name}="{attribute_xml(space)}"'
        for name, space in around.declared.items()
        if not (name == "twx" and own)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns:{prefix}="{namespace}"{declared}{own} '
        f'schemaVersion="{version}" creationDate="{attribute_xml(creation_date.upper())}">'
    )


class _Writers:
    """The writers of a document's events, one for each context."""

    def __init__(self, version: Version, cbv_format: CbvXmlFormat) -> None:
        self._version = version
        self._cbv_format = cbv_format
        self._of_text: dict[bytes, EventWriter] = {}

    def written(self, event: RawEvent | AnswerEvent, text: bytes, *, alone: bool = False) -> str:
        """The XML of one event, whose text is at hand in the EPC format asked for."""
        data = _decode(text)
        if isinstance(event, AnswerEvent):
            own = data.get("@context")
            outer = b"null" if event.context is None else event.context
            data["recordTime"] = event.record_time
            if event.event_id is not None:
                data.setdefault("eventID", event.event_id)
            return self._writer(outer, own).event(data, alone=alone)
        return self._writer(event.context.text, None).event(data, alone=alone)

    def _writer(self, outer: bytes, own: Any) -> EventWriter:
        key = outer if own is None else outer + write_json(own)
        found = self._of_text.get(key)
        if found is None:
            if len(self._of_text) >= 256:
                self._of_text.clear()
            context = Context.of(_decode(outer))
            names = WriteNames(context if own is None else context.extended(own))
            found = self._of_text[key] = EventWriter(names, self._version, self._cbv_format)
        return found
