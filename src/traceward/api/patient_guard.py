"""Refuses requests to the server's own endpoints that name a patient where they must not: in a URL, or in a record.

URLs end in the logs of proxies and browsers, and records of agreements, orders, counts and the like are read by others
and reached by no erasure. It must not stand before the EPCIS binding, nor before look-ups of patients by POST.
"""

from typing import Final

import orjson
from fastapi import Request

from traceward.api.deps import Caller
from traceward.epcis.errors import Finding, ValidationException
from traceward.gs1.patient import contains_patient_identifier

_CLAUSE: Final = "Traceward privacy rule: patients are named in private events and asked for by POST"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_SCANS: Final = ("/scans", "/onboarding/test")
"""Ends of paths whose bodies are read and not kept as they are: a scanned wristband is answered label by label."""


async def no_patient_in_url(request: Request, _caller: Caller) -> None:
    """Nothing where path and query name no patient; else raises ValidationException, which does not repeat it.

    Whoever is not known is refused (401) before anything is read.
    """
    query = request.scope.get("query_string", b"").decode("latin-1").replace("+", " ")
    if contains_patient_identifier(f"{request.scope['path']}?{query}"):
        message = "the URL names a patient (GSRN, AI 8018); expected a look-up by POST /patients/search"
        raise ValidationException(message, [Finding("url", "patient", message, _CLAUSE)])


async def no_patient_in_record(request: Request, caller: Caller) -> None:
    """As `no_patient_in_url`, of the body too where the request changes something."""
    await no_patient_in_url(request, caller)
    if request.method in _SAFE_METHODS or request.scope["path"].endswith(_OF_SCANS):
        return
    if contains_patient_identifier(_plain(await request.body())):
        message = "the request names a patient (GSRN, AI 8018), and what it says is kept; expected it without"
        raise ValidationException(message, [Finding("", "patient", message, _CLAUSE)])


def _plain(body: bytes) -> str:
    """The body's text; JSON without the escapes in which digits could hide."""
    if b"\\" in body:
        try:
            return orjson.dumps(orjson.loads(body)).decode()
        except orjson.JSONDecodeError:
            pass
    return body.decode("utf-8", "replace")
