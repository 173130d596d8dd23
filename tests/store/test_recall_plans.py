"""What a recall reads, it reads through indexes on both databases, however much else is stored."""

from typing import Any

import pytest

from traceward.services.fhir.devices import DEVICES
from traceward.services.recalls.notices import ITEMS_OF_PRODUCT
from traceward.store.alert_rows import RECORDS_OF_PRODUCT, TRANSFORMED
from traceward.store.engine import Store
from traceward.store.ledger_rows import put_balances, put_records
from traceward.store.recall_models import RecallAcknowledgement
from traceward.store.rows import Balance, LedgerRecord
from traceward.store.write import WriteTransaction

HOSPITAL = "https://id.gs1.org/417/4012345000009"
WARD = "https://id.gs1.org/414/4012345000016/254/W7"
STATEMENTS = {
    "lot": ("SELECT key FROM ledger_record WHERE gtin = ? AND lot = ? ORDER BY key", ("09521141000017", "L7")),
    "product": (ITEMS_OF_PRODUCT, ("09521141000017",)),
    "records": (RECORDS_OF_PRODUCT, ("09521141000017", 1, 100)),
    "transformed": (TRANSFORMED, ("09521141000017", HOSPITAL, 100)),
    "owned": (DEVICES[0], (HOSPITAL, WARD, 100)),
    "held": (DEVICES[1], (HOSPITAL, WARD, 100)),
    "said": (
        "SELECT step FROM recall_acknowledgement WHERE issuer = ? AND notice = ?",
        ("https://id.gs1.org/417/9521141000007", "urn:example:n7"),
    ),
}
TABLES = {"said": "recall_acknowledgement", "transformed": "balance", "owned": "balance", "held": "balance"}


@pytest.fixture(params=["with statistics", "without statistics"])
def filled(store: Store, request: pytest.FixtureRequest) -> Store:
    """Records and balances of 400 products with five lots each, and 2,000 acknowledgements."""

    def unit(tx: WriteTransaction) -> None:
        records = [
            LedgerRecord(
                f"https://id.gs1.org/01/{gtin}/10/L{lot}|class", product * 5 + lot, 1, gtin, f"L{lot}", b"", 0, b""
            )
            for product in range(400)
            for gtin in (f"0952114{product:07}",)
            for lot in range(5)
        ]
        put_records(tx, records)
        put_balances(tx, [
            Balance(
                one.key, 0, f"{HOSPITAL[:-1]}{number % 7}", HOSPITAL, f"{WARD[:-1]}{number % 40}", None, "on_hand", "1",
                None, one.gtin, one.lot, "S1", None, "", 0, b"e" * 16,
            )
            for number, one in enumerate(records)
        ])  # fmt: skip
        for number in range(2000):
            tx.put(
                RecallAcknowledgement(
                    issuer="https://id.gs1.org/417/9521141000007",
                    notice=f"urn:example:n{number}",
                    party="https://id.gs1.org/417/4012345000009",
                    step="received",
                    principal="key",
                    acknowledged_us=number,
                )
            )

    store.committer.run(unit)
    connection = store.database.open_writer()
    if request.param == "with statistics":
        connection.execute("ANALYZE")
    elif store.dialect == "postgresql":
        # Emptied tables keep those of earlier tests.
        connection.execute(
            "DELETE FROM pg_statistic WHERE starelid IN"
            " (SELECT oid FROM pg_class WHERE relnamespace='public'::regnamespace)"
        )
    connection.close()
    return store


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_recall_reads_nothing_but_its_own_rows(filled: Store, name: str) -> None:
    """Rejects plans that only statistics bring about, a search for serials by a pattern on keys, a table that is read
    as a whole, and one that is read whole by an index because the index has the order that was asked for.
    """
    sql, params = STATEMENTS[name]
    with filled.reader() as reader:
        if filled.dialect == "sqlite":
            plan = reader.fetch("EXPLAIN QUERY PLAN " + sql, params)
            told = " ".join(row[3] for row in plan)
            assert "SCAN" not in told, told
        else:
            (row,) = reader.fetch("EXPLAIN (FORMAT JSON) " + sql, params)
            scans = [node for node in nodes(row[0]) if node["Node Type"] == "Seq Scan"]
            assert scans == []
            walked = [node for node in nodes(row[0]) if "Index Name" in node and "Index Cond" not in node]
            assert walked == [], "an index that is read from end to end"
            assert TABLES.get(name, "ledger_record") in {node.get("Relation Name") for node in nodes(row[0])}


def nodes(plan: Any) -> list[dict[str, Any]]:
    """Every node of a PostgreSQL plan."""
    if isinstance(plan, list):
        return [node for one in plan for node in nodes(one)]
    own = plan.get("Plan", plan)
    return [own, *(node for child in own.get("Plans", ()) for node in nodes(child))]
