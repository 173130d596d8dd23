"""The one XML parser factory, and the pieces of a document as a parser gives them: nothing else may import lxml.

Must not know EPCIS. Takes no path and no URL, only bytes; refuses every DOCTYPE, so there are no entities, no external
files and no defaults of attributes; holds one piece of the document in memory at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types; Element below says what is used of it

from traceward.epcis.errors import Finding, ValidationException

# One event, or all that stands around the events: a tree takes up to 30 times the size of its text.
MAX_PIECE_BYTES = 2 * 1024 * 1024
MAX_PIECE_TAGS = 200_000
# lxml 6.1 takes time with the square of their number; test_xml_hostile tells when it no longer does.
MAX_ATTRIBUTES = 512
MAX_NAMESPACES = 512

_CLAUSE = "XML 1.0; own rule: one reading for every reader"
_CHUNK_BYTES = 65_536
_ENCODINGS: Mapping[str, str] = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "UTF-16": "utf-16",
    "US-ASCII": "ascii",
    "ASCII": "ascii",
    "ISO-8859-1": "latin-1",
}
_DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"""\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']""")
_SPACE = re.compile(rb"[ \t\r\n]*")


class Element(Protocol):
    """What the codecs use of a parsed element. `tag` and attribute names are `{namespace}local`, or a bare local."""

    @property
    def tag(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str | None: ...  # noqa: D102
    @property
    def tail(self) -> str | None: ...  # noqa: D102
    @property
    def prefix(self) -> str | None: ...  # noqa: D102
    @property
    def nsmap(self) -> Mapping[str | None, str]: ...  # noqa: D102
    def get(self, name: str) -> str | None: ...  # noqa: D102
    def keys(self) -> Sequence[str]: ...  # noqa: D102
    def items(self) -> Sequence[tuple[str, str]]: ...  # noqa: D102
    def getparent(self) -> Element | None: ...  # noqa: D102
    def index(self, child: Any) -> int: ...  # noqa: D102
    def itersiblings(self, *, preceding: bool) -> Iterator[Element]: ...  # noqa: D102
    def __iter__(self) -> Iterator[Element]: ...
    def __len__(self) -> int: ...


def pieces(
    body: bytes, tags: Sequence[str], entry_of: Callable[[Element], Element | None]
) -> Iterator[tuple[Element, Element | None]]:
    """Each piece of the document as its element ends, with the entry that holds it; at last the root, without one.

    tags: what a piece may be called. entry_of: the entry of a list that is, or holds, the element; None where the
    element is no piece after all. A piece is forgotten when the next is asked for, and so are the entries before its
    own. Raises ValidationException for what is no well-formed XML 1.0 in UTF-8, UTF-16, US-ASCII or ISO-8859-1, has a
    DOCTYPE, or has a piece larger than MAX_PIECE_BYTES.
    """
    text = _as_utf8(body)
    _refuse_doctype(text)
    parser = _new_parser(tags)
    done = tags_open = 0
    for start in range(0, len(text), _CHUNK_BYTES):
        end = min(start + _CHUNK_BYTES, len(text))
        try:
            parser.feed(text[start:end])
        except etree.XMLSyntaxError as error:
            raise _malformed(error) from error
        for _, element in parser.read_events():
            entry = entry_of(element)
            if entry is not None:
                yield element, entry
                _forget(element, entry)
                done, tags_open = end, 0
        tags_open += text.count(b"<", start, end) if done < end else 0
        if end - done > MAX_PIECE_BYTES or tags_open > MAX_PIECE_TAGS:
            raise _invalid("size", _TOO_LARGE)
    yield _closed(parser), None


def attributes_of(element: Element) -> Sequence[tuple[str, str]]:
    """Names and values of an element's attributes. Raises ValidationException when there are very many."""
    names = element.keys()
    if not names:
        return ()
    if len(names) > MAX_ATTRIBUTES:
        raise _invalid("size", f"an element has {len(names)} attributes; at most {MAX_ATTRIBUTES}")
    return element.items()


def namespaces_of(element: Element) -> Mapping[str | None, str]:
    """The prefixes in scope. Raises ValidationException when there are very many."""
    found = element.nsmap
    if len(found) > MAX_NAMESPACES:
        raise _invalid("size", f"an element has {len(found)} prefixes in scope; at most {MAX_NAMESPACES}")
    return found


def _new_parser(tags: Sequence[str]) -> Any:
    """The parser of every XML document that others send; its settings are the defence (OWASP ASVS 1.5.1)."""
    etree.clear_error_log()  # it is the thread's: else a message could be of somebody else's document
    return etree.XMLPullParser(
        events=("end",),
        tag=list(tags),
        encoding="utf-8",  # overrides what the document declares, which _as_utf8 has judged
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def _closed(parser: Any) -> Element:
    try:
        root = parser.close()
    except etree.XMLSyntaxError as error:
        raise _malformed(error) from error
    if root is None:
        raise _invalid("syntax", "the body is empty; expected an XML document")
    found = root.getroottree().docinfo
    if found.internalDTD is not None or found.doctype:
        raise _invalid("doctype", _DOCTYPE)
    element: Element = root
    return element


def _forget(element: Any, entry: Any) -> None:
    """Free what an element holds, and the entries before its own.

    The element itself stays, empty: the parser may still hang what follows on it.
    """
    element.clear(keep_tail=True)
    while entry.getprevious() is not None:
        del entry.getparent()[0]


def _as_utf8(body: bytes) -> bytes:
    """The document in UTF-8, whatever encoding of the four it came in; its declaration then no longer counts."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = _decoded(body, "utf-16").encode()
        declared = _declared(text)
        if declared not in (None, "utf-16"):
            raise _invalid("encoding", f"the document is in UTF-16 but declares {declared}")
        return text
    text = body.removeprefix(b"\xef\xbb\xbf")
    declared = _declared(text)
    if declared == "utf-16":
        raise _invalid("encoding", "the document declares UTF-16 but has no byte order mark")
    if declared in ("ascii", "latin-1"):
        return _decoded(text, declared).encode()
    return text


def _declared(text: bytes) -> str | None:
    """The codec of the encoding that the XML declaration names; None where it names none."""
    declaration = _DECLARATION.match(text)
    found = None if declaration is None else _ENCODING.search(declaration.group())
    if found is None:
        return None
    name = found.group(1).decode("ascii")
    if name.upper() not in _ENCODINGS:
        expected = "UTF-8, UTF-16, US-ASCII or ISO-8859-1"
        raise _invalid("encoding", f"the document declares the encoding '{name}'; expected {expected}")
    return _ENCODINGS[name.upper()]


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise _invalid("encoding", f"byte {error.start} is no {encoding}; the document declares that") from error


_TOO_LARGE = (
    f"more than {MAX_PIECE_BYTES} octets or {MAX_PIECE_TAGS} tags hold no event; "
    "an event, or what stands around the events, has fewer"
)
_DOCTYPE = "the document has a DOCTYPE; expected none, since a DOCTYPE can define entities and name files"


def _refuse_doctype(text: bytes) -> None:
    """Look through what stands before the root, without parsing: a DOCTYPE can stand nowhere else."""
    at = 0
    while True:
        space = _SPACE.match(text, at)
        assert space is not None
        at = space.end()
        if text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
        elif text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2)
        elif text.startswith(b"<!", at):
            raise _invalid("doctype", _DOCTYPE)
        else:
            return
        if end < 0:
            return
        at = text.index(b">", end) + 1
        if at > MAX_PIECE_BYTES:
            raise _invalid("size", _TOO_LARGE)


def _malformed(error: Any) -> ValidationException:
    """The parser's first complaint; the exception itself may tell of a consequence alone."""
    first = next(iter(error.error_log), None)
    line, column = (first.line, first.column) if first is not None else (error.position or (0, 0))
    reason = (first.message if first is not None else str(error)).strip()[:200] or "it has no end"
    printable = reason if reason.isprintable() else ascii(reason)[1:-1]
    return _invalid("syntax", f"malformed XML at line {line}, column {column}: {printable}")


def _invalid(code: str, message: str) -> ValidationException:
    return ValidationException(message, [Finding("", code, message, _CLAUSE)])
