"""Onboarding of a partner over HTTP: each step by the one whose it is, taken up again wherever it stopped."""

import shlex
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from api.conftest import BACKENDS, Site
from api.test_agreements import CORDIA, NORTHGATE, SITE

NEWCOMER = "https://id.gs1.org/417/4098765000003"
GTIN = "04098765000010"
BEGIN = {"host": NORTHGATE, "partner": NEWCOMER, "role": "supplier", "name": "Vita", "companyPrefixes": ["4098765"]}
BOTH = {"host": NORTHGATE, "partner": NEWCOMER}


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def post(site: Site, name: str, path: str, body: Any, status: int = 201) -> Any:
    answer = site.request(name, "POST", path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def run_line(line: str, keys: dict[str, str]) -> httpx.Response:
    """What a person gets who pastes the line, with the keys in the environment."""
    words = shlex.split(line)
    assert words[0] == "curl"
    options = dict(pairwise(words))
    headers = [words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"]
    url = next(word for word in words if word.startswith("http"))
    filled = {name: value.replace(f"${value[8:]}", keys.get(value[8:], "")) for name, value in headers}
    return httpx.post(url, headers=filled, content=options["-d"].encode())


def test_a_partner_comes_aboard_step_by_step_with_the_lines_that_it_is_given(empty: Site) -> None:
    """Rejects steps that are ticked off instead of read off, and lines that do not work as they stand."""
    state = post(empty, "admin", "/onboarding", BEGIN)
    assert state["state"] == "key"
    made = post(empty, "admin", "/onboarding/key", BOTH)
    assert made["state"] == "agreement"
    keys = {"PARTNER_KEY": made["key"], "HOST_KEY": empty.server.keys["northgate-supply"]}
    draft = {"partner": NEWCOMER, "sites": [SITE], "gtins": [GTIN]}
    proposed = post(empty, "northgate-supply", "/onboarding/agreement", draft)
    assert proposed["state"] == "signature"
    signature = next(one for one in proposed["steps"] if one["step"] == "signature")
    assert (signature["by"], signature["done"]) == ("partner", False)
    assert run_line(signature["command"], keys).json()["state"] == "in_force"
    (waiting,) = empty.get("admin", "/onboarding")["onboardings"]
    assert waiting["state"] == "test"
    tested = run_line(waiting["steps"][-1]["command"], keys)
    assert tested.status_code == 200, tested.text
    assert (tested.json()["state"], tested.json()["dryRun"]["wouldStore"]) == ("done", 1)
    assert empty.events("northgate-supply") == []
    again = post(empty, "admin", "/onboarding", BEGIN)
    assert again["state"] == "done"


def test_a_failed_test_is_told_and_may_be_tried_again(empty: Site) -> None:
    post(empty, "admin", "/onboarding", BEGIN)
    key = post(empty, "admin", "/onboarding/key", BOTH)["key"]
    headers = {"Authorization": f"Bearer {key}"}
    path = f"/onboarding/test?host={NORTHGATE}"
    broken = empty.http.post(path, headers=headers, json={"type": "EPCISDocument"})
    assert broken.status_code == 400
    (state,) = empty.http.get("/onboarding", headers=headers).json()["onboardings"]
    test = state["steps"][-1]
    assert not test["done"]
    assert "failed" in test["detail"]
    fixed = run_line(test["command"], {"PARTNER_KEY": key})
    assert fixed.json()["steps"][-1]["done"], fixed.text
    empty.http.post(path, headers=headers, json={"type": "EPCISDocument"})
    (kept,) = empty.http.get("/onboarding", headers=headers).json()["onboardings"]
    assert kept["steps"][-1]["done"]


def test_nobody_else_learns_of_an_onboarding(empty: Site) -> None:
    """Rejects a list that is not cut to those who take part, and a step that tells a stranger more than a 404."""
    post(empty, "admin", "/onboarding", BEGIN)
    assert empty.get("rival-supplier", "/onboarding") == {"onboardings": []}
    assert empty.get("cordia", f"/onboarding?partner={NEWCOMER}") == {"onboardings": []}
    document = {"type": "EPCISDocument"}
    hidden = empty.request("rival-supplier", "POST", f"/onboarding/test?host={NORTHGATE}", json=document)
    absent = empty.request("rival-supplier", "POST", f"/onboarding/test?host={CORDIA}", json=document)
    assert (hidden.status_code, hidden.json()) == (404, absent.json())
    draft = {"partner": NEWCOMER, "sites": [SITE], "gtins": [GTIN]}
    assert empty.request("cordia", "POST", "/onboarding/agreement", json=draft).status_code == 404
    assert empty.request("northgate-supply", "POST", "/onboarding", json=BEGIN).status_code == 403
    assert empty.request("northgate-supply", "POST", "/onboarding/key", json=BOTH).status_code == 403


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": "https://id.gs1.org/417/9999999000013"}, "host"),
        ({"partner": NORTHGATE}, "host"),
        ({"partner": "https://example.org/x"}, "PGLN"),
        ({"name": ""}, "name"),
        ({"role": "friend"}, "role"),
        ({"partner": CORDIA, "role": "carrier"}, "known here"),
    ],
)
def test_a_wrong_beginning_is_refused_with_what_was_expected(site: Site, change: dict[str, Any], said: str) -> None:
    refused = site.request("admin", "POST", "/onboarding", json=BEGIN | change)
    assert refused.status_code == 400, refused.text
    assert said in refused.text


def test_a_carrier_needs_no_agreement(site: Site) -> None:
    state = post(site, "admin", "/onboarding", BEGIN | {"role": "carrier"})
    assert [one["step"] for one in state["steps"]] == ["party", "key", "test"]
    wrong = site.request("admin", "POST", "/onboarding/key", json=BOTH | {"role": "clinical"})
    assert wrong.status_code == 400


def test_an_onboarding_that_says_something_else_of_a_known_partner_is_refused_with_what_differs(empty: Site) -> None:
    """Rejects a name and prefixes that are passed over without a word, as if they had been taken."""
    post(empty, "admin", "/onboarding", BEGIN)
    post(empty, "admin", "/onboarding", BEGIN)
    post(empty, "admin", "/onboarding", BEGIN | {"name": "", "companyPrefixes": []})
    differs = BEGIN | {"name": "Vita Medical", "companyPrefixes": ["4098765", "4098766"]}
    refused = post(empty, "admin", "/onboarding", differs, status=409)
    assert [one["path"] for one in refused["errors"]] == ["name", "companyPrefixes"]
    assert "'Vita'" in refused["errors"][0]["message"]
    (known,) = [one for one in empty.get("admin", "/admin/organisations")["organisations"] if one["id"] == NEWCOMER]
    assert (known["name"], known["companyPrefixes"]) == ("Vita", ["4098765"])


def test_a_company_prefix_has_one_holder_until_an_administrator_says_that_it_passed_on(empty: Site) -> None:
    """Rejects two holders of one prefix: the later would be the maker of the other's goods, and recall them."""
    claimed = BEGIN | {"companyPrefixes": ["9521141"]}
    refused = post(empty, "admin", "/onboarding", claimed, status=409)
    assert [one["code"] for one in refused["errors"]] == ["prefix_taken"]
    assert CORDIA in refused["detail"]
    added = {"id": NEWCOMER, "name": "Vita", "companyPrefixes": ["4098765", "9521141"]}
    post(empty, "admin", "/admin/organisations", added, status=409)
    recall = {"recallClass": "I", "reason": "leak", "items": [{"gtin": "09521141010235"}]}
    post(empty, "cordia", "/recalls", recall | {"notice": "urn:example:before"})
    made = post(empty, "admin", "/admin/organisations", added | {"takeOverPrefixes": True})
    assert made["companyPrefixes"] == ["4098765", "9521141"]
    known = {one["id"]: one["companyPrefixes"] for one in empty.get("admin", "/admin/organisations")["organisations"]}
    assert (known[CORDIA], known[NEWCOMER]) == ([], ["4098765", "9521141"])
    post(empty, "cordia", "/recalls", recall | {"notice": "urn:example:after"}, status=403)
