"""Use at the bedside: few taps, words and sound for refusal, a mistake undone on the spot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from live_server import LiveServer
from web.conftest import phone
from web.fake_camera import label, symbol
from web.pages import assert_accessible, faultless, frames_shown, items, screenshot, sign_in, small_targets
from web.test_phone import choose_theatre, in_stock, phone_without_camera, transfers_of, typed, valve

pytestmark = pytest.mark.browser

Seeing = Callable[..., Browser]
RECALLED = "(01)09521141045305(10)LOT77A"
USED_BEFORE = "(01)09521141010235(21)V23-0008"
BUZZES = "window.buzzes = []; navigator.vibrate = (pattern) => window.buzzes.push(pattern.join());"
GOOD, DONE, REFUSED = "40", "60,40,120", "90,60,90"
# What a phone with a light says of its camera; the fake camera has none.
TORCH = """
MediaStreamTrack.prototype.getCapabilities = () => ({ torch: true });
MediaStreamTrack.prototype.applyConstraints = async (wanted) => { window.light = wanted.advanced[0].torch; };
"""


def use(page: Page) -> None:
    page.get_by_role("button", name="Use 1 item").click()
    expect(page.get_by_text("Saved: 1 item used")).to_be_visible()


def test_a_mistaken_use_is_undone_with_one_tap_and_can_be_saved_rightly(
    live_server: LiveServer, browser: Browser
) -> None:
    """Rejects an Undo that takes the row off the screen alone, and one that makes the nurse scan again."""
    serial, bracketed = valve()
    in_stock(live_server, bracketed)
    page = phone_without_camera(browser, live_server)
    typed(page, bracketed)
    choose_theatre(page)
    use(page)
    (passed,) = transfers_of(live_server, serial)
    assert passed["useType"] == "implanted"
    assert small_targets(page) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    expect(items(page)).to_contain_text(serial)
    assert transfers_of(live_server, serial) == []
    page.get_by_role("radio", name="Opened, wasted").check()
    use(page)
    (passed,) = transfers_of(live_server, serial)
    assert passed["useType"] == "wasted"
    page.context.close()


def test_a_label_that_stays_before_the_camera_is_no_second_use(live_server: LiveServer, browser_seeing: Seeing) -> None:
    """Rejects a page that puts what was just saved on the list again, from where one tap more uses it twice."""
    serial, bracketed = valve()
    in_stock(live_server, bracketed)
    context = phone(browser_seeing([label([symbol(bracketed)])]))
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-supply", "scan")
        expect(items(page)).to_have_count(1)
        choose_theatre(page)
        use(page)
        frames_shown(page, 30)
        expect(page.get_by_text("Saved: 1 item used")).to_be_visible()
        assert items(page).count() == 0
    assert len(transfers_of(live_server, serial)) == 1
    context.close()


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (RECALLED, "Cortical screw", "Recalled. It must not be used."),
        (USED_BEFORE, "Aortic valve", "The book has it as implanted already."),
    ],
)
def test_what_must_not_be_used_is_refused_by_name_before_it_is_saved_and_recorded_where_it_has_happened(
    live_server: LiveServer, browser: Browser, text: str, name: str, words: str
) -> None:
    """Rejects a page that looks at the label alone, and one that leaves a use without a record."""
    page = phone_without_camera(browser, live_server)
    typed(page, text)
    choose_theatre(page)
    expect(items(page)).to_contain_text(words)
    expect(items(page)).to_contain_text(name)
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
    save = page.get_by_role("button", name="Use 1 item")
    expect(save).to_be_disabled()
    assert_accessible(page)
    if text == RECALLED:
        screenshot(page, "phone-recalled.png")
    page.get_by_role("button", name="It was used all the same").click()
    expect(save).to_be_enabled()
    expect(items(page)).to_contain_text(words)
    page.context.close()


def test_a_hand_that_holds_the_phone_feels_success_and_refusal_apart(live_server: LiveServer, browser: Browser) -> None:
    _serial, bracketed = valve()
    in_stock(live_server, bracketed)
    page = phone_without_camera(browser, live_server)
    page.context.add_init_script(BUZZES)
    page.reload()
    typed(page, RECALLED)
    expect(items(page)).to_have_class("item bad")
    assert page.evaluate("buzzes").pop() == REFUSED
    page.get_by_role("button", name="Remove").click()
    typed(page, bracketed)
    expect(items(page)).to_have_class("item good")
    assert page.evaluate("buzzes").pop() == GOOD
    choose_theatre(page)
    use(page)
    assert page.evaluate("buzzes").pop() == DONE
    page.context.close()


def test_the_cameras_light_goes_on_and_off_where_the_device_has_one(
    live_server: LiveServer, browser_seeing: Seeing
) -> None:
    browser = browser_seeing([label([symbol(valve()[1])])])
    for script, lights in (("", 0), (TORCH, 1)):
        context = phone(browser)
        context.add_init_script(script)
        with faultless(context, live_server):
            page = sign_in(context, live_server, "northgate-supply", "scan")
            expect(items(page)).to_have_count(1)
            light = page.get_by_role("button", name="Light")
            expect(light).to_have_count(lights)
            for on in (True, False) if lights else ():
                light.click()
                expect(light).to_have_attribute("aria-pressed", str(on).lower())
                assert page.evaluate("light") is on
            assert small_targets(page) == []
        context.close()
