"""Who owns and holds an item, and where, as far as the caller may know: what an action's event must state.

Folded from the caller's visible events only, so that asking about another's goods tells nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from traceward.ledger.state import ClassStock, Instance, Slot, item_of
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import facts_of, folded, moment
from traceward.services.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Holding:
    """So much of an item at one owner, holder and place. expiry: date as its label has it."""

    owner: str | None
    holder: str | None
    place: str | None
    container: str | None
    status: str
    quantity: Decimal
    expiry: str | None


def find_holdings(runtime: Runtime, caller: Principal, items: Iterable[str]) -> dict[str, tuple[Holding, ...]]:
    """What the caller owns, holds or is being sent of each item; nothing for items it has no part in."""
    wanted = list(dict.fromkeys(items))
    now = moment(runtime, None, None)
    ledger = folded(runtime, caller, facts_of(runtime, caller, wanted, now), now)
    found: dict[str, tuple[Holding, ...]] = {}
    for item in wanted:
        holdings = [*_of_instance(ledger.instance(item)), *_of_stock(ledger.stock(item))]
        found[item] = tuple(one for one in holdings if _concerns(runtime, caller, one))
    return found


def _of_instance(record: Instance | None) -> list[Holding]:
    if record is None or not record.status:
        return []
    container = item_of(record.container) if record.container is not None else None
    return [Holding(record.owner, record.holder, record.place, container, record.status, Decimal(1), record.expiry)]


def _of_stock(record: ClassStock | None) -> list[Holding]:
    return [_of_slot(slot, record.expiry) for slot in record.slots.values()] if record is not None else []


def _of_slot(slot: Slot, expiry: str | None) -> Holding:
    container = item_of(slot.container) if slot.container is not None else None
    return Holding(slot.owner, slot.holder, slot.place, container, slot.status, slot.quantity, expiry)


def _concerns(runtime: Runtime, caller: Principal, holding: Holding) -> bool:
    sent_to = runtime.registry.parties.party_of_place(holding.place) if holding.status == "in_transit" else None
    return caller.organisation in (holding.owner, holding.holder, sent_to)
