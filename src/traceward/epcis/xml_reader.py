"""Documents in EPCIS XML to headers and events: 2.0, 1.2, and 1.0 and 1.1 as far as they differ in namespace.

Must not judge events and must not keep XML: an event is stored in its JSON form, so that rules, identity, hash and
storage are the same for every format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from traceward.epcis.document import Document, RawEvent
from traceward.epcis.errors import CaptureLimitExceededException, DocumentException, Finding, ValidationException
from traceward.epcis.extension import Context
from traceward.epcis.json_codec import MAX_BYTES, MAX_DEPTH, MAX_EVENTS, MAX_PIECE_BYTES, write_json
from traceward.epcis.json_marks import nests_deeper
from traceward.epcis.times import parse_time_us
from traceward.epcis.xml_event_reader import EventReader
from traceward.epcis.xml_header import HeaderReader
from traceward.epcis.xml_names import ReadNames
from traceward.epcis.xml_parser import Element, pieces
from traceward.epcis.xml_tables import DOCUMENT_NAMESPACES, ORDER, RESERVED_NAMESPACES, ROOTS, Version

_DOCUMENT = "EPCIS XML binding, document"
_EVENT_TAGS = frozenset((*ORDER, "QuantityEvent", "Event"))
_PIECE_TAGS = (*sorted(_EVENT_TAGS), "extension")
_SCHEMA_VERSIONS: Mapping[Version, re.Pattern[str]] = {
    "2.0": re.compile(r"\+?0*2(\.\d{1,8})?", re.ASCII),
    "1.2": re.compile(r"\+?0*1(\.\d{1,8})?", re.ASCII),
}
_MAX_FINDINGS = 100
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class XmlEvent(RawEvent):
    """An event read from XML: its text is its JSON form, its path the place in the XML document."""

    __slots__ = ("_place", "findings")

    def __init__(self, index: int, text: bytes, context: Context, place: str, findings: Sequence[Finding] = ()) -> None:
        """An event and what is wrong with its XML, paths starting with `./`; its data raises where anything is."""
        super().__init__(index, text, context, _refusing(findings) if findings else _decode)
        self._place = place
        self.findings = findings

    @property
    def path(self) -> str:
        """As `/EPCISDocument/EPCISBody/EventList/ObjectEvent[3]`, counting the events of that name."""
        return self._place


def read_document(
    body: bytes, *, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES, charset: str | None = None
) -> Document:
    """The document's header and its events, each in its JSON form, with the prefixes that extensions need as context.

    Takes EPCISDocument, EPCISQueryDocument and EPCISMasterDataDocument of EPCIS 2.0 and 1.x. An event whose XML breaks
    the binding has data that raises, as an event of malformed JSON has; its findings name the element. The tree of the
    document is never whole in memory. charset: as Content-Type names it.
    Raises ValidationException with every finding about the document itself, CaptureLimitExceededException when it is
    larger than max_bytes or has more than max_events events.
    """
    if len(body) > max_bytes:
        raise CaptureLimitExceededException(f"{len(body)} octets; at most {max_bytes} are taken at once")
    kept: list[_ReadEvent] = []
    document = _read((body,), kept.append, max_events, charset=charset)
    events: list[RawEvent] = [XmlEvent(one.number, one.text, document.context, one.place, one.findings) for one in kept]
    return replace(document, events=events)


def read_event(body: bytes, *, max_bytes: int = MAX_BYTES, charset: str | None = None) -> RawEvent:
    """The one event of a body sent to POST /events: its element is the root, with or without EPCIS's namespace.

    The standard's schema has no such root; the event is judged as in a document of EPCIS 2.0, or of 1.2 in its
    namespace. Raises ValidationException when the body is malformed or its root is no event.
    """
    if len(body) > max_bytes:
        raise CaptureLimitExceededException(f"{len(body)} octets; at most {max_bytes} are read at once")
    *_, (root, _entry) = pieces((body,), (), lambda _element: None, charset=charset)
    namespace, _, local = root.tag.removeprefix("{").rpartition("}")
    version: Version = next((one for one, name in DOCUMENT_NAMESPACES.items() if name == namespace), "2.0")
    is_own_type = namespace and namespace not in RESERVED_NAMESPACES
    if root.tag in ROOTS or not (is_own_type or local in _EVENT_TAGS):
        message = f"the root is {root.tag[:120]!a}; expected one event, such as ObjectEvent"
        raise DocumentException(message, [Finding("/", "type", message, _DOCUMENT)])
    kept: list[_ReadEvent] = []
    names = ReadNames()
    if namespace and not is_own_type:
        root.tag = local
    _Reading(kept.append, 1, names, EventReader(names, version)).take(root, root)
    (one,) = kept
    return XmlEvent(0, one.text, names.context(), one.place, one.findings)


def stream_document(
    source: Iterable[bytes],
    take: Callable[[XmlEvent], None],
    *,
    max_events: int | None = None,
    charset: str | None = None,
) -> Document:
    """The document's header, without its events: each goes to `take` as soon as it is read, and is forgotten here.

    source: the document in parts of any size; charset: as Content-Type names it. An event's context has
    the prefixes that were met so far; that of the document has them all, and none ever changes its meaning. Raises
    as `read_document` does, maybe after events.
    """
    names = ReadNames()

    def given(one: _ReadEvent) -> None:
        take(XmlEvent(one.number, one.text, names.context(), one.place, one.findings))

    return _read(source, given, max_events, names, charset=charset)


def _read(
    source: Iterable[bytes],
    keep: Callable[[_ReadEvent], None],
    max_events: int | None,
    names: ReadNames | None = None,
    *,
    charset: str | None = None,
) -> Document:
    reading = _Reading(keep, max_events, names or ReadNames())
    root: Element | None = None
    for element, entry in pieces(source, _PIECE_TAGS, _entry_of, charset=charset):
        if entry is None:
            root = element
        else:
            reading.take(element, entry)
    assert root is not None
    return reading.document(root)


class _ReadEvent(NamedTuple):
    """An event in its JSON form, with its place and what is wrong with its XML; its context is not settled yet."""

    number: int
    text: bytes
    place: str
    findings: Sequence[Finding]


def _entry_of(element: Element) -> Element | None:
    """The child of EventList that is, or wraps, the element; None where it stands elsewhere, say within an event."""
    entry = element
    parent = entry.getparent()
    while parent is not None and parent.tag == "extension":
        entry, parent = parent, parent.getparent()
    if parent is None or parent.tag != "EventList":
        return None
    above = parent.getparent()
    if above is not None and above.tag == "resultsBody":
        results = above.getparent()
        above = results.getparent() if results is not None else None
    is_body = above is not None and above.tag == "EPCISBody"
    top = above.getparent() if is_body and above is not None else None
    return entry if top is not None and top.getparent() is None else None


class _Reading:
    """One document while its events come in."""

    def __init__(
        self,
        keep: Callable[[_ReadEvent], None],
        max_events: int | None,
        names: ReadNames,
        reader: EventReader | None = None,
    ) -> None:
        self._keep = keep
        self._max_events = max_events
        self._names = names
        self._reader = reader
        self._prefix = ""
        self._counts: dict[str, int] = {}
        self._count = 0
        self._entry: Element | None = None
        self._findings: list[Finding] = []

    def take(self, element: Element, entry: Element) -> None:
        """One event, or a wrapper that may hold events of types of one's own."""
        self._check_before(entry)
        self._entry = entry
        if element.tag != "extension":
            self._event(element)
            return
        for child in element:
            if child.tag[0] == "{":
                self._event(child)
            elif child.tag not in _EVENT_TAGS and child.tag != "extension":
                self._unknown(child)

    def document(self, root: Element) -> Document:
        """The document, now that its root is closed."""
        if root.tag not in ROOTS:
            expected = "EPCISDocument, EPCISQueryDocument or EPCISMasterDataDocument of EPCIS 2.0 or 1.x"
            message = f"the root is {root.tag[:120]!a}; expected {expected}"
            raise DocumentException(message, [Finding("/", "type", message, _DOCUMENT)])
        kind, version = ROOTS[root.tag]
        schema_version, creation_date = root.get("schemaVersion"), root.get("creationDate")
        self._check_attributes(kind, version, schema_version, creation_date)
        header = HeaderReader(creation_date)
        header.root_attributes(root)
        self._body(root, kind, header)
        findings = [*self._findings, *header.findings][:_MAX_FINDINGS]
        if findings:
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            raise DocumentException(findings[0].message + more, findings)
        return Document(
            kind=kind,
            context=self._names.context(),
            events=[],
            schema_version=schema_version,
            creation_date=creation_date,
            header=_decode(write_json(header.fields)),
        )

    def _event(self, element: Element) -> None:
        if self._count == self._max_events:
            raise CaptureLimitExceededException(f"more than {self._max_events} events are not taken at once")
        if self._reader is None:
            self._reader = self._new_reader(element)
        name = element.tag.rpartition("}")[2]
        count = self._counts[name] = self._counts.get(name, 0) + 1
        place = f"{self._prefix}/{name}[{count}]"
        data, findings = self._reader.read(element)
        text = write_json(data)
        if len(text) > MAX_PIECE_BYTES:
            findings.append(_finding("size", f"the event has {len(text)} octets as JSON; at most {MAX_PIECE_BYTES}"))
        elif nests_deeper(text, MAX_DEPTH):
            findings.append(_finding("depth", f"the event nests deeper than {MAX_DEPTH} levels"))
        self._keep(_ReadEvent(self._count, text, place, findings))
        self._count += 1

    def _new_reader(self, element: Element) -> EventReader:
        steps = []
        above = element.getparent()
        root = element
        while above is not None:
            if above.tag != "extension":
                steps.append(above.tag.rpartition("}")[2])
            root, above = above, above.getparent()
        self._prefix = "/" + "/".join(reversed(steps))
        version: Version = ROOTS.get(root.tag, ("", "2.0"))[1]
        return EventReader(self._names, version, is_1_0=root.get("schemaVersion") in ("1", "1.0"))

    def _check_before(self, entry: Element) -> None:
        """Nothing in EventList may go by unread: what stands before the entry was the last one, or is unknown."""
        for before in entry.itersiblings(preceding=True):
            if before is not self._entry:
                self._unknown(before)

    def _unknown(self, element: Element) -> None:
        if len(self._findings) < _MAX_FINDINGS:
            name = element.tag[:120]
            message = f"{name!a} has no place in EventList; expected an event, without a namespace"
            path = f"{self._prefix or '/EPCISDocument/EPCISBody/EventList'}/{name.rpartition('}')[2]}"
            self._findings.append(Finding(path, "unknown_element", message, _DOCUMENT))

    # The envelope

    def _check_attributes(self, kind: str, version: Version, sent: str | None, created: str | None) -> None:
        if sent is None or _SCHEMA_VERSIONS[version].fullmatch(sent.strip()) is None:
            expected = "2.0" if version == "2.0" else "1.0, 1.1 or 1.2"
            message = f"schemaVersion is {str(sent)[:40]!a}; expected {expected}, as the namespace of {kind} says"
            self._findings.append(Finding(f"/{kind}/@schemaVersion", "schema_version", message, _DOCUMENT))
        if created is None or not (_is_time(created.strip()) or _is_time(created.strip() + "Z")):
            message = f"creationDate is {str(created)[:40]!a}; expected a time"
            self._findings.append(Finding(f"/{kind}/@creationDate", "time", message, _DOCUMENT))

    def _body(self, root: Element, kind: str, header: HeaderReader) -> None:
        body: Element | None = None
        for child in root:
            tag = child.tag
            if tag == "EPCISBody" and body is None:
                body = child
            elif tag == "EPCISHeader":
                header.header(child, f"/{kind}/EPCISHeader")
            elif tag == "extension" or tag[0] == "{":
                for one in child if tag == "extension" else (child,):
                    header.foreign(one)
            else:
                self._misplaced(child, f"/{kind}")
        if body is None:
            self._missing(f"/{kind}/EPCISBody")
            return
        found = False
        for child in body:
            found = self._body_part(child, kind, header) or found
        if not found and kind != "EPCISDocument":
            self._missing(
                f"/{kind}/EPCISBody/" + ("QueryResults" if kind == "EPCISQueryDocument" else "VocabularyList")
            )

    def _body_part(self, child: Element, kind: str, header: HeaderReader) -> bool:
        """One child of the body; True when it is what the body is for."""
        path = f"/{kind}/EPCISBody"
        name = child.tag.rpartition("}")[2]
        if child.tag == "EventList" and kind == "EPCISDocument":
            self._rest_of_list(child)
            return True
        if child.tag == "VocabularyList" and kind == "EPCISMasterDataDocument":
            header.vocabulary_list(child, f"{path}/VocabularyList")
            return True
        if name == "QueryResults" and kind == "EPCISQueryDocument":
            self._query_results(child, f"{path}/QueryResults", header)
            return True
        if child.tag == "extension" or (child.tag[0] == "{" and kind == "EPCISDocument"):
            for one in child if child.tag == "extension" else (child,):
                header.foreign(one)
        else:
            self._misplaced(child, path)
        return False

    def _query_results(self, results: Element, path: str, header: HeaderReader) -> None:
        stated: dict[str, str] = {}
        for child in results:
            tag = child.tag
            if tag in ("queryName", "subscriptionID"):
                stated[tag] = (child.text or "").strip()
            elif tag == "resultsBody":
                for part in child:
                    if part.tag == "EventList":
                        self._rest_of_list(part)
                    elif part.tag == "VocabularyList":
                        header.vocabulary_list(part, f"{path}/resultsBody/VocabularyList")
                    else:
                        self._misplaced(part, f"{path}/resultsBody")
            elif tag == "extension" or tag[0] == "{":
                for one in child if tag == "extension" else (child,):
                    header.foreign(one)
            else:
                self._misplaced(child, path)
        header.fields["queryResults"] = stated

    def _rest_of_list(self, event_list: Element) -> None:
        """What stands after the last event."""
        for child in event_list:
            if child is not self._entry:
                self._unknown(child)

    def _misplaced(self, child: Element, path: str) -> None:
        if len(self._findings) < _MAX_FINDINGS:
            name = child.tag.rpartition("}")[2][:80]
            message = f"{child.tag[:120]!a} has no place in {path.rpartition('/')[2]}"
            self._findings.append(Finding(f"{path}/{name}", "unknown_element", message, _DOCUMENT))

    def _missing(self, path: str) -> None:
        self._findings.append(Finding(path, "missing", f"{path} is missing; expected one", _DOCUMENT))


def _refusing(findings: Sequence[Finding]) -> Callable[[bytes], Any]:
    """What reads an event whose XML is wrong: it says so, each time."""
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""

    def read(_text: bytes) -> Any:
        raise DocumentException(findings[0].message + more, findings)

    return read


def _finding(code: str, message: str) -> Finding:
    return Finding("", code, message, _DOCUMENT)


def _is_time(text: str) -> bool:
    try:
        parse_time_us(text)
    except ValidationException:
        return False
    return True
