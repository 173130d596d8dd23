"""A running server with the demo's data, and real browsers that look at it with a camera showing what a test drew."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from traceward.api.app import create_app
from traceward.api.settings import Settings
from traceward.web import static_folder
from web.fake_camera import film

CHROMIUM = Path("/usr/bin/chromium")
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@dataclass(frozen=True)
class LiveServer:
    """A server on loopback; keys: the demo's, by name."""

    url: str
    keys: dict[str, str]

    def post_action(self, key: str, action: dict[str, object]) -> dict[str, object]:
        """Capture one consignment action with the key of that name; the answer's body."""
        answer = httpx.post(
            f"{self.url}/consignment/actions",
            json=action,
            headers={"Authorization": f"Bearer {self.keys[key]}"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        body: dict[str, object] = answer.json()
        return body


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The real server with a demo database, stopped at the end."""
    folder = tmp_path_factory.mktemp("web-demo")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    app = create_app(Settings(data_dir=folder, demo=True, port=port))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    ready = httpx.HTTPTransport(retries=60)
    with httpx.Client(transport=ready, timeout=30) as client:
        assert client.get(f"{url}/health/ready").status_code == 200
    yield LiveServer(url, json.loads((folder / "demo-keys.json").read_text()))
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright with the machine's own Chromium; skips where either, or the built client, is missing."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    if static_folder() is None:
        pytest.skip("the web client is not built in this checkout")
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
    running = playwright.chromium.launch(executable_path=CHROMIUM)
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
    return browser.new_context(**(settings | options))  # type: ignore[arg-type]


def desk(browser: Browser, **options: object) -> BrowserContext:
    """A desktop's context."""
    settings: dict[str, object] = {"viewport": {"width": 1360, "height": 900}}
    return browser.new_context(**(settings | options))  # type: ignore[arg-type]
