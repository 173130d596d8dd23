"""The ledger at size: recall of a lot, stock of a site, capture with and without it, rebuild, late events.

Prints figures beside their targets; never passes or fails on a time. Run: python3 dev.py bench ledger [EVENTS]
[--database sqlite|postgresql] [--only capture|read|past|late|rebuild|grown] [--keep FOLDER]
EVENTS is 20,000 unless given; the targets are for 1,000,000, and figures of fewer events are said to be so. "Without
ledger" is the same capture with a projector that shows an event to the parties that it names and does nothing else.
Beside the clock stand the seconds of a processor, of this process and of the PostgreSQL server: on a machine that does
other work they are what the work takes on a core of its own.
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
from bench.effort import Effort, Meter, load
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
from traceward.store.progress import EVENTS
from traceward.store.write import WriteTransaction

TARGET_EVENTS = 1_000_000
DEFAULT_EVENTS = 20_000
LOTS_A_DOCUMENT = 70
ROUND = LOTS_A_DOCUMENT
"""Lots of one round with the ledger and one without, which take turns so that a busy machine slows both."""
CAPTURE_ROUNDS = 10
ASKED = 25
PARTS = ("capture", "read", "past", "late", "rebuild", "grown")
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
        if asked.wants("grown"):
            print_capture_at_size(runtime, 10 * lots)
    finally:
        runtime.close()


def print_capture(url: Callable[[str], str], name: str, folder: Path, events: int) -> None:
    """Print what capture with the ledger comes to of capture without, on two databases that begin empty."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        names = [f"{Path(place).name}/{name}-{kind}" for kind in ("bare", "whole")]
        bare, whole = (opened(url(one) if name == "sqlite" else url(one.replace("/", "-")), folder) for one in names)
        rounds = min(max(events // EVENTS_A_LOT // ROUND, 1), CAPTURE_ROUNDS)
        print_shares("two databases that begin empty", bare, whole, rounds, 0)
        bare.close()
        whole.close()


def print_capture_at_size(runtime: Runtime, beyond: int) -> None:
    """Print the same on the database that holds everything, of lots that are new to it. beyond: no lot is so high.

    The ledger lacks half of these afterwards, until a rebuild.
    """
    whole = runtime.projector
    first = beyond + int(time.time()) % 100_000 * CAPTURE_ROUNDS * ROUND * 2

    def bare(lots: int, start: int) -> None:
        runtime.projector = NoLedger(runtime.registry.parties)
        try:
            fill(runtime, lots, start + CAPTURE_ROUNDS * ROUND)
        finally:
            runtime.projector = whole

    meter = Meter(runtime)
    fill(runtime, ROUND, first)
    efforts = [
        (
            meter.of(partial(bare, ROUND, first + number * ROUND)),
            meter.of(partial(fill, runtime, ROUND, first + number * ROUND)),
        )
        for number in range(1, CAPTURE_ROUNDS)
    ]
    say_shares(f"{stored(runtime):,} events", efforts)


def print_shares(where: str, bare: Runtime, whole: Runtime, rounds: int, first: int) -> None:
    """Print the shares of rounds that take turns, so that a busy machine slows both."""
    meters = Meter(bare), Meter(whole)
    efforts = []
    for number in range(rounds):
        start = first + number * ROUND
        efforts.append(
            (
                meters[0].of(partial(fill, bare, ROUND, start)),
                meters[1].of(partial(fill, whole, ROUND, start)),
            )
        )
        progress("capture", number + 1, rounds)
    say_shares(where, efforts)


def say_shares(where: str, efforts: Sequence[tuple[Effort, Effort]]) -> None:
    """Say what capture without the ledger takes of what capture with it takes."""
    by_clock = statistics.median(bare.clock_s / whole.clock_s for bare, whole in efforts)
    bare, whole = (sum((pair[side] for pair in efforts), Effort(0, 0, 0)) for side in (0, 1))
    say(
        f"capture with ledger, {where}: {bare.core_s / whole.core_s:.0%} of the speed without by processor time, "
        f"{by_clock:.0%} by the clock (target: 60 %), {len(efforts)} rounds; {load()}"
    )


def print_reads(runtime: Runtime, lots: int) -> None:
    """Print what recall of a lot and the stock of a place and of the site take."""
    clinical, supplier = callers(runtime)
    meter = Meter(runtime)
    picked = [place * (lots - 1) // ASKED for place in range(ASKED)]
    print_read(meter, "recall of a lot to its patients", 100, [partial(recall, runtime, clinical, n) for n in picked])
    for who, caller in (("hospital", clinical), ("supplier", supplier)):
        shelves = [partial(on_hand, runtime, caller, number) for number in picked]
        print_read(meter, f"on hand at a place, for the {who}", 50, shelves)
        print_read(
            meter, f"on hand of the site, for the {who}", 50, [partial(on_hand_of_site, runtime, caller)] * ASKED
        )


def print_read(meter: Meter, what: str, target_ms: int, asked: Sequence[Callable[[], object]]) -> None:
    """Print the median of a question that is asked again and again, and what it takes of processors on average."""
    efforts = [meter.of(one) for one in asked]
    ms = median_ms([one.clock_s for one in efforts])
    all_in_all = sum(efforts, Effort(0, 0, 0))
    here, server = (1000 * seconds / len(asked) for seconds in (all_in_all.here_s, all_in_all.server_s))
    of_server = f" and {server:.1f} ms of the server" if server else ""
    say(f"{what}: median {ms:.1f} ms (target: below {target_ms} ms); processor {here:.1f} ms{of_server}; {load()}")


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
    folded = 0

    def work() -> None:
        nonlocal folded
        folded = ledger_care.rebuild(runtime.store, runtime.registry, tell)

    def tell(done: int, in_all: int, what: str = EVENTS, /) -> None:
        progress(f"rebuild, {what}", done, in_all)

    effort = Meter(runtime).of(work)
    of_server = f", and {effort.server_s:,.0f} s of the server" if effort.server_s else ""
    say(
        f"rebuild of ledger and visibility: {folded / effort.core_s:,.0f} events a second on one core (target: 5,000); "
        f"{folded:,} events in {effort.clock_s:,.0f} s, {effort.here_s:,.0f} s of a processor here{of_server}; {load()}"
    )


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
