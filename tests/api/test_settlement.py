"""Settlements over HTTP: once for each period, never changed, corrected by the next one, signed by both by digest."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.money import (
    AGREEMENT,
    BALLOON,
    CLINICAL,
    REPORT,
    SCREW,
    SUPPLY,
    VALVE_8,
    agree,
    capture_events,
    receipt,
    terms,
    use_event,
)


@pytest.fixture(params=BACKENDS)
def site(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param, demo_storyline=True) as opened:
        agree(opened)
        yield opened


@pytest.fixture
def lite(open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(demo_storyline=True) as opened:
        yield opened


@pytest.fixture(params=BACKENDS)
def bare(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def settle(site: Site, period: str, name: str = SUPPLY) -> Any:
    """The settlement of a period, which must succeed."""
    answer = site.request(name, "POST", "/settlements", json={"agreementID": AGREEMENT, "period": period})
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(settlement: Any) -> list[tuple[str, str, str, str]]:
    """(kind, item, quantity, amount) of each line."""
    return sorted((one["kind"], one["item"], one["quantity"], one["amount"]) for one in settlement["content"]["lines"])


def test_a_month_is_settled_once_with_what_passed_in_it(site: Site) -> None:
    """Rejects counting the use that was declared in error, or the private link as another one."""
    march = settle(site, "2026-03")
    assert told(march) == [
        ("current", VALVE_8, "1", "4200.00"),
        ("current", SCREW, "1", "45.00"),
        ("current", SCREW, "1", "45.00"),
        ("current", SCREW, "2", "90.00"),
        ("current", "https://id.gs1.org/01/09521141060001/10/B2201", "1", "310.00"),
    ]
    assert march["content"]["totals"] == {"EUR": "4690.00"}
    again = settle(site, "2026-03", "cordia")
    assert again == march
    assert [one["id"] for one in site.get(SUPPLY, "/settlements")["settlements"]] == [march["id"]]
    states = {one["state"] for one in site.get(SUPPLY, "/usage")["uses"]}
    assert states == {"settled", "declared_in_error"}


def test_the_digest_is_of_the_content(site: Site) -> None:
    march = settle(site, "2026-03")
    text = json.dumps(march["content"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == march["digest"]
    assert settle(site, "2026-04")["content"]["previousDigest"] == march["digest"]


def test_a_late_use_and_a_use_taken_back_correct_the_next_settlement(site: Site) -> None:
    """C6. Rejects a settlement that is rewritten by late events, and one that forgets them."""
    wrong = use_event(1, SCREW, 3, "2026-03-20T09:00:00Z", useType="implanted")
    capture_events(site, wrong)
    march = settle(site, "2026-03")
    capture_events(site, use_event(2, SCREW, 1, "2026-03-25T09:00:00Z", useType="implanted"))
    declared = {"declarationTime": "2026-04-02T09:00:00Z", "reason": "did_not_occur"}
    capture_events(site, wrong | {"errorDeclaration": declared})
    april = settle(site, "2026-04")
    assert told(april) == [("late", SCREW, "1", "45.00"), ("taken_back", SCREW, "-3", "-135.00")]
    late = next(one for one in april["content"]["lines"] if one["kind"] == "late")
    assert (late["period"], late["eventTime"]) == ("2026-03", "2026-03-25T09:00:00.000Z")
    assert late["recordTime"] > march["content"]["knownAt"]
    assert settle(site, "2026-03") == march
    assert told(settle(site, "2026-05")) == []


def test_a_settlement_is_agreed_once_both_have_signed_its_digest(site: Site) -> None:
    march = settle(site, "2026-03")
    path = f"/settlements/{march['id']}/sign"
    assert site.request("cordia", "POST", path, json={"digest": "0" * 64}).status_code == 400
    assert site.get("cordia", f"/settlements/{march['id']}")["signatures"] == []
    for name, state in (("cordia", "open"), ("cordia", "open"), (SUPPLY, "signed")):
        signed = site.request(name, "POST", path, json={"digest": march["digest"]})
        assert signed.json()["state"] == state, signed.text
    assert len(signed.json()["signatures"]) == 2


def test_settlements_are_for_the_two_parties_and_not_for_their_clinical_roles(lite: Site) -> None:
    agree(lite)
    march = settle(lite, "2026-03")
    path = f"/settlements/{march['id']}"
    hidden = lite.request("rival-supplier", "GET", path)
    absent = lite.request("rival-supplier", "GET", f"/settlements/{'0' * 32}")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.text.replace(march["id"], "0" * 32) == absent.text
    assert lite.get("rival-supplier", "/settlements") == {"settlements": []}
    for period in ("2026-03", "2026-04"):
        refused = [
            lite.request("rival-supplier", "POST", "/settlements", json={"agreementID": name, "period": period})
            for name in (AGREEMENT, AGREEMENT.replace("-01", "-02"))
        ]
        assert [one.status_code for one in refused] == [404, 404]
        assert refused[0].text.replace("-01", "-02") == refused[1].text
    wanted = {"agreementID": AGREEMENT, "period": "2026-04"}
    assert lite.request(CLINICAL, "GET", path).status_code == 403
    assert lite.request(CLINICAL, "POST", "/settlements", json=wanted).status_code == 403


@pytest.mark.parametrize(
    ("period", "status", "said"),
    [
        ("2099-01", 400, "expected its end past"),
        ("2026-13", 400, "expected a month"),
        ("2026-03-12", 400, "the agreement settles monthly"),
        ("2025-03", 400, "no version was in force"),
        ("urn:uuid:00000000-0000-4000-8000-00000000ffff", 404, "no use"),
    ],
)
def test_a_period_that_cannot_be_settled_is_refused(lite: Site, period: str, status: int, said: str) -> None:
    agree(lite)
    refused = lite.request(SUPPLY, "POST", "/settlements", json={"agreementID": AGREEMENT, "period": period})
    assert refused.status_code == status, refused.text
    assert said in refused.text


@pytest.mark.parametrize(("cadence", "period", "count"), [("daily", "2026-03-12", 4), ("per_use", REPORT, 4)])
def test_days_and_single_uses_are_settled_where_the_agreement_says_so(
    lite: Site, cadence: str, period: str, count: int
) -> None:
    agree(lite, **(terms() | {"use": {"settlement": cadence}}))
    settled = settle(lite, period)
    assert len(settled["content"]["lines"]) == count
    assert settle(lite, period) == settled


def declared_in_error(use: dict[str, Any]) -> dict[str, Any]:
    """The declaration that a use did not occur."""
    return use | {"errorDeclaration": {"declarationTime": "2026-04-02T09:00:00Z", "reason": "did_not_occur"}}


def test_a_single_use_that_was_settled_and_then_taken_back_is_a_credit_without_another_use(site: Site) -> None:
    """Rejects a credit that waits for a use that may never come, a settlement that is rewritten, a second credit."""
    agree(site, **(terms() | {"use": {"settlement": "per_use"}}))
    wrong = use_event(1, SCREW, 3, "2026-03-20T09:00:00Z", useType="implanted")
    capture_events(site, wrong)
    settled = settle(site, wrong["eventID"])
    assert told(settled) == [("current", SCREW, "3", "135.00")]
    day = {"agreementID": AGREEMENT, "period": "2026-04-02"}
    nothing = site.request(SUPPLY, "POST", "/settlements", json=day)
    assert (nothing.status_code, "corrects" in nothing.text) == (404, True)
    capture_events(site, declared_in_error(wrong))
    right = use_event(2, SCREW, 2, "2026-03-20T09:00:00Z", useType="implanted")
    capture_events(site, right)
    assert settle(site, wrong["eventID"], "cordia") == settled
    credit = settle(site, "2026-04-02")
    assert told(credit) == [("taken_back", SCREW, "-3", "-135.00")]
    (line,) = credit["content"]["lines"]
    assert (line["period"], line["eventID"]) == (wrong["eventID"], wrong["eventID"])
    assert credit["content"]["previousDigest"] == settled["digest"]
    assert credit["content"]["totals"] == {"EUR": "-135.00"}
    assert settle(site, "2026-04-02", "cordia") == credit
    assert site.request(SUPPLY, "POST", "/settlements", json=day | {"period": "2026-04-03"}).status_code == 404
    assert told(settle(site, right["eventID"])) == [("current", SCREW, "2", "90.00")]


def test_what_was_settled_is_corrected_after_the_agreement_has_ended(lite: Site) -> None:
    """Rejects "no version was in force" as an answer to a credit that is owed."""
    agree(lite, **(terms() | {"validTo": "2026-03-31"}))
    wrong = use_event(1, SCREW, 3, "2026-03-20T09:00:00Z", useType="implanted")
    capture_events(lite, wrong)
    settle(lite, "2026-03")
    capture_events(lite, declared_in_error(wrong))
    assert told(settle(lite, "2026-04")) == [("taken_back", SCREW, "-3", "-135.00")]


def test_what_had_no_price_when_it_was_settled_is_charged_once_it_has_one(bare: Site) -> None:
    """Rejects settlements that look at what is new alone: goods used without a price would never be paid; and ones
    that charge it each time anew.
    """
    unpriced = [line | ({"prices": []} if line["gtin"] == "09521141060001" else {}) for line in terms()["lines"]]
    agree(bare, lines=unpriced)
    capture_events(bare, receipt(1, BALLOON, 5, "2026-02-01T08:00:00Z"))
    capture_events(bare, use_event(2, BALLOON, 2, "2026-03-03T08:00:00Z"))

    def settled(period: str) -> list[tuple[str, str, str | None]]:
        return [(kind, quantity, amount) for kind, _, quantity, amount in told(settle(bare, period))]

    assert settled("2026-03") == [("current", "2", None)]
    assert settled("2026-04") == []
    agree(bare)
    assert settled("2026-05") == [("priced", "0", "620.00")]
    assert settled("2026-06") == []


def test_a_use_that_many_settle_at_once_is_settled_once_and_told_to_each(bare: Site) -> None:
    """Rejects looking for the settlement and for what is to settle one after the other: whoever comes between is told
    that there is no such use.
    """
    agree(bare, use={"settlement": "per_use"})
    uses = [use_event(number, BALLOON, 1, f"2026-03-03T08:{number:02}:00Z") for number in range(2, 12)]
    capture_events(bare, receipt(1, BALLOON, 20, "2026-02-01T08:00:00Z"), *uses)

    def asked(turn: int, period: str) -> tuple[int, str]:
        body = {"agreementID": AGREEMENT, "period": period}
        answer = bare.request((SUPPLY, "cordia")[turn % 2], "POST", "/settlements", json=body)
        return answer.status_code, answer.text

    with ThreadPoolExecutor(12) as clients:
        for use in uses:
            answers = set(clients.map(asked, range(12), [use["eventID"]] * 12))
            assert len(answers) == 1, answers
            assert answers.pop()[0] == 200
