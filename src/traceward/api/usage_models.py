"""Wire models of uses, invoices and cases; they must not judge: the services do."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from traceward.api.models import WithNames
from traceward.ledger.agreement_terms import PartyId


class ChargeBody(BaseModel):
    """What a line comes to by the agreement that was in force; amounts are decimal text.

    priceProblem: off_agreement, no_price or unit. ordered, invoiced: quantities that papers answer.
    """

    payer: str
    unitPrice: str | None
    amount: str | None
    currency: str | None
    agreement: str | None
    agreementVersion: int | None
    billMode: str | None
    priceProblem: str | None
    orders: list[str]
    invoices: list[str]
    ordered: str
    invoiced: str


class UseLineBody(BaseModel):
    """One item of a use. counts: ownership passed by it. beyondBook: how much of the quantity the ledger did not have
    where it was taken, null where it had all. charge: null for roles that see no prices.
    """

    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    quantity: str
    uom: str | None
    state: str
    counts: bool
    beyondBook: str | None
    charge: ChargeBody | None


class UseBody(BaseModel):
    """One use event. state: of its line that has come least far; recordTime: when this server learnt of it."""

    eventID: str
    eventTime: str
    recordTime: str
    usageReport: str | None
    useType: str | None
    reason: str | None
    noCharge: bool
    place: str | None
    takenFrom: str | None
    supplier: str | None
    hospital: str | None
    state: str
    lines: list[UseLineBody]


class UsageAnswer(WithNames):
    """Uses, newest first, and what the places, parties and products in them are called."""

    uses: list[UseBody]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class InvoiceLineRequest(_Request):
    """quantity of an item (EPC or EPC class) at a price for one each; order, usageReport: what it refers to."""

    item: Annotated[str, Field(min_length=1, max_length=500)]
    quantity: Annotated[Decimal, Field(gt=0, le=1_000_000)]
    unit_price: Annotated[Decimal, Field(ge=0, le=Decimal("1e12"), max_digits=18)]
    order: Annotated[str, Field(max_length=500)] | None = None
    usage_report: Annotated[str, Field(max_length=500)] | None = None


class InvoiceRequest(_Request):
    """An invoice of the caller's organisation. currency: ISO 4217."""

    number: Annotated[str, Field(min_length=1, max_length=100)]
    hospital: PartyId
    issued_on: date
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    lines: Annotated[list[InvoiceLineRequest], Field(min_length=1, max_length=2000)]


class InvoiceAnswer(BaseModel):
    """An invoice, and its findings: what each line says otherwise than uses and agreement. totals: by currency."""

    supplier: str
    number: str
    hospital: str
    issuedOn: str
    currency: str
    lines: list[dict[str, Any]]
    totals: dict[str, str]
    findings: list[dict[str, Any]]


class InvoicesAnswer(BaseModel):
    """Invoices, newest first, without their lines."""

    invoices: list[dict[str, Any]]


class CaseRequest(_Request):
    """A case that was opened. case: its number as events name it; usageReport: under which its uses are reported."""

    case: Annotated[str, Field(min_length=1, max_length=200)]
    opened_at: Annotated[str, Field(max_length=64)]
    place: Annotated[str, Field(max_length=500)] | None = None
    usage_report: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class CaseBody(BaseModel):
    """A case. eventIDs: the uses that document it; dueAt: when they are overdue."""

    case: str
    place: str | None
    usageReport: str | None
    openedAt: str
    recordedAt: str
    dueAt: str | None
    eventIDs: list[str]


class CasesAnswer(BaseModel):
    """Cases, newest first."""

    cases: list[CaseBody]
