"""Content negotiation of the EPCIS binding: media types, GS1-* version ranges and formats.

It must not read bodies or look at data: everything here follows from the request's headers alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from traceward import __version__
from traceward.epcis.errors import NotAcceptableException, UnsupportedMediaTypeException, ValidationException
from traceward.epcis.rendering import EpcFormat

EPCIS_VERSION: Final = "2.0.0"
CBV_VERSION: Final = "2.0.0"
EXTENSIONS: Final = "mcx=https://ns.traceward.org/consignment/"

JSON_MEDIA_TYPES: Final = ("application/json", "application/ld+json")

VERSION_HEADERS: Final = {
    "GS1-EPCIS-Version": EPCIS_VERSION,
    "GS1-CBV-Version": CBV_VERSION,
    "GS1-Extensions": EXTENSIONS,
}
"""What every answer of the EPCIS binding carries."""

DISCOVERY_HEADERS: Final = VERSION_HEADERS | {
    "GS1-EPCIS-Min": EPCIS_VERSION,
    "GS1-EPCIS-Max": EPCIS_VERSION,
    "GS1-CBV-Min": CBV_VERSION,
    "GS1-CBV-Max": CBV_VERSION,
    "GS1-EPC-Format": EpcFormat.ALWAYS_GS1_DIGITAL_LINK.value,
    "GS1-CBV-XML-Format": "No_Preference",
    "GS1-Vendor-Version": __version__,
}
"""What OPTIONS carries beside Allow."""

_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,5}")
_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_CBV_XML_FORMATS: Final = frozenset({"No_Preference", "Always_Web_URI", "Always_URN", "Never_Translates"})
_ERROR_BEHAVIOURS: Final = frozenset({"rollback", "proceed"})

_RANGES: Final = (
    ("GS1-EPCIS-Min", "GS1-EPCIS-Max", EPCIS_VERSION),
    ("GS1-CBV-Min", "GS1-CBV-Max", CBV_VERSION),
)


@dataclass(frozen=True, slots=True)
class Representation:
    """How the caller wants EPCIS data, and extensions: prefix -> namespace of the names in its query."""

    media_type: str
    epc_format: EpcFormat
    extensions: Mapping[str, str]


def representation(headers: Headers) -> Representation:
    """The representation that the request's headers ask for.

    Raises NotAcceptableException (406) when no offered media type or version satisfies them,
    ValidationException (400) when a GS1 header is malformed. EPCIS 2.0 REST binding, GS1-* headers.
    """
    _check_version_ranges(headers)
    _one_of(headers, "GS1-CBV-XML-Format", _CBV_XML_FORMATS)
    return Representation(
        media_type=accepted_media_type(headers.getlist("accept"), JSON_MEDIA_TYPES),
        epc_format=_epc_format(headers),
        extensions=_extensions(headers),
    )


def accepted_media_type(accept: list[str], offered: tuple[str, ...]) -> str:
    """The offered media type that the Accept values prefer; the first offered where they do not say.

    Raises NotAcceptableException naming what is offered. RFC 9110 section 12.5.1.

    >>> accepted_media_type(["application/ld+json, application/json;q=0.5"], JSON_MEDIA_TYPES)
    'application/ld+json'
    """
    ranges = [part for value in accept for part in value.split(",") if part.strip()]
    if not ranges:
        return offered[0]
    weights = dict(_weighted(part) for part in ranges)
    best = max(offered, key=lambda media_type: (_quality(media_type, weights), -offered.index(media_type)))
    if _quality(best, weights) <= 0:
        raise NotAcceptableException(f"Accept is {', '.join(accept)!r}; this server offers {', '.join(offered)}")
    return best


def require_json(headers: Headers) -> None:
    """Nothing when the body is declared as JSON in UTF-8; else raises UnsupportedMediaTypeException (415)."""
    value = headers.get("content-type", "")
    media_type, *parameters = (part.strip().lower() for part in value.split(";"))
    charset = next((p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if media_type not in JSON_MEDIA_TYPES or charset not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaTypeException(
            f"Content-Type is {value!r}; expected {' or '.join(JSON_MEDIA_TYPES)}, in UTF-8"
        )


def require_body_versions(headers: Headers) -> None:
    """Nothing when the body's stated EPCIS and CBV versions are 2.0; else raises NotAcceptableException (406)."""
    for name, supported in (("GS1-EPCIS-Version", EPCIS_VERSION), ("GS1-CBV-Version", CBV_VERSION)):
        value = headers.get(name)
        if value is not None and _version(name, value)[:2] != _version(name, supported)[:2]:
            raise NotAcceptableException(f"{name} is {value!r}; this server captures version {supported}")


def error_behaviour(headers: Headers) -> str:
    """`rollback` or `proceed`, by GS1-Capture-Error-Behaviour; rollback where it is absent."""
    return _one_of(headers, "GS1-Capture-Error-Behaviour", _ERROR_BEHAVIOURS) or "rollback"


def _extensions(headers: Headers) -> dict[str, str]:
    declared: dict[str, str] = {}
    for entry in (part.strip() for value in headers.getlist("GS1-Extensions") for part in value.split(",")):
        prefix, _, namespace = entry.partition("=")
        if entry and (_PREFIX.fullmatch(prefix) is None or ":" not in namespace):
            raise ValidationException(f"GS1-Extensions has {entry[:80]!r}; expected prefix=namespace, joined by commas")
        if entry:
            declared[prefix] = namespace
    return declared


def _epc_format(headers: Headers) -> EpcFormat:
    value = headers.get("GS1-EPC-Format")
    if value is None:
        return EpcFormat.ALWAYS_GS1_DIGITAL_LINK
    try:
        return EpcFormat(value)
    except ValueError:
        expected = ", ".join(sorted(one.value for one in EpcFormat))
        raise ValidationException(f"GS1-EPC-Format is {value!r}; expected one of {expected}") from None


def _one_of(headers: Headers, name: str, expected: frozenset[str]) -> str | None:
    value = headers.get(name)
    if value is not None and value not in expected:
        raise ValidationException(f"{name} is {value!r}; expected one of {', '.join(sorted(expected))}")
    return value


def _check_version_ranges(headers: Headers) -> None:
    for low_name, high_name, supported in _RANGES:
        low, high = headers.get(low_name), headers.get(high_name)
        own = _version(low_name, supported)
        too_high = low is not None and _version(low_name, low) > own
        too_low = high is not None and _version(high_name, high) < own
        if too_high or too_low:
            raise NotAcceptableException(
                f"{low_name}..{high_name} is {low or 'any'}..{high or 'any'}; this server offers {supported}"
            )


def _version(name: str, value: str) -> tuple[int, ...]:
    if _VERSION.fullmatch(value) is None:
        raise ValidationException(f"{name} is {value!r}; expected numbers joined by dots, such as 2.0.0")
    numbers = tuple(int(part) for part in value.split("."))
    return numbers + (0,) * (6 - len(numbers))


def _weighted(media_range: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return name, 0.0
    return name, 1.0


def _quality(media_type: str, weights: dict[str, float]) -> float:
    kind = media_type.split("/", maxsplit=1)[0]
    for candidate in (media_type, f"{kind}/*", "*/*"):
        if candidate in weights:
            return weights[candidate]
    return 0.0
