"""Names of extensions between XML and JSON: `{namespace}local` to `prefix:local` and back, with the prefixes declared.

Must not decide where a name may stand.
"""

from __future__ import annotations

import re
from typing import Any

from traceward.epcis.extension import CBVMDA, STANDARD_CONTEXT, STANDARD_PREFIXES, Context
from traceward.epcis.xml_parser import Element, namespaces_of
from traceward.epcis.xml_tables import OWN, RESERVED_NAMESPACES, UNQUALIFIED

# The official XML examples write the namespace without the colon that JSON-LD needs.
CBVMDA_XML = CBVMDA[:-1]

_MAX_PREFIXES = 400
_MAX_NAMESPACE = 1024
_MAX_PREFIX = 32
_MAX_CONTEXT = 48 * 1024
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd"
)
_NCNAME = re.compile(f"[{_START}][{_START}.0-9\u00b7\u0300-\u036f\u203f-\u2040-]*")
_URI_PART = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*+"
_NAMESPACE = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*+:(?://[A-Za-z0-9.-]++(?::\d{{1,5}})?(?=[/?#]|$)|(?!//)){_URI_PART}(?:#{_URI_PART})?",
    re.ASCII,
)
_OWN_PREFIXES: dict[str, str] = {"twx": OWN, "unq": UNQUALIFIED}


def is_ncname(text: str) -> bool:
    """Whether the text can be the local name, or the prefix, of an element (Namespaces in XML 1.0)."""
    return _NCNAME.fullmatch(text) is not None


class ReadNames:
    """The prefixes that the extensions of a document need in JSON, as they are met.

    A prefix of the document is kept where it is free and means no scheme of URIs; else another is made.
    """

    __slots__ = ("_context", "_declared", "_names", "_prefixes", "_size")

    def __init__(self) -> None:
        self._prefixes: dict[str, str] = {namespace: prefix for prefix, namespace in STANDARD_PREFIXES.items()}
        self._prefixes[CBVMDA_XML] = "cbvmda"
        self._declared: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._size = 0
        self._context: Context | None = None

    def name(self, tag: str, element: Element) -> str:
        """The JSON name of a qualified element or attribute name, `prefix:local`; a bare one gets our namespace."""
        known = self._names.get(tag)
        if known is None:
            namespace, _, local = tag[1:].rpartition("}") if tag[0] == "{" else (UNQUALIFIED, "", tag)
            if len(self._names) > 4096:
                self._names.clear()
            known = self._names[tag] = self._curie(namespace, local, element)
        return known

    def value(self, text: str, element: Element) -> str:
        """A value that may be a CURIE: its prefix then means in JSON what it means in the document."""
        if text.startswith(("urn:", "http")):
            return text
        prefix, colon, local = text.partition(":")
        if not colon or local.startswith("//") or _PROBE.expand_name(prefix + ":x") == prefix + ":x":
            return text
        namespace = namespaces_of(element).get(prefix)
        return text if namespace is None else self._curie(namespace, local, element)

    def context(self) -> Context:
        """The document's JSON context: the standard one, and the prefixes declared so far."""
        if self._context is None:
            declared = [STANDARD_CONTEXT, dict(self._declared)] if self._declared else STANDARD_CONTEXT
            self._context = Context.of(declared)
        return self._context

    def _curie(self, namespace: str, local: str, element: Element) -> str:
        prefix = self._prefixes.get(namespace)
        if prefix is None:
            prefix = self._new_prefix(namespace, element)
        return full_name(namespace, local) if prefix is None else f"{prefix}:{local}"

    def _new_prefix(self, namespace: str, element: Element) -> str | None:
        """A prefix for the namespace, now declared; None where a full name must do."""
        too_many = len(self._declared) >= _MAX_PREFIXES or self._size + len(namespace) > _MAX_CONTEXT
        if ":" not in namespace or len(namespace) > _MAX_NAMESPACE or too_many:
            return None
        if namespace == UNQUALIFIED:
            wished = "unq"
        else:
            wished = next((name for name, space in namespaces_of(element).items() if space == namespace and name), "ns")
        prefix, number = wished[:_MAX_PREFIX], 1
        while not self._is_free(prefix):
            number += 1
            prefix = f"{wished[:_MAX_PREFIX]}{number}"
        self._prefixes[namespace] = prefix
        self._declared[prefix] = namespace
        self._context = None
        self._size += len(namespace) + len(prefix)
        return prefix

    def _is_free(self, prefix: str) -> bool:
        return prefix not in self._declared and _PROBE.expand_name(prefix + ":x") is None


_PROBE = Context.of(STANDARD_CONTEXT)


def full_name(namespace: str, local: str) -> str:
    """The name in full; a namespace that is no URI (an old, relative one) is put below one of ours."""
    if namespace == CBVMDA_XML:
        namespace = CBVMDA
    return f"{namespace}{local}" if ":" in namespace else f"{OWN}relative/{namespace}/{local}"


class WrittenName:
    """How a JSON name stands in XML: `prefix:local`, and the namespace to declare; or a local name alone."""

    __slots__ = ("namespace", "prefix", "text")

    def __init__(self, prefix: str | None, namespace: str, local: str) -> None:
        self.prefix = prefix
        self.namespace = namespace
        self.text = local if prefix is None else f"{prefix}:{local}"


class WriteNames:
    """The XML names of the JSON names of one context."""

    __slots__ = ("_context", "_names", "_prefixes")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._names: dict[str, WrittenName | None] = {}
        self._prefixes: dict[str, str] = {}

    def name(self, key: str) -> WrittenName | None:
        """The element or attribute name of an extension; None where XML has none for it."""
        try:
            return self._names[key]
        except KeyError:
            if len(self._names) > 4096:
                self._names.clear()
            found = self._names[key] = self._found(key)
            return found

    def expand(self, key: str) -> str:
        """The name in full where it can be expanded, else as it is."""
        return self._context.expand_name(key) or key

    def value(self, text: str) -> tuple[str, WrittenName | None]:
        """How a value that may be a CURIE stands in XML, and what to declare for it; in full where nothing can be."""
        if text.startswith(("urn:", "http")):
            return text, None
        full = self._context.expand_value(text)
        if full == text:
            return text, None
        prefix, _, local = text.partition(":")
        namespace = self._context.prefixes[prefix]
        if not is_ncname(prefix) or prefix[:3].lower() == "xml" or prefix in _TAKEN or not _is_namespace(namespace):
            return full, None
        return text, WrittenName(prefix, namespace, local)

    def _found(self, key: str) -> WrittenName | None:
        full = self._context.expand_name(key)
        if full is None:
            return None
        if full.startswith(CBVMDA) and is_ncname(full[len(CBVMDA) :]):
            return WrittenName("cbvmda", CBVMDA_XML, full[len(CBVMDA) :])
        namespace, local = self._split(key, full)
        if namespace in RESERVED_NAMESPACES or not _is_namespace(namespace) or not is_ncname(local):
            return None
        return WrittenName(self._prefix(namespace), namespace, local)

    def _split(self, key: str, full: str) -> tuple[str, str]:
        """Namespace and local name: as the key itself says, else by the longest namespace of the context."""
        prefix, _, local = key.partition(":")
        namespace = self._context.prefixes.get(prefix)
        if namespace is not None and namespace + local == full and is_ncname(local):
            return namespace, local
        if full.startswith(UNQUALIFIED):
            return UNQUALIFIED, full[len(UNQUALIFIED) :]
        known = [space for space in self._context.prefixes.values() if full.startswith(space)]
        for space in sorted(known, key=len, reverse=True):
            if is_ncname(full[len(space) :]):
                return space, full[len(space) :]
        at = max(full.rfind(mark) for mark in "/#:") + 1
        return full[:at], full[at:]

    def _prefix(self, namespace: str) -> str:
        found = self._prefixes.get(namespace)
        if found is None:
            usable: Any = (
                prefix
                for prefix, space in self._context.prefixes.items()
                if space == namespace and is_ncname(prefix) and prefix[:3].lower() != "xml" and prefix not in _TAKEN
            )
            own = {space: prefix for prefix, space in _OWN_PREFIXES.items()}.get(namespace)
            found = own or next(usable, None)
            if found is None:
                number = len(self._prefixes) + 1
                while f"n{number}" in self._context.prefixes:
                    number += 1
                found = f"n{number}"
            self._prefixes[namespace] = found
        return found


def _is_namespace(text: str) -> bool:
    """Whether XML parsers take the text for the name of a namespace: some refuse what is no URI."""
    return _NAMESPACE.fullmatch(text) is not None


_TAKEN = frozenset(("cbvmda", "xsi", "sbdh", *_OWN_PREFIXES))
