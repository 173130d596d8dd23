"""Which products and sizes are trending: uses in a period against those in the period before, by family and size.

It counts what passed from the caller to a hospital, or to the caller from a supplier, by use. It must not count voided
passings, nor uses that the caller took no part in.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import QueryTooComplexException
from traceward.epcis.times import DAY_US, EARLIEST_US, format_time_us
from traceward.ledger.agreement import AgreementBook
from traceward.services.identity.principals import Principal, Right
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.store.ledger_lists import transfers_of_party
from traceward.store.rows import OwnershipTransfer

_USED: Final = frozenset({"implanted", "consumed"})
_PAGE: Final = 1000
_MOST: Final = 200_000


@dataclass(slots=True)
class _Group:
    """One family and size: its products, and what was used of it now and before."""

    gtins: set[str] = field(default_factory=set)
    now: Decimal = Decimal(0)
    before: Decimal = Decimal(0)


def usage_trends(runtime: Runtime, caller: Principal, *, end: str | None, days: int) -> dict[str, Any]:
    """Uses of `days` days up to `end` (a date or date-time; absent: now) against the `days` before, the fastest first.

    A product without family in an agreement is a family of its own, by its GTIN. slope: uses a day, now less before.
    change: share of the uses before, None where there were none. Raises QueryTooComplexException past 200,000 uses.
    """
    caller.require(Right.READ)
    end_us = instant("to", end) + 1 if end is not None else runtime.now_us() + 1
    start_us, first_us = end_us - days * DAY_US, end_us - 2 * days * DAY_US
    names = _names(runtime.agreement_books.current(runtime.store), caller)
    groups: defaultdict[tuple[str, str | None], _Group] = defaultdict(_Group)
    for row in _uses(runtime, caller, first_us, end_us):
        gtin = row.gtin or ""
        group = groups[names.get(gtin, (gtin, None))]
        group.gtins.add(gtin)
        if row.event_time_us >= start_us:
            group.now += Decimal(row.quantity)
        else:
            group.before += Decimal(row.quantity)
    bodies = [_body(family, size, group, days) for (family, size), group in groups.items()]
    bodies.sort(key=lambda one: (-Decimal(one["slopePerDay"]), one["family"], one["size"] or ""))
    return {
        "from": format_time_us(max(start_us, EARLIEST_US)),
        "to": format_time_us(end_us - 1),
        "days": days,
        "trends": [one | {"rank": rank} for rank, one in enumerate(bodies, start=1)],
    }


def _uses(runtime: Runtime, caller: Principal, from_us: int, before_us: int) -> Iterable[OwnershipTransfer]:
    after: tuple[int, str] | None = None
    seen = 0
    with runtime.store.reader() as reader:
        while True:
            rows = transfers_of_party(
                reader, caller.organisation, from_us=from_us, before_us=before_us, after=after, limit=_PAGE
            )
            yield from (row for row in rows if row.use_type in _USED and not row.voided and row.uom is None)
            seen += len(rows)
            if len(rows) < _PAGE:
                return
            if seen > _MOST:
                raise QueryTooComplexException(f"more than {_MOST} passings of ownership; ask for fewer days")
            after = (rows[-1].event_time_us, rows[-1].id)


def _names(book: AgreementBook, caller: Principal) -> dict[str, tuple[str, str | None]]:
    """GTIN -> (family, size) as the caller's agreements have it, the newest version last."""
    found: dict[str, tuple[str, str | None]] = {}
    for agreement in book:
        if caller.organisation in agreement.parties and agreement.is_signed:
            found.update(
                (line.gtin, (line.family or line.gtin, line.size))
                for line in agreement.terms.lines
                if line.family is not None or line.size is not None
            )
    return found


def _body(family: str, size: str | None, group: _Group, days: int) -> dict[str, Any]:
    slope = (group.now - group.before) / days
    change = (group.now - group.before) / group.before if group.before else None
    return {
        "family": family,
        "size": size,
        "gtins": sorted(group.gtins),
        "uses": normal_decimal(group.now),
        "usesBefore": normal_decimal(group.before),
        "slopePerDay": format(slope.quantize(Decimal("0.0001")), "f"),
        "change": format(change.quantize(Decimal("0.001")), "f") if change is not None else None,
        "direction": "up" if slope > 0 else "down" if slope < 0 else "flat",
    }
