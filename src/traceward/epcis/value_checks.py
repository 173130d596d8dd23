"""Checks of single values and how they combine to lists and objects; a mistake becomes a finding.

It must not know which fields an event has: `shape` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from traceward.epcis.decimals import is_number
from traceward.epcis.errors import Finding, Severity, ValidationException
from traceward.epcis.extension import Context
from traceward.epcis.times import parse_time_us
from traceward.epcis.uris import is_uri
from traceward.epcis.vocabulary import KINDS, Kind, in_standard_namespace, nearest, to_bare
from traceward.gs1.epc_uri import canonical_identifier

MAX_QUANTITY = 10**15
MAX_FINDINGS = 100
MAX_PATH_LENGTH = 256
MAX_MESSAGE = 512

_OFFSET = re.compile(r"[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)", re.ASCII)
_UOM = re.compile(r"[A-Z0-9]{2,3}", re.ASCII)
_HEX = re.compile(r"[A-Fa-f0-9]++", re.ASCII)

_DATA = "EPCIS 2.0 data definition"
_OWN_KEYS = "EPCIS 2.0 JSON binding, extension keys"

Check = Callable[[Any, str, "Findings"], None]
# Whether a value is in the commonest of its right forms: spares the full check, which builds a path for each field.
Plain = Callable[[Any], bool]


class Findings:
    """The findings of one event as they are collected; `context` tells what its prefixes mean."""

    __slots__ = ("_errors", "_warnings", "context", "found")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.found: list[Finding] = []
        self._errors = self._warnings = 0

    @property
    def has_errors(self) -> bool:
        """Whether the event may not be captured."""
        return self._errors > 0

    @property
    def is_full(self) -> bool:
        """Whether so many errors are noted that no more are looked for: hints cost time."""
        return self._errors >= MAX_FINDINGS

    def add(self, path: str, code: str, message: str, clause: str, severity: Severity = "error") -> None:
        """Note one mistake at a path below the event, up to a hundred errors and as many warnings."""
        if severity == "error":
            self._errors += 1
        else:
            self._warnings += 1
        if (self._errors if severity == "error" else self._warnings) <= MAX_FINDINGS:
            self.found.append(Finding(path[:MAX_PATH_LENGTH], code, message[:MAX_MESSAGE], clause, None, severity))


def shown(value: Any) -> str:
    """A value as it stands in a message: short, on one line, text in quotes."""
    text = str(value)[:80]
    printable = text if text.isprintable() else ascii(text)[1:-1]
    return f"'{printable}'" if isinstance(value, str) else printable


def uri(value: Any, path: str, findings: Findings) -> None:
    """A URI."""
    if value.__class__ is str and is_uri(value):
        return
    findings.add(path, "uri", f"{path} is {shown(value)}; expected a URI", _DATA)


def time(value: Any, path: str, findings: Findings) -> None:
    """A time with a zone, in the years 1 to 9999: any eventTime is stored, a broken clock's too."""
    if value.__class__ is not str:
        findings.add(path, "time", f"{path} is {shown(value)}; expected a time as text", _DATA)
        return
    try:
        parse_time_us(value)
    except ValidationException as error:
        findings.add(path, "time", f"{path}: {error.detail}", _DATA)


def offset(value: Any, path: str, findings: Findings) -> None:
    """An eventTimeZoneOffset (EPCIS 2.0, eventTimeZoneOffset: +hh:mm or -hh:mm, at most 14:00; Z is none)."""
    if value.__class__ is not str or _OFFSET.fullmatch(value) is None:
        message = f"{path} is {shown(value)}; expected +hh:mm or -hh:mm up to 14:00"
        findings.add(path, "offset", message, "EPCIS 2.0 eventTimeZoneOffset")


def text(value: Any, path: str, findings: Findings) -> None:
    """Any text."""
    if value.__class__ is not str:
        findings.add(path, "text", f"{path} is {shown(value)}; expected text", _DATA)


def boolean(value: Any, path: str, findings: Findings) -> None:
    """True or false."""
    if value.__class__ is not bool:
        findings.add(path, "boolean", f"{path} is {shown(value)}; expected true or false", _DATA)


def number(value: Any, path: str, findings: Findings) -> None:
    """A number, not text."""
    if not is_number(value):
        findings.add(path, "number", f"{path} is {shown(value)}; expected a number", _DATA)


def quantity(value: Any, path: str, findings: Findings) -> None:
    """A number from 0 to 10^15. Zero stands: a complete count may find none of a lot."""
    if value.__class__ is not int and value.__class__ is not Decimal:
        findings.add(path, "number", f"{path} is {shown(value)}; expected a number", _DATA)
    elif not 0 <= value <= MAX_QUANTITY:
        message = f"{path} is {value}; expected 0 to {MAX_QUANTITY}"
        findings.add(path, "quantity_range", message, "EPCIS 2.0 QuantityElement; own bound")


def uom(value: Any, path: str, findings: Findings) -> None:
    """A unit of measure of UN/CEFACT Recommendation 20."""
    if value.__class__ is not str or _UOM.fullmatch(value) is None:
        message = f"{path} is {shown(value)}; expected 2 or 3 capital letters or digits such as KGM"
        findings.add(path, "uom", message, "EPCIS 2.0 QuantityElement uom")


def hex_binary(value: Any, path: str, findings: Findings) -> None:
    """Hexadecimal digits."""
    if value.__class__ is not str or _HEX.fullmatch(value) is None:
        findings.add(path, "hex", f"{path} is {shown(value)}; expected hexadecimal digits", _DATA)


def action(value: Any, path: str, findings: Findings) -> None:
    """One of the three actions."""
    if value not in ("ADD", "OBSERVE", "DELETE"):
        findings.add(path, "action", f"{path} is {shown(value)}; expected ADD, OBSERVE or DELETE", "EPCIS 2.0 Action")


def anything(_value: Any, _path: str, _findings: Findings) -> None:
    """No condition: recordTime is ignored on capture, @context is the codec's."""


def term(kind: Kind) -> Check:
    """A check for a CBV word, or a URI or CURIE of one's own outside the standard's namespaces."""
    words, clause = KINDS[kind].words, f"CBV 2.0, {_TERM_NAMES[kind]}"

    def check(value: Any, path: str, findings: Findings) -> None:
        if value.__class__ is str and value in words:
            return
        _check_other_term(kind, value, path, findings, clause)

    return check


_TERM_NAMES: Mapping[Kind, str] = {
    "bizstep": "business steps",
    "disp": "dispositions",
    "btt": "business transaction types",
    "sdt": "source and destination types",
    "er": "error reasons",
    "comp": "components",
    "measurement": "measurement types",
    "alert": "sensor alert types",
}


def _check_other_term(kind: Kind, value: Any, path: str, findings: Findings, clause: str) -> None:
    if findings.is_full:
        return
    if value.__class__ is not str or not is_uri(value):
        close = nearest(kind, value) if isinstance(value, str) else None
        hint = f"; did you mean '{close}'?" if close else ""
        message = f"{path} is {shown(value)}; expected a word of {_TERM_NAMES[kind]}, or a URI{hint}"
        findings.add(path, "unknown_term", message, clause)
    elif value.startswith("urn:epcglobal:cbv:") or "ns.gs1.org/cbv/" in value:
        bare = to_bare(kind, value)
        message = f"{path} is {shown(value)}; in JSON expected " + (f"'{bare}'" if bare else "a bare word or own URI")
        findings.add(path, "term_form", message, clause)
    elif in_standard_namespace(value):
        if to_bare(kind, value) is None:
            close = nearest(kind, value)
            hint = f"; did you mean '{close}'?" if close else ""
            message = f"{path} is {shown(value)}, which the standard's own namespace does not define{hint}"
            findings.add(path, "unknown_term", message, clause)
    elif not findings.context.declares(value):
        # Official examples use an undeclared prefix in a value; as a URI it is well-formed.
        message = f"{path} is {shown(value)}, whose prefix @context does not declare"
        findings.add(path, "undeclared_prefix", message, _OWN_KEYS, "warning")


def list_of(item: Check, *, at_least: int = 0, unique: bool = False, plain: Plain | None = None) -> Check:
    """A check for a list; unique compares values as sent, plain tells items that need no further look."""

    def check(value: Any, path: str, findings: Findings) -> None:
        if value.__class__ is not list:
            findings.add(path, "list", f"{path} is {shown(value)}; expected a list", _DATA)
            return
        if len(value) < at_least:
            findings.add(path, "empty", f"{path} is empty; expected at least {at_least}", _DATA)
        for index, entry in enumerate(value):
            if plain is None or not plain(entry):
                item(entry, f"{path}[{index}]", findings)
        if unique and len(value) > 1:
            texts = [entry for entry in value if entry.__class__ is str]
            if len(texts) == len(value) != len(set(texts)):
                _check_repeats(texts, path, findings)

    return check


def identifiers(value: Any, path: str, findings: Findings) -> None:
    """A list of distinct identifiers; the same item written as URN and as Digital Link is a repeat too."""
    if value.__class__ is not list:
        findings.add(path, "list", f"{path} is {shown(value)}; expected a list of URIs", _DATA)
        return
    seen = set()
    wrong = False
    for entry in value:
        if entry.__class__ is str and is_uri(entry):
            seen.add(canonical_identifier(entry))
        else:
            wrong = True
    if wrong:
        for index, entry in enumerate(value):
            uri(entry, f"{path}[{index}]", findings)
    elif len(seen) != len(value):
        _check_repeats([canonical_identifier(entry) for entry in value], path, findings)


def _check_repeats(values: list[Any], path: str, findings: Findings) -> None:
    first: dict[Any, int] = {}
    for index, value in enumerate(values):
        if value in first:
            message = f"{path}[{index}] repeats {path}[{first[value]}]: {shown(value)}; expected distinct values"
            findings.add(f"{path}[{index}]", "repeated", message, _DATA)
        first.setdefault(value, index)


def one_or_list(item: Check) -> Check:
    """A check for one value or a list of them."""
    many = list_of(item)

    def check(value: Any, path: str, findings: Findings) -> None:
        (many if value.__class__ is list else item)(value, path, findings)

    return check


def record(fields: Mapping[str, Check], required: tuple[str, ...] = (), *, extensible: bool) -> Check:
    """A check for an object with the given fields; extensible: other names are allowed where they have a prefix."""

    def check(value: Any, path: str, findings: Findings) -> None:
        if value.__class__ is not dict:
            findings.add(path, "object", f"{path} is {shown(value)}; expected an object", _DATA)
            return
        for name, entry in value.items():
            known = fields.get(name)
            if known is not None:
                known(entry, f"{path}.{name}", findings)
            else:
                extension(name, entry, path, findings, allowed=extensible)
        for name in required:
            if name not in value:
                findings.add(f"{path}.{name}", "missing", f"{path} has no {name}; expected one", _DATA)

    return check


def extension(name: str, _value: Any, path: str, findings: Findings, *, allowed: bool = True) -> None:
    """A field that the standard does not know: its name must be a URI, or a CURIE with a declared prefix."""
    if allowed and findings.context.expand_name(name) is not None:
        return
    printable = shown(name)
    here = f"{path}.{printable[1:-1]}" if path else printable[1:-1]
    if not allowed:
        findings.add(here, "unknown_field", f"{printable} is no field of {path}", _DATA)
        return
    code, what = "unknown_field", "is no field of the standard here"
    if ":" in name:
        code, what = "undeclared_prefix", "has a prefix that @context does not declare"
    message = f"{printable} {what}; expected a known field, or prefix:name with the prefix in @context"
    findings.add(here, code, message, _OWN_KEYS)
