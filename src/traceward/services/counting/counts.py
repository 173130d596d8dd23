"""Count sessions: begun at a place with a declared scope, filled with reads of labels, kept until they are finished.

A session belongs to the organisation that counts. It must not change the book, nor show its figures in a blind count
before that is closed (`closing` closes).
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.ledger.agreement_terms import GTIN_DIGITS
from traceward.ledger.facts import class_parts
from traceward.services.agreements.agreements import book
from traceward.services.counting.labels import Label, judged, labels_of
from traceward.services.identity.principals import Principal, Right
from traceward.services.intake.actions import place_of
from traceward.services.runtime import Runtime
from traceward.store.count_models import CountRead, CountSession
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

OPEN: Final = frozenset({"open", "recounting"})
"""The states in which labels are read."""

STEPS: Final = {"cycle": "cycle_counting", "accounting": "stock_taking", "opening": "stocking"}
"""What a count is for -> the business step of its events; an opening count begins the book of what it finds."""

MAX_READS: Final = 20_000
"""How many labels one count takes."""

_CLAUSE: Final = "Traceward counts"
_LISTED: Final = 200


class CountStateException(ResourceAlreadyExistsException):
    """The count is in a state in which this cannot be done (409)."""

    title = "The count is in another state"


def begin(runtime: Runtime, caller: Principal, request: Mapping[str, Any]) -> CountSession:
    """A new session, or the one that the same client began under this id with the same scope.

    request: the fields of the wire model, absent ones left out. Raises ForbiddenException for a key bound to another
    place, ResourceAlreadyExistsException where the id stands for a count of something else.
    """
    caller.require(Right.CAPTURE)
    place = place_of(request["place"], "place")
    if not caller.acts_at(place):
        raise ForbiddenException("this key counts at its own place only")
    count_id = request.get("id") or str(uuid.UUID(bytes=runtime.random_bytes(16), version=4))
    supplier = _party(request["supplier"]) if "supplier" in request else None
    wanted = CountSession(
        counter=caller.organisation,
        id=count_id,
        place=place,
        scope=request.get("scope"),
        supplier=supplier,
        gtins=_json(sorted({_gtin(one) for one in request.get("gtins", ())})),
        blind=request.get("blind", False) or _must_be_blind(runtime, caller, place, supplier),
        step=STEPS[request.get("purpose", "cycle")],
        number=f"urn:epcglobal:cbv:bt:{_gln(caller.organisation)}:CC-{count_id}",
        utc_offset=request.get("eventTimeZoneOffset", "+00:00"),
        created_us=runtime.now_us(),
        created_by=caller.name or caller.key_id,
    )

    def unit(tx: WriteTransaction) -> CountSession:
        known = tx.get(CountSession, caller.organisation, count_id)
        if known is None:
            tx.put(wanted)
            return wanted
        if any(getattr(known, name) != getattr(wanted, name) for name in ("place", "scope", "supplier", "gtins")):
            message = f"id {count_id!r} stands for a count of another place or scope"
            raise ResourceAlreadyExistsException(message, [Finding("id", "id_taken", message, _CLAUSE)])
        return known

    return runtime.store.committer.run(unit)


def add_scans(
    runtime: Runtime, caller: Principal, count_id: str, scans: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Count the labels of these scans; what became of each, in order.

    A label whose readID was sent before is not counted again, whatever the state. Raises NoSuchResource,
    CountStateException when there are new labels and the count is closed, ValidationException past `MAX_READS`.
    """
    caller.require(Right.CAPTURE)
    session = session_of(runtime, caller, count_id)
    labels = judged(runtime, caller, session, labels_of(scans))
    now_us = runtime.now_us()

    def unit(tx: WriteTransaction) -> list[dict[str, Any]]:
        standing = tx.get(CountSession, caller.organisation, count_id)
        assert standing is not None
        known = {one.read_id: one for one in tx.select(CountRead, counter=caller.organisation, count_id=count_id)}
        told = []
        for label in labels:
            earlier = known.get(label.read_id)
            if earlier is not None:
                told.append(_read_body(earlier, "undone" if earlier.undone else "sent_before"))
                continue
            if standing.state not in OPEN:
                raise CountStateException(f"the count is {standing.state}; expected one that is open")
            if label.item is None:
                told.append(_refused_body(label))
                continue
            row = _row(caller, count_id, standing.round, len(known), label, now_us)
            outcome = "counted"
            if not row.is_class and any(_is_same(one, row) for one in known.values()):
                outcome = "counted_before"
            elif any(_is_same(one, row) for one in known.values()):
                outcome = "added"
            if len(known) >= MAX_READS:
                message = f"the count has {MAX_READS} reads; finish it and begin another"
                raise ValidationException(message, [Finding("scans", "too_many", message, _CLAUSE)])
            known[row.read_id] = row
            tx.put(row)
            told.append(_read_body(row, outcome))
        return told

    return runtime.store.committer.run(unit)


def undo(runtime: Runtime, caller: Principal, count_id: str, read_id: str) -> None:
    """Take back one read for good: sent again, it stays undone. Raises NoSuchResource, CountStateException."""
    caller.require(Right.CAPTURE)

    def unit(tx: WriteTransaction) -> None:
        session = tx.get(CountSession, caller.organisation, count_id)
        row = tx.get(CountRead, caller.organisation, count_id, read_id)
        if session is None or row is None or not caller.acts_at(session.place):
            raise NoSuchResource(f"there is no read {read_id[:100]!r} in a count {count_id[:100]!r}")
        if row.undone:
            return
        if session.state not in OPEN:
            raise CountStateException(f"the count is {session.state}; expected one that is open")
        row.undone = True
        tx.put(row)

    runtime.store.committer.run(unit)


def abandon(runtime: Runtime, caller: Principal, count_id: str) -> CountSession:
    """End a count that is not to be finished; nothing of it goes on record. Raises what `undo` raises."""
    caller.require(Right.CAPTURE)
    session_of(runtime, caller, count_id)

    def unit(tx: WriteTransaction) -> CountSession:
        session = tx.get(CountSession, caller.organisation, count_id)
        assert session is not None
        if session.state == "finished":
            raise CountStateException("the count is finished; an error declaration takes back its events")
        session.state = "abandoned"
        tx.put(session)
        return session

    return runtime.store.committer.run(unit)


def session_of(runtime: Runtime, caller: Principal, count_id: str) -> CountSession:
    """The caller's own session. Raises NoSuchResource, likewise for a key that is bound to another place."""
    with runtime.store.reader() as reader:
        session = reader.get(CountSession, caller.organisation, count_id)
    if session is None or not caller.acts_at(session.place):
        raise NoSuchResource(f"there is no count {count_id[:100]!r}")
    return session


def sessions_of(runtime: Runtime, caller: Principal) -> list[dict[str, Any]]:
    """The caller's counts, newest first, without their reads."""
    with runtime.store.reader() as reader:
        rows = reader.fetch(
            "SELECT id FROM count_session WHERE counter=? ORDER BY created_us DESC, id DESC LIMIT ?",
            (caller.organisation, _LISTED),
        )
        found = [reader.get(CountSession, caller.organisation, count_id) for (count_id,) in rows]
    return [session_body(one) for one in found if one is not None and caller.acts_at(one.place)]


def reads_of(reader: Reader | WriteTransaction, session: CountSession) -> list[CountRead]:
    """Every read of a session, undone ones included, in the order in which they came."""
    rows = reader.select(CountRead, counter=session.counter, count_id=session.id)
    return sorted(rows, key=lambda one: (one.position, one.read_id))


def session_body(session: CountSession) -> dict[str, Any]:
    """A session as its counter reads it, without reads or outcome. note: what a count of this scope proves."""
    return {
        "id": session.id,
        "number": session.number,
        "place": session.place,
        "scope": session.scope,
        "supplier": session.supplier,
        "gtins": orjson.loads(session.gtins),
        "blind": session.blind,
        "purpose": next(purpose for purpose, step in STEPS.items() if step == session.step),
        "state": session.state,
        "round": session.round,
        "recount": orjson.loads(session.recount),
        "createdAt": format_time_us(session.created_us),
        "createdBy": session.created_by,
        "countedAt": format_time_us(session.counted_us) if session.counted_us is not None else None,
        "finishedAt": format_time_us(session.finished_us) if session.finished_us is not None else None,
        "note": _NOTES[session.scope],
    }


def read_bodies(reads: Sequence[CountRead]) -> list[dict[str, Any]]:
    """The reads of a session as its counter reads them."""
    return [_read_body(one, "undone" if one.undone else "counted") for one in reads]


_NOTES: Final[dict[str | None, str | None]] = {
    "complete": None,
    "partial": "a partial count proves nothing of what it did not see",
    None: "the scope of this count was not declared: it proves nothing of what it did not see",
}


def _must_be_blind(runtime: Runtime, caller: Principal, place: str, supplier: str | None) -> bool:
    agreed = book(runtime)
    return any(
        one.terms.counts.blind
        and caller.organisation in one.parties
        and supplier in (None, one.terms.supplier)
        and agreed.covers(one, place)
        for one in agreed.all_in_force(runtime.now_us())
    )


def _row(caller: Principal, count_id: str, number: int, position: int, label: Label, now_us: int) -> CountRead:
    return CountRead(
        counter=caller.organisation,
        count_id=count_id,
        read_id=label.read_id,
        round=number,
        position=position,
        item=label.item or "",
        is_class=label.is_class,
        quantity=normal_decimal(label.quantity),
        uom=label.uom,
        lot=label.lot,
        expiry=label.expiry,
        manual=label.manual,
        findings=_json(list(label.findings)),
        read_us=label.read_us or now_us,
    )


def _is_same(one: CountRead, other: CountRead) -> bool:
    return not one.undone and (one.item, one.uom, one.round) == (other.item, other.uom, other.round)


def _read_body(row: CountRead, outcome: str) -> dict[str, Any]:
    gtin, lot, serial = class_parts(row.item)
    return {
        "readID": row.read_id,
        "outcome": outcome,
        "item": row.item,
        "gtin": gtin,
        "lot": row.lot or lot,
        "serial": serial,
        "expiry": row.expiry,
        "quantity": row.quantity,
        "uom": row.uom,
        "round": row.round,
        "readAt": format_time_us(row.read_us),
        "findings": orjson.loads(row.findings),
    }


def _refused_body(label: Label) -> dict[str, Any]:
    return {"readID": label.read_id, "outcome": "refused", "findings": list(label.findings)}


def _party(text: str) -> str:
    party = canonical_identifier(text)
    if identifier_kind(party).kind != "pgln":
        message = f"supplier is {text[:100]!r}; expected a party (PGLN)"
        raise ValidationException(message, [Finding("supplier", "party", message, _CLAUSE)])
    return party


def _gtin(text: str) -> str:
    return text.zfill(GTIN_DIGITS)


def _gln(party: str) -> str:
    """The GLN that a business transaction number begins with: the party's own. CBV 2.0 8.5."""
    return party.rpartition("/417/")[2].partition("/")[0]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
