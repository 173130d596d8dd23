"""One flow through each further page of the desk, in a real browser; what the server has afterwards is what counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from delivery.receiver import Receiver, Reply, receiving
from live_server import LiveServer, running_server
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, screenshot, sign_in
from web.patience import PATIENCE_S
from web.terms import VALVE

pytestmark = pytest.mark.browser

STORED_S = 20
USAGE = "urn:uuid:5b0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A partner's webhook."""
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo of its own that may call a webhook on this machine, and gives one up soon."""
    settings = {
        "webhook_allow_http": True,
        "webhook_allowed_hosts": ("127.0.0.1",),
        "webhook_first_wait_s": 0.02,
        "webhook_attempts": 2,
        "webhook_allow_private": True,
    }
    with running_server(tmp_path_factory.mktemp("flows"), demo=True, **settings) as running:
        yield running


def ask(server: LiveServer, key: str, method: str, path: str, **options: Any) -> Any:
    """The JSON of a request that must succeed; None where the answer has no body."""
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    answer = httpx.request(method, server.url + path, headers=headers, timeout=PATIENCE_S, **options)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def test_a_subscription_is_paused_tried_and_its_dead_letter_sent_again(
    server: LiveServer, receiver: Receiver, browser: Browser
) -> None:
    """Rejects buttons that change the page alone: the receiver has the letter, and the server the state."""
    receiver.behave = lambda _path, _headers, body: Reply(400) if b"eventList" in body else Reply()
    ask(server, "cordia", "POST", "/epcis/queries", json={"name": "everything", "query": {}})
    subscription = {"dest": f"{receiver.url}/hook", "stream": True, "initialRecordTime": "2020-01-01T00:00:00Z"}
    made = ask(server, "cordia", "POST", "/epcis/queries/everything/subscriptions", json=subscription)
    path = f"/subscriptions/{made['subscriptionID']}"
    ends = time.monotonic() + STORED_S
    while ask(server, "cordia", "GET", path)["deadLetters"] == 0:
        assert time.monotonic() < ends, ask(server, "cordia", "GET", path)
        time.sleep(0.1)
    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "cordia", "subscriptions")
        card = page.get_by_test_id("subscription")
        expect(card).to_contain_text("everything")
        receiver.behave = lambda *_: Reply()
        card.get_by_role("button", name="Send a test message").click()
        expect(card).to_contain_text("The test message arrived")
        card.get_by_role("button", name="Dead letters").click()
        assert_accessible(page)
        letter = card.get_by_test_id("dead-letter").first
        expect(letter).to_contain_text("400")
        expect(card).to_contain_text("Given up")
        card.get_by_role("button", name="Resume").click()
        expect(card).to_contain_text("Active")
        sent = len(receiver.messages)
        letter.get_by_role("button", name="Send again").click()
        assert receiver.wait(lambda: any(one.accepted and one.event_ids for one in receiver.messages[sent:]))
        card.get_by_role("button", name="Pause").click()
        expect(card).to_contain_text("Paused")
    assert ask(server, "cordia", "GET", path)["state"] == "paused"
    context.close()


def test_a_proposal_becomes_an_order_that_is_cancelled_with_a_reason_both_read(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects an order for another quantity than the button said, and a reason that stays with its writer."""
    context = phone(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", "replenishment")
        proposal = page.locator("[data-testid=proposal][data-kind=order]").first
        words = proposal.get_by_role("button").inner_text()
        proposal.get_by_role("button").click()
        order = page.get_by_test_id("order").first
        expect(order).to_contain_text("Sent")
        (made,) = ask(server, "cordia", "GET", "/replenishment/orders")["orders"]
        assert words == f"Order {made['quantity']}"
        order.get_by_role("button", name="Cancel it").click()
        order.get_by_label("Why it is cancelled").fill("The ward has moved")
        assert_accessible(page)
        order.get_by_role("button", name="Cancel the order").click()
        expect(order).to_contain_text("The ward has moved")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    (ended,) = ask(server, "cordia", "GET", "/replenishment/orders")["orders"]
    assert (ended["state"], ended["closedReason"]) == ("cancelled", "The ward has moved")
    context.close()


def test_a_use_is_settled_by_one_side_signed_by_both_and_its_report_downloaded(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a signature for a digest that was not on the screen, and a report of another period than was chosen."""
    hospital, supplier = desk(browser), desk(browser)
    with faultless(hospital, server), faultless(supplier, server):
        page = sign_in(hospital, server, "northgate-supply", "reports")
        page.get_by_label("Month, day or usage report").fill(USAGE)
        page.get_by_role("button", name="Settle", exact=True).click()
        settled = page.get_by_test_id("settlement")
        settled.get_by_role("button", name="Sign it for our side").click()
        expect(settled).to_contain_text("Northgate Hospital signed")
        page.get_by_label("From", exact=True).fill("2026-03-01")
        page.get_by_label("Before", exact=True).fill("2026-04-01")
        with page.expect_download() as file:
            page.get_by_role("link", name="Transfer of Ownership Report, CSV").click()
        report = file.value.path().read_text(encoding="utf-8-sig")
        assert "V23-0008" in report
        assert_accessible(page)
        theirs = sign_in(supplier, server, "cordia", "reports")
        expect(theirs.get_by_role("heading", name="Where charges leak")).to_have_count(0)
        theirs.get_by_role("button", name="Sign it for our side").click()
        expect(theirs.get_by_test_id("settlement")).to_contain_text("Signed")
    (kept,) = ask(server, "cordia", "GET", "/settlements")["settlements"]
    assert (kept["period"], kept["state"], len(kept["signatures"])) == (USAGE, "signed", 2)
    hospital.close()
    supplier.close()


def test_a_file_is_checked_mended_and_imported_once(server: LiveServer, browser: Browser, tmp_path: Path) -> None:
    """Rejects a check that writes, an import with an error in it, and one that goes on while something is wrong."""
    head = "gtin,name,maker\n"
    wrong, right = tmp_path / "wrong.csv", tmp_path / "right.csv"
    wrong.write_text(f"{head}{VALVE[:-1]}9,Valve of the page,9521141000007\n", encoding="utf-8")
    right.write_text(f"{head}{VALVE},Valve of the page,9521141000007\n", encoding="utf-8")
    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", "imports")
        page.get_by_label("What", exact=True).select_option("catalogue")
        page.get_by_label("CSV file").set_input_files(wrong)
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_test_id("finding").first).to_contain_text("check digit")
        expect(page.get_by_role("button", name="Import it")).to_have_count(0)
        assert_accessible(page)
        page.get_by_label("CSV file").set_input_files(right)
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_role("button", name="Import it")).to_be_visible()
        declared = f"/masterdata/elements/https%3A%2F%2Fid.gs1.org%2F01%2F{VALVE}"
        assert "Valve of the page" not in str(ask(server, "northgate-supply", "GET", declared))
        page.get_by_role("button", name="Import it").click()
        expect(page.get_by_text("Imported.")).to_be_visible()
    assert "Valve of the page" in str(ask(server, "northgate-supply", "GET", declared))
    context.close()


def test_the_privacy_officer_narrows_the_log_and_reads_on_to_its_first_entry(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a filter that hides nothing, a second page that repeats or skips entries of the first, and an answer to
    the last question that stands below the next one, whose older entries would be mixed with the new.
    """
    for number in range(120):
        body = {"gtin": VALVE, "lot": f"NONE{number}", "purpose": f"probe {number}"}
        ask(server, "northgate-clinical", "POST", "/patients/search", json=body)
    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-privacy", "audit")
        entries = page.get_by_test_id("audit-entry")
        expect(entries).to_have_count(100)
        page.get_by_label("Action").fill("read private")
        page.get_by_label("Who").fill("northgate-clinical")
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/audit?*action=read*", hold, times=1)
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("Loading the audit log")).to_be_visible()
        expect(entries).to_have_count(0)
        held.pop().continue_()
        expect(entries).to_have_count(100)
        page.get_by_role("button", name="Older entries").click()
        expect(page.get_by_text("probe 0", exact=True)).to_be_visible()
        shown = [row.split("\t") for row in entries.all_inner_texts()]
        page.get_by_label("Action").fill("no such action")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("Nothing was recorded that fits.")).to_be_visible()
        assert_accessible(page)
    query = "action=read%20private&principal=northgate-clinical&perPage=1000"
    kept = ask(server, "northgate-privacy", "GET", f"/audit?{query}")["entries"]
    assert len(shown) == len(kept) >= 120
    assert [one["purpose"] for one in kept] == [row[-2] for row in shown]
    context.close()


def test_an_items_life_is_told_by_custody_by_ownership_and_event_by_event(server: LiveServer, browser: Browser) -> None:
    """Rejects timelines that mix who holds with who owns, and a history that leaves out or invents an event."""
    item = f"https://id.gs1.org/01/{VALVE}/21/V23-0008"
    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", f"trace?epc={item}")
        rows = page.get_by_test_id("history")
        rows.first.wait_for()
        custody, ownership = page.get_by_test_id("custody"), page.get_by_test_id("ownership")
        told = ask(server, "northgate-supply", "GET", f"/trace/custody?id={item}")
        trace = ask(server, "northgate-supply", "GET", f"/trace/item?epc={item}")
        assert custody.count() == len(told["custody"])
        assert ownership.count() == len(told["ownership"])
        for row, holding in zip(ownership.all_inner_texts(), told["ownership"], strict=True):
            assert told["parties"].get(holding["party"], "Nobody known") in row
        ids = rows.locator("abbr.id").evaluate_all("all => all.map(one => one.title)")
        assert ids == [step["eventID"] for step in trace["history"]]
        expect(ownership.first).to_contain_text("Cordia")
        expect(ownership.last).to_contain_text("Northgate")
        assert_accessible(page)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.set_viewport_size({"width": 1360, "height": 900})
        page.evaluate("scrollTo(0, 0)")
        screenshot(page, "desktop-timelines.png")
    context.close()


def test_trends_are_the_servers_for_the_period_that_was_chosen(server: LiveServer, browser: Browser) -> None:
    """Rejects a page that goes on showing the last period, and one that draws a share of nothing."""
    context = phone(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", "trends")
        expect(page.get_by_text("Nothing was used in this time")).to_be_visible()
        page.get_by_label("up to").fill("2026-06-30")
        page.get_by_label("Uses of").select_option("180")
        rows = page.get_by_test_id("trend")
        told = ask(server, "northgate-supply", "GET", "/consignment/usage-trends?days=180&to=2026-06-30")["trends"]
        expect(rows).to_have_count(len(told))
        for row, trend in zip(rows.all_inner_texts(), told, strict=True):
            assert trend["family"] in row
            assert f"\t{trend['uses']}\t{trend['usesBefore']}\t" in row
            assert ("new" in row) == (trend["change"] is None)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.set_viewport_size({"width": 1360, "height": 900})
        screenshot(page, "desktop-trends.png")
    context.close()


def test_a_key_is_renewed_by_its_owner_and_another_by_the_administrator(server: LiveServer, browser: Browser) -> None:
    """Rejects a page that shows a key of its own making: the new text opens the door, and the old key ends."""
    owner = {"organisation": "https://id.gs1.org/417/4012345000009", "role": "supply", "name": "theatre phone"}
    made = ask(server, "admin", "POST", "/admin/keys", json=owner)
    server.keys["phone"] = made["key"]
    context, admin = phone(browser), desk(browser)
    with faultless(context, server), faultless(admin, server):
        page = sign_in(context, server, "phone", "key")
        expect(page.get_by_text("theatre phone")).to_be_visible()
        page.get_by_role("radio", name="1 week").check()
        assert_accessible(page)
        page.get_by_role("button", name="Make the new key").click()
        text = page.get_by_test_id("new-key").inner_text().strip()
        expect(page.get_by_test_id("successor")).to_contain_text("ends")
        expect(page.get_by_role("button", name="Make the new key")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        screenshot(page, "phone-key.png")
        page.get_by_role("button", name="I have kept it").click()
        expect(page.get_by_test_id("new-key")).to_have_count(0)
        assert text not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
        theirs = sign_in(admin, server, "admin", "admin")
        rows = theirs.get_by_role("row").filter(has_text="theatre phone")
        expect(rows).to_have_count(2)
        expect(rows.filter(has_text="Renewed")).to_have_count(1)
        rows.get_by_role("button", name="Renew theatre phone").click()
        theirs.get_by_role("radio", name="1 hour").check()
        theirs.get_by_role("button", name="Make the new key").click()
        newest = theirs.get_by_test_id("new-key").inner_text().strip()
        expect(rows).to_have_count(3)
        assert_accessible(theirs)
    for key in (made["key"], text, newest):
        headers = {"Authorization": f"Bearer {key}"}
        assert (
            httpx.get(f"{server.url}/session/key", headers=headers, timeout=PATIENCE_S).json()["name"]
            == "theatre phone"
        )
    context.close()
    admin.close()


def test_the_number_of_alerts_in_the_menu_follows_what_happens_elsewhere(server: LiveServer, browser: Browser) -> None:
    """Rejects a number of the last visit: a recall that the supplier issues is there without a reload."""

    def owed() -> int:
        return len(ask(server, "northgate-supply", "GET", "/alerts?responsible=me&perPage=1000")["alerts"])

    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", "trends")
        badge = page.get_by_role("link", name="Alerts").get_by_test_id("alert-badge")
        before = owed()
        expect(badge).to_contain_text(str(before))
        notice = {"recallClass": "II", "reason": "Cracks in the coating", "items": [{"gtin": VALVE, "lot": "L23-A"}]}
        ask(server, "cordia", "POST", "/recalls", json=notice)
        expect(badge).not_to_contain_text(str(before))
        expect(badge).to_contain_text(str(owed()))
        assert owed() > before
        assert_accessible(page)
    context.close()
