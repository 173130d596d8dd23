"""Element strings from the data of a symbol, from its human readable form, from a Digital Link, or from either.

This module must not raise for bad data: every fault is a finding of the result, `raise_if_invalid` raises. Rules over
several AIs are in associations.py, since they hold per item and not per symbol.

Two modes. strict: every departure from the GS1 General Specifications is an error. lenient: what real labels and
readers are known to do, and what loses nothing, is a warning: blanks, CR and LF around the data, a leading or doubled
separator, a separator missing after a value of fixed but not predefined length, blanks between bracketed element
strings, brackets in a value that nobody escaped.
"""

from __future__ import annotations

import re
from typing import Literal

from traceward.gs1.application_identifiers import ai_digits
from traceward.gs1.associations import check_associations
from traceward.gs1.check_digits import check_digit, has_valid_check_digit, is_digits
from traceward.gs1.digital_link import link_path_pairs, link_query_pairs, misplaced_in_query
from traceward.gs1.errors import DigitalLinkError, shortened
from traceward.gs1.lint_error import LintError
from traceward.gs1.parsed import GS, ElementString, Finding, Form, ParsedElementStrings
from traceward.gs1.value_rules import VALUE_RULES, ValueRule, first_fault

__all__ = [
    "GS",
    "ElementString",
    "Finding",
    "Mode",
    "ParsedElementStrings",
    "check_associations",
    "parse",
    "parse_bracketed",
    "parse_digital_link",
    "parse_element_strings",
    "parse_scan_data",
]

Mode = Literal["strict", "lenient"]
# Symbology identifiers (ISO/IEC 15424) of symbols in GS1 mode. Plain Code 128 is ]C0, and is none of them.
GS1_SYMBOLOGIES = frozenset({"]C1", "]e0", "]d2", "]Q3", "]J1"})
# Symbols that carry a bare GTIN: identifier -> number of digits.
_GTIN_SYMBOLOGIES = {"]E0": 13, "]E4": 8, "]I1": 14}
_AI_IN_BRACKETS = re.compile(r"\((\d{2,4})\)")
_ALPHABET_WORDS = {"digits": "digits", "cset82": "of CSET 82", "cset39": "of CSET 39", "cset64": "of base64url"}
_BRACKET = re.compile(r"(?<!\\)\(")
# A lot or serial number that ends like one AI more: a date, perhaps with a lot or serial number of any length behind
# it; or a serial number or additional id of three characters.
_SWALLOWED = re.compile(
    r"[^\x1d](?P<date>1[17])\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:(?:10|21)[^\x1d]+)?$"
    r"|[^\x1d]{3,}?(?P<ai>21|240)[^\x1d]{3,}$",
    re.ASCII,
)


def parse(text: str, *, mode: Mode = "strict") -> ParsedElementStrings:
    """The element strings of a text of any form, which its first characters tell.

    ']' scan data; '(' bracketed; 'http' Digital Link; 8, 12, 13 or 14 digits that end in their check digit a bare GTIN;
    '+' HIBC and '=' or '&' ICCBBA are told by `form` and an error; everything else is taken for element strings.
    HL7 v2.9 PRT-10 tells the issuing agency in the same way.

    >>> parse("(01)09506000117843(10)1234AB").to_element_string()
    '0109506000117843101234AB'
    >>> parse("+A123BJC5D6E71G").form
    'hibc'
    """
    start = text.lstrip()[:4].lower() if mode == "lenient" else text[:4].lower()
    if start.startswith("]"):
        return parse_scan_data(text, mode=mode)
    if start.startswith("("):
        return parse_bracketed(text, mode=mode)
    return _parse_unmarked(text, None, mode) or parse_element_strings(text, mode=mode)


def parse_scan_data(text: str, *, mode: Mode = "strict") -> ParsedElementStrings:
    """The element strings of what a reader sends: a symbology identifier (]d2, ]C1, ...), then the data.

    Symbols in GS1 mode have element strings, EAN-13, EAN-8 and ITF-14 a bare GTIN; others only a Digital Link, or data
    of another agency. Plain Code 128 (]C0) is never taken for GS1 data.
    GS1 General Specifications 7.8.5 and 7.8.6; ISO/IEC 15424.

    >>> parse_scan_data("]d201095060001178431721123110LOT42").value("10")
    'LOT42'
    >>> parse_scan_data("]C04012345678901").findings[0].code
    'not_gs1_data'
    """
    text = text.lstrip() if mode == "lenient" else text
    if len(text) < 3 or text[0] != "]":
        message = f"'{text[:20]}' starts with no symbology identifier; expected ']' and two characters"
        return _nothing("no_symbology_identifier", message, None, "plain", text)
    symbology, data = text[:3], text[3:]
    if symbology in GS1_SYMBOLOGIES:
        return _parse_raw(data, symbology, mode)
    if symbology in _GTIN_SYMBOLOGIES:
        return _parse_gtin_symbol(data, symbology, mode)
    found = _parse_unmarked(data, symbology, mode)
    if found is not None and found.form != "key":
        return found
    message = f"symbology identifier {symbology} does not mark GS1 data; expected {' '.join(sorted(GS1_SYMBOLOGIES))}"
    return _nothing("not_gs1_data", message, symbology, "plain", data)


def parse_element_strings(data: bytes | str, *, mode: Mode = "strict") -> ParsedElementStrings:
    """The element strings of the data of one GS1 symbol.

    data: without symbology identifier; FNC1 separators are GS (0x1D). Bytes are read one character each.
    GS1 General Specifications 7.8.5 and 7.8.6.

    >>> parsed = parse_element_strings(b"010950600011784310LOT42" + bytes([0x1D]) + b"21SER7")
    >>> parsed.is_valid, parsed.value("10"), parsed.value("21")
    (True, 'LOT42', 'SER7')
    >>> parse_element_strings("0109506000117844").findings[0].message
    "AI 01 has '09506000117844': incorrect check digit at 13; expected 3"
    """
    return _parse_raw(data.decode("latin-1") if isinstance(data, bytes) else data, None, mode)


def parse_bracketed(text: str, *, mode: Mode = "strict") -> ParsedElementStrings:
    r"""The element strings of the human readable form, AIs in brackets; a '(' within a value is written '\('.

    >>> parse_bracketed(r"(01)09506000117843(10)A\(1)").value("10")
    'A(1)'
    """
    findings: list[Finding] = []
    elements: list[ElementString] = []
    position = len(text) - len(text.lstrip()) if mode == "lenient" else 0
    while position < len(text):
        found = _AI_IN_BRACKETS.match(text, position)
        rule = VALUE_RULES.get(found[1]) if found else None
        if found is None or rule is None:
            message = f"'{text[position : position + 6]}' at {position}; expected a known AI in brackets"
            findings.append(Finding("unknown_ai", "error", message, found[1] if found else None, position))
            break
        end = _value_end(text, found.end(), mode, findings)
        value = text[found.end() : end].replace("\\(", "(")
        if mode == "lenient" and value != value.rstrip():
            findings.append(Finding("blank_around_value", "warning", "blank after a value", rule.ai, position))
            value = value.rstrip()
        elements.append(_element(rule, value, position, found.end(), findings))
        position = end
    return _result(elements, findings, None, "bracketed", text)


def parse_digital_link(text: str, *, symbology_identifier: str | None = None) -> ParsedElementStrings:
    """The element strings of a GS1 Digital Link: key and qualifiers of its path, then data attributes of its query.

    A GTIN-8, -12 or -13 is padded to 14 digits with a warning. GS1 Digital Link URI Syntax 1.6.

    >>> parse_digital_link("https://example.com/01/09506000117843/21/S1?17=271231").to_bracketed()
    '(01)09506000117843(21)S1(17)271231'
    """
    findings: list[Finding] = []
    elements: list[ElementString] = []
    try:
        path, query = link_path_pairs(text), link_query_pairs(text)
    except DigitalLinkError as error:
        return _nothing(error.code, str(error), symbology_identifier, "digital_link", text)
    for ai, given in (*path, *query):
        value = given
        if ai == "01" and len(given) in (8, 12, 13):
            value = given.zfill(14)
            findings.append(Finding("gtin_padded", "warning", f"AI 01 has '{given}'; expected 14 digits", ai))
        if any(element.ai == ai for element in elements):
            findings.append(Finding("repeated_ai", "error", f"AI {ai} stands twice; expected once", ai))
        position = _link_position(text, ai)
        elements.append(_element(VALUE_RULES[ai], value, position, position + len(ai) + 1, findings))
    findings.extend(
        Finding("qualifier_in_query", "error", f"AI {ai} in the query; expected in the path after {path[0][0]}", ai)
        for ai in misplaced_in_query(path, query)
    )
    return _result(elements, findings, symbology_identifier, "digital_link", text)


# --- forms ---------------------------------------------------------------------------------------------------------


def _parse_unmarked(data: str, symbology: str | None, mode: Mode) -> ParsedElementStrings | None:
    """The result for data that tells its form by its first characters, or None."""
    trimmed = data.strip() if mode == "lenient" else data
    if trimmed[:7].lower() == "http://" or trimmed[:8].lower() == "https://":
        return parse_digital_link(trimmed, symbology_identifier=symbology)
    if trimmed.startswith("+"):
        return _nothing("other_issuing_agency", "the data is HIBC, not GS1", symbology, "hibc", trimmed)
    if trimmed.startswith(("=", "&")):
        return _nothing("other_issuing_agency", "the data is ICCBBA (ISBT 128), not GS1", symbology, "iccbba", trimmed)
    if len(trimmed) in (8, 12, 13, 14) and has_valid_check_digit(trimmed):
        element = ElementString("01", trimmed.zfill(14), VALUE_RULES["01"].title, 0)
        return _result([element], [], symbology, "key", trimmed)
    return None


def _link_position(text: str, ai: str) -> int:
    """Where an AI stands in a Digital Link; 0 where a key word stands for it."""
    places = [text.find(mark) for mark in (f"/{ai}/", f"?{ai}=", f"&{ai}=", f";{ai}=")]
    return max(*places, -1) + 1


def _parse_gtin_symbol(data: str, symbology: str, mode: Mode) -> ParsedElementStrings:
    """A bare GTIN, and after '|]e0' the element strings of a composite symbol's second part."""
    key, bar, composite = data.partition("|]e0")
    key = key.strip() if mode == "lenient" else key
    findings: list[Finding] = []
    digits = _GTIN_SYMBOLOGIES[symbology]
    if len(key) != digits or not is_digits(key):
        message = f"{symbology} has '{shortened(key)}'; expected {digits} digits"
        return _nothing("gtin_length", message, symbology, "key", data)
    element = _element(VALUE_RULES["01"], key.zfill(14), 0, 0, findings)
    if not bar:
        return _result([element], findings, symbology, "key", data)
    second = _parse_raw(composite, symbology, mode)
    return _result([element, *second.elements], [*findings, *second.findings], symbology, "key", data)


def _parse_raw(data: str, symbology: str | None, mode: Mode) -> ParsedElementStrings:
    findings: list[Finding] = []
    if mode == "lenient":
        trimmed = data.rstrip(" \r\n").lstrip(" \r\n" + GS)
        if trimmed != data:
            findings.append(Finding("data_around", "warning", "blanks or separators around the data", None, 0))
        data = trimmed
    elements = _split(data, mode, findings)
    if not data:
        findings.append(Finding("empty", "error", "the data is empty; expected element strings", None, 0))
    findings.extend(_swallowed_separators(elements))
    return _result(elements, findings, symbology, "element_string", data)


def _split(data: str, mode: Mode, findings: list[Finding]) -> list[ElementString]:
    elements: list[ElementString] = []
    position, length = 0, len(data)
    while position < length:
        ai = data[position : position + (ai_digits(data[position : position + 2]) or 2)]
        rule = VALUE_RULES.get(ai)
        if rule is None:
            if data[position] == GS and mode == "lenient":
                findings.append(Finding("double_separator", "warning", f"FNC1 twice at {position}", None, position))
                position += 1
                continue
            findings.append(_unknown_ai(data, ai, position))
            break
        start = position + len(ai)
        separator = data.find(GS, start)
        end = length if separator < 0 else separator
        if rule.is_predefined_length:
            end = min(end, start + rule.longest)
        elif rule.is_fixed_length and end - start > rule.longest and mode == "lenient":
            end = start + rule.longest
            message = f"no FNC1 after AI {ai}, whose length is fixed but not predefined"
            findings.append(Finding("missing_separator", "warning", message, ai, end))
        elements.append(_element(rule, data[start:end], position, start, findings))
        position = end + 1 if end == separator else end
    return elements


def _unknown_ai(data: str, ai: str, position: int) -> Finding:
    if ai[:1] == GS:
        code, what = ("leading_separator" if position == 0 else "double_separator"), "a separator"
    else:
        code, what = "unknown_ai", f"'{ai}'"
    return Finding(code, "error", f"{what} at {position} of '{shortened(data)}'; expected an AI", None, position)


def _value_end(text: str, start: int, mode: Mode, findings: list[Finding]) -> int:
    """Where a bracketed value ends: before the next unescaped bracket, in lenient mode only if an AI is in it."""
    for bracket in _BRACKET.finditer(text, start):
        at = bracket.start()
        found = _AI_IN_BRACKETS.match(text, at)
        if mode == "strict" or (found and found[1] in VALUE_RULES):
            return at
        findings.append(Finding("bracket_not_escaped", "warning", f"bracket at {at} taken for data", None, at))
    return len(text)


# --- values --------------------------------------------------------------------------------------------------------


def _element(rule: ValueRule, value: str, position: int, start: int, findings: list[Finding]) -> ElementString:
    """The element string, after adding the finding about its value, if any. start: of the value in the data."""
    fault = first_fault(rule, value)
    if fault is not None:
        what = f"{fault.code.replace('_', ' ')} at {fault.position}"
        message = f"AI {rule.ai} has '{shortened(value)}': {what}; expected {_expected(rule, fault, value)}"
        findings.append(Finding(fault.code, "error", message, rule.ai, start + fault.position))
    return ElementString(rule.ai, value, rule.title, position)


def _expected(rule: ValueRule, fault: LintError, value: str) -> str:
    """What the component at fault should have been, in words."""
    start = 0
    for part in rule.components:
        if fault.position < start + part.longest:
            break
        start += part.longest
    else:
        return f"at most {rule.longest} characters"
    if fault.code == "incorrect_check_digit":
        return check_digit(value[start : fault.position])
    length = str(part.shortest) if part.shortest == part.longest else f"{part.shortest}-{part.longest}"
    return " ".join([length, _ALPHABET_WORDS[part.alphabet], *(f"({name})" for name in part.linters)])


def _swallowed_separators(elements: list[ElementString]) -> list[Finding]:
    """A warning for the last element string where it ends like one that lost the FNC1 before it.

    Nothing in the data can prove it: `10LOT21SER1` is a sound lot number.
    """
    if not elements or elements[-1].ai not in ("10", "21"):
        return []
    last = elements[-1]
    # Only what may be a lot or serial number at all; the pattern is quadratic in longer text.
    found = _SWALLOWED.search(last.value) if len(last.value) <= VALUE_RULES[last.ai].longest else None
    if found is None:
        return []
    ai = (found["date"] or found["ai"])[:3]
    if any(element.ai == ai for element in elements):
        return []
    message = f"AI {last.ai} has '{last.value}', which may be two values that lost the FNC1 before AI {ai}"
    return [Finding("separator_suspected", "warning", message, last.ai, last.position)]


def _result(
    elements: list[ElementString], findings: list[Finding], symbology: str | None, form: Form, data: str
) -> ParsedElementStrings:
    if not elements and not findings:
        findings.append(Finding("empty", "error", "the data is empty; expected element strings", None, 0))
    return ParsedElementStrings(tuple(elements), tuple(findings), symbology, form, data)


def _nothing(code: str, message: str, symbology: str | None, form: Form, data: str) -> ParsedElementStrings:
    return ParsedElementStrings((), (Finding(code, "error", message, None, 0),), symbology, form, data)
