"""EPC URNs as Digital Links: the schemes, what their keys are made of, and the way from the one to the other.

This module must not judge whether an identifier exists, nor know the length of a company prefix: the URN tells it.
GS1 EPC Tag Data Standard 2.0 sections 6.3 and 7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from traceward.gs1.check_digits import check_digit, is_digits
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.gs1.errors import EpcUriError, shortened
from traceward.gs1.percent import decode_percent, encode_link_segment

URN_EPC = "urn:epc:"
# The serials of one item class come together and share its check digit.
_check_digit = lru_cache(maxsize=4096)(check_digit)
_CSET82_TEXT = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+").fullmatch
_CPI_TEXT = re.compile(r"[0-9A-Z#/\-]+").fullmatch
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9\-._';=]+").fullmatch
_URN_TEXT = re.compile(r"(?:[A-Za-z0-9!'()*+,\-.:;=_]|%[0-9A-Fa-f]{2})+").fullmatch


@dataclass(frozen=True, slots=True)
class NumericScheme:
    """One URN scheme whose key is company prefix + reference of a fixed number of digits + check digit.

    digits: of prefix and reference together. leads: the first digit of the reference moves before the prefix.
    before: digits that the key carries before all others. tail: what follows the check digit in the link (None =
    nothing may), up to tail_max characters, digits only where tail_digits.
    """

    ai: str
    digits: int
    leads: bool = False
    before: str = ""
    tail: str | None = None
    tail_max: int = 0
    tail_digits: bool = False


@dataclass(frozen=True, slots=True)
class TextScheme:
    """One URN scheme whose key is company prefix + reference of free length; CPI has a serial number besides."""

    ai: str
    max_length: int
    serial_ai: str | None = None


NUMERIC_SCHEMES = {
    "sgtin": NumericScheme("01", 13, leads=True, tail="/21/", tail_max=20),
    "lgtin": NumericScheme("01", 13, leads=True, tail="/10/", tail_max=20),
    "upui": NumericScheme("01", 13, leads=True, tail="/235/", tail_max=28),
    "itip": NumericScheme("8006", 13, leads=True, tail="/21/", tail_max=20),
    "sscc": NumericScheme("00", 17, leads=True),
    "sgln": NumericScheme("414", 12, tail="/254/", tail_max=20),
    "pgln": NumericScheme("417", 12),
    "grai": NumericScheme("8003", 12, before="0", tail="", tail_max=16),
    "gdti": NumericScheme("253", 12, tail="", tail_max=17),
    "sgcn": NumericScheme("255", 12, tail="", tail_max=12, tail_digits=True),
    "gsrn": NumericScheme("8018", 17),
    "gsrnp": NumericScheme("8017", 17),
    "gsin": NumericScheme("402", 16),
}
_TEXT = {
    "giai": TextScheme("8004", 30),
    "ginc": TextScheme("401", 30),
    "cpi": TextScheme("8010", 30, serial_ai="8011"),
}
# Scheme names that stand under urn:epc:id, :class and :idpat. What is not here has no Digital Link form.
_UNDER = {
    "id": frozenset(NUMERIC_SCHEMES | _TEXT) - {"lgtin"},
    "class": frozenset({"lgtin"}),
    "idpat": frozenset({"sgtin", "grai", "gdti", "sgcn", "cpi", "itip", "upui"}),
}


def urn_to_digital_link(urn: str) -> str:
    """The canonical Digital Link of an EPC URN: instance (`id`), class or pattern with a wildcard serial.

    Raises EpcUriError for malformed URNs and for schemes without a Digital Link (gid, usdod, adi, bic, imovn).
    TDS 2.0 sections 6.3 and 7.

    >>> urn_to_digital_link("urn:epc:id:sgtin:9521141.001023.V23-0007")
    'https://id.gs1.org/01/09521141010235/21/V23-0007'
    >>> urn_to_digital_link("urn:epc:idpat:sgtin:9521141.001023.*")
    'https://id.gs1.org/01/09521141010235'
    """
    parts = urn.split(":", 4)
    if len(parts) != 5 or (urn[:8] != URN_EPC and urn[:8].lower() != URN_EPC):
        raise EpcUriError(
            f"'{shortened(urn)}' is not an EPC URN; expected urn:epc:<id|class|idpat>:<scheme>:<key>", code="not_urn"
        )
    _, _, form, scheme, body = parts
    if scheme not in _UNDER.get(form, ()):
        raise EpcUriError(
            f"'{shortened(urn)}': urn:epc:{form}:{scheme} has no Digital Link", code="no_digital_link", position=8
        )
    numeric = NUMERIC_SCHEMES.get(scheme)
    if numeric is not None:
        return _numeric_link(urn, numeric, form, body)
    return _text_link(urn, _TEXT[scheme], form, body)


def _numeric_link(urn: str, scheme: NumericScheme, form: str, body: str) -> str:
    prefix, dot, rest = body.partition(".")
    if scheme.tail is None:
        reference, tail = rest, None
    else:
        reference, second_dot, tail = rest.partition(".")
        dot = dot and second_dot
    key = prefix + reference
    if not dot or not (6 <= len(prefix) <= 12 and len(key) == scheme.digits and key.isascii() and key.isdigit()):
        raise EpcUriError(
            f"'{shortened(urn)}': expected prefix (6-12 digits) and reference, together {scheme.digits} digits",
            code="key_digits",
        )
    if scheme.leads:
        key = reference[0] + prefix + reference[1:]
    link = f"{CANONICAL_STEM}/{scheme.ai}/{scheme.before}{key}{_check_digit(key)}"
    if tail is None:
        return link
    if scheme.ai == "8006":
        piece, _, rest = tail.partition(".")
        total, dot, tail = rest.partition(".")
        if not dot or len(piece) != 2 or len(total) != 2 or not is_digits(piece + total):
            raise EpcUriError(f"'{shortened(urn)}': expected piece and total of two digits each", code="piece_total")
        link += piece + total
    if form == "idpat":
        if tail != "*":
            raise EpcUriError(f"'{shortened(urn)}': expected '*' for the serial of a pattern", code="pattern")
        return link
    if scheme.ai == "414" and tail == "0":
        return link
    return link + (scheme.tail or "") + _link_tail(urn, tail, scheme.tail_max, scheme.tail_digits)


def _link_tail(urn: str, tail: str, longest: int, digits: bool) -> str:
    """The serial component of a URN as a Digital Link segment."""
    if len(tail) <= longest and _PLAIN_TEXT(tail):
        if digits and not is_digits(tail):
            raise EpcUriError(
                f"'{shortened(urn)}': serial '{shortened(tail)}'; expected digits", code="serial_characters"
            )
        return tail
    value = decode_percent(tail) if _URN_TEXT(tail) else None
    if not value or len(value) > longest or not _CSET82_TEXT(value) or digits:
        raise EpcUriError(
            f"'{shortened(urn)}': serial '{shortened(tail)}'; expected 1-{longest} characters of CSET 82, escaped",
            code="serial_characters",
        )
    return encode_link_segment(value)


def _text_link(urn: str, scheme: TextScheme, form: str, body: str) -> str:
    prefix, _, reference = body.partition(".")
    serial = None
    if scheme.serial_ai is not None:
        reference, _, serial = reference.partition(".")
    value = decode_percent(reference) if _URN_TEXT(reference) else None
    allowed = _CPI_TEXT if scheme.serial_ai else _CSET82_TEXT
    if not (6 <= len(prefix) <= 12 and is_digits(prefix)):
        raise EpcUriError(
            f"'{shortened(urn)}': company prefix '{shortened(prefix)}'; expected 6-12 digits", code="key_digits"
        )
    if not value or len(prefix) + len(value) > scheme.max_length or not allowed(value):
        raise EpcUriError(
            f"'{shortened(urn)}': expected prefix and reference of 1-{scheme.max_length} characters, escaped",
            code="reference_characters",
        )
    link = f"{CANONICAL_STEM}/{scheme.ai}/{encode_link_segment(prefix + value)}"
    if serial is None:
        return link
    if form == "idpat":
        if serial != "*":
            raise EpcUriError(f"'{shortened(urn)}': expected '*' for the serial of a pattern", code="pattern")
        return link
    if len(serial) > 12 or not is_digits(serial):
        raise EpcUriError(
            f"'{shortened(urn)}': serial '{shortened(serial)}'; expected 1-12 digits", code="serial_characters"
        )
    return f"{link}/{scheme.serial_ai}/{serial}"
