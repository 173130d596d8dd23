"""XML over HTTP on both databases: captures, answers in 2.0 and 1.2, jobs, collections, problems, by their schemas."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from lxml import etree

from epcis_xml.documents import EPC, HEAD, OLD_HEAD, TAIL, WHEN
from epcis_xml.documents import document as xml_document
from epcis_xml.documents import event as xml_event
from epcis_xml.xsd import invalid

from .conftest import BACKENDS, Site
from .test_epcis_binding import bare_event, document

XML = {"Content-Type": "application/xml"}
WANTS_XML = {"Accept": "application/xml"}
JOB = "{urn:epcglobal:epcis:xsd:2}EPCISCaptureJob"
PROBLEM = "{urn:epcglobal:epcis:xsd:2}EPCISException"
OWN = "{https://ns.traceward.org/xml/}"
QUERY = "{urn:epcglobal:epcis-query:xsd:%d}EPCISQueryDocument"
MASTER_DATA = (
    b'<EPCISHeader><extension><EPCISMasterData><VocabularyList><Vocabulary type="urn:epcglobal:epcis:vtype:'
    b'BusinessLocation"><VocabularyElementList><VocabularyElement id="urn:epc:id:sgln:9521141.00000.0">'
    b'<attribute id="urn:epcglobal:cbv:mda#name">Cordia main store</attribute></VocabularyElement>'
    b"</VocabularyElementList></Vocabulary></VocabularyList></EPCISMasterData></extension></EPCISHeader>"
)


@pytest.fixture(scope="module", params=BACKENDS)
def shop(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """An empty server that spools above fifty kilobytes."""
    with open_site(request.param, spool_threshold_bytes=50_000) as opened:
        yield opened


def named(name: str, rest: bytes = b"") -> bytes:
    """An XML event with that eventID."""
    return xml_event(EPC, rest, base=b"<eventID>urn:uuid:%b</eventID>" % name.encode())


def post(site: Site, body: bytes, path: str = "/epcis/capture", **headers: str) -> httpx.Response:
    """One POST of XML by the supplier."""
    stated = XML | {name.replace("_", "-"): value for name, value in headers.items()}
    return site.request("cordia", "POST", path, content=body, headers=stated)


def captured(site: Site, body: bytes, **headers: str) -> dict[str, Any]:
    """The job of an XML capture, when it has ended."""
    answer = post(site, body, **headers)
    job = site.job("cordia", answer)
    while job["running"]:
        job = site.job("cordia", answer)
    found: dict[str, Any] = job
    return found


def read(answer: httpx.Response, status: int = 200) -> Any:
    """The root of an XML answer, judged by the official schema where that has its root."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] in {"application/xml", "text/xml", "application/problem+xml"}
    return etree.fromstring(answer.content)


def get_xml(site: Site, path: str, **headers: str) -> httpx.Response:
    """GET of a resource in XML."""
    stated = WANTS_XML | {name.replace("_", "-"): value for name, value in headers.items()}
    return site.request("cordia", "GET", path, headers=stated)


# Capture


@pytest.mark.parametrize("media_type", ["application/xml", "text/xml", "application/xml; charset=UTF-8"])
def test_a_document_in_xml_is_captured_and_is_the_event_that_json_says(shop: Site, media_type: str) -> None:
    """Rejects an identity that depends on the format: the JSON retry would be a second event."""
    job = captured(shop, xml_document(named("same")), Content_Type=media_type)
    assert job["success"], job
    retry = bare_event(
        eventID="urn:uuid:same",
        eventTime="2026-01-01T00:00:00Z",
        epcList=["https://id.gs1.org/01/09521141010235/21/V23-0007"],
    )
    del retry["bizStep"]
    assert shop.request("cordia", "POST", "/epcis/events", json=retry).status_code == 201
    (found,) = shop.events("cordia", "EQ_eventID=urn:uuid:same")
    assert found["epcList"] == ["https://id.gs1.org/01/09521141010235/21/V23-0007"]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_older_documents_are_captured(shop: Site, version: str) -> None:
    name = f"old-{version}"
    body = (
        named(name)
        .replace(b"<eventID>", b"<baseExtension><eventID>")
        .replace(b"</eventID>", b"</eventID></baseExtension>")
    )
    head = OLD_HEAD.replace(b'schemaVersion="1.2"', b'schemaVersion="%b"' % version.encode())
    assert captured(shop, xml_document(body, head=head), GS1_EPCIS_Version=version)["success"]
    assert len(shop.events("cordia", f"EQ_eventID=urn:uuid:{name}")) == 1


def test_a_query_document_can_be_captured_as_it_was_answered(shop: Site) -> None:
    """OAS POST /capture takes EPCISQueryDocument. Rejects a second copy of what is there."""
    captured(shop, xml_document(named("q1"), named("q2")))
    answered = get_xml(shop, "/epcis/events?EQ_eventID=urn:uuid:q1%7Curn:uuid:q2")
    assert read(answered).tag == QUERY % 2
    before = len(shop.events("cordia"))
    job = captured(shop, answered.content)
    assert job["success"], job
    assert len(shop.events("cordia")) == before


def test_findings_of_xml_have_xpath_index_and_clause(shop: Site) -> None:
    """Rejects JSON paths in answers to XML, and findings that do not say in which event."""
    bad = named("bad", b"<bizStep>urn:epcglobal:cbv:bizstep:consumingg</bizStep>")
    answer = post(shop, xml_document(named("good"), bad), GS1_Capture_Error_Behaviour="rollback")
    assert answer.status_code == 400
    (finding,) = answer.json()["errors"]
    assert finding["path"] == "/EPCISDocument/EPCISBody/EventList/ObjectEvent[2]/bizStep"
    assert (finding["eventIndex"], bool(finding["clause"])) == (1, True)
    assert shop.events("cordia", "EQ_eventID=urn:uuid:good") == []


@pytest.mark.parametrize("count", [3, 400])
def test_proceed_stores_the_good_events_of_xml_small_and_spooled(shop: Site, count: int) -> None:
    """Rejects a spooled document whose broken events end it, or are counted as stored."""
    wrong = named(f"w{count}").replace(b"<action>OBSERVE", b"<action>LOOK")
    misplaced = named(f"m{count}").replace(b"<action>OBSERVE</action>", b"") + b""
    good = [named(f"g{count}-{number}") for number in range(count)]
    job = captured(shop, xml_document(*good, wrong, misplaced), GS1_Capture_Error_Behaviour="proceed")
    assert (job["success"], job["running"]) == (False, False)
    assert [problem["errors"][0]["eventIndex"] for problem in job["errors"]] == [count, count + 1]
    assert all("/ObjectEvent[" in problem["errors"][0]["path"] for problem in job["errors"])
    assert len(shop.events("cordia", f"EQ_eventID=urn:uuid:g{count}-{count - 1}")) == 1
    assert not list(shop.server.settings.data_dir.glob("spool/*"))


def test_a_spooled_document_is_refused_whole_with_every_problem(shop: Site) -> None:
    good = [named(f"r-{number}") for number in range(400)]
    wrong = [named(f"x-{number}").replace(b"<action>OBSERVE", b"<action>LOOK") for number in range(3)]
    job = captured(shop, xml_document(*good, *wrong))
    assert (job["success"], len(job["errors"])) == (False, 3)
    assert shop.events("cordia", "EQ_eventID=urn:uuid:r-0") == []


def test_a_spooled_document_that_ends_too_early_is_refused(shop: Site) -> None:
    """Rejects a stream whose events are stored before its end is seen."""
    body = xml_document(*(named(f"cut-{number}") for number in range(400)))[:-30]
    job = captured(shop, body, GS1_Capture_Error_Behaviour="proceed")
    assert not job["success"]
    assert shop.events("cordia", "EQ_eventID=urn:uuid:cut-0") == []


@pytest.mark.parametrize("head", [HEAD, OLD_HEAD], ids=["2.0", "1.2"])
def test_master_data_in_a_header_is_captured_with_events_and_alone(shop: Site, head: bytes) -> None:
    """Rejects a reader that takes the header for noise, and one that needs an event to look at it."""
    event = named(f"md{len(head)}")
    if head is OLD_HEAD:
        event = event.replace(b"<eventID>", b"<baseExtension><eventID>").replace(
            b"</eventID>", b"</eventID></baseExtension>"
        )
    for events in ((event,), ()):
        place = f"urn:epc:id:sgln:9521141.0000{len(events)}.MD{len(head)}"
        header = MASTER_DATA.replace(b"urn:epc:id:sgln:9521141.00000.0", place.encode())
        whole = xml_document(*events, head=head).replace(b"<EPCISBody>", header + b"<EPCISBody>")
        job = captured(shop, whole)
        assert job["success"], job
        (element,) = shop.get("cordia", f"/masterdata/elements/{quote(place, safe='')}")["elements"]
        assert element["name"] == "Cordia main store"
    assert len(shop.events("cordia", f"EQ_eventID=urn:uuid:md{len(head)}")) == 1


def test_a_bare_event_in_xml_is_captured_and_answered_in_either_format(shop: Site) -> None:
    """EPCIS 2.0 REST, POST /events. Rejects a body in another format than the answer's media type says."""
    first = post(shop, named("bare"), "/epcis/events")
    assert (first.status_code, first.json()["eventID"]) == (201, "urn:uuid:bare")
    again = read(post(shop, named("bare"), "/epcis/events", Accept="text/xml"), 201)
    assert (again.tag, again.findtext("eventID"), again[1].tag) == ("ObjectEvent", "urn:uuid:bare", "recordTime")
    resent = post(shop, etree.tostring(again), "/epcis/events", Accept="application/xml")
    assert resent.headers["location"] == first.headers["location"]
    assert len(shop.events("cordia", "EQ_eventID=urn:uuid:bare")) == 1


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/epcis/capture", b"<Foo/>", "EPCISDocument"),
        ("/epcis/capture", named("alone"), "EPCISDocument"),
        ("/epcis/capture", b'{"type":"EPCISDocument"}', "malformed"),
        ("/epcis/events", xml_document(named("x")), "one event"),
        ("/epcis/events", b"<Foo/>", "ObjectEvent"),
        ("/epcis/events", named("x").replace(b"<action>", b"<acton>"), "malformed"),
        ("/epcis/capture", HEAD.replace(b'"2.0"', b'"3.0"') + TAIL, "schemaVersion"),
    ],
)
def test_a_wrong_root_or_version_is_refused_with_what_was_expected(
    shop: Site, path: str, body: bytes, words: str
) -> None:
    answer = post(shop, body, path)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("declared", "charset", "encoding", "status"),
    [
        (None, None, "utf-8", 202),
        ("ISO-8859-1", None, "latin-1", 202),
        (None, "iso-8859-1", "latin-1", 202),
        ("UTF-16", "utf-16", "utf-16", 202),
        (None, "us-ascii", "utf-8", 400),
        ("UTF-8", "iso-8859-1", "utf-8", 400),
        ("UTF-7", None, "utf-8", 400),
        (None, "utf-16", "utf-8", 400),
        (None, "utf-7", "utf-8", 415),
        (None, "ebcdic-cp-us", "utf-8", 415),
    ],
)
def test_a_charset_is_honoured_or_refused(
    shop: Site, declared: str | None, charset: str | None, encoding: str, status: int
) -> None:
    """RFC 7303. Rejects a charset that is passed over: two readers would see two documents."""
    name = f"c-{declared}-{charset}-{encoding}"
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = declaration + xml_document(named(name, b"<ex:note>caf\xc3\xa9</ex:note>")).decode()
    media_type = f"text/xml; charset={charset}" if charset else "text/xml"
    answer = post(shop, text.encode(encoding), Content_Type=media_type)
    assert answer.status_code == status, answer.text
    if status == 202:
        (found,) = shop.events("cordia", f"EQ_eventID=urn:uuid:{name}")
        assert found["ex:note"] == "caf\u00e9"


# Answers


@pytest.mark.parametrize(
    ("headers", "number", "version"),
    [
        ({}, 2, "2.0.0"),
        ({"GS1-EPCIS-Min": "2.0"}, 2, "2.0.0"),
        ({"GS1-EPCIS-Max": "1.2"}, 1, "1.2.0"),
        ({"GS1-EPCIS-Min": "1.1", "GS1-EPCIS-Max": "1.9"}, 1, "1.2.0"),
    ],
)
def test_events_come_in_the_version_asked_for_and_valid(
    story: Site, headers: dict[str, str], number: int, version: str
) -> None:
    """Show 1. Rejects 2.0 content in the namespace of 1.2, and a version header that does not follow the answer."""
    answer = story.request("northgate-clinical", "GET", "/epcis/events?perPage=100", headers=WANTS_XML | headers)
    root = read(answer)
    assert root.tag == QUERY % number
    assert answer.headers["GS1-EPCIS-Version"] == version
    assert invalid(answer.content, "2.0" if number == 2 else "1.2") is None
    assert "Accept" in answer.headers["vary"]
    in_json = story.events("northgate-clinical")
    assert len(root.findall(".//eventID")) == len(in_json) == 30
    assert [one.text for one in root.findall(".//eventID")] == [event["eventID"] for event in in_json]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "application/xml", "GS1-EPCIS-Max": "1.1"}, 406),
        ({"Accept": "application/json", "GS1-EPCIS-Max": "1.2"}, 406),
        ({"Accept": "application/xml", "GS1-CBV-XML-Format": "Sometimes"}, 400),
        ({"Accept": "image/svg+xml"}, 406),
    ],
)
def test_what_xml_cannot_satisfy_is_refused(story: Site, headers: dict[str, str], status: int) -> None:
    assert story.request("cordia", "GET", "/epcis/events", headers=headers).status_code == status


def test_xml_keeps_to_the_epc_and_cbv_formats_asked_for(shop: Site) -> None:
    """GS1-EPC-Format and GS1-CBV-XML-Format. Rejects a format that only JSON answers keep to."""
    captured(shop, xml_document(named("fmt", b"<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>")))
    path = "/epcis/events/urn:uuid:fmt"

    def shown(**headers: str) -> tuple[str, str]:
        root = read(get_xml(shop, path, **headers))
        return root.findtext(".//epc"), root.findtext(".//bizStep")

    link, urn = "https://id.gs1.org/01/09521141010235/21/V23-0007", "urn:epc:id:sgtin:9521141.001023.V23-0007"
    assert shown() == (link, "urn:epcglobal:cbv:bizstep:shipping")
    assert shown(GS1_EPC_Format="Always_EPC_URN")[0] == urn
    assert shown(GS1_EPC_Format="Never_Translates", GS1_CBV_XML_Format="Always_Web_URI") == (
        urn,
        "https://ref.gs1.org/cbv/BizStep-shipping",
    )


def test_paging_of_xml_answers_is_by_link_alone(story: Site) -> None:
    """Rejects the JSON member nextPageToken put into XML."""
    headers = WANTS_XML | {"Prefer": "page-token=body"}
    first = story.request("cordia", "GET", "/epcis/events?perPage=2", headers=headers)
    assert len(read(first).findall(".//eventTime")) == 2
    following = first.headers["link"][1:].partition(">")[0]
    assert len(read(story.request("cordia", "GET", following, headers=headers)).findall(".//eventTime")) == 2


def test_collections_and_the_root_come_in_xml(story: Site) -> None:
    """OAS 200SupportedTopLevel, application/xml. Rejects JSON with an XML media type."""
    for path in ("/epcis", "/epcis/eventTypes", "/epcis/epcs", "/epcis/bizSteps/shipping", "/epcis/readPoints"):
        root = read(get_xml(story, path))
        members = [one.text for one in root.findall("member")]
        assert root.tag == f"{OWN}Collection"
        assert members == story.get("cordia", path)["member"]
    assert get_xml(story, "/epcis/epcs", GS1_EPCIS_Max="1.2").status_code == 406
    item = quote("https://id.gs1.org/01/09521141010235/21/V23-0007", safe="")
    assert read(get_xml(story, f"/epcis/epcs/{item}/events")).tag == QUERY % 2


def test_capture_jobs_come_in_xml_and_valid(shop: Site) -> None:
    """EPCIS 2.0 XML schema, EPCISCaptureJobType: attributes, then children in order."""
    wrong = named("j2").replace(b"<action>OBSERVE", b"<action>LOOK & see".replace(b"&", b"&amp;"))
    answer = post(shop, xml_document(named("j1"), wrong), GS1_Capture_Error_Behaviour="proceed")
    found = get_xml(shop, answer.headers["location"])
    root = read(found)
    assert root.tag == JOB
    assert root.attrib["running"] == "false"
    assert root.attrib["success"] == "false"
    assert answer.headers["location"].endswith(root.attrib["captureID"])
    assert [child.tag for child in root][:4] == ["captureErrorBehaviour", "createdAt", "finishedAt", "errors"]
    assert root.findtext("errors/error/type") == "epcisException:ValidationException"
    assert "ObjectEvent[2]/action" in root.find(f".//{OWN}finding").attrib["path"]
    assert invalid_job(found.content) is None
    listed = read(get_xml(shop, "/epcis/capture?perPage=1"))
    assert [child.attrib["captureID"] for child in listed] == [root.attrib["captureID"]]


def invalid_job(text: bytes) -> str | None:
    """Why the official schema refuses a job or a problem; None when it is valid."""
    from epcis_xml.xsd import schema

    judge = schema("2.0", "EPCISDocument")
    return None if judge.validate(etree.fromstring(text)) else str(judge.error_log.last_error)


@pytest.mark.parametrize(
    ("name", "method", "path", "headers", "status"),
    [
        (None, "GET", "/epcis/events", {}, 401),
        ("cordia", "GET", "/epcis/events/urn:uuid:none", {}, 404),
        ("cordia", "GET", "/nowhere", {}, 404),
        ("cordia", "DELETE", "/epcis/events", {}, 405),
        ("cordia", "GET", "/epcis/events?zap=1", {}, 400),
        ("cordia", "POST", "/epcis/capture", {"Content-Type": "text/plain"}, 415),
        ("cordia", "POST", "/epcis/capture", {"Content-Encoding": "zap"}, 415),
        ("cordia", "GET", "/epcis/events?x=" + "a" * 20_000, {}, 414),
        ("cordia", "GET", "/epcis/epcs", {"GS1-EPCIS-Max": "1.2"}, 406),
    ],
)
def test_problems_are_xml_for_callers_who_read_nothing_else(
    shop: Site, name: str | None, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """RFC 7807 in XML, also from the door. Rejects JSON problems for XML callers, and the reverse."""
    for accept, is_xml in (
        ("application/xml", True),
        ("text/xml, application/problem+xml", True),
        ("application/xml, application/json;q=0.1", False),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", False),
    ):
        answer = shop.request(name, method, path, headers={"Accept": accept} | headers)
        assert answer.status_code == status, answer.text
        kind = "application/problem+xml" if is_xml else "application/problem+json"
        assert answer.headers["content-type"] == kind
        if is_xml:
            root = etree.fromstring(answer.content)
            assert (root.tag, root.findtext("status")) == (PROBLEM, str(status))
            assert invalid_job(answer.content) is None
        else:
            assert orjson.loads(answer.content)["status"] == status


# Dry runs and error files


def test_a_dry_run_tells_what_the_capture_would_do_and_stores_nothing(shop: Site) -> None:
    """Rejects a dry run that forgets duplicates, counts repeats twice, or leaves a job behind."""
    captured(shop, xml_document(named("d1")))
    events, jobs = len(shop.events("cordia")), len(shop.get("cordia", "/epcis/capture?perPage=1000"))
    wrong = named("d3").replace(b"<action>OBSERVE", b"<action>LOOK")
    other = named("d1", b"<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>")
    body = xml_document(named("d1"), named("d2"), named("d2"), wrong, other)
    for behaviour, stored in (("proceed", 1), ("rollback", 0)):
        answer = post(shop, body, "/epcis/capture?dry-run=true", GS1_Capture_Error_Behaviour=behaviour)
        assert answer.json()["errors"][1]["errors"][0]["path"].endswith("/ObjectEvent[5]/eventID")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        counts = (told["eventCount"], told["wouldStore"], told["duplicates"], told["failures"])
        assert counts == (5, stored, 2, 2)
        assert (told["success"], told["captureErrorBehaviour"]) == (False, behaviour)
        assert {problem["status"] for problem in told["errors"]} == {400, 409}
    clean = post(shop, xml_document(named("d2")), "/epcis/capture?dry-run=true", Accept="application/xml")
    root = read(clean)
    assert (root.tag, root.attrib["success"], root.attrib[f"{OWN}wouldStore"]) == (JOB, "true", "1")
    assert invalid_job(clean.content) is None
    assert len(shop.events("cordia")) == events
    assert len(shop.get("cordia", "/epcis/capture?perPage=1000")) == jobs


@pytest.mark.parametrize("is_xml", [True, False])
def test_a_dry_run_of_a_large_document_is_told_as_of_a_small_one(shop: Site, is_xml: bool) -> None:
    many = [f"big-{is_xml}-{number}" for number in range(1500)]
    in_json = document(*(bare_event(eventID=f"urn:uuid:{name}") for name in many))
    body = xml_document(*(named(name) for name in many)) if is_xml else orjson.dumps(in_json)
    kind = "application/xml" if is_xml else "application/json"
    answer = post(shop, body, "/epcis/capture?dry-run=true", Content_Type=kind)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["success"], told["eventCount"], told["wouldStore"], told["duplicates"]) == (True, 1500, 1500, 0)
    assert shop.events("cordia", f"EQ_eventID=urn:uuid:{many[0]}") == []
    assert not list(shop.server.settings.data_dir.glob("spool/*"))


def test_a_dry_run_needs_true_or_false_and_a_document(shop: Site) -> None:
    assert post(shop, xml_document(), "/epcis/capture?dry-run=yes").status_code == 400
    assert post(shop, b"<Foo/>", "/epcis/capture?dry-run=true").status_code == 400


@pytest.mark.parametrize("count", [120, 1300])
def test_many_failures_are_in_an_error_file_of_the_caller_alone(shop: Site, count: int) -> None:
    """EPCIS 2.0 CaptureJob, errorFile. Rejects a list cut at its first hundred, and a file that others can read."""
    wrong = [named(f"e{count}-{n}").replace(b"<action>OBSERVE", b"<action>LOOK") for n in range(count)]
    body = xml_document(*wrong, named(f"fine{count}"))
    answer = post(shop, body, GS1_Capture_Error_Behaviour="proceed")
    job = shop.job("cordia", answer)
    while job["running"]:
        job = shop.job("cordia", answer)
    assert "errors" not in job
    assert not job["success"]
    path = job["errorFile"].removeprefix(shop.server.url)
    assert path.startswith("/epcis/capture/")
    problems: list[dict[str, Any]] = []
    following: str | None = f"{path}?perPage=97"
    while following:
        page = shop.request("cordia", "GET", following)
        assert page.status_code == 200, page.text
        assert len(page.json()) <= 97
        problems += page.json()
        following = page.headers["link"][1:].partition(">")[0] if "link" in page.headers else None
    assert [problem["errors"][0]["eventIndex"] for problem in problems] == list(range(count))
    in_xml = get_xml(shop, answer.headers["location"])
    assert read(in_xml).findtext("errorFile") == job["errorFile"]
    assert invalid_job(in_xml.content) is None
    assert shop.request("rival-supplier", "GET", path).status_code == 404
    assert shop.request(None, "GET", path).status_code == 401
    assert len(shop.events("cordia", f"EQ_eventID=urn:uuid:fine{count}")) == 1


def test_the_errors_of_a_job_with_few_can_be_had_page_by_page_too(shop: Site) -> None:
    wrong = [named(f"few-{n}").replace(b"<action>OBSERVE", b"<action>LOOK") for n in range(3)]
    answer = post(shop, xml_document(*wrong), GS1_Capture_Error_Behaviour="proceed")
    location = answer.headers["location"]
    assert len(shop.job("cordia", answer)["errors"]) == 3
    first = shop.request("cordia", "GET", f"{location}/errors?perPage=2")
    assert len(first.json()) == 2
    assert len(shop.request("cordia", "GET", first.headers["link"][1:].partition(">")[0]).json()) == 1
    assert WHEN
