"""Receipts without papers that closed an order."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("replenishment_order", sa.Column("receipts", sa.Text(), nullable=False, server_default="[]"))
