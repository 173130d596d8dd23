"""Onboarding of a partner: known, with a key, an agreement that both signed, and a capture that it has tried.

What is done is read off what is there, so that it can be taken up again at any step, by whichever way a step was done.
It must not show the terms of an agreement to an administrator, nor one partner's way to another.
"""

import shlex
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pydantic

from traceward.epcis.builder import CONTEXT, Item, build_event
from traceward.epcis.errors import (
    Finding,
    NoSuchResource,
    ResourceAlreadyExistsException,
    TracewardError,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.agreement import Agreement, day_of
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.services.agreements import agreements
from traceward.services.identity import audit, parties
from traceward.services.identity.principals import CARRIER, Principal, Right
from traceward.services.identity.registry import KINDS, Organisation
from traceward.services.intake import dry_run
from traceward.services.intake.documents import BodyFormat
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime
from traceward.store.onboarding_models import Onboarding
from traceward.store.write import WriteTransaction

KEY_ROLES: Final[dict[str, tuple[str, ...]]] = {
    "supplier": ("supplier",),
    "hospital": ("supply", "clinical"),
    CARRIER: (CARRIER,),
}
"""What a partner is -> the roles of its first key, the usual one first."""

_CLAUSE: Final = "Traceward onboarding"
_SAMPLE_SPACE: Final = uuid.UUID("c2b1e6a4-6a0e-5b0c-8a43-1f0e2f6f7d35")
_DETAIL: Final = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One step. by: who does it: administrator, host or partner. next: what is to be done; command: how, as a line."""

    step: str
    done: bool
    by: str
    detail: str
    next: str = ""
    command: str = ""


def begin(runtime: Runtime, caller: Principal, request: Mapping[str, Any]) -> Onboarding:
    """Begin a partner's onboarding, and make its organisation known; begun again it is taken up where it stands.

    request: host, partner, role; for a partner that is not known yet its name and companyPrefixes.
    Raises ForbiddenException, ValidationException for a host that is not known or a role that is none, and
    ResourceAlreadyExistsException where a known partner has another name or other prefixes.
    """
    caller.require(Right.ADMINISTER)
    host, partner = canonical_identifier(request["host"]), canonical_identifier(request["partner"])
    role = request["role"]
    if runtime.registry.find(host) is None or host == partner:
        message = f"host is {request['host'][:200]!r}; expected another organisation that this server knows"
        raise ValidationException(message, [Finding("host", "unknown_party", message, _CLAUSE)])
    known = runtime.registry.find(partner)
    kind = CARRIER if role == CARRIER else KINDS[0]
    if known is not None and known.kind != kind:
        message = f"role is {role!r}, but {partner} is known here as {known.kind!r}"
        raise ValidationException(message, [Finding("role", "role", message, _CLAUSE)])
    if known is not None:
        _require_same(known, request)
    if known is None:
        if not request.get("name"):
            message = f"{partner} is not known here yet; expected its name, and its companyPrefixes"
            raise ValidationException(message, [Finding("name", "missing", message, _CLAUSE)])
        parties.add_organisation(
            runtime,
            identifier=partner,
            name=request["name"],
            company_prefixes=request.get("companyPrefixes", ()),
            places={},
            kind=kind,
            by=caller,
        )
    made = audit.entry(caller, "onboarding begun", f"{host} {partner}")

    def unit(tx: WriteTransaction) -> Onboarding:
        row = tx.get(Onboarding, host, partner)
        if row is None:
            by = caller.name or caller.key_id
            row = Onboarding(host=host, partner=partner, role=role, begun_us=tx.record_time_us, begun_by=by)
            tx.put(row)
            audit.append(tx, made)
        elif row.role != role:
            message = f"role is {role!r}; the onboarding was begun for the role {row.role!r}"
            raise ValidationException(message, [Finding("role", "role", message, _CLAUSE)])
        return row

    return runtime.store.committer.run(unit)


def _require_same(known: Organisation, request: Mapping[str, Any]) -> None:
    """Nothing where a request says of a partner that is known what is known of it, or says nothing of it."""
    name, prefixes = request.get("name"), request.get("companyPrefixes")
    findings = []
    if name and name != known.name:
        message = f"name is {name[:200]!r}, but {known.id} is known here as {known.name!r}; nothing was changed"
        findings.append(Finding("name", "differs", message, _CLAUSE))
    if prefixes and set(prefixes) != set(known.company_prefixes):
        held = ", ".join(known.company_prefixes) or "none"
        message = (
            f"companyPrefixes are {', '.join(prefixes)[:200]}; of {known.id} are known: {held}; nothing was changed"
        )
        findings.append(Finding("companyPrefixes", "differs", message, _CLAUSE))
    if findings:
        raise ResourceAlreadyExistsException(summary(findings), findings)


def give_key(runtime: Runtime, caller: Principal, host: str, partner: str, role: str | None) -> tuple[Onboarding, str]:
    """A key for the partner, and its text, which is not stored. role: absent for the usual one of what the partner is.

    Raises ForbiddenException, NoSuchResource, ValidationException for a role that does not fit.
    """
    caller.require(Right.ADMINISTER)
    row = find(runtime, caller, host, partner)
    roles = KEY_ROLES[row.role]
    wanted = role or roles[0]
    if wanted not in roles:
        message = f"role is {wanted!r}; expected {' or '.join(roles)} for a {row.role}"
        raise ValidationException(message, [Finding("role", "role", message, _CLAUSE)])
    _, text = parties.add_key(runtime, organisation=row.partner, role=wanted, name="onboarding", by=caller)
    return row, str(text)


def draft_agreement(runtime: Runtime, caller: Principal, partner: str, request: Mapping[str, Any]) -> Agreement:
    """A first agreement with the partner, proposed and signed by the caller, which is the host.

    request: sites (SGLNs), gtins; agreementID, title, validFrom where they are not to be made up. Every other term has
    its default, and may be changed in a next version. Raises what `agreements.propose` raises, and NoSuchResource.
    """
    row = find(runtime, caller, caller.organisation, partner)
    if row.role == CARRIER:
        message = f"{row.partner} is a carrier; it has no consignment agreement"
        raise ValidationException(message, [Finding("partner", "carrier", message, _CLAUSE)])
    supplier, hospital = _sides(row)
    number = f"CA-{row.partner.rpartition('/')[2]}"
    terms = {
        "agreementID": request.get("agreementID") or f"urn:epcglobal:cbv:bt:{row.host.rpartition('/')[2]}:{number}",
        "title": request.get("title", ""),
        "supplier": supplier,
        "hospital": hospital,
        "validFrom": request.get("validFrom") or day_of(runtime.now_us()),
        "sites": request["sites"],
        "lines": [{"gtin": gtin} for gtin in request["gtins"]],
    }
    try:
        checked = AgreementTerms.model_validate(terms)
    except pydantic.ValidationError as error:
        findings = [Finding(".".join(map(str, one["loc"])), one["type"], one["msg"], _CLAUSE) for one in error.errors()]
        raise ValidationException(findings[0].message, findings) from None
    return agreements.propose(runtime, caller, checked)


def try_capture(
    runtime: Runtime, caller: Principal, host: str, body: bytes, form: BodyFormat
) -> tuple[Onboarding, dict[str, Any]]:
    """Try a capture of the partner, storing none of its events; whether it would do is kept. Gives the dry run.

    Raises NoSuchResource, and what reading the body raises; that it could not be read is kept too.
    """
    caller.require(Right.CAPTURE)
    row = find(runtime, caller, host, caller.organisation)
    try:
        foreseen = dry_run.foresee_body(runtime, caller, body, "rollback", form)
    except TracewardError as error:
        _note_test(runtime, row, 0, passed=False, detail=error.title)
        raise
    count = foreseen["eventCount"]
    passed = bool(foreseen["success"] and count)
    detail = "" if passed else foreseen["errors"][0]["title"] if foreseen["errors"] else "the document has no event"
    return _note_test(runtime, row, count, passed=passed, detail=detail), foreseen


def onboardings(runtime: Runtime, caller: Principal, partner: str | None = None) -> list[Onboarding]:
    """The onboardings that the caller may see: an administrator all, others those in which they take part."""
    with runtime.store.reader() as reader:
        if caller.may(Right.ADMINISTER):
            rows = reader.select(Onboarding)
        else:
            caller.require(Right.CAPTURE)
            rows = reader.select(Onboarding, host=caller.organisation)
            rows = [*rows, *reader.select(Onboarding, partner=caller.organisation)]
    wanted = canonical_identifier(partner) if partner is not None else None
    return sorted((one for one in rows if wanted in (None, one.partner)), key=lambda one: (one.host, one.partner))


def find(runtime: Runtime, caller: Principal, host: str, partner: str) -> Onboarding:
    """One onboarding. Raises NoSuchResource where there is none, or none that the caller may see."""
    with runtime.store.reader() as reader:
        row = reader.get(Onboarding, canonical_identifier(host), canonical_identifier(partner))
    if row is None or not (caller.may(Right.ADMINISTER) or caller.organisation in (row.host, row.partner)):
        raise NoSuchResource("there is no such onboarding")
    return row


def state(runtime: Runtime, row: Onboarding, url: str) -> dict[str, Any]:
    """How far an onboarding is. url: of this server, for the commands. next: the first step that is open, or None."""
    steps = [_party_step(runtime, row), _key_step(runtime, row, url)]
    if row.role != CARRIER:
        steps += _agreement_steps(runtime, row, url)
    steps.append(_test_step(row, url))
    open_steps = [one for one in steps if not one.done]
    return {
        "host": row.host,
        "partner": row.partner,
        "role": row.role,
        "begunAt": format_time_us(row.begun_us),
        "state": open_steps[0].step if open_steps else "done",
        "steps": [
            {
                "step": one.step,
                "done": one.done,
                "by": one.by,
                "detail": one.detail,
                "next": "" if one.done else one.next,
                "command": "" if one.done else one.command,
            }
            for one in steps
        ],
    }


def _party_step(runtime: Runtime, row: Onboarding) -> Step:
    known = _organisation(runtime, row.partner)
    return Step("party", True, "administrator", f"{known.name}, {', '.join(known.company_prefixes) or 'no prefix'}")


def _key_step(runtime: Runtime, row: Onboarding, url: str) -> Step:
    number = _organisation(runtime, row.partner).number
    live = [one for one in runtime.registry.live_keys() if one.party == number and runtime.registry.has_key(one.id)]
    detail = f"{len(live)} key(s): {', '.join(sorted({one.role for one in live}))}" if live else "no key"
    command = _curl(url, "/onboarding/key", "ADMIN", {"host": row.host, "partner": row.partner})
    return Step("key", bool(live), "administrator", detail, "make a key and hand it to the partner safely", command)


def _agreement_steps(runtime: Runtime, row: Onboarding, url: str) -> list[Step]:
    newest = _newest_agreement(runtime, row)
    draft = {"partner": row.partner, "sites": ["https://id.gs1.org/414/..."], "gtins": ["..."]}
    proposed = Step(
        "agreement",
        newest is not None,
        "host",
        f"{newest.terms.agreement_id}, version {newest.version}" if newest is not None else "no agreement",
        "propose an agreement: at which sites, for which products",
        _curl(url, "/onboarding/agreement", "HOST_KEY", draft),
    )
    if newest is None:
        return [proposed, Step("signature", False, "partner", "nothing to sign yet", "wait for the proposal")]
    signers = {one.party for one in newest.signatures}
    missing = [one for one in (row.host, row.partner) if one not in signers]
    who = "host" if missing == [row.host] else "partner"
    names = ", ".join(_organisation(runtime, one).name for one in missing)
    body = {"agreementID": newest.terms.agreement_id, "version": newest.version}
    return [
        proposed,
        Step(
            "signature",
            newest.is_signed,
            who,
            "signed by both" if newest.is_signed else f"not signed by {names}",
            "read the agreement, and sign it",
            _curl(url, "/agreements/sign", "HOST_KEY" if who == "host" else "PARTNER_KEY", body),
        ),
    ]


def _test_step(row: Onboarding, url: str) -> Step:
    if row.test_us is None:
        detail = "not tried"
    else:
        outcome = "passed" if row.test_passed else f"failed: {row.test_detail}"
        detail = f"{format_time_us(row.test_us)}, {row.test_events} event(s), {outcome}"
    path = f"/onboarding/test?host={row.host}"
    command = _curl(url, path, "PARTNER_KEY", sample_document(row))
    return Step("test", row.test_passed, "partner", detail, "send a document of your own; nothing is stored", command)


def sample_document(row: Onboarding) -> dict[str, Any]:
    """An EPCIS document such as the partner might capture: one item sent, or taken in, on the day it was begun."""
    supplier, hospital = _sides(row)
    gln = row.partner.rpartition("/")[2]
    # A GLN and a zero before it are a GTIN of the same company prefix.
    item = f"https://id.gs1.org/01/0{supplier.rpartition('/')[2]}/21/TEST-1"
    event = build_event(
        "receive" if row.role == "hospital" else "ship",
        [Item(epc=item)],
        f"https://id.gs1.org/414/{gln}",
        event_time=format_time_us(row.begun_us),
        offset="+00:00",
        event_id=f"urn:uuid:{uuid.uuid5(_SAMPLE_SPACE, f'{row.host} {row.partner}')}",
        owning=(supplier, supplier),
        possessing=(supplier, hospital),
    )
    return {
        "@context": list(CONTEXT),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": format_time_us(row.begun_us),
        "epcisBody": {"eventList": [{name: value for name, value in event.items() if name != "@context"}]},
    }


def _note_test(runtime: Runtime, row: Onboarding, count: int, *, passed: bool, detail: str) -> Onboarding:
    def unit(tx: WriteTransaction) -> Onboarding:
        kept = tx.get(Onboarding, row.host, row.partner)
        assert kept is not None
        # A later mistake does not undo that it has worked once.
        if passed or not kept.test_passed:
            kept.test_us, kept.test_events = tx.record_time_us, count
            kept.test_passed, kept.test_detail = passed, detail[:_DETAIL]
            tx.put(kept)
        return kept

    return runtime.store.committer.run(unit)


def _newest_agreement(runtime: Runtime, row: Onboarding) -> Agreement | None:
    """The agreement of host and partner that is furthest: signed before proposed, then the newest."""
    both = frozenset({row.host, row.partner})
    found = [one for one in agreements.book(runtime) if one.parties == both]
    return max(found, key=lambda one: (one.is_signed, one.terms.valid_from, one.version), default=None)


def _sides(row: Onboarding) -> tuple[str, str]:
    """(supplier, hospital)."""
    return (row.host, row.partner) if row.role == "hospital" else (row.partner, row.host)


def _organisation(runtime: Runtime, identifier: str) -> Organisation:
    known = runtime.registry.find(identifier)
    if known is None:
        raise NoSuchResource("there is no such organisation")
    return known


def _curl(url: str, path: str, key: str, body: Mapping[str, Any] | Sequence[Any]) -> str:
    """The line with which a person does a step; the key is left to an environment variable."""
    target = shlex.quote(url.rstrip("/") + path)
    data = shlex.quote(orjson.dumps(body).decode())
    return f'curl -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" {target} -d {data}'
