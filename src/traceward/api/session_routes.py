"""Sign-in of the web pages, and what they must know before it.

A key is sent once in a body and never stored by the browser; it must not be accepted in a URL.
"""

from fastapi import APIRouter, Request, Response

from traceward import __version__
from traceward.api.deps import Caller, ServerSettings, Services, over_tls, require_own_page, session_cookie
from traceward.api.models import ConfigBody, KeyBody, NewKeyBody, OwnRotationRequest, SessionBody, SignIn
from traceward.epcis.errors import SecurityException
from traceward.services.identity import parties
from traceward.services.identity.principals import Principal, Right

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
    require_own_page(request)
    principal = runtime.registry.authenticate(body.key.strip())
    if principal is None:
        raise SecurityException("this key is not known")
    response.set_cookie(
        session_cookie(request),
        runtime.sessions.open(principal),
        max_age=settings.session_ttl_s,
        httponly=True,
        samesite="strict",
        secure=over_tls(request),
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
    token = request.cookies.get(session_cookie(request))
    if token:
        runtime.sessions.close(token)
    _forget_cookie(request, response)


@router.delete("/sessions", status_code=204)
def sign_out_everywhere(request: Request, response: Response, caller: Caller, runtime: Services) -> None:
    """End every session that was opened with the caller's key, on every device."""
    runtime.sessions.close_key(caller.key_id)
    _forget_cookie(request, response)


@router.get("/session/key")
def own_key(caller: Caller, runtime: Services) -> KeyBody:
    """The caller's key as its administrator sees it, without its secret; 404 for who signed in without a key."""
    return KeyBody(**parties.own_key(runtime, caller))


@router.post("/session/key/rotation", status_code=201)
def rotate_own_key(body: OwnRotationRequest, caller: Caller, runtime: Services) -> NewKeyBody:
    """Make the successor of the caller's own key; 409 when it has one already, 404 for who signed in without a key.

    The old key goes on for an hour at least, so that whoever stole it cannot lock its owner out; a key that leaked is
    the administrator's to revoke.
    """
    key, text = parties.rotate_key(runtime, caller.key_id, overlap_s=body.overlapSeconds, by=caller)
    return NewKeyBody(**parties.key_body(key, runtime.registry), key=str(text))


def _forget_cookie(request: Request, response: Response) -> None:
    secure = over_tls(request)
    response.delete_cookie(session_cookie(request), path="/", httponly=True, samesite="strict", secure=secure)


def _session(principal: Principal) -> SessionBody:
    return SessionBody(
        organisation=principal.organisation,
        organisationName=principal.organisation_name,
        role=principal.role,
        name=principal.name,
        place=principal.place,
        rights=sorted(right.value for right in Right if principal.may(right)),
    )
