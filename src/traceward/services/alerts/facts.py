"""The facts that the rules of alerts read of a product between two parties: only what both of them may see.

An alert is the same for both parties, so nothing that one of them does not see may have a part in it; what is about
patients is for the hospital alone. It must not judge: `ledger.alerts` does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from typing import Final

import orjson

from traceward.epcis.predicates import AnyTerm, Query
from traceward.epcis.times import DAY_US, parse_time_us
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.alerts_model import (
    Counted,
    Excursion,
    Facts,
    Leftover,
    Missing,
    NamedAgreement,
    OpenOrder,
    Recall,
    Stock,
    Use,
    WrongUse,
)
from traceward.ledger.conflicts import KINDS as CONFLICTS
from traceward.ledger.corrections import standing
from traceward.ledger.facts import GS1, LedgerEvent, class_parts, decode_event, item_keys
from traceward.ledger.ghosts import COUNTING, place_counts
from traceward.ledger.notices import classes_of, with_notices
from traceward.ledger.par import ParFacts
from traceward.ledger.persistence import CLASS, record_of
from traceward.ledger.place_zones import PlaceZones
from traceward.ledger.state import ClassStock, Instance, Notice, class_record, item_of
from traceward.ledger.steps import PACK, RECEIVE, SHIP, UNPACK, effect_of
from traceward.services.alerts import recall_statements
from traceward.services.alerts.arrivals import CAME, arrivals
from traceward.services.alerts.recall_facts import acknowledged, lots_of, untraced_units
from traceward.services.alerts.recall_statements import Statement
from traceward.services.alerts.use_facts import with_papers
from traceward.services.counting import ghosts
from traceward.services.counting.write_offs import Loss, standing_losses
from traceward.services.identity.principals import Principal, shared_viewer
from traceward.services.ordering.par_facts import open_orders, stated_places
from traceward.services.queries.facts import stored_fact
from traceward.services.recalls.notices import MARKS, is_statement
from traceward.services.runtime import Runtime
from traceward.store import alert_rows
from traceward.store.compile import VisibleTo
from traceward.store.count_models import WriteOff
from traceward.store.read import Reader
from traceward.store.rows import Balance

_USES_DAYS: Final = 400
_MOST_USES: Final = 20_000
_MOST_COUNTS: Final = 500
_MOST_CONFLICTS: Final = 500
_MOST_TRAYS: Final = 1000
_MOST_EVENTS: Final = 5000
_MOST_ALARMS: Final = 200
_MOST_OF_LOT: Final = 500
_MOST_RECALLS: Final = 1000
_MOST_TRANSFORMED: Final = 10_000
_AT_ONCE: Final = 100
_CRITICAL: Final = tuple(kind for kind, row in CONFLICTS.items() if row.severity == "critical")


@dataclass(slots=True)
class Gatherer:
    """Gathers facts of several products of one pair with one reader; what they share is read once."""

    runtime: Runtime
    reader: Reader
    book: AgreementBook
    supplier: str
    hospital: str
    now_us: int
    _events: dict[bytes, LedgerEvent | None] = field(default_factory=dict)
    _uses: dict[str | None, list[Use]] | None = None
    _counts: list[LedgerEvent] | None = None
    _lost: list[Loss] | None = None
    _missed: dict[str, list[tuple[int, str, Decimal]]] = field(default_factory=dict)
    _alarms: list[Excursion] | None = None
    _alarm_ids: dict[bytes, str] = field(default_factory=dict)
    _wrong: dict[str | None, list[WrongUse]] | None = None
    _recall_events: list[LedgerEvent] | None = None
    _open_orders: dict[str, tuple[OpenOrder, ...]] | None = None
    _zones: PlaceZones | None = None

    def facts(self, gtin: str | None) -> Facts:
        """The facts of a product (14 digits), or of the pair as such."""
        stock = self._stock(gtin)
        histories = self._histories(stock)
        scope = alert_rows.scope_name(self.supplier, self.hospital, gtin or "")
        return Facts(
            self.supplier,
            self.hospital,
            gtin,
            self.now_us,
            self.book,
            stock=tuple(stock),
            arrivals=tuple(arrivals(stock, histories, self._is_here)),
            uses=tuple(self._uses_with_papers(gtin)) if gtin is not None else (),
            counts=tuple(self._counted()) if gtin is None else (),
            missing=tuple(self._missing_of(gtin)) if gtin is not None else (),
            recalls=tuple(self._recalls(gtin, stock)) if gtin is not None else (),
            wrong_uses=tuple(self._wrong_uses(gtin)) if gtin is not None else (),
            named=tuple(self._named(histories)) if gtin is not None else (),
            leftovers=tuple(self._leftovers()) if gtin is None else (),
            excursions=tuple(self._excursions()) if gtin is not None and stock else (),
            orders=self._orders(gtin) if gtin is not None else (),
            stated=self._stated(gtin, stock) if gtin is not None else frozenset(),
            signed=frozenset(alert_rows.acknowledged_bases(self.reader, scope)),
        )

    def par_facts(self, gtin: str) -> ParFacts:
        """What the levels of a product (14 digits) are reckoned by."""
        # Orders are read before stock: what arrives in between is counted twice for a moment, never ordered twice.
        orders = self._orders(gtin)
        stock = self._stock(gtin)
        return ParFacts(stock, orders, self._stated(gtin, stock), self.now_us)

    def event_ids(self, eids: Collection[bytes]) -> dict[bytes, str]:
        """The eventIDs of those of these contents that both parties see, and of the hospital's alarms."""
        both = {eid: event.event_id for eid, event in self._seen_by_both(eids).items()}
        return {eid: event_id for eid, event_id in self._alarm_ids.items() if eid in eids} | both

    def _orders(self, gtin: str) -> tuple[OpenOrder, ...]:
        if self._open_orders is None:
            self._open_orders = open_orders(self.runtime, self.reader, self.supplier, self.hospital)
        return self._open_orders.get(gtin, ())

    def _stated(self, gtin: str, stock: Sequence[Stock]) -> frozenset[str]:
        lines = [one.line_of(gtin) for one in self.book.of_pair(self.supplier, self.hospital, self.now_us)]
        places = {level.place for line in lines if line is not None for level in line.par}
        if not places:
            return frozenset()
        counts = place_counts(self._count_events())
        return stated_places(self.runtime, self.reader, self.book, places, gtin, stock, counts, self._found)

    # -------------------------------------------------------------------------------------------------- balances

    def _stock(self, gtin: str | None) -> list[Stock]:
        belongs = self.runtime.registry.parties.party_of_place
        rows = alert_rows.consigned(self.reader, self.supplier, self.hospital, gtin)
        coming = alert_rows.on_the_way(self.reader, self.supplier, gtin)
        keys = {(row.record_key, row.slot) for row in rows}
        rows += [
            row for row in coming if belongs(row.place) == self.hospital and (row.record_key, row.slot) not in keys
        ]
        notices = self._notices(rows)
        return sorted((self._stock_of(row, notices) for row in rows), key=lambda row: (row.subject, row.status))

    def _stock_of(self, row: Balance, notices: dict[str, tuple[Notice, ...]]) -> Stock:
        key = item_of(row.record_key)
        heard = (self.runtime.registry.parties.maker_of(key), row.owner or None, row.holder or None)
        listed = [one for name in classes_of(row.gtin, row.lot) for one in notices.get(name, ())]
        flags = with_notices((flag for flag in row.flags.split(",") if flag), row.status, listed, heard, row.serial)
        return Stock(
            key, row.gtin, row.lot, row.serial, row.expiry, row.place,
            item_of(row.container) if row.container is not None else None, row.status, Decimal(row.quantity), row.uom,
            frozenset(flags), row.last_time_us, bytes(row.last_eid), f"{row.uom or ''} {row.flags}".strip(),
            self._zone_of(row.place),
        )  # fmt: skip

    def _zone_of(self, place: str | None) -> tzinfo:
        if self._zones is None:
            self._zones = self.runtime.place_zones()
        return self._zones.of(place)

    def _notices(self, rows: Iterable[Balance]) -> dict[str, tuple[Notice, ...]]:
        keys = {class_record(name) for row in rows for name in classes_of(row.gtin, row.lot)}
        found: dict[str, tuple[Notice, ...]] = {}
        for key, row in alert_rows.records(self.reader, keys).items():
            record = record_of(row)
            if isinstance(record, ClassStock):
                found[item_of(key)] = tuple(record.notices)
        return found

    # ---------------------------------------------------------------------------------------------------- events

    def _seen_by_both(self, eids: Collection[bytes]) -> dict[bytes, LedgerEvent]:
        """The facts of those of these contents that both parties see, corrections undone."""
        self._load(eid for eid in eids if eid not in self._events)
        return {eid: event for eid in eids if (event := self._events.get(eid)) is not None}

    def _load(self, eids: Iterable[bytes]) -> None:
        wanted = list(eids)
        self._events.update(dict.fromkeys(wanted))
        if not wanted:
            return
        numbers = alert_rows.numbers_of(self.reader, wanted)
        stored = {one.seq: one for one in self.reader.documents(sorted(set(numbers.values())), witnesses=True)}
        seen = self._both_see({one.event_id for one in stored.values()})
        for eid, seq in numbers.items():
            if seq in seen and seq in stored and not stored[seq].private:
                self._events[eid] = stored_fact(stored[seq], self.runtime.registry)

    def _both_see(self, event_ids: Collection[str]) -> set[int]:
        """The numbers of the events of these ids that both parties see."""
        wanted, seen = sorted(event_ids), set[int]()
        for start in range(0, len(wanted), _AT_ONCE):
            clause = AnyTerm(tuple(("eventID", one) for one in wanted[start : start + _AT_ONCE]))
            seen |= self._found(Query(clauses=(clause,)), 10 * _AT_ONCE)
        return seen

    def _found(self, query: Query, limit: int) -> set[int]:
        """The numbers of the newest events that match and that both parties see."""
        found = [set(self.reader.find(query, viewers, limit=limit).seqs) for viewers in self._viewers()]
        return found[0] & found[1] if len(found) > 1 else set()

    def _viewers(self) -> list[VisibleTo]:
        known = [self.runtime.registry.find(party) for party in (self.supplier, self.hospital)]
        return [VisibleTo({shared_viewer(one.number)}) for one in known if one is not None]

    def _histories(self, stock: Iterable[Stock]) -> dict[str, list[LedgerEvent]]:
        """Of each item or class in stock, the newest events that name it and that both see, in order."""
        rows = list(stock)
        keys = {row.key for row in rows if row.gtin is None or row.serial is not None}
        named: dict[str, list[bytes]] = {}
        for key, row in alert_rows.records(self.reader, keys).items():
            record = record_of(row)
            if isinstance(record, Instance):
                named[key] = [eid for eid, _ in record.trail]
        for key in {row.key for row in rows} - keys:
            facts = (decode_event(one) for one in alert_rows.newest_naming(self.reader, key, _MOST_OF_LOT))
            named[key] = [one.eid for one in facts if self._brings(one)]
        events = self._seen_by_both({eid for eids in named.values() for eid in eids})
        return {
            key: sorted((events[eid] for eid in eids if eid in events), key=lambda one: (one.event_time_us, one.eid))
            for key, eids in named.items()
        }

    def _brings(self, event: LedgerEvent) -> bool:
        """Whether an event may bring goods to the hospital, or names an agreement."""
        place = event.biz_location or event.read_point
        return event.agreement is not None or (effect_of(event) in CAME and self._is_here(place))

    def _is_here(self, place: str | None) -> bool:
        return self.runtime.registry.parties.party_of_place(place) == self.hospital

    def _named(self, histories: dict[str, list[LedgerEvent]]) -> list[NamedAgreement]:
        """The agreements that the events of goods in stock name, where the hospital has a part in them."""
        events = {event.eid: event for history in histories.values() for event in history}
        found = [
            NamedAgreement(event.agreement, event.event_time_us, event.eid)
            for event in events.values()
            if event.agreement is not None and self.hospital in _parties_of(event)
        ]
        return sorted(found, key=lambda one: (one.time_us, one.eid))

    # ------------------------------------------------------------------------------------------------------ uses

    def _uses_of(self, gtin: str) -> list[Use]:
        if self._uses is None:
            self._uses = self._all_uses()
        return self._uses.get(gtin, [])

    def _uses_with_papers(self, gtin: str) -> list[Use]:
        return with_papers(self.runtime, self.reader, (self.supplier, self.hospital), self._uses_of(gtin))

    def _all_uses(self) -> dict[str | None, list[Use]]:
        since = self.now_us - _USES_DAYS * DAY_US
        rows = alert_rows.passings(self.reader, self.supplier, self.hospital, since, _MOST_USES)
        rows = [row for row in rows if row.use_type is not None]
        events = self._seen_by_both({bytes(row.eid) for row in rows})
        found: defaultdict[str | None, list[Use]] = defaultdict(list)
        for row in rows:
            event = events.get(bytes(row.eid))
            if event is not None:
                found[row.gtin].append(
                    Use(
                        row.key, row.event_time_us, event.record_time_us, event.eid, Decimal(row.quantity),
                        row.use_type, row.usage_report, place=_taken_from(event), agreement_id=event.agreement,
                    )
                )  # fmt: skip
        return found

    def _wrong_uses(self, gtin: str) -> list[WrongUse]:
        if self._wrong is None:
            found: defaultdict[str | None, list[WrongUse]] = defaultdict(list)
            rows = alert_rows.conflict_rows_of(self.reader, self.hospital, _CRITICAL, _MOST_CONFLICTS)
            for kind, keys, eids, parties, private, message, time_us in rows:
                key = orjson.loads(keys)[0]
                if private is None and {self.supplier, self.hospital} <= set(orjson.loads(parties)):
                    named = tuple(bytes.fromhex(eid) for eid in orjson.loads(eids))
                    found[class_parts(key)[0]].append(WrongUse(kind, key, int(time_us), named, message))
            self._wrong = found
        return self._wrong.get(gtin, [])

    # ---------------------------------------------------------------------------------------------------- counts

    def _count_events(self) -> list[LedgerEvent]:
        """The counts that stand and that both parties see, the newest of each pair."""
        if self._counts is None:
            query = Query(clauses=(AnyTerm(tuple(("bizStep", step) for step in COUNTING)),))
            seqs = self._found(query, _MOST_COUNTS)
            documents = self.reader.documents(sorted(seqs), witnesses=True)
            self._counts = standing(stored_fact(one, self.runtime.registry) for one in documents if not one.private)
        return self._counts

    def _counted(self) -> list[Counted]:
        versions = self.book.versions_of_pair(self.supplier, self.hospital)
        gtins = {line.gtin for one in versions for line in one.terms.lines}
        return [
            Counted(one.eid, one.time_us, one.place, frozenset(gtin for gtin in gtins if one.is_about_product(gtin)))
            for one in place_counts(self._count_events())
        ]

    def _missing_of(self, gtin: str) -> list[Missing]:
        """What the counts that the supplier sees miss of its goods at the hospital, as far as both see those counts."""
        if not self._count_events():
            return []
        known = self.runtime.registry.find(self.supplier)
        if known is None:
            return []
        viewer = Principal(self.supplier, known.name, known.number, "reader", "", "alerts")
        body = ghosts.ghosts(self.runtime, viewer, place=None, gtin=gtin, as_of=None, known_at=None)
        both = {one.event_id: one for one in self._count_events()}
        found = []
        lost = self._losses() if body["ghosts"] else []
        beside = {place: self._missed_at(viewer, place) for place in {one["place"] for one in body["ghosts"]}}
        for name, beyond in (("ghosts", False), ("found", True)):
            for one in body[name]:
                counts = [both[event_id] for event_id in one["countEventIDs"] if event_id in both]
                if one["holder"] == self.hospital and counts:
                    since = min(count.event_time_us for count in counts)
                    eids = tuple(count.eid for count in counts)
                    quantity, booked = Decimal(one["quantity"]), self._booked_at(one["place"])
                    missed = parse_time_us(one["firstMissed"]) if not beyond else since
                    same = tuple(row[1:] for row in beside.get(one["place"], ()) if row[0] == missed)
                    standing = tuple(
                        loss.line for loss in lost if (loss.place, loss.first_missed_us) == (one["place"], missed)
                    )
                    found.append(
                        Missing(one["item"], one["place"], quantity, since, eids, beyond, booked, same, standing)
                    )
        return found

    def _missed_at(self, viewer: Principal, place: str) -> list[tuple[int, str, Decimal]]:
        """(time of the count that first missed it, item, quantity) of all that is missing at a place."""
        if place not in self._missed:
            listed = ghosts.ghosts(self.runtime, viewer, place=place, gtin=None, as_of=None, known_at=None)["ghosts"]
            here = [one for one in listed if one["holder"] == self.hospital]
            self._missed[place] = [
                (parse_time_us(one["firstMissed"]), one["item"], Decimal(one["quantity"])) for one in here
            ]
        return self._missed[place]

    def _losses(self) -> list[Loss]:
        if self._lost is None:
            rows = self.reader.select(WriteOff, supplier=self.supplier, hospital=self.hospital)
            self._lost = list(standing_losses(self.book, rows, self.now_us))
        return self._lost

    def _booked_at(self, place: str) -> Decimal:
        rows = alert_rows.consigned_at(self.reader, self.supplier, self.hospital, place)
        return sum((Decimal(quantity) for quantity in rows), Decimal(0))

    # --------------------------------------------------------------------------------------------------- recalls

    def _recalls(self, gtin: str, stock: Collection[Stock]) -> list[Recall]:
        """Recalls in force by the supplier or the maker of what the hospital has or has used."""
        statements = self._statements_on(gtin)
        seen = self._seen_by_both({one.eid for one in statements})
        if not seen:
            return []
        uses = self._uses_of(gtin)
        used = lots_of(self.reader, {use.key for use in uses})
        recalled = {one.key: one.lot for one in stock if "recalled" in one.flags}
        untraced = untraced_units(self.reader, self.hospital, (use for use in uses if use.use_type == "implanted"))
        answered = acknowledged(self.reader, self.hospital, seen, self.runtime.registry.parties)
        made = dict(alert_rows.transformed(self.reader, self.hospital, gtin, _MOST_TRANSFORMED))
        found = []
        for one in statements:
            here, gone = one.among(recalled), one.among(used)
            if one.eid in seen and (here or gone or one.among(made)):
                missing = sum((untraced.get(key, Decimal(0)) for key in gone), Decimal(0))
                found.append(Recall(one.key, one.time_us, one.eid, missing, one.eid in answered, frozenset(here)))
        return found

    def _statements_on(self, gtin: str) -> list[Statement]:
        """What is recalled of a product now: by notices on it, its lots and ranges, and by those that name serials."""
        heard = {self.runtime.registry.parties.maker_of(f"{GS1}01/{gtin}"), self.supplier, self.hospital}
        found = []
        for row in alert_rows.records_of_product(self.reader, gtin, None, CLASS, 10_000):
            record = record_of(row)
            if isinstance(record, ClassStock) and record.notices:
                found += recall_statements.of_class(record, heard)
        return found + recall_statements.of_serials(self._serial_recalls(), gtin, heard)

    def _serial_recalls(self) -> list[LedgerEvent]:
        """The newest statements of recall that name serials and that both parties see."""
        if self._recall_events is None:
            seqs = self._found(Query(clauses=(MARKS,)), _MOST_RECALLS)
            documents = self.reader.documents(sorted(seqs), witnesses=True)
            events = standing(stored_fact(one, self.runtime.registry) for one in documents)
            self._recall_events = [one for one in events if is_statement(one) and one.instances]
        return self._recall_events

    # ----------------------------------------------------------------------------------------------------- trays

    def _leftovers(self) -> list[Leftover]:
        """What was unpacked from trays that have left the hospital since, was not used, and still lies there."""
        found: list[Leftover] = []
        trays = alert_rows.assets_of(self.reader, self.supplier, _MOST_TRAYS)
        histories = self._named_in(trays)
        for tray in trays:
            stay = self._stay(histories[tray])
            if stay is not None:
                found += self._left_behind(tray, stay)
        return found

    def _named_in(self, keys: Sequence[str]) -> dict[str, list[LedgerEvent]]:
        """The events that name each of these containers, and that both see, in order."""
        events = [decode_event(facts) for facts in alert_rows.facts_naming(self.reader, keys, _MOST_EVENTS)]
        both = self._seen_by_both([event.eid for event in events])
        found: dict[str, list[LedgerEvent]] = {key: [] for key in keys}
        for event in sorted(both.values(), key=lambda one: (one.event_time_us, one.eid)):
            for key in item_keys(event):
                if key in found:
                    found[key].append(event)
        return found

    def _stay(self, history: Sequence[LedgerEvent]) -> list[LedgerEvent] | None:
        """What happened to a tray from its last arrival at the hospital to its leaving, None while it is there."""
        belongs = self.runtime.registry.parties.party_of_place
        places = [belongs(event.biz_location or event.read_point) for event in history]
        came = max(
            (n for n, one in enumerate(history) if effect_of(one) == RECEIVE and places[n] == self.hospital),
            default=None,
        )
        if came is None:
            return None
        left = next((n for n in range(came + 1, len(history)) if effect_of(history[n]) == SHIP), None)
        return list(history[came : left + 1]) if left is not None else None

    def _left_behind(self, tray: str, stay: Sequence[LedgerEvent]) -> list[Leftover]:
        taken: defaultdict[str, Decimal] = defaultdict(Decimal)
        for event in stay:
            sign = {UNPACK: 1, PACK: -1}.get(effect_of(event), 0)
            if event.parent == tray and sign:
                for key in event.children:
                    taken[key] += sign
                for key, quantity, _ in event.child_quantities:
                    taken[key] += sign * (quantity or 0)
        since, last = stay[0].event_time_us, stay[-1]
        found = []
        for key, quantity in sorted(taken.items()):
            gtin = class_parts(key)[0]
            if quantity <= 0 or gtin is None:
                continue
            used = sum(
                (one.quantity for one in self._uses_of(gtin) if one.key == key and one.time_us >= since), Decimal(0)
            )
            here = sum((row.quantity for row in self._stock(gtin) if row.key == key and row.is_here), Decimal(0))
            missing = min(quantity - used, here)
            if missing > 0:
                found.append(Leftover(tray, key, missing, last.event_time_us, last.eid))
        return found

    # -------------------------------------------------------------------------------------------------- excursions

    def _excursions(self) -> list[Excursion]:
        """The newest alarms of sensors at the hospital's places; what the supplier does not see is not shared."""
        if self._alarms is None:
            query = Query(clauses=(AnyTerm((("bizStep", "sensor_reporting"),)),))
            hospital = self._viewers()[1:]
            seqs = set(self.reader.find(query, hospital[0], limit=_MOST_ALARMS).seqs) if hospital else set()
            both = self._found(query, _MOST_ALARMS)
            self._alarms = []
            for stored in self.reader.documents(sorted(seqs)):
                fact = stored_fact(stored, self.runtime.registry)
                place = fact.biz_location or fact.read_point
                if place is not None and not stored.private and b'"exception"' in (stored.rendered or stored.text):
                    self._alarm_ids[fact.eid] = fact.event_id
                    self._alarms.append(Excursion(place, fact.event_time_us, fact.eid, stored.seq in both))
        return self._alarms


def _taken_from(event: LedgerEvent) -> str | None:
    """The place that a use debits."""
    return event.location[0] if event.location is not None and event.location[0] else event.read_point


def _parties_of(event: LedgerEvent) -> set[str | None]:
    pairs = (event.owning, event.possessing)
    return {party for pair in pairs if pair is not None for party in pair} | set(event.captured_by)
