"""Alerts about uses: reported late, without an order, or of what must not be used.

Pure; a use is judged by the agreement's version in force at its eventTime, however late it came.
"""

from collections.abc import Iterator

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.times import DAY_US, HOUR_US
from traceward.ledger.agreement import day_of
from traceward.ledger.alerts_model import Alert, Facts, Use


def use_alerts(facts: Facts) -> Iterator[Alert]:
    """Every alert about uses of the product."""
    for use in facts.uses:
        judged = facts.judge_use(use)
        if judged is None or use.use_type is None:
            continue
        terms = judged.agreement.terms
        told = _detail(use)
        agreed = terms.use.report_within_hours
        owed_us = facts.owed_from(judged.agreement, use.time_us)
        late = use.recorded_us - owed_us
        if late > agreed * HOUR_US:
            yield facts.alert(
                "usage_late",
                _subject(use),
                by="hospital",
                agreement=judged.agreement,
                opens_us=use.recorded_us,
                closes_us=use.recorded_us + terms.data.dispute_days * DAY_US,
                evidence=(use.eid,),
                detail=told | {"hours": late // HOUR_US, "hoursAgreed": agreed},
            )
        if not (use.ordered or use.free) and terms.use.payer.get(use.use_type, "none") == "hospital":  # type: ignore[call-overload]
            due_us = owed_us + terms.use.order_within_hours * HOUR_US
            yield facts.alert(
                "usage_without_order",
                _subject(use),
                by="hospital",
                agreement=judged.agreement,
                opens_us=due_us,
                due_us=due_us,
                evidence=(use.eid,),
                detail=told | {"hours": terms.use.order_within_hours},
            )
    for wrong in facts.wrong_uses:
        yield facts.alert(
            "used_wrongly",
            wrong.key,
            period=" ".join((wrong.kind, *(eid.hex() for eid in wrong.eids))),
            by="hospital",
            opens_us=wrong.time_us,
            evidence=wrong.eids,
            detail={"item": wrong.key, "reason": wrong.message, "conflict": wrong.kind},
        )


def _subject(use: Use) -> str:
    """One use: the item and the event."""
    return f"{use.key}|{use.eid.hex()}"


def _detail(use: Use) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "item": use.key,
        "quantity": normal_decimal(use.quantity),
        "useType": use.use_type or "",
        "usedOn": day_of(use.time_us).isoformat(),
    }
    return told if use.report is None else told | {"usageReport": use.report}
