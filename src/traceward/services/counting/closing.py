"""The end of a count: its variance, a recount where the agreement asks for one, and one event for each supplier.

It must not change the book: the events are observations, and a variance is answered by agreed events alone. No supplier
reads of another's part.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import Finding, NoSuchResource, ValidationException
from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import format_time_us, parse_time_us
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.ledger.agreement import Agreement, AgreementBook
from traceward.ledger.facts import class_parts, keys
from traceward.ledger.state import item_of
from traceward.ledger.steps import ON_HAND
from traceward.services.agreements import agreements
from traceward.services.counting import counts
from traceward.services.counting.count_events import count_events
from traceward.services.counting.variance import Booked, Line, Part, Read, Scope, parts, product_of, standing_reads
from traceward.services.identity.principals import Principal, Right
from traceward.services.intake import capture
from traceward.services.intake.documents import BodyFormat, read_event
from traceward.services.intake.writing import WrittenEvents
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.visible_events import Moment, facts_of, folded, moment
from traceward.services.runtime import Runtime
from traceward.services.tracing import stock
from traceward.services.tracing.holdings import find_holdings
from traceward.store.compile import VisibleTo
from traceward.store.count_models import CountPart, CountRead, CountSession
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

_LISTED: Final = 200
_RECENT_US: Final = 60_000_000


def close(
    runtime: Runtime, caller: Principal, count_id: str, counted_at: str | None = None, *, nothing_found: bool = False
) -> dict[str, Any]:
    """End the reading of labels and compare with the book of that time; the outcome, or what is to be counted again.

    counted_at: when the count was taken, absent: now. nothing_found: said of a round without reads, that what it was to
    count was looked for and is not there. Closing again changes nothing. Raises NoSuchResource, CountStateException for
    an abandoned count, ValidationException for a round without reads of which nobody says that.
    """
    _require_rights(caller)
    session = counts.session_of(runtime, caller, count_id)
    if session.state not in counts.OPEN:
        return state(runtime, caller, count_id)
    counted_us = parse_time_us(counted_at) if counted_at is not None else runtime.now_us()
    with runtime.store.reader() as reader:
        reads = [one for one in counts.reads_of(reader, session) if not one.undone]
    _require_reads(session, reads, nothing_found=nothing_found)
    found = _parts(runtime, caller, session, reads, counted_us)
    rows = [_part_row(runtime, caller, session, part, counted_us) for part in found]

    def unit(tx: WriteTransaction) -> None:
        standing = tx.get(CountSession, session.counter, session.id)
        assert standing is not None
        if standing.state not in counts.OPEN:
            return
        if [one.read_id for one in counts.reads_of(tx, session) if not one.undone] != [one.read_id for one in reads]:
            raise counts.CountStateException("labels came in while the count was closed; close it again")
        for part in tx.select(CountPart, counter=session.counter, count_id=session.id):
            tx.delete(CountPart, part.counter, part.count_id, part.supplier)
        for row in rows:
            tx.put(row)
        standing.state, standing.counted_us = "closed", counted_us
        tx.put(standing)

    runtime.store.committer.run(unit)
    return state(runtime, caller, count_id)


def recount(runtime: Runtime, caller: Principal, count_id: str) -> dict[str, Any]:
    """Open a second round for the products that differ; what it reads stands in place of the first.

    Raises CountStateException unless the count is closed after its first round.
    """
    _require_rights(caller)
    counts.session_of(runtime, caller, count_id)

    def unit(tx: WriteTransaction) -> None:
        session = tx.get(CountSession, caller.organisation, count_id)
        assert session is not None
        if session.state == "recounting":
            return
        if session.state != "closed" or session.round > 1:
            raise counts.CountStateException(f"the count is {session.state}; expected one closed after its first round")
        session.recount = orjson.dumps(
            _differing(tx.select(CountPart, counter=session.counter, count_id=count_id))
        ).decode()
        session.state, session.round = "recounting", 2
        tx.put(session)

    runtime.store.committer.run(unit)
    return state(runtime, caller, count_id)


def finish(runtime: Runtime, caller: Principal, count_id: str) -> dict[str, Any]:
    """Put a closed count on record: the events of each supplier's part, captured whole, and its variance for both.

    Finishing again changes nothing. Raises CountStateException where a recount is due first.
    """
    _require_rights(caller)
    session = counts.session_of(runtime, caller, count_id)
    if session.state == "finished":
        return state(runtime, caller, count_id)
    with runtime.store.reader() as reader:
        own = reader.select(CountPart, counter=session.counter, count_id=session.id)
        reads = [one for one in counts.reads_of(reader, session) if not one.undone]
    _require_final(session, own)
    made = [(part, count_events(session, part, reads)) for part in own]
    raw = [read_event(orjson.dumps(event), BodyFormat(), runtime.limits) for _, events in made for event in events]
    prepared = capture.prepare_all(runtime, caller, raw)

    def unit(tx: WriteTransaction) -> WrittenEvents | None:
        standing = tx.get(CountSession, session.counter, session.id)
        assert standing is not None
        if standing.state == "finished":
            return None
        if (standing.state, standing.counted_us) != (session.state, session.counted_us):
            raise counts.CountStateException("the count was changed meanwhile; look at it again")
        written = capture.write_whole(runtime, caller, None, prepared, tx)
        for part, events in made:
            part.event_ids = orjson.dumps([event["eventID"] for event in events]).decode()
            part.final = True
            tx.put(part)
        standing.state, standing.finished_us = "finished", tx.record_time_us
        tx.put(standing)
        return written

    written = runtime.store.committer.run(unit)
    if written is not None:
        runtime.changes.publish(written.concerned | {part.supplier for part in own})
    return state(runtime, caller, count_id)


def whole(runtime: Runtime, caller: Principal, request: Mapping[str, Any]) -> dict[str, Any]:
    """A count that was taken without a connection, sent at once: begun, filled, closed and, where asked, finished.

    Sent again it changes nothing. Where a recount is due it stays closed. request: as for `counts.begin`, with scans,
    countedAt and finish.
    """
    session = counts.begin(runtime, caller, request)
    told: list[dict[str, Any]] = []
    if request.get("scans"):
        told = counts.add_scans(runtime, caller, session.id, request["scans"])
    if "countedAt" in request or request.get("finish"):
        close(runtime, caller, session.id, request.get("countedAt"), nothing_found=request.get("nothingFound", False))
    body = state(runtime, caller, session.id) if caller.may(Right.READ) else counts.session_body(session)
    if request.get("finish") and not body.get("recountRequired"):
        body = finish(runtime, caller, session.id)
    return body | {"results": told}


def state(runtime: Runtime, caller: Principal, count_id: str) -> dict[str, Any]:
    """A count as the caller may read it: all of its own; of another's the caller's part, once that is final.

    Raises NoSuchResource.
    """
    with runtime.store.reader() as reader:
        session = reader.get(CountSession, caller.organisation, count_id)
        if session is None or not caller.acts_at(session.place):
            told = reader.select(CountPart, supplier=caller.organisation, count_id=count_id)
            return _others([one for one in told if _is_told(reader, caller, one)], count_id)
        own = reader.select(CountPart, counter=session.counter, count_id=session.id)
        reads = counts.reads_of(reader, session)
    body = counts.session_body(session) | {"reads": counts.read_bodies(reads)}
    required = _recount_due(session, own)
    body["recountRequired"] = required
    if required or session.state == "recounting":
        body["recount"] = _differing(own)
    hidden = session.state in counts.OPEN or (session.blind and required)
    if not session.blind and session.state in counts.OPEN and caller.may(Right.READ):
        body["book"] = _book_bodies(runtime, caller, session)
    body["parts"] = [] if hidden else [part_body(one) for one in own]
    return body


def variances(runtime: Runtime, caller: Principal) -> list[dict[str, Any]]:
    """The final parts of counts that concern the caller, as counter or as supplier, newest first."""
    caller.require(Right.READ)
    with runtime.store.reader() as reader:
        own = reader.select(CountPart, counter=caller.organisation)
        told = reader.select(CountPart, supplier=caller.organisation)
        found = {(one.counter, one.count_id, one.supplier): one for one in [*own, *told] if one.final}
        newest = sorted(found.values(), key=lambda one: (one.counted_us, one.count_id, one.supplier), reverse=True)
        return [part_body(one) for one in newest[:_LISTED] if _is_told(reader, caller, one)]


def part_body(part: CountPart) -> dict[str, Any]:
    """One supplier's part of a count as its two parties read it. variance: units, whichever way."""
    return {
        "countID": part.count_id,
        "counter": part.counter,
        "supplier": part.supplier,
        "place": part.place,
        "scope": part.scope,
        "gtins": orjson.loads(part.gtins),
        "countedAt": format_time_us(part.counted_us),
        "agreementID": part.agreement_id,
        "recountAt": part.recount_at,
        "rounds": part.rounds,
        "variance": part.variance,
        "final": part.final,
        "eventIDs": orjson.loads(part.event_ids),
        "lines": orjson.loads(part.lines),
    }


def _require_rights(caller: Principal) -> None:
    caller.require(Right.CAPTURE)
    caller.require(Right.READ)


def _require_reads(session: CountSession, reads: Sequence[CountRead], *, nothing_found: bool) -> None:
    """Refuse a round that nobody read anything in, unless its counter says that there is nothing."""
    has_reads = any(one.round == session.round for one in reads)
    if has_reads and nothing_found:
        message = "nothingFound is true, and labels were read in this round; expected one or the other"
    elif not has_reads and not nothing_found:
        round_ = "recount" if session.round > 1 else "count"
        message = (
            f"the {round_} has no reads, and proves nothing; expected labels, or nothingFound: true where everything"
            " was looked for and nothing is there"
        )
    elif not has_reads and session.scope != "complete":
        message = "a count that found nothing proves something with the scope complete alone"
    else:
        return
    raise ValidationException(message, [Finding("nothingFound", "no_reads", message, "Traceward counts")])


def _require_final(session: CountSession, own: Sequence[CountPart]) -> None:
    if session.state != "closed":
        raise counts.CountStateException(f"the count is {session.state}; expected one that is closed")
    if _recount_due(session, own):
        gtins = ", ".join(_differing(own)[:10])
        raise counts.CountStateException(f"the variance asks for a recount first, by agreement, of {gtins}")


def _recount_due(session: CountSession, own: Sequence[CountPart]) -> bool:
    """Whether a variance reaches the agreement's threshold and has been counted once only."""
    if session.state != "closed" or session.round > 1:
        return False
    return any(part.recount_at is not None and Decimal(part.variance) >= part.recount_at for part in own)


def _differing(own: Sequence[CountPart]) -> list[str]:
    lines = [line for part in own if part.recount_at is not None for line in orjson.loads(part.lines)]
    return sorted({product_of(line["item"]) for line in lines if line["kind"] != "agrees"})


def _is_told(reader: Reader, caller: Principal, part: CountPart) -> bool:
    """Whether a part is shown: to its counter, and once final to the supplier, if it may see what was captured of it.

    Whose goods the ledger does not take for the supplier's, nobody can lay before it.
    """
    if not caller.acts_at(part.place):
        return False
    if part.counter == caller.organisation:
        return True
    viewers = VisibleTo(caller.viewers)
    return part.final and any(reader.event_by_id(one, viewers) for one in orjson.loads(part.event_ids))


def _others(found: Sequence[CountPart], count_id: str) -> dict[str, Any]:
    if not found:
        raise NoSuchResource(f"there is no count {count_id[:100]!r}")
    return {"id": count_id, "state": "finished", "place": found[0].place, "parts": [part_body(one) for one in found]}


def _parts(
    runtime: Runtime, caller: Principal, session: CountSession, reads: Sequence[CountRead], counted_us: int
) -> list[Part]:
    taken = [Read(one.item, one.is_class, Decimal(one.quantity), one.uom, one.round) for one in reads]
    standing = standing_reads(taken, orjson.loads(session.recount))
    is_past = counted_us < runtime.now_us() - _RECENT_US
    at = Moment(counted_us, None, is_now=False) if is_past else moment(runtime, None, None)
    book = _booked(runtime, caller, session.place, at, {read.item for read in standing})
    holdings = find_holdings(runtime, caller, {read.item for read in standing})
    owners = {item: next((one.owner for one in own if one.owner), None) for item, own in holdings.items()}
    elsewhere = {
        item: sorted({one.place for one in own if one.place not in (None, session.place) and one.status == ON_HAND})
        for item, own in holdings.items()
    }

    def owner_of(item: str) -> str:
        maker = runtime.registry.parties.maker_of(item)
        return owners.get(item) or maker or session.supplier or caller.organisation

    scope = Scope(session.scope == "complete", session.supplier, tuple(orjson.loads(session.gtins)))
    found = parts(
        standing, book, scope, owner_of, {item: [p for p in places if p] for item, places in elsewhere.items()}
    )
    return sorted([*found, *_of_nothing(runtime, caller, session, found, counted_us)], key=lambda one: one.supplier)


def _of_nothing(
    runtime: Runtime, caller: Principal, session: CountSession, found: Sequence[Part], counted_us: int
) -> list[Part]:
    """The parts of suppliers that are to keep a level here, and of whom the count found, and the book has, nothing."""
    if session.scope != "complete":
        return []
    agreed: AgreementBook = agreements.book(runtime)
    asked, told = set(orjson.loads(session.gtins)), {one.supplier for one in found}
    suppliers = {
        one.terms.supplier
        for one in agreed.all_in_force(counted_us)
        if one.terms.hospital == caller.organisation and session.supplier in (None, one.terms.supplier)
        for line in one.terms.lines
        if (not asked or line.gtin in asked) and any(agreed.is_below(session.place, level.place) for level in line.par)
    }
    if session.supplier is not None and asked:
        suppliers.add(session.supplier)
    return [Part(supplier) for supplier in sorted(suppliers - told)]


def _booked(runtime: Runtime, caller: Principal, place: str, at: Moment, seen: Iterable[str] = ()) -> list[Booked]:
    """What the book has loose at a place; of a past moment folded from the items that were there since or are seen."""
    rows = stock.balances_at(runtime, caller, moment(runtime, None, None), places=[place])
    if not at.is_now:
        items = (
            {item_of(row.record_key) for row in rows} | _named_since(runtime, caller, place, at.as_of_us) | set(seen)
        )
        ledger = folded(runtime, caller, facts_of(runtime, caller, items, at), at)
        rows = [row for row in stock.balances_of(ledger, caller.organisation) if row.place == place]
    return [
        Booked(item_of(row.record_key), row.uom, row.owner or caller.organisation, Decimal(row.quantity))
        for row in rows
        if row.status == ON_HAND and row.container is None
    ]


def _named_since(runtime: Runtime, caller: Principal, place: str, time_us: int) -> set[str]:
    """The items that events at a place have named since a time: they may have left it, or come to it."""
    at_place = AnyTerm(tuple((name, place) for name in ("bizLocation", "readPoint", "source:location")))
    query = Query(clauses=(at_place,), event_time=TimeRange(time_us, None))
    with runtime.store.reader() as reader:
        page = reader.find(query, VisibleTo(caller.viewers), limit=runtime.limits.fold_limit_events)
        events = [stored_fact(one, runtime.registry) for one in reader.documents(page.seqs)]
    return {key for event in events if not event.private for key in keys(event)}


def _book_bodies(runtime: Runtime, caller: Principal, session: CountSession) -> list[dict[str, Any]]:
    scope = Scope(True, session.supplier, tuple(orjson.loads(session.gtins)))
    return [
        {"item": one.item, "quantity": normal_decimal(one.quantity), "uom": one.uom}
        for one in _booked(runtime, caller, session.place, moment(runtime, None, None))
        if scope.covers(one.owner, one.item)
    ]


def _part_row(runtime: Runtime, caller: Principal, session: CountSession, part: Part, counted_us: int) -> CountPart:
    agreed = _agreements(runtime, caller, part, session, counted_us)
    scope, gtins = _scope_of(runtime, session, part, agreed)
    return CountPart(
        counter=session.counter,
        count_id=session.id,
        supplier=part.supplier,
        place=session.place,
        scope=scope,
        gtins=orjson.dumps(gtins).decode(),
        lines=orjson.dumps([_line_body(line) for line in part.lines]).decode(),
        agreement_id=agreed[0].terms.agreement_id if len(agreed) == 1 else None,
        recount_at=_recount_at(session, agreed, scope),
        variance=normal_decimal(part.variance),
        rounds=session.round,
        counted_us=counted_us,
    )


def _recount_at(session: CountSession, agreed: Sequence[Agreement], scope: str | None) -> int | None:
    """From how many units on a part is counted again: the strictest of its agreements says so.

    An opening count has no book to differ from.
    """
    if scope != "complete" or session.step == counts.STEPS["opening"]:
        return None
    return min((one.terms.counts.recount_at for one in agreed), default=None)


def _scope_of(
    runtime: Runtime, session: CountSession, part: Part, agreed: Sequence[Agreement]
) -> tuple[str | None, list[str]]:
    """The scope of a part, and its products: those of this supplier alone, so that none learns of another's.

    A supplier other than the one whose stock was to be counted is seen in part at most.
    """
    if session.scope != "complete":
        return session.scope, []
    if session.supplier not in (None, part.supplier):
        return "partial", []
    own = {product_of(line.item) for line in part.lines}
    lines = {line.gtin for one in agreed for line in one.terms.lines}
    asked = orjson.loads(session.gtins)
    maker_of = runtime.registry.parties.maker_of
    made = {gtin for gtin in asked if maker_of(f"{CANONICAL_STEM}/01/{gtin}") == part.supplier}
    return "complete", sorted(((own | lines | made) & set(asked)) if asked else own | lines)


def _agreements(
    runtime: Runtime, caller: Principal, part: Part, session: CountSession, counted_us: int
) -> list[Agreement]:
    """The agreements that a part is about: all that the two have of the place, or of the products counted there."""
    book: AgreementBook = agreements.book(runtime)
    asked = set(orjson.loads(session.gtins))
    return [
        one
        for one in book.all_in_force(counted_us)
        if one.terms.supplier == part.supplier
        and caller.organisation in one.parties
        and book.covers(one, session.place)
        and (not asked or any(line.gtin in asked for line in one.terms.lines))
    ]


def _line_body(line: Line) -> dict[str, Any]:
    gtin, lot, serial = class_parts(line.item)
    return {
        "item": line.item,
        "gtin": gtin,
        "lot": lot,
        "serial": serial,
        "uom": line.uom,
        "kind": line.kind,
        "booked": normal_decimal(line.booked),
        "counted": normal_decimal(line.counted),
        "difference": normal_decimal(line.difference),
        "places": list(line.places),
    }
