"""Named queries: defined, read, listed and asked by those who share them.

A definition is kept as it was sent and read anew whenever it is asked, with the rights of whoever asks; it must not be
shown to anyone but its owners.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from traceward.epcis.errors import (
    NoSuchNameException,
    QueryParameterException,
    QueryTooLargeException,
    QueryValidationException,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.extension import CONSIGNMENT_NAMESPACE, Context, check_context
from traceward.epcis.json_codec import read_json, write_json
from traceward.epcis.json_text import value_of
from traceward.epcis.predicates import Query
from traceward.epcis.query import parse_json_query
from traceward.gs1.patient import contains_patient_identifier
from traceward.services.identity.principals import Principal
from traceward.services.queries.answers import Representation
from traceward.services.queries.query import EventPage, answer_query
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds
from traceward.store.named_query_models import NamedQueryRow
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

SIMPLE_EVENT_QUERY: Final = "SimpleEventQuery"
RESERVED: Final = (SIMPLE_EVENT_QUERY, "SimpleMasterDataQuery")
"""Names that the standard gives to its own queries. EPCIS 2.0 8.2.7."""

MAX_NAME_LENGTH: Final = 255
MAX_DEFINITION_BYTES: Final = 262_144
MAX_QUERIES: Final = 10_000
"""Most definitions of one owner."""

_OF_WHOLE_ANSWERS: Final = ("orderBy", "eventCountLimit")
_MEMBERS: Final = frozenset({"@context", "name", "query"})
_NO_NAME: Final = re.compile(r"[\x00-\x1f\x7f/\\?#\ud800-\udfff]")
_COLUMNS: Final = ", ".join(NamedQueryRow.model_fields)
_PRIVATE: Final = "#"
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM named_query"  # noqa: S608
    " WHERE owner=? AND name>? AND NOT (name>=? AND name<?) ORDER BY name LIMIT ?"
)
_ABSENT: Final = "there is no query of this name"
_COUNT: Final = "SELECT count(*) FROM named_query WHERE owner=?"


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One definition. id: never used again for another; owner: as `owner_of`; text: its JSON object as sent.

    context: what its prefixes mean beside the text's own @context, None for nothing. Predefined ones have id "".
    """

    id: str
    owner: int
    name: str
    text: bytes
    context: Any = None
    created_us: int = 0


@dataclass(frozen=True, slots=True)
class NamedQueryPage:
    """One page of a list of definitions, and the token of the next."""

    queries: list[NamedQuery]
    next_token: str | None
    expires_us: int


def private_name(subscription_id: str) -> str:
    """The name under which parameters of one subscription alone are kept; no client can give such a name."""
    return f"{SIMPLE_EVENT_QUERY}{_PRIVATE}{subscription_id}"


def public_name(name: str) -> str:
    """What a query is called before clients: that of a subscription's own parameters is SimpleEventQuery."""
    return name.partition(_PRIVATE)[0]


def owner_of(caller: Principal) -> int:
    """Who shares the caller's named queries: the readers of the most private compartment that the caller reads.

    What a query of the clinical role asks for may tell of patients, so the supply role of the same organisation must
    not see it.
    """
    return max(caller.viewers)


def define(runtime: Runtime, caller: Principal, body: bytes, extensions: Mapping[str, str]) -> NamedQuery:
    """Keep the query of a JSON body {"name", "query", "@context"?}; extensions: prefixes of GS1-Extensions.

    Raises ValidationException for what is no JSON, QueryValidationException for a body that is no
    definition, QueryParameterException naming the parameter, QueryTooComplexException, ResourceAlreadyExistsException.
    EPCIS 2.0 REST binding, POST /queries.
    """
    owner = owner_of(caller)
    name, text, context = _definition(body, extensions)
    parsed(NamedQuery("", owner, name, text, context))
    identifier = runtime.random_bytes(16).hex()

    def unit(tx: WriteTransaction) -> NamedQuery:
        if tx.get(NamedQueryRow, owner, name) is not None:
            raise ResourceAlreadyExistsException(f"there is a query named {name!r} already; delete it first")
        if tx.fetch(_COUNT, (owner,))[0][0] >= MAX_QUERIES:
            raise QueryTooLargeException(f"there are {MAX_QUERIES} named queries already; delete one first")
        row = NamedQueryRow(
            owner=owner,
            name=name,
            id=identifier,
            definition=text,
            context=write_json(context).decode(),
            created_us=tx.record_time_us,
        )
        tx.put(row)
        return from_row(row)

    return runtime.store.committer.run(unit)


def find(runtime: Runtime, caller: Principal, name: str) -> NamedQuery:
    """The caller's query of that name; SimpleEventQuery is everyone's and asks for all events.

    Raises NoSuchNameException, for absent queries and those of others alike.
    """
    with runtime.store.reader() as reader:
        found = stored(reader, owner_of(caller), name)
    if found is None:
        raise NoSuchNameException(_ABSENT)
    return found


def stored(reader: Reader | WriteTransaction, owner: int, name: str) -> NamedQuery | None:
    """The query of that name and owner as it stands now, None where there is none; for workers that hold no caller."""
    if name == SIMPLE_EVENT_QUERY:
        return NamedQuery("", owner, name, b"{}")
    row = reader.get(NamedQueryRow, owner, name)
    return from_row(row) if row is not None else None


def list_queries(runtime: Runtime, caller: Principal, token: str | None, per_page: int) -> NamedQueryPage:
    """The caller's definitions by name; predefined queries are not among them."""
    bounds = page_bounds(runtime, caller, b"named queries", token)
    with runtime.store.reader() as reader:
        private = (private_name(""), f"{private_name('')}\U0010ffff")
        rows = reader.fetch(_PAGE, (owner_of(caller), bounds.after, *private, per_page + 1))
    found = [from_row(NamedQueryRow(**dict(zip(NamedQueryRow.model_fields, row, strict=True)))) for row in rows]
    page = found[:per_page]
    next_token = bounds.next_text_token(page[-1].name) if len(found) > per_page else None
    return NamedQueryPage(page, next_token, bounds.expires_us)


def events_page(
    runtime: Runtime, caller: Principal, name: str, token: str | None, per_page: int, wanted: Representation
) -> EventPage:
    """One page of the events that the caller's query of that name finds and the caller may see.

    Raises NoSuchNameException, and what `query.answer_query` raises. EPCIS 2.0 REST, GET /queries/{queryName}/events.
    """
    found = parsed(find(runtime, caller, name))
    return answer_query(runtime, caller, found, token, per_page, wanted, query_name=name)


def parsed(query: NamedQuery) -> Query:
    """The predicates that a definition means.

    Raises QueryParameterException, QueryTooComplexException.
    """
    context = Context.of([{"mcx": CONSIGNMENT_NAMESPACE}, *_listed(query.context)])
    return parse_json_query(read_json(query.text), context)


def check_reportable(query: NamedQuery) -> None:
    """Return where a standing query may report what a definition asks for, as it becomes visible.

    Raises QueryParameterException for orderBy and eventCountLimit: each report would have an order and a limit of its
    own, which is not what they say of the whole answer. EPCIS 2.0 8.2.7.1.
    """
    asked = read_json(query.text)
    for name in _OF_WHOLE_ANSWERS:
        if name in asked:
            raise QueryParameterException(
                f"the query has {name}, which is of one whole answer; expected a query without it for what is reported "
                "piece by piece, as it becomes visible"
            )


def as_body(query: NamedQuery) -> bytes:
    """The definition as JSON text: its name, its parameters as sent, and the @context they need beside their own."""
    context = b'"@context":%b,' % write_json(query.context) if query.context is not None else b""
    return b'{%b"name":%b,"query":%b}' % (context, write_json(query.name), query.text)


def _definition(body: bytes, extensions: Mapping[str, str]) -> tuple[str, bytes, Any]:
    """Name, text of the parameters, and the context beside them. Raises what `define` raises of the body."""
    if len(body) > MAX_DEFINITION_BYTES:
        raise QueryValidationException(f"the body has {len(body)} bytes; expected at most {MAX_DEFINITION_BYTES}")
    fields = read_json(body)
    if not isinstance(fields, dict):
        raise QueryValidationException('the body is no JSON object; expected {"name": ..., "query": {...}}')
    for name in fields.keys() - _MEMBERS:
        raise QueryValidationException(f"the body has the member {name[:80]!r}; expected name, query and @context")
    if not isinstance(fields.get("query"), dict):
        raise QueryValidationException("query is missing or no object; expected the parameters of SimpleEventQuery")
    for holder, what in ((fields, "the definition"), (fields["query"], "the query")):
        if "@context" in holder:
            _check_context(holder["@context"], what)
    text = value_of(body, "query")
    assert text is not None
    own = [dict(extensions)] if extensions else []
    context = [*own, *_listed(fields.get("@context"))]
    refuse_patients(text, context)
    return _checked_name(fields.get("name")), text, context or None


def refuse_patients(text: bytes, context: Any) -> None:
    """Nothing where a query that is to be kept names no patient; else raises QueryParameterException.

    What is kept stands outside the patient's key: erasing the patient would not reach it.
    """
    plain = write_json([read_json(text), context]).decode()
    if contains_patient_identifier(plain):
        raise QueryParameterException(
            "the query names a patient (AI 8018), and a query that is kept must not; expected a look-up by POST"
            " /patients/search"
        )


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise QueryValidationException("name is missing or no text; expected the name of the query")
    if len(name) > MAX_NAME_LENGTH or _NO_NAME.search(name) or name in {".", ".."}:
        raise QueryValidationException(
            f"name is {name[:80]!a}; expected at most {MAX_NAME_LENGTH} characters, without control characters / \\ ? #"
        )
    if contains_patient_identifier(name):
        raise QueryValidationException("name holds a patient's identifier (AI 8018); names stand in URLs and logs")
    if name in RESERVED:
        raise ResourceAlreadyExistsException(f"{name} is a query of the standard's own; expected another name")
    return name


def _check_context(value: object, what: str) -> None:
    try:
        check_context(value, what)
    except ValidationException as error:
        raise QueryParameterException(error.detail) from error


def _listed(context: Any) -> list[Any]:
    if context is None:
        return []
    return context if isinstance(context, list) else [context]


def from_row(row: NamedQueryRow) -> NamedQuery:
    """The definition that a row keeps."""
    return NamedQuery(
        row.id, row.owner, row.name, bytes(row.definition), read_json(row.context.encode()), row.created_us
    )
