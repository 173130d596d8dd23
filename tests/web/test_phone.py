"""The phone page in a real browser, with a camera that shows drawn labels, against the real server."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from live_server import LiveServer
from web.conftest import LAN_NAME, desk, phone
from web.fake_camera import empty, film, label, symbol
from web.pages import chips, faultless, frames_shown, items, screenshot, sign_in
from web.patience import PATIENCE_S

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
VALVE, SCREW = "09521141010235", "09521141045305"
CORDIA = "https://id.gs1.org/417/9521141000007"
CABINET = "https://id.gs1.org/414/4012345000016/254/OR3-CAB2"
THEATRE = "https://id.gs1.org/414/4012345000016/254/OR3"

Seeing = Callable[..., Browser]
_serials = itertools.count(1)


def days_from_now(days: int) -> str:
    """A YYMMDD date relative to today, so that no label here expires by the passing of time."""
    return f"{dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days):%y%m%d}"


def valve(days: int = 400) -> tuple[str, str]:
    """A new serial number and the label of a valve that has it, in brackets."""
    serial = f"W{uuid.uuid4().hex[:6].upper()}{next(_serials)}"
    return serial, f"(01){VALVE}(17){days_from_now(days)}(10)L23-W(21){serial}"


def post_action(server: LiveServer, key: str, action: dict[str, object]) -> None:
    """Capture one consignment action with the key of that name."""
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    answer = httpx.post(f"{server.url}/consignment/actions", json=action, headers=headers, timeout=PATIENCE_S)
    assert answer.status_code == 201, answer.text


def in_stock(server: LiveServer, bracketed: str) -> None:
    """Receive the valve into Northgate's cabinet, as consignment of Cordia."""
    item = {"elementString": bracketed}
    post_action(
        server,
        "northgate-supply",
        {"action": "receive", "place": {"id": CABINET}, "items": [item], "counterparty": CORDIA},
    )


def transfers_of(server: LiveServer, serial: str, key: str = "northgate-supply") -> list[dict[str, object]]:
    answer = httpx.get(
        f"{server.url}/consignment/ownership-transfers?perPage=1000",
        headers={"Authorization": f"Bearer {server.keys[key]}"},
        timeout=PATIENCE_S,
    )
    return [one for one in answer.json()["transfers"] if one["serial"] == serial and not one["voided"]]


def choose_theatre(page: Page) -> None:
    page.get_by_label("Used at").select_option(THEATRE)


def test_a_nurse_scans_and_taps_use_and_the_desk_sees_stock_fall_and_ownership_pass(
    live_server: LiveServer, browser_seeing: Seeing
) -> None:
    """Rejects a page that shows what it hoped for: the desk's table changes only by what the server captured."""
    serial, bracketed = valve()
    in_stock(live_server, bracketed)
    printed = ["CORDIA HEART VALVE", "23 mm  STERILE R", "LOT L23-W", f"SN {serial}"]
    browser = browser_seeing([label([symbol(bracketed)], printed)])
    at_desk, at_bedside = desk(browser), phone(browser)
    with faultless(at_desk, live_server), faultless(at_bedside, live_server):
        desktop = sign_in(at_desk, live_server, "northgate-supply", "stock")
        row = desktop.locator(f"tr[data-item$='/21/{serial}']")
        expect(row).to_contain_text("Cordia")
        nurse = sign_in(at_bedside, live_server, "northgate-clinical", "scan")
        expect(items(nurse)).to_have_count(1)
        expiry = bracketed.split("(17)")[1][:6]
        assert chips(nurse) == [f"(01) {VALVE}", f"(17) {expiry}", "(10) L23-W", f"(21) {serial}"]
        choose_theatre(nurse)
        screenshot(nurse, "phone-scan.png")
        nurse.get_by_role("button", name="Use 1 item").click()
        expect(nurse.get_by_text("Saved: 1 item used")).to_be_visible()
        expect(row).to_have_count(0)
        passed = desktop.get_by_test_id("transfer").filter(has_text=serial)
        expect(passed).to_contain_text("Cordia")
        expect(passed).to_contain_text("→")
        expect(passed).to_contain_text("Northgate")
        screenshot(desktop, "desktop-stock.png")
    assert len(transfers_of(live_server, serial)) == 1


def test_three_symbologies_in_one_tilted_picture_give_three_items_and_no_doubles(
    live_server: LiveServer, browser_seeing: Seeing
) -> None:
    """Rejects reader options that give up the second scan line (GS1-128 is missed), or stop at the first symbol."""
    matrix, code = valve()[1], valve()[1]
    drawn = [symbol(matrix), symbol(f"(01){SCREW}(10)LOT77A", "Code128", scale=2), symbol(code, "QRCode", scale=4)]
    context = phone(browser_seeing([label(drawn, tilt_degrees=4)]), viewport={"width": 820, "height": 1180})
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-supply", "scan")
        expect(items(page)).to_have_count(3)
        for particulars in (matrix.split("(21)")[1], code.split("(21)")[1], "Lot LOT77A"):
            expect(items(page).filter(has_text=particulars)).to_have_count(1)
        frames_shown(page, 40)
        assert items(page).count() == 3


def test_a_code_that_is_not_GS1_is_refused_in_words(live_server: LiveServer, browser_seeing: Seeing) -> None:
    plain = symbol(f"01{VALVE}21X1", gs1=False)
    context = phone(browser_seeing([label([plain])]))
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-supply", "scan")
        expect(page.get_by_text("not a GS1 barcode")).to_be_visible()
        assert items(page).count() == 0


def test_an_empty_table_gives_no_item(live_server: LiveServer, browser_seeing: Seeing) -> None:
    context = phone(browser_seeing([empty()]))
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-supply", "scan")
        page.get_by_text("Hold a GS1 barcode").wait_for()
        frames_shown(page, 40)
        assert items(page).count() == 0


def test_an_expired_item_cannot_be_used_and_says_why(live_server: LiveServer, browser_seeing: Seeing) -> None:
    """Rejects colour alone, and a check of the date's text: the day before yesterday is expired in every time zone."""
    context = phone(browser_seeing([label([symbol(valve(days=-2)[1])])]))
    with faultless(context, live_server):
        page = sign_in(context, live_server, "northgate-supply", "scan")
        expect(items(page)).to_contain_text("Expired on")
        expect(items(page)).to_contain_text("It must not be used.")
        choose_theatre(page)
        expect(page.get_by_role("button", name="Use 1 item")).to_be_disabled()
        expect(page.get_by_text("Remove the item marked in red first.")).to_be_visible()


def phone_without_camera(browser: Browser, server: LiveServer, error: str = "NotFoundError") -> Page:
    """The signed-in phone page in a browser whose camera fails with that DOMException."""
    context = phone(browser)
    failing = f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{error}'));"
    context.add_init_script(failing)
    return sign_in(context, server, "northgate-supply", "scan")


@pytest.mark.parametrize(
    ("error", "words"),
    [("NotFoundError", "This device has no camera."), ("NotAllowedError", "Camera permission is denied.")],
)
def test_the_page_says_why_there_is_no_picture_and_offers_typing(
    live_server: LiveServer, browser: Browser, error: str, words: str
) -> None:
    page = phone_without_camera(browser, live_server, error)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("alert")).to_contain_text("You can type the label instead.")
    page.context.close()


def test_on_a_plain_http_name_the_page_says_that_the_camera_needs_https(
    live_server: LiveServer, browser: Browser
) -> None:
    context = phone(browser)
    page = context.new_page()
    page.goto(f"{live_server.url}/app/scan".replace("127.0.0.1", LAN_NAME))
    page.get_by_label("Your key").fill(live_server.keys["northgate-supply"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The camera works over HTTPS only.")
    context.close()


def test_a_photo_is_read_by_the_server_where_the_page_has_no_camera(
    live_server: LiveServer, browser: Browser, tmp_path: Path
) -> None:
    serial, bracketed = valve()
    photo = film(tmp_path / "photo.jpg", [label([symbol(bracketed)])])
    page = phone_without_camera(browser, live_server)
    page.get_by_label("Photo of a label").set_input_files(photo)
    expect(items(page)).to_contain_text(serial)
    photo = film(tmp_path / "empty.jpg", [empty()])
    page.get_by_label("Photo of a label").set_input_files(photo)
    expect(page.get_by_text("No barcode was found")).to_be_visible()
    page.context.close()


def typed(page: Page, text: str) -> None:
    if not page.get_by_label("Text under the barcode").is_visible():
        page.get_by_role("button", name="Type it").click()
    page.get_by_label("Text under the barcode").fill(text)
    page.get_by_role("button", name="Add").click()


def test_a_typed_label_is_marked_as_typed_and_its_check_digit_is_judged(
    live_server: LiveServer, browser: Browser
) -> None:
    page = phone_without_camera(browser, live_server)
    typed(page, "(01)09521141010236(10)L23-A(21)BAD1")
    expect(items(page).first).to_have_class("item bad")
    expect(items(page).first).to_contain_text("check digit")
    choose_theatre(page)
    expect(page.get_by_role("button", name="Use 1 item")).to_be_disabled()
    page.get_by_role("button", name="Remove").click()
    typed(page, valve()[1])
    expect(items(page).first).to_have_class("item good")
    expect(items(page).first).to_contain_text("Typed")
    page.context.close()


def test_an_answer_lost_on_the_way_and_sent_again_books_one_event(live_server: LiveServer, browser: Browser) -> None:
    """Rejects a client that makes identity or time anew for each attempt: that would book the use twice."""
    serial, bracketed = valve()
    in_stock(live_server, bracketed)
    page = phone_without_camera(browser, live_server)
    bodies: list[str | None] = []

    def lose_the_first_answer(route: Route) -> None:
        bodies.append(route.request.post_data)
        if len(bodies) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/consignment/actions", lose_the_first_answer)
    typed(page, bracketed)
    choose_theatre(page)
    page.get_by_role("button", name="Use 1 item").click()
    expect(page.get_by_text("Kept on this phone: 1 item used")).to_be_visible()
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("Saved: 1 item used")).to_be_visible()
    expect(page.get_by_test_id("outbox")).to_have_count(0)
    assert bodies[0] == bodies[1]
    assert len(transfers_of(live_server, serial)) == 1
    page.context.close()


def test_changing_the_task_with_unsaved_items_asks_first(live_server: LiveServer, browser: Browser) -> None:
    page = phone_without_camera(browser, live_server)
    typed(page, valve()[1])
    expect(items(page)).to_have_count(1)
    page.get_by_role("button", name="Count").click()
    expect(page.get_by_text("Leave 1 item unsaved?")).to_be_visible()
    page.get_by_role("button", name="Keep the list").click()
    expect(items(page)).to_have_count(1)
    page.get_by_role("button", name="Count").click()
    page.get_by_role("button", name="Empty the list").click()
    expect(items(page)).to_have_count(0)
    page.context.close()


def test_the_whole_use_can_be_done_by_keyboard(live_server: LiveServer, browser: Browser) -> None:
    _serial, bracketed = valve()
    in_stock(live_server, bracketed)
    page = phone_without_camera(browser, live_server)
    page.get_by_role("button", name="Type it").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(bracketed)
    page.keyboard.press("Enter")
    expect(items(page).first).to_have_class("item good")
    place = page.get_by_label("Used at")
    place.focus()
    place.select_option(THEATRE)
    page.get_by_role("radio", name="Consumed").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="Consumed")).to_be_checked()
    page.get_by_role("button", name="Use 1 item").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved: 1 item used")).to_be_visible()
    page.context.close()


def test_nothing_that_was_scanned_stays_on_the_device(live_server: LiveServer, browser: Browser) -> None:
    serial, bracketed = valve()
    page = phone_without_camera(browser, live_server)
    typed(page, bracketed)
    choose_theatre(page)
    expect(items(page)).to_have_count(1)
    kept = page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert serial not in kept
    assert "tw_" not in kept
    assert page.evaluate("() => indexedDB.databases().then(all => all.length)") == 0
    page.context.close()
