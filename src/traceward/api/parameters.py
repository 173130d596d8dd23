"""Which query parameters a request of our own interface may have: those that its route declares, each once.

What a server ignores, its caller believes in: a misspelt `from` would answer for all of time. The bindings of standards
(EPCIS, SOAP, FHIR, Digital Link) keep their own rules and are not asked here. It must not read any value.
"""

from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant

from traceward.epcis.errors import Finding, QueryParameterException

_CLAUSE: Final = "Traceward interface"


def known_parameters(request: Request) -> None:
    """Nothing when each parameter of the request is one of its route's, given once; else QueryParameterException."""
    dependant: Dependant | None = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None or any(one.call is any_parameter for one in dependant.dependencies):
        return
    known = {field.alias for one in with_all_below(dependant) for field in one.query_params}
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            expected = f"one of {', '.join(sorted(known))}" if known else "none"
            raise _refusal(name, f"{name[:80]!r} is no parameter here; expected {expected}")
        if name in seen:
            raise _refusal(name, f"{name} is given more than once; expected it once")
        seen.add(name)


def any_parameter() -> None:
    """For a route that reads a query language of its own: `known_parameters` leaves its parameters to it."""


def page_parameters(
    perPage: Annotated[str | None, Query(description="most entries of the page; an upper bound")] = None,
    nextPageToken: Annotated[str | None, Query(description="what the page before has given in Link")] = None,
) -> None:
    """For a route that pages with `epcis_paging.page_request`, which reads these two."""


KNOWN: Final = [Depends(known_parameters)]
PAGED: Final = [Depends(page_parameters)]
READS_ITS_OWN: Final = [Depends(any_parameter)]


def with_all_below(dependant: Dependant) -> Iterator[Dependant]:
    """What a route depends on, itself first, and what that depends on."""
    yield dependant
    for one in dependant.dependencies:
        yield from with_all_below(one)


def _refusal(name: str, message: str) -> QueryParameterException:
    return QueryParameterException(message, [Finding(name[:80], "unknown_parameter", message, _CLAUSE)])
