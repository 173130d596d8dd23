"""Settlements over HTTP: made, read, signed by both sides.

It must not compute what a period comes to: services.money.settlement does.
"""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from traceward.api.deps import Capturer, Reader, Services
from traceward.services.money import settlement

router = APIRouter(prefix="/settlements", tags=["money"])


class SettlementRequest(BaseModel):
    """The period to settle: a month (2026-03), a day (2026-03-12), or a use's usage report or eventID."""

    model_config = ConfigDict(extra="forbid")

    agreementID: Annotated[str, Field(min_length=1, max_length=500)]
    period: Annotated[str, Field(min_length=1, max_length=500)]
    counterparty: Annotated[str, Field(max_length=200)] | None = None


class SettlementSignRequest(BaseModel):
    """The digest that the caller signs."""

    model_config = ConfigDict(extra="forbid")

    digest: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")]


class SettlementSignatureBody(BaseModel):
    """Who signed for a party, and when."""

    party: str
    principal: str
    signedAt: str


class SettlementSummary(BaseModel):
    """A settlement without its lines. digest: SHA-256 of `content` as JSON with sorted keys. state: open or signed."""

    id: str
    agreementID: str
    period: str
    number: int
    supplier: str
    hospital: str
    digest: str
    state: str
    createdBy: str
    createdAt: str
    signatures: list[SettlementSignatureBody]


class SettlementBody(SettlementSummary):
    """A settlement. content: what the digest is of, with a line for each use and each correction."""

    content: dict[str, Any]


class SettlementsAnswer(BaseModel):
    """Settlements, newest first."""

    settlements: list[SettlementSummary]


@router.get("", response_model=SettlementsAnswer)
def get_settlements(caller: Reader, runtime: Services) -> dict[str, object]:
    """The settlements of the caller's organisation."""
    return {"settlements": settlement.listed(runtime, caller)}


@router.post("", response_model=SettlementBody)
def post_settlement(body: SettlementRequest, caller: Capturer, runtime: Services) -> dict[str, object]:
    """Settle a period of an agreement; a period that is settled already is given as it was."""
    return settlement.settle(runtime, caller, body.agreementID, body.period, body.counterparty)


@router.get("/{settlement_id}", response_model=SettlementBody)
def get_settlement(settlement_id: str, caller: Reader, runtime: Services) -> dict[str, object]:
    """One settlement of the caller's organisation."""
    return settlement.find(runtime, caller, settlement_id)


@router.post("/{settlement_id}/sign", response_model=SettlementBody)
def post_settlement_signature(
    settlement_id: str, body: SettlementSignRequest, caller: Capturer, runtime: Services
) -> dict[str, object]:
    """Sign a settlement for the caller's side by its digest."""
    return settlement.sign(runtime, caller, settlement_id, body.digest)
