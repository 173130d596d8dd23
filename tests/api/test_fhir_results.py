"""How FHIR searches give their results: summaries, order, totals, pages; and what OPTIONS tells."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.conftest import Site
from api.flows import day, delivered, lot, serial
from api.test_agreements import SCREW
from api.test_fhir import CLINICAL, DOCK, SUPPLIER, SUPPLY, VALVE, bundle, patient_id, resources, valid

STRICT = {"Prefer": "handling=strict"}
NEVER_SUMMED = {"Device": {"note", "lotNumber"}, "SupplyDelivery": {"suppliedItem"}, "Provenance": {"entity"}}


def all_pages(site: Site, name: str, path: str) -> list[Any]:
    """The resources of a search over all its pages, one resource to a page."""
    page = bundle(site, name, f"{path}&_count=1", headers=STRICT)
    found = resources(page)
    while links := [link["url"] for link in page["link"] if link["relation"] == "next"]:
        page = valid(site.get(name, links[0].removeprefix(site.server.url)))
        assert len(resources(page)) == 1
        found += resources(page)
    assert len(found) == page["total"]
    return found


@pytest.fixture(scope="module")
def received(open_site: Any) -> Iterator[Site]:
    """A server with eight receipts of two lines each, the later ones captured first."""
    with open_site() as site:
        for number in range(8):
            goods = serial(VALVE, f"R{number}") | lot(SCREW, f"R{number}", 5)
            delivered(site, goods, day(900), days=-3 - number * 5)
        yield site


def test_pages_of_what_is_in_a_patient_hold_each_once(story: Site) -> None:
    patient = patient_id(story)
    for path in (f"Device?udi-di={VALVE}", f"DeviceUseStatement?patient={patient}"):
        whole = resources(bundle(story, CLINICAL, path))
        assert len(whole) >= 2
        assert all_pages(story, CLINICAL, path) == whole


def test_pages_of_receipts_hold_each_line_once_in_the_order_that_was_asked_for(received: Site) -> None:
    """Rejects pages that begin behind an id, of a list that is in another order: lines would be lost."""
    path, story = "SupplyDelivery?date=ge2026-01-01", received
    assert len({one["id"] for one in all_pages(story, SUPPLY, path)}) == 16
    for sort, key in (("_id", "id"), ("date", "occurrenceDateTime")):
        forward = [one[key] for one in all_pages(story, SUPPLY, f"{path}&_sort={sort}")]
        assert forward == sorted(forward)
        assert [one[key] for one in all_pages(story, SUPPLY, f"{path}&_sort=-{sort}")] == forward[::-1]


@pytest.mark.parametrize(
    "path", [f"Device?udi-di={VALVE}", "SupplyDelivery?date=ge2026-01-01", f"List?location={DOCK}"]
)
def test_a_summary_has_what_FHIR_marks_and_says_that_it_is_one(story: Site, path: str) -> None:
    """Rejects a summary that is the whole resource, that is no valid one, or whose next page is whole again."""
    whole = {one["id"]: one for one in resources(bundle(story, SUPPLY, path))}
    summed = all_pages(story, SUPPLY, f"{path}&_summary=true")
    assert {one["id"] for one in summed} == set(whole)
    for one in summed:
        assert one["meta"]["tag"][0]["code"] == "SUBSETTED"
        assert set(one) - {"meta"} < set(whole[one["id"]])
        assert not NEVER_SUMMED.get(one["resourceType"], set()) & set(one)


def test_a_total_is_given_unless_none_is_wanted(story: Site) -> None:
    path = f"Device?udi-di={VALVE}"
    assert "total" not in bundle(story, SUPPLY, f"{path}&_total=none", headers=STRICT)
    for total in ("accurate", "estimate"):
        assert bundle(story, SUPPLY, f"{path}&_total={total}", headers=STRICT)["total"] == 2
    counted = bundle(story, SUPPLY, f"{path}&_summary=count&_total=none")
    assert (counted["total"], resources(counted)) == (2, [])


def test_a_product_is_found_by_its_code_with_the_agency_that_gave_it(story: Site) -> None:
    issuer = "http://hl7.org/fhir/NamingSystem/gs1-di"
    plain = resources(bundle(story, SUPPLIER, f"Device?udi-di={VALVE}"))
    assert resources(bundle(story, SUPPLIER, f"Device?udi-di={issuer}|{VALVE}")) == plain
    assert resources(bundle(story, SUPPLIER, f"Device?udi-di=|{VALVE}")) == plain
    assert resources(bundle(story, SUPPLIER, f"Device?udi-di=http://hl7.org/fhir/NamingSystem/hibcc|{VALVE}")) == []


def test_receipts_are_completed_deliveries_and_nothing_else_is(story: Site) -> None:
    for narrowing in ("date=ge2026-01-01", f"location={DOCK}"):
        every = resources(bundle(story, SUPPLY, f"SupplyDelivery?{narrowing}"))
        assert every
        assert resources(bundle(story, SUPPLY, f"SupplyDelivery?{narrowing}&status=completed")) == every
        assert resources(bundle(story, SUPPLY, f"SupplyDelivery?{narrowing}&status=in-progress")) == []


@pytest.mark.parametrize(
    "query", ["_sort=color", "_sort=date", "_sort=_id,-_id", "_summary=some", "_total=many", "status=lost&_sort=_id"]
)
def test_what_is_no_way_to_give_results_is_refused(story: Site, query: str) -> None:
    answer = story.request(SUPPLY, "GET", f"/fhir/Device?udi-di={VALVE}&{query}", headers=STRICT)
    assert answer.status_code == 400, answer.text
    assert valid(answer.json())["issue"][0]["code"] == "invalid"


@pytest.mark.parametrize("path", ["", "/Device", "/Device/x"])
def test_OPTIONS_tells_what_can_be_done(story: Site, path: str) -> None:
    answer = story.request(None, "OPTIONS", f"/fhir{path}")
    assert (answer.status_code, answer.headers["allow"]) == (200, "GET, POST, OPTIONS")
    assert valid(answer.json())["resourceType"] == "CapabilityStatement"
