"""FHIR searches and reads: which resources answer, within what the caller may see. Read-only.

Every list is made of rows that the caller may see before it is counted or cut, so that totals and pages tell nothing
of the rest. It must not speak HTTP.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from traceward.epcis.errors import NoSuchResource, QueryParameterException, QueryTooComplexException
from traceward.epcis.predicates import AnyTerm, Query
from traceward.epcis.times import format_time_us
from traceward.gs1.check_digits import has_valid_check_digit
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.gs1.patient import contains_patient_identifier
from traceward.ledger.facts import GS1, PATIENT, LedgerEvent
from traceward.services.fhir import devices, resources
from traceward.services.fhir.dates import time_range
from traceward.services.fhir.ids import (
    EventLine,
    FhirIds,
    Item,
    event_id,
    is_item,
    place_id,
    read_event_id,
    read_place_id,
)
from traceward.services.fhir.resources import Resource
from traceward.services.identity import audit, audit_log
from traceward.services.identity.principals import Principal, Right
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.master_data import names_of
from traceward.services.queries.visible_events import facts_of, moment, visible_event_ids
from traceward.services.runtime import Runtime
from traceward.services.tracing import stock
from traceward.services.tracing.implants import Implant, LinkLine, implant_of_line, implants_of
from traceward.store.compile import VisibleTo

Parameters = Mapping[str, Sequence[str]]
_Value = TypeVar("_Value")

_STATUSES: Final = {one: one for one in (devices.ACTIVE, devices.INACTIVE, devices.IN_ERROR, "unknown")}
_DELIVERIES: Final = {"completed": True, "in-progress": False, "abandoned": False, "entered-in-error": False}
_LINES: Final = 1000


_GSRN_DIGITS: Final = 18
_GLN_DIGITS: Final = 13
_GLN: Final = f"{GS1}414/"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource: what it may be searched by, and who may read it at all."""

    parameters: tuple[str, ...]
    right: Right


KINDS: Final[dict[str, Kind]] = {
    "Device": Kind(("_id", "identifier", "patient", "udi-di", "udi-carrier", "location", "status", "type"), Right.READ),
    "DeviceUseStatement": Kind(("_id", "patient", "device"), Right.KNOW_PATIENTS),
    "Patient": Kind(("_id", "identifier"), Right.KNOW_PATIENTS),
    "SupplyDelivery": Kind(("_id", "identifier", "date", "location", "status"), Right.READ),
    "List": Kind(("_id", "identifier", "location"), Right.READ),
    "Provenance": Kind(("_id", "target"), Right.READ),
    "AuditEvent": Kind(("_id", "date", "agent-name"), Right.READ_AUDIT),
}


@dataclass(frozen=True, slots=True)
class Found:
    """The ids that match, in any order, and how to make the resource of one of them.

    links: ids of those that tell of a patient -> eventIDs of the private events that say so.
    """

    ids: list[str]
    read: Callable[[str], Resource]
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def told(self, runtime: Runtime, caller: Principal, kind: str, asked: Parameters, ids: Sequence[str]) -> None:
        """Have it on record that the caller is about to be told what these ids say of patients."""
        names = [name for one in ids for name in self.links.get(one, ())]
        text = repr(sorted((name, list(values)) for name, values in asked.items())).encode()
        audit.private_read(runtime, caller, f"fhir {kind}", asked=text, event_ids=list(dict.fromkeys(names)))


def search(runtime: Runtime, caller: Principal, kind: str, parameters: Parameters) -> Found:
    """What matches, as ids; `read` makes each. Values of one parameter are alternatives, parameters narrow.

    Raises QueryParameterException for a parameter that has no use here, ForbiddenException for a kind that the role
    may not read, QueryTooComplexException where too much would have to be read. FHIR R4 3.1.1.
    """
    wanted = KINDS[kind]
    caller.require(wanted.right)
    for name in parameters:
        if name not in wanted.parameters:
            raise QueryParameterException(
                f"{name[:80]!r} is no search parameter of {kind}; expected one of {', '.join(wanted.parameters)}"
            )
    if not parameters:
        raise QueryTooComplexException(f"{kind} is searched by at least one of {', '.join(wanted.parameters)}")
    session = _Session(runtime, caller)
    return _SEARCHES[kind](session, parameters)


def read(runtime: Runtime, caller: Principal, kind: str, logical_id: str) -> Resource:
    """One resource. Raises NoSuchResource where there is none that the caller may see, ForbiddenException by role."""
    caller.require(KINDS[kind].right)
    session = _Session(runtime, caller)
    found = _SEARCHES[kind](session, {"_id": [logical_id]})
    if logical_id not in found.ids:
        raise NoSuchResource(f"there is no {kind} of this id")
    found.told(runtime, caller, kind, {"_id": [logical_id]}, [logical_id])
    return found.read(logical_id)


_DATES: Final = {"SupplyDelivery": "occurrenceDateTime", "AuditEvent": "recorded"}
"""The element that `_sort=date` goes by, of kinds that are searched by date."""


def require_sort(kind: str, sort: str) -> None:
    """Nothing where `ordered` takes this order for a kind. Raises QueryParameterException. FHIR R4 3.1.1.5.1."""
    known = ("_id", "date") if kind in _DATES else ("_id",)
    if sort.removeprefix("-") not in known:
        names = ", ".join(f"{one}, -{one}" for one in known)
        raise QueryParameterException(f"_sort is {sort[:80]!r}; expected one of {names}")


def ordered(kind: str, found: Found, sort: str, after: tuple[str, str] | None) -> list[tuple[str, str]]:
    """(sort key, id) of what was found, in order; after: only what comes behind it. sort: _id or date, or -_id, -date.

    One that a page ended with may be gone by the next: its place in the order stays.
    """
    element = _DATES[kind] if sort.endswith("date") else None
    keys = [(str(found.read(one)[element]) if element is not None else "", one) for one in found.ids]
    if sort.startswith("-"):
        return sorted((one for one in keys if after is None or one < after), reverse=True)
    return sorted(one for one in keys if after is None or one > after)


class _Session:
    """One caller's search: ids, names, and resources once made."""

    def __init__(self, runtime: Runtime, caller: Principal) -> None:
        self.runtime = runtime
        self.caller = caller
        self.ids: FhirIds = devices.ids_of(runtime, caller)
        self.made: dict[str, Resource] = {}
        self.links: dict[str, tuple[str, ...]] = {}
        self.names: dict[str, str] = {}
        for one in runtime.registry.organisations():
            self.names[one.id] = one.name
            self.names |= one.place_names

    def device(self, subject: Item | LinkLine) -> Resource | None:
        """The Device of a subject, made once."""
        key = self.ids.device(subject)
        if key not in self.made:
            view = devices.device(self.runtime, self.caller, subject)
            if view is None:
                return None
            product = f"{GS1}01/{view.gtin}"
            maker = self.runtime.registry.parties.maker_of(product)
            with self.runtime.store.reader() as reader:
                told = names_of(self.runtime, reader, self.caller, {product}, {})
            named = self.names | ({f"maker of {view.gtin}": self.names[maker]} if maker is not None else {})
            if product in told:
                named[view.gtin] = told[product]
            self.made[key] = resources.device_resource(view, self.ids, named)
            if view.implant is not None:
                self.links[key] = (view.implant.event_id,)
        return self.made[key]

    def patient(self, value: str) -> str | None:
        """The GSRN that a reference or logical id stands for."""
        return self.ids.read_patient(value.removeprefix("Patient/"))

    def patient_searched(self, value: str) -> str | None:
        """The GSRN that a search parameter's id stands for. Raises QueryParameterException for a GSRN itself: an
        empty answer would read as a patient without implants.
        """
        plain = value.rpartition("|")[2]
        if contains_patient_identifier(value) or (len(plain) == _GSRN_DIGITS and plain.isdigit()):
            raise QueryParameterException("patient is a GSRN; expected the id that POST /fhir/Patient/_search gives")
        return self.patient(value)

    def fact(self, line: EventLine) -> LedgerEvent | None:
        """The shared event of an id, where the caller may see it."""
        with self.runtime.store.reader() as reader:
            if line.eid not in visible_event_ids(reader, self.caller, {line.eid}):
                return None
            rows = reader.fetch("SELECT seq FROM witness WHERE eid=?", (line.eid,))
            stored = reader.documents(sorted({seq for (seq,) in rows}), witnesses=True)
        facts = [stored_fact(event, self.runtime.registry) for event in stored]
        return next((fact for fact in facts if not fact.private), None)


def _devices(session: _Session, parameters: Parameters) -> Found:
    subjects: dict[str, Item | LinkLine] | None = None
    for name, of in _DEVICE_SUBJECTS.items():
        if name in parameters:
            found = {session.ids.device(one): one for value in parameters[name] for one in of(session, value)}
            subjects = found if subjects is None else {key: one for key, one in subjects.items() if key in found}
    if subjects is None:
        raise QueryTooComplexException(
            "Device is searched by _id, identifier, patient, udi-di, udi-carrier or location"
        )
    statuses = [_one_of("status", value, _STATUSES) for value in parameters.get("status", ())]
    types = {value.rpartition("|")[2].zfill(14) for value in parameters.get("type", ())}
    kept = []
    for key, subject in subjects.items():
        resource = session.device(subject)
        if resource is None or (types and resource["udiCarrier"][0]["deviceIdentifier"] not in types):
            continue
        if not statuses or resource["status"] in statuses:
            kept.append(key)
    return Found(sorted(kept), lambda key: session.made[key], session.links)


def _by_id(session: _Session, value: str) -> list[Item | LinkLine]:
    found = session.ids.read_device(value)
    return [found] if found is not None else []


def _by_identifier(_session: _Session, value: str) -> list[Item | LinkLine]:
    identifier = canonical_identifier(value.rpartition("|")[2])
    return [Item(identifier)] if is_item(identifier) else []


def _by_patient(session: _Session, value: str) -> list[Item | LinkLine]:
    session.caller.require(Right.KNOW_PATIENTS)
    patient = session.patient_searched(value)
    if patient is None:
        return []
    found = implants_of(session.runtime, session.caller, patient)
    return [devices.subject_of(one) for one in found if one.is_open]


def _by_product(session: _Session, value: str) -> list[Item | LinkLine]:
    system, separated, code = value.rpartition("|")
    if not code.isdigit():
        raise QueryParameterException(f"udi-di is {value[:80]!r}; expected a GTIN, or {resources.UDI_ISSUER}|GTIN")
    if separated and system not in ("", resources.UDI_ISSUER):
        return []  # another agency's identifiers: no device here bears one
    return [*devices.devices_of_product(session.runtime, session.caller, code)]


def _by_carrier(session: _Session, value: str) -> list[Item | LinkLine]:
    return devices.devices_of_carrier(session.runtime, session.caller, value)


def _by_place(session: _Session, value: str) -> list[Item | LinkLine]:
    return [*devices.devices_at(session.runtime, session.caller, _place(value))]


_DEVICE_SUBJECTS: Final[dict[str, Callable[[_Session, str], list[Item | LinkLine]]]] = {
    "_id": _by_id,
    "identifier": _by_identifier,
    "patient": _by_patient,
    "udi-di": _by_product,
    "udi-carrier": _by_carrier,
    "location": _by_place,
}


def _uses(session: _Session, parameters: Parameters) -> Found:
    found: dict[str, Resource] = {}
    implants: list[Implant] = []
    for value in parameters.get("_id", ()):
        line = read_event_id(value)
        one = implant_of_line(session.runtime, session.caller, LinkLine(*line)) if line is not None else None
        implants += [one] if one is not None else []
    for value in parameters.get("patient", ()):
        patient = session.patient_searched(value)
        implants += implants_of(session.runtime, session.caller, patient) if patient is not None else []
    for value in parameters.get("device", ()):
        subject = session.ids.read_device(value.removeprefix("Device/"))
        implants += devices.device_links(session.runtime, session.caller, subject) if subject is not None else []
    for one in implants:
        resource = resources.use_resource(one, session.ids, session.names)
        found[resource["id"]] = resource
        session.links[resource["id"]] = (one.event_id,)
    return _narrowed(session, found, parameters)


def _narrowed(session: _Session, found: dict[str, Resource], parameters: Parameters) -> Found:
    """Those uses that every parameter asks for."""
    wanted: dict[str, set[str]] = {name: set(values) for name, values in parameters.items()}
    patients = {f"Patient/{value.removeprefix('Patient/')}" for value in wanted.get("patient", ())}
    used = {f"Device/{value.removeprefix('Device/')}" for value in wanted.get("device", ())}
    kept = [
        key
        for key, one in found.items()
        if (not patients or one["subject"]["reference"] in patients)
        and (not used or one["device"]["reference"] in used)
        and ("_id" not in wanted or key in wanted["_id"])
    ]
    return Found(sorted(kept), lambda key: found[key], session.links)


def _patients(session: _Session, parameters: Parameters) -> Found:
    asked = [one for value in parameters.get("_id", ()) if (one := session.patient(value)) is not None]
    for value in parameters.get("identifier", ()):
        number = value.rpartition("|")[2]
        identifier = f"{PATIENT}{number}" if number.isdigit() else canonical_identifier(number)
        if identifier_kind(identifier).kind != "gsrn":
            raise QueryParameterException("identifier is no GSRN (AI 8018); expected its 18 digits")
        asked.append(identifier)
    found = {}
    for patient in asked:
        implants = implants_of(session.runtime, session.caller, patient)
        if implants:
            resource = resources.patient_resource(patient, session.ids)
            found[resource["id"]] = resource
            session.links[resource["id"]] = tuple(one.event_id for one in implants)
    return Found(sorted(found), lambda key: found[key], session.links)


def _deliveries(session: _Session, parameters: Parameters) -> Found:
    facts: dict[bytes, LedgerEvent] = {}
    lines: set[str] | None = None
    if "_id" in parameters:
        lines = set(parameters["_id"])
        for line in filter(None, map(read_event_id, parameters["_id"])):
            fact = session.fact(line)
            if fact is not None and fact.biz_step == "receiving":
                facts[line.eid] = fact
    else:
        facts = _receipts(session, parameters)
    found = {
        event_id(EventLine(eid, index)): (fact, index)
        for eid, fact in sorted(facts.items(), key=lambda entry: (entry[1].event_time_us, entry[0]))
        for index in range(len(fact.instances) + sum(1 for _, amount, _ in fact.quantities if amount is not None))
    }
    # What is received is completed; what is on its way is no delivery yet. FHIR R4 8.22.
    asked = [_one_of("status", value, _DELIVERIES) for value in parameters.get("status", ())]
    kept = [key for key in found if (lines is None or key in lines) and (not asked or True in asked)]
    return Found(kept, lambda key: resources.delivery_resource(*found[key], session.ids, session.names))


def _receipts(session: _Session, parameters: Parameters) -> dict[bytes, LedgerEvent]:
    clauses = [AnyTerm((("bizStep", "receiving"),))]
    if "identifier" in parameters:
        clauses.append(AnyTerm(tuple(("eventID", value.rpartition("|")[2]) for value in parameters["identifier"])))
    if "location" in parameters:
        places = [_place(value) for value in parameters["location"]]
        clauses.append(AnyTerm(tuple((key, place) for place in places for key in ("bizLocation", "readPoint"))))
    query = Query(clauses=tuple(clauses), event_time=time_range(parameters.get("date", ())), descending=False)
    limits = session.runtime.limits
    with session.runtime.store.reader() as reader:
        page = reader.find(query, VisibleTo(session.caller.viewers), limit=_LINES, deadline_s=limits.query_deadline_s)
        if page.next is not None:
            raise QueryTooComplexException(f"more than {_LINES} receipts match; narrow them by date or location")
        stored = reader.documents(page.seqs, witnesses=True)
    facts = [stored_fact(event, session.runtime.registry) for event in stored]
    return {fact.eid: fact for fact in facts if fact.biz_step == "receiving" and not fact.private}


def _lists(session: _Session, parameters: Parameters) -> Found:
    places = [_place(value) for name in ("identifier", "location") for value in parameters.get(name, ())]
    places += [one.sgln for value in parameters.get("_id", ()) if (one := read_place_id(value)) is not None]
    known = {one["id"] for one in stock.places(session.runtime, session.caller)["places"]}
    found = {}
    for place in dict.fromkeys(places):
        units = _stock_at(session, place)
        if units or place in known:
            resource = resources.stock_list(place, units, session.ids, session.names, session.runtime.now_us())
            found[place_id(place)] = resource
    return Found(sorted(found), lambda key: found[key])


def _stock_at(session: _Session, place: str) -> list[dict[str, Any]]:
    wanted = stock.StockFilter(place=place)
    page = stock.stock_page(session.runtime, session.caller, wanted, None, _LINES)
    if page.next_token is not None:
        raise QueryTooComplexException(f"more than {_LINES} kinds of stock lie there; ask for a place below it")
    items: list[dict[str, Any]] = page.body["items"]
    return items


def _provenances(session: _Session, parameters: Parameters) -> Found:
    found: dict[str, Resource] = {}
    for value in parameters.get("target", ()):
        subject = session.ids.read_device(value.removeprefix("Device/")) if value.startswith("Device/") else None
        if not isinstance(subject, Item):
            continue
        at = moment(session.runtime, None, None)
        for fact in facts_of(session.runtime, session.caller, [subject.epc], at):
            if not fact.private and subject.epc in (*fact.instances, *fact.children, *fact.inputs, *fact.outputs):
                resource = resources.provenance_resource(fact, [value], session.names)
                found[resource["id"]] = resource
    for value in parameters.get("_id", ()):
        line = read_event_id(value)
        fact_ = session.fact(line) if line is not None else None
        if fact_ is None:
            continue
        items = [one for one in (*fact_.instances, *fact_.children, *fact_.inputs, *fact_.outputs) if is_item(one)]
        if items:
            targets = [f"Device/{session.ids.device(Item(one))}" for one in items]
            found[value] = resources.provenance_resource(fact_, targets, session.names)
    return Found(sorted(found), lambda key: found[key])


def _audit_events(session: _Session, parameters: Parameters) -> Found:
    found: dict[str, Resource] = {}
    runtime, caller = session.runtime, session.caller
    for value in parameters.get("_id", ()):
        number = session.ids.read_audit(value)
        entry = audit_log.entry_of(runtime, caller, number) if number is not None else None
        if entry is not None:
            found[value] = resources.audit_resource(value, entry)
    if "_id" not in parameters:
        times = time_range(parameters.get("date", ()))
        start, end = (format_time_us(one) if one is not None else None for one in (times.ge_us, times.lt_us))
        for agent in parameters.get("agent-name", [None]):
            wanted = audit_log.AuditFilter(principal=agent, start=start, end=end)
            page = audit_log.page(runtime, caller, wanted, None, _LINES)
            if page.next_token is not None:
                raise QueryTooComplexException(f"more than {_LINES} entries match; narrow them by date")
            for number, entry in zip(page.numbers, page.entries, strict=True):
                logical_id = session.ids.audit(number)
                found[logical_id] = resources.audit_resource(logical_id, entry)
    return Found(sorted(found), lambda key: found[key])


def _place(value: str) -> str:
    name = value.rpartition("|")[2].removeprefix("Location/")
    is_gln = len(name) == _GLN_DIGITS and has_valid_check_digit(name)
    identifier = canonical_identifier(f"{_GLN}{name}" if is_gln else name)
    if identifier_kind(identifier).kind != "sgln":
        raise QueryParameterException(f"{value[:200]!r} is no place; expected a GLN of 13 digits or an SGLN")
    return identifier


def _one_of(name: str, value: str, expected: Mapping[str, _Value]) -> _Value:
    if value not in expected:
        raise QueryParameterException(f"{name} is {value[:80]!r}; expected one of {', '.join(expected)}")
    return expected[value]


_SEARCHES: Final[dict[str, Callable[[_Session, Parameters], Found]]] = {
    "Device": _devices,
    "DeviceUseStatement": _uses,
    "Patient": _patients,
    "SupplyDelivery": _deliveries,
    "List": _lists,
    "Provenance": _provenances,
    "AuditEvent": _audit_events,
}
