"""The events that a caller may see, as the ledger's facts: what every answer about another time is folded from.

It must not hand out an event that the caller may not see: a fold of these cannot be influenced by hidden ones.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.terms import class_prefix
from traceward.epcis.times import format_time_us
from traceward.ledger.book import Relations
from traceward.ledger.facts import LedgerEvent, container_of
from traceward.ledger.fold import fold, relations
from traceward.ledger.state import Ledger
from traceward.services.identity.principals import Principal
from traceward.services.queries.facts import stored_fact
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.store.compile import VisibleTo
from traceward.store.feed import not_seen_yet
from traceward.store.read import Page, Reader
from traceward.store.rows import EventFacts, StoredEvent

_PAGE: Final = 1000
KEYS_PER_QUERY: Final = 100
_DEPTH: Final = 16
_CAPTORS: Final = "SELECT eid, party FROM witness WHERE record_time_us<=? AND eid IN {in}"
#: The terms under which an event names a thing.
KEY_TERMS: Final = ("epc", "parentID", "inputEPC", "outputEPC", "epcClass", "inputEPCClass", "outputEPCClass")


def goods_terms(identifier: str) -> tuple[tuple[str, str], ...]:
    """The terms of events that move an item or lot, or of a product any of its items or lots.

    identifier: canonical. What lies in a container, or is made into something else, is named by other terms.

    >>> goods_terms("https://id.gs1.org/01/09521141045305")[1]
    ('epcClass~class', 'https://id.gs1.org/01/09521141045305/10/')
    """
    if class_prefix(identifier) is None:
        lots, serials = f"{identifier}/10/", f"{identifier}/21/"
        return ("epcClass", identifier), ("epcClass~class", lots), ("epc~class", serials)
    return ("epc", identifier), ("epcClass", identifier)


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in both times: what was true at as_of_us by what was known at known_at_us; both inclusive."""

    as_of_us: int
    known_at_us: int | None
    is_now: bool

    @property
    def text(self) -> str:
        """The asOf time as the answer states it."""
        return format_time_us(self.as_of_us)


def moment(runtime: Runtime, as_of: str | None, known_at: str | None) -> Moment:
    """The moment that asOf and knownAt name: a date means its end in UTC, absence means now.

    Raises QueryParameterException for what is neither a date nor a date-time.
    """
    known_us = instant("knownAt", known_at) if known_at is not None else None
    if as_of is None:
        return Moment(runtime.now_us(), known_us, is_now=known_us is None)
    return Moment(instant("asOf", as_of), known_us, is_now=False)


def visible_event_ids(
    reader: Reader, caller: Principal, eids: Collection[bytes], known_at_us: int | None = None
) -> dict[bytes, str]:
    """The eventIDs of those of these contents that the caller may see, and could at known_at_us (None: now)."""
    record_time = TimeRange(None, known_at_us + 1 if known_at_us is not None else None)
    numbers = {bytes(eid): seq for eid, seq in reader.fetch_in("SELECT eid, seq FROM witness WHERE eid IN {in}", eids)}
    names: dict[int, str] = dict(
        reader.fetch_in("SELECT seq, event_id FROM event WHERE seq IN {in}", set(numbers.values()))
    )
    seen: set[int] = set()
    wanted = sorted(set(names.values()))
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        pairs = tuple(("eventID", name) for name in wanted[start : start + KEYS_PER_QUERY])
        page = reader.find(
            Query(clauses=(AnyTerm(pairs),), record_time=record_time), VisibleTo(caller.viewers), limit=_PAGE
        )
        seen.update(known_of(reader, caller, page.seqs, known_at_us))
    return {eid: names[seq] for eid, seq in numbers.items() if seq in seen}


def visible_pages(
    runtime: Runtime, reader: Reader, caller: Principal, query: Query, *, limit: int, most: int, beyond: str
) -> Iterator[Page]:
    """Every page of the events that match and that the caller may see, of `limit` events each.

    Raises QueryTooComplexException with the words `beyond` where they are more than `most` events.
    """
    viewers, deadline_s = VisibleTo(caller.viewers), runtime.limits.query_deadline_s
    return reader.pages(query, viewers, limit=limit, deadline_s=deadline_s, most=most, beyond=beyond)


def known_of(reader: Reader, caller: Principal, seqs: Sequence[int], known_at_us: int | None) -> Sequence[int]:
    """Those of these events that the caller could see at known_at_us (None: now), in the order given.

    seqs: of events that were recorded by then and that the caller sees now.
    """
    if known_at_us is None or not seqs:
        return seqs
    later = not_seen_yet(reader, VisibleTo(caller.viewers), seqs, known_at_us)
    return [seq for seq in seqs if seq not in later] if later else seqs


def known_facts(
    runtime: Runtime, reader: Reader, caller: Principal, seqs: Sequence[int], known_at_us: int | None
) -> Iterator[LedgerEvent]:
    """The facts of those of these events that the caller could see at known_at_us, with the captors of that time.

    Of a private event the caller's organisation is the only captor told: who else has it, and what came of theirs, is
    no concern of its.
    """
    wanted = known_of(reader, caller, seqs, known_at_us)
    rows = reader.facts(wanted)
    captors: defaultdict[bytes, list[int]] | None = None
    if known_at_us is not None:
        captors = defaultdict(list)
        for eid, party in reader.fetch_in(_CAPTORS, [row.eid for row in rows.values()], (known_at_us,)):
            captors[bytes(eid)].append(party)
    # Only of private events the text is read: patients have no names in their facts.
    private = reader.documents([seq for seq in wanted if seq in rows and rows[seq].private], witnesses=True)
    texts = {event.seq: event for event in private}
    for seq in wanted:
        row: EventFacts | StoredEvent | None = rows.get(seq)
        if isinstance(row, EventFacts) and row.private:
            row = texts.get(seq)
        if row is None:
            continue
        if captors is not None:
            row = row._replace(witnesses=tuple(captors[bytes(row.eid)]))
        yield _told_to(caller, stored_fact(row, runtime.registry))


def _told_to(caller: Principal, fact: LedgerEvent) -> LedgerEvent:
    return msgspec.structs.replace(fact, captured_by=(caller.organisation,)) if fact.private else fact


def all_facts(runtime: Runtime, caller: Principal, at: Moment) -> list[LedgerEvent]:
    """Every event up to the moment that the caller may see. Raises QueryTooComplexException beyond the fold limit."""
    with runtime.store.reader() as reader:
        return list(_facts(runtime, reader, caller, (), at, runtime.limits.fold_limit_events))


def facts_of(runtime: Runtime, caller: Principal, items: Iterable[str], at: Moment) -> list[LedgerEvent]:
    """The events up to the moment that name these items, or a container that they were in, at any depth.

    items: canonical identifiers of instances, classes or containers.
    """
    found: dict[bytes, LedgerEvent] = {}
    done: set[str] = set()
    frontier = set(items)
    with runtime.store.reader() as reader:
        for _ in range(_DEPTH):
            if not frontier:
                break
            done |= frontier
            above: set[str] = set()
            for part in _parts(sorted(frontier)):
                pairs = tuple((term, key) for key in part for term in KEY_TERMS)
                rest = runtime.limits.fold_limit_events - len(found)
                for event in _facts(runtime, reader, caller, (AnyTerm(pairs),), at, rest):
                    found[event.eid] = event
                    container = container_of(event)
                    if container is not None:
                        above.add(container)
            frontier = above - done
    return list(found.values())


def folded(
    runtime: Runtime, caller: Principal, events: Iterable[LedgerEvent], at: Moment, told: Relations | None = None
) -> Ledger:
    """The ledger that these events amount to for the caller.

    told: what `told_relations` gives, for whoever folds several times.
    """
    given = list(events)
    known = told if told is not None else told_relations(runtime, caller, at)
    return fold(given, runtime.registry.parties, relations(given) | known)


def told_relations(runtime: Runtime, caller: Principal, at: Moment) -> Relations:
    """Who consigns to whom, as far as the caller may know at the moment.

    That may be proven by an event that does not concern the items asked for, so it counts in every fold beside what
    the events prove themselves.
    """
    with runtime.store.reader() as reader:
        rows = reader.fetch("SELECT owner, consignee, eid FROM relation")
        pairs: dict[bytes, tuple[str, str]] = {bytes(eid): (owner, consignee) for owner, consignee, eid in rows}
        return frozenset(pairs[eid] for eid in visible_event_ids(reader, caller, pairs, at.known_at_us))


def serials_of_lot(runtime: Runtime, gtin: str, lot: str) -> list[str]:
    """The items of a GTIN whose lot is known to the ledger; what the caller may not see has no events for it."""
    with runtime.store.reader() as reader:
        rows = reader.fetch("SELECT key FROM ledger_record WHERE gtin = ? AND lot = ? ORDER BY key", (gtin, lot))
    return [key for (key,) in rows if "|" not in key]


def _facts(
    runtime: Runtime, reader: Reader, caller: Principal, clauses: tuple[AnyTerm, ...], at: Moment, most: int
) -> Iterator[LedgerEvent]:
    query = Query(
        clauses=clauses,
        event_time=TimeRange(None, at.as_of_us + 1),
        record_time=TimeRange(None, at.known_at_us + 1 if at.known_at_us is not None else None),
        descending=False,
    )
    limit = runtime.limits.fold_limit_events
    beyond = f"more than {limit} events would have to be folded for this answer"
    for page in visible_pages(runtime, reader, caller, query, limit=_PAGE, most=most, beyond=beyond):
        yield from known_facts(runtime, reader, caller, page.seqs, at.known_at_us)


def _parts(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), KEYS_PER_QUERY // len(KEY_TERMS)):
        yield items[start : start + KEYS_PER_QUERY // len(KEY_TERMS)]
