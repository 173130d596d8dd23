"""The records of a lot are found in their order, so that no planner reads all records for it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_NAMED = sa.text("gtin IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_ledger_record_lot", "ledger_record")
    op.create_index(
        "ix_ledger_record_lot",
        "ledger_record",
        ["gtin", "lot", "key"],
        postgresql_where=_NAMED,
        sqlite_where=_NAMED,
    )
