"""Named queries."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring the tables of this step into being."""
