"""Parties, keys, sessions and capture jobs as typed rows (SQLModel); nothing here is on the path of an event.

These are table models only: they never leave the server as a body, the API has its own wire models.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Table(SQLModel, registry=registry()):
    """The base of every table model; `Table.metadata` holds all tables of the store."""


def _text(**options: Any) -> Column[str]:
    return Column(Text, nullable=False, **options)


def _time(*, nullable: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=nullable)


class Meta(Table, table=True):
    """One fact about this database, as `secret_key` (hex) or `demo`."""

    name: str = Field(sa_column=_text(primary_key=True))
    value: str = Field(sa_column=_text())


class Counter(Table, table=True):
    """A number that only grows: `seq` (the last one given) and `record_time_us` (the last one given)."""

    name: str = Field(sa_column=_text(primary_key=True))
    value: int = Field(sa_column=_time())


class Organisation(Table, table=True):
    """A party with an account here. Its viewers are `number * 2` (shared) and `number * 2 + 1` (clinical).

    id: canonical PGLN. company_prefixes, glns: JSON arrays of digit strings. profile: JSON object of further facts.
    """

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(sa_column=_text(unique=True))
    name: str = Field(sa_column=_text())
    company_prefixes: str = Field(default="[]", sa_column=_text())
    glns: str = Field(default="[]", sa_column=_text())
    profile: str = Field(default="{}", sa_column=_text())
    created_us: int = Field(sa_column=_time())


class ApiKey(Table, table=True):
    """A bearer key, of which only the SHA-256 of its secret is kept. party: organisation number; None for admin.

    place: the SGLN that it is bound to. rights: JSON array of those that it was given, None for all of its role's.
    successor: id of the key that takes its place.
    """

    __tablename__ = "api_key"

    id: str = Field(sa_column=_text(primary_key=True))
    party: int | None = Field(default=None, index=True)
    role: str = Field(sa_column=_text())
    secret_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    label: str = Field(default="", sa_column=_text())
    created_us: int = Field(sa_column=_time())
    expires_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    revoked_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    last_used_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    place: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    rights: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    successor: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class Session(Table, table=True):
    """A dashboard session that a key was exchanged for; id_sha256 is the digest of what the cookie holds."""

    id_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    key_id: str = Field(
        sa_column=Column(Text, ForeignKey("api_key.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    created_us: int = Field(sa_column=_time())
    expires_us: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    last_seen_us: int | None = Field(default=None, sa_column=_time(nullable=True))


class CaptureJob(Table, table=True):
    """One capture: what was asked, by whom, and how far it has come. Times in microseconds since 1970 UTC.

    party: organisation number. error_behaviour: "rollback" or "proceed". errors: JSON array of findings.
    detail: JSON object of whatever else resuming needs (media type, headers that matter).
    """

    __tablename__ = "capture_job"

    capture_id: str = Field(sa_column=_text(primary_key=True))
    party: int = Field(index=True)
    role: str = Field(sa_column=_text())
    created_us: int = Field(sa_column=_time())
    finished_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    running: bool = Field(default=True, index=True)
    success: bool = True
    error_behaviour: str = Field(default="rollback", sa_column=_text())
    event_count: int = 0
    stored_count: int = 0
    errors: str = Field(default="[]", sa_column=_text())
    detail: str = Field(default="{}", sa_column=_text())


class Spool(Table, table=True):
    """Some of the problems of a capture job that has many, one JSON value a line; parts count from 0."""

    capture_id: str = Field(sa_column=_text(primary_key=True))
    part: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
