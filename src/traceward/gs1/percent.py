"""Percent-encoding of GS1 values in EPC URNs and in GS1 Digital Link paths.

This module must not decide which values are valid; it only spells them.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

# Beside letters, digits and "-._~": what a canonical Digital Link leaves as it is in a path segment
# (EPCIS hash normalisation; everything else of CSET 82 is escaped).
_PLAIN_IN_LINK = "';="
# TDS table "URN escapes": in an EPC URN only " # % & / < > ? are escaped.
_PLAIN_IN_URN = "!'()*+,-.:;=_"
_UNTOUCHED = re.compile(r"[A-Za-z0-9\-._~';=]*").fullmatch
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})").search


def encode_link_segment(value: str) -> str:
    """The value as one path segment of a canonical Digital Link.

    >>> encode_link_segment("S/N(1)")
    'S%2FN%281%29'
    """
    return value if _UNTOUCHED(value) else quote(value, safe=_PLAIN_IN_LINK)


def encode_query_value(value: str) -> str:
    """The value as a data attribute in the query of a Digital Link.

    >>> encode_query_value("A;B=1")
    'A%3BB%3D1'
    """
    return quote(value, safe="")


def encode_urn_component(value: str) -> str:
    """The value as one component of an EPC URN.

    >>> encode_urn_component("S/N(1)")
    'S%2FN(1)'
    """
    return value if _UNTOUCHED(value) else quote(value, safe=_PLAIN_IN_URN)


def decode_percent(text: str) -> str | None:
    """The text with its %XX escapes resolved, or None where an escape is malformed or is not UTF-8.

    >>> decode_percent("S%2FN"), decode_percent("50%")
    ('S/N', None)
    """
    if "%" not in text:
        return text
    if _BAD_ESCAPE(text):
        return None
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return None
