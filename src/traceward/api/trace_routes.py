"""Trace: where an item or a lot is, was and went, every fact with the events that say so.

It must not look beyond what the caller may see; the services fold the caller's own events only.
"""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response

from traceward.api.deps import Reader, Services
from traceward.api.lots import LotNumber
from traceward.services.tracing import custody, genealogy, trace

router = APIRouter(prefix="/trace", tags=["trace"])

AsOf = Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")]


@router.get("/lot")
def get_lot(
    gtin: Annotated[str, Query(pattern=r"^[0-9]{8,14}$")],
    lot: LotNumber,
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


@router.get("/genealogy")
def get_genealogy(
    id: Annotated[str, Query(min_length=1, max_length=2000)],  # noqa: A002  # the wire's name
    caller: Reader,
    runtime: Services,
    direction: Literal["backward", "forward"] = "backward",
    levels: Annotated[int, Query(ge=1, le=genealogy.MOST_LEVELS)] = 5,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> Response:
    """What an item, lot or container was made of or holds (backward), or what it went into (forward)."""
    found = genealogy.genealogy(runtime, caller, id, direction, levels=levels, as_of=asOf, known_at=knownAt)
    return _json(found)


@router.get("/custody")
def get_custody(
    id: Annotated[str, Query(min_length=1, max_length=2000)],  # noqa: A002  # the wire's name
    caller: Reader,
    runtime: Services,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> Response:
    """Who had an item, and who owned it, from when to when; each row with its event and with what is missing."""
    return _json(custody.chains(runtime, caller, id, as_of=asOf, known_at=knownAt))


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
