"""Pages where something is wrong: the server away or ill, the session over, a fault of a page; and the way back."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from live_server import LiveServer
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, sign_in
from web.patience import PATIENCE_S

pytestmark = pytest.mark.browser

# Not the pages of the same names, which lie under /app.
AGREEMENTS, RECALLS = (re.compile(f"^http://[^/]+/{name}$") for name in ("agreements", "recalls"))
ILL = {"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": "the database is full"}


def answering(page: Page, address: str | re.Pattern[str], status: int, body: object) -> list[bool]:
    """Answer requests to an address in the server's place while the list that comes back is not empty."""
    ill = [True]

    def answer(route: Route) -> None:
        if ill:
            route.fulfill(status=status, content_type="application/json", body=json.dumps(body))
        else:
            route.fallback()

    page.route(address, answer)
    return ill


@pytest.mark.parametrize(
    ("path", "address", "title"),
    [
        ("stock", "**/consignment/stock?*", "The stock could not be loaded"),
        ("alerts", "**/alerts?*", "Could not load the alerts"),
        ("agreements", AGREEMENTS, "Could not load the agreements"),
        ("recalls", RECALLS, "Could not load the recalls"),
        ("replenishment", "**/replenishment/proposals*", "Could not load what is to be replenished"),
        ("count", "**/counts/variances", "Could not load the finished counts"),
    ],
)
def test_a_page_says_what_the_server_said_and_comes_back_without_a_reload(
    live_server: LiveServer, browser: Browser, path: str, address: str | re.Pattern[str], title: str
) -> None:
    """Rejects a page that shows an empty list for a failure, and one that can only be reloaded."""
    context = phone(browser)
    page = sign_in(context, live_server, "northgate-supply", "key")
    ill = answering(page, address, 500, ILL)
    page.goto(f"{live_server.url}/app/{path}")
    notice = page.get_by_role("alert").filter(has_text=title)
    expect(notice).to_contain_text("the database is full")
    assert_accessible(page)
    ill.clear()
    notice.get_by_role("button", name="Try again").click()
    expect(notice).to_have_count(0)
    context.close()


def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing_of_it(
    live_server: LiveServer, browser: Browser
) -> None:
    """Rejects a sign-in that begins anew at the start page with an empty form."""
    context = desk(browser)
    page = sign_in(context, live_server, "northgate-supply", "agreements")
    page.get_by_role("button", name="Propose an agreement").click()
    page.get_by_label("Title").fill("Half written")
    context.clear_cookies()
    page.get_by_label("Supplier", exact=True).fill("9521141000007")
    page.get_by_label("GTIN").fill("09521141010235")
    page.get_by_role("button", name="Propose and sign for my side").click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Your key").fill(live_server.keys["northgate-supply"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Title")).to_have_value("Half written")
    expect(page.get_by_label("GTIN")).to_have_value("09521141010235")
    context.close()


def test_a_report_that_cannot_be_made_is_told_and_not_saved_as_a_file(
    live_server: LiveServer, browser: Browser
) -> None:
    """Rejects a bare link: the browser would save the refusal under the report's name."""
    context = desk(browser)
    page = sign_in(context, live_server, "northgate-supply", "reports")
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.suggested_filename))
    page.get_by_label("From", exact=True).fill("2026-03-01")
    ill = answering(page, "**/reports/transfer-of-ownership?*", 500, ILL)
    page.get_by_role("link", name="Transfer of Ownership Report, PDF").click()
    expect(page.get_by_role("alert")).to_contain_text("the database is full")
    assert saved == []
    ill.clear()
    with page.expect_download() as file:
        page.get_by_role("link", name="Transfer of Ownership Report, PDF").click()
    assert file.value.path().read_bytes().startswith(b"%PDF")
    expect(page.get_by_role("alert")).to_have_count(0)
    context.close()


def test_back_leads_through_lists_and_what_was_opened_from_them(live_server: LiveServer, browser: Browser) -> None:
    """Rejects pages within a page that the browser knows nothing of: Back and reload would lose them."""
    context = desk(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-supply", "stock")
        page.get_by_role("link", name="Lot B2201").click()
        expect(page.get_by_role("heading", name="Trace", exact=True)).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="in all")).to_contain_text("B2201")
        page.get_by_role("link", name="Agreements").click()
        page.get_by_test_id("agreement").get_by_role("button").first.click()
        expect(page.get_by_role("heading", name="Products")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Products")).to_be_visible()
        page.go_back()
        expect(page.get_by_test_id("agreement").first).to_be_visible()
        page.go_back()
        expect(page.get_by_role("status").filter(has_text="in all")).to_contain_text("B2201")
        page.get_by_role("link", name="Recalls").click()
        page.get_by_test_id("recall").get_by_role("button").first.click()
        expect(page.get_by_test_id("recall-totals").first).to_be_visible()
        page.go_back()
        expect(page.get_by_test_id("recall").first).to_be_visible()
    context.close()


def test_a_fault_of_one_page_leaves_the_menu_and_the_other_pages(live_server: LiveServer, browser: Browser) -> None:
    """Rejects a blank window: what is thrown while a page is drawn must not take everything with it."""
    context = desk(browser)
    page = sign_in(context, live_server, "northgate-supply", "key")
    broken = {"recalls": [{"notice": "N", "issuer": "I", "items": None}], "parties": {}, "places": {}, "products": {}}
    answering(page, RECALLS, 200, broken)
    page.goto(f"{live_server.url}/app/recalls")
    expect(page.get_by_role("heading", name="This page has failed")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Stock").click()
    expect(page.get_by_test_id("place").first).to_be_visible()
    context.close()


@pytest.mark.parametrize(
    ("key", "path", "words"),
    [("admin", "stock", "This page is not for your role"), ("cordia", "patients", "This page is not for your role")],
)
def test_a_page_of_another_role_says_so_and_leads_away(
    live_server: LiveServer, browser: Browser, key: str, path: str, words: str
) -> None:
    context = desk(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, key, path)
        expect(page.get_by_role("heading", name=words)).to_be_visible()
        page.get_by_role("link", name="Go to the start").click()
        expect(page.get_by_role("heading", name=words)).to_have_count(0)
    context.close()


def test_a_role_that_agrees_on_nothing_is_offered_nothing_to_agree_on(
    live_server: LiveServer, browser: Browser
) -> None:
    """Rejects buttons that the server answers with a refusal: terms have prices, and the clinical role sees none."""
    context = desk(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-clinical", "agreements")
        page.get_by_test_id("agreement").get_by_role("button").first.click()
        expect(page.get_by_role("heading", name="Products")).to_be_visible()
        for name in ("Propose an agreement", "Propose a change", "End it"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
    context.close()


def test_the_licences_of_what_the_pages_are_made_with_are_a_click_away(
    live_server: LiveServer, browser: Browser
) -> None:
    context = desk(browser)
    page = sign_in(context, live_server, "northgate-supply", "key")
    address = page.get_by_role("link", name="Licences").get_attribute("href")
    answer = httpx.get(f"{live_server.url}{address}", timeout=PATIENCE_S)
    assert answer.headers["content-type"].startswith("text/plain")
    for package in ("preact ", "@preact/signals ", "@preact/signals-core ", "zxing-wasm ", "zxing-cpp "):
        assert f"\n{package}" in answer.text
    context.close()
