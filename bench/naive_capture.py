"""What a straightforward server would do with a document: pydantic models, then one ORM object per event and field.

The yardstick of the capture bench; it must not borrow anything of the product but its models.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import create_engine, text
from sqlmodel import Field, Session, SQLModel

from traceward.epcis.model import event_model


class NaiveEvent(SQLModel, table=True):
    """An event as one row."""

    __tablename__ = "naive_event"

    id: int | None = Field(default=None, primary_key=True)
    event_id: str = Field(index=True, unique=True)
    event_time: str = Field(index=True)
    document: str


class NaiveAttribute(SQLModel, table=True):
    """One queryable field of an event."""

    __tablename__ = "naive_attribute"

    id: int | None = Field(default=None, primary_key=True)
    event: int = Field(index=True, foreign_key="naive_event.id")
    name: str = Field(index=True)
    value: str = Field(index=True)


def naive_seconds(documents: list[bytes], folder: Path) -> float:
    """The seconds that a pydantic + ORM loop takes for these documents, on SQLite with durable commits."""
    engine = create_engine(f"sqlite:///{folder / 'naive.sqlite3'}")
    tables = [SQLModel.metadata.tables["naive_event"], SQLModel.metadata.tables["naive_attribute"]]
    SQLModel.metadata.create_all(engine, tables=tables)
    started = time.perf_counter()
    for body in documents:
        with Session(engine) as session:
            session.execute(text("PRAGMA synchronous=FULL"))
            for data in orjson.loads(body)["epcisBody"]["eventList"]:
                _add(session, data)
            session.commit()
    elapsed_s = time.perf_counter() - started
    engine.dispose()
    return elapsed_s


def _add(session: Session, data: Mapping[str, Any]) -> None:
    model = event_model(data)
    event = NaiveEvent(event_id=data["eventID"], event_time=data["eventTime"], document=model.model_dump_json())
    session.add(event)
    session.flush()
    assert event.id is not None
    for name, value in _fields(data):
        session.add(NaiveAttribute(event=event.id, name=name, value=value))
    session.flush()


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("type", "eventID", "action", "bizStep", "disposition"):
        yield name, data[name]
    for name in ("readPoint", "bizLocation"):
        yield name, data[name]["id"]
    for epc in data["epcList"]:
        yield "epc", epc
    for entry in data["bizTransactionList"]:
        yield f"bizTransaction:{entry['type']}", entry["bizTransaction"]
    for name, side in (("sourceList", "source"), ("destinationList", "destination")):
        for entry in data[name]:
            yield f"{side}:{entry['type']}", entry[side]
    for name, value in data["ilmd"].items():
        yield name, value
