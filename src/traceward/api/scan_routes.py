"""POST /scan: a picture, or a symbol that the client decoded, judged by the server's own parser.

The picture is the raw body; it must not be a form. Every body is capped at the door.
"""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from traceward.api.deps import ScanCaller, Services
from traceward.api.models import ScanAnswer, ScanText, ScanTexts
from traceward.epcis.errors import UnsupportedMediaTypeException, ValidationException
from traceward.epcis.json_codec import read_json
from traceward.services.scanning import scan
from traceward.services.tracing import known_things

router = APIRouter(tags=["scan"])

_PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "application/octet-stream")
_TEXTS_SCHEMA = {
    "type": "object",
    "required": ["symbols"],
    "additionalProperties": False,
    "properties": {"symbols": {"type": "array", "minItems": 1, "maxItems": 100, "items": ScanText.model_json_schema()}},
}
_REQUEST_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"anyOf": [ScanText.model_json_schema(), _TEXTS_SCHEMA]}},
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in _PICTURE_TYPES},
    },
}

Thorough = Annotated[bool, Query(description="Let every decoder try everything: up to 2 s, reads more damaged labels.")]


@router.post("/scan", response_model=ScanAnswer, openapi_extra={"requestBody": _REQUEST_BODY})
async def post_scan(request: Request, caller: ScanCaller, runtime: Services, *, thorough: Thorough = False) -> Response:
    """The symbols of a PNG, JPEG or WebP picture, or of a text with its symbology identifier, and what they mean."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type == "application/json":
        answer = scan.judged_texts((one.symbologyIdentifier, one.text) for one in _scan_texts(body))
    elif media_type in _PICTURE_TYPES or media_type.startswith("image/"):
        answer = await scan.judged_picture(runtime.scan_pool, body, mode="thorough" if thorough else "default")
    else:
        raise UnsupportedMediaTypeException(
            f"Content-Type is {media_type!r}; expected application/json or one of {', '.join(_PICTURE_TYPES)}"
        )
    told = await run_in_threadpool(known_things.with_known, runtime, caller, answer)
    return Response(orjson.dumps(told), media_type="application/json")


def _scan_texts(body: bytes) -> list[ScanText]:
    """The symbols of the request: one by itself, or a list of those on one label."""
    value = read_json(body)
    try:
        if isinstance(value, dict) and "symbols" in value:
            return ScanTexts.model_validate(value).symbols
        return [ScanText.model_validate(value)]
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        message = f"{path}: {first['msg']}; expected symbologyIdentifier and text, or a list of such as symbols"
        raise ValidationException(message) from None
