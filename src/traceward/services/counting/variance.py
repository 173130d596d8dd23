"""What a count says against the book, supplier by supplier: agreed, missing, found, unexpected, in the wrong place.

Pure: it must not read the store, and it must not change the book: a count is an observation.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from traceward.ledger.facts import class_parts

Kind = Literal["agrees", "missing", "found", "unexpected", "wrong_place", "seen"]
Unit = tuple[str, str | None]
"""(item or class, unit of measure); unit None is each."""


@dataclass(frozen=True, slots=True)
class Read:
    """One label as read: an item, or a class with its quantity and unit. round: 1, or 2 for a recount."""

    item: str
    is_class: bool
    quantity: Decimal
    uom: str | None
    round: int = 1


@dataclass(frozen=True, slots=True)
class Booked:
    """So much of an item that the book has on hand at the place that is counted, loose."""

    item: str
    uom: str | None
    owner: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Scope:
    """What a count is about. is_complete: what it does not see is missing. supplier, gtins: None, () for any."""

    is_complete: bool
    supplier: str | None = None
    gtins: tuple[str, ...] = ()

    def covers(self, supplier: str, item: str) -> bool:
        """Whether the absence of a supplier's item would say something."""
        return (
            self.is_complete
            and self.supplier in (None, supplier)
            and (not self.gtins or class_parts(item)[0] in self.gtins)
        )


@dataclass(frozen=True, slots=True)
class Line:
    """What a count says of one item. places: where the book has it instead (wrong_place).

    seen: less than the book has, in a count that proves no absence; it is no difference.
    """

    item: str
    uom: str | None
    kind: Kind
    booked: Decimal
    counted: Decimal
    places: tuple[str, ...] = ()

    @property
    def difference(self) -> Decimal:
        """Counted less booked, as far as the count proves it."""
        return self.counted - self.booked if self.kind != "seen" else Decimal(0)


@dataclass(slots=True)
class Part:
    """A supplier's part of a count, by item."""

    supplier: str
    lines: list[Line] = field(default_factory=list)

    @property
    def variance(self) -> Decimal:
        """Units by which count and book differ, whichever way."""
        return sum((abs(line.difference) for line in self.lines), Decimal(0))


def counted(reads: Iterable[Read]) -> dict[Unit, Decimal]:
    """How much was seen of each: a serialised item once however often it was read; quantities of a class add up."""
    seen: dict[Unit, Decimal] = {}
    for read in reads:
        key = (read.item, read.uom if read.is_class else None)
        seen[key] = seen.get(key, Decimal(0)) + read.quantity if read.is_class else Decimal(1)
    return seen


def standing_reads(reads: Iterable[Read], recounted: Sequence[str]) -> list[Read]:
    """The reads that stand after a recount: of products counted again, those of the second round alone."""
    again = set(recounted)
    return [read for read in reads if (read.round > 1) == (product_of(read.item) in again)]


def product_of(item: str) -> str:
    """What a recount names: the GTIN of an item or class; the item itself where it has none."""
    return class_parts(item)[0] or item


def parts(
    reads: Iterable[Read],
    book: Iterable[Booked],
    scope: Scope,
    owner_of: Callable[[str], str],
    elsewhere: Mapping[str, Sequence[str]],
) -> list[Part]:
    """The parts of a count, by supplier, lines by item.

    owner_of: whose an item is that the book does not have at the place. elsewhere: item -> the other places where the
    book has it.
    """
    seen = counted(reads)
    booked: defaultdict[tuple[str, Unit], Decimal] = defaultdict(Decimal)
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for row in book:
        booked[row.owner, (row.item, row.uom)] += row.quantity
        owners[row.item].append(row.owner)
    found: dict[str, Part] = {}

    def part(supplier: str) -> Part:
        return found.setdefault(supplier, Part(supplier))

    for (supplier, (item, uom)), quantity in booked.items():
        if (item, uom) not in seen and scope.covers(supplier, item) and quantity > 0:
            part(supplier).lines.append(Line(item, uom, "missing", quantity, Decimal(0)))
    for (item, uom), quantity in seen.items():
        rest = quantity
        listed = sorted(set(owners.get(item, ()))) or [owner_of(item)]
        for number, supplier in enumerate(listed, start=1):
            has = booked.get((supplier, (item, uom)), Decimal(0))
            # Where several own some of a class at the place, what is seen answers their books in turn.
            told = rest if number == len(listed) else min(rest, max(has, Decimal(0)))
            rest -= told
            line = _line(item, uom, has, told, elsewhere.get(item, ()))
            if line.kind == "missing" and not scope.covers(supplier, item):
                line = replace(line, kind="seen")
            part(supplier).lines.append(line)
    for one in found.values():
        one.lines.sort(key=lambda line: (line.item, line.uom or ""))
    return sorted(found.values(), key=lambda one: one.supplier)


def _line(item: str, uom: str | None, booked: Decimal, seen: Decimal, places: Sequence[str]) -> Line:
    if seen == booked:
        return Line(item, uom, "agrees", booked, seen)
    if seen < booked:
        return Line(item, uom, "missing", booked, seen)
    if booked > 0:
        return Line(item, uom, "found", booked, seen)
    if places:
        return Line(item, uom, "wrong_place", booked, seen, tuple(places))
    return Line(item, uom, "unexpected", booked, seen)
