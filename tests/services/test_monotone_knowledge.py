"""What was known at a time stays what was known then, whatever is captured afterwards."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from ledger.captured_flows import HOSPITAL, SUPPLIER, Flows
from traceward.epcis.times import format_time_us
from traceward.services.identity import parties
from traceward.services.identity.principals import Principal
from traceward.services.intake.capture import capture_document
from traceward.services.queries import visible_events
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.services.tracing import conflicts, corrections, stock

START_US = 1_900_000_000_000_000  # March 2030: everything that the flows tell has happened
AS_OF = "2030-01-01"
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"mcx": "https://ns.traceward.org/consignment/"},
]


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """The services on an empty database with a supplier and a hospital; each look at the clock is a second later."""
    seconds = count()
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'known.sqlite3'}"
    else:
        url = request.getfixturevalue("new_postgres_database")()
    opened = open_runtime(
        url, data_dir=tmp_path, limits=Limits(), scan_workers=1, now_us=lambda: START_US + next(seconds) * 1_000_000
    )
    for identifier, prefix in ((SUPPLIER, "9521141"), (HOSPITAL, "4012345")):
        parties.add_organisation(opened, identifier=identifier, name=prefix, company_prefixes=[prefix], places={})
    yield opened
    opened.close()


def callers(runtime: Runtime) -> dict[str, Principal]:
    numbers = {one.id: one.number for one in runtime.registry.organisations()}
    return {
        party: Principal(party, role, numbers[party], role, "test", "test")
        for party, role in ((SUPPLIER, "supplier"), (HOSPITAL, "clinical"))
    }


def known_at(runtime: Runtime, caller: Principal, time: str) -> dict[str, Any]:
    """Everything about stock, conflicts, transfers and corrections that the caller knew at a time."""
    questions: dict[str, Callable[[], Any]] = {
        "stock": lambda: (
            stock.stock_page(runtime, caller, stock.StockFilter(as_of=AS_OF, known_at=time), None, 1000).body
        ),
        "transfers": lambda: (
            stock.transfers_page(runtime, caller, stock.TransferFilter(as_of=AS_OF, known_at=time), None, 1000).body
        ),
        "conflicts": lambda: (
            conflicts.conflicts_page(
                runtime, caller, conflicts.ConflictFilter(as_of=AS_OF, known_at=time), None, 1000
            ).body
        ),
        "corrections": lambda: corrections.pending(runtime, caller, as_of=AS_OF, known_at=time),
    }
    return {name: ask() for name, ask in questions.items()}


def events_known_at(runtime: Runtime, caller: Principal, time: str) -> set[bytes]:
    at = visible_events.moment(runtime, AS_OF, time)
    return {event.eid for event in visible_events.all_facts(runtime, caller, at)}


def test_what_was_known_at_a_time_never_changes(runtime: Runtime, full_run: bool) -> None:
    """Law 11. Rejects a knownAt that counts events which the caller came to see later, or captors that joined later.

    What a correction showed to be none of the caller's is hidden from the past too: such answers are not compared.
    """
    by_party = callers(runtime)
    told: list[tuple[str, str, set[bytes], dict[str, Any]]] = []
    captured = Flows(seed=11).make(600 if full_run else 60)
    for number, (event, captor) in enumerate(captured):
        document = {
            "@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-01-01T00:00:00Z", "epcisBody": {"eventList": [event]},
        }  # fmt: skip
        capture_document(runtime, by_party[captor], orjson.dumps(document), "rollback")
        if number % 9 == 8:
            time = format_time_us(runtime.now_us())
            told += [
                (party, time, events_known_at(runtime, caller, time), known_at(runtime, caller, time))
                for party, caller in by_party.items()
            ]
    assert runtime.store.committer.run(lambda tx: tx.fetch("SELECT count(*) FROM late_visible"))[0][0] > 0
    compared = 0
    for party, time, known, answer in told:
        now = events_known_at(runtime, by_party[party], time)
        assert now <= known, (party, time)
        if now == known:
            assert known_at(runtime, by_party[party], time) == answer, (party, time)
            compared += bool(answer["stock"]["items"])
    assert compared > len(told) // 2


def test_the_past_of_a_product_is_what_all_events_say_of_it(
    runtime: Runtime, full_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects a product folded in parts that loses a container, a notice on the lot, or what stands in two parts."""
    monkeypatch.setattr(stock, "_THINGS_AT_ONCE", 4)
    by_party = callers(runtime)
    for event, captor in Flows(seed=3).make(600 if full_run else 60):
        document = {
            "@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-01-01T00:00:00Z", "epcisBody": {"eventList": [event]},
        }  # fmt: skip
        capture_document(runtime, by_party[captor], orjson.dumps(document), "rollback")
    compared = 0
    for as_of in ("2026-09-01", "2027-06-30", "2028-06-30"):
        for caller in by_party.values():
            whole = stock.stock_page(runtime, caller, stock.StockFilter(as_of=as_of), None, 1000).body["items"]
            for gtin in ("09521141010235", "09521141045305"):
                wanted = stock.StockFilter(as_of=as_of, gtin=gtin)
                part = stock.stock_page(runtime, caller, wanted, None, 1000).body["items"]
                assert part == [one for one in whole if one["gtin"] == gtin]
                compared += len(part)
    assert compared > 10
