"""Uses over HTTP: what they are, how far each has come, what it costs, and to whom none of it is told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site, story_clock
from api.money import (
    BALLOON,
    CLINICAL,
    CORDIA,
    NORTHGATE,
    REPORT,
    SCREW,
    SUPPLY,
    THEATRE,
    VALVE_8,
    agree,
    capture_events,
    lines_of,
    order_event,
    use_event,
)


@pytest.fixture(scope="module", params=BACKENDS)
def told(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """The demo's story under a priced agreement; tests must not change it."""
    with open_site(request.param, demo_storyline=True, injected={"now_us": story_clock()}) as site:
        agree(site)
        yield site


@pytest.fixture
def priced(open_site: Callable[..., Any]) -> Iterator[Site]:
    """The demo's story under a priced agreement, on SQLite."""
    with open_site(demo_storyline=True, injected={"now_us": story_clock()}) as site:
        agree(site)
        yield site


def test_uses_are_told_with_type_report_and_state(told: Site) -> None:
    """Rejects a list of ownership transfers taken for uses: write-off and buy-out are none, and errors stay visible."""
    uses = told.get(SUPPLY, "/usage")["uses"]
    assert [(one["useType"], one["state"]) for one in uses] == [
        ("wasted", "reported"),
        ("implanted", "reported"),
        ("implanted", "declared_in_error"),
        ("consumed", "reported"),
    ]
    assert {one["usageReport"] for one in uses} == {REPORT}
    assert lines_of(told, SUPPLY, "?useType=implanted&state=invoiced") == {
        (SCREW, "2", "invoiced"),
        (VALVE_8, "1", "reported"),
    }


def test_a_use_costs_what_the_agreement_said_at_its_time(told: Site) -> None:
    """Rejects today's price: from April on a screw costs 60."""
    (wasted,) = told.get(SUPPLY, "/usage?useType=wasted")["uses"]
    charge = wasted["lines"][0]["charge"]
    assert (charge["unitPrice"], charge["amount"], charge["currency"]) == ("45.00", "45.00", "EUR")
    implanted, _ = told.get("cordia", "/usage?useType=implanted")["uses"]
    amounts = {line["item"]: line["charge"]["amount"] for line in implanted["lines"]}
    assert amounts == {SCREW: "90.00", VALVE_8: "4200.00"}


def test_the_clinical_role_sees_uses_without_prices_and_papers(told: Site) -> None:
    """Rejects a body that hides the amount but tells by its state that there is an invoice."""
    answer = told.request("northgate-clinical", "GET", "/usage")
    uses = answer.json()["uses"]
    assert len(uses) == 4
    assert all(line["charge"] is None for use in uses for line in use["lines"])
    assert {line["state"] for use in uses for line in use["lines"]} == {"reported", "declared_in_error"}
    assert b"BO-7001" not in answer.content
    assert told.get("northgate-clinical", "/usage?state=invoiced")["uses"] == []


def test_another_supplier_sees_no_use(told: Site) -> None:
    for query in ("", f"?report={REPORT}", "?gtin=09521141045305", f"?place={THEATRE}"):
        assert told.get("rival-supplier", f"/usage{query}")["uses"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"?report={REPORT}", 4),
        ("?report=urn:uuid:00000000-0000-4000-8000-00000000ffff", 0),
        ("?from=2026-03-12&to=2026-03-13", 4),
        ("?from=2026-03-13", 0),
        ("?to=2026-03-12T10:30:00Z", 1),
        (f"?place={THEATRE}", 4),
        (f"?place={THEATRE}-CAB2", 4),
        ("?gtin=9521141060001", 1),
        ("?gtin=09521141010235", 2),
        ("?useType=consumed", 1),
        ("?state=declared_in_error", 1),
    ],
)
def test_uses_are_found_by_each_filter(told: Site, query: str, count: int) -> None:
    assert len(told.get(SUPPLY, f"/usage{query}")["uses"]) == count


def test_pages_of_uses_hold_each_use_once(told: Site) -> None:
    path, found = "/usage?perPage=1", []
    while path:
        answer = told.request("cordia", "GET", path)
        found += [one["eventID"] for one in answer.json()["uses"]]
        path = answer.links.get("next", {}).get("url", "")
    assert found == [one["eventID"] for one in told.get("cordia", "/usage")["uses"]]


@pytest.mark.parametrize("query", ["?state=lost", "?useType=eaten", "?from=yesterday", "?colour=red", "?gtin=abc"])
def test_a_filter_that_means_nothing_is_refused(told: Site, query: str) -> None:
    assert told.request(SUPPLY, "GET", f"/usage{query}").status_code == 400


def test_an_order_answers_only_as_many_as_it_orders(priced: Site) -> None:
    """Rejects an order that marks every use of its lot as ordered, on any page."""
    capture_events(priced, use_event(1, BALLOON, 1, "2026-07-01T09:00:00Z"))
    capture_events(priced, use_event(2, BALLOON, 1, "2026-07-02T09:00:00Z"))
    capture_events(priced, order_event(3, BALLOON, 1, "2026-07-03T09:00:00Z", "BO-1"))
    path, states = "/usage?from=2026-07-01&perPage=1", []
    while path:
        answer = priced.request(SUPPLY, "GET", path)
        states += [one["state"] for one in answer.json()["uses"]]
        path = answer.links.get("next", {}).get("url", "")
    assert states == ["used", "used"]
    by_time = priced.get(SUPPLY, "/usage?gtin=09521141060001")["uses"]
    assert [(one["eventTime"][:10], one["state"]) for one in by_time] == [
        ("2026-07-02", "used"),
        ("2026-07-01", "used"),
        ("2026-03-12", "ordered"),
    ]


def test_a_use_that_another_party_claims_is_told_as_a_claim_to_its_claimant_alone(priced: Site) -> None:
    """Rejects a use counted because somebody says so."""
    claim = use_event(4, SCREW, 1, "2026-07-01T09:00:00Z")
    rival = "https://id.gs1.org/417/9506000000008"
    claim["destinationList"][0]["destination"] = rival
    capture_events(priced, claim, name="rival-supplier")
    states = [one["state"] for one in priced.get("rival-supplier", "/usage?from=2026-07-01")["uses"]]
    assert states == ["claimed"]
    assert all(one["state"] == "claimed" for one in priced.get("cordia", "/usage?from=2026-07-01")["uses"])


def test_a_trial_and_a_free_use_cost_nothing(priced: Site) -> None:
    capture_events(
        priced,
        use_event(5, SCREW, 1, "2026-07-01T09:00:00Z", useType="trial_not_used"),
        use_event(6, SCREW, 2, "2026-07-01T10:00:00Z", useType="implanted", noCharge=True),
    )
    free, trial = priced.get(SUPPLY, "/usage?from=2026-07-01")["uses"]
    assert (free["noCharge"], free["lines"][0]["charge"]["payer"], free["lines"][0]["charge"]["amount"]) == (
        True,
        "none",
        "0.00",
    )
    assert (trial["useType"], trial["lines"][0]["charge"]["amount"], trial["lines"][0]["counts"]) == (
        "trial_not_used",
        "0.00",
        False,
    )
    assert {one["supplier"] for one in (free, trial)} == {CORDIA}
    (wrong,) = priced.get(SUPPLY, "/usage?state=declared_in_error")["uses"]
    charges = [line["charge"] for line in wrong["lines"] if not line["counts"]]
    assert charges
    assert {(one["payer"], one["amount"]) for one in charges} == {("none", "0.00")}
    assert {one["hospital"] for one in (free, trial)} == {NORTHGATE}


def test_a_case_is_undocumented_until_a_use_stands_for_it(priced: Site) -> None:
    """C6. Rejects a case that counts as documented because some use lies in the same room."""
    opened = {"case": "CASE-1", "openedAt": "2026-07-01T08:00:00Z", "place": THEATRE, "usageReport": "urn:uuid:1"}
    for _ in range(2):
        assert priced.request(CLINICAL, "POST", "/usage/cases", json=opened).status_code == 201
    known = "urn:epcglobal:cbv:bt:4012345000009:CASE-2026-0412"
    done = {"case": known, "openedAt": "2026-03-12T08:00:00Z"}
    assert priced.request(CLINICAL, "POST", "/usage/cases", json=done).status_code == 201
    assert [one["case"] for one in priced.get(CLINICAL, "/usage/cases")["cases"]] == ["CASE-1"]
    assert priced.get(CLINICAL, "/usage/cases?hours=8760")["cases"] == []
    (_, tied) = priced.get(CLINICAL, "/usage/cases?undocumented=false")["cases"]
    assert len(tied["eventIDs"]) == 3
    capture_events(priced, use_event(7, SCREW, 1, "2026-07-01T09:00:00Z"))
    assert len(priced.get(CLINICAL, "/usage/cases")["cases"]) == 1
    capture_events(priced, use_event(8, SCREW, 1, "2026-07-01T09:00:00Z", usageReport="urn:uuid:1"))
    assert priced.get(CLINICAL, "/usage/cases")["cases"] == []
    changed = priced.request(CLINICAL, "POST", "/usage/cases", json=opened | {"usageReport": "urn:uuid:2"})
    assert changed.status_code == 409


def test_cases_are_for_the_clinical_role_and_name_no_patient(priced: Site) -> None:
    body = {"case": "CASE-1", "openedAt": "2026-07-01T08:00:00Z"}
    for name in (SUPPLY, "cordia", "rival-supplier"):
        assert priced.request(name, "POST", "/usage/cases", json=body).status_code == 403
        assert priced.request(name, "GET", "/usage/cases").status_code == 403
    patient = body | {"case": "https://id.gs1.org/8018/401234500000123452"}
    refused = priced.request(CLINICAL, "POST", "/usage/cases", json=patient)
    assert refused.status_code == 400
    assert "401234500000123452" not in refused.text


def test_the_same_case_number_of_another_hospital_is_another_case(priced: Site) -> None:
    """Rejects a list of all hospitals' cases that is cut down afterwards by their numbers, which hospitals share."""
    mercy = {"id": "https://id.gs1.org/417/9528765000000", "name": "Mercy", "companyPrefixes": ["9528765"]}
    assert priced.request("admin", "POST", "/admin/organisations", json=mercy).status_code == 201
    asked = {"organisation": mercy["id"], "role": "clinical"}
    made = priced.request("admin", "POST", "/admin/keys", json=asked)
    assert made.status_code == 201, made.text
    theirs = {"Authorization": f"Bearer {made.json()['key']}"}
    opened = {"case": "CASE-1", "openedAt": "2026-07-01T08:00:00Z"}
    assert priced.request(CLINICAL, "POST", "/usage/cases", json=opened).status_code == 201
    for case in ("CASE-1", "CASE-2"):
        body = opened | {"case": case}
        assert priced.request(None, "POST", "/usage/cases", json=body, headers=theirs).status_code == 201
    assert [one["case"] for one in priced.get(CLINICAL, "/usage/cases")["cases"]] == ["CASE-1"]
    listed = priced.request(None, "GET", "/usage/cases", headers=theirs).json()["cases"]
    assert sorted(one["case"] for one in listed) == ["CASE-1", "CASE-2"]
