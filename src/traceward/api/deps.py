"""What routes are given: the server's services and who is asking.

It must not decide what a caller may do with data; rights live in `services.principals`.
"""

from typing import Annotated, Final

from fastapi import Depends, Request

from traceward.api.settings import Settings
from traceward.epcis.errors import ForbiddenException, SecurityException
from traceward.services.principals import Principal, Right
from traceward.services.runtime import Runtime

SESSION_COOKIE: Final = "traceward_session"
CLIENT_HEADER: Final = "X-Traceward-Client"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def settings_of(request: Request) -> Settings:
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
        principal = runtime.registry.authenticate(credential.strip()) if scheme.lower() == "bearer" else None
    else:
        principal = _session_principal(request, runtime)
    if principal is None:
        raise SecurityException("a valid key (Authorization: Bearer tw_...) or session is needed")
    return principal


def _session_principal(request: Request, runtime: Runtime) -> Principal | None:
    token = request.cookies.get(SESSION_COOKIE)
    principal = runtime.sessions.principal(token) if token else None
    if principal is None or not runtime.registry.has_key(principal.key_id):
        return None
    if request.method not in _SAFE_METHODS and request.headers.get(CLIENT_HEADER) != "web":
        raise ForbiddenException(f"a request by cookie that changes something needs the header {CLIENT_HEADER}: web")
    return principal


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
