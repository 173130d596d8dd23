"""A patient's GSRN is recognised in every spelling: what is missed here is shown to a supplier."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.strategies import digits
from traceward.gs1.check_digits import check_digit
from traceward.gs1.element_string import parse
from traceward.gs1.epc_from_elements import epc_identifiers
from traceward.gs1.epc_uri import canonical_identifier, contains_patient_identifier, identifier_kind
from traceward.gs1.udi import udi_from_elements

GSRN = "952114100000000421"


@pytest.mark.parametrize(
    "text",
    [
        "urn:epc:id:gsrn:9521141.0000000042",
        "URN:EPC:ID:GSRN:9521141.0000000042",
        "Urn:Epc:id:gsrn:9521141.0000000042",
        "urn:epc:idpat:gsrn:9521141.*",
        "urn:epc:tag:gsrn-96:0.9521141.0000000042",
        "urn:epc:raw:96.x2D0E448F140000002A000000",
        "wristband gsrn=9521141.0000000042, left arm",
        "GSRN 952114123456.00042",
        "urn%3Aepc%3Aid%3Agsrn%3A9521141.0000000042",
        f"https://id.gs1.org/8018/{GSRN}",
        f"http://hospital.example/x/gsrn/{GSRN}/8019/3?a=b",
        f"https://hospital.example/GSRN/{GSRN}",
        f"https://id.gs1.org/%38%30%31%38/{GSRN}",
        f"https://id.gs1.org/8018%2F{GSRN}",
        f"https://id.gs1.org/%2538018/{GSRN}",
        f"https://id.gs1.org/8018/{GSRN[:9]}%39{GSRN[10:]}",
        f"https://id.gs1.org//8018//{GSRN}",
        f"https://id.gs1.org/01/09521141010235?8018={GSRN}",
        f"(8018){GSRN}",
        f"]d28018{GSRN}",
        f"]C1010952114101023517271231{'8018'}{GSRN}",
        f"patient https://id.gs1.org/8018/{GSRN} seen",
        "https://id.gs1.org/8018/9521141000000004",
    ],
)
def test_a_patient_is_recognised(text: str) -> None:
    assert contains_patient_identifier(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "urn:epc:id:gsrnp:9521141.0000000042",
        "urn:epc:raw:96.x2E0E448F140000002A000000",
        "urn:epc:raw:96.x300E448F140000002A000000",
        "form GSRN 9521141.004",
        f"https://id.gs1.org/8017/{GSRN}",
        f"https://id.gs1.org/gsrnp/{GSRN}",
        "https://id.gs1.org/01/09521141010235/21/8018",
        "https://erp.example/orders/8018/7",
        "urn:epc:id:sgtin:9521141.001023.gsrn",
        "https://id.gs1.org/01/09521141010235/10/50%25",
        "LOT8018A",
    ],
)
def test_what_is_no_patient_is_not_taken_for_one(text: str) -> None:
    assert not contains_patient_identifier(text)


def test_a_scanned_wristband_names_a_patient_and_no_thing() -> None:
    """Rejects a wristband that fills the device's place: it would enter an event's epcList as if it were stock."""
    parsed = parse(f"(8018){GSRN}")
    found = epc_identifiers(parsed.elements)
    assert (found.patient, found.instance, found.class_) == (f"https://id.gs1.org/8018/{GSRN}", None, None)
    assert udi_from_elements(parsed).epc is None
    assert epc_identifiers(parse(f"(8017){GSRN}").elements).provider == f"https://id.gs1.org/8017/{GSRN}"


@given(digits(17), st.integers(0, 3), st.data())
def test_no_escaping_hides_a_patient(body: str, layers: int, data: st.DataObject) -> None:
    """Rejects a search for '/8018/' in the text as sent, and one that decodes only once."""
    text = f"https://id.gs1.org/8018/{body}{check_digit(body)}"
    for _ in range(layers):
        chosen = data.draw(st.sets(st.integers(0, len(text) - 1), max_size=12))
        text = "".join(f"%{ord(sign):02x}" if index in chosen else sign for index, sign in enumerate(text))
        text = quote(text, safe="%:/") if layers % 2 else text
    assert contains_patient_identifier(text)


@given(st.text(max_size=80))
def test_whatever_is_canonically_a_gsrn_is_a_patient(text: str) -> None:
    """Rejects two readings of one text: an identifier that the ledger would join as GSRN but that counted as public."""
    for uri in (text, f"https://id.gs1.org/8018/{text}", f"urn:epc:id:gsrn:{text}"):
        if identifier_kind(canonical_identifier(uri)).kind == "gsrn":
            assert contains_patient_identifier(uri)
