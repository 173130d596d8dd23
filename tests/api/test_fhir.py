"""FHIR R4 at /fhir: each resource judged by the model package, and no role told more than elsewhere."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class

from api.conftest import PATIENT_SPELLINGS, Site
from api.flows import capture, event, serial

CLINICAL, SUPPLY, SUPPLIER, RIVAL = "northgate-clinical", "northgate-supply", "cordia", "rival-supplier"
VALVE = "09521141010235"
SERIAL_7 = f"https://id.gs1.org/01/{VALVE}/21/V23-0007"
DOCK = "https://id.gs1.org/414/4012345000016/254/DOCK1"
WARD = "https://id.gs1.org/414/4012345000016/254/WARDB-CAB1"
GSRN = "401234500000123452"


def bundle(site: Site, name: str, path: str, **options: Any) -> Any:
    """The Bundle of a search that succeeds; it and all it holds are what FHIR defines."""
    method = "POST" if "data" in options else "GET"
    answer = site.request(name, method, f"/fhir/{path}", **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    return valid(answer.json())


def valid(resource: Any) -> Any:
    """The resource, after the model package has read it and given it back equal."""
    model = get_fhir_model_class(resource["resourceType"])
    given = model.model_validate_json(orjson.dumps(resource)).model_dump(mode="json", exclude_none=True)
    assert given == resource
    return resource


def resources(found: Any) -> list[Any]:
    """The resources of a Bundle."""
    return [entry["resource"] for entry in found.get("entry", [])]


def patient_id(site: Site) -> str:
    """The opaque id of the story's patient, as an EHR gets it."""
    (found,) = resources(bundle(site, CLINICAL, "Patient/_search", data={"identifier": GSRN}))
    return str(found["id"])


def test_a_patient_s_implants_are_found_as_US_Core_has_them(story: Site) -> None:
    """Rejects a Device without what the profile requires: UDI carrier, type, patient; and the valve of the mistaken
    report, whose use was declared in error.
    """
    (screws,) = resources(bundle(story, CLINICAL, f"Device?patient=Patient/{patient_id(story)}"))
    assert screws["meta"]["profile"] == ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-implantable-device"]
    assert screws["patient"]["reference"] == f"Patient/{patient_id(story)}"
    (carrier,) = screws["udiCarrier"]
    assert carrier["carrierHRF"].startswith(f"(01){carrier['deviceIdentifier']}")
    assert {"carrierAIDC", "issuer"} <= carrier.keys()
    assert screws["type"]["coding"][0]["code"] == carrier["deviceIdentifier"]
    assert (screws["lotNumber"], screws["status"], "serialNumber" in screws) == ("LOT77A", "active", False)
    assert screws["note"] == [{"text": "2 pieces of lot LOT77A"}]
    assert valid(story.get(CLINICAL, f"/fhir/Device/{screws['id']}")) == screws


@pytest.mark.parametrize(
    "query",
    [
        f"udi-di={VALVE}&identifier={SERIAL_7}",
        f"udi-carrier=(01){VALVE}(21)V23-0007",
        f"udi-carrier=01{VALVE}21V23-0007",
        f"identifier=urn:ietf:rfc:3986|{SERIAL_7}",
        "identifier=urn:epc:id:sgtin:9521141.001023.V23-0007",
    ],
)
def test_a_device_is_found_by_any_spelling_of_its_udi(story: Site, query: str) -> None:
    (device,) = resources(bundle(story, SUPPLIER, f"Device?{query}"))
    assert (device["serialNumber"], device["lotNumber"], device["expirationDate"]) == (
        "V23-0007",
        "L23-A",
        "2028-01-31",
    )
    assert "patient" not in device
    assert valid(story.get(SUPPLIER, f"/fhir/Device/{device['id']}")) == device


def test_uses_deliveries_stock_and_provenance_are_valid_resources(story: Site) -> None:
    uses = resources(bundle(story, CLINICAL, f"DeviceUseStatement?patient={patient_id(story)}"))
    assert len(uses) == 2
    assert {use["status"] for use in uses} == {"active", "entered-in-error"}
    (one,) = resources(bundle(story, CLINICAL, f"DeviceUseStatement?_id={uses[0]['id']}"))
    assert one == uses[0]
    deliveries = resources(bundle(story, SUPPLY, f"SupplyDelivery?location={DOCK}&date=2026-02-11"))
    assert [item["occurrenceDateTime"] for item in deliveries] == ["2026-02-11T07:10:00Z"]
    assert bundle(story, SUPPLY, f"SupplyDelivery?location={DOCK}&date=lt2026-02-11")["total"] == 0
    (listed,) = resources(bundle(story, SUPPLY, f"List?location={WARD}"))
    assert any(entry["item"]["display"].startswith("4 pieces") for entry in listed["entry"])
    (device,) = resources(bundle(story, SUPPLIER, f"Device?identifier={SERIAL_7}"))
    provenance = resources(bundle(story, SUPPLIER, f"Provenance?target=Device/{device['id']}"))
    said = {entry["entity"][0]["what"]["identifier"]["value"] for entry in provenance}
    assert "urn:uuid:00000000-0000-4000-8000-000000000001" in said
    assert "urn:uuid:00000000-0000-4000-8000-000000000012" not in said
    assert valid(story.get(SUPPLIER, f"/fhir/Provenance/{provenance[0]['id']}"))


def test_what_the_service_offers_is_what_it_does(story: Site) -> None:
    statement = valid(story.request(None, "GET", "/fhir/metadata").json())
    assert statement["fhirVersion"] == "4.0.1"
    offered = statement["rest"][0]["resource"]
    assert "AuditEvent" in [entry["type"] for entry in offered]
    for entry in offered:
        if entry["type"] == "AuditEvent":  # The privacy officer's alone; it has a test of its own.
            continue
        for parameter in entry["searchParam"]:
            asked = story.request(CLINICAL, "GET", f"/fhir/{entry['type']}?{parameter['name']}=x")
            assert asked.status_code in {200, 400, 413}, (entry["type"], parameter, asked.text)
            valid(asked.json())


PROBES = (
    ("GET", "Device?udi-di=09521141010235"),
    ("GET", f"Device?identifier={SERIAL_7}"),
    ("GET", f"Device?location={WARD}"),
    ("GET", f"List?location={WARD}"),
    ("GET", f"SupplyDelivery?location={DOCK}"),
    ("GET", "Device?udi-carrier=(01)09521141045305(10)LOT77A"),
)


@pytest.mark.parametrize("name", [SUPPLY, SUPPLIER, RIVAL])
def test_no_other_role_is_told_of_a_patient(story: Site, name: str) -> None:
    """Rejects a patient reference that is filled in from the trace whatever the role."""
    known = patient_id(story)
    clinical = resources(bundle(story, CLINICAL, f"Device?patient={known}"))
    uses = resources(bundle(story, CLINICAL, f"DeviceUseStatement?patient={known}"))
    paths = [path for _, path in PROBES]
    paths += [f"Device/{device['id']}" for device in clinical] + [f"DeviceUseStatement/{use['id']}" for use in uses]
    paths += [f"Device?patient={known}", f"DeviceUseStatement?patient={known}", f"Patient/{known}"]
    for path in paths:
        answer = story.request(name, "GET", f"/fhir/{path}")
        valid(answer.json())
        for spelling in (*PATIENT_SPELLINGS, known.encode()):
            assert spelling not in answer.content, (path, answer.text)
    for path in paths[-2:]:
        assert story.request(name, "GET", f"/fhir/{path}").status_code == 403


def test_another_supplier_gets_for_hidden_things_what_it_gets_for_absent_ones(story: Site) -> None:
    """Rejects lists that are cut or counted before visibility, and a 403 that tells that something is there."""
    (device,) = resources(bundle(story, SUPPLIER, f"Device?identifier={SERIAL_7}"))
    for path in (PROBES[0][1], PROBES[1][1], PROBES[3][1], PROBES[4][1], f"Provenance?target=Device/{device['id']}"):
        assert bundle(story, RIVAL, path)["total"] == 0
    hidden = story.request(RIVAL, "GET", f"/fhir/Device/{device['id']}")
    absent = story.request(RIVAL, "GET", "/fhir/Device/ibcunaosphnldemzngaydaoq")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    elsewhere = story.request(SUPPLIER, "GET", f"/fhir/Device/{device['id'][:-1]}")
    assert elsewhere.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "Device", 413, "too-costly"),
        ("GET", "Device?colour=red", 400, "invalid"),
        ("GET", "Device?udi-di=abc", 400, "invalid"),
        ("GET", "Device?udi-di:exact=09521141010235", 400, "invalid"),
        ("GET", "Device/no-such", 404, "not-found"),
        ("GET", "Zebra?_id=1", 404, "not-found"),
        ("GET", "Device/a/_history/1", 404, "not-found"),
        ("PUT", "Device/a", 405, "not-supported"),
        ("POST", "Device", 405, "not-supported"),
        ("POST", "Device/_search", 415, "not-supported"),
        ("GET", "Device?udi-di=09521141010235&_page=x", 400, "invalid"),
        ("GET", "Device?udi-di=09521141010235&_count=many", 400, "invalid"),
        ("GET", "Device?udi-di=09521141010235&_count=%C2%B2", 400, "invalid"),
        pytest.param("GET", f"Device?udi-di=09521141010235&_count={'9' * 4500}", 400, "invalid", id="long count"),
        ("GET", "Device?udi-di=09521141010235&udi-di=09521141060001", 400, "invalid"),
        ("GET", "SupplyDelivery?date=ap2026", 400, "invalid"),
        ("GET", "SupplyDelivery?date=2026-13", 400, "invalid"),
        ("GET", "SupplyDelivery?date=0000", 400, "invalid"),
        ("GET", "SupplyDelivery?date=2026-02-11,2026-02-12", 400, "invalid"),
        ("GET", "SupplyDelivery?date=yesterday", 400, "invalid"),
    ],
)
def test_every_failure_is_an_OperationOutcome(story: Site, method: str, path: str, status: int, code: str) -> None:
    answer = story.request(CLINICAL, method, f"/fhir/{path}")
    assert answer.status_code == status, answer.text
    assert valid(answer.json())["issue"][0]["code"] == code


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("2026", 1), ("2025", 0), ("2026-02", 1), ("2026-03", 0), ("2026-02-11", 1), ("2026-02-10", 0),
        ("2026-02-11T07:10Z", 1), ("2026-02-11T07:11Z", 0), ("2026-02-11T08:10:00%2B01:00", 1),
        ("2026-02-11T07:10:00.000Z", 1), ("gt2026-02", 0), ("ge2026-02", 1), ("sa2026-01", 1), ("lt2026-02", 0),
        ("le2026-02", 1), ("eb2026-03", 1), ("gt2026-02-11T07:10:00Z", 0), ("ge2026-02&date=lt2026-02-11", 0),
    ],
)  # fmt: skip
def test_a_date_stands_for_all_the_time_that_it_leaves_open(story: Site, asked: str, found: int) -> None:
    """Rejects a search for days alone: the receipt is of 2026-02-11T07:10:00Z."""
    assert bundle(story, CLINICAL, f"SupplyDelivery?date={asked}&_count=0")["total"] == found


def test_a_bundle_tells_the_search_that_it_answers_and_never_a_patient(story: Site) -> None:
    """Rejects a self link without what was asked, with what was passed over, or with a GSRN. FHIR R4 3.1.1.1.1."""

    def told(path: str, **options: Any) -> str:
        links = {one["relation"]: one["url"] for one in bundle(story, CLINICAL, path, **options)["link"]}
        return str(links["self"]).partition("/fhir/")[2]

    assert told("Device?udi-di=09521141010235&_count=1") == "Device?udi-di=09521141010235&_count=1"
    lenient = {"Prefer": "handling=lenient"}
    assert told("Device?udi-di=09521141010235&colour=red", headers=lenient) == "Device?udi-di=09521141010235"
    assert told("Device/_search", data={"udi-di": "09521141010235"}) == "Device?udi-di=09521141010235"
    assert told("Patient/_search", data={"identifier": "401234500000123452", "_count": "3"}) == "Patient?_count=3"


def test_a_stranger_and_a_client_of_another_format_get_an_OperationOutcome_too(story: Site) -> None:
    stranger = story.request(None, "GET", "/fhir/Device?udi-di=1")
    assert (stranger.status_code, valid(stranger.json())["issue"][0]["code"]) == (401, "login")
    xml = story.request(CLINICAL, "GET", "/fhir/Device?udi-di=1", headers={"Accept": "application/fhir+xml"})
    assert (xml.status_code, valid(xml.json())["issue"][0]["code"]) == (406, "not-supported")
    lenient = story.request(
        CLINICAL, "GET", "/fhir/Device?udi-di=09521141010235&colour=red", headers={"Prefer": "handling=lenient"}
    )
    assert lenient.json()["total"] == 2


@pytest.fixture(scope="module")
def many(open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server on which a supplier has made twelve valves."""
    with open_site() as site:
        making = {
            "type": "ObjectEvent",
            "eventTime": "2026-02-02T08:00:00Z",
            "eventTimeZoneOffset": "+00:00",
            "action": "ADD",
            "bizStep": "commissioning",
            "epcList": [f"https://id.gs1.org/01/{VALVE}/21/N{number:02}" for number in range(12)],
            "bizLocation": {"id": "https://id.gs1.org/414/9521141000106"},
        }
        document = {
            "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-02-02T08:00:00Z",
            "epcisBody": {"eventList": [making]},
        }
        assert site.job(SUPPLIER, site.capture(SUPPLIER, orjson.dumps(document)))["success"]
        yield site


def test_pages_hold_every_match_once_and_carry_nothing_readable(many: Site) -> None:
    """Rejects next links that repeat the search, which may name a patient, and pages by offset."""
    page = bundle(many, SUPPLIER, "Device/_search", data={"udi-di": VALVE, "_count": "5"})
    seen = [one["id"] for one in resources(page)]
    while links := [link["url"] for link in page["link"] if link["relation"] == "next"]:
        assert re.fullmatch(rf"{re.escape(many.server.url)}/fhir/Device\?_page=[\w-]+", links[0])
        other = many.request(RIVAL, "GET", links[0].removeprefix(many.server.url))
        assert other.status_code == 400
        page = valid(many.get(SUPPLIER, links[0].removeprefix(many.server.url)))
        seen += [one["id"] for one in resources(page)]
    assert len(seen) == len(set(seen)) == page["total"] == 12
    counted = bundle(many, SUPPLIER, f"Device?udi-di={VALVE}&_summary=count")
    assert (counted["total"], resources(counted)) == (12, [])


def test_pages_of_receipts_hold_every_receipt_once(site: Site) -> None:
    """Rejects pages that go on after an id through a list that is ordered by time: they lose what comes between."""
    here = {"id": "https://id.gs1.org/414/9521141000106"}
    receipts = [
        event(-20 + number, "receiving", bizLocation=here, **serial(VALVE, f"R{number:02}")) for number in range(12)
    ]
    capture(site, SUPPLIER, *receipts)
    path = f"SupplyDelivery?location={here['id']}&_count=2"
    page, seen = bundle(site, SUPPLIER, path), []
    while True:
        seen += [one["identifier"][0]["value"] for one in resources(page)]
        links = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not links:
            break
        page = valid(site.get(SUPPLIER, links[0].removeprefix(site.server.url)))
    assert len(seen) == len(set(seen)) == page["total"] == 12


def test_who_read_of_patients_is_told_to_the_privacy_officer_alone(open_site: Callable[..., Any]) -> None:
    """Rejects a read that answers first and records later, or only reads by the trace."""
    with open_site() as site:
        site.load_story()
        body = {"organisation": "https://id.gs1.org/417/4012345000009", "role": "privacy_officer", "name": "Officer"}
        made = site.request("admin", "POST", "/admin/keys", json=body)
        assert made.status_code == 201, made.text
        site.server.keys["officer"] = made.json()["key"]
        known = patient_id(site)
        bundle(site, CLINICAL, f"DeviceUseStatement?patient={known}")
        bundle(site, SUPPLIER, f"Device?identifier={SERIAL_7}")
        found = resources(bundle(site, "officer", "AuditEvent?date=ge2020-01-01"))
        told = [one for one in found if one["entity"][0]["name"].startswith("fhir ")]
        assert sorted(one["entity"][0]["name"] for one in told) == ["fhir DeviceUseStatement", "fhir Patient"]
        assert all(one["action"] == "R" and one["agent"][0]["role"] == [{"text": "clinical"}] for one in told)
        assert "urn:uuid:00000000-0000-4000-8000-000000000012" in str(told)
        assert not any(spelling in str(told).encode() for spelling in PATIENT_SPELLINGS)
        assert valid(site.get("officer", f"/fhir/AuditEvent/{told[0]['id']}")) == told[0]
        for name in (CLINICAL, SUPPLIER, "admin"):
            assert site.request(name, "GET", "/fhir/AuditEvent?date=ge2020-01-01").status_code == 403
        assert site.request("officer", "GET", f"/fhir/Device?identifier={SERIAL_7}").status_code == 403


def test_a_GSRN_where_the_id_of_a_patient_belongs_is_refused(story: Site) -> None:
    """Rejects an empty answer to it: that reads as a patient who has no implants. Nor does the answer repeat it."""
    for resource in ("Device", "DeviceUseStatement"):
        for spelled in ("401234500000123452", "https://id.gs1.org/8018/401234500000123452"):
            answer = story.request(CLINICAL, "POST", f"/fhir/{resource}/_search", data={"patient": spelled})
            assert answer.status_code == 400, answer.text
            assert "401234500000123452" not in answer.text


def test_a_patient_is_never_searched_by_number_in_a_url(story: Site) -> None:
    """Rejects a search by GET that answers: the number would be in the log of every proxy on the way."""
    number = "401234500000123452"
    for spelled in (number, f"https://id.gs1.org/8018|{number}", "urn:epc:id:gsrn:4012345.0000012345"):
        for method, path in (("GET", "/fhir/Patient"), ("POST", "/fhir/Patient/_search")):
            form = {"data": {"_count": "5"}} if method == "POST" else {}
            answer = story.request(CLINICAL, method, path, params={"identifier": spelled}, **form)
            assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome"), answer.text
            assert spelled not in answer.text
            assert "_search" in answer.text
    statement = story.get(CLINICAL, "/fhir/metadata")["rest"][0]["resource"]
    (by_number,) = (
        one
        for kind in statement
        if kind["type"] == "Patient"
        for one in kind["searchParam"]
        if one["name"] == "identifier"
    )
    assert "POST" in by_number["documentation"]


def test_a_read_is_answered_once_for_its_entity_tag_and_a_format_goes_before_accept(story: Site) -> None:
    """Rejects an entity tag that two states share, and a _format that Accept: */* overrules."""
    found = story.get("northgate-clinical", "/fhir/Device?udi-di=09521141010235")["entry"]
    paths = [f"/fhir/Device/{one['resource']['id']}" for one in found]
    tags = [story.request("northgate-clinical", "GET", path).headers["etag"] for path in paths]
    assert len(set(tags)) == len(paths) == 2
    for tag, status in ((tags[0], 304), (tags[0].removeprefix("W/"), 304), (tags[1], 200)):
        again = story.request("northgate-clinical", "GET", paths[0], headers={"If-None-Match": tag})
        assert (again.status_code, again.content == b"") == (status, status == 304)
    other = story.request("northgate-clinical", "GET", f"{paths[0]}?_format=xml")
    assert (other.status_code, other.json()["resourceType"]) == (406, "OperationOutcome")
    assert story.request("northgate-clinical", "GET", f"{paths[0]}?_format=json").status_code == 200
    assert story.request("northgate-clinical", "HEAD", paths[0]).status_code == 200
