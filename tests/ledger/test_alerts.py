"""The rules of alerts: what stands, who has to act, from when to when; from facts alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceward.epcis.times import DAY_US, HOUR_US
from traceward.ledger.agreement import Agreement, AgreementBook, Signature, start_of
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.ledger.alerts import all_alerts, next_change_us, open_alerts
from traceward.ledger.alerts_model import (
    KINDS,
    Alert,
    Arrival,
    Counted,
    Excursion,
    Facts,
    Leftover,
    Missing,
    NamedAgreement,
    OpenOrder,
    Recall,
    Stock,
    Use,
    WrittenOff,
    WrongUse,
)

CORDIA, NORTHGATE = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/4012345000009"
SITE = "https://id.gs1.org/414/4012345000016"
SHELF = f"{SITE}/254/A"
GTIN = "09521141045305"
LOT = f"https://id.gs1.org/01/{GTIN}/10/L1"
ITEM = f"https://id.gs1.org/01/{GTIN}/21/S1"
TRAY = "https://id.gs1.org/8003/09521141007778T1"
TODAY = date(2026, 6, 15)
NOW = start_of(TODAY) + 12 * HOUR_US


def book(line: dict[str, Any] | None = None, **changes: Any) -> AgreementBook:
    """One agreement in force since January, on one product at one site."""
    terms = {
        "agreementID": "urn:x:1",
        "supplier": CORDIA,
        "hospital": NORTHGATE,
        "validFrom": "2026-01-01",
        "sites": [SITE],
        "lines": [{"gtin": GTIN} | (line or {})],
    }
    return AgreementBook([signed(terms | changes)])


def signed(terms: dict[str, Any], version: int = 1) -> Agreement:
    """A version that both parties signed."""
    names = (Signature(CORDIA, "a", 0), Signature(NORTHGATE, "b", 0))
    return Agreement(AgreementTerms.model_validate(terms), version, CORDIA, 0, names)


def row(**changes: Any) -> Stock:
    """Ten screws of a lot on the shelf, seen yesterday."""
    given = {
        "key": LOT, "gtin": GTIN, "lot": "L1", "serial": None, "expiry": None, "place": SHELF, "container": None,
        "status": "on_hand", "quantity": Decimal(10), "uom": None, "flags": frozenset(), "last_us": NOW - DAY_US,
        "eid": b"e" * 16, "mark": "",
    }  # fmt: skip
    return Stock(**(given | changes))  # type: ignore[arg-type]


def facts(gtin: str | None = GTIN, agreed: AgreementBook | None = None, **changes: Any) -> Facts:
    """Facts of the product, now."""
    return replace(Facts(CORDIA, NORTHGATE, gtin, NOW, agreed or book()), **changes)


def test_what_is_held_back_of_a_lot_and_what_is_not_are_told_apart() -> None:
    """Rejects an alert for the lot at the place: the second balance would take the place of the first."""
    held = row(expiry=in_days(10), quantity=Decimal(4), flags=frozenset({"held"}), mark="held")
    told = [one for one in open_alerts(facts(stock=(row(expiry=in_days(10)), held))).values() if one.kind == "expiring"]
    assert sorted(dict(one.detail)["quantity"] for one in told) == ["10", "4"]


def use(days: float, **changes: Any) -> Use:
    """One screw used so many days ago, reported at once, with an order."""
    time_us = NOW - int(days * DAY_US)
    given = Use(LOT, time_us, time_us, f"{days:016}".encode()[:16], Decimal(1), "consumed", "r", ordered=True)
    return replace(given, **changes)


def kinds(found: Facts) -> list[str]:
    """The kinds that stand."""
    return sorted(one.kind for one in open_alerts(found).values())


def only(found: Facts, kind: str) -> Alert:
    """The one alert of a kind that stands."""
    (alert,) = [one for one in open_alerts(found).values() if one.kind == kind]
    return alert


def in_days(days: int) -> str:
    """A date so many days from today."""
    return (TODAY + timedelta(days=days)).isoformat()


# ------------------------------------------------------------------------------------------------ family by family


@pytest.mark.parametrize(
    ("left", "period"), [(200, None), (180, 180), (91, 180), (90, 90), (31, 90), (30, 30), (0, 30), (-1, None)]
)
def test_an_expiring_item_is_told_at_each_threshold_until_its_last_day_is_over(left: int, period: int | None) -> None:
    """Rejects an item that is expired on its expiry date: it is usable through that day."""
    found = facts(stock=(row(expiry=in_days(left)),))
    expected = [] if period is None and left > 0 else ["expired_on_hand"] if period is None else ["expiring"]
    assert kinds(found) == expected
    if period is not None:
        assert dict(only(found, "expiring").detail)["alertDays"] == period


def test_a_date_without_day_is_the_months_last() -> None:
    found = facts(stock=(row(expiry="2026-06-00"),))
    assert only(found, "expiring").due_us == start_of(date(2026, 7, 1))


def test_the_terms_say_who_watches_and_who_rotates() -> None:
    terms = {"monitor": "hospital", "rotation": "supplier", "returnWithinDays": 14}
    found = facts(
        agreed=book(expiry=terms), stock=(row(expiry=in_days(10)), row(key=ITEM, serial="S1", expiry=in_days(-1)))
    )
    assert only(found, "expiring").responsible == NORTHGATE
    expired = only(found, "expired_on_hand")
    assert (expired.responsible, expired.due_us) == (CORDIA, start_of(TODAY) + 14 * DAY_US)


def test_goods_that_came_with_less_shelf_life_than_agreed_are_told() -> None:
    came = (Arrival(LOT, NOW - DAY_US, b"r" * 16, SHELF, NOW - DAY_US, b"r" * 16),)
    agreed = book({"minRemainingShelfLifeDays": 200}, expiry={"alertDays": []})
    assert kinds(facts(agreed=agreed, arrivals=came, stock=(row(expiry=in_days(198)),))) == ["short_dated"]
    assert kinds(facts(agreed=agreed, arrivals=came, stock=(row(expiry=in_days(199)),))) == []


@pytest.mark.parametrize(
    ("here", "coming", "expected"),
    [(3, 0, []), (2, 0, ["below_par"]), (2, 1, []), (8, 0, []), (9, 0, ["above_par"]), (0, 2, ["below_par"])],
)
def test_par_counts_what_is_usable_and_on_its_way(here: int, coming: int, expected: list[str]) -> None:
    agreed = book({"par": [{"place": SITE, "minimum": 2, "maximum": 8}]})
    stock = (row(quantity=Decimal(here)), row(status="in_transit", place=f"{SITE}/254/B", quantity=Decimal(coming)))
    assert kinds(facts(agreed=agreed, stock=stock, stated=frozenset({SITE}))) == expected
    assert "below_par" not in kinds(facts(agreed=agreed, stock=stock))
    assert "no_opening_count" in kinds(facts(agreed=agreed, stock=stock))


@pytest.mark.parametrize(
    ("ordered", "shipped", "expected"), [(0, 0, ["below_par"]), (1, 0, ["order_issued"]), (3, 3, ["below_par"])]
)
def test_what_is_on_order_counts_and_what_came_of_it_does_not(ordered: int, shipped: int, expected: list[str]) -> None:
    """Rejects an alert that stands beside the order that answers it, and one that an order silences after it came."""
    agreed = book({"par": [{"place": SITE, "minimum": 2, "maximum": 8}]})
    order = OpenOrder("RO-1", SITE, ordered, Decimal(shipped), Decimal(shipped))
    here = facts(agreed=agreed, stock=(row(quantity=Decimal(2)),), stated=frozenset({SITE}), orders=(order,))
    assert kinds(here) == expected


@pytest.mark.parametrize(
    "change", [{"flags": frozenset({"held"})}, {"expiry": "2026-06-14"}, {"flags": frozenset({"damaged"})}]
)
def test_what_is_held_or_expired_does_not_count_against_the_minimum(change: dict[str, Any]) -> None:
    """Rejects PAR by the book's quantity."""
    agreed = book({"par": [{"place": SITE, "minimum": 2, "maximum": 20}]})
    assert "below_par" in kinds(facts(agreed=agreed, stock=(row(**change),), stated=frozenset({SITE})))


@pytest.mark.parametrize(("days", "expected"), [(89, []), (90, ["not_seen"])])
def test_what_nobody_saw_is_told_after_the_agreed_days(days: int, expected: list[str]) -> None:
    assert kinds(facts(stock=(row(last_us=NOW - days * DAY_US),))) == expected


def test_what_is_on_its_way_for_too_long_is_told() -> None:
    told = only(facts(stock=(row(status="in_transit", last_us=NOW - 8 * DAY_US),)), "in_transit")
    assert "on its way since 2026-06-07, for more than 7 days" in told.message


def test_goods_outside_product_place_or_time_of_any_agreement_are_told() -> None:
    elsewhere = row(place="https://id.gs1.org/414/4012345000023")
    assert kinds(facts(stock=(elsewhere,))) == ["off_agreement"]
    ended = book(validTo="2026-06-14")
    assert kinds(facts(agreed=ended, stock=(row(),))) == ["off_agreement"]


def test_use_that_expiry_overtakes_is_told_first_expired_first_used() -> None:
    """Rejects cover by the whole stock: the fresh lot is no reason that the old one goes to waste unseen."""
    agreed = book(expiry={"alertDays": []})
    uses = tuple(use(days) for days in (5, 30, 60))
    old = row(expiry=in_days(90), quantity=Decimal(5))
    fresh = row(key=LOT + "B", lot="L1B", expiry=in_days(900), quantity=Decimal(10))
    found = facts(agreed=agreed, stock=(old, fresh), uses=uses)
    assert dict(only(found, "expires_before_use").detail)["quantity"] == "1"
    assert only(found, "expires_before_use").subject == old.subject
    assert kinds(facts(agreed=agreed, stock=(old, fresh), uses=uses[:2])) == []


def test_a_late_report_is_told_until_the_time_for_disputes_is_over() -> None:
    late = use(1, recorded_us=NOW - DAY_US + 25 * HOUR_US)
    assert kinds(facts(uses=(late,), now_us=NOW + 2 * HOUR_US)) == ["usage_late"]
    assert kinds(facts(uses=(late,), now_us=NOW + 40 * DAY_US)) == []


def test_a_use_is_judged_by_the_version_of_its_own_time_however_late_it_comes() -> None:
    """Rejects judging by the terms of today."""
    terms = {
        "agreementID": "urn:x:1",
        "supplier": CORDIA,
        "hospital": NORTHGATE,
        "sites": [SITE],
        "lines": [{"gtin": GTIN}],
    }
    strict = signed(terms | {"validFrom": "2026-01-01", "validTo": "2026-05-31", "use": {"reportWithinHours": 2}})
    lax = signed(terms | {"validFrom": "2026-06-01", "use": {"reportWithinHours": 2000}}, 2)
    versions = AgreementBook([strict, lax])
    of_may = use(20, recorded_us=NOW - DAY_US)
    of_june = use(10, recorded_us=NOW - DAY_US)
    found = facts(agreed=versions, uses=(of_may, of_june))
    assert only(found, "usage_late").evidence == (of_may.eid,)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"ordered": False}, ["usage_without_order"]),
        ({"ordered": False, "time_us": NOW - 71 * HOUR_US}, []),
        ({"ordered": False, "use_type": "trial_not_used"}, []),
    ],
)
def test_a_use_that_the_hospital_pays_needs_an_order_in_time(change: dict[str, Any], expected: list[str]) -> None:
    given = use(10, **change)
    assert kinds(facts(uses=(replace(given, recorded_us=given.time_us),))) == expected


@pytest.mark.parametrize(
    ("days", "expected"), [(80, []), (82, ["count_due"]), (91, ["count_overdue"]), (98, ["count_missed"])]
)
def test_a_count_is_due_then_overdue_then_missed(days: int, expected: list[str]) -> None:
    """Rejects one alert for all: only after the time to report does the hospital's claim end."""
    counted = Counted(b"c" * 16, NOW - days * DAY_US, SHELF, frozenset({GTIN}))
    base = {one.base for one in all_alerts(facts(None, counts=(counted,))).values()}
    both = frozenset((one, party) for one in base for party in (CORDIA, NORTHGATE))
    assert kinds(facts(None, counts=(counted,), signed=both)) == expected


@pytest.mark.parametrize(("days", "expected"), [(0, []), (82, ["count_due"]), (98, ["count_missed"])])
def test_a_back_dated_agreement_owes_no_count_of_before_it_was_signed(days: int, expected: list[str]) -> None:
    """Rejects a duty that begins with the first day that the terms name, long before anybody had signed them."""
    terms = {"agreementID": "urn:x:1", "supplier": CORDIA, "hospital": NORTHGATE, "validFrom": "2025-01-01",
             "sites": [SITE], "lines": [{"gtin": GTIN}]}  # fmt: skip
    first, renewed = signed(terms), signed(terms, 2)
    at_us = NOW - days * DAY_US
    late = replace(first, signatures=(Signature(CORDIA, "a", at_us - DAY_US), Signature(NORTHGATE, "b", at_us)))
    assert kinds(facts(None, agreed=AgreementBook([late]))) == expected
    # Another version goes on with the duty that stands.
    again = replace(renewed, signatures=(Signature(CORDIA, "a", NOW), Signature(NORTHGATE, "b", NOW)))
    assert kinds(facts(None, agreed=AgreementBook([late, again]))) == expected


def test_a_count_waits_for_each_side_until_that_side_has_signed() -> None:
    counted = Counted(b"c" * 16, NOW - DAY_US, SHELF, frozenset({GTIN}))
    found = facts(None, counts=(counted,))
    waiting = {one.responsible: one.base for one in open_alerts(found).values() if one.kind == "count_sign_off"}
    assert set(waiting) == {CORDIA, NORTHGATE}
    by_other = replace(found, signed=frozenset({(waiting[CORDIA], NORTHGATE)}))
    assert kinds(by_other) == kinds(found)
    by_itself = replace(found, signed=frozenset({(waiting[CORDIA], CORDIA)}))
    assert only(by_itself, "count_sign_off").responsible == NORTHGATE


@pytest.mark.parametrize(("days", "kind", "payer"), [(29, "variance", "hospital"), (30, "write_off", "hospital")])
def test_what_counts_miss_is_a_variance_until_the_time_to_find_it_is_over(days: int, kind: str, payer: str) -> None:
    missing = Missing(ITEM, SHELF, Decimal(1), NOW - days * DAY_US, (b"c" * 16,))
    alert = only(facts(missing=(missing,)), kind)
    assert alert.responsible == (NORTHGATE if payer == "hospital" else CORDIA)
    within = book(loss={"toleranceUnits": 1})
    assert kinds(facts(agreed=within, missing=(missing,))) == [kind]
    if kind == "write_off":
        assert dict(only(facts(agreed=within, missing=(missing,)), kind).detail)["payer"] == "supplier"


def test_the_tolerance_that_an_alert_reckons_with_is_one_for_the_whole_count() -> None:
    """Rejects a tolerance for each item, by which alerts on three pieces say that nobody pays, and their write-off that
    the hospital does; and one that write-offs have used up already, or a proposal gave to another piece.
    """
    since = NOW - 40 * DAY_US
    lots = [f"https://id.gs1.org/01/{GTIN}/10/L{number}" for number in (1, 2, 3)]
    beside = tuple((one, Decimal(1)) for one in reversed(lots))
    agreed = book(loss={"toleranceUnits": 2})

    def charged(*written_off: WrittenOff) -> list[str]:
        missing = [
            Missing(one, SHELF, Decimal(1), since, (b"c" * 16,), beside=beside, written_off=written_off) for one in lots
        ]
        found = open_alerts(facts(agreed=agreed, missing=tuple(missing))).values()
        told = {dict(one.detail)["item"]: dict(one.detail)["charged"] for one in found if one.kind == "write_off"}
        return [str(told[one]) for one in lots]

    one, none = Decimal(1), Decimal(0)
    assert charged() == ["0", "0", "1"]
    assert charged(WrittenOff("urn:x:1", ITEM, one, none, waits=False)) == ["0", "1", "1"]
    assert charged(WrittenOff("urn:x:1", lots[2], one, none, waits=True)) == ["0", "1", "0"]
    assert charged(WrittenOff("urn:x:other", ITEM, one, none, waits=False)) == ["0", "0", "1"]


def test_each_site_of_an_agreement_owes_its_own_counts() -> None:
    """Rejects a count at one hospital that lets all others of the agreement go uncounted."""
    other = "https://id.gs1.org/414/4012345000023"
    agreed = book(sites=[SITE, other])
    counted = Counted(b"c" * 16, NOW - DAY_US, SHELF, frozenset({GTIN}))
    found = facts(None, agreed=agreed, counts=(counted,))
    (missed,) = [one for one in open_alerts(found).values() if one.kind.startswith("count_") and "sign" not in one.kind]
    assert (missed.kind, missed.place) == ("count_missed", other)


def test_recalled_stock_is_told_until_it_is_in_quarantine_and_patients_in_an_alert_of_their_own() -> None:
    recall = Recall(LOT, NOW - DAY_US, b"n" * 16, untraced=Decimal(2))
    found = facts(stock=(row(flags=frozenset({"recalled"})),), recalls=(recall,))
    assert kinds(found) == ["recall_not_quarantined", "recall_patients", "recall_unacknowledged"]
    assert only(found, "recall_patients").sight == "patient"
    assert "2" in only(found, "recall_patients").message
    held = facts(stock=(row(flags=frozenset({"recalled", "held"})),), recalls=(replace(recall, untraced=Decimal(0)),))
    acknowledged = only(held, "recall_unacknowledged").base
    assert kinds(replace(held, signed=frozenset({(acknowledged, CORDIA)}))) == ["recall_unacknowledged"]
    assert kinds(replace(held, signed=frozenset({(acknowledged, NORTHGATE)}))) == []


def test_recalled_stock_names_the_notices_on_itself_alone() -> None:
    """Rejects the evidence of all recalls of the product on each item, and an alert as young as the newest of them."""
    stock = row(flags=frozenset({"recalled"}))
    own = Recall(LOT, NOW - 2 * DAY_US, b"o" * 16, here=frozenset({stock.key}))
    other = Recall(ITEM, NOW - DAY_US, b"n" * 16, here=frozenset({ITEM}))
    told = only(facts(stock=(stock,), recalls=(own, other)), "recall_not_quarantined")
    assert told.evidence == (own.eid, stock.eid)
    assert told.opens_us == own.time_us


def test_what_lay_at_an_alarm_is_told_until_an_event_touches_it() -> None:
    alarm = Excursion(SHELF, NOW - HOUR_US, b"a" * 16, shared=False)
    found = facts(stock=(row(),), excursions=(alarm,))
    assert only(found, "excursion").shared is False
    assert kinds(facts(stock=(row(last_us=NOW),), excursions=(alarm,))) == []
    assert kinds(facts(stock=(row(place=f"{SITE}/254/B"),), excursions=(alarm,))) == []


def test_trays_are_due_back_and_answered_for_by_whom_the_terms_name() -> None:
    tray = row(key=TRAY, gtin=None, lot=None, quantity=Decimal(1))
    came = Arrival(TRAY, NOW - 49 * HOUR_US, b"t" * 16, SHELF, NOW - 49 * HOUR_US, b"t" * 16)
    left = Leftover(TRAY, LOT, Decimal(3), NOW - HOUR_US, b"l" * 16)
    agreed = book(loaners={"liableForMissing": "supplier"}, counts={"everyDays": None})
    found = facts(None, agreed, stock=(tray,), arrivals=(came,), leftovers=(left,))
    assert kinds(found) == ["loaner_overdue", "tray_incomplete"]
    assert only(found, "tray_incomplete").responsible == CORDIA
    assert kinds(facts(None, agreed, stock=(tray,), arrivals=(replace(came, time_us=NOW - 47 * HOUR_US),))) == []


def test_each_tray_is_due_back_by_its_own_arrival() -> None:
    """Rejects the newest arrival of any tray: one that came today would put off all that are overdue."""
    trays = [row(key=key, gtin=None, lot=None, quantity=Decimal(1)) for key in (TRAY, f"{TRAY}-2")]
    hours = (100, 1)
    came = tuple(
        Arrival(tray.key, NOW - ago * HOUR_US, b"a" * 16, SHELF, NOW - ago * HOUR_US, b"a" * 16)
        for tray, ago in zip(trays, hours, strict=True)
    )
    found = facts(None, book(counts={"everyDays": None}), stock=tuple(trays), arrivals=came)
    assert only(found, "loaner_overdue").subject == TRAY


def test_what_ends_is_told_in_time_unless_something_follows() -> None:
    ending = book(
        {"prices": [{"amount": "5", "currency": "EUR", "validTo": in_days(40)}]},
        validTo=in_days(50),
        counts={"everyDays": None},
    )
    assert kinds(facts(None, ending)) == ["agreement_ends"]
    assert kinds(facts(agreed=ending)) == ["price_ends"]
    prices = [
        {"amount": "5", "currency": "EUR", "validTo": in_days(40)},
        {"amount": "6", "currency": "EUR", "validFrom": in_days(41)},
    ]
    assert kinds(facts(agreed=book({"prices": prices}))) == []
    over = [{"amount": "5", "currency": "EUR", "validTo": in_days(-1)}]
    assert kinds(facts(agreed=book({"prices": over}))) == ["price_missing"]


def test_what_is_valid_to_the_last_day_of_the_calendar_ends_for_nobody() -> None:
    """Rejects a day after the last one, which no calendar has: all alerts of all parties would fail with it."""
    forever = {"validTo": "9999-12-31"}
    price = {"amount": "1", "currency": "EUR"} | forever
    for changes in (forever, {"validTo": "9999-12-30"}, {}):
        agreed = book({"prices": [price]}, **changes)
        found = [one for gtin in (GTIN, None) for one in all_alerts(facts(gtin, agreed)).values()]
        ends = {(one.kind, one.period) for one in found if one.kind in {"agreement_ends", "price_ends"}}
        assert ends == ({("agreement_ends", "9999-12-30")} if changes.get("validTo") == "9999-12-30" else set())


def test_ownership_that_is_to_pass_by_time_or_on_receipt_is_told_until_an_event_passes_it() -> None:
    came = (Arrival(LOT, NOW - 10 * DAY_US, b"r" * 16, SHELF, NOW - 10 * DAY_US, b"r" * 16),)
    for terms, expected in (
        ({"trigger": "on_receipt"}, ["ownership_due"]),
        ({"trigger": "after_days", "afterDays": 11}, []),
        ({"trigger": "after_days", "afterDays": 10}, ["ownership_due"]),
        ({}, []),
    ):
        found = facts(agreed=book(ownership=terms), arrivals=came, stock=(row(),))
        assert kinds(found) == expected


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [("urn:x:1", 10, []), ("urn:x:1", 200, ["agreement_unknown"]), ("urn:x:2", 10, ["agreement_unknown"])],
)
def test_an_agreement_that_an_event_names_must_be_in_force_at_its_time(
    name: str, day: int, expected: list[str]
) -> None:
    time_us = NOW - day * DAY_US
    found = facts(named=(NamedAgreement(name, time_us, b"n" * 16),), now_us=time_us + DAY_US if day == 200 else NOW)
    assert kinds(found) == expected


def test_critical_conflicts_about_uses_are_alerts_with_the_conflicts_words() -> None:
    wrong = WrongUse("used_expired", ITEM, NOW, (b"u" * 16,), "it was used after its expiry date")
    assert only(facts(wrong_uses=(wrong,)), "used_wrongly").message == "it was used after its expiry date"


# ---------------------------------------------------------------------------------------------------------------- laws

_stock = st.builds(
    row,
    key=st.sampled_from([LOT, LOT + "B", ITEM]),
    serial=st.just(None),
    expiry=st.one_of(st.none(), st.integers(-400, 400).map(in_days)),
    place=st.sampled_from([SHELF, f"{SITE}/254/B", None]),
    status=st.sampled_from(["on_hand", "in_transit"]),
    quantity=st.integers(-2, 30).map(Decimal),
    flags=st.sampled_from([frozenset(), frozenset({"held"}), frozenset({"recalled"})]),
    last_us=st.integers(NOW - 400 * DAY_US, NOW),
)
_uses = st.builds(
    use,
    st.integers(0, 300),
    recorded_us=st.integers(NOW - 10 * DAY_US, NOW),
    ordered=st.booleans(),
    use_type=st.sampled_from(["implanted", "consumed", "wasted", "trial_not_used", None]),
)
_missing = st.builds(
    Missing, st.just(LOT), st.just(SHELF), st.integers(1, 5).map(Decimal), st.integers(NOW - 90 * DAY_US, NOW),
    st.just((b"c" * 16,)), st.booleans(),
)  # fmt: skip
_AGREED = book(
    {
        "par": [{"place": SITE, "minimum": 5, "maximum": 40}],
        "prices": [{"amount": "5", "currency": "EUR", "validTo": "2026-08-01"}],
    },
    validTo="2026-12-31",
    ownership={"trigger": "after_days", "afterDays": 60},
)


@given(st.lists(_stock, max_size=6), st.lists(_uses, max_size=6), st.lists(_missing, max_size=3), st.randoms())
def test_the_order_of_facts_makes_no_difference(
    stock: Sequence[Stock], uses: Sequence[Use], missing: Sequence[Missing], random: Any
) -> None:
    """Rejects rules whose result hangs on which fact is met first."""
    rows = list({one.subject: one for one in stock}.values())
    used, lost = list({one.eid: one for one in uses}.values()), list({one.since_us: one for one in missing}.values())
    before = facts(agreed=_AGREED, stock=tuple(rows), uses=tuple(used), missing=tuple(lost))
    for listed in (rows, used, lost):
        random.shuffle(listed)
    after = facts(agreed=_AGREED, stock=tuple(rows), uses=tuple(used), missing=tuple(lost))
    assert all_alerts(before) == all_alerts(after)


@given(st.lists(_stock, max_size=6), st.lists(_uses, max_size=6), st.lists(_missing, max_size=3), st.integers(1, 400))
def test_nothing_changes_before_the_time_that_is_told_as_the_next_change(
    stock: Sequence[Stock], uses: Sequence[Use], missing: Sequence[Missing], days: int
) -> None:
    """Rejects a timer that sleeps too long: an alert that opens or closes in the meantime would be missed."""
    now = facts(agreed=_AGREED, stock=tuple(stock), uses=tuple(uses), missing=tuple(missing))
    until = next_change_us(now, all_alerts(now))
    later = NOW + days * DAY_US if until is None else min(NOW + days * DAY_US, until - 1)
    standing = open_alerts(now)
    assert open_alerts(replace(now, now_us=later)).keys() == standing.keys()


def test_every_kind_of_alert_has_a_severity_and_a_sight_that_is_known() -> None:
    for kind in KINDS.values():
        assert kind.severity in {"critical", "high", "medium", "low"}
        assert kind.sight in {"goods", "price", "patient"}


def test_the_page_on_agreements_tells_every_kind_with_its_severity() -> None:
    page = (Path(__file__).parents[2] / "docs" / "agreements.md").read_text()
    told = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("| `"):
            names, severities = cells[1].replace("`", "").split(", "), cells[2].split(", ")
            told |= dict(zip(names, severities * len(names) if len(severities) == 1 else severities, strict=False))
    assert told == {name: kind.severity for name, kind in KINDS.items()}
