"""What a query has to look through beside the index of terms is kept short."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_visible_terms SET (gin_pending_list_limit = 256)")
        # What was put on the list while it was allowed to be long.
        op.execute("SELECT gin_clean_pending_list('ix_visible_terms'::regclass)")
