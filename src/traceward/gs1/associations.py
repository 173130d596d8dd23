"""Which AIs must and must not accompany each other on one physical item.

This module must not judge single values: see value_rules.py. The rules hold over all symbols that mark an item, so the
caller joins the element strings of them first. GS1 General Specifications 4.13 and 4.14.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from traceward.gs1.application_identifiers import APPLICATION_IDENTIFIERS, ApplicationIdentifier
from traceward.gs1.parsed import ElementString, Finding

# Keys whose serial number is part of the value: a digital signature asks for it. AI -> length without serial number.
_SERIAL_FROM = {"253": 13, "255": 13, "8003": 14}


@dataclass(frozen=True, slots=True)
class _Rule:
    """requires: every item needs one group all of whose sets are met; wording: the same for people."""

    requires: tuple[tuple[str, tuple[tuple[frozenset[str], ...], ...]], ...]
    excludes: frozenset[str]


def check_associations(elements: Iterable[ElementString]) -> tuple[Finding, ...]:
    """What is wrong with the AIs of one item taken together: missing, excluding and contradicting ones, all as errors.

    elements: of every symbol on the item.

    >>> from traceward.gs1.element_string import parse_bracketed
    >>> check_associations(parse_bracketed("(10)LOT42").elements)[0].message
    'AI 10 stands alone; expected with it 01 or 02 or 03 or 8006 or 8026'
    """
    first: dict[str, ElementString] = {}
    findings: list[Finding] = []
    for element in elements:
        seen = first.setdefault(element.ai, element)
        if seen.value != element.value:
            message = f"AI {element.ai} has '{seen.value}' and '{element.value}'; expected one value per item"
            findings.append(Finding("repeated_ai", "error", message, element.ai, element.position))
    present = first.keys()
    for ai, element in first.items():
        rule = _RULES.get(ai)
        if rule is not None:
            findings.extend(_broken(rule, element, present))
    if "8030" in first:
        findings.extend(_unserialised(first))
    return tuple(findings)


def _broken(rule: _Rule, element: ElementString, present: Iterable[str]) -> list[Finding]:
    there = frozenset(present)
    findings = []
    for wording, groups in rule.requires:
        if not any(all(not wanted.isdisjoint(there) for wanted in group) for group in groups):
            message = f"AI {element.ai} stands alone; expected with it {wording}"
            findings.append(Finding("required_ai_missing", "error", message, element.ai, element.position))
    clash = rule.excludes & there
    if clash:
        message = f"AI {element.ai} stands with {', '.join(sorted(clash))}; expected without"
        findings.append(Finding("excluded_ai_present", "error", message, element.ai, element.position))
    return findings


def _unserialised(first: Mapping[str, ElementString]) -> list[Finding]:
    """GS1 General Specifications 3.9.13: a digital signature belongs to one thing, not to a class of things."""
    return [
        Finding("unserialised_key", "error", f"AI 8030 with AI {ai} '{first[ai].value}'; expected its serial", ai)
        for ai, length in _SERIAL_FROM.items()
        if ai in first and len(first[ai].value) <= length
    ]


@cache
def _matching(pattern: str) -> frozenset[str]:
    """The AIs that a pattern stands for: trailing n is any digit."""
    fixed = pattern.rstrip("n")
    return frozenset(ai for ai in APPLICATION_IDENTIFIERS if ai.startswith(fixed) and len(ai) == len(pattern))


def _compile(entry: ApplicationIdentifier) -> _Rule:
    requires = tuple(
        (
            " or ".join("+".join(group) for group in alternatives),
            tuple(tuple(_matching(pattern) for pattern in group) for group in alternatives),
        )
        for alternatives in entry.requires
    )
    excluded = frozenset[str]().union(*(_matching(pattern) for pattern in entry.excludes))
    return _Rule(requires, excluded - {entry.ai})


_RULES: Mapping[str, _Rule] = {
    ai: _compile(entry) for ai, entry in APPLICATION_IDENTIFIERS.items() if entry.requires or entry.excludes
}
