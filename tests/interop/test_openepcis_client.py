"""openepcis-client (PyPI), as published, captures and reads against our server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import requests
from openepcis_client.core.client import Client
from openepcis_client.core.config import ClientConfig
from openepcis_client.core.errors import OpenEpcisError
from openepcis_client.events import (
    Capture,
    Query,
    aggregation_event,
    biz_transaction,
    document,
    error_declaration,
    instance_uri,
    object_event,
    party,
    quantity_element,
    sscc_uri,
    transaction_event,
    transformation_event,
)

from live_server import LiveServer

NOON = datetime(2020, 6, 6, 12, tzinfo=timezone(timedelta(hours=2)))
GTIN, GLN = "4012345000016", "4012345000009"
ITEM, OTHER = instance_uri(GTIN, serial="PY1"), instance_uri(GTIN, serial="PY2")
ORDER = biz_transaction("po", "WH/OUT/00007", gln=GLN)
PAGED = 25


class _Key:
    """A bearer key where the client would fetch a token of an identity provider."""

    def __init__(self, key: str) -> None:
        self._key = key

    def bearer(self) -> str:
        return self._key

    def invalidate(self) -> None:
        """A key does not renew itself."""


@pytest.fixture(scope="module")
def client(foreign_server: LiveServer) -> Iterator[Client]:
    with requests.Session() as session:
        session.headers["Prefer"] = "page-token=body"
        yield Client(ClientConfig(f"{foreign_server.url}/epcis"), _Key(foreign_server.keys["cordia"]), session)


def stored(client: Client, *events: dict[str, Any]) -> tuple[str, ...]:
    """The ids of these events, captured to the end of their job."""
    capture = Capture(client)
    receipt = capture.submit(document(events))
    assert receipt.answerable
    outcome = capture.outcome(receipt)
    assert (outcome.known, outcome.settled, outcome.success, outcome.errors) == (True, True, True, ())
    return receipt.event_ids


EVENTS = {
    "object": object_event(
        action="ADD",
        event_time=NOON,
        biz_step="commissioning",
        disposition="active",
        epcs=[ITEM],
        quantities=[quantity_element(instance_uri(GTIN, lot="L1"), 12.5, "KGM")],
        read_point=GLN,
        biz_location=GLN,
        biz_transactions=[ORDER],
        source_list=[("owning_party", party(GLN))],
        destination_list=[("owning_party", party("4023456000006"))],
    ),
    "aggregation": aggregation_event(
        action="ADD", event_time=NOON, parent_id=sscc_uri("340123450000000012"), child_epcs=[ITEM], read_point=GLN
    ),
    "transaction": transaction_event(action="ADD", event_time=NOON, biz_transactions=[ORDER], epcs=[ITEM]),
    "transformation": transformation_event(event_time=NOON, input_epcs=[ITEM], output_epcs=[OTHER], read_point=GLN),
}


def test_the_client_finds_both_endpoints(client: Client) -> None:
    assert Capture(client).check() == ""
    assert Query(client).check() == ""


@pytest.mark.parametrize("kind", EVENTS)
def test_each_type_of_event_that_it_builds_is_captured(client: Client, kind: str) -> None:
    stored(
        client, EVENTS[kind] | {"eventID": f"urn:uuid:0b1e5a52-5d0c-4c39-9f00-0000000000{list(EVENTS).index(kind):02d}"}
    )


def test_a_document_of_all_types_and_one_without_ids_are_captured(client: Client) -> None:
    assert stored(client, *EVENTS.values()) == ()


def test_an_error_declaration_is_captured_and_read_beside_its_event(client: Client) -> None:
    lone = object_event(
        action="OBSERVE",
        event_time=NOON,
        epcs=[instance_uri(GTIN, serial="PY-DECLARED")],
        event_identifier="urn:uuid:7f4d9e0c-95cb-4f5f-8f00-000000000001",
    )
    stored(client, lone)
    declared = lone | {
        "errorDeclaration": error_declaration(
            reason="incorrect_data", declaration_time=datetime(2020, 7, 1, tzinfo=UTC)
        )
    }
    stored(client, declared)
    found = Query(client).for_epc(instance_uri(GTIN, serial="PY-DECLARED"))
    assert sorted("errorDeclaration" in event for event in found) == [False, True]


def test_every_event_since_a_time_is_read_page_after_page(client: Client) -> None:
    """The client reads the token from the answer's body, and sends it without the query's own parameters.

    Its session, which its user may bring, has to ask for that body: see docs/conformance.md.
    """
    before = datetime.now(UTC).isoformat()
    serials = [f"PAGE{number:02d}" for number in range(PAGED)]
    stored(
        client,
        *(
            object_event(action="OBSERVE", event_time=NOON, epcs=[instance_uri(GTIN, serial=serial)])
            for serial in serials
        ),
    )
    found = [event["epcList"][0] for event in Query(client).since(before, per_page=10)]
    assert sorted(found) == [instance_uri(GTIN, serial=serial) for serial in serials]


def test_a_refusal_reaches_its_user_in_our_words(client: Client) -> None:
    wrong = object_event(action="ADD", event_time=NOON, biz_step="flying", epcs=[ITEM])
    with pytest.raises(OpenEpcisError, match="flying") as refused:
        Capture(client).submit(document([wrong]))
    assert refused.value.status == 400


def test_a_key_that_is_not_ours_is_refused_and_told(foreign_server: LiveServer) -> None:
    stranger = Client(ClientConfig(f"{foreign_server.url}/epcis"), _Key("tw_nobody_nothing"))
    assert "did not accept the credential" in Capture(stranger).check()
