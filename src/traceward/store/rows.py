"""The rows that callers hand in and get back, as named tuples in the order of their columns; no behaviour.

Parties of `witness` are organisation numbers; parties of the ledger are canonical PGLNs. Times are microseconds since
1970 UTC.
"""

from typing import NamedTuple

from traceward.store.terms import PreparedTerms


class EventRow(NamedTuple):
    """An event to be stored. eid: 16 bytes. kind: 0-4 for the five event types, 5 for an extension type.

    text: the event as sent. rendered: its Digital Link rendering, None where that is the text itself.
    context: the JSON-LD @context that the text needs, None where the text carries its own.
    facts: the ledger's own encoding of the event, opaque to the store.
    """

    seq: int
    eid: bytes
    event_id: str
    event_time_us: int
    record_time_us: int
    kind: int
    private: bool
    context: bytes | None
    text: bytes
    rendered: bytes | None = None
    facts: bytes | None = None


class StoredEvent(NamedTuple):
    """An event as it was stored, with the numbers of the parties that captured it where they were asked for."""

    seq: int
    eid: bytes
    event_id: str
    event_time_us: int
    record_time_us: int
    kind: int
    private: bool
    context: bytes | None
    text: bytes
    rendered: bytes | None
    facts: bytes | None
    witnesses: tuple[int, ...] = ()


class EventFacts(NamedTuple):
    """What the ledger knows of a stored event, with the numbers of the parties that captured it; without its text."""

    seq: int
    eid: bytes
    record_time_us: int
    private: bool
    facts: bytes | None
    witnesses: tuple[int, ...] = ()


class Witness(NamedTuple):
    """A party that captured an event. is_declaration: the event carries an error declaration."""

    eid: bytes
    party: int
    seq: int
    record_time_us: int
    job: str | None
    event_id: str
    is_declaration: bool


class Existing(NamedTuple):
    """Where a content is stored already, and by which parties it was captured."""

    seq: int
    parties: tuple[int, ...]


class EventIdUse(NamedTuple):
    """A content that a party captured under some eventID."""

    eid: bytes
    seq: int
    is_declaration: bool


class Visible(NamedTuple):
    """An event that becomes, or stops being, visible to a viewer."""

    viewer: int
    seq: int
    event_time_us: int
    record_time_us: int
    terms: PreparedTerms


class LedgerRecord(NamedTuple):
    """What the ledger keeps of one item, class or container; `state` and `last_order` are the ledger's own."""

    key: str
    key_hash: int
    kind: int
    gtin: str | None
    lot: str | None
    state: bytes
    last_time_us: int
    last_order: bytes


class Balance(NamedTuple):
    """A quantity of one key at one owner, holder, place and status. quantity: decimal text. expiry: ISO date."""

    record_key: str
    slot: int
    owner: str
    holder: str
    place: str | None
    container: str | None
    status: str
    quantity: str
    uom: str | None
    gtin: str | None
    lot: str | None
    serial: str | None
    expiry: str | None
    flags: str
    last_time_us: int
    last_eid: bytes


class OwnershipTransfer(NamedTuple):
    """A passing of ownership that one event brought about."""

    id: str
    event_time_us: int
    eid: bytes
    from_party: str
    to_party: str
    key: str
    gtin: str | None
    lot: str | None
    serial: str | None
    quantity: str
    uom: str | None
    use_type: str | None
    usage_report: str | None
    agreement: str | None
    voided: bool


class ConflictRow(NamedTuple):
    """A conflict of the ledger. parties, keys, eids (hex): JSON arrays; detail: JSON object."""

    id: str
    kind: str
    severity: str
    state: str
    private_party: str | None
    parties: str
    keys: str
    eids: str
    message: str
    opened_us: int
    event_time_us: int
    detail: str
    closed_us: int | None = None
    closed_by: str | None = None
    closed_reason: str | None = None


class Relation(NamedTuple):
    """Proof, by event eid, that `owner` lets `consignee` hold its goods."""

    owner: str
    consignee: str
    eid: bytes
