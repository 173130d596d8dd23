"""Show 7: the 47 published example files come back as they were sent; eventIDs that are used twice get 409."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared_data import shared
from traceward.epcis.extension import Context
from traceward.epcis.identity import expand

from .conftest import Site

FOLDER = "standard/examples/gs1/json"
#: Each file has a server of its own: in parts, so that they can run side by side.
PARTS = 6


def example_files() -> list[Path]:
    """The published files, in a fixed order."""
    return sorted(shared(FOLDER).rglob("*.jsonld"))


def event_list(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a document, a query document, or a bare event."""
    if document["type"] == "EPCISDocument":
        found: list[dict[str, Any]] = document["epcisBody"]["eventList"]
        return found
    if document["type"] == "EPCISQueryDocument":
        return list(document["epcisBody"]["queryResults"]["resultsBody"]["eventList"])
    return [document]


def meaning(document: dict[str, Any], event: dict[str, Any], *, assigned: bool) -> bytes:
    """What an event says, whatever its spelling: expanded, sorted, without an id that the server gave."""
    own = event.get("@context", document["@context"])
    outer = document["@context"] if isinstance(document["@context"], list) else [document["@context"]]
    context = Context.of([*outer, *(own if isinstance(own, list) else [own])])
    expanded = expand(orjson.loads(orjson.dumps(event)), context)
    if assigned:
        expanded.pop("eventID", None)
    return orjson.dumps(expanded, option=orjson.OPT_SORT_KEYS)


def send(site: Site, body: bytes, document: dict[str, Any]) -> int:
    """The status of capturing an example file."""
    path = "/epcis/capture" if document["type"] in {"EPCISDocument", "EPCISQueryDocument"} else "/epcis/events"
    headers = {"Content-Type": "application/json"}
    return site.request("northgate-clinical", "POST", path, content=body, headers=headers).status_code


def test_there_are_47_files() -> None:
    assert len(example_files()) == 47


@pytest.mark.parametrize("part", range(PARTS))
def test_each_published_file_comes_back_equal_from_an_empty_database(part: int, open_site: Callable[..., Any]) -> None:
    """Rejects a store that loses extensions, own contexts, offsets or number text, and one that answers in another
    form than it was asked for.
    """
    for file in example_files()[part::PARTS]:
        body = file.read_bytes()
        document = orjson.loads(body)
        sent = event_list(document)
        with open_site() as site:
            assert send(site, body, document) in {201, 202}, file.name
            for epc_format in ("Never_Translates", "Always_GS1_Digital_Link"):
                answer = site.request(
                    "northgate-clinical",
                    "GET",
                    "/epcis/events?perPage=1000&orderDirection=ASC",
                    headers={"GS1-EPC-Format": epc_format},
                ).json()
                given = event_list(answer)
                assert all("recordTime" in event and "eventID" in event for event in given)
                assigned = any("eventID" not in event for event in sent)
                assert sorted(meaning(answer, event, assigned=assigned) for event in given) == sorted(
                    {meaning(document, event, assigned=assigned) for event in sent}
                ), (file.name, epc_format)


def test_together_exactly_those_files_that_use_an_eventID_again_get_409(open_site: Callable[..., Any]) -> None:
    """Rejects a server that lets one party give an id to two contents, or refuses what it has stored already."""
    contents: defaultdict[str, set[bytes]] = defaultdict(set)
    refused: list[str] = []
    expected: list[str] = []
    with open_site() as site:
        for file in example_files():
            body = file.read_bytes()
            document = orjson.loads(body)
            named = {
                event["eventID"]: meaning(document, event, assigned=False)
                for event in event_list(document)
                if "eventID" in event and "errorDeclaration" not in event
            }
            taken = any(contents[name] - {content} for name, content in named.items())
            if taken:
                expected.append(file.name)
            if send(site, body, document) == 409:
                refused.append(file.name)
            else:
                for name, content in named.items():
                    contents[name].add(content)
    assert refused == expected
    assert refused


def test_a_supplier_keeps_events_with_service_relations_to_itself(site: Site) -> None:
    """Rejects refusing a supplier's own documents for a GSRN in them, and showing those to anyone else."""
    event = {
        "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "type": "ObjectEvent", "eventTime": "2026-05-01T10:00:00Z", "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE", "bizStep": "shipping", "epcList": ["urn:epc:id:sgtin:9521141.001023.GSRN-1"],
        "destinationList": [{"type": "owning_party", "destination": "urn:epc:id:pgln:4012345.00000"}],
        "bizTransactionList": [{"bizTransaction": "urn:epc:id:gsrn:9521141.0000010253"}],
    }  # fmt: skip
    created = site.request("cordia", "POST", "/epcis/events", json=event)
    assert created.status_code == 201, created.text
    assert [one["eventID"] for one in site.events("cordia")] == [created.json()["eventID"]]
    for name in ("northgate-clinical", "northgate-supply", "rival-supplier"):
        assert site.events(name) == []
