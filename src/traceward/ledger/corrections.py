"""Which captures stand and which were declared in error by the party that made them. EPCIS 2.0 7.4.1.4.

It must not drop an event: declared ones and declarations both stay in every answer, they only move nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from traceward.ledger.facts import LedgerEvent, keys


class Corrections(NamedTuple):
    """captors: eid -> parties whose capture stands. declared: eid -> declarations that struck it.

    waiting: declarations whose original is not here. refused: declaration by parties that did not capture it -> the
    originals that it would have been of.
    """

    captors: Mapping[bytes, tuple[str, ...]]
    declared: Mapping[bytes, tuple[LedgerEvent, ...]]
    waiting: frozenset[bytes]
    refused: Mapping[bytes, tuple[LedgerEvent, ...]]


def resolve(events: Sequence[LedgerEvent]) -> Corrections:
    """Match error declarations with their originals: same eventID, same objects, and a captor in common."""
    originals: dict[str, list[LedgerEvent]] = defaultdict(list)
    declarations = [event for event in events if event.declares is not None]
    if not declarations:
        return Corrections({}, {}, frozenset(), {})
    wanted = {event.event_id for event in declarations}
    for event in events:
        if event.declares is None and event.event_id in wanted:
            originals[event.event_id].append(event)
    captors: dict[bytes, tuple[str, ...]] = {}
    declared: dict[bytes, list[LedgerEvent]] = defaultdict(list)
    waiting: set[bytes] = set()
    refused: dict[bytes, tuple[LedgerEvent, ...]] = {}
    for declaration in sorted(declarations, key=lambda event: event.eid):
        same = [event for event in originals[declaration.event_id] if keys(event) == keys(declaration)]
        own = [event for event in same if set(event.captured_by) & set(declaration.captured_by)]
        for event in own:
            left = captors.get(event.eid, event.captured_by)
            captors[event.eid] = tuple(party for party in left if party not in declaration.captured_by)
            declared[event.eid].append(declaration)
        if same and not own:
            refused[declaration.eid] = tuple(same)
        elif not same:
            waiting.add(declaration.eid)
    struck = {eid: tuple(listed) for eid, listed in declared.items()}
    return Corrections(captors, struck, frozenset(waiting), refused)


def standing(events: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """Those of these events that say something still: no declarations, and none whose every capture was declared in
    error by its captor. events: with all their captors.
    """
    told = list(events)
    captors = resolve(told).captors
    return [one for one in told if one.declares is None and captors.get(one.eid, one.captured_by)]
