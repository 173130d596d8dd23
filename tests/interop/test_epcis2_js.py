"""epcis2.js (npm), as published, captures against our server; what it sent comes back from it."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from live_server import LiveServer

from .node_client import run_script

TYPES = ("ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent")


@pytest.fixture(scope="module")
def outcome(foreign_server: LiveServer) -> Any:
    """What `epcis2_events.cjs` tells of its captures."""
    return run_script("epcis2_events.cjs", f"{foreign_server.url}/epcis", foreign_server.keys["cordia"])


@pytest.fixture
def http(foreign_server: LiveServer) -> Any:
    headers = {"Authorization": f"Bearer {foreign_server.keys['cordia']}"}
    with httpx.Client(base_url=f"{foreign_server.url}/epcis", headers=headers, timeout=30) as client:
        yield client


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_of_event_is_captured_alone(outcome: Any, kind: str) -> None:
    assert outcome["alone"][kind] == {"status": 202, "running": False, "success": True, "errors": []}


@pytest.mark.parametrize("what", ["again", "withoutId", "header", "correction"])
def test_documents_are_captured(outcome: Any, what: str) -> None:
    """The same five together once more, an event without id, one with master data, one with an error declaration."""
    assert outcome[what] == {"status": 202, "running": False, "success": True, "errors": []}


def test_the_events_come_back_as_they_were_sent(outcome: Any, http: httpx.Client) -> None:
    assert len(outcome["sent"]) == len(TYPES)
    for sent in outcome["sent"]:
        found = [
            event
            for event in events_of(
                http.get(f"/events/{quote(sent['eventID'], safe='')}", headers={"GS1-EPC-Format": "Never_Translates"})
            )
            if "errorDeclaration" not in event
        ]
        assert len(found) == 1
        assert found[0] | {"recordTime": None, "@context": None} == sent | {"recordTime": None, "@context": None}


def test_the_client_and_the_server_give_an_event_the_same_hash(outcome: Any, http: httpx.Client) -> None:
    """CBV 2.0, event hash ID: two implementations, one identifier."""
    found = events_of(http.get("/events", params={"MATCH_epc": "https://id.gs1.org/01/04012345000016/21/JS3"}))
    assert [event["eventID"] for event in found] == [outcome["hash"]]


def test_an_error_declaration_stands_beside_its_event(outcome: Any, http: httpx.Client) -> None:
    found = events_of(http.get(f"/events/{quote(outcome['sent'][0]['eventID'], safe='')}"))
    assert sorted("errorDeclaration" in event for event in found) == [False, True]


def test_a_wrong_business_step_is_refused_by_name(outcome: Any) -> None:
    assert outcome["refusal"]["status"] == 400
    assert outcome["refusal"]["problem"]["type"] == "epcisException:ValidationException"
    assert "flying" in str(outcome["refusal"]["problem"])
