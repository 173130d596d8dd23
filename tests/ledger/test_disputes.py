"""What the two sides of a consignment have to settle: short and over receipts, trays, one eventID used twice."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from ledger.flows import declared
from ledger.stored import Ledgers
from ledger.storyline import CORDIA, LOT77A, NORTHGATE, PARTIES, RIVAL
from ledger.test_rules import DC, OR3, SSCC, STORE, at, kinds
from traceward.ledger import steps
from traceward.ledger.digest import ledger_digest
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.fold import fold
from traceward.store.engine import Store

TRAY = "https://id.gs1.org/8003/09521141007778T0042"
DRIVER = "https://id.gs1.org/8004/9521141DRIVER-19"
BOTH = frozenset({(CORDIA, NORTHGATE)})


@pytest.fixture
def one_store(new_store: Callable[[], Store]) -> Ledgers:
    return Ledgers(new_store(), PARTIES)


def lot(quantity: int) -> tuple[tuple[str, Decimal, None], ...]:
    return ((LOT77A, Decimal(quantity), None),)


def made(quantity: int = 50) -> LedgerEvent:
    return at(0, CORDIA, "creating_class_instance", action="ADD", quantities=lot(quantity), biz_location=DC)


def sent(quantity: int) -> LedgerEvent:
    pair = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "location": (DC, STORE)}
    return at(1, CORDIA, "shipping", quantities=lot(quantity), **pair)


def received(hour: float, quantity: int) -> LedgerEvent:
    return at(hour, NORTHGATE, "receiving", quantities=lot(quantity), biz_location=STORE)


def test_a_receipt_that_falls_short_is_a_dispute_until_the_rest_arrives() -> None:
    """Rejects a dispute that stays when a second delivery settles it, and one that names the whole consignment."""
    partly = fold([made(), sent(10), received(2, 7)], PARTIES)
    (short,) = [found for found in partly.conflicts.values() if found.kind == "receipt_short"]
    assert "left 3 of" in short.message
    assert set(short.parties) == {CORDIA, NORTHGATE}
    assert "receipt_short" not in kinds(fold([made(), sent(10), received(2, 7), received(3, 3)], PARTIES))


def test_a_receipt_of_more_than_was_sent_is_a_dispute() -> None:
    assert "receipt_over" in kinds(fold([made(), sent(10), received(2, 12)], PARTIES))
    assert "receipt_over" not in kinds(fold([made(), sent(10), received(2, 10)], PARTIES))


VALVES = tuple(f"https://id.gs1.org/01/09521141010235/21/D{number}" for number in range(4))


def valves_made_and_sent(sent_ones: tuple[str, ...]) -> list[LedgerEvent]:
    pair = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "location": (DC, STORE)}
    return [
        at(0, CORDIA, "commissioning", action="ADD", instances=VALVES, biz_location=DC),
        at(1, CORDIA, "shipping", instances=sent_ones, **pair),
    ]


def come(hour: float, *valves: str) -> LedgerEvent:
    return at(hour, NORTHGATE, "receiving", instances=valves, biz_location=STORE)


def test_serials_that_a_receipt_misses_are_one_dispute_until_they_come_or_were_never_sent() -> None:
    """Rejects a dispute for each serial, one before anything came, and one that outlives its settlement."""
    sent_all = valves_made_and_sent(VALVES)
    assert "receipt_short" not in kinds(fold(sent_all, PARTIES))
    partly = fold([*sent_all, come(2, *VALVES[:2])], PARTIES)
    (short,) = [found for found in partly.conflicts.values() if found.kind == "receipt_short"]
    assert (short.keys, set(short.parties)) == (VALVES[2:], {CORDIA, NORTHGATE})
    assert "left 2 of" in short.message
    rest, back = come(3, *VALVES[2:]), at(3, CORDIA, "void_shipping", instances=VALVES[2:], biz_location=DC)
    for settled in (rest, back):
        assert "receipt_short" not in kinds(fold([*sent_all, come(2, *VALVES[:2]), settled], PARTIES))


def test_a_serial_received_though_it_was_not_sent_is_over_and_no_implied_receipt() -> None:
    """Rejects a receipt "implied" by a receipt; what a consignee handles without one stays implied."""
    over = fold([*valves_made_and_sent(VALVES[:1]), come(2, *VALVES[:2])], PARTIES)
    assert kinds(over) == {"receipt_over"}
    (found,) = over.conflicts.values()
    assert found.keys == (VALVES[1],)
    handled = at(2, NORTHGATE, "stocking", instances=VALVES[1:2], biz_location=STORE)
    assert kinds(fold([*valves_made_and_sent(VALVES[:1]), handled], PARTIES)) == {"implied_receipt"}


def test_what_is_used_while_it_is_still_with_its_consignor_asks_for_its_receipt() -> None:
    """Rejects a use without receipt that is told like any handling without one: domain 4.4 has it at medium."""
    sold = {"owning": (CORDIA, NORTHGATE), "location": (STORE, OR3), "use_type": "implanted"}
    used = at(3, NORTHGATE, "dispensing", instances=VALVES[:1], quantities=lot(2), **sold)
    ledger = fold([*valves_made_and_sent(()), made(), used], PARTIES, BOTH)
    told = sorted((one.kind, one.severity) for one in ledger.conflicts.values() if one.kind != "place_mismatch")
    assert told == [("used_elsewhere", "medium")] * 2
    assert sum(one.quantity for one in ledger.transfers.values() if not one.voided) == 3


def test_a_lot_received_beyond_what_was_sent_is_over_and_no_implied_receipt() -> None:
    assert kinds(fold([made(), sent(10), received(2, 12)], PARTIES)) == {"receipt_over"}
    assert kinds(fold([made(), received(2, 12)], PARTIES, BOTH)) == {"receipt_over"}


def test_disputes_about_shipments_are_kept_up_as_a_replay_has_them(store: Store) -> None:
    """Rejects a look at what one receipt names alone, and one that a late shipment or correction leaves behind."""
    boxed = at(0.5, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=SSCC, children=VALVES[2:],
               biz_location=DC)  # fmt: skip
    story = [*valves_made_and_sent((*VALVES[:2], SSCC)), boxed, come(2, VALVES[0]), come(3, VALVES[1]), come(4, SSCC)]
    story += [declared(story[3]), declared(story[1])]
    for order in (story, story[::-1], [story[place] for place in (3, 1, 0, 5, 2, 4, 7, 6)]):
        ledgers = Ledgers(store, PARTIES)
        for count, event in enumerate(order, 1):
            ledgers.capture([event])
            assert ledgers.digest() == ledger_digest(fold(order[:count], PARTIES)), count
        ledgers.rebuild(2)
        assert ledgers.digest() == ledger_digest(fold(order, PARTIES))
        ledgers.clear()
        store.committer.run(lambda tx: tx.execute("DELETE FROM organisation"))


def test_a_dispute_names_the_missing_items_of_its_own_supplier_alone(one_store: Ledgers) -> None:
    """Rejects a look at all that a shipment sent: a hospital may send two suppliers' goods on, and one of the suppliers
    would read the other's serials.
    """
    rivals = tuple(f"https://id.gs1.org/01/09506000134376/21/R{number}" for number in range(2))
    lent = {"owning": (RIVAL, RIVAL), "possessing": (RIVAL, NORTHGATE), "location": (None, STORE)}
    theirs = {"possessing": (NORTHGATE, NORTHGATE), "location": (STORE, OR3)}
    story = [
        *valves_made_and_sent(VALVES[:2]), come(2, *VALVES[:2]),
        at(0, RIVAL, "commissioning", action="ADD", instances=rivals),
        at(1, RIVAL, "shipping", instances=rivals, **lent), come(2.5, *rivals),
        at(3, NORTHGATE, "shipping", instances=(*VALVES[:2], *rivals), **theirs),
        at(4, NORTHGATE, "receiving", instances=(VALVES[0], rivals[0]), biz_location=OR3),
    ]  # fmt: skip
    one_store.clear()
    one_store.capture(story)
    for ledger in (one_store.ledger(), fold(story, PARTIES)):
        told = {(one.keys, one.parties) for one in ledger.conflicts.values() if one.kind == "receipt_short"}
        assert told == {
            ((VALVES[1],), tuple(sorted((CORDIA, NORTHGATE)))), ((rivals[1],), tuple(sorted((RIVAL, NORTHGATE)))),
        }  # fmt: skip


def test_what_is_used_beyond_the_book_passes_and_is_charged_and_flagged() -> None:
    """Rejects an excess that is its user's own because all before it is: it would be used without being paid."""
    sold = {"owning": (CORDIA, NORTHGATE), "location": (STORE, OR3), "use_type": "consumed"}
    first = at(3, NORTHGATE, "dispensing", quantities=lot(10), **sold)
    for uses in ([at(3, NORTHGATE, "dispensing", quantities=lot(12), **sold)],
                 [first, at(4, NORTHGATE, "dispensing", quantities=lot(2), **sold)]):  # fmt: skip
        ledger = fold([made(10), sent(10), received(2, 10), *uses], PARTIES)
        assert kinds(ledger) == {"lot_short"}
        (short,) = ledger.conflicts.values()
        assert short.quantity == 2
        passed = [one for one in ledger.transfers.values() if not one.voided]
        assert sum(one.quantity for one in passed) == 12
        stock = ledger.stock(LOT77A)
        assert stock is not None
        debts = [slot for slot in stock.slots.values() if slot.quantity < 0]
        assert [(slot.owner, slot.holder, slot.quantity) for slot in debts] == [(CORDIA, NORTHGATE, -2)]
        late = fold([made(12), sent(12), received(2, 10), received(2.5, 2), *uses], PARTIES)
        assert kinds(late) == set()
        assert sum(one.quantity for one in late.transfers.values()) == 12


def test_what_a_hospital_bought_and_used_up_is_its_own_however_much_it_uses() -> None:
    """Rejects the maker as owner of every excess: it would see what the hospital does with goods of its own."""
    bought = at(3, NORTHGATE, "accepting", quantities=lot(10), biz_location=STORE, owning=(CORDIA, NORTHGATE))
    used = at(4, NORTHGATE, "dispensing", quantities=lot(12), location=(STORE, OR3))
    ledger = fold([made(10), sent(10), received(2, 10), bought, used], PARTIES)
    stock = ledger.stock(LOT77A)
    assert stock is not None
    assert {slot.owner for slot in stock.slots.values()} == {NORTHGATE}
    assert CORDIA not in ledger.visible[used.eid]


def test_unpacking_as_complete_what_is_not_complete_is_a_dispute() -> None:
    packed = at(1, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=SSCC,
                child_quantities=lot(5), biz_location=DC)  # fmt: skip
    facts = {"type": "AggregationEvent", "action": "DELETE", "parent": SSCC, "biz_location": DC}
    part = at(2, CORDIA, "unpacking", child_quantities=lot(4), disposition="completeness_verified", **facts)
    whole = at(2, CORDIA, "unpacking", child_quantities=lot(5), disposition="completeness_verified", **facts)
    assert "left_in_container" in kinds(fold([made(), packed, part], PARTIES))
    assert "left_in_container" not in kinds(fold([made(), packed, whole], PARTIES))


def tray_story(*more: LedgerEvent) -> list[LedgerEvent]:
    packed = at(1, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=TRAY, children=(DRIVER,),
                child_quantities=lot(30), biz_location=DC)  # fmt: skip
    opened = at(9, NORTHGATE, "unpacking", type="AggregationEvent", action="DELETE", parent=TRAY,
                child_quantities=lot(3), biz_location=OR3)  # fmt: skip
    return [made(), packed, opened, *more]


def test_a_tray_opened_before_it_was_sterilised_is_a_conflict_that_the_late_cycle_settles() -> None:
    """Rejects a rule that looks at arrival: the record of the cycle often comes after that of the operation."""
    ster = {"instances": (TRAY,), "biz_location": STORE}
    before = at(8, NORTHGATE, steps.STERILISING, disposition="conformant", **ster)
    failed = at(8, NORTHGATE, steps.STERILISING, disposition="non_conformant", **ster)
    after = at(10, NORTHGATE, steps.STERILISING, disposition="conformant", **ster)
    assert "sterilisation_missing" in kinds(fold(tray_story(), PARTIES, BOTH))
    assert "sterilisation_missing" in kinds(fold(tray_story(failed), PARTIES, BOTH))
    assert "sterilisation_missing" in kinds(fold(tray_story(after), PARTIES, BOTH))
    assert "sterilisation_missing" not in kinds(fold(tray_story(before), PARTIES, BOTH))


def test_a_new_load_must_be_sterilised_again() -> None:
    before = at(0.5, NORTHGATE, steps.STERILISING, disposition="conformant", instances=(TRAY,), biz_location=STORE)
    assert "sterilisation_missing" in kinds(fold(tray_story(before), PARTIES, BOTH))


def test_a_pallet_is_no_tray() -> None:
    """Rejects a rule on every GRAI: returnable crates are never sterilised."""
    plain = [msgspec.structs.replace(event, children=()) for event in tray_story()]
    assert "sterilisation_missing" not in kinds(fold(plain, PARTIES, BOTH))


def test_different_content_under_one_eventID_is_a_conflict_until_one_is_declared_an_error() -> None:
    """Rejects a check within one party's eventIDs alone, where both contents stand."""
    ours, theirs = made(), received(2, 4)
    theirs = msgspec.structs.replace(theirs, event_id=ours.event_id, read_point=DC)
    ledger = fold([ours, theirs], PARTIES)
    (found,) = [one for one in ledger.conflicts.values() if one.kind == "event_id_reused"]
    assert found.parties == (CORDIA,)  # the supplier made one and its place is named by the other
    assert "event_id_reused" not in kinds(fold([ours, theirs, declared(theirs)], PARTIES))


def test_nobody_is_told_of_anothers_event_under_the_eventID_that_he_took() -> None:
    """Rejects telling all captors: whoever guesses an eventID would learn that it exists."""
    ours = made()
    probe = at(5, RIVAL, "receiving", quantities=lot(1), event_id=ours.event_id)
    assert "event_id_reused" not in kinds(fold([ours, probe], PARTIES))


def test_a_stranger_learns_of_no_voided_use_by_a_patient_link_of_his_own() -> None:
    """Rejects matching a link with every voided use that has its usage report."""
    used = at(3, CORDIA, "dispensing", quantities=lot(2), use_type="implanted", usage_report="report-1")
    link = at(4, RIVAL, None, type="AssociationEvent", private=True, action="ADD",
              parent="https://id.gs1.org/8018/950600000000123456", child_quantities=lot(2),
              usage_report="report-1")  # fmt: skip
    ledger = fold([made(), used, declared(used), link], PARTIES)
    assert "link_of_corrected_use" not in kinds(ledger)


def counted(hour: float, quantity: int, scope: str | None = "complete") -> LedgerEvent:
    return at(hour, NORTHGATE, "cycle_counting", quantities=lot(quantity), biz_location=STORE, count_scope=scope)


def written_off(hour: float, quantity: int) -> LedgerEvent:
    pair = {"owning": (CORDIA, NORTHGATE), "location": (STORE, None)}
    return at(hour, NORTHGATE, "stock_taking", disposition="unavailable", quantities=lot(quantity), **pair)


def test_what_a_count_misses_is_a_conflict_until_it_is_written_off_or_counted_again() -> None:
    """Rejects a variance that outlives the write-off which answers it, one that a partial count raises or answers, and
    one that half of the missing goods ends.
    """
    before = [made(), sent(10), received(2, 10), counted(4, 7)]

    def told(*more: LedgerEvent) -> list[str]:
        found = fold([*before, *more], PARTIES).conflicts.values()
        return [one.message for one in found if one.kind == "count_variance"]

    (first,) = told()
    assert "counted 7 where the book has 10" in first
    assert told(counted(5, 2, None)) == [first]
    (rest,) = told(written_off(6, 2))
    assert "counted 7 where the book has 8" in rest
    assert told(written_off(6, 3)) == []
    assert told(written_off(6, 1), written_off(7, 2)) == []
    assert told(counted(6, 10)) == []
    (again,) = told(counted(6, 9))
    assert "counted 9 where the book has 10" in again
    assert "count_variance" not in kinds(fold([*before[:3], counted(4, 2, "partial")], PARTIES))


def test_goods_with_a_wrong_check_digit_are_kept_as_named_and_told_until_taken_back() -> None:
    """Rejects a fold that takes any fourteen digits for a product, one that refuses the goods, and one that tells
    others than those whom the event names.
    """
    typo = "https://id.gs1.org/01/09521141010236/21/D1"
    labelled = at(2, CORDIA, "commissioning", action="ADD", instances=(typo, VALVES[0]), biz_location=DC)
    ledger = fold([labelled], PARTIES)
    assert ledger.records[typo].holder == CORDIA
    (wrong,) = [found for found in ledger.conflicts.values() if found.kind == "wrong_check_digit"]
    assert (wrong.severity, wrong.keys, wrong.parties) == ("high", (typo,), (CORDIA,))
    assert "09521141010236" in wrong.message
    assert "wrong_check_digit" not in kinds(fold([labelled, declared(labelled)], PARTIES))
    assert "wrong_check_digit" not in kinds(fold([come(2, VALVES[0])], PARTIES))


RIVAL_STORE = "https://id.gs1.org/414/9506000000015"


def two_consignments(second_owner: str) -> list[LedgerEvent]:
    """Four of a lot that another hospital passes on to Northgate, then ten that the maker sends there."""
    to_second = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, RIVAL), "location": (DC, RIVAL_STORE)}
    story = [
        made(),
        at(0.1, CORDIA, "shipping", quantities=lot(4), **to_second),
        at(0.2, RIVAL, "receiving", quantities=lot(4), biz_location=RIVAL_STORE),
    ]
    if second_owner == RIVAL:
        bought = {"owning": (CORDIA, RIVAL), "possessing": (RIVAL, RIVAL)}
        story.append(at(0.3, RIVAL, "accepting", quantities=lot(4), biz_location=RIVAL_STORE, **bought))
    passed_on = {"possessing": (RIVAL, NORTHGATE), "location": (RIVAL_STORE, STORE)}
    pair = {"owning": (second_owner, second_owner), **passed_on}
    return [*story, at(0.5, RIVAL, "shipping", quantities=lot(4), **pair), sent(10)]


def underway(events: list[LedgerEvent]) -> set[tuple[str | None, str | None, Decimal]]:
    """(owner, sender, quantity) of what is on its way after these events."""
    stock = fold(events, PARTIES).stock(LOT77A)
    assert stock is not None
    return {(slot.owner, slot.holder, slot.quantity) for slot in stock.slots.values() if slot.status == "in_transit"}


@pytest.mark.parametrize("second_owner", [CORDIA, RIVAL])
def test_of_two_consignments_under_way_that_one_is_received_whose_sender_and_owner_the_receipt_names(
    second_owner: str,
) -> None:
    """Rejects taking what was sent first: the other hospital's goods became the maker's, and both looked short."""
    receipt = at(
        2, NORTHGATE, "receiving", quantities=lot(10), biz_location=STORE,
        owning=(CORDIA, CORDIA), possessing=(CORDIA, NORTHGATE),
    )  # fmt: skip
    events = [*two_consignments(second_owner), receipt]
    assert underway(events) == {(second_owner, RIVAL, Decimal(4))}
    assert "receipt_short" not in kinds(fold(events, PARTIES))


def test_of_two_consignments_to_one_hospital_the_one_to_the_place_of_the_receipt_is_received() -> None:
    pair = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "location": (DC, OR3)}
    earlier = at(0.5, CORDIA, "shipping", quantities=lot(4), **pair)
    receipt = at(2, NORTHGATE, "receiving", quantities=lot(10), biz_location=STORE)
    stock = fold([made(), earlier, sent(10), receipt], PARTIES).stock(LOT77A)
    assert stock is not None
    assert {(slot.place, slot.quantity) for slot in stock.slots.values() if slot.status == "in_transit"} == {(OR3, 4)}


def test_a_sender_voids_its_own_despatch_and_not_what_another_sends_of_its_goods() -> None:
    """Rejects taking back what was sent first: it lies with the other hospital's carrier."""
    void = at(1.5, CORDIA, "void_shipping", quantities=lot(10), biz_location=DC)
    assert underway([*two_consignments(CORDIA), void]) == {(CORDIA, RIVAL, Decimal(4))}


def test_a_void_takes_back_the_despatch_whose_advice_it_names() -> None:
    """Rejects taking back what was sent first: a void states its advice alone, and the lot went to two hospitals."""
    to_rival = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, RIVAL), "location": (DC, RIVAL_STORE)}
    earlier = at(0.5, CORDIA, "shipping", quantities=lot(4), advices=("urn:x:asn:1",), **to_rival)
    later = msgspec.structs.replace(sent(10), advices=("urn:x:asn:2",))
    void = at(3, CORDIA, "void_shipping", quantities=lot(10), biz_location=DC, advices=("urn:x:asn:2",))
    ledger = fold([made(), earlier, later, void], PARTIES)
    stock = ledger.stock(LOT77A)
    assert stock is not None
    assert {(slot.place, slot.quantity) for slot in stock.slots.values() if slot.status == "in_transit"} == {
        (RIVAL_STORE, 4)
    }
    assert "guessed_source" not in kinds(ledger)


def test_a_receipt_is_of_the_despatch_whose_advice_it_names() -> None:
    """Rejects going by the place of the receipt where its papers say which of two despatches has come."""
    pair = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "location": (DC, OR3)}
    to_theatre = at(1.5, CORDIA, "shipping", quantities=lot(4), advices=("urn:x:asn:1",), **pair)
    receipt = msgspec.structs.replace(received(2, 4), advices=("urn:x:asn:1",))
    stock = fold([made(), sent(10), to_theatre, receipt], PARTIES).stock(LOT77A)
    assert stock is not None
    assert {(slot.place, slot.quantity) for slot in stock.slots.values() if slot.status == "in_transit"} == {
        (STORE, 10)
    }
