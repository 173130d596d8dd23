"""Receipts say by which event their goods were sent, so that what it sent besides can be missed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column and the two indexes by which a shipment's goods, come and to come, are found."""
    op.add_column("ledger_dealing", sa.Column("sent_eid", sa.LargeBinary(), nullable=True))
    condition = sa.text("sent_eid IS NOT NULL")
    op.create_index(
        "ix_ledger_dealing_sent",
        "ledger_dealing",
        ["sent_eid", "supplier", "hospital", "event_time_us", "id"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
    underway = sa.text("status = 'in_transit'")
    op.create_index(
        "ix_balance_underway",
        "balance",
        ["last_eid", "owner", "record_key"],
        postgresql_where=underway,
        sqlite_where=underway,
    )
