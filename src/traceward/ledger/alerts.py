"""The alerts that facts amount to, and when they will amount to others.

Pure: the families `alerts_*` say what stands; here is when. It must not store, and must not know who asks.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from traceward.epcis.times import DAY_US
from traceward.ledger.agreement import end_of, start_of
from traceward.ledger.agreement_terms import ProductLine
from traceward.ledger.alerts_counts import count_alerts, missing_alerts
from traceward.ledger.alerts_loaners import loaner_alerts
from traceward.ledger.alerts_model import Alert, Facts
from traceward.ledger.alerts_orders import order_alerts
from traceward.ledger.alerts_par import par_alerts
from traceward.ledger.alerts_recall import recall_alerts
from traceward.ledger.alerts_stock import stock_alerts
from traceward.ledger.alerts_terms import ending_alerts, line_alerts
from traceward.ledger.alerts_use import use_alerts

Rule = Callable[[Facts], Iterator[Alert]]

PRODUCT_RULES: Final[tuple[Rule, ...]] = (
    stock_alerts,
    par_alerts,
    order_alerts,
    use_alerts,
    missing_alerts,
    recall_alerts,
    line_alerts,
)
PAIR_RULES: Final[tuple[Rule, ...]] = (count_alerts, loaner_alerts, ending_alerts)


def all_alerts(facts: Facts) -> dict[str, Alert]:
    """Every alert that the facts amount to, those to come included, by `Alert.base`."""
    rules = PRODUCT_RULES if facts.gtin is not None else PAIR_RULES
    return {alert.base: alert for rule in rules for alert in rule(facts)}


def open_alerts(facts: Facts) -> dict[str, Alert]:
    """The alerts that stand at `facts.now_us`, by `Alert.base`.

    They follow from the facts alone: it does not matter which others were open before, or how often one looks.
    """
    return {base: alert for base, alert in all_alerts(facts).items() if alert.is_open(facts.now_us)}


def next_change_us(facts: Facts, alerts: Mapping[str, Alert]) -> int | None:
    """When the same facts will amount to other alerts; None where they never will."""
    now_us = facts.now_us
    times = [time for one in alerts.values() for time in (one.opens_us, one.closes_us) if time is not None]
    times += [row.expired_from_us for row in facts.stock if row.expired_from_us is not None]
    for one in facts.book.versions_of_pair(facts.supplier, facts.hospital):
        times.append(start_of(one.terms.valid_from))
        times += [end_of(day) + 1 for day in (one.last_day,) if day is not None]
    if facts.gtin is not None and (facts.uses or any(line.prices for line in _lines(facts))):
        times.append((now_us // DAY_US + 1) * DAY_US)
    return min((time for time in times if time > now_us), default=None)


def _lines(facts: Facts) -> list[ProductLine]:
    return [line for one in facts.in_force() if (line := one.line_of(facts.gtin)) is not None]
