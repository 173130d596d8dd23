"""Reads for one request: find events, give documents, list vocabularies, lists of the ledger. Never writes.

Whatever names a viewer or party shows only that viewer's or party's rows; `documents` shows any event by number and is
meant for numbers that `find` gave.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from sqlmodel import SQLModel

from traceward.epcis.errors import NotImplementedByServer, QueryTooComplexException
from traceward.epcis.master_data import resolved
from traceward.epcis.predicates import AnyTerm, NumberRange, Query, TextPrefix
from traceward.epcis.terms import class_prefix
from traceward.store.compile import Cursor, Statement, VisibleTo, for_viewer
from traceward.store.connection import Connection, Dialect, Row
from traceward.store.find import find_postgres, find_sqlite, merged
from traceward.store.master_data_read import CallerMasterData
from traceward.store.reading import ContextCache, model_by_key, models_where, stored_events, stored_facts, witnesses_of
from traceward.store.rows import EventFacts, StoredEvent
from traceward.store.sealed import ERASED
from traceward.store.terms import VOCABULARY_KINDS, term_hasher

Model = TypeVar("Model", bound=SQLModel)

DEADLINE_S: Final = 5.0
#: Classes and items that the prefix of an EPC pattern may stand for.
PREFIX_VALUES: Final = 1_000

_LAST_CHARACTER: Final = "\U0010ffff"
_VOCABULARY: Final = "SELECT value FROM vocabulary WHERE viewer=? AND kind=? AND value>? ORDER BY value LIMIT ?"
_VOCABULARY_RANGE: Final = (
    "SELECT value FROM vocabulary WHERE viewer=? AND kind=? AND value>=? AND value<? ORDER BY value LIMIT 1"
)


class Page(NamedTuple):
    """A part of an ordered answer. next: where the following part starts, None at the end."""

    keys: tuple[Cursor, ...]
    next: Cursor | None

    @property
    def seqs(self) -> tuple[int, ...]:
        """The event numbers, in order."""
        return tuple(key.seq for key in self.keys)


class Reader:
    """Reads on one connection; made by `Store.reader()`."""

    def __init__(self, connection: Connection, secret: bytes, contexts: ContextCache) -> None:
        self._connection = connection
        self._hasher = term_hasher(secret)
        self._contexts = contexts
        self._statements: list[Statement] | None = None

    @property
    def dialect(self) -> Dialect:
        """The database's kind."""
        return self._connection.dialect

    # ------------------------------------------------------------------ events

    def resolved(self, query: Query, viewers: VisibleTo) -> Query:
        """The query with what rests on master data replaced by what the viewers can know of it now.

        `find` does so by itself; whoever asks several times, or re-checks what was found, does it once before.
        Raises QueryTooComplexException where that stands for too many values.
        """
        return resolved(query, CallerMasterData(self, viewers))

    def find(
        self,
        query: Query,
        viewers: VisibleTo,
        *,
        after: Cursor | None = None,
        limit: int,
        deadline_s: float = DEADLINE_S,
    ) -> Page:
        """The first `limit` events in the query's order, behind `after`, that any of the viewers sees.

        Looks at neither eventCountLimit nor maxEventCount. Raises QueryTooComplexException past the deadline, and
        NotImplementedByServer for an order other than eventTime and recordTime.
        """
        if query.order_by not in {"eventTime", "recordTime"}:
            raise NotImplementedByServer(f"orderBy {query.order_by}: this server orders by eventTime and recordTime")
        self._connection.set_deadline(deadline_s)
        try:
            query = self.resolved(query, viewers)
            lists = [self._keys(query, viewer, after, limit + 1) for viewer in sorted(viewers)]
        finally:
            self._connection.set_deadline(None)
        keys = merged(lists, descending=query.descending, limit=limit + 1)
        more = len(keys) > limit
        return Page(tuple(keys[:limit]), keys[limit - 1] if more and limit else None)

    def pages(
        self, query: Query, viewers: VisibleTo, *, limit: int, deadline_s: float, most: int, beyond: str
    ) -> Iterator[Page]:
        """Every page of `find`, one behind the other, of `limit` events each.

        Raises QueryTooComplexException with the words `beyond` at the page with which they are more than `most` events.
        """
        after = None
        while True:
            page = self.find(query, viewers, after=after, limit=limit, deadline_s=deadline_s)
            most -= len(page.keys)
            if most < 0:
                raise QueryTooComplexException(beyond)
            yield page
            if page.next is None:
                return
            after = page.next

    def count_up_to(self, query: Query, viewers: VisibleTo, most: int, *, deadline_s: float = DEADLINE_S) -> int:
        """How many events match, counted up to `most`."""
        return len(self.find(query, viewers, limit=most, deadline_s=deadline_s).keys)

    def documents(self, seqs: Sequence[int], *, witnesses: bool = False) -> list[StoredEvent]:
        """The events of these numbers, in the order given; those of erased subjects are left out."""
        by_seq = {row.seq: row for row in stored_events(self._connection, self._contexts, seqs, witnesses=witnesses)}
        return [by_seq[seq] for seq in seqs if seq in by_seq and by_seq[seq].text != ERASED]

    def facts(self, seqs: Sequence[int]) -> dict[int, EventFacts]:
        """The ledger's facts of the events of these numbers; of a private one without its patients' names."""
        return stored_facts(self._connection, seqs)

    def event_by_id(self, event_id: str, viewers: VisibleTo) -> list[StoredEvent]:
        """The events under an eventID that the viewers see, by event time: the original, others' and declarations."""
        query = Query(clauses=(AnyTerm((("eventID", event_id),)),), descending=False)
        page = self.find(query, viewers, limit=PREFIX_VALUES)
        return [row for row in self.documents(page.seqs) if row.event_id == event_id]

    def witnesses(self, eids: Iterable[bytes]) -> dict[bytes, tuple[int, ...]]:
        """The organisation numbers that captured each of these contents."""
        return dict(witnesses_of(self._connection, eids))

    def _keys(self, query: Query, viewer: int, after: Cursor | None, limit: int) -> list[Cursor]:
        clauses = tuple(self._resolved(clause, viewer) for clause in query.clauses)
        wanted = for_viewer(query, clauses, viewer, self._hasher, after)
        if wanted is None:
            return []
        find = find_sqlite if self.dialect == "sqlite" else find_postgres
        return find(self._run, wanted, limit)

    def _run(self, statement: Statement) -> list[Row]:
        if self._statements is not None:
            self._statements.append(statement)
        return self._connection.fetch(statement.sql, statement.params)

    def record_statements(self) -> list[Statement]:
        """A list that every statement of this reader's later queries is appended to; for tests of their plans."""
        self._statements = []
        return self._statements

    # ------------------------------------------------------------------ vocabularies

    def vocabulary(self, kind: str, viewers: VisibleTo, *, after: str = "", limit: int) -> list[str]:
        """Up to `limit` values behind `after` that a vocabulary has for the viewers, by code point.

        kind: one of `terms.VOCABULARY_KINDS`. Ask for one more than a page holds to know whether there is another.
        """
        number = VOCABULARY_KINDS[kind]
        found: set[str] = set()
        for viewer in viewers:
            rows = self._run(Statement("vocabulary", _VOCABULARY, (viewer, number, after, limit)))
            found.update(value for (value,) in rows)
        return sorted(found)[:limit]

    def _resolved(self, clause: AnyTerm | NumberRange, viewer: int) -> AnyTerm | NumberRange:
        """The clause with its prefixes replaced by the pairs that the viewer's vocabulary has for them."""
        if isinstance(clause, NumberRange) or not clause.prefixes:
            return clause
        pairs = list(clause.pairs)
        for prefix in clause.prefixes:
            self._add_pairs(prefix, viewer, pairs)
        return AnyTerm(tuple(dict.fromkeys(pairs)))

    def _add_pairs(self, prefix: TextPrefix, viewer: int, pairs: list[tuple[str, str]]) -> None:
        kind = VOCABULARY_KINDS[prefix.vocabulary]
        end = prefix.prefix + _LAST_CHARACTER
        start = prefix.prefix
        for _ in range(PREFIX_VALUES):
            rows = self._run(Statement("vocabulary by prefix", _VOCABULARY_RANGE, (viewer, kind, start, end)))
            if not rows:
                return
            value = rows[0][0]
            whole = class_prefix(value)
            # A class that the prefix covers is one pair, and the walk skips all its items at once.
            if whole is not None and whole.startswith(prefix.prefix) and (prefix.accepts(whole) or "/" in prefix.infix):
                if prefix.accepts(whole):
                    pairs.append((prefix.key + "~class", whole))
                start = whole + _LAST_CHARACTER
            else:
                if prefix.accepts(value):
                    pairs.append((prefix.key, value))
                start = value + "\x01"
        raise QueryTooComplexException(
            f"the pattern of {prefix.key} stands for more than {PREFIX_VALUES} classes; name a class"
        )

    # ------------------------------------------------------------------ other tables

    def get(self, model: type[Model], *key: Any) -> Model | None:
        """The row of a table model with this primary key."""
        return model_by_key(self._connection, model, key)

    def select(self, model: type[Model], **equal: Any) -> list[Model]:
        """The rows of a table model whose columns equal the values given, ordered by key."""
        return models_where(self._connection, model, equal)

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement with `?` parameters; never of the tables of events and their index rows."""
        return self._connection.fetch(sql, params)

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]:
        """`fetch` with `IN {in}` where a list of any length belongs; `params` come before the list."""
        return self._connection.fetch_in(sql, values, params)
