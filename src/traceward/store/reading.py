"""Reads that a writing transaction and a reader have in common: events by number, model rows by column.

Decides nothing about who may see what; that is `read` and `compile`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Boolean
from sqlmodel import SQLModel

from traceward.store.connection import Connection
from traceward.store.rows import EventFacts, StoredEvent
from traceward.store.sealed import ERASED, Vault, opened
from traceward.store.tables import metadata

Model = TypeVar("Model", bound=SQLModel)

EVENT_COLUMNS: Final = (
    "seq",
    "eid",
    "event_id",
    "event_time_us",
    "record_time_us",
    "kind",
    "private",
    "context_id",
    "text",
    "rendered",
    "facts",
)
SELECT_EVENTS: Final = f"SELECT {','.join(EVENT_COLUMNS)} FROM event WHERE seq IN {{in}}"  # noqa: S608
SELECT_FACTS: Final = "SELECT seq,eid,record_time_us,private,facts FROM event WHERE seq IN {in}"
SELECT_CONTEXT: Final = "SELECT text FROM context WHERE id=?"
SELECT_WITNESSES: Final = "SELECT eid, party FROM witness WHERE eid IN {in}"


class ContextCache:
    """The few distinct @context texts of a store, by id, which never change; and what opens its sealed texts."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._texts: dict[int, bytes] = {}

    def text(self, connection: Connection, context_id: int) -> bytes:
        """The context's JSON text."""
        text = self._texts.get(context_id)
        if text is None:
            text = bytes(connection.fetch(SELECT_CONTEXT, (context_id,))[0][0])
            self._texts[context_id] = text
        return text


def stored_events(
    connection: Connection, contexts: ContextCache, seqs: Iterable[int], *, witnesses: bool = False
) -> list[StoredEvent]:
    """The events of these numbers that exist, by number; the text of an erased one is `sealed.ERASED`."""
    found = []
    rows = {row[0]: row for row in connection.fetch_in(SELECT_EVENTS, seqs)}
    contents = opened(list(rows.values()), contexts.vault, connection.fetch_in)
    for seq, row in sorted(rows.items()):
        if seq in contents:
            text, rendered, context = contents[seq] or (ERASED, None, None)
            found.append(StoredEvent._make((*row[:6], True, context, text, rendered, row[10], ())))
            continue
        context = None if row[7] is None else contexts.text(connection, row[7])
        found.append(StoredEvent._make((*row[:6], bool(row[6]), context, *row[8:], ())))
    if witnesses and found:
        captors = witnesses_of(connection, [row.eid for row in found])
        found = [row._replace(witnesses=captors[row.eid]) for row in found]
    return found


def stored_facts(connection: Connection, seqs: Iterable[int]) -> dict[int, EventFacts]:
    """The ledger's facts of the events of these numbers that exist, by number: a fraction of what their texts are."""
    rows = connection.fetch_in(SELECT_FACTS, seqs)
    captors = witnesses_of(connection, [row[1] for row in rows])
    return {
        row[0]: EventFacts(row[0], bytes(row[1]), row[2], bool(row[3]), row[4], captors[bytes(row[1])]) for row in rows
    }


def witnesses_of(connection: Connection, eids: Iterable[bytes]) -> defaultdict[bytes, tuple[int, ...]]:
    """The parties that captured each of these contents, by number."""
    parties: defaultdict[bytes, set[int]] = defaultdict(set)
    for eid, party in connection.fetch_in(SELECT_WITNESSES, eids):
        parties[bytes(eid)].add(party)
    return defaultdict(tuple, {eid: tuple(sorted(members)) for eid, members in parties.items()})


def model_by_key(connection: Connection, model: type[Model], key: Sequence[Any]) -> Model | None:
    """The row of a table model with this primary key."""
    names = [column.name for column in metadata.tables[str(model.__tablename__)].primary_key]
    found = models_where(connection, model, dict(zip(names, key, strict=True)))
    return found[0] if found else None


def models_where(connection: Connection, model: type[Model], equal: Mapping[str, Any]) -> list[Model]:
    """The rows of a table model whose columns equal the values given, ordered by key."""
    table = metadata.tables[str(model.__tablename__)]
    names = [column.name for column in table.columns]
    flags = {column.name for column in table.columns if isinstance(column.type, Boolean)}
    order = ",".join(f'"{column.name}"' for column in table.primary_key)
    given = {name: value for name, value in equal.items() if value is not None}
    tests = [f'"{table.c[name].name}"=?' for name in given]
    tests += [f'"{table.c[name].name}" IS NULL' for name, value in equal.items() if value is None]
    where = f"WHERE {' AND '.join(tests)} " if tests else ""
    sql = (
        f'SELECT {",".join(f"{chr(34)}{name}{chr(34)}" for name in names)} FROM "{table.name}" {where}ORDER BY {order}'  # noqa: S608
    )
    return [
        model(**{name: bool(value) if name in flags else value for name, value in zip(names, row, strict=True)})
        for row in connection.fetch(sql, list(given.values()))
    ]
