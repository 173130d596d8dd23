"""Refuses JSON bodies of the server's own endpoints that no handler should have to meet.

Text that no database can keep (U+0000, half a surrogate pair), and objects with so many members that telling what is
wrong with each would cost more than sending them. The bindings of standards have such rules in their codecs. It must
not judge anything else of a body.
"""

import json
from typing import Any, Final

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from traceward.epcis.errors import Finding, ValidationException
from traceward.epcis.json_codec import check_characters

MOST_MEMBERS: Final = 1000
"""No object of the interface has nearly as many."""

_SMALL: Final = 16_384
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CLAUSE: Final = "Traceward interface"


async def whole_text(request: Request) -> None:
    """Nothing where the text of a JSON body is characters and its objects are of a sensible size.

    Raises ValidationException. Only an escape can bring a sign that is no character: as it stands JSON does not allow
    U+0000, nor UTF-8 a surrogate. What is no JSON is left to the route.
    """
    if request.method in _SAFE_METHODS or "json" not in request.headers.get("content-type", "json").lower():
        return
    body = await request.body()
    if len(body) > _SMALL:
        await run_in_threadpool(_judge, body)
    elif b"\\u" in body:
        _judge(body)


def _judge(body: bytes) -> None:
    try:
        value = json.loads(body, object_pairs_hook=_members)
        if b"\\u" in body:
            check_characters(value)
    except (ValueError, RecursionError):
        return


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_MEMBERS:
        message = f"an object of the body has {len(pairs)} members; expected at most {MOST_MEMBERS}"
        raise ValidationException(message, [Finding("", "too_many_members", message, _CLAUSE)])
    return dict(pairs)


WHOLE_TEXT: Final = [Depends(whole_text)]
