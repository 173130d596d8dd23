"""Master data: taken from documents and from our own interface, versioned, and told to those who may see it.

An element belongs to the organisation that declared it. It must not tell an element to anyone but its owner and those
who see an event that names it.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import msgspec

from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    QueryTooLargeException,
    TracewardError,
    ValidationException,
)
from traceward.epcis.master_data import Attribute, Element, descendants, read_vocabularies
from traceward.epcis.master_data_query import MasterDataQuery
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.place_zones import zone_named
from traceward.services.agreements.book import read_book
from traceward.services.identity.principals import Principal
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds
from traceward.store.compile import VisibleTo
from traceward.store.master_data_read import CallerMasterData
from traceward.store.master_data_rows import ElementRow, NewElement, write_elements
from traceward.store.master_data_tables import TIME_ZONE
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction

#: Elements of one answer to SimpleMasterDataQuery, which has no pages.
MAX_ELEMENTS: Final = 10_000
#: Parts of what the caller may see that one page looks through before it tells where to go on.
_PARTS: Final = 10
_START: Final = ("", "")
_ZONES: Final = "Traceward master data: time zones"
_HEADER_PATH: Final = "epcisHeader.epcisMasterData."

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a list of elements: how many brought something new, how many were known already."""

    stored: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Declared:
    """An element as one organisation declared it. name: what a person calls it. owner: its canonical id.

    A version counts from 1.
    """

    element: Element
    name: str | None
    owner: str
    owner_name: str
    version: int
    record_time_us: int


@dataclass(frozen=True, slots=True)
class DeclaredPage:
    """One page of elements by id, and the token of the next one."""

    elements: list[Declared]
    next_token: str | None
    expires_us: int


def take_vocabulary(
    runtime: Runtime,
    caller: Principal,
    vocabularies: Sequence[Mapping[str, Any]],
    tx: WriteTransaction,
    job_id: str | None,
) -> Taken:
    """Take up the vocabularies of a document within its capture's transaction; known content makes no new version.

    vocabularies: [{type, elements: [{id, attributes: [{id, value}], children: [id]}]}], names in full.
    Raises ValidationException with every finding, and ForbiddenException for a key that is bound to a place, before
    anything is written; `vocabulary_problem` tells beforehand.
    """
    _require_organisation(caller)
    elements = check_vocabularies(vocabularies, _HEADER_PATH if job_id is not None else "")
    known = runtime.agreement_books.within(runtime.store, tx)
    stored = write_elements(tx, caller.party_number, caller.key_id, job_id, [_new_element(one) for one in elements])
    if stored and any(hospital == caller.organisation for _, hospital in known.pairs()):
        # A site of an agreement covers what its hospital's master data has below it.
        runtime.projector_within(tx).agreements_changed(tx, known, read_book(tx))
    return Taken(stored, len(elements) - stored)


def vocabulary_problem(caller: Principal, vocabularies: Sequence[Mapping[str, Any]]) -> TracewardError | None:
    """Why the caller cannot have a document's vocabularies taken up, for captures that go on without; None: can."""
    if not vocabularies:
        return None
    try:
        _require_organisation(caller)
        check_vocabularies(vocabularies, _HEADER_PATH)
    except (ForbiddenException, ValidationException) as problem:
        return problem
    return None


def check_vocabularies(vocabularies: Sequence[Mapping[str, Any]], path: str = "") -> list[Element]:
    """The elements of these vocabularies; raises ValidationException with everything that is wrong with them."""
    elements, findings = read_vocabularies(vocabularies, path)
    findings += [finding for one in elements for finding in _zone_findings(one)]
    if findings:
        raise ValidationException(summary(findings), findings)
    return elements


def _zone_findings(element: Element) -> Iterator[Finding]:
    """What is wrong with the time zone that an element declares; passed over, it would leave the place another day."""
    for attribute in element.attributes:
        if attribute.key == TIME_ZONE and attribute.text and zone_named(attribute.text) is None:
            said = f"timeZone of {element.id[:200]} is {attribute.text[:80]!r}"
            message = f"{said}; expected a name of the IANA data base such as Europe/Berlin"
            yield Finding(element.id[:200], "time_zone", message, _ZONES)


def declare(runtime: Runtime, caller: Principal, vocabularies: Sequence[Mapping[str, Any]]) -> Taken:
    """Take up vocabularies that were sent to our own interface. Raises as `take_vocabulary` does."""
    check_vocabularies(vocabularies)
    return runtime.store.committer.run(lambda tx: take_vocabulary(runtime, caller, vocabularies, tx, None))


def vocabulary_types(runtime: Runtime, caller: Principal) -> list[str]:
    """The vocabularies of which the caller may see an element, by code point."""
    found: set[str] = set()
    with runtime.store.reader() as reader:
        for row in _all_rows(CallerMasterData(reader, VisibleTo(caller.viewers))):
            found.add(row.vtype)
    return sorted(found)


def elements_page(
    runtime: Runtime, caller: Principal, query: MasterDataQuery, token: str | None, per_page: int
) -> DeclaredPage:
    """One page of the elements that the query asks for and the caller may see, by id and vocabulary.

    A page may hold fewer than per_page and yet not be the last. Raises BadPageToken, QueryTooComplexException.
    """
    bounds = page_bounds(runtime, caller, hashlib.sha256(repr(query).encode()).digest(), token)
    identifier, _, vtype = bounds.after.rpartition("\n")
    after: tuple[str, str] | None = (identifier, vtype)
    found: list[Declared] = []
    with runtime.store.reader() as reader:
        source = CallerMasterData(reader, VisibleTo(caller.viewers))
        if query.names or query.within:
            rows = [row for row in _named_rows(query, source) if (row.id, row.vtype) > (identifier, vtype)]
            asked = _asked(runtime, query, rows)
            found = asked[:per_page]
            after = (found[-1].element.id, found[-1].element.vtype) if len(asked) > per_page else None
        else:
            for _ in range(_PARTS):
                assert after is not None
                page = source.page(after, per_page - len(found))
                found += _asked(runtime, query, page.elements)
                after = page.next
                if after is None or len(found) >= per_page:
                    break
    next_token = bounds.next_text_token("\n".join(after)) if after is not None else None
    return DeclaredPage(found, next_token, bounds.expires_us)


def poll(runtime: Runtime, caller: Principal, query: MasterDataQuery) -> list[Element]:
    """Every element that the query asks for, by vocabulary and id; of one that several declared, the caller's own.

    Raises QueryTooLargeException when there are more than maxElementCount, or than MAX_ELEMENTS.
    EPCIS 2.0 8.2.7.2, SimpleMasterDataQuery.
    """
    most = min(query.max_element_count or MAX_ELEMENTS, MAX_ELEMENTS)
    chosen: dict[tuple[str, str], Element] = {}
    with runtime.store.reader() as reader:
        source = CallerMasterData(reader, VisibleTo(caller.viewers))
        rows = _named_rows(query, source) if query.names or query.within else _all_rows(source)
        for row in rows:
            element = element_of(row)
            key = (element.vtype, element.id)
            own = row.party == caller.party_number
            if query.asks_for(element) and (own or key not in chosen):
                chosen[key] = query.shown(element)
            if len(chosen) > most:
                raise QueryTooLargeException(f"more than {most} elements match")
    return [element for _, element in sorted(chosen.items())]


def find_element(runtime: Runtime, caller: Principal, identifier: str) -> list[Declared]:
    """The element of an id in any spelling, once for each vocabulary and organisation that declared it.

    Raises NoSuchResource for what is not there and for what the caller may not see.
    """
    with runtime.store.reader() as reader:
        rows = CallerMasterData(reader, VisibleTo(caller.viewers)).by_id([canonical_identifier(identifier)])
    if not rows:
        raise NoSuchResource("there is no master data of this id")
    return [_declared(runtime, row) for row in rows]


def own_elements(runtime: Runtime, caller: Principal, vtype: str) -> dict[str, Element]:
    """What the caller's organisation has declared in a vocabulary, by canonical id."""
    with runtime.store.reader() as reader:
        rows = CallerMasterData(reader, VisibleTo(caller.viewers)).own()
        return {row.id: element_of(row) for row in rows if row.vtype == vtype}


def versions(runtime: Runtime, caller: Principal, found: Declared) -> list[dict[str, Any]]:
    """Every version of an element that `find_element` gave, the oldest first; by which key is the owner's to know."""
    owner = runtime.registry.find(found.owner)
    assert owner is not None
    own = owner.number == caller.party_number
    with runtime.store.reader() as reader:
        rows = CallerMasterData(reader, VisibleTo(caller.viewers)).versions(
            owner.number, found.element.id, found.element.vtype
        )
    return [
        {
            "version": row.version,
            "recordTime": format_time_us(row.record_time_us),
            **({"capturedBy": row.captured_by, "captureID": row.job} if own else {}),
            **_content(row.content),
        }
        for row in rows
    ]


def names_of(
    runtime: Runtime, reader: Reader, caller: Principal, ids: Collection[str], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What these places, products or parties are called; what has no name that the caller may see is left out.

    ids: canonical. The caller's own name for a thing comes first, then `known`, then that of the thing's owner, then
    anyone's.
    """
    found = {one: (1, name) for one, name in (known or {}).items() if one in ids}
    parties = runtime.registry.parties
    for row in CallerMasterData(reader, VisibleTo(caller.viewers)).by_id(ids):
        if row.name is None:
            continue
        owner = runtime.registry.by_number(row.party)
        owners = (row.id, parties.party_of_place(row.id), parties.maker_of(row.id))
        rank = 0 if row.party == caller.party_number else 2 if owner is not None and owner.id in owners else 3
        if row.id not in found or rank < found[row.id][0]:
            found[row.id] = (rank, row.name)
    return {identifier: name for identifier, (_, name) in found.items()}


def element_body(found: Declared) -> dict[str, Any]:
    """The wire form of an element, as the JSON binding spells it, with who declared it and when."""
    return {
        "type": found.element.vtype,
        **content_of(found.element),
        "name": found.name,
        "owner": found.owner,
        "ownerName": found.owner_name,
        "version": found.version,
        "recordTime": format_time_us(found.record_time_us),
    }


def content_of(element: Element) -> dict[str, Any]:
    """An element as EPCIS JSON has it: id, attributes and children. EPCIS 2.0 JSON binding, epcisMasterData."""
    content: dict[str, Any] = {"id": element.spelt}
    if element.attributes:
        content["attributes"] = [{"id": one.name, "attribute": one.value} for one in element.attributes]
    if element.children:
        content["children"] = list(element.children)
    return content


def element_of(row: ElementRow) -> Element:
    """The element that a row holds."""
    content = _content(row.content)
    attributes = tuple(Attribute(one["id"], one["attribute"]) for one in content.get("attributes", ()))
    return Element(row.vtype, row.id, content["id"], attributes, tuple(content.get("children", ())))


def _require_organisation(caller: Principal) -> None:
    """Nothing for a key that speaks for its whole organisation; master data is true of all its places."""
    if caller.place is not None:
        raise ForbiddenException(
            f"this key is bound to {caller.place}; master data needs a key of the whole organisation"
        )


def _new_element(element: Element) -> NewElement:
    return NewElement(
        element.id,
        element.vtype,
        element.digest,
        element.name,
        _encode(content_of(element)).decode(),
        tuple((one.key, one.text) for one in element.attributes),
        element.child_ids,
    )


def _content(text: str) -> dict[str, Any]:
    content: dict[str, Any] = _decode(text)
    return content


def _declared(runtime: Runtime, row: ElementRow) -> Declared:
    owner = runtime.registry.by_number(row.party)
    assert owner is not None
    return Declared(element_of(row), row.name, owner.id, owner.name, row.version, row.record_time_us)


def _asked(runtime: Runtime, query: MasterDataQuery, rows: Sequence[ElementRow]) -> list[Declared]:
    found = [_declared(runtime, row) for row in rows]
    return [replace(one, element=query.shown(one.element)) for one in found if query.asks_for(one.element)]


def _named_rows(query: MasterDataQuery, source: CallerMasterData) -> list[ElementRow]:
    below = descendants(query.within, source, MAX_ELEMENTS) if query.within else []
    return source.by_id({*query.names, *below})


def _all_rows(source: CallerMasterData) -> Iterator[ElementRow]:
    after: tuple[str, str] | None = _START
    while after is not None:
        page = source.page(after, MAX_ELEMENTS)
        yield from page.elements
        after = page.next
