"""Named queries over HTTP: made, read, listed, asked, deleted, and page tokens given back; on both databases."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .conftest import BACKENDS, Site

CORDIA, SUPPLY, CLINICAL, RIVAL = "cordia", "northgate-supply", "northgate-clinical", "rival-supplier"
EX = "https://ex.example/terms/"
CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"ex": EX}]
S1, S2, S3 = (f"https://id.gs1.org/01/09521141010235/21/Q{number}" for number in (1, 2, 3))
LOT = "https://id.gs1.org/01/09521141010235/10/QL"
CRATE = "https://id.gs1.org/00/095211410000000017"
PLACE = "https://id.gs1.org/414/9521141000014"


def _event(label: str, kind: str = "ObjectEvent", **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "eventID": f"urn:uuid:00000000-0000-4000-8000-{label.encode().hex():0>12}",
        "eventTime": "2026-05-01T10:00:00Z",
        "eventTimeZoneOffset": "+02:00",
        "action": "OBSERVE",
    } | fields


EVENTS = {
    "ship": _event(
        "ship",
        epcList=[S1],
        bizStep="shipping",
        disposition="in_transit",
        readPoint={"id": PLACE},
        bizTransactionList=[{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521141000007:P1"}],
        **{"ex:word": "amber", "ex:weight": 5.5, "ex:when": "2026-04-01T00:00:00Z", "ex:box": {"ex:deep": "red"}},
    ),
    "make": _event(
        "make",
        eventTime="2026-04-30T10:00:00Z",
        action="ADD",
        quantityList=[{"epcClass": LOT, "quantity": 12.5, "uom": "KGM"}],
        bizStep="commissioning",
        ilmd={"cbvmda:lotNumber": "QL", "ex:grade": 7},
    ),
    "warm": _event(
        "warm",
        epcList=[S2],
        bizStep="storing",
        sensorElementList=[
            {
                "sensorMetadata": {"time": "2026-05-01T09:00:00Z", "deviceID": "urn:ex:device:1"},
                "sensorReport": [
                    {"type": "Temperature", "value": 26, "uom": "CEL", "ex:probe": "tip"},
                    {"type": "Temperature", "booleanValue": True},
                ],
            }
        ],
    ),
    "pack": _event("pack", "AggregationEvent", action="ADD", parentID=CRATE, childEPCs=[S1, S2], bizStep="packing"),
    "wrong": _event(
        "wrong",
        epcList=[S3],
        bizStep="inspecting",
        errorDeclaration={"declarationTime": "2026-05-02T10:00:00Z", "reason": "did_not_occur", "ex:who": "ann"},
    ),
}


@pytest.fixture(scope="module", params=BACKENDS)
def desk(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server on each database with a few events of Cordia; tests use names of their own."""
    with open_site(request.param) as site:
        document = {
            "@context": CONTEXT,
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-05-03T00:00:00Z",
            "epcisBody": {"eventList": list(EVENTS.values())},
        }
        job = site.job(CORDIA, site.capture(CORDIA, json.dumps(document).encode()))
        assert job["success"], job
        yield site


def define(site: Site, name: str, query: Any, who: str = CORDIA, **options: Any) -> httpx.Response:
    """The answer to POST /queries."""
    return site.request(who, "POST", "/epcis/queries", json={"name": name, "query": query}, **options)


def labels(answer: httpx.Response) -> list[str]:
    """The labels of the events of an answer, sorted."""
    assert answer.status_code == 200, answer.text
    by_id = {event["eventID"]: label for label, event in EVENTS.items()}
    events = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return sorted(by_id[event["eventID"]] for event in events)


def refused(answer: httpx.Response, status: int, name: str) -> str:
    """The detail of a problem of that status and type."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"epcisException:{name}"
    detail: str = body["detail"]
    return detail


SPELLINGS: list[tuple[dict[str, Any], str, list[str]]] = [
    # JSON body, the same as a query string ("ex" declared by GS1-Extensions), events.
    ({"eventType": ["ObjectEvent"], "EQ_bizStep": ["shipping", "storing"]},
     "eventType=ObjectEvent&EQ_bizStep=shipping|storing", ["ship", "warm"]),
    ({"EQ_action": ["ADD"]}, "EQ_action=ADD", ["make", "pack"]),
    ({"GE_eventTime": "2026-05-01T00:00:00Z", "EQ_bizStep": ["shipping", "commissioning"]},
     "GE_eventTime=2026-05-01T00:00:00Z&EQ_bizStep=shipping|commissioning", ["ship"]),
    ({"MATCH_anyEPC": ["urn:epc:id:sgtin:9521141.001023.Q1"]}, f"MATCH_anyEPC={S1}", ["pack", "ship"]),
    ({"MATCH_epcClass": [LOT]}, f"MATCH_epcClass={LOT}", ["make"]),
    ({"EQ_readPoint": [PLACE]}, f"EQ_readPoint={PLACE}", ["ship"]),
    ({"EQ_bizTransaction_po": ["urn:epcglobal:cbv:bt:9521141000007:P1"]},
     "EQ_bizTransaction_po=urn:epcglobal:cbv:bt:9521141000007:P1", ["ship"]),
    ({"EQ_quantity": [12.5]}, "EQ_quantity=12.5", ["make"]),
    ({"EQ_quantity": 12.50}, "EQ_quantity=12.50", ["make"]),
    ({"GT_quantity": 12, "LE_quantity": "12.5"}, "GT_quantity=12&LE_quantity=12.5", ["make"]),
    ({"GE_quantity_GRM": 1.25e4}, "GE_quantity_GRM=12500", ["make"]),
    ({"EXISTS_errorDeclaration": None}, "EXISTS_errorDeclaration=", ["wrong"]),
    ({"EXISTS_errorDeclaration": True}, "EXISTS_errorDeclaration=true", ["wrong"]),
    ({"EXISTS_errorDeclaration": 1}, "EXISTS_errorDeclaration=1", ["wrong"]),
    ({"EXISTS_errorDeclaration": False, "EQ_action": ["ADD"]}, "EQ_action=ADD", ["make", "pack"]),
    ({"EQ_errorReason": ["did_not_occur"]}, "EQ_errorReason=did_not_occur", ["wrong"]),
    ({"GE_errorDeclaration_Time": "2026-05-02T10:00:00Z"}, "GE_errorDeclarationTime=2026-05-02T10:00:00Z", ["wrong"]),
    ({"EQ_ERROR_DECLARATION_ex:who": ["ann"]}, "EQ_ERROR_DECLARATION_ex:who=ann", ["wrong"]),
    ({"EXISTS_sensorElementList": None}, "EXISTS_sensorElement=", ["warm"]),
    ({"EQ_booleanValue": True}, "EQ_booleanValue=true", ["warm"]),
    ({"EQ_booleanValue": False}, "EQ_booleanValue=false", []),
    ({"GE_value_KEL": 299.1, "LT_value_KEL": 299.2}, "GE_value_KEL=299.1&LT_value_KEL=299.2", ["warm"]),
    ({"EQ_type": ["Temperature"], "EQ_deviceID": ["urn:ex:device:1"]},
     "EQ_type=Temperature&EQ_deviceID=urn:ex:device:1", ["warm"]),
    ({"EQ_SENSORREPORT_ex:probe": ["tip"]}, "EQ_SENSORREPORT_ex:probe=tip", ["warm"]),
    ({"EQ_ex:word": ["amber", "teal"]}, "EQ_ex:word=amber|teal", ["ship"]),
    ({"EQ_ex:weight": 5.5}, "EQ_ex:weight=5.5", ["ship"]),
    ({"GT_ex:weight": 5, "LT_ex:weight": 6.0}, "GT_ex:weight=5&LT_ex:weight=6.0", ["ship"]),
    ({"GE_ex:when": "2026-04-01T02:00:00+02:00"}, "GE_ex:when=2026-04-01T00:00:00Z", ["ship"]),
    ({"EXISTS_ex:word": None}, "EXISTS_ex:word=", ["ship"]),
    ({"EQ_INNER_ex:deep": ["red"]}, "EQ_INNER_ex:deep=red", ["ship"]),
    ({"EQ_ILMD_cbvmda:lotNumber": ["QL"]}, "EQ_ILMD_cbvmda:lotNumber=QL", ["make"]),
    ({"GE_ILMD_ex:grade": 7}, "GE_ILMD_ex:grade=7", ["make"]),
    ({f"EQ_{EX}word": ["amber"]}, f"EQ_{EX}word=amber", ["ship"]),
    ({"EQ_action": ["ADD"], "orderBy": "eventTime", "orderDirection": "ASC", "eventCountLimit": 1},
     "EQ_action=ADD&orderBy=eventTime&orderDirection=ASC&eventCountLimit=1", ["make"]),
    ({"EQ_action": ["ADD"], "maxEventCount": 2}, "EQ_action=ADD&maxEventCount=2", ["make", "pack"]),
    ({}, "", sorted(EVENTS)),
]  # fmt: skip


def test_every_spelling_of_a_parameter_in_JSON_means_what_the_URL_means(desk: Site) -> None:
    """EPCIS 2.0 8.2.7.1. Rejects a reader of JSON that takes a number, truth value, void or list for another."""
    for number, (query, url, expected) in enumerate(SPELLINGS):
        name = f"spelling {number}"
        made = define(desk, name, query | {"@context": {"ex": EX}})
        assert made.status_code == 201, (query, made.text)
        named = desk.request(CORDIA, "GET", f"{made.headers['location']}/events")
        asked = desk.request(CORDIA, "GET", f"/epcis/events?{url}", headers={"GS1-Extensions": f"ex={EX}"})
        assert labels(named) == expected, query
        assert labels(asked) == expected, url
        assert named.json()["epcisBody"]["queryResults"]["queryName"] == name
        assert desk.request(CORDIA, "DELETE", made.headers["location"]).status_code == 204


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"EQ_colour": ["blue"]}, "EQ_colour"),
        ({"eqBizStep": ["shipping"]}, "eqBizStep"),
        ({"EQ_bizStep": "shipping"}, "EQ_bizStep"),
        ({"EQ_bizStep": []}, "EQ_bizStep"),
        ({"EQ_bizStep": [["shipping"]]}, "EQ_bizStep"),
        ({"EQ_bizStep": {"a": 1}}, "EQ_bizStep"),
        ({"EQ_bizStep": None}, "EQ_bizStep"),
        ({"EQ_bizStep": ["shiping"]}, "EQ_bizStep"),
        ({"EQ_action": ["ERASE"]}, "EQ_action"),
        ({"GE_eventTime": ["2026-05-01T00:00:00Z"]}, "GE_eventTime"),
        ({"GE_eventTime": "yesterday"}, "GE_eventTime"),
        ({"GE_eventTime": 20260501}, "GE_eventTime"),
        ({"GT_quantity": "many"}, "GT_quantity"),
        ({"GT_quantity": True}, "GT_quantity"),
        ({"EXISTS_errorDeclaration": ["true"]}, "EXISTS_errorDeclaration"),
        ({"EXISTS_errorDeclaration": "maybe"}, "EXISTS_errorDeclaration"),
        ({"EQ_booleanValue": "yes"}, "EQ_booleanValue"),
        ({"EQ_un:declared": ["x"]}, "EQ_un:declared"),
        ({"EQ_value_celsius": [1]}, "EQ_value_celsius"),
        ({"orderDirection": "UP"}, "orderDirection"),
        ({"eventCountLimit": 3}, "eventCountLimit"),
        ({"orderBy": "eventTime", "eventCountLimit": 3, "maxEventCount": 4}, "maxEventCount"),
        ({"maxEventCount": 0}, "maxEventCount"),
        ({"maxEventCount": 1.5}, "maxEventCount"),
        ({"perPage": 3}, "perPage"),
        ({"nextPageToken": "x"}, "nextPageToken"),
        ({"@context": 7}, "@context"),
    ],
)
def test_every_mistake_in_a_query_names_its_parameter(desk: Site, query: dict[str, Any], named: str) -> None:
    """EPCIS 2.0 8.2.7.1. Rejects a query that is kept unread and fails only when it is asked."""
    assert named in refused(define(desk, "mistake", query), 400, "QueryParameterException")
    refused(desk.request(CORDIA, "GET", "/epcis/queries/mistake"), 404, "NoSuchNameException")


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        (b"", "ValidationException", ""),
        (b"[]", "QueryValidationException", "object"),
        (b'{"query":{}}', "QueryValidationException", "name"),
        (b'{"name":7,"query":{}}', "QueryValidationException", "name"),
        (b'{"name":" ","query":{}}', "QueryValidationException", "name"),
        (b'{"name":"a/b","query":{}}', "QueryValidationException", "a/b"),
        (b'{"name":"a\\nb","query":{}}', "QueryValidationException", "name"),
        (b'{"name":"' + b"n" * 256 + b'","query":{}}', "QueryValidationException", "255"),
        (b'{"name":"a"}', "QueryValidationException", "query"),
        (b'{"name":"a","query":[]}', "QueryValidationException", "query"),
        (b'{"name":"a","query":{},"dest":"x"}', "QueryValidationException", "dest"),
        (b'{"name":"a","name":"b","query":{}}', "ValidationException", "name"),
        (b'{"name":"a","query":{"GT_quantity":NaN}}', "ValidationException", "NaN"),
        (b'{"name":"a","query":' + b'{"a":' * 100 + b"1" + b"}" * 101, "ValidationException", ""),
        (b'{"name":"a","query":{"EQ_eventID":["' + b"x" * 300_000 + b'"]}}', "QueryValidationException", "bytes"),
    ],
)
def test_a_body_that_is_no_definition_is_refused(desk: Site, body: bytes, name: str, said: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = desk.request(CORDIA, "POST", "/epcis/queries", content=body, headers=headers)
    assert said in refused(answer, 400, name)


def test_a_definition_comes_back_as_it_was_sent_and_is_listed_by_name(desk: Site) -> None:
    """Rejects a definition that is parsed and written anew: numbers, blanks and order of members would change."""
    text = '{"LE_quantity": 12.50,  "EQ_bizStep":["shipping"], "GE_quantity":1e1}'
    for name in ("zeta", "Alpha", "ä b"):
        body = f'{{"name":{json.dumps(name)},"query":{text}}}'.encode()
        answer = desk.request(
            CORDIA, "POST", "/epcis/queries", content=body, headers={"Content-Type": "application/ld+json"}
        )
        assert answer.status_code == 201
        read = desk.request(CORDIA, "GET", answer.headers["location"])
        assert text in read.text
        assert read.json()["name"] == name
    listed: list[str] = []
    path: str | None = "/epcis/queries?perPage=1"
    while path:
        answer = desk.request(CORDIA, "GET", path)
        listed += [one["name"] for one in answer.json()]
        path = answer.headers["link"][1:].partition(">")[0] if "link" in answer.headers else None
    assert listed == ["Alpha", "zeta", "ä b"]
    for name in listed:
        assert desk.request(CORDIA, "DELETE", f"/epcis/queries/{name}").status_code == 204
    assert desk.get(CORDIA, "/epcis/queries") == []


def test_prefixes_of_the_header_stay_with_the_query(desk: Site) -> None:
    """Rejects a query whose CURIEs are read by the prefixes of whoever asks, or by none."""
    made = define(desk, "curie", {"EQ_ext:word": ["amber"]}, headers={"GS1-Extensions": f"ext={EX}"})
    assert made.status_code == 201, made.text
    other = {"GS1-Extensions": "ext=https://elsewhere.example/"}
    assert labels(desk.request(CORDIA, "GET", "/epcis/queries/curie/events", headers=other)) == ["ship"]
    read = desk.get(CORDIA, "/epcis/queries/curie")
    assert read["@context"] == [{"ext": EX}]
    desk.request(CORDIA, "DELETE", "/epcis/queries/curie")
    again = desk.request(CORDIA, "POST", "/epcis/queries", json=read)
    assert again.status_code == 201
    assert labels(desk.request(CORDIA, "GET", "/epcis/queries/curie/events")) == ["ship"]
    desk.request(CORDIA, "DELETE", "/epcis/queries/curie")


def test_the_events_of_a_query_come_page_by_page_each_once(desk: Site) -> None:
    define(desk, "paged", {})
    found: list[str] = []
    path: str | None = "/epcis/queries/paged/events?perPage=2"
    while path:
        answer = desk.request(CORDIA, "GET", path)
        assert len(labels(answer)) <= 2
        found += labels(answer)
        path = answer.headers["link"][1:].partition(">")[0] if "link" in answer.headers else None
    assert sorted(found) == sorted(EVENTS)
    asked = {"Prefer": "page-token=body"}
    first = desk.request(CORDIA, "GET", "/epcis/queries/paged/events?perPage=2", headers=asked)
    rest = desk.request(CORDIA, "GET", f"/epcis/queries/paged/events?nextPageToken={first.json()['nextPageToken']}")
    assert sorted(labels(first) + labels(rest)) == sorted(EVENTS)
    for parameter in ("EQ_action=ADD", "stream=true", "eventType=ObjectEvent"):
        answer = desk.request(CORDIA, "GET", f"/epcis/queries/paged/events?{parameter}")
        assert parameter.partition("=")[0] in refused(answer, 400, "QueryParameterException")
    desk.request(CORDIA, "DELETE", "/epcis/queries/paged")


def test_names_are_taken_once_by_an_owner_and_those_of_the_standard_by_nobody(desk: Site) -> None:
    assert define(desk, "mine", {"EQ_action": ["ADD"]}).status_code == 201
    refused(define(desk, "mine", {}), 409, "ResourceAlreadyExistsException")
    assert desk.get(CORDIA, "/epcis/queries/mine")["query"] == {"EQ_action": ["ADD"]}
    for name in ("SimpleEventQuery", "SimpleMasterDataQuery"):
        refused(define(desk, name, {}), 409, "ResourceAlreadyExistsException")
        refused(desk.request(CORDIA, "DELETE", f"/epcis/queries/{name}"), 403, "SecurityException")
    assert desk.get(CORDIA, "/epcis/queries/SimpleEventQuery")["query"] == {}
    assert labels(desk.request(CORDIA, "GET", "/epcis/queries/SimpleEventQuery/events")) == sorted(EVENTS)
    desk.request(CORDIA, "DELETE", "/epcis/queries/mine")


def test_a_query_of_others_is_not_there_and_its_events_are_those_of_whoever_asks(desk: Site) -> None:
    """Names are per compartment. Rejects names per organisation: a query may name a case, and supply must not see.

    Also rejects an answer to a stranger that tells a hidden query from none.
    """
    assert define(desk, "shared name", {"EQ_bizStep": ["shipping"]}).status_code == 201
    assert define(desk, "shared name", {"EQ_mcx:case": ["case 17"]}, CLINICAL).status_code == 201
    for who in (SUPPLY, RIVAL):
        hidden = desk.request(who, "GET", "/epcis/queries/shared%20name")
        absent = desk.request(who, "GET", "/epcis/queries/no%20such%20name")
        assert hidden.content == absent.content
        refused(hidden, 404, "NoSuchNameException")
        refused(desk.request(who, "GET", "/epcis/queries/shared%20name/events"), 404, "NoSuchNameException")
        refused(desk.request(who, "DELETE", "/epcis/queries/shared%20name"), 404, "NoSuchNameException")
        assert desk.get(who, "/epcis/queries") == []
    assert define(desk, "shared name", {"EQ_bizStep": ["shipping"]}, RIVAL).status_code == 201
    assert labels(desk.request(RIVAL, "GET", "/epcis/queries/shared%20name/events")) == []
    assert labels(desk.request(CORDIA, "GET", "/epcis/queries/shared%20name/events")) == ["ship"]
    for who in (CORDIA, CLINICAL, RIVAL):
        assert desk.request(who, "DELETE", "/epcis/queries/shared%20name").status_code == 204
    refused(desk.request("admin", "GET", "/epcis/queries"), 403, "SecurityException")
    refused(desk.request(None, "GET", "/epcis/queries"), 401, "SecurityException")


@pytest.mark.parametrize("name", ["urn:epc:id:gsrn:4012345.0000012345", "8018401234500000123452"])
def test_a_name_cannot_hold_a_patient(desk: Site, name: str) -> None:
    """Names stand in URLs and access logs. The refusal must not repeat it either."""
    answer = define(desk, name, {})
    refused(answer, 400, "QueryValidationException")
    assert "12345" not in answer.text


def test_a_page_token_that_was_given_back_works_no_more(desk: Site) -> None:
    """EPCIS 2.0 REST, DELETE /nextPageToken. Rejects a 204 that forgets nothing, and one that others bring about."""
    first = desk.request(CORDIA, "GET", "/epcis/events?perPage=2")
    following = first.headers["link"][1:].partition(">")[0]
    token = following.partition("nextPageToken=")[2]
    assert desk.request(CORDIA, "GET", following).status_code == 200
    for who, given in ((RIVAL, token), (CORDIA, token[:-1] + ("A" if token[-1] != "A" else "B")), (CORDIA, "x")):
        refused(desk.request(who, "DELETE", f"/epcis/nextPageToken/{given}"), 400, "ValidationException")
    assert desk.request(CORDIA, "GET", following).status_code == 200
    assert desk.request(CORDIA, "DELETE", f"/epcis/nextPageToken/{token}").status_code == 204
    refused(desk.request(CORDIA, "GET", following), 400, "ValidationException")
    refused(desk.request(CORDIA, "DELETE", f"/epcis/nextPageToken/{token}"), 400, "ValidationException")
    other = desk.request(CORDIA, "GET", "/epcis/events?perPage=2").headers["link"][1:].partition(">")[0]
    assert desk.request(CORDIA, "GET", other).status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/epcis/queries", "GET, OPTIONS, POST"),
        ("/epcis/queries/any", "DELETE, GET, OPTIONS"),
        ("/epcis/queries/any/events", "GET, OPTIONS"),
        ("/epcis/nextPageToken/any", "DELETE, OPTIONS"),
    ],
)
def test_options_tells_what_a_query_can_do(desk: Site, path: str, allowed: str) -> None:
    answer = desk.request(None, "OPTIONS", path)
    assert (answer.status_code, answer.headers["allow"]) == (204, allowed)
    assert answer.headers["gs1-epcis-version"] == "2.0.0"


def test_a_query_is_defined_in_JSON_alone(desk: Site) -> None:
    for media_type in ("text/plain", "application/xml", "application/json; charset=utf-16"):
        headers = {"Content-Type": media_type}
        answer = desk.request(CORDIA, "POST", "/epcis/queries", content=b'{"name":"a","query":{}}', headers=headers)
        refused(answer, 415, "UnsupportedMediaTypeException")
    assert desk.request(CORDIA, "GET", "/epcis/queries", headers={"Accept": "text/html"}).status_code == 406
