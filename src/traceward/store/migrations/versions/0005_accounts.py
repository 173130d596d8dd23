"""Accounts: scopes of keys, lasting sessions, the audit log and the keys of data subjects."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring the tables of this step into being."""
