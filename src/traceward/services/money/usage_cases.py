"""Cases that a hospital's clinical role opened, and those whose use is not documented in time.

A case number is clinical: only the role that knows patients writes or reads one, and it must name no patient itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from traceward.epcis.errors import Finding, ResourceAlreadyExistsException, ValidationException
from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import HOUR_US, format_time_us, parse_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.patient import contains_patient_identifier
from traceward.ledger.facts import MCX
from traceward.services.identity.principals import Principal, Right
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.money.usage_events import find_uses, papers_of, report_clause
from traceward.services.queries.facts import stored_fact
from traceward.services.runtime import Runtime
from traceward.store.business_models import UsageCase
from traceward.store.compile import VisibleTo
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

CASE_TYPE: Final = f"{MCX}btt/case"
_CLAUSE: Final = "Traceward usage cases: a case is documented by a use within its hours"
_MOST: Final = 1000


def open_case(
    runtime: Runtime, caller: Principal, *, case_id: str, opened_at: str, place: str | None, usage_report: str | None
) -> dict[str, Any]:
    """Note that a case was opened; the same one again changes nothing.

    case_id: as events name it in a bizTransaction of type case. place: where; usage_report: under which its uses will
    be reported, where that is known. Raises ForbiddenException for roles that know no patients, ValidationException,
    and ResourceAlreadyExistsException where the case was opened with other content.
    """
    _require(caller)
    caller.require(Right.CAPTURE)
    if any(contains_patient_identifier(text) for text in (case_id, usage_report or "")):
        message = "case and usageReport must not name a patient (AI 8018); expected numbers of their own"
        raise ValidationException(message, [Finding("case", "patient", message, _CLAUSE)])
    opened_us = parse_time_us(opened_at)
    where = canonical_identifier(place) if place is not None else None
    if not caller.acts_at(where):
        message = f"place is {where}; this key acts at {caller.place} only"
        raise ValidationException(message, [Finding("place", "place_of_key", message, _CLAUSE)])

    def unit(tx: WriteTransaction) -> UsageCase:
        known = tx.get(UsageCase, caller.organisation, case_id)
        if known is not None:
            if (known.opened_us, known.place, known.usage_report) != (opened_us, where, usage_report):
                message = "the case was opened before with another time, place or usage report"
                raise ResourceAlreadyExistsException(message, [Finding("case", "taken", message, _CLAUSE)])
            return known
        made = UsageCase(
            hospital=caller.organisation,
            case_id=case_id,
            place=where,
            usage_report=usage_report,
            opened_us=opened_us,
            recorded_us=tx.record_time_us,
            recorded_by=caller.name or caller.key_id,
        )
        tx.put(made)
        return made

    return _body(runtime.store.committer.run(unit), [], None)


def cases(runtime: Runtime, caller: Principal, *, hours: int, undocumented: bool) -> dict[str, Any]:
    """The newest cases of the caller's hospital, or those alone that no use documents `hours` after they were opened.

    Raises ForbiddenException for roles that know no patients.
    """
    _require(caller)
    now_us = runtime.now_us()
    with runtime.store.reader() as reader:
        rows = reader.fetch(
            "SELECT case_id FROM usage_case WHERE hospital=? ORDER BY opened_us DESC, case_id DESC LIMIT ?",
            (caller.organisation, _MOST),
        )
        bodies = []
        for (case_id,) in rows:
            case = reader.get(UsageCase, caller.organisation, case_id)
            if case is None or not caller.acts_at(case.place):
                continue
            due_us = case.opened_us + hours * HOUR_US
            told = _uses_of(runtime, reader, caller, case)
            if not undocumented or (not told and due_us < now_us):
                bodies.append(_body(case, told, due_us))
    return {"cases": bodies}


def _uses_of(runtime: Runtime, reader: Reader, caller: Principal, case: UsageCase) -> list[str]:
    """The eventIDs of the uses that stand for a case: under its usage report, or one that an event ties to it."""
    reports = {case.usage_report} if case.usage_report is not None else set()
    reports |= set(_reports_of(runtime, reader, caller, case.case_id))
    found: list[str] = []
    for report in sorted(reports):
        uses, _ = find_uses(runtime, reader, caller, [report_clause(report)], TimeRange(), after=None, limit=_MOST)
        found += [use.event_id for _, use in uses if use.hospital == caller.organisation and use.status == "standing"]
    return found


def _reports_of(runtime: Runtime, reader: Reader, caller: Principal, case_id: str) -> Iterable[str]:
    query = Query(clauses=(AnyTerm(((f"bizTransaction:{CASE_TYPE}", case_id),)),))
    page = reader.find(query, VisibleTo(caller.viewers), limit=_MOST, deadline_s=runtime.limits.query_deadline_s)
    for one in reader.documents(page.seqs, witnesses=True):
        if stored_fact(one, runtime.registry).declares is None:
            yield from papers_of(expanded_stored(one.text, one.context, one.event_id)).usage_reports


def _require(caller: Principal) -> None:
    caller.require(Right.READ)
    caller.require(Right.KNOW_PATIENTS)


def _body(case: UsageCase, event_ids: Sequence[str], due_us: int | None) -> dict[str, Any]:
    return {
        "case": case.case_id,
        "place": case.place,
        "usageReport": case.usage_report,
        "openedAt": format_time_us(case.opened_us),
        "recordedAt": format_time_us(case.recorded_us),
        "dueAt": format_time_us(due_us) if due_us is not None else None,
        "eventIDs": list(event_ids),
    }
