"""Master data as one caller may read it, and the values that the caller's events name.

An element is read by the party that declared it, and by those with whom that party deals who see an event that names
it: the vocabulary of the caller's own index rows says so. Dealing is what the declarer has agreed to, or has shown by
handing its goods over; an event of the caller's own making opens nobody's declarations.
Nothing here ever lists what the caller may not see, nor takes longer for it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import orjson

from traceward.epcis.errors import QueryTooComplexException
from traceward.epcis.master_data import product_of
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.store.compile import VisibleTo
from traceward.store.connection import Row
from traceward.store.master_data_rows import ElementPage, ElementRow, VersionRow
from traceward.store.terms import VOCABULARY_KINDS, Pair

_LAST: Final = "\U0010ffff"
_WALKED: Final = 1000
_PRODUCTS_WALKED: Final = 200
#: Rows of the hierarchy that one level of a search may read.
_MOST_CHILDREN: Final = 20_000
_PRODUCTS: Final = f"{CANONICAL_STEM}/01/"
_PRODUCT_END: Final = len(_PRODUCTS) + 14

#: Field of HASATTR_ and EQATTR_ -> the vocabularies that hold its ids, each with the keys of its index terms; a key
#: that ends with a colon stands for every type.
_FIELD_SOURCES: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "readPoint": (("readPoints", ("readPoint",)),),
    "bizLocation": (("bizLocations", ("bizLocation",)),),
    "bizTransaction": (("bizTransactions", ("bizTransaction:",)),),
    "epcClass": (("epcClasses", ("epcClass", "inputEPCClass", "outputEPCClass")),),
    "source": (("named", ("source:",)),),
    "destination": (("named", ("destination:",)),),
    "sourceDest": (("named", ("source:", "destination:")),),
    "location": (
        ("readPoints", ("readPoint",)),
        ("bizLocations", ("bizLocation",)),
        ("named", ("source:location", "destination:location")),
    ),
    "party": (
        (
            "named",
            (
                "source:owning_party",
                "source:possessing_party",
                "destination:owning_party",
                "destination:possessing_party",
            ),
        ),
    ),
    "microorganism": (("named", ("microorganism",)),),
    "chemicalSubstance": (("named", ("chemicalSubstance",)),),
    "resource": (("named", ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules")),),
}
#: Vocabularies whose entries carry the key of their term.
_WITH_KEYS: Final = frozenset({"named", "bizTransactions"})
_PLAIN_KINDS: Final = ("bizLocations", "readPoints", "epcClasses", "epcs")

_COLUMNS: Final = "party, id, vtype, version, record_time_us, name, content"
_OWN: Final = f"SELECT {_COLUMNS} FROM master_data WHERE party=? AND (id, vtype) > (?,?) ORDER BY id, vtype LIMIT ?"  # noqa: S608
_BY_ID: Final = f"SELECT {_COLUMNS} FROM master_data WHERE id IN {{in}}"  # noqa: S608
_VERSIONS: Final = (
    "SELECT version, record_time_us, captured_by, job, content FROM master_data_version"
    " WHERE party=? AND id=? AND vtype=? ORDER BY version"
)
_OWN_CHILDREN: Final = f"SELECT child FROM master_data_child WHERE party=? AND parent IN {{in}} LIMIT {_MOST_CHILDREN}"  # noqa: S608
_CHILDREN: Final = f"SELECT party, child FROM master_data_child WHERE parent IN {{in}} LIMIT {_MOST_CHILDREN}"  # noqa: S608
_ATTRIBUTES: Final = "SELECT party, id, value FROM master_data_attribute WHERE name=? AND id IN {in}"
_OWN_ID: Final = "SELECT id FROM organisation WHERE number=?"
_AGREED: Final = "SELECT number, profile FROM organisation WHERE number=? OR profile LIKE ?"
_NUMBERS: Final = "SELECT number FROM organisation WHERE id IN {in}"
_HANDED: Final = (
    "SELECT organisation.number FROM relation JOIN organisation ON organisation.id = relation.owner"
    " WHERE relation.consignee=?"
)
_LISTED: Final = "SELECT value FROM vocabulary WHERE viewer=? AND kind=? AND value IN {in}"
_BEGINS: Final = (
    "SELECT value FROM vocabulary WHERE viewer=? AND kind=? AND value>=? AND value<? ORDER BY value LIMIT 1"
)


class Reads(Protocol):
    """What is used of a `read.Reader`."""

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement."""

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement with a list."""

    def vocabulary(self, kind: str, viewers: VisibleTo, *, after: str = "", limit: int) -> list[str]:
        """Values of a vocabulary of the viewers."""


class CallerMasterData:
    """The master data that one caller may see; what `epcis.master_data.resolved` asks.

    viewers: those of the caller; the organisation's own declarations are read by each of its viewers.
    """

    def __init__(self, reader: Reads, viewers: VisibleTo) -> None:
        self._reader = reader
        self._viewers = sorted(viewers)
        self._parties = sorted({viewer // 2 for viewer in viewers})
        self._told: frozenset[int] | None = None

    # ------------------------------------------------------------------ of a query

    def children(self, ids: Collection[str]) -> set[str]:
        """The direct children of elements of these ids that the caller may see."""
        found: set[str] = set()
        for party in self._parties:
            found.update(child for (child,) in self._children(_OWN_CHILDREN, ids, (party,)))
        named = self.named_by_events(ids)
        if named:
            found.update(child for party, child in self._children(_CHILDREN, named, ()) if self._may_read(party))
        return found

    def carrying(self, ids: Collection[str], names: Collection[str], values: Collection[str] | None) -> set[str]:
        """Those of these ids, named by events of the caller, that have one of the attributes, of one of the values."""
        return {
            identifier
            for name in names
            for party, identifier, value in self._reader.fetch_in(_ATTRIBUTES, ids, (name,))
            if (values is None or value in values) and self._may_read(party)
        }

    def named(self, field: str, most: int) -> set[Pair]:
        """The index pairs that the caller's events have in a field."""
        found: set[Pair] = set()
        for kind, keys in _FIELD_SOURCES[field]:
            for value in self._walk(kind):
                if kind in _WITH_KEYS:
                    identifier, _, key = value.rpartition("\t")
                    if any(key == one or (one[-1] == ":" and key.startswith(one)) for one in keys):
                        found.add((key, identifier))
                else:
                    found.update((key, value) for key in keys)
                if len(found) > most * len(keys):
                    raise QueryTooComplexException(f"the events name more than {most} values in the field {field}")
        return found

    # ------------------------------------------------------------------ of lists

    def by_id(self, ids: Collection[str]) -> list[ElementRow]:
        """The elements of these ids that the caller may see, by (id, vocabulary, party)."""
        every = _by_key(ElementRow(*row) for row in self._reader.fetch_in(_BY_ID, ids))
        rows = [row for row in every if self._may_read(row.party)]
        # A page of stock names a thousand things, few of which others have declared: only those need be looked up.
        named = self.named_by_events({row.id for row in rows if row.party not in self._parties})
        return [row for row in rows if row.party in self._parties or row.id in named]

    def page(self, after: tuple[str, str], limit: int) -> ElementPage:
        """About `limit` elements, of all that the caller may see, behind a (id, vocabulary)."""
        chunk = max(limit, _WALKED)
        own: list[ElementRow] = []
        ends: list[tuple[str, str]] = []
        for party in self._parties:
            rows = [ElementRow(*row) for row in self._reader.fetch(_OWN, (party, *after, chunk))]
            own += rows
            if len(rows) == chunk:
                ends.append((rows[-1].id, rows[-1].vtype))
        named, end = self._named_ids(after[0], chunk)
        if end is not None:
            ends.append((end, _LAST))
        every = (ElementRow(*row) for row in self._reader.fetch_in(_BY_ID, named))
        others = (row for row in every if self._may_read(row.party))
        found = [*own, *(row for row in others if row.party not in self._parties and (row.id, row.vtype) > after)]
        horizon = min(ends, default=None)
        reached = [row for row in _by_key(found) if horizon is None or (row.id, row.vtype) <= horizon]
        taken = reached[:limit]
        if len(reached) <= limit:
            return ElementPage(taken, horizon)
        last = (taken[-1].id, taken[-1].vtype)
        # What several parties declare under one key stays together.
        taken += [row for row in reached[limit:] if (row.id, row.vtype) == last]
        return ElementPage(taken, last)

    def own(self) -> Iterator[ElementRow]:
        """Every element that the caller's own organisation has declared, by (id, vocabulary)."""
        for party in self._parties:
            after = ("", "")
            while rows := self._reader.fetch(_OWN, (party, *after, _WALKED)):
                yield from (ElementRow(*row) for row in rows)
                after = (rows[-1][1], rows[-1][2])

    def versions(self, party: int, identifier: str, vtype: str) -> list[VersionRow]:
        """Every version of one element, the oldest first; the element must be one that the caller may see."""
        return [VersionRow(*row) for row in self._reader.fetch(_VERSIONS, (party, identifier, vtype))]

    def named_ids(self, after: str, limit: int) -> tuple[list[str], str | None]:
        """Places, products, lots and others that events of the caller name, behind an id; how far, None: to the end."""
        found, end = self._named_ids(after, limit)
        return sorted(one for one in found if one > after), end

    def named_by_events(self, ids: Collection[str]) -> set[str]:
        """Those of these ids that an event of the caller names; a product is named by its lots and items too."""
        found: set[str] = set()
        wanted = set(ids)
        for viewer in self._viewers:
            for kind in _PLAIN_KINDS:
                rows = self._reader.fetch_in(_LISTED, wanted - found, (viewer, VOCABULARY_KINDS[kind]))
                found.update(value for (value,) in rows)
            for identifier in wanted - found:
                if self._begins(viewer, identifier):
                    found.add(identifier)
        return found

    def _begins(self, viewer: int, identifier: str) -> bool:
        kinds = [(kind, "\t") for kind in sorted(_WITH_KEYS)]
        if identifier.startswith(_PRODUCTS) and len(identifier) == _PRODUCT_END:
            kinds += [("epcClasses", "/"), ("epcs", "/")]
        return any(self._first(viewer, kind, identifier + mark, identifier + mark + _LAST) for kind, mark in kinds)

    def _first(self, viewer: int, kind: str, start: str, end: str) -> str | None:
        rows = self._reader.fetch(_BEGINS, (viewer, VOCABULARY_KINDS[kind], start, end))
        return rows[0][0] if rows else None

    def _may_read(self, party: int) -> bool:
        """Whether the caller is one to whom a party's declarations are told at all."""
        if party in self._parties:
            return True
        if self._told is None:
            self._told = frozenset(number for own in self._parties for number in self._partners(own))
        return party in self._told

    def _partners(self, own: int) -> Iterator[int]:
        """The parties that agreed with an own one who consigns to whom, and those that handed goods of theirs to it."""
        for (identifier,) in self._reader.fetch(_OWN_ID, (own,)):
            for number, profile in self._reader.fetch(_AGREED, (own, f'%"{identifier}"%')):
                consignees = orjson.loads(profile).get("consignees", [])
                if number == own:
                    yield from (found for (found,) in self._reader.fetch_in(_NUMBERS, consignees))
                elif identifier in consignees:
                    yield number
            yield from (found for (found,) in self._reader.fetch(_HANDED, (identifier,)))

    def _children(self, sql: str, ids: Iterable[str], params: tuple[int, ...]) -> list[Row]:
        rows = self._reader.fetch_in(sql, ids, params)
        if len(rows) >= _MOST_CHILDREN:
            raise QueryTooComplexException(f"the places asked for have {_MOST_CHILDREN} places or more below them")
        return rows

    def _walk(self, kind: str) -> Iterator[str]:
        after = ""
        while True:
            values = self._reader.vocabulary(kind, VisibleTo(self._viewers), after=after, limit=_WALKED)
            yield from values
            if len(values) < _WALKED:
                return
            after = values[-1]

    def _named_ids(self, start: str, limit: int) -> tuple[set[str], str | None]:
        """The ids from `start` on that events of the caller name, and how far they are complete; None: to the end."""
        found = self.named_by_events([start]) if start else set()
        ends: list[str] = []
        for kind in ("bizLocations", "readPoints", "epcClasses", "named"):
            values = self._reader.vocabulary(kind, VisibleTo(self._viewers), after=start, limit=limit)
            ids = [value.rpartition("\t")[0] if kind in _WITH_KEYS else value for value in values]
            found.update(ids)
            found.update(product for one in ids if (product := product_of(one)) is not None)
            if len(values) == limit:
                ends.append(ids[-1])
        products = list(self._products(start))
        found.update(products)
        if len(products) == _PRODUCTS_WALKED:
            ends.append(products[-1])
        end = min(ends, default=None)
        return {one for one in found if one >= start and (end is None or one <= end)}, end

    def _products(self, start: str) -> Iterator[str]:
        """The first products from about `start` on of the items that events name, stepping over their serials."""
        position = max(start, _PRODUCTS)
        for _ in range(_PRODUCTS_WALKED):
            firsts = [self._first(viewer, "epcs", position, _PRODUCTS + _LAST) for viewer in self._viewers]
            values = [value for value in firsts if value is not None]
            if not values:
                return
            product = min(values)[:_PRODUCT_END]
            yield product
            position = product + "/" + _LAST


def _by_key(rows: Iterable[ElementRow]) -> list[ElementRow]:
    return sorted(rows, key=lambda row: (row.id, row.vtype, row.party))
