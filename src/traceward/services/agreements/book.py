"""The book of agreements as the store has it, kept parsed until an agreement or a declared place changes.

Counters, moved in the units that write, say whether a parsed book still is the present one; other servers on the same
database move them too. It must not judge or write agreements.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import orjson

from traceward.ledger.agreement import Agreement, AgreementBook, Signature
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.store import counters, master_data_rows
from traceward.store.agreement_models import AgreementSignature, AgreementVersion
from traceward.store.engine import Store
from traceward.store.models import Organisation
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

_AGREEMENTS: Final = "agreements"
_DEPTH: Final = 16


class BookCache:
    """The parsed book of one store; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: tuple[tuple[str, int], ...] | None = None
        self._book = AgreementBook()

    def current(self, store: Store) -> AgreementBook:
        """The book as it stands now."""
        with store.reader() as reader:
            version = _version(reader)
            with self._lock:
                if version != self._version:
                    self._book, self._version = read_book(reader), version
                return self._book

    def within(self, store: Store, tx: WriteTransaction) -> AgreementBook:
        """The book as a unit of the writer finds it, with what the unit itself has changed."""
        version = _version(tx)
        with self._lock:
            if version == self._version:
                return self._book
        book = self.current(store)
        with self._lock:
            if version == self._version:
                return book
        return read_book(tx)  # the unit's own change, which may yet be taken back


def read_book(source: Reader | WriteTransaction) -> AgreementBook:
    """The book as a reader, or a unit of the writer, finds it, with the places that lie below its sites."""
    agreements = _agreements(source.select(AgreementVersion), source.select(AgreementSignature))
    return AgreementBook(agreements, _descendants(source, agreements))


def note_change(tx: WriteTransaction) -> None:
    """Say, in the unit that writes an agreement, that the book is another."""
    counters.bump(tx, _AGREEMENTS)


def _version(reader: Reader | WriteTransaction) -> tuple[tuple[str, int], ...]:
    sql = "SELECT name, value FROM counter WHERE name IN (?,?) ORDER BY name"
    return tuple((name, value) for name, value in reader.fetch(sql, (_AGREEMENTS, master_data_rows.PLACES)))


def _descendants(source: Reader | WriteTransaction, agreements: Iterable[Agreement]) -> dict[str, set[str]]:
    """The places below each site, as its hospital's own master data has them: nobody else may widen an agreement."""
    sites: dict[int, set[str]] = {}
    numbers = {one.id: one.number for one in source.select(Organisation)}
    for one in agreements:
        number = numbers.get(one.terms.hospital)
        if number is not None:
            sites.setdefault(number, set()).update(one.terms.sites)
    found: dict[str, set[str]] = {}
    for number, roots in sites.items():
        children = _children(source, number, roots)
        for site in roots:
            below, frontier = set[str](), {site}
            while frontier:
                frontier = {child for parent in frontier for child in children.get(parent, ())} - below
                below |= frontier
            if below:
                found[site] = below
    return found


def _children(source: Reader | WriteTransaction, number: int, roots: set[str]) -> Mapping[str, set[str]]:
    children: dict[str, set[str]] = {}
    frontier = set(roots)
    sql = "SELECT parent, child FROM master_data_child WHERE party=? AND parent IN {in}"
    for _ in range(_DEPTH):
        rows = source.fetch_in(sql, sorted(frontier), (number,)) if frontier else []
        for parent, child in rows:
            children.setdefault(parent, set()).add(child)
        frontier = {child for _, child in rows} - set(children)
    return children


def _agreements(versions: Sequence[AgreementVersion], signatures: Sequence[AgreementSignature]) -> list[Agreement]:
    signed: dict[tuple[str, int], list[Signature]] = {}
    for one in sorted(signatures, key=lambda row: (row.signed_us, row.party)):
        entry = Signature(one.party, one.principal, one.signed_us)
        signed.setdefault((one.agreement_id, one.version), []).append(entry)
    return [
        Agreement(
            AgreementTerms.model_validate(orjson.loads(row.terms)),
            row.version,
            row.proposed_by,
            row.proposed_us,
            tuple(signed.get((row.agreement_id, row.version), ())),
            date.fromisoformat(row.ended_on) if row.ended_on is not None else None,
        )
        for row in versions
    ]
