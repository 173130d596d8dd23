"""Every stored event's facts, group by group in the fold's order, page by page: what a rebuild reads.

It must not hold more than one page of events; of the others it holds some numbers each.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from traceward.ledger import closure, steps
from traceward.ledger.entitlement import relation_of
from traceward.ledger.facts import LedgerEvent, decode_event, keys
from traceward.ledger.groups import Batch, Groups, noticed_products
from traceward.ledger.parties import Parties
from traceward.ledger.visibility import named_parties
from traceward.store.connection import Row
from traceward.store.write import WriteTransaction

_AT_ONCE = 5000
_FACTS = "SELECT seq, eid, record_time_us, facts FROM event WHERE seq IN {in}"
_SCAN = "SELECT seq, event_time_us, record_time_us, facts FROM event WHERE seq>? ORDER BY seq LIMIT ?"
_WITNESSES = "SELECT eid, party, seq FROM witness WHERE (eid, party) > (?,?) ORDER BY eid, party LIMIT ?"
_NOBODY = -1
_CAPTORS = "SELECT eid, party FROM witness WHERE eid IN {in}"
Fetch = Callable[[str, Sequence[int]], list[Row]]


class Facts(NamedTuple):
    """What the store has of an event for the ledger."""

    seq: int
    eid: bytes
    record_time_us: int
    facts: bytes | None
    witnesses: tuple[int, ...] = ()


class Captors:
    """Who captured each stored event, read once: of nearly every event a number, of the others a tuple."""

    def __init__(self, tx: WriteTransaction, party_ids: closure.PartyIds, last: int) -> None:
        self._party_ids = party_ids
        self._alone = array("q", [_NOBODY]) * (last + 1)
        self._together: dict[int, tuple[int, ...]] = {}
        self._names: dict[tuple[int, ...], tuple[str, ...]] = {}
        eid, party = b"", _NOBODY
        while rows := tx.fetch(_WITNESSES, (eid, party, _AT_ONCE)):
            eid, party, _ = rows[-1]
            for _, captor, seq in rows:
                if seq > last:
                    continue
                if self._alone[seq] == _NOBODY:
                    self._alone[seq] = captor
                else:
                    self._together[seq] = (*self._together.get(seq, (self._alone[seq],)), captor)

    def of(self, seq: int, event: LedgerEvent, record_time_us: int) -> LedgerEvent:
        """A stored event's facts with all its captors."""
        numbers = self._together.get(seq) or (self._alone[seq],)
        names = self._names.get(numbers)
        if names is None:
            names = self._names[numbers] = self._party_ids(numbers) if numbers != (_NOBODY,) else ()
        return closure.witnessed(event, names, record_time_us)


class Survey(NamedTuple):
    """What must be known before the first event is folded. batches: what is to be folded together; in_all: events.

    relations: proven by any event. declarations: numbers of error declarations.
    """

    batches: Sequence[Batch]
    in_all: int
    captors: Captors
    relations: frozenset[tuple[str, str]]
    proofs: tuple[tuple[str, str, bytes], ...]
    declarations: tuple[int, ...]


def survey(tx: WriteTransaction, party_ids: closure.PartyIds, left_out: Iterable[int], things: int) -> Survey:
    """Look at every stored event once, and again where there are notices; left_out: of a time yet to come.

    things: about how many a batch is to name.
    """
    waiting = set(left_out)
    last = tx.fetch("SELECT MAX(seq) FROM event")[0][0] or 0
    captors = Captors(tx, party_ids, last)
    seqs, times = array("q"), array("q")
    proofs: dict[tuple[str, str], bytes] = {}
    declarations: list[int] = []
    products = set[str]()
    for seq, time_us, record_time_us, event in _scanned(tx, waiting):
        seqs.append(seq)
        times.append(time_us)
        products |= noticed_products(event)
        if event.declares is not None:
            declarations.append(seq)
        elif event.owning is not None and event.possessing is not None:
            pair = relation_of(captors.of(seq, event, record_time_us))
            if pair is not None:
                proofs.setdefault(pair, event.eid)
    groups = Groups(seqs)
    groups.join_streams(tx)
    if products:
        groups.join_products(((seq, event) for seq, _, _, event in _scanned(tx, waiting)), products)
    found = tuple((owner, consignee, eid) for (owner, consignee), eid in proofs.items())
    batches = groups.batches(times, things)
    return Survey(batches, len(seqs), captors, frozenset(proofs), found, tuple(declarations))


def _scanned(tx: WriteTransaction, left_out: Collection[int]) -> Iterator[tuple[int, int, int, LedgerEvent]]:
    """(number, event time, record time, facts) of every event, in the order of numbers."""
    last = 0
    while rows := tx.fetch(_SCAN, (last, _AT_ONCE)):
        last = rows[-1][0]
        for seq, time_us, record_time_us, facts in rows:
            if facts is not None and seq not in left_out:
                yield seq, time_us, record_time_us, decode_event(facts)


def pages(tx: WriteTransaction, seen: Survey, batch: Batch, size: int) -> Iterator[list[LedgerEvent]]:
    """A batch's events in the fold's order, about `size` at a time; those of one instant are in one page."""
    start, count = 0, len(batch.seqs)
    while start < count:
        end = min(start + size, count)
        while end < count and batch.times_us[end] == batch.times_us[end - 1]:
            end += 1
        yield sorted(
            (
                seen.captors.of(seq, decode_event(facts), record_time_us)
                for seq, _, record_time_us, facts in tx.fetch_in(_FACTS, batch.seqs[start:end])
            ),
            key=steps.order_of,
        )
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
