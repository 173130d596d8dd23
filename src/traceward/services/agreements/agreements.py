"""Agreements: proposed by one party, signed by both, never changed; and the book that events are judged by.

A version becomes part of the book once both have signed. It must not judge events itself: `ledger.agreement` does.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.ledger.agreement import Agreement, AgreementBook, Overlap, Signature, day_of
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.services.agreements.book import note_change, read_book
from traceward.services.identity.parties import agree_consignment
from traceward.services.identity.principals import Principal, Right, Sight
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime
from traceward.store import alert_rows
from traceward.store.agreement_models import AgreementSignature, AgreementVersion
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

_CLAUSE: Final = "Traceward agreements: a product at a place has one agreement on each day"


def book(runtime: Runtime) -> AgreementBook:
    """Every version of every agreement; made anew only after one has changed."""
    return runtime.agreement_books.current(runtime.store)


def book_of(source: Reader | WriteTransaction) -> AgreementBook:
    """The book as a reader, or a unit of the writer, finds it."""
    return read_book(source)


def propose(runtime: Runtime, caller: Principal, terms: AgreementTerms) -> Agreement:
    """Store the next version of an agreement, signed by the caller's side; the other side has yet to sign.

    The same terms as the newest version are that version. Raises ForbiddenException when the caller is neither party,
    ValidationException for a party that is not known here or another pair of parties than before, and
    ResourceAlreadyExistsException where another agreement covers the same product, place and day: both are named.
    """
    require_parties(runtime, caller, terms)

    def unit(tx: WriteTransaction) -> Agreement:
        known = book_of(tx)
        new = next_version(known, caller, terms, tx.record_time_us)
        if new.version <= len(known.versions(terms.agreement_id)):
            return new
        tx.put(_row(new))
        _note(tx, terms)
        signed = _signed(tx, caller, new)
        runtime.projector.agreements_changed(tx, known, book_of(tx))
        return signed

    return runtime.store.committer.run(unit)


def require_parties(runtime: Runtime, caller: Principal, terms: AgreementTerms) -> None:
    """Nothing when the caller is a party to these terms and this server knows both; else raises as `propose` does."""
    _require_party(caller, terms.supplier, terms.hospital)
    for side, party in (("supplier", terms.supplier), ("hospital", terms.hospital)):
        if runtime.registry.find(party) is None:
            message = f"{side} is {party}; expected an organisation that this server knows"
            raise ValidationException(message, [Finding(side, "unknown_party", message, _CLAUSE)])


def next_version(known: AgreementBook, caller: Principal, terms: AgreementTerms, now_us: int) -> Agreement:
    """What proposing these terms would make: the next version, not signed yet, or the newest where it says the same.

    Raises ResourceAlreadyExistsException as `propose` does.
    """
    versions = known.versions(terms.agreement_id)
    if versions and versions[-1].parties != {terms.supplier, terms.hospital}:
        raise ResourceAlreadyExistsException(f"the agreement id {terms.agreement_id} is taken")
    if versions and versions[-1].terms == terms:
        return versions[-1]
    new = Agreement(terms, len(versions) + 1, caller.organisation, now_us)
    _refuse_overlaps(known.overlaps(new))
    return new


def sign(runtime: Runtime, caller: Principal, agreement_id: str, version: int) -> Agreement:
    """Sign a version for the caller's side; with both signatures it is in force from its first day on.

    Signing again changes nothing. Raises NoSuchResource for a version that is not there or not the caller's,
    ResourceAlreadyExistsException where another agreement was signed meanwhile that covers the same.
    """
    require_negotiator(caller)

    def unit(tx: WriteTransaction) -> Agreement:
        known = book_of(tx)
        found = _version(known, caller, agreement_id, version)
        _refuse_overlaps(known.overlaps(found))
        _note(tx, found.terms)
        signed = _signed(tx, caller, found)
        runtime.projector.agreements_changed(tx, known, book_of(tx))
        return signed

    signed = runtime.store.committer.run(unit)
    if signed.is_signed:
        agree_consignment(runtime, owner=signed.terms.supplier, consignee=signed.terms.hospital)
    return signed


def end(runtime: Runtime, caller: Principal, agreement_id: str, last_day: date) -> Agreement:
    """Let an agreement end, in all its versions, on a day that is not past; gives the newest signed version.

    An end may be brought forward, never put off: for that a next version is signed by both. Raises NoSuchResource,
    ValidationException.
    """
    require_negotiator(caller)

    def unit(tx: WriteTransaction) -> Agreement:
        known = book_of(tx)
        versions = [one for one in known.versions(agreement_id) if one.is_signed]
        if not versions or caller.organisation not in versions[-1].parties:
            raise NoSuchResource(f"there is no signed agreement {agreement_id[:200]!r}")
        today = day_of(tx.record_time_us)
        if last_day < today:
            message = f"lastDay is {last_day}; expected {today} or later, since events up to now were judged by it"
            raise ValidationException(message, [Finding("lastDay", "past", message, _CLAUSE)])
        standing = versions[-1].last_day
        if standing is not None and last_day > standing:
            message = f"lastDay is {last_day}, after {standing}, the last day already; expected an earlier one, since"
            message += " only a next version that both sign goes on"
            raise ValidationException(message, [Finding("lastDay", "later", message, _CLAUSE)])
        for one in versions:
            # An earlier version would hold again once the newest has ended.
            if one.last_day is None or one.last_day > last_day:
                row = tx.get(AgreementVersion, agreement_id, one.version)
                assert row is not None
                row.ended_on = last_day.isoformat()
                tx.put(row)
        _note(tx, versions[-1].terms)
        now = book_of(tx)
        runtime.projector.agreements_changed(tx, known, now)
        return now.versions(agreement_id)[versions[-1].version - 1]

    return runtime.store.committer.run(unit)


def agreements_of(runtime: Runtime, caller: Principal) -> list[Agreement]:
    """Every version of every agreement to which the caller's organisation is a party, by id and version."""
    caller.require(Right.READ)
    return sorted(
        (one for one in book(runtime) if caller.organisation in one.parties),
        key=lambda one: (one.terms.agreement_id, one.version),
    )


def versions_of(runtime: Runtime, caller: Principal, agreement_id: str) -> list[Agreement]:
    """The versions of one agreement. Raises NoSuchResource where there are none of the caller's."""
    found = [one for one in agreements_of(runtime, caller) if one.terms.agreement_id == agreement_id]
    if not found:
        raise NoSuchResource(f"there is no agreement {agreement_id[:200]!r}")
    return found


def terms_body(terms: AgreementTerms, caller: Principal) -> dict[str, Any]:
    """Terms as a caller's role reads them: lines have no prices for roles that see none."""
    body = terms.model_dump(mode="json", by_alias=True)
    if not caller.sees(Sight.PRICE):
        body["lines"] = [{**line, "prices": []} for line in body["lines"]]
    return body


def agreement_bodies(runtime: Runtime, found: Iterable[Agreement], caller: Principal) -> list[dict[str, Any]]:
    """Versions of agreements as a caller of their parties reads them.

    state: proposed, signed (its first day is to come), in_force, superseded (a later version is in force) or ended.
    """
    known, now_us = book(runtime), runtime.now_us()
    return [_body(one, _state(one, known, now_us), caller) for one in found]


def _body(agreement: Agreement, state: str, caller: Principal) -> dict[str, Any]:
    return {
        "agreementID": agreement.terms.agreement_id,
        "version": agreement.version,
        "state": state,
        "proposedBy": agreement.proposed_by,
        "proposedAt": format_time_us(agreement.proposed_us),
        "endedOn": agreement.ended_on.isoformat() if agreement.ended_on is not None else None,
        "signatures": [
            {"party": one.party, "principal": one.principal, "signedAt": format_time_us(one.signed_us)}
            for one in agreement.signatures
        ],
        "terms": terms_body(agreement.terms, caller),
    }


def _state(agreement: Agreement, known: AgreementBook, now_us: int) -> str:
    if not agreement.is_signed:
        return "proposed"
    if agreement.is_valid_on(day_of(now_us)):
        newest = known.in_force(agreement.terms.agreement_id, now_us)
        return "superseded" if newest is not None and newest.version > agreement.version else "in_force"
    return "signed" if agreement.terms.valid_from > day_of(now_us) else "ended"


def require_negotiator(caller: Principal) -> None:
    """Nothing for a role that may agree on terms, prices among them; else raises ForbiddenException."""
    caller.require(Right.READ)
    caller.require(Right.CAPTURE)
    if not caller.sees(Sight.PRICE):
        raise ForbiddenException(f"terms have prices, and the role {caller.role!r} does not see {Sight.PRICE.value}")


def _require_party(caller: Principal, supplier: str, hospital: str) -> None:
    require_negotiator(caller)
    if caller.organisation not in (supplier, hospital):
        raise ForbiddenException("an agreement is proposed by its supplier or its hospital")


def _version(known: AgreementBook, caller: Principal, agreement_id: str, version: int) -> Agreement:
    versions = known.versions(agreement_id)
    found = versions[version - 1] if 0 < version <= len(versions) else None
    if found is None or caller.organisation not in found.parties:
        raise NoSuchResource(f"there is no version {version} of an agreement {agreement_id[:200]!r}")
    return found


def _refuse_overlaps(overlaps: Sequence[Overlap]) -> None:
    if not overlaps:
        return
    findings = [
        Finding(
            "agreement",
            "overlap",
            f"{one.one} and {one.other} both cover {one.gtin} at {one.site} from {one.day}; end or narrow one of them",
            _CLAUSE,
        )
        for one in overlaps
    ]
    raise ResourceAlreadyExistsException(summary(findings), findings)


def _signed(tx: WriteTransaction, caller: Principal, agreement: Agreement) -> Agreement:
    if any(one.party == caller.organisation for one in agreement.signatures):
        return agreement
    signature = Signature(caller.organisation, caller.name or caller.key_id, tx.record_time_us)
    tx.put(
        AgreementSignature(
            agreement_id=agreement.terms.agreement_id,
            version=agreement.version,
            party=signature.party,
            principal=signature.principal,
            signed_us=signature.signed_us,
        )
    )
    terms, version = agreement.terms, agreement.version
    signatures = (*agreement.signatures, signature)
    return Agreement(terms, version, agreement.proposed_by, agreement.proposed_us, signatures, agreement.ended_on)


def _note(tx: WriteTransaction, terms: AgreementTerms) -> None:
    """The book is another, and what rests on this agreement is to be looked at."""
    note_change(tx)
    alert_rows.mark(tx, ((terms.supplier, terms.hospital, gtin) for gtin in ("", *(one.gtin for one in terms.lines))))


def _row(agreement: Agreement) -> AgreementVersion:
    return AgreementVersion(
        agreement_id=agreement.terms.agreement_id,
        version=agreement.version,
        supplier=agreement.terms.supplier,
        hospital=agreement.terms.hospital,
        terms=agreement.terms.model_dump_json(by_alias=True),
        proposed_by=agreement.proposed_by,
        proposed_us=agreement.proposed_us,
    )
