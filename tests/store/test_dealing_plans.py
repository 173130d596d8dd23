"""What is asked about dealings for each capture and each change of an agreement is found by an index."""

from collections.abc import Callable
from pathlib import Path

import pytest

from traceward.store import ledger_dealings, ledger_rows
from traceward.store.connection import Row
from traceward.store.engine import open_store
from traceward.store.rows import Balance
from traceward.store.write import WriteTransaction

_OWNER = "https://id.gs1.org/417/9521141000007"
ASKED: dict[str, Callable[[WriteTransaction], object]] = {
    "of a pair": lambda tx: list(ledger_dealings.dealings_of(tx, "a", "b", 0)),
    "pairs of a shipment": lambda tx: ledger_dealings.pairs_of_shipment(tx, b"e"),
    "first of a shipment": lambda tx: ledger_dealings.first_of_shipment(tx, b"e", "a", "b"),
    "underway": lambda tx: ledger_dealings.underway(tx, b"e", "a", 10),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_table_is_read_through(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects an index that the statement cannot use: each capture would cost more, the more there is."""
    store = open_store(f"sqlite:///{tmp_path / 'plans.db'}", clock=lambda: 1, secret_key=b"k" * 32)
    plans: list[str] = []
    fetch = WriteTransaction.fetch

    def explained(tx: WriteTransaction, sql: str, params: tuple[object, ...] = ()) -> list[Row]:
        plans.extend(str(row[-1]) for row in fetch(tx, f"EXPLAIN QUERY PLAN {sql}", params))
        return fetch(tx, sql, params)

    try:
        monkeypatch.setattr(WriteTransaction, "fetch", explained)
        store.committer.run(ASKED[name])
    finally:
        monkeypatch.undo()
        store.close()
    about = [plan for plan in plans if "ledger_dealing" in plan or "balance" in plan]
    assert about
    assert all(plan.startswith("SEARCH") and "USING" in plan for plan in about), about


def test_what_a_shipment_sent_is_found_by_the_shipment_on_postgresql(
    new_postgres_database: Callable[[], str],
) -> None:
    """Rejects an index of all that is on its way, which looks cheaper by a level while statistics know of nothing there.

    What was on its way since the last vacuum stands in it still: a capture at 500,000 events read 8,000 pages.
    """
    plans: list[str] = []

    def unit(tx: WriteTransaction) -> None:
        rows = [_balance(number, "on_hand", 0) for number in range(2000)]
        ledger_rows.insert_balances(tx, rows)
        tx.execute("ANALYZE balance")
        ledger_rows.insert_balances(tx, [_balance(2000 + number, "in_transit", number // 5) for number in range(80)])
        sql = ledger_dealings._NAMED
        plans.extend(row[0] for row in tx.fetch(f"EXPLAIN {sql}", (bytes(15) + b"\x07", _OWNER, 10)))

    store = open_store(new_postgres_database(), clock=lambda: 1, secret_key=b"k" * 32)
    try:
        store.committer.run(unit)
    finally:
        store.close()
    assert any("ix_balance_underway" in plan for plan in plans), plans


def _balance(number: int, status: str, shipment: int) -> Balance:
    eid = bytes(15) + bytes((shipment % 256,))
    key = f"https://id.gs1.org/01/09521141010235/21/{number}"
    return Balance(
        key, 0, _OWNER, "holder", f"place{number % 20}", None, status, "1", None, "09521141010235", "L", str(number),
        None, "", number, eid,
    )  # fmt: skip
