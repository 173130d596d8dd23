"""Amounts in whole minor units of their currency, the same to the cent wherever they are told."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.money import (
    AGREEMENT,
    BALLOON,
    CABINET,
    SCREW,
    SUPPLY,
    agree,
    capture_events,
    count_event,
    invoice,
    receipt,
    terms,
    use_event,
)

PRICES = {"EUR": ("0.335", "1.01"), "JPY": ("67.5", "203"), "KWD": ("0.3355", "1.007")}
"""Currency -> what one costs, and what three do: in cents, in yen, in fils."""


@pytest.fixture(params=BACKENDS)
def site(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


def priced(amount: str, currency: str) -> list[dict[str, Any]]:
    """The lines of the agreement, each at the same price."""
    return [line | {"prices": [{"amount": amount, "currency": currency}]} for line in terms()["lines"]]


def amounts_of(site: Site) -> dict[str, list[tuple[str, str]]]:
    """Where amounts of March are told -> (amount, sum of that currency)."""
    use = site.get(SUPPLY, "/usage")["uses"][0]["lines"][0]["charge"]
    body = {"agreementID": AGREEMENT, "period": "2026-03"}
    settled = site.request(SUPPLY, "POST", "/settlements", json=body).json()["content"]
    report = site.get(SUPPLY, "/reports/transfer-of-ownership?from=2026-03-01&to=2026-04-01&format=json")
    leaks = site.get(SUPPLY, "/reports/leaks?from=2026-03-01&to=2026-04-01")
    currency = use["currency"]
    return {
        "usage": [(use["amount"], use["amount"])],
        "settlement": [(one["amount"], settled["totals"][currency]) for one in settled["lines"]],
        "report": [(one["amount"], report["totals"][currency]) for one in report["lines"]],
        "leaks": [(leaks["leaks"][0]["value"], leaks["leaks"][0]["value"])],
    }


@pytest.mark.parametrize("currency", PRICES)
def test_three_pieces_come_to_whole_minor_units_wherever_it_is_told(site: Site, currency: str) -> None:
    """Rejects amounts with more decimals than money has (1.005 EUR, 202.50 JPY), and yen with cents."""
    each, amount = PRICES[currency]
    agree(site, lines=priced(each, currency))
    three = use_event(2, BALLOON, 3, "2026-03-03T08:00:00Z")
    capture_events(site, receipt(1, BALLOON, 5, "2026-02-01T08:00:00Z"), three)
    for where, told in amounts_of(site).items():
        assert told == [(amount, amount)], where
    status = site.get(SUPPLY, "/reports/consignment-stock-status?asOf=2026-02-02&format=json")
    five = {"EUR": "1.68", "JPY": "338", "KWD": "1.678"}[currency]
    assert [(one["unitPrice"], one["amount"]) for one in status["lines"]] == [(each, five)]
    posted = site.request(
        "cordia", "POST", "/invoices",
        json=invoice("INV-1", {"item": BALLOON, "quantity": 3, "unitPrice": each}, currency=currency),
    ).json()  # fmt: skip
    assert ([one["amount"] for one in posted["lines"]], posted["totals"]) == ([amount], {currency: amount})
    assert posted["findings"] == []


def test_a_sum_is_of_rounded_lines_and_what_is_taken_back_is_what_was_charged(site: Site) -> None:
    """Rejects a sum rounded after adding up (1.01), and halves rounded up below zero too (-0.33 for 0.34)."""
    agree(site, lines=priced("0.335", "EUR"))
    uses = [use_event(number, SCREW, 1, f"2026-03-0{number}T08:00:00Z") for number in (2, 3, 4)]
    capture_events(site, receipt(1, SCREW, 5, "2026-02-01T08:00:00Z"), *uses)
    body = {"agreementID": AGREEMENT, "period": "2026-03"}
    march = site.request(SUPPLY, "POST", "/settlements", json=body).json()["content"]
    assert [one["amount"] for one in march["lines"]] == ["0.34"] * 3
    assert march["totals"] == {"EUR": "1.02"}
    wrong = {"declarationTime": "2026-04-02T09:00:00Z", "reason": "did_not_occur"}
    capture_events(site, uses[0] | {"errorDeclaration": wrong})
    april = site.request(SUPPLY, "POST", "/settlements", json=body | {"period": "2026-04"}).json()["content"]
    assert [one["amount"] for one in april["lines"]] == ["-0.34"]
    assert Decimal(march["totals"]["EUR"]) + Decimal(april["totals"]["EUR"]) == Decimal("0.68")


def test_an_invoice_line_that_rounds_otherwise_than_its_uses_is_found(site: Site) -> None:
    """Rejects a comparison of unit prices alone: the invoice would differ from the settlement by a cent, untold."""
    agree(site, lines=priced("0.335", "EUR"))
    uses = [use_event(number, SCREW, 1, f"2026-03-0{number}T08:00:00Z") for number in (2, 3, 4)]
    capture_events(site, receipt(1, SCREW, 5, "2026-02-01T08:00:00Z"), *uses)
    line = {"item": SCREW, "quantity": 3, "unitPrice": "0.335"}
    (found,) = site.request("cordia", "POST", "/invoices", json=invoice("INV-1", line)).json()["findings"]
    told = [found[name] for name in ("kind", "expected", "invoiced", "difference")]
    assert told == ["rounding_difference", "1.02", "1.01", "-0.01"]
    line |= {"unitPrice": "0.345"}
    found_of = site.request("cordia", "POST", "/invoices", json=invoice("INV-0", line, issuedOn="2026-04-01")).json()
    assert [(one["kind"], one["difference"]) for one in found_of["findings"]] == [("price_difference", "0.01")] * 3


def test_a_write_off_is_charged_in_whole_minor_units(site: Site) -> None:
    """Rejects amounts of write-offs that are told as the product of price and quantity."""
    agree(site, lines=priced("0.335", "EUR"), loss={"liable": "hospital", "graceDays": 0})
    count = count_event(2, SCREW, 2, "2026-03-03T08:00:00Z")
    capture_events(site, receipt(1, SCREW, 5, "2026-02-01T08:00:00Z"), count)
    body = {"place": {"id": CABINET}, "items": [{"item": SCREW}]}
    made = site.request(SUPPLY, "POST", "/write-offs", json=body)
    assert made.status_code == 201, made.text
    assert (made.json()["items"][0]["charged"], made.json()["charges"]) == (
        "3",
        [{"amount": "1.01", "currency": "EUR"}],
    )
