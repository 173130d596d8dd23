"""One server with small capture limits, a proxy before it, and a run of the kit through that proxy."""

from collections.abc import Iterator

import pytest

from live_server import LiveServer, running_server
from traceward.conformance.client import Client
from traceward.conformance.run import Run

from .partner import Partner, watching
from .proxy import Proxy, running_proxy


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo server without its story, strict with sensor data, whose capture limit is small enough to go beyond."""
    folder = tmp_path_factory.mktemp("conformance")
    with running_server(folder, demo=True, demo_storyline=False, capture_limit_events=60) as running:
        yield running


@pytest.fixture(scope="session")
def proxy(server: LiveServer) -> Iterator[Proxy]:
    """A proxy before the server, breaking nothing yet."""
    with running_proxy(server.url) as running:
        yield running


@pytest.fixture(scope="session")
def run(server: LiveServer, proxy: Proxy) -> Iterator[Run]:
    """A run of the kit against the proxy; its data is captured when first needed."""
    client = Client(f"{proxy.url}/epcis", {"Authorization": f"Bearer {server.keys['cordia']}"})
    yield Run(client, patience_s=5.0)
    client.close()


@pytest.fixture(scope="session")
def partner(proxy: Proxy) -> Iterator[Partner]:
    """Named queries and subscriptions before the server, as a partner's server would have them."""
    with watching(proxy) as running:
        proxy.front = running.answer
        yield running
        proxy.front = None
