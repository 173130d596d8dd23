"""Wire models of replenishment and trends; they must not judge: the services do."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class PositionBody(BaseModel):
    """What a place has and expects of a product, in eaches. gap: what lifts it to its maximum, 0 above its minimum.

    stated: whether anybody has counted the place or put goods there; where nobody has, `note` says what follows.
    """

    agreementID: str
    supplier: str
    hospital: str
    gtin: str
    place: str
    minimum: int
    maximum: int
    usable: str
    inTransit: str
    onOrder: str
    gap: str
    stated: bool
    note: str | None


class ProposedItem(BaseModel):
    """So much of an item to be moved."""

    item: str
    quantity: str
    expiry: str | None


class ProposalBody(BaseModel):
    """transfer: move `items` from `from` to `place`, as `action` says; order: order `quantity` for `place`."""

    id: str
    kind: Literal["transfer", "order"]
    agreementID: str
    supplier: str
    hospital: str
    gtin: str
    place: str
    quantity: str
    from_: str | None = Field(default=None, serialization_alias="from", validation_alias="from")
    items: list[ProposedItem] | None = None
    action: dict[str, Any] | None = None
    multiple: int | None = None
    automatic: bool | None = None


class ProposalsBody(BaseModel):
    """What is to be moved and ordered, and the positions that it follows from."""

    asOf: str
    positions: list[PositionBody]
    proposals: list[ProposalBody]


class OrdersRequest(BaseModel):
    """Which proposals of kind order are ordered; absent: all that stand."""

    model_config = ConfigDict(extra="forbid")

    proposals: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=1000)] | None = None


class CancelRequest(BaseModel):
    """Why an order is cancelled; both sides read it, and it must name no patient."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class OrderPrice(BaseModel):
    """What one each costs by the agreement."""

    amount: str
    currency: str


class OrderStep(BaseModel):
    """What became of an order: ordered, sent, shipped, received, closed, cancelled. note: how a receipt is its own."""

    at: str
    what: str
    eventID: str | None
    note: str | None


class OrderBody(BaseModel):
    """A replenishment order. state: proposed, sent, partly_received, received or cancelled.

    transactionID: how shipments and receipts name it (bizTransaction of type po).
    """

    number: str
    transactionID: str
    state: str
    hospital: str
    supplier: str
    agreementID: str
    agreementVersion: int
    gtin: str
    place: str
    quantity: int
    shipped: str
    received: str
    price: OrderPrice | None
    automatic: bool
    figures: dict[str, Any]
    createdAt: str
    createdBy: str | None
    sentAt: str | None
    closedAt: str | None
    closedBy: str | None
    closedReason: str | None
    eventIDs: list[str]
    history: list[OrderStep]


class OrdersBody(BaseModel):
    """Orders, the newest first."""

    orders: list[OrderBody]


class TrendBody(BaseModel):
    """One family and size. slopePerDay: uses a day, now less before. change: share of the uses before."""

    rank: int
    family: str
    size: str | None
    gtins: list[str]
    uses: str
    usesBefore: str
    slopePerDay: str
    change: str | None
    direction: str


class TrendsBody(BaseModel):
    """Trends of use, the fastest growing first."""

    from_: str = Field(serialization_alias="from", validation_alias="from")
    to: str
    days: int
    trends: list[TrendBody]
