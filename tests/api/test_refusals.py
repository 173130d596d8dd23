"""Refusals over HTTP: each names what was wrong, and nobody unknown is told what was wrong with a body."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.conftest import Site
from api.money import CABINET, CLINICAL, SITE, SUPPLY

GTIN = "09521141045305"


@pytest.fixture(scope="module")
def site(open_site: Any) -> Iterator[Site]:
    with open_site(demo_storyline=True) as opened:
        yield opened


@pytest.mark.parametrize("lot", ["L" * 21, "a b", "ä", ""])
def test_a_lot_that_no_label_can_hold_is_refused_by_every_look_up(site: Site, lot: str) -> None:
    """Rejects an empty answer to a mistyped lot, which reads as "none of it is here" in a recall."""
    notice = {"recallClass": "I", "reason": "a crack"}
    asked: list[tuple[str, str, str, dict[str, Any]]] = [
        (CLINICAL, "GET", "/trace/lot", {"params": {"gtin": GTIN, "lot": lot}}),
        (SUPPLY, "GET", "/consignment/stock", {"params": {"gtin": GTIN, "lot": lot}}),
        (CLINICAL, "POST", "/patients/search", {"json": {"gtin": GTIN, "lot": lot}}),
        (CLINICAL, "POST", "/trace/device-tracking", {"json": {"gtin": GTIN, "lot": lot, "purpose": "a field action"}}),
        ("cordia", "POST", "/recalls", {"json": notice | {"items": [{"gtin": GTIN, "lot": lot}]}}),
    ]  # fmt: skip
    for name, method, path, body in asked:
        refused = site.request(name, method, path, **body)
        assert refused.status_code == 400, (path, refused.text)
        (error,) = refused.json()["errors"]
        assert error["path"].endswith("lot"), path
        assert "expected 1 to 20 characters of GS1's set 82, AI (10)" in error["message"]
    twenty = site.request(CLINICAL, "GET", "/trace/lot", params={"gtin": GTIN, "lot": "L!%&'()*+,-./:;<=>?_"})
    assert twenty.status_code == 200, twenty.text


def test_fhir_finds_a_place_by_its_bare_gln(site: Site) -> None:
    """Rejects a search that knows places by their Digital Links alone; a wrong check digit is no place still."""
    gln = SITE.rpartition("/")[2]
    for kind in ("SupplyDelivery", "List", "Device"):
        full, bare, system = (
            site.request(CLINICAL, "GET", f"/fhir/{kind}", params={"location": place})
            for place in (SITE, gln, f"https://www.gs1.org/gln|{gln}")
        )
        assert (bare.status_code, system.status_code) == (200, 200), bare.text
        ids = [[one["resource"]["id"] for one in answer.json().get("entry", [])] for answer in (bare, full, system)]
        assert ids[0] == ids[1] == ids[2]
        assert ids[0] or kind != "List"
        wrong = site.request(CLINICAL, "GET", f"/fhir/{kind}", params={"location": f"{gln[:-1]}0"})
        assert wrong.status_code == 400, wrong.text


def _in_parts(count: int) -> Iterator[bytes]:
    yield b'{"a":"'
    for _ in range(count):
        yield b"x" * 65_536
    yield b'"}'


@pytest.mark.parametrize("path", ["/agreements", "/invoices", "/write-offs", "/recalls", "/patients/search"])
def test_nobody_unknown_is_told_what_is_wrong_with_a_body(site: Site, path: str) -> None:
    """Rejects a body that is read, and judged, before anyone asks who sent it; and an oversized one that is told to be
    no JSON, since who sends it in parts would mend the wrong thing.
    """
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"[" * 100_000, b"\xff"):
        assert site.request(None, "POST", path, content=body, headers=headers).status_code == 401
        assert site.request("cordia", "POST", path, content=body, headers=headers).status_code == 400
    assert site.request(None, "POST", path, content=_in_parts(100), headers=headers).status_code == 401
    known = site.request("cordia", "POST", path, content=_in_parts(100), headers=headers)
    assert (known.status_code, known.json()["title"]) == (413, "The capture is too large")


def test_only_documents_are_told_to_break_the_rules_of_epcis(site: Site) -> None:
    """Rejects one title for all refusals: a place or a setting that is wrong has nothing to do with EPCIS."""
    broken = site.request(CLINICAL, "POST", "/epcis/capture", json={"type": "EPCISDocument"})
    assert broken.json()["title"] == "The document does not keep the rules of EPCIS"
    body = {"place": {"id": f"{CABINET}", "gln": "4012345000016"}, "items": [{"item": "x"}]}
    for refused in (
        site.request(SUPPLY, "POST", "/write-offs", json=body),
        site.request(SUPPLY, "POST", "/settlements", json={"agreementID": "x", "period": "2026-13"}),
        site.request(SUPPLY, "GET", "/epcis/events", headers={"GS1-EPC-Format": "Never"}),
    ):
        assert refused.status_code in (400, 404), refused.text
        assert "EPCIS" not in refused.json()["title"]
