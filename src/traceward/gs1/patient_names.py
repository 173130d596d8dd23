"""The patients (GSRN, AI 8018) that a text names, as canonical identifiers.

`patient.contains_patient_identifier` judges more strictly: it also finds what is too malformed to be read here. This
module must not be used to prove that a text names nobody.
"""

import re
from typing import Final

from traceward.gs1.check_digits import has_valid_check_digit
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.patient import contains_patient_identifier
from traceward.gs1.plain_text import plain_text

_STEM: Final = "https://id.gs1.org/8018/"
_URN = re.compile(r"urn:epc:id:gsrn:[0-9]+\.[0-9]+")
_SPELT = re.compile(
    r"(?:/(?:8018|gsrn)/+|[?&;](?:8018|gsrn)=|\(8018\)\s*|(?<![0-9])8018[\W_]{1,6}|\bgsrn[\W_]{0,6})"
    r"((?:[\s.\-_/]?[0-9]){18})(?![0-9])"
)
_WITHIN_DIGITS = re.compile(r"(?=8018([0-9]{18}))")


def patient_identifiers(text: str) -> frozenset[str]:
    """Every patient's GSRN in a text, in Digital Link, URN or element string form, percent-encoded or not.

    >>> sorted(patient_identifiers("see urn:epc:id:gsrn:4012345.0000012345 and https://a.example/gsrn/401234500000098765"))
    ['https://id.gs1.org/8018/401234500000098765', 'https://id.gs1.org/8018/401234500000123452']
    """
    if not contains_patient_identifier(text):
        return frozenset()
    plain = plain_text(text)
    found = {canonical_identifier(urn) for urn in _URN.findall(plain)}
    found |= {_STEM + re.sub(r"[^0-9]", "", digits) for digits in _SPELT.findall(plain)}
    found |= {_STEM + digits for digits in _WITHIN_DIGITS.findall(plain) if has_valid_check_digit(digits)}
    return frozenset(one for one in found if one.startswith(_STEM))
