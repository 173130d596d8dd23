"""Where an item or a lot is, was, and to whom it went: answers read off a ledger that was folded from visible events.

It must not find events: whoever asks gives those that the asker may see, so that hidden ones cannot show through.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from traceward.ledger import corrections, steps
from traceward.ledger.facts import GS1, PRODUCT_END, LedgerEvent, class_parts, keys
from traceward.ledger.links import links_in_error
from traceward.ledger.notices import concerning
from traceward.ledger.state import (
    ClassStock,
    Instance,
    Ledger,
    Link,
    Notice,
    PatientLinks,
    Slot,
    item_of,
)

ONE = Decimal(1)
AT_PLACE = "place"
IN_CONTAINER = "container"
IN_TRANSIT = "in_transit"
IN_SINK = "sink"


@dataclass(frozen=True, slots=True)
class Units:
    """A quantity in one state. where: place | container | in_transit | sink. place: while in transit, where it goes.

    eids: the events that tell so. claimed: a party's unproven claim, outside the totals. uom: None = each.
    """

    key: str
    where: str
    status: str
    place: str | None
    container: str | None
    owner: str | None
    holder: str | None
    quantity: Decimal
    uom: str | None
    flags: tuple[str, ...]
    eids: tuple[bytes, ...]
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class PatientUnits:
    """Units tied to a patient, from the private events given. Times: microseconds since 1970 UTC.

    use_in_error: their use was declared in error and nothing stands in its place, so that the tie is in doubt.
    """

    patient: str
    key: str
    quantity: Decimal
    opened_us: int
    closed_us: int | None
    usage_report: str | None
    eids: tuple[bytes, ...]
    use_in_error: bool = False


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One event in an item's life, as the ledger took it.

    declared_in_error: no capture of it stands, or it is a declaration that has or may yet have an effect: not one by a
    party that could not declare it.
    """

    eid: bytes
    event_id: str
    event_time_us: int
    offset: str
    action: str | None
    biz_step: str | None
    disposition: str | None
    read_point: str | None
    biz_location: str | None
    captured_by: tuple[str, ...]
    declared_in_error: bool
    private: bool


@dataclass(frozen=True, slots=True)
class ItemTrace:
    """One item: its state, None where no event brought it to life; its owners (time, owner, eid) and its history."""

    key: str
    units: Units | None
    lot: str | None
    expiry: str | None
    owners: tuple[tuple[int, str | None, bytes], ...]
    contents: tuple[str, ...]
    patients: tuple[PatientUnits, ...]
    notices: tuple[Notice, ...]
    history: tuple[HistoryStep, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """The units of some serials and classes. opened, accounted: as in `LotTrace`, and equal for the same reason."""

    records: tuple[Instance | ClassStock, ...]
    units: tuple[Units, ...]
    claims: tuple[Units, ...]
    opened: dict[str, Decimal]
    accounted: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class LotTrace:
    """A lot: all its units by state, its serials, patients and notices.

    opened: what was created or first seen, by unit ("" = each). accounted: the sum of units, by unit. The two are
    equal, always.
    """

    gtin: str
    lot: str
    key: str
    expiry: str | None
    units: tuple[Units, ...]
    claims: tuple[Units, ...]
    opened: dict[str, Decimal]
    accounted: dict[str, Decimal]
    patients: tuple[PatientUnits, ...]
    serials: tuple[str, ...]
    notices: tuple[Notice, ...]
    history: tuple[HistoryStep, ...]


def trace_item(ledger: Ledger, events: Iterable[LedgerEvent], epc: str) -> ItemTrace:
    """The state and history of one serialised item or container. epc: canonical identifier."""
    record = ledger.instance(epc)
    told = list(events)
    if record is None or not record.status:
        history = _history(told, {epc}, set())
        return ItemTrace(epc, None, None, None, (), (), patients_of(ledger, {epc}), (), history)
    trail = {eid for eid, _ in record.trail}
    gtin = epc[:PRODUCT_END] if epc.startswith(GS1 + "01/") else None
    classes = {gtin, f"{gtin}/10/{record.lot}"} if gtin is not None else set[str | None]()
    return ItemTrace(
        epc,
        _units_of(record),
        record.lot,
        record.expiry,
        record.owners,
        tuple(sorted(item_of(name) for name in record.contents or ())),
        patients_of(ledger, {epc}),
        tuple(concerning(_notices(ledger, {name for name in classes if name is not None}), epc)),
        _history(told, {epc}, trail),
    )


def trace_lot(ledger: Ledger, events: Iterable[LedgerEvent], gtin: str, lot: str) -> LotTrace:
    """The whole of a lot: 14-digit GTIN and lot as in the label (percent-encoded as in the Digital Link)."""
    key = f"{GS1}01/{gtin}/10/{lot}"
    found = account(ledger, lambda one, of_lot, _: (one, of_lot) == (gtin, lot))
    serials = [record.key for record in found.records if isinstance(record, Instance)]
    stock = [record.expiry for record in found.records if isinstance(record, ClassStock)]
    expiries = [record.expiry for record in found.records if isinstance(record, Instance)]
    expiry = next((one for one in (*stock, *expiries) if one is not None), None)
    trail = {eid for record in found.records if isinstance(record, Instance) for eid, _ in record.trail}
    trail.update(eid for unit in found.units for eid in unit.eids)
    names = {key, *serials}
    return LotTrace(
        gtin, lot, key, expiry, found.units, found.claims, found.opened, found.accounted, patients_of(ledger, names),
        tuple(sorted(serials)), _about(_notices(ledger, {key, f"{GS1}01/{gtin}"}), names),
        _history(list(events), names, trail),
    )  # fmt: skip


def account(ledger: Ledger, covers: Callable[[str, str | None, str | None], bool]) -> Account:
    """The units of all that covers(gtin, lot, serial) says yes to. Lot and serial percent-encoded, None: has none.

    A lot's stock is asked for without serial; a class without lot (all of a GTIN that names no lot) without either.
    """
    units: list[Units] = []
    claims: list[Units] = []
    records: list[Instance | ClassStock] = []
    opened: dict[str, Decimal] = {}
    for record in ledger.records.values():
        if isinstance(record, PatientLinks):
            continue
        gtin, lot, serial = class_parts(record.key)
        if isinstance(record, Instance):
            if gtin is None or not record.status or not covers(gtin, record.lot, serial):
                continue
            found, amounts = [_units_of(record)], {"": ONE}
        else:
            if gtin is None or not covers(gtin, lot, None):
                continue
            found = [_units_of_slot(record.key, slot, record.claimant) for _, slot in sorted(record.slots.items())]
            amounts = record.opened
        (units if record.claimant is None else claims).extend(found)
        if record.claimant is None:
            records.append(record)
            for uom, quantity in amounts.items():
                opened[uom] = opened.get(uom, Decimal(0)) + quantity
    accounted: dict[str, Decimal] = {}
    for unit in units:
        accounted[unit.uom or ""] = accounted.get(unit.uom or "", Decimal(0)) + unit.quantity
    return Account(tuple(records), tuple(units), tuple(claims), opened, accounted)


def _units_of(record: Instance) -> Units:
    eids = (record.changed_eid,) if record.ended_eid is None else (record.ended_eid,)
    return Units(
        record.key, _where(record.status, record.container), record.status, record.place,
        item_of(record.container) if record.container is not None else None, record.owner, record.holder, ONE, None,
        record.flags, eids, record.claimant is not None,
    )  # fmt: skip


def _units_of_slot(key: str, slot: Slot, claimant: str | None) -> Units:
    container = item_of(slot.container) if slot.container is not None else None
    return Units(
        key, _where(slot.status, slot.container), slot.status, slot.place, container, slot.owner, slot.holder,
        slot.quantity, slot.uom, slot.flags, (slot.eid,), claimant is not None,
    )  # fmt: skip


def _where(status: str, container: str | None) -> str:
    if status in steps.SINKS:
        return IN_SINK
    if status == steps.IN_TRANSIT:
        return IN_TRANSIT
    return AT_PLACE if container is None else IN_CONTAINER


def patients_of(ledger: Ledger, names: set[str]) -> tuple[PatientUnits, ...]:
    """The patients that units of these items and classes are tied to, by time."""
    in_error = links_in_error(ledger)
    found = [
        (record.key, link, (record.key, record.party, link.opened_eid) in in_error)
        for record in ledger.records.values()
        if isinstance(record, PatientLinks) and record.key in names
        for link in record.links
    ]
    return tuple(
        _patient_units(key, link, use_in_error)
        for key, link, use_in_error in sorted(found, key=lambda pair: (pair[1].opened_us, pair[0], pair[1].opened_eid))
    )


def _patient_units(key: str, link: Link, use_in_error: bool) -> PatientUnits:
    eids = (link.opened_eid,) if link.closed_eid is None else (link.opened_eid, link.closed_eid)
    return PatientUnits(
        link.patient, key, link.quantity, link.opened_us, link.closed_us, link.usage_report, eids, use_in_error
    )  # fmt: skip


def _notices(ledger: Ledger, classes: set[str]) -> tuple[Notice, ...]:
    found = [notice for key in classes if (stock := ledger.stock(key)) is not None for notice in stock.notices]
    return tuple(sorted(found, key=lambda notice: (notice.time_us, notice.eid)))


def _about(notices: tuple[Notice, ...], names: set[str]) -> tuple[Notice, ...]:
    """Those of the notices that are about any of these items and lots."""
    wanted = {one.eid for name in names for one in concerning(notices, name)}
    return tuple(one for one in notices if one.eid in wanted)


def _history(events: list[LedgerEvent], names: set[str], trail: set[bytes]) -> tuple[HistoryStep, ...]:
    told = [event for event in events if event.eid in trail or names.intersection(keys(event))]
    corrected = corrections.resolve(told)
    struck = {eid for eid, captors in corrected.captors.items() if not captors}
    return tuple(
        HistoryStep(
            event.eid, event.event_id, event.event_time_us, event.offset, event.action, event.biz_step,
            event.disposition, event.read_point, event.biz_location, event.captured_by,
            (event.declares is not None and event.eid not in corrected.refused) or event.eid in struck, event.private,
        )
        for event in sorted(told, key=steps.order_of)
    )  # fmt: skip
