"""What is on its way is found by its shipment: an index that serves for places alone is offered for places alone."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_TO_A_PLACE = sa.text("status = 'in_transit' AND place IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_balance_incoming", "balance")
    op.create_index(
        "ix_balance_incoming",
        "balance",
        ["place", "record_key", "slot"],
        postgresql_where=_TO_A_PLACE,
        sqlite_where=_TO_A_PLACE,
    )
