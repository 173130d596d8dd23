"""The ledger's tables brought up to what a fold gave: whole books, or the difference of two ledgers.

It must not fold: what it writes is what it was given.
"""

from collections.abc import Iterable
from typing import Any

from traceward.ledger import consignments, off_agreement
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.book import Book
from traceward.ledger.closing import close_conflicts
from traceward.ledger.conflicts import Conflict
from traceward.ledger.loading import Loader
from traceward.ledger.parties import Parties
from traceward.ledger.persistence import (
    TwinRows,
    balance_rows,
    conflict_row,
    dealing_of,
    dealing_row,
    record_row,
    transfer_row,
)
from traceward.ledger.standing import standing_conflicts
from traceward.ledger.state import ClassStock, Dealing, Instance, Ledger, PatientLinks, item_of
from traceward.store import ledger_dealings, ledger_rows
from traceward.store.rows import Balance, LedgerRecord
from traceward.store.write import WriteTransaction


def settle(book: Book) -> None:
    """Raise the conflicts that the changed records' states amount to, and forget those that no longer hold."""
    for key, record in book.changed.items():
        if not isinstance(record, PatientLinks) and (
            book.noticed
            or (record.standing and key not in book.twins)
            or (isinstance(record, ClassStock) and (record.short or record.variances))
        ):
            standing_conflicts(book, record)


def write_book(tx: WriteTransaction, loader: Loader, book: Book, agreements: AgreementBook) -> list[Conflict]:
    """Write the records that a book changed, with their balances, and the conflicts and transfers that it raised.

    Gives all conflicts that are raised, by the fold or by what the agreements say of its dealings.
    """
    write_states(tx, loader, book)
    if book.gone:
        close_conflicts(tx, sorted(book.gone))
    found = raised(book, agreements)
    ledger_rows.put_conflicts(tx, [conflict_row(one, tx.record_time_us) for one in found])
    ledger_rows.put_transfers(tx, [transfer_row(transfer) for transfer in book.transfers.values()])
    ledger_dealings.put_dealings(tx, [dealing_row(dealing) for dealing in book.dealings.values()])
    return found


def write_states(tx: WriteTransaction, loader: Loader, book: Book) -> None:
    """Write the records that a book changed, with their balances."""
    fresh: list[tuple[Any, ...]] = []
    changed: list[LedgerRecord] = []
    fresh_balances: list[tuple[Any, ...]] = []
    changed_balances: list[Balance] = []
    slotted: list[str] = []
    templates: dict[str, TwinRows] = {}
    for key, record in book.changed.items():
        if loader.is_stored(key):
            changed.append(record_row(record))
            changed_balances += balance_rows(record)
            if isinstance(record, ClassStock):
                slotted.append(key)
        elif (template := _template(book, key, templates)) is not None:
            fresh.append(template.record(key))
            fresh_balances.append(template.balance(key))
        else:
            fresh.append(record_row(record))
            fresh_balances += balance_rows(record)
    tx.write("ledger_record", ledger_rows.RECORD_COLUMNS, fresh, "fail")
    ledger_rows.put_records(tx, changed)
    tx.write("balance", ledger_rows.BALANCE_COLUMNS, fresh_balances, "fail")
    ledger_rows.replace_balances(tx, slotted, changed_balances)


def raised(book: Book, agreements: AgreementBook) -> list[Conflict]:
    """The conflicts of a book: those that the fold raised, and what the agreements say of its dealings."""
    return [*book.conflicts.values(), *off_agreement.raised(book.dealings.values(), agreements, book.parties)]


def _template(book: Book, key: str, templates: dict[str, TwinRows]) -> TwinRows | None:
    """The rows of the lead of a record that is its twin; None where it is none."""
    lead = None if book.noticed else book.lead_of(key)
    if lead is None:
        return None
    template = templates.get(lead.key)
    if template is None:
        template = templates[lead.key] = TwinRows(lead)
    return template


def write_difference(
    tx: WriteTransaction,
    earlier: Ledger,
    now: Ledger,
    scope: set[str] | None,
    agreements: AgreementBook,
    parties: Parties,
) -> list[Conflict]:
    """Make the tables say `now` where they said `earlier`, for the keys of scope (None: all); the opened conflicts."""

    def covers(key: str) -> bool:
        return scope is None or key in scope

    old = {key: record_row(record) for key, record in earlier.records.items() if covers(item_of(key))}
    new = {key: record_row(record) for key, record in now.records.items() if covers(item_of(key))}
    changed = [key for key, row in new.items() if old.get(key) != row]
    vanished = [key for key in old if key not in new]
    ledger_rows.put_records(tx, [new[key] for key in changed])
    ledger_rows.delete_records(tx, vanished)
    balances = [row for key in changed for row in balance_rows(now.records[key])]
    ledger_rows.replace_balances(tx, [*changed, *vanished], balances)
    before = {name: found for name, found in earlier.conflicts.items() if any(covers(key) for key in found.keys)}
    after = {name: found for name, found in now.conflicts.items() if any(covers(key) for key in found.keys)}
    opened = [found for name, found in after.items() if before.get(name) != found]
    close_conflicts(tx, [name for name in before if name not in after])
    ledger_rows.put_conflicts(tx, [conflict_row(found, tx.record_time_us) for found in opened])
    past = {name: row for name, row in earlier.transfers.items() if covers(row.key)}
    present = {name: row for name, row in now.transfers.items() if covers(row.key)}
    tx.execute_in("DELETE FROM ownership_transfer WHERE id IN {in}", [name for name in past if name not in present])
    ledger_rows.put_transfers(tx, [transfer_row(row) for name, row in present.items() if past.get(name) != row])
    gone = [row for row in earlier.dealings.values() if covers(row.key) and row.id not in now.dealings]
    come = [row for row in now.dealings.values() if covers(row.key) and row.id not in earlier.dealings]
    opened += _write_dealings(tx, gone, come, agreements, parties)
    shipments = {row.sent_eid for row in (*gone, *come) if row.sent_eid is not None}
    shipments |= {
        record.changed_eid
        for ledger in (earlier, now)
        for record in ledger.records.values()
        if isinstance(record, Instance) and covers(record.key) and consignments.is_on_its_way(record)
    }
    lost = {(row.sent_eid, row.supplier, row.hospital) for row in gone if row.sent_eid is not None}
    return opened + settle_shipments(tx, shipments, lost)


def settle_shipments(
    tx: WriteTransaction, shipments: Iterable[bytes], lost: Iterable[tuple[bytes, str, str]] = ()
) -> list[Conflict]:
    """Make the disputes about what these shipments did not bring what the tables amount to; those that are new.

    lost: (shipment, supplier, hospital) of receipts that are no more.
    """
    asked = set(lost)
    for sent_eid in sorted(shipments):
        asked.update((sent_eid, *pair) for pair in ledger_dealings.pairs_of_shipment(tx, sent_eid))
    if not asked:
        return []
    names = {consignments.dispute_id(*one): one for one in asked}
    standing = {row.id: row for row in ledger_rows.load_conflicts_by_id(tx, sorted(names))}
    found: dict[str, Conflict] = {}
    for name, (sent_eid, supplier, hospital) in sorted(names.items()):
        first = ledger_dealings.first_of_shipment(tx, sent_eid, supplier, hospital)
        missing = ledger_dealings.underway(tx, sent_eid, supplier, consignments.NAMED)
        if first is not None and missing.total:
            found[name] = consignments.short_receipt(dealing_of(first), missing.keys, missing.total)
    close_conflicts(tx, [name for name in standing if name not in found])
    opened_us = {name: standing[name].opened_us if name in standing else tx.record_time_us for name in found}
    ledger_rows.put_conflicts(tx, [conflict_row(one, opened_us[name]) for name, one in found.items()])
    return [one for name, one in found.items() if name not in standing]


def judge_again(
    tx: WriteTransaction, supplier: str, hospital: str, from_us: int, agreements: AgreementBook, parties: Parties
) -> list[Conflict]:
    """Make the conflicts about what a pair dealt in from a time on what the agreements say now; those that are new."""
    opened: list[Conflict] = []
    for rows in ledger_dealings.dealings_of(tx, supplier, hospital, from_us):
        dealings = [dealing_of(row) for row in rows]
        possible = {off_agreement.would_be(one, parties).id for one in dealings}
        standing = {row.id for row in ledger_rows.load_conflicts_by_id(tx, sorted(possible))}
        found = {one.id: one for one in off_agreement.raised(dealings, agreements, parties)}
        close_conflicts(tx, sorted(standing - found.keys()))
        fresh = [one for name, one in sorted(found.items()) if name not in standing]
        ledger_rows.put_conflicts(tx, [conflict_row(one, tx.record_time_us) for one in fresh])
        opened += fresh
    return opened


def _write_dealings(
    tx: WriteTransaction, gone: list[Dealing], come: list[Dealing], agreements: AgreementBook, parties: Parties
) -> list[Conflict]:
    ledger_dealings.delete_dealings(tx, [row.id for row in gone])
    close_conflicts(tx, [off_agreement.would_be(row, parties).id for row in gone])
    ledger_dealings.put_dealings(tx, [dealing_row(row) for row in come])
    opened = off_agreement.raised(come, agreements, parties)
    ledger_rows.put_conflicts(tx, [conflict_row(found, tx.record_time_us) for found in opened])
    return opened
