"""Uses that the supplier may see by site and day: separate events, never redacted ones."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from traceward.services.intake.coarse_uses import end_of_day, same_day

CORDIA = "https://id.gs1.org/417/9521141000007"
NORTHGATE = "https://id.gs1.org/417/4012345000009"
SITE = "https://id.gs1.org/414/4012345000016"
THEATRE = f"{SITE}/254/OR3"
WARD = f"{SITE}/254/WARDB-CAB1"
SCREW = "https://id.gs1.org/01/09521141045305/10/LOT77A"
AGREEMENT = "https://example.org/agreement/COARSE"
USE = {
    "action": "use",
    "useType": "implanted",
    "eventID": "urn:uuid:00000000-0000-4000-8000-00000000c0a1",
    "eventTime": "2026-07-01T09:12:00Z",
    "eventTimeZoneOffset": "+02:00",
    "place": {"id": THEATRE},
    "from": {"id": WARD},
    "items": [{"epcClass": SCREW, "quantity": 1}],
}


@pytest.fixture(params=BACKENDS)
def agreed(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """The story, and an agreement that coarsens uses of the screw."""
    with open_site(request.param) as site:
        site.load_story()
        terms = {
            "agreementID": AGREEMENT,
            "supplier": CORDIA,
            "hospital": NORTHGATE,
            "validFrom": "2026-01-01",
            "sites": [SITE],
            "lines": [{"gtin": "09521141045305"}],
            "data": {"visibility": "coarse"},
        }
        assert site.request("cordia", "POST", "/agreements", json=terms).status_code == 201
        signed = {"agreementID": AGREEMENT, "version": 1}
        assert site.request("northgate-supply", "POST", "/agreements/sign", json=signed).status_code == 200
        yield site


def uses(site: Site, name: str) -> list[dict[str, Any]]:
    """The uses of that day that a caller sees, by eventID."""
    found = site.events(
        name, "GE_eventTime=2026-07-01T00:00:00Z&LT_eventTime=2026-07-02T00:00:00Z&EQ_bizStep=dispensing"
    )
    return sorted(found, key=lambda event: event["eventID"])


def implanted(site: Site) -> int:
    """How many of the lot are known to be implanted."""
    sinks = site.get("cordia", "/trace/lot?gtin=09521141045305&lot=LOT77A")["sinks"]
    return sum(int(sink["quantity"]) for sink in sinks if sink["status"] == "implanted")


def test_the_supplier_sees_site_and_day_and_the_clinical_role_the_rest(agreed: Site) -> None:
    """Rejects a redacted copy of the fine event, and a fine event that moves stock a second time."""
    before = implanted(agreed)
    made = agreed.request("northgate-clinical", "POST", "/consignment/actions", json=USE)
    assert made.status_code == 201, made.text
    (seen,) = uses(agreed, "cordia")
    assert seen["eventID"] == USE["eventID"]
    assert seen["readPoint"]["id"] == SITE
    assert seen["eventTime"] == "2026-07-01T21:59:59.000Z"
    for name in ("cordia", "northgate-supply"):
        texts = str(uses(agreed, name))
        assert "OR3" not in texts
        assert "09:12" not in texts
    both = uses(agreed, "northgate-clinical")
    assert len(both) == 2
    (fine,) = [event for event in both if event["eventID"] != USE["eventID"]]
    assert (fine["readPoint"]["id"], fine["eventTime"]) == (THEATRE, USE["eventTime"])
    assert fine["mcx:detailOf"] == USE["eventID"]
    assert implanted(agreed) == before + 1


def test_a_retry_finds_both_events_and_another_action_under_its_id_is_refused(agreed: Site) -> None:
    first = agreed.request("northgate-clinical", "POST", "/consignment/actions", json=USE)
    again = agreed.request("northgate-clinical", "POST", "/consignment/actions", json=USE)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert len(uses(agreed, "northgate-clinical")) == 2
    other = USE | {"items": [{"epcClass": SCREW, "quantity": 2}]}
    assert agreed.request("northgate-clinical", "POST", "/consignment/actions", json=other).status_code == 409


def test_the_supply_role_records_the_coarse_use_and_is_told_what_is_not_kept(agreed: Site) -> None:
    made = agreed.request("northgate-supply", "POST", "/consignment/actions", json=USE)
    assert made.status_code == 201, made.text
    assert "detail_not_kept" in {warning["code"] for warning in made.json()["warnings"]}
    (seen,) = uses(agreed, "northgate-clinical")
    assert seen["readPoint"]["id"] == SITE


def test_without_such_an_agreement_uses_are_shared_as_they_are(open_site: Callable[..., Any]) -> None:
    with open_site() as site:
        site.load_story()
        assert site.request("northgate-clinical", "POST", "/consignment/actions", json=USE).status_code == 201
        (seen,) = uses(site, "cordia")
        assert (seen["readPoint"]["id"], seen["eventTime"]) == (THEATRE, USE["eventTime"])


@pytest.mark.parametrize("offset", ["+14:00", "-14:00"])
def test_the_last_day_of_the_calendar_is_a_day_in_every_offset(offset: str) -> None:
    """Rejects local times made by adding the offset to a date: those of the last day lie in the year 10000."""
    last, now_us = "9999-12-31T23:30:00.000Z", 1_800_000_000_000_000
    assert end_of_day(last, offset, now_us) == last
    assert same_day(last, "9999-12-31T23:29:00Z", offset)
    assert not same_day(last, "9999-12-29T23:29:00Z", offset)
