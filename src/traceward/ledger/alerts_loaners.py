"""Alerts about loaned trays: overdue, and what did not come back in them.

Pure. A tray is a returnable asset (GRAI) of the supplier; instruments and implants in it follow it until unpacked.
"""

from collections.abc import Iterator
from typing import Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.times import HOUR_US
from traceward.ledger.agreement import day_of
from traceward.ledger.alerts_model import Alert, Facts

_TRAY: Final = "https://id.gs1.org/8003/"


def loaner_alerts(facts: Facts) -> Iterator[Alert]:
    """Of the pair: trays that are due back, and pieces that are missing from those that went."""
    agreement = next(iter(facts.in_force()), None)
    if agreement is None:
        return
    terms = agreement.terms.loaners
    for row in facts.stock:
        came = max((one for one in facts.arrivals if one.key == row.key), key=lambda one: one.time_us, default=None)
        if came is None or not row.key.startswith(_TRAY) or not row.is_here:
            continue
        due_us = facts.owed_from(agreement, came.time_us) + terms.due_back_hours * HOUR_US
        yield facts.alert(
            "loaner_overdue",
            row.key,
            period=str(came.time_us),
            by="hospital",
            agreement=agreement,
            opens_us=due_us,
            due_us=due_us,
            place=row.place,
            evidence=(came.eid,),
            detail={"item": row.key, "dueDay": day_of(due_us).isoformat()},
        )
    for left in facts.leftovers:
        yield facts.alert(
            "tray_incomplete",
            f"{left.tray}|{left.key}",
            period=str(left.time_us),
            by=terms.liable_for_missing,
            agreement=agreement,
            opens_us=left.time_us,
            evidence=(left.eid,),
            detail={"item": left.tray, "content": left.key, "quantity": normal_decimal(left.quantity)},
        )
