"""Agreements, alerts and their acknowledgements."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Bring the tables of this step into being."""
