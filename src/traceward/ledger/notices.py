"""What statements on a whole class, such as a recall, mean for stock of it; it changes no record."""

from collections.abc import Iterable, Sequence

from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger import steps
from traceward.ledger.state import Notice


def classes_of(gtin: str | None, lot: str | None) -> tuple[str, ...]:
    """The class keys whose notices concern an item of that GTIN and lot: the GTIN's and the lot's."""
    if gtin is None:
        return ()
    product = f"{CANONICAL_STEM}/01/{gtin}"
    return (product,) if lot is None else (product, f"{product}/10/{lot}")


def with_notices(
    flags: Iterable[str], status: str, notices: Iterable[Notice], heard: Sequence[str | None]
) -> tuple[str, ...]:
    """The flags of stock, those that notices lay on it or take off it included, sorted.

    heard: the parties whose notices count for this stock, which are its maker, owner and holder. What has left stock
    keeps the flags that it had: a recall says nothing of where it is.
    """
    if status in steps.SINKS:
        return tuple(sorted(set(flags)))
    return tuple(sorted(flags_in_force(flags, sorted(notices, key=lambda one: (one.time_us, one.eid)), heard)))


def flags_in_force(flags: Iterable[str], notices: Iterable[Notice], heard: Sequence[str | None]) -> frozenset[str]:
    """The flags after those notices, oldest first, whose party is heard."""
    found = set(flags)
    for notice in notices:
        if notice.party in heard:
            found.update(notice.set_flags)
            found.difference_update(notice.unset_flags)
    return frozenset(found)
