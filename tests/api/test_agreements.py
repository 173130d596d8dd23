"""Agreements over HTTP: proposed by one side, signed by the other, never changed, never two for the same."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site

CORDIA = "https://id.gs1.org/417/9521141000007"
NORTHGATE = "https://id.gs1.org/417/4012345000009"
SITE = "https://id.gs1.org/414/4012345000016"
VALVE, SCREW = "09521141010235", "09521141045305"


def terms(agreement_id: str = "https://example.org/agreement/CA-1", **changes: Any) -> dict[str, Any]:
    """The terms of an agreement between the demo's supplier and hospital."""
    lines = [{"gtin": VALVE, "par": [{"place": f"{SITE}/254/OR3-CAB2", "minimum": 1, "maximum": 4}]}]
    return {
        "agreementID": agreement_id,
        "supplier": CORDIA,
        "hospital": NORTHGATE,
        "validFrom": "2026-01-01",
        "sites": [SITE],
        "lines": lines,
    } | changes


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def propose(site: Site, name: str, body: dict[str, Any]) -> Any:
    """What POST /agreements answers."""
    return site.request(name, "POST", "/agreements", json=body)


def sign(site: Site, name: str, agreement_id: str, version: int = 1) -> Any:
    """What POST /agreements/sign answers."""
    return site.request(name, "POST", "/agreements/sign", json={"agreementID": agreement_id, "version": version})


def test_an_agreement_is_in_force_once_both_sides_have_signed(empty: Site) -> None:
    made = propose(empty, "cordia", terms())
    assert made.status_code == 201, made.text
    assert (made.json()["state"], made.json()["version"]) == ("proposed", 1)
    signed = sign(empty, "northgate-supply", terms()["agreementID"])
    assert signed.json()["state"] == "in_force", signed.text
    for name in ("cordia", "northgate-clinical"):
        (seen,) = empty.get(name, "/agreements")["agreements"]
        assert seen["state"] == "in_force"
        assert {one["party"] for one in seen["signatures"]} == {CORDIA, NORTHGATE}


def test_prices_are_told_to_roles_that_see_prices_alone(empty: Site) -> None:
    """Rejects an answer by organisation: a ward's key would read, export and sign what costs what."""
    priced = [{"gtin": VALVE, "prices": [{"amount": "4321.00", "currency": "EUR"}]}]
    body = terms(lines=priced)
    assert propose(empty, "northgate-clinical", body).status_code == 403
    assert propose(empty, "cordia", body).status_code == 201
    assert sign(empty, "northgate-clinical", body["agreementID"]).status_code == 403
    assert sign(empty, "northgate-supply", body["agreementID"]).status_code == 200
    for path in ("/agreements", f"/agreements?agreementID={body['agreementID']}", "/agreements/export"):
        told = {name: empty.request(name, "GET", path).text for name in ("cordia", "northgate-supply")}
        assert all("4321" in text for text in told.values())
        unpriced = empty.request("northgate-clinical", "GET", path)
        assert unpriced.status_code == 200
        assert VALVE in unpriced.text
        assert "4321" not in unpriced.text


def test_the_same_terms_again_are_the_same_version_and_other_terms_the_next(empty: Site) -> None:
    assert propose(empty, "cordia", terms()).json()["version"] == 1
    assert propose(empty, "cordia", terms()).json()["version"] == 1
    changed = propose(empty, "northgate-supply", terms(notSeenDays=30)).json()
    assert (changed["version"], changed["proposedBy"]) == (2, NORTHGATE)
    assert [one["version"] for one in empty.get("cordia", "/agreements")["agreements"]] == [1, 2]


def test_another_supplier_cannot_tell_that_an_agreement_exists(empty: Site) -> None:
    """Rejects a lookup by id alone: what is hidden must answer as what is absent."""
    propose(empty, "cordia", terms())
    hidden = empty.request("rival-supplier", "GET", f"/agreements?agreementID={terms()['agreementID']}")
    absent = empty.request("rival-supplier", "GET", "/agreements?agreementID=https://example.org/agreement/CA-0")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.text.replace("CA-1", "CA-0") == absent.text
    assert empty.get("rival-supplier", "/agreements") == {"agreements": []}
    refused = sign(empty, "rival-supplier", terms()["agreementID"])
    assert refused.status_code == 404
    assert propose(empty, "rival-supplier", terms("https://example.org/agreement/X")).status_code == 403


def test_agreements_that_cover_the_same_product_at_the_same_place_are_refused_and_both_named(empty: Site) -> None:
    first, second = "https://example.org/agreement/CA-1", "https://example.org/agreement/CA-2"
    propose(empty, "cordia", terms(first))
    sign(empty, "northgate-supply", first)
    clash = propose(empty, "cordia", terms(second, sites=[f"{SITE}/254/OR3"], validFrom="2026-06-01"))
    assert clash.status_code == 409
    assert first in clash.text
    assert second in clash.text
    other_product = terms(second, lines=[{"gtin": SCREW}])
    assert propose(empty, "cordia", other_product).status_code == 201
    earlier = terms("https://example.org/agreement/CA-3", validFrom="2025-01-01", validTo="2025-12-31")
    assert propose(empty, "cordia", earlier).status_code == 201


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"gtin": "09521141010236"}]}, "no GTIN"),
        ({"lines": [{"gtin": VALVE}, {"gtin": VALVE}]}, "more than once"),
        ({"validTo": "2025-01-01"}, "before validFrom"),
        ({"supplier": NORTHGATE}, "same party"),
        ({"sites": ["https://example.org/place"]}, "no SGLN"),
        ({"ownership": {"trigger": "after_days"}}, "afterDays"),
        ({"lines": [{"gtin": VALVE, "par": [{"place": SITE, "minimum": 4, "maximum": 4}]}]}, "minimum below maximum"),
        ({"colour": "red"}, "colour"),
        ({"supplier": "https://id.gs1.org/417/9999999000013"}, "check digit"),
    ],
)
def test_wrong_terms_are_refused_with_what_was_expected(site: Site, change: dict[str, Any], said: str) -> None:
    refused = propose(site, "northgate-supply", terms() | change)
    assert refused.status_code == 400, refused.text
    assert said in refused.text


def test_an_agreement_ends_on_a_day_that_is_not_past(site: Site) -> None:
    propose(site, "cordia", terms())
    sign(site, "northgate-supply", terms()["agreementID"])
    past = {"agreementID": terms()["agreementID"], "lastDay": "2026-01-31"}
    assert site.request("cordia", "POST", "/agreements/end", json=past).status_code == 400
    ended = site.request("cordia", "POST", "/agreements/end", json=past | {"lastDay": "2099-01-31"})
    assert ended.json()["endedOn"] == "2099-01-31", ended.text


def off_agreement(site: Site, name: str, state: str = "open") -> list[str]:
    """The items of the conflicts of the kind, as a caller reads them."""
    listed = site.get(name, f"/consignment/conflicts?perPage=1000&kind=off_agreement&state={state}")["conflicts"]
    return sorted({item for one in listed for item in one["items"]})


def test_what_was_used_off_agreement_is_flagged_to_both_until_a_back_dated_version_covers_it(empty: Site) -> None:
    """Rejects a judgement by the agreements of the day of capture, and one that a stranger hears of."""
    site = empty
    site.load_story()
    for name in ("cordia", "northgate-supply", "rival-supplier"):
        assert off_agreement(site, name) == []  # no agreement: nothing to be off
    assert propose(site, "cordia", terms(lines=[{"gtin": VALVE}])).status_code == 201
    sign(site, "northgate-supply", terms()["agreementID"])
    screws = [f"https://id.gs1.org/01/{SCREW}/10/LOT77A"]
    for name in ("cordia", "northgate-supply"):
        assert screws[0] in off_agreement(site, name)
        assert not any(f"/01/{VALVE}/" in item for item in off_agreement(site, name))
    assert off_agreement(site, "rival-supplier") == []
    covered = terms(lines=[{"gtin": gtin} for gtin in (VALVE, SCREW, "09521141060001")])
    assert propose(site, "northgate-supply", covered).json()["version"] == 2
    assert screws[0] in off_agreement(site, "cordia")  # proposed is not agreed
    sign(site, "cordia", terms()["agreementID"], 2)
    for name in ("cordia", "northgate-supply"):
        assert off_agreement(site, name) == []
        assert screws[0] in off_agreement(site, name, "corrected")
