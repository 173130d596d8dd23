"""Records and signals beside events: numbers that count others' orders, moments that tell of patients, links."""

import threading
import time
from typing import Any, Final
from urllib.parse import quote

import httpx

from . import planted
from .conftest import Site
from .planted import CORDIA, NORTHGATE, RIVAL
from .test_agreements import terms
from .test_identity import new_key, with_key

HOSPITAL: Final = "https://id.gs1.org/414/4012345000016"
WARD, OTHER_WARD = f"{HOSPITAL}/254/WARD7", f"{HOSPITAL}/254/WARD8"


def _agree(site: Site, name: str, supplier: str, gtin: str, *places: str) -> None:
    """One item at each of the places, of which an agreement asks for two to six."""
    for place in places:
        item = f"https://id.gs1.org/01/{gtin}/21/{place[-5:]}"
        for captor, step, here in ((name, "shipping", None), ("northgate-supply", "receiving", place)):
            fields = {"readPoint": {"id": here}, "bizLocation": {"id": here}} if here is not None else {}
            event = {
                "type": "ObjectEvent",
                "eventTime": "2026-07-01T10:00:00Z" if here is None else "2026-07-02T10:00:00Z",
                "eventTimeZoneOffset": "+00:00",
                "action": "OBSERVE",
                "bizStep": step,
                "epcList": [item],
                "sourceList": [{"type": f"{kind}_party", "source": supplier} for kind in ("possessing", "owning")],
                "destinationList": [
                    {"type": "possessing_party", "destination": NORTHGATE},
                    {"type": "owning_party", "destination": supplier},
                    {"type": "location", "destination": place},
                ],
            } | fields
            assert site.job(captor, site.capture(captor, planted.body_of(event)))["success"]
    levels = [{"place": place, "minimum": 2, "maximum": 6} for place in places]
    agreed = terms(f"https://example.org/agreement/{name}", supplier=supplier, lines=[{"gtin": gtin, "par": levels}])
    assert site.request(name, "POST", "/agreements", json=agreed).status_code == 201
    body = {"agreementID": agreed["agreementID"], "version": 1}
    assert site.request("northgate-supply", "POST", "/agreements/sign", json=body).status_code == 200


def _numbers(site: Site, name: str) -> list[str]:
    return sorted(one["number"] for one in site.get(name, "/replenishment/orders")["orders"])


def test_the_numbers_of_orders_do_not_count_those_of_a_competitor(site: Site) -> None:
    """Rejects one series for a hospital: the gaps between a supplier's numbers are the orders that others got."""
    _agree(site, "cordia", CORDIA, "09521141045305", WARD, OTHER_WARD)
    _agree(site, "rival-supplier", RIVAL, "09506000117843", WARD)
    assert site.request("northgate-supply", "POST", "/replenishment/orders", json={}).status_code == 201
    assert _numbers(site, "rival-supplier") == ["RO-9506000000008-000001"]
    assert _numbers(site, "cordia") == ["RO-9521141000007-000001", "RO-9521141000007-000002"]


def test_a_key_of_one_ward_orders_sends_and_cancels_for_that_ward_alone(site: Site) -> None:
    """Rejects orders that ask for the role alone: a tablet of one ward would order, or cancel, for the whole house."""
    _agree(site, "cordia", CORDIA, "09521141045305", WARD, OTHER_WARD)
    ward = new_key(site, NORTHGATE, "clinical", place=WARD)["key"]
    proposed = {
        one["place"]: one["id"] for one in site.get("northgate-supply", "/replenishment/proposals")["proposals"]
    }
    foreign = {"proposals": [proposed[OTHER_WARD]]}
    assert with_key(site, ward, "POST", "/replenishment/orders", json=foreign).status_code == 404
    made = with_key(site, ward, "POST", "/replenishment/orders", json={})
    assert [one["place"] for one in made.json()["orders"]] == [WARD]
    (other,) = site.request("northgate-supply", "POST", "/replenishment/orders", json={}).json()["orders"]
    for step, body in (("send", None), ("cancel", {"reason": "not of this ward"})):
        options: dict[str, Any] = {"json": body} if body is not None else {}
        answer = with_key(site, ward, "POST", f"/replenishment/orders/{other['number']}/{step}", **options)
        assert answer.status_code == 404, answer.text


def test_a_private_event_wakes_nobody_who_may_not_read_it(site: Site) -> None:
    """Rejects one signal for the whole organisation: the moment of a patient's implant would show on every page."""
    ward = new_key(site, NORTHGATE, "clinical", place=WARD)["key"]
    keys = {name: site.server.keys[name] for name in ("northgate-clinical", "northgate-supply", "cordia")}
    heard = {name: _Heard(site, key) for name, key in (keys | {"ward": ward}).items()}
    assert all(one.ready.wait(20) for one in heard.values())
    (link,) = [one.event for one in planted.planted(7) if one.mark == planted.PATIENT]
    assert site.job("northgate-clinical", site.capture("northgate-clinical", planted.body_of(link)))["success"]
    assert heard["northgate-clinical"].woken.wait(10)
    time.sleep(0.5)
    assert [name for name, one in heard.items() if one.woken.is_set()] == ["northgate-clinical"]
    (shared,) = [one.event for one in planted.planted(3) if one.mark == planted.HOSPITAL_ALONE]
    assert site.job("northgate-supply", site.capture("northgate-supply", planted.body_of(shared)))["success"]
    assert heard["northgate-supply"].woken.wait(10)
    for one in heard.values():
        one.close()


def test_links_that_are_no_uris_break_neither_the_resolver_nor_its_headers(site: Site) -> None:
    """Rejects master data copied into a Link header as it is: a line break in it ends the header."""
    links = {
        "gs1:pip": "https://cordia.example/\r\nSet-Cookie: a=b",
        "gs1:quickStartGuide": 'https://cordia.example/日本>; rel="next"',
        "gs1:smartLabel": 'https://cordia.example/"onmouseover="x',
        "gs1:recipeInfo": "https://[not-an-address/",
        "gs1:instructions": "https://cordia.example/ifu?lang=en",
    }
    body = {
        "type": "urn:epcglobal:epcis:vtyp:EPCClass",
        "attributes": [{"id": name, "attribute": value} for name, value in links.items()],
    }
    path = f"/masterdata/elements/{quote('https://id.gs1.org/01/09521141010235', safe='')}"
    assert site.request("cordia", "PUT", path, json=body).status_code == 200
    for accept in ("text/html", "application/linkset+json", "application/json"):
        answer = site.http.get("/01/09521141010235", headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        assert "https://cordia.example/ifu?lang=en" in answer.text + answer.headers.get("link", "")
        assert "set-cookie" not in answer.headers
        assert not any(one in answer.text for one in ("Set-Cookie", "onmouseover", "日本", "not-an-address"))


class _Heard(threading.Thread):
    """One listener to /live in the background. ready: it listens; woken: it was told of a change."""

    def __init__(self, site: Site, key: str) -> None:
        super().__init__(daemon=True)
        self.ready, self.woken = threading.Event(), threading.Event()
        self._client = httpx.Client(base_url=site.server.url, timeout=30, headers={"Authorization": f"Bearer {key}"})
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        try:
            with self._client.stream("GET", "/live") as stream:
                for line in stream.iter_lines():
                    self.ready.set()
                    if line == "event: stock":
                        self.woken.set()
                    if self._over.is_set():
                        return
        except (httpx.HTTPError, RuntimeError):
            return

    def close(self) -> None:
        """Hang up."""
        self._over.set()
        self._client.close()
