"""What an outsider can do with events about others' items: make a claim, and nothing else."""

import hashlib
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from ledger.stored import Ledgers
from ledger.storyline import CORDIA, LOT77A, NORTHGATE, PARTIES, RECORDED_US, RIVAL, V7, V8, storyline
from traceward.ledger.digest import canonical_record
from traceward.ledger.facts import Declaration, LedgerEvent, ledger_event
from traceward.ledger.fold import fold
from traceward.ledger.parties import Parties, Party
from traceward.ledger.state import Ledger
from traceward.store.engine import Store

SSCC = "https://id.gs1.org/00/095211410000000113"
RIVAL_DOCK = "https://id.gs1.org/414/9506000000015/254/DOCK"
RIVALS_BOX = "https://id.gs1.org/00/095060000000000013"
FEBRUARY_12_US = 1_770_854_400_000_000
LONG_BEFORE_US = 1_600_000_000_000_000


def rival_event(name: str, time_us: int = FEBRUARY_12_US, **facts: object) -> LedgerEvent:
    """An event that the rival captured about whatever the facts say."""
    event = LedgerEvent(
        hashlib.sha256(name.encode()).digest()[:16], f"urn:rival:{name}", "ObjectEvent", time_us, "+00:00", RECORDED_US,
        (RIVAL,), False, "OBSERVE",
    )  # fmt: skip
    return msgspec.structs.replace(event, **facts)


ATTACKS = {
    "ships a serial": rival_event(
        "ship",
        biz_step="shipping",
        instances=(V7,),
        owning=(CORDIA, RIVAL),
        possessing=(NORTHGATE, RIVAL),
        location=(None, RIVAL_DOCK),
    ),
    "receives a serial before it was made": rival_event(
        "receive", LONG_BEFORE_US, biz_step="receiving", instances=(V7, V8), biz_location=RIVAL_DOCK
    ),
    "commissions a serial before its maker": rival_event(
        "commission", LONG_BEFORE_US, action="ADD", biz_step="commissioning", instances=(V7,), biz_location=RIVAL_DOCK
    ),
    "uses up a lot": rival_event(
        "use",
        biz_step="dispensing",
        disposition="dispensed",
        quantities=((LOT77A, Decimal(400), None),),
        owning=(CORDIA, RIVAL),
    ),
    "receives a lot": rival_event(
        "lot", biz_step="receiving", quantities=((LOT77A, Decimal(5), None),), biz_location=RIVAL_DOCK
    ),
    "takes a container": rival_event("sscc", biz_step="receiving", instances=(SSCC,), biz_location=RIVAL_DOCK),
    "unpacks a container": rival_event(
        "unpack", type="AggregationEvent", action="DELETE", parent=SSCC, biz_step="unpacking", biz_location=RIVAL_DOCK
    ),
    "packs a serial": rival_event(
        "pack",
        type="AggregationEvent",
        action="ADD",
        parent=RIVALS_BOX,
        children=(V7,),
        biz_step="packing",
        biz_location=RIVAL_DOCK,
    ),
    "recalls a lot": rival_event(
        "recall",
        biz_step="holding",
        disposition="recalled",
        set_flags=("recalled",),
        quantities=((LOT77A, None, None),),
    ),
    "claims to be the consignor": rival_event(
        "relation", biz_step="shipping", instances=(V7,), owning=(RIVAL, RIVAL), possessing=(RIVAL, NORTHGATE)
    ),
    "says that Cordia consigns to it": rival_event(
        "consigned", biz_step="shipping", instances=(V7,), owning=(CORDIA, CORDIA), possessing=(CORDIA, RIVAL)
    ),
}


def declared_by_rival() -> LedgerEvent:
    """The rival's declaration that the receipt of the shipper was an error."""
    receipt = next(event for event in storyline() if event.biz_step == "receiving")
    return msgspec.structs.replace(
        receipt,
        eid=b"\x07" * 16,
        captured_by=(RIVAL,),
        declares=Declaration(FEBRUARY_12_US, "did_not_occur"),
    )


def own(ledger: Ledger) -> dict[str, bytes]:
    """The ledger's own records of others' items, but for the mark of the last event that concerned them."""
    return {
        key: canonical_record(msgspec.structs.replace(record, order=None))
        for key, record in ledger.records.items()
        if RIVAL not in key and key != RIVALS_BOX
    }


@pytest.mark.parametrize("name", ATTACKS)
def test_an_outsider_who(name: str) -> None:
    """Leaves the ledger as it was, learns nothing, and is told on: rejects a ledger that credits any captor, one
    where the first to name a serial owns it, and visibility that follows claims.
    """
    before = fold(storyline(), PARTIES)
    attack = ATTACKS[name]
    after = fold([*storyline(), attack], PARTIES)
    assert own(after) == own(before)
    assert after.transfers == before.transfers
    assert {eid for eid, seen in after.visible.items() if RIVAL in seen} == {attack.eid}
    assert {eid: seen for eid, seen in after.visible.items() if eid != attack.eid} == before.visible
    opened = [after.conflicts[found] for found in after.conflicts.keys() - before.conflicts.keys()]
    assert before.conflicts.keys() <= after.conflicts.keys()
    assert "claimed" in {found.kind for found in opened if CORDIA in found.parties} or "before" in name
    for found in after.conflicts.values():
        if RIVAL in found.parties:
            assert found.eids == (attack.eid,)


def test_an_outsiders_error_declaration_is_a_dispute_without_effect() -> None:
    """Rejects a correction that is matched by eventID alone."""
    before = fold(storyline(), PARTIES)
    declaration = declared_by_rival()
    after = fold([*storyline(), declaration], PARTIES)
    assert {key: record.status for key, record in _items(after)} == {
        key: record.status for key, record in _items(before)
    }
    assert after.transfers == before.transfers
    opened = [after.conflicts[found] for found in after.conflicts.keys() - before.conflicts.keys()]
    assert {eid for eid, seen in after.visible.items() if RIVAL in seen} == {declaration.eid}
    without = fold([event for event in storyline() if event.event_id != declaration.event_id] + [declaration], PARTIES)
    told = [[found for found in ledger.conflicts.values() if RIVAL in found.parties] for ledger in (after, without)]
    assert opened == told[0] == told[1], "a guess finds out that the event exists"
    assert [found.kind for found in opened] == ["original_missing"]


def test_who_is_named_by_an_event_is_told_that_only_its_captor_may_declare_it_an_error() -> None:
    """Rejects a refusal that depends on what the declaration says of itself: the original has to name the party."""
    declaration = msgspec.structs.replace(declared_by_rival(), captured_by=(CORDIA,))
    ledger = fold([*storyline(), declaration], PARTIES)
    assert [found.kind for found in ledger.conflicts.values() if declaration.eid in found.eids] == ["not_declarant"]
    naming_itself = msgspec.structs.replace(declared_by_rival(), possessing=(CORDIA, RIVAL))
    ledger = fold([*storyline(), naming_itself], PARTIES)
    assert [found.kind for found in ledger.conflicts.values() if naming_itself.eid in found.eids] == [
        "original_missing"
    ]


@pytest.mark.parametrize("first", ["cycle_counting", "inspecting", "receiving"])
@pytest.mark.parametrize("hours", [-1, 1])
def test_who_receives_what_others_saw_of_an_unregistered_makers_item_sees_none_of_it(first: str, hours: int) -> None:
    """Rejects a history that goes to whoever says that he has the item, and a claim shown to a backdated one."""
    item = "https://id.gs1.org/01/05060000000012/21/A1"
    theirs = msgspec.structs.replace(
        rival_event("theirs", biz_step=first, instances=(item,), read_point="https://id.gs1.org/414/4012345000016"),
        captured_by=(NORTHGATE,),
    )
    time_us = FEBRUARY_12_US + hours * 3_600_000_000
    taken = rival_event("taken", time_us, biz_step="receiving", instances=(item,), biz_location=RIVAL_DOCK)
    again = rival_event("again", time_us + 1, biz_step="storing", instances=(item,), biz_location=RIVAL_DOCK)
    ledger = fold([theirs, taken, again], PARTIES)
    assert {eid for eid, seen in ledger.visible.items() if RIVAL in seen} == {taken.eid, again.eid}


def test_in_the_store_too_all_attacks_together_change_nothing_of_others(new_store: Callable[[], Store]) -> None:
    """Rejects a fast path that trusts the captor."""
    ledgers = Ledgers(new_store(), PARTIES)
    ledgers.capture([*ATTACKS.values()][:4])
    ledgers.capture(storyline())
    ledgers.capture([*ATTACKS.values()][4:])
    attacks = {attack.eid for attack in ATTACKS.values()}
    expected = fold(storyline(), PARTIES)
    balances = ledgers.store.committer.run(
        lambda tx: tx.fetch("SELECT record_key, owner, holder, place, status, quantity FROM balance")
    )
    assert [row[0] for row in balances if RIVAL in row] == [RIVALS_BOX]
    assert {eid: seen for eid, seen in ledgers.visible().items() if eid not in attacks} == expected.visible


def test_a_claim_tells_the_claimant_no_more_about_a_known_serial_than_about_an_unknown_one() -> None:
    """Rejects an existence oracle: first sight opened for unknown items and refused for known ones."""
    unknown = V7.replace("V23-0007", "NO-SUCH")
    answers = []
    for item in (V7, unknown):
        probe = rival_event("probe", biz_step="receiving", instances=(item,), biz_location=RIVAL_DOCK)
        ledger = fold([*storyline(), probe], PARTIES)
        told = [found for found in ledger.conflicts.values() if RIVAL in found.parties]
        seen = [eid for eid, parties in ledger.visible.items() if RIVAL in parties]
        claim = msgspec.structs.asdict(ledger.records[f"{item}|by|{RIVAL}"])  # type: ignore[arg-type]
        answers.append(
            repr((sorted((row.kind, row.message, row.keys) for row in told), len(seen), sorted(claim.items()))).replace(
                item, "ITEM"
            )
        )
    assert answers[0] == answers[1]


def _items(ledger: Ledger):  # type: ignore[no-untyped-def]
    return [(key, record) for key, record in ledger.records.items() if hasattr(record, "owners")]


def test_an_agreed_consignee_receives_what_nobody_announced_and_an_outsider_does_not():
    """First seen here. Rejects demanding a shipping event first, and believing whoever speaks first."""
    agreed = Parties([
        Party(CORDIA, "Cordia", ("9521141",), (), (NORTHGATE,)),
        Party(NORTHGATE, "Northgate", ("4012345",)),
        Party(RIVAL, "Rival", ("9506000",)),
    ])  # fmt: skip
    item = "https://id.gs1.org/01/09521141010235/21/UNSEEN-1"
    for captor, place, kept in ((NORTHGATE, "4012345000016", True), (RIVAL, "9506000000015", False)):
        event = ledger_event(
            {
                "type": "ObjectEvent", "eventID": f"urn:uuid:{captor[-13:]}", "eventTime": 1_770_000_000_000_000,
                "eventTimeZoneOffset": "+00:00", "action": "OBSERVE", "bizStep": "receiving", "epcList": [item],
                "bizLocation": {"id": f"https://id.gs1.org/414/{place}"},
            },
            captor.encode()[-16:], (captor,), 1_780_000_000_000_000, False,
        )  # fmt: skip
        record = fold([event], agreed).instance(item)
        assert (record is not None and record.status == "on_hand") is kept
        if kept:
            assert (record.owner, record.holder) == (CORDIA, captor)
