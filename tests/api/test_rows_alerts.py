"""The promises about alerts, one test for each row, over HTTP on a running server."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, capture, day, delivered, event, lot, serial, used
from api.test_agreements import CORDIA, NORTHGATE, SCREW, SITE, VALVE, propose, sign, terms
from api.test_alerts import alerts, of_kind


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def agreed(site: Site, **changes: Any) -> None:
    """An agreement in force on valves and screws."""
    body = terms(**({"validFrom": day(-300), "lines": [{"gtin": VALVE}, {"gtin": SCREW}]} | changes))
    made = propose(site, "cordia", body)
    assert made.status_code == 201, made.text
    signed = sign(site, "northgate-supply", body["agreementID"], made.json()["version"])
    assert signed.status_code == 200, signed.text


def test_P2_both_sides_see_the_same_expiry_alert_and_it_closes_for_both_when_the_item_is_used(empty: Site) -> None:
    """Rejects alerts of one side only, alerts by polling age alone, and lists that a third supplier can count."""
    agreed(empty)
    delivered(empty, serial(VALVE, "A1"), day(20))
    (ours,) = of_kind(alerts(empty, "cordia"), "expiring")
    (theirs,) = of_kind(alerts(empty, "northgate-clinical"), "expiring")
    assert ours == theirs
    assert (ours["daysLeft"], ours["place"], ours["responsible"]) == (20, CABINET, CORDIA)
    assert alerts(empty, "rival-supplier", "state=all") == []
    used(empty, serial(VALVE, "A1"))
    for name in ("cordia", "northgate-supply"):
        assert of_kind(alerts(empty, name), "expiring") == []
        assert empty.get(name, f"/alerts/{ours['id']}")["state"] == "closed"


def test_A1_the_party_that_the_agreement_makes_responsible_is_responsible(empty: Site) -> None:
    """Rejects a responsible party that is fixed by kind, or that stays as it was when the terms change."""
    agreed(empty)
    delivered(empty, serial(VALVE, "A1"), day(20))
    (before,) = alerts(empty, "cordia", "kind=expiring&responsible=me")
    agreed(empty, expiry={"monitor": "hospital"})
    assert alerts(empty, "cordia", "kind=expiring&responsible=me") == []
    (after,) = alerts(empty, "northgate-supply", "kind=expiring&responsible=me")
    assert (after["id"], after["responsible"]) == (before["id"], NORTHGATE)


def test_C2_an_item_that_nobody_saw_is_told_and_a_count_scan_clears_it(empty: Site) -> None:
    """Rejects an age by the last change of stock: a scan moves nothing, and yet the item was seen."""
    agreed(empty, notSeenDays=30)
    delivered(empty, serial(VALVE, "A1"), day(700), days=-40)
    delivered(empty, serial(VALVE, "A2"), day(700), days=-5)
    (told,) = of_kind(alerts(empty, "cordia"), "not_seen")
    assert told["item"].endswith("/21/A1")
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(empty, "northgate-supply", event(-1, "cycle_counting", **here, **serial(VALVE, "A1")))
    assert of_kind(alerts(empty, "cordia"), "not_seen") == []


def test_C5_use_of_an_expired_item_is_kept_as_a_fact_and_told_to_both_as_critical(empty: Site) -> None:
    """Rejects a capture that refuses what has happened, and a warning that only the hospital sees."""
    agreed(empty, expiry={"cost": "hospital"})
    delivered(empty, serial(VALVE, "A1"), day(-2), days=-30)
    (expired,) = of_kind(alerts(empty, "cordia"), "expired_on_hand")
    assert (expired["detail"]["cost"], expired["daysLeft"]) == ("hospital", -2)
    used(empty, serial(VALVE, "A1"))
    (ours,) = of_kind(alerts(empty, "cordia"), "used_wrongly")
    (theirs,) = of_kind(alerts(empty, "northgate-supply"), "used_wrongly")
    assert ours == theirs
    assert (ours["severity"], ours["detail"]["conflict"]) == ("critical", "used_expired")
    assert of_kind(alerts(empty, "cordia"), "expired_on_hand") == []


def test_C8_what_will_expire_before_it_is_used_is_told_by_the_rate_of_use(empty: Site) -> None:
    """Rejects a threshold of days alone: by it 60 days are short for nobody, or for the fast mover too."""
    agreed(empty, expiry={"alertDays": [10]})
    delivered(empty, lot(SCREW, "SLOW", 20), day(60), days=-80)
    for number, past in enumerate((-60, -40, -20)):
        used(empty, lot(SCREW, "SLOW", 3), days=past, use_type="consumed", report=f"urn:uuid:{number}")
    (told,) = of_kind(alerts(empty, "cordia"), "expires_before_use")
    # Nine in 90 days: about six more go in the 60 days that are left of eleven.
    assert told["detail"]["quantity"] in {"4", "5"}
    for number in range(3):
        used(empty, lot(SCREW, "SLOW", 3), days=-1, use_type="consumed", report=f"urn:uuid:fast{number}")
    assert of_kind(alerts(empty, "cordia"), "expires_before_use") == []


def test_what_expires_and_where_is_told_for_each_item_lot_and_place(empty: Site) -> None:
    """Rejects one alert for a product: a fresh lot hides the one that expires, and one place hides the other."""
    agreed(empty)
    ward = f"{SITE}/254/WARDB-CAB1"
    delivered(empty, lot(SCREW, "OLD", 4), day(15))
    delivered(empty, lot(SCREW, "NEW", 4), day(900))
    delivered(empty, serial(VALVE, "A1"), day(15), place=ward)
    capture(
        empty,
        "northgate-supply",
        event(
            -1,
            "storing",
            readPoint={"id": ward},
            bizLocation={"id": ward},
            sourceList=[{"type": "location", "source": CABINET}],
            destinationList=[{"type": "location", "destination": ward}],
            **lot(SCREW, "OLD", 1),
        ),
    )
    told = {
        (one["detail"].get("lot"), one["place"], one["detail"]["quantity"])
        for one in alerts(empty, "cordia", "kind=expiring")
    }
    assert told == {("OLD", CABINET, "3"), ("OLD", ward, "1"), ("L1", ward, "1")}
