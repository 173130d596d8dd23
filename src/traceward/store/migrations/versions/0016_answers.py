"""Why a write-off was declined."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("write_off", sa.Column("answer_reason", sa.Text()))
