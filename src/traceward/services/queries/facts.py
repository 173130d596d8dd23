"""The ledger's facts of stored events, with the parties that captured them.

It must not decide anything about stock; the ledger does.
"""

from collections.abc import Iterable

from traceward.ledger.closure import stored_event
from traceward.ledger.facts import LedgerEvent, ledger_event
from traceward.services.identity.registry import Registry
from traceward.services.indexing.preparation import expanded_stored
from traceward.store.rows import EventFacts, StoredEvent
from traceward.store.sealed import ERASED


def stored_fact(event: StoredEvent | EventFacts, registry: Registry) -> LedgerEvent:
    """The facts of a stored event; captors are those organisations that its witnesses name.

    What is stored of a private event has pseudonyms; here its patients have their names, as its readers need them,
    where its text is there.
    """
    fact = stored_event(event, lambda numbers: party_ids(numbers, registry))
    if isinstance(event, EventFacts) or not event.private or event.text == ERASED:
        return fact
    expanded = expanded_stored(event.text, event.context, event.event_id)
    return ledger_event(expanded, event.eid, fact.captured_by, fact.record_time_us, private=True)


def party_ids(numbers: Iterable[int], registry: Registry) -> tuple[str, ...]:
    """The canonical ids of organisation numbers, sorted; unknown numbers are left out."""
    known = (registry.by_number(number) for number in numbers)
    return tuple(sorted(one.id for one in known if one is not None))
