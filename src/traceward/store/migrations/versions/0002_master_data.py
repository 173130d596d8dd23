"""Master data: versions of vocabulary elements and their hierarchy."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the tables of this step into being."""
