"""A running server with the demo's data, and real browsers that look at it with a camera showing what a test drew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from live_server import LiveServer, running_server
from traceward.web import static_folder
from web.fake_camera import film
from web.patience import PATIENCE_MS

CHROMIUM = Path("/usr/bin/chromium")
# A name that is not loopback's, so that a browser holds http:// to it for insecure.
LAN_NAME = "ward.example"
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The real server with a demo database."""
    folder = tmp_path_factory.mktemp("web-demo")
    with running_server(folder, demo=True, allowed_hosts=(LAN_NAME,)) as server:
        yield server


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright with the machine's own Chromium; skips where either, or the built client, is missing."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    if static_folder() is None:
        pytest.skip("the web client is not built in this checkout")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture
def browser_seeing(playwright: Playwright, tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    """A function that starts a browser whose camera shows the given frames in a loop."""
    with ExitStack() as browsers:

        def start(frames: Sequence[np.ndarray]) -> Browser:
            camera = film(tmp_path / "camera.mjpeg", frames)
            arguments = [*FAKE_CAMERA, f"--use-file-for-fake-video-capture={camera}"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            browsers.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser without a camera."""
    lan = f"--host-resolver-rules=MAP {LAN_NAME} 127.0.0.1"
    running = playwright.chromium.launch(executable_path=CHROMIUM, args=[lan])
    yield running
    running.close()


def phone(browser: Browser, **options: object) -> BrowserContext:
    """A phone's context: small, touched, allowed to use the camera."""
    settings: dict[str, object] = {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
        "permissions": ["camera"],
    }
    return _patient(browser.new_context(**(settings | options)))  # type: ignore[arg-type]


def desk(browser: Browser, **options: object) -> BrowserContext:
    """A desktop's context."""
    settings: dict[str, object] = {"viewport": {"width": 1360, "height": 900}}
    return _patient(browser.new_context(**(settings | options)))  # type: ignore[arg-type]


def _patient(context: BrowserContext) -> BrowserContext:
    context.set_default_timeout(PATIENCE_MS)
    return context
