"""Alerts about counts: due, overdue, missed, waiting for signatures; and about what they miss or find.

Pure. A count without declared scope proves nothing and is not among the facts; a count never changes the book.
"""

from collections.abc import Iterator
from decimal import Decimal

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.times import DAY_US
from traceward.ledger.agreement import Agreement, day_of, start_of, tolerated
from traceward.ledger.agreement_terms import Side
from traceward.ledger.alerts_model import Alert, Counted, Facts, Missing
from traceward.ledger.facts import class_parts


def count_alerts(facts: Facts) -> Iterator[Alert]:
    """Of the pair: counts that are owed and signatures that are missing."""
    for agreement in facts.in_force():
        products = {line.gtin for line in agreement.terms.lines}
        here = [one for one in facts.counts if facts.book.covers(agreement, one.place) and one.gtins & products]
        yield from _owed(facts, agreement, here)
        for count in here:
            yield from _sign_off(facts, agreement, count)


def missing_alerts(facts: Facts) -> Iterator[Alert]:
    """Of the product: what counts miss and find. Domain 4.1, ghosts; the tolerance is nobody's loss."""
    for one in facts.missing:
        judged = facts.judge(one.place, one.since_us)
        if judged is None:
            continue
        agreement, loss = judged.agreement, judged.agreement.terms.loss
        subject = f"{one.key}|{one.place}"
        if one.found:
            yield facts.alert(
                "found",
                subject,
                period=str(one.since_us),
                by=agreement.terms.counts.counter,
                agreement=agreement,
                opens_us=one.since_us,
                place=one.place,
                evidence=one.eids,
                detail=_detail(one),
            )
            continue
        ends_us = one.since_us + loss.grace_days * DAY_US
        yield facts.alert(
            "variance",
            subject,
            period=str(one.since_us),
            by=agreement.terms.counts.counter,
            agreement=agreement,
            opens_us=one.since_us,
            due_us=ends_us,
            closes_us=ends_us,
            place=one.place,
            evidence=one.eids,
            detail=_detail(one),
        )
        charged = _charged(agreement, one)
        payer: Side = loss.liable if charged else "supplier"
        yield facts.alert(
            "write_off",
            subject,
            period=str(one.since_us),
            by=payer,
            agreement=agreement,
            opens_us=ends_us,
            place=one.place,
            evidence=one.eids,
            detail=_detail(one) | {"payer": payer, "charged": normal_decimal(charged)},
        )


def _charged(agreement: Agreement, one: Missing) -> Decimal:
    """How much of it is paid for. The tolerance is one for each count: write-offs that stand have used their part, and
    what the count misses besides takes of the rest in the order of the items, as a proposal of all of it would.
    """
    name = agreement.terms.agreement_id
    standing = [row for row in one.written_off if row.agreement_id == name]
    proposed = {row.item: row.charged for row in standing if row.waits}
    if one.key in proposed:
        return min(proposed[one.key], one.quantity)
    used = sum((row.quantity - row.charged for row in standing), Decimal(0))
    free = tolerated(agreement, one.booked) - used
    for item, quantity in sorted(one.beside):
        if item < one.key and item not in proposed and agreement.line_of(class_parts(item)[0]) is not None:
            free -= quantity
    return max(Decimal(0), one.quantity - max(Decimal(0), free))


def _owed(facts: Facts, agreement: Agreement, counts: list[Counted]) -> Iterator[Alert]:
    """Counts that each site of the agreement owes: one of one site says nothing of another."""
    sites = agreement.terms.sites
    for site in sites:
        there = [one for one in counts if facts.book.is_below(one.place, site)]
        yield from _owed_at(facts, agreement, there, site if len(sites) > 1 else None)


def _owed_at(facts: Facts, agreement: Agreement, counts: list[Counted], site: str | None) -> Iterator[Alert]:
    """Due for a tenth of the cadence, then overdue, then, when the time to report it is over, missed.

    site: None where the agreement has no other.
    """
    terms = agreement.terms
    every = terms.counts.every_days
    if every is None:
        return
    # Nobody owes a count of a time before he signed that he would count.
    began = min(time for one in facts.book.versions(agreement.key) if (time := _begins(one)) is not None)
    last = max([began, *(one.time_us for one in counts)])
    due_us = (last // DAY_US + every) * DAY_US
    late_us = due_us + terms.counts.report_within_days * DAY_US
    steps = [("count_due", due_us - max(every // 10, 1) * DAY_US, due_us), ("count_overdue", due_us, late_us)]
    steps.append(("count_missed" if terms.loss.waived_without_count else "count_overdue", late_us, 0))
    said = {"since": day_of(last).isoformat(), "dueDay": day_of(due_us).isoformat()}
    said |= {"place": site} if site is not None else {}
    for kind, opens_us, closes_us in steps:
        yield facts.alert(
            kind,
            terms.agreement_id if site is None else f"{terms.agreement_id}|{site}",
            period=f"{said['dueDay']} {opens_us}",
            by=terms.counts.counter,
            agreement=agreement,
            opens_us=opens_us,
            due_us=due_us,
            closes_us=closes_us or None,
            place=site,
            detail=said,
        )


def _begins(agreement: Agreement) -> int | None:
    """When the duty to count began by a version, in microseconds; None where it has none."""
    signed_us = agreement.signed_us
    if signed_us is None or agreement.terms.counts.every_days is None:
        return None
    return max(start_of(agreement.terms.valid_from), signed_us)


def _sign_off(facts: Facts, agreement: Agreement, count: Counted) -> Iterator[Alert]:
    """One alert for each count and side that is to sign it off; acknowledging it is the signature."""
    wanted = agreement.terms.counts.sign_off
    owed_us = facts.owed_from(agreement, count.time_us)
    sides: tuple[Side, ...] = ("supplier", "hospital") if wanted == "both" else (wanted,)
    for side in sides:
        alert = facts.alert(
            "count_sign_off",
            f"{count.eid.hex()}|{side}",
            by=side,
            agreement=agreement,
            opens_us=count.time_us,
            due_us=owed_us + agreement.terms.counts.report_within_days * DAY_US,
            closes_us=owed_us + agreement.terms.data.dispute_days * DAY_US,
            place=count.place,
            evidence=(count.eid,),
            detail={"day": day_of(count.time_us).isoformat(), "place": count.place},
        )
        if (alert.base, facts.party(side)) not in facts.signed:
            yield alert


def _detail(one: Missing) -> dict[str, str | int]:
    return {"item": one.key, "quantity": normal_decimal(one.quantity), "place": one.place}
