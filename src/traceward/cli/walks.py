"""How a command speaks of its walk over every event of a database; it must not do the walk."""

import time
from collections.abc import Callable
from typing import Final

import typer

from traceward.cli.output import print_json
from traceward.store.progress import EVENTS, Tell

_EVERY_S: Final = 1.0


def report_walk(verb: str, walk: Callable[[Tell], int], *, as_json: bool) -> None:
    """Do a walk, telling of it once a second on standard error, and print how many events it was of and how long.

    verb: what happened to the events, as "folded". walk: given what to tell (events done, events in all) to, it does
    the work and gives the number of events.
    """
    started = time.monotonic()
    count = walk(told_by_the_second(started))
    seconds = time.monotonic() - started
    if as_json:
        print_json({"events": count, "seconds": round(seconds, 3)})
    else:
        typer.echo(f"{verb} {count:,} events in {seconds:,.1f} s, {count / max(seconds, 1e-9):,.0f} a second")


def told_by_the_second(started: float | None = None) -> Tell:
    """What a walk tells how far it is to: a line a second on standard error. started: monotonic time."""
    started = time.monotonic() if started is None else started
    last = started
    began: dict[str, float] = {}

    def tell(done: int, total: int, what: str = EVENTS) -> None:
        nonlocal last
        now = time.monotonic()
        since = began.setdefault(what, last if began else started)
        if now - last >= _EVERY_S:
            last = now
            typer.echo(f"{done:,} of {total:,} {what}, {done / max(now - since, 1e-9):,.0f} a second", err=True)

    return tell
