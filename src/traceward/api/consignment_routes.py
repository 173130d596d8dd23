"""Consignment: actions, stock, ownership transfers, conflicts and places.

It must not compute stock: the services answer from the ledger, within what the caller may see.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from traceward.api.deps import Capturer, Reader, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.ledger_routes import router as ledger_router
from traceward.api.lots import LotNumber
from traceward.api.models import (
    ActionAnswer,
    ActionRequest,
    PlacesAnswer,
    StockAnswer,
    TakeBackRequest,
    TakenBack,
    TransfersAnswer,
)
from traceward.api.parameters import PAGED
from traceward.services.intake import actions, taking_back
from traceward.services.tracing import stock

router = APIRouter(prefix="/consignment", tags=["consignment"])
router.include_router(ledger_router)

AsOf = Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")]


@router.post("/actions", status_code=201, response_model=ActionAnswer)
def post_action(body: ActionRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Build the event of one action and capture it. A retry with the same eventID and content changes nothing."""
    return actions.perform(runtime, caller, body.model_dump(by_alias=False, exclude_none=True))


@router.post("/actions/take-back", response_model=TakenBack)
def post_take_back(body: TakeBackRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Declare an action of the caller's organisation an error: what it booked is taken back. Again changes nothing."""
    return taking_back.take_back(runtime, caller, body.eventID)


@router.get("/stock", response_model=StockAnswer, dependencies=PAGED)
def get_stock(
    request: Request,
    response: Response,
    caller: Reader,
    runtime: Services,
    settings: ServerSettings,
    asOf: AsOf = None,
    knownAt: AsOf = None,
    place: str | None = None,
    within: Annotated[
        str | None, Query(description="A place with all places below it; SGLN in either spelling")
    ] = None,
    gtin: str | None = None,
    lot: LotNumber | None = None,
    status: Annotated[str | None, Query(description="on_hand, in_transit or explanted; absent: any")] = None,
) -> dict[str, object]:
    """What the caller owns, holds or is being sent, now or as of a time. What is in transit is on nobody's hand."""
    page = page_request(request, settings)
    wanted = stock.StockFilter(
        as_of=asOf, known_at=knownAt, place=place, within=within, gtin=gtin, lot=lot, status=status, incoming=True
    )
    answer = stock.stock_page(runtime, caller, wanted, page.token, page.per_page)
    response.headers.update(link_headers(request, page, answer.next_token, answer.expires_us))
    return answer.body


@router.get("/ownership-transfers", response_model=TransfersAnswer, dependencies=PAGED)
def get_transfers(
    request: Request,
    response: Response,
    caller: Reader,
    runtime: Services,
    settings: ServerSettings,
    from_: Annotated[str | None, Query(alias="from")] = None,
    to: str | None = None,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> dict[str, object]:
    """Ownership that the caller gained or gave, by eventTime in [from, to)."""
    page = page_request(request, settings)
    wanted = stock.TransferFilter(start=from_, end=to, as_of=asOf, known_at=knownAt)
    answer = stock.transfers_page(runtime, caller, wanted, page.token, page.per_page)
    response.headers.update(link_headers(request, page, answer.next_token, answer.expires_us))
    return answer.body


@router.get("/places", response_model=PlacesAnswer)
def get_places(caller: Reader, runtime: Services) -> dict[str, object]:
    """The places of the caller's organisation, declared ones and those that its events name."""
    return stock.places(runtime, caller)
