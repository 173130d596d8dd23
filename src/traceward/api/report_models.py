"""Wire models of the reports on money and goods; they must not judge: the services do."""

from pydantic import BaseModel, Field


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


class LeaksAnswer(BaseModel):
    """The leaks of a period, their value by currency, and what places, parties and products are called."""

    start: str = Field(alias="from")
    to: str
    leaks: list[LeakBody]
    totals: dict[str, str]
    places: dict[str, str]
    parties: dict[str, str]
    products: dict[str, str]
