"""The GS1 Digital Link resolver: a page for people, a linkset for programs, and redirects by link type.

GS1-Conformant resolver 1.2. It must not redirect anywhere but to links that services.queries.resolver gives.
"""

import html
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Request, Response

from traceward.api.deps import Services, principal_of
from traceward.api.negotiation import accepted_media_type
from traceward.epcis.errors import NoSuchResource, QueryParameterException, SecurityException
from traceward.services.identity.principals import Principal
from traceward.services.queries import resolver
from traceward.services.queries.resolver import Resolved

LINKSET: Final = "application/linkset+json"
_OFFERED: Final = ("text/html", LINKSET, "application/json")
_CONTEXT: Final = (
    '<https://ref.gs1.org/standards/resolver/linkset-context>; rel="http://www.w3.org/ns/json-ld#context";'
    ' type="application/ld+json"'
)
_OPEN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Expose-Headers": "Link",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept, Authorization, Cookie",
}


def caller_if_any(request: Request) -> Principal | None:
    """Who is asking; None for strangers, to whom a link is open too."""
    try:
        return principal_of(request)
    except SecurityException:
        return None


Anyone = Annotated[Principal | None, Depends(caller_if_any)]


def resolver_router() -> APIRouter:
    """Routes of every primary key, and the description file."""
    router = APIRouter(tags=["Digital Link"])
    router.add_api_route("/.well-known/gs1resolver", get_description, methods=["GET", "HEAD"], response_class=Response)
    for key in resolver.SUPPORTED_KEYS:
        path = f"/{key}/{{value:path}}"
        router.add_api_route(path, get_link, methods=["GET", "HEAD"], response_class=Response, name=f"resolve_{key}")
        router.add_api_route(path, options_link, methods=["OPTIONS"], include_in_schema=False, name=f"options_{key}")
    return router


def get_description(request: Request) -> Response:
    """The resolver description file: which keys and link types this resolver knows."""
    body = orjson.dumps(resolver.description(_base(request)))
    return Response(body, headers=_OPEN, media_type="application/json")


def options_link(value: str) -> Response:
    """What may be asked of a link; open to pages of any site, since strangers get nothing that is not public."""
    del value
    return Response(status_code=204, headers=_OPEN | {"Allow": "GET, HEAD, OPTIONS"})


def get_link(value: str, request: Request, caller: Anyone, runtime: Services) -> Response:
    """Resolve a GS1 Digital Link: its page, its linkset, or a redirect to the link of the type asked for."""
    del value
    query = str(request.url.query)
    types = request.query_params.getlist("linkType")
    if len(types) > 1:
        raise QueryParameterException(f"linkType is given {len(types)} times; expected it once")
    path = request.scope.get("raw_path", request.url.path.encode()).partition(b"?")[0].decode("latin-1")
    found = resolver.resolve(runtime, caller, path, _attributes(query), _base(request))
    headers = _OPEN | {"Link": f"{resolver.link_header(found)}, {_CONTEXT}"}
    wanted = types[0] if types else None
    if wanted in {"all", "linkset"}:
        return Response(orjson.dumps(resolver.linkset(found)), headers=headers, media_type=LINKSET)
    if wanted is not None and resolver.expanded_type(wanted) != resolver.DEFAULT_LINK:
        return _redirect(found, wanted, headers)
    media_type = accepted_media_type(request.headers.getlist("accept"), _OFFERED)
    if media_type == "text/html":
        return Response(_page(found), headers=headers, media_type="text/html; charset=utf-8")
    return Response(orjson.dumps(resolver.linkset(found)), headers=headers, media_type=media_type)


def _redirect(found: Resolved, wanted: str, headers: dict[str, str]) -> Response:
    links = found.of_type(wanted)
    if not links:
        raise NoSuchResource(
            f"there is no link of the type {wanted[:200]!r} here; linkType=linkset lists those there are"
        )
    return Response(status_code=307, headers=headers | {"Location": links[0].href})


def _attributes(query: str) -> str:
    """The query string without what is said to the resolver."""
    return "&".join(part for part in query.split("&") if not part.startswith(("linkType=", "context=", "lang=")))


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _page(found: Resolved) -> str:
    """The page of an identifier, for people: what the label says, and where to go on."""
    rows = "".join(
        f"<tr><th scope=row>{_text(title)} <small>({_text(ai)})</small></th><td>{_text(value)}</td></tr>"
        for ai, title, value in found.elements
    )
    links = "".join(
        f'<li><a href="{_text(link.href)}" rel="noreferrer">{_text(link.title)}</a></li>'
        for link in found.links
        if link.link_type != resolver.DEFAULT_LINK
    )
    beyond = f"<h2>Go on to</h2><ul>{links}</ul>" if links else (
        '<p>Nothing more is public about this identifier. Partners who <a href="/app/">sign in</a> see what they may'
        " see of it.</p>"
    )  # fmt: skip
    notes = "".join(f"<p><strong>Note:</strong> {_text(one)}</p>" for one in found.warnings)
    return (
        '<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{_text(found.identifier)}</title></head><body><main><h1>GS1 identifier</h1>"
        f"<table>{rows}</table>{notes}{beyond}</main></body></html>"
    )


def _text(text: str) -> str:
    return html.escape(text, quote=True)
