"""Settlement, recalls and onboarding."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    _create_invoices()
    _create_settlement()
    _create_usage_cases()
    _create_recalls()
    _create_onboarding()


def _create_onboarding() -> None:
    op.create_table(
        "onboarding",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("test_us", sa.BigInteger(), nullable=True),
        sa.Column("test_passed", sa.Boolean(), nullable=False),
        sa.Column("test_events", sa.Integer(), nullable=False),
        sa.Column("test_detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("host", "partner"),
    )
    op.create_index("ix_onboarding_partner", "onboarding", ["partner", "host"])


def _create_invoices() -> None:
    op.create_table(
        "invoice",
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("supplier", "number"),
    )
    op.create_index("ix_invoice_hospital", "invoice", ["hospital", "issued_on", "supplier", "number"])
    op.create_table(
        "invoice_line",
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("usage_report", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("supplier", "number", "position"),
    )
    op.create_index("ix_invoice_line_hospital", "invoice_line", ["hospital", "item"])
    op.create_index("ix_invoice_line_supplier", "invoice_line", ["supplier", "item"])


def _create_settlement() -> None:
    op.create_table(
        "settlement",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("known_us", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_settlement_agreement", "settlement", ["agreement_id", "period"], unique=True)
    op.create_index("ix_settlement_supplier", "settlement", ["supplier", "created_us", "id"])
    op.create_index("ix_settlement_hospital", "settlement", ["hospital", "created_us", "id"])
    op.create_table(
        "settlement_line",
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("line_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("period", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("settlement_id", "number"),
    )
    op.create_index("ix_settlement_line_key", "settlement_line", ["line_key"])
    op.create_index("ix_settlement_line_agreement", "settlement_line", ["agreement_id", "line_key"])
    op.create_table(
        "settlement_signature",
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("signed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("settlement_id", "party"),
    )


def _create_usage_cases() -> None:
    op.create_table(
        "usage_case",
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("usage_report", sa.Text(), nullable=True),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hospital", "case_id"),
    )
    op.create_index("ix_usage_case_opened", "usage_case", ["hospital", "opened_us", "case_id"])


def _create_recalls() -> None:
    op.create_table(
        "recall_acknowledgement",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("acknowledged_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "notice", "party", "step"),
    )
    op.create_index("ix_recall_acknowledgement_party", "recall_acknowledgement", ["party", "issuer", "notice"])
