"""The working set of a fold: records by key, and what the fold gives out beside them; an `Act` is one event at work.

It must not decide anything about stock: it keeps, finds and shows.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from hashlib import blake2b
from typing import TypeVar

from traceward.ledger import steps
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.facts import GS1, PRODUCT_END, LedgerEvent, keys
from traceward.ledger.notices import concerning
from traceward.ledger.parties import Parties
from traceward.ledger.state import (
    ClassStock,
    Count,
    Dealing,
    Instance,
    Notice,
    Order,
    OwnershipTransfer,
    PatientLinks,
    Record,
    Slot,
    claim_record,
    class_record,
    links_record,
    record_key,
)

RecordType = TypeVar("RecordType", bound=Record)
Relations = frozenset[tuple[str, str]]
Load = Callable[[str], Record | None]


class Act:
    """One event as the fold applies it.

    captors: those of its captors whose capture stands; first the one at whose place it happened, then by id, so that
    a partner who hands an event on does not stand in for the one who saw it.
    place: where it leaves things. source: where it takes them from. target: where a shipment goes.
    """

    __slots__ = ("captors", "effect", "event", "named", "order", "place", "source", "target")

    def __init__(
        self, event: LedgerEvent, captors: tuple[str, ...], parties: Parties, order: Order | None = None
    ) -> None:
        self.event = event
        home = parties.party_of_place(event.read_point or event.biz_location) if len(captors) > 1 else None
        self.captors = captors if home is None else tuple(sorted(captors, key=lambda party: (party != home, party)))
        self.effect = steps.effect_of(event)
        self.order = order if order is not None else steps.order_of(event)
        self.named = frozenset(keys(event))
        location = event.location
        self.source = location[0] if location is not None else None
        self.place = event.biz_location or (location[1] if location is not None else None) or event.read_point
        self.target = _target(event, parties)


class Book:
    """Records and outputs of one fold. load: gives the stored record of a key that the book does not have yet.

    changed: the records that the fold changed. recent: those among them since somebody last emptied it.
    """

    def __init__(self, parties: Parties, relations: Relations, load: Load | None = None) -> None:
        self.parties = parties
        self.relations = relations | parties.agreed
        self.records: dict[str, Record] = {}
        self.changed: dict[str, Record] = {}
        self.recent: dict[str, Record] = {}
        self.first_order: dict[str, Order | None] = {}
        self.conflicts: dict[str, Conflict] = {}
        self.transfers: dict[str, OwnershipTransfer] = {}
        self.dealings: dict[str, Dealing] = {}
        self.shipments: set[bytes] = set()  # whose goods were touched: what they sent besides may be missing
        self.counts: list[Count] = []
        self.shown: dict[bytes, set[str]] = {}
        self.uses: dict[tuple[str, str | None], Decimal] = {}
        self.gone: set[str] = set()
        self.twins: dict[str, Instance] = {}
        self._leads: set[str] = set()
        self.noticed = False
        self._load = load

    def find(self, key: str) -> Record | None:
        """The record kept under a record key, None where there is none yet."""
        found = self.records.get(key)
        if found is None and self._load is not None:
            found = self._load(key)
            if found is not None:
                self.records[key] = found
                if isinstance(found, Instance) and found.status == steps.IN_TRANSIT:
                    self.shipments.add(found.changed_eid)
                self.noticed = self.noticed or (not isinstance(found, PatientLinks) and bool(found.notices))
        return found

    def instance(self, key: str, claimant: str | None = None) -> Instance:
        """The record of a serialised item or container, new where it was never seen."""
        name = key if claimant is None else claim_record(key, claimant)
        found = self.find(name)
        if isinstance(found, Instance):
            return found
        return self._add(name, Instance(key, claimant))

    def stock(self, key: str, claimant: str | None = None) -> ClassStock:
        """The record of a class, new where it was never seen."""
        name = class_record(key) if claimant is None else claim_record(class_record(key), claimant)
        found = self.find(name)
        if isinstance(found, ClassStock):
            return found
        return self._add(name, ClassStock(key, claimant))

    def links(self, key: str, party: str) -> PatientLinks:
        """The patients of an item as a party recorded them."""
        name = links_record(key, party)
        found = self.find(name)
        if isinstance(found, PatientLinks):
            return found
        return self._add(name, PatientLinks(key, party))

    def change(self, record: Record) -> None:
        """Note that a record was changed."""
        name = record_key(record)
        self.recent[name] = record
        if name not in self.changed:
            self.changed[name] = record
            self.first_order[name] = record.order
        if self.twins:
            self.twins.pop(name, None)
            self._leads.discard(name)

    def add_twin(self, lead: Instance, key: str) -> Instance:
        """Keep a never seen item to which the event did exactly what it did to `lead`; gives it back."""
        twin = Instance(
            key, None, lead.owner, lead.holder, lead.place, lead.origin, lead.container, lead.status, lead.flags,
            lead.lot, lead.expiry, lead.provenance, lead.order, lead.changed_eid, lead.ended_eid, lead.seen,
            lead.owners, lead.trail, notices=lead.notices, deleted=lead.deleted,
        )  # fmt: skip
        self.records[key] = self.changed[key] = self.recent[key] = twin
        self.twins[key] = lead
        self._leads.add(lead.key)
        return twin

    def lead_of(self, key: str) -> Instance | None:
        """The record that equals the one of this key but for the key, where that is known for certain."""
        lead = self.twins.get(key)
        return lead if lead is not None and lead.key in self._leads else None

    def show(self, eid: bytes, parties: Iterable[str | None]) -> None:
        """Let parties see an event; unregistered ones are passed over."""
        seen = self.shown.get(eid)
        if seen is None:
            seen = self.shown[eid] = set()
        for party in parties:
            if party is not None and party in self.parties:
                seen.add(party)

    def notices(self, key: str, lot: str | None) -> list[Notice]:
        """The notices on an item's GTIN and lot that are about it, oldest first."""
        if not self.noticed:
            return []
        if not key.startswith(GS1 + "01/"):
            found = self.find(class_record(key))
            return found.notices if isinstance(found, ClassStock) else []
        gtin = key[:PRODUCT_END]
        listed: list[Notice] = []
        for name in (gtin, f"{gtin}/10/{lot}") if lot else (gtin,):
            found = self.find(class_record(name))
            if isinstance(found, ClassStock) and found.notices:
                listed.extend(found.notices)
        listed = concerning(listed, key) if listed else listed
        return sorted(listed, key=lambda notice: (notice.time_us, notice.eid)) if len(listed) > 1 else listed

    def noticed_by_serial(self, key: str) -> bool:
        """Whether a notice on an item's GTIN is about some of its serials alone."""
        found = self.find(class_record(key[:PRODUCT_END])) if self.noticed else None
        return isinstance(found, ClassStock) and any(one.serials for one in found.notices)

    def raise_conflict(
        self,
        kind: str,
        act: Act,
        record: Instance | ClassStock,
        *also: str | None,
        what: str = "",
        quantity: Decimal | None = None,
    ) -> None:
        """Record a conflict that this event raises about a record; also: further parties that may be told."""
        if record.claimant is not None:
            parties: tuple[str | None, ...] = (record.claimant,)
        elif isinstance(record, Instance):
            parties = (record.owner, record.holder, *act.captors, *also)
        else:
            parties = (*act.captors, *also)
        subject = record.claimant or ""
        raised = conflict(
            kind, (record.key,), (act.event.eid,), parties, act.event.event_time_us, subject=subject, what=what,
            quantity=quantity,
        )  # fmt: skip
        self.conflicts[raised.id] = raised

    def transfer(
        self,
        act: Act,
        key: str,
        from_party: str | None,
        to_party: str,
        quantity: Decimal,
        uom: str | None,
        *,
        voided: bool,
    ) -> None:
        """Record that ownership passed; several parts of one key in one event add up."""
        event = act.event
        text = "\0".join((event.eid.hex(), key, from_party or "", to_party, uom or "", "voided" if voided else ""))
        name = blake2b(text.encode(), digest_size=16).hexdigest()
        earlier = self.transfers.get(name)
        total = quantity if earlier is None else earlier.quantity + quantity
        self.transfers[name] = OwnershipTransfer(
            name, event.event_time_us, event.eid, from_party, to_party, key, total, uom,
            event.use_type, event.usage_report, event.agreement, voided,
        )  # fmt: skip

    def holder_at(self, act: Act, place: str | None, holder: str | None) -> str | None:
        """Who holds what an event leaves at a place: possessing_party, else the place's party, else `holder`."""
        possessing = act.event.possessing
        if possessing is not None and possessing[1] is not None:
            return possessing[1]
        return self.parties.party_of_place(place) or holder

    def destination(self, record: Instance | Slot) -> str | None:
        """The party to which something in transit goes."""
        return self.parties.party_of_place(record.place) if record.status == steps.IN_TRANSIT else None

    def _add(self, name: str, record: RecordType) -> RecordType:
        self.records[name] = record
        return record


def agrees(stated: str, known: str | None) -> bool:
    """Whether a stated place (SGLN) can be the known one: the same, or one of them is the other's whole site."""
    if known is None or stated == known:
        return known is not None
    site, _, extension = stated.partition("/254/")
    known_site, _, known_extension = known.partition("/254/")
    return site == known_site and (not extension or not known_extension)


def _target(event: LedgerEvent, parties: Parties) -> str | None:
    place = event.location[1] if event.location is not None else None
    receiver = event.possessing[1] if event.possessing is not None else None
    if receiver is None or parties.party_of_place(place) == receiver:
        return place
    return receiver
