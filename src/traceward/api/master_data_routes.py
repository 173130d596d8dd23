"""Master data over HTTP, beside the standard's paths: vocabularies, their elements, and an element's versions.

It must not decide who may see an element: services.queries.master_data does. The REST binding of EPCIS 2.0 has no such
paths.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from traceward.api.deps import Capturer, Reader, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.parameters import PAGED, READS_ITS_OWN
from traceward.epcis.errors import QueryParameterException
from traceward.epcis.master_data import vocabulary_type
from traceward.epcis.master_data_query import parse_master_data_query
from traceward.services.queries import gaps, master_data

router = APIRouter(prefix="/masterdata", tags=["master data"])

_MAX_ELEMENTS = 10_000


class AttributeBody(BaseModel):
    """One attribute: its name, and its value as a text or, for a structure, as JSON."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=400)]
    attribute: Any


class ElementRequest(BaseModel):
    """What is said of one element: the present version is replaced."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(min_length=1, max_length=200)]
    attributes: list[AttributeBody] = []
    children: list[str] = []


class ListedElement(BaseModel):
    """An element of a vocabulary, as the JSON binding of EPCIS 2.0 spells it."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=1000)]
    attributes: list[AttributeBody] = []
    children: list[str] = []


class ListedVocabulary(BaseModel):
    """A vocabulary and its elements."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(min_length=1, max_length=200)]
    vocabularyElementList: Annotated[list[ListedElement], Field(max_length=_MAX_ELEMENTS)]


class VocabularyListRequest(BaseModel):
    """A list of vocabularies, as epcisMasterData has it."""

    model_config = ConfigDict(extra="forbid")

    vocabularyList: Annotated[list[ListedVocabulary], Field(max_length=1000)]


class TakenBody(BaseModel):
    """How many elements brought something new, and how many were known with the same content."""

    stored: int
    unchanged: int


class VocabulariesBody(BaseModel):
    """The vocabularies of which the caller may see an element."""

    vocabularies: list[str]


class ElementBody(BaseModel):
    """An element in its present version. name: what a person calls it. owner: the organisation that declared it."""

    type: str
    id: str
    attributes: list[AttributeBody] = []
    children: list[str] = []
    name: str | None
    owner: str
    ownerName: str
    version: int
    recordTime: str


class ElementsBody(BaseModel):
    """One page of elements, by id."""

    elements: list[ElementBody]


class VersionBody(BaseModel):
    """One version of an element. capturedBy (the id of a key), captureID: told to the owner alone."""

    version: int
    recordTime: str
    id: str
    attributes: list[AttributeBody] = []
    children: list[str] = []
    capturedBy: str | None = None
    captureID: str | None = None


class VersionedElementBody(ElementBody):
    """An element with every version of it, the oldest first, where they were asked for."""

    versions: list[VersionBody] | None = None


class FoundElementsBody(BaseModel):
    """The element of one id, once for each vocabulary and organisation that declared it."""

    elements: list[VersionedElementBody]


class GapBody(BaseModel):
    """A thing that nothing describes. kind: product, lot, place or party. severity: low."""

    id: str
    kind: str
    severity: str
    message: str


class GapsBody(BaseModel):
    """One page of gaps, by id."""

    gaps: list[GapBody]


@router.get("/vocabularies", response_model=VocabulariesBody)
def get_vocabularies(caller: Reader, runtime: Services) -> dict[str, Any]:
    """The vocabularies of which the caller may see an element."""
    return {"vocabularies": master_data.vocabulary_types(runtime, caller)}


@router.post("/vocabularies", response_model=TakenBody)
def post_vocabularies(body: VocabularyListRequest, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Declare elements for the caller's organisation: all of them, or, with 400 and every finding, none."""
    vocabularies = [
        {
            "type": vocabulary_type(vocabulary.type),
            "elements": [_element(one.id, one.attributes, one.children) for one in vocabulary.vocabularyElementList],
        }
        for vocabulary in body.vocabularyList
    ]
    taken = master_data.declare(runtime, caller, vocabularies)
    return {"stored": taken.stored, "unchanged": taken.unchanged}


@router.get(
    "/vocabularies/{vocabulary:path}/elements",
    response_model=ElementsBody,
    response_model_exclude_unset=True,
    dependencies=READS_ITS_OWN,
)
def get_elements(
    vocabulary: str, request: Request, response: Response, caller: Reader, runtime: Services, settings: ServerSettings
) -> dict[str, Any]:
    """The elements of a vocabulary that the caller may see, by id; a bare word names one of the standard's.

    Parameters are those of SimpleMasterDataQuery: EQ_name, WD_name, HASATTR, EQATTR_<attribute>, attributeNames,
    includeAttributes, includeChildren; lists are joined by "|".
    """
    page = page_request(request, settings)
    if "vocabularyName" in page.parameters or "maxElementCount" in page.parameters:
        raise QueryParameterException("vocabularyName and maxElementCount have no place here; the path names one")
    given = {name: [part for text in values for part in text.split("|")] for name, values in page.parameters.items()}
    query = parse_master_data_query({**given, "vocabularyName": [vocabulary]}, mandatory=False)
    found = master_data.elements_page(runtime, caller, query, page.token, page.per_page)
    response.headers.update(link_headers(request, page, found.next_token, found.expires_us))
    return {"elements": [master_data.element_body(one) for one in found.elements]}


@router.get("/elements/{identifier:path}", response_model=FoundElementsBody, response_model_exclude_unset=True)
def get_element(
    identifier: str,
    caller: Reader,
    runtime: Services,
    versions: Annotated[bool, Query(description="Tell every version too")] = False,
) -> dict[str, Any]:
    """The element of an id, in any of its spellings: by every organisation whose declaration the caller may see."""
    found = master_data.find_element(runtime, caller, identifier)
    return {
        "elements": [
            master_data.element_body(one)
            | ({"versions": master_data.versions(runtime, caller, one)} if versions else {})
            for one in found
        ]
    }


@router.get("/gaps", response_model=GapsBody, dependencies=PAGED)
def get_gaps(
    request: Request,
    response: Response,
    caller: Reader,
    runtime: Services,
    settings: ServerSettings,
    kind: Annotated[str | None, Query(description="product, lot, place or party; absent: any")] = None,
) -> dict[str, Any]:
    """What the caller's events name and nothing describes, by id; a page may be short and not the last."""
    page = page_request(request, settings)
    found = gaps.gaps_page(runtime, caller, kind, page.token, page.per_page)
    response.headers.update(link_headers(request, page, found.next_token, found.expires_us))
    return found.body


@router.put("/elements/{identifier:path}", response_model=TakenBody)
def put_element(identifier: str, body: ElementRequest, caller: Capturer, runtime: Services) -> dict[str, Any]:
    """Declare one element for the caller's organisation, in a new version where its content is new."""
    element = _element(identifier, body.attributes, body.children)
    taken = master_data.declare(runtime, caller, [{"type": vocabulary_type(body.type), "elements": [element]}])
    return {"stored": taken.stored, "unchanged": taken.unchanged}


def _element(identifier: str, attributes: list[AttributeBody], children: list[str]) -> dict[str, Any]:
    return {
        "id": identifier,
        "attributes": [{"id": one.id, "value": one.attribute} for one in attributes],
        "children": children,
    }
