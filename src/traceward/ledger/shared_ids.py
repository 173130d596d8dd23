"""Different content of different parties under one eventID: both stand, and a conflict says so.

It must not tell a party of an event that neither names it nor was captured by it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

from traceward.ledger import corrections
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.facts import LedgerEvent, keys
from traceward.ledger.parties import Parties
from traceward.ledger.visibility import named_parties

KIND = "event_id_reused"
# One eventID that a whole crowd misuses must not cost the square of the crowd.
_MOST = 8


def reused_ids(events: Iterable[LedgerEvent], parties: Parties) -> list[Conflict]:
    """A conflict for each two events under one eventID whose captures stand, where somebody may be told of both.

    events: with every event under an eventID, its error declarations too. Private events are nobody's to compare.
    """
    by_id: defaultdict[str, list[LedgerEvent]] = defaultdict(list)
    for event in events:
        by_id[event.event_id].append(event)
    found: list[Conflict] = []
    for same in by_id.values():
        if len(same) > 1:
            found += _of_one_id(same, parties)
    return found


def pair_id(first: LedgerEvent, second: LedgerEvent) -> str:
    """The id of the conflict that two events under one eventID would raise."""
    return _pair(first, second, ()).id


def originals(same: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """The events under one eventID that are shared and no error declarations, by digest; at most as many as count."""
    shared = [event for event in same if event.declares is None and not event.private and keys(event)]
    return sorted(shared, key=lambda event: event.eid)[:_MOST]


def _of_one_id(same: Sequence[LedgerEvent], parties: Parties) -> list[Conflict]:
    standing = originals(same)
    if len(standing) < 2:  # it takes two to disagree
        return []
    captors = corrections.resolve(same).captors
    standing = [event for event in standing if captors.get(event.eid, event.captured_by)]
    raised = []
    for first, second in combinations(standing, 2):
        both = named_parties(first, parties) & named_parties(second, parties)
        told = tuple(sorted(party for party in both if party is not None and party in parties))
        if told:
            raised.append(_pair(first, second, told))
    return raised


def _pair(first: LedgerEvent, second: LedgerEvent, told: tuple[str, ...]) -> Conflict:
    eids = sorted((first.eid, second.eid))
    named = sorted({*keys(first), *keys(second)})
    return conflict(KIND, named, eids, told, max(first.event_time_us, second.event_time_us))
