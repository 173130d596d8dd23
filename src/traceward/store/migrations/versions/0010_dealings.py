"""Dealings: receipts and uses of goods on consignment, by which agreements are asked whether they cover them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_SORTED_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the table of this step into being; a rebuild of the ledger fills it with what was captured before."""
    op.create_table(
        "ledger_dealing",
        sa.Column("id", _SORTED_TEXT, nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_dealing_pair", "ledger_dealing", ["supplier", "hospital", "event_time_us", "id"])
