"""Wire models of patient look-ups, emergency access and erasure; they must not be database tables nor hold rules."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from traceward.api.lots import LotNumber

_Reason = Annotated[str, Field(min_length=10, max_length=1000, description="In words, for the privacy officer")]
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Asked(BaseModel):
    """Whom or what is asked for: one of a patient, an item (epc), or a lot of a GTIN."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    patient: Annotated[_Name | None, Field(description="GSRN: 18 digits, URN or Digital Link")] = None
    epc: _Name | None = None
    gtin: Annotated[str | None, Field(pattern=r"^[0-9]{8,14}$")] = None
    lot: LotNumber | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if (self.gtin is None) != (self.lot is None):
            raise ValueError("a lot is asked for by gtin and lot together")
        if [self.patient, self.epc, self.gtin].count(None) != 2:  # exactly one of three is given
            raise ValueError("expected exactly one of patient, epc, and gtin with lot")
        return self


class PatientSearch(_Asked):
    """A look-up. asOf: a date (its end, UTC) or a date-time; purpose: why, for the audit log."""

    purpose: Annotated[str, Field(max_length=1000)] = ""
    asOf: str | None = None


class EmergencyRequest(_Asked):
    """Emergency access for an hour to one patient, item or lot beyond the key's place."""

    reason: _Reason


class ReviewRequest(BaseModel):
    """The privacy officer's judgement of one emergency access."""

    model_config = ConfigDict(extra="forbid")

    judgement: Annotated[str, Field(min_length=1, max_length=1000)]


class ErasureRequest(BaseModel):
    """A patient whose private events are to become unreadable for good."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    patient: _Name
    reason: _Reason


class PatientLink(BaseModel):
    """Units of an item with a patient, since a time and until they were taken out again.

    useDeclaredInError: their use was declared in error and nothing stands in its place: find out before anything else.
    """

    patient: str
    item: str
    quantity: str
    since: str
    until: str | None
    usageReport: str | None
    useDeclaredInError: bool
    eventIDs: list[str]


class PatientLinks(BaseModel):
    """The links that were found, by time."""

    asOf: str
    links: list[PatientLink]


class Emergency(BaseModel):
    """One use of break-glass. concerns: the item or lot, or that it was a patient."""

    id: str
    principal: str
    credential: str
    concerns: str
    reason: str
    openedAt: str
    expiresAt: str
    reviewedAt: str | None
    reviewedBy: str | None
    review: str | None


class Emergencies(BaseModel):
    """Uses of break-glass, newest first."""

    emergencies: list[Emergency]


class ErasureBody(BaseModel):
    """How many events can be read no longer."""

    events: int


class QuarantineFinding(BaseModel):
    """Why an event is there."""

    code: str
    message: str


class QuarantinedEvent(BaseModel):
    """An event that was refused because it tells of a patient, without its content."""

    id: str
    receivedAt: str
    principal: str
    role: str
    findings: list[QuarantineFinding]


class QuarantineAnswer(BaseModel):
    """What waits for a decision, oldest first."""

    events: list[QuarantinedEvent]


class ReleasedBody(BaseModel):
    """The eventID of an event that was released."""

    eventID: str
