"""Settlements: what a period of an agreement comes to, recorded once and never changed; both sides sign its digest.

A use that becomes known, or is taken back, after its period was settled comes as a correction line of the next
settlement, with the time when it happened and the time when it was told. It must not read a price from an event.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

import orjson

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import (
    Finding,
    NoSuchResource,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.ledger.agreement import Agreement, AgreementBook
from traceward.services.agreements import agreements
from traceward.services.amounts import money, totals
from traceward.services.identity.principals import Principal, Right, Sight
from traceward.services.money.settlement_periods import (
    PER_USE,
    Period,
    cadence_at,
    correcting_cadence,
    name_of,
    period_of,
)
from traceward.services.money.usage import item_body, require_sight
from traceward.services.money.usage_events import STANDING, UseEvent, UseLine, read_uses
from traceward.services.money.usage_prices import Charge, charge_of
from traceward.services.runtime import Runtime
from traceward.services.tracing.labels import with_labels
from traceward.store import business_lists
from traceward.store.business_models import Settlement, SettlementLine, SettlementSignature
from traceward.store.read import Reader
from traceward.store.rows import OwnershipTransfer
from traceward.store.write import WriteTransaction

_CLAUSE: Final = "Traceward settlement: a period is settled once, after its end"
_TRIES: Final = 5
_AT_ONCE: Final = 1000
CURRENT, LATE, PRICED, TAKEN_BACK = "current", "late", "priced", "taken_back"


@dataclass(frozen=True, slots=True)
class _Settled:
    """What has been settled of one line of a use so far."""

    quantity: Decimal
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A settlement as computed, and how many there were of the agreement when it was."""

    period: Period
    agreement: Agreement
    known_us: int
    before: int
    previous: str | None
    lines: tuple[tuple[str, dict[str, Any]], ...]


def settle(
    runtime: Runtime, caller: Principal, agreement_id: str, period_name: str, counterparty: str | None = None
) -> dict[str, Any]:
    """Settle a period of an agreement; a period that is settled already is given as it was.

    counterparty: the other side, needed where the caller has agreements of this id with several.
    Raises NoSuchResource for an agreement that is not the caller's or a use that is not there, ValidationException for
    a period that is not over or is not how the agreement settles, ForbiddenException for roles that see no prices.
    """
    _require(caller)
    caller.require(Right.CAPTURE)
    for _ in range(_TRIES):
        with runtime.store.reader() as reader:
            # Whether something is settled is not for strangers to the agreement.
            book = agreements.book_of(reader)
            agreement = agreements.signed_versions(book, caller, agreement_id, counterparty)[-1]
            done = _of_period(reader, agreement, period_name)
            if done is not None:
                return find(runtime, caller, done)
            try:
                draft = _draft(runtime, reader, caller, book, agreement, period_name)
            except NoSuchResource:
                # Somebody else may have settled it since it was looked for, so that nothing of it is left.
                done = _of_period(reader, agreement, period_name)
                if done is None:
                    raise
                return find(runtime, caller, done)
        stored = runtime.store.committer.run(partial(_store, caller=caller, draft=draft))
        if stored is not None:
            return find(runtime, caller, stored)
    raise ResourceAlreadyExistsException(f"{agreement_id[:200]!r} is being settled by others; try again")


def find(runtime: Runtime, caller: Principal, settlement_id: str) -> dict[str, Any]:
    """A settlement of the caller's organisation with its signatures. Raises NoSuchResource, ForbiddenException."""
    _require(caller)
    with runtime.store.reader() as reader:
        row = reader.get(Settlement, settlement_id)
        if row is None or caller.organisation not in (row.supplier, row.hospital):
            raise NoSuchResource(f"there is no settlement {settlement_id[:80]!r}")
        signatures = reader.select(SettlementSignature, settlement_id=settlement_id)
    return _body(row, signatures) | {"content": orjson.loads(row.content)}


def listed(runtime: Runtime, caller: Principal, most: int = 1000) -> list[dict[str, Any]]:
    """The newest settlements of the caller's organisation, without their lines. Raises ForbiddenException."""
    _require(caller)
    found = []
    with runtime.store.reader() as reader:
        for name in business_lists.settlements_of_party(reader, caller.organisation, most):
            row = reader.get(Settlement, name)
            assert row is not None
            found.append(_body(row, reader.select(SettlementSignature, settlement_id=name)))
    return found


def sign(runtime: Runtime, caller: Principal, settlement_id: str, digest: str) -> dict[str, Any]:
    """Sign a settlement for the caller's side by its digest; signing again changes nothing.

    Raises NoSuchResource, ForbiddenException, and ValidationException where the digest is another.
    """
    known = find(runtime, caller, settlement_id)
    caller.require(Right.CAPTURE)
    if digest.lower() != known["digest"]:
        message = f"digest is {digest[:80]!r}; the settlement's is {known['digest']!r}: nothing was signed"
        raise ValidationException(message, [Finding("digest", "digest_mismatch", message, _CLAUSE)])

    def unit(tx: WriteTransaction) -> None:
        if tx.get(SettlementSignature, settlement_id, caller.organisation) is None:
            tx.put(
                SettlementSignature(
                    settlement_id=settlement_id,
                    party=caller.organisation,
                    principal=caller.name or caller.key_id,
                    digest=known["digest"],
                    signed_us=tx.record_time_us,
                )
            )

    runtime.store.committer.run(unit)
    return find(runtime, caller, settlement_id)


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of JSON with sorted keys, no blanks and UTF-8: whoever has the content can make it again."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _require(caller: Principal) -> None:
    caller.require(Right.READ)
    require_sight(caller, Sight.PRICE)


def _of_period(reader: Reader, agreement: Agreement, period: str) -> str | None:
    rows = reader.fetch("SELECT id FROM settlement WHERE agreement_id=? AND period=?", (agreement.key, period))
    return str(rows[0][0]) if rows else None


def _draft(
    runtime: Runtime, reader: Reader, caller: Principal, book: AgreementBook, agreement: Agreement, period_name: str
) -> _Draft:
    known_us, agreement_id = runtime.now_us(), agreement.terms.agreement_id
    period, only_corrects = _checked(book, agreement, period_name, known_us)
    earlier = business_lists.settlements_of_agreement(reader, agreement.key)
    settled = _settled(business_lists.settled_of_agreement(reader, agreement.key))
    lines = _lines(runtime, reader, caller, book, agreement, period, {one[0] for one in earlier}, settled, known_us)
    ordered = sorted(lines, key=lambda one: (one[1]["eventTime"], one[0]))
    labelled = with_labels(reader, caller, [line for _, line in ordered])
    ordered = [(key, line) for (key, _), line in zip(ordered, labelled, strict=True)]
    if period.cadence == PER_USE and not any(line["kind"] == CURRENT for _, line in ordered):
        raise NoSuchResource(f"{agreement_id[:200]!r} has no use {period_name[:200]!r} to settle")
    if only_corrects and not ordered:
        raise NoSuchResource(f"{agreement_id[:200]!r} has nothing in {period_name[:200]!r} that corrects a settlement")
    previous = earlier[-1][2] if earlier else None
    return _Draft(period, agreement, known_us, len(earlier), previous, tuple(ordered))


def _checked(book: AgreementBook, agreement: Agreement, name: str, now_us: int) -> tuple[Period, bool]:
    """The period of a name, and whether it can hold nothing but corrections of what was settled before.

    Raises ValidationException for one that is not over, or is not how the agreement settles.
    """

    def refuse(code: str, message: str) -> ValidationException:
        return ValidationException(message, [Finding("period", code, message, _CLAUSE)])

    try:
        period = period_of(name)
    except ValueError as error:
        raise refuse("period", f"period is {name[:40]!r}; expected a month (2026-03) or a day (2026-03-12)") from error
    if period.start_us is None or period.end_us is None:
        return period, False
    if period.end_us >= now_us:
        raise refuse(
            "not_over", f"period is {name!r}, which ends {format_time_us(period.end_us)}; expected its end past"
        )
    cadences = {cadence_at(book, agreement.key, at_us) for at_us in (period.start_us, period.end_us)} - {None}
    if period.cadence in cadences:
        return period, False
    # Uses are settled one by one, or no version is in force any more: what was settled can be corrected all the same.
    begun = book.has_begun(agreement.terms.supplier, agreement.terms.hospital, period.end_us)
    if begun and not cadences - {PER_USE} and period.cadence == correcting_cadence(agreement.terms.use.settlement):
        return period, True
    told = " or ".join(sorted(filter(None, cadences))) or "nothing then: no version was in force"
    raise refuse("cadence", f"period is {name!r} ({period.cadence}); the agreement settles {told}")


def _settled(rows: Iterable[tuple[str, str, str | None, str | None, str]]) -> dict[str, tuple[_Settled, str]]:
    """Line key -> what has been settled of it, and in which period the use lies."""
    found: dict[str, tuple[_Settled, str]] = {}
    for key, quantity, amount, currency, period in rows:
        before, _ = found.get(key, (_Settled(Decimal(0), None, None), period))
        sum_ = (before.amount or Decimal(0)) + Decimal(amount) if amount is not None else before.amount
        found[key] = (_Settled(before.quantity + Decimal(quantity), sum_, currency or before.currency), period)
    return found


def _lines(
    runtime: Runtime,
    reader: Reader,
    caller: Principal,
    book: AgreementBook,
    agreement: Agreement,
    period: Period,
    closed: set[str],
    settled: Mapping[str, tuple[_Settled, str]],
    known_us: int,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(line key, line) of what the period comes to, and of what corrects periods that are settled."""
    standing = set[str]()
    passed = _passed(reader, agreement, known_us)
    for use, line in _priced_anew(runtime, reader, caller, passed, settled):
        key = use.line_key(line)
        charge = charge_of(book, use, line)
        if charge.agreement is None or charge.agreement.key != agreement.key:
            continue
        standing.add(key)
        own = name_of(book, agreement.key, use)
        before = settled[key][0] if key in settled else None
        if own == period.name and before is None:
            yield key, _line(CURRENT, use, line, charge, own)
        elif own in closed and (before is None or before.quantity != line.quantity):
            yield key, _line(LATE, use, line, charge, own, before)
        elif own in closed and charge.amount is not None:
            yield key, _line(PRICED, use, line, charge, own, before)
    unchanged = {key for key, quantity in passed.items() if key in settled and settled[key][0].quantity == quantity}
    for key in sorted(settled.keys() - standing - unchanged):
        before, own = settled[key]
        if before.quantity:
            yield key, _taken_back(runtime, reader, caller, key, before, own)


def _passed(reader: Reader, agreement: Agreement, known_us: int) -> dict[str, Decimal]:
    """Line key -> quantity that passed from the supplier to the hospital and counts, up to now."""
    found: dict[str, Decimal] = {}
    after: tuple[int, str] | None = None
    while True:
        page = business_lists.transfers_between(
            reader,
            agreement.terms.supplier,
            agreement.terms.hospital,
            from_us=0,
            before_us=known_us + 1,
            after=after,
            limit=_AT_ONCE,
        )
        for row in page:
            if not row.voided:
                found[_key(row)] = found.get(_key(row), Decimal(0)) + Decimal(row.quantity)
        if len(page) < _AT_ONCE:
            return found
        after = (page[-1].event_time_us, page[-1].id)


def _key(row: OwnershipTransfer) -> str:
    return f"{bytes(row.eid).hex()}|{row.key}"


def _priced_anew(
    runtime: Runtime,
    reader: Reader,
    caller: Principal,
    passed: Mapping[str, Decimal],
    settled: Mapping[str, tuple[_Settled, str]],
) -> Iterator[tuple[UseEvent, UseLine]]:
    """The lines not settled yet, or settled without a price, or of another quantity now; only their events are read."""
    wanted = {
        key
        for key, quantity in passed.items()
        if key not in settled or settled[key][0].quantity != quantity or settled[key][0].amount is None
    }
    numbers = business_lists.event_numbers(reader, {bytes.fromhex(key.partition("|")[0]) for key in wanted})
    for start in range(0, len(numbers), _AT_ONCE):
        documents = reader.documents(numbers[start : start + _AT_ONCE], witnesses=True)
        for use in read_uses(runtime, reader, caller, documents, any_kind=True):
            for line in use.lines:
                if use.status == STANDING and line.counts and use.line_key(line) in wanted:
                    yield use, line


def _line(
    kind: str, use: UseEvent, line: UseLine, charge: Charge, period: str, before: _Settled | None = None
) -> dict[str, Any]:
    quantity = line.quantity - (before.quantity if before is not None else 0)
    amount = charge.amount
    if amount is not None and before is not None and before.amount is not None:
        amount -= before.amount
    return (
        item_body(line)
        | _use_body(use)
        | {
            "kind": kind,
            "period": period,
            "quantity": normal_decimal(quantity),
            "payer": charge.payer,
            "unitPrice": money(charge.unit_price, charge.currency) if charge.unit_price is not None else None,
            "amount": money(amount, charge.currency) if amount is not None else None,
            "currency": charge.currency,
            "priceProblem": charge.problem,
            "agreementVersion": charge.agreement.version if charge.agreement is not None else None,
        }
    )


def _use_body(use: UseEvent) -> dict[str, Any]:
    """What a line of a settlement says of the event that it charges."""
    return {
        "what": use.kind,
        "eventID": use.event_id,
        "eventTime": format_time_us(use.event_time_us),
        "recordTime": format_time_us(use.record_time_us),
        "usageReport": use.usage_report,
        "useType": use.use_type,
    }


def _taken_back(
    runtime: Runtime, reader: Reader, caller: Principal, key: str, before: _Settled, period: str
) -> dict[str, Any]:
    """A line that takes back what was settled: the use was declared in error, or counts no longer."""
    eid, _, item = key.partition("|")
    documents = reader.documents(business_lists.event_numbers(reader, [bytes.fromhex(eid)]), witnesses=True)
    (use,) = read_uses(runtime, reader, caller, documents, any_kind=True)
    gone = UseLine(item, -before.quantity, None, counts=False, owner=None)
    return (
        item_body(gone)
        | _use_body(use)
        | {
            "kind": TAKEN_BACK,
            "period": period,
            "payer": "hospital",
            "unitPrice": None,
            "amount": money(-before.amount, before.currency) if before.amount is not None else None,
            "currency": before.currency,
            "priceProblem": None,
            "agreementVersion": None,
        }
    )


def _store(tx: WriteTransaction, caller: Principal, draft: _Draft) -> str | None:
    """The settlement's id; None where the agreement was settled for something else meanwhile."""
    terms, name = draft.agreement.terms, draft.period.name
    rows = tx.fetch("SELECT id, period FROM settlement WHERE agreement_id=?", (draft.agreement.key,))
    same = next((settlement_id for settlement_id, period in rows if period == name), None)
    if same is not None:
        return str(same)
    if len(rows) != draft.before:
        return None
    content = _content(draft)
    digest = digest_of(content)
    settlement_id = hashlib.sha256(f"{terms.agreement_id}\n{name}\n{digest}".encode()).hexdigest()[:32]
    tx.put(
        Settlement(
            id=settlement_id,
            agreement_id=draft.agreement.key,
            period=name,
            number=draft.before + 1,
            supplier=terms.supplier,
            hospital=terms.hospital,
            known_us=draft.known_us,
            content=orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode(),
            digest=digest,
            created_by=caller.organisation,
            created_us=tx.record_time_us,
        )
    )
    for number, (key, line) in enumerate(draft.lines):
        tx.put(
            SettlementLine(
                settlement_id=settlement_id,
                number=number,
                agreement_id=draft.agreement.key,
                line_key=key,
                kind=line["kind"],
                quantity=line["quantity"],
                amount=line["amount"],
                currency=line["currency"],
                period=line["period"],
            )
        )
    return settlement_id


def _content(draft: _Draft) -> dict[str, Any]:
    terms, lines = draft.agreement.terms, [line for _, line in draft.lines]
    amounts = ((Decimal(line["amount"]) if line["amount"] else None, line["currency"]) for line in lines)
    return {
        "agreementID": terms.agreement_id,
        "period": draft.period.name,
        "cadence": draft.period.cadence,
        "number": draft.before + 1,
        "previousDigest": draft.previous,
        "supplier": terms.supplier,
        "hospital": terms.hospital,
        "knownAt": format_time_us(draft.known_us),
        "lines": lines,
        "totals": totals(amounts),
        "unpriced": sum(1 for line in lines if line["amount"] is None),
    }


def _body(row: Settlement, signatures: Iterable[SettlementSignature]) -> dict[str, Any]:
    signed = sorted(signatures, key=lambda one: (one.signed_us, one.party))
    is_agreed = {one.party for one in signed} >= {row.supplier, row.hospital}
    return {
        "id": row.id,
        "agreementID": row.agreement_id.partition(" ")[0],
        "period": row.period,
        "number": row.number,
        "supplier": row.supplier,
        "hospital": row.hospital,
        "digest": row.digest,
        "state": "signed" if is_agreed else "open",
        "createdBy": row.created_by,
        "createdAt": format_time_us(row.created_us),
        "signatures": [
            {"party": one.party, "principal": one.principal, "signedAt": format_time_us(one.signed_us)}
            for one in signed
        ],
    }
