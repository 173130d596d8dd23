"""Chains of custody and of ownership: who had a thing, who owned it, since when, and where a link is missing.

Read off the ledger as of each of the item's events, within what the caller may see; each row names its event. It must
not guess: where nothing proves a passing, the row says so as a gap.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from traceward.epcis.errors import NoSuchResource, QueryTooComplexException
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.state import Instance, Ledger
from traceward.ledger.steps import SINKS, order_of
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import facts_of, folded, moment, told_relations
from traceward.services.runtime import Runtime
from traceward.services.tracing import stock

MOST_EVENTS: Final = 300
"""Events in an item's life that a chain is made of; the ledger is read as of each."""

_GAPS: Final = {
    "first_seen": "nothing tells where it came from",
    "implied_receipt": "no receipt was captured; it is implied",
    "used_in_transit": "no receipt was captured before it was used",
    "used_elsewhere": "neither its despatch nor its receipt was captured before it was used",
    "receipt_over": "no despatch was captured before its receipt",
    "owner_mismatch": "the event names another owner than the one before",
    "claimed": "captured by a party that neither owned nor held it",
    "place_mismatch": "taken from another place than where it was",
    "implied_disaggregation": "handled alone while still packed",
}
"""Kinds of conflict that are a missing link, and what is missing."""


@dataclass(frozen=True, slots=True)
class _Link:
    """A state of affairs from an event on. party: who had or owned it; None for nobody known."""

    since_us: int
    party: str | None
    place: str | None
    status: str
    event: LedgerEvent


def chains(
    runtime: Runtime, caller: Principal, identifier: str, *, as_of: str | None, known_at: str | None
) -> dict[str, Any]:
    """The custody and the ownership of one serialised item or container, each row until the next begins.

    Raises NoSuchResource where the caller sees nothing of it, QueryTooComplexException beyond MOST_EVENTS events.
    """
    at = moment(runtime, as_of, known_at)
    item = canonical_identifier(identifier)
    events = sorted(facts_of(runtime, caller, [item], at), key=order_of)
    if len(events) > MOST_EVENTS:
        raise QueryTooComplexException(f"{len(events)} events; a chain is made of at most {MOST_EVENTS}")
    ledger = folded(runtime, caller, events, at)
    record = ledger.instance(item)
    if record is None or not record.status:
        raise NoSuchResource("there is no such item")
    custody: list[_Link] = []
    ownership: list[_Link] = []
    for event, state in _states(runtime, caller, events, item, at):
        now = _Link(event.event_time_us, state.holder, state.place, state.status, event)
        if not custody or (custody[-1].party, custody[-1].place, custody[-1].status) != (
            now.party,
            now.place,
            now.status,
        ):
            custody.append(now)
        owned = _Link(event.event_time_us, state.owner, None, state.status, event)
        if not ownership or ownership[-1].party != owned.party:
            ownership.append(owned)
    missing = _missing(ledger, item)
    ended = state_end(record)
    body = {
        "id": item,
        "asOf": at.text,
        "custody": _rows(custody, missing, ended),
        "ownership": _rows(ownership, missing, ended),
        "ended": format_time_us(ended) if ended is not None else None,
    }
    named = [{"place": link.place, "holder": link.party} for link in custody]
    named += [{"place": None, "holder": link.party} for link in ownership]
    return body | stock.names(runtime, caller, named)


def state_end(record: Instance) -> int | None:
    """When the item's life in stock ended, in microseconds since 1970 UTC; None while it goes on."""
    return record.order[0] if record.status in SINKS and record.order is not None else None


def _states(
    runtime: Runtime, caller: Principal, events: list[LedgerEvent], item: str, at: Any
) -> Iterable[tuple[LedgerEvent, Instance]]:
    """The item's record as of each moment at which something happened, with the event that came last then."""
    told = told_relations(runtime, caller, at)
    for number, event in enumerate(events):
        if number + 1 < len(events) and events[number + 1].event_time_us == event.event_time_us:
            continue
        record = folded(runtime, caller, _known(events, number), at, told).instance(item)
        if record is not None and record.status:
            yield _latest(events, record, event), record


def _known(events: list[LedgerEvent], number: int) -> list[LedgerEvent]:
    """The events up to one, and the error declarations of them."""
    given = events[: number + 1]
    ids = {event.event_id for event in given}
    return given + [event for event in events[number + 1 :] if event.declares is not None and event.event_id in ids]


def _latest(events: list[LedgerEvent], record: Instance, fallback: LedgerEvent) -> LedgerEvent:
    return next((event for event in events if event.eid == record.changed_eid), fallback)


def _missing(ledger: Ledger, item: str) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for conflict in ledger.conflicts.values():
        if conflict.kind in _GAPS and item in conflict.keys and conflict.private_to is None:
            for eid in conflict.eids:
                found.setdefault(eid, []).append(_GAPS[conflict.kind])
    return found


def _rows(links: list[_Link], missing: Mapping[bytes, list[str]], ended_us: int | None) -> list[dict[str, Any]]:
    rows = []
    for number, link in enumerate(links):
        following = links[number + 1].since_us if number + 1 < len(links) else ended_us
        rows.append({
            "since": format_time_us(link.since_us),
            "until": format_time_us(following) if following is not None else None,
            "party": link.party,
            "place": link.place,
            "status": link.status,
            "eventID": link.event.event_id,
            "gaps": sorted(set(missing.get(link.event.eid, ()))),
        })  # fmt: skip
    return rows
