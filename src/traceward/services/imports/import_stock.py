"""Opening stock from CSV: what lay on the shelves before any event told of it, as `stocking` events of that day.

The same file twice, or from both parties, changes nothing. It must not move what the ledger knows: an opening balance
brings a place up to what was found there, and no further.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from traceward.epcis.builder import CONTEXT
from traceward.epcis.errors import Finding, TracewardError, ValidationException
from traceward.epcis.times import format_time_us, parse_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.percent import encode_link_segment
from traceward.gs1.value_rules import VALUE_RULES, first_fault
from traceward.ledger.facts import class_parts
from traceward.services.counting.opening import Found, nothing_events, opening_events
from traceward.services.identity.principals import Principal
from traceward.services.imports.csv_table import Column, Row, Table, damaged_by_spreadsheet, number
from traceward.services.imports.imported import (
    CLAUSE,
    EXTENSION,
    NO_ONE,
    PLACE,
    Plan,
    expiry_of,
    gtin_of,
    party_of,
    place_of,
)
from traceward.services.intake import capture, dry_run
from traceward.services.intake.documents import BodyFormat
from traceward.services.runtime import Runtime

STOCK: Final = (
    Column("gtin", ("ean", "di", "device identifier"), needed=True, example="09521141045305"),
    Column("lot", ("batch", "lot number", "charge", "los", "chargennummer"), example="LOT77A"),
    Column("serial", ("serial number", "seriennummer", "sn"), example=""),
    Column("expiry", ("expiry date", "expires", "verfall", "verfallsdatum", "mhd"), example="2028-01-31"),
    Column("quantity", ("qty", "count", "menge", "anzahl", "bestand"), example="12"),
    PLACE,
    EXTENSION,
    Column("owner", ("owned by", "supplier", "eigentümer", "lieferant"), example="9521141000007"),
)


@dataclass(frozen=True, slots=True)
class _Item:
    """What one row names: an item, or a class with a quantity in eaches."""

    identifier: str
    is_class: bool
    quantity: int


def plan_stock(runtime: Runtime, caller: Principal, table: Table, options: Mapping[str, str]) -> Plan:
    """The events of an opening count; option countedAt: when it was taken, a date-time with its zone."""
    counted_us, offset = _counted_at(runtime, options)
    plan = Plan()
    found: list[Found] = []
    none: dict[tuple[str, str], set[str]] = {}
    stated: dict[tuple[str, str], bool] = {}
    seen: dict[tuple[str, str], int] = {}
    warned: set[str] = set()
    for row in table.rows:
        item, place = _item(plan, row), place_of(plan, row)
        expiry, owner = expiry_of(plan, row), party_of(plan, row, "owner") if row.cells.get("owner") else None
        if item is None or place is None:
            continue
        if not caller.acts_at(place):
            plan.wrong(row, "place", "is not the place that this key is bound to")
        _once(plan, row, item, place, seen)
        maker = runtime.registry.parties.maker_of(item.identifier)
        _doubts(runtime, caller, plan, row, place, owner, maker, warned)
        whose, lot = owner or maker or caller.organisation, row.cells.get("lot") or None
        gtin = class_parts(item.identifier)[0] or ""
        if item.quantity == 0:
            none.setdefault((whose, place), set()).add(gtin)
        if stated.setdefault((place, gtin), item.quantity > 0) != (item.quantity > 0):
            plan.wrong(row, "quantity", "contradicts another line: some of the product, and none of it, at one place")
        if item.quantity == 0:
            continue
        amount = Decimal(item.quantity)
        found.append(Found(whose, place, item.identifier, item.is_class, amount, lot=lot, expiry=expiry))
    events = [*opening_events(found, counted_us, offset), *nothing_events(none, counted_us, offset)]
    return _planned(runtime, caller, plan, events, counted_us)


def _counted_at(runtime: Runtime, options: Mapping[str, str]) -> tuple[int, str]:
    """When the count was taken, in microseconds, and its offset from UTC."""
    text = options.get("countedAt", "")
    try:
        counted_us = parse_time_us(text)
    except ValidationException:
        message = f"countedAt is {text[:40]!r}; expected when the stock was counted, such as 2026-06-30T18:00:00+02:00"
        raise ValidationException(message, [Finding("countedAt", "time", message, CLAUSE)]) from None
    if counted_us > runtime.now_us():
        message = f"countedAt is {text[:40]!r}, which is to come; expected when the stock was counted"
        raise ValidationException(message, [Finding("countedAt", "future", message, CLAUSE)])
    return counted_us, "+00:00" if text[-1] in "zZ" else text[-6:]


def _item(plan: Plan, row: Row) -> _Item | None:
    """The item or class that a row names, None with its findings where it names none."""
    before = len(plan.findings)
    gtin = gtin_of(plan, row)
    for column, rule in (("lot", VALUE_RULES["10"]), ("serial", VALUE_RULES["21"])):
        text = row.cells.get(column, "")
        damage = damaged_by_spreadsheet(text)
        if damage is not None:
            plan.wrong(row, column, damage)
        elif text and first_fault(rule, text) is not None:
            plan.wrong(row, column, f"is none that a label can carry; expected 1 to {rule.longest} signs of GS1's set")
    lot, serial = row.cells.get("lot", ""), row.cells.get("serial", "")
    quantity = _quantity(plan, row, serial)
    if gtin is None or quantity is None or len(plan.findings) > before:
        return None
    qualifier = f"/21/{encode_link_segment(serial)}" if serial else f"/10/{encode_link_segment(lot)}" if lot else ""
    identifier = canonical_identifier(f"https://id.gs1.org/01/{gtin}{qualifier}")
    if quantity == 0 and lot:
        plan.wrong(row, "quantity", "is 0 of a lot; expected a number of pieces, or 0 of the whole product without lot")
        return None
    if not serial and not lot and quantity:
        plan.doubt(row, "lot", "is empty, as is serial; a recall of a lot will not find these")
    return _Item(identifier, not serial, quantity)


def _quantity(plan: Plan, row: Row, serial: str) -> int | None:
    text = row.cells.get("quantity", "")
    if serial:
        if text not in {"", "1"}:
            plan.wrong(row, "quantity", "is not 1, the quantity of an item with a serial number")
            return None
        return 1
    found = number(text)
    if found is None or found < 0 or found != found.to_integral_value() or found > Decimal(1_000_000_000):
        plan.wrong(row, "quantity", "is no number of pieces; expected such as 12, or 0 where none was found")
        return None
    return int(found)


def _once(plan: Plan, row: Row, item: _Item, place: str, seen: dict[tuple[str, str], int]) -> None:
    key = (item.identifier, place if item.is_class else "")
    first = seen.setdefault(key, row.line)
    if first == row.line:
        return
    if not item.is_class:
        plan.wrong(row, "serial", f"stands in line {first} already; an item is at one place")
    else:
        plan.doubt(row, "quantity", f"is added to that of line {first}: the same lot at the same place")


def _doubts(
    runtime: Runtime,
    caller: Principal,
    plan: Plan,
    row: Row,
    place: str,
    owner: str | None,
    maker: str | None,
    warned: set[str],
) -> None:
    """What the caller should know of a row; of each cause once."""
    parties = runtime.registry.parties
    here = parties.party_of_place(place)
    if here != caller.organisation and f"place {place}" not in warned:
        warned.add(f"place {place}")
        plan.doubt(row, "place", "is no place of your organisation")
    if maker is None or maker == caller.organisation:
        if owner is not None and runtime.registry.find(owner) is None and owner not in warned:
            warned.add(owner)
            plan.doubt(row, "owner", "is no organisation that this server knows; nobody else will see its stock")
        return
    if (maker, caller.organisation) not in parties.agreed and maker not in warned:
        warned.add(maker)
        message = f"no consignment agreement with {parties.name_of(maker)} is signed; its goods stay a claim until then"
        plan.doubt(row, "gtin", message)
    if owner not in (None, maker) and f"{maker} {owner}" not in warned:
        warned.add(f"{maker} {owner}")
        message = f"is not the maker, {parties.name_of(maker)}; the ledger follows once the maker imports the same rows"
        plan.doubt(row, "owner", message)


def _planned(runtime: Runtime, caller: Principal, plan: Plan, events: list[dict[str, Any]], counted_us: int) -> Plan:
    plan.details = {"events": len(events)}
    if not events:
        if not plan.findings:
            plan.wrong(NO_ONE, None, "holds nothing to import")
        return plan
    document = {
        "@context": list(CONTEXT),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": format_time_us(counted_us),
        "epcisBody": {"eventList": [{name: one[name] for name in one if name != "@context"} for one in events]},
    }
    body = orjson.dumps(document)
    try:
        foreseen = dry_run.foresee_body(runtime, caller, body, "proceed", BodyFormat())
    except TracewardError as error:
        plan.wrong(NO_ONE, None, error.detail)
        return plan
    for problem in foreseen["errors"]:
        plan.wrong(NO_ONE, None, problem["detail"])
    plan.new, plan.unchanged = foreseen["wouldStore"], foreseen["duplicates"]

    def apply() -> dict[str, Any]:
        job = capture.capture_document(runtime, caller, body, "rollback")
        return {"captureID": job.capture_id, "events": len(events), "eventIDs": [one["eventID"] for one in events]}

    plan.apply = apply
    return plan
