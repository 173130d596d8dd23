"""Patients over HTTP: looked up by POST, audited before the answer, broken glass reviewed, erased for good."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from .conftest import BACKENDS, Site
from .test_epcis_binding import bare_event, document
from .test_identity import NORTHGATE, THEATRE, captured_by, new_key, with_key

PATIENT = "https://id.gs1.org/8018/401234500000123452"
LATER = "https://id.gs1.org/8018/401234500000123469"
SPELLINGS = ("401234500000123452", "4012345.0000012345", "0000012345")
ITEM = "https://id.gs1.org/01/09521141010235/21/"
WARD = "https://id.gs1.org/414/4012345000016/254/WARD7"


def link(number: int, patient: str, place: str, **more: Any) -> dict[str, Any]:
    """An item tied to a patient at a place."""
    event = bare_event(
        type="AssociationEvent",
        eventID=f"urn:uuid:link-{number}",
        eventTime=f"2026-05-0{number}T10:00:00Z",
        action="ADD",
        bizStep="installing",
        parentID=patient,
        childEPCs=[f"{ITEM}{number}"],
        readPoint={"id": place},
    )
    event.pop("epcList", None)
    event.pop("disposition", None)
    return event | more


@pytest.fixture(params=BACKENDS)
def hospital(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A site with three links: of one patient in the theatre and on the ward, of another in the theatre."""
    with open_site(request.param) as site:
        clinical = site.server.keys["northgate-clinical"]
        events = (link(1, PATIENT, THEATRE), link(2, PATIENT, WARD), link(3, LATER, THEATRE))
        answer = captured_by(site, clinical, *events)
        assert answer.status_code == 202, answer.text
        yield site


def search(site: Site, key: str, **question: Any) -> Any:
    """The links that a look-up finds, as (patient's last digits, item's serial)."""
    answer = with_key(site, key, "POST", "/patients/search", json=question)
    assert answer.status_code == 200, answer.text
    return [(one["patient"][-6:], one["item"].rpartition("/")[2]) for one in answer.json()["links"]]


def test_the_clinical_role_finds_items_by_patient_and_patients_by_item(hospital: Site) -> None:
    clinical = hospital.server.keys["northgate-clinical"]
    for spelling in (PATIENT, "401234500000123452", "urn:epc:id:gsrn:4012345.0000012345"):
        assert search(hospital, clinical, patient=spelling) == [("123452", "1"), ("123452", "2")]
    assert search(hospital, clinical, epc=f"{ITEM}3") == [("123469", "3")]
    assert search(hospital, clinical, epc=f"{ITEM}9") == []
    for role in ("northgate-supply", "cordia", "rival-supplier", "admin"):
        refused = hospital.request(role, "POST", "/patients/search", json={"patient": PATIENT})
        assert refused.status_code == 403
        assert not any(one in refused.text for one in SPELLINGS)


def test_a_question_that_cannot_be_understood_is_answered_without_repeating_it(hospital: Site) -> None:
    """Rejects an error that shows a patient's number, misspelt, to whoever reads errors."""
    clinical = hospital.server.keys["northgate-clinical"]
    for question in (
        {"patient": "40123450000012345"},
        {"patient": PATIENT, "epc": ITEM},
        {"gtin": "09521141010235"},
        {"patient": {"401234500000123452": 1}},
        {"patient": "401234500000123452" * 20},
        {},
    ):
        answer = with_key(hospital, clinical, "POST", "/patients/search", json=question)
        assert answer.status_code == 400, question
        assert "12345" not in answer.text, answer.text


def test_every_way_of_reading_a_patient_is_in_the_audit_log_before_the_answer(hospital: Site) -> None:
    """Rejects a log that forgets one door: queries, single events, traces, look-ups, pages of a query."""
    officer = new_key(hospital, NORTHGATE, "privacy_officer", name="Ada")["key"]
    clinical = hospital.server.keys["northgate-clinical"]
    reads = (
        "/epcis/events",
        "/epcis/events?perPage=1",
        "/epcis/events/urn:uuid:link-1",
        "/epcis/eventTypes/AssociationEvent/events",
        f"/trace/item?epc={ITEM}1",
    )
    for number, path in enumerate(reads, start=1):
        assert with_key(hospital, clinical, "GET", path).status_code == 200, path
        entries = with_key(hospital, officer, "GET", "/audit?action=read private").json()["entries"]
        assert len(entries) == number, path
        assert "urn:uuid:link-" in entries[0]["eventIDs"][0]
    search(hospital, clinical, patient=PATIENT, purpose="recall of lot 7")
    (latest,) = with_key(hospital, officer, "GET", "/audit?perPage=1").json()["entries"]
    assert (latest["action"], latest["purpose"], latest["resultCount"]) == ("read private", "recall of lot 7", 2)
    everything = with_key(hospital, officer, "GET", "/audit?perPage=1000").text
    assert not any(one in everything for one in SPELLINGS)
    before = len(json.loads(everything)["entries"])
    for name in ("northgate-supply", "cordia"):
        hospital.get(name, "/epcis/events")
    assert len(with_key(hospital, officer, "GET", "/audit?perPage=1000").json()["entries"]) == before


def test_broken_glass_opens_one_patient_for_one_key_and_waits_for_review(hospital: Site) -> None:
    """Rejects emergency access that opens every patient, or that nobody is told of."""
    officer = new_key(hospital, NORTHGATE, "privacy_officer", name="Ada")["key"]
    nurse = new_key(hospital, NORTHGATE, "clinical", place=WARD, name="Ben")["key"]
    other = new_key(hospital, NORTHGATE, "clinical", place=WARD)["key"]
    assert search(hospital, nurse, patient=PATIENT) == [("123452", "2")]
    assert search(hospital, nurse, epc=f"{ITEM}3") == []
    assert b"401234500000123452" not in with_key(hospital, nurse, "GET", "/epcis/events").content
    too_short = with_key(hospital, nurse, "POST", "/patients/emergencies", json={"patient": PATIENT, "reason": "x"})
    assert too_short.status_code == 400
    asked = {"patient": PATIENT, "reason": "bleeding, implant unknown"}
    opened = with_key(hospital, nurse, "POST", "/patients/emergencies", json=asked)
    assert opened.status_code == 201, opened.text
    assert search(hospital, nurse, patient=PATIENT) == [("123452", "1"), ("123452", "2")]
    assert search(hospital, nurse, epc=f"{ITEM}3") == []
    assert search(hospital, nurse, patient=LATER) == []
    assert search(hospital, other, patient=PATIENT) == [("123452", "2")]
    supply = hospital.request("northgate-supply", "POST", "/patients/emergencies", json=asked)
    assert supply.status_code == 403

    waiting = with_key(hospital, officer, "GET", "/patients/emergencies?unreviewed=true").json()["emergencies"]
    assert [(one["principal"], one["reason"], one["concerns"]) for one in waiting] == [
        ("Ben", "bleeding, implant unknown", "a patient")
    ]
    path = f"/patients/emergencies/{waiting[0]['id']}/review"
    assert with_key(hospital, nurse, "POST", path, json={"judgement": "fine"}).status_code == 403
    assert with_key(hospital, officer, "POST", path, json={"judgement": "justified"}).json()["reviewedBy"] == "Ada"
    assert with_key(hospital, officer, "POST", path, json={"judgement": "again"}).status_code == 409
    assert with_key(hospital, officer, "GET", "/patients/emergencies?unreviewed=true").json()["emergencies"] == []
    assert with_key(hospital, officer, "GET", "/patients/emergencies").text.count("justified") == 1


def test_an_erased_patient_is_gone_for_every_reader_and_the_stock_stays(hospital: Site) -> None:
    officer = new_key(hospital, NORTHGATE, "privacy_officer")["key"]
    clinical = hospital.server.keys["northgate-clinical"]
    stock = hospital.get("northgate-clinical", "/consignment/stock")["items"]
    asked = {"patient": PATIENT, "reason": "request of 3 May, article 17"}
    assert with_key(hospital, clinical, "POST", "/patients/erasures", json=asked).status_code == 403
    assert with_key(hospital, officer, "POST", "/patients/erasures", json=asked).json() == {"events": 2}
    assert with_key(hospital, officer, "POST", "/patients/erasures", json=asked).status_code == 404
    assert search(hospital, clinical, patient=PATIENT) == []
    assert search(hospital, clinical, epc=f"{ITEM}1") == []
    assert search(hospital, clinical, patient=LATER) == [("123469", "3")]
    for path in ("/epcis/events", "/epcis/epcs?perPage=1000", f"/trace/item?epc={ITEM}1", "/consignment/conflicts"):
        answer = with_key(hospital, clinical, "GET", path)
        assert not any(one in answer.text for one in SPELLINGS), path
    assert with_key(hospital, clinical, "GET", "/epcis/events/urn:uuid:link-1").status_code == 404
    assert hospital.get("northgate-clinical", "/consignment/stock")["items"] == stock
    entries = with_key(hospital, officer, "GET", "/audit?action=patient erased").json()["entries"]
    assert [(one["resultCount"], one["purpose"]) for one in entries] == [(2, "request of 3 May, article 17")]
    # What comes after an erasure is read again: the patient came back.
    assert captured_by(hospital, clinical, link(4, PATIENT, THEATRE)).status_code == 202
    assert search(hospital, clinical, patient=PATIENT) == [("123452", "4")]


def test_a_patient_who_came_back_can_be_erased_again(hospital: Site) -> None:
    """Rejects texts under the forgotten key that are tried with the new one: reading any of them would fail."""
    officer = new_key(hospital, NORTHGATE, "privacy_officer")["key"]
    clinical = hospital.server.keys["northgate-clinical"]
    asked = {"patient": PATIENT, "reason": "request of 3 May, article 17"}
    assert with_key(hospital, officer, "POST", "/patients/erasures", json=asked).json() == {"events": 2}
    assert captured_by(hospital, clinical, link(4, PATIENT, THEATRE)).status_code == 202
    assert with_key(hospital, officer, "POST", "/patients/erasures", json=asked).json() == {"events": 1}
    assert search(hospital, clinical, patient=PATIENT) == []
    assert captured_by(hospital, clinical, link(5, PATIENT, THEATRE)).status_code == 202
    assert search(hospital, clinical, patient=PATIENT) == [("123452", "5")]


MERCY = "https://id.gs1.org/417/5060000000009"


@pytest.mark.parametrize("first", ["northgate", "mercy"])
def test_what_one_organisation_erases_stays_the_others_who_captured_it_too(hospital: Site, first: str) -> None:
    """Rejects one key for the content: the first captor's erasure would take it from the second, the second's from
    nobody, and a key renewed later must neither open what was erased nor stand in the way of the other's.
    """
    created = hospital.request("admin", "POST", "/admin/organisations", json={
        "id": MERCY, "name": "Mercy Hospital", "companyPrefixes": ["506000000000"]})  # fmt: skip
    assert created.status_code in (200, 201), created.text
    keys = {"northgate": hospital.server.keys["northgate-clinical"],
            "mercy": new_key(hospital, MERCY, "clinical")["key"]}  # fmt: skip
    officers = {"northgate": new_key(hospital, NORTHGATE, "privacy_officer")["key"],
                "mercy": new_key(hospital, MERCY, "privacy_officer")["key"]}  # fmt: skip
    assert captured_by(hospital, keys["mercy"], link(1, PATIENT, THEATRE)).status_code == 202
    other = "mercy" if first == "northgate" else "northgate"

    def told(name: str) -> list[str]:
        answer = with_key(hospital, keys[name], "GET", "/epcis/events?perPage=100").text
        return sorted({f"link-{number}" for number in range(1, 9) if f"link-{number}" in answer})

    before = {name: told(name) for name in keys}
    for key in keys.values():
        assert search(hospital, key, epc=f"{ITEM}1") == [("123452", "1")]  # and not once more for the other's
    assert before == {"northgate": ["link-1", "link-2", "link-3"], "mercy": ["link-1"]}
    asked = {"patient": PATIENT, "reason": "request of 3 May, article 17"}
    gone = with_key(hospital, officers[first], "POST", "/patients/erasures", json=asked).json()
    assert gone == {"events": {"northgate": 2, "mercy": 1}[first]}
    assert "link-1" not in told(first)
    assert with_key(hospital, keys[first], "GET", "/epcis/events/urn:uuid:link-1").status_code == 404
    assert told(other) == before[other]
    one = with_key(hospital, keys[other], "GET", "/epcis/events/urn:uuid:link-1")
    assert one.status_code == 200
    assert "0000012345" in one.text or "401234500000123452" in one.text
    assert search(hospital, keys[other], epc=f"{ITEM}1") == [("123452", "1")]
    # The patient comes back to the first, whose key is another now; then the other erases too.
    assert captured_by(hospital, keys[first], link(7, PATIENT, WARD)).status_code == 202
    assert "link-1" not in told(first)
    assert told(other) == before[other]
    gone = with_key(hospital, officers[other], "POST", "/patients/erasures", json=asked).json()
    assert gone == {"events": {"northgate": 2, "mercy": 1}[other]}
    assert "link-1" not in told(other)
    assert told(first)[-1] == "link-7"


def test_what_one_organisation_takes_back_stays_the_others_who_captured_it_too(hospital: Site) -> None:
    """Rejects a declaration in error that closes another organisation's link, or is shown to it."""
    created = hospital.request("admin", "POST", "/admin/organisations", json={
        "id": MERCY, "name": "Mercy Hospital", "companyPrefixes": ["506000000000"]})  # fmt: skip
    assert created.status_code in (200, 201), created.text
    mercy, clinical = new_key(hospital, MERCY, "clinical")["key"], hospital.server.keys["northgate-clinical"]
    assert captured_by(hospital, mercy, link(1, PATIENT, THEATRE)).status_code == 202
    mistaken = {"declarationTime": "2026-05-09T10:00:00Z", "reason": "did_not_occur"}
    wrong = link(1, PATIENT, THEATRE, errorDeclaration=mistaken)
    assert captured_by(hospital, clinical, wrong).status_code == 202
    assert search(hospital, clinical, epc=f"{ITEM}1") == []
    assert search(hospital, mercy, epc=f"{ITEM}1") == [("123452", "1")]
    assert "did_not_occur" not in with_key(hospital, mercy, "GET", "/epcis/events?perPage=100").text


def test_a_role_without_patients_cannot_capture_one_in_a_document(hospital: Site) -> None:
    body = orjson.dumps(document(link(5, PATIENT, THEATRE)))
    refused = hospital.capture("northgate-supply", body)
    assert refused.status_code == 403
    assert not any(one in refused.text for one in SPELLINGS)


def test_what_names_a_patient_from_the_wrong_role_waits_in_quarantine_until_it_is_released(hospital: Site) -> None:
    """Rejects a refusal that loses the event, and a quarantine that shows it to whoever sent it."""
    officer = new_key(hospital, NORTHGATE, "privacy_officer", name="Ada")["key"]
    supply, clinical = (hospital.server.keys[name] for name in ("northgate-supply", "northgate-clinical"))
    for _ in range(2):
        refused = captured_by(hospital, supply, link(6, PATIENT, THEATRE))
        assert refused.json()["errors"][0]["code"] == "private_event"
    for name in ("northgate-supply", "cordia", "admin"):
        assert hospital.request(name, "GET", "/quarantine").status_code == 403
    for key in (clinical, officer):
        (one,) = with_key(hospital, key, "GET", "/quarantine").json()["events"]
        assert (one["role"], one["findings"][0]["code"]) == ("supply", "private_event")
        assert not any(spelling in str(one) for spelling in SPELLINGS)
    path = f"/quarantine/{one['id']}"
    assert with_key(hospital, officer, "GET", path).status_code == 403
    assert with_key(hospital, clinical, "GET", path).json()["event"]["parentID"] == PATIENT
    assert search(hospital, clinical, epc=f"{ITEM}6") == []
    assert with_key(hospital, officer, "POST", f"{path}/release").status_code == 403
    assert with_key(hospital, clinical, "POST", f"{path}/release").json() == {"eventID": "urn:uuid:link-6"}
    assert search(hospital, clinical, epc=f"{ITEM}6") == [("123452", "6")]
    assert with_key(hospital, clinical, "GET", "/quarantine").json()["events"] == []
    assert with_key(hospital, clinical, "POST", f"{path}/release").status_code == 404
    done = [one["action"] for one in with_key(hospital, officer, "GET", "/audit?perPage=1000").json()["entries"]]
    assert done.count("quarantined") == done.count("quarantine released") == 1


def test_fields_and_patterns_that_tell_of_a_patient_are_refused_in_shared_events(open_site: Callable[..., Any]) -> None:
    """Rejects a search for GSRNs alone, which a medical record number in an extension field walks past."""
    with open_site(patient_patterns=[r"\bMRN[- ]?[0-9]{6}\b"]) as site:
        officer = new_key(site, NORTHGATE, "privacy_officer")["key"]
        context = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                   {"mcx": "https://ns.traceward.org/consignment/", "ex": "https://ex.example/"}]  # fmt: skip
        hiding = (
            {"mcx:patientName": "Ada"},
            {"ex:PATIENT-ID": "7"},
            {"ex:Geburtsdatum": "1990-01-01"},
            {"ex:last_name": "Ada"},
            {"ex:case": {"ex:details": [{"ex:dateOfBirth": "1990-01-01"}]}},
            {"ilmd": {"ex:medical_record_number": "7"}},
            {"ex:note": "see MRN-123456"},
            {"bizTransactionList": [{"type": "po", "bizTransaction": "https://ex.example/MRN123456"}]},
        )
        for number, field in enumerate(hiding):
            event = bare_event(eventID=f"urn:uuid:hidden-{number}", action="ADD", **field)
            body = orjson.dumps(document(event) | {"@context": context})
            for name in ("northgate-supply", "northgate-clinical", "cordia"):
                refused = site.capture(name, body)
                assert refused.status_code == 403, (name, field, refused.text)
                assert refused.json()["errors"][0]["code"] == "patient_content"
                assert "123456" not in refused.text
                assert "Ada" not in refused.text
        events = with_key(site, officer, "GET", "/quarantine").json()["events"]
        assert len(events) == len(hiding)
        for one in events:
            assert with_key(site, officer, "DELETE", f"/quarantine/{one['id']}").status_code == 204
        assert with_key(site, officer, "GET", "/quarantine").json()["events"] == []
        innocent = ({"ex:patience": "much"}, {"ex:subjectMatter": "valves"}, {"ex:mrna": "no"}, {"ex:note": "MRN"})
        for number, field in enumerate(innocent):
            event = bare_event(eventID=f"urn:uuid:innocent-{number}", **field)
            taken = site.capture("cordia", orjson.dumps(document(event) | {"@context": context}))
            assert taken.status_code == 202, (field, taken.text)


def test_a_shared_event_that_names_who_captured_it_is_refused(open_site: Callable[..., Any]) -> None:
    """Rejects a server that hands a hospital's staff numbers (GSRNP) to the supplier inside shared events."""
    with open_site() as site:
        context = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                   dict.fromkeys(("mcx", "other"), "https://ns.traceward.org/consignment/")]  # fmt: skip
        for number, name in enumerate(("mcx:capturedBy", "other:capturedBy", r"mcx:captured\u0042y")):
            event = bare_event(eventID=f"urn:uuid:staff-{number}", action="ADD")
            event["@NAME@"] = "urn:epc:id:gsrnp:4012345.0000000007"
            body = orjson.dumps(document(event) | {"@context": context}).replace(b"@NAME@", name.encode())
            refused = site.capture("northgate-supply", body)
            assert refused.status_code == 403, (name, refused.text)
            assert refused.json()["errors"][0]["code"] == "staff_identifier"
            assert "0000000007" not in refused.text
