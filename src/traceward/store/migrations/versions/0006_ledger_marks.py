"""Marks of the ledger: resolutions of conflicts, earlier states of records, and what a rebuild notes while it runs."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_SORTED_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the tables of this step into being."""
    op.create_table(
        "ledger_shown",
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("eid", "party"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_snapshot",
        sa.Column("key", _SORTED_TEXT, nullable=False),
        sa.Column("until_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "until_us"),
        sqlite_with_rowid=False,
    )
    _create_resolutions()
    _narrow_balances()


def _narrow_balances() -> None:
    """Let the lists of a party's balances hold what has not left stock, and nothing else."""
    in_stock = "status IN ('on_hand','in_transit','explanted')"
    conditions = {"owner": in_stock, "holder": f"holder <> owner AND {in_stock}"}
    for column, condition in conditions.items():
        name = f"ix_balance_{column}"
        op.drop_index(name, "balance")
        op.create_index(
            name,
            "balance",
            [column, "place", "record_key", "slot"],
            postgresql_where=sa.text(condition),
            sqlite_where=sa.text(condition),
        )


def _create_resolutions() -> None:
    op.create_table(
        "conflict_resolution",
        sa.Column("conflict_id", _SORTED_TEXT, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conflict_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "conflict_corrected",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conflict_id", _SORTED_TEXT, nullable=False),
        sa.Column("conflict", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("party", "closed_us", "conflict_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conflict_corrected_conflict", "conflict_corrected", ["conflict_id"])
