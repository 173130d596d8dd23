"""GS1 Digital Link URIs as (AI, value) pairs, and back.

This module must not resolve a link over the network, nor check values: element_string.py judges them.
GS1 Digital Link Standard: URI Syntax 1.6 sections 4 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from traceward.gs1.application_identifiers import APPLICATION_IDENTIFIERS
from traceward.gs1.errors import DigitalLinkError, shortened
from traceward.gs1.percent import decode_percent, encode_link_segment, encode_query_value

Pairs = tuple[tuple[str, str], ...]
CANONICAL_STEM = "https://id.gs1.org"
# Words that may stand for the AI of a primary key or qualifier (URI Syntax 1.1; deprecated since, still on labels).
SHORT_NAMES = {
    "sscc": "00", "gtin": "01", "lot": "10", "ser": "21", "cpv": "22", "tpx": "235", "gdti": "253", "glnx": "254",
    "gcn": "255", "ginc": "401", "gsin": "402", "gln": "414", "payto": "415", "party": "417", "grai": "8003",
    "giai": "8004", "itip": "8006", "cpid": "8010", "cpsn": "8011", "gmn": "8013", "gsrnp": "8017", "gsrn": "8018",
    "srin": "8019", "refno": "8020",
}  # fmt: skip
_URI = re.compile(r"(?:http|https)://(?P<host>[^/?#]+)(?P<path>/[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?", re.IGNORECASE)
_HOST = re.compile(r"(?:[A-Za-z0-9.\-_~]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_URI_CHARACTERS = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_PRIMARY = {ai: entry.qualifiers for ai, entry in APPLICATION_IDENTIFIERS.items() if entry.qualifiers is not None}


def link_path_pairs(uri: str) -> Pairs:
    """The (AI, decoded value) pairs of the path of a Digital Link: primary key first, then its qualifiers.

    The key is looked for from the end of the path, so any host and any path may stand before it.
    Raises DigitalLinkError. URI Syntax 1.6 section 4.

    >>> link_path_pairs("https://example.com/some/path/01/09506000117843/10/AB%2F1?17=201225")
    (('01', '09506000117843'), ('10', 'AB/1'))
    """
    found = _URI.fullmatch(uri)
    if found is None or not _HOST.fullmatch(found["host"]):
        raise DigitalLinkError(
            f"'{shortened(uri)}' is not a Digital Link; expected http(s)://host/.../key", code="not_http"
        )
    if not _URI_CHARACTERS.fullmatch(uri):
        raise DigitalLinkError(f"'{shortened(uri)}' has characters that no URI may have", code="uri_characters")
    segments = found["path"].split("/")
    pairs: list[tuple[str, str]] = []
    for index in range(len(segments) - 2, 0, -2):
        ai = _segment_ai(segments[index])
        if ai is None:
            break
        pairs.append((ai, _decoded(segments[index + 1], uri)))
        if ai in _PRIMARY:
            pairs.reverse()
            _check_qualifiers(pairs, uri)
            return tuple(pairs)
    raise DigitalLinkError(
        f"'{shortened(uri)}' has no GS1 primary key in its path; compressed links are not read", code="no_primary_key"
    )


def link_query_pairs(uri: str) -> Pairs:
    """The (AI, decoded value) pairs of the query of a Digital Link; names that are not all digits are passed over.

    Raises DigitalLinkError for an all-digit name that is no AI, or an AI that is no data attribute.
    URI Syntax 1.6 section 5.

    >>> link_query_pairs("https://id.gs1.org/01/09506000117843?17=201225&linkType=all")
    (('17', '201225'),)
    """
    found = _URI.fullmatch(uri)
    query = found["query"] if found is not None else None
    pairs = []
    for item in re.split(r"[&;]", query or ""):
        name, _, value = item.partition("=")
        if not name.isdigit():
            continue
        entry = APPLICATION_IDENTIFIERS.get(name)
        if entry is None:
            raise DigitalLinkError(f"'{shortened(uri)}': query name '{shortened(name)}' is no AI", code="unknown_ai")
        if not entry.is_attribute:
            raise DigitalLinkError(
                f"'{shortened(uri)}': AI {name} may not be a data attribute", code="not_an_attribute"
            )
        # In a query '+' is a blank (HTML forms); in a path it is itself.
        pairs.append((name, _decoded(value.replace("+", " "), uri)))
    return tuple(pairs)


def misplaced_in_query(path: Pairs, query: Pairs) -> tuple[str, ...]:
    """The AIs of the query that could have stood in the path as qualifiers of its key, and so must (URI Syntax 4.9).

    >>> misplaced_in_query((("01", "09506000117843"),), (("10", "L1"), ("17", "271231")))
    ('10',)
    """
    given = {ai for ai, _ in path[1:]}
    fitting = [sequence for sequence in _PRIMARY[path[0][0]] or () if given <= set(sequence)]
    return tuple(ai for ai, _ in query if ai not in given and any(ai in sequence for sequence in fitting))


def build_digital_link(pairs: Iterable[tuple[str, str]], stem: str = CANONICAL_STEM) -> str:
    """The Digital Link of (AI, value) pairs: the first primary key, its qualifiers in order, the rest as a query.

    stem: scheme, host and any path before the key. Equal repeats of an AI are written once. Raises DigitalLinkError
    when there is no primary key, or when an AI may be neither qualifier nor data attribute.

    >>> build_digital_link([("21", "S/1"), ("01", "09506000117843"), ("17", "201225")])
    'https://id.gs1.org/01/09506000117843/21/S%2F1?17=201225'
    """
    unique = tuple(dict.fromkeys(pairs))
    values = dict(unique)
    if len(values) != len(unique):
        raise DigitalLinkError("one AI has two different values; a Digital Link can hold one", code="repeated_ai")
    key = next((ai for ai in values if ai in _PRIMARY), None)
    if key is None:
        raise DigitalLinkError(f"AIs {', '.join(values) or 'none'}: no primary key among them", code="no_primary_key")
    path = [key, *_best_sequence(key, values)]
    # Those of predefined length first: read back into a symbol they need no separator.
    rest = sorted((ai for ai in values if ai not in path), key=_needs_separator)
    for ai in rest:
        entry = APPLICATION_IDENTIFIERS.get(ai)
        if entry is None or not entry.is_attribute:
            raise DigitalLinkError(
                f"AI {ai} can be neither qualifier of {key} nor data attribute", code="not_an_attribute"
            )
    link = stem.rstrip("/") + "".join(f"/{ai}/{encode_link_segment(values[ai])}" for ai in path)
    query = "&".join(f"{ai}={encode_query_value(values[ai])}" for ai in rest)
    return f"{link}?{query}" if query else link


def _best_sequence(key: str, values: dict[str, str]) -> list[str]:
    """The qualifiers that are present, of that alternative sequence which takes most of them."""
    sequences = _PRIMARY[key] or ((),)
    return max(([ai for ai in sequence if ai in values] for sequence in sequences), key=len)


def _needs_separator(ai: str) -> bool:
    entry = APPLICATION_IDENTIFIERS.get(ai)
    return entry is None or not entry.is_predefined_length


def _segment_ai(segment: str) -> str | None:
    return segment if segment in APPLICATION_IDENTIFIERS else SHORT_NAMES.get(segment.lower())


def _decoded(text: str, uri: str) -> str:
    value = decode_percent(text)
    if not value:
        raise DigitalLinkError(
            f"'{shortened(uri)}': '{shortened(text)}' is empty or wrongly percent-encoded", code="percent_encoding"
        )
    return value


def _check_qualifiers(pairs: list[tuple[str, str]], uri: str) -> None:
    key, given = pairs[0][0], [ai for ai, _ in pairs[1:]]
    for sequence in _PRIMARY[key] or ((),):
        positions = [sequence.index(ai) for ai in given if ai in sequence]
        if len(positions) == len(given) and positions == sorted(set(positions)):
            return
    raise DigitalLinkError(
        f"'{shortened(uri)}': qualifiers {shortened('/'.join(given))} after {key}; expected, in this order, some of "
        f"{' or '.join('/'.join(sequence) for sequence in _PRIMARY[key] or ()) or 'none'}",
        code="qualifier_order",
    )
