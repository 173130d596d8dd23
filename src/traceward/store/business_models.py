"""What money is settled by, as typed rows (SQLModel): invoices, settlements with their lines and signatures, cases.

No rule stands here, and nothing here is a fact about goods: those are events.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Text
from sqlmodel import Field

from traceward.store.models import Table, _text, _time


def _maybe() -> Column[str]:
    return Column(Text, nullable=True)


def _number(*, primary_key: bool = False) -> Column[int]:
    return Column(Integer, nullable=False, primary_key=primary_key, autoincrement=False)


class Invoice(Table, table=True):
    """An invoice of a supplier for what a hospital has used; it never changes. issued_on: ISO date.

    principal: the key's label or the user's name.
    """

    __table_args__ = (Index("ix_invoice_hospital", "hospital", "issued_on", "supplier", "number"),)

    supplier: str = Field(sa_column=_text(primary_key=True))
    number: str = Field(sa_column=_text(primary_key=True))
    hospital: str = Field(sa_column=_text())
    issued_on: str = Field(sa_column=_text())
    currency: str = Field(sa_column=_text())
    principal: str = Field(sa_column=_text())
    received_us: int = Field(sa_column=_time())


class InvoiceLine(Table, table=True):
    """A line of an invoice, from 0 on. quantity, unit_price: decimal text; order_number, usage_report: its reason."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        Index("ix_invoice_line_hospital", "hospital", "item"),
        Index("ix_invoice_line_supplier", "supplier", "item"),
    )

    supplier: str = Field(sa_column=_text(primary_key=True))
    number: str = Field(sa_column=_text(primary_key=True))
    position: int = Field(sa_column=_number(primary_key=True))
    hospital: str = Field(sa_column=_text())
    item: str = Field(sa_column=_text())
    quantity: str = Field(sa_column=_text())
    unit_price: str = Field(sa_column=_text())
    order_number: str | None = Field(default=None, sa_column=_maybe())
    usage_report: str | None = Field(default=None, sa_column=_maybe())


class Settlement(Table, table=True):
    """What a period of an agreement comes to; it never changes. number: from 1 on for each agreement.

    agreement_id: the agreement's key, which is its id and both parties, here and in the lines.
    period: a month (2026-03), a day (2026-03-12), or the usage report or eventID of one use. known_us: what was known
    then was settled. content: the JSON that `digest` (hex, SHA-256) is of.
    """

    __table_args__ = (
        Index("ix_settlement_agreement", "agreement_id", "period", unique=True),
        Index("ix_settlement_supplier", "supplier", "created_us", "id"),
        Index("ix_settlement_hospital", "hospital", "created_us", "id"),
    )

    id: str = Field(sa_column=_text(primary_key=True))
    agreement_id: str = Field(sa_column=_text())
    period: str = Field(sa_column=_text())
    number: int = Field(sa_column=_number())
    supplier: str = Field(sa_column=_text())
    hospital: str = Field(sa_column=_text())
    known_us: int = Field(sa_column=_time())
    content: str = Field(sa_column=_text())
    digest: str = Field(sa_column=_text())
    created_by: str = Field(sa_column=_text())
    created_us: int = Field(sa_column=_time())


class SettlementLine(Table, table=True):
    """One line of a settlement, to find what has been settled of a use. line_key: hex eid, "|", item.

    quantity, amount: decimal text, negative where the line takes an earlier one back. amount: None without a price.
    """

    __tablename__ = "settlement_line"
    __table_args__ = (
        Index("ix_settlement_line_key", "line_key"),
        Index("ix_settlement_line_agreement", "agreement_id", "line_key"),
    )

    settlement_id: str = Field(sa_column=_text(primary_key=True))
    number: int = Field(sa_column=_number(primary_key=True))
    agreement_id: str = Field(sa_column=_text())
    line_key: str = Field(sa_column=_text())
    kind: str = Field(sa_column=_text())
    quantity: str = Field(sa_column=_text())
    amount: str | None = Field(default=None, sa_column=_maybe())
    currency: str | None = Field(default=None, sa_column=_maybe())
    period: str = Field(sa_column=_text())


class SettlementSignature(Table, table=True):
    """That a party agrees to a settlement, by its digest."""

    __tablename__ = "settlement_signature"

    settlement_id: str = Field(sa_column=_text(primary_key=True))
    party: str = Field(sa_column=_text(primary_key=True))
    principal: str = Field(sa_column=_text())
    digest: str = Field(sa_column=_text())
    signed_us: int = Field(sa_column=_time())


class UsageCase(Table, table=True):
    """A case that a hospital opened and that its use is to be documented for; for its clinical role alone."""

    __tablename__ = "usage_case"
    __table_args__ = (Index("ix_usage_case_opened", "hospital", "opened_us", "case_id"),)

    hospital: str = Field(sa_column=_text(primary_key=True))
    case_id: str = Field(sa_column=_text(primary_key=True))
    place: str | None = Field(default=None, sa_column=_maybe())
    usage_report: str | None = Field(default=None, sa_column=_maybe())
    opened_us: int = Field(sa_column=_time())
    recorded_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    recorded_by: str = Field(sa_column=_text())
