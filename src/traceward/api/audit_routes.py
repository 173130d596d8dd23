"""The audit log: its entries for the privacy officer of an organisation, and the proof that it is whole.

It must not write entries: the services do, in the unit of what they tell of.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from traceward.api.audit_models import AuditAnswer, ChainBody
from traceward.api.deps import Administrator, Caller, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.parameters import PAGED
from traceward.services.identity import audit_log

router = APIRouter(tags=["audit"])


@router.get("/audit", response_model=AuditAnswer, dependencies=PAGED)
def get_audit(
    request: Request,
    response: Response,
    caller: Caller,
    runtime: Services,
    settings: ServerSettings,
    action: str | None = None,
    principal: str | None = None,
    from_: Annotated[str | None, Query(alias="from", description="A date or date-time; entries from it on")] = None,
    to: Annotated[str | None, Query(description="A date or date-time; entries before it")] = None,
) -> dict[str, object]:
    """What was done that concerns the caller's organisation, newest first; for its privacy officer."""
    page = page_request(request, settings)
    wanted = audit_log.AuditFilter(action=action, principal=principal, start=from_, end=to)
    found = audit_log.page(runtime, caller, wanted, page.token, page.per_page)
    response.headers.update(link_headers(request, page, found.next_token, found.expires_us))
    return {"entries": found.entries}


@router.get("/admin/audit/verification")
def get_verification(
    _caller: Administrator,
    runtime: Services,
    seq: Annotated[int | None, Query(ge=1, description="Number of an entry that was noted elsewhere")] = None,
    head: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="Its hash")] = None,
) -> ChainBody:
    """Whether every entry of the log is as it was written; tells no content."""
    expected = (seq, head) if seq is not None and head is not None else None
    with runtime.store.reader(snapshot=True) as reader:
        verdict = audit_log.verify(reader, expected)
    return ChainBody(
        whole=verdict.bad_seq is None,
        entries=verdict.count,
        head=verdict.head,
        firstBad=verdict.bad_seq,
        fault=verdict.fault or None,
    )
