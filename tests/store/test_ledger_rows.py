"""Rows of the ledger are loaded, replaced and listed alike on both databases."""

from itertools import count

from store.cases import Clock
from traceward.store import ledger_lists, ledger_rows
from traceward.store.engine import Store
from traceward.store.rows import Balance, ConflictRow, LedgerRecord, OwnershipTransfer, Relation
from traceward.store.write import WriteTransaction

A, B = "https://id.gs1.org/417/4012345000009", "https://id.gs1.org/417/9521141000007"


def balance(key: str, slot: int = 0, **changes: object) -> Balance:
    row = Balance(key, slot, A, B, "place", None, "on_hand", "1", None, "g", "l", None, None, "[]", 1, b"e" * 16)
    return row._replace(**changes)


def transfer(name: str, time_us: int, from_party: str = A, to_party: str = B, key: str = "k") -> OwnershipTransfer:
    return OwnershipTransfer(
        name, time_us, b"e" * 16, from_party, to_party, key, "g", "l", None, "1", None, None, None, None, voided=False
    )


def conflict(name: str, time_us: int, private: str | None = None) -> ConflictRow:
    parties = f'["{A}","{B}"]'
    return ConflictRow(name, "moved", "high", "open", private, parties, '["k1","k2"]', "[]", "text", 1, time_us, "{}")


def test_records_and_balances_are_loaded_by_key_and_replaced(store: Store) -> None:
    record = LedgerRecord("k1", 5, 1, None, None, b"\x00state", 7, b"order")

    def unit(tx: WriteTransaction) -> None:
        ledger_rows.put_records(tx, [record, record._replace(key="k2")])
        ledger_rows.put_records(tx, [record._replace(state=b"new")])
        ledger_rows.replace_balances(tx, ["k1"], [balance("k1", 1), balance("k1", 0)])
        ledger_rows.put_balances(tx, [balance("k1", 1, quantity="5")])
        ledger_rows.replace_balances(tx, ["k2"], [])

    store.committer.run(unit)
    records = store.committer.run(lambda tx: ledger_rows.load_records(tx, ["k1", "k2", "k3"]))
    assert records == {"k1": record._replace(state=b"new"), "k2": record._replace(key="k2")}
    loaded = store.committer.run(lambda tx: ledger_rows.load_balances(tx, ["k1", "k2"]))
    assert loaded == {"k1": (balance("k1", 0), balance("k1", 1, quantity="5"))}
    store.committer.run(lambda tx: ledger_rows.replace_balances(tx, ["k1"], [balance("k1", 0)]))
    store.committer.run(lambda tx: ledger_rows.delete_records(tx, ["k2"]))
    assert store.committer.run(lambda tx: ledger_rows.load_balances(tx, ["k1"])) == {"k1": (balance("k1", 0),)}
    assert set(store.committer.run(lambda tx: ledger_rows.load_records(tx, ["k1", "k2"]))) == {"k1"}


def test_balances_are_listed_for_owner_and_holder_once_page_by_page_and_for_nobody_else(store: Store) -> None:
    """Rejects a list that shows what is owned and held by the same party twice, or loses rows without a place."""
    rows = [
        balance("k1", place=None, holder=A),
        balance("k2", place="p2"),
        balance("k3", place="p1", owner=B, holder=A),
        balance("k4", place="p1", owner=B, holder=B),
        balance("k5", place=None, owner=B, holder=A, container="c"),
        balance("k6", place="é", holder=A),
    ]
    store.committer.run(lambda tx: ledger_rows.insert_balances(tx, rows))
    with store.reader() as reader:
        listed = ledger_lists.stock_of_party(reader, A)
        assert [row.record_key for row in listed] == ["k1", "k5", "k3", "k2", "k6"]
        paged: list[Balance] = []
        for _ in count():
            after = ledger_lists.balance_key(paged[-1]) if paged else None
            page = ledger_lists.stock_of_party(reader, A, after=after, limit=2)
            if not page:
                break
            paged += page
        assert paged == listed
        assert ledger_lists.stock_of_party(reader, "nobody") == []
        lot = ledger_lists.balances_of_lot(reader, A, "g", "l")
        assert [row.record_key for row in lot] == ["k1", "k2", "k3", "k5", "k6"]
        assert ledger_lists.balances_of_lot(reader, A, "g", "other") == []
        assert [row.record_key for row in ledger_lists.balances_in_container(reader, A, "c")] == ["k5"]
        assert [row.record_key for row in ledger_lists.balances_in_container(reader, B, "c")] == ["k5"]
        assert ledger_lists.balances_in_container(reader, "nobody", "c") == []


def test_transfers_are_listed_for_both_parties_in_a_time_range(store: Store) -> None:
    rows = [transfer("t1", 10), transfer("t2", 20, B, A), transfer("t3", 30, B, "other"), transfer("t4", 20, A, A)]
    store.committer.run(lambda tx: ledger_rows.put_transfers(tx, rows))
    with store.reader() as reader:
        mine = ledger_lists.transfers_of_party(reader, A, from_us=10, before_us=30)
        assert [row.id for row in mine] == ["t1", "t2", "t4"]
        second = ledger_lists.transfers_of_party(reader, A, from_us=0, before_us=99, after=(10, "t1"), limit=1)
        assert [row.id for row in second] == ["t2"]
    store.committer.run(lambda tx: ledger_rows.replace_transfers(tx, ["k"], [transfer("t9", 5)._replace(voided=True)]))
    assert store.committer.run(lambda tx: ledger_rows.load_transfers(tx, ["k"])) == [
        transfer("t9", 5)._replace(voided=True)
    ]


def test_a_private_conflict_is_listed_for_its_party_alone(store: Store) -> None:
    rows = [conflict("c1", 10), conflict("c2", 20, private=B)]
    store.committer.run(lambda tx: ledger_rows.put_conflicts(tx, rows))
    store.committer.run(lambda tx: ledger_rows.put_conflicts(tx, [rows[0]._replace(state="closed")]))
    with store.reader() as reader:
        assert [row.id for row in ledger_lists.conflicts_of_party(reader, A)] == ["c1"]
        theirs = ledger_lists.conflicts_of_party(reader, B)
        assert [(row.id, row.state) for row in theirs] == [("c2", "open"), ("c1", "closed")]
        assert [row.id for row in ledger_lists.conflicts_of_party(reader, B, after=(20, "c2"))] == ["c1"]
    found = store.committer.run(lambda tx: ledger_rows.load_conflicts(tx, ["k2"]))
    assert [row.id for row in found] == ["c1", "c2"]
    store.committer.run(lambda tx: ledger_rows.delete_conflicts(tx, ["c1"]))
    with store.reader() as reader:
        assert ledger_lists.conflicts_of_party(reader, A) == []


def test_relations_and_due_events_are_kept_and_taken(store: Store, clock: Clock) -> None:
    rows = [Relation(A, B, b"1" * 16), Relation(B, A, b"2" * 16)]
    store.committer.run(lambda tx: ledger_rows.put_relations(tx, rows + rows))
    store.committer.run(lambda tx: ledger_rows.delete_relations(tx, [b"2" * 16]))
    assert store.committer.run(ledger_rows.load_relations) == rows[:1]
    store.committer.run(lambda tx: ledger_rows.put_due(tx, [(30, 1), (10, 2), (20, 3)]))
    assert store.committer.run(lambda tx: ledger_rows.take_due(tx, 20)) == [2, 3]
    assert store.committer.run(lambda tx: ledger_rows.take_due(tx, 30)) == [1]
    assert store.committer.run(lambda tx: ledger_rows.take_due(tx, 99)) == []
