"""Bad input over HTTP: every finding with path and clause, hostile JSON refused cheaply, nothing half-written."""

import os
import time
from collections.abc import Callable
from typing import Any

import orjson
import psutil
import pytest

from shared_data import shared

from .conftest import BACKENDS, Site
from .planted import NORTHGATE
from .test_epcis_binding import bare_event, document

JSON_CONTENT = {"Content-Type": "application/json"}


def refused(site: Site, body: bytes, path: str = "/epcis/capture") -> dict[str, Any]:
    """The problem of a capture that must be refused with 400."""
    answer = site.request("cordia", "POST", path, content=body, headers=JSON_CONTENT)
    assert answer.status_code == 400, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    return problem


def test_rollback_answers_every_finding_with_its_path_and_clause_and_stores_nothing(site: Site) -> None:
    """Rejects a validator that stops at the first mistake, and one that stores the good events all the same."""
    events = [
        bare_event(eventID="urn:uuid:1"),
        bare_event(bizStep="consuming"),
        bare_event(action="ZAP", eventTimeZoneOffset="Z"),
        bare_event(quantityList=[{"epcClass": "https://id.gs1.org/01/09521141060001/10/B1", "quantity": -1}]),
    ]
    problem = refused(site, orjson.dumps(document(*events)))
    assert problem["type"] == "epcisException:ValidationException"
    paths = [finding["path"] for finding in problem["errors"]]
    assert "eventList[1].bizStep" in paths
    assert "eventList[2].action" in paths
    assert "eventList[2].eventTimeZoneOffset" in paths
    assert any(path.startswith("eventList[3].quantityList[0]") for path in paths)
    assert all(finding["clause"] and finding["message"] for finding in problem["errors"])
    assert {finding["eventIndex"] for finding in problem["errors"]} == {1, 2, 3}
    assert site.events("cordia") == []
    assert site.get("cordia", "/epcis/capture") == []


def test_proceed_stores_the_good_events_and_lists_each_bad_one(site: Site) -> None:
    """Rejects proceed that stores nothing, or tells only how many failed."""
    events = [bare_event(eventID="urn:uuid:1"), bare_event(bizStep="consuming"), bare_event(eventID="urn:uuid:3")]
    accepted = site.capture("cordia", orjson.dumps(document(*events)), **{"GS1-Capture-Error-Behaviour": "proceed"})
    job = site.job("cordia", accepted)
    assert (job["running"], job["success"], job["captureErrorBehaviour"]) == (False, False, "proceed")
    (problem,) = job["errors"]
    assert problem["errors"][0]["path"] == "eventList[1].bizStep"
    assert {event["eventID"] for event in site.events("cordia")} == {"urn:uuid:1", "urn:uuid:3"}


def test_an_eventID_names_one_content_of_a_party(site: Site) -> None:
    """Rejects 409 for another party's content, and silence for one's own."""
    first = bare_event(eventID="urn:uuid:1")
    assert site.request("cordia", "POST", "/epcis/events", json=first).status_code == 201
    assert site.request("cordia", "POST", "/epcis/events", json=first).status_code == 201
    other = bare_event(eventID="urn:uuid:1", bizStep="storing")
    taken = site.request("cordia", "POST", "/epcis/events", json=other)
    assert taken.status_code == 409
    assert taken.json()["type"] == "epcisException:ResourceAlreadyExistsException"
    assert site.request("rival-supplier", "POST", "/epcis/events", json=other).status_code == 201
    in_document = site.capture("cordia", orjson.dumps(document(bare_event(eventID="urn:uuid:2"), other)))
    assert in_document.status_code == 409
    assert in_document.json()["errors"][0]["path"] == "eventList[1].eventID"
    assert len(site.events("cordia")) == 1


def test_an_event_without_id_gets_one_that_a_retry_finds_again(site: Site) -> None:
    """Rejects random ids: each retry would be a new event."""
    event = bare_event()
    made = [site.request("cordia", "POST", "/epcis/events", json=event) for _ in range(3)]
    assert {answer.status_code for answer in made} == {201}
    (event_id,) = {answer.json()["eventID"] for answer in made}
    assert event_id.startswith("ni:///sha-256;")
    assert len(site.events("cordia")) == 1


def test_two_contents_with_one_event_hash_are_two_events(site: Site) -> None:
    """The event hash of lot 00123 is that of lot 123. Rejects the hash as identity."""
    for lot in ("00123", "123", "00123"):
        event = bare_event(action="ADD", ilmd={"cbvmda:lotNumber": lot})
        assert site.request("cordia", "POST", "/epcis/events", json=event).status_code == 201
    found = site.events("cordia")
    assert sorted(event["ilmd"]["cbvmda:lotNumber"] for event in found) == ["00123", "123"]
    assert len({event["eventID"] for event in found}) == 2


def test_what_only_the_server_may_say_is_not_taken_from_a_client(site: Site) -> None:
    """Rejects a recordTime of the sender's, and unknown server fields taken from a body."""
    event = bare_event(eventID="urn:uuid:1", recordTime="1999-01-01T00:00:00Z")
    assert site.request("cordia", "POST", "/epcis/events", json=event).status_code == 201
    assert site.events("cordia")[0]["recordTime"] > "2020"
    refused(site, orjson.dumps(bare_event(captureID="x")), "/epcis/events")


def test_the_patient_in_a_stock_event_makes_it_private_and_says_so(site: Site) -> None:
    """Rejects a shared event that carries a GSRN in an extension."""
    event = bare_event(eventID="urn:uuid:1", **{"mcx:note": "gsrn (8018)401234500000123452"})
    event["@context"] = [event["@context"], {"mcx": "https://ns.traceward.org/consignment/"}]
    assert site.request("northgate-supply", "POST", "/epcis/events", json=event).status_code == 403
    assert site.request("northgate-clinical", "POST", "/epcis/events", json=event).status_code == 201
    assert len(site.events("northgate-clinical")) == 1
    assert site.events("northgate-supply") == []
    assert site.get("northgate-clinical", "/consignment/stock")["items"] == []


def hostile_bodies() -> dict[str, bytes]:
    """Hostile bodies, by name; all of them below the byte limit, so that they reach a parser."""
    event = orjson.dumps(document(bare_event()))

    def within(field: bytes) -> bytes:
        return event.replace(b'"action":"OBSERVE"', b'"action":"OBSERVE",' + field)

    deep = {f"depth {depth}": b'{"a":' * depth + b"1" + b"}" * depth for depth in (65, 5_000, 200_000)}
    lists = {f"nested lists {depth}": within(b'"e:x":' + b"[" * depth + b"]" * depth) for depth in (65, 100_000)}
    numbers = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 4_300)
    return (
        deep
        | lists
        | {f"number {text[:9].decode()}": within(b'"quantity":' + text) for text in numbers}
        | {
            "duplicate key": within(b'"eventID":"urn:uuid:1","eventID":"urn:uuid:2"'),
            "lone surrogate": within(b'"eventID":"\\ud800"'),
            "nul": within(b'"eventID":"a\\u0000b"'),
            "utf-16": event.decode().encode("utf-16"),
            "latin-1": within('"eventID":"\u00e9"'.encode("latin-1")),
            "two million empty lists": b'{"a":[' + b"[]," * 1_400_000 + b"[]]}",
            "not json": b"<xml/>",
            "empty": b"",
            "cut off": event[:-40],
            "a number": b"5",
            "remote context only": event.replace(b"https://ref.gs1.org", b"https://198.51.100.1"),
        }
    )


@pytest.mark.parametrize("name", sorted(hostile_bodies()))
def test_hostile_json_is_refused_within_a_second_and_100_MB(site_for_attacks: Site, name: str) -> None:
    """Rejects recursion, silent last-key-wins, NaN as a number, and contexts that are fetched."""
    body = hostile_bodies()[name]
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    for path in ("/epcis/capture", "/epcis/events"):
        started = time.process_time()
        answer = site_for_attacks.request("cordia", "POST", path, content=body, headers=JSON_CONTENT)
        if name == "remote context only" and answer.status_code in {201, 202}:
            continue
        assert answer.status_code == 400, answer.text[:300]
        # The processor's clock: other tests may hold the machine, but the parser's own work is what counts.
        assert time.process_time() - started < 1
    assert process.memory_info().rss - before < 100_000_000
    assert site_for_attacks.request("cordia", "GET", "/health/ready").status_code == 200


@pytest.fixture(scope="module")
def site_for_attacks(open_site: Callable[..., Any]) -> Any:
    """One server for all attacks: it must be whole after each of them."""
    with open_site() as opened:
        yield opened


def test_the_published_invalid_cases_are_refused_with_a_message(site_for_attacks: Site) -> None:
    """Show 7: the vectors' invalid documents and events, each with at least one finding that has a message."""
    cases = orjson.loads(shared("standard/vectors/json-schema-edge-cases.json").read_bytes())
    invalid = [case for case in cases if not case["valid_format_asserted"]]
    assert len(invalid) > 10
    for case in invalid:
        problem = refused(site_for_attacks, orjson.dumps(document(case["event"])))
        assert problem["errors"], case["case"]
        assert all(len(finding["message"]) > 10 for finding in problem["errors"]), case["case"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_text_that_no_database_can_keep_is_refused_in_every_body(open_site: Callable[..., Any], backend: str) -> None:
    """Rejects bodies that are checked for their fields alone: PostgreSQL has no U+0000, and UTF-8 no surrogate."""
    invoice = {"hospital": NORTHGATE, "issuedOn": "2026-06-01", "currency": "EUR"}
    line = {"item": "https://id.gs1.org/01/09521141060001/10/B1", "quantity": 1, "unitPrice": "1"}
    element = {"type": "EPCClass", "children": []}
    attribute = {"id": "urn:x:a", "attribute": "%s"}
    bodies: list[tuple[str, str, str, Any]] = [
        ("cordia", "POST", "/invoices", invoice | {"number": "I%s", "lines": [line]}),
        ("admin", "POST", "/onboarding/key", {"host": "urn:x:%s", "partner": "urn:x:y", "role": "supplier"}),
        ("cordia", "PUT", "/masterdata/elements/urn:x:y", element | {"attributes": [attribute]}),
        ("northgate-supply", "POST", "/alerts/none/acknowledge", {"text": "%s"}),
    ]  # fmt: skip
    with open_site(backend) as site:
        for name, method, path, body in bodies:
            for sign in (r"\u0000", r"\ud800", r"\udc00\ud800"):
                text = orjson.dumps(body).replace(b"%s", sign.encode())
                answer = site.request(name, method, path, content=text, headers=JSON_CONTENT)
                assert answer.status_code == 400, (path, sign, answer.status_code, answer.text)
                assert "which is no character" in answer.json()["detail"]
        # An escaped backslash before a "u0000" is text like any other.
        kept = element | {"attributes": [attribute | {"attribute": r"\u0000"}]}
        answer = site.request("cordia", "PUT", "/masterdata/elements/urn:x:y", json=kept)
        assert answer.status_code == 200, answer.text
