"""Whether a text names a patient: a GSRN of a service recipient (AI 8018) in any spelling.

This module must not be relied on to find other personal data, nor to tell whose patient it is.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from traceward.gs1.check_digits import has_valid_check_digit

# Escapes may be nested by each system that a URI passes; deeper nesting than this is not undone.
_DEEPEST_ESCAPE = 8
_GSRN = r"(?:[\s.\-_]?[0-9]){10,}"
_PATIENT = re.compile(
    r"urn:epc:[a-z]+:gsrn(?:-[0-9]+)?:"  # id, idpat, tag, pat; gsrnp does not match
    rf"|/(?:8018|gsrn)/+{_GSRN}"  # path of a Digital Link, AI or short name
    rf"|[?&;](?:8018|gsrn)={_GSRN}"  # data attribute of a Digital Link
    rf"|\(8018\)\s*{_GSRN}"  # bracketed element string
    r"|(?<![0-9])8018[0-9]{18}(?![0-9])"  # bare element string
    r"|\](?:c1|d2|e0|j1|q3)8018"  # scan data
)
# Within longer digits, as behind a GTIN: whatever ends in its check digit is taken for a GSRN. Looks ahead, so that
# overlapping places are all seen.
_WITHIN_DIGITS = re.compile(r"(?=8018([0-9]{18}))")


def contains_patient_identifier(text: str) -> bool:
    """Whether `text` has, anywhere, a GSRN of a patient (AI 8018), however spelt: URN, Digital Link, element string.

    Case, percent-encoding (nested too), short names and any host are seen through. A provider (GSRNP, AI 8017) is no
    patient. Malformed GSRNs count, since they may still tell a patient.

    >>> contains_patient_identifier("URN:EPC:ID:GSRN:9521141.0000000042")
    True
    >>> contains_patient_identifier("https://hospital.example/%38018/952114100000000421")
    True
    >>> contains_patient_identifier("urn:epc:id:gsrnp:9521141.0000000042")
    False
    """
    if "%" not in text and "8018" not in text and "gsrn" not in text.lower():
        return False
    plain = _decoded(text).lower()
    if _PATIENT.search(plain) is not None:
        return True
    return any(has_valid_check_digit(found[1]) for found in _WITHIN_DIGITS.finditer(plain))


def _decoded(text: str) -> str:
    for _ in range(_DEEPEST_ESCAPE):
        if "%" not in text:
            return text
        once = unquote(text, errors="replace")
        if once == text:
            return text
        text = once
    return text
