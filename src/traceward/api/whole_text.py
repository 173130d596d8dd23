"""Refuses JSON bodies of the server's own endpoints whose text no database can keep: U+0000 and half surrogate pairs.

The bindings of standards have the same rule in their codecs. It must not judge anything else of a body.
"""

import json
from contextlib import suppress
from typing import Final

from fastapi import Depends, Request

from traceward.epcis.json_codec import check_characters

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


async def whole_text(request: Request) -> None:
    """Nothing where the text of a JSON body is characters; else raises ValidationException, which names the first.

    Only an escape can bring such a sign: as it stands JSON does not allow U+0000, nor UTF-8 a surrogate. What is no
    JSON is left to the route.
    """
    if request.method in _SAFE_METHODS:
        return
    body = await request.body()
    if b"\\u" not in body:
        return
    with suppress(json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        check_characters(json.loads(body))


WHOLE_TEXT: Final = [Depends(whole_text)]
