"""Names, notes and reasons that hold scripts, on every page: they are shown as text and nothing of them runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, expect

from live_server import LiveServer, running_server
from web.conftest import desk
from web.pages import assert_accessible, faultless, sign_in
from web.patience import PATIENCE_S
from web.terms import CABINET, SITE, VALVE, propose

pytestmark = pytest.mark.browser

PAYLOADS: Final = (
    "<script>alert(1)</script>",
    "<ScRiPt>alert(2)</sCrIpT>",
    "<img src=x onerror=alert(3)>",
    "<svg onload=alert(4)>",
    "<svg><script>alert(5)</script></svg>",
    "<body onload=alert(6)>",
    "<iframe src=javascript:alert(7)>",
    "<iframe srcdoc='<script>alert(8)</script>'>",
    "<a href=javascript:alert(9)>x</a>",
    "<input onfocus=alert(10) autofocus>",
    "<details open ontoggle=alert(11)>",
    "<video><source onerror=alert(12)></video>",
    "<audio src=x onerror=alert(13)>",
    "<math><mi xlink:href=javascript:alert(14)>x</mi></math>",
    "<object data=javascript:alert(15)>",
    "<embed src=javascript:alert(16)>",
    "<form action=javascript:alert(17)><button>x</button></form>",
    "<link rel=stylesheet href=javascript:alert(18)>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(19)'>",
    "<style>@import 'javascript:alert(20)'</style>",
    "<div style=width:expression(alert(21))>",
    "<select onfocus=alert(22) autofocus></select>",
    "<marquee onstart=alert(23)>x</marquee>",
    "<template><script>alert(24)</script></template>",
    '"><script>alert(25)</script>',
    "'><img src=x onerror=alert(26)>",
    "javascript:alert(27)",
    "{{constructor.constructor('alert(28)')()}}",
    "${alert(29)}",
    "&lt;script&gt;alert(30)&lt;/script&gt;",
)
PAGES = (
    "scan",
    "alerts",
    "stock",
    "count",
    f"trace?gtin={VALVE}&lot=L23-A",
    f"trace?epc=https://id.gs1.org/01/{VALVE}/21/V23-0007",
    "replenishment",
    "recalls",
    "agreements",
    "implants",
    "trends",
    "key",
    "reports",
    "imports",
    "subscriptions",
)
SHOWN_ON = frozenset({"alerts", "stock", f"trace?epc=https://id.gs1.org/01/{VALVE}/21/V23-0007", "agreements"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo in which whatever may be named is named by scripts."""
    with running_server(tmp_path_factory.mktemp("hostile"), demo=True) as running:
        plant(running)
        yield running


def plant(server: LiveServer) -> None:
    """All payloads in the names of the cabinet, the site and the product, in reasons, notes, titles and families."""
    everything = " ".join(PAYLOADS)
    headers = {"Authorization": f"Bearer {server.keys['northgate-supply']}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE_S) as client:
        product = f"https://id.gs1.org/01/{VALVE}"
        for identifier, kind in ((CABINET, "BusinessLocation"), (SITE, "BusinessLocation"), (product, "EPCClass")):
            attributes = [{"id": "cbvmda:name", "attribute": everything}]
            body = {"type": f"urn:epcglobal:epcis:vtype:{kind}", "attributes": attributes}
            answer = client.put(f"/masterdata/elements/{quote(identifier, safe='')}", json=body)
            assert answer.is_success, answer.text
        (agreed, *_) = client.get("/agreements").json()["agreements"]
        lines = [line | {"family": everything, "size": everything} for line in agreed["terms"]["lines"]]
        revised = propose(server, "cordia", agreed["terms"] | {"title": everything[:200], "lines": lines})
        assert revised.status_code == 201, revised.text
        signature = {"agreementID": agreed["agreementID"], "version": revised.json()["version"]}
        assert client.post("/agreements/sign", json=signature).is_success
        for conflict in client.get("/consignment/conflicts").json()["conflicts"]:
            reason = {"reason": everything[:1000]}
            assert client.post(f"/consignment/conflicts/{conflict['id']}/explain", json=reason).is_success
        for alert in client.get("/alerts").json()["alerts"]:
            note = {"note": everything[:1000]}
            assert client.post(f"/alerts/{alert['id']}/acknowledge", json=note).is_success
        (notice, *_) = client.get("/recalls").json()["recalls"]
        answer = {"notice": notice["notice"], "issuer": notice["issuer"], "step": "received", "note": everything[:1000]}
        assert client.post("/recalls/acknowledgements", json=answer).is_success


def test_no_page_runs_what_a_name_a_note_or_a_reason_says(server: LiveServer, browser: Browser) -> None:
    """Rejects a page that puts text into markup; that the text is there at all is checked where names are shown."""
    context = desk(browser)
    dialogs: list[str] = []
    # The browser has no camera, and says so in its console.
    with faultless(context, server):
        for path in PAGES:
            page = sign_in(context, server, "northgate-supply", path)
            page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
            page.get_by_role("heading", level=1).wait_for(state="attached")
            expect(page.get_by_text("Loading")).to_have_count(0)
            if path in SHOWN_ON:
                expect(page.get_by_text("<img src=x onerror=alert(3)>").first).to_be_attached()
            assert page.locator("main script, main iframe, main object, main embed, main [onerror]").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= 1360
            page.close()
        page = sign_in(context, server, "northgate-supply", "recalls")
        page.get_by_role("button", name="LOT77A").click()
        expect(page.get_by_test_id("recall-answer")).to_contain_text("<svg onload=alert(4)>")
        page.goto(f"{server.url}/app/agreements")
        page.get_by_test_id("agreement").get_by_role("button").click()
        expect(page.get_by_role("article")).to_contain_text("<script>alert(1)</script>")
        assert_accessible(page)
    assert dialogs == []
    context.close()
