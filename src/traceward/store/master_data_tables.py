"""The tables of master data: what each party declares, every version of it, and the rows by which it is found.

Nothing here reads or writes. `party` is an organisation number, ids are canonical, attribute names in their one form.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from traceward.store import models

TIME_ZONE: Final = "https://ns.traceward.org/consignment/timeZone"
"""The attribute of a place that names its time zone, as the IANA data base does: Europe/Berlin."""

_OF_ZONES: Final = text(f"name = '{TIME_ZONE}'")

# Keyset lists need the order of code points, whatever the database's locale.
_SORTED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

master_data: Final = Table(
    "master_data",
    models.Table.metadata,
    Column("party", Integer, primary_key=True, autoincrement=False),
    Column("id", _SORTED_TEXT, primary_key=True),
    Column("vtype", _SORTED_TEXT, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("record_time_us", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # 16 bytes of the content
    Column("name", Text),  # what a person calls it
    Column("content", Text, nullable=False),  # JSON: id as sent, attributes, children
    Index("ix_master_data_id", "id", "party", "vtype"),
    sqlite_with_rowid=False,
)

master_data_version: Final = Table(
    "master_data_version",
    models.Table.metadata,
    Column("party", Integer, primary_key=True, autoincrement=False),
    Column("id", _SORTED_TEXT, primary_key=True),
    Column("vtype", _SORTED_TEXT, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("record_time_us", BigInteger, nullable=False),
    Column("captured_by", Text, nullable=False),  # the id of the key
    Column("job", Text),
    Column("content", Text, nullable=False),
    sqlite_with_rowid=False,
)

master_data_attribute: Final = Table(
    "master_data_attribute",
    models.Table.metadata,
    Column("id", _SORTED_TEXT, primary_key=True),
    Column("name", _SORTED_TEXT, primary_key=True),
    Column("party", Integer, primary_key=True, autoincrement=False),
    Column("vtype", _SORTED_TEXT, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("value", Text),  # None for what has a structure
    Index("ix_master_data_zones", "id", postgresql_where=_OF_ZONES, sqlite_where=_OF_ZONES),
    sqlite_with_rowid=False,
)

master_data_child: Final = Table(
    "master_data_child",
    models.Table.metadata,
    Column("parent", _SORTED_TEXT, primary_key=True),
    Column("party", Integer, primary_key=True, autoincrement=False),
    Column("vtype", _SORTED_TEXT, primary_key=True),
    Column("child", _SORTED_TEXT, primary_key=True),
    sqlite_with_rowid=False,
)
