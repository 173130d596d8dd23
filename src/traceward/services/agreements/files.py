"""Agreements as files: exported as the terms that stand, imported item by item, with what is wrong in each.

An import proposes and signs for the caller's side alone. It must not sign for the other, nor stop at a bad item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from traceward.epcis.errors import Finding, TracewardError
from traceward.ledger.agreement import Agreement, agreement_key
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.services.agreements import agreements
from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime

PROPOSED = "proposed"
UNCHANGED = "unchanged"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of one item; field names are those of the answer. outcome: proposed, unchanged or refused."""

    index: int
    agreementID: str | None
    outcome: str
    version: int | None
    findings: tuple[dict[str, str], ...] = ()


def exported(runtime: Runtime, caller: Principal) -> list[dict[str, Any]]:
    """The terms of the newest version of each of the caller's agreements, by id."""
    newest = {one.key: one for one in agreements.agreements_of(runtime, caller)}
    return [agreements.terms_body(newest[name].terms, caller) for name in sorted(newest)]


def imported(runtime: Runtime, caller: Principal, items: Sequence[dict[str, Any]], *, dry_run: bool) -> list[Imported]:
    """Propose each item, or with dry_run say what that would come to; in order. Raises ForbiddenException."""
    agreements.require_negotiator(caller)
    return [_imported(runtime, caller, number, item, dry_run=dry_run) for number, item in enumerate(items)]


def _imported(runtime: Runtime, caller: Principal, number: int, item: dict[str, Any], *, dry_run: bool) -> Imported:
    named = item.get("agreementID")
    name = named if isinstance(named, str) else None
    try:
        terms = AgreementTerms.model_validate(item)
        known = agreements.book(runtime)
        before = len(known.versions(agreement_key(terms.agreement_id, {terms.supplier, terms.hospital})))
        found = _tried(runtime, caller, terms) if dry_run else agreements.propose(runtime, caller, terms)
    except ValidationError as error:
        return Imported(number, name, REFUSED, None, tuple(_field_finding(entry) for entry in error.errors()))
    except TracewardError as error:
        findings = error.findings or (Finding("", "refused", error.detail, ""),)
        return Imported(number, name, REFUSED, None, tuple(_finding(one) for one in findings))
    return Imported(number, name, PROPOSED if found.version > before else UNCHANGED, found.version)


def _tried(runtime: Runtime, caller: Principal, terms: AgreementTerms) -> Agreement:
    agreements.require_parties(runtime, caller, terms)
    return agreements.next_version(agreements.book(runtime), caller, terms, runtime.now_us())


def _finding(one: Finding) -> dict[str, str]:
    return {"path": one.path, "code": one.code, "message": one.message}


def _field_finding(entry: Any) -> dict[str, str]:
    """What pydantic says of a field, as one of our findings; the input itself is not repeated."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in entry["loc"]).lstrip(".")
    return {"path": path, "code": entry["type"], "message": entry["msg"]}
