"""Counting on the phone, in a real browser with a camera that shows drawn labels, against the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from live_server import LiveServer, running_server
from web.conftest import phone
from web.fake_camera import label, symbol
from web.pages import assert_accessible, faultless, frames_shown, screenshot, sign_in, small_targets
from web.patience import PATIENCE_S
from web.terms import CABINET

pytestmark = pytest.mark.browser

Seeing = Callable[..., Browser]
VALVE, SCREW = "09521141010235", "09521141045305"
WARD = "https://id.gs1.org/414/4012345000016/254/WARDB-CAB1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo of its own: a count is on record for good."""
    with running_server(tmp_path_factory.mktemp("counts"), demo=True) as running:
        yield running


def variances(server: LiveServer, key: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    answer = httpx.get(f"{server.url}/counts/variances", headers=headers, timeout=PATIENCE_S)
    found: list[dict[str, Any]] = answer.json()["variances"]
    return found


def begin(page: Page, place: str) -> None:
    page.get_by_label("Place", exact=True).select_option(place)
    page.get_by_role("button", name="Begin the count").click()
    page.get_by_test_id("count-total").wait_for()


def typed(page: Page, text: str) -> None:
    if not page.get_by_label("Text under the barcode").is_visible():
        page.get_by_role("button", name="Type it").click()
    page.get_by_label("Text under the barcode").fill(text)
    page.get_by_role("button", name="Add", exact=True).click()


def count_again(page: Page) -> None:
    """The second round, in which the camera still sees what it saw."""
    page.get_by_role("button", name="Count again what differs").click()
    expect(page.get_by_text("Second round.")).to_be_visible()
    expect(page.locator("[data-testid=read]:not(.waiting)")).to_have_count(2)
    page.get_by_role("button", name="Everything is read").click()


def test_labels_that_the_camera_sees_are_counted_once_and_put_on_record_for_both_sides(
    server: LiveServer, browser_seeing: Seeing
) -> None:
    """Rejects a page that counts a label again in every frame, and one that shows the book in a blind count."""
    drawn = [symbol(f"(01){VALVE}(21)V23-0007"), symbol(f"(01){SCREW}(10)LOT77A", "Code128", scale=2)]
    context = phone(browser_seeing([label(drawn)]), viewport={"width": 820, "height": 1180})
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", "count")
        begin(page, CABINET)
        reads = page.get_by_test_id("read")
        expect(reads).to_have_count(2)
        expect(page.get_by_test_id("count-total")).to_contain_text("2 units counted")
        frames_shown(page, 30)
        expect(page.get_by_test_id("count-total")).to_contain_text("2 units counted")
        expect(page.get_by_text("Should be here")).to_have_count(0)
        page.get_by_role("button", name="One more of GTIN 09521141045305").click()
        expect(page.get_by_test_id("count-total")).to_contain_text("3 units counted")
        page.get_by_role("button", name="Take back GTIN 09521141045305").click()
        expect(page.get_by_test_id("count-total")).to_contain_text("2 units counted")
        assert_accessible(page)
        assert small_targets(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        screenshot(page, "phone-count.png")
        page.get_by_role("button", name="Everything is read").click()
        expect(page.get_by_text("The agreement asks for a second count")).to_be_visible()
        expect(page.get_by_role("button", name="Put on record")).to_have_count(0)
        count_again(page)
        page.get_by_role("button", name="Put on record").click()
        expect(page.get_by_text("The count is on record").first).to_be_visible()
        page.get_by_role("button", name="Done").click()
        expect(page.get_by_role("heading", name="Finished counts")).to_be_visible()
        expect(page.get_by_test_id("part")).to_have_count(1)
        assert_accessible(page)
    (part,) = variances(server, "cordia")
    serials = {line["serial"]: line["kind"] for line in part["lines"] if line["serial"]}
    assert serials == {"V23-0007": "agrees"}
    assert part["place"] == CABINET


def test_what_is_read_without_a_connection_survives_a_reload_and_is_sent_once(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a queue in memory alone, one that sends twice, and one that keeps a patient's wristband."""
    context = phone(browser)
    page = sign_in(context, server, "northgate-supply", "count")
    begin(page, WARD)
    context.route("**/counts/**", lambda route: route.abort())
    typed(page, f"(01){SCREW}(10)LOT77A")
    expect(page.get_by_text("1 wait for the connection")).to_be_visible()
    typed(page, "(8018)401234500000123452")
    expect(page.get_by_text("That is a person's label. It was not kept.")).to_be_visible()
    assert "401234500000123452" not in page.evaluate("JSON.stringify({...localStorage})")
    page.get_by_role("button", name="One more of GTIN 09521141045305").click()
    expect(page.get_by_text("2 wait for the connection")).to_be_visible()
    page.reload()
    expect(page.get_by_text("2 wait for the connection")).to_be_visible()
    page.get_by_role("button", name="Everything is read").click()
    expect(page.get_by_role("alert").filter(has_text="cannot be reached")).to_be_visible()
    context.unroute("**/counts/**")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_text("wait for the connection")).to_have_count(0)
    page.get_by_role("button", name="Everything is read").click()
    page.get_by_role("button", name="Count again what differs").click()
    typed(page, f"(01){SCREW}(10)LOT77A")
    page.get_by_role("button", name="One more of GTIN 09521141045305").click()
    expect(page.get_by_test_id("count-total")).to_contain_text("2 units counted")
    page.get_by_role("button", name="Everything is read").click()
    expect(page.get_by_test_id("variance").first).to_contain_text("missing")
    expect(page.get_by_test_id("variance").first).to_contain_text("2 counted, 4 in the book")
    screenshot(page, "phone-variance.png")
    page.get_by_role("button", name="Put on record").click()
    expect(page.get_by_text("The count is on record").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_test_id("part").first).to_be_visible()
    assert page.evaluate("localStorage.getItem('traceward.count')") is None
    context.close()
