"""Checks of one AI's value against its components: alphabet, length and linters, compiled once from the AI table.

This module must not look at other AIs: see associations.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from traceward.gs1.application_identifiers import APPLICATION_IDENTIFIERS, ApplicationIdentifier, Component
from traceward.gs1.lint_error import LintError
from traceward.gs1.linters import LINTERS, Linter, cset39, cset64, cset82, digits

_ALPHABET_LINTERS: Mapping[str, Linter] = {"digits": digits, "cset82": cset82, "cset39": cset39, "cset64": cset64}
# What the pattern of an AI already proves for a component of digits long enough, so that it is not asked again.
_PROVED_BY_DIGITS = {"gcppos1": 4, "gcppos2": 5}


@dataclass(frozen=True, slots=True)
class ValueRule:
    """The compiled rules of one AI. checks: (start, end, linter) of the value; end None = to its end."""

    ai: str
    title: str
    longest: int
    is_predefined_length: bool
    is_fixed_length: bool
    fits: Callable[[str], object | None]
    checks: tuple[tuple[int, int | None, Linter], ...]
    components: tuple[Component, ...]


def first_fault(rule: ValueRule, value: str) -> LintError | None:
    """The first fault of an AI's value, its position counted from the start of the value; None when it is sound.

    >>> first_fault(VALUE_RULES["17"], "271331")
    LintError(code='illegal_month', position=2, length=2)
    """
    if rule.fits(value):
        for start, end, lint in rule.checks:
            fault = lint(value[start:end]) if start < len(value) else None
            if fault is not None:
                return LintError(fault.code, start + fault.position, fault.length)
        return None
    return _fault_by_component(rule, value)


def _fault_by_component(rule: ValueRule, value: str) -> LintError:
    """Why the value does not fit the pattern of its AI, told component by component."""
    start = 0
    for part in rule.components:
        text = value[start : start + part.longest]
        if not text and part.is_optional:
            break
        fault = _ALPHABET_LINTERS[part.alphabet](text)
        if fault is None and len(text) < part.shortest:
            return LintError("value_too_short" if value else "value_missing", start, len(text))
        for name in part.linters if fault is None else ():
            fault = fault or LINTERS[name](text)
        if fault is not None:
            return LintError(fault.code, start + fault.position, fault.length)
        start += len(text)
    return LintError("value_too_long", start, len(value) - start)


def _compile(entry: ApplicationIdentifier) -> ValueRule:
    checks: list[tuple[int, int | None, Linter]] = []
    start = 0
    for part in entry.components:
        end = start + part.longest if part is not entry.components[-1] else None
        if part.alphabet == "cset64":
            checks.append((start, end, cset64))
        checks.extend((start, end, LINTERS[name]) for name in part.linters if not _is_proved(part, name))
        start += part.longest
    return ValueRule(
        entry.ai,
        entry.title,
        entry.longest,
        entry.is_predefined_length,
        entry.shortest == entry.longest and not any(part.is_optional for part in entry.components),
        re.compile(entry.value_pattern).fullmatch,
        tuple(checks),
        entry.components,
    )


def _is_proved(part: Component, linter: str) -> bool:
    return part.alphabet == "digits" and part.shortest >= _PROVED_BY_DIGITS.get(linter, part.shortest + 1)


VALUE_RULES: Mapping[str, ValueRule] = {ai: _compile(entry) for ai, entry in APPLICATION_IDENTIFIERS.items()}
