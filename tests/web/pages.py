"""What tests do on the pages: signing in, watching for faults, checking accessibility."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request

from live_server import LiveServer
from web.patience import PATIENCE_MS, PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "docs" / "screens"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
FRAMES = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
# The browser's own words for answers that a test provokes; anything else in the console is a fault.
EXPECTED_CONSOLE = ("the server responded with a status of 4", "net::ERR_", "username fields for accessibility")


@contextmanager
def faultless(context: BrowserContext, server: LiveServer) -> Iterator[None]:
    """Fails when a page of the context broke the Content-Security-Policy, threw, or asked another host for anything."""
    faults: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(words in message.text for words in EXPECTED_CONSOLE):
            faults.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.port != urlsplit(server.url).port:
            faults.append(f"request to {request.url}")

    context.on("console", on_console)
    context.on("request", on_request)
    context.on("weberror", lambda error: faults.append(f"thrown: {error.error}"))
    yield
    assert faults == [], "\n".join(faults)


def sign_in(context: BrowserContext, server: LiveServer, key: str, path: str) -> Page:
    """A page at /app/`path`, its context signed in with the key of that name."""
    # Sent again where the server has closed the connection that was kept, as a browser does by itself.
    answer = context.request.post(
        f"{server.url}/session",
        data={"key": server.keys[key]},
        headers={"X-Traceward-Client": "web"},
        max_retries=2,
        timeout=PATIENCE_MS,
    )
    assert answer.ok, answer.text()
    page = context.new_page()
    page.goto(f"{server.url}/app/{path}")
    return page


def until(page: Page, expression: str) -> None:
    """Wait until an expression of the page holds; polled from here, since the policy of the pages allows no `eval`."""
    ends = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression):
        assert time.monotonic() < ends, f"{expression} does not hold after {PATIENCE_S} s"
        page.wait_for_timeout(50)


def frames_shown(page: Page, count: int) -> None:
    """Wait until the camera has shown that many more frames: whoever sees a label again would have by then."""
    shown: int = page.evaluate(FRAMES)
    until(page, f"{FRAMES} >= {shown + count}")


def items(page: Page) -> Locator:
    """The rows of the phone's list."""
    return page.get_by_test_id("item")


def chips(page: Page) -> list[str]:
    """The element strings shown on the newest item: `(01) 09521141010235`."""
    row = items(page).first
    names = row.locator(".chip .ai").all_inner_texts()
    return [f"{ai} {value}" for ai, value in zip(names, row.locator(".chip .value").all_inner_texts(), strict=True)]


def screenshot(page: Page, name: str) -> None:
    """Renew a picture of the documentation, when asked to by TRACEWARD_WRITE_SCREENS=1."""
    if os.environ.get("TRACEWARD_WRITE_SCREENS") == "1":
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENS / name)


def assert_accessible(page: Page) -> None:
    """Fails with every axe finding on the page as it stands; skips where axe-core is not installed."""
    if not AXE.is_file():
        pytest.skip("web/node_modules/axe-core is missing: build the client first")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    found = [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in result["violations"]]
    assert found == [], json.dumps(found, indent=1)


def small_targets(page: Page) -> list[str]:
    """Buttons, links and fields lower or narrower than 44 px that a finger could be meant for."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input:not(.sr-only), select')]
        .filter(e => e.offsetParent !== null)
        .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
        .filter(([, r]) => r.width > 0 && (r.height < 43.5 || r.width < 43.5))
        .map(([html, r]) => `${html} ${r.width}x${r.height}`)"""
    )
    return found
