"""The EPCIS identifiers that the element strings of an item name: the thing, its class, a place, a party, a content.

This module must not judge the element strings: ask `is_valid` and `check_associations` first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from traceward.gs1.check_digits import is_digits
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.gs1.parsed import ElementString
from traceward.gs1.percent import encode_link_segment

# Which AIs make an identifier, the first row whose AIs are all present wins.
_INSTANCES = (
    ("01", "21"), ("8006", "21"), ("01", "235"), ("00",), ("8003",), ("8004",), ("8010", "8011"), ("253",), ("255",),
    ("401",), ("402",),
)  # fmt: skip
_CLASSES = (("01", "10"), ("01",), ("8006", "10"), ("8006",), ("8003",), ("8010",), ("253",), ("255",))
_PLACES = (("414", "254"), ("414",))
_PARTIES = (("417",),)
_PATIENTS = (("8018",),)
_PROVIDERS = (("8017",),)


@dataclass(frozen=True, slots=True)
class EpcIdentifiers:
    """Canonical identifiers; None for what the element strings do not name.

    instance: one thing, never a person. class_: kind of thing, with its lot where known. place: from AI 414.
    party: from AI 417. patient: from AI 8018, which no partner may see. provider: from AI 8017.
    content: class of the trade items within a logistic unit (AI 02), content_count: how many (AI 37).
    """

    instance: str | None
    class_: str | None
    place: str | None
    party: str | None
    patient: str | None
    provider: str | None
    content: str | None
    content_count: int | None


def epc_identifiers(elements: Iterable[ElementString]) -> EpcIdentifiers:
    """The EPCIS identifiers of element strings. GS1 EPC Tag Data Standard 2.0 section 6.3.

    >>> from traceward.gs1.element_string import parse_bracketed
    >>> found = epc_identifiers(parse_bracketed("(01)09521141010235(10)L1(21)V23-0007").elements)
    >>> found.instance, found.class_
    ('https://id.gs1.org/01/09521141010235/21/V23-0007', 'https://id.gs1.org/01/09521141010235/10/L1')
    """
    values: dict[str, str] = {}
    for element in elements:
        values.setdefault(element.ai, element.value)
    instances = (link for link in _links(_INSTANCES, values) if not identifier_kind(link).is_class)
    classes = (link for link in _links(_CLASSES, values) if identifier_kind(link).is_class)
    count = values.get("37", "")
    content = {"01": values["02"], "10": values.get("10", "")} if "02" in values else {}
    return EpcIdentifiers(
        next(instances, None),
        next(classes, None),
        next(_links(_PLACES, values), None),
        next(_links(_PARTIES, values), None),
        next(_links(_PATIENTS, values), None),
        next(_links(_PROVIDERS, values), None),
        next(_links((("01", "10"), ("01",)), {ai: value for ai, value in content.items() if value}), None),
        int(count) if is_digits(count) and len(count) <= 8 else None,
    )


def _links(rows: Iterable[tuple[str, ...]], values: dict[str, str]) -> Iterator[str]:
    for ais in rows:
        if all(values.get(ai) for ai in ais):
            path = "".join(f"/{ai}/{encode_link_segment(values[ai])}" for ai in ais)
            link = canonical_identifier(CANONICAL_STEM + path)
            if identifier_kind(link).kind != "other":
                yield link
