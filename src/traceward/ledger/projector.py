"""The ledger kept up with captures, in their transaction: the tables always hold what a replay would give.

It must not commit, and it must not decide anything that the fold does not: it chooses only what to fold again.
"""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from traceward.epcis.times import DAY_US
from traceward.ledger import closure, off_agreement, shared_ids, steps, stream
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.book import Book, Relations
from traceward.ledger.closing import close_conflicts
from traceward.ledger.closure import StreamReader
from traceward.ledger.conflicts import Conflict
from traceward.ledger.entitlement import relation_of
from traceward.ledger.facts import LedgerEvent, class_keys, keys
from traceward.ledger.fold import apply_all, apply_event, ledger_of, merge_witnesses
from traceward.ledger.links import fits_in
from traceward.ledger.loading import Loader
from traceward.ledger.onward import Onward, sights_of
from traceward.ledger.parties import Parties
from traceward.ledger.persistence import conflict_row
from traceward.ledger.rebuild import Rebuild
from traceward.ledger.snapshots import Keeper, Keeping, snapshots_of, states_before
from traceward.ledger.state import (
    ClassStock,
    Ledger,
    PatientLinks,
    class_record,
    item_of,
)
from traceward.ledger.tables import judge_again, settle, settle_shipments, write_book, write_difference
from traceward.ledger.unproven import items_of_classes, stated_classes, unproven_keys
from traceward.ledger.visibility import named_parties
from traceward.ledger.waiting import write_waiting
from traceward.store import ledger_rows, ledger_snapshots
from traceward.store.ledger_snapshots import Snapshot
from traceward.store.progress import Tell
from traceward.store.rows import Relation
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction

Agreements = Callable[[WriteTransaction], AgreementBook]
_EVER_US = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Projection:
    """What a projection changed for readers.

    visible: for each new shared event, the parties that may see it (a private one is for its captors' clinical role
    alone and is not here). newly_visible, no_longer: (party, eid) of events stored before. Pairs of newly_visible may
    be known already. conflicts: those opened. changed: item and class keys whose state changed.
    """

    visible: dict[bytes, frozenset[str]] = field(default_factory=dict)
    newly_visible: tuple[tuple[str, bytes], ...] = ()
    no_longer: tuple[tuple[str, bytes], ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    changed: frozenset[str] = frozenset()


class Projector:
    """Keeps the ledger's tables. parties: the registry; a new one needs a new Projector and a `rebuild`.

    keeping: which earlier states of records are kept for late events; the ledger is the same whatever it says.
    agreements: the book of agreements as a unit finds it; None: there are none.
    """

    def __init__(self, parties: Parties, keeping: Keeping | None = None, agreements: Agreements | None = None) -> None:
        self._parties = parties
        self._agreements = agreements if agreements is not None else _no_agreements
        self._keeping = keeping if keeping is not None else Keeping()

    @property
    def parties(self) -> Parties:
        """The registry that the ledger is kept by."""
        return self._parties

    def apply(
        self, tx: WriteTransaction, new_events: Sequence[LedgerEvent], before: Sequence[LedgerEvent] = ()
    ) -> Projection:
        """Take new events into the ledger.

        The unit must have inserted the events, their witnesses and their streams already. before: where a new event
        is one that was stored earlier and has a further captor now, what it was then. An event beyond recordTime +
        24 h is kept for `apply_due`; the parties that it names see it at once.
        """
        projection = self._take(tx, new_events, before)
        raised = _write_reused_ids(tx, new_events, self._parties, self._party_ids(tx))
        return dataclasses.replace(projection, conflicts=(*projection.conflicts, *raised)) if raised else projection

    def _take(
        self, tx: WriteTransaction, new_events: Sequence[LedgerEvent], before: Sequence[LedgerEvent]
    ) -> Projection:
        horizon_us = tx.record_time_us + DAY_US
        present = [event for event in new_events if event.event_time_us <= horizon_us]
        future = [event for event in new_events if event.event_time_us > horizon_us]
        if not future:
            return self._project(tx, present, before)
        seqs = tx.existing([event.eid for event in future])
        ledger_rows.put_due(tx, [(event.event_time_us - DAY_US, seqs[event.eid].seq) for event in future])
        projection = self._project(tx, present, before)
        for event in future:
            if not event.private:
                named = named_parties(event, self._parties)
                projection.visible[event.eid] = frozenset(
                    party for party in named if party is not None and party in self._parties
                )
        said = write_waiting(tx, future, self._parties, self._party_ids(tx))
        return dataclasses.replace(projection, conflicts=(*projection.conflicts, *said))

    def apply_due(self, tx: WriteTransaction, now_us: int, *, limit: int = 1000) -> Projection:
        """Take in the events whose time has come, oldest first; those already visible may be in `visible` again."""
        seqs = ledger_rows.take_due(tx, now_us, limit=limit)
        events = [closure.stored_event(row, self._party_ids(tx)) for row in tx.events(seqs, witnesses=True)]
        return self._project(tx, events, ())

    def rebuild(self, tx: WriteTransaction, tell: Tell | None = None) -> int:
        """Fold every stored event afresh, in bounded memory, and make the tables what comes out.

        Gives the number of events. `ledger_shown` then says who sees which shared event; whoever asked empties it.
        """
        return Rebuild(tx, self._parties, self._party_ids(tx), self._agreements(tx), self._keeping).run(tell)

    def agreements_changed(self, tx: WriteTransaction, old: AgreementBook, new: AgreementBook) -> tuple[Conflict, ...]:
        """Judge anew what was received and used, after one book of agreements took another's place.

        Stock, transfers and visibility do not rest on agreements. Gives the conflicts that were opened.
        """
        opened: list[Conflict] = []
        for (supplier, hospital), from_us in off_agreement.changed_from(old, new).items():
            opened += judge_again(tx, supplier, hospital, from_us, new, self._parties)
        return tuple(opened)

    def _project(
        self, tx: WriteTransaction, new_events: Sequence[LedgerEvent], before: Sequence[LedgerEvent]
    ) -> Projection:
        if not new_events:
            return Projection()
        events = sorted(merge_witnesses(new_events), key=steps.order_of)
        known = frozenset((row.owner, row.consignee) for row in ledger_rows.load_relations(tx))
        proven = _put_relations(tx, events, known)
        loader = Loader(tx)
        loader.fetch(events)
        again = {event.eid for event in before}
        late = [event for event in events if event.eid in again or self._is_late(tx, loader, event)]
        unproven = unproven_keys(tx, proven - known)
        stated = stated_classes(tx, unproven, events, self._party_ids(tx)) if unproven else {}
        touched = unproven | stated
        if not late and not touched:
            return self._go_on(tx, loader, events, proven)
        # What was stated of a class while that proved nothing is in no earlier state from which one could fold on.
        if not stated:
            projection = self._fold_on(tx, loader, events, before, late, touched, (known, proven))
            if projection is not None:
                return projection
        streams = StreamReader(tx, self._party_ids(tx), events, before)
        scope = self._scope(tx, streams, events, late, touched)
        onward = [event for event in events if not scope.intersection(keys(event))]
        onward = [event for event in onward if not streams.contents(keys(event)) & scope]
        projection = self._go_on(tx, loader, onward, proven)
        return self._go_back(tx, streams, scope, known, proven, projection, {event.eid for event in events})

    def _is_late(self, tx: WriteTransaction, loader: Loader, event: LedgerEvent) -> bool:
        """Whether the event cannot simply be applied after all that was applied before."""
        if event.declares is not None or closure.is_notice(event):
            return True
        if loader.is_fresh(event):
            return False
        order = steps.order_of(event)
        for record in loader.touched(event):
            # A patient's link asks nothing of the stock that it is about.
            concerns = isinstance(record, PatientLinks) or not event.private
            if concerns and record.order is not None and record.order > order and not self._fits_in(tx, event):
                return True
            if record.waiting:
                return True
            if not isinstance(record, PatientLinks) and any(use[1] == event.usage_report for use in record.voided_uses):
                return True
        return False

    def _fits_in(self, tx: WriteTransaction, event: LedgerEvent) -> bool:
        """Whether a late private event is a link that only has to be put in at its place."""
        if not event.private:
            return False
        seqs = ledger_snapshots.private_seqs_from(tx, map(key_hash, keys(event)), event.event_time_us)
        since = stream.events_of(tx, seqs, self._party_ids(tx))
        return fits_in(event, [other for other in since if other.eid != event.eid])

    def _scope(
        self,
        tx: WriteTransaction,
        streams: StreamReader,
        events: Sequence[LedgerEvent],
        late: Sequence[LedgerEvent],
        touched: Collection[str],
    ) -> set[str]:
        """The keys whose state may change: those of late events, what lay in them, and what shares new events."""
        scope = set(touched)
        for event in late:
            scope.update(keys(event))
            if closure.is_notice(event):
                scope |= items_of_classes(tx, event, events)
        while True:
            scope = streams.contents(scope)
            more = {
                key
                for event in events
                if scope.intersection(keys(event)) or streams.contents(keys(event)) & scope
                for key in keys(event)
            }
            if more <= scope:
                return scope
            scope |= more

    def _go_on(
        self, tx: WriteTransaction, loader: Loader, events: Sequence[LedgerEvent], proven: Relations
    ) -> Projection:
        """Apply events that come after everything that touches what they touch."""
        book = Book(self._parties, proven, loader.load)
        book.noticed = loader.noticed
        kept: list[Snapshot] = []
        for event in events:
            # What an earlier event of the unit has changed has no stored state that could be kept (`snapshots_of`).
            held = states_before(event, self._keeping, book.changed) if book.changed else []
            book.recent.clear()
            apply_event(book, event, event.captured_by)
            kept += [snapshot for snapshot in held if snapshot.key in book.recent]
        settle(book)
        opened = write_book(tx, loader, book, self._agreements(tx))
        opened += settle_shipments(tx, book.shipments)
        ledger_snapshots.put_snapshots(tx, [*snapshots_of(book, loader, self._keeping), *kept])
        new = {event.eid for event in events}
        return Projection(
            {event.eid: frozenset(book.shown.get(event.eid, ())) for event in events if not event.private},
            tuple((party, eid) for eid, seen in book.shown.items() if eid not in new for party in sorted(seen)),
            (),
            tuple(opened),
            frozenset([record.key for record in book.changed.values()]),
        )

    def _fold_on(
        self,
        tx: WriteTransaction,
        loader: Loader,
        events: Sequence[LedgerEvent],
        before: Sequence[LedgerEvent],
        late: Sequence[LedgerEvent],
        unproven: Mapping[str, int],
        relations: tuple[Relations, Relations],
    ) -> Projection | None:
        """Fold late events on from earlier states, the others in their order; None where only a whole fold knows.

        unproven: from when on a newly proven relation may change what is known of a key. relations: before and now.
        """
        touched = set(unproven).union(
            *(items_of_classes(tx, event, events) for event in late if closure.is_notice(event))
        )
        onward = Onward(tx, self._parties, relations, self._party_ids(tx), self._keeping, events, before)
        parts = onward.refolded(late, touched, min(unproven.values(), default=None))
        if parts is None:
            return None
        stored_before = {event.eid for event in before}
        new = {event.eid for event in events}
        sights = [sights_of(part, new - stored_before) for part in parts]
        if any(sight is None for sight in sights):
            return None
        covered = {key for part in parts for key in part.keys}
        # Patients' links change no stock: one that comes in its order can wait until the rest is folded.
        others = [one for one in events if one.private or not covered.intersection(keys(one))]
        projection = self._go_on(tx, loader, others, relations[1])
        gained, lost, opened = list(projection.newly_visible), list(projection.no_longer), list(projection.conflicts)
        agreements = self._agreements(tx)
        for part, sight in zip(parts, sights, strict=True):
            scope = set(part.keys)
            opened += write_difference(tx, part.earlier, part.now, scope, agreements, self._parties)
            names = {
                name for ledger in (part.earlier, part.now) for name in ledger.records if item_of(name) in part.keys
            }
            ledger_snapshots.drop_snapshots(tx, names, part.start_us)
            ledger_snapshots.put_snapshots(tx, [row for row in part.snapshots if row.key in names])
            if sight is not None:
                gained += sight.gained
                lost += sight.lost
            for eid in new.intersection(part.now.visible):
                if not part.events[eid].private:
                    projection.visible[eid] = projection.visible.get(eid, frozenset()) | part.now.visible[eid]
        return Projection(
            projection.visible, tuple(gained), tuple(lost), tuple(opened), projection.changed | frozenset(covered)
        )

    def _go_back(
        self,
        tx: WriteTransaction,
        streams: StreamReader,
        scope: set[str],
        known: Relations,
        proven: Relations,
        projection: Projection,
        new: set[bytes],
    ) -> Projection:
        """Fold again what late events touch, without and with them, and write the difference."""
        around = streams.containers(scope)
        seen_by = {eid: event for eid, event in streams.found.items() if around.intersection(keys(event))}
        named = {key for event in seen_by.values() for key in keys(event)}
        wide = streams.containers(streams.contents(named | scope))
        streams.read(_with_notices(tx, closure.classes_of(streams.found.values(), wide), streams))
        # A notice on a product names none of the keys that are folded, and yet concerns whoever now has them.
        seen_by |= {eid: event for eid, event in streams.found.items() if closure.is_notice(event)}
        earlier = self._fold(streams.stored.values(), known)
        keeper = Keeper(self._keeping)
        now = self._fold(streams.found.values(), proven, keeper)
        # What leaves a container unannounced changes the container too, so those around are written as well.
        opened = write_difference(tx, earlier, now, around, self._agreements(tx), self._parties)
        names = {name for ledger in (earlier, now) for name in ledger.records if item_of(name) in around}
        ledger_snapshots.drop_snapshots(tx, names, _EVER_US)
        ledger_snapshots.put_snapshots(tx, [row for row in keeper.snapshots if row.key in names])
        gained, lost = [], []
        for eid, event in seen_by.items():
            if event.private:
                continue
            old, fresh = earlier.visible.get(eid, frozenset()), now.visible.get(eid, frozenset())
            if eid in new:
                projection.visible[eid] = projection.visible.get(eid, frozenset()) | fresh
            gained += [(party, eid) for party in sorted(fresh - old) if eid not in new or eid in streams.stored]
            if not closure.is_notice(event):
                lost += [(party, eid) for party in sorted(old - fresh)]
        return Projection(
            projection.visible,
            (*projection.newly_visible, *gained),
            tuple(lost),
            (*projection.conflicts, *opened),
            projection.changed | around,
        )

    def _fold(self, events: Iterable[LedgerEvent], proven: Relations, keeper: Keeper | None = None) -> Ledger:
        book = Book(self._parties, proven)
        apply_all(book, list(events), keeper=keeper)
        return ledger_of(book)

    def _party_ids(self, tx: WriteTransaction) -> closure.PartyIds:
        ids: dict[int, str] = dict(tx.fetch("SELECT number, id FROM organisation"))
        return lambda numbers: tuple(sorted(ids[number] for number in numbers if number in ids))


def _no_agreements(tx: WriteTransaction) -> AgreementBook:
    del tx
    return AgreementBook()


def _put_relations(tx: WriteTransaction, events: Sequence[LedgerEvent], known: Relations) -> Relations:
    """Record the relations that events prove for the first time; gives back all that are proven now."""
    proven = set(known)
    rows = []
    for event in events:
        pair = relation_of(event)
        if pair is not None and pair not in proven:
            proven.add(pair)
            rows.append(Relation(*pair, event.eid))
    ledger_rows.put_relations(tx, rows)
    return frozenset(proven)


def _write_reused_ids(
    tx: WriteTransaction, new_events: Iterable[LedgerEvent], parties: Parties, party_ids: closure.PartyIds
) -> list[Conflict]:
    """Make the conflicts about these events' eventIDs what the stored events amount to; those that stand."""
    stored = tx.events_of_shared_ids({event.event_id for event in new_events})
    if not stored:
        return []
    events = [closure.stored_event(row, party_ids) for row in stored]
    raised = shared_ids.reused_ids(events, parties)
    by_id: dict[str, list[LedgerEvent]] = {}
    for event in events:
        by_id.setdefault(event.event_id, []).append(event)
    possible = {
        shared_ids.pair_id(first, second)
        for same in by_id.values()
        for first, second in itertools.combinations(shared_ids.originals(same), 2)
    }
    close_conflicts(tx, sorted(possible - {found.id for found in raised}))
    ledger_rows.put_conflicts(tx, [conflict_row(found, tx.record_time_us) for found in raised])
    return raised


def _with_notices(tx: WriteTransaction, classes: set[str], streams: StreamReader) -> set[str]:
    """Those of the classes about which there are notices."""
    loader = Loader(tx)
    loader.fetch_keys(class_record(key) for key in classes)
    found = {key for event in streams.found.values() if closure.is_notice(event) for key in class_keys(event)}
    for key in classes:
        record = loader.load(class_record(key))
        if isinstance(record, ClassStock) and record.notices:
            found.add(key)
    return found & classes
