"""Events that have to do with each other are folded together, and others need not be."""

from decimal import Decimal

import msgspec
import pytest

from ledger.flows import CONTAINERS, LOTS, OTHER_SERIAL, PATIENT, PLACES, SERIALS, START_US
from ledger.stored import Ledgers
from ledger.storyline import CORDIA, PARTIES, RECORDED_US
from traceward.ledger.facts import PRODUCT_END, LedgerEvent
from traceward.ledger.groups import noticed_products
from traceward.ledger.stream import Survey, pages, survey
from traceward.store.engine import Store
from traceward.store.write import WriteTransaction

MUCH = 1_000_000


def event(number: int, **fields: object) -> LedgerEvent:
    """An event of Cordia's, the later the higher its number."""
    return LedgerEvent(
        number.to_bytes(16, "big"), f"urn:event:{number}", "ObjectEvent", START_US + number, "+00:00", RECORDED_US,
        (CORDIA,), action="OBSERVE", biz_step="stocking", read_point=PLACES[0], **fields,
    )  # fmt: skip


@pytest.fixture
def ledgers(store: Store) -> Ledgers:
    """A store without events."""
    return Ledgers(store, PARTIES)


def batches(ledgers: Ledgers, events: list[LedgerEvent], things: int) -> list[list[int]]:
    """The numbers of captured events as a rebuild takes them, batch by batch."""
    ledgers.capture(events)
    names = {number: party for party, number in ledgers.numbers.items()}

    def unit(tx: WriteTransaction) -> list[list[int]]:
        found: Survey = survey(tx, lambda numbers: tuple(sorted(names[one] for one in numbers)), (), things)
        assert found.in_all == len(events)
        return [
            [int.from_bytes(one.eid, "big") for page in pages(tx, found, batch, 1) for one in page]
            for batch in found.batches
        ]

    return ledgers.store.committer.run(unit)


def test_what_names_nothing_in_common_is_parted_and_each_part_is_in_the_order_of_time(ledgers: Ledgers) -> None:
    """Rejects one batch of everything, and batches in the order in which their events were captured."""
    events = [event(number, instances=(SERIALS[number % 2],)) for number in (5, 2, 3, 4, 7)]
    assert batches(ledgers, events, 1) == [[3, 5, 7], [2, 4]]


def test_what_hangs_together_by_way_of_others_is_together(ledgers: Ledgers) -> None:
    """Rejects groups by an event's first item: the second was packed with the first, and is used alone later."""
    events = [
        event(1, instances=(SERIALS[1],)),
        event(2, instances=(SERIALS[0],)),
        event(3, instances=(OTHER_SERIAL,)),
        event(4, parent=CONTAINERS[0], children=(SERIALS[0],)),
        event(5, parent=CONTAINERS[0], children=(SERIALS[1],)),
    ]
    assert batches(ledgers, events, 1) == [[1, 2, 4, 5], [3]]


@pytest.mark.parametrize("noticed", [LOTS[1], SERIALS[0][:PRODUCT_END]])
def test_a_notice_is_together_with_all_that_is_of_its_product(ledgers: Ledgers, noticed: str) -> None:
    """Rejects groups by the things that events name alone: an item's lot is known to its label, not to the notice."""
    events = [
        event(1, instances=(SERIALS[0],)),
        event(2, instances=(OTHER_SERIAL,)),
        event(3, quantities=((LOTS[0], Decimal(1), None),)),
        event(4, quantities=((noticed, None, None),)),
        event(5, instances=(SERIALS[1],)),
    ]
    assert batches(ledgers, events, 1) == [[1, 4, 5], [2], [3]]


def test_a_batch_takes_whole_groups_until_it_is_full(ledgers: Ledgers) -> None:
    """Rejects a transaction's worth of work for each of very many small groups, and a group that is cut."""
    things = [f"{SERIALS[0][:40]}N{number}" for number in range(4)]
    events = [event(number, instances=(things[number % 4],)) for number in range(8)]
    assert batches(ledgers, events, MUCH) == [list(range(8))]
    ledgers.clear()
    assert batches(ledgers, events, 8) == [[0, 1, 4, 5], [2, 3, 6, 7]]


def test_events_that_name_nothing_are_folded_too(ledgers: Ledgers) -> None:
    assert batches(ledgers, [event(1), event(2)], 1) == [[1], [2]]


def test_what_a_patient_is_tied_to_states_nothing_of_a_product() -> None:
    shared = event(1, quantities=((LOTS[0], None, None),))
    private = msgspec.structs.replace(shared, parent=PATIENT, private=True)
    assert noticed_products(private) == set()
    assert noticed_products(shared) == {LOTS[0][:PRODUCT_END]}
