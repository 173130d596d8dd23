"""The first schema: events, their index rows, the ledger, parties and jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_event_tables()
    if op.get_bind().dialect.name == "sqlite":
        _create_postings()
    else:
        _create_columns()
    _create_ledger()
    _create_administration()


def _create_event_tables() -> None:
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("record_time_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("context_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("rendered", sa.LargeBinary(), nullable=True),
        sa.Column("facts", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "context",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "witness",
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("record_time_us", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("eid", "party"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_id",
        sa.Column("event_id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("is_declaration", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("event_id_hash", "party", "eid"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stream",
        sa.Column("key_hash", sa.BigInteger(), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", "event_time_us", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "number",
        sa.Column("h", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("h", "seq", "x"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_number_x", "number", ["h", "x", "t", "seq"], unique=False)
    op.create_table(
        "vocabulary",
        sa.Column("viewer", sa.Integer(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("viewer", "kind", "value"),
        sqlite_with_rowid=False,
    )


def _create_postings() -> None:
    op.create_table(
        "posting",
        sa.Column("h", sa.BigInteger(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("h", "t", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "arrival",
        sa.Column("viewer", sa.Integer(), nullable=False),
        sa.Column("record_time_us", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("viewer", "record_time_us", "seq"),
        sqlite_with_rowid=False,
    )


def _create_columns() -> None:
    op.create_table(
        "visible",
        sa.Column("viewer", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("record_time_us", sa.BigInteger(), nullable=False),
        sa.Column("biz_step", sa.BigInteger(), nullable=True),
        sa.Column("biz_location", sa.BigInteger(), nullable=True),
        sa.Column("terms", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("viewer", "seq"),
    )
    op.create_index(
        "ix_visible_biz_location", "visible", ["viewer", "biz_location", "event_time_us", "seq"], unique=False
    )
    op.create_index("ix_visible_biz_step", "visible", ["viewer", "biz_step", "event_time_us", "seq"], unique=False)
    op.create_index("ix_visible_event_time", "visible", ["viewer", "event_time_us", "seq"], unique=False)
    op.create_index("ix_visible_record_time", "visible", ["viewer", "record_time_us", "seq"], unique=False)
    op.create_index("ix_visible_terms", "visible", ["terms"], unique=False, postgresql_using="gin")


def _create_ledger() -> None:
    op.create_table(
        "ledger_record",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("last_time_us", sa.BigInteger(), nullable=False),
        sa.Column("last_order", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_ledger_record_lot",
        "ledger_record",
        ["gtin", "lot"],
        unique=False,
        postgresql_where=sa.text("gtin IS NOT NULL"),
        sqlite_where=sa.text("gtin IS NOT NULL"),
    )
    op.create_table(
        "balance",
        sa.Column("record_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("place", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("container", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("uom", sa.Text(), nullable=True),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("expiry", sa.Text(), nullable=True),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("last_time_us", sa.BigInteger(), nullable=False),
        sa.Column("last_eid", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_key", "slot"),
    )
    op.create_index(
        "ix_balance_container",
        "balance",
        ["container", "owner", "record_key", "slot"],
        unique=False,
        postgresql_where=sa.text("container IS NOT NULL"),
        sqlite_where=sa.text("container IS NOT NULL"),
    )
    op.create_index(
        "ix_balance_holder",
        "balance",
        ["holder", "place", "record_key", "slot"],
        unique=False,
        postgresql_where=sa.text("holder <> owner"),
        sqlite_where=sa.text("holder <> owner"),
    )
    op.create_index("ix_balance_lot", "balance", ["gtin", "lot", "owner", "record_key", "slot"], unique=False)
    op.create_index("ix_balance_owner", "balance", ["owner", "place", "record_key", "slot"], unique=False)
    op.create_table(
        "ownership_transfer",
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("from_party", sa.Text(), nullable=False),
        sa.Column("to_party", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("uom", sa.Text(), nullable=True),
        sa.Column("use_type", sa.Text(), nullable=True),
        sa.Column("usage_report", sa.Text(), nullable=True),
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.Column("voided", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_ownership_transfer_from", "ownership_transfer", ["from_party", "event_time_us", "id"], unique=False
    )
    op.create_index("ix_ownership_transfer_key", "ownership_transfer", ["key"], unique=False)
    op.create_index("ix_ownership_transfer_to", "ownership_transfer", ["to_party", "event_time_us", "id"], unique=False)
    op.create_table(
        "conflict",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("private_party", sa.Text(), nullable=True),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("eids", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "conflict_party",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("conflict_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("party", "event_time_us", "conflict_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conflict_party_conflict", "conflict_party", ["conflict_id"], unique=False)
    op.create_table(
        "conflict_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("conflict_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("key", "conflict_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conflict_key_conflict", "conflict_key", ["conflict_id"], unique=False)
    op.create_table(
        "relation",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("consignee", sa.Text(), nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "consignee", "eid"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "due",
        sa.Column("apply_us", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("apply_us", "seq"),
        sqlite_with_rowid=False,
    )


def _create_administration() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "organisation",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("company_prefixes", sa.Text(), nullable=False),
        sa.Column("glns", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party", sa.Integer(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.Column("last_used_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(("ix_api_key_party"), "api_key", ["party"], unique=False)
    op.create_table(
        "session",
        sa.Column("id_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id_sha256"),
    )
    op.create_index(("ix_session_expires_us"), "session", ["expires_us"], unique=False)
    op.create_index(("ix_session_key_id"), "session", ["key_id"], unique=False)
    op.create_table(
        "capture_job",
        sa.Column("capture_id", sa.Text(), nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("finished_us", sa.BigInteger(), nullable=True),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("error_behaviour", sa.Text(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("stored_count", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("capture_id"),
    )
    op.create_index(("ix_capture_job_party"), "capture_job", ["party"], unique=False)
    op.create_index(("ix_capture_job_running"), "capture_job", ["running"], unique=False)
    op.create_table(
        "spool",
        sa.Column("capture_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("capture_id", "part"),
    )
