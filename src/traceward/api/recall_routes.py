"""Recalls over HTTP: notices listed, issued, withdrawn and acknowledged; their units found, and their patients.

Patients are asked for by POST alone. It must not decide who may know what: the services do.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from traceward.api.deps import Caller, Capturer, Reader, Services
from traceward.api.recall_models import (
    AcknowledgementRequest,
    Acknowledgements,
    NoticePatients,
    NoticePatientsRequest,
    RecallBody,
    RecallList,
    RecallRequest,
    WithdrawalRequest,
)
from traceward.services.recalls import issue as recall_issue
from traceward.services.recalls import recall

router = APIRouter(prefix="/recalls", tags=["recalls"])

AsOf = Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")]
_Issuer = Annotated[str | None, Query(description="The issuer's PGLN, where several use the same number")]


@router.get("", response_model=RecallList)
def get_recalls(
    caller: Reader,
    runtime: Services,
    start: Annotated[str | None, Query(alias="from", description="Issued then or later")] = None,
    end: Annotated[str | None, Query(alias="to", description="Issued before")] = None,
) -> dict[str, object]:
    """The recall notices that concern the caller, newest first, with what was acknowledged."""
    return recall.recalls(runtime, caller, start=start, end=end)


@router.post("", status_code=201, response_model=RecallBody)
def post_recall(body: RecallRequest, caller: Capturer, runtime: Services, response: Response) -> dict[str, object]:
    """Issue a notice about products, lots or serials of one's own make; 200 when it was issued before."""
    new = recall_issue.NewNotice(
        number=body.notice,
        recall_class=body.recallClass,
        reason=body.reason,
        lines=recall_issue.lines_of([one.model_dump(by_alias=True, exclude_none=True) for one in body.items]),
        with_containing=body.includeContaining,
        event_time=body.eventTime,
        offset=body.eventTimeZoneOffset,
    )
    number, is_new = recall_issue.issue(runtime, caller, new)
    if not is_new:
        response.status_code = 200
    return recall.recall(runtime, caller, number, issuer=caller.organisation)


@router.post("/withdrawals", response_model=RecallBody)
def post_withdrawal(body: WithdrawalRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Take one's own notice back; what it flagged is recalled no longer."""
    recall_issue.withdraw(runtime, caller, body.notice, reason=body.reason)
    return recall.recall(runtime, caller, body.notice, issuer=caller.organisation)


@router.post("/acknowledgements", response_model=Acknowledgements)
def post_acknowledgement(body: AcknowledgementRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Say what one's organisation has done about a notice; its issuer reads it."""
    return recall.acknowledge(runtime, caller, body.notice, body.step, issuer=body.issuer, note=body.note)


@router.post("/patients", response_model=NoticePatients)
def post_patients(body: NoticePatientsRequest, caller: Caller, runtime: Services) -> dict[str, object]:
    """The patients whom units of a notice are with; for the clinical role, and in the audit log."""
    return recall.patients_of_notice(runtime, caller, body.notice, issuer=body.issuer, purpose=body.purpose)


@router.get("/{notice:path}", response_model=RecallBody)
def get_recall(
    notice: str,
    caller: Reader,
    runtime: Services,
    issuer: _Issuer = None,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> dict[str, object]:
    """One notice with all its units: by place, in transit, used, and not yet in quarantine; the sums add up."""
    return recall.recall(runtime, caller, notice, issuer=issuer, as_of=asOf, known_at=knownAt)
