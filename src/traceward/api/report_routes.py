"""Reports on money and goods over HTTP.

It must not compute them: the services do.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from traceward.api.deps import Reader, ServerSettings, Services
from traceward.api.epcis_paging import page_request
from traceward.api.report_models import LeaksAnswer
from traceward.api.usage_routes import only
from traceward.services import usage_leaks

router = APIRouter(prefix="/reports", tags=["money"])

From = Annotated[str | None, Query(alias="from", description="a date (its start, UTC) or a date-time")]
To = Annotated[str | None, Query(description="a date (its start, UTC) or a date-time; before it")]


@router.get("/leaks", response_model=LeaksAnswer)
def get_leaks(
    request: Request, caller: Reader, runtime: Services, settings: ServerSettings, from_: From = None, to: To = None
) -> dict[str, object]:
    """Where the caller's hospital loses money: goods without a report, uses without an order, orders without a use."""
    only(page_request(request, settings).parameters, {"from", "to"})
    return usage_leaks.leaks(runtime, caller, start=from_, end=to)
