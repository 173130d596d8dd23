"""The ledger's marks: what was said about conflicts, those that were corrected, and earlier states of its records.

Nothing here reads or writes, and nothing here is a fact about goods: those are events.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from traceward.store import models

_SENT = text("sent_eid IS NOT NULL")
_SORTED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

# What was said about a conflict, one row each time; the newest counts, as long as the conflict says what it said then.
conflict_resolution: Final = Table(
    "conflict_resolution",
    models.Table.metadata,
    Column("conflict_id", _SORTED_TEXT, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # digest of what the conflict said
    Column("party", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A conflict that the facts bear out no longer, as it was when last it stood.
conflict_corrected: Final = Table(
    "conflict_corrected",
    models.Table.metadata,
    Column("party", Text, primary_key=True),
    Column("closed_us", BigInteger, primary_key=True, autoincrement=False),
    Column("conflict_id", _SORTED_TEXT, primary_key=True),
    Column("conflict", LargeBinary, nullable=False),
    Index("ix_conflict_corrected_conflict", "conflict_id"),
    sqlite_with_rowid=False,
)

# A record as it was after everything before any time t with since_us < t <= until_us; the newest state is the record's
# own. A late event is folded on from here. Which are kept is the ledger's choice: a missing one costs time alone.
ledger_snapshot: Final = Table(
    "ledger_snapshot",
    models.Table.metadata,
    Column("key", _SORTED_TEXT, primary_key=True),
    Column("until_us", BigInteger, primary_key=True, autoincrement=False),
    Column("since_us", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Receipts and uses of goods that belong to another than their holder; they are judged again when an agreement changes.
ledger_dealing: Final = Table(
    "ledger_dealing",
    models.Table.metadata,
    Column("id", _SORTED_TEXT, primary_key=True),
    Column("supplier", Text, nullable=False),
    Column("hospital", Text, nullable=False),
    Column("event_time_us", BigInteger, nullable=False),
    Column("eid", LargeBinary, nullable=False),
    Column("key", Text, nullable=False),
    Column("gtin", Text, nullable=False),
    Column("place", Text),
    Column("what", Text, nullable=False),
    Column("sent_eid", LargeBinary),
    Index("ix_ledger_dealing_pair", "supplier", "hospital", "event_time_us", "id"),
    Index("ix_ledger_dealing_sent", "sent_eid", "supplier", "hospital", "event_time_us", "id",
          postgresql_where=_SENT, sqlite_where=_SENT),
    sqlite_with_rowid=False,
)  # fmt: skip

# The form of the temporary table that a rebuild fills; this one stays empty.
ledger_shown: Final = Table(
    "ledger_shown",
    models.Table.metadata,
    Column("eid", LargeBinary, primary_key=True),
    Column("party", Text, primary_key=True),
    sqlite_with_rowid=False,
)
