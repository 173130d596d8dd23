"""What is written comes back, on both databases."""

from store.cases import ALICE, ALICE_CLINICAL, BOB, Case, Clock, capture, visible_rows, write_cases
from traceward.epcis.predicates import AnyTerm, Query
from traceward.store.compile import VisibleTo
from traceward.store.engine import Store, open_store
from traceward.store.models import Organisation
from traceward.store.rows import EventIdUse, Existing, Witness
from traceward.store.terms import key_hash


def test_an_event_comes_back_byte_for_byte_with_its_context_and_witnesses(store: Store) -> None:
    text = '{"type":"ObjectEvent","note":"ü %s ? \\u0000"}'.encode()
    seqs = capture(store, Case("a", text=text))
    with store.reader() as reader:
        (event,) = reader.documents([seqs["a"]], witnesses=True)
    assert (event.text, event.context, event.witnesses, event.private) == (text, b'["urn:c"]', (1,), False)
    assert event.eid == Case("a").eid


def test_a_content_captured_twice_is_found_with_both_its_witnesses(store: Store) -> None:
    case = Case("a")
    seq = capture(store, case)["a"]
    second = Witness(case.eid, 9, seq, 5, None, case.event_id, False)
    store.committer.run(lambda tx: tx.insert_witnesses([second]))
    found = store.committer.run(lambda tx: tx.existing([case.eid, b"x" * 16]))
    assert found == {case.eid: Existing(seq, (1, 9))}


def test_an_eventID_is_looked_up_for_one_party_only(store: Store) -> None:
    case = Case("a")
    seq = capture(store, case)["a"]
    mine = store.committer.run(lambda tx: tx.event_ids(1, [case.event_id, "urn:other"]))
    theirs = store.committer.run(lambda tx: tx.event_ids(2, [case.event_id]))
    assert mine == {case.event_id: (EventIdUse(case.eid, seq, False),)}
    assert theirs == {}


def test_a_unit_reads_what_it_has_written(store: Store) -> None:
    case = Case("a", keys=("k1", "k2"))
    names = store.committer.run(
        lambda tx: (write_cases(tx, store, [case]), [e.event_id for e in tx.events_by_keys([key_hash("k2")])])[1]
    )
    assert names == [case.event_id]


def test_events_of_ledger_keys_come_once_and_by_event_time(store: Store) -> None:
    capture(
        store, Case("late", 30, keys=("k1", "k2")), Case("early", 10, keys=("k1",)), Case("other", 20, keys=("k3",))
    )
    found = store.committer.run(lambda tx: tx.events_by_keys([key_hash("k1"), key_hash("k2")]))
    assert [event.event_id for event in found] == ["urn:example:early", "urn:example:late"]
    assert found[0].witnesses == (1,)


def test_numbers_rise_and_recordTime_never_falls_even_when_the_clock_does(store: Store, clock: Clock) -> None:
    first = store.committer.run(lambda tx: (tx.allocate_seq(5), tx.record_time_us))
    clock.now_us -= 3_600_000_000
    second = store.committer.run(lambda tx: (tx.allocate_seq(1), tx.record_time_us))
    clock.now_us += 7_200_000_000
    third = store.committer.run(lambda tx: (tx.allocate_seq(1), tx.record_time_us))
    assert [second[0], third[0]] == [first[0] + 5, first[0] + 6]
    assert first[1] == second[1] < third[1]


def test_a_reopened_store_has_its_events_its_secret_and_its_numbers(database_url: str, clock: Clock) -> None:
    store = open_store(database_url, clock=clock)
    seqs = capture(store, Case("a", pairs=(("epc", "x"),)))
    store.close()
    again = open_store(database_url, clock=clock)
    assert again.secret_key == store.secret_key
    with again.reader() as reader:
        page = reader.find(Query((AnyTerm((("epc", "x"),)),)), VisibleTo({ALICE}), limit=10)
    assert page.seqs == (seqs["a"],)
    assert capture(again, Case("b"))["b"] == seqs["a"] + 1
    again.close()


def test_an_event_is_found_by_the_viewers_it_was_indexed_for_and_by_nobody_else(store: Store) -> None:
    capture(store, Case("a", viewers=(ALICE, BOB)), Case("b", viewers=(ALICE_CLINICAL,)), Case("c", viewers=()))
    with store.reader() as reader:
        for viewers, names in (
            ({ALICE}, {"a"}),
            ({ALICE, ALICE_CLINICAL}, {"a", "b"}),
            ({BOB}, {"a"}),
            ({99}, set()),
            (set(), set()),
        ):
            page = reader.find(Query(), VisibleTo(viewers), limit=10)
            assert {event.event_id for event in reader.documents(page.seqs)} == {f"urn:example:{n}" for n in names}
            assert bool(reader.event_by_id("urn:example:b", VisibleTo(viewers))) == ("b" in names)


def test_vocabularies_list_a_viewers_own_values_page_by_page(store: Store) -> None:
    values = [f"urn:x:{n:02d}" for n in range(7)]
    for place, value in enumerate(values):
        capture(store, Case(value, vocabulary=(("epcs", value),), viewers=(ALICE if place % 2 else BOB,)))
    with store.reader() as reader:
        mine, both = VisibleTo({ALICE}), VisibleTo({ALICE, BOB})
        assert reader.vocabulary("epcs", mine, limit=10) == values[1::2]
        assert reader.vocabulary("epcs", mine, after=values[3], limit=1) == [values[5]]
        assert reader.vocabulary("epcs", both, limit=3) == values[:3]
        assert reader.vocabulary("bizSteps", both, limit=3) == []


def test_what_is_hidden_again_is_found_no_more_and_leaves_the_vocabulary(store: Store) -> None:
    """Rejects an index that removes the postings but lists the value for ever, or forgets a value still in use."""
    shared = ("bizSteps", "shipping")
    pairs = (("epc", "x"), ("bizStep", "shipping"))
    gone = Case("gone", 10, pairs, (("quantity", 5.0, None),), (("epcs", "x"), shared))
    stays = Case("stays", 20, (("bizStep", "shipping"),), vocabulary=(shared,))
    seqs = capture(store, gone, stays)
    with store.reader() as reader:
        stored = reader.documents([seqs["gone"]])[0]
    rows = visible_rows(store, gone, stored.seq, stored.record_time_us)
    store.committer.run(lambda tx: tx.remove_visible(list(rows)))
    viewers = VisibleTo({ALICE})
    with store.reader() as reader:
        assert reader.find(Query(), viewers, limit=10).seqs == (seqs["stays"],)
        assert reader.find(Query(order_by="recordTime"), viewers, limit=10).seqs == (seqs["stays"],)
        assert reader.vocabulary("epcs", viewers, limit=10) == []
        assert reader.vocabulary("bizSteps", viewers, limit=10) == ["shipping"]
    store.committer.run(lambda tx: tx.index_visible(list(rows)))
    store.committer.run(lambda tx: tx.index_visible(list(rows)))
    with store.reader() as reader:
        assert reader.find(Query(), viewers, limit=10).seqs == (seqs["stays"], seqs["gone"])
        assert reader.vocabulary("epcs", viewers, limit=10) == ["x"]


def test_a_table_model_is_put_read_and_deleted(store: Store) -> None:
    row = Organisation(number=1, id="https://id.gs1.org/417/9521141000007", name="Cordia", created_us=5)
    store.committer.run(lambda tx: tx.put(row))
    row.name = "Cordia 2"
    store.committer.run(lambda tx: tx.put(row))
    with store.reader() as reader:
        assert reader.get(Organisation, 1) == row
        assert reader.select(Organisation, id=row.id) == [row]
        assert reader.select(Organisation, id="other") == []
    assert store.committer.run(lambda tx: tx.delete(Organisation, 1))
    with store.reader() as reader:
        assert reader.get(Organisation, 1) is None
