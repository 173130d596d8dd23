"""Alerts about goods that lie at the hospital or are on their way: dates, age, place, ownership that is due.

Pure: what is said follows from `Facts` alone. It must not look at counts or uses.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.times import DAY_US
from traceward.ledger.agreement import Judgement, day_of
from traceward.ledger.agreement_terms import ExpiryTerms
from traceward.ledger.alerts_model import Alert, Arrival, Facts, Stock
from traceward.ledger.expiry import days_left, opens_us

_ON_RECEIPT = "on_receipt"
_AFTER_DAYS = "after_days"


def stock_alerts(facts: Facts) -> Iterator[Alert]:
    """Every alert about the goods themselves."""
    for row in facts.stock:
        judged = facts.judge_now(row.place if row.is_here else None)
        if judged is None:
            yield from _off_agreement(facts, row)
            # What may harm a patient is told whether or not an agreement covers it.
            yield from _dates(facts, row, None)
            yield from _held(facts, row)
            yield from _excursion(facts, row, None)
            continue
        yield from _dates(facts, row, judged)
        yield from _age(facts, row, judged)
        yield from _held(facts, row)
        yield from _excursion(facts, row, judged)
    arrivals = {one.key: one for one in facts.arrivals}
    for row in facts.stock:
        came = arrivals.get(row.key)
        if row.is_here and came is not None:
            yield from _arrival(facts, row, came)


def item_detail(row: Stock) -> dict[str, str | int]:
    """What every alert about a balance tells of it."""
    told: dict[str, str | int] = {"item": row.key, "quantity": normal_decimal(row.quantity)}
    told["place"] = row.place or "an unknown place"
    marks = {"gtin": row.gtin, "lot": row.lot, "serial": row.serial, "expiry": row.expiry}
    return told | {name: value for name, value in marks.items() if value is not None}


def _dates(facts: Facts, row: Stock, judged: Judgement | None) -> Iterator[Alert]:
    """Expiring, once for each number of days that the agreement names, each in place of the one before; and expired.

    Where no agreement covers the goods, by the terms of one that says nothing of dates.
    """
    ended_us = row.expired_from_us
    if ended_us is None or not row.is_here:
        return
    agreement = judged.agreement if judged is not None else None
    terms = agreement.terms.expiry if agreement is not None else ExpiryTerms()
    told = ((opens_us(row.expiry or "", days, row.zone), days) for days in set(terms.alert_days))
    opens = sorted((time, days) for time, days in told if time is not None)
    ends = [*(time for time, _ in opens), ended_us]
    for (opened_us, days), closes_us in zip(opens, ends[1:], strict=True):
        yield facts.alert(
            "expiring",
            row.subject,
            period=f"{row.expiry} {days}",
            by=terms.monitor,
            agreement=agreement,
            opens_us=opened_us,
            due_us=ended_us,
            closes_us=min(closes_us, ended_us),
            place=row.place,
            evidence=(row.eid,),
            detail=item_detail(row) | {"alertDays": days},
        )
    yield facts.alert(
        "expired_on_hand",
        row.subject,
        period=row.expiry or "",
        by=terms.rotation,
        agreement=agreement,
        opens_us=ended_us,
        due_us=_return_due_us(facts, judged, ended_us),
        place=row.place,
        evidence=(row.eid,),
        detail=item_detail(row) | {"cost": terms.cost},
    )


def _return_due_us(facts: Facts, judged: Judgement | None, ended_us: int) -> int | None:
    """Until when expired goods go back, None where nothing is agreed of it."""
    returned = judged.agreement.terms.expiry.return_within_days if judged is not None else None
    if judged is None or returned is None:
        return None
    return facts.owed_from(judged.agreement, ended_us) + returned * DAY_US


def _age(facts: Facts, row: Stock, judged: Judgement) -> Iterator[Alert]:
    terms = judged.agreement.terms
    kind, days = ("not_seen", terms.not_seen_days) if row.is_here else ("in_transit", terms.in_transit_days)
    if not (row.is_here or row.is_coming):
        return
    yield facts.alert(
        kind,
        row.subject,
        period=str(row.last_us),
        by="hospital" if row.is_here else "supplier",
        agreement=judged.agreement,
        opens_us=row.last_us + days * DAY_US,
        place=row.place,
        evidence=(row.eid,),
        detail=item_detail(row) | {"days": days, "lastSeen": day_of(row.last_us).isoformat()},
    )


def _held(facts: Facts, row: Stock) -> Iterator[Alert]:
    """Goods held back for another reason than a recall or their date, which have alerts of their own."""
    flags = sorted(row.flags - {"recalled", "expired", "reserved"})
    if flags and row.is_here and "recalled" not in row.flags and "expired" not in row.flags:
        judged = facts.judge_now(row.place)
        yield facts.alert(
            "held_back",
            row.subject,
            by="supplier",
            agreement=judged.agreement if judged is not None else None,
            opens_us=row.last_us,
            place=row.place,
            evidence=(row.eid,),
            detail=item_detail(row) | {"flags": ", ".join(flags)},
        )


def _excursion(facts: Facts, row: Stock, judged: Judgement | None) -> Iterator[Alert]:
    """The last alarm where the goods lie, unless an event has touched them since; held goods are waiting already."""
    alarms = [
        one for one in facts.excursions if facts.book.is_below(row.place, one.place) and one.time_us >= row.last_us
    ]
    if not alarms or not row.is_here or row.flags:
        return
    alarm = max(alarms, key=lambda one: (one.time_us, one.eid))
    found = facts.alert(
        "excursion",
        row.subject,
        period=alarm.eid.hex(),
        by="hospital",
        agreement=judged.agreement if judged is not None else None,
        opens_us=alarm.time_us,
        place=row.place,
        evidence=(alarm.eid,),
        detail=item_detail(row),
    )
    yield replace(found, shared=alarm.shared)


def _off_agreement(facts: Facts, row: Stock) -> Iterator[Alert]:
    """Goods that merely lie where nothing covers them; of parties that have begun to agree on anything."""
    if row.is_here and facts.book.has_begun(facts.supplier, facts.hospital, facts.now_us):
        yield facts.alert(
            "off_agreement",
            row.subject,
            by="supplier",
            opens_us=row.last_us,
            place=row.place,
            evidence=(row.eid,),
            detail=item_detail(row),
        )


def _arrival(facts: Facts, row: Stock, came: Arrival) -> Iterator[Alert]:
    """What the agreement, in the version of the day of arrival, asks of goods that came: shelf life, ownership."""
    judged = facts.judge(row.place, came.time_us)
    if judged is None:
        return
    agreed = judged.line.min_remaining_shelf_life_days
    left = days_left(row.expiry, came.time_us, row.zone)
    is_bound = facts.owed_from(judged.agreement, came.oldest_us) == came.time_us
    if is_bound and left is not None and left < agreed:
        yield facts.alert(
            "short_dated",
            row.subject,
            by="supplier",
            agreement=judged.agreement,
            opens_us=came.time_us,
            place=row.place,
            evidence=(came.eid,),
            detail=item_detail(row) | {"daysLeft": left, "daysAgreed": agreed},
        )
    terms = judged.agreement.terms.ownership
    if terms.trigger in (_ON_RECEIPT, _AFTER_DAYS):
        waits = timedelta(days=terms.after_days or 0)
        due_us = facts.owed_from(judged.agreement, came.oldest_us) + int(waits.total_seconds()) * 1_000_000
        said = "receipt" if terms.trigger == _ON_RECEIPT else f"day {terms.after_days} after receipt"
        yield facts.alert(
            "ownership_due",
            row.subject,
            by="hospital",
            agreement=judged.agreement,
            opens_us=due_us,
            due_us=due_us,
            place=row.place,
            evidence=(came.oldest_eid,),
            detail=item_detail(row) | {"trigger": said},
        )
