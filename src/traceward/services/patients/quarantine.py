"""Events that were refused because they tell of a patient where it may not be told: kept, encrypted, for a decision.

The clinical role releases one (it is then captured, as that role's) or deletes it; the privacy officer may delete. It
must not show an event to anybody else, nor let it into any index before it is released.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from traceward.epcis.errors import Finding, ForbiddenException, NoSuchResource
from traceward.epcis.times import format_time_us
from traceward.services.identity import audit
from traceward.services.identity.principals import Principal, Right
from traceward.services.indexing.preparation import PreparedEvent, prepare_stored
from traceward.services.patients.subjects import keys_of, subject_names
from traceward.services.runtime import Runtime
from traceward.store.account_models import Quarantined
from traceward.store.sealed import Text
from traceward.store.write import WriteTransaction

WAITING: Final = "waiting"
RELEASED: Final = "released"
DELETED: Final = "deleted"


def keep(runtime: Runtime, caller: Principal, refused: Iterable[tuple[PreparedEvent, Finding]]) -> None:
    """Keep refused events for a decision; one that is there already stays as it is. Durable on return."""
    kept = [(event, finding) for event, finding in refused]
    if not kept:
        return
    made = audit.entry(caller, "quarantined", "quarantine", count=len(kept))

    def unit(tx: WriteTransaction) -> None:
        fresh = 0
        for event, finding in kept:
            name = f"{caller.party_number}-{event.eid.hex()}"
            if tx.get(Quarantined, name) is None:
                tx.put(_row(tx, runtime, caller, name, event, finding))
                fresh += 1
        if fresh:
            audit.append(tx, made)

    runtime.store.committer.run(unit)


def waiting(runtime: Runtime, caller: Principal) -> list[dict[str, Any]]:
    """What waits for a decision in the caller's organisation, oldest first, without the events' content."""
    _require(caller)
    with runtime.store.reader() as reader:
        rows = reader.select(Quarantined, party=caller.party_number, state=WAITING)
    return [_body(row) for row in sorted(rows, key=lambda row: (row.received_us, row.id))]


def content(runtime: Runtime, caller: Principal, quarantine_id: str) -> dict[str, Any]:
    """One waiting event with its text, for the clinical role; in the audit log before the answer."""
    _require(caller, Right.KNOW_PATIENTS)
    with runtime.store.reader() as reader:
        row = _waiting_row(reader.get(Quarantined, quarantine_id), caller)
        text = _opened(runtime, row, reader.fetch_in)
    audit.private_read(runtime, caller, "quarantine", asked=quarantine_id.encode(), count=1)
    return _body(row) | {"event": orjson.loads(text.text)}


def opened_event(runtime: Runtime, caller: Principal, quarantine_id: str) -> PreparedEvent:
    """A waiting event, ready to be written by the clinical role that releases it. Raises NoSuchResource."""
    _require(caller, Right.CAPTURE_PRIVATE)
    with runtime.store.reader() as reader:
        row = _waiting_row(reader.get(Quarantined, quarantine_id), caller)
        text = _opened(runtime, row, reader.fetch_in)
    return prepare_stored(text.text, text.context, runtime.store.secret_key)


def decide(tx: WriteTransaction, caller: Principal, quarantine_id: str, state: str, made: audit.Entry) -> None:
    """Close one waiting event and forget its text, in the caller's unit. Raises NoSuchResource."""
    row = _waiting_row(tx.get(Quarantined, quarantine_id), caller)
    row.state, row.sealed = state, None
    row.decided_us, row.decided_by = tx.record_time_us, caller.name or caller.key_id
    tx.put(row)
    audit.append(tx, made)


def delete(runtime: Runtime, caller: Principal, quarantine_id: str) -> None:
    """Forget a waiting event for good. Raises ForbiddenException, NoSuchResource."""
    _require(caller)
    made = audit.entry(caller, "quarantine deleted", f"quarantine {quarantine_id[:80]}")
    runtime.store.committer.run(lambda tx: decide(tx, caller, quarantine_id, DELETED, made))


def _require(caller: Principal, *rights: Right) -> None:
    """Nothing for a role that decides; what waits may tell of any ward's patients, so a key of one place does not."""
    for right in (Right.RELEASE_QUARANTINE, *rights):
        caller.require(right)
    if caller.place is not None:
        raise ForbiddenException("a key that is bound to a place may not read or decide what is quarantined")


def _row(
    tx: WriteTransaction, runtime: Runtime, caller: Principal, name: str, event: PreparedEvent, finding: Finding
) -> Quarantined:
    keys = keys_of(tx, runtime.store.vault, caller.party_number, subject_names(event.expanded, event.text, event.eid))
    return Quarantined(
        id=name,
        party=caller.party_number,
        principal=caller.name or caller.key_id,
        role=caller.role,
        received_us=tx.record_time_us,
        sealed=runtime.store.vault.seal(keys, Text(event.text, None, event.context), name.encode()),
        findings=orjson.dumps([{"code": finding.code, "message": finding.message}]).decode(),
        state=WAITING,
    )


def _waiting_row(row: Quarantined | None, caller: Principal) -> Quarantined:
    if row is None or row.party != caller.party_number or row.state != WAITING:
        raise NoSuchResource("nothing of this id waits in quarantine")
    return row


def _opened(runtime: Runtime, row: Quarantined, fetch_in: Any) -> Text:
    """The text of a waiting event. Raises NoSuchResource where its patient was erased."""
    assert row.sealed is not None
    bound_to = row.id.encode()
    found = runtime.store.vault.open_all({bound_to: bytes(row.sealed)}, fetch_in)[bound_to]
    if found is None:
        raise NoSuchResource("nothing of this id waits in quarantine")
    return found


def _body(row: Quarantined) -> dict[str, Any]:
    findings: Sequence[Any] = orjson.loads(row.findings)
    return {
        "id": row.id,
        "receivedAt": format_time_us(row.received_us),
        "principal": row.principal,
        "role": row.role,
        "findings": findings,
    }
