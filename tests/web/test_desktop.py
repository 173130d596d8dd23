"""The desktop pages in a real browser: stock, trace, sign-in, and what both kinds of page owe to every reader."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, expect

from live_server import LiveServer, running_server
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, sign_in, small_targets
from web.patience import PATIENCE_S

pytestmark = pytest.mark.browser

PATIENT = "401234500000123452"
LOT = "trace?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30"


def test_a_wrong_key_is_refused_in_words_and_leaves_no_trace(live_server: LiveServer, browser: Browser) -> None:
    context = desk(browser)
    with faultless(context, live_server):
        page = context.new_page()
        page.goto(f"{live_server.url}/app/stock")
        page.get_by_label("Your key").fill("tw_wrong_key")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("not accepted")
        assert context.cookies() == []
    context.close()


def test_signing_in_leaves_a_cookie_out_of_reach_of_scripts_until_signing_out(
    live_server: LiveServer, browser: Browser
) -> None:
    context = desk(browser)
    page = context.new_page()
    page.goto(f"{live_server.url}/app/stock")
    page.get_by_label("Your key").fill(live_server.keys["northgate-supply"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_test_id("place").first.wait_for()
    (cookie,) = context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your key")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Your key")).to_be_visible()
    context.close()


def test_the_trace_of_the_recalled_lot_answers_the_worked_example(live_server: LiveServer, browser: Browser) -> None:
    """The numbers of the story at the end of June 2026; rejects a page that adds up rows of different kinds."""
    context = desk(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-clinical", LOT)
        total = page.get_by_role("status").filter(has_text="in all")
        expect(total).to_contain_text("484 in stock, 12 in transit, 4 gone; 500 in all")
        ward = page.get_by_role("row").filter(has_text="Ward B, cabinet 1")
        expect(ward).to_contain_text("4")
        expect(page.get_by_text(f"GSRN {PATIENT}")).to_be_visible()
    context.close()


@pytest.mark.parametrize("key", ["northgate-supply", "cordia"])
def test_no_page_shows_the_patient_to_a_reader_without_the_clinical_role(
    live_server: LiveServer, browser: Browser, key: str
) -> None:
    context = desk(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, key, LOT)
        expect(page.get_by_role("status").filter(has_text="in all")).to_be_visible()
        assert PATIENT not in page.content()
        expect(page.get_by_role("heading", name="Patients")).to_have_count(0)
        page.goto(f"{live_server.url}/app/stock")
        page.get_by_test_id("place").first.wait_for()
        assert PATIENT not in page.content()
    context.close()


def test_the_filter_finds_rows_by_place_and_lot(live_server: LiveServer, browser: Browser) -> None:
    context = desk(browser)
    page = sign_in(context, live_server, "northgate-supply", "stock")
    page.get_by_test_id("place").first.wait_for()
    everything = page.locator("tbody tr").count()
    page.get_by_label("Filter").fill("ward lot77a")
    expect(page.get_by_test_id("place")).to_have_count(1)
    assert page.locator("tbody tr").count() < everything
    page.get_by_label("Filter").fill("no such thing")
    expect(page.get_by_text("Nothing matches the filter")).to_be_visible()
    context.close()


def test_a_demonstration_says_so_on_every_page(live_server: LiveServer, browser: Browser) -> None:
    context = desk(browser)
    page = context.new_page()
    page.goto(f"{live_server.url}/app/")
    expect(page.get_by_text("Demonstration with made-up data")).to_be_visible()
    context.close()


def test_the_administrator_manages_keys_and_sees_no_stock(live_server: LiveServer, browser: Browser) -> None:
    context = desk(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, "admin", "")
        expect(page.get_by_role("heading", name="Partners and keys")).to_be_visible()
        expect(page.get_by_role("link", name="Stock")).to_have_count(0)
        page.get_by_label("Organisation").select_option(label="Northgate Hospital")
        page.get_by_label("For whom or what").fill("Theatre 3 phone")
        page.get_by_role("button", name="Make the key").click()
        expect(page.get_by_test_id("new-key")).to_contain_text("tw_")
        row = page.get_by_role("row").filter(has_text="Theatre 3 phone")
        row.get_by_role("button", name="Revoke Theatre 3 phone").click()
        row.get_by_role("button", name="Really revoke").click()
        expect(row).to_have_count(0)
    context.close()


def test_the_administrator_takes_a_partner_through_onboarding_step_by_step(browser: Browser, tmp_path: Path) -> None:
    """Rejects a page that ticks steps off by itself: what is done, and what is next, is the server's to say."""
    with running_server(tmp_path / "data", demo=True, demo_storyline=False) as server:
        context = desk(browser)
        with faultless(context, server):
            page = sign_in(context, server, "admin", "admin")
            page.get_by_label("Name", exact=True).fill("Alpine Implants")
            page.get_by_label("Party GLN").fill("7612345000008")
            page.get_by_role("button", name="Add the partner").click()
            page.get_by_label("For", exact=True).select_option(label="Northgate Hospital")
            page.get_by_label("comes").select_option(label="Alpine Implants")
            page.get_by_role("button", name="Begin").click()
            progress = page.get_by_test_id("onboarding")
            expect(progress).to_contain_text("Alpine Implants as supplier for Northgate Hospital")
            progress.get_by_role("button", name="Make the partner's key").click()
            expect(page.get_by_test_id("new-key")).to_contain_text("tw_")
            expect(progress).to_contain_text("Next: agreement")
            assert_accessible(page)
        context.close()


def test_a_company_prefix_passes_on_only_where_the_administrator_says_so(browser: Browser, tmp_path: Path) -> None:
    """Rejects a page by which a prefix changes hands unnoticed, and one by which it cannot."""
    with running_server(tmp_path / "data", demo=True, demo_storyline=False) as server:
        context = desk(browser)
        with faultless(context, server):
            page = sign_in(context, server, "admin", "admin")
            page.get_by_label("Name", exact=True).fill("Cordia Successor")
            page.get_by_label("Party GLN").fill("7612345000008")
            page.get_by_label("GS1 company prefix").fill("9521141")
            page.get_by_role("button", name="Add the partner").click()
            expect(page.get_by_role("alert")).to_contain_text("is Cordia Devices's")
            page.get_by_label("Another partner had it before").check()
            assert_accessible(page)
            page.get_by_role("button", name="Add the partner").click()
            expect(page.get_by_label("Name", exact=True)).to_have_value("")
            expect(page.get_by_role("alert")).to_have_count(0)
        context.close()
        answer = httpx.get(
            f"{server.url}/admin/organisations",
            headers={"Authorization": f"Bearer {server.keys['admin']}"},
            timeout=PATIENCE_S,
        )
    prefixes = {one["name"]: one["companyPrefixes"] for one in answer.json()["organisations"]}
    assert (prefixes["Cordia Devices"], prefixes["Cordia Successor"]) == ([], ["9521141"])


def test_the_one_time_link_sets_the_server_up_once(browser: Browser, tmp_path: Path) -> None:
    """Rejects a page that puts the code into a URL of the server, and a code that works twice."""
    with running_server(tmp_path / "data") as server:
        code = server.app.state.first_run.code
        context = desk(browser)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
        page.goto(f"{server.url}/setup#{code}")
        page.get_by_label("Name").fill("Northgate Hospital")
        page.get_by_label("Party GLN").fill("4012345000008")
        page.get_by_label("GS1 company prefix").fill("4012345")
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_role("alert")).to_contain_text("should be 9")
        page.get_by_label("Party GLN").fill("4012345000009")
        page.get_by_role("button", name="Set up").click()
        key = page.get_by_test_id("new-key").inner_text().strip()
        assert not any(code in address for address in asked)
        page.get_by_role("link", name="Go to sign in").click()
        page.get_by_label("Your key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Partners and keys")).to_be_visible()
        again = httpx.post(f"{server.url}/setup", json={"code": code}, timeout=PATIENCE_S)
        assert again.status_code == 401
        context.close()


USUAL_SCHEMES = {
    "scan": "light",
    "stock": "dark",
    LOT: "light",
    "nowhere": "dark",
    "alerts": "dark",
    "patients": "light",
    "implants": "dark",
    "quarantine": "light",
    "trends": "dark",
    "key": "dark",
    "count": "dark",
    "replenishment": "light",
    "recalls": "dark",
    "agreements": "dark",
    "reports": "light",
    "imports": "dark",
    "subscriptions": "light",
    "gaps": "dark",
}
AXE_ROUNDS = [
    (path, scheme) if scheme == usual else pytest.param(path, scheme, marks=pytest.mark.full)
    for path, usual in USUAL_SCHEMES.items()
    for scheme in ("light", "dark")
]


@pytest.mark.parametrize(("path", "scheme"), AXE_ROUNDS)
def test_every_page_passes_axe_at_phone_and_desk_width(
    live_server: LiveServer, browser: Browser, path: str, scheme: Literal["light", "dark"]
) -> None:
    """WCAG 2.2 AA and best practice; at 320 px nothing is wider than the screen; the phone page has 44 px targets."""
    context = phone(browser, color_scheme=scheme)
    page = sign_in(context, live_server, "northgate-clinical", path)
    page.wait_for_load_state("networkidle") if path != "stock" else page.get_by_test_id("place").first.wait_for()
    for width in (390, 1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if path == "scan":
        assert small_targets(page) == []
    context.close()


def test_a_role_without_prices_is_told_so_and_asked_nothing_that_is_refused(
    live_server: LiveServer, browser: Browser
) -> None:
    """Rejects a page that asks for settlements all the same, and offers to try again what stays refused."""
    context = desk(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-clinical", "reports")
        expect(page.get_by_text("the role clinical sees none")).to_be_visible()
        expect(page.get_by_role("heading", name="Settlements")).to_have_count(0)
        expect(page.get_by_role("alert")).to_have_count(0)
    context.close()


def test_short_words_are_broken_nowhere_on_a_phone(live_server: LiveServer, browser: Browser) -> None:
    """Rejects a bar and a list of terms that put the letters of a word below each other, or that push the page wide."""
    context = phone(browser)
    lines = (
        "e => { const r = document.createRange(); r.selectNodeContents(e.firstChild);"
        " return new Set([...r.getClientRects()].map(one => one.top)).size }"
    )
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-clinical", "key")
        assert page.get_by_text("May", exact=True).evaluate(lines) == 1
        for path in ("replenishment", "subscriptions"):
            page.goto(f"{live_server.url}/app/{path}")
            menu = page.get_by_role("button", name=path.title())
            badge = menu.get_by_test_id("alert-badge")
            badge.wait_for()
            for width in (390, 320):
                page.set_viewport_size({"width": width, "height": 844})
                whole = (
                    menu,
                    badge,
                    page.get_by_role("link", name="My key"),
                    page.get_by_role("button", name="Sign out"),
                )
                assert [one.evaluate(lines) for one in whole] == [1, 1, 1, 1]
                boxes = [one.bounding_box() for one in whole]
                assert all(box is not None and 0 <= box["x"] <= box["x"] + box["width"] <= width for box in boxes)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
