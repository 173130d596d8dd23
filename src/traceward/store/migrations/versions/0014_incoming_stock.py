"""What is on its way to a place is found by the place."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_UNDERWAY = sa.text("status = 'in_transit'")


def upgrade() -> None:
    op.create_index(
        "ix_balance_incoming",
        "balance",
        ["place", "record_key", "slot"],
        postgresql_where=_UNDERWAY,
        sqlite_where=_UNDERWAY,
    )
