"""Corrections that are not complete: errors declared whose corrective event, or whose original, is not here.

It must not look beyond what the caller may see: an event hidden from the caller is as missing as an absent one.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import format_time_us
from traceward.ledger.facts import LedgerEvent, keys
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import Moment, known_facts, moment
from traceward.services.runtime import Runtime
from traceward.store.compile import VisibleTo
from traceward.store.read import Reader

_DECLARED: Final = AnyTerm((("has:errorDeclaration", ""),))
_MOST: Final = 2000
_AT_ONCE: Final = 100


def pending(runtime: Runtime, caller: Principal, *, as_of: str | None, known_at: str | None) -> dict[str, Any]:
    """The error declarations that the caller sees and that wait for something, newest first. EPCIS 2.0 7.4.1.4.

    missing: eventIDs of corrective events that have not come; original: whether the event itself is here.
    """
    at = moment(runtime, as_of, known_at)
    with runtime.store.reader() as reader:
        page = reader.find(_query((_DECLARED,), at), VisibleTo(caller.viewers), limit=_MOST)
        declarations = list(known_facts(runtime, reader, caller, page.seqs, at.known_at_us))
        wanted = {name for one in declarations for name in (one.event_id, *_correctives(one))}
        known = _known(runtime, reader, caller, wanted, at)
    waiting = [_body(one, known) for one in declarations]
    return {"asOf": at.text, "pending": [one for one in waiting if one["missing"] or not one["originalKnown"]]}


def _query(clauses: tuple[AnyTerm, ...], at: Moment) -> Query:
    known = TimeRange(None, at.known_at_us + 1 if at.known_at_us is not None else None)
    return Query(clauses=clauses, event_time=TimeRange(None, at.as_of_us + 1), record_time=known)


def _known(
    runtime: Runtime, reader: Reader, caller: Principal, event_ids: Iterable[str], at: Moment
) -> dict[str, bool]:
    """Which of these eventIDs the caller sees an event of that is no error declaration."""
    found: dict[str, bool] = {}
    names = sorted(event_ids)
    for start in range(0, len(names), _AT_ONCE):
        pairs = tuple(("eventID", name) for name in names[start : start + _AT_ONCE])
        page = reader.find(_query((AnyTerm(pairs),), at), VisibleTo(caller.viewers), limit=_MOST)
        for fact in known_facts(runtime, reader, caller, page.seqs, at.known_at_us):
            found[fact.event_id] = found.get(fact.event_id, False) or fact.declares is None
    return found


def _correctives(event: LedgerEvent) -> tuple[str, ...]:
    return event.declares.correctives if event.declares is not None else ()


def _body(event: LedgerEvent, known: Mapping[str, bool]) -> dict[str, Any]:
    declares = event.declares
    return {
        "eventID": event.event_id,
        "eventTime": format_time_us(event.event_time_us),
        "declaredAt": format_time_us(declares.declaration_time_us) if declares is not None else None,
        "reason": declares.reason if declares is not None else None,
        "items": list(keys(event)),
        "originalKnown": known.get(event.event_id, False),
        "missing": [name for name in _correctives(event) if not known.get(name, False)],
    }
