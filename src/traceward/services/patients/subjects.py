"""Patients in private events: named only inside encrypted texts, everywhere else by a pseudonym; erased by their key.

What the ledger keeps of a private event has pseudonyms in the patients' place, so that it stays whole when the text can
no longer be read. It must not answer requests (`patients` does).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from traceward.epcis.errors import NoSuchResource
from traceward.gs1.patient import contains_patient_identifier
from traceward.gs1.patient_names import patient_identifiers
from traceward.ledger.facts import PATIENT, LedgerEvent, decode_event, encode_event
from traceward.services.identity.principals import clinical_viewer
from traceward.services.indexing.preparation import PreparedEvent, expanded_stored, stored_terms
from traceward.store.account_models import SubjectEvent, SubjectKey
from traceward.store.rows import EventRow, StoredEvent, Visible
from traceward.store.sealed import Text, Vault, key_columns
from traceward.store.standing import Sight, standing
from traceward.store.write import WriteTransaction

_ANYWHERE: Final = 0
"""Pseudonyms are the same for whoever captures: one content has one set of facts."""


def pseudonymous(fact: LedgerEvent, vault: Vault) -> LedgerEvent:
    """The facts with a pseudonym in place of every value that names a patient; equal patients have equal ones."""
    plain = msgspec.msgpack.decode(encode_event(fact))
    return decode_event(msgspec.msgpack.encode(_without_patients(plain, vault)))


def pseudonym(name: str, vault: Vault) -> str:
    """What stands for a value that names a patient; still told from goods by the ledger, where the value was."""
    prefix = PATIENT if name.startswith(PATIENT) else "urn:traceward:"
    return f"{prefix}subject.{vault.subject_id(_ANYWHERE, name).hex()}"


def subject_names(expanded: Mapping[str, Any], text: bytes, eid: bytes) -> tuple[str, ...]:
    """The patients that a private event names, as canonical GSRNs. text: as it was sent.

    One that is spelt so that no GSRN can be read from it has the event itself as its only, nameless subject.
    """
    found: set[str] = set()
    for one in _texts(expanded):
        found.update(patient_identifiers(one))
    found.update(patient_identifiers(text.decode()))
    return tuple(sorted(found)) or (f"event {eid.hex()}",)


def seal_rows(
    tx: WriteTransaction, vault: Vault, party: int, events: Iterable[PreparedEvent], rows: Mapping[bytes, EventRow]
) -> dict[bytes, EventRow]:
    """The rows of private events as they are to be stored, by eid; subjects that are met first get their key.

    party: number of the organisation that captures. A subject that was erased has a new key from its next event on.
    """
    names = {event.eid: subject_names(event.expanded, event.text, event.eid) for event in events if event.private}
    if not names:
        return {}
    keys = keys_of(tx, vault, party, sorted({name for each in names.values() for name in each}))
    sealed: dict[bytes, EventRow] = {}
    links: list[tuple[bytes, int]] = []
    for eid, each in names.items():
        row = rows[eid]
        own = {subject: keys[subject] for subject in (vault.subject_id(party, name) for name in each)}
        text = vault.seal(own, Text(row.text, row.rendered, row.context), eid)
        sealed[eid] = row._replace(text=text, rendered=None, context=None)
        links += [(subject, row.seq) for subject in own]
    tx.write("subject_event", ("subject", "seq"), links, "nothing")
    return sealed


def seal_copies(
    tx: WriteTransaction, vault: Vault, party: int, events: Iterable[PreparedEvent], seqs: Mapping[bytes, int]
) -> None:
    """Seal private events, which others captured before, under the party's own keys. seqs: their numbers by eid."""
    for event in events:
        if event.private:
            names = subject_names(event.expanded, event.text, event.eid)
            content = Text(event.text, event.rendered, event.context)
            _seal_copy(tx, vault, party, names, content, event.eid, seqs[event.eid])


def erase(tx: WriteTransaction, vault: Vault, party: int, name: str) -> int:
    """Forget a patient's key and take the events that name the patient out of the party's clinical readers' lists.

    What another organisation captured too stays that one's to read, until it erases the patient itself. Gives how many
    events the party can read no longer. Raises NoSuchResource for a patient that the party has no key of.
    """
    subject = vault.subject_id(party, name)
    row = tx.get(SubjectKey, subject)
    if row is None or row.wrapped is None:
        raise NoSuchResource("there is no such patient here")
    events = tx.events([one.seq for one in tx.select(SubjectEvent, subject=subject)], witnesses=True)
    viewer = clinical_viewer(party)
    # Those of an earlier erasure are listed too, and nobody of the party sees them any more.
    seen = standing(tx, [Sight(viewer, event.seq, event.record_time_us) for event in events])
    rows: list[Visible] = []
    for event in events:
        if event.text and (viewer, event.seq) in seen:
            _leave_copies(tx, vault, party, event)
            terms = stored_terms(event.text, event.context, event.event_id, vault.secret, private=True)
            rows.append(Visible(viewer, event.seq, event.event_time_us, event.record_time_us, terms))
    tx.remove_visible(rows)
    row.wrapped = row.name = None
    row.erased_us = tx.record_time_us
    tx.put(row)
    return len(rows)


def _leave_copies(tx: WriteTransaction, vault: Vault, party: int, event: StoredEvent) -> None:
    """Give the others that captured an event a copy, where an older version of this program gave them none."""
    others = set(event.witnesses) - {party}
    if not others:
        return
    names = subject_names(expanded_stored(event.text, event.context, event.event_id), event.text, event.eid)
    known = {one.subject for one in tx.select(SubjectEvent, seq=event.seq)}
    for other in sorted(others):
        own = {vault.subject_id(other, name) for name in names}
        if not own & known:
            content = Text(event.text, event.rendered, event.context)
            _seal_copy(tx, vault, other, names, content, event.eid, event.seq)


def _seal_copy(
    tx: WriteTransaction, vault: Vault, party: int, names: Sequence[str], content: Text, eid: bytes, seq: int
) -> None:
    keys = keys_of(tx, vault, party, names)
    own = {subject: keys[subject] for subject in (vault.subject_id(party, name) for name in names)}
    tx.write("sealed_copy", ("eid", "party", "text"), [(eid, party, vault.seal(own, content, eid))], "replace")
    tx.write("subject_event", ("subject", "seq"), [(subject, seq) for subject in own], "nothing")


def keys_of(tx: WriteTransaction, vault: Vault, party: int, names: Sequence[str]) -> dict[bytes, bytes]:
    """The keys of these subjects by id, made where they are missing."""
    ids = {vault.subject_id(party, name): name for name in names}
    stored = tx.fetch_in("SELECT id, wrapped, erased_us FROM subject_key WHERE id IN {in}", ids)
    keys = vault.unwrap((row[0], row[1]) for row in stored)
    erased_us = {bytes(row[0]): row[2] for row in stored}
    now_us = tx.record_time_us
    fresh = [vault.new_key_row(party, name, now_us, erased_us.get(one)) for one, name in ids.items() if one not in keys]
    tx.write("subject_key", key_columns(), fresh, "replace")
    return keys | vault.unwrap((row[0], row[2]) for row in fresh)


def _without_patients(value: Any, vault: Vault) -> Any:
    if isinstance(value, str):
        return pseudonym(value, vault) if contains_patient_identifier(value) else value
    if isinstance(value, list):
        return [_without_patients(one, vault) for one in value]
    if isinstance(value, dict):
        return {key: _without_patients(one, vault) for key, one in value.items()}
    return value


def _texts(value: Any) -> Iterable[str]:
    """Every text in a value, names of fields among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
