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
    QueryParameterException,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.agreement import Agreement, AgreementBook, Overlap, Signature, agreement_key, day_of
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.services.agreements.book import note_change, read_book
from traceward.services.identity import parties
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
    ValidationException for a party whose GLN has a wrong check digit, and ResourceAlreadyExistsException where another
    agreement covers the same product, place and day: both are named.
    """
    require_parties(runtime, caller, terms)

    def unit(tx: WriteTransaction) -> Agreement:
        known = book_of(tx)
        new = next_version(known, caller, terms, tx.record_time_us)
        if new.version <= len(known.versions(new.key)):
            return new
        tx.put(_row(new))
        _note(tx, terms)
        signed = _signed(tx, caller, new)
        runtime.projector_within(tx).agreements_changed(tx, known, book_of(tx))
        return signed

    return runtime.store.committer.run(unit)


def require_parties(runtime: Runtime, caller: Principal, terms: AgreementTerms) -> None:
    """Nothing when the caller is a party to these terms and the other may be one; else raises as `propose` does.

    Whether this server knows the other is not told: who trades with whom here is for nobody else to find out.
    """
    _require_party(caller, terms.supplier, terms.hospital)
    for side, party in (("supplier", terms.supplier), ("hospital", terms.hospital)):
        parties.require_party(runtime, party, side)


def next_version(known: AgreementBook, caller: Principal, terms: AgreementTerms, now_us: int) -> Agreement:
    """What proposing these terms would make: the next version, not signed yet, or the newest where it says the same.

    Raises ResourceAlreadyExistsException as `propose` does.
    """
    versions = known.versions(agreement_key(terms.agreement_id, {terms.supplier, terms.hospital}))
    if versions and versions[-1].terms == terms:
        return versions[-1]
    new = Agreement(terms, len(versions) + 1, caller.organisation, now_us)
    _refuse_overlaps(known.overlaps(new))
    return new


def sign(
    runtime: Runtime, caller: Principal, agreement_id: str, version: int, counterparty: str | None = None
) -> Agreement:
    """Sign a version for the caller's side; with both signatures it is in force from its first day on.

    counterparty: the other side, needed where the caller has agreements of this id with several. Signing again changes
    nothing. Raises NoSuchResource for a version that is not there or not the caller's, ResourceAlreadyExistsException
    where another agreement was signed meanwhile that covers the same.
    """
    require_negotiator(caller)

    def unit(tx: WriteTransaction) -> Agreement:
        known = book_of(tx)
        found = _version(known, caller, agreement_id, version, counterparty)
        _refuse_overlaps(known.overlaps(found))
        _note(tx, found.terms)
        signed = _signed(tx, caller, found)
        runtime.projector_within(tx).agreements_changed(tx, known, book_of(tx))
        return signed

    signed = runtime.store.committer.run(unit)
    if signed.is_signed:
        parties.agree_consignment(runtime, owner=signed.terms.supplier, consignee=signed.terms.hospital)
    return signed


def end(
    runtime: Runtime, caller: Principal, agreement_id: str, last_day: date, counterparty: str | None = None
) -> Agreement:
    """Let an agreement end, in all its versions, on a day that is not past; gives the newest signed version.

    counterparty: as for `sign`. An end may be brought forward, never put off: for that a next version is signed by
    both. Raises NoSuchResource, ValidationException.
    """
    require_negotiator(caller)

    def unit(tx: WriteTransaction) -> Agreement:
        known = book_of(tx)
        versions = signed_versions(known, caller, agreement_id, counterparty)
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
                row = tx.get(AgreementVersion, one.key, one.version)
                assert row is not None
                row.ended_on = last_day.isoformat()
                tx.put(row)
        _note(tx, versions[-1].terms)
        now = book_of(tx)
        runtime.projector_within(tx).agreements_changed(tx, known, now)
        return now.versions(versions[-1].key)[versions[-1].version - 1]

    return runtime.store.committer.run(unit)


def agreements_of(runtime: Runtime, caller: Principal) -> list[Agreement]:
    """Every version of every agreement to which the caller's organisation is a party, by id and version."""
    caller.require(Right.READ)
    return sorted(
        (one for one in book(runtime) if caller.organisation in one.parties),
        key=lambda one: (one.key, one.version),
    )


def versions_of(runtime: Runtime, caller: Principal, agreement_id: str) -> list[Agreement]:
    """The versions of one agreement. Raises NoSuchResource where there are none of the caller's."""
    found = [one for one in agreements_of(runtime, caller) if one.terms.agreement_id == agreement_id]
    if not found:
        raise NoSuchResource(f"there is no agreement {agreement_id[:200]!r}")
    return found


def newest_of(runtime: Runtime, caller: Principal, agreement_id: str, counterparty: str | None = None) -> Agreement:
    """The newest version of one agreement of the caller's, signed or not. counterparty: as for `sign`.

    Raises NoSuchResource where there is none, QueryParameterException where several agreements have the id.
    """
    found = _named(book(runtime), caller, agreement_id, counterparty)
    if not found:
        raise NoSuchResource(f"there is no agreement {agreement_id[:200]!r}")
    return found[-1]


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
        newest = known.in_force(agreement.key, now_us)
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


def signed_versions(
    known: AgreementBook, caller: Principal, agreement_id: str, counterparty: str | None = None
) -> list[Agreement]:
    """The versions of an agreement of the caller's that both have signed, the oldest first. counterparty: as for
    `sign`.

    Raises NoSuchResource where there are none, QueryParameterException where several agreements have the id.
    """
    signed = [one for one in _named(known, caller, agreement_id, counterparty) if one.is_signed]
    if not signed:
        raise NoSuchResource(f"there is no signed agreement {agreement_id[:200]!r}")
    return signed


def _named(known: AgreementBook, caller: Principal, agreement_id: str, counterparty: str | None) -> list[Agreement]:
    """Every version of the one agreement of this id that the caller's organisation has, with that counterparty."""
    other = canonical_identifier(counterparty) if counterparty is not None else None
    found = [one for one in known.named(agreement_id, caller.organisation) if other is None or other in one[0].parties]
    if len(found) > 1:
        others = ", ".join(sorted(one for versions in found for one in versions[0].parties - {caller.organisation}))
        raise QueryParameterException(f"several partners have an agreement of this id: {others}; name a counterparty")
    return found[0] if found else []


def _version(
    known: AgreementBook, caller: Principal, agreement_id: str, version: int, counterparty: str | None
) -> Agreement:
    versions = _named(known, caller, agreement_id, counterparty)
    if not 0 < version <= len(versions):
        raise NoSuchResource(f"there is no version {version} of an agreement {agreement_id[:200]!r}")
    return versions[version - 1]


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
            agreement_id=agreement.key,
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
        agreement_id=agreement.key,
        version=agreement.version,
        supplier=agreement.terms.supplier,
        hospital=agreement.terms.hospital,
        terms=agreement.terms.model_dump_json(by_alias=True),
        proposed_by=agreement.proposed_by,
        proposed_us=agreement.proposed_us,
    )
