"""Count sessions and replenishment orders."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Bring the tables of this step into being."""
