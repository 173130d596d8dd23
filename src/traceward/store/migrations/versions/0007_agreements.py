"""Agreements, alerts and their acknowledgements."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _create_agreements()
    _create_alerts()


def _create_agreements() -> None:
    op.create_table(
        "agreement_version",
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_on", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("agreement_id", "version"),
    )
    op.create_index("ix_agreement_version_supplier", "agreement_version", ["supplier", "agreement_id", "version"])
    op.create_index("ix_agreement_version_hospital", "agreement_version", ["hospital", "agreement_id", "version"])
    op.create_table(
        "agreement_signature",
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("signed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "version", "party"),
    )


def _create_alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("sight", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=True),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("responsible", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=True),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_supplier", "alert", ["supplier", "closed_us", "opened_us", "id"])
    op.create_index("ix_alert_hospital", "alert", ["hospital", "closed_us", "opened_us", "id"])
    op.create_index("ix_alert_supplier_all", "alert", ["supplier", "opened_us", "id"])
    op.create_index("ix_alert_hospital_all", "alert", ["hospital", "opened_us", "id"])
    op.create_index("ix_alert_scope", "alert", ["scope", "closed_us"])
    op.create_index("ix_alert_base", "alert", ["base", "number"])
    op.create_table(
        "alert_scope",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("marked", sa.BigInteger(), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "alert_touched",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_alert_scope_next", "alert_scope", ["next_us", "scope"])
    op.create_table(
        "alert_digest",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "alert_acknowledgement",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("acknowledged_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "party"),
    )
