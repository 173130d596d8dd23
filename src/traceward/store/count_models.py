"""Count sessions, their reads and outcomes, write-offs and replenishment orders as typed rows; no rule stands here.

Parties are canonical PGLNs. A row is shown to the parties that it names and to nobody else.
"""

from sqlalchemy import Boolean, Column, Index, Integer, Text
from sqlmodel import Field

from traceward.store.models import Table, _text, _time


def _maybe() -> Column[str]:
    return Column(Text, nullable=True)


class CountSession(Table, table=True):
    """A count that is being taken, or was. id: the counter's own, so that two parties' ids cannot meet.

    scope: complete, partial, or None where it was not declared. gtins: JSON array, empty for every product. step:
    cycle_counting or stock_taking. state: open, closed, recounting, finished or abandoned. recount: JSON array of the
    GTINs (or items without one) that a second round counts again. counted_us: when the last round was closed.
    """

    __tablename__ = "count_session"
    __table_args__ = (Index("ix_count_session_created", "counter", "created_us", "id"),)

    counter: str = Field(sa_column=_text(primary_key=True))
    id: str = Field(sa_column=_text(primary_key=True))
    place: str = Field(sa_column=_text())
    scope: str | None = Field(default=None, sa_column=_maybe())
    supplier: str | None = Field(default=None, sa_column=_maybe())
    gtins: str = Field(default="[]", sa_column=_text())
    blind: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    step: str = Field(default="cycle_counting", sa_column=_text())
    number: str = Field(sa_column=_text())
    utc_offset: str = Field(default="+00:00", sa_column=_text())
    state: str = Field(default="open", sa_column=_text())
    round: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    recount: str = Field(default="[]", sa_column=_text())
    created_us: int = Field(sa_column=_time())
    created_by: str = Field(sa_column=_text())
    counted_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    finished_us: int | None = Field(default=None, sa_column=_time(nullable=True))


class CountRead(Table, table=True):
    """One label read in a count. item: instance or class. quantity: decimal text. findings: JSON array.

    read_id: the client's, so that a read sent twice is one. is_class: item is a class, so that quantities add up.
    """

    __tablename__ = "count_read"

    counter: str = Field(sa_column=_text(primary_key=True))
    count_id: str = Field(sa_column=_text(primary_key=True))
    read_id: str = Field(sa_column=_text(primary_key=True))
    round: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    position: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    item: str = Field(sa_column=_text())
    is_class: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    quantity: str = Field(default="1", sa_column=_text())
    uom: str | None = Field(default=None, sa_column=_maybe())
    lot: str | None = Field(default=None, sa_column=_maybe())
    expiry: str | None = Field(default=None, sa_column=_maybe())
    manual: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    undone: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    findings: str = Field(default="[]", sa_column=_text())
    read_us: int = Field(sa_column=_time())


class CountPart(Table, table=True):
    """What one supplier's part of a count came to. lines: JSON array of variance lines. event_ids: JSON array.

    final: the part is on the record, and the supplier may read it.
    """

    __tablename__ = "count_part"
    __table_args__ = (Index("ix_count_part_supplier", "supplier", "counted_us", "count_id"),)

    counter: str = Field(sa_column=_text(primary_key=True))
    count_id: str = Field(sa_column=_text(primary_key=True))
    supplier: str = Field(sa_column=_text(primary_key=True))
    place: str = Field(sa_column=_text())
    scope: str | None = Field(default=None, sa_column=_maybe())
    gtins: str = Field(default="[]", sa_column=_text())
    lines: str = Field(default="[]", sa_column=_text())
    agreement_id: str | None = Field(default=None, sa_column=_maybe())
    recount_at: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    variance: str = Field(default="0", sa_column=_text())
    rounds: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    event_ids: str = Field(default="[]", sa_column=_text())
    counted_us: int = Field(sa_column=_time())
    final: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))


class WriteOff(Table, table=True):
    """Missing stock that one side proposes to write off. id: its own and who proposed it, with a blank between. state:
    proposed, accepted, declined or cleared (found later).

    items: JSON array of {item, quantity, uom, charged, firstMissed}. payer: supplier or hospital, of what is charged.
    """

    __tablename__ = "write_off"
    __table_args__ = (
        Index("ix_write_off_supplier", "supplier", "proposed_us", "id"),
        Index("ix_write_off_hospital", "hospital", "proposed_us", "id"),
    )

    id: str = Field(sa_column=_text(primary_key=True))
    supplier: str = Field(sa_column=_text())
    hospital: str = Field(sa_column=_text())
    agreement_id: str = Field(sa_column=_text())
    agreement_version: int = Field(sa_column=Column(Integer, nullable=False))
    place: str = Field(sa_column=_text())
    reason: str = Field(default="lost", sa_column=_text())
    count_number: str | None = Field(default=None, sa_column=_maybe())
    items: str = Field(sa_column=_text())
    payer: str = Field(sa_column=_text())
    explanation: str = Field(default="", sa_column=_text())
    state: str = Field(default="proposed", sa_column=_text())
    proposed_by: str = Field(sa_column=_text())
    proposed_us: int = Field(sa_column=_time())
    answered_by: str | None = Field(default=None, sa_column=_maybe())
    answered_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    answer_reason: str | None = Field(default=None, sa_column=_maybe())
    event_ids: str = Field(default="[]", sa_column=_text())


class ReplenishmentOrder(Table, table=True):
    """An order for one need: so much of a product for a place. number: unique within the hospital.

    quantity: eaches. state: proposed, sent, received or cancelled; how much of a sent order has come is told by events.
    figures: JSON object of the need's figures. receipts: JSON array of the eventIDs of receipts without papers that
    closed it, so that none of them counts for another order.
    """

    __tablename__ = "replenishment_order"
    __table_args__ = (
        Index("ix_replenishment_order_need", "hospital", "supplier", "gtin", "place"),
        Index("ix_replenishment_order_hospital", "hospital", "created_us", "number"),
        Index("ix_replenishment_order_supplier", "supplier", "created_us", "number"),
    )

    hospital: str = Field(sa_column=_text(primary_key=True))
    number: str = Field(sa_column=_text(primary_key=True))
    supplier: str = Field(sa_column=_text())
    agreement_id: str = Field(sa_column=_text())
    agreement_version: int = Field(sa_column=Column(Integer, nullable=False))
    gtin: str = Field(sa_column=_text())
    place: str = Field(sa_column=_text())
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    price: str | None = Field(default=None, sa_column=_maybe())
    currency: str | None = Field(default=None, sa_column=_maybe())
    state: str = Field(default="proposed", sa_column=_text())
    automatic: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    figures: str = Field(default="{}", sa_column=_text())
    created_by: str = Field(sa_column=_text())
    created_us: int = Field(sa_column=_time())
    sent_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    closed_us: int | None = Field(default=None, sa_column=_time(nullable=True))
    closed_by: str | None = Field(default=None, sa_column=_maybe())
    closed_reason: str | None = Field(default=None, sa_column=_maybe())
    receipts: str = Field(default="[]", sa_column=_text())
