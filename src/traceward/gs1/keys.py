"""GS1 identification keys as plain strings: shape, check digit, and the GTIN's shorter forms.

This module must not spell keys as URIs: see epc_uri.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from traceward.gs1.check_digits import check_digit, has_valid_check_digit, is_digits
from traceward.gs1.errors import CheckDigitError, KeyFormatError

KeyName = Literal["GTIN-8", "GTIN-12", "GTIN-13", "GTIN-14", "SSCC", "GLN", "GSRN", "GRAI", "GDTI", "GCN", "GSIN"]
# Digits of the numeric part that its check digit closes, GS1 General Specifications 3.2-3.9. GRAI: without leading 0.
KEY_DIGITS: Mapping[KeyName, int] = {
    "GTIN-8": 8, "GTIN-12": 12, "GTIN-13": 13, "GTIN-14": 14, "SSCC": 18, "GLN": 13, "GSRN": 18, "GRAI": 13,
    "GDTI": 13, "GCN": 13, "GSIN": 17,
}  # fmt: skip
# AIs that name a thing, a place or a party by themselves; a symbol without any belongs to another one.
KEY_AIS = frozenset({
    "00", "01", "253", "255", "401", "402", "414", "417", "8003", "8004", "8006", "8010", "8017", "8018",
})  # fmt: skip
_GTIN_NAMES: Mapping[int, KeyName] = {8: "GTIN-8", 12: "GTIN-12", 13: "GTIN-13", 14: "GTIN-14"}


def checked_key(name: KeyName, text: str) -> str:
    """The key itself, when it has the digits of its kind and a sound check digit.

    Raises KeyFormatError or CheckDigitError. GS1 General Specifications 7.9.1.

    >>> checked_key("GLN", "4012345000016")
    '4012345000016'
    """
    if len(text) != KEY_DIGITS[name] or not is_digits(text):
        raise KeyFormatError(f"{name} '{text}'; expected {KEY_DIGITS[name]} digits", code="key_digits")
    if not has_valid_check_digit(text):
        expected = check_digit(text[:-1])
        last = len(text) - 1
        message = f"{name} '{text}': check digit {text[-1]}; expected {expected}"
        raise CheckDigitError(message, code="incorrect_check_digit", position=last)
    return text


def gtin14(text: str) -> str:
    """The GTIN of 8, 12, 13 or 14 digits as GTIN-14. Raises KeyFormatError or CheckDigitError.

    GS1 General Specifications 3.3.2.

    >>> gtin14("4012345678901")
    '04012345678901'
    """
    name = _GTIN_NAMES.get(len(text))
    if name is None:
        raise KeyFormatError(
            f"GTIN '{text}' has {len(text)} characters; expected 8, 12, 13 or 14 digits", code="length"
        )
    return checked_key(name, text).zfill(14)


def gtin_short(gtin: str) -> str:
    """A GTIN-14 in the shortest form that it has: 8, 12, 13 or 14 digits. Raises KeyFormatError or CheckDigitError.

    >>> gtin_short("00000012345670"), gtin_short("04012345678901")
    ('12345670', '4012345678901')
    """
    checked_key("GTIN-14", gtin)
    for length in (8, 12, 13):
        if not gtin[:-length].strip("0"):
            return gtin[-length:]
    return gtin
