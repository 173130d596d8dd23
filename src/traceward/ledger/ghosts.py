"""Ghosts: stock that is on the book and that complete counts of its place did not see; and what they found beyond it.

It must not change the book: a count is an observation, and only agreed events answer it. A count without
declared scope proves no absence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from traceward.epcis.epc_patterns import match_value
from traceward.ledger.facts import GS1, PRODUCT_END, LedgerEvent

COMPLETE = "complete"
COUNTING = ("cycle_counting", "stock_taking")
_CLASS = "~class"


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """One complete count of a place. covers: class patterns or identifiers. seen: item or class -> quantity.

    Classes with unit of measure are seen under (class, unit); time_us: microseconds since 1970 UTC.
    """

    eid: bytes
    time_us: int
    place: str
    captors: tuple[str, ...]
    covers: tuple[str, ...]
    seen: Mapping[tuple[str, str | None], Decimal]

    def is_about(self, key: str) -> bool:
        """Whether the count says something of an item or class, be it by its absence."""
        return any(covers(pattern, key) for pattern in self.covers)

    def is_about_product(self, gtin: str) -> bool:
        """Whether the count says something of a product (14 digits) or of some of its lots or serials."""
        product = f"{GS1}01/{gtin}"
        return self.is_about(product) or any(_meets(pattern, product) for pattern in self.covers)


@dataclass(frozen=True, slots=True)
class Absence:
    """So much of an item that counts miss, or find beyond the book (found). eids: of the counts, newest first.

    first_missed_us: the first count of the unbroken row of those that missed it; misses: their number.
    """

    quantity: Decimal
    first_missed_us: int
    misses: int
    eids: tuple[bytes, ...]
    found: bool = False


def place_counts(events: Iterable[LedgerEvent]) -> list[PlaceCount]:
    """The complete counts among events, newest first. Events declared in error must not be among them.

    A count that names no classes as its scope covers the trade items of what it saw, and nothing else.
    """
    counts = []
    for event in events:
        is_count = event.biz_step in COUNTING and event.action == "OBSERVE" and event.count_scope == COMPLETE
        place = event.biz_location or event.read_point
        if not is_count or place is None:
            continue
        seen: dict[tuple[str, str | None], Decimal] = dict.fromkeys(
            ((key, None) for key in event.instances), Decimal(1)
        )
        for key, quantity, uom in event.quantities:
            seen[key, uom] = seen.get((key, uom), Decimal(0)) + (quantity or Decimal(0))
        scope = event.count_gtins or tuple(sorted({key[:PRODUCT_END] for key, _ in seen}))
        counts.append(PlaceCount(event.eid, event.event_time_us, place, event.captured_by, scope, seen))
    return sorted(counts, key=lambda count: (count.time_us, count.eid), reverse=True)


def official_counts(counts: Sequence[PlaceCount], key: str, party: str | None) -> list[PlaceCount]:
    """The counts that decide about an item or class: where its official party has counted it, that party's alone."""
    own = [count for count in counts if party in count.captors and count.is_about(key)]
    return own or list(counts)


def missed_item(key: str, last_seen_us: int, counts: Sequence[PlaceCount]) -> Absence | None:
    """How counts of its place, newest first, missed a serialised item since it was last seen; None where none did."""
    missed = [count for count in counts if count.time_us > last_seen_us and count.is_about(key)]
    missed = [count for count in missed if (key, None) not in count.seen]
    if not missed:
        return None
    return Absence(Decimal(1), missed[-1].time_us, len(missed), tuple(count.eid for count in missed))


def variance(
    key: str, uom: str | None, counts: Sequence[PlaceCount], books: Sequence[Decimal], written_off: Decimal
) -> Absence | None:
    """What counts of its place say of a class against the book; None where the newest agrees with it.

    counts: those about the class, newest first. books: what the book had there at each. written_off: what was agreed
    as lost there since the newest count, which answers it.
    """
    if not counts:
        return None
    differences = [book - count.seen.get((key, uom), Decimal(0)) for count, book in zip(counts, books, strict=True)]
    newest = differences[0] - written_off if differences[0] > 0 else differences[0]
    if newest == 0 or (differences[0] > 0 and newest < 0):
        return None
    row = 1
    while row < len(differences) and differences[row] != 0 and (differences[row] > 0) == (newest > 0):
        row += 1
    eids = tuple(count.eid for count in counts[:row])
    return Absence(abs(newest), counts[row - 1].time_us, row, eids, found=newest < 0)


def _meets(pattern: str, product: str) -> bool:
    """Whether a pattern or identifier stands for items or lots of a product, be it not for all of them."""
    exact, starts, prefixes = _scope(pattern)
    below = f"{product}/"
    return any(one.startswith(below) or below.startswith(one) for one in (*starts, *prefixes)) or any(
        one.startswith(below) for one in exact
    )


@lru_cache(maxsize=4096)
def _scope(pattern: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(identifiers, prefixes of a class's items, prefixes of any item) that a pattern stands for."""
    try:
        pairs, prefixes = match_value(pattern, ("k",), classes=True)
    except ValueError:
        return (), (), ()
    exact = tuple(value for name, value in pairs if not name.endswith(_CLASS))
    starts = tuple(value for name, value in pairs if name.endswith(_CLASS))
    return exact, starts, tuple(prefix.prefix for prefix in prefixes)


def covers(pattern: str, key: str) -> bool:
    """Whether a pattern (urn:epc:idpat:...) or class identifier stands for an item or class.

    >>> covers("urn:epc:idpat:sgtin:9521141.004530.*", "https://id.gs1.org/01/09521141045305/10/LOT77A")
    True
    """
    exact, starts, prefixes = _scope(pattern)
    if key in exact or key.startswith(starts + prefixes):
        return True
    return any(key.startswith(f"{one}/") for one in exact)
