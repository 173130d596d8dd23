"""The writing transaction that one unit of a group commit works in: numbers, events, index rows, generic reads.

Reads see what the transaction wrote. Every insert goes through `WriteTransaction.write`, so that a bench can record and
replay exactly the rows of a capture. It never commits: the group commit does.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeVar

from sqlmodel import SQLModel

from traceward.store import counters
from traceward.store.connection import Connection, Dialect, OnConflict, Row
from traceward.store.reading import (
    EVENT_COLUMNS,
    ContextCache,
    model_by_key,
    models_where,
    stored_events,
)
from traceward.store.rows import EventIdUse, EventRow, Existing, StoredEvent, Visible, Witness
from traceward.store.standing import Sight, standing
from traceward.store.tables import metadata
from traceward.store.terms import TermHasher, entry_pairs, identifier_hash

WriteLog = Callable[[str, tuple[str, ...], Sequence[Row], OnConflict], None]
Model = TypeVar("Model", bound=SQLModel)

_KNOWN_VOCABULARY: Final = 100_000
_TERM_TABLES: Final[dict[Dialect, tuple[str, ...]]] = {
    "sqlite": ("posting", "number"),
    "postgresql": ("visible", "number"),
}
"""The tables whose rows follow from the terms of their event."""


class Columns(NamedTuple):
    """The columns of the tables that capture writes, in the order in which rows are built."""

    event: tuple[str, ...] = EVENT_COLUMNS
    context: tuple[str, ...] = ("id", "text")
    witness: tuple[str, ...] = ("eid", "party", "seq", "record_time_us", "job")
    event_id: tuple[str, ...] = ("event_id_hash", "party", "eid", "seq", "is_declaration")
    stream: tuple[str, ...] = ("key_hash", "event_time_us", "seq")
    posting: tuple[str, ...] = ("h", "t", "seq")
    arrival: tuple[str, ...] = ("viewer", "record_time_us", "seq", "event_time_us")
    visible: tuple[str, ...] = (
        "viewer",
        "seq",
        "event_time_us",
        "record_time_us",
        "biz_step",
        "biz_location",
        "terms",
    )
    number: tuple[str, ...] = ("h", "seq", "x", "t")
    vocabulary: tuple[str, ...] = ("viewer", "kind", "value")
    late_visible: tuple[str, ...] = ("viewer", "seq", "position", "record_time_us")


COLUMNS: Final = Columns()


class Known:
    """Rows that are certainly in the database, so that repeated ones need not be written; forgets when too many."""

    def __init__(self) -> None:
        self.vocabulary: set[tuple[int, int, str]] = set()
        self.contexts: set[int] = set()
        self._removals = 0

    def forget_unless(self, removals: int) -> None:
        """Forget the vocabulary when entries have been removed since, perhaps by another server process."""
        if removals != self._removals:
            self.vocabulary.clear()
            self._removals = removals

    def learn(self, vocabulary: set[tuple[int, int, str]], contexts: set[int]) -> None:
        """Take up what a commit has made certain."""
        if len(self.vocabulary) > _KNOWN_VOCABULARY:
            self.vocabulary.clear()
        self.vocabulary |= vocabulary
        self.contexts |= contexts


class WriteTransaction:
    """One unit's view of the one writing transaction.

    record_time_us: the unit's recordTime, never below that of an earlier unit.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        secret: bytes,
        hasher: TermHasher,
        contexts: ContextCache,
        known: Known,
        record_time_us: int,
        last_seq: int,
        log: WriteLog | None,
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._hasher = hasher
        self._contexts = contexts
        self._known = known
        self._log = log
        self.record_time_us = record_time_us
        self.last_seq = self._last_seq_before = last_seq
        self.learnt_vocabulary: set[tuple[int, int, str]] = set()
        self.learnt_contexts: set[int] = set()

    @property
    def dialect(self) -> Dialect:
        """The database's kind."""
        return self._connection.dialect

    # ------------------------------------------------------------------ any table

    def write(
        self, table: str, columns: tuple[str, ...], rows: Sequence[Row], conflict: OnConflict = "nothing"
    ) -> None:
        """Insert rows, tuples in the order of `columns`, where a row of the same key may stand.

        conflict: "fail", "nothing" (the old row stays), "unlikely" (likewise), "replace" (the new one takes its place).
        "fail" is the fastest on PostgreSQL (COPY); a row whose key stands already then fails the whole unit.
        "unlikely" is nearly as fast and keeps a row that stands.
        """
        if not rows:
            return
        if self._log is not None:
            self._log(table, columns, rows, conflict)
        self._connection.write(table, columns, rows, conflict)

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement with `?` parameters."""
        return self._connection.fetch(sql, params)

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement with `IN {in}` where a list of any length belongs; `params` come before the list."""
        return self._connection.fetch_in(sql, values, params)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """The number of rows that an UPDATE or DELETE changed."""
        return self._connection.execute(sql, params)

    def execute_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> int:
        """`execute` with `IN {in}` where a list of any length belongs; `params` come before the list."""
        return self._connection.execute_in(sql, values, params)

    # ------------------------------------------------------------------ typed rows of models

    def put(self, row: SQLModel) -> None:
        """Insert a table model's row, or replace the one with its key."""
        table = metadata.tables[str(type(row).__tablename__)]
        columns = tuple(column.name for column in table.columns)
        self.write(table.name, columns, [tuple(getattr(row, name) for name in columns)], "replace")

    def get(self, model: type[Model], *key: Any) -> Model | None:
        """The row of a table model with this primary key."""
        return model_by_key(self._connection, model, key)

    def select(self, model: type[Model], **equal: Any) -> list[Model]:
        """The rows of a table model whose columns equal the values given, ordered by key."""
        return models_where(self._connection, model, equal)

    def delete(self, model: type[SQLModel], *key: Any) -> bool:
        """Whether a row of this primary key was there to be deleted."""
        table = metadata.tables[str(model.__tablename__)]
        where = " AND ".join(f'"{column.name}"=?' for column in table.primary_key)
        return self._connection.execute(f'DELETE FROM "{table.name}" WHERE {where}', key) > 0  # noqa: S608

    # ------------------------------------------------------------------ events

    def allocate_seq(self, count: int) -> int:
        """The first of `count` new event numbers; numbers follow the order of commits."""
        first = self.last_seq + 1
        self.last_seq += count
        return first

    def existing(self, eids: Iterable[bytes]) -> dict[bytes, Existing]:
        """Which of these contents are stored: eid -> its seq and the parties that captured it."""
        found: dict[bytes, tuple[int, list[int]]] = {}
        for eid, party, seq in self.fetch_in("SELECT eid, party, seq FROM witness WHERE eid IN {in}", eids):
            found.setdefault(bytes(eid), (seq, []))[1].append(party)
        return {eid: Existing(seq, tuple(sorted(set(parties)))) for eid, (seq, parties) in found.items()}

    def event_ids(self, party: int, event_ids: Iterable[str]) -> dict[str, tuple[EventIdUse, ...]]:
        """The contents that a party captured under each of these eventIDs, error declarations included."""
        by_hash = {identifier_hash(text, self._secret): text for text in event_ids}
        found: defaultdict[str, set[EventIdUse]] = defaultdict(set)
        sql = "SELECT event_id_hash, eid, seq, is_declaration FROM event_id WHERE party=? AND event_id_hash IN {in}"
        for hashed, eid, seq, is_declaration in self.fetch_in(sql, by_hash, (party,)):
            found[by_hash[bytes(hashed)]].add(EventIdUse(bytes(eid), seq, bool(is_declaration)))
        return {text: tuple(sorted(uses, key=lambda use: use.seq)) for text, uses in found.items()}

    def events_of_shared_ids(self, event_ids: Iterable[str]) -> list[StoredEvent]:
        """Every event under those of these eventIDs that more than one content has, declarations aside; with captors.

        Whose the contents are makes no difference, so that this is for the ledger alone.
        """
        hashes = [identifier_hash(text, self._secret) for text in set(event_ids)]
        contents: defaultdict[bytes, set[bytes]] = defaultdict(set)
        seqs: defaultdict[bytes, set[int]] = defaultdict(set)
        sql = "SELECT event_id_hash, eid, seq, is_declaration FROM event_id WHERE event_id_hash IN {in}"
        for hashed, eid, seq, is_declaration in self.fetch_in(sql, hashes):
            seqs[bytes(hashed)].add(seq)
            if not is_declaration:
                contents[bytes(hashed)].add(bytes(eid))
        shared = {seq for hashed, eids in contents.items() if len(eids) > 1 for seq in seqs[hashed]}
        return self.events(shared, witnesses=True) if shared else []

    def events_under_ids(self, event_ids: Iterable[str]) -> list[StoredEvent]:
        """Every event under these eventIDs, whoever captured it, with its captors; for the ledger alone."""
        return self.events_under_hashes([identifier_hash(text, self._secret) for text in set(event_ids)])

    def events_under_hashes(self, hashes: Iterable[bytes]) -> list[StoredEvent]:
        """`events_under_ids` by what stands for the eventIDs in the table `event_id`."""
        rows = self.fetch_in("SELECT seq FROM event_id WHERE event_id_hash IN {in}", hashes)
        return self.events({seq for (seq,) in rows}, witnesses=True)

    def events_of_declared_ids(self, event_ids: Iterable[str]) -> list[StoredEvent]:
        """Every event under those of these eventIDs that somebody declared in error, with captors; for the ledger."""
        hashes = [identifier_hash(text, self._secret) for text in set(event_ids)]
        sql = "SELECT DISTINCT event_id_hash FROM event_id WHERE is_declaration AND event_id_hash IN {in}"
        declared = {bytes(hashed) for (hashed,) in self.fetch_in(sql, hashes)}
        return self.events_under_hashes(declared) if declared else []

    def insert_events(self, events: Sequence[EventRow]) -> None:
        """Store new events; their witnesses must be inserted in the same unit."""
        contexts: dict[int, bytes] = {}
        rows = []
        for row in events:
            context_id = None
            if row.context is not None:
                context_id = _context_id(row.context)
                contexts[context_id] = row.context
            rows.append((*row[:7], context_id, *row[8:]))
        new = {number: text for number, text in contexts.items() if number not in self._known.contexts}
        self.write("context", COLUMNS.context, list(new.items()), "nothing")
        self.learnt_contexts.update(new)
        self.write("event", COLUMNS.event, rows, "fail")

    def insert_witnesses(self, witnesses: Sequence[Witness]) -> None:
        """Record who captured what, and under which eventID; what is recorded already stays."""
        self.write("witness", COLUMNS.witness, [row[:5] for row in witnesses], "unlikely")
        rows = [
            (identifier_hash(row.event_id, self._secret), row.party, row.eid, row.seq, row.is_declaration)
            for row in witnesses
        ]
        self.write("event_id", COLUMNS.event_id, rows, "unlikely")

    def insert_streams(self, rows: Sequence[tuple[int, int, int]]) -> None:
        """Record which ledger keys an event concerns: distinct (`terms.key_hash(key)`, event_time_us, seq)."""
        self.write("stream", COLUMNS.stream, rows, "fail" if self.dialect == "postgresql" else "nothing")

    def events(self, seqs: Iterable[int], *, witnesses: bool = False) -> list[StoredEvent]:
        """The events of these numbers that exist, by number."""
        return stored_events(self._connection, self._contexts, seqs, witnesses=witnesses)

    def events_by_keys(self, key_hashes: Iterable[int], *, witnesses: bool = True) -> list[StoredEvent]:
        """Every event in the streams of these ledger keys once, by event time, then number."""
        rows = self.fetch_in("SELECT seq FROM stream WHERE key_hash IN {in}", key_hashes)
        found = self.events({seq for (seq,) in rows}, witnesses=witnesses)
        found.sort(key=lambda row: (row.event_time_us, row.seq))
        return found

    def seqs_by_keys(self, key_hashes: Iterable[int]) -> list[tuple[int, int, int]]:
        """The stream rows (key_hash, event_time_us, seq) of these ledger keys, ordered."""
        rows = self.fetch_in("SELECT key_hash, event_time_us, seq FROM stream WHERE key_hash IN {in}", key_hashes)
        return sorted({(key, time_us, seq) for key, time_us, seq in rows})

    # ------------------------------------------------------------------ visibility

    def index_visible(self, rows: Sequence[Visible]) -> None:
        """Let viewers find events: postings, numbers and vocabulary of each. Rows that stand already are kept.

        An event of an earlier unit gets a late place in its viewer's order (`feed`).
        """
        self._index(self._new_sights(rows))

    def index_afresh(self, seqs: Collection[int], rows: Sequence[Visible]) -> None:
        """Put these in the place of all index rows of the events of these numbers, whatever those rows were.

        rows: of every viewer that sees one of the events. What left a vocabulary by it is for `drop_unmentioned`.
        `indexed_by_event` must be in force, or every number costs a look through the whole index.
        """
        for table in _TERM_TABLES[self.dialect]:
            self.execute_in(f"DELETE FROM {table} WHERE seq IN {{in}}", seqs)  # noqa: S608
        # Nothing is taken for written that might not be: this mends what is not as it should be.
        self._known.vocabulary.clear()
        self._index(rows)

    def indexed_by_event(self, *, wanted: bool) -> None:
        """Have the index rows in the order of events as well, or no longer: for as long as they are written afresh."""
        for table in _TERM_TABLES[self.dialect]:
            name = f"ix_{table}_afresh"
            self.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} (seq)" if wanted else f"DROP INDEX {name}")

    def drop_unmentioned(self, entries: Iterable[tuple[int, int, str]]) -> None:
        """Take those of these vocabulary entries (viewer, kind, value) out that no event of their viewer has."""
        gone = {entry for entry in entries if not self._is_mentioned(*entry)}
        for entry in gone:
            self.execute("DELETE FROM vocabulary WHERE viewer=? AND kind=? AND value=?", entry)
        self._known.vocabulary -= gone
        self.learnt_vocabulary -= gone
        if gone:
            counters.bump(self, "vocabulary_removals")

    def _index(self, rows: Sequence[Visible]) -> None:
        salts = {viewer: self._hasher.salt(viewer) for viewer in {row.viewer for row in rows}}
        numbers: list[Row] = []
        entries: set[tuple[int, int, str]] = set()
        known = self._known.vocabulary
        for viewer, seq, event_time_us, _, terms in rows:
            if terms.numbers:
                salt = salts[viewer]
                numbers += [(h ^ salt, seq, x, event_time_us) for h, x in terms.numbers]
            for kind, value in terms.vocabulary:
                entry = (viewer, kind, value)
                if entry not in known:
                    entries.add(entry)
        if self.dialect == "sqlite":
            self._index_postings(rows, salts)
        else:
            self._index_columns(rows, salts)
        self.write("number", COLUMNS.number, numbers, "nothing")
        self.write("vocabulary", COLUMNS.vocabulary, list(entries), "nothing")
        self.learnt_vocabulary |= entries

    def _new_sights(self, rows: Sequence[Visible]) -> Sequence[Visible]:
        """The rows that do not stand yet; those of events older than this unit are given their late places."""
        late = [row for row in rows if row.seq <= self._last_seq_before]
        if not late:
            return rows
        there = standing(self._connection, (Sight(row.viewer, row.seq, row.record_time_us) for row in late))
        fresh = sorted({(row.viewer, row.seq) for row in late} - there, key=lambda pair: (pair[1], pair[0]))
        first = self.allocate_seq(len(fresh))
        places = [(viewer, seq, first + offset, self.record_time_us) for offset, (viewer, seq) in enumerate(fresh)]
        # An event that was hidden and comes back takes its newest place: it is reported again rather than missed.
        self.write("late_visible", COLUMNS.late_visible, places, "replace")
        # An event that another party captures as well may be given to a viewer both as its own and as newly visible.
        wanted = {(row.viewer, row.seq): row for row in rows}
        return [row for pair, row in wanted.items() if pair not in there]

    def _index_postings(self, rows: Sequence[Visible], salts: dict[int, int]) -> None:
        postings: list[Row] = []
        for viewer, seq, event_time_us, _, terms in rows:
            salt = salts[viewer]
            postings += [(h ^ salt, event_time_us, seq) for h in terms.hashes]
        self.write("posting", COLUMNS.posting, postings, "nothing")
        arrivals = [(row.viewer, row.record_time_us, row.seq, row.event_time_us) for row in rows]
        self.write("arrival", COLUMNS.arrival, arrivals, "nothing")

    def _index_columns(self, rows: Sequence[Visible], salts: dict[int, int]) -> None:
        lines = []
        for viewer, seq, event_time_us, record_time_us, terms in rows:
            salt = salts[viewer]
            salted = [h ^ salt for h in terms.hashes]
            lines.append(
                (viewer, seq, event_time_us, record_time_us, terms.biz_step, terms.biz_location, salted)
            )  # fmt: skip
        self.write("visible", COLUMNS.visible, lines, "fail")

    def remove_visible(self, rows: Sequence[Visible]) -> None:
        """Hide events from viewers again, and take what no other event of theirs has out of their vocabularies."""
        for row in rows:
            salt = self._hasher.salt(row.viewer)
            if self.dialect == "sqlite":
                for h in row.terms.hashes:
                    key = (h ^ salt, row.event_time_us, row.seq)
                    self.execute("DELETE FROM posting WHERE h=? AND t=? AND seq=?", key)
                arrived = (row.viewer, row.record_time_us, row.seq)
                self.execute("DELETE FROM arrival WHERE viewer=? AND record_time_us=? AND seq=?", arrived)
            else:
                self.execute("DELETE FROM visible WHERE viewer=? AND seq=?", (row.viewer, row.seq))
            for h, x in row.terms.numbers:
                self.execute("DELETE FROM number WHERE h=? AND seq=? AND x=?", (h ^ salt, row.seq, x))
        self.drop_unmentioned({(row.viewer, kind, value) for row in rows for kind, value in row.terms.vocabulary})

    def _is_mentioned(self, viewer: int, kind: int, value: str) -> bool:
        hashes = [self._hasher.salted(viewer, pair) for pair in entry_pairs(kind, value)]
        if self.dialect == "sqlite":
            return bool(self.fetch_in("SELECT 1 FROM posting WHERE h IN {in} LIMIT 1", hashes))
        return bool(self.fetch("SELECT 1 FROM visible WHERE terms && ?::bigint[] LIMIT 1", (hashes,)))


def _context_id(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little", signed=True)


def json_text(value: Any) -> str:
    """Compact JSON with sorted keys, for the JSON columns of ledger and admin tables."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
