"""The audit log: who read patients' data, broke glass, or changed keys and parties; append-only and hash-chained.

An entry is committed before the answer that it tells of, in the unit of the change that it tells of. It must not hold
a patient's identifier: what was asked is kept as a digest.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from traceward.epcis.errors import Finding, ValidationException
from traceward.gs1.patient import contains_patient_identifier
from traceward.ledger.facts import LedgerEvent
from traceward.services.identity.principals import Principal
from traceward.store.account_models import AuditRow
from traceward.store.rows import StoredEvent
from traceward.store.write import WriteTransaction

if TYPE_CHECKING:
    from traceward.services.runtime import Runtime

SYSTEM: Final = "system"
"""Stands for the server itself where no caller acts."""

HEAD: Final = "audit"
"""The counter that tells how many entries there are, so that a log cut short is noticed."""

FIRST: Final = bytes(32)
"""What the first entry follows."""

COLUMNS: Final = tuple(AuditRow.model_fields)

_MOST_EVENT_IDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done. party: number of the organisation that it concerns, None for the server's own.

    asked: what was asked for, of which only a digest is kept. purpose: why, in the caller's words.
    """

    action: str
    resource: str
    caller: Principal | None
    party: int | None
    outcome: str = "done"
    asked: bytes = b""
    count: int = 0
    event_ids: Sequence[str] = ()
    purpose: str = ""
    request_id: str = ""


def entry(
    caller: Principal | None,
    action: str,
    resource: str,
    *,
    party: int | None = None,
    outcome: str = "done",
    asked: bytes = b"",
    count: int = 0,
    event_ids: Sequence[str] = (),
    purpose: str = "",
) -> Entry:
    """An entry of the request at hand. party: None stands for the caller's own organisation.

    Made on the request's own thread, since the request's id is taken from its context. Raises ValidationException for
    a purpose that names a patient: the log keeps it for good, and no erasure reaches it.
    """
    if contains_patient_identifier(purpose):
        message = (
            "the reason names a patient (GSRN, AI 8018), and the audit log keeps it for good; expected one without"
        )
        raise ValidationException(message, [Finding("reason", "patient", message, "Traceward privacy rule: audit log")])
    number = party if party is not None else (caller.party_number or None) if caller is not None else None
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    return Entry(action, resource, caller, number, outcome, asked, count, event_ids, purpose, request_id)


def append(tx: WriteTransaction, made: Entry) -> None:
    """Add an entry at the end of the chain, in the caller's unit."""
    last = tx.fetch("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
    seq, before = (last[0][0] + 1, bytes(last[0][1])) if last else (1, FIRST)
    caller = made.caller
    event_ids = list(made.event_ids[:_MOST_EVENT_IDS])
    values = (
        seq,
        tx.record_time_us,
        (caller.name or caller.key_id) if caller is not None else SYSTEM,
        caller.role if caller is not None else SYSTEM,
        caller.key_id if caller is not None else "",
        made.party,
        made.action,
        made.resource,
        hashlib.sha256(made.asked).digest() if made.asked else b"",
        made.count,
        msgspec.json.encode(event_ids).decode(),
        made.outcome,
        made.purpose,
        made.request_id,
        before,
    )
    tx.write("audit", COLUMNS, [(*values, entry_digest(values))], "fail")
    tx.write("counter", ("name", "value"), [(HEAD, seq)], "replace")


def record(runtime: "Runtime", made: Entry) -> None:
    """Commit an entry; returns when it is durable. Raises StoreUnavailable or StoreBusy (503) when it cannot be."""
    runtime.store.committer.run(lambda tx: append(tx, made))


def private_read(
    runtime: "Runtime",
    caller: Principal,
    resource: str,
    *,
    asked: bytes,
    event_ids: Sequence[str] = (),
    count: int | None = None,
    purpose: str = "",
) -> None:
    """Commit that the caller is about to be told of patients; to be called before the answer leaves.

    Nothing is recorded for an answer that tells of none.
    """
    number = len(event_ids) if count is None else count
    if number:
        record(
            runtime,
            entry(
                caller, "read private", resource, asked=asked, count=number, event_ids=list(event_ids), purpose=purpose
            ),
        )


def tell_of_private(
    runtime: "Runtime", caller: Principal, resource: str, asked: bytes, events: Iterable[StoredEvent | LedgerEvent]
) -> None:
    """`private_read` of those of an answer's events that are private; every way out of the server calls it."""
    names = [event.event_id for event in events if event.private]
    if names:
        private_read(runtime, caller, resource, asked=asked, event_ids=names)


def entry_digest(values: Sequence[Any]) -> bytes:
    """The hash of an entry, from its other columns in their order; the last of them is the hash before it."""
    plain = [bytes(value) if isinstance(value, memoryview | bytearray) else value for value in values]
    return hashlib.sha256(msgspec.msgpack.encode(plain)).digest()
