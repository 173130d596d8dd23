"""orderBy an extension field: numbers as numbers, times as instants, texts by code point, absent ones last."""

from typing import Any

import pytest

from .conftest import Site

STANDARD = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
VALUES: list[Any] = ["10", "9", "2026-01-01T00:00:00+01:00", "2025-12-31T23:30:00Z", "b", "Zeta", "a", None, "9.5"]


def captured(site: Site) -> None:
    events = []
    for index, value in enumerate(VALUES):
        event = {
            "type": "ObjectEvent", "eventTime": f"2026-05-{28 - index:02}T10:00:00Z", "eventTimeZoneOffset": "+00:00",
            "action": "OBSERVE", "bizStep": "inspecting", "epcList": [f"urn:epc:id:sgtin:9521141.001023.O{index}"],
        }  # fmt: skip
        events.append(event | ({"mcx:grade": value} if value is not None else {}))
    document = {
        "@context": [STANDARD, {"mcx": "https://ns.traceward.org/consignment/"}], "type": "EPCISDocument",
        "schemaVersion": "2.0", "creationDate": "2026-05-30T00:00:00Z", "epcisBody": {"eventList": events},
    }  # fmt: skip
    answer = site.request("cordia", "POST", "/epcis/capture", json=document)
    assert answer.status_code == 202, answer.text


def grades(site: Site, query: str) -> list[Any]:
    return [event.get("mcx:grade") for event in site.events("cordia", "orderBy=mcx:grade&" + query)]


ASCENDING = ["9", "9.5", "10", "2026-01-01T00:00:00+01:00", "2025-12-31T23:30:00Z", "Zeta", "a", "b", None]


def test_values_are_ordered_by_what_they_mean_and_absent_ones_stand_last(site: Site) -> None:
    """EPCIS 2.0 8.2.7.1, orderBy. Rejects text order of numbers ("10" < "9"), and letter case that is ignored."""
    captured(site)
    assert grades(site, "orderDirection=ASC") == ASCENDING
    assert grades(site, "") == [*reversed(ASCENDING[:-1]), None]
    assert grades(site, "orderDirection=ASC&eventCountLimit=3") == ASCENDING[:3]


@pytest.mark.parametrize("limit", [None, 5])
def test_pages_give_every_event_once_in_that_order(site: Site, limit: int | None) -> None:
    """Rejects pages cut by event time, and a count limit that starts anew on each page."""
    captured(site)
    url: str | None = "/epcis/events?orderBy=mcx:grade&orderDirection=ASC&perPage=2"
    url = url + f"&eventCountLimit={limit}" if limit else url
    seen: list[Any] = []
    while url is not None:
        answer = site.request("cordia", "GET", url)
        assert answer.status_code == 200, answer.text
        results = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        seen += [event.get("mcx:grade") for event in results]
        link = answer.headers.get("link")
        url = link[1 : link.index(">")] if link else None
    assert seen == ASCENDING[: limit or len(ASCENDING)]
