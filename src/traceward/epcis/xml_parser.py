"""The one XML parser factory, and the pieces of a document as a parser gives them: nothing else may import lxml.

Must not know EPCIS. Takes no path and no URL, only bytes; refuses every DOCTYPE, so there are no entities, no external
files and no defaults of attributes; holds one piece of the document in memory at a time.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types; Element below says what is used of it

from traceward.epcis.errors import DocumentException, Finding, ValidationException

# One event, or all that stands around the events: a tree takes up to 30 times the size of its text.
MAX_PIECE_BYTES = 2 * 1024 * 1024
MAX_PIECE_TAGS = 200_000
# lxml 6.1 takes time with the square of their number; test_xml_hostile tells when it no longer does.
MAX_ATTRIBUTES = 512
MAX_NAMESPACES = 512

_CLAUSE = "XML 1.0; own rule: one reading for every reader"
_CHUNK_BYTES = 65_536
# Room for a byte order mark and an XML declaration, in UTF-16 too.
_HEAD_BYTES = 1024
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

    tag: str

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
    source: Iterable[bytes],
    tags: Sequence[str],
    entry_of: Callable[[Element], Element | None],
    *,
    charset: str | None = None,
) -> Iterator[tuple[Element, Element | None]]:
    """Each piece of the document as its element ends, with the entry that holds it; at last the root, without one.

    source: the document in parts of any size, of which no more is held than a piece needs. charset: as Content-Type
    names it, which the document must not contradict (RFC 7303). tags: what a piece may be called. entry_of: the
    entry of a list that is, or holds, the element; None where the element is no piece after all. A piece is forgotten
    when the next is asked for, and so are the entries before its own. Raises ValidationException for what is no
    well-formed XML 1.0 in UTF-8, UTF-16, US-ASCII or ISO-8859-1, has a DOCTYPE, or a piece larger than MAX_PIECE_BYTES.
    """
    parser = _new_parser(tags)
    held = tags_open = 0
    for chunk in _checked(_as_utf8(_in_chunks(source), charset)):
        try:
            parser.feed(chunk)
        except etree.XMLSyntaxError as error:
            raise _malformed(error) from error
        held += len(chunk)
        tags_open += chunk.count(b"<")
        for _, element in parser.read_events():
            entry = entry_of(element)
            if entry is not None:
                yield element, entry
                _forget(element, entry)
                held = tags_open = 0
        if held > MAX_PIECE_BYTES or tags_open > MAX_PIECE_TAGS:
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


def _in_chunks(source: Iterable[bytes]) -> Iterator[bytes]:
    """The same octets in parts small enough to be judged one by one; the first has the XML declaration whole."""
    parts = iter(source)
    head = b""
    for part in parts:
        head += part
        if len(head) >= _HEAD_BYTES:
            break
    for part in itertools.chain((head,), parts):
        for start in range(0, len(part), _CHUNK_BYTES):
            yield part[start : start + _CHUNK_BYTES]


def _as_utf8(chunks: Iterator[bytes], charset: str | None) -> Iterator[bytes]:
    """The document in UTF-8, whatever encoding of the four it came in; its declaration then no longer counts."""
    first = next(chunks, b"")
    named = None if charset is None else _codec(charset, "Content-Type names")
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        texts = _decoded(itertools.chain((first,), chunks), "utf-16")
        head = next(texts, b"")
        declared = _declared(head)
        if declared not in (None, "utf-16"):
            raise _invalid("encoding", f"the document is in UTF-16 but declares {declared}")
        if named not in (None, "utf-16"):
            raise _invalid("encoding", f"the document is in UTF-16 but its Content-Type names {named}")
        yield head
        yield from texts
        return
    if first.startswith(b"\xef\xbb\xbf"):
        first, named = first[3:], "utf-8" if named in (None, "ascii") else named
    declared = _declared(first)
    if "utf-16" in (declared, named):
        raise _invalid("encoding", "the document is said to be in UTF-16 but has no byte order mark")
    # ASCII is UTF-8 as far as it goes: only the reading of other octets can differ.
    if None not in (declared, named) and {declared, named} != {"ascii", "utf-8"} and declared != named:
        raise _invalid("encoding", f"the document declares {declared} but its Content-Type names {named}")
    encoding = declared if declared in ("ascii", "latin-1") else named
    if encoding in ("ascii", "latin-1"):
        yield from _decoded(itertools.chain((first,), chunks), encoding)
        return
    yield first
    yield from chunks


def _declared(text: bytes) -> str | None:
    """The codec of the encoding that the XML declaration names; None where it names none."""
    declaration = _DECLARATION.match(text)
    found = None if declaration is None else _ENCODING.search(declaration.group())
    if found is None:
        return None
    return _codec(found.group(1).decode("ascii"), "the document declares")


def _codec(name: str, who: str) -> str:
    """The codec of an encoding's name; who: says it, for the message."""
    if name.upper() not in _ENCODINGS:
        expected = "UTF-8, UTF-16, US-ASCII or ISO-8859-1"
        raise _invalid("encoding", f"{who} the encoding '{name[:40]}'; expected {expected}")
    return _ENCODINGS[name.upper()]


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Text of that encoding in UTF-8, chunk by chunk."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    for chunk in itertools.chain(chunks, (None,)):
        start = read - len(decoder.getstate()[0])
        try:
            yield decoder.decode(chunk or b"", final=chunk is None).encode()
        except UnicodeDecodeError as error:
            message = f"byte {start + error.start} is no {encoding}; the document declares that"
            raise _invalid("encoding", message) from error
        read += len(chunk or b"")


_TOO_LARGE = (
    f"more than {MAX_PIECE_BYTES} octets or {MAX_PIECE_TAGS} tags hold no event; "
    "an event, or what stands around the events, has fewer"
)
_DOCTYPE = "the document has a DOCTYPE; expected none, since a DOCTYPE can define entities and name files"


def _checked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, once all that stands before the root is seen to have no DOCTYPE: it can stand nowhere else."""
    held = bytearray()
    at, is_root = 0, False
    for chunk in chunks:
        held += chunk
        at, is_root = _past_prolog(held, at)
        if is_root:
            break
        if at > MAX_PIECE_BYTES or len(held) > 2 * MAX_PIECE_BYTES:
            raise _invalid("size", _TOO_LARGE)
    for start in range(0, len(held), _CHUNK_BYTES):
        yield bytes(held[start : start + _CHUNK_BYTES])
    yield from chunks


def _past_prolog(text: bytearray, at: int) -> tuple[int, bool]:
    """How far comments and processing instructions go from there, and whether the root follows; refuses a DOCTYPE."""
    while True:
        space = _SPACE.match(text, at)
        assert space is not None
        at = space.end()
        if bytes(text[at : at + 4]) in (b"", b"<", b"<!", b"<!-"):
            return at, False
        if text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
        elif text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2)
        elif text.startswith(b"<!", at):
            raise _invalid("doctype", _DOCTYPE)
        else:
            return at, True
        if end < 0:
            return at, False
        at = text.index(b">", end) + 1


def _malformed(error: Any) -> ValidationException:
    """The parser's first complaint; the exception itself may tell of a consequence alone."""
    first = next(iter(error.error_log), None)
    line, column = (first.line, first.column) if first is not None else (error.position or (0, 0))
    reason = (first.message if first is not None else str(error)).strip()[:200] or "it has no end"
    printable = reason if reason.isprintable() else ascii(reason)[1:-1]
    return _invalid("syntax", f"malformed XML at line {line}, column {column}: {printable}")


def _invalid(code: str, message: str) -> ValidationException:
    return DocumentException(message, [Finding("", code, message, _CLAUSE)])
