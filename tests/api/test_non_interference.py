"""The strongest privacy test: servers that differ only in what a caller may not see answer it alike, byte for byte."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest

from shared_data import shared

from .conftest import BACKENDS, PARTY_FILES, Site
from .test_epcis_binding import bare_event, document

HIDDEN = (
    bare_event(
        eventID="urn:uuid:hidden-1",
        action="ADD",
        bizStep="commissioning",
        epcList=["https://id.gs1.org/01/09506000117843/21/H1", "https://id.gs1.org/01/09506000117843/21/H2"],
        readPoint={"id": "https://id.gs1.org/414/9506000000008/254/HIDDEN"},
        bizLocation={"id": "https://id.gs1.org/414/9506000000008/254/HIDDEN"},
        quantityList=[{"epcClass": "https://id.gs1.org/01/09506000134352/10/HL", "quantity": 9}],
    ),
    bare_event(
        eventID="urn:uuid:hidden-2",
        bizStep="holding",
        disposition="recalled",
        epcList=["https://id.gs1.org/01/09506000117843/21/H1"],
        bizLocation={"id": "https://id.gs1.org/414/9506000000008/254/QUAR"},
    ),
)


@pytest.fixture(scope="module", params=BACKENDS)
def pair(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[tuple[Site, Site]]:
    """Two servers with the storyline; the second one also has events of the rival and the hospital's patients."""
    with ExitStack() as stack:
        plain = stack.enter_context(open_site(request.param))
        richer = stack.enter_context(open_site(request.param))
        without_patients = _without_private(shared(f"examples/{PARTY_FILES['northgate-clinical']}").read_bytes())
        cordia = shared(f"examples/{PARTY_FILES['cordia']}").read_bytes()
        for site in (plain, richer):
            assert site.job("cordia", site.capture("cordia", cordia))["success"]
        assert plain.job("northgate-clinical", plain.capture("northgate-clinical", without_patients))["success"]
        hidden = orjson.dumps(document(*HIDDEN))
        assert richer.job("rival-supplier", richer.capture("rival-supplier", hidden))["success"]
        whole = shared(f"examples/{PARTY_FILES['northgate-clinical']}").read_bytes()
        assert richer.job("northgate-clinical", richer.capture("northgate-clinical", whole))["success"]
        yield plain, richer


PROBES = (
    "/epcis/events?perPage=1000",
    "/epcis/events?perPage=5",
    "/epcis/events?orderBy=recordTime&perPage=1000",
    "/epcis/events?maxEventCount=24",
    "/epcis/events?MATCH_anyEPC=https://id.gs1.org/01/09506000117843/21/H1",
    "/epcis/events?MATCH_anyEPCClass=https://id.gs1.org/01/09506000134352/10/HL",
    "/epcis/events?EQ_bizStep=installing",
    "/epcis/events?EQ_bizLocation=https://id.gs1.org/414/9506000000008/254/HIDDEN",
    "/epcis/events?eventType=AssociationEvent",
    "/epcis/events/urn:uuid:hidden-1",
    "/epcis/events/urn:uuid:00000000-0000-4000-8000-000000000012",
    "/epcis/eventTypes",
    "/epcis/eventTypes/AssociationEvent/events",
    "/epcis/epcs?perPage=1000",
    "/epcis/epcs/https%3A%2F%2Fid.gs1.org%2F01%2F09506000117843%2F21%2FH1",
    "/epcis/bizSteps",
    "/epcis/bizSteps/installing",
    "/epcis/bizLocations",
    "/epcis/readPoints",
    "/epcis/dispositions",
    "/consignment/stock?asOf=2026-06-30",
    "/consignment/stock?asOf=2028-12-31",
    "/consignment/ownership-transfers",
    "/consignment/conflicts",
    "/consignment/conflicts?asOf=2026-06-30",
    "/consignment/places",
    "/trace/lot?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30",
    "/trace/lot?gtin=09506000134352&lot=HL&asOf=2026-06-30",
    "/trace/item?epc=https://id.gs1.org/01/09506000117843/21/H1&asOf=2026-06-30",
    "/trace/item?epc=https://id.gs1.org/01/09521141010235/21/V23-0007&asOf=2028-12-31",
)


@pytest.mark.parametrize("name", ["cordia", "northgate-supply"])
@pytest.mark.parametrize("probe", PROBES)
def test_hidden_events_change_no_byte_of_any_answer(pair: tuple[Site, Site], name: str, probe: str) -> None:
    """Rejects counts, pages, lists, error texts and ledgers that hidden events show through."""
    plain, richer = (site.request(name, "GET", probe) for site in pair)
    assert plain.status_code == richer.status_code
    assert _timeless(plain.text) == _timeless(richer.text)
    assert ("link" in plain.headers) == ("link" in richer.headers)


def _without_private(body: bytes) -> bytes:
    whole = orjson.loads(body)
    events = whole["epcisBody"]["eventList"]
    whole["epcisBody"]["eventList"] = [event for event in events if event["type"] != "AssociationEvent"]
    return orjson.dumps(whole)


def _timeless(text: str) -> Any:
    """The answer without the times at which its two servers recorded and answered."""
    body = orjson.loads(text)

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(entry) for key, entry in value.items() if key not in {"recordTime", "creationDate"}}
        return [walk(entry) for entry in value] if isinstance(value, list) else value

    return walk(body)
