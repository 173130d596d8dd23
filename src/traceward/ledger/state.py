"""What the ledger keeps of each serial, class and container, and of patients' links: the fold's records and results.

Records are the fold's own and change while it runs; whoever reads a `Ledger` must not change them.
"""

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from traceward.ledger.conflicts import Conflict

Order = tuple[int, int, bytes]

UNSEEN = ""
_CLASS = "|class"
CLAIM = "|by|"
_LINKS = "|patient|"


VoidedUse = tuple[bytes, str | None, Decimal, tuple[str, ...]]
"""(eid, usage report, quantity, parties that the event names) of a use that was declared in error."""


class Notice(msgspec.Struct, array_like=True, frozen=True):
    """A statement on a class or a serial, such as a recall: flags set and unset from time_us on, by a party.

    serials: (first, last) of the ranges that it is restricted to, as on the label; empty where it is about all.
    """

    time_us: int
    set_flags: tuple[str, ...]
    unset_flags: tuple[str, ...]
    party: str
    eid: bytes
    serials: tuple[tuple[str, str], ...] = ()


class Instance(msgspec.Struct, array_like=True, gc=False):
    """One serialised item or container.

    key: the item. claimant: None for the ledger itself; else the party whose unproven claims this record holds apart.
    place: where it is; while in transit, where it goes. origin: where it left. container: record key.
    seen: (time, place, eid) of the last event that named it. owners: (time, owner, eid) for each change.
    trail: (eid, parties concerned at that event). contents: record keys of what lies in it.
    voided_uses: uses that were declared in error. waiting: eids of error declarations
    whose original is not here. standing: ids of the conflicts that hold as long as the state does. sterilised: (time,
    eid) of the last sterilisation of this load. surgical: a tray that must be sterilised before use. notices:
    statements that name it. deleted: the event that used it up or ended it took it out of the world (action DELETE).
    """

    key: str
    claimant: str | None = None
    owner: str | None = None
    holder: str | None = None
    place: str | None = None
    origin: str | None = None
    container: str | None = None
    status: str = UNSEEN
    flags: tuple[str, ...] = ()
    lot: str | None = None
    expiry: str | None = None
    provenance: str | None = None
    order: Order | None = None
    changed_eid: bytes = b""
    ended_eid: bytes | None = None
    seen: tuple[int, str | None, bytes] | None = None
    owners: tuple[tuple[int, str | None, bytes], ...] = ()
    trail: tuple[tuple[bytes, tuple[str, ...]], ...] = ()
    contents: set[str] | None = None
    voided_uses: tuple[VoidedUse, ...] = ()
    waiting: tuple[bytes, ...] = ()
    standing: tuple[str, ...] = ()
    sterilised: tuple[int, bytes] | None = None
    surgical: bool = False
    notices: tuple[Notice, ...] = ()
    deleted: bool = False

    def put_in(self, content: str) -> None:
        """Note that a record lies in this one."""
        if self.contents is None:
            self.contents = set()
        self.contents.add(content)

    def take_from(self, content: str) -> None:
        """Note that a record lies in this one no longer."""
        if self.contents is not None:
            self.contents.discard(content)
            self.contents = self.contents or None


class Slot(msgspec.Struct, array_like=True, gc=False):
    """A quantity of one class at one owner, holder, place and status. eid: the event that last changed it."""

    place: str | None
    container: str | None
    owner: str | None
    holder: str | None
    status: str
    flags: tuple[str, ...]
    uom: str | None
    quantity: Decimal
    time_us: int
    eid: bytes

    def name(self) -> str:
        """What makes this slot another than the class's other slots."""
        return "|".join((
            self.place or "", self.container or "", self.owner or "", self.holder or "", self.status,
            ",".join(self.flags), self.uom or "",
        ))  # fmt: skip


class Variance(msgspec.Struct, array_like=True, frozen=True):
    """That a count saw another quantity of a class at a place than the book had. booked: less what was written off."""

    place: str | None
    uom: str | None
    counted: Decimal
    booked: Decimal
    time_us: int
    eid: bytes
    parties: tuple[str, ...]


class ClassStock(msgspec.Struct, array_like=True):
    """The stock of one class (GTIN, lot of a GTIN, asset type).

    slots: by Slot.name(). concerned: parties that ever owned, held or were sent some. public: eids that all of them
    may see. opened: what was created or first seen, by unit of measure ("" for each). short: of what is in transit, by
    Slot.name(): (quantity, eid of the receipt that fell short of it). variances: by place, unit and who counted.
    advised: despatch advice -> (place to which it goes, its sender), of what may be on its way.
    """

    key: str
    claimant: str | None = None
    slots: dict[str, Slot] = {}
    expiry: str | None = None
    order: Order | None = None
    concerned: list[str] = []
    public: list[bytes] = []
    notices: list[Notice] = []
    opened: dict[str, Decimal] = {}
    voided_uses: tuple[VoidedUse, ...] = ()
    waiting: tuple[bytes, ...] = ()
    standing: tuple[str, ...] = ()
    short: dict[str, tuple[Decimal, bytes]] = {}
    variances: dict[str, Variance] = {}
    advised: dict[str, tuple[str | None, str | None]] = {}


class Link(msgspec.Struct, array_like=True):
    """A patient tied to a quantity of an item, from opened_us on; closed where the item was taken out again."""

    patient: str
    quantity: Decimal
    opened_us: int
    opened_eid: bytes
    usage_report: str | None = None
    closed_us: int | None = None
    closed_eid: bytes | None = None


class PatientLinks(msgspec.Struct, array_like=True):
    """The patients of one item, as one party's clinical role recorded them; nobody else's to see.

    waiting: eids of error declarations whose original is not here.
    """

    key: str
    party: str
    links: list[Link] = []
    order: Order | None = None
    waiting: tuple[bytes, ...] = ()


Record = Instance | ClassStock | PatientLinks


@dataclass(frozen=True, slots=True)
class OwnershipTransfer:
    """A passing of ownership that one event brought about. voided: it does not count for money. quantity: each
    unless uom says otherwise. Times: microseconds since 1970 UTC.
    """

    id: str
    event_time_us: int
    eid: bytes
    from_party: str | None
    to_party: str
    key: str
    quantity: Decimal
    uom: str | None
    use_type: str | None
    usage_report: str | None
    agreement: str | None
    voided: bool


@dataclass(frozen=True, slots=True)
class Dealing:
    """A receipt or use of one item or class that belongs to another than its holder; agreements are asked about it.

    supplier: its owner before the event. hospital: its holder. place: where it came to, or where it was used up; None
    where that is unknown. what: received, used, lost or destroyed. sent_eid: the event that sent what was received,
    where the ledger had it on its way. Times: microseconds since 1970 UTC.
    """

    id: str
    event_time_us: int
    eid: bytes
    key: str
    supplier: str
    hospital: str
    place: str | None
    what: str
    sent_eid: bytes | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """What a count saw of a key at a place beside what the book says; it never changes the book."""

    eid: bytes
    event_time_us: int
    key: str
    place: str | None
    uom: str | None
    seen: Decimal
    book: Decimal
    scope: str | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The state that a set of events amounts to. records: by record key. visible: eid -> parties that may see it."""

    records: dict[str, Record] = field(default_factory=dict)
    conflicts: dict[str, Conflict] = field(default_factory=dict)
    transfers: dict[str, OwnershipTransfer] = field(default_factory=dict)
    dealings: dict[str, Dealing] = field(default_factory=dict)
    counts: tuple[Count, ...] = ()
    visible: dict[bytes, frozenset[str]] = field(default_factory=dict)

    def instance(self, key: str) -> Instance | None:
        """The record of a serialised item or container."""
        record = self.records.get(key)
        return record if isinstance(record, Instance) else None

    def stock(self, key: str) -> ClassStock | None:
        """The record of a class."""
        record = self.records.get(class_record(key))
        return record if isinstance(record, ClassStock) else None


def class_record(key: str) -> str:
    """The record key of a class."""
    return key + _CLASS


def claim_record(record_key: str, claimant: str) -> str:
    """The record key under which a party's unproven claims about a record are kept apart."""
    return record_key + CLAIM + claimant


def links_record(key: str, party: str) -> str:
    """The record key of an item's patients as a party recorded them."""
    return key + _LINKS + party


def record_key(record: Record) -> str:
    """The key under which a record is kept.

    >>> record_key(ClassStock("https://id.gs1.org/01/09521141045305/10/LOT77A"))
    'https://id.gs1.org/01/09521141045305/10/LOT77A|class'
    """
    if isinstance(record, PatientLinks):
        return links_record(record.key, record.party)
    key = class_record(record.key) if isinstance(record, ClassStock) else record.key
    return claim_record(key, record.claimant) if record.claimant is not None else key


def item_of(record_key_: str) -> str:
    """The item, container or class identifier of a record key."""
    return record_key_.partition("|")[0]
