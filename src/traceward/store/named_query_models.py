"""Named queries and page tokens that their callers gave back, as typed rows (SQLModel); no rule stands here."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text
from sqlmodel import Field

from traceward.store.models import Table, _text, _time

# Lists are read page by page in the order of bytes, whatever the database's locale.
_NAME = Text().with_variant(Text(collation="C"), "postgresql")


class NamedQueryRow(Table, table=True):
    """A query under a name. owner: the viewer number of those who share it, as `named_queries.owner_of` gives it.

    id: random and never given again, so that a query made anew under an old name is another one. definition: the JSON
    object of its parameters, as sent. context: JSON of what its prefixes mean beside its own @context, "null" for none.
    """

    __tablename__ = "named_query"

    owner: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    name: str = Field(sa_column=Column(_NAME, primary_key=True))
    id: str = Field(sa_column=_text())
    definition: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    context: str = Field(default="null", sa_column=_text())
    created_us: int = Field(sa_column=_time())


class RevokedPageToken(Table, table=True):
    """A page token that works no more although its time is not over; digest: SHA-256 of its text."""

    __tablename__ = "revoked_page_token"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    expires_us: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
