"""Uses of consigned goods and the invoices for them, over HTTP.

It must not match or price anything: the services do.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from traceward.api.deps import Capturer, Reader, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.parameters import PAGED
from traceward.api.usage_models import (
    CaseBody,
    CaseRequest,
    CasesAnswer,
    InvoiceAnswer,
    InvoiceRequest,
    InvoicesAnswer,
    UsageAnswer,
)
from traceward.gs1.epc_uri import canonical_identifier
from traceward.services.money import invoice_findings, invoices, usage, usage_cases

router = APIRouter(tags=["money"])

_INVOICES: Final = 1000
Wanted = Annotated[str | None, Query(max_length=500)]


@router.get("/usage", response_model=UsageAnswer, dependencies=PAGED)
def get_usage(
    request: Request,
    response: Response,
    caller: Reader,
    runtime: Services,
    settings: ServerSettings,
    report: Wanted = None,
    from_: Annotated[str | None, Query(alias="from", description="a date (its start, UTC) or a date-time")] = None,
    to: Annotated[str | None, Query(description="a date (its start, UTC) or a date-time; before it")] = None,
    place: Wanted = None,
    gtin: Annotated[str | None, Query(pattern=r"^[0-9]{8,14}$")] = None,
    useType: Annotated[str | None, Query(description="implanted, consumed, wasted or trial_not_used")] = None,
    state: Annotated[str | None, Query(description="how far a line of it has come")] = None,
) -> dict[str, object]:
    """The uses that the caller's organisation takes part in, newest first; never a patient."""
    page = page_request(request, settings)
    wanted = usage.UsageFilter(report, from_, to, place, gtin, useType, state)
    answer = usage.usage_page(runtime, caller, wanted, page.token, page.per_page)
    response.headers.update(link_headers(request, page, answer.next_token, answer.expires_us))
    return answer.body


@router.get("/usage/cases", response_model=CasesAnswer)
def get_cases(
    caller: Reader,
    runtime: Services,
    hours: Annotated[int, Query(ge=0, le=8760, description="within which a use is to be documented")] = 24,
    undocumented: Annotated[bool, Query(description="those alone that no use documents in time")] = True,
) -> dict[str, object]:
    """The cases of the caller's hospital that are not documented; for roles that know patients."""
    return usage_cases.cases(runtime, caller, hours=hours, undocumented=undocumented)


@router.post("/usage/cases", status_code=201, response_model=CaseBody)
def post_case(body: CaseRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Note that a case was opened; the same one again changes nothing."""
    return usage_cases.open_case(
        runtime,
        caller,
        case_id=body.case,
        opened_at=body.opened_at,
        place=body.place,
        usage_report=body.usage_report,
    )


@router.get("/invoices", response_model=InvoicesAnswer)
def get_invoices(caller: Reader, runtime: Services) -> dict[str, object]:
    """The invoices of which the caller's organisation is a party, newest first; for roles that see prices."""
    with runtime.store.reader() as reader:
        return {"invoices": invoices.listed(reader, caller, _INVOICES)}


@router.get("/invoices/one", response_model=InvoiceAnswer)
def get_invoice(
    caller: Reader,
    runtime: Services,
    supplier: Annotated[str, Query(max_length=500)],
    number: Annotated[str, Query(max_length=100)],
) -> dict[str, object]:
    """One invoice, with what it says otherwise than uses and agreement."""
    return invoice_findings.answer(runtime, caller, canonical_identifier(supplier), number)


@router.post("/invoices", status_code=201, response_model=InvoiceAnswer)
def post_invoice(body: InvoiceRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Store an invoice of the caller's organisation and judge it; the same one again changes nothing."""
    wanted = invoices.record_of_body(caller, body.model_dump(exclude_none=True))
    invoice = invoices.post(runtime, caller, wanted)
    return invoice_findings.answer(runtime, caller, invoice.supplier, invoice.number)
