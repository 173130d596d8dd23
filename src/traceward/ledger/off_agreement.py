"""The conflict "off_agreement": goods of a supplier received or used where none of its agreements covers them.

Pure. It judges what the fold found, by the versions in force at the event's time. It must not change any of that, nor
judge parties before the first day of their first agreement: who has agreed on nothing breaks no agreement.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from traceward.epcis.times import DAY_US
from traceward.ledger.agreement import Agreement, AgreementBook, start_of
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.facts import class_parts
from traceward.ledger.parties import Parties
from traceward.ledger.state import Dealing, Ledger

KIND: Final = "off_agreement"
EVER_US: Final = -(1 << 62)
Pair = tuple[str, str]
"""(supplier, hospital)."""


def raised(dealings: Iterable[Dealing], book: AgreementBook, parties: Parties) -> list[Conflict]:
    """A conflict for each dealing that no agreement covers, in the version of its eventTime."""
    return [would_be(one, parties) for one in dealings if _is_off(one, book)]


def would_be(dealing: Dealing, parties: Parties) -> Conflict:
    """The conflict that a dealing is where nothing covers it; its id does not rest on any agreement."""
    where = dealing.place or "an unknown place"
    pair = f"{parties.name_of(dealing.supplier)} with {parties.name_of(dealing.hospital)}"
    return conflict(
        KIND,
        (dealing.key,),
        (dealing.eid,),
        (dealing.supplier, dealing.hospital),
        dealing.event_time_us,
        subject=dealing.id,
        what=f"{dealing.what} at {where}, which no agreement of {pair} covers for it then",
    )


def judged(ledger: Ledger, book: AgreementBook, parties: Parties) -> Ledger:
    """The ledger with the conflicts that its dealings are by this book of agreements."""
    found = {one.id: one for one in raised(ledger.dealings.values(), book, parties)}
    return replace(ledger, conflicts=dict(sorted((ledger.conflicts | found).items())))


def changed_from(old: AgreementBook, new: AgreementBook) -> Mapping[Pair, int]:
    """The pairs whose dealings may be judged otherwise by another book, and from which time on (microseconds UTC)."""
    found: dict[Pair, int] = {}
    for pair in sorted({*old.pairs(), *new.pairs()}):
        before, after = _versions(old, pair), _versions(new, pair)
        times = [
            _differs_from(before.get(name), after.get(name))
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
        ]
        sites = {site for one in (*before.values(), *after.values()) for site in one.terms.sites}
        if any(old.below(site) != new.below(site) for site in sites):
            times.append(EVER_US)
        if times:
            found[pair] = min(times)
    return found


def _is_off(dealing: Dealing, book: AgreementBook) -> bool:
    gtin, _, _ = class_parts(dealing.key)
    at_us, pair = dealing.event_time_us, (dealing.supplier, dealing.hospital)
    return book.has_begun(*pair, at_us) and book.judge(*pair, gtin, dealing.place, at_us) is None


def _versions(book: AgreementBook, pair: Pair) -> dict[tuple[str, int], Agreement]:
    return {(one.terms.agreement_id, one.version): one for one in book.versions_of_pair(*pair)}


def _differs_from(old: Agreement | None, new: Agreement | None) -> int:
    """The first moment for which two states of one version, of which one may be missing, differ."""
    if old is not None and new is not None and replace(old, ended_on=None) == replace(new, ended_on=None):
        days = [day for day in (old.ended_on, new.ended_on) if day is not None]
        return start_of(min(days)) + DAY_US
    return start_of(min(one.terms.valid_from for one in (old, new) if one is not None))
