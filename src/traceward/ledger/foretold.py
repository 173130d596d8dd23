"""The conflict "dated_ahead": an event whose eventTime lies beyond its record; a wrong clock, or a wrong time zone.

Pure. It must not hold an event back: the projector decides from when on it counts.
"""

from collections.abc import Iterable
from typing import Final

from traceward.epcis.times import format_time_us
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.facts import LedgerEvent, keys
from traceward.ledger.parties import Parties
from traceward.ledger.visibility import named_parties

KIND: Final = "dated_ahead"
SKEW_US: Final = 15 * 60 * 1_000_000
"""So far a clock may be ahead of the server's without a word."""


def dated_ahead(event: LedgerEvent, captors: Iterable[str], parties: Parties) -> list[Conflict]:
    """What is to be said of an event that is dated after it was recorded; of a private one to each captor alone."""
    if event.event_time_us - event.record_time_us <= SKEW_US:
        return []
    named = keys(event)
    if not named:
        return []
    when = format_time_us(event.event_time_us)
    about = (KIND, named, (event.eid,))
    if event.private:
        return [
            conflict(*about, (party,), event.event_time_us, subject=party, what=when, private_to=party)
            for party in captors
        ]
    told = {party for party in (*captors, *named_parties(event, parties)) if party is not None and party in parties}
    return [conflict(*about, told, event.event_time_us, what=when)]
