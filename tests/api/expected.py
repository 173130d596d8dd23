"""What each role is to be told of the planted events, surface by surface: worked out from domain.md 4.1, 5 and 7 alone.

An oracle: it must not import anything of the server. Items are told by their tokens, as `ZCAH3`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from . import planted
from .planted import (
    BY_CARRIER,
    CORDIA,
    CORDIA_ALONE,
    CORDIA_AND_HOSPITAL,
    HOSPITAL_ALONE,
    NORTHGATE,
    OWNERS,
    RIVAL,
    RIVAL_ALONE,
    RIVAL_AND_HOSPITAL,
    Planted,
)
from .roles import Role

Told = set[str]
_PARTNERSHIPS: Final = (CORDIA_AND_HOSPITAL, RIVAL_AND_HOSPITAL)


@dataclass(frozen=True)
class World:
    """The planted events, by item: which flows each item went through."""

    events: list[Planted]
    flows: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    marks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, events: list[Planted]) -> "World":
        """The world after these events."""
        made = cls(events)
        for one in events:
            made.flows[one.item].add(one.flow)
            made.marks[one.item] = one.mark
        return made

    def items(self, *marks: str, having: Iterable[str] = (), lacking: Iterable[str] = ()) -> Told:
        """The items of these marks that went through every flow of `having` and none of `lacking`."""
        return {
            item
            for item, mark in self.marks.items()
            if mark in marks and self.flows[item].issuperset(having) and self.flows[item].isdisjoint(lacking)
        }


def partnerships(role: Role) -> tuple[str, ...]:
    """The marks of consigned goods in which the role's organisation has a part."""
    return tuple(mark for mark in _PARTNERSHIPS if role.organisation in (NORTHGATE, OWNERS[mark]))


# ---------------------------------------------------------------------------------- events and their vocabularies


def event_ids(role: Role, world: World) -> Told:
    """The eventIDs of the events that the role may see."""
    return {one.event["eventID"] for one in world.events if role.may_see(one)}


def event_items(role: Role, world: World) -> Told:
    """The items that those events name."""
    return {one.item for one in world.events if role.may_see(one)}


def named(key: str) -> Callable[[Role, World], Told]:
    """The values of a field of those events; of a place its id."""

    def values(role: Role, world: World) -> Told:
        found = (one.event.get(key) for one in world.events if role.may_see(one))
        return {one["id"] if isinstance(one, dict) else one for one in found if one is not None}

    return values


# --------------------------------------------------------------------------------------------- what the ledger says


def in_stock(role: Role, world: World) -> Told:
    """Items that the organisation owns, holds or is being sent, and that are not used up (domain.md 4.1)."""
    if not role.trades:
        return world.items(BY_CARRIER)
    found: Told = set()
    alone = {CORDIA: CORDIA_ALONE, RIVAL: RIVAL_ALONE, NORTHGATE: HOSPITAL_ALONE}.get(role.organisation or "")
    if alone:
        found |= world.items(alone)
    if role.organisation == CORDIA:
        found |= world.items(BY_CARRIER)
    return found | consigned(role, world)


def consigned(role: Role, world: World) -> Told:
    """Items of a supplier that lie at the hospital."""
    return world.items(*partnerships(role), having=("receive",), lacking=("use",)) if role.trades else set()


def used(role: Role, world: World) -> Told:
    """Items whose use made them the hospital's."""
    return world.items(*partnerships(role), having=("use",)) if role.trades else set()


def used_twice(role: Role, world: World) -> Told:
    """Items of which a second use was told."""
    return world.items(*partnerships(role), having=("use_again",)) if role.trades else set()


def received(role: Role, world: World) -> Told:
    """Items that the hospital received."""
    return world.items(*partnerships(role), having=("receive",)) if role.trades else set()


def recalled(role: Role, world: World) -> Told:
    """Items of which the maker gave notice: for him, and for who has them."""
    return world.items(*partnerships(role), having=("recall",)) if role.trades else set()


def at_shelf(mark: str) -> Callable[[Role, World], Told]:
    """Of a list, what concerns the hospital's shelf of that partnership."""
    return lambda role, world: {item for item in consigned(role, world) if world.marks[item] == mark}


def received_at(mark: str) -> Callable[[Role, World], Told]:
    """Of the receipts, those at the hospital's shelf of that partnership."""
    return lambda role, world: {item for item in received(role, world) if world.marks[item] == mark}


def declared(role: Role, world: World) -> Told:
    """What each party declared of its own places."""
    del world
    return {
        f"{mark}0"
        for mark, party in ((CORDIA_ALONE, CORDIA), (RIVAL_ALONE, RIVAL), (HOSPITAL_ALONE, NORTHGATE))
        if role.organisation == party
    }


def queries(role: Role, world: World) -> Told:
    """The named queries of those of the organisation who read the same events as whoever made them.

    Suppliers made theirs in the role that may keep private events, the hospital in one that may not.
    """
    same = role.role == "supplier" if role.organisation in (CORDIA, RIVAL) else not role.private
    return declared(role, world) if same else set()


def event_types(role: Role, world: World) -> Told:
    """The standard's own types, which tell nothing of anybody's events."""
    del role, world
    return {f"{kind}Event" for kind in ("Object", "Aggregation", "Association", "Transaction", "Transformation")}


# ------------------------------------------------------------------------------------------------------- surfaces

Reading = Callable[[Any], Told]


@dataclass(frozen=True)
class Surface:
    """A list of the interface, and what each role is to find in it.

    rows: where the list stands in the answer's JSON, None for an answer that is searched as text. whole: rows are
    compared as they stand, else by the tokens of items. kind: only rows of that kind. trade: 403 for carriers.
    rest: further paths, whose lists go with that of the first.
    """

    path: str
    expected: Callable[[Role, World], Told]
    rows: str | None = None
    whole: bool = False
    kind: str | None = None
    trade: bool = False
    accept: str = ""
    rest: tuple[str, ...] = ()


def _shelf(mark: str) -> str:
    return quote(planted.place(mark, NORTHGATE), safe="")


_PERIOD: Final = "from=2026-01-01&to=2026-12-31"
_MOVEMENTS: Final = [f"/reports/movements?from=2026-{month:02}-01&to=2026-{month + 1:02}-01" for month in range(1, 12)]
"""Month by month, as a hospital books them: a year of it is more than one answer holds."""
SURFACES: Final[dict[str, Surface]] = {
    "epcs": Surface("/epcis/epcs?perPage=1000", event_items),
    "places of events": Surface("/epcis/bizLocations?perPage=1000", named("bizLocation"), "member", whole=True),
    "read points": Surface("/epcis/readPoints?perPage=1000", named("readPoint"), "member", whole=True),
    "business steps": Surface("/epcis/bizSteps", named("bizStep"), "member", whole=True),
    "dispositions": Surface("/epcis/dispositions", named("disposition"), "member", whole=True),
    "event types": Surface("/epcis/eventTypes", event_types, "member", whole=True),
    "stock": Surface("/consignment/stock?perPage=1000", in_stock, "items"),
    "transfers of ownership": Surface("/consignment/ownership-transfers?perPage=1000", used, "transfers"),
    "conflicts": Surface("/consignment/conflicts?perPage=1000", used_twice, "conflicts", kind="consumed_twice"),
    "uses": Surface("/usage?perPage=1000", used, "uses", trade=True),
    "expiring": Surface("/trace/expiring?days=3660", consigned, "items"),
    "recalls": Surface("/recalls", recalled, "recalls"),
    "late uses (alerts)": Surface("/alerts?kind=usage_late&perPage=1000", used, "alerts", kind="usage_late"),
    "deliveries (FHIR)": Surface(
        f"/fhir/SupplyDelivery?location={_shelf(CORDIA_AND_HOSPITAL)}&_count=200", received_at(CORDIA_AND_HOSPITAL)
    ),
    "shelf (FHIR)": Surface(f"/fhir/List?location={_shelf(CORDIA_AND_HOSPITAL)}", at_shelf(CORDIA_AND_HOSPITAL)),
    "report of transfers": Surface(f"/reports/transfer-of-ownership?{_PERIOD}", used, "lines", trade=True),
    "report of transfers (CSV)": Surface(
        f"/reports/transfer-of-ownership?{_PERIOD}", used, trade=True, accept="text/csv"
    ),
    "report of stock": Surface("/reports/consignment-stock-status", consigned, "lines", trade=True),
    "report of stock (CSV)": Surface("/reports/consignment-stock-status", consigned, trade=True, accept="text/csv"),
    "movements": Surface(_MOVEMENTS[0], received, "movements", trade=True, rest=tuple(_MOVEMENTS[1:])),
    "declared places": Surface(
        "/masterdata/vocabularies/urn:epcglobal:epcis:vtype:BusinessLocation/elements",
        declared,
        "elements",
    ),
    "named queries": Surface("/epcis/queries", queries),
}
