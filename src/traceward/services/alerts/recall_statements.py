"""What recall notices cover of a product and whether they are in force: what the facts for alerts on recalls rest on.

Pure. It must not find events or goods: `facts` gives them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from traceward.ledger.facts import GS1, LedgerEvent, class_parts
from traceward.ledger.serials import within
from traceward.ledger.state import ClassStock, Notice

_RECALLED: Final = "recalled"


@dataclass(frozen=True, slots=True)
class Statement:
    """A recall in force. key: the class, or the one serial, that it is about; eid: of the event that says so.

    items: the serials that it names (canonical), None where it is about the class. serials: the ranges to which it is
    restricted, as on the label; none where it is about all of the class.
    """

    key: str
    time_us: int
    eid: bytes
    serials: tuple[tuple[str, str], ...] = ()
    items: frozenset[str] | None = None

    def covers(self, key: str, lot: str | None) -> bool:
        """Whether it is about an item or class. lot: the item's, percent-encoded."""
        if self.items is not None:
            return key in self.items
        gtin, own_lot, serial = class_parts(key)
        of_gtin, of_lot, _ = class_parts(self.key)
        return gtin == of_gtin and of_lot in (None, lot or own_lot) and within(self.serials, serial)

    def among(self, lots: Mapping[str, str | None]) -> list[str]:
        """Those of these items and classes that it is about. lots: of each its lot, percent-encoded."""
        if self.items is not None:
            return sorted(self.items & lots.keys())
        return [key for key, lot in lots.items() if self.covers(key, lot)]


def of_class(record: ClassStock, heard: Collection[str | None]) -> list[Statement]:
    """The recalls in force on a class: of each extent (all of it, or some ranges), the last that was not taken back.

    heard: the parties whose notices count.
    """
    standing: dict[tuple[tuple[str, str], ...], Notice] = {}
    for one in sorted(record.notices, key=lambda one: (one.time_us, one.eid)):
        if one.party in heard and _RECALLED in one.set_flags:
            standing[one.serials] = one
        elif one.party in heard and _RECALLED in one.unset_flags:
            standing = {extent: other for extent, other in standing.items() if one.serials not in ((), extent)}
    return [Statement(record.key, one.time_us, one.eid, extent) for extent, one in standing.items()]


def of_serials(events: Iterable[LedgerEvent], gtin: str, heard: Collection[str | None]) -> list[Statement]:
    """The recalls in force that name serials of a product, one for each event, without those taken back since."""
    ordered = sorted(events, key=lambda one: (one.event_time_us, one.eid))
    last = _last_words(ordered, heard)
    found = []
    for event in ordered:
        named = [key for key in event.instances if class_parts(key)[0] == gtin]
        items = frozenset(key for key in named if last.get(key) == (event.eid, True))
        if items:
            key = named[0] if len(named) == 1 else f"{GS1}01/{gtin}"
            found.append(Statement(key, event.event_time_us, event.eid, items=items))
    return found


def _last_words(events: Sequence[LedgerEvent], heard: Collection[str | None]) -> Mapping[str, tuple[bytes, bool]]:
    """Of each serial, the last event that says of it that it is recalled (True), or is so no longer."""
    found: dict[str, tuple[bytes, bool]] = {}
    for event in events:
        if not any(party in heard for party in event.captured_by):
            continue
        sets = _RECALLED in event.set_flags or event.disposition == _RECALLED
        if sets or _RECALLED in event.unset_flags:
            found |= dict.fromkeys(event.instances, (event.eid, sets))
    return found
