"""The two reports by GS1's names over HTTP, as JSON, CSV and PDF."""

import base64
import csv
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.money import AGREEMENT, CABINET, CLINICAL, CORDIA, SCREW, SUPPLY, VALVE_8, agree, capture_events, use_event

OWNERSHIP = "/reports/transfer-of-ownership?from=2026-03-01&to=2026-04-01"
STATUS = "/reports/consignment-stock-status?asOf=2026-03-20"


@pytest.fixture(scope="module", params=BACKENDS)
def told(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """The demo's story under a priced agreement; tests must not change it."""
    with open_site(request.param, demo_storyline=True) as site:
        agree(site)
        yield site


def test_the_transfer_of_ownership_report_has_what_passed_and_counts(told: Site) -> None:
    """Rejects the use that was declared in error, and the buy-out of what was owned already."""
    report = told.get(SUPPLY, OWNERSHIP)
    assert report["report"] == "Transfer of Ownership Report"
    assert [(one["what"], one["item"], one["quantity"]) for one in report["lines"]] == [
        ("use", "https://id.gs1.org/01/09521141060001/10/B2201", "1"),
        ("use", VALVE_8, "1"),
        ("use", SCREW, "2"),
        ("use", SCREW, "1"),
        ("loss", SCREW, "1"),
    ]
    assert report["totals"] == {"EUR": "4690.00"}
    assert {one["gln"] for one in report["parties"]} == {"9521141000007", "4012345000009"}
    assert told.get(SUPPLY, OWNERSHIP.replace("03-01", "04-01").replace("to=2026-04", "to=2026-05"))["lines"] == []


def test_the_stock_status_report_has_what_one_holds_of_the_other_and_the_levels_agreed(told: Site) -> None:
    report = told.get("cordia", STATUS)
    lines = [(one["place"].rpartition("/")[2], one["item"], one["quantity"], one["amount"]) for one in report["lines"]]
    assert ("OR3-CAB2", SCREW, "13", "585.00") in lines
    assert {(one["owner"], one["status"]) for one in report["lines"]} == {(CORDIA, "on_hand")}
    (level,) = report["levels"]
    assert (level["place"], level["usable"], level["minimum"], level["maximum"]) == (CABINET, "13", 5, 20)


@pytest.mark.parametrize("path", [OWNERSHIP, STATUS])
def test_both_parties_draw_the_same_lines_and_the_clinical_role_draws_them_without_prices(
    told: Site, path: str
) -> None:
    supply, supplier, clinical = (told.get(name, path) for name in (SUPPLY, "cordia", CLINICAL))
    assert supply["lines"] == supplier["lines"]
    assert supply["digest"] == supplier["digest"] == clinical["digest"]
    assert clinical["totals"] == {}
    assert len(clinical["lines"]) == len(supply["lines"])
    prices = ("unitPrice", "amount", "currency", "payer", "priceProblem")
    assert all(line[name] is None for line in clinical["lines"] for name in prices)
    for form in ("csv", "pdf"):
        file = told.request(CLINICAL, "GET", f"{path}&format={form}").content
        assert b"4200" not in (_unpacked(file) if form == "pdf" else file)


@pytest.mark.parametrize("path", [OWNERSHIP, STATUS])
def test_another_supplier_draws_an_empty_report(told: Site, path: str) -> None:
    report = told.get("rival-supplier", path)
    assert (report["lines"], [one["name"] for one in report["parties"]]) == ([], ["Helix Surgical"])
    with_partner = told.get("rival-supplier", f"{path}&partner={CORDIA}")
    assert with_partner["lines"] == []


def test_a_report_as_csv_has_a_row_for_each_line(told: Site) -> None:
    """RFC 4180: CRLF, a header line, quotes where needed."""
    answer = told.request(SUPPLY, "GET", OWNERSHIP, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="transfer-of-ownership-2026-03-01.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.text.count("\r\n") == len(rows) + 1
    lines = told.get(SUPPLY, OWNERSHIP)["lines"]
    assert [(row["gtin"], row["amount"]) for row in rows] == [(line["gtin"], line["amount"]) for line in lines]


def test_no_cell_of_a_csv_starts_a_formula(open_site: Callable[..., Any]) -> None:
    """Rejects cells written as they came: reason is free text of whoever captured."""
    with open_site(demo_storyline=True) as site:
        agree(site)
        evil = '=HYPERLINK("https://evil.example","x")'
        capture_events(site, use_event(1, SCREW, 1, "2026-03-21T09:00:00Z", reason=evil))
        rows = list(csv.DictReader(io.StringIO(site.request(SUPPLY, "GET", f"{OWNERSHIP}&format=csv").text)))
        assert f"'{evil}" in {row["reason"] for row in rows}
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_a_report_as_pdf_names_both_parties_and_its_digest_on_every_page(told: Site) -> None:
    for path in (OWNERSHIP, STATUS):
        answer = told.request("cordia", "GET", path, headers={"Accept": "application/pdf"})
        assert answer.headers["content-type"] == "application/pdf"
        text = _unpacked(answer.content)
        digest = told.get("cordia", path)["digest"].encode()
        for word in (b"Cordia Devices, GLN 9521141000007", b"Northgate Hospital, GLN 4012345000009", digest):
            assert word in text, word
        assert b"Page 1 of 1" in text
        assert told.request(SUPPLY, "GET", path, headers={"Accept": "application/pdf"}).content == answer.content


def test_a_form_that_is_not_made_is_refused(told: Site) -> None:
    assert told.request(SUPPLY, "GET", OWNERSHIP, headers={"Accept": "image/png"}).status_code == 406
    assert told.request(SUPPLY, "GET", f"{OWNERSHIP}&format=xls").status_code == 400
    assert told.request(SUPPLY, "GET", f"{OWNERSHIP}&agreement={AGREEMENT}").status_code == 400


def _unpacked(pdf: bytes) -> bytes:
    """The text of a PDF's pages: reportlab packs streams with ASCII85 and zlib."""
    streams = re.findall(rb"stream\n(.*?)~>endstream", pdf, re.DOTALL)
    assert streams
    return b"".join(zlib.decompress(base64.a85decode(stream)) for stream in streams)


def test_movements_are_numbered_as_sap_numbers_them(told: Site) -> None:
    """Rejects a receipt of the shipper's number alone: what lay in it is what an inventory system books."""
    path = "/reports/movements?from=2026-02-01&to=2026-05-01"
    found = told.get(SUPPLY, path)["movements"]
    assert Counter((one["movementType"], one["item"].rpartition("/")[2], one["quantity"]) for one in found) == Counter({
        (101, "B2201", "5"): 1,
        (101, "LOT77A", "20"): 1,
        (101, "V23-0007", "1"): 1,
        (101, "V23-0008", "1"): 1,
        (201, "V23-0007", "1"): 1,
        (202, "V23-0007", "1"): 1,
        (202, "LOT77A", "2"): 1,
        (201, "LOT77A", "2"): 2,
        (201, "V23-0008", "1"): 1,
        (201, "B2201", "1"): 1,
        (201, "LOT77A", "1"): 2,
        (161, "LOT77A", "12"): 1,
    })  # fmt: skip
    assert [one["postingDate"] for one in found] == sorted(one["postingDate"] for one in found)
    assert {one["specialStock"] for one in found} == {"K"}
    rows = list(csv.DictReader(io.StringIO(told.request("cordia", "GET", f"{path}&format=csv").text)))
    assert [row["movementType"] for row in rows] == [str(one["movementType"]) for one in found]
    assert told.get("rival-supplier", path) == {"movements": []}
    assert told.request(SUPPLY, "GET", f"{path}&format=pdf").status_code == 406
