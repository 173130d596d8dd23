"""The tables of events, their index rows and the ledger: the one definition of their DDL on both databases.

Nothing here reads or writes. Citus rules hold from the start: no foreign key, join or unique constraint spans `event`,
`witness`, `event_id`, the posting tables, `vocabulary` and `stream`; every number in them is made by the application.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from traceward.store import (
    account_models,
    agreement_models,
    business_models,
    count_models,
    ledger_tables,
    master_data_tables,
    models,
    named_query_models,
    onboarding_models,
    recall_models,
    subscription_models,
)

metadata: Final[MetaData] = models.Table.metadata

# Importing them is what puts their tables beside those defined here.
MODELS: Final = (
    models,
    account_models,
    agreement_models,
    business_models,
    count_models,
    ledger_tables,
    master_data_tables,
    named_query_models,
    onboarding_models,
    recall_models,
    subscription_models,
)

# "BIGINT PRIMARY KEY" is no rowid alias in SQLite; INTEGER is, and holds 64 bits all the same.
_ROWID = BigInteger().with_variant(Integer(), "sqlite")
# Keyset lists and prefix ranges need the order of bytes, whatever the database's locale.
_SORTED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def _key(name: str, type_: type | object) -> Column:  # type: ignore[type-arg]
    return Column(name, type_, primary_key=True, autoincrement=False)  # type: ignore[arg-type]


def _need(name: str, type_: type | object) -> Column:  # type: ignore[type-arg]
    return Column(name, type_, nullable=False)  # type: ignore[arg-type]


event: Final = Table(
    "event",
    metadata,
    _key("seq", _ROWID),  # order of commits
    _need("eid", LargeBinary),  # 16 bytes; unique because `witness` is asked for it under the writer's lock
    _need("event_id", Text),
    _need("event_time_us", BigInteger),
    _need("record_time_us", BigInteger),
    _need("kind", SmallInteger),
    _need("private", Boolean),
    Column("context_id", BigInteger),
    _need("text", LargeBinary),  # the event as sent
    Column("rendered", LargeBinary),  # its Digital Link rendering where that differs
    Column("facts", LargeBinary),  # the ledger's own reading of it, opaque here
)

context: Final = Table("context", metadata, _key("id", BigInteger), _need("text", LargeBinary))

witness: Final = Table(
    "witness",
    metadata,
    _key("eid", LargeBinary),
    _key("party", Integer),
    _need("seq", BigInteger),
    _need("record_time_us", BigInteger),
    Column("job", Text),
    sqlite_with_rowid=False,
)

event_id: Final = Table(
    "event_id",
    metadata,
    _key("event_id_hash", LargeBinary),  # 16 bytes
    _key("party", Integer),
    _key("eid", LargeBinary),
    _need("seq", BigInteger),
    _need("is_declaration", Boolean),
    sqlite_with_rowid=False,
)

stream: Final = Table(
    "stream",
    metadata,
    _key("key_hash", BigInteger),
    _key("event_time_us", BigInteger),
    _key("seq", BigInteger),
    sqlite_with_rowid=False,
)

# SQLite: one row per viewer, event and term, in the order of event time.
posting: Final = Table(
    "posting",
    metadata,
    _key("h", BigInteger),
    _key("t", BigInteger),
    _key("seq", BigInteger),
    sqlite_with_rowid=False,
)

# SQLite: one row per viewer and event, in the order of capture.
arrival: Final = Table(
    "arrival",
    metadata,
    _key("viewer", Integer),
    _key("record_time_us", BigInteger),
    _key("seq", BigInteger),
    _need("event_time_us", BigInteger),
    sqlite_with_rowid=False,
)

# PostgreSQL: one row per viewer and event; GIN finds by any term, the b-trees read in order.
visible: Final = Table(
    "visible",
    metadata,
    _key("viewer", Integer),
    _key("seq", BigInteger),
    _need("event_time_us", BigInteger),
    _need("record_time_us", BigInteger),
    Column("biz_step", BigInteger),
    Column("biz_location", BigInteger),
    _need("terms", ARRAY(BigInteger)),
    # Every query reads all that waits to be put in, so that this must be little: the usual 4 MB cost more than all else
    # of the query, and stay until a vacuum where no more is captured.
    Index("ix_visible_terms", "terms", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 256}),
    Index("ix_visible_event_time", "viewer", "event_time_us", "seq"),
    Index("ix_visible_record_time", "viewer", "record_time_us", "seq"),
    Index("ix_visible_biz_step", "viewer", "biz_step", "event_time_us", "seq"),
    Index("ix_visible_biz_location", "viewer", "biz_location", "event_time_us", "seq"),
)

number: Final = Table(
    "number",
    metadata,
    _key("h", BigInteger),
    _key("seq", BigInteger),
    _key("x", Double),
    _need("t", BigInteger),
    Index("ix_number_x", "h", "x", "t", "seq"),
    sqlite_with_rowid=False,
)

vocabulary: Final = Table(
    "vocabulary",
    metadata,
    _key("viewer", Integer),
    _key("kind", SmallInteger),
    _key("value", _SORTED_TEXT),
    sqlite_with_rowid=False,
)

ledger_record: Final = Table(
    "ledger_record",
    metadata,
    _key("key", Text),
    _need("key_hash", BigInteger),
    _need("kind", SmallInteger),
    Column("gtin", Text),
    Column("lot", Text),
    _need("state", LargeBinary),
    _need("last_time_us", BigInteger),
    _need("last_order", LargeBinary),
    Index("ix_ledger_record_lot", "gtin", "lot", "key", postgresql_where=text("gtin IS NOT NULL"),
          sqlite_where=text("gtin IS NOT NULL")),
    sqlite_with_rowid=False,
)  # fmt: skip

_IN_STOCK = text("status IN ('on_hand','in_transit','explanted')")
_HELD_IN_STOCK = text("holder <> owner AND status IN ('on_hand','in_transit','explanted')")
_UNDERWAY: Final = text("status = 'in_transit'")
_TO_A_PLACE: Final = text("status = 'in_transit' AND place IS NOT NULL")
_IN_CONTAINER = text("container IS NOT NULL")

balance: Final = Table(
    "balance",
    metadata,
    _key("record_key", _SORTED_TEXT),
    _key("slot", Integer),
    _need("owner", Text),
    _need("holder", Text),
    Column("place", _SORTED_TEXT),
    Column("container", Text),
    _need("status", Text),
    _need("quantity", Text),
    Column("uom", Text),
    Column("gtin", Text),
    Column("lot", Text),
    Column("serial", Text),
    Column("expiry", Text),
    _need("flags", Text),
    _need("last_time_us", BigInteger),
    _need("last_eid", LargeBinary),
    # What was used up stays on the book for good: lists of stock must not wade through it.
    Index("ix_balance_owner", "owner", "place", "record_key", "slot", postgresql_where=_IN_STOCK,
          sqlite_where=_IN_STOCK),
    # What a party holds of its own is found by owner: only what is another's needs its own entry.
    Index("ix_balance_holder", "holder", "place", "record_key", "slot", postgresql_where=_HELD_IN_STOCK,
          sqlite_where=_HELD_IN_STOCK),
    Index("ix_balance_lot", "gtin", "lot", "owner", "record_key", "slot"),
    Index("ix_balance_underway", "last_eid", "owner", "record_key", postgresql_where=_UNDERWAY,
          sqlite_where=_UNDERWAY),
    # Not for what is asked without a place: where nearly nothing is on its way PostgreSQL would walk all of it, with
    # whatever has been on its way since the last vacuum.
    Index("ix_balance_incoming", "place", "record_key", "slot", postgresql_where=_TO_A_PLACE,
          sqlite_where=_TO_A_PLACE),
    Index("ix_balance_container", "container", "owner", "record_key", "slot", postgresql_where=_IN_CONTAINER,
          sqlite_where=_IN_CONTAINER),
)  # fmt: skip

ownership_transfer: Final = Table(
    "ownership_transfer",
    metadata,
    _key("id", _SORTED_TEXT),
    _need("event_time_us", BigInteger),
    _need("eid", LargeBinary),
    _need("from_party", Text),
    _need("to_party", Text),
    _need("key", Text),
    Column("gtin", Text),
    Column("lot", Text),
    Column("serial", Text),
    _need("quantity", Text),
    Column("uom", Text),
    Column("use_type", Text),
    Column("usage_report", Text),
    Column("agreement", Text),
    _need("voided", Boolean),
    Index("ix_ownership_transfer_from", "from_party", "event_time_us", "id"),
    Index("ix_ownership_transfer_to", "to_party", "event_time_us", "id"),
    Index("ix_ownership_transfer_key", "key"),
)

conflict: Final = Table(
    "conflict",
    metadata,
    _key("id", Text),
    _need("kind", Text),
    _need("severity", Text),
    _need("state", Text),
    Column("private_party", Text),
    _need("parties", Text),  # JSON array
    _need("keys", Text),  # JSON array
    _need("eids", Text),  # JSON array of hex
    _need("message", Text),
    _need("opened_us", BigInteger),
    _need("event_time_us", BigInteger),
    _need("detail", Text),  # JSON object
    Column("closed_us", BigInteger),
    Column("closed_by", Text),
    Column("closed_reason", Text),
)

conflict_party: Final = Table(
    "conflict_party",
    metadata,
    _key("party", Text),
    _key("event_time_us", BigInteger),
    _key("conflict_id", _SORTED_TEXT),
    Index("ix_conflict_party_conflict", "conflict_id"),
    sqlite_with_rowid=False,
)

conflict_key: Final = Table(
    "conflict_key",
    metadata,
    _key("key", Text),
    _key("conflict_id", _SORTED_TEXT),
    Index("ix_conflict_key_conflict", "conflict_id"),
    sqlite_with_rowid=False,
)

relation: Final = Table(
    "relation",
    metadata,
    _key("owner", Text),
    _key("consignee", Text),
    _key("eid", LargeBinary),
    sqlite_with_rowid=False,
)

# Events whose time is yet to come, by the moment from which they count.
due: Final = Table(
    "due",
    metadata,
    _key("apply_us", BigInteger),
    _key("seq", BigInteger),
    sqlite_with_rowid=False,
)

ONLY_ON: Final = {"posting": "sqlite", "arrival": "sqlite", "visible": "postgresql"}


def tables_of(dialect: str) -> list[Table]:
    """The tables that a database of this dialect ("sqlite" or "postgresql") has, in an order that can be created."""
    return [table for table in metadata.sorted_tables if ONLY_ON.get(table.name, dialect) == dialect]
