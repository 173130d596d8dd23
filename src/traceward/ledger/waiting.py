"""Events that wait for their day: what is said of them before they count as stock.

It must not apply them; `foretold` has what is to be said, for these as for all others.
"""

from collections.abc import Iterable

from traceward.ledger import closure, corrections, foretold
from traceward.ledger.closing import close_conflicts
from traceward.ledger.conflicts import Conflict
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.parties import Parties
from traceward.ledger.persistence import conflict_row
from traceward.store import ledger_rows
from traceward.store.write import WriteTransaction


def write_waiting(
    tx: WriteTransaction, waiting: Iterable[LedgerEvent], parties: Parties, party_ids: closure.PartyIds
) -> list[Conflict]:
    """Write what is to be said of events that wait; those conflicts that stand.

    waiting: stored events and error declarations. Of an event that was declared in error before its day nothing is
    said any longer.
    """
    told = {event.eid: event for event in waiting}
    rows = tx.events_under_ids({event.event_id for event in told.values()})
    same = [closure.stored_event(row, party_ids) for row in rows]
    struck_by = {event.event_id for event in told.values() if event.declares is not None}
    captors = corrections.resolve(same).captors
    standing: list[Conflict] = []
    struck: list[str] = []
    for event in same:
        if event.declares is not None or (event.eid not in told and event.event_id not in struck_by):
            continue
        left = captors.get(event.eid, event.captured_by)
        if left:
            standing += foretold.dated_ahead(event, left, parties)
        else:
            struck += [one.id for one in foretold.dated_ahead(event, event.captured_by, parties)]
    if struck:
        close_conflicts(tx, struck)
    ledger_rows.put_conflicts(tx, [conflict_row(one, tx.record_time_us) for one in standing])
    return standing
