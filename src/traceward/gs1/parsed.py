"""What parsing a symbol gives: element strings and findings, and the forms they can be written in.

This module must not parse; element_string.py does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

from traceward.gs1.application_identifiers import APPLICATION_IDENTIFIERS
from traceward.gs1.digital_link import CANONICAL_STEM, build_digital_link
from traceward.gs1.errors import ElementStringError

GS = "\x1d"  # FNC1 as a separator, as readers transmit it
Severity = Literal["error", "warning"]
Form = Literal["element_string", "bracketed", "digital_link", "key", "hibc", "iccbba", "plain"]


class ElementString(NamedTuple):
    """One AI with its value. position: of the AI in the data, from 0, symbology identifier not counted."""

    ai: str
    value: str
    title: str
    position: int


class Finding(NamedTuple):
    """One thing that is wrong (error) or suspicious (warning) in the data. position: as in ElementString, or None."""

    code: str
    severity: Severity
    message: str
    ai: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedElementStrings:
    """The element strings of one symbol, in order, and all findings about them.

    Elements whose value is at fault are kept: whoever looks something up may still use them, whoever captures asks
    `is_valid` first. form: how the data was written; data: the data without its symbology identifier.
    """

    elements: tuple[ElementString, ...]
    findings: tuple[Finding, ...] = ()
    symbology_identifier: str | None = None
    form: Form = "element_string"
    data: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether there are element strings and no finding is an error."""
        return bool(self.elements) and not any(finding.severity == "error" for finding in self.findings)

    def value(self, ai: str) -> str | None:
        """The value of the first element string with this AI, or None."""
        return next((element.value for element in self.elements if element.ai == ai), None)

    def raise_if_invalid(self) -> Self:
        """Itself when valid; else raises ElementStringError for the first error."""
        for finding in self.findings:
            if finding.severity == "error":
                raise ElementStringError(finding.message, code=finding.code, position=finding.position)
        if not self.elements:
            raise ElementStringError("no element strings; expected at least one AI with a value", code="empty")
        return self

    def to_bracketed(self) -> str:
        r"""The element strings with AIs in brackets (human readable form); '(' in a value becomes '\\('."""
        return "".join(f"({ai}){value.replace('(', chr(92) + '(')}" for ai, value, _, _ in self.elements)

    def to_element_string(self) -> str:
        """The data as a GS1 symbol carries it: GS (0x1D) after each value of no predefined length, but the last."""
        text = ""
        for element in self.elements:
            entry = APPLICATION_IDENTIFIERS[element.ai]
            text += element.ai + element.value + ("" if entry.is_predefined_length else GS)
        return text.removesuffix(GS)

    def to_digital_link(self, stem: str = CANONICAL_STEM) -> str:
        """A Digital Link with everything in it: key, qualifiers, and the rest as query. Raises DigitalLinkError."""
        return build_digital_link(((element.ai, element.value) for element in self.elements), stem)


def join_symbols(symbols: Iterable[ParsedElementStrings]) -> ParsedElementStrings:
    """The element strings of several symbols on one item as one, equal ones once, with all findings.

    `check_associations` of the result judges the item. Positions keep counting within each symbol. The symbology
    identifier and form are those of the first symbol.
    """
    given = tuple(symbols)
    elements: dict[tuple[str, str], ElementString] = {}
    for symbol in given:
        for element in symbol.elements:
            elements.setdefault((element.ai, element.value), element)
    findings = tuple(finding for symbol in given for finding in symbol.findings)
    first = given[0] if given else ParsedElementStrings(())
    data = " ".join(symbol.data for symbol in given)
    return ParsedElementStrings(tuple(elements.values()), findings, first.symbology_identifier, first.form, data)
