"""Receipts that fall short: serials that a shipment sent and its receipt does not name, one dispute for each shipment.

Pure. It judges what the fold found, across all items of a shipment, and must not change any of it. Lots have a conflict
of their own (`standing`), since a lot's balance says by itself what is still on its way.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from traceward.ledger import steps
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.facts import class_parts
from traceward.ledger.state import Dealing, Instance, Ledger

KIND = "receipt_short"
NAMED = 10
"""So many of the missing serials are named; their number is told in any case."""


def short_receipt(first: Dealing, missing: Sequence[str], count: int) -> Conflict:
    """The dispute about a shipment. first: the first dealing of what came of it; missing: the first item keys."""
    assert first.sent_eid is not None
    found = conflict(
        KIND, missing[:NAMED], (first.sent_eid, first.eid), (first.supplier, first.hospital), first.event_time_us,
        what=str(count),
    )  # fmt: skip
    return replace(found, id=dispute_id(first.sent_eid, first.supplier, first.hospital))


def dispute_id(sent_eid: bytes, supplier: str, hospital: str) -> str:
    """The id of the dispute about what a shipment brought a hospital of a supplier's serials, whatever is missing."""
    text = f"{KIND}\0{sent_eid.hex()}\0{supplier}\0{hospital}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def short_receipts(ledger: Ledger) -> list[Conflict]:
    """The disputes of a whole ledger."""
    arrived: defaultdict[tuple[bytes, str], dict[str, Dealing]] = defaultdict(dict)
    for dealing in ledger.dealings.values():
        if dealing.sent_eid is not None:
            of_hospital = arrived[dealing.sent_eid, dealing.supplier]
            first = of_hospital.setdefault(dealing.hospital, dealing)
            of_hospital[dealing.hospital] = min(first, dealing, key=_order)
    missing: defaultdict[tuple[bytes, str], list[str]] = defaultdict(list)
    for record in ledger.records.values():
        if isinstance(record, Instance) and is_on_its_way(record) and record.owner is not None:
            missing[record.changed_eid, record.owner].append(record.key)
    return [
        short_receipt(first, sorted(keys), len(keys))
        for shipment, keys in missing.items()
        for first in arrived.get(shipment, {}).values()
    ]


def is_on_its_way(record: Instance) -> bool:
    """Whether a record is of a serialised product that was sent and has not come."""
    return record.claimant is None and record.status == steps.IN_TRANSIT and class_parts(record.key)[2] is not None


def _order(dealing: Dealing) -> tuple[int, str]:
    return dealing.event_time_us, dealing.id
