"""EPC patterns of the MATCH_ parameters: what ``urn:epc:idpat:...`` asks for, as index pairs and prefixes.

Compiles to equality and prefixes only, never to a wildcard expression; a value that is no idpat is a plain identifier.
"""

from dataclasses import dataclass
from typing import Final

from traceward.epcis.predicates import TextPrefix
from traceward.epcis.terms import class_prefix
from traceward.gs1.epc_uri import canonical_identifier

_IDPAT: Final = "urn:epc:idpat:"
_STEM: Final = "https://id.gs1.org/"
_INDICATORS: Final = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How the identifiers of one EPC scheme look: ``components`` in the URN, and in canonical Digital Link
    ``stem`` + lead digit (one of ``leads``) + company prefix + ... + ``infix`` + serial.
    """

    components: int
    stem: str
    leads: tuple[str, ...] = ("",)
    infix: str = ""


#: EPC Tag Data Standard, pure identity patterns; Digital Link forms as in EPCIS 2.0 and GS1 Digital Link.
_SCHEMES: Final = {
    "sgtin": _Scheme(3, f"{_STEM}01/", _INDICATORS, "/21/"),
    "lgtin": _Scheme(3, f"{_STEM}01/", _INDICATORS, "/10/"),
    "upui": _Scheme(3, f"{_STEM}01/", _INDICATORS, "/235/"),
    "itip": _Scheme(5, f"{_STEM}8006/", _INDICATORS, "/21/"),
    "sscc": _Scheme(2, f"{_STEM}00/", _INDICATORS),
    "sgln": _Scheme(3, f"{_STEM}414/"),
    "pgln": _Scheme(2, f"{_STEM}417/"),
    "grai": _Scheme(3, f"{_STEM}8003/0"),
    "giai": _Scheme(2, f"{_STEM}8004/"),
    "gsrn": _Scheme(2, f"{_STEM}8018/"),
    "gsrnp": _Scheme(2, f"{_STEM}8017/"),
    "gdti": _Scheme(3, f"{_STEM}253/"),
    "sgcn": _Scheme(3, f"{_STEM}255/"),
    "cpi": _Scheme(3, f"{_STEM}8010/", infix="/8011/"),
    "ginc": _Scheme(2, f"{_STEM}401/"),
    "gsin": _Scheme(2, f"{_STEM}402/"),
}
#: Schemes that stay URNs: their patterns are prefixes of the text.
_URN_SCHEMES: Final = {"gid": 3, "usdod": 2, "adi": 3, "bic": 1, "imovn": 1}

Found = tuple[tuple[tuple[str, str], ...], tuple[TextPrefix, ...]]


def match_value(value: str, keys: tuple[str, ...], *, classes: bool) -> Found:
    """The pairs and prefixes of which one must hold for an event to match one value of a MATCH_ parameter.

    value: a URI in either spelling, or a pattern ``urn:epc:idpat:S:a.b.*`` whose wildcards come last.
    keys: the index keys searched; classes: they hold EPC classes, where a GTIN pattern means the trade item and all
    its lots. Raises ValueError with what was expected for a malformed pattern. EPCIS 2.0 8.2.7.1.1.
    """
    if not value.lower().startswith(_IDPAT):
        identifier = canonical_identifier(value)
        return tuple((key, identifier) for key in keys), ()
    scheme, _, body = value[len(_IDPAT) :].partition(":")
    literals, wildcards = _components(value, scheme, body)
    if wildcards == 0:
        form = "class" if scheme == "lgtin" else "id"
        identifier = _canonical(f"urn:epc:{form}:{scheme}:{body}", value)
        return tuple((key, identifier) for key in keys), ()
    if scheme in _URN_SCHEMES:
        text = f"urn:epc:id:{scheme}:" + "".join(f"{literal}." for literal in literals)
        return (), _prefixes(keys, (text,), "", classes=classes)
    if wildcards == 1 and len(literals) > 1:
        return _one_class(value, scheme, literals, keys, classes=classes)
    return (), _open_class(value, scheme, literals, keys, classes=classes)


def _components(value: str, scheme: str, body: str) -> tuple[list[str], int]:
    """The literal components of a pattern and the number of wildcards behind them."""
    known = _SCHEMES.get(scheme)
    count = known.components if known is not None else _URN_SCHEMES.get(scheme)
    if count is None:
        names = ", ".join(sorted([*_SCHEMES, *_URN_SCHEMES]))
        raise ValueError(f"'{value}' has the EPC scheme '{scheme}'; expected one of {names}")
    parts = body.split(".", count - 1)
    literals = parts[: parts.index("*")] if "*" in parts else parts
    wildcards = len(parts) - len(literals)
    if len(parts) != count or any(part != "*" for part in parts[len(literals) :]) or not all(literals[:1]):
        raise ValueError(f"'{value}' is no pattern of {scheme}; expected {count} components, wildcards '*' last")
    return literals, wildcards


def _canonical(urn: str, value: str) -> str:
    identifier = canonical_identifier(urn)
    if identifier.startswith("urn:") and urn.split(":")[3] not in _URN_SCHEMES:
        raise ValueError(f"'{value}' has components that its scheme does not allow")
    return identifier


def _one_class(value: str, scheme: str, literals: list[str], keys: tuple[str, ...], *, classes: bool) -> Found:
    """A pattern that leaves only the serial (or lot, or extension) open."""
    body = ".".join(literals)
    form = "class" if scheme == "lgtin" else "id"
    prefix = class_prefix(_canonical(f"urn:epc:{form}:{scheme}:{body}.1", value))
    pairs = [(f"{key}~class", prefix) for key in keys if prefix is not None]
    if scheme == "sgln":
        # Extension 0 is the location without extension: it has no class, it is its own class.
        pairs += [(key, _canonical(f"urn:epc:id:sgln:{body}.0", value)) for key in keys]
    if classes:
        pairs += [(key, canonical_identifier(value)) for key in keys if scheme != "lgtin"]
        if scheme == "sgtin":
            lots = class_prefix(_canonical(f"urn:epc:class:lgtin:{body}.1", value))
            pairs += [(f"{key}~class", lots) for key in keys if lots is not None]
    return tuple(pairs), ()


def _open_class(
    value: str, scheme: str, literals: list[str], keys: tuple[str, ...], *, classes: bool
) -> tuple[TextPrefix, ...]:
    """A pattern that leaves more than the serial open: a range over the canonical text."""
    form = _SCHEMES[scheme]
    infix = "" if classes and scheme in {"sgtin", "itip", "cpi"} else form.infix
    if len(literals) > 1:  # only ITIP has components between the reference and the serial
        pieces = literals[2:] + ["00"] * (4 - len(literals))
        item = _canonical(f"urn:epc:id:itip:{'.'.join(literals[:2] + pieces)}.1", value)
        cut = len(form.stem) + 14 + sum(map(len, literals[2:]))
        return _prefixes(keys, (item[:cut],), infix, classes=classes)
    if not literals:
        return _prefixes(keys, (form.stem,), infix, classes=classes)
    company = literals[0]
    if not (company.isascii() and company.isdigit() and 6 <= len(company) <= 12):
        raise ValueError(f"'{value}' has the company prefix '{company}'; expected 6 to 12 digits")
    return _prefixes(keys, tuple(form.stem + lead + company for lead in form.leads), infix, classes=classes)


def _prefixes(keys: tuple[str, ...], texts: tuple[str, ...], infix: str, *, classes: bool) -> tuple[TextPrefix, ...]:
    vocabulary = "epcClasses" if classes else "epcs"
    return tuple(TextPrefix(key, text, infix, vocabulary) for key in keys for text in texts)
