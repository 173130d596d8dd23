"""Agreed write-offs of missing stock: proposed by one side, accepted by the other, then an event of the hospital's.

Who pays follows from the agreement: liability, tolerance, grace. What no complete count misses cannot be charged. It
must not change the book but by that event, and writes nothing off that was found meanwhile.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    QueryParameterException,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.times import DAY_US, format_time_us, parse_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.agreement import Agreement, AgreementBook, agreement_key, day_of, price_on, tolerated
from traceward.ledger.alerts_model import WrittenOff
from traceward.ledger.facts import class_parts
from traceward.ledger.steps import ON_HAND
from traceward.services.amounts import rounded, totals
from traceward.services.counting.ghosts import ghosts
from traceward.services.counting.write_off_events import events_of
from traceward.services.identity.principals import Principal, Right, Sight
from traceward.services.intake import capture
from traceward.services.intake.actions import place_of
from traceward.services.intake.documents import BodyFormat, read_event
from traceward.services.intake.writing import WrittenEvents
from traceward.services.queries.visible_events import moment
from traceward.services.runtime import Runtime
from traceward.services.tracing import stock
from traceward.store.count_models import WriteOff
from traceward.store.write import WriteTransaction

_CLAUSE: Final = "Traceward write-offs"
_LISTED: Final = 500


class WriteOffStateException(ResourceAlreadyExistsException):
    """The write-off cannot be had now (409)."""

    title = "The write-off is in another state"


@dataclass(frozen=True, slots=True)
class _Missing:
    """So much of an item that complete counts miss. charged: how much of it is paid for."""

    item: str
    uom: str | None
    quantity: Decimal
    first_missed_us: int
    charged: Decimal = Decimal(0)


class Loss(NamedTuple):
    """A line of a write-off that stands, of what the count of a time first missed at a place."""

    place: str
    first_missed_us: int
    line: WrittenOff


def propose(runtime: Runtime, caller: Principal, request: Mapping[str, Any]) -> dict[str, Any]:
    """Propose to write off what complete counts of a place miss; the other side has yet to accept.

    request: id (optional), place, reason (lost, stolen), items of {item, quantity}. The same id again, of the same
    proposer, is the same proposal. Raises ValidationException for what no count misses, or for goods of several
    agreements, and WriteOffStateException within the time that the agreement gives to find it, and while another
    proposal of the same goods waits for its answer.
    """
    _require_rights(caller)
    place = place_of(request["place"], "place")
    now_us = runtime.now_us()
    write_off_id = request.get("id") or str(uuid.UUID(bytes=runtime.random_bytes(16), version=4))
    key = f"{write_off_id} {caller.organisation}"
    with runtime.store.reader() as reader:
        known = reader.get(WriteOff, key)
    if known is not None:
        return _body(runtime, caller, _own(known, caller, write_off_id))
    supplier, hospital, missing = _missing(runtime, caller, place, request["items"])
    agreement = _agreement(runtime, supplier, hospital, place, missing)
    grace_us = agreement.terms.loss.grace_days * DAY_US
    latest = max(one.first_missed_us for one in missing)
    if latest + grace_us > now_us:
        until = format_time_us(latest + grace_us)
        raise WriteOffStateException(f"by the agreement there is time to find it until {until}")
    tolerance = _tolerance(runtime, caller, agreement, place)
    row = WriteOff(
        id=key,
        supplier=supplier,
        hospital=hospital,
        agreement_id=agreement.terms.agreement_id,
        agreement_version=agreement.version,
        place=place,
        reason=request.get("reason", "lost"),
        items=orjson.dumps([_item_body(one) for one in missing]).decode(),
        payer="supplier",
        proposed_by=caller.organisation,
        proposed_us=now_us,
    )

    def unit(tx: WriteTransaction) -> WriteOff:
        taken = tx.get(WriteOff, key)
        if taken is not None:
            return _own(taken, caller, write_off_id)
        _require_not_proposed(runtime, tx, row)
        # In the unit: what two sides propose at once shares one tolerance.
        row.payer, row.explanation, charged = _charged(runtime, tx, agreement, place, missing, tolerance)
        row.items = orjson.dumps([_item_body(one) for one in charged]).decode()
        tx.put(row)
        return row

    made = runtime.store.committer.run(unit)
    runtime.changes.publish({supplier, hospital})
    return _body(runtime, caller, made)


def accept(runtime: Runtime, caller: Principal, write_off_id: str, proposed_by: str | None = None) -> dict[str, Any]:
    """Accept what the other side proposed: the hospital's events take the goods off the book, charged or not.

    proposed_by: needed where several proposed something under this id. Accepting again changes nothing. Raises
    NoSuchResource, ForbiddenException for the side that proposed, and WriteOffStateException where it was answered
    before, has expired, or counts do not miss it any more: then it is cleared.
    """
    _require_rights(caller)
    row = _row(runtime, caller, write_off_id, proposed_by)
    if caller.organisation == row.proposed_by:
        raise ForbiddenException("a write-off is accepted by the other side")
    if row.state == "accepted":
        return _body(runtime, caller, row)
    _require_in_time(runtime, row)
    if row.state != "proposed":
        raise WriteOffStateException(f"the write-off is {row.state}; expected one that is proposed")
    if not _still_missing(runtime, caller, row):
        _answer(runtime, caller, row, "cleared")
        raise WriteOffStateException("what was missing has been found since; the write-off is cleared")
    hospital = _hospital(runtime, caller, row)
    events = events_of(row, format_time_us(runtime.now_us()))
    raw = [read_event(orjson.dumps(event), BodyFormat(), runtime.limits) for event in events]
    prepared = capture.prepare_all(runtime, hospital, raw)

    def unit(tx: WriteTransaction) -> tuple[WriteOff, WrittenEvents | None]:
        standing = tx.get(WriteOff, row.id)
        assert standing is not None
        if standing.state != "proposed":
            return standing, None
        written = capture.write_whole(runtime, hospital, None, prepared, tx)
        standing.state, standing.answered_by, standing.answered_us = "accepted", caller.organisation, tx.record_time_us
        standing.event_ids = orjson.dumps([event["eventID"] for event in events]).decode()
        tx.put(standing)
        return standing, written

    accepted, written = runtime.store.committer.run(unit)
    if written is not None:
        runtime.changes.publish(written.concerned | {row.supplier, row.hospital})
    return _body(runtime, caller, accepted)


def decline(
    runtime: Runtime, caller: Principal, write_off_id: str, reason: str, proposed_by: str | None = None
) -> dict[str, Any]:
    """Decline what the other side proposed, with a reason that both read, or withdraw one's own proposal.

    reason: may be empty where one withdraws. Raises ValidationException for one that is missing, and what
    `accept` raises.
    """
    _require_rights(caller)
    row = _row(runtime, caller, write_off_id, proposed_by)
    state = "withdrawn" if caller.organisation == row.proposed_by else "declined"
    told = _reason(reason, is_needed=state == "declined")
    if row.state == "proposed":
        _require_in_time(runtime, row)
    return _body(runtime, caller, _answer(runtime, caller, row, state, told))


def _reason(text: str, *, is_needed: bool) -> str | None:
    reason = text.strip()
    if is_needed and not reason:
        message = "reason is empty; expected why the write-off is declined, which both sides read"
        raise ValidationException(message, [Finding("reason", "reason", message, _CLAUSE)])
    return reason or None


def write_offs_of(runtime: Runtime, caller: Principal) -> list[dict[str, Any]]:
    """The write-offs between the caller's organisation and its partners, the newest first."""
    caller.require(Right.READ)
    with runtime.store.reader() as reader:
        found = [
            one
            for column in ("supplier", "hospital")
            for one in reader.select(WriteOff, **{column: caller.organisation})
            if caller.acts_at(one.place)
        ]
    listed = sorted(found, key=lambda one: (one.proposed_us, one.id), reverse=True)[:_LISTED]
    book, now_us = _book(runtime), runtime.now_us()
    return [_told(caller, one, _agreed(book, one), now_us) for one in listed]


def _book(runtime: Runtime) -> AgreementBook:
    return runtime.agreement_books.current(runtime.store)


def _agreed(book: AgreementBook, row: WriteOff) -> Agreement | None:
    """The version of the agreement that a write-off was proposed under; it judges it to its end."""
    versions = book.versions(agreement_key(row.agreement_id, {row.supplier, row.hospital}))
    return next((one for one in versions if one.version == row.agreement_version), None)


def _answer_by_us(row: WriteOff, agreement: Agreement | None) -> int | None:
    """Until when a proposal may be answered: as long as data may be disputed. None where no version says so."""
    return row.proposed_us + agreement.terms.data.dispute_days * DAY_US if agreement is not None else None


def _has_expired(row: WriteOff, agreement: Agreement | None, now_us: int) -> bool:
    until_us = _answer_by_us(row, agreement)
    return row.state == "proposed" and until_us is not None and now_us >= until_us


def _require_in_time(runtime: Runtime, row: WriteOff) -> None:
    agreement = _agreed(_book(runtime), row)
    if _has_expired(row, agreement, runtime.now_us()):
        until = format_time_us(_answer_by_us(row, agreement) or 0)
        raise WriteOffStateException(f"nobody answered the proposal until {until}: it has expired; propose it again")


def _require_not_proposed(runtime: Runtime, tx: WriteTransaction, row: WriteOff) -> None:
    """Refuse goods that another proposal names which waits for its answer."""
    wanted = {one["item"] for one in orjson.loads(row.items)}
    book, now_us = _book(runtime), runtime.now_us()
    for one in tx.select(WriteOff, hospital=row.hospital, supplier=row.supplier, state="proposed"):
        shared = sorted(wanted & {item["item"] for item in orjson.loads(one.items)})
        if one.place == row.place and shared and not _has_expired(one, _agreed(book, one), now_us):
            raise WriteOffStateException(
                f"{shared[0]} is proposed already, by the write-off {_name(one)}; expected an answer to that first"
            )


def _charges(row: WriteOff, agreement: Agreement | None) -> list[dict[str, str]]:
    """What is charged by the agreement's prices of the day of the proposal, by currency; what has none is left out."""
    day = day_of(row.proposed_us)
    found: list[tuple[Decimal, str]] = []
    for one in orjson.loads(row.items):
        line = agreement.line_of(class_parts(one["item"])[0]) if agreement is not None else None
        price = price_on(line, day) if line is not None else None
        charged = Decimal(one["charged"])
        if price is not None and charged:
            found.append((rounded(price.amount * charged, price.currency), price.currency))
    return [{"amount": amount, "currency": currency} for currency, amount in totals(found).items()]


def _body(runtime: Runtime, caller: Principal, row: WriteOff) -> dict[str, Any]:
    return _told(caller, row, _agreed(_book(runtime), row), runtime.now_us())


def _told(caller: Principal, row: WriteOff, agreement: Agreement | None, now_us: int) -> dict[str, Any]:
    """A write-off as both sides read it; state: proposed, accepted, declined, withdrawn, expired or cleared.

    charges: for roles that see prices, None for others.
    """
    until_us = _answer_by_us(row, agreement)
    return {
        "id": _name(row),
        "state": "expired" if _has_expired(row, agreement, now_us) else row.state,
        "charges": _charges(row, agreement) if caller.sees(Sight.PRICE) else None,
        "answerBy": format_time_us(until_us) if until_us is not None else None,
        "supplier": row.supplier,
        "hospital": row.hospital,
        "agreementID": row.agreement_id,
        "agreementVersion": row.agreement_version,
        "place": row.place,
        "reason": row.reason,
        "items": orjson.loads(row.items),
        "payer": row.payer,
        "explanation": row.explanation,
        "proposedBy": row.proposed_by,
        "proposedAt": format_time_us(row.proposed_us),
        "answeredBy": row.answered_by,
        "answerReason": row.answer_reason,
        "answeredAt": format_time_us(row.answered_us) if row.answered_us is not None else None,
        "eventIDs": orjson.loads(row.event_ids),
    }


def _require_rights(caller: Principal) -> None:
    caller.require(Right.CAPTURE)
    caller.require(Right.READ)


def _own(row: WriteOff, caller: Principal, write_off_id: str) -> WriteOff:
    if caller.organisation not in (row.supplier, row.hospital) or not caller.acts_at(row.place):
        raise NoSuchResource(f"there is no write-off {write_off_id[:100]!r}")
    return row


def _name(row: WriteOff) -> str:
    """What its proposer calls a write-off; another's may have the same id."""
    return row.id.partition(" ")[0]


def _row(runtime: Runtime, caller: Principal, write_off_id: str, proposed_by: str | None) -> WriteOff:
    """The write-off of an id that the caller may answer. Raises NoSuchResource, and QueryParameterException where
    several parties proposed something under it.
    """
    pairs = [pair for pair in runtime.agreement_books.current(runtime.store).pairs() if caller.organisation in pair]
    proposers = {caller.organisation, *(party for pair in pairs for party in pair)}
    if proposed_by is not None:
        proposers &= {canonical_identifier(proposed_by)}
    with runtime.store.reader() as reader:
        rows = [reader.get(WriteOff, f"{write_off_id} {party}") for party in sorted(proposers)]
    own = [row for row in rows if row is not None and caller.organisation in (row.supplier, row.hospital)]
    if len(own) > 1:
        named = ", ".join(row.proposed_by for row in own)
        raise QueryParameterException(f"several parties proposed a write-off of this id: {named}; name proposedBy")
    if not own:
        raise NoSuchResource(f"there is no write-off {write_off_id[:100]!r}")
    return _own(own[0], caller, write_off_id)


def _answer(runtime: Runtime, caller: Principal, row: WriteOff, state: str, reason: str | None = None) -> WriteOff:
    def unit(tx: WriteTransaction) -> WriteOff:
        standing = tx.get(WriteOff, row.id)
        assert standing is not None
        if standing.state == state:
            return standing
        if standing.state != "proposed":
            raise WriteOffStateException(f"the write-off is {standing.state}; expected one that is proposed")
        standing.state, standing.answered_by, standing.answered_us = state, caller.organisation, tx.record_time_us
        standing.answer_reason = reason
        tx.put(standing)
        return standing

    answered = runtime.store.committer.run(unit)
    runtime.changes.publish({row.supplier, row.hospital})
    return answered


def _missing(
    runtime: Runtime, caller: Principal, place: str, items: Sequence[Mapping[str, Any]]
) -> tuple[str, str, list[_Missing]]:
    """(supplier, hospital, what is missing) of a request, as far as complete counts miss it."""
    listed = ghosts(runtime, caller, place=place, gtin=None, as_of=None, known_at=None)["ghosts"]
    known = {one["item"]: one for one in listed}
    found: list[_Missing] = []
    sides: set[tuple[str, str]] = set()
    findings: list[Finding] = []
    for index, one in enumerate(items):
        item = canonical_identifier(one["item"])
        ghost = known.pop(item, None)
        wanted = Decimal(str(one["quantity"])) if "quantity" in one else None
        if ghost is None or (wanted is not None and wanted > Decimal(ghost["quantity"])):
            missed = ghost["quantity"] if ghost is not None else "none"
            message = f"items[{index}] is {item}; of it complete counts of the place miss {missed}"
            findings.append(Finding(f"items[{index}]", "not_missing", message, _CLAUSE))
            continue
        quantity = wanted if wanted is not None else Decimal(ghost["quantity"])
        found.append(_Missing(item, ghost["uom"], quantity, parse_time_us(ghost["firstMissed"])))
        sides.add((ghost["owner"] or "", ghost["holder"] or ""))
    if not findings and (len(sides) != 1 or caller.organisation not in next(iter(sides))):
        message = "items are of several owners or holders; expected those of one supplier at one hospital"
        findings.append(Finding("items", "several_parties", message, _CLAUSE))
    if findings:
        raise ValidationException(findings[0].message, findings)
    ((supplier, hospital),) = sides
    return supplier, hospital, found


def _agreement(runtime: Runtime, supplier: str, hospital: str, place: str, missing: Sequence[_Missing]) -> Agreement:
    """The version that judges a loss: the one in force when a count first missed the goods."""
    book = _book(runtime)
    judged = [book.judge(supplier, hospital, class_parts(one.item)[0], place, one.first_missed_us) for one in missing]
    versions = {(one.agreement.key, one.agreement.version) if one is not None else None for one in judged}
    first = judged[0]
    if len(versions) != 1 or first is None:
        message = (
            "items are not all covered by one version of an agreement that was in force when counts missed them;"
            " expected those of one version"
        )
        raise ValidationException(message, [Finding("items", "no_agreement", message, _CLAUSE)])
    return first.agreement


def _tolerance(runtime: Runtime, caller: Principal, agreement: Agreement, place: str) -> Decimal:
    """How much of what a count of the place misses nobody pays, by what the book has there."""
    rows = stock.balances_at(runtime, caller, moment(runtime, None, None), places=[place])
    booked = sum(
        (
            Decimal(row.quantity)
            for row in rows
            if row.status == ON_HAND and row.owner == agreement.terms.supplier and agreement.line_of(row.gtin)
        ),
        Decimal(0),
    )
    return tolerated(agreement, booked)


def _charged(
    runtime: Runtime,
    tx: WriteTransaction,
    agreement: Agreement,
    place: str,
    missing: Sequence[_Missing],
    tolerance: Decimal,
) -> tuple[str, str, list[_Missing]]:
    """(payer, why, what is missing with what of it is charged) by the agreement's terms of loss."""
    if agreement.terms.loss.liable == "supplier":
        return "supplier", "by the agreement the supplier bears losses", list(missing)
    used = _tolerated_before(runtime, tx, agreement, place)
    free = {
        one.first_missed_us: max(Decimal(0), tolerance - used.get(one.first_missed_us, Decimal(0))) for one in missing
    }
    total = sum((one.quantity for one in missing), Decimal(0))
    charged: list[_Missing] = []
    for one in sorted(missing, key=lambda one: one.item):
        part = min(free[one.first_missed_us], one.quantity)
        free[one.first_missed_us] -= part
        charged.append(_Missing(one.item, one.uom, one.quantity, one.first_missed_us, one.quantity - part))
    paid = sum((one.charged for one in charged), Decimal(0))
    if not paid:
        return "supplier", "within the tolerance of the agreement", charged
    return (
        "hospital",
        f"by the agreement the hospital answers for {normal_decimal(paid)} of {normal_decimal(total)} missing",
        charged,
    )


def _tolerated_before(runtime: Runtime, tx: WriteTransaction, agreement: Agreement, place: str) -> dict[int, Decimal]:
    """Time of a count -> how much of what it first missed at the place other write-offs, as they stand, left free.

    The tolerance is one for each count: proposed piece by piece, what it misses would be free altogether.
    """
    rows = tx.select(WriteOff, supplier=agreement.terms.supplier, hospital=agreement.terms.hospital)
    found: dict[int, Decimal] = {}
    for one in standing_losses(_book(runtime), rows, runtime.now_us()):
        if (one.line.agreement_id, one.place) == (agreement.terms.agreement_id, place):
            part = one.line.quantity - one.line.charged
            found[one.first_missed_us] = found.get(one.first_missed_us, Decimal(0)) + part
    return found


def standing_losses(book: AgreementBook, rows: Iterable[WriteOff], now_us: int) -> Iterator[Loss]:
    """What write-offs that are accepted, or wait for their answer in time, take of a count's tolerance."""
    for row in rows:
        if row.state in ("proposed", "accepted") and not _has_expired(row, _agreed(book, row), now_us):
            for one in orjson.loads(row.items):
                quantities = Decimal(one["quantity"]), Decimal(one["charged"])
                line = WrittenOff(row.agreement_id, one["item"], *quantities, waits=row.state == "proposed")
                yield Loss(row.place, parse_time_us(one["firstMissed"]), line)


def _still_missing(runtime: Runtime, caller: Principal, row: WriteOff) -> bool:
    listed = ghosts(runtime, caller, place=row.place, gtin=None, as_of=None, known_at=None)["ghosts"]
    known = {one["item"]: Decimal(one["quantity"]) for one in listed}
    return all(known.get(one["item"], Decimal(0)) >= Decimal(one["quantity"]) for one in orjson.loads(row.items))


def _hospital(runtime: Runtime, caller: Principal, row: WriteOff) -> Principal:
    """Who captures: the hospital, which has accepted just now, or has said so by its proposal."""
    if caller.organisation == row.hospital:
        return caller
    known = runtime.registry.find(row.hospital)
    assert known is not None
    return Principal(known.id, known.name, known.number, "supply", f"write-off {_name(row)}", "agreed write-off")


def _item_body(one: _Missing) -> dict[str, Any]:
    return {
        "item": one.item,
        "uom": one.uom,
        "quantity": normal_decimal(one.quantity),
        "charged": normal_decimal(one.charged),
        "firstMissed": format_time_us(one.first_missed_us),
    }
