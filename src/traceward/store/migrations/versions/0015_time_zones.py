"""The places that have a time zone are found without walking through every attribute."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_OF_ZONES = sa.text("name = 'https://ns.traceward.org/consignment/timeZone'")


def upgrade() -> None:
    op.create_index(
        "ix_master_data_zones",
        "master_data_attribute",
        ["id"],
        postgresql_where=_OF_ZONES,
        sqlite_where=_OF_ZONES,
    )
