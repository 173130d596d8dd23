"""How far a new partner's way onto this server has come, as a typed row (SQLModel); no rule stands here.

Only what nothing else tells is kept: organisations, keys and agreements have tables of their own.
"""

from sqlalchemy import Boolean, Column, Index, Integer
from sqlmodel import Field

from traceward.store.models import Table, _text, _time


class Onboarding(Table, table=True):
    """One partner's way to one host, both canonical PGLNs. role: supplier, hospital or carrier, of the partner.

    test_us: when the partner last tried a capture, None before; test_passed, test_events, test_detail: what came of it.
    """

    __table_args__ = (Index("ix_onboarding_partner", "partner", "host"),)

    host: str = Field(sa_column=_text(primary_key=True))
    partner: str = Field(sa_column=_text(primary_key=True))
    role: str = Field(sa_column=_text())
    begun_us: int = Field(sa_column=_time())
    begun_by: str = Field(sa_column=_text())
    test_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    test_passed: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    test_events: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    test_detail: str = Field(default="", sa_column=_text())
