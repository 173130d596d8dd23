"""Private events that several organisations captured: a sealed copy for each but the first, under keys of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring the table of this step into being; copies of what was captured before are made when one erases."""
    op.create_table(
        "sealed_copy",
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("eid", "party"),
    )
