"""Subscriptions, their outbox of deliveries, and what became visible late, as rows; nothing here reads or writes.

`late_visible` is not distributed with the events: it is small, and no statement joins it with them.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Text
from sqlmodel import Field

from traceward.store.models import Table


def _text(**options: object) -> Column[str]:
    return Column(Text, nullable=False, **options)  # type: ignore[arg-type]


def _maybe_text() -> Column[str]:
    return Column(Text, nullable=True)


def _number(*, nullable: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=nullable)


class Subscription(Table, table=True):
    """A standing query with a webhook: whose it is, what it asks for, and how far it has come.

    key: our own id. owner: the viewer number of those who share it, as that of its query. schedule, representation:
    JSON objects. token: sealed. cursor: a place in the order in which events became visible (time, number). state:
    active, paused, parked (gave up) or disabled (410). next_run_us: of a schedule. holder, lease_until_us: the server
    process that delivers, and until when. next_number: of its next delivery.
    """

    key: str = Field(sa_column=_text(primary_key=True))
    owner: int = Field(sa_column=Column(Integer, nullable=False))
    subscription_id: str = Field(sa_column=_text())
    query_name: str = Field(sa_column=_text())
    dest: str = Field(sa_column=_text())
    token: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    representation: str = Field(sa_column=_text())
    schedule: str | None = Field(default=None, sa_column=_maybe_text())
    report_if_empty: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    initial_record_time_us: int | None = Field(default=None, sa_column=_number(nullable=True))
    created_us: int = Field(sa_column=_number())
    state: str = Field(default="active", sa_column=_text())
    cursor_order_us: int = Field(sa_column=_number())
    cursor_number: int = Field(sa_column=_number())
    next_run_us: int | None = Field(default=None, sa_column=_number(nullable=True))
    next_number: int = Field(default=1, sa_column=_number())
    last_notified_us: int | None = Field(default=None, sa_column=_number(nullable=True))
    last_error: str | None = Field(default=None, sa_column=_maybe_text())
    holder: str | None = Field(default=None, sa_column=_maybe_text())
    lease_until_us: int = Field(default=0, sa_column=_number())

    __table_args__ = (
        Index("ix_subscription_owner", "owner", "subscription_id", unique=True),
        Index("ix_subscription_query", "owner", "query_name"),
        Index("ix_subscription_holder", "holder"),
    )


class Delivery(Table, table=True):
    """One message to a subscriber: what it holds, and what became of it.

    entries: JSON array of [order_us, number, seq], an event's place in the order of the subscription and its own
    number; empty once delivered. end: the place to which the cursor moves with it. problem: the JSON problem body that
    is sent in place of events. state: pending, delivered, dead, or again (a dead letter that is asked for).
    """

    subscription: str = Field(sa_column=_text(primary_key=True))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    state: str = Field(sa_column=_text())
    entries: str = Field(default="[]", sa_column=_text())
    event_count: int = Field(default=0, sa_column=_number())
    end_order_us: int = Field(sa_column=_number())
    end_number: int = Field(sa_column=_number())
    problem: str | None = Field(default=None, sa_column=_maybe_text())
    created_us: int = Field(sa_column=_number())
    attempts: int = Field(default=0, sa_column=_number())
    next_us: int = Field(default=0, sa_column=_number())
    last_status: int | None = Field(default=None, sa_column=_number(nullable=True))
    last_error: str | None = Field(default=None, sa_column=_maybe_text())
    finished_us: int | None = Field(default=None, sa_column=_number(nullable=True))

    __table_args__ = (Index("ix_delivery_state", "subscription", "state", "number"),)


class LateVisible(Table, table=True):
    """An event that became visible to a viewer after it was stored, and when: its place in that viewer's order.

    position: a number of the same row of numbers as those of events; record_time_us: of the unit that made it visible.
    """

    __tablename__ = "late_visible"

    viewer: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=_number())
    record_time_us: int = Field(sa_column=_number())

    __table_args__ = (Index("ix_late_visible_position", "viewer", "record_time_us", "position"),)


class DeliveryProcess(Table, table=True):
    """A server process that delivers, for as long as it says so: by their number the work is shared."""

    __tablename__ = "delivery_process"

    holder: str = Field(sa_column=_text(primary_key=True))
    until_us: int = Field(sa_column=_number())
