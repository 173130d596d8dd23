"""Which uses have been ordered or owe no order, by the papers that both parties may see.

How papers answer uses is decided where uses are told (`money.usage_matching`), and nowhere else: an alert that goes by
another rule would stand beside an answer that denies it. It must not judge what is late: `ledger.alerts_use` does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from traceward.ledger.alerts_model import Use
from traceward.ledger.facts import GS1, class_parts
from traceward.services.identity.principals import Principal
from traceward.services.money.usage_events import OrderEvent, UseEvent, find_orders, read_uses
from traceward.services.money.usage_matching import match
from traceward.services.runtime import Runtime
from traceward.store import alert_rows
from traceward.store.read import Reader


def with_papers(runtime: Runtime, reader: Reader, parties: Iterable[str], uses: Sequence[Use]) -> list[Use]:
    """The uses, each with whether it is ordered and whether it is free of charge.

    parties: of both sides; what one of them does not see answers nothing. uses: all of one product between the two.
    """
    viewers = [_reader_of(runtime, party) for party in parties]
    if not uses or None in viewers:
        return list(uses)
    seers = [viewer for viewer in viewers if viewer is not None]
    numbers = alert_rows.numbers_of(reader, {use.eid for use in uses})
    stored = reader.documents(sorted(set(numbers.values())), witnesses=True)
    events = read_uses(runtime, reader, seers[0], stored)
    matches = match(events, _orders(runtime, reader, seers, events), (), ())
    by_eid = {event.eid: event for event in events}
    told = []
    for use in uses:
        progress = matches.lines.get(f"{use.eid.hex()}|{use.key}")
        event = by_eid.get(use.eid)
        ordered = progress is not None and progress.ordered > 0
        told.append(replace(use, ordered=ordered, free=event is not None and event.papers.no_charge))
    return told


def _reader_of(runtime: Runtime, party: str) -> Principal | None:
    known = runtime.registry.find(party)
    return Principal(known.id, known.name, known.number, "reader", "", "alerts") if known is not None else None


def _orders(runtime: Runtime, reader: Reader, seers: Sequence[Principal], uses: Sequence[UseEvent]) -> list[OrderEvent]:
    """The transactions that name these uses' reports, items or products and that all of these see."""
    reports = {report for use in uses for report in use.papers.usage_reports}
    items = {line.item for use in uses for line in use.lines}
    items |= {f"{GS1}01/{gtin}" for item in items if (gtin := class_parts(item)[0]) is not None}
    first, *others = [find_orders(runtime, reader, one, reports, items) for one in seers]
    both = {one.event_id for one in first}.intersection(*({one.event_id for one in seen} for seen in others))
    return [one for one in first if one.event_id in both]
