"""Consignment actions to EPCIS events: what was scanned, where, by whom, and which step, as one JSON event.

Must not decide what an action means for stock or ownership: the caller states the parties, the ledger folds the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from traceward.epcis.errors import Finding, ValidationException
from traceward.epcis.extension import CONSIGNMENT_NAMESPACE, STANDARD_CONTEXT
from traceward.gs1.epc_uri import canonical_identifier

ActionKind = Literal["commission", "ship", "receive", "put_away", "transfer", "count", "use", "return"]
UseType = Literal["implanted", "consumed", "wasted"]
CountScope = Literal["complete", "partial"]
Pair = tuple[str, str]

USAGE_REPORT_TYPE = CONSIGNMENT_NAMESPACE + "btt/usage_report"
COUNT_TYPE = CONSIGNMENT_NAMESPACE + "btt/count"
CONTEXT: Sequence[Any] = (STANDARD_CONTEXT, {"mcx": CONSIGNMENT_NAMESPACE})

_CLAUSE = "consignment actions"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of an action: an instance (epc), or a class with a quantity (epc_class, quantity, uom).

    lot and expiration_date (YYYY-MM-DD) are what its label says beside the identifier.
    """

    epc: str | None = None
    epc_class: str | None = None
    quantity: int | Decimal | None = None
    uom: str | None = None
    lot: str | None = None
    expiration_date: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """How one kind of action is written (rows of the consignment flow table).

    stays: the objects are at `place` afterwards; owning, possessing: the pair must be stated; moves: a location pair
    is written where the source is known.
    """

    action: Literal["ADD", "OBSERVE", "DELETE"]
    biz_step: str
    disposition: str
    stays: bool = False
    owning: bool = False
    possessing: bool = False
    moves: bool = False


_STEPS: Mapping[str, _Step] = {
    "commission": _Step("ADD", "commissioning", "active", stays=True),  # F1
    "commission class": _Step("ADD", "creating_class_instance", "active", stays=True),  # F1b
    "ship": _Step("OBSERVE", "shipping", "in_transit", owning=True, possessing=True, moves=True),  # F3
    "receive": _Step("OBSERVE", "receiving", "in_progress", stays=True, owning=True, possessing=True, moves=True),  # F4
    "put_away": _Step("OBSERVE", "stocking", "sellable_accessible", stays=True, moves=True),  # F5
    "transfer": _Step("OBSERVE", "storing", "sellable_accessible", stays=True, moves=True),  # F6
    "count": _Step("OBSERVE", "cycle_counting", "sellable_accessible", stays=True),  # F7
    "use implanted": _Step("OBSERVE", "dispensing", "dispensed", owning=True, moves=True),  # F9
    "use consumed": _Step("DELETE", "dispensing", "dispensed", owning=True, moves=True),  # F12
    "use wasted": _Step("DELETE", "destroying", "destroyed", owning=True, moves=True),  # F13
    "return": _Step("OBSERVE", "shipping", "returned", owning=True, possessing=True, moves=True),  # F17
}
# Where goods leave, the place of the action is what they leave; elsewhere it is where they arrive.
_LEAVING = frozenset({"ship", "return"})


def build_event(
    kind: ActionKind,
    items: Iterable[Item],
    place: str,
    *,
    event_time: str,
    offset: str,
    event_id: str | None = None,
    source_place: str | None = None,
    destination_place: str | None = None,
    owning: Pair | None = None,
    possessing: Pair | None = None,
    use_type: UseType | None = None,
    agreement: str | None = None,
    usage_report: str | None = None,
    reason: str | None = None,
    count_id: str | None = None,
    count_scope: CountScope | None = None,
    count_gtins: Sequence[str] = (),
    biz_transactions: Iterable[tuple[str, str]] = (),
    device_mode: str | None = None,
    new_uuid: Callable[[], UUID] = uuid4,
) -> dict[str, Any]:
    """The ObjectEvent of one action, with its own @context, ready to be written as JSON.

    place, source_place, destination_place: SGLN identifiers; owning, possessing: (from, to) party identifiers;
    event_time, offset: text as they go into the event; count_gtins: the classes that a complete count covers;
    biz_transactions: (type, id). An item scanned twice counts once, quantities of one class are summed.
    event_id: the caller's, else a urn:uuid from new_uuid.
    Raises ValidationException with every finding when the action lacks what its kind needs.
    """
    instances, quantities = _instances(items := tuple(items)), _quantities(items)
    findings = list(_item_findings(kind, items, instances, quantities, count_scope))
    step = _STEPS.get(_row(kind, instances, use_type))
    if step is None:
        known = "commission, ship, receive, put_away, transfer, count, return, or use with its use type"
        detail = f"{kind!r:.40} with use type {use_type!r:.40} is no action; expected {known}"
        raise ValidationException(detail, [Finding("action", "unknown_action", detail, _CLAUSE)])
    findings.extend(_party_findings(kind, step, owning, possessing))
    if findings:
        raise ValidationException(findings[0].message, findings)

    event: dict[str, Any] = {
        "@context": list(CONTEXT),
        "type": "ObjectEvent",
        "eventID": event_id if event_id is not None else f"urn:uuid:{new_uuid()}",
        "eventTime": event_time,
        "eventTimeZoneOffset": offset,
        "action": step.action,
        "bizStep": step.biz_step,
        "disposition": step.disposition,
    }
    if instances or not quantities:
        event["epcList"] = list(instances)
    if quantities:
        event["quantityList"] = quantities
    event["readPoint"] = {"id": canonical_identifier(place)}
    if step.stays:
        event["bizLocation"] = {"id": canonical_identifier(place)}
    transactions = [{"type": name, "bizTransaction": value} for name, value in biz_transactions]
    transactions += [{"type": USAGE_REPORT_TYPE, "bizTransaction": usage_report}] if usage_report else []
    transactions += [{"type": COUNT_TYPE, "bizTransaction": count_id}] if count_id else []
    leaving = kind in _LEAVING
    location = (source_place or place, destination_place) if leaving else (source_place, destination_place or place)
    sources, destinations = _ends(owning, possessing, location if step.moves else (None, None))
    extensions = {
        "mcx:useType": use_type,
        "mcx:agreement": agreement,
        "mcx:usageReport": usage_report,
        "mcx:reason": reason,
        "mcx:count": count_id,
        "mcx:countScope": count_scope,
        "mcx:countGTINs": list(count_gtins),
        "mcx:deviceMode": device_mode,
    }
    labels = _ilmd(items, instances) if kind == "commission" else _scanned(items)
    optional = {
        "bizTransactionList": transactions,
        "sourceList": sources,
        "destinationList": destinations,
        **labels,
        **extensions,
    }
    return event | {name: value for name, value in optional.items() if value}


def _row(kind: str, instances: Mapping[str, Item], use_type: str | None) -> str:
    if kind == "use":
        return f"use {use_type}"
    return "commission class" if kind == "commission" and not instances else kind


def _instances(items: Iterable[Item]) -> dict[str, Item]:
    """Instance identifiers in their order, each once."""
    return {canonical_identifier(item.epc): item for item in items if item.epc is not None}


def _quantities(items: Iterable[Item]) -> list[dict[str, Any]]:
    """One quantity element for each class and unit, summed; a class without quantity says all of it."""
    totals: dict[tuple[str, str | None], int | Decimal | None] = {}
    for item in items:
        if item.epc is None and item.epc_class is not None:
            key = (canonical_identifier(item.epc_class), item.uom)
            before = totals.get(key, 0)
            totals[key] = None if before is None or item.quantity is None else before + item.quantity
    fields = (
        {"epcClass": epc_class, "quantity": quantity, "uom": uom} for (epc_class, uom), quantity in totals.items()
    )
    return [{name: value for name, value in element.items() if value is not None} for element in fields]


def _item_findings(
    kind: str,
    items: Sequence[Item],
    instances: Mapping[str, Item],
    quantities: Sequence[Mapping[str, Any]],
    count_scope: CountScope | None,
) -> Iterable[Finding]:
    for index, item in enumerate(items):
        if (item.epc is None) == (item.epc_class is None):
            message = f"items[{index}] has {'both' if item.epc else 'neither'} epc and epcClass; expected one of both"
            yield Finding(f"items[{index}]", "item", message, _CLAUSE)
        elif item.epc_class is not None and item.quantity is not None and item.quantity < 0:
            message = f"items[{index}].quantity is {item.quantity}; expected 0 or more"
            yield Finding(f"items[{index}].quantity", "quantity_range", message, _CLAUSE)
    if not items and not (kind == "count" and count_scope == "complete"):
        message = "items is empty; expected at least one, unless a complete count found nothing"
        yield Finding("items", "empty", message, _CLAUSE)
    if kind == "commission":
        if instances and quantities:
            message = "items has instances and classes; expected one commissioning of either"
            yield Finding("items", "mixed_commissioning", message, _CLAUSE)
        labels = {(item.lot if instances else None, item.expiration_date) for item in items}
        if len(labels) > 1:
            message = "items differ in lot or expiration date; expected one commissioning for each"
            yield Finding("items", "mixed_commissioning", message, _CLAUSE)


def _party_findings(kind: str, step: _Step, owning: Pair | None, possessing: Pair | None) -> Iterable[Finding]:
    for name, needed, pair in (
        ("owning", step.owning, owning),
        ("possessing", step.possessing, possessing),
    ):
        if needed and pair is None:
            yield Finding(name, "missing", f"{kind} does not say who is {name} before and after", _CLAUSE)


def _ends(
    owning: Pair | None, possessing: Pair | None, location: tuple[str | None, str | None]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The two lists of transfer ends; locations as far as known, but no destination without a source.

    Goods of a class leave a place that the event must name, even where nobody knows yet where they will arrive.
    """
    pairs = [("possessing_party", possessing), ("owning_party", owning)]
    if location[0] is not None and location[1] is not None:
        pairs.append(("location", (location[0], location[1])))
    stated = [(name, canonical_identifier(pair[0]), canonical_identifier(pair[1])) for name, pair in pairs if pair]
    sources = [{"type": name, "source": source} for name, source, _ in stated]
    if location[0] is not None and location[1] is None:
        sources.append({"type": "location", "source": canonical_identifier(location[0])})
    return sources, [{"type": name, "destination": destination} for name, _, destination in stated]


def _ilmd(items: Sequence[Item], instances: Mapping[str, Item]) -> dict[str, Any]:
    """Lot and expiry as instance or lot master data; a class identifier names its lot already."""
    first = items[0]
    fields = {
        "cbvmda:lotNumber": first.lot if instances else None,
        "cbvmda:itemExpirationDate": first.expiration_date,
    }
    return {"ilmd": {name: value for name, value in fields.items() if value is not None}}


def _scanned(items: Iterable[Item]) -> dict[str, Any]:
    """What the labels say beside the identifiers: an observation, since ilmd belongs to commissioning alone."""
    lots: dict[str, str] = {}
    expiries: dict[str, str] = {}
    for item in items:
        identifier = canonical_identifier(item.epc or item.epc_class or "")
        if item.lot is not None and item.epc is not None:
            lots[identifier] = item.lot
        if item.expiration_date is not None:
            expiries[identifier] = item.expiration_date
    return {
        name: [{"epc": epc, "value": value} for epc, value in found.items()]
        for name, found in (("mcx:scannedLot", lots), ("mcx:scannedExpiry", expiries))
    }
