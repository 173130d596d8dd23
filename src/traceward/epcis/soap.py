"""SOAP 1.1 requests of the query control interface, read: the operation, its version, and its parameters as values.

Must not ask anything of a store. Headers are looked at for mustUnderstand alone: an address to which a client asks its
answer to be sent (WS-Addressing) is never used. EPCIS 2.0 and 1.2 WSDL, document/literal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from traceward.epcis.errors import Finding, QueryParameterException, ValidationException
from traceward.epcis.xml_parser import Element, namespaces_of, pieces
from traceward.epcis.xml_tables import QUERY_NAMESPACES, XSI, Version

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
MAX_ENVELOPE_BYTES: Final = 1_000_000

_CLAUSE: Final = "EPCIS WSDL, query control interface"
_VERSIONS: Final[Mapping[str, Version]] = {name: version for version, name in QUERY_NAMESPACES.items()}
_SCHEDULE: Final = frozenset({"second", "minute", "hour", "dayOfMonth", "month", "dayOfWeek"})
_NEXT: Final = "http://schemas.xmlsoap.org/soap/actor/next"
#: EPCIS 1.x joins namespace and name by "#" whatever the namespace ends with.
_JOINS: Final = (("urn:epcglobal:cbv:mda#", "urn:epcglobal:cbv:mda:"), ("/#", "/"))

#: A parameter's value: a list of texts (ArrayOfString), one text, or None (VoidHolder).
Value = list[str] | str | None


class NotSoap(ValidationException):
    """The body is no SOAP 1.1 envelope; `code` is the fault code that says so."""

    def __init__(self, message: str, code: str = "Client") -> None:
        super().__init__(message, [Finding("/", "envelope", message, "SOAP 1.1, section 4")])
        self.code = code


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """One call. operation: as the WSDL's message names it, such as `Poll`. version: of EPCIS, by the namespace asked.

    texts: the simple children by name. params: of a query; prefixes: the namespaces that their names may use.
    controls: of a subscription, as the JSON body of the REST binding has them; None where there are none.
    """

    operation: str
    version: Version
    texts: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Value] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[str, Any] | None = None


def open_envelope(body: bytes, *, charset: str | None = None) -> Element:
    """The call that an envelope holds, as it stands.

    Raises NotSoap for what is no SOAP 1.1 envelope or has a header that must be understood, ValidationException for
    what is no XML that this server reads.
    """
    if len(body) > MAX_ENVELOPE_BYTES:
        raise NotSoap(f"the envelope has {len(body)} octets; expected at most {MAX_ENVELOPE_BYTES}")
    *_, (root, _entry) = pieces((body,), (), lambda _element: None, charset=charset)
    namespace, _, local = root.tag.removeprefix("{").rpartition("}")
    if local != "Envelope" or namespace != ENVELOPE:
        code = "VersionMismatch" if local == "Envelope" else "Client"
        raise NotSoap(f"the root is {root.tag[:120]!a}; expected Envelope of {ENVELOPE}", code)
    found: Element | None = None
    for child in root:
        if child.tag == f"{{{ENVELOPE}}}Header":
            _check_headers(child)
        elif child.tag == f"{{{ENVELOPE}}}Body" and found is None:
            found = child
        else:
            raise NotSoap(f"{child.tag[:120]!a} has no place in the envelope; expected Header and Body")
    calls = list(found) if found is not None else []
    if len(calls) != 1:
        raise NotSoap(f"the Body has {len(calls)} elements; expected one call")
    return calls[0]


def version_asked(call: Element) -> Version:
    """The version of EPCIS in whose namespace a call stands; that of 2.0 for a namespace that is neither's."""
    return _VERSIONS.get(call.tag.removeprefix("{").rpartition("}")[0], "2.0")


def read_call(call: Element) -> SoapRequest:
    """A call with its parameters as values.

    Raises ValidationException for what the WSDL does not have, QueryParameterException for parameters that cannot be
    read.
    """
    namespace, _, operation = call.tag.removeprefix("{").rpartition("}")
    version, layout = _VERSIONS.get(namespace), _CALLS.get(operation)
    if version is None or layout is None:
        expected = ", ".join(_CALLS)
        raise _invalid(f"{call.tag[:120]!a} is no call; expected one of {expected} of {' or '.join(_VERSIONS)}")
    found: dict[str, Element] = {}
    for child in call:
        if child.tag not in layout or child.tag in found:
            raise _invalid(
                f"{child.tag[:120]!a} has no place in {operation}; expected {', '.join(layout) or 'nothing'}"
            )
        found[child.tag] = child
    missing = [name for name in layout if name not in found]
    if missing:
        raise _invalid(f"{missing[0]} is missing in {operation}")
    texts = {name: _text(found[name]) for name, is_text in layout.items() if is_text}
    params = found.get("params")
    controls = found.get("controls")
    return SoapRequest(
        operation,
        version,
        texts,
        _read_params(params) if params is not None else {},
        _prefixes(params) if params is not None else {},
        _read_controls(controls) if controls is not None else None,
    )


#: Call -> its children, each whether it is a simple text.
_CALLS: Final[Mapping[str, Mapping[str, bool]]] = {
    "GetQueryNames": {},
    "Subscribe": {"queryName": True, "params": False, "dest": True, "controls": False, "subscriptionID": True},
    "Unsubscribe": {"subscriptionID": True},
    "GetSubscriptionIDs": {"queryName": True},
    "Poll": {"queryName": True, "params": False},
    "GetStandardVersion": {},
    "GetVendorVersion": {},
}


def _check_headers(header: Element) -> None:
    for entry in header:
        actor = entry.get(f"{{{ENVELOPE}}}actor")
        if entry.get(f"{{{ENVELOPE}}}mustUnderstand") in {"1", "true"} and actor in {None, "", _NEXT}:
            raise NotSoap(f"the header {entry.tag[:120]!a} is not understood here", "MustUnderstand")


def _read_params(params: Element) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for param in params:
        if param.tag != "param":
            raise _invalid(f"{param.tag[:120]!a} has no place in params; expected param")
        parts = {child.tag: child for child in param}
        if parts.keys() != {"name", "value"} or len(param) != len(parts):
            raise _invalid(f"a param has {', '.join(map(ascii, parts))[:120] or 'nothing'}; expected name and value")
        name = _text(parts["name"])
        for old, new in _JOINS:
            name = name.replace(old, new)
        if name in found:
            raise QueryParameterException(f"{name[:128]} is given twice; expected once")
        found[name] = _read_value(name, parts["value"])
    return found


def _read_value(name: str, value: Element) -> Value:
    kind = (value.get(f"{{{XSI}}}type") or "").rpartition(":")[2]
    children = list(value)
    if children or kind == "ArrayOfString":
        for child in children:
            if child.tag.rpartition("}")[2] != "string" or len(child):
                raise QueryParameterException(f"{name[:128]} has {child.tag[:80]!a} in its value; expected string")
        return [_text(child) for child in children]
    text = (value.text or "").strip()
    if kind == "VoidHolder" or (not text and not kind):
        return None
    return text


def _prefixes(params: Element) -> dict[str, str]:
    """The prefixes in scope, their namespaces as names of extensions begin in JSON."""
    return {
        prefix: space if space[-1:] in {"/", "#", ":"} else f"{space}#"
        for prefix, space in namespaces_of(params).items()
        if prefix and space and ":" in space
    }


def _read_controls(controls: Element) -> dict[str, Any]:
    readers: Mapping[str, Callable[[Element], Any]] = {
        "schedule": _read_schedule,
        "trigger": _text,
        "initialRecordTime": _text,
        "reportIfEmpty": _read_truth,
    }
    found: dict[str, Any] = {}
    for child in _known(controls):
        read = readers.get(child.tag)
        if read is None or child.tag in found:
            raise _invalid(f"{child.tag[:120]!a} has no place in controls; expected {', '.join(readers)}")
        found[child.tag] = read(child)
    if "reportIfEmpty" not in found:
        raise _invalid("reportIfEmpty is missing in controls; expected true or false")
    return found


def _read_schedule(schedule: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for child in _known(schedule):
        if child.tag not in _SCHEDULE or child.tag in found:
            raise _invalid(f"{child.tag[:120]!a} has no place in schedule; expected {', '.join(sorted(_SCHEDULE))}")
        found[child.tag] = _text(child)
    return found


def _read_truth(element: Element) -> bool:
    text = _text(element)
    if text not in {"true", "false", "1", "0"}:
        raise _invalid(f"{element.tag} is {text[:40]!a}; expected true or false")
    return text in {"true", "1"}


def _known(element: Element) -> Iterator[Element]:
    """The children that are not extensions of somebody's own."""
    return (child for child in element if child.tag != "extension" and child.tag[0] != "{")


def _text(element: Element) -> str:
    if len(element):
        raise _invalid(f"{element.tag[:120]!a} has elements in it; expected text")
    return (element.text or "").strip()


def _invalid(message: str) -> ValidationException:
    return ValidationException(message, [Finding("/", "soap", message, _CLAUSE)])
