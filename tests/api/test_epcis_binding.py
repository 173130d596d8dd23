"""The EPCIS 2.0 REST binding: paths, methods, headers, paging, and what is refused."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest

from .conftest import Site

EPC = "https://id.gs1.org/01/09521141010235/21/V23-0007"
NAMES = {
    "queries",
    "capture",
    "events",
    "eventTypes",
    "epcs",
    "readPoints",
    "bizLocations",
    "dispositions",
    "bizSteps",
}
CLINICAL = "northgate-clinical"


def members(answer: httpx.Response) -> list[str]:
    """The members of a collection."""
    body = answer.json()
    assert body["type"] == "Collection"
    assert "@context" in body
    found: list[str] = body["member"]
    return found


def event_list(answer: httpx.Response) -> list[dict[str, Any]]:
    """The events of a query document."""
    found: list[dict[str, Any]] = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return found


def pages(site: Site, name: str, path: str) -> Iterator[httpx.Response]:
    """Every page from `path` on, by following the Link header."""
    while True:
        answer = site.request(name, "GET", path)
        assert answer.status_code == 200, answer.text
        yield answer
        if "link" not in answer.headers:
            return
        link = answer.headers["link"]
        assert link.endswith('>; rel="next"')
        assert "gs1-next-page-token-expires" in answer.headers
        path = link[1:].partition(">")[0]


def test_the_root_lists_the_nine_top_level_resources(story: Site) -> None:
    assert set(members(story.request("cordia", "GET", "/epcis"))) == NAMES
    assert set(members(story.request("cordia", "GET", "/epcis/"))) == NAMES


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/epcis", "GET, OPTIONS"),
        ("/epcis/capture", "GET, OPTIONS, POST"),
        ("/epcis/events", "GET, OPTIONS, POST"),
        ("/epcis/events/urn:uuid:1", "GET, OPTIONS"),
        ("/epcis/epcs", "GET, OPTIONS"),
        (f"/epcis/epcs/{quote(EPC, safe='')}/events", "GET, OPTIONS"),
        ("/epcis/bizSteps/shipping", "GET, OPTIONS"),
        ("/epcis/queries", "GET, OPTIONS, POST"),
    ],
)
def test_options_tells_what_a_resource_can_do(story: Site, path: str, allowed: str) -> None:
    """EPCIS 2.0 discovery headers. Rejects an Allow that names only the methods of the route matched first."""
    answer = story.request(None, "OPTIONS", path)
    assert answer.status_code == 204
    assert answer.headers["allow"] == allowed
    for name in ("GS1-EPCIS-Version", "GS1-EPCIS-Min", "GS1-EPCIS-Max", "GS1-CBV-Version", "GS1-Vendor-Version"):
        assert name in answer.headers
    if path == "/epcis/capture":
        assert answer.headers["GS1-Capture-Error-Behaviour"] == "all"
        assert int(answer.headers["GS1-EPCIS-Capture-Limit"]) > 0
        assert int(answer.headers["GS1-EPCIS-Capture-File-Size-Limit"]) > 0


def test_a_method_that_a_resource_lacks_is_refused_with_those_it_has(story: Site) -> None:
    answer = story.request("cordia", "DELETE", "/epcis/events")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, OPTIONS, POST"
    assert answer.headers["content-type"] == "application/problem+json"


def test_head_is_get_without_its_body(story: Site) -> None:
    answer = story.request("cordia", "HEAD", "/epcis/events")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 1000


def test_pages_hold_every_event_once_and_in_order(story: Site) -> None:
    """Rejects offset paging and a token that repeats or skips the event at a border."""
    whole = [event["eventID"] + str("errorDeclaration" in event) for event in story.events(CLINICAL)]
    for size in (1, 7, 29, 30):
        paged = [
            event["eventID"] + str("errorDeclaration" in event)
            for answer in pages(story, CLINICAL, f"/epcis/events?perPage={size}")
            for event in event_list(answer)
        ]
        assert paged == whole
        assert len(set(paged)) == 30


def test_a_page_holds_thirty_events_where_nobody_says_more(site: Site) -> None:
    site.load_story()
    assert len(event_list(site.request(CLINICAL, "GET", "/epcis/events"))) == 30


def test_a_page_token_serves_only_its_caller_and_its_query(story: Site) -> None:
    """Rejects a token that is signed but bound to nothing, and one whose altered bits are not noticed."""
    link = story.request(CLINICAL, "GET", "/epcis/events?perPage=3").headers["link"]
    token = link.partition("nextPageToken=")[2].partition(">")[0]
    assert story.request(CLINICAL, "GET", f"/epcis/events?perPage=3&nextPageToken={token}").status_code == 200
    garbage = story.request(CLINICAL, "GET", "/epcis/events?perPage=3&nextPageToken=garbage")
    assert garbage.status_code == 400
    for name, query in ((CLINICAL, "EQ_action=ADD&"), ("cordia", ""), ("northgate-supply", "")):
        answer = story.request(name, "GET", f"/epcis/events?{query}perPage=3&nextPageToken={token}")
        assert (answer.status_code, answer.content) == (400, garbage.content)
    for position in range(0, len(token), 3):
        other = "A" if token[position] != "A" else "B"
        changed = token[:position] + other + token[position + 1 :]
        answer = story.request(CLINICAL, "GET", f"/epcis/events?perPage=3&nextPageToken={changed}")
        assert (answer.status_code, answer.content) == (400, garbage.content)


def test_eventCountLimit_counts_over_all_pages(story: Site) -> None:
    """Rejects a limit that each page applies anew."""
    path = "/epcis/events?orderBy=eventTime&orderDirection=ASC&eventCountLimit=5&perPage=2"
    found = [event["eventID"] for answer in pages(story, CLINICAL, path) for event in event_list(answer)]
    ordered = story.events(CLINICAL, "orderBy=eventTime&orderDirection=ASC&perPage=100")
    assert found == [event["eventID"] for event in ordered][:5]


def test_maxEventCount_raises_query_too_large_when_one_more_event_matches(story: Site) -> None:
    """Rejects maxEventCount taken for a limit."""
    assert len(story.events(CLINICAL, "maxEventCount=30&perPage=100")) == 30
    answer = story.request(CLINICAL, "GET", "/epcis/events?maxEventCount=29")
    assert answer.status_code == 413
    assert answer.json()["type"] == "epcisException:QueryTooLargeException"


def test_prefixes_of_GS1_Extensions_hold_in_a_query(story: Site) -> None:
    """EPCIS 2.0 REST binding, GS1-Extensions. Rejects a query that knows the server's own prefix alone."""
    namespace = "https://ns.traceward.org/consignment/"
    own = story.events(CLINICAL, "EXISTS_mcx:usageReport=true")
    assert len(own) > 1
    path = "/epcis/events?perPage=1&EXISTS_x:usageReport=true"
    headers = {"GS1-Extensions": f"y=https://example.org/,x={namespace}"}
    first = story.request(CLINICAL, "GET", path, headers=headers)
    assert event_list(first) == own[:1]
    link = first.headers["link"][1:].partition(">")[0]
    assert event_list(story.request(CLINICAL, "GET", link, headers=headers)) == own[1:2]
    assert story.request(CLINICAL, "GET", path).status_code == 400
    for wrong in ("x", "x=", "=https://example.org/", "x y=https://example.org/"):
        answer = story.request(CLINICAL, "GET", path, headers={"GS1-Extensions": wrong})
        assert (answer.status_code, answer.json()["type"]) == (400, "epcisException:ValidationException"), wrong


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("EQ_bizStep=shipping", 2),
        ("EQ_bizStep=shipping|receiving", 3),
        ("EQ_bizStep=urn:epcglobal:cbv:bizstep:shipping", 2),
        ("EQ_bizStep=https://ref.gs1.org/cbv/BizStep-shipping", 2),
        ("MATCH_anyEPC=urn:epc:id:sgtin:9521141.001023.V23-0007", 11),
        (f"MATCH_anyEPC={EPC}", 11),
        ("MATCH_epc=urn:epc:idpat:sgtin:9521141.001023.*&EQ_action=ADD", 4),
        ("MATCH_anyEPCClass=urn:epc:class:lgtin:9521141.004530.LOT77A&EQ_action=DELETE", 3),
        ("GE_eventTime=2026-03-12T10:42:00Z&LT_eventTime=2026-03-12T10:42:01Z", 4),
        ("EXISTS_errorDeclaration=true", 1),
        ("eventType=AssociationEvent", 2),
        ("EQ_bizTransaction_po=urn:epcglobal:cbv:bt:4012345000009:CPO-1001", 1),
        ("EQ_source_owning_party=urn:epc:id:pgln:9521141.00000&EQ_bizStep=dispensing", 4),
        ("EXISTS_sensorElementList=true", 2),
        ("GE_quantity=400", 1),
        ("EQ_persistentDisposition_set=recalled", 2),
        ("EQ_readPoint=https://id.gs1.org/414/4012345000016/254/OR3&EQ_disposition=destroyed", 1),
    ],
)
def test_query_parameters_find_the_events_of_the_story(story: Site, query: str, count: int) -> None:
    assert len(story.events(CLINICAL, f"{query}&perPage=100")) == count


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("EQ_foo=1", "EQ_foo"),
        ("EQ_action=ZAP", "EQ_action"),
        ("GE_eventTime=yesterday", "GE_eventTime"),
        ("EQ_bizStep=consuming", "EQ_bizStep"),
        ("orderDirection=UP", "orderDirection"),
        ("eventCountLimit=3", "eventCountLimit"),
        ("eventCountLimit=3&maxEventCount=3&orderBy=eventTime", "maxEventCount"),
        ("perPage=0", "perPage"),
        ("perPage=1&perPage=2", "perPage"),
        ("GE_quantity=1&GE_quantity=2", "GE_quantity"),
    ],
)
def test_a_wrong_query_parameter_is_named_in_the_problem(story: Site, query: str, named: str) -> None:
    answer = story.request(CLINICAL, "GET", f"/epcis/events?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "epcisException:QueryParameterException"
    assert named in answer.json()["detail"]


def test_ids_with_slashes_and_question_marks_are_found_by_path(site: Site) -> None:
    """epcis.md 1.6. Rejects a route that stops at the first decoded slash, and decoding twice."""
    event_id = "ni:///sha-256;" + "ab" * 32 + "?ver=CBV2.0"
    epc = "https://id.gs1.org/01/09521141010235/21/A%2FB"
    event = bare_event(eventID=event_id, epcList=[epc])
    made = site.request("cordia", "POST", "/epcis/events", json=event)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/epcis/events/{quote(event_id, safe='')}"
    assert event_list(site.request("cordia", "GET", made.headers["location"]))[0]["eventID"] == event_id
    path = f"/epcis/epcs/{quote(epc, safe='')}/events"
    assert event_list(site.request("cordia", "GET", path))[0]["epcList"] == [epc]


def test_an_event_is_answered_with_every_declaration_of_its_error(story: Site) -> None:
    found = event_list(story.request("cordia", "GET", "/epcis/events/urn:uuid:00000000-0000-4000-8000-000000000011"))
    assert sorted("errorDeclaration" in event for event in found) == [False, True]


@pytest.mark.parametrize("resource", ["eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions"])
def test_a_top_level_resource_lists_what_the_caller_may_see_and_leads_to_its_events(story: Site, resource: str) -> None:
    """Rejects a list over all events: the patient is an EPC of none but the clinical role."""
    listed = [value for answer in pages(story, CLINICAL, f"/epcis/{resource}?perPage=2") for value in members(answer)]
    assert listed == sorted(set(listed))
    with_events = 0
    for value in listed:
        path = f"/epcis/{resource}/{quote(value, safe='')}"
        assert members(story.request(CLINICAL, "GET", path)) == ["events"]
        with_events += bool(event_list(story.request(CLINICAL, "GET", f"{path}/events")))
    assert with_events >= len(listed) - 1
    for_rival = members(story.request("rival-supplier", "GET", f"/epcis/{resource}"))
    assert len(for_rival) == (5 if resource == "eventTypes" else 0)
    assert story.request("rival-supplier", "GET", f"/epcis/{resource}/nothing-here").status_code in {400, 404}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "application/json"}, 200),
        ({"Accept": "application/ld+json"}, 200),
        ({"Accept": "text/html, */*;q=0.1"}, 200),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/json;q=0"}, 406),
        ({"GS1-EPCIS-Min": "2.0.0", "GS1-EPCIS-Max": "2.0.0"}, 200),
        ({"GS1-EPCIS-Min": "1.2"}, 200),
        ({"GS1-EPCIS-Max": "1.2", "Accept": "application/json"}, 406),
        ({"GS1-EPCIS-Min": "3"}, 406),
        ({"GS1-CBV-Min": "2.1"}, 406),
        ({"GS1-EPCIS-Min": "two"}, 400),
        ({"GS1-EPC-Format": "Always_Roman"}, 400),
    ],
)
def test_the_answer_keeps_to_the_formats_and_versions_asked_for(
    story: Site, headers: dict[str, str], status: int
) -> None:
    answer = story.request("cordia", "GET", "/epcis/events?perPage=1", headers=headers)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert answer.headers["content-type"] == (
            "application/ld+json" if headers.get("Accept") == "application/ld+json" else "application/json"
        )
        assert answer.headers["gs1-epcis-version"] == "2.0.0"


def test_identifiers_come_in_the_format_asked_for(story: Site) -> None:
    """GS1-EPC-Format. Rejects a default other than Digital Link, and translation where none was wanted."""

    def first_epc(value: str | None) -> str:
        headers = {"GS1-EPC-Format": value} if value else {}
        path = "/epcis/events/urn:uuid:00000000-0000-4000-8000-000000000001"
        answer = story.request("cordia", "GET", path, headers=headers)
        return str(event_list(answer)[0]["epcList"][0])

    assert first_epc(None) == first_epc("Always_GS1_Digital_Link") == EPC
    urn = "urn:epc:id:sgtin:9521141.001023.V23-0007"
    assert first_epc("Never_Translates") == first_epc("No_Preference") == first_epc("Always_EPC_URN") == urn


def test_captured_documents_are_json_or_xml(site: Site) -> None:
    for content_type in ("text/plain", "text/csv", "application/json; charset=latin-1", "text/xml; charset=utf-7", ""):
        answer = site.request("cordia", "POST", "/epcis/capture", content=b"{}", headers={"Content-Type": content_type})
        assert answer.status_code == 415, content_type
        assert answer.json()["type"] == "epcisException:UnsupportedMediaTypeException"


def test_a_body_over_the_limit_is_refused_with_the_limits(open_site: Callable[..., Any]) -> None:
    """413 with GS1-EPCIS-Capture-Limit and -File-Size-Limit; declared and chunked bodies alike."""
    with open_site(capture_limit_bytes=100_000, capture_limit_events=2, spool_threshold_bytes=50_000) as site:
        for content in (b"x" * 100_001, iter([b"x" * 60_000, b"x" * 60_000])):
            answer = site.request(
                "cordia", "POST", "/epcis/capture", content=content, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 413
            assert answer.headers["GS1-EPCIS-Capture-File-Size-Limit"] == "100000"
            assert answer.headers["GS1-EPCIS-Capture-Limit"] == "2"
        many = orjson.dumps(document(*(bare_event(eventID=f"urn:uuid:{number}") for number in range(3))))
        answer = site.capture("cordia", many)
        assert answer.status_code == 413
        assert answer.json()["type"] == "epcisException:CaptureLimitExceededException"
        assert not list(site.server.settings.data_dir.glob("spool/*"))


def test_a_uri_that_is_too_long_is_refused(site: Site) -> None:
    answer = site.request("cordia", "GET", "/epcis/events?EQ_eventID=" + "a" * 20_000)
    assert answer.status_code == 414
    assert answer.json()["type"] == "epcisException:URITooLongException"


def test_another_host_name_is_refused_on_loopback(site: Site) -> None:
    """Rejects a server that a rebinding DNS name can reach from a browser."""
    assert site.request("cordia", "GET", "/epcis", headers={"Host": "evil.example"}).status_code == 400


def test_nobody_gets_in_without_a_key(site: Site) -> None:
    """Every operation but the open ones. Rejects a route that forgot its caller."""
    open_paths = {"/config", "/health/live", "/health/ready", "/openapi.json", "/session", "/setup", "/fhir/metadata"}
    bodies = []
    for path, operations in site.get("admin", "/openapi.json")["paths"].items():
        # Digital Links are resolved for everybody; FHIR says the same in an OperationOutcome.
        resolves = path.startswith("/.well-known/") or path.split("/")[1].isdecimal()
        for method in operations:
            if method == "options" or resolves or (path in open_paths and (path != "/session" or method == "post")):
                continue
            answer = site.request(None, method.upper(), path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            if not path.startswith("/fhir"):
                bodies.append(answer.content)
    assert len(set(bodies)) == 1
    for wrong in ("Bearer tw_0000000000_" + "A" * 43, "Bearer x", "Basic dXNlcjpwYXNz", "Bearer"):
        answer = site.request(None, "GET", "/epcis/events", headers={"Authorization": wrong})
        assert (answer.status_code, answer.content) == (401, bodies[0])


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    for path in ("/epcis", "/nothing", "/app/", "/scan"):
        answer = site.request("cordia", "GET", path)
        assert "script-src 'self' 'wasm-unsafe-eval'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert site.request("cordia", "GET", "/epcis").headers["cache-control"] == "no-store"


def bare_event(**fields: Any) -> dict[str, Any]:
    """A valid ObjectEvent with its own @context."""
    return {
        "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "type": "ObjectEvent",
        "eventTime": "2026-04-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "epcList": ["https://id.gs1.org/01/09521141010235/21/T1"],
    } | fields


def document(*events: dict[str, Any]) -> dict[str, Any]:
    """An EPCISDocument of these events."""
    return {
        "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-04-01T10:00:00Z",
        "epcisBody": {"eventList": [{k: v for k, v in event.items() if k != "@context"} for event in events]},
    }
