"""The table of GS1 application identifiers: what each AI's value looks like and which AIs it goes with.

This module must not parse symbols; element_string.py does, by this table.

tables/application_identifiers.tsv has one AI, or a range of AIs, a line:
    ai          "01", or "3100-3105"
    title       in our words
    predefined  "yes": its length is predefined, so no FNC1 need follow it
    attribute   "yes": may be a data attribute (query part) of a Digital Link
    components  "digits 13 csum gcppos1; cset82 1-17 optional": alphabet, length or range, linters; in order
    requires    "00; 02 | 8026": every ';' part must hold; '|' separates alternatives, '+' what must come together,
                a trailing n stands for any digit
    excludes    "255 37": AIs that may not accompany it
    primary_key "alone", or the ordered optional qualifiers "22 10 21 | 235" of a Digital Link key; empty = no key
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

Alphabet = Literal["digits", "cset82", "cset39", "cset64"]
_ALPHABETS: Mapping[str, str] = {
    "digits": "0-9",
    "cset82": "!\"%&'()*+,\\-./0-9:;<=>?A-Z_a-z",
    "cset39": "#\\-/0-9A-Z",
    "cset64": "A-Za-z0-9_=\\-",
}


@dataclass(frozen=True, slots=True)
class Component:
    """One part of an AI's value: `shortest` to `longest` characters of `alphabet`, each linter of `linters` holding."""

    alphabet: Alphabet
    shortest: int
    longest: int
    linters: tuple[str, ...] = ()
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationIdentifier:
    """One AI. `requires`: every item must hold, an item holds when one group has all its AIs (patterns: trailing n).

    qualifiers: None = no Digital Link primary key; () = a key without qualifiers; else its alternative sequences.
    """

    ai: str
    title: str
    is_predefined_length: bool
    is_attribute: bool
    components: tuple[Component, ...]
    requires: tuple[tuple[tuple[str, ...], ...], ...]
    excludes: tuple[str, ...]
    qualifiers: tuple[tuple[str, ...], ...] | None

    @property
    def shortest(self) -> int:
        """The least number of characters that its value has."""
        return sum(part.shortest for part in self.components if not part.is_optional)

    @property
    def longest(self) -> int:
        """The greatest number of characters that its value has."""
        return sum(part.longest for part in self.components)

    @property
    def value_pattern(self) -> str:
        """A regular expression for the alphabet and lengths of its value; linters are not in it."""
        pattern, closing = "", ""
        for part in self.components:
            piece = f"[{_ALPHABETS[part.alphabet]}]{{{part.shortest},{part.longest}}}"
            if part.is_optional:
                pattern, closing = f"{pattern}(?:{piece}", ")?" + closing
            else:
                pattern += piece
        return pattern + closing


def read_table(text: str) -> dict[str, ApplicationIdentifier]:
    """The entries of a table in the format above, ranges spread out, by AI."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    entries: dict[str, ApplicationIdentifier] = {}
    for line in lines[1:]:
        ais, title, predefined, attribute, components, requires, excludes, primary_key = line.split("\t")
        for ai in _spread(ais):
            entries[ai] = ApplicationIdentifier(
                ai,
                title,
                is_predefined_length=predefined == "yes",
                is_attribute=attribute == "yes",
                components=tuple(_component(part) for part in components.split(";")),
                requires=tuple(_alternatives(part) for part in requires.split(";") if part),
                excludes=tuple(excludes.split()),
                qualifiers=_qualifiers(primary_key),
            )
    return entries


def ai_digits(text: str) -> int | None:
    """How many digits the AI at the start of `text` has, by its first two digits; None when no AI starts so.

    >>> ai_digits("3103000195"), ai_digits("0500")
    (4, None)
    """
    return _AI_DIGITS.get(text[:2])


def _spread(ais: str) -> list[str]:
    first, _, last = ais.partition("-")
    return [str(number).zfill(len(first)) for number in range(int(first), int(last or first) + 1)]


def _component(text: str) -> Component:
    words = text.split()
    alphabet, size, linters = words[0], words[1], [word for word in words[2:] if word != "optional"]
    shortest, _, longest = size.partition("-")
    if alphabet not in _ALPHABETS or not re.fullmatch(r"\d+(-\d+)?", size):
        raise ValueError(f"component '{text}'; expected '<alphabet> <length or range> [linter ...] [optional]'")
    kind: Alphabet = alphabet  # type: ignore[assignment]  # checked against the same four names just above
    return Component(kind, int(shortest), int(longest or shortest), tuple(linters), "optional" in words[2:])


def _alternatives(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(group.strip().split("+")) for group in text.split("|"))


def _qualifiers(text: str) -> tuple[tuple[str, ...], ...] | None:
    if not text:
        return None
    return () if text == "alone" else tuple(tuple(sequence.split()) for sequence in text.split("|"))


TABLE_FILE = files("traceward.gs1").joinpath("tables/application_identifiers.tsv")
APPLICATION_IDENTIFIERS: Mapping[str, ApplicationIdentifier] = MappingProxyType(
    read_table(TABLE_FILE.read_text(encoding="utf-8"))
)
_AI_DIGITS = {ai[:2]: len(ai) for ai in APPLICATION_IDENTIFIERS}
