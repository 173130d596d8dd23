"""What is asked about dealings for each capture and each change of an agreement is found by an index."""

from collections.abc import Callable
from pathlib import Path

import pytest

from traceward.store import ledger_dealings
from traceward.store.connection import Row
from traceward.store.engine import open_store
from traceward.store.write import WriteTransaction

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


def test_what_a_shipment_sent_is_never_sought_among_all_that_is_on_its_way(
    new_postgres_database: Callable[[], str],
) -> None:
    """Rejects an index of what is on its way by place that PostgreSQL may walk whole for a shipment.

    Where statistics know of nothing on its way it looked as cheap as the shipment's own index, yet it holds whatever
    has been on its way since the last vacuum: with 500,000 events a capture read 8,000 pages for each lot.
    """
    offered: list[str] = []

    def unit(tx: WriteTransaction) -> None:
        tx.execute("DROP INDEX ix_balance_underway")  # the planner is to show what else it has
        plan = tx.fetch(f"EXPLAIN {ledger_dealings._NAMED}", (b"e", "a", 10))
        offered.extend(line for (line,) in plan if "Index" in line)
        raise LookupError("and back")

    store = open_store(new_postgres_database(), clock=lambda: 1, secret_key=b"k" * 32)
    try:
        with pytest.raises(LookupError):
            store.committer.run(unit)
    finally:
        store.close()
    assert offered
    assert not any("ix_balance_incoming" in line for line in offered), offered
