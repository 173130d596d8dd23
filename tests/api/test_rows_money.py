"""The rows of the product's promise that are about money, end to end over HTTP: C4, C6, C7, A4."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site, story_clock
from api.money import (
    AGREEMENT,
    BALLOON,
    CLINICAL,
    NORTHGATE,
    SCREW,
    SUPPLY,
    agree,
    capture_events,
    count_event,
    order_event,
    receipt,
    use_event,
)

USED = "urn:uuid:00000000-0000-4000-a000-000000000001"


@pytest.fixture(params=BACKENDS)
def stocked(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """An agreement in force and 16 screws received under it."""
    with open_site(request.param, injected={"now_us": story_clock()}) as site:
        agree(site)
        capture_events(site, receipt(1, SCREW, 16, "2026-03-01T08:00:00Z"))
        yield site


def test_C4_the_leak_list_shows_exactly_the_one_undocumented_screw_with_its_value(stocked: Site) -> None:
    """Of 16 screws two are used, reported, ordered and invoiced; a count finds 13.

    Rejects a list of every unit that left stock, and one that values today's price: a screw costs 60 from April on.
    """
    capture_events(
        stocked,
        use_event(2, SCREW, 2, "2026-03-10T10:00:00Z", useType="implanted", usageReport=USED),
        order_event(3, SCREW, 2, "2026-03-11T09:00:00Z", "BO-1", invoice="INV-1", report=USED),
    )
    assert stocked.get(SUPPLY, "/reports/leaks")["leaks"] == []
    capture_events(stocked, count_event(4, SCREW, 13, "2026-03-15T06:00:00Z"))
    answer = stocked.get(SUPPLY, "/reports/leaks")
    (leak,) = answer["leaks"]
    assert (leak["kind"], leak["item"], leak["quantity"]) == ("missing_in_count", SCREW, "1")
    assert (leak["value"], leak["currency"], answer["totals"]) == ("45.00", "EUR", {"EUR": "45.00"})
    assert stocked.get("cordia", "/reports/leaks")["leaks"] == []
    assert stocked.request(CLINICAL, "GET", "/reports/leaks").status_code == 403


def test_every_kind_of_leak_is_found_and_closed_by_the_paper_that_was_missing(stocked: Site) -> None:
    """Rejects a list that goes by orders alone, or that forgets what was opened without a decision who pays."""
    opened = use_event(5, SCREW, 1, "2026-03-10T12:00:00Z", useType="wasted", usageReport=USED)
    for side in ("sourceList", "destinationList"):
        opened[side] = [one for one in opened[side] if one["type"] != "owning_party"]
    del opened["destinationList"]
    capture_events(
        stocked,
        use_event(2, SCREW, 1, "2026-03-10T10:00:00Z", usageReport=USED),
        use_event(3, SCREW, 1, "2026-03-10T11:00:00Z"),
        opened,
        order_event(6, BALLOON, 2, "2026-03-11T09:00:00Z", "BO-2"),
    )
    kinds = [(one["kind"], one["value"]) for one in stocked.get(SUPPLY, "/reports/leaks")["leaks"]]
    assert kinds == [
        ("use_not_reported", "45.00"),
        ("opened_undecided", "45.00"),
        ("use_without_order", "45.00"),
        ("use_without_order", "45.00"),
        ("order_without_use", "620.00"),
    ]
    capture_events(stocked, order_event(7, SCREW, 1, "2026-03-11T10:00:00Z", "BO-3", invoice="I-1", report=USED))
    after = [one["kind"] for one in stocked.get(SUPPLY, "/reports/leaks")["leaks"]]
    assert after == ["use_not_reported", "opened_undecided", "use_without_order", "order_without_use"]


def test_C6_a_use_told_late_changes_what_was_true_and_not_what_was_known(stocked: Site) -> None:
    """Rejects answers by arrival alone, and a settlement that late facts rewrite."""

    def on_hand(query: str) -> str:
        items = stocked.get(SUPPLY, f"/consignment/stock?{query}")["items"]
        return str(sum(int(row["quantity"]) for row in items if row["item"] == SCREW))

    assert on_hand("asOf=2026-03-12") == "16"
    wanted = {"agreementID": AGREEMENT, "period": "2026-03"}
    march = stocked.request(SUPPLY, "POST", "/settlements", json=wanted).json()
    known = march["content"]["knownAt"]
    capture_events(stocked, use_event(2, SCREW, 2, "2026-03-12T10:00:00Z", usageReport=USED))
    assert on_hand("asOf=2026-03-12") == "14"
    assert on_hand(f"asOf=2026-03-12&knownAt={known}") == "16"
    (use,) = stocked.get(SUPPLY, "/usage")["uses"]
    assert use["eventTime"] < known < use["recordTime"]
    assert stocked.request(SUPPLY, "POST", "/settlements", json=wanted).json() == march
    april = stocked.request(SUPPLY, "POST", "/settlements", json=wanted | {"period": "2026-04"}).json()
    (line,) = april["content"]["lines"]
    assert (line["kind"], line["period"], line["recordTime"], line["amount"]) == (
        "late",
        "2026-03",
        use["recordTime"],
        "90.00",
    )


def test_C7_ownership_events_of_a_month_are_the_transfer_of_ownership_report(stocked: Site) -> None:
    """Rejects ownership at receipt or invoice: only the owning_party pair of the consumption moves it."""
    capture_events(
        stocked,
        use_event(2, SCREW, 2, "2026-03-12T10:00:00Z", usageReport=USED),
        use_event(3, SCREW, 1, "2026-04-01T10:00:00Z", usageReport=USED),
        order_event(4, SCREW, 3, "2026-04-02T10:00:00Z", "BO-1", invoice="INV-1", report=USED),
        receipt(5, BALLOON, 5, "2026-03-20T10:00:00Z"),
    )
    query = (
        f"EQ_destination_owning_party={NORTHGATE}&GE_eventTime=2026-03-01T00:00:00Z&LT_eventTime=2026-04-01T00:00:00Z"
    )
    events = {one["eventID"] for one in stocked.events(SUPPLY, query)}
    for name in (SUPPLY, "cordia"):
        report = stocked.get(name, "/reports/transfer-of-ownership?from=2026-03-01&to=2026-04-01")
        assert {line["eventID"] for line in report["lines"]} == events
        assert [line["quantity"] for line in report["lines"]] == ["2"]


def test_both_parties_draw_the_same_report_with_the_same_digest_and_sign_the_same_settlement(stocked: Site) -> None:
    """Rejects figures that depend on who asks: a digest over one side's own view could not arbitrate."""
    capture_events(stocked, use_event(2, SCREW, 2, "2026-03-12T10:00:00Z", usageReport=USED))
    for path in ("transfer-of-ownership?from=2026-03-01&to=2026-04-01", "consignment-stock-status?asOf=2026-03-31"):
        ours, theirs = (stocked.get(name, f"/reports/{path}") for name in (SUPPLY, "cordia"))
        assert ours["digest"] == theirs["digest"]
        assert ours["lines"] == theirs["lines"]
    wanted = {"agreementID": AGREEMENT, "period": "2026-03"}
    made = [stocked.request(name, "POST", "/settlements", json=wanted).json() for name in (SUPPLY, "cordia")]
    assert made[0] == made[1]
    for name in (SUPPLY, "cordia"):
        path = f"/settlements/{made[0]['id']}/sign"
        signed = stocked.request(name, "POST", path, json={"digest": made[0]["digest"]}).json()
    assert signed["state"] == "signed"
