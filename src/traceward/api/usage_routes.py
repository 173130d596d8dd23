"""Uses of consigned goods and the invoices for them, over HTTP.

It must not match or price anything: the services do.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from traceward.api.deps import Reader, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.usage_models import UsageAnswer
from traceward.epcis.errors import QueryParameterException
from traceward.services import usage

router = APIRouter(tags=["money"])

Wanted = Annotated[str | None, Query(max_length=500)]


@router.get("/usage", response_model=UsageAnswer)
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
    only(page.parameters, {"report", "from", "to", "place", "gtin", "useType", "state"})
    wanted = usage.UsageFilter(report, from_, to, place, gtin, useType, state)
    answer = usage.usage_page(runtime, caller, wanted, page.token, page.per_page)
    response.headers.update(link_headers(request, page, answer.next_token, answer.expires_us))
    return answer.body


def only(parameters: dict[str, list[str]], known: set[str]) -> None:
    """Nothing when each parameter is known and given once; else raises QueryParameterException."""
    for name, values in parameters.items():
        if name not in known:
            raise QueryParameterException(f"{name[:80]!r} is no parameter here; expected one of {sorted(known)}")
        if len(values) > 1:
            raise QueryParameterException(f"{name} is given {len(values)} times; expected it once")
