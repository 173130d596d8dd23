"""One part of a capture inside the writer's transaction: duplicates, rows, ledger, and who may see what.

It must run only inside a unit of the group commit, and must not check shapes or rules again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from traceward.ledger.facts import LedgerEvent, encode_event, keys, ledger_event
from traceward.ledger.projector import Projection
from traceward.services.changes import private_of
from traceward.services.identity.principals import Principal
from traceward.services.indexing.indexing import index_private, index_projection
from traceward.services.indexing.preparation import PreparedEvent, prepare_again
from traceward.services.patients import subjects
from traceward.services.queries.facts import party_ids
from traceward.services.runtime import Runtime
from traceward.store import alert_rows
from traceward.store.rows import EventIdUse, Existing, Visible, Witness
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction


@dataclass(slots=True)
class WrittenEvents:
    """What a write did.

    stored: events that the caller's organisation had not captured before. events: all, with ids as finally assigned.
    taken: refused, their eventID names other content. concerned: ids of parties who may see something new, as
    `changes.private_of` gives them where only the readers of private events may.
    record_times_us: eid -> recordTime of what was there before.
    """

    stored: int = 0
    events: list[PreparedEvent] = field(default_factory=list)
    taken: list[PreparedEvent] = field(default_factory=list)
    concerned: set[str] = field(default_factory=set)
    record_times_us: dict[bytes, int] = field(default_factory=dict)

    def add(self, other: "WrittenEvents") -> None:
        """Take up what another write did."""
        self.stored += other.stored
        self.events += other.events
        self.taken += other.taken
        self.concerned |= other.concerned
        self.record_times_us |= other.record_times_us


@dataclass(slots=True)
class Batch:
    """Contents and eventIDs met so far in one document."""

    contents: set[bytes] = field(default_factory=set)
    ids: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class SortedEvents:
    """Events by what has to be done: new content, content that others captured, and what is there already."""

    new: list[PreparedEvent] = field(default_factory=list)
    seen: list[tuple[PreparedEvent, Existing]] = field(default_factory=list)
    known: list[tuple[PreparedEvent, Existing]] = field(default_factory=list)


def write_events(
    runtime: Runtime, caller: Principal, job_id: str | None, prepared: Sequence[PreparedEvent], tx: WriteTransaction
) -> WrittenEvents:
    """Write what is new of these events; what the caller's organisation captured before stays as it is.

    Content that another organisation captured gets one more witness, and the ledger weighs it anew.
    """
    written = WrittenEvents()
    todo = sort_events(runtime, caller.party_number, prepared, tx, written, Batch())
    written.stored = len(todo.new) + len(todo.seen)
    _note_record_times(written, todo, tx)
    if not written.stored:
        return written
    now_us, party = tx.record_time_us, caller.party_number
    first = tx.allocate_seq(len(todo.new))
    numbers = {event.eid: first + offset for offset, event in enumerate(todo.new)}
    facts = [_facts(runtime, event, (caller.organisation,), now_us) for event in todo.new]
    rows = {
        event.eid: event.row(numbers[event.eid], now_us, encode_event(fact))
        for event, fact in zip(todo.new, facts, strict=True)
    }
    rows |= subjects.seal_rows(tx, runtime.store.vault, party, todo.new, rows)
    tx.insert_events(list(rows.values()))
    tx.insert_streams([
        (key_hash(key), fact.event_time_us, numbers[fact.eid]) for fact in facts for key in keys(fact)
    ])  # fmt: skip
    numbers |= {event.eid: found.seq for event, found in todo.seen}
    subjects.seal_copies(tx, runtime.store.vault, party, [event for event, _ in todo.seen], numbers)
    alert_rows.touch(tx, (found.seq for _, found in todo.seen))
    tx.insert_witnesses([
        Witness(event.eid, party, numbers[event.eid], now_us, job_id, event.event_id, event.is_declaration)
        for event in [*todo.new, *(event for event, _ in todo.seen)]
    ])  # fmt: skip
    facts += [
        _facts(
            runtime,
            event,
            {caller.organisation, *party_ids(found.parties, runtime.registry)},
            written.record_times_us[event.eid],
        )
        for event, found in todo.seen
    ]
    before = [_as_it_was(fact, caller.organisation) for fact in facts[len(todo.new) :]]
    projection = runtime.projector_within(tx).apply(tx, facts, before)
    written.concerned = _index(runtime, party, todo, numbers, projection, tx, written)
    return written


def _index(
    runtime: Runtime,
    party: int,
    todo: SortedEvents,
    numbers: Mapping[bytes, int],
    projection: Projection,
    tx: WriteTransaction,
    written: WrittenEvents,
) -> set[str]:
    """Let viewers find the events; gives the parties that may see something new."""
    written_now = [*todo.new, *(event for event, _ in todo.seen)]
    rows = {
        event.eid: Visible(
            0,
            numbers[event.eid],
            event.event_time_us,
            written.record_times_us.get(event.eid, tx.record_time_us),
            event.terms,
        )
        for event in written_now
    }
    private = {event.eid for event in written_now if event.private}
    index_private(tx, party, [rows[eid] for eid in private])
    shared = {eid: row for eid, row in rows.items() if eid not in private}
    concerned = index_projection(tx, runtime.registry, projection, shared, runtime.store.secret_key)
    captor = runtime.registry.by_number(party) if private else None
    return concerned if captor is None else concerned | {private_of(captor.id)}


def _facts(runtime: Runtime, event: PreparedEvent, captors: Iterable[str], record_time_us: int) -> LedgerEvent:
    """What the ledger takes of the event; of a private one without its patients' names."""
    fact = ledger_event(event.expanded, event.eid, captors, record_time_us, event.private)
    return subjects.pseudonymous(fact, runtime.store.vault) if event.private else fact


def _as_it_was(fact: LedgerEvent, organisation: str) -> LedgerEvent:
    """The fact as the ledger knew it before `organisation` captured it too."""
    captors = tuple(party for party in fact.captured_by if party != organisation)
    return msgspec.structs.replace(fact, captured_by=captors)


def sort_events(
    runtime: Runtime,
    party: int,
    prepared: Sequence[PreparedEvent],
    tx: WriteTransaction,
    written: WrittenEvents,
    batch: Batch,
) -> SortedEvents:
    """Each event by what has to be done with it; those that repeat one before them in the batch are left out.

    Reads the store and changes nothing but `written`, which gets every event, or those taken, and the batch.
    """
    existing = tx.existing([event.eid for event in prepared])
    uses = tx.event_ids(party, {event.event_id for event in prepared})
    todo = SortedEvents()
    for sent in prepared:
        event = sent
        if _is_taken(event, uses.get(event.event_id, ()), batch.ids):
            if not event.assigned:
                written.taken.append(event)
                continue
            event = prepare_again(event, runtime.store.secret_key)
            existing |= tx.existing([event.eid])
        written.events.append(event)
        if event.eid in batch.contents:
            continue
        batch.contents.add(event.eid)
        if not event.is_declaration:
            batch.ids[event.event_id] = event.eid
        found = existing.get(event.eid)
        if found is None:
            todo.new.append(event)
        elif party in found.parties:
            todo.known.append((event, found))
        else:
            todo.seen.append((event, found))
    return todo


def _is_taken(event: PreparedEvent, uses: Iterable[EventIdUse], ids: Mapping[str, bytes]) -> bool:
    """Whether the party has other content under this eventID; error declarations repeat the id of what they deny."""
    if event.is_declaration:
        return False
    if ids.get(event.event_id, event.eid) != event.eid:
        return True
    return any(use.eid != event.eid and not use.is_declaration for use in uses)


def _note_record_times(written: WrittenEvents, todo: SortedEvents, tx: WriteTransaction) -> None:
    before = {found.seq for _, found in [*todo.seen, *todo.known]}
    if before:
        written.record_times_us |= {row.eid: row.record_time_us for row in tx.events(before)}
