"""The organisations that the ledger knows, and whose place or make an identifier is.

It must not guess: an identifier that no registered company prefix or GLN covers belongs to nobody.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from traceward.ledger.facts import GS1

# Primary key AI -> digits to pass over before the GS1 Company Prefix starts.
# GTIN: indicator digit; SSCC: extension digit; GRAI: its leading zero. GS1 General Specifications 3.2-3.3, 3.9.
_BEFORE_PREFIX = {
    "01": 1,
    "00": 1,
    "8003": 1,
    "8004": 0,
    "414": 0,
    "417": 0,
    "253": 0,
    "255": 0,
    "401": 0,
    "402": 0,
    "8010": 0,
    "8017": 0,
    "8018": 0,
}


class Party(NamedTuple):
    """An organisation. id: canonical PGLN. company_prefixes: GS1 Company Prefixes. glns: GLNs it owns besides.

    consignees: ids of the parties that hold its goods by agreement, whether or not an event has proven it yet.
    """

    id: str
    name: str = ""
    company_prefixes: tuple[str, ...] = ()
    glns: tuple[str, ...] = ()
    consignees: tuple[str, ...] = ()


class Parties:
    """The registry of organisations, a value: to add a party, make another registry.

    agreed: the pairs (owner, consignee) that have agreed on consignment.
    """

    def __init__(self, parties: Iterable[Party] = ()) -> None:
        self._parties = {party.id: party for party in parties}
        self.agreed = frozenset((party.id, one) for party in self._parties.values() for one in party.consignees)
        self._by_gln = {gln: party.id for party in self._parties.values() for gln in party.glns}
        self._by_gln.update({_digits(party.id): party.id for party in self._parties.values()})
        self._by_prefix = {prefix: party.id for party in self._parties.values() for prefix in party.company_prefixes}
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)
        self._owner_of_digits = lru_cache(maxsize=65536)(self._longest_prefix)
        self._place = lru_cache(maxsize=65536)(self._find_party_of_place)

    def __iter__(self) -> Iterator[Party]:
        return iter(self._parties.values())

    def __contains__(self, party: object) -> bool:
        return party in self._parties

    def name_of(self, party: str) -> str:
        """The party's name, or its identifier where it has none or is unknown."""
        known = self._parties.get(party)
        return known.name if known is not None and known.name else party

    def party_of_place(self, place: str | None) -> str | None:
        """The registered party to which a place (SGLN) or party identifier (PGLN) belongs, else None."""
        return self._place(place) if place is not None else None

    def spans_of(self, party: str) -> tuple[tuple[str, str], ...]:
        """(first, end) of the identifiers among which a party's places and its own identifier lie, sorted and apart.

        Some in them may be another's, whose company prefix is longer: `party_of_place` knows.
        """
        glns = {gln for gln, owner in self._by_gln.items() if owner == party}
        prefixes = {prefix for prefix, owner in self._by_prefix.items() if owner == party}
        starts = {
            start for start in glns | prefixes if not any(start != one and start.startswith(one) for one in prefixes)
        }
        return tuple((f"{GS1}{ai}/{start}", f"{GS1}{ai}/{start}:") for ai in ("414", "417") for start in sorted(starts))

    def maker_of(self, item: str) -> str | None:
        """The registered party whose company prefix the item, class or container identifier carries, else None."""
        if not self._lengths or not item.startswith(GS1):
            return None
        ai, _, rest = item[19:].partition("/")
        skipped = _BEFORE_PREFIX.get(ai)
        return self._owner_of_digits(rest[skipped : skipped + 12]) if skipped is not None else None

    def _find_party_of_place(self, place: str) -> str | None:
        if place in self._parties:
            return place
        if not place.startswith((GS1 + "414/", GS1 + "417/")):
            return None
        gln = _digits(place)
        return self._by_gln.get(gln) or self._longest_prefix(gln)

    def _longest_prefix(self, digits: str) -> str | None:
        return next(
            (party for length in self._lengths if (party := self._by_prefix.get(digits[:length])) is not None), None
        )


def _digits(identifier: str) -> str:
    return identifier[23:].partition("/")[0] if identifier.startswith(GS1) else identifier
