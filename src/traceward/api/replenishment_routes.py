"""Replenishment over HTTP: proposals, orders as JSON and GS1 XML; and trends of use.

It must not compute needs: the services do.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from traceward.api.deps import Capturer, Reader, Services
from traceward.api.replenishment_models import (
    CancelRequest,
    OrderBody,
    OrdersBody,
    OrdersRequest,
    ProposalsBody,
    TrendsBody,
)
from traceward.services.supply import order_documents, replenishment, trends
from traceward.services.supply import orders as replenishment_orders

router = APIRouter(tags=["replenishment"])

_XML = {"content": {order_documents.MEDIA_TYPE: {"schema": {"type": "string"}}}}


@router.get("/replenishment/proposals", response_model=ProposalsBody, response_model_exclude_unset=True)
def get_proposals(caller: Reader, runtime: Services) -> dict[str, Any]:
    """What is to be moved between places and what to be ordered, by the agreements of the caller's organisation."""
    return replenishment.proposals(runtime, caller)


@router.get("/replenishment/orders", response_model=OrdersBody)
def get_orders(
    caller: Reader, runtime: Services, state: Annotated[str | None, Query(max_length=40)] = None
) -> dict[str, Any]:
    """The orders of the caller's organisation, the newest first."""
    return {"orders": replenishment_orders.orders_of(runtime, caller, state)}


@router.post("/replenishment/orders", status_code=201, response_model=OrdersBody)
def post_orders(body: OrdersRequest, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Order what proposals say; again, it gives the same orders."""
    return {"orders": replenishment_orders.place_orders(runtime, caller, body.proposals)}


@router.get("/replenishment/orders/{number}", response_model=OrderBody, responses={200: _XML})
def get_order(number: str, request: Request, caller: Reader, runtime: Services) -> Any:
    """An order, by its number or transaction id; as a GS1 XML Order message where XML is accepted rather than JSON."""
    found = replenishment_orders.one_order(runtime, caller, number)
    accepted = request.headers.get("accept", "")
    if "xml" in accepted and "json" not in accepted:
        return Response(order_documents.order_message(found), media_type=order_documents.MEDIA_TYPE)
    return found


@router.post("/replenishment/orders/{number}/send", response_model=OrderBody)
def post_send(number: str, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Send an order that the supplier proposed."""
    return replenishment_orders.send(runtime, caller, number)


@router.post("/replenishment/orders/{number}/cancel", response_model=OrderBody)
def post_cancel(number: str, body: CancelRequest, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Cancel an order of which nothing has come."""
    return replenishment_orders.cancel(runtime, caller, number, body.reason)


@router.get("/consignment/usage-trends", response_model=TrendsBody)
def get_trends(
    caller: Reader,
    runtime: Services,
    to: Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")] = None,
    days: Annotated[int, Query(ge=1, le=730)] = 90,
) -> dict[str, Any]:
    """Uses by family and size against the period before."""
    return trends.usage_trends(runtime, caller, end=to, days=days)
