"""Alerts about orders, and about goods that lie where no agreement covers them, over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, NOW, capture, day, delivered, event, lot
from api.test_agreements import CORDIA, NORTHGATE, SCREW, SITE, VALVE, propose, sign, terms
from api.test_time_zones import Clock

NURSE = "northgate-supply"
WARD = f"{SITE}/254/WARD"


@pytest.fixture(params=BACKENDS)
def clocked(request: pytest.FixtureRequest, open_site: Any) -> Iterator[tuple[Site, Clock]]:
    clock = Clock()
    with open_site(request.param, injected={"now_us": clock.now_us}) as site:
        yield site, clock


def agree(site: Site, **changes: Any) -> None:
    """An agreement that both sides have signed."""
    body = terms(**changes)
    assert propose(site, "cordia", body).status_code == 201
    version = propose(site, "cordia", body).json()["version"]
    assert sign(site, NURSE, body["agreementID"], version).status_code == 200


def told(site: Site, *kinds: str) -> dict[str, dict[str, Any]]:
    """The alerts of these kinds that stand, which both sides read alike and a third not at all."""
    ours, theirs = (site.get(name, "/alerts?perPage=100")["alerts"] for name in ("cordia", NURSE))
    assert ours == theirs
    assert site.get("rival-supplier", "/alerts")["alerts"] == []
    return {one["kind"]: one for one in ours if one["kind"] in kinds}


@pytest.mark.parametrize(("line", "agreement"), [(2, 9), (None, 2)])
def test_an_order_is_told_when_it_is_issued_and_when_it_is_late(
    clocked: tuple[Site, Clock], line: int | None, agreement: int
) -> None:
    """Rejects lateness from when an order was proposed, or by its shipment, or by the agreement before the line."""
    site, clock = clocked
    levels = [{"place": CABINET, "minimum": 1, "maximum": 4}]
    screw = {"gtin": SCREW, "par": levels, "billMode": "bill_only"} | ({} if line is None else {"deliveryDays": line})
    agree(site, lines=[screw], deliveryDays=agreement)
    delivered(site, lot(SCREW, "OLD", 1), day(900))
    answer = site.request("cordia", "POST", "/replenishment/orders", json={})
    (order,) = answer.json()["orders"]
    (issued,) = told(site, "order_issued", "order_late").values()
    assert (issued["kind"], issued["responsible"], issued["due"]) == ("order_issued", NORTHGATE, None)
    clock.now += timedelta(days=5)
    assert set(told(site, "order_issued", "order_late")) == {"order_issued"}
    assert site.request(NURSE, "POST", f"/replenishment/orders/{order['number']}/send").status_code == 200
    sent = clock.now
    (issued,) = told(site, "order_issued", "order_late").values()
    assert (issued["responsible"], issued["due"][:10]) == (CORDIA, (sent + timedelta(days=2)).date().isoformat())
    clock.now = sent + timedelta(days=2, seconds=-5)
    assert "order_late" not in told(site, "order_late")
    clock.now = sent + timedelta(days=2, seconds=5)
    late = told(site, "order_late")["order_late"]
    assert (late["responsible"], late["detail"]["missing"], late["detail"]["number"]) == (CORDIA, "3", order["number"])
    papers = {"bizTransactionList": [{"type": "po", "bizTransaction": order["transactionID"]}]}
    delivered(site, lot(SCREW, "NEW1", 2), day(900), days=6, **papers)
    assert told(site, "order_late")["order_late"]["detail"]["missing"] == "1"
    delivered(site, lot(SCREW, "NEW2", 1), day(900), days=6.5, **papers)
    assert told(site, "order_issued", "order_late") == {}


def test_goods_that_merely_lie_where_nothing_covers_them_are_told(clocked: tuple[Site, Clock]) -> None:
    """Rejects a judgement of receipts alone: these came where they were covered, and were carried away; and one of
    goods that came before anybody had agreed on anything.
    """
    site, _ = clocked
    delivered(site, lot(SCREW, "L1", 4), day(900))
    assert told(site, "off_agreement") == {}
    tomorrow = (NOW + timedelta(days=1)).date().isoformat()
    agree(site, lines=[{"gtin": VALVE}], validFrom=tomorrow)
    assert told(site, "off_agreement") == {}
    agree(site, lines=[{"gtin": SCREW}], sites=[CABINET])
    assert told(site, "off_agreement") == {}
    ends = {"sourceList": [{"type": "location", "source": CABINET}]}
    ends["destinationList"] = [{"type": "location", "destination": WARD}]
    here = {"readPoint": {"id": WARD}, "bizLocation": {"id": WARD}}
    capture(site, NURSE, event(-1, "storing", **lot(SCREW, "L1", 1), **here, **ends))
    off = told(site, "off_agreement")["off_agreement"]
    assert (off["place"], off["detail"]["quantity"], off["responsible"]) == (WARD, "1", CORDIA)
    agree(site, lines=[{"gtin": VALVE}], sites=[SITE])
    product = told(site, "off_agreement")["off_agreement"]
    assert product["place"] in {CABINET, WARD}
    agree(site, lines=[{"gtin": SCREW}], sites=[SITE])
    assert told(site, "off_agreement") == {}
