"""Which agreement, in which version, an event is judged by; and which agreements contradict each other.

Pure: it must not read the store or a clock. An event is judged by the version in force at its eventTime.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from traceward.epcis.times import DAY_US
from traceward.ledger.agreement_terms import AgreementTerms, Price, ProductLine

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_GLN_LINK: Final = "https://id.gs1.org/414/"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a version for which side (a party id), and when."""

    party: str
    principal: str
    signed_us: int


def agreement_key(agreement_id: str, parties: Iterable[str]) -> str:
    """What an agreement is known by: its id and both its parties. Others may use the same id, and learn nothing by it.

    >>> agreement_key("urn:a:1", ("https://id.gs1.org/417/2", "https://id.gs1.org/417/1"))
    'urn:a:1 https://id.gs1.org/417/1 https://id.gs1.org/417/2'
    """
    return " ".join((agreement_id, *sorted(parties)))


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of an agreement. In force from its first day on, once both parties have signed.

    version: from 1. signatures: at most one for each party. ended_on: the last day, where it was ended early.
    """

    terms: AgreementTerms
    version: int
    proposed_by: str
    proposed_us: int
    signatures: tuple[Signature, ...] = ()
    ended_on: date | None = None

    @property
    def is_signed(self) -> bool:
        """Whether both parties have signed."""
        return {one.party for one in self.signatures} >= {self.terms.supplier, self.terms.hospital}

    @property
    def signed_us(self) -> int | None:
        """When the second of both signatures was given, None before that."""
        return max(one.signed_us for one in self.signatures) if self.is_signed else None

    @property
    def parties(self) -> frozenset[str]:
        """Both party ids."""
        return frozenset({self.terms.supplier, self.terms.hospital})

    @property
    def key(self) -> str:
        """What the agreement, in all its versions, is known by."""
        return agreement_key(self.terms.agreement_id, self.parties)

    @property
    def last_day(self) -> date | None:
        """The last day of validity, None where it is open."""
        days = [day for day in (self.terms.valid_to, self.ended_on) if day is not None]
        return min(days, default=None)

    def is_valid_on(self, day: date) -> bool:
        """Whether the version is signed and covers this day."""
        last = self.last_day
        return self.is_signed and self.terms.valid_from <= day and (last is None or day <= last)

    def line_of(self, gtin: str | None) -> ProductLine | None:
        """The line of a product (14 digits), None where the agreement has none."""
        return next((line for line in self.terms.lines if line.gtin == gtin), None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an event is judged by: the agreement's version in force, and the line of the product."""

    agreement: Agreement
    line: ProductLine


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two agreements that claim the same product at the same place on the same day."""

    one: str
    other: str
    gtin: str
    site: str
    day: date


class AgreementBook:
    """All versions of all agreements, a value. descendants: site -> the places declared below it."""

    def __init__(
        self, agreements: Iterable[Agreement] = (), descendants: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self._versions: defaultdict[str, list[Agreement]] = defaultdict(list)
        for one in agreements:
            self._versions[one.key].append(one)
        for versions in self._versions.values():
            versions.sort(key=lambda one: one.version)
        self._descendants = {site: frozenset(places) for site, places in (descendants or {}).items()}
        self._keys_of_pair: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for key, versions in sorted(self._versions.items()):
            for pair in sorted({(one.terms.supplier, one.terms.hospital) for one in versions}):
                self._keys_of_pair[pair].append(key)
        self._begun: dict[tuple[str, str], date] = {}
        for one in self:
            if one.is_signed:
                pair = (one.terms.supplier, one.terms.hospital)
                self._begun[pair] = min(one.terms.valid_from, self._begun.get(pair, date.max))
        self._by_pair: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        for key, versions in self._versions.items():
            lines = {
                (one.terms.supplier, one.terms.hospital, line.gtin) for one in versions for line in one.terms.lines
            }
            for line_key in lines:
                self._by_pair[line_key].append(key)

    def __iter__(self) -> Iterator[Agreement]:
        return iter([one for versions in self._versions.values() for one in versions])

    def versions(self, key: str) -> list[Agreement]:
        """Every version of an agreement, the oldest first. key: `Agreement.key`."""
        return list(self._versions.get(key, ()))

    def named(self, agreement_id: str, party: str) -> list[list[Agreement]]:
        """The versions of each agreement of an id to which a party is a side, by its partner."""
        found = [versions for versions in self._versions.values() if versions[0].terms.agreement_id == agreement_id]
        return sorted((one for one in found if party in one[0].parties), key=lambda one: one[0].key)

    def in_force(self, key: str, at_us: int) -> Agreement | None:
        """The newest signed version that covers the day of this time. key: `Agreement.key`."""
        day = day_of(at_us)
        valid = [one for one in self._versions.get(key, ()) if one.is_valid_on(day)]
        return valid[-1] if valid else None

    def all_in_force(self, at_us: int) -> list[Agreement]:
        """The version in force of each agreement that has one, by id."""
        found = (self.in_force(key, at_us) for key in sorted(self._versions))
        return [one for one in found if one is not None]

    def of_pair(self, supplier: str, hospital: str, at_us: int) -> list[Agreement]:
        """The version in force of each agreement of a supplier with a hospital, by id."""
        found = (self.in_force(key, at_us) for key in self._keys_of_pair.get((supplier, hospital), ()))
        return [one for one in found if one is not None]

    def pairs(self) -> list[tuple[str, str]]:
        """Every (supplier, hospital) that has signed an agreement at some time."""
        signed = {(one.terms.supplier, one.terms.hospital) for one in self if one.is_signed}
        return sorted(signed)

    def versions_of_pair(self, supplier: str, hospital: str) -> list[Agreement]:
        """Every signed version of every agreement of the pair, whenever it is in force."""
        keys = self._keys_of_pair.get((supplier, hospital), ())
        return [one for key in keys for one in self._versions[key] if one.is_signed]

    def judge(self, supplier: str, hospital: str, gtin: str | None, place: str | None, at_us: int) -> Judgement | None:
        """What covers a product of `supplier` at `hospital` at that time; None is off-agreement.

        place: SGLN, or None where the goods are on their way: then any site counts.
        """
        for key in self._by_pair.get((supplier, hospital, gtin or ""), ()):
            agreement = self.in_force(key, at_us)
            line = agreement.line_of(gtin) if agreement is not None else None
            if agreement is not None and line is not None and (place is None or self.covers(agreement, place)):
                return Judgement(agreement, line)
        return None

    def judge_use(
        self, supplier: str, hospital: str, gtin: str | None, place: str | None, at_us: int, *, named: str | None
    ) -> Judgement | None:
        """What covers a use: the agreement that its event names where it has the product, else as `judge` says."""
        key = agreement_key(named, {supplier, hospital}) if named is not None else None
        agreement = self.in_force(key, at_us) if key is not None else None
        if agreement is not None:
            line = agreement.line_of(gtin)
            if line is not None:
                return Judgement(agreement, line)
        return self.judge(supplier, hospital, gtin, place, at_us)

    def has_begun(self, supplier: str, hospital: str, at_us: int) -> bool:
        """Whether the pair's first agreement had begun by then, in force still or not."""
        first = self._begun.get((supplier, hospital))
        return first is not None and first <= day_of(at_us)

    def below(self, site: str) -> frozenset[str]:
        """The places that master data has below a site."""
        return self._descendants.get(site, frozenset())

    def covers(self, agreement: Agreement, place: str) -> bool:
        """Whether a place is one of the agreement's sites or lies below one."""
        return any(self.is_below(place, site) for site in agreement.terms.sites)

    def overlaps(self, new: Agreement) -> list[Overlap]:
        """Other agreements that claim a product of `new` at one of its sites, in the version in force on that day."""
        found = []
        for key, versions in sorted(self._versions.items()):
            if key == new.key:
                continue
            for day in self._days_of_change(new, versions):
                old = self.in_force(key, start_of(day))
                if old is not None and (clash := self._clash(new, old, day)) is not None:
                    found.append(clash)
                    break
        return found

    def _days_of_change(self, new: Agreement, versions: Iterable[Agreement]) -> list[date]:
        """The days of `new` on which another version of the other agreement may be in force than the day before."""
        first, last = new.terms.valid_from, new.last_day
        days = {first}
        for one in versions:
            days.add(one.terms.valid_from)
            if one.last_day is not None and one.last_day < date.max:
                days.add(one.last_day + timedelta(days=1))
        return sorted(day for day in days if first <= day and (last is None or day <= last))

    def _clash(self, new: Agreement, old: Agreement, day: date) -> Overlap | None:
        if (new.terms.supplier, new.terms.hospital) != (old.terms.supplier, old.terms.hospital):
            return None
        shared = sorted({line.gtin for line in new.terms.lines} & {line.gtin for line in old.terms.lines})
        sites = [
            mine if self.is_below(mine, theirs) else theirs
            for mine in new.terms.sites
            for theirs in old.terms.sites
            if self.is_below(mine, theirs) or self.is_below(theirs, mine)
        ]
        if not shared or not sites:
            return None
        return Overlap(new.terms.agreement_id, old.terms.agreement_id, shared[0], sites[0], day)

    def places_below(self, site: str) -> list[str]:
        """A place and those that master data declares below it, in order."""
        return sorted({site, *self._descendants.get(site, ())})

    def is_below(self, place: str | None, site: str) -> bool:
        """Whether a place is a site, or lies below it by its identifier or by master data."""
        if place is None:
            return False
        if place == site or place in self._descendants.get(site, ()):
            return True
        return site.startswith(_GLN_LINK) and "/254/" not in site and place.startswith(f"{site}/254/")


def day_of(time_us: int) -> date:
    """The day in UTC of a time in microseconds since 1970; the calendar's own first or last for times beyond it.

    >>> day_of(end_of(date.max)), day_of(end_of(date.max) + 1)
    (datetime.date(9999, 12, 31), datetime.date(9999, 12, 31))
    """
    return date.fromordinal(min(max(_EPOCH_DAY + time_us // DAY_US, 1), date.max.toordinal()))


def start_of(day: date) -> int:
    """The first microsecond of a day in UTC."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_US


def end_of(day: date) -> int:
    """The last microsecond of a day in UTC."""
    return start_of(day) + DAY_US - 1


def price_on(line: ProductLine, day: date) -> Price | None:
    """The price of one each on a day: of those valid, the one that began last."""
    valid = [
        one
        for one in line.prices
        if (one.valid_from is None or one.valid_from <= day) and (one.valid_to is None or day <= one.valid_to)
    ]
    return max(valid, key=lambda one: one.valid_from or date.min, default=None)


def tolerated(agreement: Agreement, book_quantity: Decimal) -> Decimal:
    """How many units of what a count misses nobody pays: of a percentage the whole units, a part of one is none."""
    loss = agreement.terms.loss
    part = (book_quantity * loss.tolerance_percent / 100).to_integral_value(ROUND_FLOOR)
    return max(Decimal(loss.tolerance_units), part)
