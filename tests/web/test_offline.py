"""The phone without a network, in a real browser: the pages open, a scanned use is kept, and it arrives once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from live_server import LiveServer, running_server
from traceward.web import static_folder
from web.conftest import phone
from web.fake_camera import label, symbol
from web.network import between
from web.pages import assert_accessible, faultless, items, screenshot, sign_in, until
from web.test_phone import choose_theatre, in_stock, transfers_of, valve

pytestmark = pytest.mark.browser

Seeing = Callable[..., Browser]
CONTROLLED = "navigator.serviceWorker.controller !== null"
KEPT_FILES = """async () => {
    const names = await caches.keys();
    const kept = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys())));
    return kept.flat().map(({ url }) => new URL(url).pathname + new URL(url).search);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo of its own, since what is used here is used."""
    with running_server(tmp_path_factory.mktemp("offline"), demo=True) as running:
        yield running


def visited(context: BrowserContext, server: LiveServer, path: str = "scan") -> Page:
    """A page whose service worker has taken over, the places known: a phone after its first visit."""
    page = sign_in(context, server, "northgate-supply", path)
    until(page, CONTROLLED)
    return page


def test_a_use_scanned_without_a_network_after_a_restart_of_the_page_arrives_once(
    server: LiveServer, browser_seeing: Seeing
) -> None:
    """Rejects pages that need the server to open, a queue in memory alone, and one that sends twice or anew."""
    serial, bracketed = valve()
    in_stock(server, bracketed)
    context = phone(browser_seeing([label([symbol(bracketed)])]))
    with between(server) as (reached, network), faultless(context, reached):
        page = visited(context, reached)
        expect(page.get_by_label("Used at").locator("option")).not_to_have_count(1)
        network.down()
        page.goto(f"{reached.url}/app/scan")
        expect(page.get_by_text("No connection", exact=True)).to_be_visible()
        expect(items(page)).to_have_count(1)
        expect(items(page)).to_contain_text("the server has not seen this label yet")
        choose_theatre(page)
        assert_accessible(page)
        page.get_by_role("button", name="Use 1 item").click()
        expect(page.get_by_text("Kept on this phone: 1 item used")).to_be_visible()
        expect(page.get_by_test_id("outbox")).to_contain_text("1 to be sent")
        screenshot(page, "phone-offline.png")
        page.reload()
        expect(page.get_by_test_id("outbox")).to_contain_text("1 to be sent")
        assert transfers_of(server, serial) == []
        network.up()
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.get_by_test_id("outbox")).to_have_count(0)
        expect(page.get_by_text("Saved: 1 item used")).to_be_visible()
        assert page.evaluate("localStorage.getItem('traceward.outbox')") is None
        page.reload()
        page.get_by_text("Hold a GS1 barcode").wait_for()
    assert len(transfers_of(server, serial)) == 1
    context.close()


def test_the_device_keeps_the_files_of_the_build_and_nothing_of_the_server_or_its_patients(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a worker that keeps what passes through it: answers, addresses with a question in them, or patients."""
    context = phone(browser)
    page = sign_in(context, server, "northgate-clinical", "trace?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30")
    until(page, CONTROLLED)
    page.reload()
    expect(page.get_by_text("GSRN 401234500000123452")).to_be_visible()
    for path in ("stock", "alerts", "patients"):
        page.goto(f"{server.url}/app/{path}")
        page.get_by_role("heading", level=1).wait_for()
    kept = set(page.evaluate(KEPT_FILES))
    folder = static_folder()
    assert folder is not None
    assert kept == {"/app/", "/app/icon.svg", *(f"/app/assets/{file.name}" for file in folder.glob("assets/*"))}
    on_device = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "401234500000123452" not in on_device
    assert "LOT77A" not in on_device
    assert "tw_" not in on_device
    context.close()


def build_anew(folder: Path, number: int) -> None:
    """Make the client in a folder another build: its page says which, and its worker has another name for its cache."""
    page, worker = folder / "index.html", folder / "sw.js"
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub("<title>[^<]*</title>", f"<title>Build {number}</title>", text), encoding="utf-8")
    code = worker.read_text(encoding="utf-8")
    (build,) = set(re.findall(r"[0-9a-f]{16}", code))
    worker.write_text(code.replace(build, f"{number:016d}"), encoding="utf-8")


def test_a_new_build_is_taken_up_and_the_one_before_is_kept_for_pages_that_are_open(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects a worker that goes on with the build of the first visit, and one that keeps all builds or none."""
    folder = static_folder()
    assert folder is not None
    copy = shutil.copytree(folder, tmp_path / "static")
    monkeypatch.setattr("traceward.api.web_app.static_folder", lambda: copy)
    with (
        running_server(tmp_path / "data", demo=True, demo_storyline=False) as server,
        between(server) as (reached, network),
    ):
        context = phone(browser)
        page = visited(context, reached)
        for number in (1, 2):
            build_anew(copy, number)
            page.goto(f"{reached.url}/app/nowhere")
            until(page, f"caches.has('traceward-pages-{number:016d}')")
            until(page, "navigator.serviceWorker.getRegistration().then(one => !one.waiting && !one.installing)")
        until(page, "caches.keys().then(all => all.length === 2)")
        assert page.evaluate("caches.keys()") == [f"traceward-pages-{number:016d}" for number in (1, 2)]
        network.down()
        kept = page.evaluate("fetch('/app/elsewhere').then(() => 'answered', () => 'away')")
        assert kept == "away"
        page.goto(f"{reached.url}/app/scan")
        shell = page.evaluate(
            "caches.open('traceward-pages-0000000000000002').then(c => c.match('/app/')).then(r => r.text())"
        )
        assert "<title>Build 2</title>" in shell
        expect(page.get_by_text("No connection", exact=True)).to_be_visible()
        context.close()


def test_who_signs_out_leaves_a_phone_that_opens_nothing_without_a_network(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a kept sign-in that outlives signing out: the next reader of a lost phone would be let in."""
    context = phone(browser)
    with between(server) as (reached, network):
        page = visited(context, reached, "stock")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Your key")).to_be_visible()
        network.down()
        page.goto(f"{reached.url}/app/scan")
        expect(page.get_by_text("The pages could not be loaded")).to_be_visible()
        expect(page.get_by_role("link", name="Stock")).to_have_count(0)
    context.close()
