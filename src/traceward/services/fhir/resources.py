"""FHIR R4 resources from what the other services tell: one builder for each kind, through the model package.

It must not read data nor decide who may see what. The models are those of R4B, whose definitions of the resources used
here are R4's; docs/fhir.md lists what was compared.
"""

from base64 import b64encode
from typing import Any, Final

from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.device import Device
from fhir.resources.R4B.deviceusestatement import DeviceUseStatement
from fhir.resources.R4B.list import List
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.provenance import Provenance
from fhir.resources.R4B.supplydelivery import SupplyDelivery

from traceward.epcis.times import format_time_us
from traceward.ledger.facts import GS1, PATIENT, LedgerEvent
from traceward.services.fhir.devices import IN_ERROR, DeviceView, subject_of
from traceward.services.fhir.ids import EventLine, FhirIds, Item, event_id, is_item, place_id
from traceward.services.tracing.implants import Implant, udi_texts

Resource = dict[str, Any]

GTIN_SYSTEM: Final = "urn:oid:1.3.160"
"""GTINs as codes: the object identifier that GS1 holds."""

UDI_ISSUER: Final = "http://hl7.org/fhir/NamingSystem/gs1-di"
_US_CORE_IMPLANT: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-implantable-device"
_URI: Final = "urn:ietf:rfc:3986"
_USE_STATUS: Final = {True: "completed", False: "active"}


def device_resource(view: DeviceView, ids: FhirIds, names: dict[str, str]) -> Resource:
    """A Device. names: of products by GTIN and of parties by id; the patient is there only where the view has one.

    US Core Implantable Device where a patient is known. FHIR R4 8.20.
    """
    carrier = udi_texts(view.gtin, view.lot, view.serial, view.expiry)
    identifier = view.subject.epc if isinstance(view.subject, Item) else None
    state = view.state or {}
    data: Resource = {
        "id": ids.device(view.subject),
        "identifier": [{"system": _URI, "value": identifier}] if identifier is not None else None,
        "udiCarrier": [
            {
                "deviceIdentifier": view.gtin,
                "issuer": UDI_ISSUER,
                "carrierHRF": carrier[0],
                "carrierAIDC": b64encode(carrier[1].encode()).decode(),
                "entryType": "unknown",
            }
        ],
        "status": view.status,
        "lotNumber": view.lot,
        "serialNumber": view.serial,
        "expirationDate": view.expiry,
        "manufacturer": names.get(f"maker of {view.gtin}"),
        "deviceName": _device_name(view, names),
        "type": {"coding": [{"system": GTIN_SYSTEM, "code": view.gtin, "display": names.get(view.gtin)}]},
        "owner": party_reference(state.get("owner"), names),
        "location": place_reference(state.get("place"), names),
    }
    if view.implant is not None:
        data["meta"] = {"profile": [_US_CORE_IMPLANT]}
        data["patient"] = {"reference": f"Patient/{ids.patient(view.implant.patient)}"}
    if view.pieces is not None:
        data["note"] = [{"text": f"{format(view.pieces.normalize(), 'f')} pieces of lot {view.lot}"}]
    return _checked(Device, data)


def use_resource(implant: Implant, ids: FhirIds, names: dict[str, str]) -> Resource:
    """A DeviceUseStatement: that a device is in a patient, or was until it was taken out. FHIR R4 8.21.

    entered-in-error: the use that it rests on was declared in error, and nothing stands in its place.
    """
    period = {"start": format_time_us(implant.opened_us)}
    if implant.closed_us is not None:
        period["end"] = format_time_us(implant.closed_us)
    identifiers = [{"system": _URI, "value": implant.usage_report}] if implant.usage_report is not None else None
    return _checked(
        DeviceUseStatement,
        {
            "id": event_id(EventLine(*implant.line)),
            "identifier": identifiers,
            "status": IN_ERROR if implant.use_in_error else _USE_STATUS[implant.closed_us is not None],
            "subject": {"reference": f"Patient/{ids.patient(implant.patient)}"},
            "timingPeriod": period,
            "recordedOn": format_time_us(implant.opened_us),
            "source": None,
            "device": {"reference": f"Device/{ids.device(subject_of(implant))}"},
            "note": [{"text": f"Recorded at {names.get(implant.place, implant.place)}"}] if implant.place else None,
        },
    )


def patient_resource(gsrn: str, ids: FhirIds) -> Resource:
    """A Patient: the pseudonym that the hospital gave, and nothing else. FHIR R4 8.1."""
    return _checked(
        Patient,
        {
            "id": ids.patient(gsrn),
            "identifier": [{"system": f"{GS1}8018", "value": gsrn.removeprefix(PATIENT)}],
        },
    )


def delivery_resource(fact: LedgerEvent, index: int, ids: FhirIds, names: dict[str, str]) -> Resource:
    """A SupplyDelivery: one line of a receipt. index: of the line, serialised items first. FHIR R4 8.22."""
    lines: list[tuple[str, str, str | None]] = [(epc, "1", None) for epc in fact.instances]
    lines += [(key, format(amount, "f"), uom) for key, amount, uom in fact.quantities if amount is not None]
    key, amount, uom = lines[index]
    item: Resource = {"quantity": {"value": amount, "unit": uom}}
    if is_item(key):
        item["itemReference"] = {"reference": f"Device/{ids.device(Item(key))}"}
    else:
        item["itemCodeableConcept"] = {"coding": [{"system": _URI, "code": key}]}
    possessing = fact.possessing or (None, None)
    return _checked(
        SupplyDelivery,
        {
            "id": event_id(EventLine(fact.eid, index)),
            "identifier": [{"system": _URI, "value": fact.event_id}],
            "status": "completed",
            "suppliedItem": item,
            "occurrenceDateTime": format_time_us(fact.event_time_us),
            "supplier": party_reference(possessing[0], names),
            "destination": place_reference(fact.biz_location or fact.read_point, names),
            "receiver": [one] if (one := party_reference(possessing[1], names)) is not None else None,
        },
    )


def stock_list(place: str, units: list[Resource], ids: FhirIds, names: dict[str, str], now_us: int) -> Resource:
    """A List of what lies at a place: devices by reference, quantities of lots by identifier. FHIR R4 2.24.

    units: items of services.tracing.stock.
    """
    entries = []
    for unit in units:
        named: Resource = {"identifier": {"system": _URI, "value": unit["item"]}}
        if is_item(unit["item"]):
            named = {"reference": f"Device/{ids.device(Item(unit['item']))}"}
        shown = f"{unit['quantity']} {unit['uom'] or 'pieces'} of {names.get(unit['gtin'] or '', unit['item'])}"
        entries.append({"item": named | {"display": shown}})
    return _checked(
        List,
        {
            "id": place_id(place),
            "identifier": [{"system": _URI, "value": place}],
            "status": "current",
            "mode": "snapshot",
            "title": f"Stock at {names.get(place, place)}",
            "subject": place_reference(place, names),
            "date": format_time_us(now_us),
            "entry": entries or None,
            "emptyReason": None if entries else {"text": "Nothing that the caller owns or holds lies there."},
        },
    )


def provenance_resource(fact: LedgerEvent, targets: list[str], names: dict[str, str]) -> Resource:
    """A Provenance: the event that says so, who captured it, when it happened and was recorded. FHIR R4 6.3.

    targets: references, such as Device/x; at least one.
    """
    return _checked(
        Provenance,
        {
            "id": event_id(EventLine(fact.eid, 0)),
            "target": [{"reference": one} for one in targets],
            "occurredDateTime": format_time_us(fact.event_time_us),
            "recorded": format_time_us(fact.record_time_us),
            "agent": [{"who": party_reference(party, names)} for party in fact.captured_by],
            "entity": [{"role": "source", "what": {"identifier": {"system": _URI, "value": fact.event_id}}}],
        },
    )


def audit_resource(logical_id: str, entry: Resource) -> Resource:
    """An AuditEvent: who did what, when, why, and to how much. FHIR R4 6.4.

    entry: as services.identity.audit_log gives it.
    """
    details = [{"type": name, "valueString": str(entry[name])} for name in ("resultCount", "requestID") if entry[name]]
    told = [{"what": {"identifier": {"system": _URI, "value": one}}} for one in entry["eventIDs"]]
    return _checked(
        AuditEvent,
        {
            "id": logical_id,
            "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
            "subtype": [{"display": entry["action"]}],
            "action": "R" if entry["action"].startswith("read") else "E",
            "recorded": entry["time"],
            "outcome": "0" if entry["outcome"] == "done" else "4",
            "outcomeDesc": entry["outcome"],
            "purposeOfEvent": [{"text": entry["purpose"]}] if entry["purpose"] else None,
            "agent": [
                {
                    "name": entry["principal"],
                    "altId": entry["credential"] or None,
                    "requestor": True,
                    "role": [{"text": entry["role"]}],
                }
            ],
            "source": {"observer": {"display": "Traceward"}},
            "entity": [{"name": entry["resource"], "detail": details or None}, *told],
        },
    )


_MODELS: Final[dict[str, Any]] = {
    one.__name__: one for one in (AuditEvent, Device, DeviceUseStatement, List, Patient, Provenance, SupplyDelivery)
}
_NEEDED: Final = {"Provenance": ("agent",), "AuditEvent": ("agent", "source"), "List": ("mode",)}
"""What a resource must have and its summary may lack."""


def party_reference(party: str | None, names: dict[str, str]) -> Resource | None:
    """A reference to an organisation by its GLN; None for none."""
    if party is None:
        return None
    return {"type": "Organization", "identifier": {"system": _URI, "value": party}, "display": names.get(party, party)}


def place_reference(place: str | None, names: dict[str, str]) -> Resource | None:
    """A reference to a place by its SGLN; None for none."""
    if place is None:
        return None
    return {"type": "Location", "identifier": {"system": _URI, "value": place}, "display": names.get(place, place)}


def summary_of(resource: Resource) -> Resource:
    """The elements of a resource that its summary has, tagged as a part of it. FHIR R4 3.1.1.5.8."""
    model = _MODELS[resource["resourceType"]]
    shown: Resource = model.model_validate(resource).model_dump(mode="json", exclude_none=True, summary_only=True)
    needed = {name: resource[name] for name in _NEEDED.get(resource["resourceType"], ()) if name in resource}
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    meta = dict(resource.get("meta", {})) | {"tag": [tag]}
    told = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta} | shown | needed
    return told | {"meta": meta}


def search_bundle(entries: list[Resource], *, total: int | None, base: str, links: dict[str, str]) -> Resource:
    """A Bundle of search results. base: URL of the service; links: relation -> URL. FHIR R4 3.1.1."""
    return _checked(
        Bundle,
        {
            "type": "searchset",
            "total": total,
            "link": [{"relation": relation, "url": url} for relation, url in links.items()],
            "entry": [
                {
                    "fullUrl": f"{base}/{one['resourceType']}/{one['id']}",
                    "resource": one,
                    "search": {"mode": "match"},
                }
                for one in entries
            ]
            or None,
        },
    )


def outcome(severity: str, code: str, diagnostics: str, expressions: list[str] | None = None) -> Resource:
    """An OperationOutcome of one issue. FHIR R4 2.28."""
    issue = {"severity": severity, "code": code, "diagnostics": diagnostics, "expression": expressions or None}
    return _checked(OperationOutcome, {"issue": [issue]})


_SECURITY: Final = (
    "Authorization: Bearer, with a key of this server or a token of an OpenID Connect issuer that it knows."
)


def capability_statement(resources: list[Resource], *, version: str, now_us: int, base: str) -> Resource:
    """What the service can do. resources: entries of CapabilityStatement.rest.resource. FHIR R4 5.2."""
    return _checked(
        CapabilityStatement,
        {
            "status": "active",
            "date": format_time_us(now_us),
            "kind": "instance",
            "software": {"name": "Traceward", "version": version},
            "implementation": {"description": "Implants and consigned stock, read-only", "url": base},
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "security": {"description": _SECURITY}, "resource": resources}],
        },
    )


def _device_name(view: DeviceView, names: dict[str, str]) -> list[Resource] | None:
    name = names.get(view.gtin)
    return [{"name": name, "type": "user-friendly-name"}] if name is not None else None


def _checked(model: Any, data: Resource) -> Resource:
    """The resource as the model has it, without what is absent. A value that FHIR does not allow raises ValueError."""
    filled = {name: value for name, value in data.items() if value is not None}
    resource: Resource = model.model_validate(filled).model_dump(mode="json", exclude_none=True)
    return resource
