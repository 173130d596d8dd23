"""The SOAP binding at /epcis/soap: calls of the query control interface, and the WSDL that describes them.

It must not answer a call itself: services.soap does. Every error of a call is a SOAP fault, never a problem body.
"""

from base64 import b64decode
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from traceward.api.deps import principal_of, runtime_of
from traceward.epcis.errors import (
    ImplementationException,
    QueryParameterException,
    SecurityException,
    TracewardError,
    UnsupportedMediaTypeException,
)
from traceward.epcis.soap import NotSoap, open_envelope, read_call, version_asked
from traceward.epcis.soap_writer import bare_fault, fault
from traceward.epcis.soap_wsdl import wsdl
from traceward.epcis.xml_codec import Version
from traceward.services.identity.principals import Principal, Right
from traceward.services.soap import soap

router = APIRouter(tags=["EPCIS SOAP"], include_in_schema=False)

_MEDIA_TYPE: Final = "text/xml; charset=utf-8"
_XML: Final = frozenset({"text/xml", "application/xml"})
_WSDL_VERSIONS: Final[dict[str, Version]] = {"": "2.0", "2.0": "2.0", "1.2": "1.2"}
_CHALLENGES: Final = 'Basic realm="traceward", Bearer realm="traceward"'

_log = structlog.get_logger("traceward.soap")


@router.get("/epcis/soap")
def get_wsdl(request: Request) -> Response:
    """The WSDL: `?wsdl` for EPCIS 2.0, `?wsdl=1.2` for EPCIS 1.2; it is no secret."""
    version = _WSDL_VERSIONS.get(request.query_params.get("wsdl", ""))
    if version is None or set(request.query_params) - {"wsdl"}:
        raise QueryParameterException("the WSDL is asked for by ?wsdl, or by ?wsdl=1.2 for EPCIS 1.2")
    location = str(request.url.replace(query="", fragment=""))
    return Response(wsdl(version, location), media_type=_MEDIA_TYPE)


@router.post("/epcis/soap")
async def post_call(request: Request) -> Response:
    """One call of the query control interface. EPCIS 2.0 and 1.2 WSDL; SOAP 1.1 over HTTP."""
    media_type, charset = _content_type(request)
    if media_type not in _XML:
        raise UnsupportedMediaTypeException(f"Content-Type is {media_type[:80]!r}; expected text/xml (SOAP 1.1)")
    body = await request.body()
    return await run_in_threadpool(_answer, request, body, charset)


def _answer(request: Request, body: bytes, charset: str | None) -> Response:
    version: Version = "2.0"
    query_name: str | None = None
    try:
        caller = _caller(request)
        element = open_envelope(body, charset=charset)
        version = version_asked(element)
        call = read_call(element)
        query_name = call.texts.get("queryName")
        return Response(soap.answer(runtime_of(request), caller, call), media_type=_MEDIA_TYPE)
    except NotSoap as error:
        return Response(bare_fault(error.code, error.detail), status_code=500, media_type=_MEDIA_TYPE)
    except TracewardError as error:
        return _fault(error, version, query_name)
    except Exception:  # noqa: BLE001  # the renderer of this binding's errors: SOAP clients read faults alone
        _log.exception("SOAP call failed")
        return _fault(ImplementationException("the server failed; its log has the reason"), version, query_name)


def _fault(error: TracewardError, version: Version, query_name: str | None) -> Response:
    """A fault in the version of the call, with 500 as SOAP 1.1 has it; 401 where a key is missing."""
    unknown = isinstance(error, SecurityException) and error.status == SecurityException.status
    return Response(
        fault(error, version, query_name),
        status_code=error.status if unknown else 500,
        headers={"WWW-Authenticate": _CHALLENGES} if unknown else None,
        media_type=_MEDIA_TYPE,
    )


def _caller(request: Request) -> Principal:
    """Who is asking: as everywhere, or by HTTP Basic with the key as password, which is what SOAP clients can do."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        caller = principal_of(request)
    else:
        try:
            _, _, key = b64decode(credential.strip(), validate=True).decode().partition(":")
        except ValueError:  # no base64, no ASCII, no UTF-8
            key = ""
        found = runtime_of(request).registry.authenticate(key)
        if found is None:
            raise SecurityException("a valid key is needed: as bearer key, or as the password of HTTP Basic")
        caller = found
    caller.require(Right.READ)
    return caller


def _content_type(request: Request) -> tuple[str, str | None]:
    media_type, *parameters = (part.strip() for part in request.headers.get("content-type", "").split(";"))
    named = (part.partition("=")[2].strip('"') for part in parameters if part.lower().startswith("charset="))
    return media_type.lower(), next(named, None)
