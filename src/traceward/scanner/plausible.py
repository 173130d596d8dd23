"""Judges whether bytes are what their symbology identifier promises, strictly; builds no result from them."""

from __future__ import annotations

from traceward.gs1.check_digits import has_valid_check_digit
from traceward.gs1.element_string import parse_element_strings
from traceward.gs1.errors import UdiError
from traceward.gs1.udi import parse_hibc

_GS1_IDENTIFIERS = frozenset({"]C1", "]d2", "]e0", "]Q3", "]J1"})
_GTIN_LENGTHS = {"]E0": (13,), "]E4": (8,), "]I1": (14,)}


def parses_strictly(symbology_identifier: str, data: bytes) -> bool:
    """Whether the data keeps every rule of its symbology identifier.

    GS1 carriers: element strings without a finding of severity error. EAN, UPC and ITF-14: length and check digit.
    Anything else counts only as HIBC with a right modulo 43 character, for no other content can prove itself.

    >>> parses_strictly("]d2", b"01095060001343521727123110LOT42A")
    True
    >>> parses_strictly("]E0", b"9506000134353")
    False
    """
    if symbology_identifier in _GS1_IDENTIFIERS:
        return parse_element_strings(data, mode="strict").is_valid
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return False
    lengths = _GTIN_LENGTHS.get(symbology_identifier)
    if lengths is not None:
        return len(text) in lengths and text.isdigit() and has_valid_check_digit(text)
    return _is_hibc(text)


def _is_hibc(text: str) -> bool:
    try:
        return parse_hibc(text).is_valid
    except UdiError:
        return False
