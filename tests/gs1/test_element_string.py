"""Element strings: forms, modes, findings and their positions, round trips, broken input."""

import contextlib
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gs1.strategies import element_strings, udi_values
from traceward.gs1.element_string import (
    GS,
    ElementString,
    Mode,
    ParsedElementStrings,
    check_associations,
    parse,
    parse_bracketed,
    parse_digital_link,
    parse_element_strings,
    parse_scan_data,
)
from traceward.gs1.epc_from_elements import epc_identifiers
from traceward.gs1.epc_uri import canonical_identifier, contains_patient_identifier
from traceward.gs1.errors import DigitalLinkError, ElementStringError, UdiError
from traceward.gs1.parsed import join_symbols
from traceward.gs1.udi import parse_udi

GTIN = "09506000117843"
MODES: tuple[Mode, ...] = ("strict", "lenient")


def pairs(parsed: ParsedElementStrings) -> list[tuple[str, str]]:
    return [(element.ai, element.value) for element in parsed.elements]


def codes(parsed: ParsedElementStrings) -> list[str]:
    return [finding.code for finding in parsed.findings]


@given(element_strings())
def test_what_is_written_as_element_string_is_read_back_in_every_form(elements: list[ElementString]) -> None:
    """Rejects writers that omit FNC1 after a fixed but not predefined length, and brackets left unescaped."""
    wanted = [(element.ai, element.value) for element in elements]
    written = ParsedElementStrings(tuple(elements))
    for again in (
        parse_element_strings(written.to_element_string()),
        parse_element_strings(written.to_element_string().encode("latin-1")),
        parse_scan_data("]d2" + written.to_element_string()),
        parse_bracketed(written.to_bracketed()),
        parse(written.to_bracketed()),
    ):
        assert pairs(again) == wanted
        assert again.is_valid


@given(udi_values())
def test_a_digital_link_built_from_a_udi_is_read_back_with_the_same_values(values: dict[str, str]) -> None:
    """Rejects links that lose attributes, mix up qualifier order or do not escape their values."""
    elements = tuple(ElementString(ai, value, "", 0) for ai, value in reversed(values.items()))
    again = parse_digital_link(ParsedElementStrings(elements).to_digital_link("https://label.example/a/b"))
    assert dict(pairs(again)) == values
    assert again.is_valid


@given(st.text() | st.text("0123456789()]\x1d%/?=&+dCQ:htps", max_size=60), st.sampled_from(["strict", "lenient"]))
@example("]d2\x1d", "lenient")
@example("(01)(01)(", "lenient")
@example("https://a/01/%", "strict")
def test_no_text_makes_a_parser_raise(text: str, mode: Mode) -> None:
    """Rejects parsers that index past the end, or let the int() of a foreign digit such as '²' escape."""
    for parsed in (
        parse(text, mode=mode),
        parse_scan_data(text, mode=mode),
        parse_element_strings(text, mode=mode),
        parse_bracketed(text, mode=mode),
        parse_digital_link(text),
    ):
        assert parsed.is_valid or parsed.findings
        check_associations(parsed.elements)


@given(st.binary(max_size=80))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    """Rejects decoding as UTF-8: a symbol may hold any byte."""
    assert parse_element_strings(data).findings or parse_element_strings(data).is_valid


@pytest.mark.parametrize(
    ("data", "code", "position"),
    [
        ("", "empty", 0),
        ("0109506000117844", "incorrect_check_digit", 15),
        (f"01{GTIN}17271331", "illegal_month", 20),
        (f"01{GTIN}17270230", "illegal_day", 22),
        (f"01{GTIN[:-1]}", "value_too_short", 2),
        (f"01{GTIN}10", "value_missing", 18),
        (f"01{GTIN}10" + "A" * 21, "value_too_long", 38),
        (f"01{GTIN}10LOT 1", "invalid_cset82_character", 21),
        (f"01{GTIN}10LOT{GS}{GS}21A", "double_separator", 22),
        (f"{GS}01{GTIN}", "leading_separator", 0),
        (f"01{GTIN}05XX", "unknown_ai", 16),
        (f"01{GTIN}1", "unknown_ai", 16),
        ("80189501101530003", "value_too_short", 4),
        ("8013" + "1987654Ad4X4bL5ttr2310cXK", "incorrect_check_pair", 27),
        ("010950600011784³", "non_digit_character", 15),
    ],
)
def test_broken_data_is_a_finding_with_its_position(data: str, code: str, position: int) -> None:
    parsed = parse_element_strings(data)
    assert (parsed.findings[0].code, parsed.findings[0].position) == (code, position)
    assert not parsed.is_valid
    with pytest.raises(ElementStringError):
        parsed.raise_if_invalid()


def test_an_element_with_a_wrong_check_digit_is_kept_for_looking_up() -> None:
    parsed = parse_bracketed("(01)00208851107345(17)150331")
    assert parsed.value("01") == "00208851107345"
    assert parsed.findings[0].message == "AI 01 has '00208851107345': incorrect check digit at 13; expected 7"


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        (f"01{GTIN}10LOT\r\n", "data_around"),
        (f"{GS}01{GTIN}10LOT", "data_around"),
        (f" 01{GTIN}10LOT", "data_around"),
        (f"01{GTIN}{GS}{GS}10LOT", "double_separator"),
        (f"01{GTIN}42275210LOT", "missing_separator"),
    ],
)
def test_lenient_takes_what_real_labels_do_and_says_so_while_strict_refuses(data: str, warning: str) -> None:
    lenient = parse_element_strings(data, mode="lenient")
    assert lenient.is_valid
    assert warning in codes(lenient)
    assert lenient.value("10") == "LOT"
    assert not parse_element_strings(data).is_valid


def test_lenient_still_refuses_a_wrong_check_digit() -> None:
    assert not parse_element_strings("0109506000117844", mode="lenient").is_valid


def test_one_superfluous_separator_after_a_predefined_length_is_no_fault() -> None:
    assert parse_element_strings(f"01{GTIN}{GS}10LOT{GS}").findings == ()


def test_lenient_takes_unescaped_brackets_and_blanks_of_printed_text() -> None:
    parsed = parse_bracketed(f" (01){GTIN} (10)LOT(A)", mode="lenient")
    assert pairs(parsed) == [("01", GTIN), ("10", "LOT(A)")]
    assert parsed.is_valid
    assert not parse_bracketed(f"(01){GTIN}(10)LOT(A)").is_valid


@pytest.mark.parametrize(
    "scan", ["]C04012345678901", "]C0010950600011784310LOT", "]A1010950600011784310LOT", "]d101" + GTIN]
)
def test_a_symbol_that_is_not_in_gs1_mode_has_no_element_strings(scan: str) -> None:
    """Plain Code 128 '4012345678901' must not become (401)2345678901. GS1 General Specifications 7.8.6."""
    parsed = parse_scan_data(scan)
    assert parsed.elements == ()
    assert codes(parsed) == ["not_gs1_data"]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"]d201{GTIN}", "element_string"),
        (f"(01){GTIN}", "bracketed"),
        (f"HTTPS://id.gs1.org/01/{GTIN}", "digital_link"),
        (f"]Q1https://id.gs1.org/01/{GTIN}", "digital_link"),
        ("4012345678901", "key"),
        ("]E04012345678901", "key"),
        ("]E496385074", "key"),
        ("]I104012345678901", "key"),
        (f"01{GTIN}10LOT", "element_string"),
        ("+A123BJC5D6E71G", "hibc"),
        ("]C0+A123BJC5D6E71G", "hibc"),
        ("=)1TE123456A&)RZ12345678", "iccbba"),
        ("&)RZ12345678", "iccbba"),
        ("]d1HELLO", "plain"),
    ],
)
def test_the_form_is_told_by_the_first_characters(text: str, form: str) -> None:
    assert parse(text).form == form


@pytest.mark.parametrize(
    ("data", "suspected"),
    [
        (f"01{GTIN}10LOT4217271231", True),
        (f"01{GTIN}10LOT4221SN0001", True),
        (f"01{GTIN}10LOT42240REF77", True),
        (f"01{GTIN}21SER0117271231", True),
        (f"01{GTIN}10LOT4217271231" + "21SN", True),
        (f"01{GTIN}21SER0117271231" + "10L", True),
        (f"01{GTIN}10LOT5317271331" + "21SN", False),
        (f"01{GTIN}1727123110LOT5317271231", False),
        (f"01{GTIN}10LOT5317271331", False),
        (f"01{GTIN}10LOT42", False),
        (f"01{GTIN}10AB2145", False),
    ],
)
def test_a_lot_that_looks_as_if_it_swallowed_the_next_ai_is_a_warning(data: str, suspected: bool) -> None:
    parsed = parse_element_strings(data)
    assert ("separator_suspected" in codes(parsed)) == suspected
    assert parsed.is_valid


@pytest.mark.parametrize(
    "text",
    [
        "]d210" + "A" * 1_000_000,
        "]d230" + "9" * 1_000_000,
        f"]d201{GTIN}37" + "9" * 1_000_000,
        "]d2" + GS * 1_000_000,
        f"(01){GTIN}(10)" + "(" * 100_000,
        "https://a" + "/10/x" * 200_000,
        "https://a/01/" + "9" * 1_000_000,
        "https://a/" + "/" * 1_000_000,
        "%25" * 300_000,
        "+A99912345/Q" + "9" * 1_000_000 + "0",
        "=" * 1_000_000,
    ],
    ids=lambda text: text[:16],
)
def test_hostile_data_of_a_megabyte_is_judged_within_a_second(text: str) -> None:
    """Rejects patterns that take time quadratic in the data, and int() of more digits than Python converts."""
    start = time.process_time()
    for mode in MODES:
        parsed = parse(text, mode=mode)
        assert not parsed.is_valid
        assert all(len(finding.message) < 2_000 for finding in parsed.findings)
        epc_identifiers(parsed.elements)
    canonical_identifier(text)
    contains_patient_identifier(text)
    with contextlib.suppress(UdiError):
        parse_udi(text)
    assert time.process_time() - start < 2


def test_associations_hold_over_all_symbols_of_an_item() -> None:
    """Rejects a check per symbol: DI in one barcode and PI in another is a common, sound label."""
    device, production = parse(f"]C101{GTIN}"), parse("]C11727123110LOT42")
    assert [finding.code for finding in check_associations(production.elements)] == ["required_ai_missing"] * 2
    item = join_symbols([production, device, device])
    assert check_associations(item.elements) == ()
    assert pairs(item) == [("17", "271231"), ("10", "LOT42"), ("01", GTIN)]
    other = join_symbols([device, parse("(01)09521141010235")])
    assert [finding.code for finding in check_associations(other.elements)] == ["repeated_ai"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"https://id.gs1.org/01/{GTIN}/21/S/10/L", "qualifier_order"),
        (f"https://id.gs1.org/01/{GTIN}/235/T/10/L", "qualifier_order"),
        (f"https://id.gs1.org/01/{GTIN}?10=L", "qualifier_in_query"),
        (f"https://id.gs1.org/01/{GTIN}?21=S", "not_an_attribute"),
        (f"https://id.gs1.org/01/{GTIN}/10/%ZZ", "percent_encoding"),
        ("https://id.gs1.org/ARFKk4XB0CDKWcnpq", "no_primary_key"),
        ("https://id.gs1.org/01/09506000117844", "incorrect_check_digit"),
        (f"ftp://id.gs1.org/01/{GTIN}", "not_http"),
    ],
)
def test_a_faulty_digital_link_is_a_finding(text: str, code: str) -> None:
    assert code in codes(parse_digital_link(text))


def test_a_compressed_digital_link_is_refused_with_a_clear_message() -> None:
    assert "compressed links are not read" in parse("https://id.gs1.org/ARFKk4XB0CDKWcnpq").findings[0].message


def test_element_strings_without_a_primary_key_have_no_digital_link() -> None:
    with pytest.raises(DigitalLinkError, match="no primary key"):
        parse_bracketed("(10)LOT").to_digital_link()
