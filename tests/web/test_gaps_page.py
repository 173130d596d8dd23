"""The list of what nothing describes, reached from the stock; what the server lists is what counts."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from live_server import LiveServer, running_server
from web.conftest import desk
from web.pages import assert_accessible, faultless, sign_in
from web.patience import PATIENCE_S
from web.terms import NORTHGATE, SITE

pytestmark = pytest.mark.browser


def capture(server: LiveServer, key: str) -> None:
    """A receipt of a lot whose product, place and sender nothing describes."""
    event = {
        "type": "ObjectEvent",
        "eventTime": "2026-05-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": "receiving",
        "quantityList": [{"epcClass": "https://id.gs1.org/01/09521141099995/10/NEW1", "quantity": 4}],
        "readPoint": {"id": f"{SITE}/254/UNNAMED"},
        "bizLocation": {"id": f"{SITE}/254/UNNAMED"},
        "sourceList": [{"type": "possessing_party", "source": "https://id.gs1.org/417/9520000000004"}],
        "destinationList": [{"type": "possessing_party", "destination": NORTHGATE}],
    }
    body = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-01T10:00:00Z",
        "epcisBody": {"eventList": [event]},
    }
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    answer = httpx.post(f"{server.url}/epcis/capture", json=body, headers=headers, timeout=PATIENCE_S)
    assert answer.is_success, answer.text


def test_the_stock_leads_to_what_has_no_description_and_the_list_is_narrowed_by_kind(
    browser: Browser, tmp_path: Path
) -> None:
    """Rejects a page with a list of its own, and one that keeps the rows of the kind that was chosen before."""
    with running_server(tmp_path / "data", demo=True, demo_storyline=False) as server:
        look_through_the_gaps(server, browser)


def look_through_the_gaps(server: LiveServer, browser: Browser) -> None:
    """From the stock to the list, then kind by kind, against what the server lists."""
    capture(server, "northgate-supply")
    headers = {"Authorization": f"Bearer {server.keys['northgate-supply']}"}
    told = httpx.get(f"{server.url}/masterdata/gaps?perPage=100", headers=headers, timeout=PATIENCE_S).json()["gaps"]
    assert {gap["kind"] for gap in told} == {"product", "lot", "place", "party"}
    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", "stock")
        page.get_by_role("link", name="See which").click()
        rows = page.get_by_test_id("gap")
        expect(rows).to_have_count(len(told))
        for row, gap in zip(rows.all_inner_texts(), told, strict=True):
            assert gap["id"] in row
        assert_accessible(page)
        for kind in ("product", "lot", "place", "party"):
            page.get_by_label("Kind").select_option(kind)
            ids = [gap["id"] for gap in told if gap["kind"] == kind]
            expect(rows).to_have_count(len(ids))
            for row, one in zip(rows.all_inner_texts(), ids, strict=True):
                assert one in row
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()
