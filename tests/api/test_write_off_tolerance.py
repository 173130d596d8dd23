"""The tolerance of a count over HTTP: one for each count, of whole units, the same in alert and proposal."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, capture, day, delivered, event, lot
from api.test_agreements import SCREW, propose, sign, terms
from api.test_alerts import alerts

BALLOON = "09521141060001"
ITEM = "https://id.gs1.org/01/{}/10/L1"


@pytest.fixture(params=BACKENDS)
def counted(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """A count that misses two of thirty screws and one of thirty balloons, where three in a hundred are tolerated."""
    loss = {"graceDays": 0, "tolerancePercent": "3", "liable": "hospital"}
    with open_site(request.param) as site:
        body = terms(lines=[{"gtin": SCREW}, {"gtin": BALLOON}], loss=loss)
        assert propose(site, "cordia", body).status_code == 201
        assert sign(site, "northgate-supply", body["agreementID"]).status_code == 200
        for gtin in (SCREW, BALLOON):
            delivered(site, lot(gtin, "L1", 30), day(900), days=-20)
        seen = [lot(SCREW, "L1", 28)["quantityList"][0], lot(BALLOON, "L1", 29)["quantityList"][0]]
        here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}, "mcx:countScope": "complete"}
        capture(site, "northgate-supply", event(-2, "cycle_counting", quantityList=seen, **here))
        yield site


def proposed(site: Site, gtin: str) -> tuple[str, str]:
    """(charged, payer) of a write-off of what is missing of one lot."""
    body = {"place": {"id": CABINET}, "items": [{"item": ITEM.format(gtin)}]}
    made = site.request("cordia", "POST", "/write-offs", json=body)
    assert made.status_code == 201, made.text
    return made.json()["items"][0]["charged"], made.json()["payer"]


def alerted(site: Site) -> dict[str, tuple[str, str]]:
    """(charged, payer) of each product that alerts propose to write off."""
    told = [one for one in alerts(site, "cordia") if one["kind"] == "write_off"]
    return {one["gtin"]: (one["detail"]["charged"], one["detail"]["payer"]) for one in told}


def test_the_tolerance_of_a_count_is_used_up_by_the_first_write_off_of_what_it_missed(counted: Site) -> None:
    """Rejects a tolerance for each proposal, by which what is written off piece by piece costs nobody anything; and one
    of 60 units times 3 % = 1.8 rounded to 2, more than was agreed.
    """
    assert alerted(counted) == {SCREW: ("1", "hospital"), BALLOON: ("1", "hospital")}
    assert proposed(counted, SCREW) == ("1", "hospital")
    assert alerted(counted) == {SCREW: ("1", "hospital"), BALLOON: ("1", "hospital")}
    assert proposed(counted, BALLOON) == ("1", "hospital")
