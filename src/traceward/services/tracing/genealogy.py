"""Item genealogy: what something was made of or packed with, and what became of it, through every level.

Built from shared events that the caller may see, one level at a time; each link names its events. It must not follow
private events, nor go on without bounds: cycles end where they close, and what was not followed is told.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from traceward.epcis.errors import QueryParameterException
from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger import corrections
from traceward.ledger.facts import PATIENT, LedgerEvent, class_parts
from traceward.ledger.steps import order_of
from traceward.services.identity.principals import Principal
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.visible_events import Moment, known_of, moment
from traceward.services.runtime import Runtime
from traceward.store.compile import VisibleTo
from traceward.store.read import Reader

Direction = Literal["backward", "forward"]

MOST_LEVELS: Final = 20
MOST_NODES: Final = 500
MOST_EVENTS: Final = 2000
MOST_STARTS: Final = 2000

_AT_ONCE: Final = 50
_PAGE: Final = 500
_PACKS: Final = frozenset({"AggregationEvent", "AssociationEvent"})
# Which terms find the events that lead from a thing, by direction: backward to what went into it, forward to what it
# went into.
_LINKING: Final = AnyTerm(tuple(("eventType", one) for one in (*sorted(_PACKS), "TransformationEvent")))
_TERMS: Final[dict[Direction, tuple[str, ...]]] = {
    "backward": ("outputEPC", "outputEPCClass", "parentID"),
    "forward": ("inputEPC", "inputEPCClass", "epc", "epcClass"),
}


@dataclass(frozen=True, slots=True)
class Strand:
    """One thing that is part, content or input of another. relation: transformed, packed or associated.

    part, whole: canonical identifiers. since, until: microseconds since 1970 UTC; until None where it still holds.
    """

    relation: str
    part: str
    whole: str
    since_us: int
    until_us: int | None
    quantity: Decimal | None
    uom: str | None
    event_ids: tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    runtime: Runtime
    caller: Principal
    direction: Direction
    time: TimeRange
    record_time: TimeRange
    levels: dict[str, int] = field(default_factory=dict)
    strands: dict[tuple[str, str, str, str], Strand] = field(default_factory=dict)
    unfollowed: set[str] = field(default_factory=set)
    events_read: int = 0
    follows: Callable[[Strand], bool] = field(default=lambda _strand: True)


def genealogy(
    runtime: Runtime,
    caller: Principal,
    identifier: str,
    direction: Direction,
    *,
    levels: int,
    as_of: str | None,
    known_at: str | None,
) -> dict[str, Any]:
    """What an item, lot or container was made of (backward), or what it went into (forward), up to `levels` levels.

    more: things that were not followed any further, for a bound of levels, things or events.
    Raises QueryParameterException for levels outside 1..MOST_LEVELS.
    """
    if not 1 <= levels <= MOST_LEVELS:
        raise QueryParameterException(f"levels is {levels}; expected 1 to {MOST_LEVELS}")
    at = moment(runtime, as_of, known_at)
    start = canonical_identifier(identifier)
    walk = _Walk(
        runtime,
        caller,
        direction,
        TimeRange(None, at.as_of_us + 1),
        TimeRange(None, at.known_at_us + 1 if at.known_at_us is not None else None),
        {start: 0},
    )
    frontier = [start]
    with runtime.store.reader() as reader:
        for level in range(1, levels + 1):
            frontier = _next_level(walk, reader, frontier, level)
            if not frontier:
                break
    walk.unfollowed.update(frontier)
    strands = sorted(walk.strands.values(), key=lambda one: (one.since_us, one.relation, one.whole, one.part))
    return {
        "id": start,
        "direction": direction,
        "asOf": at.text,
        "things": [{"id": name, "level": level} for name, level in sorted(walk.levels.items(), key=_by_level)],
        "links": [_strand_body(one) for one in strands],
        "more": sorted(walk.unfollowed),
    }


def made_of(
    runtime: Runtime, caller: Principal, starts: Sequence[str], at: Moment
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The trade items and lots that these went into and still are part of, through every level, each with what of them
    it has in it; and those of all these that were not followed any further, for a bound of levels, things or events.

    starts: canonical identifiers. Packed goods that were taken out again are no part; containers are no trade items.
    """
    walk = _Walk(
        runtime,
        caller,
        "forward",
        TimeRange(None, at.as_of_us + 1),
        TimeRange(None, at.known_at_us + 1 if at.known_at_us is not None else None),
        dict.fromkeys(starts[:MOST_STARTS], 0),
        unfollowed=set(starts[MOST_STARTS:]),
        follows=lambda strand: strand.until_us is None and class_parts(strand.whole)[0] is not None,
    )
    frontier = list(walk.levels)
    with runtime.store.reader() as reader:
        for level in range(1, MOST_LEVELS + 1):
            frontier = _next_level(walk, reader, frontier, level) if frontier else []
    walk.unfollowed.update(frontier)
    wholes: defaultdict[str, list[str]] = defaultdict(list)
    for strand in walk.strands.values():
        wholes[strand.whole].append(strand.part)
    given = set(starts)
    found = {whole: tuple(sorted(set(parts))) for whole, parts in sorted(wholes.items()) if whole not in given}
    return found, tuple(sorted(walk.unfollowed))


def _by_level(entry: tuple[str, int]) -> tuple[int, str]:
    return entry[1], entry[0]


def _next_level(walk: _Walk, reader: Reader, frontier: Sequence[str], level: int) -> list[str]:
    """Follow every thing of a level; gives those of the next that were not met before."""
    found: list[str] = []
    for start in range(0, len(frontier), _AT_ONCE):
        names = frontier[start : start + _AT_ONCE]
        if sum(1 for one in walk.levels.values() if one) >= MOST_NODES or walk.events_read >= MOST_EVENTS:
            walk.unfollowed.update(frontier[start:])
            return found
        events = _events(walk, reader, names)
        for strand in [*_packed(events), *_transformed(walk, reader, events)]:
            near, far = (strand.whole, strand.part) if walk.direction == "backward" else (strand.part, strand.whole)
            if near not in names or far.startswith(PATIENT) or not walk.follows(strand):
                continue
            walk.strands[(strand.relation, strand.part, strand.whole, strand.event_ids[0])] = strand
            if far not in walk.levels:
                walk.levels[far] = level
                found.append(far)
    return found


def _events(walk: _Walk, reader: Reader, names: Sequence[str]) -> list[tuple[LedgerEvent, str | None]]:
    """The shared events that lead on from these things, in the ledger's order, each with its transformationID."""
    pairs = tuple((term, name) for name in names for term in _TERMS[walk.direction])
    return _found(walk, reader, AnyTerm(pairs), _LINKING)


def _found(walk: _Walk, reader: Reader, *clauses: AnyTerm) -> list[tuple[LedgerEvent, str | None]]:
    query = Query(clauses=clauses, event_time=walk.time, record_time=walk.record_time, descending=False)
    found: list[tuple[LedgerEvent, str | None]] = []
    after = None
    while walk.events_read < MOST_EVENTS:
        page = reader.find(
            query,
            VisibleTo(walk.caller.viewers),
            after=after,
            limit=_PAGE,
            deadline_s=walk.runtime.limits.query_deadline_s,
        )
        walk.events_read += len(page.keys)
        lt_us = walk.record_time.lt_us
        known = known_of(reader, walk.caller, page.seqs, lt_us - 1 if lt_us is not None else None)
        for stored in reader.documents(known, witnesses=True):
            fact = stored_fact(stored, walk.runtime.registry)
            if not fact.private:
                is_transformation = fact.type == "TransformationEvent"
                expanded = expanded_stored(stored.text, stored.context, stored.event_id) if is_transformation else {}
                found.append((fact, expanded.get("transformationID")))
        if page.next is None:
            break
        after = page.next
    standing = {fact.eid for fact in corrections.standing(fact for fact, _ in found)}
    return sorted((entry for entry in found if entry[0].eid in standing), key=lambda entry: order_of(entry[0]))


def _packed(events: Iterable[tuple[LedgerEvent, str | None]]) -> list[Strand]:
    """What was put into what, from when to when: each ADD with the DELETE that ended it."""
    open_: dict[tuple[str, str], Strand] = {}
    done: list[Strand] = []
    for event, _ in events:
        if event.type not in _PACKS or event.parent is None:
            continue
        relation = "packed" if event.type == "AggregationEvent" else "associated"
        contents: list[tuple[str, Decimal | None, str | None]] = [(child, None, None) for child in event.children]
        contents += event.child_quantities
        if event.action == "DELETE":
            gone = {name for name, _, _ in contents} or {part for part, whole in open_ if whole == event.parent}
            for part in sorted(gone):
                strand = open_.pop((part, event.parent), None)
                if strand is not None:
                    done.append(_ended(strand, event))
            continue
        for part, quantity, uom in contents:
            new = Strand(relation, part, event.parent, event.event_time_us, None, quantity, uom, (event.event_id,))
            earlier = open_.get((part, event.parent))
            if earlier is not None:
                done.append(earlier)
            open_[(part, event.parent)] = new
    return [*done, *open_.values()]


def _ended(strand: Strand, event: LedgerEvent) -> Strand:
    ids = (*strand.event_ids, event.event_id)
    return Strand(
        strand.relation,
        strand.part,
        strand.whole,
        strand.since_us,
        event.event_time_us,
        strand.quantity,
        strand.uom,
        ids,
    )


def _transformed(walk: _Walk, reader: Reader, events: Iterable[tuple[LedgerEvent, str | None]]) -> list[Strand]:
    """Inputs and outputs; events that share a transformationID are one transformation (EPCIS 2.0 7.4.6)."""
    groups: dict[str, dict[bytes, LedgerEvent]] = {}
    for event, transformation in events:
        if event.type == "TransformationEvent":
            groups.setdefault(transformation or event.event_id, {})[event.eid] = event
    shared = {transformation for _, transformation in events if transformation is not None}
    for start in range(0, len(shared), _AT_ONCE):
        pairs = tuple(("transformationID", name) for name in sorted(shared)[start : start + _AT_ONCE])
        for event, transformation in _found(walk, reader, AnyTerm(pairs)):
            if transformation is not None:
                groups.setdefault(transformation, {})[event.eid] = event
    found: list[Strand] = []
    for members in groups.values():
        ordered = sorted(members.values(), key=order_of)
        inputs = {name: None for event in ordered for name in event.inputs}
        amounts = {name: (quantity, uom) for event in ordered for name, quantity, uom in event.input_quantities}
        outputs = [
            name for event in ordered for name in (*event.outputs, *(one for one, _, _ in event.output_quantities))
        ]
        ids = tuple(event.event_id for event in ordered)
        found += [
            Strand("transformed", part, whole, ordered[0].event_time_us, None, *amounts.get(part, (None, None)), ids)
            for part in dict.fromkeys([*inputs, *amounts])
            for whole in dict.fromkeys(outputs)
        ]
    return found


def _strand_body(strand: Strand) -> dict[str, Any]:
    return {
        "relation": strand.relation,
        "part": strand.part,
        "whole": strand.whole,
        "since": format_time_us(strand.since_us),
        "until": format_time_us(strand.until_us) if strand.until_us is not None else None,
        "quantity": format(strand.quantity, "f") if strand.quantity is not None else None,
        "uom": strand.uom,
        "eventIDs": list(strand.event_ids),
    }
