"""The whole ledger folded afresh from the stored events, in bounded memory and one transaction.

It must not give anything else than `fold` gives for the same events; readers see the old ledger until it commits.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from traceward.ledger import closure, corrections, shared_ids
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.book import Book
from traceward.ledger.corrections import Corrections
from traceward.ledger.facts import PRODUCT_END, LedgerEvent, class_keys, class_parts
from traceward.ledger.fold import apply_event, pass_over
from traceward.ledger.links import check_links
from traceward.ledger.loading import Loader
from traceward.ledger.parties import Parties
from traceward.ledger.persistence import conflict_row, dealing_row, transfer_row
from traceward.ledger.snapshots import Keeping, states_before
from traceward.ledger.state import PatientLinks, links_record
from traceward.ledger.stream import Survey, events_of, pages, survey
from traceward.ledger.tables import raised, settle, settle_shipments, write_states
from traceward.ledger.waiting import write_waiting
from traceward.store import ledger_dealings, ledger_rows
from traceward.store.afresh import Afresh
from traceward.store.ledger_dealings import DealingRow
from traceward.store.ledger_rows import TRANSFER_COLUMNS
from traceward.store.ledger_snapshots import Snapshot
from traceward.store.progress import Tell
from traceward.store.rows import Relation
from traceward.store.write import WriteTransaction

_RECORDS_AT_ONCE = 40_000
_PAGE = 1000
_OF_GTIN = "SELECT key FROM ledger_record WHERE gtin=?"
_OF_LOT = "SELECT key FROM ledger_record WHERE gtin=? AND lot=?"
_TWICE = "SELECT event_id_hash FROM event_id WHERE NOT is_declaration GROUP BY event_id_hash HAVING COUNT(*) > 1"
_AGAIN = (
    f"SELECT event_id_hash FROM event_id WHERE NOT is_declaration AND event_id_hash IN ({_TWICE})"  # noqa: S608
    " GROUP BY event_id_hash HAVING COUNT(DISTINCT eid) > 1"
)

# A fold makes very many small values and no cycles: looking for some would cost a third of its time.
_ALLOCATIONS = 200_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Have the interpreter look for cyclic garbage seldom; other threads' is still found."""
    before = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Rebuild:
    """One rebuild. Afterwards `ledger_shown` says which parties see which shared event, until it is forgotten.

    changed: how many rows of the ledger were not what they are now; 0 until it has run.
    """

    def __init__(
        self,
        tx: WriteTransaction,
        parties: Parties,
        party_ids: closure.PartyIds,
        agreements: AgreementBook,
        keeping: Keeping | None = None,
    ) -> None:
        self._tx = tx
        self._agreements = agreements
        self._keeping = keeping if keeping is not None else Keeping()
        self._snapshots: list[Snapshot] = []
        self._lots_indexed = False
        self.changed = 0
        self._parties = parties
        self._party_ids = party_ids
        self._uses: dict[tuple[str, str | None], Decimal] = {}

    def run(self, tell: Tell | None = None, *, records_at_once: int = _RECORDS_AT_ONCE) -> int:
        """Make the tables what the events amount to; the number of events folded. records_at_once bounds memory."""
        with seldom_collected():
            return self._run(tell, records_at_once)

    def _run(self, tell: Tell | None, records_at_once: int) -> int:
        tx = self._tx
        not_due = [seq for (seq,) in tx.fetch("SELECT seq FROM due")]
        self._afresh = Afresh(tx)
        seen = survey(tx, self._party_ids, not_due, records_at_once)
        ledger_rows.put_relations(tx, [Relation(*proof) for proof in seen.proofs])
        corrected = self._corrections(seen)
        voided = self._voided_reports(corrected)
        done = 0
        for batch in seen.batches:
            # What these events name no batch before has named.
            loader = Loader(tx, empty=True)
            book = self._book(seen, loader)
            for events in pages(tx, seen, batch, min(records_at_once, _PAGE)):
                loader.fetch(events)
                book.noticed = book.noticed or loader.noticed
                for event in events:
                    self._apply(book, event, corrected)
                done += len(events)
                if len(book.records) > records_at_once:
                    self._flush(book, loader, voided)
                    loader = Loader(tx)
                    book = self._book(seen, loader)
                if tell is not None:
                    tell(done, seen.in_all)
            self._flush(book, loader, voided)
        self._afresh.is_full()
        settle_shipments(tx, ledger_dealings.shipments_underway(tx))
        self._check_links(seen, corrected, voided)
        self._write_reused_ids()
        waiting = events_of(tx, not_due, self._party_ids)
        write_waiting(tx, waiting, self._parties, self._party_ids)
        self.changed = self._afresh.take_their_place(tell)
        return done

    def _book(self, seen: Survey, loader: Loader) -> Book:
        book = Book(self._parties, seen.relations, loader.load)
        book.uses = self._uses
        return book

    def _apply(self, book: Book, event: LedgerEvent, corrected: Corrections) -> None:
        if closure.is_notice(event):
            self._bring_in_class(book, event)
        held = states_before(event, self._keeping, book.records)
        book.recent.clear()
        captors = corrected.captors.get(event.eid, event.captured_by)
        if event.declares is not None or not captors:
            pass_over(book, event, corrected)
        else:
            apply_event(book, event, captors)
        self._snapshots += [snapshot for snapshot in held if snapshot.key in book.recent]

    def _bring_in_class(self, book: Book, notice: LedgerEvent) -> None:
        """Have all records of a notice's classes at hand: those concerned are shown it, and their conflicts change."""
        if not self._lots_indexed:
            self._afresh.index_lots()
            self._lots_indexed = True
        for key in class_keys(notice):
            gtin, lot, _ = class_parts(key)
            if gtin is None:
                continue
            sql, asked = (_OF_GTIN, [gtin]) if lot is None else (_OF_LOT, [gtin, lot])
            for (name,) in self._tx.fetch(sql, asked):
                book.find(name)
            book.noticed = True
            for record in list(book.records.values()):
                if not isinstance(record, PatientLinks) and record.key.startswith(key[:PRODUCT_END]):
                    book.change(record)

    def _flush(self, book: Book, loader: Loader, voided: frozenset[str | None]) -> None:
        tx = self._tx
        settle(book)
        write_states(tx, loader, book)
        # What is added here has no row yet: each event is applied once, and keys name the event.
        tx.write("ownership_transfer", TRANSFER_COLUMNS, [transfer_row(one) for one in book.transfers.values()], "fail")
        tx.write("ledger_dealing", DealingRow._fields, [dealing_row(one) for one in book.dealings.values()], "fail")
        tx.write("ledger_snapshot", Snapshot._fields, self._snapshots, "fail")
        shown = [(eid, party) for eid, parties in book.shown.items() for party in parties]
        tx.write("ledger_shown", ("eid", "party"), shown, "fail")
        ledger_rows.delete_conflicts(tx, sorted(book.gone))
        found = raised(book, self._agreements)
        ledger_rows.put_conflicts(tx, [conflict_row(one, tx.record_time_us) for one in found])
        self._snapshots = []
        self._uses = {use: quantity for use, quantity in book.uses.items() if use[1] in voided}

    def _corrections(self, seen: Survey) -> Corrections:
        declarations = events_of(self._tx, seen.declarations, self._party_ids)
        told = {seq for batch in seen.batches for seq in batch.seqs} if declarations else set()
        rows = self._tx.events_under_ids({event.event_id for event in declarations})
        events = [closure.stored_event(row, self._party_ids) for row in rows if row.seq in told]
        return corrections.resolve(events)

    def _voided_reports(self, corrected: Corrections) -> frozenset[str | None]:
        struck = [declaration for found in corrected.declared.values() for declaration in found]
        return frozenset(event.usage_report for event in struck)

    def _check_links(self, seen: Survey, corrected: Corrections, voided: frozenset[str | None]) -> None:
        """Raise the conflicts of links whose use was declared in error: they need all uses, so they come last."""
        if not voided:
            return
        named = {key for found in corrected.declared.values() for event in found for key in (
            *event.instances, *class_keys(event))}  # fmt: skip
        book = self._book(seen, Loader(self._tx))
        for key in sorted(named):
            for party in self._parties:
                record = book.find(links_record(key, party.id))
                if isinstance(record, PatientLinks):
                    check_links(book, record)
        ledger_rows.put_conflicts(
            self._tx, [conflict_row(found, self._tx.record_time_us) for found in book.conflicts.values()]
        )

    def _write_reused_ids(self) -> None:
        hashes = [bytes(hashed) for (hashed,) in self._tx.fetch(_AGAIN)]
        events = [closure.stored_event(row, self._party_ids) for row in self._tx.events_under_hashes(hashes)]
        raised = shared_ids.reused_ids(events, self._parties)
        ledger_rows.put_conflicts(self._tx, [conflict_row(found, self._tx.record_time_us) for found in raised])
