"""What ledger and hospitals say of recalled items: their lots, patients not traced yet, notices that were answered.

Each is read for all items or notices at once: a product may have hundreds of both. It must not know what a notice
covers: `recall_statements` does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from traceward.ledger.alerts_model import Use
from traceward.ledger.facts import LedgerEvent, class_parts
from traceward.ledger.parties import Parties
from traceward.ledger.persistence import record_of
from traceward.ledger.state import PatientLinks, links_record
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.recalls.notices import NOTICE, issuer_of
from traceward.store import alert_rows
from traceward.store.read import Reader


def lots_of(reader: Reader, keys: Collection[str]) -> dict[str, str | None]:
    """The lot of each of these items or classes, percent-encoded; None where it is not known."""
    lots = {key: class_parts(key)[1] for key in keys}
    rows = alert_rows.records(reader, [key for key, lot in lots.items() if lot is None])
    return lots | {key: row.lot for key, row in rows.items()}


def untraced_units(reader: Reader, hospital: str, uses: Iterable[Use]) -> dict[str, Decimal]:
    """How many units of each item of these uses the hospital has tied to no patient.

    What ties a patient to a use that was declared in error traces no unit: nobody knows whose the others are.
    """
    used: defaultdict[str, Decimal] = defaultdict(Decimal)
    for use in uses:
        used[use.key] += use.quantity
    names = {key: links_record(key, hospital) for key in used}
    rows = alert_rows.records(reader, names.values())
    doubtful = alert_rows.links_in_error(reader, hospital, used.keys())
    missing = dict[str, Decimal]()
    for key, quantity in used.items():
        record = record_of(rows[names[key]]) if names[key] in rows else None
        links = record.links if isinstance(record, PatientLinks) else ()
        traced = (one.quantity for one in links if (key, one.opened_eid) not in doubtful)
        missing[key] = max(Decimal(0), quantity - sum(traced, Decimal(0)))
    return missing


def acknowledged(
    reader: Reader, hospital: str, statements: Mapping[bytes, LedgerEvent], parties: Parties
) -> set[bytes]:
    """Those of these events of whose notices the hospital has said that it has taken any step.

    A notice is told by its issuer and its number: what was answered to one party is no answer to another.
    """
    numbers = alert_rows.numbers_of(reader, statements)
    texts = {one.seq: one for one in reader.documents(sorted(set(numbers.values())))}
    notices = dict[bytes, tuple[str, str]]()
    for eid, seq in numbers.items():
        stored = texts.get(seq)
        if stored is not None and statements[eid].captured_by:
            named = expanded_stored(stored.text, stored.context, stored.event_id).get(NOTICE)
            number = named if isinstance(named, str) else stored.event_id
            notices[eid] = (issuer_of(statements[eid], parties), number)
    answered = alert_rows.acknowledged_notices(reader, hospital, {number for _, number in notices.values()})
    return {eid for eid, notice in notices.items() if notice in answered}
