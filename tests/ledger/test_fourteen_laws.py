"""The fourteen laws of the ledger, each by its number, over journeys with every flow, errors, lateness, repetition.

`test_laws` has them over events in any order, sensible or not. Law 11 needs a server's clock and law 12 agreements:
their tests, which the table names, are elsewhere.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from figures import LATE
from ledger.flows import CORDIA, NORTHGATE, PARTIES, RIVAL, SERIALS, declared, holdings, named
from ledger.journeys import BOX, FLOWS, SCREW, SITE, TRAVELLED, journeys
from ledger.stored import Ledgers
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.ledger.state import ClassStock, Instance, Ledger, PatientLinks, Slot
from traceward.ledger.trace import trace_lot
from traceward.store.engine import Store
from traceward.store.ledger_lists import stock_of_party

pytestmark = pytest.mark.timeout(3600)
ELSEWHERE = {
    11: "tests/services/test_monotone_knowledge.py",
    12: "tests/ledger/test_replenishment.py",
}
RELATIONS = frozenset({(CORDIA, NORTHGATE)})
SEEN: Counter[int] = Counter()
EVENTS: Counter[int] = Counter()
_SHUFFLER = st.randoms(use_true_random=False)


@pytest.fixture(scope="module", autouse=True)
def _told(pytestconfig: pytest.Config) -> Iterator[None]:
    def line() -> str:
        laws = ", ".join(f"{law}: {SEEN[law]:,} ({EVENTS[law]:,} events)" for law in sorted(SEEN))
        travelled = ", ".join(f"{name} {TRAVELLED[name]:,}" for name in sorted(TRAVELLED))
        return f"journeys by law: {laws}\njourneys had: {travelled}"

    yield
    pytestconfig.stash.setdefault(LATE, {})["fourteen laws"] = line


def looked_at(law: int, history: list[LedgerEvent]) -> None:
    """Count for the figures at the end."""
    SEEN[law] += 1
    EVENTS[law] += len(history)


def screws_of(ledger: Ledger) -> ClassStock:
    """All that the ledger knows of the lot of screws; every journey has made it, or told of it."""
    return next(
        record
        for record in ledger.records.values()
        if isinstance(record, ClassStock) and record.key == SCREW and record.claimant is None
    )


def sums(stock: ClassStock, of: Callable[[Slot], str | None]) -> dict[str | None, Decimal]:
    """The lot's units by a property of its balances; those that come to nothing are left out."""
    found: dict[str | None, Decimal] = {}
    for slot in stock.slots.values():
        found[of(slot)] = found.get(of(slot), Decimal(0)) + slot.quantity
    return {name: amount for name, amount in found.items() if amount}


@given(journeys())
def test_law_1_conservation(history: list[LedgerEvent]) -> None:
    """Rejects a move that debits without crediting, and a sink that swallows."""
    looked_at(1, history)
    for record in fold(history, PARTIES).records.values():
        if isinstance(record, ClassStock):
            for uom, opened in record.opened.items():
                assert sum((slot.quantity for slot in record.slots.values()), Decimal(0)) == opened, uom


@given(journeys(), _SHUFFLER)
def test_law_2_order_independence(history: list[LedgerEvent], shuffler: random.Random) -> None:
    """Rejects ties broken by arrival."""
    looked_at(2, history)
    shuffled = shuffler.sample(history, len(history))
    first, second = fold(history, PARTIES), fold(shuffled, PARTIES)
    assert ledger_digest(first) == ledger_digest(second)
    assert first.visible == second.visible


@given(journeys(), st.integers(0, 60))
def test_law_3_idempotence(history: list[LedgerEvent], prefix: int) -> None:
    """Rejects events counted twice."""
    looked_at(3, history)
    assert ledger_digest(fold(history + history[:prefix], PARTIES)) == ledger_digest(fold(history, PARTIES))


@given(journeys(), _SHUFFLER)
@settings(suppress_health_check=list(HealthCheck))
def test_law_4_replay_is_what_was_kept_up(kept: Ledgers, history: list[LedgerEvent], shuffler: random.Random) -> None:
    """Rejects a projector that forgets what a late event touches."""
    looked_at(4, history)
    _capture(kept, history, shuffler)
    assert kept.digest() == ledger_digest(fold(history, PARTIES))


@given(journeys(), st.integers(0, 60), st.booleans())
def test_law_5_correction_is_the_inverse(history: list[LedgerEvent], at: int, corrected: bool) -> None:
    """Rejects a correction that reverses the first effect instead of folding without it."""
    looked_at(5, history)
    mistake = history[at % len(history)]
    if mistake.declares is not None:
        return
    rest = [one for one in history if one.event_id != mistake.event_id]
    if corrected:
        rest.append(named(msgspec.structs.replace(mistake, event_id="", reason="as it was")))
    # That the hospital is a consignee is agreed: what proves it once is not unproven by taking the event back.
    without = fold(rest, PARTIES, RELATIONS)
    struck = fold([*rest, mistake, declared(mistake)], PARTIES, RELATIONS)
    assert holdings(struck) == holdings(without)
    assert struck.transfers == without.transfers


@given(journeys())
def test_law_6_a_serial_is_in_one_place_with_one_line_of_owners(history: list[LedgerEvent]) -> None:
    """Rejects an owner that changes beside the history of owners, and an item in two containers."""
    looked_at(6, history)
    records = fold(history, PARTIES).records
    for key in SERIALS:
        record = records.get(key)
        if isinstance(record, Instance) and record.status:
            times = [time_us for time_us, _, _ in record.owners]
            assert times == sorted(times)
            assert record.owners[-1][1] == record.owner
            assert all(one[1] != other[1] for one, other in zip(record.owners, record.owners[1:], strict=False))
            holding = [
                name for name, one in records.items() if isinstance(one, Instance) and key in (one.contents or ())
            ]
            assert holding == ([record.container] if record.container is not None else [])


@given(journeys())
def test_law_7_ownership_moves_by_the_owning_party_alone(history: list[LedgerEvent]) -> None:
    """Rejects ownership inferred from place, receipt or use; and a transfer that makes or loses units."""
    looked_at(7, history)
    plain = fold([msgspec.structs.replace(event, owning=None) for event in history], PARTIES)
    assert plain.transfers == {}
    ledger = fold(history, PARTIES)
    lot = screws_of(ledger)
    owned = sums(lot, lambda slot: slot.owner)
    passed = sum((one.quantity for one in ledger.transfers.values() if one.key == SCREW and not one.voided), Decimal(0))
    assert owned.get(NORTHGATE, 0) == passed
    assert sum(owned.values()) == sum(lot.opened.values())


@given(journeys(), st.integers(0, 150), _SHUFFLER)
@settings(suppress_health_check=list(HealthCheck))
def test_law_8_roll_up(kept: Ledgers, history: list[LedgerEvent], hours: int, shuffler: random.Random) -> None:
    """Rejects a site that is more or less than its places, and an asOf that a later event changes."""
    looked_at(8, history)
    moment = history[0].event_time_us + hours * 3_600_000_000
    past = [event for event in history if event.event_time_us <= moment]
    assert ledger_digest(fold(history, PARTIES, as_of_us=moment)) == ledger_digest(fold(past, PARTIES))
    last = max(event.event_time_us for event in history)
    assert ledger_digest(fold(history, PARTIES, as_of_us=last)) == ledger_digest(fold(history, PARTIES))
    _capture(kept, history, shuffler)
    with kept.store.reader() as reader:
        for party in (CORDIA, NORTHGATE):
            spans = [(SITE, f"{SITE} "), (f"{SITE}/254/", f"{SITE}/2540")]
            whole = {_key(one): one.quantity for one in stock_of_party(reader, party, spans=spans)}
            every = stock_of_party(reader, party)
            places = {one.place for one in every if one.place and (one.place + "/").startswith(f"{SITE}/")}
            parts = {_key(one): one.quantity for at in places for one in stock_of_party(reader, party, place=at)}
            assert whole == parts


def _key(row: object) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in ("place", "record_key", "slot"))


@given(journeys())
def test_law_9_containment(history: list[LedgerEvent]) -> None:
    """Rejects a container that moves without all its contents, or with more than them."""
    looked_at(9, history)
    whole = fold(history, PARTIES)
    box = whole.records.get(BOX)
    if not isinstance(box, Instance) or box.status != "on_hand" or box.owner != CORDIA or box.holder != NORTHGATE:
        return
    last = max(event.event_time_us for event in history) + 3_600_000_000
    move = LedgerEvent(b"", "", "ObjectEvent", last, "+00:00", last, (NORTHGATE,), biz_location=f"{SITE}/254/ELSEWHERE",
                       action="OBSERVE", biz_step="storing", instances=(BOX,))  # fmt: skip
    moved = fold([*history, named(move)], PARTIES)
    before, after = holdings(whole), holdings(moved)
    inside = {BOX, *(box.contents or ())}
    assert {key for key in after if after[key] != before.get(key)} <= inside
    for key in inside:
        record = moved.records[key]
        if isinstance(record, Instance):
            assert record.place == f"{SITE}/254/ELSEWHERE"
        elif isinstance(record, ClassStock):
            there = [slot for slot in record.slots.values() if slot.container == BOX]
            assert {slot.place for slot in there} == {f"{SITE}/254/ELSEWHERE"}


@given(journeys())
def test_law_10_a_count_is_neutral(history: list[LedgerEvent]) -> None:
    """Rejects a count that books its variance, and a variance where book and count are equal."""
    looked_at(10, history)
    ledger = fold(history, PARTIES)
    kept = [event for event in history if event.biz_step != "cycle_counting"]
    assert holdings(ledger) == holdings(fold(kept, PARTIES))
    for count in ledger.counts:
        # Later events may answer a variance: what was told at the time is compared.
        then = fold(history, PARTIES, as_of_us=count.event_time_us)
        told = {(found.eids[0], found.keys[0]) for found in then.conflicts.values() if found.kind == "count_variance"}
        # To see less proves something in a count that was declared complete alone.
        differs = count.seen > count.book or (count.seen < count.book and count.scope == "complete")
        assert ((count.eid, count.key) in told) is differs


@given(journeys(), _SHUFFLER)
def test_law_13_visibility(history: list[LedgerEvent], shuffler: random.Random) -> None:
    """Rejects a private event that is shared, and any sight of an outsider; late events change no one else's."""
    looked_at(13, history)
    ledger = fold(shuffler.sample(history, len(history)), PARTIES)
    for event in history:
        seen = ledger.visible.get(event.eid, frozenset())
        assert RIVAL not in seen
        assert seen == frozenset() if event.private else seen >= set(event.captured_by)
    assert not any(RIVAL in found.parties for found in ledger.conflicts.values())
    shared = [event for event in history if not event.private]
    assert not any(isinstance(record, PatientLinks) for record in fold(shared, PARTIES).records.values())


@given(journeys())
def test_law_14_recall_completeness(history: list[LedgerEvent]) -> None:
    """Rejects a trace that leaves out sinks, containers or what is on its way."""
    looked_at(14, history)
    ledger = fold(history, PARTIES)
    trace = trace_lot(ledger, history, "09521141045305", "LA")
    assert sum(trace.accounted.values(), Decimal(0)) == sum(trace.opened.values(), Decimal(0))
    listed: dict[str | None, Decimal] = {}
    for unit in trace.units:
        listed[unit.status] = listed.get(unit.status, Decimal(0)) + unit.quantity
    assert {name: amount for name, amount in listed.items() if amount} == sums(
        screws_of(ledger), lambda slot: slot.status
    )


@pytest.mark.parametrize("law", ELSEWHERE)
def test_the_other_laws_are_named_where_they_are_tested(law: int) -> None:
    root = Path(__file__).resolve().parents[2]
    assert f"Law {law}." in (root / ELSEWHERE[law]).read_text()


def test_the_journeys_had_every_flow() -> None:
    """Fails where a flow is never drawn; it stands last, and asks nothing where the laws were not run before it."""
    if not SEEN:
        pytest.skip("the laws were not run in this process")
    assert [name for name in FLOWS if not TRAVELLED[name]] == []
    assert all(TRAVELLED[name] for name in ("late", "twice", "taken back", "never told"))


@pytest.fixture
def kept(new_store: Callable[[], Store]) -> Ledgers:
    """A store's ledger, kept up step by step."""
    return Ledgers(new_store(), PARTIES)


def _capture(kept: Ledgers, history: list[LedgerEvent], shuffler: random.Random) -> None:
    """Capture the history afresh, in parts of random size."""
    kept.clear()
    left = list(history)
    while left:
        size = shuffler.choice((1, 1, 2, 5, 12))
        kept.capture(left[:size])
        left = left[size:]
