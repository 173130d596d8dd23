"""Agreements are known by their id and both parties, write-offs by their id and who proposed them.

The columns keep their names and hold these keys. A settlement's agreement is the one of its rows' parties.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_AGREEMENTS = ("agreement_version", "agreement_signature", "settlement", "settlement_line")


def upgrade() -> None:
    connection = op.get_bind()
    pairs = connection.execute(sa.text("SELECT DISTINCT agreement_id, supplier, hospital FROM agreement_version"))
    keys = {old: " ".join((old, *sorted({supplier, hospital}))) for old, supplier, hospital in pairs}
    for table in _AGREEMENTS:
        statement = sa.text(f"UPDATE {table} SET agreement_id = :key WHERE agreement_id = :old")  # noqa: S608
        for old, key in keys.items():
            connection.execute(statement, {"key": key, "old": old})
    for old, proposer in connection.execute(sa.text("SELECT id, proposed_by FROM write_off")).all():
        renamed = sa.text("UPDATE write_off SET id = :key WHERE id = :old")
        connection.execute(renamed, {"key": f"{old} {proposer}", "old": old})
