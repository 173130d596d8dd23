"""The Digital Link resolver: links for those who may have them, the same neutral answer for everybody else."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import Site

LOT = "/01/09521141045305/10/LOT77A"
ITEM = "/01/09521141010235/21/V23-0007"
UNKNOWN = "/01/09521141010235/21/V99-9999"
CABINET = "/414/4012345000016/254/OR3-CAB2"
EPCIS = "https://gs1.org/voc/epcis"
TRACE = "https://gs1.org/voc/traceability"


def links(site: Site, name: str | None, path: str) -> dict[str, Any]:
    """The one entry of a linkset."""
    answer = site.request(name, "GET", f"{path}{'&' if '?' in path else '?'}linkType=linkset")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/linkset+json"
    (entry,) = answer.json()["linkset"]
    assert isinstance(entry, dict)
    return entry


@pytest.mark.parametrize("path", [LOT, ITEM, CABINET, "/00/095211410000000113", "/8003/09521141007778T0042"])
def test_a_partner_goes_on_from_a_link_to_its_events(story: Site, path: str) -> None:
    entry = links(story, "cordia", path)
    (target,) = entry[EPCIS]
    document = story.get("cordia", target["href"].removeprefix(story.server.url))
    assert document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    followed = story.request("cordia", "GET", f"{path}?linkType=gs1:epcis")
    assert (followed.status_code, followed.headers["location"]) == (307, target["href"])


def test_strangers_and_rivals_cannot_tell_known_from_unknown(story: Site) -> None:
    """Rejects links that are made for whatever the server knows, whoever asks."""
    for name in (None, "rival-supplier"):
        for query in ("", "?linkType=linkset", "?linkType=gs1:epcis", "?linkType=gs1:traceability"):
            known = story.request(name, "GET", ITEM + query)
            unknown = story.request(name, "GET", UNKNOWN + query)
            assert known.status_code == unknown.status_code
            assert known.text.replace("V23-0007", "V99-9999") == unknown.text
            assert EPCIS not in known.text
            assert TRACE not in known.headers.get("link", "")


def test_the_page_for_people_says_what_the_label_says(story: Site) -> None:
    page = story.request("northgate-supply", "GET", f"{LOT}?17=301231", headers={"Accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for text in ("09521141045305", "LOT77A", "301231", "Where it is and where it was"):
        assert text in page.text
    stranger = story.request(None, "GET", LOT, headers={"Accept": "text/html"})
    assert "Nothing more is public" in stranger.text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/01/09521141045306", "check digit"),
        ("/01/09521141045305/21/S/10/L", "qualifiers"),
        ("/01/09521141045305?99999=1", "no AI"),
        ("/01/09521141045305/10/" + "L" * 21, "20"),
        ("/01/09521141045305?linkType=a&linkType=b", "2 times"),
        ("/00/123", "18"),
    ],
)
def test_a_link_that_is_none_is_refused_with_what_was_expected(story: Site, path: str, said: str) -> None:
    refused = story.request("cordia", "GET", path)
    assert refused.status_code == 400, refused.text
    assert said in refused.text


def test_a_slash_within_a_serial_is_decoded_once(story: Site) -> None:
    """Rejects routing on decoded paths, which would read %2F as a separator, and decoding twice."""
    entry = links(story, None, "/01/09521141010235/21/A%2FB%252F")
    assert entry["anchor"].endswith("/01/09521141010235/21/A%2FB%252F")
    assert entry["itemDescription"] == "(01)09521141010235(21)A/B%2F"


@pytest.fixture(scope="module")
def declared(open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server where a maker, and somebody else, declared pages about the maker's product."""
    with open_site() as site:
        for name, page in (("cordia", "https://cordia.example/eifu"), ("rival-supplier", "https://rival.example/ad")):
            attributes = [
                {"id": "https://gs1.org/voc/epil", "attribute": page},
                {"id": "https://gs1.org/voc/pip", "attribute": "javascript:alert(1)"},
                {"id": "urn:epcglobal:cbv:mda#name", "attribute": "Valve"},
            ]
            element = {"id": "https://id.gs1.org/01/09521141010235", "attributes": attributes}
            body = {
                "vocabularyList": [{"type": "urn:epcglobal:epcis:vtype:EPCClass", "vocabularyElementList": [element]}]
            }
            answer = site.request(name, "POST", "/masterdata/vocabularies", json=body)
            assert answer.status_code < 300, answer.text
        yield site


def test_only_the_maker_s_pages_are_linked_and_only_web_pages(declared: Site) -> None:
    """Rejects an open redirect: to what anybody declared, or to another scheme."""
    for path in ("/01/09521141010235", ITEM):
        entry = links(declared, None, path)
        assert [one["href"] for one in entry["https://gs1.org/voc/epil"]] == ["https://cordia.example/eifu"]
        assert "rival.example" not in str(entry)
        assert "javascript" not in str(entry)
        followed = declared.request(None, "GET", f"{path}?linkType=gs1:epil")
        assert (followed.status_code, followed.headers["location"]) == (307, "https://cordia.example/eifu")
        assert declared.request(None, "GET", f"{path}?linkType=gs1:pip").status_code == 404


def test_the_description_file_names_every_key_that_is_served(story: Site) -> None:
    described = story.request(None, "GET", "/.well-known/gs1resolver").json()
    assert described["resolverRoot"] == story.server.url
    assert "8018" not in described["supportedPrimaryKeys"]
    assert story.request("northgate-clinical", "GET", "/8018/401234500000123452").status_code == 404
    options = story.request(None, "OPTIONS", ITEM)
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    head = story.request(None, "HEAD", ITEM)
    assert head.headers["access-control-allow-origin"] == "*"
    assert re.search(r'rel="linkset"', head.headers["link"])
