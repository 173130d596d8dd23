"""Wire models of counts and write-offs; they must not judge: the services do."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from traceward.api.models import PlaceRef, ScannedData, ScanText, Text

ClientId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{4,64}$")]
Gtin = Annotated[str, Field(pattern=r"^[0-9]{8,14}$")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CountScan(_Request):
    """One scan: the symbols of one label or of several, an element string, or an item. readID: the client's own.

    quantity: of a class, in eaches or `uom`; absent, one for each label, or what the label says.
    """

    readID: ClientId
    elementString: ScannedData | None = None
    elementStrings: Annotated[list[ScannedData], Field(min_length=1, max_length=10)] | None = None
    symbols: Annotated[list[ScanText], Field(min_length=1, max_length=100)] | None = None
    epc: Text | None = None
    epcClass: Text | None = None
    quantity: Annotated[float, Field(gt=0, le=1e9)] | None = None
    uom: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] | None = None
    confirmed: bool = True
    typed: bool = False
    readAt: Text | None = None

    @model_validator(mode="after")
    def _one_of(self) -> "CountScan":
        given = [self.elementString, self.elementStrings, self.symbols, self.epc, self.epcClass]
        if sum(one is not None for one in given) != 1:
            raise ValueError("expected one of elementString, elementStrings, symbols, epc and epcClass")
        return self


class CountScans(_Request):
    """Scans in the order in which they were made."""

    scans: Annotated[list[CountScan], Field(min_length=1, max_length=1000)]


class CountRequest(_Request):
    """A count to begin; with scans, countedAt and finish, one that was taken without a connection, whole.

    scope: complete (what is not seen is missing) or partial; without it the count proves no absence. purpose: cycle,
    accounting for a stock-take, or opening for a first count, which puts what it finds on the book. supplier, gtins:
    what is counted, absent: everything at the place. nothingFound: without scans, that the place was looked at.
    """

    id: ClientId | None = None
    place: PlaceRef
    scope: Literal["complete", "partial"] | None = None
    supplier: Text | None = None
    gtins: Annotated[list[Gtin], Field(max_length=5000)] = []
    blind: bool = False
    purpose: Literal["cycle", "accounting", "opening"] = "cycle"
    eventTimeZoneOffset: Annotated[str, Field(pattern=r"^[+-]\d\d:\d\d$")] = "+00:00"
    scans: Annotated[list[CountScan], Field(max_length=20_000)] = []
    countedAt: Text | None = None
    nothingFound: bool = False
    finish: bool = False


class CloseRequest(_Request):
    """When the count was taken, where that is not now. nothingFound: the place was looked at, and nothing is there."""

    countedAt: Text | None = None
    nothingFound: bool = False


class CountFinding(BaseModel):
    """Something that the counter should know of a label."""

    code: str
    message: str


class ReadBody(BaseModel):
    """What became of a label: counted, counted_before (a serial again), added (to a class), sent_before, undone or
    refused.
    """

    readID: str
    outcome: str
    item: str | None = None
    gtin: str | None = None
    lot: str | None = None
    serial: str | None = None
    expiry: str | None = None
    quantity: str | None = None
    uom: str | None = None
    round: int | None = None
    readAt: str | None = None
    findings: list[CountFinding]


class ResultsBody(BaseModel):
    """What became of each label of a request. symbols: those of a picture that no label was made of."""

    results: list[ReadBody]


class VarianceLine(BaseModel):
    """What a count says of an item. kind: agrees, missing, found, unexpected, wrong_place, or seen (in part)."""

    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    uom: str | None
    kind: str
    booked: str
    counted: str
    difference: str
    places: list[str]


class PartBody(BaseModel):
    """One supplier's part of a count."""

    countID: str
    counter: str
    supplier: str
    place: str
    scope: str | None
    gtins: list[str]
    countedAt: str
    agreementID: str | None
    recountAt: int | None
    rounds: int
    variance: str
    final: bool
    eventIDs: list[str]
    lines: list[VarianceLine]


class BookLine(BaseModel):
    """What the book has at the place, in a count that is not blind."""

    item: str
    quantity: str
    uom: str | None


class CountHead(BaseModel):
    """A count without its reads. state: open, closed, recounting, finished or abandoned. note: what it cannot prove."""

    id: str
    number: str
    place: str
    scope: str | None
    supplier: str | None
    gtins: list[str]
    blind: bool
    purpose: str
    state: str
    round: int
    recount: list[str]
    createdAt: str
    createdBy: str
    countedAt: str | None
    finishedAt: str | None
    note: str | None


class CountsBody(BaseModel):
    """Counts of the caller's organisation, newest first."""

    counts: list[CountHead]


class CountBody(BaseModel):
    """A count. Its supplier reads id, state, place and its own part alone."""

    id: str
    state: str
    place: str
    number: str | None = None
    scope: str | None = None
    supplier: str | None = None
    gtins: list[str] = []
    blind: bool | None = None
    purpose: str | None = None
    round: int | None = None
    recount: list[str] = []
    createdAt: str | None = None
    createdBy: str | None = None
    countedAt: str | None = None
    finishedAt: str | None = None
    note: str | None = None
    recountRequired: bool = False
    reads: list[ReadBody] = []
    parts: list[PartBody] = []
    book: list[BookLine] | None = None
    results: list[ReadBody] | None = None


class VariancesBody(BaseModel):
    """Final parts of counts, newest first."""

    variances: list[PartBody]


class WriteOffItem(_Request):
    """So much of an item that counts miss; without quantity, all that they miss."""

    item: Text
    quantity: Annotated[float, Field(gt=0, le=1e9)] | None = None


class WriteOffRequest(_Request):
    """Missing stock of one supplier at one place, to be written off."""

    id: ClientId | None = None
    place: PlaceRef
    items: Annotated[list[WriteOffItem], Field(min_length=1, max_length=1000)]
    reason: Literal["lost", "stolen"] = "lost"


class Refusal(_Request):
    """Why a write-off is declined; may be left out by who takes back its own."""

    reason: Annotated[str, Field(max_length=1000)] = ""


class ChargeBody(BaseModel):
    """So much money. currency: ISO 4217."""

    amount: str
    currency: str


class WrittenOffItem(BaseModel):
    """How much of an item is written off, and how much of that is paid for."""

    item: str
    uom: str | None
    quantity: str
    charged: str
    firstMissed: str


class WriteOffBody(BaseModel):
    """A write-off. state: proposed, accepted, declined, withdrawn, expired, or cleared (found again).

    charges: what the hospital pays, by the agreement's prices; null for roles that see none. answerBy: after it a
    proposal has expired.
    """

    id: str
    state: str
    charges: list[ChargeBody] | None
    answerBy: str | None
    supplier: str
    hospital: str
    agreementID: str
    agreementVersion: int
    place: str
    reason: str
    items: list[WrittenOffItem]
    payer: str
    explanation: str
    proposedBy: str
    proposedAt: str
    answeredBy: str | None
    answeredAt: str | None
    answerReason: str | None
    eventIDs: list[str]


class WriteOffsBody(BaseModel):
    """Write-offs, the newest first."""

    writeOffs: list[WriteOffBody]


def plain(body: BaseModel) -> dict[str, Any]:
    """The fields of a request, absent ones left out."""
    return body.model_dump(exclude_none=True, exclude_unset=True)
