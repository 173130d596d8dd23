"""Agreements in a real browser: one side proposes, the other reads what differs and signs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from live_server import LiveServer, running_server
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, screenshot, sign_in
from web.patience import PATIENCE_S
from web.terms import CABINET, PLATE, ROD, SITE, propose, terms

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo of its own: an agreement changes what every other test of a shared one would see."""
    with running_server(tmp_path_factory.mktemp("agreements"), demo=True) as running:
        yield running


def agreements(server: LiveServer, key: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    found: list[dict[str, Any]] = httpx.get(f"{server.url}/agreements", headers=headers, timeout=PATIENCE_S).json()[
        "agreements"
    ]
    return found


def cards(page: Page) -> Any:
    return page.get_by_test_id("agreement")


def test_what_one_side_proposes_in_the_form_the_other_signs_and_both_read_as_in_force(
    server: LiveServer, browser: Browser, tmp_path: Path
) -> None:
    """Rejects a form that sends other terms than it shows, and a page that calls a proposal an agreement."""
    supplier, hospital = desk(browser), desk(browser)
    with faultless(supplier, server), faultless(hospital, server):
        page = sign_in(supplier, server, "cordia", "agreements")
        expect(cards(page)).to_have_count(1)
        page.get_by_role("button", name="Propose an agreement").click()
        page.get_by_label("Title").fill("Plates for theatre 3")
        page.get_by_label("Hospital", exact=True).fill("4012345000009")
        page.get_by_label("Another place").fill(SITE)
        page.get_by_role("button", name="Add the place").click()
        page.get_by_label("GTIN").fill(PLATE)
        page.get_by_role("button", name="Add a stock level").click()
        page.get_by_label("Stock at").select_option(CABINET)
        page.get_by_label("Up to").fill("6")
        page.get_by_role("button", name="Add a price").click()
        page.get_by_label("Price of one").fill("1250.00")
        page.get_by_label("Time to find them").fill("45")
        assert_accessible(page)
        page.get_by_role("button", name="Propose and sign for my side").click()
        expect(page.get_by_text("Northgate Hospital has not signed yet")).to_be_visible()

        theirs = sign_in(hospital, server, "northgate-supply", "agreements")
        expect(theirs.get_by_text("1 agreement waits for your signature")).to_be_visible()
        theirs.get_by_role("button", name="Plates for theatre 3").click()
        expect(theirs.get_by_text("1 to 6")).to_be_visible()
        expect(theirs.get_by_text("45 days")).to_be_visible()
        theirs.get_by_role("button", name="Sign version 1").click()
        expect(theirs.get_by_role("article").get_by_text("In force", exact=True)).to_be_visible()
        assert_accessible(theirs)
        screenshot(theirs, "desktop-agreement.png")
        page.reload()
        expect(page.get_by_role("article").get_by_text("In force", exact=True)).to_be_visible()
        page.go_back()
        expect(cards(page).filter(has_text="Plates for theatre 3")).to_contain_text("In force")
        with theirs.expect_download() as exported:
            theirs.get_by_role("button", name="Export").click()
        file = exported.value.path()
    (made,) = [one for one in agreements(server, "cordia") if one["terms"]["title"] == "Plates for theatre 3"]
    assert made["terms"]["loss"]["graceDays"] == 45
    assert made["terms"]["lines"][0]["par"] == [{"place": CABINET, "minimum": 1, "maximum": 6}]
    assert made["terms"]["lines"][0]["prices"][0]["amount"] == "1250.00"
    assert file.read_text(encoding="utf-8").count(made["agreementID"]) == 1
    supplier.close()
    hospital.close()


def test_a_new_version_is_shown_by_what_it_changes_and_by_nothing_else(server: LiveServer, browser: Browser) -> None:
    """Rejects a comparison that shows equal terms, and one that leaves out terms without a field of their own."""
    first = terms(validFrom="2031-01-01", title="Rods to come", lines=[{"gtin": ROD}])
    assert propose(server, "cordia", first).status_code == 201
    changed = first | {"lines": [{"gtin": ROD, "orderMultiple": 5}], "notSeenDays": 60}
    assert propose(server, "northgate-supply", changed).json()["version"] == 2
    context = phone(browser)
    with faultless(context, server):
        page = sign_in(context, server, "cordia", "agreements")
        page.get_by_role("button", name="Rods to come").click()
        rows = page.get_by_test_id("difference")
        expect(rows).to_have_count(2)
        expect(rows.filter(has_text="multiples of")).to_contain_text("5")
        screenshot(page, "phone-agreement.png")
        expect(rows.filter(has_text="not seen for")).to_contain_text("90 days")
        expect(page.get_by_role("button", name="Sign version 2")).to_be_visible()
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_terms_that_the_server_refuses_are_told_with_what_was_expected_and_stay_in_the_form(
    server: LiveServer, browser: Browser
) -> None:
    context = desk(browser)
    page = sign_in(context, server, "northgate-supply", "agreements")
    page.get_by_role("button", name="Propose an agreement").click()
    page.get_by_label("Supplier", exact=True).fill("9521141000007")
    page.get_by_label("Another place").fill("4012345000016")
    page.get_by_role("button", name="Add the place").click()
    page.get_by_label("GTIN").fill("09521141010236")
    page.get_by_role("button", name="Propose and sign for my side").click()
    expect(page.get_by_role("alert")).to_contain_text("no GTIN")
    expect(page.get_by_label("GTIN")).to_have_value("09521141010236")
    context.close()


def test_of_two_agreements_with_one_id_the_one_that_is_shown_is_signed(server: LiveServer, browser: Browser) -> None:
    """Rejects a page that tells agreements by their ids alone: two suppliers may have given the same one."""
    cordias = terms(validFrom="2032-01-01", title="Rods of Cordia", lines=[{"gtin": ROD}])
    lines = [{"gtin": "09506000000015"}]
    helix = cordias | {"title": "Rods of Helix", "supplier": _party_of(server, "rival-supplier"), "lines": lines}
    assert propose(server, "cordia", cordias).status_code == 201
    assert propose(server, "rival-supplier", helix).status_code == 201
    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", "agreements")
        page.get_by_role("button", name="Rods of Helix").click()
        page.get_by_role("button", name="Sign version 1").click()
        expect(page.get_by_role("article")).to_contain_text("Signed, not yet in force")
    states = {
        one["terms"]["title"]: one["state"]
        for one in agreements(server, "northgate-supply")
        if one["agreementID"] == cordias["agreementID"]
    }
    assert states == {"Rods of Cordia": "proposed", "Rods of Helix": "signed"}
    context.close()


def _party_of(server: LiveServer, key: str) -> str:
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    organisation: str = httpx.get(f"{server.url}/session", headers=headers, timeout=PATIENCE_S).json()["organisation"]
    return organisation
