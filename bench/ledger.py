"""The ledger at size: recall of a lot, stock of a site, capture with and without it, rebuild, late events.

Prints figures beside their targets; never passes or fails on a time. Run: python3 dev.py bench ledger [EVENTS]
EVENTS is 20,000 unless given; the targets are for 1,000,000, and figures of fewer events are said to be so. "Without
ledger" is the same capture with a projector that shows an event to the parties that it names and does nothing else.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.capture import postgres_urls
from bench.ledger_documents import (
    APART_S,
    EVENTS_A_LOT,
    HOSPITAL,
    SITE,
    SUPPLIER,
    cabinet_of,
    documents,
    long_lot,
    lot_of,
    uses,
)
from bench.ledger_documents import GTIN as LOT_GTIN
from traceward.ledger.facts import LedgerEvent
from traceward.ledger.parties import Parties
from traceward.ledger.projector import Projection, Projector
from traceward.ledger.visibility import named_parties
from traceward.services.identity import parties
from traceward.services.identity.principals import Principal
from traceward.services.intake.capture import capture_document
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.services.tracing import ledger_care, stock, trace
from traceward.store.write import WriteTransaction

TARGET_EVENTS = 1_000_000
DEFAULT_EVENTS = 20_000
LOTS_A_DOCUMENT = 70
ROUND = LOTS_A_DOCUMENT
"""Lots of one round with the ledger and one without, which take turns so that a busy machine slows both."""
ASKED = 25
LENGTHS = (1_000, 10_000, 100_000)
_HOUR_S = 3600
_AT_ONCE = 500
_TRIES = 5


class NoLedger(Projector):
    """Stands in for the ledger: whoever an event names may see it."""

    def apply(
        self, tx: WriteTransaction, new_events: Sequence[LedgerEvent], before: Sequence[LedgerEvent] = ()
    ) -> Projection:
        """Show each shared event to the parties that it names."""
        del tx, before
        known: Parties = self.parties
        return Projection({
            event.eid: frozenset(party for party in named_parties(event, known) if party is not None and party in known)
            for event in new_events if not event.private
        })  # fmt: skip


def main() -> int:
    """Print the figures on SQLite, and on PostgreSQL where there is one."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_EVENTS
    if events < TARGET_EVENTS:
        print(f"{events:,} events; the targets are for {TARGET_EVENTS:,}, and nothing here is extrapolated to them")
    with tempfile.TemporaryDirectory() as name, postgres_urls() as urls:
        folder = Path(name)
        measure("sqlite", lambda place: f"sqlite:///{place}.sqlite3", folder, events)
        if urls is None:
            print("postgresql: no server program found and TRACEWARD_BENCH_POSTGRES_URL not set; not measured")
        else:
            make = urls
            measure("postgresql", lambda _: make(), folder, events)
    return 0


def measure(name: str, url: Callable[[Path], str], folder: Path, events: int) -> None:
    """Print one database's figures."""
    print(name)
    lots = max(events // EVENTS_A_LOT, LOTS_A_DOCUMENT)
    bare = opened(url(folder / f"{name}-bare"), folder)
    bare.projector = NoLedger(bare.registry.parties)
    part = min(lots, 10 * LOTS_A_DOCUMENT)
    runtime = opened(url(folder / name), folder)
    rounds = [(fill(bare, ROUND, start), fill(runtime, ROUND, start)) for start in range(0, part, ROUND)]
    bare.close()
    speed = statistics.median(bare_s / with_s for bare_s, with_s in rounds)
    print(f"  capture with ledger: {speed:.0%} of the speed without (target: 60 %), median of {len(rounds)} rounds")
    done = len(rounds) * ROUND
    lots = max(lots, done)
    taken_s = fill(runtime, lots - done, start=done) + sum(with_s for _, with_s in rounds)
    print(f"  {lots * EVENTS_A_LOT:,} events captured at {lots * EVENTS_A_LOT / taken_s:,.0f} a second")
    clinical, supplier = callers(runtime)
    picked = [place * (lots - 1) // ASKED for place in range(ASKED)]
    recalls = [timed(lambda number=number: recall(runtime, clinical, number)) for number in picked]
    print(f"  recall of a lot to its patients: median {median_ms(recalls):.1f} ms (target: below 100 ms)")
    for who, caller in (("hospital", clinical), ("supplier", supplier)):
        shelves = [timed(lambda number=number, caller=caller: on_hand(runtime, caller, number)) for number in picked]
        print(f"  on hand at a place, for the {who}: median {median_ms(shelves):.1f} ms (target: below 50 ms)")
        sites = [timed(lambda caller=caller: on_hand_of_site(runtime, caller)) for _ in range(ASKED)]
        print(f"  on hand of the site, for the {who}: median {median_ms(sites):.1f} ms (target: below 50 ms)")
    late(runtime, clinical, lots, events)
    started = time.perf_counter()
    count = ledger_care.rebuild(runtime.store, runtime.registry)
    rate = count / (time.perf_counter() - started)
    print(f"  rebuild of ledger and visibility: {rate:,.0f} events a second (target: 5,000)")
    runtime.close()


def late(runtime: Runtime, caller: Principal, lot: int, most: int) -> None:
    """Print what an event of a lot costs as the lot's stream grows: in order, an hour and a month late."""
    made, received = long_lot(lot)
    capture_document(runtime, callers(runtime)[1], made, "rollback")
    capture_document(runtime, caller, received, "rollback")
    done = 0

    def use(late_s: int = 0) -> None:
        nonlocal done
        # Behind the others by a second that no other use has.
        capture_document(runtime, caller, uses(lot, done, 1, late_s=late_s and late_s + done % 600), "rollback")
        done += 1

    for length in (one for one in LENGTHS if one <= most):
        while done < length:
            count = min(_AT_ONCE, length - done)
            capture_document(runtime, caller, uses(lot, done, count), "rollback")
            done += count
        figures = {
            name: median_ms([timed(lambda late_s=late_s: use(late_s)) for _ in range(_TRIES)])
            for name, late_s in (("in order", 0), ("an hour late", _HOUR_S), ("a month late", 30 * 24 * _HOUR_S))
        }
        cost = ", ".join(f"{ms:.1f} ms {name}" for name, ms in figures.items())
        print(f"  one event of a lot with {length:,}, one in {APART_S // 60} minutes: {cost}")


def fill(runtime: Runtime, lots: int, start: int = 0) -> float:
    """Capture so many lots; the seconds that it took."""
    hospital, supplier = callers(runtime)
    taken = 0.0
    for first in range(start, start + lots, LOTS_A_DOCUMENT):
        ours, theirs = documents(first, min(LOTS_A_DOCUMENT, start + lots - first))
        begun = time.perf_counter()
        capture_document(runtime, supplier, ours, "rollback")
        capture_document(runtime, hospital, theirs, "rollback")
        taken += time.perf_counter() - begun
    return taken


def opened(url: str, folder: Path) -> Runtime:
    """The services on an empty database with both organisations."""
    runtime = open_runtime(url, data_dir=folder / "data", limits=Limits(), scan_workers=1)
    for identifier, name, prefix in ((SUPPLIER, "Supplier", "9521141"), (HOSPITAL, "Hospital", "4012345")):
        parties.add_organisation(runtime, identifier=identifier, name=name, company_prefixes=[prefix], places={})
    return runtime


def callers(runtime: Runtime) -> tuple[Principal, Principal]:
    """The hospital's clinical role and the supplier."""
    numbers = {one.id: one.number for one in runtime.registry.organisations()}
    return (
        Principal(HOSPITAL, "Hospital", numbers[HOSPITAL], "clinical", "bench", "bench"),
        Principal(SUPPLIER, "Supplier", numbers[SUPPLIER], "supplier", "bench", "bench"),
    )


def recall(runtime: Runtime, caller: Principal, number: int) -> None:
    """Ask for a lot and its patients."""
    found = trace.lot(runtime, caller, LOT_GTIN, lot_of(number), as_of=None, known_at=None)
    if not found["patients"]:
        raise RuntimeError(f"lot {lot_of(number)} has no patients; expected three")


def on_hand(runtime: Runtime, caller: Principal, number: int) -> None:
    """Ask for the first 100 balances of a place."""
    wanted = stock.StockFilter(place=cabinet_of(number), status="on_hand")
    if not stock.stock_page(runtime, caller, wanted, None, 100).body["items"]:
        raise RuntimeError(f"nothing on hand at {cabinet_of(number)}; expected stock")


def on_hand_of_site(runtime: Runtime, caller: Principal) -> None:
    """Ask for the first 100 balances of a site and all places below it."""
    wanted = stock.StockFilter(within=SITE, status="on_hand")
    if not stock.stock_page(runtime, caller, wanted, None, 100).body["items"]:
        raise RuntimeError(f"nothing on hand within {SITE}; expected stock")


def timed(act: Callable[[], None]) -> float:
    """The seconds that one call takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def median_ms(seconds: Sequence[float]) -> float:
    """The median in milliseconds."""
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    sys.exit(main())
