"""Days at the ends of the calendar over HTTP: 9999-12-31 is how many systems write that nothing ends."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, CORDIA, NORTHGATE, capture, delivered, event, lot, parties
from api.test_agreements import SCREW, propose, sign, terms

LAST, FIRST = "9999-12-31", "0001-01-01"


@pytest.fixture(scope="module", params=BACKENDS)
def endless(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """A site whose agreement, prices and goods are good to the last day there is."""
    with open_site(request.param) as site:
        priced = {"gtin": SCREW, "prices": [{"amount": "45", "currency": "EUR", "validTo": LAST}]}
        body = terms(validTo=LAST, noticeDays=3650, lines=[priced])
        assert propose(site, "cordia", body).status_code == 201
        assert sign(site, "northgate-supply", body["agreementID"]).status_code == 200
        delivered(site, lot(SCREW, "L1", 5), LAST)
        ahead = event(0, "dispensing", disposition="dispensed", **lot(SCREW, "L1", 1), readPoint={"id": CABINET},
                      **parties("owning", CORDIA, NORTHGATE))  # fmt: skip
        capture(site, "northgate-clinical", ahead | {"eventTime": f"{LAST}T23:59:59Z"})
        stopped = event(0, "receiving", disposition="in_progress", **lot(SCREW, "L0", 3), bizLocation={"id": CABINET})
        capture(site, "northgate-supply", stopped | {"eventTime": f"{FIRST}T00:00:00Z"})
        yield site


@pytest.mark.parametrize("name", ["cordia", "northgate-supply", "rival-supplier"])
def test_an_agreement_to_the_last_day_of_the_calendar_ends_for_no_alert(endless: Site, name: str) -> None:
    """Rejects a look at the day after the last one: there is none, and nobody's alerts could be read again."""
    found = endless.get(name, "/alerts?perPage=1000")["alerts"]
    assert not {"agreement_ends", "price_ends"} & {one["kind"] for one in found}


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{report}?asOf={LAST}" for report in ("consignment/stock", "reports/consignment-stock-status")),
        f"/reports/consignment-stock-status?asOf={LAST}T23:59:59Z",
        f"/reports/consignment-stock-status?asOf={FIRST}",
        *(f"/reports/{report}?from={FIRST}&to={LAST}" for report in ("transfer-of-ownership", "leaks")),
        *(f"/consignment/usage-trends?days=730&to={day}" for day in (FIRST, LAST)),
        f"/trace/lot?gtin={SCREW}&lot=L1&asOf={LAST}",
        "/trace/expiring?days=3650",
        "/replenishment/proposals",
    ],
)
def test_answers_about_the_first_and_the_last_day_are_given(endless: Site, path: str) -> None:
    """Rejects days counted in floating seconds, which round the last microsecond up into the year 10000."""
    answer = endless.request("northgate-supply", "GET", path)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("moment", [f"{FIRST}T00:00:00Z", "1970-01-01T00:00:07.25Z", "1969-12-31T23:59:59.999Z"])
def test_an_event_of_a_clock_that_had_stopped_is_kept_and_found(endless: Site, moment: str) -> None:
    """Rejects a refusal: what happened would be lost with the clock that told its time wrong (decision 8)."""
    name = f"urn:x:stopped:{moment}"
    kept = event(0, "inspecting", eventID=name, **lot(SCREW, "L0", 1)) | {"eventTime": moment}
    capture(endless, "cordia", kept)
    query = {"EQ_eventID": name, "GE_eventTime": moment, "LT_eventTime": "1970-01-01T00:00:08Z"}
    answer = endless.get("cordia", f"/epcis/events?{urlencode(query)}")
    (found,) = answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert found["eventTime"] == moment
    assert endless.get("cordia", f"/epcis/events?{urlencode({'orderBy': 'eventTime', 'orderDirection': 'ASC'})}")
