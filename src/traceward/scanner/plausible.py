"""Judges whether bytes are what their symbology identifier promises, and whether they say all; builds no result."""

from __future__ import annotations

from traceward.gs1.check_digits import has_valid_check_digit
from traceward.gs1.element_string import parse_element_strings, parse_scan_data
from traceward.gs1.errors import UdiError
from traceward.gs1.keys import KEY_AIS
from traceward.gs1.udi import parse_hibc, parse_udi

_GS1_IDENTIFIERS = frozenset({"]C1", "]d2", "]e0", "]Q3", "]J1"})
_KEYS_WITHOUT_MORE = KEY_AIS - {"01"}
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


def names_a_whole_item(symbology_identifier: str, data: bytes) -> bool:
    """Whether this symbol alone tells what a thing is and which, so that no other has to stand beside it on the label.

    Not whole: a GTIN alone in a symbol that could hold more (EAN, UPC and ITF-14 cannot, and mostly stand alone),
    production identifiers without a key, contents without their unit, a HIBC primary or secondary, and any other text.

    >>> names_a_whole_item("]C1", b"010950600013435217271231"), names_a_whole_item("]C1", b"0109506000134352")
    (True, False)
    """
    if symbology_identifier in _GTIN_LENGTHS:
        return True
    scanned = symbology_identifier + data.decode("utf-8", "replace")
    ais = {element.ai for element in parse_scan_data(scanned, mode="lenient").elements}
    if ais:
        return not ais.isdisjoint(_KEYS_WITHOUT_MORE) or ("01" in ais and len(ais) > 1)
    try:
        udi = parse_udi(scanned, mode="lenient")
    except UdiError:
        return False
    return udi.di is not None and bool(udi.lot or udi.serial or udi.donation_id or udi.expiration_date)


def _is_hibc(text: str) -> bool:
    try:
        return parse_hibc(text).is_valid
    except UdiError:
        return False
