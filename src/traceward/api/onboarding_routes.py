"""Onboarding of a partner over HTTP: how far it is, with the next line for each side, and the steps themselves.

It must not decide who may do a step: services.imports.onboarding does.
"""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from traceward.api.deps import Administrator, Caller, Capturer, Services
from traceward.api.negotiation import body_format, require_body_versions
from traceward.services.imports import onboarding

router = APIRouter(prefix="/onboarding", tags=["getting started"])

Id = Annotated[str, Field(min_length=1, max_length=200)]
_DOCUMENT = {
    "required": True,
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "application/xml": {"schema": {"type": "string"}},
    },
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BeginRequest(_Body):
    """Who comes onto this server, as what, and for whom. name, companyPrefixes: of a partner that is not known yet."""

    host: Id
    partner: Id
    role: Literal["supplier", "hospital", "carrier"]
    name: Annotated[str, Field(max_length=200)] = ""
    companyPrefixes: Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]], Field(max_length=100)] = []


class OnboardingKeyRequest(_Body):
    """For whom a key is to be made. role: absent for the usual one; a hospital may ask for clinical."""

    host: Id
    partner: Id
    role: Annotated[str, Field(max_length=40)] | None = None


class DraftRequest(_Body):
    """A first agreement of the caller, who is the host: at which sites, for which products; other terms by default."""

    partner: Id
    sites: Annotated[list[Id], Field(min_length=1, max_length=500)]
    gtins: Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{8,14}$")]], Field(min_length=1, max_length=5000)]
    agreementID: Annotated[str, Field(max_length=500)] | None = None
    title: Annotated[str, Field(max_length=200)] = ""
    validFrom: date | None = None


class StepBody(BaseModel):
    """One step. by: administrator, host or partner. next, command: what to do, and a line that does it."""

    step: Literal["party", "key", "agreement", "signature", "test"]
    done: bool
    by: str
    detail: str
    next: str
    command: str


class OnboardingBody(BaseModel):
    """How far an onboarding is. state: the first step that is open, or done."""

    host: str
    partner: str
    role: str
    begunAt: str
    state: Literal["party", "key", "agreement", "signature", "test", "done"]
    steps: list[StepBody]


class NewOnboardingKeyBody(OnboardingBody):
    """The state after a key was made, and its text, which is in this answer alone."""

    key: str


class TestedBody(OnboardingBody):
    """The state after a test, and what capturing the document would have done."""

    dryRun: dict[str, Any]


class OnboardingsBody(BaseModel):
    """The onboardings that the caller may see."""

    onboardings: list[OnboardingBody]


@router.get("", response_model=OnboardingsBody)
def get_onboardings(
    request: Request,
    caller: Caller,
    runtime: Services,
    partner: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, Any]:
    """How far partners are: all of them for an administrator, one's own for others."""
    found = onboarding.onboardings(runtime, caller, partner)
    return {"onboardings": [onboarding.state(runtime, one, str(request.base_url)) for one in found]}


@router.post("", status_code=201, response_model=OnboardingBody)
def post_onboarding(body: BeginRequest, request: Request, caller: Administrator, runtime: Services) -> dict[str, Any]:
    """Begin a partner's onboarding, and make it known; begun again it is taken up where it stands."""
    row = onboarding.begin(runtime, caller, body.model_dump())
    return onboarding.state(runtime, row, str(request.base_url))


@router.post("/key", status_code=201, response_model=NewOnboardingKeyBody)
def post_key(body: OnboardingKeyRequest, request: Request, caller: Administrator, runtime: Services) -> dict[str, Any]:
    """Make a key for the partner; its text is in this answer and nowhere else."""
    row, text = onboarding.give_key(runtime, caller, body.host, body.partner, body.role)
    return onboarding.state(runtime, row, str(request.base_url)) | {"key": text}


@router.post("/agreement", status_code=201, response_model=OnboardingBody)
def post_agreement(body: DraftRequest, request: Request, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Propose a first agreement with the partner, signed by the caller, who is the host."""
    onboarding.draft_agreement(runtime, caller, body.partner, body.model_dump())
    row = onboarding.find(runtime, caller, caller.organisation, body.partner)
    return onboarding.state(runtime, row, str(request.base_url))


@router.post("/test", response_model=TestedBody, openapi_extra={"requestBody": _DOCUMENT})
async def post_test(
    request: Request, caller: Capturer, runtime: Services, host: Annotated[str, Query(max_length=200)]
) -> dict[str, Any]:
    """Try a capture as the partner: everything of it but the storing. Sent in JSON or XML, as to /epcis/capture."""
    form = body_format(request.headers)
    require_body_versions(request.headers, form)
    body = await request.body()
    row, foreseen = await run_in_threadpool(onboarding.try_capture, runtime, caller, host, body, form)
    return await run_in_threadpool(onboarding.state, runtime, row, str(request.base_url)) | {"dryRun": foreseen}
