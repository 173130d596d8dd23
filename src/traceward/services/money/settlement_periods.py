"""Which period of an agreement a use belongs to, by how often the agreement settles, and when a period is over.

Pure: it reads no clock. A month and a day are those of UTC.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from traceward.ledger.agreement import AgreementBook, day_of, end_of, start_of
from traceward.services.money.usage_events import UseEvent

PER_USE, DAILY, MONTHLY = "per_use", "daily", "monthly"
_MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Period:
    """What a settlement is for. name: as in the request. start_us, end_us: both included; None for one use."""

    name: str
    cadence: str
    start_us: int | None = None
    end_us: int | None = None


def period_of(name: str) -> Period:
    """The period of a name: a month, a day, or else the usage report or eventID of one use.

    Raises ValueError for a month or day that no calendar has.

    >>> period_of("2026-03").cadence, period_of("2026-03-12").cadence, period_of("urn:uuid:1").cadence
    ('monthly', 'daily', 'per_use')
    """
    if _DAY.fullmatch(name):
        day = date.fromisoformat(name)
        return Period(name, DAILY, start_of(day), end_of(day))
    if _MONTH.fullmatch(name):
        first = date.fromisoformat(f"{name}-01")
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        return Period(name, MONTHLY, start_of(first), end_of(last))
    return Period(name, PER_USE)


def cadence_at(book: AgreementBook, key: str, at_us: int) -> str | None:
    """How often an agreement settles what happened at a time; None where no version of it was in force.

    key: the agreement's.
    """
    agreement = book.in_force(key, at_us)
    return agreement.terms.use.settlement if agreement is not None else None


def correcting_cadence(cadence: str) -> str:
    """The length of periods in which settlements are corrected where nothing else is to settle: a month, or a day."""
    return MONTHLY if cadence == MONTHLY else DAILY


def name_of(book: AgreementBook, key: str, use: UseEvent) -> str:
    """The name of the period to which a use belongs, by the version in force at its eventTime."""
    cadence = cadence_at(book, key, use.event_time_us)
    day = day_of(use.event_time_us)
    if cadence == MONTHLY:
        return f"{day.year:04d}-{day.month:02d}"
    if cadence == DAILY:
        return day.isoformat()
    return use.usage_report or use.event_id
