"""A store with a projector on it: captures events as a server does, without the server."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from traceward.ledger.agreement import AgreementBook
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import LedgerEvent, encode_event, keys
from traceward.ledger.parties import Parties
from traceward.ledger.persistence import stored_ledger
from traceward.ledger.projector import Projection, Projector
from traceward.ledger.rebuild import Rebuild
from traceward.ledger.snapshots import Keeping
from traceward.ledger.state import Ledger
from traceward.store.afresh import forget_shown
from traceward.store.engine import Store
from traceward.store.models import Organisation
from traceward.store.rows import EventRow, Witness
from traceward.store.terms import key_hash
from traceward.store.write import WriteTransaction

_FILLED = (
    "event", "witness", "event_id", "stream", "due", "relation", "ledger_record", "balance", "conflict",
    "conflict_party", "conflict_key", "ownership_transfer", "ledger_snapshot",
    "ledger_dealing",
)  # fmt: skip


class Ledgers:
    """One store's ledger under test. seen: eid -> parties that may see it, kept up from what each projection says."""

    def __init__(
        self, store: Store, parties: Parties, keeping: Keeping | None = None, agreements: AgreementBook | None = None
    ) -> None:
        self.store = store
        self.keeping = keeping
        self.agreements = agreements if agreements is not None else AgreementBook()
        self.projector = Projector(parties, keeping, lambda _: self.agreements)
        self.numbers = {party.id: number for number, party in enumerate(parties, 1)}
        self.seen: defaultdict[bytes, set[str]] = defaultdict(set)
        store.committer.run(self._register)

    def capture(self, events: Sequence[LedgerEvent]) -> Projection:
        """Capture events in one unit; repeated ones and further witnesses as a server would take them."""
        return self._keep(self.store.committer.run(lambda tx: self._write(tx, events)))

    def clear(self) -> None:
        """Forget everything that was captured."""
        self.seen.clear()
        self.store.committer.run(self._empty)

    def apply_due(self, now_us: int) -> Projection:
        return self._keep(self.store.committer.run(lambda tx: self.projector.apply_due(tx, now_us)))

    def rebuild(self, records_at_once: int) -> dict[bytes, frozenset[str]]:
        """Rebuild the ledger with so many records in memory; who sees which event by it."""
        names = {number: party for party, number in self.numbers.items()}

        def unit(tx: WriteTransaction) -> dict[bytes, frozenset[str]]:
            rebuild = Rebuild(
                tx,
                self.projector.parties,
                lambda numbers: tuple(sorted(names[one] for one in numbers)),
                self.agreements,
                self.keeping,
            )
            rebuild.run(records_at_once=records_at_once)
            shown: defaultdict[bytes, set[str]] = defaultdict(set)
            for eid, party in tx.fetch("SELECT eid, party FROM ledger_shown"):
                shown[bytes(eid)].add(party)
            forget_shown(tx)
            return {eid: frozenset(parties) for eid, parties in shown.items()}

        return self.store.committer.run(unit)

    def ledger(self) -> Ledger:
        return self.store.committer.run(stored_ledger)

    def digest(self) -> bytes:
        return ledger_digest(self.ledger())

    def visible(self) -> dict[bytes, frozenset[str]]:
        return {eid: frozenset(seen) for eid, seen in self.seen.items()}

    def _keep(self, projection: Projection) -> Projection:
        for eid, parties in projection.visible.items():
            self.seen[eid] |= parties
        for party, eid in projection.newly_visible:
            self.seen[eid].add(party)
        for party, eid in projection.no_longer:
            self.seen[eid].discard(party)
        return projection

    def _register(self, tx: WriteTransaction) -> None:
        for party, number in self.numbers.items():
            tx.put(Organisation(number=number, id=party, name=party, created_us=0))

    def _empty(self, tx: WriteTransaction) -> None:
        for table in _FILLED:
            tx.execute(f"DELETE FROM {table}")

    def _write(self, tx: WriteTransaction, events: Sequence[LedgerEvent]) -> Projection:
        known = tx.existing([event.eid for event in events])
        ids = {number: party for party, number in self.numbers.items()}
        fresh: dict[bytes, LedgerEvent] = {}
        before: list[LedgerEvent] = []
        for event in events:
            if event.eid in fresh:
                continue
            there = known.get(event.eid)
            if there is None:
                fresh[event.eid] = event
                continue
            old = tuple(sorted(ids[number] for number in there.parties))
            if set(event.captured_by) <= set(old):
                continue
            before.append(msgspec.structs.replace(event, captured_by=old))
            both = tuple(sorted({*old, *event.captured_by}))
            fresh[event.eid] = msgspec.structs.replace(event, captured_by=both)
        first = tx.allocate_seq(len(fresh))
        seqs = {
            eid: known[eid].seq if eid in known else first + place for place, eid in enumerate(fresh)
        }  # fmt: skip
        new = [event for event in fresh.values() if event.eid not in known]
        at = tx.record_time_us
        stored = [(e, seqs[e.eid], encode_event(e)) for e in new]
        tx.insert_events([
            EventRow(seq, e.eid, e.event_id, e.event_time_us, e.record_time_us, 0, e.private, None, b"{}", None, facts)
            for e, seq, facts in stored
        ])  # fmt: skip
        tx.insert_witnesses([
            Witness(e.eid, self.numbers[party], seqs[e.eid], at, None, e.event_id, e.declares is not None)
            for e in fresh.values() for party in e.captured_by
        ])  # fmt: skip
        tx.insert_streams([(key_hash(key), e.event_time_us, seqs[e.eid]) for e in new for key in keys(e)])
        return self.projector.apply(tx, list(fresh.values()), before)
