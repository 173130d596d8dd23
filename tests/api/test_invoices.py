"""Invoices over HTTP: what is said otherwise than uses and agreement is found; nobody else reads them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.money import BALLOON, CLINICAL, CORDIA, REPORT, SCREW, SUPPLY, VALVE_7, VALVE_8, agree, invoice


@pytest.fixture(scope="module", params=BACKENDS)
def told(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param, demo_storyline=True) as site:
        agree(site)
        yield site


@pytest.fixture
def site(open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(demo_storyline=True) as opened:
        agree(opened)
        yield opened


def post(site: Site, body: dict[str, Any], name: str = "cordia") -> Any:
    """What POST /invoices answers."""
    return site.request(name, "POST", "/invoices", json=body)


def line(item: str, quantity: int, price: str, **refers: str) -> dict[str, Any]:
    return {"item": item, "quantity": quantity, "unitPrice": price} | refers


def test_an_invoice_that_says_what_was_used_has_no_findings_and_moves_its_use_on(told: Site) -> None:
    right = invoice("INV-1", line(BALLOON, 1, "310", usageReport=REPORT), line(VALVE_8, 1, "4200.00"))
    made = post(told, right)
    assert (made.status_code, made.json()["findings"]) == (201, [])
    (use,) = told.get(SUPPLY, "/usage?useType=consumed")["uses"]
    assert (use["state"], use["lines"][0]["charge"]["invoices"]) == ("invoiced", ["INV-1"])
    assert told.get(SUPPLY, f"/invoices/one?supplier={CORDIA}&number=INV-1") == made.json()
    again = invoice("INV-1", line(BALLOON, 1, "310.00", usageReport=REPORT), line(VALVE_8, 1, "4200"))
    assert post(told, again).json() == made.json()


def test_each_difference_of_an_invoice_is_found(site: Site) -> None:
    """Rejects a check of the total alone: these differences could cancel each other out."""
    wrong = invoice(
        "INV-2",
        line(BALLOON, 1, "320"),
        line(SCREW, 4, "45", usageReport=REPORT),
        line(VALVE_7, 1, "4200"),
        line(VALVE_8, 1, "4200", order="urn:epcglobal:cbv:bt:4012345000009:BO-7001"),
    )
    found = [(one["line"], one["kind"], one["difference"]) for one in post(site, wrong).json()["findings"]]
    assert found == [
        (0, "price_difference", "10.00"),
        (1, "beyond_use", None),
        (2, "no_use", None),
        (3, "no_use", None),
    ]


def test_what_is_invoiced_twice_has_no_use_the_second_time(site: Site) -> None:
    assert post(site, invoice("A", line(BALLOON, 1, "310"))).json()["findings"] == []
    second = post(site, invoice("B", line(BALLOON, 1, "310"))).json()["findings"]
    assert [one["kind"] for one in second] == ["no_use"]
    assert site.get("cordia", f"/invoices/one?supplier={CORDIA}&number=A")["findings"] == []


def test_an_invoice_in_another_currency_is_found(site: Site) -> None:
    (found,) = post(site, invoice("A", line(BALLOON, 1, "310"), currency="USD")).json()["findings"]
    assert found["kind"] == "currency_difference"


def test_an_invoice_never_changes(site: Site) -> None:
    assert post(site, invoice("A", line(BALLOON, 1, "310"))).status_code == 201
    assert post(site, invoice("A", line(BALLOON, 1, "311"))).status_code == 409


def test_invoices_are_for_the_two_parties_roles_that_see_prices(told: Site) -> None:
    post(told, invoice("INV-9", line(BALLOON, 1, "310")))
    path = f"/invoices/one?supplier={CORDIA}&number=INV-9"
    hidden, absent = (told.request("rival-supplier", "GET", one) for one in (path, path.replace("INV-9", "INV-8")))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace("INV-9", "INV-8") == absent.text
    assert told.get("rival-supplier", "/invoices") == {"invoices": []}
    assert told.request(CLINICAL, "GET", path).status_code == 403
    assert told.request(CLINICAL, "GET", "/invoices").status_code == 403
    assert "INV-9" in {one["number"] for one in told.get(SUPPLY, "/invoices")["invoices"]}


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"currency": "euro"},
        {"hospital": CORDIA},
        {"hospital": "https://id.gs1.org/417/9999999000013"},
        {"lines": [line(BALLOON, 0, "1")]},
        {"lines": [line(BALLOON, 1, "-1")]},
        {"issuedOn": "soon"},
    ],
)
def test_a_wrong_invoice_is_refused(told: Site, change: dict[str, Any]) -> None:
    assert post(told, invoice("X", line(BALLOON, 1, "310")) | change).status_code == 400


def test_the_hospital_cannot_post_its_suppliers_invoice(told: Site) -> None:
    body = invoice("X", line(BALLOON, 1, "310"), hospital="https://id.gs1.org/417/9506000000008")
    refused = post(told, body, "rival-supplier")
    assert refused.status_code == 400
    taken = post(told, body, SUPPLY)
    assert taken.json()["supplier"] != CORDIA
