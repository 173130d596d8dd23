"""The lot of serialised goods: from commissioning or a scanned label, told alike by every list and report."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import BACKENDS, Site
from .flows import CABINET, DC, NOW, capture, event, used
from .money import AGREEMENT, SUPPLY, agree
from .test_agreements import CORDIA, NORTHGATE

VALVE = "09521141010235"
MADE, SCANNED = f"https://id.gs1.org/01/{VALVE}/21/MADE", f"https://id.gs1.org/01/{VALVE}/21/SCANNED"
LOT = "L/1+a'%"
"""A lot whose text an identifier has to escape."""


@pytest.fixture(scope="module", params=BACKENDS)
def told(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """Two valves used at the hospital: one whose lot the maker told, one whose lot the receipt's scanner read."""
    ends = {
        "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "owning_party", "source": CORDIA}],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE},
            {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": CABINET},
        ],
    }
    label = {"mcx:scannedLot": [{"epc": "urn:epc:id:sgtin:9521141.001023.SCANNED", "value": LOT}],
             "mcx:scannedExpiry": [{"epc": SCANNED, "value": "2031-12-31"}]}  # fmt: skip
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    with open_site(request.param) as site:
        agree(site, use={"settlement": "per_use"})
        capture(
            site,
            "cordia",
            event(-9, "commissioning", action="ADD", bizLocation={"id": DC}, epcList=[MADE],
                  ilmd={"cbvmda:lotNumber": LOT, "cbvmda:itemExpirationDate": "2031-12-31"}),
            event(-8, "shipping", readPoint={"id": DC}, epcList=[MADE, SCANNED], **ends),
        )  # fmt: skip
        capture(site, SUPPLY, event(-7, "receiving", epcList=[MADE, SCANNED], **here, **ends, **label))
        for number, item in enumerate((MADE, SCANNED)):
            used(site, {"epcList": [item]}, days=-3, report=f"urn:uuid:lot-{number}")
        yield site


def settled(site: Site) -> list[dict[str, Any]]:
    """The lines of settlements of both uses."""
    body = [
        site.request(SUPPLY, "POST", "/settlements", json={"agreementID": AGREEMENT, "period": f"urn:uuid:lot-{one}"})
        for one in (0, 1)
    ]
    assert all(one.status_code in (200, 201) for one in body), [one.text for one in body]
    return [line for one in body for line in one.json()["content"]["lines"]]


PERIOD = f"from={NOW.year - 1}-01-01"
LISTS = {
    "usage": lambda site: [line for one in site.get("cordia", "/usage")["uses"] for line in one["lines"]],
    "transfers": lambda site: site.get("cordia", "/consignment/ownership-transfers")["transfers"],
    "ownership": lambda site: site.get("cordia", f"/reports/transfer-of-ownership?{PERIOD}")["lines"],
    "csv": lambda site: list(
        csv.DictReader(
            io.StringIO(site.request(SUPPLY, "GET", f"/reports/transfer-of-ownership?{PERIOD}&format=csv").text)
        )
    ),
    "leaks": lambda site: site.get(SUPPLY, "/reports/leaks")["leaks"],
    "settlements": settled,
    "movements": lambda site: [
        one
        for one in site.get("cordia", f"/reports/movements?{PERIOD}&to={NOW.year + 1}-01-01")["movements"]
        if one["movementType"] == 201
    ],
}


@pytest.mark.parametrize("name", LISTS)
def test_every_list_tells_the_lot_of_serialised_goods_as_on_the_label(told: Site, name: str) -> None:
    """Rejects lots for lots alone, lots spelt as identifiers spell them, and scanned labels that nobody reads."""
    lines = LISTS[name](told)
    assert {(one["item"], one["lot"]) for one in lines} == {(MADE, LOT), (SCANNED, LOT)}


def test_both_parties_draw_one_digest_with_the_lots(told: Site) -> None:
    path = f"/reports/transfer-of-ownership?{PERIOD}&to={NOW.date()}"
    assert told.get("cordia", path)["digest"] == told.get(SUPPLY, path)["digest"]


def test_a_lot_is_found_and_recalled_by_what_its_label_says(told: Site) -> None:
    """Rejects a recall of a lot that reaches only the serials whose maker told their lot."""
    found = told.get(SUPPLY, f"/trace/lot?gtin={VALVE}&lot={quote(LOT, safe='')}")
    assert {one["item"] for one in found["sinks"]} == {MADE, SCANNED}
    notice = {
        "notice": "urn:example:fsn:lot",
        "recallClass": "I",
        "reason": "seal",
        "items": [{"gtin": VALVE, "lot": LOT}],
    }
    answer = told.request("cordia", "POST", "/recalls", json=notice)
    assert answer.status_code == 201, answer.text
    assert answer.json()["totals"][0]["total"] == "2"
    (seen,) = told.get(SUPPLY, "/recalls")["recalls"]
    assert seen["items"] == [{"gtin": VALVE, "lot": LOT, "serials": None, "contains": []}]
