"""Every stored event's facts in the fold's order, page by page: what a rebuild reads.

It must not hold more than one page of events; of the others it holds two numbers each.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from traceward.ledger import closure, steps
from traceward.ledger.entitlement import relation_of
from traceward.ledger.facts import LedgerEvent, decode_event, keys
from traceward.ledger.parties import Parties
from traceward.ledger.visibility import named_parties
from traceward.store.connection import Row
from traceward.store.write import WriteTransaction

_AT_ONCE = 5000
_FACTS = "SELECT seq, eid, record_time_us, facts FROM event WHERE seq IN {in}"
_SCAN = "SELECT seq, event_time_us, eid, facts FROM event WHERE seq>? ORDER BY seq LIMIT ?"
_CAPTORS = "SELECT eid, party FROM witness WHERE eid IN {in}"
Fetch = Callable[[str, Sequence[int]], list[Row]]


class Facts(NamedTuple):
    """What the store has of an event for the ledger."""

    seq: int
    eid: bytes
    record_time_us: int
    facts: bytes | None
    witnesses: tuple[int, ...] = ()


class Survey(NamedTuple):
    """What must be known before the first event is folded. seqs: in the order of event times, times_us beside them.

    relations: proven by any event. declarations: numbers of error declarations.
    """

    seqs: Sequence[int]
    times_us: Sequence[int]
    relations: frozenset[tuple[str, str]]
    proofs: tuple[tuple[str, str, bytes], ...]
    declarations: tuple[int, ...]


def survey(tx: WriteTransaction, party_ids: closure.PartyIds, left_out: Iterable[int]) -> Survey:
    """Look at every stored event once; left_out: numbers of events whose time is yet to come."""
    waiting = set(left_out)
    seqs, times = array("q"), array("q")
    proofs: dict[tuple[str, str], bytes] = {}
    declarations: list[int] = []
    last = 0
    while rows := tx.fetch(_SCAN, (last, _AT_ONCE)):
        last = rows[-1][0]
        handing: list[LedgerEvent] = []
        for seq, time_us, _, facts in rows:
            if seq in waiting or facts is None:
                continue
            seqs.append(seq)
            times.append(time_us)
            event = decode_event(facts)
            if event.declares is not None:
                declarations.append(seq)
            elif event.owning is not None and event.possessing is not None:
                handing.append(event)
        for event in _with_captors(tx, handing, party_ids):
            pair = relation_of(event)
            if pair is not None:
                proofs.setdefault(pair, event.eid)
    order = sorted(range(len(seqs)), key=times.__getitem__)
    found = tuple((owner, consignee, eid) for (owner, consignee), eid in proofs.items())
    return Survey(
        array("q", (seqs[place] for place in order)),
        array("q", (times[place] for place in order)),
        frozenset(proofs),
        found,
        tuple(declarations),
    )


def pages(
    tx: WriteTransaction, seen: Survey, party_ids: closure.PartyIds, size: int = 1000
) -> Iterator[list[LedgerEvent]]:
    """The events in the fold's order, about `size` at a time; those of one instant are in one page."""
    start, count = 0, len(seen.seqs)
    while start < count:
        end = min(start + size, count)
        while end < count and seen.times_us[end] == seen.times_us[end - 1]:
            end += 1
        yield sorted(events_of(tx, seen.seqs[start:end], party_ids), key=steps.order_of)
        start = end


def events_of(tx: WriteTransaction, seqs: Iterable[int], party_ids: closure.PartyIds) -> list[LedgerEvent]:
    """The facts of the events of these numbers, with all their captors."""
    rows = [Facts(seq, bytes(eid), time_us, facts) for seq, eid, time_us, facts in tx.fetch_in(_FACTS, seqs)]
    captors: defaultdict[bytes, set[int]] = defaultdict(set)
    for eid, party in tx.fetch_in(_CAPTORS, [row.eid for row in rows]):
        captors[bytes(eid)].add(party)
    return [closure.stored_event(row._replace(witnesses=tuple(captors[row.eid])), party_ids) for row in rows]


def any_told_otherwise(fetch: Fetch, old: Parties, new: Parties, after: int = 0) -> tuple[bool, int]:
    """Whether an event with a number above `after` names something that `new` knows otherwise; and the last number.

    Items, places and parties are all that a fold asks the registry about.
    """
    last = after
    while rows := fetch(_SCAN, (last, _AT_ONCE)):
        last = rows[-1][0]
        for _, _, _, facts in rows:
            if facts is not None and _is_told_otherwise(decode_event(facts), old, new):
                return True, last
    return False, last


def _is_told_otherwise(event: LedgerEvent, old: Parties, new: Parties) -> bool:

    if any(old.maker_of(key) != new.maker_of(key) for key in keys(event)):
        return True
    before = {party for party in named_parties(event, old) if party in old}
    return before != {party for party in named_parties(event, new) if party in new}


def _with_captors(
    tx: WriteTransaction, events: Sequence[LedgerEvent], party_ids: closure.PartyIds
) -> Iterator[LedgerEvent]:
    numbers = tx.existing([event.eid for event in events])
    wanted = [numbers[event.eid].seq for event in events if event.eid in numbers]
    yield from events_of(tx, wanted, party_ids)
