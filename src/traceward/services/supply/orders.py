"""Replenishment orders: exactly one for each need, with a number that shipments and receipts name, closed by receipts.

An order is read by its hospital and its supplier alone. It must not decide how much is needed (`replenishment` does).
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson
import structlog

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    ResourceAlreadyExistsException,
    TracewardError,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.gs1.patient import contains_patient_identifier
from traceward.ledger.agreement import day_of, price_on
from traceward.ledger.replenishment import Need
from traceward.services.changes import came_within, first_of
from traceward.services.identity.principals import Principal, Right, Sight, shared_viewer
from traceward.services.ordering.order_progress import LOOSE, OPEN_STATES, Progress, progress_of, transaction_id
from traceward.services.runtime import Runtime
from traceward.services.supply.replenishment import Planned, planned
from traceward.store import alert_rows
from traceward.store.count_models import ReplenishmentOrder
from traceward.store.models import Counter
from traceward.store.write import WriteTransaction

_log = structlog.get_logger("traceward.replenishment")

_LISTED: Final = 500
_LEAST_S: Final = 1.0
_IDLE_S: Final = 60.0
_SHARE: Final = 10
_CLAUSE: Final = "Traceward replenishment"
_AUTOMATIC: Final = "automatic replenishment"


class OrderStateException(ResourceAlreadyExistsException):
    """The order is in a state in which this cannot be done (409)."""

    title = "The order is in another state"


def place_orders(runtime: Runtime, caller: Principal, wanted: Sequence[str] | None) -> list[dict[str, Any]]:
    """Order what these proposals say, or all of them (None); the orders, those made before for them included.

    A key that is bound to a place orders for it alone. The hospital's orders are sent; the supplier's are proposed, and
    the hospital sends them. Raises NoSuchResource for a proposal that does not stand and that no order was made for.
    """
    _require_rights(caller)
    now_us = runtime.now_us()
    book = runtime.agreement_books.current(runtime.store)
    own = [one for one in book.all_in_force(now_us) if caller.organisation in one.parties]
    found = planned(runtime, own, book, now_us=now_us)
    needs = {
        one.need_id(need): (one, need)
        for one in found
        for need in one.plan.needs
        if caller.acts_at(need.position.par.place)
    }
    known = {} if wanted is None else _made_for(runtime, caller, set(wanted) - needs.keys())
    missing = [] if wanted is None else [one for one in wanted if one not in needs and one not in known]
    if missing:
        raise NoSuchResource(f"there is no proposal {missing[0][:100]!r} to order")
    chosen = [needs[one] for one in (needs if wanted is None else wanted) if one in needs]
    made = _write(runtime, chosen, caller.name or caller.key_id, by=caller.organisation, automatic=False)
    return _bodies(runtime, caller, [*known.values(), *made])


def send(runtime: Runtime, caller: Principal, number: str) -> dict[str, Any]:
    """Send an order that the supplier proposed: the hospital's to do. Sending again changes nothing.

    Raises NoSuchResource, ForbiddenException for the supplier, OrderStateException for an order that is closed.
    """
    _require_rights(caller)

    def unit(tx: WriteTransaction) -> ReplenishmentOrder:
        order = _order(tx, caller, number)
        if caller.organisation != order.hospital:
            raise ForbiddenException("an order is sent by its hospital")
        if order.state == "proposed":
            order.state, order.sent_us = "sent", tx.record_time_us
            tx.put(order)
            alert_rows.mark(tx, [(order.supplier, order.hospital, order.gtin)])
        elif order.state != "sent":
            raise OrderStateException(f"the order is {order.state}; expected one that was proposed")
        return order

    return _published(runtime, caller, runtime.store.committer.run(unit))


def cancel(runtime: Runtime, caller: Principal, number: str, reason: str) -> dict[str, Any]:
    """Cancel an order of which nothing has come, by either side, with a reason that both read.

    Raises NoSuchResource, OrderStateException, ValidationException for a reason that names a patient.
    """
    _require_rights(caller)
    if contains_patient_identifier(reason):
        message = "reason names a patient (GSRN, AI 8018), and other parties read it; expected a text without"
        raise ValidationException(message, [Finding("reason", "patient", message, _CLAUSE)])
    before = one_order(runtime, caller, number)
    if before["state"] in ("partly_received", "received"):
        raise OrderStateException(f"the order is {before['state']}; expected one of which nothing has come")

    def unit(tx: WriteTransaction) -> ReplenishmentOrder:
        order = _order(tx, caller, number)
        if order.state in OPEN_STATES:
            order.state, order.closed_us = "cancelled", tx.record_time_us
            order.closed_by, order.closed_reason = caller.organisation, reason
            tx.put(order)
            alert_rows.mark(tx, [(order.supplier, order.hospital, order.gtin)])
        elif order.state != "cancelled":
            raise OrderStateException(f"the order is {order.state}; expected one that is open")
        return order

    return _published(runtime, caller, runtime.store.committer.run(unit))


def one_order(runtime: Runtime, caller: Principal, number: str) -> dict[str, Any]:
    """An order of the caller's, by its number or its transaction id. Raises NoSuchResource."""
    caller.require(Right.READ)
    with runtime.store.reader() as reader:
        for column in ("hospital", "supplier"):
            for order in reader.select(ReplenishmentOrder, **{column: caller.organisation}, number=_number(number)):
                if number in (order.number, transaction_id(order)):
                    return _body(caller, order, progress_of(runtime, reader, caller.viewers, [order]))
    raise NoSuchResource(f"there is no order {number[:100]!r}")


def orders_of(runtime: Runtime, caller: Principal, state: str | None) -> list[dict[str, Any]]:
    """The caller's orders, the newest first; state: one of those that an order is told in, None for any."""
    caller.require(Right.READ)
    with runtime.store.reader() as reader:
        keys = {
            (hospital, number, created)
            for column in ("hospital", "supplier")
            for hospital, number, created in reader.fetch(
                f"SELECT hospital, number, created_us FROM replenishment_order WHERE {column}=?"  # noqa: S608
                " ORDER BY created_us DESC, number DESC LIMIT ?",
                (caller.organisation, _LISTED),
            )
        }
        newest = sorted(keys, key=lambda key: (key[2], key[1], key[0]), reverse=True)[:_LISTED]
        found = [one for key in newest if (one := reader.get(ReplenishmentOrder, key[0], key[1])) is not None]
    bodies = _bodies(runtime, caller, found)
    return [one for one in bodies if state in (None, one["state"])]


# ------------------------------------------------------------------------------------------------- without a person


def replenish(runtime: Runtime, parties: Collection[str] | None = None) -> int:
    """Close orders that have come and send those that agreements replenish by themselves; how many were sent.

    parties: whose agreements are looked at, None for all. Looked at again it changes nothing. One thread looks at a
    time; another that comes meanwhile waits for it.
    """
    with runtime.replenishing:
        now_us = runtime.now_us()
        book = runtime.agreement_books.current(runtime.store)
        own = [one for one in book.all_in_force(now_us) if parties is None or one.parties.intersection(parties)]
        _settle(runtime, {(one.terms.hospital, one.terms.supplier) for one in own})
        found = planned(runtime, own, book, now_us=now_us)
        needs = [(one, need) for one in found if one.line.bill_mode == "bill_and_replenish" for need in one.plan.needs]
        return len(_write(runtime, needs, _AUTOMATIC, by=None, automatic=True))


async def replenish_regularly(runtime: Runtime) -> None:
    """Replenish after what was committed, for the parties that it concerns, until the server stops.

    It takes a tenth of the time at most, and looks at everything once a minute, since what expires is no event.
    """
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    concerned: set[str] = set()

    def hear(parties: frozenset[str]) -> None:
        concerned.update(parties)
        if parties and not loop.is_closed():
            loop.call_soon_threadsafe(news.set)

    end_listening = runtime.changes.listen(hear)
    parties: set[str] | None = None
    try:
        while not runtime.stopping.is_set():
            started = time.monotonic()
            try:
                await asyncio.to_thread(replenish, runtime, parties)
            except TracewardError as error:
                _log.warning("replenishment waits", reason=error.detail)
            rest = max(_LEAST_S, _SHARE * (time.monotonic() - started))
            await came_within(runtime.stopping, rest)
            heard = await first_of(news, runtime.stopping, _IDLE_S)
            news.clear()
            parties = set(concerned) if heard else None
            concerned.difference_update(parties or ())
    finally:
        end_listening()


def _settle(runtime: Runtime, pairs: Iterable[tuple[str, str]]) -> None:
    """Close the orders of these (hospital, supplier) that have come in full."""
    closed: list[tuple[ReplenishmentOrder, Progress]] = []
    with runtime.store.reader() as reader:
        for hospital, supplier in sorted(pairs):
            known = runtime.registry.find(hospital)
            standing = [
                one
                for one in reader.select(ReplenishmentOrder, hospital=hospital, supplier=supplier)
                if one.state in OPEN_STATES
            ]
            if known is not None and standing:
                progress = progress_of(runtime, reader, {shared_viewer(known.number)}, standing)
                told = [(one, progress[transaction_id(one)]) for one in standing]
                closed += [(one, found) for one, found in told if found.received >= one.quantity]
    if not closed:
        return

    def unit(tx: WriteTransaction) -> None:
        for order, found in closed:
            row = tx.get(ReplenishmentOrder, order.hospital, order.number)
            if row is not None and row.state in OPEN_STATES:
                row.state, row.closed_us = "received", found.last_us
                row.receipts = orjson.dumps(found.loose).decode()
                if found.loose:
                    row.closed_reason = f"received; of {len(found.loose)} of its receipts: {LOOSE}"
                tx.put(row)
                alert_rows.mark(tx, [(row.supplier, row.hospital, row.gtin)])

    runtime.store.committer.run(unit)


# ---------------------------------------------------------------------------------------------------------- writing


def _write(
    runtime: Runtime, needs: Sequence[tuple[Planned, Need]], name: str, *, by: str | None, automatic: bool
) -> list[ReplenishmentOrder]:
    """The orders for these needs; none for a need that an order was made for meanwhile."""
    if not needs:
        return []
    day = day_of(runtime.now_us())

    def unit(tx: WriteTransaction) -> list[ReplenishmentOrder]:
        made = []
        for found, need in needs:
            terms, place = found.agreement.terms, need.position.par.place
            known = runtime.registry.find(terms.hospital)
            standing = tx.select(
                ReplenishmentOrder, hospital=terms.hospital, supplier=terms.supplier, gtin=found.line.gtin, place=place
            )
            if known is None or len(standing) != found.made.get(place, 0):
                continue
            number = _next_number(tx, known.number, terms.supplier)
            price = price_on(found.line, day)
            sent = automatic or by == terms.hospital
            order = ReplenishmentOrder(
                hospital=terms.hospital,
                number=number,
                supplier=terms.supplier,
                agreement_id=terms.agreement_id,
                agreement_version=found.agreement.version,
                gtin=found.line.gtin,
                place=place,
                quantity=need.quantity,
                price=normal_decimal(price.amount) if price is not None else None,
                currency=price.currency if price is not None else None,
                state="sent" if sent else "proposed",
                automatic=automatic,
                figures=orjson.dumps(_figures(found, need)).decode(),
                created_by=name,
                created_us=tx.record_time_us,
                sent_us=tx.record_time_us if sent else None,
            )
            tx.put(order)
            alert_rows.mark(tx, [(order.supplier, order.hospital, order.gtin)])
            made.append(order)
        return made

    made = runtime.store.committer.run(unit)
    if made:
        runtime.changes.publish({party for one in made for party in (one.hospital, one.supplier)})
    return made


def _next_number(tx: WriteTransaction, hospital: int, supplier: str) -> str:
    """A number of the hospital's that no other order of it has.

    Each supplier has a sequence of its own: from one sequence it could tell how often others are ordered from.
    """
    gln = supplier.rpartition("/")[2]
    name = f"orders:{hospital}:{gln}"
    counter = tx.get(Counter, name) or Counter(name=name, value=0)
    counter.value += 1
    tx.put(counter)
    return f"RO-{gln}-{counter.value:06d}"


def _figures(found: Planned, need: Need) -> dict[str, Any]:
    position = need.position
    return {
        "proposal": found.need_id(need),
        "minimum": position.par.minimum,
        "maximum": position.par.maximum,
        "usable": normal_decimal(position.usable),
        "inTransit": normal_decimal(position.in_transit),
        "onOrder": normal_decimal(position.on_order),
    }


def _made_for(runtime: Runtime, caller: Principal, wanted: Collection[str]) -> dict[str, ReplenishmentOrder]:
    """Proposal -> the order that was made for it."""
    if not wanted:
        return {}
    with runtime.store.reader() as reader:
        rows = [
            row
            for column in ("hospital", "supplier")
            for row in reader.select(ReplenishmentOrder, **{column: caller.organisation})
        ]
    by_proposal = {orjson.loads(row.figures)["proposal"]: row for row in rows}
    return {one: by_proposal[one] for one in wanted if one in by_proposal}


def _order(tx: WriteTransaction, caller: Principal, number: str) -> ReplenishmentOrder:
    for column in ("hospital", "supplier"):
        for order in tx.select(ReplenishmentOrder, **{column: caller.organisation}, number=_number(number)):
            if number in (order.number, transaction_id(order)) and caller.acts_at(order.place):
                return order
    raise NoSuchResource(f"there is no order {number[:100]!r}")


def _number(text: str) -> str:
    return text.rpartition(":")[2]


def _require_rights(caller: Principal) -> None:
    caller.require(Right.CAPTURE)
    caller.require(Right.READ)


def _published(runtime: Runtime, caller: Principal, order: ReplenishmentOrder) -> dict[str, Any]:
    runtime.changes.publish({order.hospital, order.supplier})
    return _bodies(runtime, caller, [order])[0]


def _bodies(runtime: Runtime, caller: Principal, orders: Sequence[ReplenishmentOrder]) -> list[dict[str, Any]]:
    with runtime.store.reader() as reader:
        progress = progress_of(runtime, reader, caller.viewers, orders)
    return [_body(caller, one, progress) for one in orders]


def _body(caller: Principal, order: ReplenishmentOrder, progress: dict[str, Progress]) -> dict[str, Any]:
    found = progress[transaction_id(order)]
    price = {"amount": order.price, "currency": order.currency} if order.price and caller.sees(Sight.PRICE) else None
    return {
        "number": order.number,
        "transactionID": transaction_id(order),
        "state": _state(order, found),
        "hospital": order.hospital,
        "supplier": order.supplier,
        "agreementID": order.agreement_id,
        "agreementVersion": order.agreement_version,
        "gtin": order.gtin,
        "place": order.place,
        "quantity": order.quantity,
        "shipped": normal_decimal(found.shipped),
        "received": normal_decimal(found.received),
        "price": price,
        "automatic": order.automatic,
        "figures": {name: value for name, value in orjson.loads(order.figures).items() if name != "proposal"},
        "createdAt": format_time_us(order.created_us),
        "createdBy": order.created_by if order.automatic or caller.sees(Sight.STAFF) else None,
        "sentAt": format_time_us(order.sent_us) if order.sent_us is not None else None,
        "closedAt": format_time_us(order.closed_us) if order.closed_us is not None else None,
        "closedBy": order.closed_by,
        "closedReason": order.closed_reason,
        "eventIDs": list(found.event_ids),
        "history": _history(order, found),
    }


def _history(order: ReplenishmentOrder, found: Progress) -> list[dict[str, Any]]:
    """What became of an order, in order: when it was made, sent, shipped, received, and ended; how a receipt is its."""
    told: list[tuple[int, str, str | None, str | None]] = [(order.created_us, "ordered", None, None)]
    if order.sent_us is not None:
        told.append((order.sent_us, "sent", None, None))
    told += [(one.time_us, one.what, one.event_id, one.by) for one in found.steps]
    if order.closed_us is not None:
        told.append(
            (order.closed_us, "closed" if order.state == "received" else order.state, None, order.closed_reason)
        )
    rank = {"ordered": 0, "sent": 1, "shipped": 2, "received": 3}
    return [
        {"at": format_time_us(time_us), "what": what, "eventID": event_id, "note": note}
        for time_us, what, event_id, note in sorted(told, key=lambda one: (one[0], rank.get(one[1], 4), one[2] or ""))
    ]


def _state(order: ReplenishmentOrder, found: Progress) -> str:
    if order.state not in OPEN_STATES:
        return order.state
    if found.received >= order.quantity:
        return "received"
    return "partly_received" if found.received > Decimal(0) else order.state
