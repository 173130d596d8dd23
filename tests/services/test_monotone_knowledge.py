"""What was known at a time stays what was known then, whatever is captured afterwards."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

from ledger.captured_flows import HOSPITAL, SUPPLIER, Flows
from traceward.epcis.times import format_time_us
from traceward.ledger.notices import classes_of
from traceward.ledger.persistence import transfer_row
from traceward.ledger.state import Notice
from traceward.services.identity import parties
from traceward.services.identity.principals import Principal
from traceward.services.intake.capture import capture_document
from traceward.services.queries import place_tree, visible_events
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.services.tracing import conflicts, corrections, past_conflicts, past_stock, past_transfers, stock
from traceward.services.tracing.past_conflicts import PastConflicts
from traceward.services.tracing.past_stock import PastStock, Portions, Position
from traceward.services.tracing.past_transfers import PastTransfers
from traceward.services.tracing.past_walk import Portions as Portions_
from traceward.store import ledger_lists
from traceward.store.rows import Balance

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


def test_what_was_known_at_a_time_never_changes(runtime: Runtime, full_run: bool, figures: list[str]) -> None:
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
    figures.append(f"law 11: {compared:,} answers about {len(told):,} past times, {len(captured):,} captures")


def captured(runtime: Runtime, seed: int, count: int) -> list[str]:
    """Capture so many events of the flows; a time between some of them each."""
    by_party = callers(runtime)
    times: list[str] = []
    for number, (event, captor) in enumerate(Flows(seed=seed).make(count)):
        document = {
            "@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-01-01T00:00:00Z", "epcisBody": {"eventList": [event]},
        }  # fmt: skip
        capture_document(runtime, by_party[captor], orjson.dumps(document), "rollback")
        if number % 40 == 39:
            times.append(format_time_us(runtime.now_us()))
    return times


def in_portions(past: PastStock, per_page: int) -> tuple[list[Balance], dict[str, tuple[Notice, ...]]]:
    """Every balance of the past, page by page, and the notices told beside them."""
    found: list[Balance] = []
    notices: dict[str, tuple[Notice, ...]] = {}
    begin: Position | None = Position(None, None)
    while begin is not None:
        page = past.page(begin, per_page)
        assert len(page.balances) <= per_page
        found += page.balances
        notices |= page.notices
        begin = page.next
    return sorted(found, key=ledger_lists.balance_key), notices


def test_the_past_in_portions_is_what_all_events_say_of_it(runtime: Runtime, full_run: bool) -> None:
    """Rejects a past in parts that loses a container's contents, a notice on the lot or a later page's earlier events,
    that gives what two parts name twice, or that looks for a place among what is there now.
    """
    times = captured(runtime, seed=3, count=600 if full_run else 70)
    site = "https://id.gs1.org/414/4012345000016"
    places = (f"{site}/254/ST", f"{site}/254/CAB", f"{site}/254/QU", "https://id.gs1.org/414/9521141000106")
    filters: list[dict[str, str]] = [{}, {"gtin": "09521141010235"}, {"gtin": "09521141045305", "place": places[0]}]
    filters += [{"place": place} for place in places]
    compared = 0
    for as_of, known in [("2026-09-01", None), ("2027-06-30", None), (AS_OF, times[0])]:
        at = visible_events.moment(runtime, as_of, known)
        for caller in callers(runtime).values():
            facts = visible_events.all_facts(runtime, caller, at)
            ledger = visible_events.folded(runtime, caller, facts, at)
            stood = [row for row in stock.balances_of(ledger, caller.organisation) if row.status in stock.STATUSES]
            for wanted in filters:
                asked = [row for row in stood if all(getattr(row, name) == value for name, value in wanted.items())]
                for portions, per_page in ((Portions(3, 2, 7), 2), (Portions(11, 300, 50), 1000)):
                    past = PastStock(runtime, caller, at, wanted, None, in_stock, portions)
                    found, notices = in_portions(past, per_page)
                    assert found == asked, (as_of, known, wanted)
                    for row in found:
                        for key in classes_of(row.gtin, row.lot):
                            record = ledger.stock(key)
                            assert notices.get(key, ()) == (tuple(record.notices) if record is not None else ())
                compared += len(asked)
            spans = place_tree.spans_within(runtime, caller, site)
            found, _ = in_portions(PastStock(runtime, caller, at, {}, spans, in_stock, Portions(3, 2, 7)), 5)
            assert found == [row for row in stood if place_tree.lies_in(row.place, spans)]
    assert compared > 40


def transfers_at(
    runtime: Runtime, caller: Principal, wanted: stock.TransferFilter, per_page: int
) -> list[tuple[str, str, str | None, str]]:
    """(time, item, to, quantity) of every transfer as the answer tells of them, page by page."""
    found: list[tuple[str, str, str | None, str]] = []
    token: str | None = None
    while True:
        page = stock.transfers_page(runtime, caller, wanted, token, per_page)
        told = page.body["transfers"]
        assert len(told) <= per_page
        found += [(one["eventTime"], one["item"], one["to"], one["quantity"]) for one in told]
        if page.next_token is None:
            return found
        token = page.next_token


def test_transfers_of_the_past_are_those_that_all_events_tell(runtime: Runtime, full_run: bool) -> None:
    """Rejects a past that is read off the present where knowledge was less, that forgets what lay in a box whose owner
    changed, and a page that begins again at its first instant.
    """
    times = captured(runtime, seed=3, count=600 if full_run else 90)
    assert times
    compared = 0
    for as_of, known in [("2026-09-01", None), ("2027-06-30", None), *((AS_OF, time) for time in times)]:
        at = visible_events.moment(runtime, as_of, known)
        for caller in callers(runtime).values():
            ledger = visible_events.folded(runtime, caller, visible_events.all_facts(runtime, caller, at), at)
            rows = sorted(map(transfer_row, ledger.transfers.values()), key=lambda row: (row.event_time_us, row.id))
            own = [row for row in rows if caller.organisation in (row.from_party, row.to_party)]
            for per_page in (1, 1000):
                wanted = stock.TransferFilter(as_of=as_of, known_at=known)
                assert transfers_at(runtime, caller, wanted, per_page) == [
                    (format_time_us(row.event_time_us), row.key, row.to_party, row.quantity) for row in own
                ], (as_of, known, per_page)
            for portions in (Portions_(3, 7), Portions_(11, 50)):
                past = PastTransfers(runtime, caller, at, 0, 1 << 62, portions)
                page = past.page(None, 2)
                found = list(page.transfers)
                while page.next is not None:
                    page = past.page(page.next, 2)
                    found += page.transfers
                assert found == own, (as_of, known, portions)
            compared += len(own)
    assert compared > 30


def folds_of(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each fold that the module does is of, as it does them."""
    sizes: list[int] = []
    fold = visible_events.folded

    def counted(*args: Any) -> Any:
        sizes.append(len(args[2]))
        return fold(*args)

    monkeypatch.setattr(module, "folded", counted)
    return sizes


def test_a_page_of_past_transfers_reads_a_page_of_events(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects a page that folds all that the caller sees to tell of a few."""
    times = captured(runtime, seed=5, count=120)
    caller = callers(runtime)[HOSPITAL]
    at = visible_events.moment(runtime, AS_OF, times[-1])
    in_all = len(visible_events.all_facts(runtime, caller, at))
    folded_at_once = folds_of(past_transfers, monkeypatch)
    page = PastTransfers(runtime, caller, at, 0, 1 << 62, Portions_(events=5, walked=5)).page(None, 3)
    assert page.next is not None
    assert sum(folded_at_once) < in_all / 3


def conflicts_at(runtime: Runtime, caller: Principal, wanted: conflicts.ConflictFilter, per_page: int) -> list[str]:
    """The ids of the conflicts told of a moment, page by page."""
    found: list[str] = []
    token: str | None = None
    while True:
        page = conflicts.conflicts_page(runtime, caller, wanted, token, per_page)
        told = [one["id"] for one in page.body["conflicts"]]
        assert len(told) <= per_page
        found += told
        if page.next_token is None:
            return found
        token = page.next_token


def test_conflicts_of_the_past_are_those_that_all_events_raise(
    runtime: Runtime, full_run: bool, figures: list[str]
) -> None:
    """Rejects a part that folds a shipment without all that it brought, a recall without the items of its lot, or one
    of two events under one eventID; and a walk whose pages leave out or repeat what stands at their ends.
    """
    times = captured(runtime, seed=5, count=600 if full_run else 120)
    kinds = set[str]()
    compared = 0
    for as_of, known in [("2026-09-01", None), ("2027-06-30", None), (AS_OF, times[0])]:
        at = visible_events.moment(runtime, as_of, known)
        for caller in callers(runtime).values():
            ledger = visible_events.folded(runtime, caller, visible_events.all_facts(runtime, caller, at), at)
            every = sorted(ledger.conflicts.values(), key=lambda one: (one.event_time_us, one.id), reverse=True)
            own = [one for one in every if caller.organisation in (one.private_to, *one.parties)]
            for portions in (Portions_(3, 5), Portions_(11, 50)):
                past = PastConflicts(runtime, caller, at, portions)
                parts = list(past.parts(None))
                while parts[-1].behind is not None:
                    parts += past.parts(parts[-1].behind)
                found = [one for part in parts for one in part.conflicts]
                assert found == own, (as_of, known, portions)
            for per_page in (1, 1000):
                wanted = conflicts.ConflictFilter(as_of=as_of, known_at=known)
                assert conflicts_at(runtime, caller, wanted, per_page) == [one.id for one in own]
            for item in sorted({key for one in own for key in one.keys})[:12]:
                wanted = conflicts.ConflictFilter(as_of=as_of, known_at=known, item=item)
                assert conflicts_at(runtime, caller, wanted, 2) == [one.id for one in own if item in one.keys], item
            compared += len(own)
            kinds |= {one.kind for one in own}
    assert compared > 40
    figures.append(f"{compared:,} conflicts of the past in parts, of the kinds {', '.join(sorted(kinds))}")


def test_a_page_of_past_conflicts_reads_a_page_of_events(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects a page that folds all that the caller sees to tell of the newest."""
    captured(runtime, seed=5, count=120)
    caller = callers(runtime)[HOSPITAL]
    at = visible_events.moment(runtime, AS_OF, None)
    in_all = len(visible_events.all_facts(runtime, caller, at))
    folded_at_once = folds_of(past_conflicts, monkeypatch)
    *_, last = PastConflicts(runtime, caller, at, Portions_(events=3, walked=3)).parts(None)
    assert last.behind is not None
    assert sum(folded_at_once) < in_all / 2


def in_stock(row: Balance) -> bool:
    return row.status in stock.STATUSES


def test_a_page_of_the_past_reads_a_page_of_events(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects a page that folds the whole past and cuts it: what one page reads stays below the events in all."""
    captured(runtime, seed=5, count=120)
    caller = callers(runtime)[HOSPITAL]
    at = visible_events.moment(runtime, AS_OF, None)
    in_all = len(visible_events.all_facts(runtime, caller, at))
    folded_at_once = folds_of(past_stock, monkeypatch)
    past = PastStock(runtime, caller, at, {}, None, in_stock, Portions(events=5, walked=5))
    first = past.page(Position(None, None), 3)
    assert first.next is not None
    assert sum(folded_at_once) < in_all / 3
