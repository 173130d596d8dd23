"""ORM models of the rows that a capture writes, for the yardstick: our tables' columns, keys and indexes, as SQLModel.

Nothing here reads or writes. The models share no table with the product.
"""

from sqlmodel import Field, SQLModel


class NaiveEvent(SQLModel, table=True):
    """An event: its text and its normalised text."""

    __tablename__ = "naive_event"

    id: int | None = Field(default=None, primary_key=True)
    event_id: str = Field(index=True, unique=True)
    event_time: str = Field(index=True)
    document: str


class NaiveAttribute(SQLModel, table=True):
    """One queryable field of an event, for the small yardstick."""

    __tablename__ = "naive_attribute"

    id: int | None = Field(default=None, primary_key=True)
    event: int = Field(index=True, foreign_key="naive_event.id")
    name: str = Field(index=True)
    value: str = Field(index=True)


class FullEvent(SQLModel, table=True):
    """An event with its digest, its text as sent, its translated text and what the ledger reads of it."""

    __tablename__ = "naive_full_event"

    seq: int = Field(primary_key=True)
    eid: bytes
    event_id: str
    event_time_us: int
    record_time_us: int
    kind: str
    private: bool
    text: str
    rendered: str
    facts: str


class FullWitness(SQLModel, table=True):
    """A party that captured an event."""

    __tablename__ = "naive_full_witness"

    eid: bytes = Field(primary_key=True)
    party: int = Field(primary_key=True)
    seq: int
    record_time_us: int
    job: str


class FullEventId(SQLModel, table=True):
    """An eventID that a party used."""

    __tablename__ = "naive_full_event_id"

    event_id: str = Field(primary_key=True)
    party: int = Field(primary_key=True)
    eid: bytes = Field(primary_key=True)
    seq: int
    is_declaration: bool


class FullStream(SQLModel, table=True):
    """An event in the history of an item."""

    __tablename__ = "naive_full_stream"

    key_hash: int = Field(primary_key=True)
    event_time_us: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)


class FullPosting(SQLModel, table=True):
    """A viewer's event under one term, by event time."""

    __tablename__ = "naive_full_posting"

    h: int = Field(primary_key=True)
    t: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)


class FullArrival(SQLModel, table=True):
    """A viewer's event, by record time."""

    __tablename__ = "naive_full_arrival"

    viewer: int = Field(primary_key=True)
    record_time_us: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    event_time_us: int


class FullVocabulary(SQLModel, table=True):
    """A value that a viewer's events name."""

    __tablename__ = "naive_full_vocabulary"

    viewer: int = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)


class FullRecord(SQLModel, table=True):
    """What the ledger keeps of one item."""

    __tablename__ = "naive_full_record"

    key: str = Field(primary_key=True)
    key_hash: int
    kind: int
    gtin: str = Field(index=True)
    lot: str
    state: str
    last_time_us: int
    last_order: bytes


class FullBalance(SQLModel, table=True):
    """The stock of one item: whose it is and where."""

    __tablename__ = "naive_full_balance"

    record_key: str = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    owner: str = Field(index=True)
    holder: str
    place: str
    status: str
    quantity: str
    gtin: str = Field(index=True)
    lot: str
    serial: str
    expiry: str
    flags: str
    last_time_us: int
    last_eid: bytes


SMALL = (NaiveEvent, NaiveAttribute)
FULL = (
    FullEvent,
    FullWitness,
    FullEventId,
    FullStream,
    FullPosting,
    FullArrival,
    FullVocabulary,
    FullRecord,
    FullBalance,
)
