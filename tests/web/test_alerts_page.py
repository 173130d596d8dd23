"""The alerts page in a real browser: what wants attention, told to both sides alike."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from live_server import LiveServer, running_server
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, screenshot, sign_in
from web.patience import PATIENCE_S

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo of its own: what is explained here would be missing elsewhere."""
    with running_server(tmp_path_factory.mktemp("alerts"), demo=True) as running:
        yield running


def test_a_conflict_that_the_hospital_explains_is_explained_to_the_supplier_with_the_reason(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a page that hides what it explained without asking the server, and a reason that one side alone reads."""
    hospital, supplier = desk(browser), phone(browser)
    with faultless(hospital, server), faultless(supplier, server):
        page = sign_in(hospital, server, "northgate-supply", "alerts")
        card = page.get_by_test_id("conflict").filter(has_text="received that was not on its way")
        card.get_by_role("button", name="Explain").click()
        expect(card.get_by_role("button", name="Explain")).to_be_disabled()
        card.get_by_label("Why it is not what it seems").fill("One screw lay in the next drawer.")
        assert_accessible(page)
        card.get_by_role("button", name="Explain").click()
        expect(card).to_have_count(0)
        theirs = sign_in(supplier, server, "cordia", "alerts")
        theirs.get_by_test_id("conflict").first.wait_for()
        theirs.get_by_role("radio", name="Explained").check()
        told = theirs.get_by_test_id("conflict")
        expect(told).to_have_count(1)
        expect(told).to_contain_text("One screw lay in the next drawer.")
        expect(told).to_contain_text("Northgate Hospital")
        assert_accessible(theirs)
        told.get_by_role("button", name="Open again").click()
        told.get_by_label("Why the explanation does not hold").fill("The drawer is ours and holds none.")
        told.get_by_role("button", name="Open again").click()
        expect(theirs.get_by_text("None.", exact=True)).to_be_visible()
        page.reload()
        expect(card).to_have_count(1)
    hospital.close()
    supplier.close()


def test_an_alert_that_one_side_acknowledges_shows_its_note_to_the_other(server: LiveServer, browser: Browser) -> None:
    """Rejects an acknowledgement that is kept in the browser, and one that closes the alert for the side that owes."""
    supplier, hospital = desk(browser), phone(browser)
    with faultless(supplier, server), faultless(hospital, server):
        page = sign_in(supplier, server, "cordia", "alerts")
        headers = {"Authorization": f"Bearer {server.keys['cordia']}"}
        short = len(
            httpx.get(f"{server.url}/alerts?kind=below_par", headers=headers, timeout=PATIENCE_S).json()["alerts"]
        )
        page.get_by_label("Kind").select_option("below_par")
        page.get_by_label("To act").select_option("We")
        expect(page.get_by_test_id("alert")).to_have_count(short)
        alert = page.get_by_test_id("alert").filter(has_text="1 usable at Theatre 3, cabinet 2")
        expect(alert).to_contain_text("We act")
        alert.get_by_role("button", name="Acknowledge").click()
        alert.get_by_label("Note for the other side").fill("Two valves leave on Tuesday.")
        assert_accessible(page)
        alert.get_by_role("button", name="Acknowledge").click()
        expect(alert.get_by_test_id("acknowledgement")).to_contain_text("Two valves leave on Tuesday.")
        expect(alert.get_by_role("button", name="Acknowledge")).to_have_count(0)
        page.get_by_label("Kind").select_option("")
        page.get_by_label("To act").select_option("Either side")
        expect(page.get_by_test_id("alert")).not_to_have_count(short)
        screenshot(page, "desktop-alerts.png")

        theirs = sign_in(hospital, server, "northgate-supply", "alerts")
        theirs.get_by_label("Kind").select_option("below_par")
        expect(theirs.get_by_test_id("alert")).to_have_count(short)
        told = theirs.get_by_test_id("alert").filter(has_text="1 usable at Theatre 3, cabinet 2")
        expect(told).to_contain_text("Cordia Devices acts")
        expect(told.get_by_test_id("acknowledgement")).to_contain_text("Two valves leave on Tuesday.")
        expect(told.get_by_test_id("acknowledgement")).to_contain_text("Cordia")
        assert theirs.evaluate("document.documentElement.scrollWidth") <= 390
        assert_accessible(theirs)
        stranger = desk(browser)
        nothing = sign_in(stranger, server, "rival-supplier", "alerts")
        expect(nothing.get_by_text("Nothing is owed")).to_be_visible()
        stranger.close()
    supplier.close()
    hospital.close()
