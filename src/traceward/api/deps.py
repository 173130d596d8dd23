"""What routes are given: the server's services and who is asking.

It must not decide what a caller may do with data; rights live in `services.identity.principals`.
"""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.requests import HTTPConnection

from traceward.api.settings import Settings
from traceward.epcis.errors import ForbiddenException, SecurityException
from traceward.services.identity.credentials import authenticated
from traceward.services.identity.principals import Principal, Right
from traceward.services.runtime import Runtime

SESSION_COOKIE: Final = "traceward_session"
CLIENT_HEADER: Final = "X-Traceward-Client"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


def settings_of(request: HTTPConnection) -> Settings:
    """The settings that this server was made with."""
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


def runtime_of(request: Request) -> Runtime:
    """The services that this server was made with."""
    runtime = request.app.state.runtime
    assert isinstance(runtime, Runtime)
    return runtime


def principal_of(request: Request) -> Principal:
    """Who is asking, by bearer key or session cookie.

    Raises SecurityException (401), with one text for every cause; ForbiddenException (403) when a page of another
    site could have sent a state-changing request with the browser's cookie.
    """
    runtime = runtime_of(request)
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme:
        principal = authenticated(runtime, credential.strip()) if scheme.lower() == "bearer" else None
    else:
        principal = _session_principal(request, runtime)
    if principal is None:
        raise SecurityException("a valid key (Authorization: Bearer tw_...), token or session is needed")
    return principal


def _session_principal(request: Request, runtime: Runtime) -> Principal | None:
    token = request.cookies.get(session_cookie(request))
    key_id = runtime.sessions.key_id(token) if token else None
    principal = runtime.registry.of_key(key_id) if key_id is not None else None
    if principal is not None and request.method not in _SAFE_METHODS:
        require_own_page(request)
    return principal


def over_tls(request: HTTPConnection) -> bool:
    """Whether the browser reached us by TLS: our own, or that of the proxy which the settings tell of."""
    return settings_of(request).behind_proxy or request.url.scheme in ("https", "wss")


def session_cookie(request: HTTPConnection) -> str:
    """The name of the session's cookie: behind TLS one that no other host or plain connection can set (RFC 6265bis)."""
    return f"__Host-{SESSION_COOKIE}" if over_tls(request) else SESSION_COOKIE


def require_own_page(request: Request) -> None:
    """Nothing when only our own pages can have sent this request with the browser's cookie.

    Two proofs, so that neither alone is the defence: a header that other sites' forms cannot set, and, where the
    browser tells them, the page's origin and its relation to this host. Raises ForbiddenException.
    """
    if request.headers.get(CLIENT_HEADER) != "web":
        raise ForbiddenException(f"a request by cookie that changes something needs the header {CLIENT_HEADER}: web")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in _OWN_SITES:
        raise ForbiddenException("a request by cookie that changes something must come from a page of this server")


Caller = Annotated[Principal, Depends(principal_of)]
Services = Annotated[Runtime, Depends(runtime_of)]
ServerSettings = Annotated[Settings, Depends(settings_of)]


def reader_of(caller: Caller) -> Principal:
    """The caller, who may read events; else raises ForbiddenException."""
    caller.require(Right.READ)
    return caller


def capturer_of(caller: Caller) -> Principal:
    """The caller, who may capture events; else raises ForbiddenException."""
    caller.require(Right.CAPTURE)
    return caller


def scanner_of(caller: Caller) -> Principal:
    """The caller, who may have pictures read; else raises ForbiddenException."""
    caller.require(Right.SCAN)
    return caller


def administrator_of(caller: Caller) -> Principal:
    """The caller, who may administer the server; else raises ForbiddenException."""
    caller.require(Right.ADMINISTER)
    return caller


Reader = Annotated[Principal, Depends(reader_of)]
Capturer = Annotated[Principal, Depends(capturer_of)]
ScanCaller = Annotated[Principal, Depends(scanner_of)]
Administrator = Annotated[Principal, Depends(administrator_of)]
