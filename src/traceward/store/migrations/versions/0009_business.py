"""Settlement, recalls and onboarding."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Bring the tables of this step into being."""
