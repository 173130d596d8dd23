"""POST /labels: what is to stand on labels becomes SVG or PDF; data never stands in the URL."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from traceward.api.deps import ScanCaller
from traceward.epcis.errors import NotAcceptableException
from traceward.services.scanning import labels

router = APIRouter(tags=["labels"])

_FORMS = {"application/pdf": "pdf", "image/svg+xml": "svg"}


class LabelData(BaseModel):
    """One label. data: element strings, raw or in brackets, or a Digital Link. title: a line for people above it."""

    model_config = ConfigDict(extra="forbid")

    data: Annotated[str, Field(min_length=1, max_length=1000)]
    title: Annotated[str, Field(max_length=60)] | None = None


class LabelRequest(BaseModel):
    """The labels to draw, all with one symbology."""

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[list[LabelData], Field(min_length=1, max_length=500)]
    symbology: Literal["datamatrix", "gs1-128"] = "datamatrix"


@router.post(
    "/labels",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in _FORMS}, "description": "The labels"}},
)
async def post_labels(request: Request, wanted: LabelRequest, _caller: ScanCaller) -> Response:
    """Labels as PDF (one page each), or one label as SVG when the Accept header asks for image/svg+xml."""
    form = _form(request.headers.get("accept", "*/*"))
    body, media_type = await asyncio.to_thread(
        labels.drawn_labels, [one.model_dump(exclude_none=True) for one in wanted.labels], wanted.symbology, form
    )
    return Response(body, media_type=media_type)


def _form(accept: str) -> str:
    asked = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for kind in asked:
        if kind in _FORMS:
            return _FORMS[kind]
        if kind in {"*/*", "application/*"}:
            return "pdf"
        if kind == "image/*":
            return "svg"
    raise NotAcceptableException(f"Accept is {accept!r}; expected {' or '.join(_FORMS)}")
