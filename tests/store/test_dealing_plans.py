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
