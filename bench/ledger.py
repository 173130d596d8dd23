"""The ledger at size: recall of a lot, stock of a site, capture with and without it, rebuild, late events.

Prints figures beside their targets; never passes or fails on a time. Run: python3 dev.py bench ledger [EVENTS]
[--database sqlite|postgresql] [--only capture|read|past|late|rebuild] [--keep FOLDER]
EVENTS is 20,000 unless given; the targets are for 1,000,000, and figures of fewer events are said to be so. "Without
ledger" is the same capture with a projector that shows an event to the parties that it names and does nothing else.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
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
CAPTURE_ROUNDS = 10
ASKED = 25
PARTS = ("capture", "read", "past", "late", "rebuild")
PAST = "2026-05-05"
"""A day on which every lot has arrived and some of it has been used."""
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
    asked = _parser().parse_args(namespace=Asked())
    if asked.events < TARGET_EVENTS:
        print(
            f"{asked.events:,} events; the targets are for {TARGET_EVENTS:,}, and nothing here is extrapolated to them"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(asked.keep) if asked.keep else Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if asked.database in (None, "sqlite"):
            measure("sqlite", lambda place: f"sqlite:///{folder / place}.sqlite3", folder, asked)
        if asked.database in (None, "postgresql"):
            with postgres_urls() as urls:
                if urls is None:
                    print("postgresql: no server program found and TRACEWARD_BENCH_POSTGRES_URL not set; not measured")
                else:
                    measure("postgresql", _kept_urls(folder, urls) if asked.keep else _new_urls(urls), folder, asked)
    return 0


class Asked(argparse.Namespace):
    """The arguments. only: the parts to measure; None: all."""

    events: int
    database: str | None
    keep: str | None
    only: list[str] | None

    def wants(self, part: str) -> bool:
        """Whether a part is to be measured."""
        return self.only is None or part in self.only


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py bench ledger", description="The ledger at size.")
    parser.add_argument("events", nargs="?", type=int, default=DEFAULT_EVENTS, help="how many events are captured")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="one database instead of both")
    parser.add_argument(
        "--keep", metavar="FOLDER", help="leave the filled databases there, and measure those that are there already; "
        "on PostgreSQL with a server of one's own in TRACEWARD_BENCH_POSTGRES_URL"
    )  # fmt: skip
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part; may be given again")
    return parser


def _new_urls(make: Callable[[], str]) -> Callable[[str], str]:
    return lambda _: make()


def _kept_urls(folder: Path, make: Callable[[], str]) -> Callable[[str], str]:
    """URLs that a file of the folder remembers, so that the next run finds the same databases."""

    def url(name: str) -> str:
        file = folder / f"{name}.url"
        if not file.exists():
            file.write_text(make())
        return file.read_text()

    return url


def measure(name: str, url: Callable[[str], str], folder: Path, asked: Asked) -> None:
    """Print one database's figures."""
    print(name)
    if asked.wants("capture"):
        print_capture(url, name, folder, asked.events)
    if asked.only == ["capture"]:
        return
    lots = max(asked.events // EVENTS_A_LOT, LOTS_A_DOCUMENT)
    runtime = opened(url(name), folder)
    try:
        there = stored(runtime)
        if there == 0:
            taken_s = fill(runtime, lots)
            print(
                f"  {lots * EVENTS_A_LOT:,} events captured at {lots * EVENTS_A_LOT / taken_s:,.0f} a second",
                flush=True,
            )
        elif there < lots * EVENTS_A_LOT:
            raise SystemExit(f"the kept database has {there:,} events; expected {lots * EVENTS_A_LOT:,} or more")
        if asked.wants("read"):
            print_reads(runtime, lots)
        if asked.wants("past"):
            print_past(runtime, lots)
        if asked.wants("late"):
            late(runtime, callers(runtime)[0], lots + int(time.time()), asked.events)
        if asked.wants("rebuild"):
            print_rebuild(runtime)
    finally:
        runtime.close()


def print_capture(url: Callable[[str], str], name: str, folder: Path, events: int) -> None:
    """Print what capture with the ledger comes to of capture without, on two databases that begin empty."""
    rounds = min(max(events // EVENTS_A_LOT // ROUND, 1), CAPTURE_ROUNDS)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        names = [f"{Path(place).name}/{name}-{kind}" for kind in ("bare", "whole")]
        bare, whole = (opened(url(one) if name == "sqlite" else url(one.replace("/", "-")), folder) for one in names)
        bare.projector = NoLedger(bare.registry.parties)
        speeds = []
        for number in range(rounds):
            speeds.append(fill(bare, ROUND, number * ROUND) / fill(whole, ROUND, number * ROUND))
            progress(f"{name}: capture", number + 1, rounds)
        bare.close()
        whole.close()
    speed = statistics.median(speeds)
    say(f"capture with ledger: {speed:.0%} of the speed without (target: 60 %), median of {rounds} rounds")


def print_reads(runtime: Runtime, lots: int) -> None:
    """Print what recall of a lot and the stock of a place and of the site take."""
    clinical, supplier = callers(runtime)
    picked = [place * (lots - 1) // ASKED for place in range(ASKED)]
    recalls = [timed(partial(recall, runtime, clinical, number)) for number in picked]
    say(f"recall of a lot to its patients: median {median_ms(recalls):.1f} ms (target: below 100 ms)")
    for who, caller in (("hospital", clinical), ("supplier", supplier)):
        shelves = [timed(partial(on_hand, runtime, caller, number)) for number in picked]
        say(f"on hand at a place, for the {who}: median {median_ms(shelves):.1f} ms (target: below 50 ms)")
        sites = [timed(partial(on_hand_of_site, runtime, caller)) for _ in range(ASKED)]
        print(
            f"  on hand of the site, for the {who}: median {median_ms(sites):.1f} ms (target: below 50 ms)", flush=True
        )


def print_past(runtime: Runtime, lots: int) -> None:
    """Print what the first page of stock as of another time takes."""
    clinical, supplier = callers(runtime)
    for who, caller in (("hospital", clinical), ("supplier", supplier)):
        for where, wanted in (
            ("everywhere", stock.StockFilter(as_of=PAST)),
            ("at a place", stock.StockFilter(as_of=PAST, place=cabinet_of(lots // 2))),
        ):
            pages = [timed(partial(stock.stock_page, runtime, caller, wanted, None, 100)) for _ in range(_TRIES)]
            ms = median_ms(pages)
            say(f"a page of stock as of an earlier day, {where}, for the {who}: median {ms:.1f} ms")


def print_rebuild(runtime: Runtime) -> None:
    """Print how fast the whole ledger is folded afresh."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = ledger_care.rebuild(runtime.store, runtime.registry, lambda done, in_all: progress("rebuild", done, in_all))
    rate, one_core = count / (time.perf_counter() - wall), count / (time.process_time() - cpu)
    say(f"rebuild of ledger and visibility: {rate:,.0f} events a second (target: 5,000)")
    say(f"the same by the time that this process had a core: {one_core:,.0f} events a second")


def stored(runtime: Runtime) -> int:
    """How many events there are."""
    with runtime.store.reader() as reader:
        return int(reader.fetch("SELECT COUNT(*) FROM event")[0][0])


def say(figure: str) -> None:
    """Print a figure, at once."""
    print(f"  {figure}", flush=True)


def progress(what: str, done: int, in_all: int) -> None:
    """Say on stderr how far something is."""
    print(f"  {what}: {done:,} of {in_all:,}", file=sys.stderr, flush=True)


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
            name: median_ms([timed(partial(use, late_s)) for _ in range(_TRIES)])
            for name, late_s in (("in order", 0), ("an hour late", _HOUR_S), ("a month late", 30 * 24 * _HOUR_S))
        }
        cost = ", ".join(f"{ms:.1f} ms {name}" for name, ms in figures.items())
        say(f"one event of a lot with {length:,}, one in {APART_S // 60} minutes: {cost}")


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
        if (first - start) // LOTS_A_DOCUMENT % 100 == 99:
            progress("lots captured", first - start, lots)
    return taken


def opened(url: str, folder: Path) -> Runtime:
    """The services on a database, with both organisations."""
    runtime = open_runtime(url, data_dir=folder / "data", limits=Limits(), scan_workers=1)
    known = {one.id for one in runtime.registry.organisations()}
    for identifier, name, prefix in ((SUPPLIER, "Supplier", "9521141"), (HOSPITAL, "Hospital", "4012345")):
        if identifier not in known:
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


def timed(act: Callable[[], object]) -> float:
    """The seconds that one call takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def median_ms(seconds: Sequence[float]) -> float:
    """The median in milliseconds."""
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    sys.exit(main())
