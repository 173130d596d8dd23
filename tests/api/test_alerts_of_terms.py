"""Alerts by the right terms over HTTP: of the place, of the products counted, of the papers, of the oldest goods."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, NOW, at, capture, day, delivered, event, lot, parties, serial, used
from api.test_agreements import NORTHGATE, SCREW, SITE, VALVE, propose, sign, terms
from api.test_alerts import alerts

BALLOON = "09521141060001"
WARD = f"{SITE}/254/WARDB-CAB1"
ORDER = "urn:epcglobal:cbv:bt:4012345000009:BO-1"
COMPLETE = {"mcx:countScope": "complete"}
REPORT_TYPE = "https://ns.traceward.org/consignment/btt/usage_report"


Agree = Callable[..., list[str]]


@pytest.fixture
def late() -> list[int]:
    """By how many microseconds the server's clock is late."""
    return [int((NOW.timestamp() - datetime(2026, 1, 2, tzinfo=UTC).timestamp()) * 1_000_000)]


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Any, late: list[int]) -> Iterator[Site]:
    with open_site(request.param, injected={"now_us": lambda: time.time_ns() // 1000 - late[0]}) as opened:
        yield opened


@pytest.fixture
def site(open_site: Any, late: list[int]) -> Iterator[Site]:
    with open_site(injected={"now_us": lambda: time.time_ns() // 1000 - late[0]}) as opened:
        yield opened


@pytest.fixture
def agree(late: list[int]) -> Agree:
    """Puts agreements in force, signed by both when the year began; from then on it is now. Gives their ids."""

    def made(site: Site, **wanted: dict[str, Any]) -> list[str]:
        bodies = [terms(f"https://example.org/agreement/{name}", **changes) for name, changes in wanted.items()]
        for body in bodies:
            assert propose(site, "cordia", body).status_code == 201
            assert sign(site, "northgate-supply", body["agreementID"]).status_code == 200
        late[0] = 0
        return [body["agreementID"] for body in bodies]

    return made


def standing(site: Site, *kinds: str) -> list[dict[str, Any]]:
    """The open alerts of these kinds."""
    return [one for one in alerts(site, "cordia") if one["kind"] in kinds]


def order(report: str | None = None, *, by_type: bool = False, **goods: Any) -> dict[str, Any]:
    """A purchase order tied to goods, to a usage report, or to both (F11)."""
    papers = [{"type": "po", "bizTransaction": ORDER}]
    if by_type:
        papers.append({"type": REPORT_TYPE, "bizTransaction": report or ""})
    told = event(-1, "accepting", action="ADD", **({"epcList": []} | goods)) | {"type": "TransactionEvent"}
    named = {"mcx:usageReport": report} if report is not None and not by_type else {}
    return told | {"bizTransactionList": papers} | named


def test_a_use_is_judged_by_the_agreement_of_the_place_that_it_was_taken_from(empty: Site, agree: Agree) -> None:
    """Rejects a judgement by product alone: another site's longer times would keep the ward's alerts silent."""
    theatre, ward = {"reportWithinHours": 240, "orderWithinHours": 480}, {"reportWithinHours": 24}
    lines = [{"gtin": SCREW}]
    ours = {"sites": [WARD], "lines": lines, "use": ward | {"orderWithinHours": 24}}
    _, second = agree(empty, A={"sites": [CABINET], "lines": lines, "use": theatre}, B=ours)
    for place, name in ((CABINET, "L1"), (WARD, "L2")):
        delivered(empty, lot(SCREW, name, 9), day(900), days=-10, place=place)
        used(empty, lot(SCREW, name, 1), days=-5, place=place, report=f"urn:uuid:{name}")
    told = standing(empty, "usage_late", "usage_without_order")
    assert {(one["kind"], one["agreementID"]) for one in told} == {
        ("usage_late", second),
        ("usage_without_order", second),
    }
    assert all("/10/L2" in one["message"] for one in told)


PAPERS = ("of the item", "of the report, by type", "of the report alone", "in the use", "free")


@pytest.mark.parametrize("paper", PAPERS)
def test_a_use_that_its_order_answers_owes_none(site: Site, agree: Agree, paper: str) -> None:
    """Rejects orders that are found by one spelling of the usage report alone: the alert would stand for ever."""
    agree(site, A={"lines": [{"gtin": BALLOON}], "use": {"orderWithinHours": 24}})
    delivered(site, lot(BALLOON, "B1", 9), day(900), days=-10)
    extra: dict[str, Any] = {"mcx:usageReport": "urn:uuid:r1"}
    if paper == "of the report, by type":
        extra = {"bizTransactionList": [{"type": REPORT_TYPE, "bizTransaction": "urn:uuid:r1"}]}
    elif paper == "in the use":
        extra = {"bizTransactionList": [{"type": "po", "bizTransaction": ORDER}]}
    elif paper == "free":
        extra |= {"mcx:noCharge": True}
    ends = {
        "sourceList": [
            {"type": "owning_party", "source": terms()["supplier"]},
            {"type": "location", "source": CABINET},
        ],
        "destinationList": [{"type": "owning_party", "destination": NORTHGATE}],
    }
    goods = lot(BALLOON, "B1", 2)
    use = event(-5, "dispensing", disposition="dispensed", readPoint={"id": CABINET}, **goods, **ends)
    capture(site, "northgate-supply", use | {"mcx:useType": "consumed"} | extra)
    answered = paper in ("in the use", "free")
    assert len(standing(site, "usage_without_order")) == (0 if answered else 1)
    if not answered:
        papers = {
            "of the item": order(**goods),
            "of the report, by type": order("urn:uuid:r1", by_type=True, **goods),
            "of the report alone": order("urn:uuid:r1") | parties("owning", terms()["supplier"], NORTHGATE),
        }
        capture(site, "northgate-supply", papers[paper])
        assert standing(site, "usage_without_order") == []
    state = site.get("northgate-supply", "/usage")["uses"][0]["state"]
    assert state == ("ordered" if paper != "free" else "reported")


def test_a_count_of_one_agreements_products_is_none_of_anothers(empty: Site, agree: Agree) -> None:
    """Rejects a cadence by place alone: who counts screws each month would never owe a count of the valves beside."""
    counts = {"everyDays": 30, "reportWithinDays": 400}
    others = {"lines": [{"gtin": BALLOON}, {"gtin": VALVE}], "counts": counts | {"signOff": "hospital"}}
    ours = {"lines": [{"gtin": SCREW}], "counts": counts | {"signOff": "supplier"}}
    screws, _ = agree(empty, A=ours, B=others)
    delivered(empty, lot(SCREW, "L1", 9), day(900), days=-10)
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(empty, "northgate-supply", event(0, "cycle_counting", **lot(SCREW, "L1", 9), **here) | COMPLETE)
    (waits,) = standing(empty, "count_sign_off")
    assert (waits["agreementID"], waits["responsible"]) == (screws, terms()["supplier"])


def test_goods_that_no_agreement_covers_are_told_once_they_have_expired(empty: Site, agree: Agree) -> None:
    """Rejects silence about expired stock because an agreement is narrower or over: a patient asks for none."""
    agree(empty, A={"sites": [WARD], "lines": [{"gtin": VALVE}]})
    delivered(empty, serial(VALVE, "S1"), day(-2), days=-10, place=CABINET)
    told = {one["kind"]: one for one in standing(empty, "off_agreement", "expired_on_hand")}
    assert set(told) == {"off_agreement", "expired_on_hand"}
    assert (told["expired_on_hand"]["agreementID"], told["expired_on_hand"]["responsible"]) == (None, NORTHGATE)


def test_ownership_is_due_of_the_oldest_receipt_of_which_something_is_left(empty: Site, agree: Agree) -> None:
    """Rejects days from the last receipt: a lot that is topped up every month would never be bought."""
    ownership = {"trigger": "after_days", "afterDays": 40}
    agree(empty, A={"lines": [{"gtin": SCREW}], "ownership": ownership})
    delivered(empty, lot(SCREW, "L1", 10), day(900), days=-70)
    delivered(empty, lot(SCREW, "L1", 10), day(900), days=-10)
    (due,) = standing(empty, "ownership_due")
    assert due["openedAt"][:10] == at(-30)[:10]
    used(empty, lot(SCREW, "L1", 10), days=-1, report="urn:uuid:r9")
    assert standing(empty, "ownership_due") == []


def test_a_lot_that_came_short_dated_is_told(site: Site, agree: Agree) -> None:
    """Rejects histories of lots that know only who made them: no lot was ever short-dated, nor due to be bought."""
    agree(site, A={"lines": [{"gtin": SCREW, "minRemainingShelfLifeDays": 100}]})
    delivered(site, lot(SCREW, "L1", 10), day(50), days=-3)
    delivered(site, lot(SCREW, "L2", 10), day(500), days=-3)
    (short,) = standing(site, "short_dated")
    assert "/10/L1" in short["message"]


def test_no_alert_is_older_than_the_terms_that_it_goes_by(site: Site, agree: Agree) -> None:
    # Nobody orders by himself: an order of the server's own would lift what is low before it is looked at.
    line = {"gtin": VALVE, "billMode": "bill_only", "par": [{"place": CABINET, "minimum": 1, "maximum": 3}]}
    agree(site, A={"lines": [line]})
    body = {"place": {"id": CABINET}, "scope": "complete", "purpose": "opening", "gtins": [VALVE]}
    made = site.request("northgate-supply", "POST", "/counts", json=body | {"nothingFound": True, "finish": True})
    assert made.status_code == 201, made.text
    (low,) = standing(site, "below_par")
    assert low["openedAt"][:10] >= "2026-01-02"
