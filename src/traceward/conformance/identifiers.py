"""The GS1 identifiers that one run makes for itself, each in both spellings; it must not parse any.

They stand under 9521987, a company prefix of the range that GS1 keeps for demonstrations.
"""

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "9521987"
HOST: Final = "https://id.gs1.org"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier as EPC URN and as GS1 Digital Link."""

    urn: str
    link: str


def sgtin(item: str, serial: str) -> Identifier:
    """An item with a serial. item: five digits."""
    return Identifier(f"urn:epc:id:sgtin:{PREFIX}.0{item}.{serial}", f"{HOST}/01/{_gtin(item)}/21/{serial}")


def lgtin(item: str, lot: str) -> Identifier:
    """A lot of an item. item: five digits."""
    return Identifier(f"urn:epc:class:lgtin:{PREFIX}.0{item}.{lot}", f"{HOST}/01/{_gtin(item)}/10/{lot}")


def sscc(reference: str) -> Identifier:
    """A logistic unit. reference: nine digits."""
    return Identifier(f"urn:epc:id:sscc:{PREFIX}.1{reference}", f"{HOST}/00/{_checked('1' + PREFIX + reference)}")


def sgln(location: str, extension: str) -> Identifier:
    """A place inside a location. location: five digits."""
    key = _checked(PREFIX + location)
    return Identifier(f"urn:epc:id:sgln:{PREFIX}.{location}.{extension}", f"{HOST}/414/{key}/254/{extension}")


def pgln(party: str) -> Identifier:
    """A party. party: five digits."""
    return Identifier(f"urn:epc:id:pgln:{PREFIX}.{party}", f"{HOST}/417/{_checked(PREFIX + party)}")


def giai(reference: str) -> Identifier:
    """An individual asset."""
    return Identifier(f"urn:epc:id:giai:{PREFIX}.{reference}", f"{HOST}/8004/{PREFIX}{reference}")


def _gtin(item: str) -> str:
    return _checked("0" + PREFIX + item)


def _checked(digits: str) -> str:
    """The digits and their check digit: modulo 10, weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"
