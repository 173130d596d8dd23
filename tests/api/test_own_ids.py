"""Ids that parties choose themselves: what others call theirs neither stands in the way nor shows."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, capture, day, delivered, event, lot
from api.test_agreements import CORDIA, NORTHGATE, SCREW, VALVE, propose, sign, terms

RIVAL = "https://id.gs1.org/417/9506000000008"
NOBODY = "https://id.gs1.org/417/9999999000010"
RIVAL_GTIN = "09506000000015"
SUPPLY = "northgate-supply"
TAKEN, FREE = "https://example.org/agreement/CA-1", "https://example.org/agreement/CA-9"


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def rivals(agreement_id: str, **changes: Any) -> dict[str, Any]:
    """Terms of another supplier with the same hospital."""
    return terms(agreement_id, supplier=RIVAL, lines=[{"gtin": RIVAL_GTIN}], **changes)


def post(site: Site, name: str, path: str, **body: Any) -> Any:
    """What a POST of a body answers."""
    return site.request(name, "POST", path, json=body)


def test_an_agreement_id_that_others_use_answers_like_one_that_nobody_uses(empty: Site) -> None:
    """Rejects ids that are unique on the server: `taken` tells that others have an agreement, and lets anybody occupy
    the ids of others.
    """
    assert propose(empty, "cordia", terms(TAKEN)).status_code == 201
    assert sign(empty, SUPPLY, TAKEN).status_code == 200
    told = []
    for agreement_id in (TAKEN, FREE):
        made = propose(empty, "rival-supplier", rivals(agreement_id))
        assert made.status_code == 201, made.text
        told.append(made.json() | {"agreementID": "", "proposedAt": "", "signatures": "", "terms": ""})
        assert len(empty.get("rival-supplier", f"/agreements?agreementID={agreement_id}")["agreements"]) == 1
        cut = post(empty, "rival-supplier", "/agreements/end", agreementID=agreement_id, lastDay=day(3))
        told.append([cut.status_code, cut.text.replace(agreement_id, "")])
    assert told[:2] == told[2:]
    (own,) = empty.get("cordia", f"/agreements?agreementID={TAKEN}")["agreements"]
    assert (own["state"], own["version"], own["endedOn"]) == ("in_force", 1, None)


def test_who_has_two_agreements_of_one_id_says_which_is_meant(empty: Site) -> None:
    """Rejects the first that is found: the hospital would sign, end or settle what it did not mean."""
    monthly = {"use": {"settlement": "monthly"}}
    assert propose(empty, "cordia", terms(TAKEN, **monthly)).status_code == 201
    assert propose(empty, "rival-supplier", rivals(TAKEN, **monthly)).status_code == 201
    which = {"agreementID": TAKEN, "version": 1}
    refused = post(empty, SUPPLY, "/agreements/sign", **which)
    assert refused.status_code == 400
    assert CORDIA in refused.text
    assert RIVAL in refused.text
    for other in (RIVAL, "urn:epc:id:pgln:9521141.00000"):
        signed = post(empty, SUPPLY, "/agreements/sign", **which, counterparty=other)
        assert (signed.status_code, signed.json()["state"]) == (200, "in_force")
    period = {"agreementID": TAKEN, "period": "2026-02"}
    assert post(empty, SUPPLY, "/settlements", **period).status_code == 400
    settled = [post(empty, SUPPLY, "/settlements", **period, counterparty=one) for one in (CORDIA, RIVAL)]
    assert [one.json()["supplier"] for one in settled] == [CORDIA, RIVAL]
    assert [one.json()["agreementID"] for one in settled] == [TAKEN, TAKEN]
    ended = post(empty, SUPPLY, "/agreements/end", agreementID=TAKEN, lastDay=day(3), counterparty=RIVAL)
    assert ended.json()["terms"]["supplier"] == RIVAL
    (own,) = empty.get("cordia", f"/agreements?agreementID={TAKEN}")["agreements"]
    assert own["endedOn"] is None
    stranger = post(empty, SUPPLY, "/agreements/sign", **which, counterparty=NORTHGATE + "9")
    assert stranger.status_code in (400, 404)


@pytest.fixture(params=BACKENDS)
def counted(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """A count that misses four of a hundred screws of a supplier's, and one that misses one of another's goods; in each
    agreement two units are tolerated.
    """
    loss = {"graceDays": 0, "toleranceUnits": 2, "liable": "hospital"}
    with open_site(request.param) as site:
        assert propose(site, "cordia", terms(TAKEN, lines=[{"gtin": SCREW}, {"gtin": VALVE}], loss=loss)).is_success
        assert sign(site, SUPPLY, TAKEN).status_code == 200
        goods = [lot(SCREW, "L1", 50)["quantityList"][0], lot(SCREW, "L2", 50)["quantityList"][0]]
        delivered(site, {"quantityList": goods}, day(900), days=-20)
        seen = [lot(SCREW, "L1", 48)["quantityList"][0], lot(SCREW, "L2", 48)["quantityList"][0]]
        here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}, "mcx:countScope": "complete"}
        capture(site, SUPPLY, event(-2, "cycle_counting", quantityList=seen, **here))
        yield site


def write_off(site: Site, name: str, number: str, **more: Any) -> Any:
    """What a proposal to write off what is missing of a lot of screws answers."""
    items = [{"item": lot(SCREW, number, 1)["quantityList"][0]["epcClass"]}]
    return post(site, name, "/write-offs", place={"id": CABINET}, items=items, **more)


def test_a_write_off_s_id_is_its_proposer_s_own(counted: Site) -> None:
    """Rejects ids that are unique on the server, by which a stranger learns of a write-off from the answer to its own
    proposal, and can occupy the ids of others.
    """
    assert write_off(counted, "cordia", "L1", id="WO-0001").status_code == 201
    probes = [write_off(counted, "rival-supplier", "L1", id=one) for one in ("WO-0001", "WO-0009")]
    assert (probes[0].status_code, probes[0].text) == (probes[1].status_code, probes[1].text)
    assert write_off(counted, "cordia", "L1", id="WO-0001").json()["id"] == "WO-0001"
    assert write_off(counted, SUPPLY, "L2", id="WO-0001").status_code == 201
    refused = post(counted, SUPPLY, "/write-offs/WO-0001/accept")
    assert refused.status_code == 400
    assert CORDIA in refused.text
    accepted = post(counted, SUPPLY, f"/write-offs/WO-0001/accept?proposedBy={CORDIA}")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    withdrawn = post(counted, SUPPLY, f"/write-offs/WO-0001/decline?proposedBy={NORTHGATE}", reason="found")
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
    assert post(counted, "rival-supplier", "/write-offs/WO-0001/accept").status_code == 404


def test_what_two_sides_propose_at_once_shares_one_tolerance(counted: Site) -> None:
    """Rejects a tolerance that is looked up before the unit that writes: both proposals would be free."""
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(write_off, counted, name, number) for name, number in (("cordia", "L1"), (SUPPLY, "L2"))]
        made = [one.result() for one in asked]
    assert [one.status_code for one in made] == [201, 201]
    charged = sorted(one.json()["items"][0]["charged"] for one in made)
    assert charged == ["0", "2"]


def test_who_is_known_here_shows_in_no_answer_to_an_agreement_or_invoice(empty: Site) -> None:
    """Rejects a refusal of parties that the server does not know: a rival finds out by it who trades with whom here."""
    for agreement_id, name in (("urn:example:a", "supplier"), ("urn:example:b", "hospital")):
        told = []
        for party in (CORDIA, NOBODY):
            body = terms(
                agreement_id, lines=[{"gtin": RIVAL_GTIN}], **{"supplier": RIVAL, "hospital": RIVAL, name: party}
            )
            made = propose(empty, "rival-supplier", body)
            assert made.status_code == 201, made.text
            told.append(_without_times(made.json(), party))
        assert told[0] == told[1]
    told = []
    for party in (NORTHGATE, NOBODY):
        line = {"item": f"https://id.gs1.org/01/{RIVAL_GTIN}/10/L", "quantity": 1, "unitPrice": "1.00"}
        body = {"number": "I-" + party[-4:], "hospital": party, "issuedOn": "2026-03-01", "currency": "EUR"}
        made = post(empty, "rival-supplier", "/invoices", **body, lines=[line])
        assert made.status_code == 201, made.text
        told.append(made.text.replace(party, "").replace(body["number"], ""))
    assert told[0] == told[1]


def _without_times(body: Any, party: str) -> str:
    kept = {key: value for key, value in body.items() if key not in ("proposedAt", "signatures")}
    return str(kept).replace(party, "")
