"""A patient is cut out of a text in every spelling, and nothing else is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.strategies import digits
from traceward.gs1.check_digits import check_digit
from traceward.gs1.patient import contains_patient_identifier, without_patients
from traceward.gs1.plain_text import aligned_plain_text, plain_text

GSRN = "952114100000000421"
# What an unescaping, lower-casing or normalising redaction would change.
WORDS = (
    "Expected",
    "18 digits",
    "100%25",
    "%4C",
    "&#65;&amp;",
    "Köln",
    "ＬＯＴ",
    "\u0664\u0662",
    "é\u200b",
    "İ",
    "Σ",
    "(10)LOT77A",
)
SPELLINGS = (
    "urn:epc:id:gsrn:{0}.{1}",
    "URN:EPC:ID:GSRN:{0}.{1}",
    "urn%3Aepc%3Aid%3Agsrn%3A{0}%2E{1}",
    "urn:epc:tag:gsrn-96:0.{0}.{1}",
    "https://id.gs1.org/8018/{0}{1}{2}",
    "https://Hospital.example/x/GSRN/{0}{1}{2}/8019/3?a=b",
    "https://id.gs1.org/%2538%253018/{0}{1}{2}",
    "&#47;8018&#x2f;{0}{1}{2}",
    "/80\u200b18/{0}{1}{2}",
    "(8018){0}{1}{2}",
    "\uff088018\uff09{0}{1}{2}",
    "]d28018{0}{1}{2}",
    "8018: {0} {1}{2}",
    "GSRN {0}{1}{2}",
)
_spelt = st.builds(
    lambda spelling, body: spelling.format(body[:7], body[7:], check_digit(body)),
    st.sampled_from(SPELLINGS),
    digits(17),
)
_said = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
_escaped = st.lists(
    st.sampled_from(
        ["%", "%25", "%c3%a4", "%C3", "&#", "&#49;", "&amp;", "&#x2f", "8018", "\u0663", "\uff0f", "\u200b"]
    )
    | st.text(max_size=3)
).map("".join)


@given(st.text() | _escaped | _said)
def test_a_text_without_a_patient_comes_back_as_it_is(text: str) -> None:
    """Rejects a redaction that answers the text's plain form, in lower case and without escapes."""
    if not contains_patient_identifier(text):
        assert without_patients(text) == text


@given(st.lists(st.tuples(_said, _spelt), min_size=1, max_size=3), _said)
def test_all_but_the_patients_is_kept_to_the_sign(told: list[tuple[str, str]], last: str) -> None:
    """Rejects a plain form with marks, a cut to the end of the line, and one that eats the number after the patient."""
    text = "".join(f"{said} '{spelt}' " for said, spelt in told) + last
    assert without_patients(text) == "".join(f"{said} '[patient]' " for said, _ in told) + last


@given(_spelt, st.sampled_from(["2026-05-01", "18 digits", "(8018)", "Ward B"]))
def test_what_follows_after_a_space_is_kept(spelt: str, after: str) -> None:
    """Rejects a number of a patient that goes on through the next number, such as a date."""
    assert without_patients(f"At {spelt} {after}") == f"At [patient] {after}"


@pytest.mark.parametrize(
    "text",
    [
        "urn:epc:id:gsrn: 9521141.0000000042",
        "urn:epc:id:gsrn:x9521141.0000000042",
        "urn:epc:id:gsrn:(9521141),0000000042",
        f"a=https://id.gs1.org/8018/{GSRN},b=https://id.gs1.org/gsrn/{GSRN}",
        f"]d2 8018 {GSRN} ]d28018 {GSRN}",
        f"(8018)(8018){GSRN}8018{GSRN}",
        "https://id.gs1.org/8018/9521 1410 0000 0004 21",
        f"https://hospital.example/a?8018={GSRN}",
        f"%25{'%32%35' * 3}38018/{GSRN} (8018){GSRN}",
    ],
)
def test_no_part_of_a_number_is_left_beside_the_mark(text: str) -> None:
    """Rejects a cut that ends at the first sign between the digits and leaves the rest of them."""
    left = without_patients(text)
    assert "[patient]" in left
    assert re.search(r"9521|0000|42", plain_text(left)) is None


def test_the_forms_of_a_name_that_a_message_expects_are_told() -> None:
    """Rejects a rule for malformed numbers that takes the documented form of a URN for somebody's."""
    message = "patient is no GSRN; expected 18 digits, urn:epc:id:gsrn:... or https://id.gs1.org/8018/..."
    assert without_patients(message) == message
    assert contains_patient_identifier("urn:epc:idpat:gsrn:*.*")


@given(st.text() | _escaped)
def test_the_plain_form_with_places_is_the_plain_form(text: str) -> None:
    """Rejects two readings of one text: a patient that is found in one and cut out of the other."""
    aligned = aligned_plain_text(text)
    assert aligned.text == plain_text(text)
    assert len(aligned.text) == len(aligned.starts) == len(aligned.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(aligned.starts, aligned.ends, strict=True))
