"""Small events for the tests of the store: given by their terms alone, since the store reads no JSON."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from traceward.store.engine import Store
from traceward.store.rows import EventRow, Visible, Witness
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction

ALICE, ALICE_CLINICAL, BOB = 2, 3, 4


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now_us: int = 1_790_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


@dataclass(frozen=True)
class Case:
    """One event as the store sees it. viewers: who sees it; party: who captured it."""

    name: str
    time_us: int = 1_000
    pairs: tuple[tuple[str, str], ...] = ()
    numbers: tuple[tuple[str, float, str | None], ...] = ()
    vocabulary: tuple[tuple[str, str], ...] = ()
    viewers: tuple[int, ...] = (ALICE,)
    party: int = 1
    keys: tuple[str, ...] = ()
    text: bytes = field(default=b'{"type":"ObjectEvent"}')

    @property
    def eid(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest()[:16]

    @property
    def event_id(self) -> str:
        return f"urn:example:{self.name}"

    def all_pairs(self) -> list[tuple[str, str]]:
        return [("*", ""), ("eventID", self.event_id), *self.pairs]


def write_cases(tx: WriteTransaction, store: Store, cases: Sequence[Case]) -> dict[str, int]:
    """The numbers that the cases were stored under, by name; everything that a capture writes, in one unit."""
    first = tx.allocate_seq(len(cases))
    seqs = {case.name: first + place for place, case in enumerate(cases)}
    at = tx.record_time_us
    tx.insert_events(
        [EventRow(seqs[c.name], c.eid, c.event_id, c.time_us, at, 0, False, b'["urn:c"]', c.text) for c in cases]
    )
    tx.insert_witnesses([Witness(c.eid, c.party, seqs[c.name], at, "job", c.event_id, False) for c in cases])
    tx.insert_streams([(key_hash(key), c.time_us, seqs[c.name]) for c in cases for key in c.keys])
    tx.index_visible([visible for c in cases for visible in visible_rows(store, c, seqs[c.name], at)])
    return seqs


def visible_rows(store: Store, case: Case, seq: int, record_time_us: int) -> Iterable[Visible]:
    terms = store.prepare_terms(case.all_pairs(), case.numbers, case.vocabulary)
    return [Visible(viewer, seq, case.time_us, record_time_us, terms) for viewer in case.viewers]


def capture(store: Store, *cases: Case) -> dict[str, int]:
    """The numbers that the cases were stored under, once they are durable."""
    return store.committer.run(lambda tx: write_cases(tx, store, cases), weight=len(cases))
