"""Single rules of the ledger, each with the smallest events that show it."""

import hashlib
from decimal import Decimal

import msgspec
import pytest

from ledger.flows import declared
from ledger.storyline import CORDIA, LOT77A, NORTHGATE, PARTIES, RECORDED_US, RIVAL, V7, V8
from shared_data import CHECKOUT
from traceward.ledger import expiry, steps
from traceward.ledger.conflicts import KINDS
from traceward.ledger.facts import LedgerEvent, keys, ledger_event
from traceward.ledger.fold import fold, relations
from traceward.ledger.parties import Parties, Party
from traceward.ledger.state import Instance, Ledger

DC = "https://id.gs1.org/414/9521141000106"
OTHER_DC = "https://id.gs1.org/414/9521141000205"
SITE = "https://id.gs1.org/414/4012345000016"
STORE = "https://id.gs1.org/414/4012345000016/254/STORE"
OR3 = "https://id.gs1.org/414/4012345000016/254/OR3"
SSCC = "https://id.gs1.org/00/095211410000000113"
BOX = "https://id.gs1.org/00/095211410000000120"
HOUR_US = 3_600_000_000
START_US = 1_770_000_000_000_000


def at(hour: float, captor: str, biz_step: str | None, **facts: object) -> LedgerEvent:
    """An ObjectEvent, unless the facts say otherwise, `hour` hours into the story."""
    event = LedgerEvent(
        b"",
        "",
        "ObjectEvent",
        START_US + int(hour * HOUR_US),
        "+00:00",
        RECORDED_US,
        (captor,),
        False,
        "OBSERVE",
        biz_step,
    )
    event = msgspec.structs.replace(event, **facts)
    eid = hashlib.sha256(repr(event).encode()).digest()[:16]
    return msgspec.structs.replace(event, eid=eid, event_id=event.event_id or eid.hex())


def kinds(ledger: Ledger) -> set[str]:
    return {found.kind for found in ledger.conflicts.values()}


MADE = at(0, CORDIA, "commissioning", action="ADD", instances=(V7, V8), biz_location=DC, lot="L1", expiry="2026-02-03")
MADE_LOT = at(
    0, CORDIA, "creating_class_instance", action="ADD", quantities=((LOT77A, Decimal(50), None),), biz_location=DC
)
CONSIGNED = at(
    1,
    CORDIA,
    "shipping",
    instances=(V7,),
    quantities=((LOT77A, Decimal(10), None),),
    owning=(CORDIA, CORDIA),
    possessing=(CORDIA, NORTHGATE),
    location=(DC, STORE),
)
RECEIVED = at(2, NORTHGATE, "receiving", instances=(V7,), quantities=((LOT77A, Decimal(10), None),), biz_location=STORE)
BASE = [MADE, MADE_LOT, CONSIGNED, RECEIVED]


def test_a_consignment_changes_hands_and_not_owners() -> None:
    item = fold(BASE, PARTIES).instance(V7)
    assert item is not None
    assert (item.owner, item.holder, item.place, item.status) == (CORDIA, NORTHGATE, STORE, "on_hand")


def test_until_it_is_received_a_shipment_is_in_transit_to_its_destination() -> None:
    item = fold(BASE[:3], PARTIES).instance(V7)
    assert item is not None
    assert (item.status, item.place, item.origin, item.holder) == ("in_transit", STORE, DC, CORDIA)


def test_a_voided_shipment_is_back_where_it_was() -> None:
    void = at(1.5, CORDIA, "void_shipping", instances=(V7,), quantities=((LOT77A, Decimal(10), None),), biz_location=DC)
    ledger = fold([*BASE[:3], void], PARTIES)
    item, stock = ledger.instance(V7), ledger.stock(LOT77A)
    assert item is not None
    assert stock is not None
    assert (item.status, item.place) == ("on_hand", DC)
    assert [(slot.status, slot.place, slot.quantity) for slot in stock.slots.values()] == [("on_hand", DC, 50)]


@pytest.mark.parametrize(
    ("offset", "time_us", "past"),
    [
        ("+00:00", 1_770_163_199_000_000, False),  # 2026-02-03T23:59:59Z
        ("+00:00", 1_770_163_200_000_000, True),
        ("-05:00", 1_770_163_200_000_000, False),
        ("+02:00", 1_770_159_600_000_000, True),  # 23:00Z is the 4th there
    ],
)
def test_an_item_is_usable_through_its_expiry_date_by_the_events_own_clock(
    offset: str, time_us: int, past: bool
) -> None:
    """Rejects a comparison of instants in UTC, and one that ends an item's life as its last day begins."""
    use = at(3, NORTHGATE, "dispensing", disposition="dispensed", instances=(V7,))
    use = msgspec.structs.replace(use, event_time_us=time_us, offset=offset)
    assert ("used_expired" in kinds(fold([*BASE, use], PARTIES))) is past


def test_day_00_means_the_months_last_day() -> None:
    assert str(expiry.last_day("2028-02-00")) == "2028-02-29"
    assert expiry.last_day("soon") is None


@pytest.mark.parametrize(("stated", "contradicts"), [(OR3, True), (STORE, False), (SITE, False), (DC, True)])
def test_a_count_at_the_whole_site_contradicts_no_room_of_it(stated: str, contradicts: bool) -> None:
    """Rejects a comparison of places by their text alone, and one of their sites alone: either way round."""
    counted = at(3, NORTHGATE, "cycle_counting", instances=(V7,), biz_location=stated)
    assert ("counted_elsewhere" in kinds(fold([*BASE, counted], PARTIES))) is contradicts
    stocked = at(2.5, NORTHGATE, "stocking", instances=(V7,), biz_location=SITE)
    assert ("counted_elsewhere" in kinds(fold([*BASE, stocked, counted], PARTIES))) is (stated == DC)


def test_an_expiry_that_is_told_with_a_time_of_day_counts_by_its_date() -> None:
    """Rejects a date that is no date any more: the item would never expire."""
    assert expiry.last_day("2026-02-03T00:00:00Z") == expiry.last_day("2026-02-03")
    assert expiry.last_day("2026-02-00T12:00:00+01:00") == expiry.last_day("2026-02-28")


def test_a_second_use_is_a_conflict_and_its_transfer_does_not_count() -> None:
    """Rejects ownership that passes twice for money."""
    use = [
        at(hour, NORTHGATE, "dispensing", disposition="dispensed", instances=(V7,), owning=(CORDIA, NORTHGATE))
        for hour in (3, 4)
    ]
    ledger = fold([*BASE, *use], PARTIES)
    assert "consumed_twice" in kinds(ledger)
    assert sorted(row.voided for row in ledger.transfers.values()) == [False, True]


def test_a_use_beyond_the_balance_is_a_debt_that_a_late_receipt_clears() -> None:
    """Rejects a negative balance that is not flagged, and a debt that outlives the receipt."""
    use = at(
        4,
        NORTHGATE,
        "dispensing",
        disposition="dispensed",
        quantities=((LOT77A, Decimal(12), None),),
        location=(STORE, None),
    )
    short = fold([*BASE, use], PARTIES)
    stock = short.stock(LOT77A)
    assert stock is not None
    assert "lot_short" in kinds(short)
    assert (STORE, "on_hand", -2) in {(slot.place, slot.status, slot.quantity) for slot in stock.slots.values()}
    late = [
        at(
            2.5,
            CORDIA,
            "shipping",
            quantities=((LOT77A, Decimal(5), None),),
            possessing=(CORDIA, NORTHGATE),
            location=(DC, STORE),
        ),
        at(2.6, NORTHGATE, "receiving", quantities=((LOT77A, Decimal(5), None),), biz_location=STORE),
    ]
    cleared = fold([*BASE, use, *late], PARTIES)
    assert "lot_short" not in kinds(cleared)
    assert all(slot.quantity > 0 for slot in cleared.stock(LOT77A).slots.values())  # type: ignore[union-attr]


def test_moving_a_container_moves_its_contents_and_unpacking_undoes_packing() -> None:
    """Rejects a container whose contents stay behind, and an unpacking that forgets the owner."""
    pack = at(
        0.5,
        CORDIA,
        "packing",
        type="AggregationEvent",
        action="ADD",
        parent=SSCC,
        children=(V7,),
        child_quantities=((LOT77A, Decimal(20), None),),
        biz_location=DC,
    )
    ship = at(1, CORDIA, "shipping", instances=(SSCC,), possessing=(CORDIA, NORTHGATE), location=(DC, STORE))
    receive = at(2, NORTHGATE, "receiving", instances=(SSCC,), biz_location=STORE)
    unpack = at(3, NORTHGATE, "unpacking", type="AggregationEvent", action="DELETE", parent=SSCC, biz_location=STORE)
    ledger = fold([MADE, MADE_LOT, pack, ship, receive, unpack], PARTIES)
    item, stock, box = ledger.instance(V7), ledger.stock(LOT77A), ledger.instance(SSCC)
    assert item is not None
    assert stock is not None
    assert box is not None
    assert (item.place, item.holder, item.owner, item.container) == (STORE, NORTHGATE, CORDIA, None)
    assert sorted((slot.place, slot.quantity, slot.container) for slot in stock.slots.values()) == sorted(
        [(DC, 30, None), (STORE, 20, None)]
    )
    assert not box.contents


def test_a_child_handled_alone_leaves_its_container_and_is_flagged() -> None:
    pack = at(
        3, NORTHGATE, "packing", type="AggregationEvent", action="ADD", parent=BOX, children=(V7,), biz_location=STORE
    )
    move = at(4, NORTHGATE, "storing", instances=(V7,), biz_location=OR3)
    ledger = fold([*BASE, pack, move], PARTIES)
    item = ledger.instance(V7)
    assert item is not None
    assert (item.container, item.place) == (None, OR3)
    assert "implied_disaggregation" in kinds(ledger)


def test_containers_in_each_other_are_a_conflict_and_stay_apart() -> None:
    """Rejects a cycle that the next move would follow for ever."""
    pack = [
        at(1, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=SSCC, children=(BOX,), biz_location=DC),
        at(2, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=BOX, children=(SSCC,), biz_location=DC),
    ]
    ledger = fold([*pack, at(3, CORDIA, "storing", instances=(SSCC, BOX), biz_location=DC)], PARTIES)
    assert "container_cycle" in kinds(ledger)


def test_a_box_that_takes_its_own_tray_in_leaves_the_tray_where_that_stays() -> None:
    """Rejects a refused packing that has moved the box as if the tray had come along, and left it in the tray."""
    pack = at(
        1, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=SSCC, children=(BOX,), biz_location=DC
    )
    round_again = at(
        2, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=BOX, children=(SSCC,), biz_location=OTHER_DC
    )
    ledger = fold([pack, round_again], PARTIES)
    box, tray = ledger.instance(BOX), ledger.instance(SSCC)
    assert box is not None
    assert tray is not None
    assert (box.place, box.container, tray.place, tray.contents) == (OTHER_DC, None, DC, None)


def test_a_box_from_which_an_item_is_taken_moves_on_with_the_rest_of_its_contents() -> None:
    """Rejects a box that, having given up an item by the same event, is thought to have moved with its tray already."""

    def packed(hour: float, parent: str, *children: str, place: str) -> LedgerEvent:
        return at(
            hour, CORDIA, "packing", type="AggregationEvent", action="ADD", parent=parent, children=children,
            biz_location=place, child_quantities=((LOT77A, Decimal(6), None),) if parent == BOX else (),
        )  # fmt: skip

    tray, pallet = "https://id.gs1.org/8003/09521141007778T1", SSCC
    history = [
        MADE, MADE_LOT, packed(1, BOX, V7, V8, place=DC), packed(2, tray, BOX, place=DC),
        packed(3, pallet, V7, tray, place=OTHER_DC),
    ]  # fmt: skip
    ledger = fold(history, PARTIES)
    items = [ledger.instance(key) for key in (V7, V8, BOX, tray)]
    assert [(one.place, one.container) for one in items if one is not None] == [
        (OTHER_DC, pallet), (OTHER_DC, BOX), (OTHER_DC, tray), (OTHER_DC, pallet)
    ]  # fmt: skip
    stock = ledger.stock(LOT77A)
    assert stock is not None
    assert {(slot.place, slot.quantity) for slot in stock.slots.values() if slot.container == BOX} == {
        (OTHER_DC, Decimal(6))
    }


def test_a_box_in_anothers_claim_of_a_tray_leaves_it_when_the_trays_owner_moves_both() -> None:
    """Rejects a box that is thought to travel along because its tray is named, of which another record moves."""
    tray = "https://id.gs1.org/8003/09521141007778T1"
    pack = {"type": "AggregationEvent", "action": "ADD"}
    history = [
        at(0, CORDIA, "packing", **pack, parent=SSCC, read_point=SITE),
        at(0, NORTHGATE, "packing", **pack, parent=tray, children=(SSCC,)),
        at(1, CORDIA, "packing", **pack, parent=SSCC, children=(tray,), location=(None, DC)),
    ]
    ledger = fold(history, PARTIES)
    for record in ledger.records.values():
        if isinstance(record, Instance) and record.container is not None:
            outer = ledger.records[record.container]
            assert isinstance(outer, Instance)
            assert (record.place, record.holder) == (outer.place, outer.holder)


def test_a_makers_count_without_a_place_sets_no_flag() -> None:
    """Rejects a count that is taken for a statement of the maker: it would hold back what somebody else owns."""
    bought = at(1, NORTHGATE, "receiving", instances=(V7,), owning=(None, NORTHGATE), read_point=SITE)
    counted = at(2, CORDIA, "cycle_counting", instances=(V7,), disposition="returned")
    owners = frozenset({(CORDIA, NORTHGATE)})
    with_count, without = (fold(one, PARTIES, owners).instance(V7) for one in ([bought, counted], [bought]))
    assert with_count is not None
    assert without is not None
    assert (with_count.flags, with_count.status) == (without.flags, without.status)


def test_a_recall_notice_reaches_serials_by_their_lot_and_those_who_get_them_later() -> None:
    """Rejects a recall that is matched by class key alone, and a notice hidden from a later holder."""
    lot = "https://id.gs1.org/01/09521141010235/10/L1"
    notice = at(0.5, CORDIA, "holding", quantities=((lot, None, None),), set_flags=("recalled",))
    use = at(3, NORTHGATE, "dispensing", disposition="dispensed", instances=(V7,))
    ledger = fold([*BASE, notice, use], PARTIES)
    assert {"used_recalled", "moved_after_recall"} <= kinds(ledger)
    assert ledger.visible[notice.eid] == {CORDIA, NORTHGATE}
    after_delivery = at(2.5, CORDIA, "holding", quantities=((lot, None, None),), set_flags=("recalled",))
    assert fold([*BASE, after_delivery], PARTIES).visible[after_delivery.eid] == {CORDIA, NORTHGATE}
    claim = at(4, RIVAL, "receiving", instances=(V8,), biz_location="https://id.gs1.org/414/9506000000015", lot="L1")
    assert RIVAL not in fold([*BASE, notice, claim], PARTIES).visible[notice.eid]


def test_an_explanted_device_is_where_it_is_held() -> None:
    use = at(3, NORTHGATE, "dispensing", disposition="dispensed", instances=(V7,), use_type="implanted")
    out = at(
        9, NORTHGATE, "holding", disposition="non_conformant", instances=(V7,), reason="explanted", biz_location=STORE
    )
    ledger = fold([*BASE, use, out], PARTIES)
    item = ledger.instance(V7)
    assert item is not None
    assert (item.status, item.place) == ("explanted", STORE)
    assert "seen_after_use" not in kinds(ledger)


def test_a_relation_needs_the_owners_own_capture() -> None:
    """Rejects a consignee who proves his own consignment."""
    assert relations([CONSIGNED]) == {(CORDIA, NORTHGATE)}
    assert relations([msgspec.structs.replace(CONSIGNED, captured_by=(NORTHGATE,))]) == frozenset()


def test_a_holder_cannot_give_anothers_goods_to_a_third_party() -> None:
    """Rejects a transfer to anyone, on the holder's word."""
    give = at(3, NORTHGATE, "accepting", instances=(V7,), owning=(CORDIA, RIVAL), biz_location=STORE)
    ledger = fold([*BASE, give], PARTIES)
    assert ledger.transfers == {}
    assert "claimed" in kinds(ledger)


def test_a_consignee_takes_nothing_out_of_the_hands_of_another_consignee() -> None:
    """Rejects a relation to the owner as enough: what lies with a third party is not on its way to this one."""
    away = {"owning": (CORDIA, CORDIA), "location": (DC, None)}
    sent = at(1, CORDIA, "shipping", instances=(V8,), possessing=(CORDIA, RIVAL), **away)
    there = at(2, RIVAL, "receiving", instances=(V8,), biz_location="https://id.gs1.org/414/9506000000015",
               possessing=(CORDIA, RIVAL))  # fmt: skip
    taken = at(3, NORTHGATE, "receiving", instances=(V8,), biz_location=STORE)
    both = frozenset({(CORDIA, NORTHGATE), (CORDIA, RIVAL)})
    ledger = fold([*BASE, sent, there, taken], PARTIES, both)
    item = ledger.instance(V8)
    assert item is not None
    assert (item.holder, item.owner) == (RIVAL, CORDIA)
    assert "claimed" in kinds(ledger)


def test_each_of_many_like_items_has_the_conflict_that_the_first_one_has() -> None:
    """Rejects the short way for items that differ by their serial alone where the first of them is in dispute."""
    items = tuple(f"https://id.gs1.org/01/09521141010235/21/Y{number}" for number in range(4))
    wrong = {"owning": (RIVAL, RIVAL), "biz_location": STORE}
    ledger = fold([at(3, NORTHGATE, "receiving", instances=items, **wrong)], PARTIES, frozenset({(CORDIA, NORTHGATE)}))
    told = [one.keys for one in ledger.conflicts.values() if one.kind == "owner_mismatch"]
    assert sorted(told) == [(item,) for item in items]


def test_what_ends_with_its_container_names_the_event_that_ended_it() -> None:
    """Rejects contents that take their container's status alone: nothing would tell what became of them."""
    boxed = at(3, NORTHGATE, "packing", type="AggregationEvent", action="ADD", parent=SSCC, children=(V7,),
               biz_location=STORE)  # fmt: skip
    gone = at(4, NORTHGATE, "destroying", action="DELETE", instances=(SSCC,), disposition="destroyed", read_point=STORE)
    item = fold([*BASE, boxed, gone], PARTIES).instance(V7)
    assert item is not None
    assert (item.status, item.ended_eid, item.deleted) == ("destroyed", gone.eid, True)


def test_two_expiry_dates_of_one_lot_are_a_conflict() -> None:
    """Rejects a lot whose first date silently wins."""
    said = ((LOT77A, None, "2027-01-31"),)
    first, other = (
        at(
            hour,
            NORTHGATE,
            "cycle_counting",
            quantities=((LOT77A, Decimal(10), None),),
            biz_location=STORE,
            labels=said,
        )
        for hour in (3, 5)
    )
    assert "label_mismatch" not in kinds(fold([*BASE, first, other], PARTIES))
    wrong = at(4, NORTHGATE, "cycle_counting", quantities=((LOT77A, Decimal(10), None),), biz_location=STORE,
               labels=((LOT77A, None, "2028-01-31"),))  # fmt: skip
    assert "label_mismatch" in kinds(fold([*BASE, first, wrong], PARTIES))


def test_a_further_witness_who_is_entitled_makes_the_event_count() -> None:
    """Rejects a ledger that credits the first captor only."""
    foreign = msgspec.structs.replace(RECEIVED, captured_by=(RIVAL,))
    alone = fold([MADE, MADE_LOT, CONSIGNED, foreign], PARTIES).instance(V7)
    both = fold([MADE, MADE_LOT, CONSIGNED, foreign, RECEIVED], PARTIES).instance(V7)
    assert alone is not None
    assert both is not None
    assert (alone.status, both.status) == ("in_transit", "on_hand")


def test_quantities_of_different_units_never_add_up() -> None:
    made = at(
        0.1, CORDIA, "commissioning", action="ADD", quantities=((LOT77A, Decimal("1.5"), "KGM"),), biz_location=DC
    )
    stock = fold([MADE_LOT, made], PARTIES).stock(LOT77A)
    assert stock is not None
    assert sorted((slot.uom or "", slot.quantity) for slot in stock.slots.values()) == [
        ("", 50),
        ("KGM", Decimal("1.5")),
    ]


def test_the_maker_is_found_behind_indicator_and_extension_digits() -> None:
    parties = Parties((Party("p", "", ("9521141",)),))
    made = (
        "01/09521141010235/21/1",
        "00/395211410000000114",
        "8003/09521141007778T1",
        "8004/9521141X",
        "414/9521141000106",
    )
    assert [parties.maker_of(f"https://id.gs1.org/{path}") for path in made] == ["p"] * 5
    assert parties.maker_of("https://id.gs1.org/01/99521142010235/21/1") is None
    assert parties.maker_of("urn:uuid:1") is None


def test_a_gln_of_its_own_wins_over_a_company_prefix() -> None:
    parties = Parties((Party("owner", "", ("9521141",)), Party("tenant", "", (), ("9521141000106",))))
    assert parties.party_of_place(DC) == "tenant"
    assert parties.party_of_place("https://id.gs1.org/414/9521141000113") == "owner"


def test_facts_of_the_expanded_form_are_read_whole() -> None:
    expanded = {
        "type": "ObjectEvent",
        "eventID": "urn:uuid:1",
        "eventTime": START_US,
        "action": "OBSERVE",
        "quantityList": [{"epcClass": LOT77A, "quantity": "2.50", "uom": "KGM"}, {"epcClass": LOT77A}],
        "sourceList": [{"type": "owning_party", "source": CORDIA}],
        "destinationList": [
            {"type": "owning_party", "destination": NORTHGATE},
            {"type": "location", "destination": STORE},
        ],
        "https://ns.traceward.org/consignment/countGTINs": "one",
    }
    event = ledger_event(expanded, b"e" * 16, (NORTHGATE, CORDIA), RECORDED_US, private=False)
    assert event.quantities == ((LOT77A, Decimal("2.50"), "KGM"), (LOT77A, None, None))
    assert (event.owning, event.location, event.possessing) == ((CORDIA, NORTHGATE), (None, STORE), None)
    assert event.captured_by == (NORTHGATE, CORDIA)
    assert event.count_gtins == ("one",)
    assert keys(event) == (LOT77A,)


def test_a_patient_is_no_key_of_the_ledger() -> None:
    link = at(
        1, NORTHGATE, "installing", private=True, parent="https://id.gs1.org/8018/401234500000123452", children=(V7,)
    )
    assert keys(link) == (V7,)


def test_a_link_that_was_declared_in_error_is_shown_to_no_shared_reader() -> None:
    """Rejects telling those whom a struck event names: its captor's shared roles may not know that there is a link."""
    patient = "https://id.gs1.org/8018/401234500000123452"
    link = at(3, NORTHGATE, "installing", type="AssociationEvent", action="ADD", private=True, parent=patient,
              children=(V7,), biz_location=STORE)  # fmt: skip
    error = declared(link)
    ledger = fold([*BASE, link, error], PARTIES)
    assert not ledger.visible.get(link.eid)
    assert not ledger.visible.get(error.eid)
    assert kinds(ledger) == kinds(fold(BASE, PARTIES))


def test_every_effect_has_a_rank_and_every_kind_of_conflict_is_documented() -> None:
    page = (CHECKOUT / "docs" / "ledger.md").read_text()
    assert all(f"| `{kind}` | {row.severity} |" in page for kind, row in KINDS.items())
    assert steps.order_of(MADE) < steps.order_of(CONSIGNED) < steps.order_of(RECEIVED)
