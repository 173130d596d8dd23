"""Agreements and their signatures, alerts and acknowledgements as typed rows (SQLModel); no rule stands here."""

from sqlalchemy import BigInteger, Column, Index, Integer, Text
from sqlmodel import Field

from traceward.store.models import Table, _text, _time


def _maybe() -> Column[str]:
    return Column(Text, nullable=True)


class AgreementVersion(Table, table=True):
    """One version of an agreement; it never changes but for `ended_on`. terms: JSON as proposed.

    agreement_id: the agreement's key, which is its id and both parties (`ledger.agreement.agreement_key`).
    """

    __tablename__ = "agreement_version"
    __table_args__ = (
        Index("ix_agreement_version_supplier", "supplier", "agreement_id", "version"),
        Index("ix_agreement_version_hospital", "hospital", "agreement_id", "version"),
    )

    agreement_id: str = Field(sa_column=_text(primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    supplier: str = Field(sa_column=_text())
    hospital: str = Field(sa_column=_text())
    terms: str = Field(sa_column=_text())
    proposed_by: str = Field(sa_column=_text())
    proposed_us: int = Field(sa_column=_time())
    ended_on: str | None = Field(default=None, sa_column=_maybe())


class AgreementSignature(Table, table=True):
    """That a party has signed a version.

    agreement_id: the agreement's key. principal: the key's label or the user's name.
    """

    __tablename__ = "agreement_signature"

    agreement_id: str = Field(sa_column=_text(primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    party: str = Field(sa_column=_text(primary_key=True))
    principal: str = Field(sa_column=_text())
    signed_us: int = Field(sa_column=_time())


class Alert(Table, table=True):
    """An alert or obligation. id: its base, and which time it opened.

    base: kind, parties, subject and period as a digest, so that the same one is found again. scope: the product or pair
    it is of. supplier, hospital: the parties that may read it; supplier is "" where it is for the hospital alone.
    sight: goods, price or patient. responsible: the party that has to act. subject: what it is about. detail: JSON
    object. evidence: JSON array of eventIDs that both may see. closed_us: None while open.
    """

    __table_args__ = (
        Index("ix_alert_supplier", "supplier", "closed_us", "opened_us", "id"),
        Index("ix_alert_hospital", "hospital", "closed_us", "opened_us", "id"),
        Index("ix_alert_supplier_all", "supplier", "opened_us", "id"),
        Index("ix_alert_hospital_all", "hospital", "opened_us", "id"),
        Index("ix_alert_scope", "scope", "closed_us"),
        Index("ix_alert_base", "base", "number"),
    )

    id: str = Field(sa_column=_text(primary_key=True))
    base: str = Field(sa_column=_text())
    number: int = Field(sa_column=Column(Integer, nullable=False))
    scope: str = Field(sa_column=_text())
    kind: str = Field(sa_column=_text())
    severity: str = Field(sa_column=_text())
    sight: str = Field(sa_column=_text())
    agreement_id: str | None = Field(default=None, sa_column=_maybe())
    supplier: str = Field(sa_column=_text())
    hospital: str = Field(sa_column=_text())
    responsible: str = Field(sa_column=_text())
    subject: str = Field(sa_column=_text())
    place: str | None = Field(default=None, sa_column=_maybe())
    gtin: str | None = Field(default=None, sa_column=_maybe())
    message: str = Field(sa_column=_text())
    detail: str = Field(default="{}", sa_column=_text())
    evidence: str = Field(default="[]", sa_column=_text())
    due_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    opened_us: int = Field(sa_column=_time())
    closed_us: int | None = Field(default=None, sa_column=_time(nullable=True))


class AlertScope(Table, table=True):
    """A product between a pair of parties, or the pair as such (gtin ""), and when it is to be looked at again.

    marked: goes up whenever something touched it or it was looked at, so that no look at older facts replaces a newer.
    """

    __tablename__ = "alert_scope"
    __table_args__ = (Index("ix_alert_scope_next", "next_us", "scope"),)

    scope: str = Field(sa_column=_text(primary_key=True))
    supplier: str = Field(sa_column=_text())
    hospital: str = Field(sa_column=_text())
    gtin: str = Field(sa_column=_text())
    marked: int = Field(sa_column=_time())
    next_us: int = Field(sa_column=_time())


class AlertTouched(Table, table=True):
    """A stored event that counts anew, as by a further captor or because its time came; read once, then removed."""

    __tablename__ = "alert_touched"

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class AlertDigest(Table, table=True):
    """One digest of alerts. id: of agreement, address and period. state: pending, sent or nothing to tell.

    next_us: when it may be tried (again); error: why the last attempt failed.
    """

    __tablename__ = "alert_digest"

    id: str = Field(sa_column=_text(primary_key=True))
    agreement_id: str = Field(sa_column=_text())
    party: str = Field(sa_column=_text())
    period: str = Field(sa_column=_text())
    state: str = Field(sa_column=_text())
    attempts: int = Field(sa_column=Column(Integer, nullable=False))
    next_us: int = Field(sa_column=_time())
    error: str | None = Field(default=None, sa_column=_maybe())


class AlertAcknowledgement(Table, table=True):
    """That a party has taken note of an alert; both parties see it."""

    __tablename__ = "alert_acknowledgement"

    alert_id: str = Field(sa_column=_text(primary_key=True))
    party: str = Field(sa_column=_text(primary_key=True))
    principal: str = Field(sa_column=_text())
    note: str = Field(default="", sa_column=_text())
    acknowledged_us: int = Field(sa_column=_time())
