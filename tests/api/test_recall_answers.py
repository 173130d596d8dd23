"""What answers a recall: patients traced by uses that stand, and the word about this notice and no other's."""

from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import at, capture, day, delivered, event, lot, serial
from api.planted import RIVAL
from api.test_agreements import NORTHGATE, SCREW, VALVE, propose, sign, terms
from api.test_corrected_uses import CLINICAL, MISTAKE, SUPPLY, tie, use
from traceward.gs1.check_digits import check_digit

NOTICE = "urn:example:fsn:7"
THEIRS = "0950600001234" + check_digit("0950600001234")


def notice(site: Site, name: str, gtin: str, **item: str) -> None:
    """A notice on a product, dated yesterday; both makers use the same number."""
    body = {
        "notice": NOTICE,
        "recallClass": "I",
        "reason": "seal",
        "items": [{"gtin": gtin} | item],
        "eventTime": at(-1),
    }
    answer = site.request(name, "POST", "/recalls", json=body)
    assert answer.status_code == 201, answer.text


def open_alerts(site: Site, name: str, kind: str) -> list[dict[str, Any]]:
    """The alerts of a kind that stand."""
    found: list[dict[str, Any]] = site.get(name, f"/alerts?kind={kind}&perPage=100")["alerts"]
    return found


@pytest.fixture
def agreed(request: pytest.FixtureRequest, open_site: Any) -> Any:
    with open_site(request.param) as site:
        body = terms(lines=[{"gtin": SCREW}, {"gtin": VALVE}])
        assert propose(site, "cordia", body).status_code == 201
        assert sign(site, SUPPLY, body["agreementID"]).status_code == 200
        yield site


@pytest.mark.parametrize("agreed", BACKENDS, indirect=True)
def test_a_patient_tied_by_a_corrected_use_traces_nobody_else(agreed: Site) -> None:
    """Rejects links counted against uses: the patient of a use that never was would stand for the one who has it."""
    screws = lot(SCREW, "LX", 2)
    delivered(agreed, lot(SCREW, "LX", 9), day(900), days=-5)
    capture(agreed, SUPPLY, use("ONE", screws))
    capture(agreed, CLINICAL, tie("ONE", screws, **{"mcx:usageReport": "urn:uuid:report-ONE"}))
    notice(agreed, "cordia", SCREW, lot="LX")
    assert open_alerts(agreed, CLINICAL, "recall_patients") == []
    capture(agreed, SUPPLY, use("TWO", screws), use("ONE", screws, errorDeclaration=MISTAKE))
    (alert,) = open_alerts(agreed, CLINICAL, "recall_patients")
    assert alert["detail"]["quantity"] == "2"
    capture(agreed, CLINICAL, tie("TWO", screws, **{"mcx:usageReport": "urn:uuid:report-TWO"}))
    assert open_alerts(agreed, CLINICAL, "recall_patients") == []


@pytest.mark.parametrize("agreed", BACKENDS, indirect=True)
def test_an_answer_to_one_issuer_is_none_to_another_who_uses_the_same_number(agreed: Site) -> None:
    """Rejects notices told by their number alone: two makers count theirs from 1 on."""
    delivered(agreed, serial(VALVE, "V1"), day(900), days=-5)
    theirs = serial(THEIRS, "R1")
    ends = {
        "sourceList": [{"type": "possessing_party", "source": RIVAL}],
        "destinationList": [{"type": "possessing_party", "destination": NORTHGATE}],
    }
    capture(agreed, "rival-supplier", event(-5, "commissioning", action="ADD", **theirs))
    capture(agreed, "rival-supplier", event(-4, "shipping", **theirs, **ends))
    notice(agreed, "cordia", VALVE)
    notice(agreed, "rival-supplier", THEIRS)
    assert len(open_alerts(agreed, SUPPLY, "recall_unacknowledged")) == 1
    said = {"notice": NOTICE, "step": "received"}
    answer = agreed.request(SUPPLY, "POST", "/recalls/acknowledgements", json=said | {"issuer": RIVAL})
    assert answer.status_code == 200, answer.text
    assert len(open_alerts(agreed, SUPPLY, "recall_unacknowledged")) == 1
    own = said | {"issuer": "https://id.gs1.org/417/9521141000007"}
    assert agreed.request(SUPPLY, "POST", "/recalls/acknowledgements", json=own).status_code == 200
    assert open_alerts(agreed, SUPPLY, "recall_unacknowledged") == []
