"""Wire models of recalls; they must not be database tables nor hold rules."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from traceward.api.ledger_models import ConflictBody
from traceward.api.lots import LotNumber
from traceward.api.models import WithNames
from traceward.api.patient_models import PatientLink

Serial = Annotated[str, Field(min_length=1, max_length=20)]
_Number = Annotated[str, Field(min_length=1, max_length=500, description="The notice's number as its events name it")]
_Words = Annotated[str, Field(min_length=1, max_length=1000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SerialRangeBody(_Request):
    """Serials of one length that differ in a number at their end, both ends included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Serial = Field(alias="from")
    last: Serial = Field(alias="to")


class RecalledItem(_Request):
    """What is recalled: a product, one lot of it, or a range of its serials; as on the label."""

    gtin: Annotated[str, Field(pattern=r"^[0-9]{8,14}$")]
    lot: LotNumber | None = None
    serials: SerialRangeBody | None = None


class RecallRequest(_Request):
    """A notice to be issued by the maker of its goods. notice: a URI; absent: one is made.

    includeContaining: recall as well what the maker made of them, such as kits, as far as its events tell.
    """

    notice: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$", max_length=500)] | None = None
    recallClass: Literal["I", "II", "III"]
    reason: _Words
    items: Annotated[list[RecalledItem], Field(min_length=1, max_length=200)]
    includeContaining: bool = True
    eventTime: str | None = None
    eventTimeZoneOffset: str | None = None


class WithdrawalRequest(_Request):
    """A notice to be taken back by its issuer, and why."""

    notice: _Number
    reason: _Words


class AcknowledgementRequest(_Request):
    """What the caller's organisation has done about a notice. issuer: where several use the same number."""

    notice: _Number
    issuer: str | None = None
    step: Literal["received", "quarantined", "patients_traced", "done"]
    note: Annotated[str, Field(max_length=1000)] = ""


class NoticePatientsRequest(_Request):
    """A look-up of the patients that a notice concerns; purpose: why, for the audit log."""

    notice: _Number
    issuer: str | None = None
    purpose: _Words


class Acknowledgement(BaseModel):
    """That a party has taken a step. Its issuer reads those of all, others their own."""

    party: str
    step: str
    principal: str
    note: str
    acknowledgedAt: str


class Acknowledgements(BaseModel):
    """What was said about a notice, by time."""

    acknowledgements: list[Acknowledgement]


class NoticeItem(RecalledItem):
    """What a notice covers. contains: recalled goods that are in it, where it is recalled for these; else empty."""

    contains: list[str]


class RecallNoticeBody(BaseModel):
    """What a notice says. recallClass, reason: None where its events do not tell. withdrawnAt: None while it stands."""

    notice: str
    issuer: str
    recallClass: str | None
    reason: str | None
    issuedAt: str
    withdrawnAt: str | None
    items: list[NoticeItem]
    eventIDs: list[str]
    acknowledgements: list[Acknowledgement]


class RecallList(WithNames):
    """The notices that concern the caller, newest first; names of the ids that occur."""

    recalls: list[RecallNoticeBody]


class ClaimedUnits(BaseModel):
    """Units that a party claims without proof; outside the totals."""

    item: str
    place: str | None
    container: str | None
    owner: str | None
    holder: str | None
    status: str
    quantity: str
    uom: str | None
    flags: list[str]
    eventIDs: list[str]


class RecalledUnits(ClaimedUnits):
    """Units in one state. handling: with_issuer, quarantined, not_quarantined, returning, in_transit or gone.

    since: the last event that changed them; afterNotice: that was later than the notice, and they are still in stock.
    """

    handling: str
    since: str
    afterNotice: bool


class ContainingUnits(RecalledUnits):
    """Units that contain recalled ones, and that the notice does not cover itself. contains: which, by identifier."""

    contains: list[str]


class _Amounts(BaseModel):
    uom: str | None
    withIssuer: str
    quarantined: str
    notQuarantined: str
    returning: str
    inTransit: str
    gone: str


class RecallTotals(_Amounts):
    """Sums of one unit of measure (None: each): total = created = the sum of the six parts. goneBy: gone by status."""

    created: str
    total: str
    goneBy: dict[str, str]


class RecallHolder(_Amounts):
    """The sums of one party."""

    holder: str | None


class RecallBody(RecallNoticeBody, WithNames):
    """A notice with all units that it covers, as the caller may know them. state: open, complete or withdrawn.

    containedIn: units, outside the sums, that contain recalled ones; containedInMore: what was not followed.
    """

    asOf: str
    state: str
    totals: list[RecallTotals]
    units: list[RecalledUnits]
    inTransit: list[RecalledUnits]
    sinks: list[RecalledUnits]
    containedIn: list[ContainingUnits]
    containedInMore: list[str]
    claims: list[ClaimedUnits]
    holders: list[RecallHolder]
    conflicts: list[ConflictBody]


class ContainingItem(BaseModel):
    """An item or lot that contains recalled units. contains: which, by identifier."""

    item: str
    contains: list[str]


class NoticePatients(BaseModel):
    """The patients whom units of a notice, or what they are part of, are or were with, by time."""

    notice: str
    issuer: str
    asOf: str
    containedIn: list[ContainingItem]
    containedInMore: list[str]
    links: list[PatientLink]
