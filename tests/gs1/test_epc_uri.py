"""EPC URNs and Digital Links: translation, canonical form, kinds."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.disagreements import DISAGREEMENTS
from gs1.strategies import gtins, urns
from shared_data import shared
from traceward.gs1.element_string import parse_bracketed
from traceward.gs1.epc_from_elements import epc_identifiers
from traceward.gs1.epc_uri import (
    KINDS,
    canonical_identifier,
    digital_link_to_urn,
    identifier_kind,
    urn_to_digital_link,
)
from traceward.gs1.errors import EpcUriError

VECTORS = "standard/vectors/urn-to-digital-link.json"
LISTED = DISAGREEMENTS["urn-to-digital-link.json"]


def prefix_of(urn: str) -> Callable[[str], int]:
    length = len(urn.split(":")[4].partition(".")[0])
    return lambda _: length


def test_every_published_urn_translates_both_ways() -> None:
    cases = json.loads(shared(VECTORS).read_text(encoding="utf-8"))
    assert len(cases) > 25
    for case in cases:
        urn, link = case["urn"], case["dl"]
        assert urn_to_digital_link(urn) == link
        assert canonical_identifier(urn) == canonical_identifier(link) == link
        back = digital_link_to_urn(link, prefix_of(urn))
        assert (back == urn) == (urn not in LISTED), urn


@given(urns())
def test_a_urn_comes_back_from_its_digital_link(urn_and_length: tuple[str, int]) -> None:
    """Rejects splitting at every dot (serials may have dots), misplaced indicators, no 12-digit prefixes."""
    urn, length = urn_and_length
    link = urn_to_digital_link(urn)
    assert digital_link_to_urn(link, lambda _: length) == urn
    assert canonical_identifier(urn) == link


@given(urns() | st.tuples(st.text(), st.none()) | st.tuples(st.text("urn:epcidsgtl.0123456789*%/2F"), st.none()))
def test_the_canonical_form_is_idempotent_and_never_raises(uri: tuple[str, int | None]) -> None:
    """Rejects escaping a value twice, and a normaliser whose output it would normalise further."""
    once = canonical_identifier(uri[0])
    assert canonical_identifier(once) == once
    assert identifier_kind(once).kind in KINDS


@given(gtins(), st.text("!\"%&'()*+,-./09:;<=>?AZ_az", min_size=1, max_size=20))
def test_all_spellings_of_one_serial_item_are_one_identifier(gtin: str, serial: str) -> None:
    """Rejects comparing percent-encoded text: %2f, %2F and a needlessly escaped letter are the same serial."""
    escaped = "".join(f"%{ord(character):02x}" for character in serial)
    wanted = canonical_identifier(f"https://id.gs1.org/01/{gtin}/21/{escaped}")
    assert canonical_identifier(f"http://ACME.example:8080/a/b/gtin/{gtin}/ser/{escaped.upper()}#x") == wanted
    assert canonical_identifier(f"https://id.gs1.org/01/{gtin}/22/2A/10/LOT/21/{escaped}?17=271231") == wanted
    parsed = parse_bracketed(f"(01){gtin}(10)LOT(21){serial.replace('(', chr(92) + '(')}")
    assert epc_identifiers(parsed.elements).instance == wanted
    assert identifier_kind(wanted).serial == serial


@pytest.mark.parametrize(
    ("uri", "canonical"),
    [
        ("URN:EPC:id:sgtin:9521141.001023.V1", "https://id.gs1.org/01/09521141010235/21/V1"),
        ("https://acme.example/01/4012345678901", "https://id.gs1.org/01/04012345678901"),
        ("https://acme.example/01/96385074", "https://id.gs1.org/01/00000096385074"),
        ("https://acme.example/01/614141073467", "https://id.gs1.org/01/00614141073467"),
        ("https://id.gs1.org/414/4012345000016/254/0", "https://id.gs1.org/414/4012345000016"),
        ("https://id.gs1.org/01/09521141010235/22/2A", "https://id.gs1.org/01/09521141010235"),
        ("https://id.gs1.org/00/faux/00/106141412345678908", "https://id.gs1.org/00/106141412345678908"),
        ("https://id.gs1.org/gln/4012345000016", "https://id.gs1.org/414/4012345000016"),
        ("https://id.gs1.org/party/9521141000007", "https://id.gs1.org/417/9521141000007"),
    ],
)
def test_a_digital_link_is_normalised(uri: str, canonical: str) -> None:
    assert canonical_identifier(uri) == canonical


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "urn:epc:id:gid:95100000.12345.400",
        "urn:epc:id:sgtin:9521141.001023",
        "urn:epc:id:sgtin:95211.00102311.V1",
        "urn:epc:id:sgtin:9521141.0010233.V1",
        "urn:epc:id:sgtin:9521141.001023.",
        "urn:epc:id:sgtin:9521141.001023.V 1",
        "urn:epc:id:sgtin:9521141.001023.V%2",
        "urn:epc:id:sgtin:9521141.001023." + "A" * 21,
        "urn:epc:id:sgtin:9521141.00102².V1",
        "urn:epc:id:sscc:0614141.1234567890.1",
        "urn:epc:idpat:sgtin:9521141.*.*",
        "urn:epc:idpat:sscc:0614141.*",
        "urn:epc:id:giai:4012345.",
        "urn:epc:id:sgcn:4012345.99999.A",
        "urn:uuid:3b1e7a52-1c1e-4c39-9f0e-1d2a52c2b0aa",
        "https://acme.example/orders/PO-17",
        "https://acme.example/01/123",
        "https://id.gs1.org/01/09521141010235/21",
        "https://id.gs1.org/01//21/A",
        "https://id.gs1.org/voc/Bizstep",
        "http://",
    ],
)
def test_what_cannot_be_translated_stays_as_it_is(uri: str) -> None:
    assert canonical_identifier(uri) == uri
    assert identifier_kind(canonical_identifier(uri)).kind == "other"
    with pytest.raises(EpcUriError):
        urn_to_digital_link(uri)


def test_a_link_becomes_no_urn_without_a_known_prefix_length() -> None:
    link = "https://id.gs1.org/01/09521141010235/21/V1"
    assert digital_link_to_urn(link, lambda _: None) is None
    assert digital_link_to_urn(link, lambda _: 13) is None
    assert digital_link_to_urn("https://acme.example/x", lambda _: 7) is None
    assert digital_link_to_urn("https://id.gs1.org/01/09521141010234/21/V1", lambda _: 7) is None


@pytest.mark.parametrize(
    ("uri", "kind", "is_class"),
    [
        ("https://id.gs1.org/01/09521141045305/10/LOT77A", "lgtin", True),
        ("https://id.gs1.org/01/09521141045305", "gtin", True),
        ("https://id.gs1.org/01/09521141045305/21/1", "sgtin", False),
        ("https://id.gs1.org/8003/04012345000221334455", "grai", False),
        ("https://id.gs1.org/8003/04012345000221", "grai", True),
        ("https://id.gs1.org/417/9521141000007", "pgln", False),
        ("https://id.gs1.org/8018/401234500000067657", "gsrn", False),
        ("https://example.com/a", "other", False),
    ],
)
def test_kinds_tell_things_from_classes(uri: str, kind: str, is_class: bool) -> None:
    found = identifier_kind(uri)
    assert (found.kind, found.is_class) == (kind, is_class)


def test_element_strings_name_their_epcis_identifiers() -> None:
    """02+37 are the contents of an SSCC, 414+254 a place, 8003 without serial a class."""
    unit = epc_identifiers(parse_bracketed("(00)106141412345678908(02)09521141045305(10)L7(37)20").elements)
    assert unit.instance == "https://id.gs1.org/00/106141412345678908"
    assert (unit.content, unit.content_count) == ("https://id.gs1.org/01/09521141045305/10/L7", 20)
    place = epc_identifiers(parse_bracketed("(414)4012345000016(254)OR3-CAB2").elements)
    assert place.place == "https://id.gs1.org/414/4012345000016/254/OR3-CAB2"
    asset = epc_identifiers(parse_bracketed("(8003)04012345000221").elements)
    assert (asset.instance, asset.class_) == (None, "https://id.gs1.org/8003/04012345000221")
