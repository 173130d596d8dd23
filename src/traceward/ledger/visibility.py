"""Which parties an event names, and so may see it whatever the ledger makes of it.

It must not look at state: what a party sees as owner, holder or consignee is found while the fold runs
(instances.touch, instances.show_slot).
"""

from traceward.ledger.facts import LedgerEvent
from traceward.ledger.parties import Parties


def named_parties(event: LedgerEvent, parties: Parties) -> set[str | None]:
    """The captors of a shared event, the parties in its source and destination lists, and those of its places."""
    found: set[str | None] = set(event.captured_by)
    for pair in (event.owning, event.possessing):
        if pair is not None:
            found.update(pair)
    place = parties.party_of_place
    found.add(place(event.read_point))
    found.add(place(event.biz_location))
    if event.location is not None:
        found.add(place(event.location[0]))
        found.add(place(event.location[1]))
    return found
