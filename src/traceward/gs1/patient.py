"""Whether a text names a patient: a GSRN of a service recipient (AI 8018) in any spelling.

This module must not be relied on to find other personal data, nor to tell whose patient it is.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

from traceward.gs1.check_digits import has_valid_check_digit

# Escapes may be nested by each system that a URI passes; deeper nesting than this is not undone.
_DEEPEST_ESCAPE = 8
_GSRN = r"(?:[\s.\-_]?[0-9]){10,}"
_EIGHTEEN = r"[0-9](?:[\s.\-_/]?[0-9]){17}"
_PATIENT = re.compile(
    r"urn:epc:[a-z]+:gsrn(?:-[0-9]+)?:"  # id, idpat, tag, pat; gsrnp does not match
    rf"|/(?:8018|gsrn)/+{_GSRN}"  # path of a Digital Link, AI or short name
    rf"|[?&;](?:8018|gsrn)={_GSRN}"  # data attribute of a Digital Link
    rf"|\(8018\)\s*{_GSRN}"  # bracketed element string
    r"|(?<![0-9])8018[0-9]{18}(?![0-9])"  # bare element string
    r"|\](?:c1|d2|e0|j1|q3)8018"  # scan data
)
# The AI or the key's name beside the number, with signs between them, as people write it: "8018: 9521...".
# Only a number with its check digit counts, since any number may stand behind a lot or order called 8018.
_WRITTEN = re.compile(rf"(?:(?<![0-9])8018[\W_]{{1,6}}|\bgsrn[\W_]{{0,6}})({_EIGHTEEN})(?![0-9])")
# Within longer digits, as behind a GTIN: whatever ends in its check digit is taken for a GSRN. Looks ahead, so that
# overlapping places are all seen.
_WITHIN_DIGITS = re.compile(r"(?=8018([0-9]{18}))")
_CUT = re.compile(
    rf"(?:https?:)?[^\s'\"]*/(?:8018|gsrn)/+{_GSRN}[^\s'\"]*"
    rf"|[?&;](?:8018|gsrn)={_GSRN}"
    r"|urn:epc:[a-z]+:gsrn(?:-[0-9]+)?:[^\s'\"]*"
    rf"|\(?8018\)?[\W_]{{0,6}}{_GSRN}"
    rf"|\bgsrn[\W_]{{0,6}}{_GSRN}"
    r"|\](?:c1|d2|e0|j1|q3)8018[0-9]*"
)


def contains_patient_identifier(text: str) -> bool:
    """Whether `text` has, anywhere, a GSRN of a patient (AI 8018), however spelt: URN, Digital Link, element string.

    Case, percent-encoding (nested too), entities, digits of other scripts, invisible signs, short names and any host
    are seen through. A provider (GSRNP, AI 8017) is no patient. Malformed GSRNs count, since they may still tell a
    patient. What is encoded as a whole (base64, hexadecimal), and bare digits without AI or name, are not seen.

    >>> contains_patient_identifier("URN:EPC:ID:GSRN:9521141.0000000042")
    True
    >>> contains_patient_identifier("https://hospital.example/%38018/952114100000000421")
    True
    >>> contains_patient_identifier("urn:epc:id:gsrnp:9521141.0000000042")
    False
    """
    if not may_name_patient(text.encode("utf-8", "replace")):
        return False
    plain = plain_text(text)
    if _PATIENT.search(plain) is not None:
        return True
    written = (re.sub(r"[^0-9]", "", found[1]) for found in _WRITTEN.finditer(plain))
    within = (found[1] for found in _WITHIN_DIGITS.finditer(plain))
    return any(has_valid_check_digit(digits) for digits in (*written, *within))


def may_name_patient(text: bytes) -> bool:
    """Whether a text (UTF-8) has any of the marks without which no spelling of a GSRN is found in it; a quick look."""
    return (
        b"8018" in text or b"%" in text or b"&#" in text or not text.isascii() or b"gsrn" in text.lower()
    )  # fmt: skip


def without_patients(text: str) -> str:
    """The text with a mark in each patient's place; nothing but a mark where a patient cannot be cut out of it.

    >>> without_patients("'urn:epc:id:gsrn:9521141.0000000042' is no place")
    "'[patient]' is no place"
    """
    if not contains_patient_identifier(text):
        return text
    cut = _CUT.sub("[patient]", plain_text(text))
    return "[left out: it names a patient]" if contains_patient_identifier(cut) else cut


def plain_text(text: str) -> str:
    """The text in lower case, with escapes and entities undone, ASCII digits for all others, and no invisible signs."""
    for _ in range(_DEEPEST_ESCAPE):
        once = unquote(text, errors="replace") if "%" in text else text
        once = html.unescape(once) if "&#" in once else once
        once = once if once.isascii() else _ascii_digits(once)
        if once == text:
            break
        text = once
    return text.lower()


def _ascii_digits(text: str) -> str:
    signs = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in signs
        if unicodedata.category(sign) != "Cf"
    )
