"""Who may see which event, written as each viewer's own index rows; follows the ledger's projections.

It must not decide visibility: the ledger's fold does, and a private event is for its captors' clinical role alone.
"""

from collections.abc import Collection, Iterable, Mapping

from traceward.ledger.closure import stored_event
from traceward.ledger.projector import Projection, Projector
from traceward.ledger.visibility import named_parties
from traceward.services.agreements.book import read_book
from traceward.services.identity.principals import CARRIER, CARRIER_STEPS, clinical_viewer, shared_viewer
from traceward.services.identity.registry import Registry
from traceward.services.indexing.preparation import stored_terms
from traceward.store.afresh import forget_shown
from traceward.store.progress import SHOWN, Tell
from traceward.store.rows import StoredEvent, Visible
from traceward.store.terms import PreparedTerms, term_hasher
from traceward.store.write import WriteTransaction

_AT_ONCE = 1000
_EVENTS = "SELECT seq, eid, record_time_us FROM event WHERE seq>? AND NOT private ORDER BY seq LIMIT ?"


def index_projection(
    tx: WriteTransaction, registry: Registry, projection: Projection, fresh: Mapping[bytes, Visible], secret: bytes
) -> set[str]:
    """Write what a projection says about visibility; gives the parties that may see something new.

    fresh: for each event of this unit its row, to which any viewer is put; its terms are at hand.
    """
    rows: list[Visible] = []
    concerned: set[str] = set()
    for eid, parties in projection.visible.items():
        row = fresh.get(eid)
        if row is None:
            continue
        shown = _who_may_see(registry, parties, row.terms, secret)
        concerned.update(shown)
        rows += [row._replace(viewer=shared_viewer(number)) for number in registry.numbers(shown)]
    gained = {(party, eid) for party, eid in projection.newly_visible if registry.find(party) is not None}
    lost = {(party, eid) for party, eid in projection.no_longer if registry.find(party) is not None}
    known = {eid for _, eid in gained | lost} - fresh.keys()
    earlier = _earlier_rows(tx, known, secret)
    for party, eid in sorted(gained):
        row = fresh.get(eid) or earlier.get(eid)
        if row is not None and _who_may_see(registry, (party,), row.terms, secret):
            concerned.add(party)
            rows += [row._replace(viewer=shared_viewer(number)) for number in registry.numbers([party])]
    tx.index_visible(rows)
    hidden = [
        row._replace(viewer=shared_viewer(number))
        for party, eid in sorted(lost)
        if (row := fresh.get(eid) or earlier.get(eid)) is not None
        for number in registry.numbers([party])
    ]
    tx.remove_visible(hidden)
    return concerned


def index_private(tx: WriteTransaction, party_number: int, fresh: Iterable[Visible]) -> None:
    """Let the clinical role of a party find its own private events."""
    tx.index_visible([row._replace(viewer=clinical_viewer(party_number)) for row in fresh])


def rebuild(tx: WriteTransaction, registry: Registry, secret: bytes, tell: Tell | None = None) -> int:
    """Fold everything anew and make every party's index rows what comes out; the number of events folded."""
    parties = registry.parties
    count = Projector(parties, agreements=read_book).rebuild(tx, tell)
    party_ids = {one.number: one.id for one in registry.organisations()}
    known = frozenset(party_ids.values())
    table = "arrival" if tx.dialect == "sqlite" else "visible"
    carriers = {one.id for one in registry.organisations() if one.kind == CARRIER}
    last = looked = 0
    shared = tx.fetch("SELECT COUNT(*) FROM event WHERE NOT private")[0][0]
    while rows := tx.fetch(_EVENTS, (last, _AT_ONCE)):
        last = rows[-1][0]
        seen_now: dict[int, set[str]] = {}
        for number, party in party_ids.items():
            # Event numbers follow recordTime, by which both tables can be read.
            standing = f"SELECT seq FROM {table} WHERE viewer=? AND record_time_us BETWEEN ? AND ?"  # noqa: S608
            for (seq,) in tx.fetch(standing, (shared_viewer(number), rows[0][2], rows[-1][2])):
                seen_now.setdefault(seq, set()).add(party)
        visible = _shown(tx, [bytes(eid) for _, eid, _ in rows])
        doubtful = [
            seq
            for seq, eid, _ in rows
            if (told := visible.get(bytes(eid))) is None
            or not carriers.isdisjoint(told)
            or told.intersection(known) != seen_now.get(seq, set())
        ]
        _show_anew(tx, registry, tx.events(doubtful, witnesses=True), visible, seen_now, secret)
        looked += len(rows)
        if tell is not None:
            tell(looked, shared, SHOWN)
    forget_shown(tx)
    return count


def _show_anew(
    tx: WriteTransaction,
    registry: Registry,
    events: Iterable[StoredEvent],
    visible: Mapping[bytes, frozenset[str]],
    seen_now: Mapping[int, Collection[str]],
    secret: bytes,
) -> None:
    """Make the index rows of these shared events what the ledger shows. seen_now: by number, who has a row of it."""
    names = {one.number: one.id for one in registry.organisations()}
    numbers = {party: number for number, party in names.items()}
    gained: list[Visible] = []
    lost: list[Visible] = []
    for event in events:
        seen = visible.get(event.eid)
        if seen is None:
            fact = stored_event(event, lambda numbers: tuple(sorted(names[one] for one in numbers)))
            seen = frozenset(party for party in named_parties(fact, registry.parties) if party is not None)
        row = _row(event, stored_terms(event.text, event.context, event.event_id, secret))
        wanted = _who_may_see(registry, seen, row.terms, secret) & numbers.keys()
        now = frozenset(seen_now.get(event.seq, ()))
        gained += [row._replace(viewer=shared_viewer(numbers[party])) for party in sorted(wanted - now)]
        lost += [row._replace(viewer=shared_viewer(numbers[party])) for party in sorted(now - wanted)]
    tx.index_visible(gained)
    tx.remove_visible(lost)


def _shown(tx: WriteTransaction, eids: Iterable[bytes]) -> dict[bytes, frozenset[str]]:
    """The parties to which the rebuilt ledger shows each of these events; events yet to come are left out."""
    seen: dict[bytes, set[str]] = {}
    for eid, party in tx.fetch_in("SELECT eid, party FROM ledger_shown WHERE eid IN {in}", eids):
        seen.setdefault(bytes(eid), set()).add(party)
    return {eid: frozenset(parties) for eid, parties in seen.items()}


def _who_may_see(registry: Registry, parties: Collection[str], terms: PreparedTerms, secret: bytes) -> frozenset[str]:
    """Those of the parties that an event which concerns them is shown to: a carrier sees movements only."""
    carriers = [party for party in parties if (known := registry.find(party)) is not None and known.kind == CARRIER]
    if not carriers:
        return frozenset(parties)
    hashed = term_hasher(secret).hash
    if terms.biz_step in {hashed(("bizStep", step)) for step in CARRIER_STEPS}:
        return frozenset(parties)
    return frozenset(parties).difference(carriers)


def _earlier_rows(tx: WriteTransaction, eids: Collection[bytes], secret: bytes) -> dict[bytes, Visible]:
    """A row, without viewer, for each of these stored events that is shared."""
    if not eids:
        return {}
    events = tx.events({found.seq for found in tx.existing(eids).values()})
    return {
        event.eid: _row(event, stored_terms(event.text, event.context, event.event_id, secret))
        for event in events
        if not event.private
    }


def _row(event: StoredEvent, terms: PreparedTerms) -> Visible:
    return Visible(0, event.seq, event.event_time_us, event.record_time_us, terms)
