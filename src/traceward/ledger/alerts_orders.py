"""Alerts about replenishment orders: issued, and late by the delivery time that was agreed.

Pure; an order is judged by the agreement's version in force when it was made. It must not make or close orders.
"""

from collections.abc import Iterator

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.times import DAY_US
from traceward.ledger.agreement import day_of
from traceward.ledger.alerts_model import Alert, Facts, OpenOrder


def order_alerts(facts: Facts) -> Iterator[Alert]:
    """Every alert about orders of the product of which something is still to come."""
    for order in facts.orders:
        if order.received < order.quantity:
            yield from _alerts(facts, order)


def _alerts(facts: Facts, order: OpenOrder) -> Iterator[Alert]:
    judged = facts.judge(order.place, order.made_us) or facts.judge_now(order.place)
    told: dict[str, str | int] = {
        "gtin": facts.gtin or "",
        "place": order.place,
        "number": order.number,
        "quantity": order.quantity,
        "received": normal_decimal(order.received),
        "missing": normal_decimal(order.quantity - order.received),
    }
    days = None
    if judged is not None:
        line, terms = judged.line, judged.agreement.terms
        days = line.delivery_days if line.delivery_days is not None else terms.delivery_days
    due_us = order.sent_us + days * DAY_US if order.sent_us is not None and days is not None else None
    agreement = judged.agreement if judged is not None else None
    yield facts.alert(
        "order_issued",
        order.number,
        by="supplier" if order.sent_us is not None else "hospital",
        agreement=agreement,
        opens_us=order.made_us,
        due_us=due_us,
        place=order.place,
        detail=told,
    )
    if due_us is not None:
        yield facts.alert(
            "order_late",
            order.number,
            by="supplier",
            agreement=agreement,
            opens_us=due_us,
            due_us=due_us,
            place=order.place,
            detail=told | {"dueDay": day_of(due_us).isoformat(), "deliveryDays": days or 0},
        )
