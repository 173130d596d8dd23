"""What a straightforward server would do with a document: pydantic models, then one ORM object for each row.

The yardsticks of the capture bench, written as one writes them first, with nothing slowed on purpose. They borrow
nothing of the product but its pydantic model and its spelling of identifiers, check no rule of EPCIS, look nothing up
and decide nothing: real work would make them slower still.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import create_engine, text
from sqlmodel import Session, SQLModel

from bench import naive_tables as tables
from traceward.epcis.model import event_model
from traceward.gs1.epc_uri import canonical_identifier

VIEWER = 2
PARTY = 1

Add = Callable[[Session, Mapping[str, Any], int], None]


def small_seconds(documents: list[bytes], folder: Path) -> float:
    """The seconds that events and their fields alone take: no ledger, no visibility, no vocabulary."""
    return _seconds(documents, folder / "naive-small.sqlite3", tables.SMALL, _add_fields)


def full_seconds(documents: list[bytes], folder: Path) -> float:
    """The seconds that every row of a capture takes: event, index rows of its viewer, vocabulary, ledger."""
    known: set[tuple[str, str]] = set()
    return _seconds(
        documents,
        folder / "naive-full.sqlite3",
        tables.FULL,
        lambda session, data, seq: _add_everything(session, data, seq, known),
    )


def _seconds(documents: list[bytes], path: Path, models: tuple[type[SQLModel], ...], add: Add) -> float:
    """Documents into a new SQLite database: a flush for each event, one durable commit for each document."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA journal_mode=WAL"))
    wanted = [SQLModel.metadata.tables[str(model.__tablename__)] for model in models]
    SQLModel.metadata.create_all(engine, tables=wanted)
    started = time.perf_counter()
    seq = 0
    for body in documents:
        with Session(engine) as session:
            session.execute(text("PRAGMA synchronous=FULL"))
            for data in orjson.loads(body)["epcisBody"]["eventList"]:
                seq += 1
                add(session, data, seq)
            session.commit()
    elapsed_s = time.perf_counter() - started
    engine.dispose()
    return elapsed_s


def _add_fields(session: Session, data: Mapping[str, Any], seq: int) -> None:
    model = event_model(data)
    session.add(
        tables.NaiveEvent(
            id=seq, event_id=data["eventID"], event_time=data["eventTime"], document=model.model_dump_json()
        )
    )
    session.flush()
    session.add_all([tables.NaiveAttribute(event=seq, name=name, value=value) for name, value in _fields(data)])
    session.flush()


def _add_everything(session: Session, data: Mapping[str, Any], seq: int, known: set[tuple[str, str]]) -> None:
    """One object for each row that our capture of such an event writes."""
    model = event_model(data)
    rendered = model.model_dump_json()
    eid = sha256(rendered.encode()).digest()[:16]
    time_us = int(datetime.fromisoformat(data["eventTime"]).timestamp() * 1e6)
    now_us = time.time_ns() // 1000
    items = [canonical_identifier(epc) for epc in data["epcList"]]
    place = canonical_identifier(data["bizLocation"]["id"])
    owner = canonical_identifier(data["destinationList"][0]["destination"])
    lot, expiry = data["ilmd"]["cbvmda:lotNumber"], data["ilmd"]["cbvmda:itemExpirationDate"]
    facts = {"type": data["type"], "items": items, "place": place, "owner": owner, "lot": lot, "expiry": expiry}
    rows: list[SQLModel] = [
        tables.FullEvent(
            seq=seq, eid=eid, event_id=data["eventID"], event_time_us=time_us, record_time_us=now_us,
            kind=data["type"], private=False, text=orjson.dumps(data).decode(), rendered=rendered,
            facts=orjson.dumps(facts).decode(),
        ),
        tables.FullWitness(eid=eid, party=PARTY, seq=seq, record_time_us=now_us, job="naive"),
        tables.FullEventId(event_id=data["eventID"], party=PARTY, eid=eid, seq=seq, is_declaration=False),
        tables.FullArrival(viewer=VIEWER, record_time_us=now_us, seq=seq, event_time_us=time_us),
    ]  # fmt: skip
    rows += [tables.FullStream(key_hash=_hash(item), event_time_us=time_us, seq=seq) for item in items]
    rows += [tables.FullPosting(h=_hash(f"{VIEWER} {term}"), t=time_us, seq=seq) for term in _terms(data, items)]
    for entry in _vocabulary(data, items):
        if entry not in known:
            known.add(entry)
            rows.append(tables.FullVocabulary(viewer=VIEWER, kind=entry[0], value=entry[1]))
    for item in items:
        gtin, serial = item.split("/")[4], item.split("/")[6]
        state = {"owner": owner, "holder": owner, "place": place, "status": "on_hand", "lot": lot, "expiry": expiry}
        rows.append(
            tables.FullRecord(
                key=item, key_hash=_hash(item), kind=0, gtin=gtin, lot=lot, state=orjson.dumps(state).decode(),
                last_time_us=time_us, last_order=eid,
            )
        )  # fmt: skip
        rows.append(
            tables.FullBalance(
                record_key=item, slot=0, owner=owner, holder=owner, place=place, status="on_hand", quantity="1",
                gtin=gtin, lot=lot, serial=serial, expiry=expiry, flags="", last_time_us=time_us, last_eid=eid,
            )
        )  # fmt: skip
    session.add_all(rows)
    session.flush()


def _hash(value: str) -> int:
    return int.from_bytes(sha256(value.encode()).digest()[:8], "little", signed=True)


def _terms(data: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    """The terms of an event: each field with its value, the item class, all events, and each extension that it has."""
    yield "*"
    yield f"epc~class={items[0].rpartition('/')[0]}"
    for name, value in _fields(data):
        yield f"{name}={canonical_identifier(value)}"
    for name in (*data["ilmd"], "mcx:agreement"):
        yield f"has={name}"
    yield f"mcx:agreement={data['mcx:agreement']}"


def _vocabulary(data: Mapping[str, Any], items: list[str]) -> Iterator[tuple[str, str]]:
    for name in ("type", "bizStep", "disposition"):
        yield name, data[name]
    for name in ("readPoint", "bizLocation"):
        yield name, canonical_identifier(data[name]["id"])
    for item in items:
        yield "epc", item


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
