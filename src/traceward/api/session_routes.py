"""Sign-in of the web pages, and what they must know before it.

A key is sent once in a body and never stored by the browser; it must not be accepted in a URL.
"""

from fastapi import APIRouter, Request, Response

from traceward import __version__
from traceward.api.deps import CLIENT_HEADER, SESSION_COOKIE, Caller, ServerSettings, Services
from traceward.api.models import ConfigBody, SessionBody, SignIn
from traceward.epcis.errors import ForbiddenException, SecurityException
from traceward.services.principals import Principal

router = APIRouter(tags=["session"])


@router.get("/config")
def config(settings: ServerSettings) -> ConfigBody:
    """Whether this is a demo, and the server's version."""
    return ConfigBody(demo=settings.demo, version=__version__)


@router.post("/session")
def sign_in(
    body: SignIn, request: Request, response: Response, runtime: Services, settings: ServerSettings
) -> SessionBody:
    """Exchange a key for a session; the answer sets the session's cookie."""
    if request.headers.get(CLIENT_HEADER) != "web":
        raise ForbiddenException(f"signing in needs the header {CLIENT_HEADER}: web")
    principal = runtime.registry.authenticate(body.key.strip())
    if principal is None:
        raise SecurityException("this key is not known")
    response.set_cookie(
        SESSION_COOKIE,
        runtime.sessions.open(principal),
        max_age=settings.session_ttl_s,
        httponly=True,
        samesite="strict",
        secure=settings.behind_proxy,
        path="/",
    )
    return _session(principal)


@router.get("/session")
def signed_in(caller: Caller) -> SessionBody:
    """Who is signed in, or who the bearer key stands for."""
    return _session(caller)


@router.delete("/session", status_code=204)
def sign_out(request: Request, response: Response, _caller: Caller, runtime: Services) -> None:
    """End the session."""
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        runtime.sessions.close(token)
    response.delete_cookie(SESSION_COOKIE, path="/")


def _session(principal: Principal) -> SessionBody:
    return SessionBody(
        organisation=principal.organisation,
        organisationName=principal.organisation_name,
        role=principal.role,
        name=principal.name,
    )
