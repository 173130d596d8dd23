"""Trays that must be sterilised before use: what is known of a load, and the conflict where a use comes too early.

It must not move anything, and it judges only assets (GRAI) of which it is known that they are surgical.
"""

from collections.abc import Iterable

from traceward.ledger import steps
from traceward.ledger.book import Act, Book
from traceward.ledger.state import Instance, Slot

_ASSET = "https://id.gs1.org/8003/"
_INSTRUMENT = "https://id.gs1.org/8004/"
_FAILED = frozenset({"non_conformant", "damaged", "needs_replacement"})


def note_load(container: Instance, children: Iterable[str]) -> None:
    """Take up what packing says of an asset: it is no longer sterile, and with instruments in it, it is surgical."""
    if container.key.startswith(_ASSET):
        container.sterilised = None
        container.surgical = container.surgical or any(child.startswith(_INSTRUMENT) for child in children)


def note_sterilised(act: Act, record: Instance) -> None:
    """Take up that an asset was sterilised; a cycle that failed proves that it must be, and no more."""
    if act.event.biz_step == steps.STERILISING and record.key.startswith(_ASSET):
        record.surgical = True
        if act.event.disposition not in _FAILED:
            record.sterilised = (act.event.event_time_us, act.event.eid)


def check_sterile(book: Book, act: Act, container: Instance) -> None:
    """Raise a conflict where units leave a surgical tray, at another party than its owner, unsterilised."""
    unsterile = container.claimant is None and container.surgical and container.sterilised is None
    if unsterile and container.holder != container.owner:
        book.raise_conflict("sterilisation_missing", act, container)


def check_use(book: Book, act: Act, used: Instance | Slot) -> None:
    """`check_sterile` for what is used straight out of its container."""
    container = book.find(used.container) if used.container is not None else None
    if isinstance(container, Instance):
        check_sterile(book, act, container)
