"""Counts over HTTP: begin, scan, undo, close, count again, finish; pictures of shelves as well as texts of labels.

It must not judge labels or stock: the services do.
"""

import asyncio
import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from traceward.api.count_models import (
    CloseRequest,
    CountBody,
    CountRequest,
    CountsBody,
    CountScans,
    Refusal,
    ResultsBody,
    VariancesBody,
    WriteOffBody,
    WriteOffRequest,
    WriteOffsBody,
    plain,
)
from traceward.api.deps import Capturer, Reader, Services
from traceward.epcis.errors import UnsupportedMediaTypeException, ValidationException
from traceward.epcis.json_codec import read_json
from traceward.services.counting import closing as counts_closing
from traceward.services.counting import counts, write_offs
from traceward.services.scanning import scan

router = APIRouter(prefix="/counts", tags=["counts"])
write_off_router = APIRouter(prefix="/write-offs", tags=["counts"])

_PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "application/octet-stream")
_SCANS_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": CountScans.model_json_schema(ref_template="#/components/schemas/{model}")},
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in _PICTURE_TYPES},
    },
}
CountId = Annotated[str, Query(max_length=64)]
ProposedBy = Annotated[str | None, Query(max_length=200, description="Whose, where several used the id")]


@router.get("", response_model=CountsBody)
def get_counts(caller: Reader, runtime: Services) -> dict[str, Any]:
    """The counts that the caller's organisation has taken or is taking."""
    return {"counts": counts.sessions_of(runtime, caller)}


@router.post("", status_code=201, response_model=CountBody, response_model_exclude_unset=True)
def post_count(body: CountRequest, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Begin a count, or send a whole one; the same id again is the same count."""
    return counts_closing.whole(runtime, caller, plain(body))


@router.get("/variances", response_model=VariancesBody)
def get_variances(caller: Reader, runtime: Services) -> dict[str, Any]:
    """What finished counts say of the stock that the caller owns, or has counted."""
    return {"variances": counts_closing.variances(runtime, caller)}


@router.get("/{count_id}", response_model=CountBody, response_model_exclude_unset=True)
def get_count(count_id: str, caller: Reader, runtime: Services) -> dict[str, Any]:
    """A count: all of it for who takes it, a final part for its supplier."""
    return counts_closing.state(runtime, caller, count_id)


@router.post(
    "/{count_id}/scans",
    response_model=ResultsBody,
    response_model_exclude_unset=True,
    openapi_extra={"requestBody": _SCANS_BODY},
)
async def post_scans(count_id: str, request: Request, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Labels read: as JSON, or as a picture of one or many of them. A picture sent twice is counted once."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type == "application/json":
        scans = _scans(body)
    elif media_type in _PICTURE_TYPES or media_type.startswith("image/"):
        # Who may not count here has no picture decoded.
        await asyncio.to_thread(counts.session_of, runtime, caller, count_id)
        read = await scan.judged_picture(runtime.scan_pool, body, mode="thorough")
        scans = scan_of_picture(hashlib.sha256(body).hexdigest()[:16], read)
    else:
        raise UnsupportedMediaTypeException(
            f"Content-Type is {media_type!r}; expected application/json or one of {', '.join(_PICTURE_TYPES)}"
        )
    return {"results": await asyncio.to_thread(counts.add_scans, runtime, caller, count_id, scans)}


@router.delete("/{count_id}/scans/{read_id}", status_code=204)
def delete_scan(count_id: str, read_id: str, caller: Capturer, runtime: Services) -> Response:
    """Take back one read."""
    counts.undo(runtime, caller, count_id, read_id)
    return Response(status_code=204)


@router.post("/{count_id}/close", response_model=CountBody, response_model_exclude_unset=True)
def post_close(count_id: str, caller: Capturer, runtime: Services, body: CloseRequest | None = None) -> dict[str, Any]:
    """End the reading and compare with the book."""
    asked = body if body is not None else CloseRequest()
    return counts_closing.close(runtime, caller, count_id, asked.countedAt, nothing_found=asked.nothingFound)


@router.post("/{count_id}/recount", response_model=CountBody, response_model_exclude_unset=True)
def post_recount(count_id: str, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Count again what differs."""
    return counts_closing.recount(runtime, caller, count_id)


@router.post("/{count_id}/finish", response_model=CountBody, response_model_exclude_unset=True)
def post_finish(count_id: str, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Put the count on record: one event for each supplier."""
    return counts_closing.finish(runtime, caller, count_id)


@router.post("/{count_id}/abandon", response_model=CountBody, response_model_exclude_unset=True)
def post_abandon(count_id: str, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """End a count without putting it on record."""
    return counts.session_body(counts.abandon(runtime, caller, count_id))


@write_off_router.get("", response_model=WriteOffsBody)
def get_write_offs(caller: Reader, runtime: Services) -> dict[str, Any]:
    """The write-offs between the caller's organisation and its partners."""
    return {"writeOffs": write_offs.write_offs_of(runtime, caller)}


@write_off_router.post("", status_code=201, response_model=WriteOffBody)
def post_write_off(body: WriteOffRequest, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Propose to write off what counts miss."""
    return write_offs.propose(runtime, caller, plain(body))


@write_off_router.post("/{write_off_id}/accept", response_model=WriteOffBody)
def post_accept(
    write_off_id: str, caller: Capturer, runtime: Services, proposedBy: ProposedBy = None
) -> dict[str, Any]:
    """Accept what the other side proposed; the hospital's event takes it off the book."""
    return write_offs.accept(runtime, caller, write_off_id, proposedBy)


@write_off_router.post("/{write_off_id}/decline", response_model=WriteOffBody)
def post_decline(
    write_off_id: str,
    caller: Capturer,
    runtime: Services,
    body: Refusal | None = None,
    proposedBy: ProposedBy = None,
) -> dict[str, Any]:
    """Decline what the other side proposed, with a reason that both read, or withdraw one's own."""
    return write_offs.decline(runtime, caller, write_off_id, body.reason if body is not None else "", proposedBy)


def scan_of_picture(picture: str, read: dict[str, Any]) -> list[dict[str, Any]]:
    """A picture's symbols as one scan, under an id that the same picture has again."""
    symbols = [
        {
            "symbologyIdentifier": one["symbologyIdentifier"],
            "text": one["text"],
            "confirmed": one["confirmed"],
            "middle": _middle(one["position"]),
        }
        for one in read["symbols"]
    ]
    return [{"readID": f"picture-{picture}", "symbols": symbols}] if symbols else []


def _middle(position: list[list[float]] | None) -> tuple[float, float] | None:
    if position is None:
        return None
    return sum(x for x, _ in position) / 4, sum(y for _, y in position) / 4


def _scans(body: bytes) -> list[dict[str, Any]]:
    try:
        return [plain(one) for one in CountScans.model_validate(read_json(body)).scans]
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise ValidationException(f"{path}: {first['msg']}; expected scans with readID and what was read") from None
