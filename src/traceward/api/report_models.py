"""Wire models of the reports on money and goods; they must not judge: the services do."""

from pydantic import BaseModel, Field

from traceward.api.models import WithNames


class LeakBody(BaseModel):
    """One leak of charges. value: what the agreement gives it; since: when it happened; dueAt: when it was overdue."""

    kind: str
    says: str
    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    quantity: str
    uom: str | None
    value: str | None
    currency: str | None
    priceProblem: str | None
    supplier: str | None
    place: str | None
    since: str
    dueAt: str | None
    eventIDs: list[str]
    usageReport: str | None
    useType: str | None
    orders: list[str]


class LeaksAnswer(WithNames):
    """The leaks of a period, their value by currency, and what places, parties and products are called."""

    start: str = Field(alias="from")
    to: str
    leaks: list[LeakBody]
    totals: dict[str, str]


class PartyBody(BaseModel):
    """A party of a report: its id (PGLN), GLN and name."""

    id: str
    gln: str
    name: str


class _Line(BaseModel):
    """The goods of a line, and their price where the caller's role sees prices."""

    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    quantity: str
    uom: str | None
    place: str | None
    unitPrice: str | None
    amount: str | None
    currency: str | None
    payer: str | None
    priceProblem: str | None


class OwnershipLine(_Line):
    """A passing of ownership. what: use, loss or purchase. place: where the goods were taken from."""

    eventTime: str
    eventID: str
    giver: str | None = Field(alias="from")
    to: str | None
    what: str
    useType: str | None
    reason: str | None
    usageReport: str | None


class StatusLine(_Line):
    """What lies at a place, or is on its way to it."""

    expiry: str | None
    container: str | None
    owner: str
    holder: str
    status: str
    flags: list[str]
    expired: bool
    usable: bool


class LevelBody(BaseModel):
    """The level that an agreement sets for a product at a place, and what is usable there or coming to its site."""

    gtin: str
    place: str
    usable: str
    inTransitToSite: str
    minimum: int
    maximum: int
    supplier: str
    hospital: str


class _Report(BaseModel):
    """A report. digest: SHA-256, the same for both parties, of what both may read."""

    report: str
    parties: list[PartyBody]
    totals: dict[str, str]
    digest: str
    drawnAt: str
    places: dict[str, str]
    products: dict[str, str]


class OwnershipReport(_Report):
    """Transfer of Ownership Report of a period."""

    start: str = Field(alias="from")
    to: str
    lines: list[OwnershipLine]


class StatusReport(_Report):
    """Consignment Stock Status Report of a moment."""

    asOf: str
    lines: list[StatusLine]
    levels: list[LevelBody]


class MovementBody(BaseModel):
    """A movement as SAP numbers it. postingDate: the UTC day. reference: the order, else the usage report."""

    postingDate: str
    movementType: int
    specialStock: str
    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    quantity: str
    uom: str | None
    place: str | None
    supplier: str | None
    hospital: str | None
    reference: str | None
    eventID: str


class MovementsAnswer(BaseModel):
    """Movements by day."""

    movements: list[MovementBody]
