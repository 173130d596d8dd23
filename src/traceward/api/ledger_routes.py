"""The ledger's own questions: conflicts and their life, ghosts, corrections that wait.

It must not decide who may close a conflict: the services do.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from traceward.api.deps import Capturer, Reader, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.ledger_models import (
    ConflictBody,
    ConflictsAnswer,
    CorrectionsAnswer,
    GhostsAnswer,
    ResolutionRequest,
)
from traceward.api.parameters import PAGED
from traceward.services.counting import ghosts
from traceward.services.tracing import conflicts, corrections

router = APIRouter()

AsOf = Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")]


@router.get("/conflicts", response_model=ConflictsAnswer, dependencies=PAGED)
def get_conflicts(
    request: Request,
    response: Response,
    caller: Reader,
    runtime: Services,
    settings: ServerSettings,
    state: Annotated[str | None, Query(description="open, explained or corrected; absent: all that stand")] = None,
    kind: str | None = None,
    severity: Annotated[str | None, Query(description="critical, high, medium or low")] = None,
    item: Annotated[str | None, Query(description="An item or class in either spelling")] = None,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> dict[str, object]:
    """The conflicts that concern the caller, newest event first."""
    page = page_request(request, settings)
    wanted = conflicts.ConflictFilter(
        as_of=asOf, known_at=knownAt, state=state, kind=kind, severity=severity, item=item
    )
    answer = conflicts.conflicts_page(runtime, caller, wanted, page.token, page.per_page)
    response.headers.update(link_headers(request, page, answer.next_token, answer.expires_us))
    return answer.body


@router.post("/conflicts/{conflict_id}/explain", response_model=ConflictBody)
def explain_conflict(
    conflict_id: str, body: ResolutionRequest, caller: Capturer, runtime: Services
) -> dict[str, object]:
    """Explain a conflict; all whom it concerns read who did so and why. It opens again when it says something else."""
    return conflicts.resolve(runtime, caller, conflict_id, conflicts.EXPLAINED, body.reason)


@router.post("/conflicts/{conflict_id}/reopen", response_model=ConflictBody)
def reopen_conflict(
    conflict_id: str, body: ResolutionRequest, caller: Capturer, runtime: Services
) -> dict[str, object]:
    """Open an explained conflict again."""
    return conflicts.resolve(runtime, caller, conflict_id, conflicts.OPEN, body.reason)


@router.get("/ghosts", response_model=GhostsAnswer)
def get_ghosts(
    caller: Reader,
    runtime: Services,
    place: str | None = None,
    gtin: str | None = None,
    asOf: AsOf = None,
    knownAt: AsOf = None,
) -> dict[str, object]:
    """Stock on the caller's book that complete counts did not see, and what they found beyond it."""
    return ghosts.ghosts(runtime, caller, place=place, gtin=gtin, as_of=asOf, known_at=knownAt)


@router.get("/corrections", response_model=CorrectionsAnswer)
def get_corrections(caller: Reader, runtime: Services, asOf: AsOf = None, knownAt: AsOf = None) -> dict[str, object]:
    """Errors declared whose corrective event, or whose original, is not here."""
    return corrections.pending(runtime, caller, as_of=asOf, known_at=knownAt)
