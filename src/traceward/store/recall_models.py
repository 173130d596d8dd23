"""What organisations said about recall notices, as typed rows (SQLModel); the notices themselves are events."""

from sqlalchemy import Index
from sqlmodel import Field

from traceward.store.models import Table, _text, _time


class RecallAcknowledgement(Table, table=True):
    """That a party has taken a step of answering a notice. notice: as its events name it; issuer, party: PGLN.

    step: received, quarantined, patients_traced or done. principal: the key's label or the user's name.
    """

    __tablename__ = "recall_acknowledgement"
    __table_args__ = (Index("ix_recall_acknowledgement_party", "party", "issuer", "notice"),)

    issuer: str = Field(sa_column=_text(primary_key=True))
    notice: str = Field(sa_column=_text(primary_key=True))
    party: str = Field(sa_column=_text(primary_key=True))
    step: str = Field(sa_column=_text(primary_key=True))
    principal: str = Field(sa_column=_text())
    note: str = Field(default="", sa_column=_text())
    acknowledged_us: int = Field(sa_column=_time())
