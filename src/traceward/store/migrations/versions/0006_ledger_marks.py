"""Marks of the ledger: resolutions of conflicts and points to fold from."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Bring the tables of this step into being."""
