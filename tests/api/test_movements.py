"""Movements by SAP's numbers over HTTP: what stays the supplier's loss leaves special stock without a debt."""

from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, DC, at, capture, day, delivered, event, lot
from api.test_agreements import CORDIA, NORTHGATE, SITE

SCREW = "09521141045305"


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_the_supplier_bears_leaves_stock_without_a_debt_and_papers_are_named(backend: str, open_site: Any) -> None:
    """Rejects an export after which wasted goods lie in special stock for ever, one that makes the hospital pay for
    what the supplier bears, and one that loses the number of the order.
    """
    with open_site(backend) as site:
        po = {"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:RO-7"}
        delivered(site, lot(SCREW, "M1", 10), day(900), days=-5, bizTransactionList=[po])
        from_here = {"type": "location", "source": CABINET}
        stays = {
            "sourceList": [{"type": "owning_party", "source": CORDIA}, from_here],
            "destinationList": [{"type": "owning_party", "destination": CORDIA}],
        }
        room = {"readPoint": {"id": f"{SITE}/254/OR3"}}
        gone = {"readPoint": {"id": CABINET}, "sourceList": [from_here]}
        said = {"mcx:useType": "wasted", "mcx:usageReport": "urn:uuid:w1"}
        rma = {"bizTransactionList": [{"type": "rma", "bizTransaction": "urn:epcglobal:cbv:bt:9521141000007:RMA-3"}]}
        back = {
            "sourceList": [
                {"type": "possessing_party", "source": NORTHGATE}, {"type": "owning_party", "source": CORDIA},
                from_here,
            ],
            "destinationList": [
                {"type": "possessing_party", "destination": CORDIA}, {"type": "owning_party", "destination": CORDIA},
                {"type": "location", "destination": DC},
            ],
        }  # fmt: skip
        here = {"readPoint": {"id": CABINET}}
        capture(
            site,
            "northgate-supply",
            event(
                -4,
                "destroying",
                action="DELETE",
                disposition="destroyed",
                **lot(SCREW, "M1", 1),
                **stays,
                **room,
                **said,
            ),
            event(-3, "destroying", action="DELETE", disposition="destroyed", **lot(SCREW, "M1", 2), **gone),
            event(-2, "stock_taking", disposition="unavailable", **lot(SCREW, "M1", 3), **gone),
            event(-1, "shipping", disposition="returned", **lot(SCREW, "M1", 4), **back, **here, **rma),
        )
        path = f"/reports/movements?from={day(-6)}&to={day(1)}"
        for name in ("northgate-supply", "cordia"):
            found = site.get(name, path)["movements"]
            told = [
                (one["movementType"], one["quantity"], (one["reference"] or "").rpartition(":")[2]) for one in found
            ]
            assert told == [
                (101, "10", "RO-7"), (122, "1", "w1"), (122, "2", ""), (122, "3", ""), (161, "4", "RMA-3"),
            ]  # fmt: skip
            assert {(one["supplier"], one["hospital"]) for one in found} == {(CORDIA, NORTHGATE)}
        assert site.get("rival-supplier", path) == {"movements": []}
        assert site.get("cordia", f"/consignment/stock?gtin={SCREW}&place={CABINET}&status=on_hand")["items"] == []


def test_a_handover_that_was_declared_in_error_is_told_with_its_reversal(site: Site) -> None:
    """Rejects an export that leaves a mistaken receipt out, after the other system has booked it, and one that tells
    the reversal alone.
    """
    goods = lot(SCREW, "M2", 4)
    delivered(site, goods, day(900), days=-5, eventID="urn:uuid:mistaken-receipt")
    path = f"/reports/movements?from={day(-6)}&to={day(1)}"
    assert told_movements(site, path) == [(101, "4")]
    (mistake,) = site.events("northgate-supply", "EQ_eventID=urn:uuid:mistaken-receipt")
    declared = {"declarationTime": at(0), "reason": "incorrect_data"}
    capture(site, "northgate-supply", {**mistake, "errorDeclaration": declared})
    assert told_movements(site, path) == [(101, "4"), (102, "4")]


def told_movements(site: Site, path: str) -> list[tuple[int, str]]:
    """(SAP's number, quantity) of each movement, for both parties alike."""
    by_name = [
        [(one["movementType"], one["quantity"]) for one in site.get(name, path)["movements"]]
        for name in ("northgate-supply", "cordia")
    ]
    assert by_name[0] == by_name[1]
    return sorted(by_name[0])
