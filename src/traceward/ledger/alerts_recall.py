"""Alerts about recalls: not acknowledged, units not quarantined, patients who got one and are not traced.

Pure. That patients are to be traced is told in numbers of units; no patient stands in any alert.
"""

from collections import defaultdict
from collections.abc import Iterator

from traceward.epcis.decimals import normal_decimal
from traceward.ledger.alerts_model import Alert, Facts, Recall
from traceward.ledger.alerts_stock import item_detail


def recall_alerts(facts: Facts) -> Iterator[Alert]:
    """Every alert about recalls of the product or of a lot of it."""
    by_item: defaultdict[str, list[Recall]] = defaultdict(list)
    for one in facts.recalls:
        for key in one.here:
            by_item[key].append(one)
    for row in facts.stock:
        if "recalled" in row.flags and "held" not in row.flags and row.is_here:
            judged = facts.judge_now(row.place)
            recalls = by_item.get(row.key, ())
            yield facts.alert(
                "recall_not_quarantined",
                row.subject,
                by="hospital",
                agreement=judged.agreement if judged is not None else None,
                opens_us=max((one.time_us for one in recalls), default=row.last_us),
                place=row.place,
                evidence=(*(one.eid for one in recalls), row.eid),
                detail=item_detail(row),
            )
    for one in facts.recalls:
        alert = facts.alert(
            "recall_unacknowledged",
            f"{one.key}|{one.eid.hex()}",
            by="hospital",
            opens_us=one.time_us,
            evidence=(one.eid,),
            detail={"item": one.key},
        )
        if not one.acknowledged and (alert.base, facts.hospital) not in facts.signed:
            yield alert
        if one.untraced > 0:
            yield facts.alert(
                "recall_patients",
                f"{one.key}|{one.eid.hex()}",
                by="hospital",
                opens_us=one.time_us,
                evidence=(one.eid,),
                detail={"item": one.key, "quantity": normal_decimal(one.untraced)},
            )
