"""Goods on their way to a hospital: in its stock as in transit, on nobody's hand, and in nobody else's."""

from typing import Any

import pytest

from .conftest import BACKENDS, Site
from .flows import CABINET, DC, at, capture, day, delivered, event, lot, serial
from .test_agreements import CORDIA, NORTHGATE, SCREW, SITE, VALVE

SENT = {
    "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "owning_party", "source": CORDIA}],
    "destinationList": [
        {"type": "possessing_party", "destination": NORTHGATE},
        {"type": "owning_party", "destination": CORDIA},
        {"type": "location", "destination": SITE},
    ],
}
GOODS = serial(VALVE, "COMING") | lot(SCREW, "LC", 5)


def stock(site: Site, name: str, query: str = "") -> list[tuple[str, str, str, bool]]:
    """(GTIN, status, quantity, usable) of each balance that a key reads, over pages of one."""
    found: list[tuple[str, str, str, bool]] = []
    path = f"/consignment/stock?perPage=1&{query}"
    while path:
        answer = site.request(name, "GET", path)
        assert answer.status_code == 200, answer.text
        found += [(one["gtin"], one["status"], one["quantity"], one["usable"]) for one in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url", "").removeprefix(site.server.url)
    return sorted(found)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_on_its_way_to_a_hospital_is_in_its_stock_as_in_transit(backend: str, open_site: Any) -> None:
    """Rejects incoming goods that count as on hand, that others see, or that another time's answer leaves out."""
    coming = sorted([(VALVE, "in_transit", "1", False), (SCREW, "in_transit", "5", False)])
    with open_site(backend) as site:
        made = event(-5, "commissioning", action="ADD", bizLocation={"id": DC}, **GOODS)
        capture(site, "cordia", made, event(-2, "shipping", readPoint={"id": DC}, **GOODS, **SENT))
        for name in ("northgate-supply", "cordia"):
            for query in ("", "status=in_transit", f"asOf={at(-1)}", f"asOf={at(-1)}&status=in_transit"):
                assert stock(site, name, query) == coming, (name, query)
            assert stock(site, name, "status=on_hand") == []
        assert stock(site, "northgate-supply", f"within={SITE}") == coming
        assert stock(site, "northgate-supply", f"gtin={SCREW}") == [(SCREW, "in_transit", "5", False)]
        assert stock(site, "rival-supplier") == []
        report = site.get("northgate-supply", "/reports/consignment-stock-status")
        assert report["lines"] == []

        here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
        capture(site, "northgate-supply", event(-0.5, "receiving", **GOODS, **here, **SENT))
        assert stock(site, "northgate-supply", "status=in_transit") == []
        assert {one[1] for one in stock(site, "northgate-supply")} == {"on_hand"}
        assert stock(site, "northgate-supply", f"asOf={at(-1)}") == coming


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_party_sends_to_itself_or_gets_back_is_in_its_stock_once(backend: str, open_site: Any) -> None:
    """Rejects a list of what is on its way to a party that has again what the party owns or holds already."""
    goods, here = lot(SCREW, "LR", 5), {"readPoint": {"id": CABINET}}
    moved = {
        "sourceList": [{"type": "possessing_party", "source": NORTHGATE}, {"type": "owning_party", "source": CORDIA}],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE},
            {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": f"{SITE}/254/OR3"},
        ],
    }
    returned = {
        "sourceList": moved["sourceList"],
        "destinationList": [
            {"type": "possessing_party", "destination": CORDIA},
            {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": DC},
        ],
    }
    with open_site(backend) as site:
        delivered(site, goods, day(900))
        capture(
            site,
            "northgate-supply",
            event(-2, "shipping", **lot(SCREW, "LR", 2), **here, **moved),
            event(-1, "shipping", disposition="returned", **lot(SCREW, "LR", 1), **here, **returned),
        )
        for name in ("northgate-supply", "cordia"):
            for query in ("status=in_transit", f"status=in_transit&asOf={at(-0.5)}"):
                # All on one page: a cursor between twins would jump over the second one.
                items = site.get(name, f"/consignment/stock?perPage=100&{query}")["items"]
                assert sorted(one["quantity"] for one in items) == ["1", "2"], (name, query)
