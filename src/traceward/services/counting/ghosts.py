"""Ghost and found stock of one organisation: what complete counts, that it may see, say against its book.

It must not look at counts that the caller may not see, nor at balances that name it neither as owner nor as holder.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import DAY_US, format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger import corrections
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.book import Relations
from traceward.ledger.facts import class_parts
from traceward.ledger.ghosts import (
    COUNTING,
    Absence,
    PlaceCount,
    missed_item,
    official_counts,
    place_counts,
    variance,
)
from traceward.ledger.persistence import balance_rows
from traceward.ledger.state import Ledger, item_of
from traceward.ledger.steps import ON_HAND
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import (
    Moment,
    facts_of,
    folded,
    known_facts,
    moment,
    told_relations,
    visible_event_ids,
)
from traceward.services.runtime import Runtime
from traceward.services.tracing import stock
from traceward.store.compile import VisibleTo
from traceward.store.rows import Balance

Official = Callable[[Balance], str | None]
"""The party whose counts of a balance are official, None where no agreement says so."""

_COUNTS: Final = 2000
_COUNTS_OF_A_CLASS: Final = 8
_LOST: Final = "lost"


@dataclass(slots=True)
class _Books:
    """The caller's classes as of the times of counts, each folded once."""

    runtime: Runtime
    caller: Principal
    known_at_us: int | None
    ledgers: dict[tuple[str, int], Ledger] = field(default_factory=dict)
    told: Relations | None = None

    def quantity(self, row: Balance, status: str, time_us: int) -> Decimal:
        """What the book had of a balance's class, at its place, in a status, at a time."""
        key = item_of(row.record_key)
        ledger = self.ledgers.get((key, time_us))
        if ledger is None:
            at = Moment(time_us, self.known_at_us, is_now=False)
            if self.told is None:
                self.told = told_relations(self.runtime, self.caller, at)
            ledger = folded(self.runtime, self.caller, facts_of(self.runtime, self.caller, [key], at), at, self.told)
            self.ledgers[key, time_us] = ledger
        stock_ = ledger.stock(key)
        rows = balance_rows(stock_) if stock_ is not None else []
        return sum((Decimal(one.quantity) for one in rows if _alike(one, row) and one.status == status), Decimal(0))


def ghosts(
    runtime: Runtime, caller: Principal, *, place: str | None, gtin: str | None, as_of: str | None, known_at: str | None
) -> dict[str, Any]:
    """What counts miss of the caller's stock and what they found beyond it, by place and item.

    place: SGLN in either spelling. Each entry tells the first count that missed it, how many did so in a row, and when
    the item was last seen. Where an agreement makes a party's data official, its counts decide; `disputes` has the lots
    of which the other party's newest count says something else.
    """
    at = moment(runtime, as_of, known_at)
    counts = _counts(runtime, caller, canonical_identifier(place) if place is not None else None, at)
    rows = stock.balances_at(runtime, caller, at, places=set(counts), gtin=gtin)
    loose = [row for row in rows if row.status == ON_HAND and row.container is None and row.place in counts]
    books = _Books(runtime, caller, at.known_at_us)
    official = _official(runtime.agreement_books.current(runtime.store), at)
    found = [*_serials(loose, counts, official), *_classes(loose, counts, books, at, official)]
    disputed = list(_disputes(loose, counts, books, official))
    found.sort(key=lambda pair: (pair[0].place or "", pair[0].record_key, pair[0].slot))
    eids = {eid for row, absence in found for eid in (row.last_eid, *absence.eids)}
    eids |= {side.eid for dispute in disputed for side in (dispute.official, dispute.other)}
    with runtime.store.reader() as reader:
        event_ids = visible_event_ids(reader, caller, eids, at.known_at_us)
    missing = [_body(row, absence, event_ids, at.as_of_us) for row, absence in found if not absence.found]
    beyond = [_body(row, absence, event_ids, at.as_of_us) for row, absence in found if absence.found]
    disputes = [_dispute_body(one, event_ids) for one in disputed]
    named = stock.names(runtime, caller, [*missing, *beyond, *disputes])
    return {"asOf": at.text, "ghosts": missing, "found": beyond, "disputes": disputes, **named}


def _counts(runtime: Runtime, caller: Principal, place: str | None, at: Moment) -> dict[str, list[PlaceCount]]:
    """The complete counts that the caller may see, newest first, by place."""
    clauses = [AnyTerm(tuple(("bizStep", step) for step in COUNTING))]
    if place is not None:
        clauses.append(AnyTerm((("bizLocation", place), ("readPoint", place))))
    known = TimeRange(None, at.known_at_us + 1 if at.known_at_us is not None else None)
    query = Query(clauses=tuple(clauses), event_time=TimeRange(None, at.as_of_us + 1), record_time=known)
    with runtime.store.reader() as reader:
        page = reader.find(query, VisibleTo(caller.viewers), limit=_COUNTS, deadline_s=runtime.limits.query_deadline_s)
        events = list(known_facts(runtime, reader, caller, page.seqs, at.known_at_us))
    by_place: defaultdict[str, list[PlaceCount]] = defaultdict(list)
    for count in place_counts(corrections.standing(events)):
        by_place[count.place].append(count)
    return dict(by_place)


def _serials(
    rows: Iterable[Balance], counts: Mapping[str, Sequence[PlaceCount]], official: Official
) -> list[tuple[Balance, Absence]]:
    found = []
    for row in rows:
        if row.serial is not None or class_parts(row.record_key)[0] is None:
            heard = official_counts(_heard(row, counts), row.record_key, official(row))
            absence = missed_item(row.record_key, row.last_time_us, heard)
            if absence is not None:
                found.append((row, absence))
    return found


def _classes(
    rows: Iterable[Balance],
    counts: Mapping[str, Sequence[PlaceCount]],
    books: _Books,
    at: Moment,
    official: Official,
) -> list[tuple[Balance, Absence]]:
    """One entry for each class, unit, owner and holder at a place, told with the largest of its balances."""
    found = []
    for row in _largest(rows):
        key = item_of(row.record_key)
        about = [count for count in _heard(row, counts) if count.is_about(key)]
        about = official_counts(about, key, official(row))[:_COUNTS_OF_A_CLASS]
        if not about:
            continue
        then = [books.quantity(row, ON_HAND, count.time_us) for count in about]
        lost = books.quantity(row, _LOST, at.as_of_us) - books.quantity(row, _LOST, about[0].time_us)
        absence = variance(key, row.uom, about, then, lost)
        if absence is not None:
            found.append((row, absence))
    return found


def _largest(rows: Iterable[Balance]) -> list[Balance]:
    """Of the balances of each class, unit, owner and holder at a place the largest."""
    groups: defaultdict[tuple[object, ...], list[Balance]] = defaultdict(list)
    for row in rows:
        if row.serial is None and class_parts(row.record_key)[0] is not None:
            groups[row.record_key, row.place, row.owner, row.holder, row.uom].append(row)
    return [max(same, key=lambda one: Decimal(one.quantity)) for same in groups.values()]


def _official(book: AgreementBook, at: Moment) -> Official:
    def of(row: Balance) -> str | None:
        judged = book.judge(row.owner, row.holder, row.gtin, row.place, at.as_of_us)
        if judged is None:
            return None
        terms = judged.agreement.terms
        return terms.supplier if terms.data.official == "supplier" else terms.hospital

    return of


@dataclass(frozen=True, slots=True)
class _Dispute:
    """Two counts of one class that differ: of whose data is official, and of the other party of the agreement."""

    row: Balance
    party: str
    official: PlaceCount
    other: PlaceCount


def _disputes(
    rows: Iterable[Balance], counts: Mapping[str, Sequence[PlaceCount]], books: _Books, official: Official
) -> Iterator[_Dispute]:
    for row in _largest(rows):
        key = item_of(row.record_key)
        party = official(row)
        if party is None:
            continue
        about = [count for count in _heard(row, counts) if count.is_about(key)]
        ours = next((count for count in about if party in count.captors), None)
        theirs = next((count for count in about if party not in count.captors), None)
        if ours is None or theirs is None:
            continue
        missing = {
            books.quantity(row, ON_HAND, one.time_us) - one.seen.get((key, row.uom), Decimal(0))
            for one in (ours, theirs)
        }
        if len(missing) > 1:
            yield _Dispute(row, party, ours, theirs)


def _dispute_body(dispute: _Dispute, event_ids: Mapping[bytes, str]) -> dict[str, Any]:
    row = dispute.row
    key = item_of(row.record_key)
    sides = [
        {
            "party": dispute.party if count is dispute.official else next(iter(count.captors)),
            "official": count is dispute.official,
            "countedAt": format_time_us(count.time_us),
            "quantity": normal_decimal(count.seen.get((key, row.uom), Decimal(0))),
            "eventID": event_ids.get(count.eid),
        }
        for count in (dispute.official, dispute.other)
    ]
    named = {"item": key, "gtin": row.gtin, "lot": row.lot, "place": row.place, "uom": row.uom}
    return named | {"owner": row.owner or None, "holder": row.holder or None, "counts": sides}


def _heard(row: Balance, counts: Mapping[str, Sequence[PlaceCount]]) -> list[PlaceCount]:
    """The counts of a balance's place by somebody who can know: its owner or its holder."""
    return [count for count in counts.get(row.place or "", ()) if {row.owner, row.holder}.intersection(count.captors)]


def _alike(one: Balance, other: Balance) -> bool:
    if (one.place, one.holder, one.uom, one.container) != (other.place, other.holder, other.uom, None):
        return False
    # What was written off may have been charged to the holder.
    return one.status == _LOST or one.owner == other.owner


def _body(row: Balance, absence: Absence, event_ids: Mapping[bytes, str], as_of_us: int) -> dict[str, Any]:
    return {
        "item": item_of(row.record_key),
        "gtin": row.gtin,
        "lot": row.lot,
        "serial": row.serial,
        "place": row.place,
        "owner": row.owner or None,
        "holder": row.holder or None,
        "quantity": normal_decimal(absence.quantity),
        "uom": row.uom,
        "firstMissed": format_time_us(absence.first_missed_us),
        "ageDays": (as_of_us - absence.first_missed_us) // DAY_US,
        "misses": absence.misses,
        "countEventIDs": [event_ids[eid] for eid in absence.eids if eid in event_ids],
        "lastSeen": format_time_us(row.last_time_us),
        "lastEventID": event_ids.get(row.last_eid),
    }
