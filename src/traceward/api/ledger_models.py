"""Wire models of the ledger's own answers: conflicts and their life, ghosts, corrections that wait.

They must not judge: the services do.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ResolutionRequest(BaseModel):
    """Why a conflict is explained, or opened again; it must name no patient."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class ConflictBody(BaseModel):
    """A fact that does not fit the others: recorded, never refused. state: open, explained or corrected."""

    id: str
    kind: str
    severity: str
    state: str
    message: str
    items: list[str]
    eventIDs: list[str]
    eventTime: str
    closedAt: str | None = None
    closedBy: str | None = None
    closedByRole: str | None = None
    closedReason: str | None = None


class ConflictsAnswer(BaseModel):
    """The conflicts that the caller may see."""

    conflicts: list[ConflictBody]


class AbsenceBody(BaseModel):
    """What complete counts missed of an item, or found beyond the book. misses: counts in a row that did so."""

    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    place: str | None
    owner: str | None
    holder: str | None
    quantity: str
    uom: str | None
    firstMissed: str
    ageDays: int
    misses: int
    countEventIDs: list[str]
    lastSeen: str
    lastEventID: str | None


class CountSideBody(BaseModel):
    """What one party's newest count of a lot says. official: it is the one that the agreement goes by."""

    party: str
    official: bool
    countedAt: str
    quantity: str
    eventID: str | None


class DisputeBody(BaseModel):
    """A lot at a place that the two parties of an agreement counted differently."""

    item: str
    gtin: str | None
    lot: str | None
    place: str | None
    uom: str | None
    owner: str | None
    holder: str | None
    counts: list[CountSideBody]


class GhostsAnswer(BaseModel):
    """Stock that counts did not see, what they saw beyond the book, and what the two sides counted differently."""

    asOf: str
    ghosts: list[AbsenceBody]
    found: list[AbsenceBody]
    disputes: list[DisputeBody] = []
    places: dict[str, str]
    parties: dict[str, str]
    products: dict[str, str] = {}


class PendingCorrection(BaseModel):
    """An error declaration that waits for its corrective events (missing), or for the event that it is about."""

    eventID: str
    eventTime: str
    declaredAt: str | None
    reason: str | None
    items: list[str]
    originalKnown: bool
    missing: list[str]


class CorrectionsAnswer(BaseModel):
    """The corrections that are not complete."""

    asOf: str
    pending: list[PendingCorrection]
