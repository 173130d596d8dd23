"""Content negotiation of the EPCIS binding: media types, GS1-* version ranges and formats.

It must not read bodies or look at data: everything here follows from the request's headers alone.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.datastructures import Headers

from traceward import __version__
from traceward.epcis.errors import NotAcceptableException, UnsupportedMediaTypeException, ValidationException
from traceward.epcis.rendering import EpcFormat
from traceward.epcis.xml_codec import CbvXmlFormat, Version
from traceward.services.intake.documents import BodyFormat
from traceward.services.queries.answers import JSON_MEDIA_TYPES, XML_MEDIA_TYPES, Representation

EPCIS_VERSION: Final = "2.0.0"
CBV_VERSION: Final = "2.0.0"
EXTENSIONS: Final = "mcx=https://ns.traceward.org/consignment/"

_EPCIS_VERSIONS: Final[Mapping[Version, str]] = {"2.0": EPCIS_VERSION, "1.2": "1.2.0"}
"""What GS1-EPCIS-Version says of each version that answers are made in."""

VERSION_HEADERS: Final = {
    "GS1-EPCIS-Version": EPCIS_VERSION,
    "GS1-CBV-Version": CBV_VERSION,
    "GS1-Extensions": EXTENSIONS,
    "Vary": "Accept, GS1-EPC-Format, GS1-CBV-XML-Format, GS1-EPCIS-Min, GS1-EPCIS-Max, GS1-CBV-Min, GS1-CBV-Max",
}
"""What every answer of the EPCIS binding carries; see `version_headers` for answers that may be XML 1.2."""

DISCOVERY_HEADERS: Final = VERSION_HEADERS | {
    "GS1-EPCIS-Min": _EPCIS_VERSIONS["1.2"],
    "GS1-EPCIS-Max": EPCIS_VERSION,
    "GS1-CBV-Min": CBV_VERSION,
    "GS1-CBV-Max": CBV_VERSION,
    "GS1-EPC-Format": EpcFormat.ALWAYS_GS1_DIGITAL_LINK.value,
    "GS1-CBV-XML-Format": CbvXmlFormat.NO_PREFERENCE.value,
    "GS1-Vendor-Version": __version__,
}
"""What OPTIONS carries beside Allow."""

_OFFERS: Final[Mapping[str, tuple[Version, ...]]] = dict.fromkeys(JSON_MEDIA_TYPES, ("2.0",)) | dict.fromkeys(
    XML_MEDIA_TYPES, ("2.0", "1.2")
)
"""Media type -> the versions of EPCIS that it comes in, the preferred one first."""

OFFERS_2_0: Final[Mapping[str, tuple[Version, ...]]] = dict.fromkeys(_OFFERS, ("2.0",))
"""The offers of a resource that EPCIS 1.x does not have: jobs, collections."""

JSON_OFFERS: Final[Mapping[str, tuple[Version, ...]]] = dict.fromkeys(JSON_MEDIA_TYPES, ("2.0",))
"""The offers of a resource that is JSON alone."""

_BODY_CHARSETS: Final[Mapping[bool, frozenset[str]]] = {
    False: frozenset({"utf-8", "us-ascii"}),
    True: frozenset({"utf-8", "us-ascii", "iso-8859-1", "utf-16"}),
}
"""Whether a body is XML -> the charsets that its Content-Type may name."""

_BODY_VERSIONS: Final[Mapping[bool, tuple[tuple[int, int], ...]]] = {
    False: ((2, 0),),
    True: ((2, 0), (1, 2), (1, 1), (1, 0)),
}
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,5}")
_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_ERROR_BEHAVIOURS: Final = frozenset({"rollback", "proceed"})


def representation(headers: Headers, offers: Mapping[str, Sequence[Version]] = _OFFERS) -> Representation:
    """The representation that the request's headers ask for.

    offers: media type -> versions of EPCIS in which the resource can be told. Of what Accept prefers, the first that
    also has a version in the GS1-EPCIS-Min..Max range.
    Raises NotAcceptableException (406) when no offer satisfies the headers, ValidationException (400) when a GS1
    header is malformed. EPCIS 2.0 REST binding, GS1-* headers.
    """
    _require_in_range(headers, "GS1-CBV", CBV_VERSION)
    epc_format, cbv_format = _epc_format(headers), _cbv_format(headers)
    extensions = _extensions(headers)
    for media_type in accepted_media_types(headers.getlist("accept"), tuple(offers)):
        for version in offers[media_type]:
            if _in_range(headers, "GS1-EPCIS", _EPCIS_VERSIONS[version]):
                return Representation(media_type, epc_format, cbv_format, version, extensions)
    low, high = (headers.get(f"GS1-EPCIS-{end}") or "any" for end in ("Min", "Max"))
    raise NotAcceptableException(
        f"GS1-EPCIS-Min..GS1-EPCIS-Max is {low}..{high}; this server offers 2.0.0, and events in XML as 1.2.0 too"
    )


def version_headers(wanted: Representation) -> dict[str, str]:
    """VERSION_HEADERS with the versions of an answer in this representation."""
    return VERSION_HEADERS | {"GS1-EPCIS-Version": _EPCIS_VERSIONS[wanted.version]}


def accepted_media_type(accept: list[str], offered: tuple[str, ...]) -> str:
    """The offered media type that the Accept values prefer; the first offered where they do not say.

    Raises NotAcceptableException naming what is offered. RFC 9110 section 12.5.1.

    >>> accepted_media_type(["application/ld+json, application/json;q=0.5"], JSON_MEDIA_TYPES)
    'application/ld+json'
    """
    return accepted_media_types(accept, offered)[0]


def accepted_media_types(accept: list[str], offered: tuple[str, ...]) -> list[str]:
    """The offered media types that the Accept values allow, the most wanted first; all where they do not say.

    Raises NotAcceptableException naming what is offered. RFC 9110 section 12.5.1.
    """
    ranges = [part for value in accept for part in value.split(",") if part.strip()]
    if not ranges:
        return list(offered)
    weights = dict(_weighted(part) for part in ranges)
    allowed = [media_type for media_type in offered if _quality(media_type, weights) > 0]
    if not allowed:
        raise NotAcceptableException(f"Accept is {', '.join(accept)!r}; this server offers {', '.join(offered)}")
    return sorted(allowed, key=lambda media_type: -_quality(media_type, weights))


def body_format(headers: Headers) -> BodyFormat:
    """What Content-Type says of the body; else raises UnsupportedMediaTypeException (415).

    JSON is UTF-8 alone; XML may name UTF-8, UTF-16, US-ASCII or ISO-8859-1 (RFC 7303).
    """
    value = headers.get("content-type", "")
    media_type, *parameters = (part.strip().lower() for part in value.split(";"))
    named = [part.removeprefix("charset=").strip("\"' ") for part in parameters if part.startswith("charset=")]
    charset = {"utf8": "utf-8", "ascii": "us-ascii", "latin1": "iso-8859-1"}.get(named[0], named[0]) if named else None
    is_xml = media_type in XML_MEDIA_TYPES
    known = is_xml or media_type in JSON_MEDIA_TYPES
    if not known or len(named) > 1 or (charset is not None and charset not in _BODY_CHARSETS[is_xml]):
        raise UnsupportedMediaTypeException(
            f"Content-Type is {value[:200]!r}; expected {', '.join(JSON_MEDIA_TYPES)} in UTF-8, or "
            f"{', '.join(XML_MEDIA_TYPES)} in UTF-8, UTF-16, US-ASCII or ISO-8859-1"
        )
    return BodyFormat(is_xml, charset)


def require_json(headers: Headers) -> None:
    """Nothing when the body is declared as JSON in UTF-8; else raises UnsupportedMediaTypeException (415)."""
    if body_format(headers).is_xml:
        value = headers.get("content-type", "")
        raise UnsupportedMediaTypeException(
            f"Content-Type is {value[:200]!r}; expected {' or '.join(JSON_MEDIA_TYPES)}, in UTF-8"
        )


def require_body_versions(headers: Headers, body: BodyFormat) -> None:
    """Nothing when the body's stated EPCIS and CBV versions are captured here; else raises NotAcceptableException."""
    taken = _BODY_VERSIONS[body.is_xml]
    for name in ("GS1-EPCIS-Version", "GS1-CBV-Version"):
        value = headers.get(name)
        if value is not None and _version(name, value)[:2] not in taken:
            expected = ", ".join(f"{major}.{minor}" for major, minor in taken)
            what = "XML" if body.is_xml else "JSON"
            raise NotAcceptableException(f"{name} is {value!r}; this server captures {what} of version {expected}")


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


def _cbv_format(headers: Headers) -> CbvXmlFormat:
    expected = frozenset(one.value for one in CbvXmlFormat)
    return CbvXmlFormat(_one_of(headers, "GS1-CBV-XML-Format", expected) or CbvXmlFormat.NO_PREFERENCE)


def _require_in_range(headers: Headers, what: str, supported: str) -> None:
    if not _in_range(headers, what, supported):
        low, high = (headers.get(f"{what}-{end}") or "any" for end in ("Min", "Max"))
        raise NotAcceptableException(f"{what}-Min..{what}-Max is {low}..{high}; this server offers {supported}")


def _in_range(headers: Headers, what: str, supported: str) -> bool:
    """Whether a version lies between the two that the headers name; what: `GS1-EPCIS` or `GS1-CBV`."""
    own = _version(what, supported)
    low, high = headers.get(f"{what}-Min"), headers.get(f"{what}-Max")
    return (low is None or _version(f"{what}-Min", low) <= own) and (
        high is None or _version(f"{what}-Max", high) >= own
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
