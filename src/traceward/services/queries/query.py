"""Queries: parameters become a page of stored documents, joined as bytes; only what the caller may see is touched.

It must not rebuild events from models, nor tell what is hidden from what is absent.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from traceward.epcis import evaluate
from traceward.epcis.errors import NoSuchResource, QueryTooLargeException
from traceward.epcis.extension import CONSIGNMENT_NAMESPACE, Context
from traceward.epcis.predicates import AnyTerm, Query
from traceward.epcis.query import parse_json_query, parse_query
from traceward.epcis.rendering import EpcFormat
from traceward.gs1.epc_uri import digital_link_to_urn
from traceward.services.identity import audit
from traceward.services.identity.principals import Principal
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.queries.answers import Representation, event_answer
from traceward.services.queries.extension_order import INDEXED_ORDERS, SortKey, ordered_page
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds
from traceward.store.compile import Cursor, VisibleTo
from traceward.store.read import Reader
from traceward.store.rows import StoredEvent

_PREFIXES: Final = {"mcx": CONSIGNMENT_NAMESPACE}
_CONTEXT: Final = Context.of(_PREFIXES)
_STANDARD_TYPES: Final = (
    "AggregationEvent",
    "AssociationEvent",
    "ObjectEvent",
    "TransactionEvent",
    "TransformationEvent",
)


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of a query's answer: an EPCISQueryDocument as it was wanted, and the token of the next page."""

    document: bytes
    next_token: str | None
    expires_us: int


@dataclass(frozen=True, slots=True)
class VocabularyPage:
    """One page of a top-level resource: its values in order, and the token of the next page."""

    values: list[str]
    next_token: str | None
    expires_us: int


def find_events(
    runtime: Runtime,
    caller: Principal,
    parameters: Mapping[str, Sequence[str]],
    token: str | None,
    per_page: int,
    wanted: Representation,
) -> EventPage:
    """The page of events that the parameters ask for and the caller may see, in the representation wanted.

    Raises QueryParameterException, QueryTooLargeException when more than maxEventCount match, QueryTooComplexException
    past the deadline, BadPageToken. EPCIS 2.0 8.2.7.1, SimpleEventQuery.
    """
    context = Context.of(_PREFIXES | dict(wanted.extensions)) if wanted.extensions else _CONTEXT
    return answer_query(runtime, caller, parse_query(parameters, context), token, per_page, wanted)


def answer_query(
    runtime: Runtime,
    caller: Principal,
    query: Query,
    token: str | None,
    per_page: int,
    wanted: Representation,
    *,
    query_name: str = "SimpleEventQuery",
) -> EventPage:
    """The page of events that a query asks for and the caller may see; `find_events` says what it raises.

    query_name: what the answer calls the query.
    """
    viewers = VisibleTo(caller.viewers)
    bounds = page_bounds(runtime, caller, _query_digest(query), token)
    limit = per_page
    if query.event_count_limit is not None:
        limit = min(per_page, query.event_count_limit - bounds.given)
    deadline_s = runtime.limits.query_deadline_s
    with runtime.store.reader() as reader:
        query = reader.resolved(query, viewers)
        if query.max_event_count is not None:
            _refuse_too_many(reader, query, viewers, query.max_event_count, deadline_s)
        if query.order_by not in INDEXED_ORDERS:
            after = msgspec.json.decode(bounds.after, type=SortKey) if bounds.after else None
            ordered = ordered_page(reader, query, viewers, after, limit, deadline_s, rechecked)
            events, given = ordered.events, bounds.given + limit
            more = ordered.last is not None and not (
                query.event_count_limit is not None and given >= query.event_count_limit
            )
            token = bounds.next_text_token(msgspec.json.encode(ordered.last).decode(), given=given) if more else None
            audit.tell_of_private(runtime, caller, "events", _query_digest(query), events)
            document = event_answer(runtime, events, wanted, query_name=query_name)
            return EventPage(document, token, bounds.expires_us)
        events, next_cursor = _page(reader, query, viewers, bounds.cursor, limit, deadline_s)
    given = bounds.given + limit
    if query.event_count_limit is not None and given >= query.event_count_limit:
        next_cursor = None
    next_token = bounds.next_token(next_cursor, given) if next_cursor is not None else None
    audit.tell_of_private(runtime, caller, "events", _query_digest(query), events)
    document = event_answer(runtime, events, wanted, query_name=query_name)
    return EventPage(document, next_token, bounds.expires_us)


def all_events(runtime: Runtime, caller: Principal, query: Query, most: int) -> list[StoredEvent]:
    """Every event that a query asks for and the caller may see, in its order, for answers that have no pages.

    Raises QueryTooLargeException when there are more than maxEventCount, or than `most`; QueryTooComplexException.
    """
    viewers = VisibleTo(caller.viewers)
    deadline_s = runtime.limits.query_deadline_s
    limit = min(query.event_count_limit or most, most)
    with runtime.store.reader() as reader:
        query = reader.resolved(query, viewers)
        if query.max_event_count is not None:
            _refuse_too_many(reader, query, viewers, query.max_event_count, deadline_s)
        if query.order_by in INDEXED_ORDERS:
            events, following = _page(reader, query, viewers, None, limit, deadline_s)
            more = following is not None
        else:
            ordered = ordered_page(reader, query, viewers, None, limit, deadline_s, rechecked)
            events, more = ordered.events, ordered.last is not None
    if more and (query.event_count_limit or most + 1) > most:
        raise QueryTooLargeException(f"more than {most} events match; narrow the query or set eventCountLimit")
    return events


def event_document(runtime: Runtime, caller: Principal, event_id: str, wanted: Representation) -> bytes:
    """The events under an eventID that the caller may see: the original, and every error declaration of it.

    Raises NoSuchResource, for absent and hidden events alike.
    """
    with runtime.store.reader() as reader:
        events = reader.event_by_id(event_id, VisibleTo(caller.viewers))
    if not events:
        raise NoSuchResource("there is no event of this id")
    audit.tell_of_private(runtime, caller, "event", event_id.encode(), events)
    return event_answer(runtime, events, wanted)


def vocabulary_page(
    runtime: Runtime, caller: Principal, kind: str, token: str | None, per_page: int, epc_format: EpcFormat
) -> VocabularyPage:
    """The values of a top-level resource among the events that the caller may see, by code point.

    The five standard event types are always there. kind: one of `VOCABULARY_KINDS`.
    """
    bounds = page_bounds(runtime, caller, hashlib.sha256(f"vocabulary {kind}".encode()).digest(), token)
    after = bounds.after
    with runtime.store.reader() as reader:
        values = reader.vocabulary(kind, VisibleTo(caller.viewers), after=after, limit=per_page + 1)
    if kind == "eventTypes":
        values = sorted({*values, *(name for name in _STANDARD_TYPES if name > after)})
    page = values[:per_page]
    next_token = bounds.next_text_token(page[-1]) if len(values) > per_page else None
    shown = [_identifier(runtime, value, epc_format) for value in page] if kind in _IDENTIFIER_KINDS else page
    return VocabularyPage(shown, next_token, bounds.expires_us)


_IDENTIFIER_KINDS: Final = frozenset({"epcs", "bizLocations", "readPoints"})


def require_item(runtime: Runtime, caller: Principal, kind: str, parameter: str, value: str) -> None:
    """Nothing when some event that the caller may see has the value; else raises NoSuchResource.

    The five standard event types are there even without events.
    """
    query = parse_json_query({parameter: [value]}, _CONTEXT)
    if kind == "eventTypes" and value in _STANDARD_TYPES:
        return
    with runtime.store.reader() as reader:
        found = reader.find(query, VisibleTo(caller.viewers), limit=1, deadline_s=runtime.limits.query_deadline_s)
    if not found.keys:
        raise NoSuchResource("there is no such resource")


def rechecked(query: Query, event: StoredEvent) -> bool:
    """Whether an event that was found by hashes has what was asked for.

    Where one value of each clause stands in the text literally, a collision of 64-bit hashes cannot be why it was
    found; anything else is decided by expanding the event.
    """
    text = event.rendered or event.text
    literal = all(
        isinstance(clause, AnyTerm)
        and not clause.prefixes
        and any(len(value) > 2 and value.encode() in text for _, value in clause.pairs)
        for clause in query.clauses
    )
    return literal or evaluate.matches(query, expanded_stored(event.text, event.context, event.event_id))


def _page(
    reader: Reader, query: Query, viewers: VisibleTo, after: Cursor | None, limit: int, deadline_s: float
) -> tuple[list[StoredEvent], Cursor | None]:
    if limit <= 0:
        return [], None
    page = reader.find(query, viewers, after=after, limit=limit, deadline_s=deadline_s)
    return [event for event in reader.documents(page.seqs) if rechecked(query, event)], page.next


def _refuse_too_many(reader: Reader, query: Query, viewers: VisibleTo, most: int, deadline_s: float) -> None:
    found = reader.count_up_to(query, viewers, most + 1, deadline_s=deadline_s)
    if found > most:
        raise QueryTooLargeException(f"more than maxEventCount {most} events match")


def _identifier(runtime: Runtime, value: str, epc_format: EpcFormat) -> str:
    if epc_format is not EpcFormat.ALWAYS_EPC_URN:
        return value
    return digital_link_to_urn(value, runtime.prefixes.length) or value


def _query_digest(query: Query) -> bytes:
    return hashlib.sha256(repr(replace(query, max_event_count=None)).encode()).digest()
