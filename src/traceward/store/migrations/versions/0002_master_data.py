"""Master data: versions of vocabulary elements and their hierarchy."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SORTED_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the tables of this step into being."""
    op.create_table(
        "master_data",
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("id", _SORTED_TEXT, nullable=False),
        sa.Column("vtype", _SORTED_TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record_time_us", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("party", "id", "vtype"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_master_data_id", "master_data", ["id", "party", "vtype"], unique=False)
    op.create_table(
        "master_data_version",
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("id", _SORTED_TEXT, nullable=False),
        sa.Column("vtype", _SORTED_TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record_time_us", sa.BigInteger(), nullable=False),
        sa.Column("captured_by", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("party", "id", "vtype", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "master_data_attribute",
        sa.Column("id", _SORTED_TEXT, nullable=False),
        sa.Column("name", _SORTED_TEXT, nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("vtype", _SORTED_TEXT, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", "name", "party", "vtype", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "master_data_child",
        sa.Column("parent", _SORTED_TEXT, nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("vtype", _SORTED_TEXT, nullable=False),
        sa.Column("child", _SORTED_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("parent", "party", "vtype", "child"),
        sqlite_with_rowid=False,
    )
