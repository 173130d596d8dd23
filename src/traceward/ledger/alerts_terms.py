"""Alerts about agreements themselves: what ends, what has no price, what an event names that was not in force.

Pure; it must not judge goods. What is valid to the calendar's last day, as some systems write an open end, ends never.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from traceward.epcis.times import DAY_US
from traceward.ledger.agreement import Agreement, agreement_key, day_of, end_of, price_on, start_of
from traceward.ledger.agreement_terms import ProductLine
from traceward.ledger.alerts_model import Alert, Facts


def ending_alerts(facts: Facts) -> Iterator[Alert]:
    """Of the pair: agreements that end with no later version to follow."""
    for agreement in facts.in_force():
        last = agreement.last_day
        if last is None or last == date.max:
            continue
        if facts.book.in_force(agreement.key, end_of(last) + 1) is not None:
            continue
        yield facts.alert(
            "agreement_ends",
            agreement.terms.agreement_id,
            period=last.isoformat(),
            by="supplier",
            agreement=agreement,
            opens_us=start_of(last) - agreement.terms.notice_days * DAY_US,
            due_us=end_of(last),
            detail={"agreement": agreement.terms.agreement_id, "lastDay": last.isoformat()},
        )


def line_alerts(facts: Facts) -> Iterator[Alert]:
    """Of the product: prices that end, and agreements that events name though they were not in force."""
    for agreement in facts.in_force():
        line = agreement.line_of(facts.gtin)
        if line is not None and line.prices:
            yield from _prices(facts, agreement, line)
    for named in facts.named:
        mine = facts.book.versions(agreement_key(named.agreement_id, {facts.supplier, facts.hospital}))
        if any(one.is_valid_on(day_of(named.time_us)) for one in mine):
            continue
        yield facts.alert(
            "agreement_unknown",
            f"{facts.gtin}|{named.eid.hex()}",
            by="supplier",
            opens_us=named.time_us,
            closes_us=named.time_us + 90 * DAY_US,
            evidence=(named.eid,),
            detail={"agreement": named.agreement_id},
        )


def _prices(facts: Facts, agreement: Agreement, line: ProductLine) -> Iterator[Alert]:
    today = day_of(facts.now_us)
    price = price_on(line, today)
    if price is None:
        yield facts.alert(
            "price_missing",
            f"{line.gtin}|{agreement.terms.agreement_id}",
            by="supplier",
            agreement=agreement,
            opens_us=facts.now_us // DAY_US * DAY_US,
            detail={"gtin": line.gtin},
        )
        return
    last = price.valid_to
    if last is None or last in (date.max, agreement.last_day):
        return
    if price_on(line, last + timedelta(days=1)) is not None:
        return
    yield facts.alert(
        "price_ends",
        f"{line.gtin}|{agreement.terms.agreement_id}",
        period=last.isoformat(),
        by="supplier",
        agreement=agreement,
        opens_us=start_of(last) - agreement.terms.notice_days * DAY_US,
        due_us=end_of(last),
        detail={"gtin": line.gtin, "lastDay": last.isoformat()},
    )
