"""EPC URNs and GS1 Digital Links as one canonical identifier, and what kind of thing an identifier names.

This module must not guess the length of a company prefix, nor judge whether an identifier exists.
GS1 EPC Tag Data Standard 2.0 section 6; GS1 Digital Link URI Syntax; EPCIS event hash normalisation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from traceward.gs1.check_digits import check_digit, is_digits
from traceward.gs1.digital_link import CANONICAL_STEM, link_path_pairs
from traceward.gs1.epc_urn import NUMERIC_SCHEMES, URN_EPC, NumericScheme, urn_to_digital_link
from traceward.gs1.errors import DigitalLinkError, EpcUriError
from traceward.gs1.patient import contains_patient_identifier
from traceward.gs1.percent import decode_percent, encode_link_segment, encode_urn_component

__all__ = [
    "KINDS",
    "IdentifierKind",
    "Kind",
    "canonical_identifier",
    "contains_patient_identifier",
    "digital_link_to_urn",
    "identifier_kind",
    "urn_to_digital_link",
]

Kind = Literal[
    "sgtin", "lgtin", "gtin", "sscc", "sgln", "pgln", "grai", "giai", "gsrn", "gsrnp", "gdti", "sgcn", "cpi", "ginc",
    "gsin", "itip", "upui", "other",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
_CACHED = 100_000
# Longer texts are no EPC; kept, they would fill the memory.
_LONGEST_CACHED = 400


@dataclass(frozen=True, slots=True)
class IdentifierKind:
    """What a canonical identifier names, and its parts (None where the identifier has no such part).

    key: the digits (or text) of its primary key: GTIN-14, SSCC, GLN, GSRN, GRAI without its serial, whole GIAI, ...
    serial: serial number, decoded; for ITIP, CPI, GRAI, GDTI and SGCN too. tpx: of a UPUI. piece, total: of an ITIP.
    """

    kind: Kind
    key: str | None = None
    gtin: str | None = None
    lot: str | None = None
    serial: str | None = None
    gln: str | None = None
    extension: str | None = None
    tpx: str | None = None
    piece: str | None = None
    total: str | None = None

    @property
    def is_class(self) -> bool:
        """Whether the identifier names a class of things (trade item, lot, asset type) and not one thing."""
        if self.kind in ("gtin", "lgtin"):
            return True
        return self.kind in _SERIALISED and self.serial is None


_OTHER = IdentifierKind("other")
_SERIALISED = frozenset({"grai", "gdti", "sgcn", "cpi", "itip"})


# --- canonical form ------------------------------------------------------------------------------------------------


def canonical_identifier(uri: str) -> str:
    """The one spelling under which an identifier is compared: a Digital Link at id.gs1.org; other URIs unchanged.

    Any host and path, short names and GTIN-8/12/13 become `https://id.gs1.org/...` with AIs and GTIN-14; query,
    fragment and consumer product variant are dropped, a lot too where a serial number is present, and the GLN
    extension 0. Never raises: what has no Digital Link stays as it is. Idempotent.

    >>> canonical_identifier("urn:epc:id:sgln:4012345.00001.OR3-CAB2")
    'https://id.gs1.org/414/4012345000016/254/OR3-CAB2'
    >>> canonical_identifier("https://acme.example/gtin/09521141045305/lot/LOT77A?17=271231")
    'https://id.gs1.org/01/09521141045305/10/LOT77A'
    >>> canonical_identifier("https://acme.example/orders/PO-17")
    'https://acme.example/orders/PO-17'
    """
    return _canonical_cached(uri) if len(uri) <= _LONGEST_CACHED else _canonical(uri)


def _canonical(uri: str) -> str:
    head = uri[:8]
    if head == URN_EPC or head.lower() == URN_EPC:
        try:
            return urn_to_digital_link(uri)
        except EpcUriError:
            return uri
    if head[:4].lower() != "http":
        return uri
    try:
        pairs = link_path_pairs(uri)
    except DigitalLinkError:
        return uri
    return _canonical_link(pairs) or uri


_canonical_cached = lru_cache(maxsize=_CACHED)(_canonical)


def _canonical_link(pairs: tuple[tuple[str, str], ...]) -> str | None:
    """The canonical link of decoded (AI, value) pairs, primary key first; None where the key is malformed."""
    ai, key = pairs[0]
    shape = _KEY_SHAPES.get(ai)
    if shape is None or not shape(key):
        return None
    if ai == "01":
        key = key.zfill(14)
    found = dict(pairs[1:])
    found.pop("22", None)
    if "21" in found:
        found.pop("10", None)
    if ai == "414" and found.get("254") == "0":
        del found["254"]
    link = f"{CANONICAL_STEM}/{ai}/{encode_link_segment(key)}"
    for qualifier, value in found.items():
        link += f"/{qualifier}/{encode_link_segment(value)}"
    return link


_X = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"
# What the value of a primary key looks like; whether its check digit fits is not asked here.
_KEY_SHAPES = {
    ai: re.compile(shape).fullmatch
    for ai, shape in {
        "00": r"[0-9]{18}",
        "01": r"[0-9]{8}|[0-9]{12,14}",
        "253": rf"[0-9]{{13}}{_X}{{0,17}}",
        "255": r"[0-9]{13,25}",
        "401": rf"[0-9]{{6}}{_X}{{1,24}}",
        "402": r"[0-9]{17}",
        "414": r"[0-9]{13}",
        "415": r"[0-9]{13}",
        "417": r"[0-9]{13}",
        "8003": rf"0[0-9]{{13}}{_X}{{0,16}}",
        "8004": rf"[0-9]{{6}}{_X}{{1,24}}",
        "8006": r"[0-9]{18}",
        "8010": r"[0-9]{6}[#\-/0-9A-Z]{1,24}",
        "8013": rf"[0-9]{{4}}{_X}{{2,21}}",
        "8017": r"[0-9]{18}",
        "8018": r"[0-9]{18}",
    }.items()
}


# --- kinds ---------------------------------------------------------------------------------------------------------

_SIMPLE_KINDS: dict[str, Kind] = {
    "00": "sscc", "401": "ginc", "402": "gsin", "417": "pgln", "8004": "giai", "8017": "gsrnp", "8018": "gsrn",
}  # fmt: skip
# AI -> kind and length of the key before the appended serial number.
_APPENDED_KINDS: dict[str, tuple[Kind, int]] = {"8003": ("grai", 14), "253": ("gdti", 13), "255": ("sgcn", 13)}


def identifier_kind(canonical: str) -> IdentifierKind:
    """What a canonical identifier names, with its parts; kind "other" for what is no EPC.

    canonical: as `canonical_identifier` gives it.

    >>> identifier_kind("https://id.gs1.org/01/09521141010235/21/V23-0007")  # doctest: +ELLIPSIS
    IdentifierKind(kind='sgtin', key='09521141010235', gtin='09521141010235', lot=None, serial='V23-0007', ...)
    >>> identifier_kind("https://id.gs1.org/414/4012345000016").kind
    'sgln'
    """
    return _kind_cached(canonical) if len(canonical) <= _LONGEST_CACHED else _OTHER


@lru_cache(maxsize=_CACHED // 4)
def _kind_cached(canonical: str) -> IdentifierKind:
    stem, separator, path = canonical.partition(CANONICAL_STEM + "/")
    segments = path.split("/")
    if stem or not separator or len(segments) % 2:
        return _OTHER
    values = [decode_percent(segment) for segment in segments[1::2]]
    ai, key = segments[0], values[0]
    shape = _KEY_SHAPES.get(ai)
    if shape is None or key is None or not shape(key):
        return _OTHER
    qualifiers = dict(zip(segments[2::2], values[1:], strict=True))
    return _kind(ai, key, qualifiers)


def _kind(ai: str, key: str, qualifiers: dict[str, str | None]) -> IdentifierKind:
    serial = qualifiers.get("21")
    if ai == "01":
        lot, tpx = qualifiers.get("10"), qualifiers.get("235")
        kind: Kind = "sgtin" if serial else "lgtin" if lot else "upui" if tpx else "gtin"
        return IdentifierKind(kind, key=key, gtin=key, lot=lot, serial=serial, tpx=tpx)
    if ai == "414":
        return IdentifierKind("sgln", key=key, gln=key, extension=qualifiers.get("254"))
    if ai in _SIMPLE_KINDS:
        return IdentifierKind(_SIMPLE_KINDS[ai], key=key, gln=key if ai == "417" else None)
    if ai in _APPENDED_KINDS:
        name, length = _APPENDED_KINDS[ai]
        return IdentifierKind(name, key=key[:length], serial=key[length:] or None)
    if ai == "8006":
        lot = qualifiers.get("10")
        return IdentifierKind("itip", key[:14], key[:14], lot, serial, piece=key[14:16], total=key[16:])
    if ai == "8010":
        return IdentifierKind("cpi", key=key, serial=qualifiers.get("8011"))
    return _OTHER


# --- Digital Link -> URN -------------------------------------------------------------------------------------------

# kind -> URN scheme of a single thing, and of its class ("" = no such URN).
_URN_FORMS: dict[Kind, tuple[str, str]] = {
    "sgtin": ("id:sgtin", ""), "lgtin": ("class:lgtin", ""), "gtin": ("", "idpat:sgtin"), "upui": ("id:upui", ""),
    "itip": ("id:itip", "idpat:itip"), "sscc": ("id:sscc", ""), "sgln": ("id:sgln", ""), "pgln": ("id:pgln", ""),
    "grai": ("id:grai", "idpat:grai"), "gdti": ("id:gdti", "idpat:gdti"), "sgcn": ("id:sgcn", "idpat:sgcn"),
    "gsrn": ("id:gsrn", ""), "gsrnp": ("id:gsrnp", ""), "gsin": ("id:gsin", ""), "giai": ("id:giai", ""),
    "ginc": ("id:ginc", ""), "cpi": ("id:cpi", "idpat:cpi"),
}  # fmt: skip


def digital_link_to_urn(uri: str, prefix_length: Callable[[str], int | None]) -> str | None:
    """The EPC URN of a Digital Link, or None where it has none or its company prefix is not known.

    prefix_length: gets the characters of the key from the company prefix on (a GTIN-14 without its indicator digit, an
    SSCC without its extension digit) and gives the length of that prefix, 6-12, or None. Never guesses.
    TDS 2.0 section 6.3.

    >>> digital_link_to_urn("https://id.gs1.org/01/09521141010235/21/V23-0007", lambda digits: 7)
    'urn:epc:id:sgtin:9521141.001023.V23-0007'
    >>> digital_link_to_urn("https://id.gs1.org/414/4012345000016", lambda digits: 7)
    'urn:epc:id:sgln:4012345.00001.0'
    """
    identity = identifier_kind(canonical_identifier(uri))
    instance, pattern = _URN_FORMS.get(identity.kind, ("", ""))
    form = pattern if identity.is_class and pattern else instance
    if not form or identity.key is None:
        return None
    scheme = form.partition(":")[2]
    numeric = NUMERIC_SCHEMES.get(scheme)
    if numeric is None:
        return _text_urn(form, identity, prefix_length)
    body = identity.key[len(numeric.before) :]
    if not is_digits(body) or check_digit(body[:-1]) != body[-1]:
        return None
    lead, digits = (body[0], body[1:-1]) if numeric.leads else ("", body[:-1])
    length = _known_length(prefix_length(digits + body[-1]), digits)
    if length is None:
        return None
    urn = f"urn:epc:{form}:{digits[:length]}.{lead}{digits[length:]}"
    return urn + _urn_tail(identity, numeric, is_pattern=form == pattern)


def _known_length(length: int | None, digits: str) -> int | None:
    return length if length is not None and 6 <= length <= 12 and is_digits(digits[:length]) else None


def _urn_tail(identity: IdentifierKind, scheme: NumericScheme, *, is_pattern: bool) -> str:
    if scheme.tail is None:
        return ""
    pieces = f".{identity.piece}.{identity.total}" if identity.kind == "itip" else ""
    if is_pattern:
        return f"{pieces}.*"
    if identity.kind == "sgln":
        return f".{encode_urn_component(identity.extension or '0')}"
    tail = identity.serial if identity.serial is not None else identity.lot or identity.tpx or ""
    return f"{pieces}.{encode_urn_component(tail)}"


def _text_urn(form: str, identity: IdentifierKind, prefix_length: Callable[[str], int | None]) -> str | None:
    key = identity.key or ""
    length = _known_length(prefix_length(key), key)
    if length is None or length >= len(key):
        return None
    urn = f"urn:epc:{form}:{key[:length]}.{encode_urn_component(key[length:])}"
    if identity.kind != "cpi":
        return urn
    return f"{urn}.{identity.serial if identity.serial is not None else '*'}"
