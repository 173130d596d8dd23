"""perPage, nextPageToken and the Link header of the EPCIS binding.

It must not make or read tokens: the services do.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

import orjson
from fastapi import Request

from traceward.api.settings import Settings
from traceward.epcis.errors import QueryParameterException
from traceward.epcis.times import format_time_us


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page asked for; per_page is already bounded. `parameters`: every other query parameter, in order."""

    per_page: int
    token: str | None
    parameters: dict[str, list[str]]


def page_request(request: Request, settings: Settings) -> PageRequest:
    """The page that the query string asks for: perPage default 30, an upper bound and not a promise.

    Raises QueryParameterException for a perPage that is no positive integer, or given twice.
    """
    parameters: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        parameters.setdefault(name, []).append(value)
    wanted = _single(parameters, "perPage")
    token = _single(parameters, "nextPageToken")
    per_page = settings.per_page_default
    if wanted is not None:
        if not (wanted.isascii() and wanted.isdecimal() and int(wanted[:9]) >= 1 and len(wanted) <= 9):
            raise QueryParameterException(f"perPage is {wanted[:40]!r}; expected a whole number from 1 on")
        per_page = min(int(wanted), settings.per_page_limit)
    return PageRequest(per_page, token, parameters)


def link_headers(request: Request, page: PageRequest, next_token: str | None, expires_us: int) -> dict[str, str]:
    """Link and GS1-Next-Page-Token-Expires where there is a next page; no header on the last one."""
    if next_token is None:
        return {}
    path = quote(request.scope.get("root_path", "") + request.url.path, safe="/:;=,$@!*'()~+")
    raw_path = request.scope.get("raw_path")
    if raw_path:
        path = raw_path.decode("ascii")
    pairs = [(name, value) for name, values in page.parameters.items() for value in values]
    query = urlencode([*pairs, ("perPage", str(page.per_page)), ("nextPageToken", next_token)])
    return {"Link": f'<{path}?{query}>; rel="next"', "GS1-Next-Page-Token-Expires": format_time_us(expires_us)}


_WITH_BODY: Final = "page-token=body"


def with_token_in_body(request: Request, document: bytes, token: str) -> tuple[bytes, dict[str, str]]:
    """The JSON document with `nextPageToken` as its first member where Prefer asks for it, and the headers that say so.

    GS1's JSON schema has no such member, so nobody gets it unasked; clients that do not read Link need it. RFC 7240.
    """
    preferences = (one.strip() for value in request.headers.getlist("prefer") for one in value.split(","))
    if _WITH_BODY not in preferences:
        return document, {}
    return b'{"nextPageToken":' + orjson.dumps(token) + b"," + document[1:], {"Preference-Applied": _WITH_BODY}


def _single(parameters: dict[str, list[str]], name: str) -> str | None:
    values = parameters.pop(name, [])
    if len(values) > 1:
        raise QueryParameterException(f"{name} is given {len(values)} times; expected it once")
    return values[0] if values else None
