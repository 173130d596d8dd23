"""The audit log, the keys of data subjects, emergency access and quarantine as typed rows.

They hold no patient identifier as plain text; nothing here decides who may read a row.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text
from sqlmodel import Field

from traceward.store.models import Table


def _text(**options: object) -> Column[str]:
    return Column(Text, nullable=False, **options)  # type: ignore[arg-type]


def _time(*, nullable: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=nullable)


class AuditRow(Table, table=True):
    """One entry of the audit log, chained to the one before it by `hash`; triggers refuse UPDATE and DELETE.

    party: number of the organisation that it concerns, None for the server's own. event_ids: JSON array.
    filter_digest, prev_hash, hash: SHA-256, the first empty where nothing was filtered.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_party", "party", "seq"),)

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    time_us: int = Field(sa_column=_time())
    principal: str = Field(sa_column=_text())
    role: str = Field(sa_column=_text())
    credential: str = Field(sa_column=_text())
    party: int | None = Field(default=None)
    action: str = Field(sa_column=_text())
    resource: str = Field(sa_column=_text())
    filter_digest: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    result_count: int = Field(sa_column=_time())
    event_ids: str = Field(default="[]", sa_column=_text())
    outcome: str = Field(sa_column=_text())
    purpose: str = Field(default="", sa_column=_text())
    request_id: str = Field(default="", sa_column=_text())
    prev_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SubjectKey(Table, table=True):
    """The encryption key of one data subject of one organisation. id: 16 bytes, a keyed hash of party and identifier.

    wrapped, name: the key under the instance's own, and the identifier under the key; both None once erased, until the
    subject is met again. erased_us: when that was, the last time; what was sealed before it opens no more.
    """

    __tablename__ = "subject_key"

    id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    party: int = Field(index=True)
    wrapped: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    name: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    created_us: int = Field(sa_column=_time())
    erased_us: int | None = Field(default=None, sa_column=_time(nullable=True))


class SubjectEvent(Table, table=True):
    """An event whose text is encrypted for a subject. subject: `SubjectKey.id`; seq: of the event."""

    __tablename__ = "subject_event"
    __table_args__ = (Index("ix_subject_event_seq", "seq"),)

    subject: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class SealedCopy(Table, table=True):
    """A private event's text under the keys of a further organisation that captured it; the first one's is the event's.

    So one organisation's erasure takes it from that one alone.
    """

    __tablename__ = "sealed_copy"

    eid: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    party: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    text: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class EmergencyAccess(Table, table=True):
    """One use of break-glass. subject: `SubjectKey.id` of a patient, or item: canonical lot or serial.

    reviewed_us, reviewed_by, review: set by the privacy officer.
    """

    __tablename__ = "emergency_access"
    __table_args__ = (Index("ix_emergency_access_party", "party", "opened_us"),)

    id: str = Field(sa_column=_text(primary_key=True))
    party: int
    principal: str = Field(sa_column=_text())
    credential: str = Field(sa_column=_text())
    subject: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    item: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    reason: str = Field(sa_column=_text())
    opened_us: int = Field(sa_column=_time())
    expires_us: int = Field(sa_column=_time())
    reviewed_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    reviewed_by: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    review: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class Quarantined(Table, table=True):
    """An event that was refused because it names a patient where it may not. sealed: its text, encrypted.

    findings: JSON array. state: waiting, released or deleted; sealed is None once it waits no longer.
    """

    __tablename__ = "quarantine"
    __table_args__ = (Index("ix_quarantine_party", "party", "state", "received_us"),)

    id: str = Field(sa_column=_text(primary_key=True))
    party: int
    principal: str = Field(sa_column=_text())
    role: str = Field(sa_column=_text())
    received_us: int = Field(sa_column=_time())
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    findings: str = Field(default="[]", sa_column=_text())
    state: str = Field(default="waiting", sa_column=_text())
    decided_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    decided_by: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
