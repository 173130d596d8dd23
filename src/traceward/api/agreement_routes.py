"""Agreements over HTTP: propose, sign, end, read; JSON as the terms are published in OpenAPI.

It must not decide who may do what: services.agreements does.
"""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from traceward.api.deps import Capturer, Reader, Services
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.services.agreements import agreements
from traceward.services.agreements import files as agreement_files

router = APIRouter(prefix="/agreements", tags=["agreements"])


class SignatureBody(BaseModel):
    """Who signed for a party, and when."""

    party: str
    principal: str
    signedAt: str


class AgreementBody(BaseModel):
    """One version of an agreement. state: proposed, signed (for days to come), in_force, superseded or ended."""

    agreementID: str
    version: int
    state: str
    proposedBy: str
    proposedAt: str
    endedOn: str | None
    signatures: list[SignatureBody]
    terms: AgreementTerms


class AgreementsBody(BaseModel):
    """Versions of agreements, by id and version."""

    agreements: list[AgreementBody]


class SignRequest(BaseModel):
    """Which version the caller signs. counterparty: the other side, where several have an agreement of this id."""

    model_config = ConfigDict(extra="forbid")

    agreementID: str
    version: int
    counterparty: Annotated[str, Field(max_length=200)] | None = None


class EndRequest(BaseModel):
    """The last day of an agreement, in UTC. counterparty: the other side, where several have one of this id."""

    model_config = ConfigDict(extra="forbid")

    agreementID: str
    lastDay: date
    counterparty: Annotated[str, Field(max_length=200)] | None = None


class ExportBody(BaseModel):
    """Terms of agreements."""

    agreements: list[AgreementTerms]


class ImportRequest(BaseModel):
    """Terms of agreements, each judged by itself."""

    model_config = ConfigDict(extra="forbid")

    agreements: Annotated[list[dict[str, Any]], Field(max_length=1000)]


class FindingBody(BaseModel):
    """What is wrong with an item, and where."""

    path: str
    code: str
    message: str


class ImportedBody(BaseModel):
    """What came of one item. outcome: proposed, unchanged or refused."""

    index: int
    agreementID: str | None
    outcome: str
    version: int | None
    findings: list[FindingBody]


class ImportBody(BaseModel):
    """What came of each item, in order; with dryRun what would."""

    dryRun: bool
    items: list[ImportedBody]


@router.get("", response_model=AgreementsBody)
def get_agreements(
    caller: Reader, runtime: Services, agreementID: Annotated[str | None, Query(max_length=500)] = None
) -> dict[str, object]:
    """The agreements of the caller's organisation, every version; or the versions of one."""
    if agreementID is None:
        found = agreements.agreements_of(runtime, caller)
    else:
        found = agreements.versions_of(runtime, caller, agreementID)
    return {"agreements": agreements.agreement_bodies(runtime, found, caller)}


@router.get("/export", response_model=ExportBody)
def export_agreements(caller: Reader, runtime: Services) -> dict[str, object]:
    """The newest version of each of the caller's agreements, as terms; what `import` takes."""
    return {"agreements": agreement_files.exported(runtime, caller)}


@router.post("/import", response_model=ImportBody)
def import_agreements(
    body: ImportRequest,
    caller: Capturer,
    runtime: Services,
    dry_run: Annotated[bool, Query(alias="dry-run", description="Only say what would come of it")] = False,
) -> dict[str, object]:
    """Propose every agreement of a file, each by itself, and say what came of it; a wrong one stops no other."""
    items = agreement_files.imported(runtime, caller, body.agreements, dry_run=dry_run)
    return {"dryRun": dry_run, "items": [asdict(one) for one in items]}


@router.post("", status_code=201, response_model=AgreementBody)
def post_agreement(body: AgreementTerms, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Propose the next version of an agreement; it is signed by the caller's side, and waits for the other's."""
    made = agreements.propose(runtime, caller, body)
    return agreements.agreement_bodies(runtime, [made], caller)[0]


@router.post("/sign", response_model=AgreementBody)
def post_signature(body: SignRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Sign a version that the other side proposed."""
    signed = agreements.sign(runtime, caller, body.agreementID, body.version, body.counterparty)
    return agreements.agreement_bodies(runtime, [signed], caller)[0]


@router.post("/end", response_model=AgreementBody)
def post_end(body: EndRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Let the signed version of an agreement end on a day that is not past."""
    ended = agreements.end(runtime, caller, body.agreementID, body.lastDay, body.counterparty)
    return agreements.agreement_bodies(runtime, [ended], caller)[0]
