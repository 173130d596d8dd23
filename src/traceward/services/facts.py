"""The ledger's facts of stored events, with the parties that captured them.

It must not decide anything about stock; the ledger does.
"""

from collections.abc import Iterable

from traceward.ledger.closure import stored_event
from traceward.ledger.facts import LedgerEvent
from traceward.services.parties import Registry
from traceward.store.rows import StoredEvent


def stored_fact(event: StoredEvent, registry: Registry) -> LedgerEvent:
    """The facts of a stored event; captors are those organisations that its witnesses name."""
    return stored_event(event, lambda numbers: party_ids(numbers, registry))


def party_ids(numbers: Iterable[int], registry: Registry) -> tuple[str, ...]:
    """The canonical ids of organisation numbers, sorted; unknown numbers are left out."""
    known = (registry.by_number(number) for number in numbers)
    return tuple(sorted(one.id for one in known if one is not None))
