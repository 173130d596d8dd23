"""What statements on a whole class, such as a recall, mean for stock of it; it changes no record."""

from collections.abc import Iterable, Sequence

from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger import steps
from traceward.ledger.facts import LedgerEvent, class_parts
from traceward.ledger.serials import within
from traceward.ledger.state import Notice


def classes_of(gtin: str | None, lot: str | None) -> tuple[str, ...]:
    """The class keys whose notices concern an item of that GTIN and lot: the GTIN's and the lot's."""
    if gtin is None:
        return ()
    product = f"{CANONICAL_STEM}/01/{gtin}"
    return (product,) if lot is None else (product, f"{product}/10/{lot}")


def serials_of_notice(event: LedgerEvent, key: str) -> tuple[tuple[str, str], ...]:
    """The ranges of serials to which an event restricts what it states of a class; empty: it is about all of it."""
    gtin, lot, _ = class_parts(key)
    if lot is not None:
        return ()
    return tuple((first, last) for of_gtin, first, last in event.recalled_serials if of_gtin == gtin)


def stated(event: LedgerEvent, party: str, serials: tuple[tuple[str, str], ...] = ()) -> tuple[Notice, ...]:
    """What an event that moves nothing states by a party: one notice, or none where it sets and takes off no flag."""
    sets = {*event.set_flags}
    if event.disposition in steps.STICKY:
        sets.add(event.disposition or "")
    if not sets and not event.unset_flags:
        return ()
    unset = tuple(sorted(event.unset_flags))
    return (Notice(event.event_time_us, tuple(sorted(sets)), unset, party, event.eid, serials),)


def concerning(notices: Iterable[Notice], key: str) -> list[Notice]:
    """Those of the notices on its classes that are about an item or a lot, by its identifier."""
    serial = class_parts(key)[2]
    return [one for one in notices if within(one.serials, serial)]


def with_notices(
    flags: Iterable[str], status: str, notices: Iterable[Notice], heard: Sequence[str | None], serial: str | None
) -> tuple[str, ...]:
    """The flags of stock, those that notices lay on it or take off it included, sorted.

    serial: the stock's, percent-encoded; None where it has none. heard: the parties whose notices count for this
    stock, which are its maker, owner and holder. What has left stock keeps the flags that it had: a recall says
    nothing of where it is.
    """
    if status in steps.SINKS:
        return tuple(sorted(set(flags)))
    own = sorted((one for one in notices if within(one.serials, serial)), key=lambda one: (one.time_us, one.eid))
    return tuple(sorted(flags_in_force(flags, own, heard)))


def flags_in_force(flags: Iterable[str], notices: Iterable[Notice], heard: Sequence[str | None]) -> frozenset[str]:
    """The flags after those notices, oldest first, whose party is heard."""
    found = set(flags)
    for notice in notices:
        if notice.party in heard:
            found.update(notice.set_flags)
            found.difference_update(notice.unset_flags)
    return frozenset(found)
