"""Goods received or used where no agreement covers them: flagged, and judged again whenever an agreement changes."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.flows import declared, histories
from ledger.stored import Ledgers
from ledger.storyline import CORDIA, LOT77A, NORTHGATE, PARTIES, V7, storyline
from ledger.test_projector import batches
from ledger.test_rules import DC, HOUR_US, OR3, SSCC, START_US, STORE, at
from traceward.ledger import off_agreement
from traceward.ledger.agreement import Agreement, AgreementBook, Signature, start_of
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.ledger.state import Ledger
from traceward.store.engine import Store

SITE = "https://id.gs1.org/414/4012345000016"
VALVE, SCREW = "09521141010235", "09521141045305"
BEFORE, DAY = "2026-01-01", date(2026, 2, 2)  # the first hours of the flows and rules lie in this day
BOTH = frozenset({(CORDIA, NORTHGATE)})


def version(number: int = 1, name: str = "urn:x:1", *, signed: bool = True, **changes: Any) -> Agreement:
    """A version of an agreement on valves and screws at the hospital's whole site, in force since January."""
    terms = {
        "agreementID": name, "supplier": CORDIA, "hospital": NORTHGATE, "validFrom": BEFORE, "sites": [SITE],
        "lines": [{"gtin": VALVE}, {"gtin": SCREW}],
    }  # fmt: skip
    names = (Signature(CORDIA, "a", 0), Signature(NORTHGATE, "b", 0)) if signed else (Signature(CORDIA, "a", 0),)
    return Agreement(AgreementTerms.model_validate(terms | changes), number, CORDIA, 0, names)


VALVES_ONLY = {"lines": [{"gtin": VALVE}]}


def story() -> list[LedgerEvent]:
    """A valve and ten screws in a box: made, packed, sent, received as a box; two screws and the valve used."""
    away = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "location": (DC, STORE)}
    sold = {"owning": (CORDIA, NORTHGATE), "location": (STORE, OR3), "use_type": "implanted"}
    screws, used = ((LOT77A, Decimal(10), None),), ((LOT77A, Decimal(2), None),)
    return [
        at(0, CORDIA, "commissioning", action="ADD", instances=(V7,), quantities=screws, biz_location=DC),
        at(1, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=SSCC, children=(V7,),
           child_quantities=screws, biz_location=DC),
        at(2, CORDIA, "shipping", instances=(SSCC,), **away),
        at(3, NORTHGATE, "receiving", instances=(SSCC,), biz_location=STORE),
        at(4, NORTHGATE, "unpacking", type="AggregationEvent", action="DELETE", parent=SSCC, biz_location=STORE),
        at(5, NORTHGATE, "dispensing", instances=(V7,), quantities=used, read_point=OR3, **sold),
    ]  # fmt: skip


def found(events: list[LedgerEvent], *versions: Agreement) -> set[tuple[str, str]]:
    """(item or class, what was done) of each conflict of the kind."""
    ledger = off_agreement.judged(fold(events, PARTIES), AgreementBook(versions), PARTIES)
    return told(ledger)


def told(ledger: Ledger) -> set[tuple[str, str]]:
    return {
        (one.keys[0], one.message.split(": ", 1)[1].split(" ", 1)[0])
        for one in ledger.conflicts.values()
        if one.kind == off_agreement.KIND
    }


BOTH_SCREWS = {(LOT77A, "received"), (LOT77A, "used")}
ALL = BOTH_SCREWS | {(V7, "received"), (V7, "used")}


def test_what_an_agreement_does_not_cover_is_flagged_when_received_and_when_used() -> None:
    """Rejects a look at what an event names alone (the receipt names a box), and one at stock, which use ends."""
    assert found(story(), version()) == set()
    assert found(story(), version(**VALVES_ONLY)) == BOTH_SCREWS
    assert found(story(), version(sites=[OR3])) == ALL  # taken from the store, which is no site of it
    assert found(story(), version(sites=[STORE])) == set()


def test_parties_without_an_agreement_do_not_drown_in_conflicts() -> None:
    """Rejects "no agreement covers it" where there is nothing that could: before the first day of the first one."""
    assert found(story()) == set()
    assert found(story(), version(signed=False, **VALVES_ONLY)) == set()
    assert found(story(), version(validFrom="2026-02-03")) == set()


def test_what_is_used_after_the_last_agreement_ended_is_off_agreement() -> None:
    assert found(story(), version(validTo="2026-01-31")) == ALL
    assert found(story(), replace(version(), ended_on=date(2026, 1, 31))) == ALL


def test_goods_that_are_the_hospitals_own_or_go_home_are_no_business_of_agreements() -> None:
    """Rejects a judgement of every receipt and use: only those of another party's goods are under agreements."""
    bought = at(3.5, NORTHGATE, "accepting", instances=(V7,), owning=(CORDIA, NORTHGATE), biz_location=STORE)
    home = {"owning": (CORDIA, CORDIA), "possessing": (NORTHGATE, CORDIA), "location": (STORE, DC)}
    back = at(6, NORTHGATE, "shipping", quantities=((LOT77A, Decimal(8), None),), disposition="returned", **home)
    there = at(7, CORDIA, "receiving", quantities=((LOT77A, Decimal(8), None),), biz_location=DC)
    ledger = fold([*story(), bought, back, there], PARTIES)
    assert sorted((one.key, one.what) for one in ledger.dealings.values()) == sorted([
        (V7, "received"), (V7, "received"), (LOT77A, "received"), (LOT77A, "used"),
    ])  # fmt: skip


def test_each_of_many_like_items_received_at_once_is_judged() -> None:
    """Rejects the short way for items that differ by their serial alone leaving all but the first out."""
    items = tuple(f"https://id.gs1.org/01/{VALVE}/21/X{number}" for number in range(5))
    come = at(3, NORTHGATE, "receiving", instances=items, biz_location=STORE)
    ledger = fold([come], PARTIES, BOTH)
    judged = off_agreement.judged(ledger, AgreementBook([version(lines=[{"gtin": SCREW}])]), PARTIES)
    assert told(judged) == {(item, "received") for item in items}


def test_a_conflict_opens_and_closes_with_the_agreements(store: Store) -> None:
    """Signed late and back-dated, superseded, ended: the stored conflicts are those of a replay under the new book."""
    ledgers = Ledgers(store, PARTIES)
    for event in story():
        ledgers.capture([event])
    steps = [
        ([version(**VALVES_ONLY)], BOTH_SCREWS),
        ([version(**VALVES_ONLY), version(2)], set()),
        ([version(**VALVES_ONLY), version(2), version(3, validFrom="2026-02-02", sites=[OR3])], ALL),
        ([version(**VALVES_ONLY), version(1, "urn:x:2", lines=[{"gtin": SCREW}])], set()),
        ([replace(version(), ended_on=date(2026, 2, 1))], ALL),
        ([replace(version(), ended_on=date(2026, 2, 2))], set()),
        ([], set()),
    ]  # fmt: skip
    for versions, expected in steps:
        change(ledgers, AgreementBook(versions))
        kept = ledgers.ledger()
        assert told(kept) == expected
        assert_replayed(ledgers, story())
    closed = store.committer.run(lambda tx: tx.fetch("SELECT conflict_id FROM conflict_corrected"))
    assert closed, "what was told and holds no longer is kept as corrected"


def test_a_change_of_several_versions_is_judged_from_the_earliest_day_that_any_of_them_touches(
    one_store: Ledgers,
) -> None:
    """Rejects a judgement that begins where the last changed version begins: what lies between would stay as it was."""
    ledgers = one_store
    ledgers.clear()
    ledgers.agreements = AgreementBook([version()])
    ledgers.capture(story())
    later = version(1, "urn:x:2", validFrom="2026-03-01")
    change(ledgers, AgreementBook([replace(version(), ended_on=date(2026, 2, 1)), later]))
    assert told(ledgers.ledger()) == ALL
    assert_replayed(ledgers, story())


def test_places_that_come_under_a_site_by_master_data_are_judged_anew(store: Store) -> None:
    ledgers = Ledgers(store, PARTIES)
    ledgers.capture(story())
    elsewhere = "https://id.gs1.org/414/4012345000023"
    change(ledgers, AgreementBook([version(sites=[elsewhere])]))
    assert told(ledgers.ledger()) == ALL
    change(ledgers, AgreementBook([version(sites=[elsewhere])], {elsewhere: [STORE]}))
    assert told(ledgers.ledger()) == set()


def test_a_use_that_was_declared_in_error_takes_its_conflict_along(store: Store) -> None:
    ledgers = Ledgers(store, PARTIES, agreements=AgreementBook([version(**VALVES_ONLY)]))
    ledgers.capture(story())
    assert told(ledgers.ledger()) == BOTH_SCREWS
    ledgers.capture([declared(story()[-1])])
    assert told(ledgers.ledger()) == {(LOT77A, "received")}


def change(ledgers: Ledgers, book: AgreementBook) -> None:
    old, ledgers.agreements = ledgers.agreements, book
    ledgers.store.committer.run(lambda tx: ledgers.projector.agreements_changed(tx, old, book))


def assert_replayed(ledgers: Ledgers, events: list[LedgerEvent]) -> None:
    replayed = off_agreement.judged(fold(events, PARTIES), ledgers.agreements, PARTIES)
    assert ledgers.digest() == ledger_digest(replayed)


@st.composite
def books(draw: st.DrawFn) -> AgreementBook:
    """A book of up to three versions that begin and end within the hours of random histories, or around them."""
    versions = []
    for number in range(draw(st.integers(0, 3))):
        first = date(2026, 2, draw(st.integers(1, 4)))
        last = draw(st.sampled_from((None, date(2026, 2, 3), date(2026, 2, 4))))
        if last is not None and last < first:
            last = None
        sites = draw(st.sampled_from(([SITE], [f"{SITE}/254/OR"], ["https://id.gs1.org/414/9506000000015"])))
        lines = draw(st.sampled_from(([{"gtin": VALVE}], [{"gtin": VALVE}, {"gtin": SCREW}])))
        made = version(number + 1, signed=draw(st.booleans()), validFrom=first.isoformat(), sites=sites, lines=lines)
        versions.append(replace(made, ended_on=last))
    below = draw(st.sampled_from(({}, {f"{SITE}/254/OR": [f"{SITE}/254/STORE"]})))
    return AgreementBook(versions, below)


@pytest.fixture
def one_store(new_store: Callable[[], Store]) -> Ledgers:
    return Ledgers(new_store(), PARTIES)


@pytest.mark.timeout(1800)
@given(histories(), st.lists(books(), min_size=1, max_size=3), st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_events_and_agreements_in_any_order_give_what_a_replay_under_the_last_book_gives(
    one_store: Ledgers, history: list[LedgerEvent], book_after_book: list[AgreementBook], shuffler: random.Random
) -> None:
    """Law 4 with agreements. Rejects a judgement at the time of capture, a change that looks only forward from the day
    of signing, and conflicts that outlive the dealing whose owner or place a late event changed.
    """
    ledgers = one_store
    ledgers.clear()
    ledgers.agreements = AgreementBook()
    parts = batches(history, shuffler)
    for part in parts:
        if book_after_book and shuffler.random() < 0.5:
            change(ledgers, book_after_book.pop())
        ledgers.capture(part)
    for book in book_after_book:
        change(ledgers, book)
    assert_replayed(ledgers, history)
    ledgers.rebuild(3)
    assert_replayed(ledgers, history)


def test_the_storyline_is_covered_but_for_what_an_agreement_leaves_out(store: Store) -> None:
    whole = [{"gtin": gtin} for gtin in (VALVE, SCREW, "09521141060001")]
    ledgers = Ledgers(store, PARTIES, agreements=AgreementBook([version(lines=whole)]))
    ledgers.capture(storyline())
    assert told(ledgers.ledger()) == set()
    change(ledgers, AgreementBook([version(lines=whole[:2])]))
    assert {key for key, _ in told(ledgers.ledger())} == {"https://id.gs1.org/01/09521141060001/10/B2201"}
    assert_replayed(ledgers, storyline())


def test_the_days_of_these_tests_are_where_they_say() -> None:
    assert start_of(DAY) <= START_US < START_US + 5 * HOUR_US
