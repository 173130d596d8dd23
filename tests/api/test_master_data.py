"""Master data over HTTP on both databases: declared, captured, listed in pages, asked for in queries."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from api.conftest import BACKENDS, Site

SITE = "https://id.gs1.org/414/4012345000016"
WARD = "urn:epc:id:sgln:4012345.00001.W4"
WARD_LINK = "https://id.gs1.org/414/4012345000016/254/W4"
PLACES = "urn:epcglobal:epcis:vtype:BusinessLocation"
CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
HOSPITAL = "northgate-supply"


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """An empty demo server on each database."""
    with open_site(request.param) as opened:
        yield opened


def declared(*elements: dict[str, Any], vtype: str = PLACES) -> dict[str, Any]:
    return {"vocabularyList": [{"type": vtype, "vocabularyElementList": list(elements)}]}


def element(identifier: str, *children: str, **attributes: Any) -> dict[str, Any]:
    named = [{"id": f"cbvmda:{name}", "attribute": value} for name, value in attributes.items()]
    return {"id": identifier, "attributes": named, "children": list(children)}


def document(*events: dict[str, Any], **header: Any) -> bytes:
    return orjson.dumps(
        {
            "@context": CONTEXT,
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-05-01T08:00:00Z",
            "epcisBody": {"eventList": list(events)},
        }
        | header
    )


def seen_at(place: str, serial: str = "A1") -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventTime": "2026-05-01T08:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": [f"https://id.gs1.org/01/04012345123456/21/{serial}"],
        "action": "OBSERVE",
        "bizLocation": {"id": place},
    }


def test_places_are_declared_captured_listed_and_asked_for(place: Site) -> None:
    answer = place.request(
        HOSPITAL, "POST", "/masterdata/vocabularies", json=declared(element(SITE, WARD, name="North"))
    )
    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "unchanged": 0})
    header = {"epcisMasterData": declared(element(WARD, name="Ward 4", city="Aachen"))}
    job = place.job(HOSPITAL, place.capture(HOSPITAL, document(seen_at(WARD_LINK), epcisHeader=header)))
    assert job["success"], job
    assert place.get(HOSPITAL, "/masterdata/vocabularies") == {"vocabularies": [PLACES]}
    page = place.request(HOSPITAL, "GET", "/masterdata/vocabularies/BusinessLocation/elements?perPage=1")
    assert [one["id"] for one in page.json()["elements"]] == [SITE]
    following = page.headers["link"].partition(">")[0].removeprefix("<")
    assert [one["name"] for one in place.get(HOSPITAL, following)["elements"]] == ["Ward 4"]
    for parameters, found in {
        f"EQ_name={quote(WARD_LINK, safe='')}": [WARD],
        f"WD_name={SITE}": [SITE, WARD],
        "HASATTR=cbvmda:city": [WARD],
        "EQATTR_cbvmda:name=North%7Cnowhere": [SITE],
    }.items():
        listed = place.get(HOSPITAL, f"/masterdata/vocabularies/{PLACES}/elements?{parameters}")
        assert [one["id"] for one in listed["elements"]] == found
    bare = place.get(HOSPITAL, f"/masterdata/vocabularies/{PLACES}/elements?attributeNames=city&includeChildren=false")
    assert [(one.get("attributes"), one.get("children")) for one in bare["elements"]] == [
        (None, None),
        ([{"id": "urn:epcglobal:cbv:mda:city", "attribute": "Aachen"}], None),
    ]
    for parameters, count in {
        f"WD_bizLocation={SITE}": 1,
        f"EQ_bizLocation={SITE}": 0,
        "HASATTR_bizLocation=cbvmda:city": 1,
        "EQATTR_bizLocation_cbvmda:city=Aachen": 1,
        "EQ_ATTR_bizLocation_cbvmda:city=Bonn": 0,
        "HASATTR_readPoint=cbvmda:city": 0,
    }.items():
        assert len(place.events(HOSPITAL, parameters)) == count, parameters


def test_an_element_tells_its_versions_and_replaces_its_content(place: Site) -> None:
    path = "/masterdata/elements/" + quote(WARD, safe="")
    for name, stored in (("Ward 4", 1), ("Ward 4", 0), ("Ward IV", 1)):
        body = {"type": "BusinessLocation", "attributes": element(WARD, name=name)["attributes"]}
        answer = place.request(HOSPITAL, "PUT", path, json=body)
        assert answer.json() == {"stored": stored, "unchanged": 1 - stored}, answer.text
    (found,) = place.get(HOSPITAL, "/masterdata/elements/" + quote(WARD_LINK, safe="") + "?versions=true")["elements"]
    assert (found["version"], found["name"], found["ownerName"]) == (2, "Ward IV", "Northgate Hospital")
    assert [one["attributes"][0]["attribute"] for one in found["versions"]] == ["Ward 4", "Ward IV"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (declared(element("no uri")), "vocabularyList[0].vocabularyElementList[0].id"),
        (declared(element(SITE, "no uri")), "vocabularyList[0].vocabularyElementList[0].children[0]"),
        (declared(element("urn:epc:id:gsrn:4012345.0000012345")), "vocabularyList[0].vocabularyElementList[0]"),
        (declared(element(SITE, name="a"), element(SITE, name="b")), "vocabularyList[0].vocabularyElementList[1].id"),
        (declared(element(SITE), vtype="x" * 150 + ":" + "é" * 49), "vocabularyList[0].type"),
        (declared(element(SITE, name=None)), "vocabularyList[0].vocabularyElementList[0].attributes[0].attribute"),
    ],
)
def test_each_mistake_is_told_with_its_place_and_nothing_is_stored(site: Site, body: Any, path: str) -> None:
    answer = site.request(HOSPITAL, "POST", "/masterdata/vocabularies", json=body)
    assert answer.status_code == 400, answer.text
    assert [finding["path"] for finding in answer.json()["errors"]] == [path]
    assert site.get(HOSPITAL, "/masterdata/vocabularies") == {"vocabularies": []}
    assert "0000012345" not in answer.text


def test_what_others_declared_is_as_absent_as_what_nobody_did(place: Site) -> None:
    """Rejects a 403, another text, or a list that is shorter by what it hides."""
    place.request(HOSPITAL, "POST", "/masterdata/vocabularies", json=declared(element(SITE, WARD, name="North")))
    hidden = place.request("cordia", "GET", "/masterdata/elements/" + quote(SITE, safe=""))
    absent = place.request("cordia", "GET", "/masterdata/elements/" + quote(SITE + "/254/NONE", safe=""))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json() == absent.json()
    listed = place.request("cordia", "GET", f"/masterdata/vocabularies/{PLACES}/elements?perPage=1")
    assert listed.json() == {"elements": []}
    assert "link" not in listed.headers
    assert place.request("admin", "GET", "/masterdata/vocabularies").status_code == 403
    assert place.request(None, "GET", "/masterdata/vocabularies").status_code == 401


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("EQ_nam=x", "EQ_nam is no parameter of SimpleMasterDataQuery"),
        ("EQ_name=bare", "EQ_name has 'bare'; expected the URI of an element"),
        ("includeChildren=perhaps", "expected true or false"),
        ("maxElementCount=3", "maxElementCount have no place here"),
        ("HASATTR=", "HASATTR has an empty value"),
        ("nextPageToken=abc", "page token"),
    ],
)
def test_a_mistake_in_a_parameter_names_it(site: Site, parameters: str, said: str) -> None:
    answer = site.request(HOSPITAL, "GET", f"/masterdata/vocabularies/{PLACES}/elements?{parameters}")
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_stock_and_trace_call_places_and_products_as_master_data_does(open_site: Callable[..., Any]) -> None:
    """Rejects names of what others declared for themselves alone, and the caller's own name losing to another's."""
    with open_site(demo_storyline=True) as demo:
        stock = demo.get(HOSPITAL, "/consignment/stock?perPage=1000")
        row = next(one for one in stock["items"] if one["gtin"] is not None and one["lot"] and one["place"])
        product = f"https://id.gs1.org/01/{row['gtin']}"
        products = "urn:epcglobal:epcis:vtype:EPCClass"
        given = declared(element(product, tradeItemDescription="Aortic valve"), vtype=products)
        demo.request("cordia", "POST", "/masterdata/vocabularies", json=given)
        demo.request(
            "rival-supplier", "POST", "/masterdata/vocabularies", json=declared(element(row["place"], name="no"))
        )
        assert demo.get(HOSPITAL, "/consignment/stock?perPage=1000")["products"][row["gtin"]] == "Aortic valve"
        assert demo.get("rival-supplier", "/consignment/stock")["products"] == {}
        trace = f"/trace/lot?gtin={row['gtin']}&lot={row['lot']}"
        told = demo.get(HOSPITAL, trace)
        assert told["products"] == {row["gtin"]: "Aortic valve"}
        assert told["places"][row["place"]] == stock["places"][row["place"]]
        own = declared(element(row["place"], name="Our shelf"))
        demo.request(HOSPITAL, "POST", "/masterdata/vocabularies", json=own)
        assert demo.get(HOSPITAL, trace)["places"][row["place"]] == "Our shelf"
        assert demo.get(HOSPITAL, "/consignment/stock?perPage=1000")["places"][row["place"]] == "Our shelf"


MASTER_DATA_DOCUMENT = """
<m:EPCISMasterDataDocument xmlns:m="urn:epcglobal:epcis-masterdata:xsd:{number}" xmlns:a="http://own.example/"
 schemaVersion="{version}" creationDate="2026-05-01T08:00:00Z">
<EPCISBody><VocabularyList><Vocabulary type="{vtype}"><VocabularyElementList>
<VocabularyElement id="{ward}"><attribute id="urn:epcglobal:cbv:mda#name">Ward 4</attribute>
<attribute id="urn:epcglobal:cbv:mda#address"><a:street>Long &amp; narrow</a:street></attribute>
<children><id>{ward}-1</id></children></VocabularyElement>
</VocabularyElementList></Vocabulary></VocabularyList></EPCISBody></m:EPCISMasterDataDocument>"""


@pytest.mark.parametrize(("number", "version"), [("2", "2.0"), ("1", "1.2")])
@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize("behaviour", ["rollback", "proceed"])
def test_a_master_data_document_is_captured_however_large_it_counts(
    open_site: Callable[..., Any], number: str, version: str, spooled: bool, behaviour: str
) -> None:
    """EPCIS 2.0 and 1.2 XML, EPCISMasterDataDocument; rejects a header that only one way of capture looks at."""
    text = MASTER_DATA_DOCUMENT.format(number=number, version=version, vtype=PLACES, ward=WARD)
    with open_site(**({"spool_threshold_bytes": 10} if spooled else {})) as site:
        headers = {"Content-Type": "application/xml", "GS1-Capture-Error-Behaviour": behaviour}
        for body, good in ((text, True), (text.replace(WARD, "no uri"), False)):
            dry = site.request(HOSPITAL, "POST", "/epcis/capture?dry-run=true", content=body.encode(), headers=headers)
            assert (dry.json()["success"], dry.json()["failures"]) == (good, 0 if good else 1)
            answer = site.request(HOSPITAL, "POST", "/epcis/capture", content=body.encode(), headers=headers)
            if behaviour == "rollback" and not spooled and not good:
                assert answer.status_code == 400
                assert answer.json()["errors"][0]["code"] == "master_data"
                continue
            assert answer.status_code == 202, answer.text
            job = ended(site, answer.headers["location"])
            assert job["success"] is good, job
            assert good or "id is 'no uri'; expected a URI" in job["errors"][0]["detail"]
        (found,) = site.get(HOSPITAL, "/masterdata/elements/" + quote(WARD, safe="") + "?versions=true")["elements"]
        assert (found["name"], found["version"]) == ("Ward 4", 1)
        assert found["attributes"][1]["attribute"] == {"http://own.example/street": "Long & narrow"}
        assert found["versions"][0]["captureID"]


def ended(site: Site, location: str) -> Any:
    """A capture job once it has ended."""
    deadline = time.monotonic() + 30
    while (job := site.get(HOSPITAL, location))["running"]:
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job
