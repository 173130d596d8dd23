"""Trace: where an item or a lot is, was and went, every fact with the events that say so.

It must not look beyond what the caller may see; the services fold the caller's own events only.
"""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from traceward.api.deps import Reader, Services
from traceward.services import trace

router = APIRouter(prefix="/trace", tags=["trace"])

AsOf = Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")]


@router.get("/lot")
def get_lot(
    gtin: Annotated[str, Query(pattern=r"^[0-9]{8,14}$")],
    lot: Annotated[str, Query(min_length=1, max_length=20)],
    caller: Reader,
    runtime: Services,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> Response:
    """Where the units of a lot are, which were used up, and, for the clinical role, whose patients have them."""
    return _json(trace.lot(runtime, caller, gtin, lot, as_of=asOf, known_at=knownAt))


@router.get("/item")
def get_item(
    epc: Annotated[str, Query(min_length=1, max_length=2000)],
    caller: Reader,
    runtime: Services,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> Response:
    """The state and the history of one item or container."""
    return _json(trace.item(runtime, caller, epc, as_of=asOf, known_at=knownAt))


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
