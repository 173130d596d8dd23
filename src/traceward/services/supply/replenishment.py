"""What consigned products need by their agreements: positions, transfers of surplus, and what is left to be ordered.

Both parties of an agreement read the same. It must not order anything (`orders` does).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.times import format_time_us
from traceward.ledger.agreement import Agreement, AgreementBook, day_of
from traceward.ledger.agreement_terms import ProductLine
from traceward.ledger.facts import class_parts
from traceward.ledger.par import ParFacts, par_positions, usable_lots
from traceward.ledger.replenishment import Need, Plan, Position, Transfer, plan
from traceward.services.alerts.facts import Gatherer
from traceward.services.identity.principals import Principal, Right
from traceward.services.runtime import Runtime
from traceward.store.count_models import ReplenishmentOrder
from traceward.store.read import Reader

NO_COUNT_YET: Final = "no count yet: nobody has stated what lies here, so that nothing is moved or ordered for it"
"""What is said of a place whose opening balance was never stated."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of one product under one agreement. made: how many orders there ever were, by place."""

    agreement: Agreement
    line: ProductLine
    plan: Plan
    made: dict[str, int]

    def need_id(self, need: Need) -> str:
        """The id of the proposal to order for this need: another one once an order was made for the place."""
        place = need.position.par.place
        return _id("order", self.agreement.key, self.line.gtin, place, str(self.made.get(place, 0)))


def planned(runtime: Runtime, agreements: Iterable[Agreement], book: AgreementBook, *, now_us: int) -> list[Planned]:
    """The plans of every product with a level under these agreements, as both of their parties see stock and events."""
    found = []
    with runtime.store.reader() as reader:
        for agreement in agreements:
            terms = agreement.terms
            lines = [line for line in terms.lines if line.par]
            if not lines:
                continue
            # Orders are read before stock: what arrives in between is counted twice for a moment, never ordered twice.
            orders = orders_of_pair(reader, terms.hospital, terms.supplier)
            gatherer = Gatherer(runtime, reader, book, terms.supplier, terms.hospital, now_us)
            for line in lines:
                own = [one for one in orders if one.gtin == line.gtin]
                found.append(_planned(agreement, line, book, own, gatherer.par_facts(line.gtin)))
    return found


def orders_of_pair(reader: Reader, hospital: str, supplier: str) -> list[ReplenishmentOrder]:
    """Every order between two parties, by number."""
    return sorted(reader.select(ReplenishmentOrder, hospital=hospital, supplier=supplier), key=lambda one: one.number)


def proposals(runtime: Runtime, caller: Principal) -> dict[str, Any]:
    """What is to be moved and ordered under the caller's agreements, and the positions that it follows from."""
    caller.require(Right.READ)
    book = runtime.agreement_books.current(runtime.store)
    now_us = runtime.now_us()
    own = [one for one in book.all_in_force(now_us) if caller.organisation in one.parties]
    found = planned(runtime, own, book, now_us=now_us)
    listed = [body for one in found for body in _proposal_bodies(one)]
    return {
        "asOf": format_time_us(now_us),
        "positions": [_position_body(one, position) for one in found for position in one.plan.positions],
        "proposals": listed,
    }


def _planned(
    agreement: Agreement,
    line: ProductLine,
    book: AgreementBook,
    orders: Sequence[ReplenishmentOrder],
    facts: ParFacts,
) -> Planned:
    made: defaultdict[str, int] = defaultdict(int)
    for order in orders:
        made[order.place] += 1
    days = max(agreement.terms.expiry.alert_days, default=0)
    rotate_by = day_of(facts.now_us) + timedelta(days=days) if days else None
    places = par_positions(facts, agreement, line, book)
    lots = usable_lots(facts.stock, agreement, book, facts.now_us)
    return Planned(agreement, line, plan(places, lots, book.is_below, rotate_by=rotate_by), dict(made))


def _position_body(found: Planned, position: Position) -> dict[str, Any]:
    return {
        "agreementID": found.agreement.terms.agreement_id,
        "supplier": found.agreement.terms.supplier,
        "hospital": found.agreement.terms.hospital,
        "gtin": found.line.gtin,
        "place": position.par.place,
        "minimum": position.par.minimum,
        "maximum": position.par.maximum,
        "usable": normal_decimal(position.usable),
        "inTransit": normal_decimal(position.in_transit),
        "onOrder": normal_decimal(position.on_order),
        "gap": normal_decimal(position.gap),
        "stated": position.stated,
        "note": None if position.stated else NO_COUNT_YET,
    }


def _proposal_bodies(found: Planned) -> list[dict[str, Any]]:
    head = {
        "agreementID": found.agreement.terms.agreement_id,
        "supplier": found.agreement.terms.supplier,
        "hospital": found.agreement.terms.hospital,
        "gtin": found.line.gtin,
    }
    moves = [head | _transfer_body(found, one) for one in found.plan.transfers]
    needs = [
        head
        | {
            "id": found.need_id(one),
            "kind": "order",
            "place": one.position.par.place,
            "quantity": str(one.quantity),
            "multiple": found.line.order_multiple,
            "automatic": found.line.bill_mode == "bill_and_replenish",
        }
        for one in found.plan.needs
    ]
    return [*moves, *needs]


def _transfer_body(found: Planned, transfer: Transfer) -> dict[str, Any]:
    items = [
        {
            "item": item,
            "quantity": normal_decimal(quantity),
            "expiry": expiry.isoformat() if expiry is not None else None,
        }
        for item, quantity, expiry in transfer.items
    ]
    named = [f"{one['item']} {one['quantity']}" for one in items]
    return {
        "id": _id("transfer", found.agreement.key, found.line.gtin, transfer.source, transfer.target, *named),
        "kind": "transfer",
        "from": transfer.source,
        "place": transfer.target,
        "quantity": normal_decimal(transfer.quantity),
        "items": items,
        # What POST /consignment/actions takes: carried out, the proposal is gone.
        "action": {
            "action": "transfer",
            "place": {"id": transfer.target},
            "from": {"id": transfer.source},
            "items": [_action_item(item, quantity) for item, quantity, _ in transfer.items],
        },
    }


def _action_item(item: str, quantity: Decimal) -> dict[str, Any]:
    if class_parts(item)[2] is not None:
        return {"epc": item}
    return {"epcClass": item, "quantity": int(quantity)}


def _id(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
