"""Namespaces of a document: JSON-LD contexts resolved to expanded names, from bundled knowledge alone.

Must never fetch a context: a URL that is not known contributes nothing, and `unknown_urls` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from traceward.epcis.errors import DocumentException, Finding
from traceward.epcis.uris import is_uri

CONSIGNMENT_NAMESPACE = "https://ns.traceward.org/consignment/"
STANDARD_CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
CBVMDA = "urn:epcglobal:cbv:mda:"

# What the EPCIS context defines as prefixes (EPCIS 2.0 JSON-LD context).
STANDARD_PREFIXES: Mapping[str, str] = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": CBVMDA,
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}

_CONTEXT_HOSTS = ("https://ref.gs1.org/standards/epcis/", "https://gs1.github.io/EPCIS/")

# Schemes that stand before a colon without being a prefix. Others count as a prefix that must be declared.
_SCHEMES = frozenset(
    ("http", "https", "urn", "ni", "nih", "tag", "did", "data", "info", "oid", "geo", "mailto", "tel", "ftp", "file")
)


MAX_CONTEXT_BYTES = 65_536
MAX_PREFIXES = 500
_CLAUSE = "EPCIS 2.0 JSON binding, @context"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def check_context(value: Any, what: str) -> None:
    """Refuse an @context that is no URI, object or list of both, or is too large to be kept beside every event.

    Raises DocumentException; what: who needs the context, for the message.
    """
    entries = value if isinstance(value, list) else [value]
    message = None
    if not entries or not all(
        isinstance(entry, dict) or (isinstance(entry, str) and is_uri(entry)) for entry in entries
    ):
        message = f"@context is {str(value)[:80]!a}; {what} needs a URI, an object or a list of both"
    elif (
        len(_encode(value)) > MAX_CONTEXT_BYTES
        or sum(len(entry) for entry in entries if isinstance(entry, dict)) > MAX_PREFIXES
    ):
        message = f"@context is larger than {MAX_CONTEXT_BYTES} octets or {MAX_PREFIXES} definitions"
    if message is not None:
        raise DocumentException(message, [Finding("@context", "context", message, _CLAUSE)])


def is_standard_context(url: str) -> bool:
    """Whether a URL names a published EPCIS context, whatever its version."""
    secure = "https://" + url.removeprefix("http://") if url.startswith("http://") else url
    return secure.startswith(_CONTEXT_HOSTS) and secure.endswith(".jsonld") and "/../" not in secure


class Context:
    """The prefixes in force for an event, and names expanded by them.

    text: the context as JSON, to be kept beside an event whose names need it; is_standard: it is the EPCIS context
    alone, so nothing need be kept; unknown_urls: context URLs that are not bundled.
    """

    __slots__ = ("_names", "is_standard", "prefixes", "text", "unknown_urls", "value")

    def __init__(self, value: Any, prefixes: Mapping[str, str], unknown_urls: tuple[str, ...]) -> None:
        self.value = value
        self.prefixes = prefixes
        self.unknown_urls = unknown_urls
        self.text: bytes = _encode(value)
        self.is_standard = isinstance(value, str) and is_standard_context(value)
        self._names: dict[str, str | None] = {}

    @classmethod
    def of(cls, value: Any) -> Context:
        """The context that a JSON value (string, object or array of both) declares; the standard prefixes always hold.

        A prefix declared again takes its new meaning: some official examples redefine a protected term.
        """
        prefixes = dict(STANDARD_PREFIXES)
        unknown: list[str] = []
        for entry in _entries(value):
            if isinstance(entry, str):
                if not is_standard_context(entry):
                    unknown.append(entry)
                continue
            prefixes.update(_declared(entry))
        kept = value if not (isinstance(value, list) and len(value) == 1) else value[0]
        return cls(STANDARD_CONTEXT if kept is None else kept, prefixes, tuple(unknown))

    def extended(self, value: Any) -> Context:
        """The context that is this one followed by an event's own."""
        return Context.of([*_entries(self.value), *_entries(value)])

    def expand_name(self, name: str) -> str | None:
        """The full name of a CURIE or URI; None for a bare word or a prefix that nothing declares.

        >>> Context.of({"ex": "https://ex.org/"}).expand_name("ex:lot")
        'https://ex.org/lot'
        """
        try:
            return self._names[name]
        except KeyError:
            if len(self._names) > 4096:  # names come from input: the memory of one context stays bounded
                self._names.clear()
            expanded = self._names[name] = self._expanded(name)
            return expanded

    def expand_value(self, text: str) -> str:
        """The full form of an identifier: a CURIE with a declared prefix expands, anything else stays."""
        prefix, colon, local = text.partition(":")
        if not colon or prefix in _SCHEMES or local.startswith("//"):
            return text
        namespace = self.prefixes.get(prefix)
        return text if namespace is None else _joined(namespace, local)

    def declares(self, text: str) -> bool:
        """Whether what stands before the colon is a declared prefix or a known URI scheme."""
        prefix, colon, local = text.partition(":")
        return bool(colon) and (prefix in self.prefixes or prefix in _SCHEMES or local.startswith("//"))

    def _expanded(self, name: str) -> str | None:
        prefix, colon, local = name.partition(":")
        if not colon or not local:
            return None
        if prefix in _SCHEMES or local.startswith("//"):
            return _joined("", name)
        namespace = self.prefixes.get(prefix)
        return None if namespace is None else _joined(namespace, local)


def _joined(namespace: str, local: str) -> str:
    # cbvmda occurs with and without its last colon in official files: one namespace (epcis.md section 4).
    if namespace == CBVMDA[:-1]:
        return CBVMDA + local
    return namespace + local


def _entries(value: Any) -> Iterator[str | dict[str, Any]]:
    for entry in value if isinstance(value, list) else (value,):
        if isinstance(entry, (str, dict)):
            yield entry


def _declared(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Prefix and namespace of every usable definition: a string, or an object with an @id."""
    for prefix, definition in entry.items():
        namespace = definition.get("@id") if isinstance(definition, dict) else definition
        if isinstance(namespace, str) and ":" not in prefix and not prefix.startswith("@") and ":" in namespace:
            yield prefix, namespace
