"""Catalogue and places from CSV, as master data of the caller's organisation.

What is declared already and says the same makes no new version; attributes for which the file has no column are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from traceward.epcis.errors import ForbiddenException
from traceward.epcis.master_data import Attribute, Element, attribute_name, read_vocabularies
from traceward.gs1.epc_uri import canonical_identifier
from traceward.services.identity.principals import Principal
from traceward.services.imports.csv_table import Column, Row, Table, damaged_by_spreadsheet, yes_or_no
from traceward.services.imports.imported import (
    EXTENSION,
    NO_ONE,
    PLACE,
    Plan,
    gtin_of,
    is_time_zone,
    party_of,
    place_of,
)
from traceward.services.queries import master_data
from traceward.services.runtime import Runtime
from traceward.store.master_data_tables import TIME_ZONE

CATALOGUE: Final = (
    Column("gtin", ("ean", "artikelnummer gtin", "di", "device identifier"), needed=True, example="09521141010235"),
    Column("name", ("product", "description", "bezeichnung", "artikel", "produkt"), needed=True, example="Valve 23 mm"),
    Column("maker", ("manufacturer", "supplier", "hersteller", "lieferant"), example="9521141000007"),
    Column("family", ("product family", "familie", "produktfamilie"), example="Heart valve"),
    Column("size", ("größe", "groesse", "configuration", "konfiguration"), example="23 mm"),
    Column("tracking", ("tracked by", "verfolgung"), example="serial"),
    Column("implantable", ("implant", "implantat", "implantierbar"), example="yes"),
)
PLACES: Final = (
    PLACE,
    EXTENSION,
    Column("name", ("description", "bezeichnung"), needed=True, example="Theatre 3, cabinet 2"),
    Column("parent", ("within", "belongs to", "übergeordnet", "gehört zu"), example="4012345000016"),
    Column("timezone", ("time zone", "time_zone", "zeitzone"), example="Europe/Berlin"),
)

_CLASSES: Final = "urn:epcglobal:epcis:vtype:EPCClass"
_LOCATIONS: Final = "urn:epcglobal:epcis:vtype:BusinessLocation"
_NAME: Final = "urn:epcglobal:cbv:mda#name"
_MCX: Final = "https://ns.traceward.org/consignment/"
_TRACKING: Final = {"": "", "lot": "lot", "serial": "serial", "charge": "lot", "los": "lot", "seriennummer": "serial"}


@dataclass(slots=True)
class _Wanted:
    """What the file says of one element. said: attribute name -> value, empty for none; children: canonical ids."""

    row: Row
    said: dict[str, str] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)


def plan_catalogue(runtime: Runtime, caller: Principal, table: Table, _options: Mapping[str, str]) -> Plan:
    """Products as elements of the vocabulary EPCClass."""
    plan = Plan()
    wanted: dict[str, _Wanted] = {}
    for row in table.rows:
        gtin = gtin_of(plan, row)
        said = _named(plan, row, "what people call the product")
        if row.cells.get("maker"):
            said[_MCX + "maker"] = party_of(plan, row, "maker") or ""
        said |= {_MCX + column: row.cells[column] for column in ("family", "size") if column in row.cells}
        if "tracking" in row.cells:
            tracking = _TRACKING.get(row.cells["tracking"].lower())
            if tracking is None:
                plan.wrong(row, "tracking", "is neither lot nor serial")
            said[_MCX + "tracking"] = tracking or ""
        if row.cells.get("implantable"):
            implantable = yes_or_no(row.cells["implantable"])
            if implantable is None:
                plan.wrong(row, "implantable", "is neither yes nor no")
            said[_MCX + "implantable"] = "true" if implantable else "false"
        if gtin is None:
            continue
        identifier = f"https://id.gs1.org/01/{gtin}"
        if identifier in wanted:
            plan.wrong(row, "gtin", f"stands in line {wanted[identifier].row.line} already")
        wanted.setdefault(identifier, _Wanted(row, said))
    known = master_data.own_elements(runtime, caller, _CLASSES)
    return _planned(runtime, caller, plan, _CLASSES, wanted, known)


def plan_places(runtime: Runtime, caller: Principal, table: Table, _options: Mapping[str, str]) -> Plan:
    """Places as elements of the vocabulary BusinessLocation; a parent keeps the children that it has already."""
    plan = Plan()
    wanted: dict[str, _Wanted] = {}
    parents: dict[str, str] = {}
    for row in table.rows:
        place = place_of(plan, row)
        said = _named(plan, row, "what people call the place")
        if "timezone" in row.cells:
            said[TIME_ZONE] = row.cells["timezone"]
            if row.cells["timezone"] and not is_time_zone(row.cells["timezone"]):
                plan.wrong(row, "timezone", "is no time zone; expected a name such as Europe/Berlin")
        parent = place_of(plan, row, "parent") if row.cells.get("parent") else None
        if place is None:
            continue
        if runtime.registry.parties.party_of_place(place) != caller.organisation:
            plan.doubt(row, "place", "carries no GLN of your organisation; it is your name for somebody else's place")
        if place in wanted:
            plan.wrong(row, "place", f"stands in line {wanted[place].row.line} already")
        wanted.setdefault(place, _Wanted(row, said))
        if parent is not None:
            parents[place] = parent
    known = master_data.own_elements(runtime, caller, _LOCATIONS)
    _set_children(wanted, parents, known)
    _refuse_circles(plan, wanted, known)
    return _planned(runtime, caller, plan, _LOCATIONS, wanted, known)


def _named(plan: Plan, row: Row, expected: str) -> dict[str, str]:
    name = row.cells.get("name", "")
    damage = damaged_by_spreadsheet(name)
    if not name:
        plan.wrong(row, "name", f"is empty; expected {expected}")
    elif damage is not None:
        plan.wrong(row, "name", damage)
    return {_NAME: name}


def _set_children(wanted: dict[str, _Wanted], parents: Mapping[str, str], known: Mapping[str, Element]) -> None:
    """Note who has which child, and that a place that moved is no child of where it was."""
    before: dict[str, list[str]] = {}
    for identifier, element in known.items():
        for child in element.child_ids:
            before.setdefault(child, []).append(identifier)
    for place, parent in parents.items():
        row = wanted[place].row
        wanted.setdefault(parent, _Wanted(row)).children.append(place)
        for old in before.get(place, ()):
            if old != parent:
                wanted.setdefault(old, _Wanted(row)).gone.add(place)


def _refuse_circles(plan: Plan, wanted: Mapping[str, _Wanted], known: Mapping[str, Element]) -> None:
    """Refuse a place that lies within itself, by the file and what is declared already."""
    below = {one: set(element.child_ids) for one, element in known.items()}
    for identifier, one in wanted.items():
        below[identifier] = (below.get(identifier, set()) - one.gone) | set(one.children)
    done: set[str] = set()
    for start, one in wanted.items():
        reached: set[str] = set()
        ahead = list(below.get(start, ()))
        while ahead and start not in done:
            place = ahead.pop()
            if place == start:
                plan.wrong(one.row, "parent", f"puts the place {start} within itself")
                done |= reached | {start}
                break
            if place not in reached:
                reached.add(place)
                ahead.extend(below.get(place, ()))


def _planned(
    runtime: Runtime,
    caller: Principal,
    plan: Plan,
    vtype: str,
    wanted: Mapping[str, _Wanted],
    known: Mapping[str, Element],
) -> Plan:
    entries = [_entry(identifier, one, known.get(identifier)) for identifier, one in wanted.items()]
    vocabularies = [{"type": vtype, "elements": entries}]
    problem = master_data.vocabulary_problem(caller, vocabularies)
    if isinstance(problem, ForbiddenException):
        raise problem
    for entry, one in zip(entries, wanted.values(), strict=True):
        elements, findings = read_vocabularies([{"type": vtype, "elements": [entry]}])
        for finding in findings:
            plan.wrong(one.row, None, finding.message)
        before = known.get(canonical_identifier(entry["id"]))
        if before is None:
            plan.new += 1
        elif elements and elements[0].digest == before.digest:
            plan.unchanged += 1
        else:
            plan.changed += 1
    if not entries and not plan.findings:
        plan.wrong(NO_ONE, None, "holds nothing to import")

    def apply() -> dict[str, Any]:
        taken = master_data.declare(runtime, caller, vocabularies)
        return {"stored": taken.stored, "unchanged": taken.unchanged}

    plan.apply = apply
    return plan


def _entry(identifier: str, wanted: _Wanted, known: Element | None) -> dict[str, Any]:
    """The element as master_data.declare takes it: what is known, but for what the file says of it."""
    said = {attribute_name(name): (name, value) for name, value in wanted.said.items()}
    kept: Sequence[Attribute] = known.attributes if known is not None else ()
    attributes = [{"id": one.name, "value": one.value} for one in kept if one.key not in said]
    attributes += [{"id": name, "value": value} for name, value in said.values() if value]
    before = [one for one in (known.child_ids if known is not None else ()) if one not in wanted.gone]
    children = list(dict.fromkeys([*before, *wanted.children]))
    return {"id": identifier, "attributes": attributes, "children": children}
