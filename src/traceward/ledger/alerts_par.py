"""Alerts about how much lies where: below and above PAR, and what will expire before it is used.

Pure; what is below PAR is what replenishment would lift (`par`). The rate of use is taken over a window that ends now,
and is unknown rather than endless where uses are few.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.times import DAY_US
from traceward.ledger.agreement_terms import ParLevel
from traceward.ledger.alerts_model import Alert, Facts, Stock
from traceward.ledger.alerts_stock import item_detail
from traceward.ledger.par import ParFacts, par_positions

WINDOW_DAYS: Final = 90
LEAST_USES: Final = 3
"""How many uses within the window make a rate."""


def par_alerts(facts: Facts) -> Iterator[Alert]:
    """Every alert about quantities: below and above PAR, and at risk of expiring unused."""
    yield from _levels(facts)
    yield from _unused(facts)


def daily_use(facts: Facts) -> Decimal | None:
    """Units used a day over the window, None where there were too few uses to tell."""
    since = facts.now_us - WINDOW_DAYS * DAY_US
    recent = [use.quantity for use in facts.uses if since < use.time_us <= facts.now_us and use.use_type is not None]
    if len(recent) < LEAST_USES:
        return None
    return sum(recent, Decimal(0)) / WINDOW_DAYS


def _levels(facts: Facts) -> Iterator[Alert]:
    for agreement in facts.in_force():
        line = agreement.line_of(facts.gtin)
        if line is None:
            continue
        reckoned = par_positions(
            ParFacts(facts.stock, facts.orders, facts.stated, facts.now_us), agreement, line, facts.book
        )
        found = {one.par.place: one for one in reckoned}
        for level in line.par:
            here = [row for row in facts.stock if row.uom is None and facts.book.is_below(row.place, level.place)]
            position = found[level.place]
            lying = sum((row.quantity for row in here if row.is_here), Decimal(0))
            said = _said(facts, level) | {
                "usable": normal_decimal(position.usable),
                "inTransit": normal_decimal(position.in_transit),
                "onOrder": normal_decimal(position.on_order),
            }
            # Nothing below the level that both have signed was missing before they had.
            since = max([row.last_us for row in here] + [use.time_us for use in facts.uses], default=0)
            since = max(since, agreement.signed_us or 0)
            if not position.stated:
                yield facts.alert(
                    "no_opening_count",
                    f"{facts.gtin}|{level.place}",
                    by=agreement.terms.counts.counter,
                    agreement=agreement,
                    opens_us=min(agreement.signed_us or 0, facts.now_us),
                    place=level.place,
                    detail=_said(facts, level),
                )
            if position.is_low:
                yield facts.alert(
                    "below_par",
                    f"{facts.gtin}|{level.place}",
                    by="supplier",
                    agreement=agreement,
                    opens_us=min(since, facts.now_us),
                    place=level.place,
                    detail=said,
                )
            if lying > level.maximum:
                yield facts.alert(
                    "above_par",
                    f"{facts.gtin}|{level.place}",
                    by="supplier",
                    agreement=agreement,
                    opens_us=min(since, facts.now_us),
                    place=level.place,
                    detail=said | {"quantity": normal_decimal(lying)},
                )


def _said(facts: Facts, level: ParLevel) -> dict[str, str | int]:
    return {"gtin": facts.gtin or "", "place": level.place, "minimum": level.minimum, "maximum": level.maximum}


def _unused(facts: Facts) -> Iterator[Alert]:
    """By the rate of use, first expired first used: what of each expiry date will be left when it comes."""
    rate = daily_use(facts)
    if rate is None:
        return
    dated = [row for row in facts.stock if row.is_usable(facts.now_us) and row.expired_from_us is not None]
    dated.sort(key=lambda row: (row.expired_from_us or 0, row.subject))
    used = Decimal(0)
    for expired_us, rows in groupby(dated, key=lambda row: row.expired_from_us or 0):
        same = list(rows)
        total = sum((row.quantity for row in same), Decimal(0))
        taken = min(total, max(Decimal(0), rate * Decimal(expired_us - facts.now_us) / DAY_US - used))
        used += taken
        left = total - taken
        for row in reversed(same):
            unused = min(row.quantity, left)
            left -= unused
            if unused >= 1:
                yield _at_risk(facts, row, unused // 1, rate)


def _at_risk(facts: Facts, row: Stock, unused: Decimal, rate: Decimal) -> Alert:
    judged = facts.judge_now(row.place)
    rounded = normal_decimal(rate.quantize(Decimal("0.001")))
    return facts.alert(
        "expires_before_use",
        row.subject,
        period=row.expiry or "",
        by=judged.agreement.terms.expiry.rotation if judged is not None else "hospital",
        agreement=judged.agreement if judged is not None else None,
        opens_us=facts.now_us // DAY_US * DAY_US,
        due_us=row.expired_from_us,
        place=row.place,
        evidence=(row.eid,),
        detail=item_detail(row) | {"quantity": normal_decimal(unused), "usedPerDay": rounded},
    )
