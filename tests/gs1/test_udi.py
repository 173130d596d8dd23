"""UDIs of the three issuing agencies."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.strategies import udi_values
from shared_data import shared
from traceward.gs1.element_string import ElementString, ParsedElementStrings, parse
from traceward.gs1.errors import UdiError
from traceward.gs1.udi import join_hibc, parse_hibc, parse_iccbba, parse_udi, udi_from_elements
from traceward.gs1.udi.hibc import check_character

# Names of the published examples -> what AccessGUDID calls it, or our field.
GUDID = (
    "issuingAgency", "di", "lotNumber", "serialNumber", "expirationDate", "manufacturingDate", "donationId",
    "expirationDateOriginal", "manufacturingDateOriginal", "expirationDateOriginalFormat",
    "manufacturingDateOriginalFormat",
)  # fmt: skip
# The published example of a date that is none also shows what another program made of the rest; see its note.
BROKEN_DATE = "+$$25102173960231W"


def test_every_published_example_gives_the_expected_fields() -> None:
    cases = json.loads(shared("barcodes/udi_examples.json").read_text(encoding="utf-8"))["cases"]
    assert len(cases) == 33
    for case in cases:
        expected = case["expected"]
        udi = parse_udi(case["hrf"], reference_year=2026)
        found = udi.to_gudid()
        assert {name: found.get(name) for name in GUDID if name in expected} == {
            name: expected[name] for name in GUDID if name in expected
        }
        if "quantity" in expected:
            assert udi.quantity == expected["quantity"]
        if "expirationHour" in expected:
            assert udi.expiration_hour == int(expected["expirationHour"])
        if "linkChar" in expected:
            assert udi.link_character == expected["linkChar"]
        sound = expected.get("checkOk", expected.get("engineOk", True)) and case["hrf"] != BROKEN_DATE
        assert udi.is_valid == sound, case["hrf"]


def test_a_broken_date_keeps_its_text_and_is_a_finding() -> None:
    udi = parse_udi(BROKEN_DATE, reference_year=2026)
    assert (udi.expiration_date, udi.expiration_original) == (None, "510217")
    assert [finding.code for finding in udi.findings] == ["hibc_date"]


@given(udi_values())
def test_the_udi_of_a_gs1_label_keeps_every_part(values: dict[str, str]) -> None:
    """Rejects putting the lot into the id of a serial item: one device would have two identities."""
    elements = tuple(ElementString(ai, value, "", 0) for ai, value in values.items())
    udi = udi_from_elements(ParsedElementStrings(elements, (), "]d2"), reference_year=2026)
    assert (udi.di, udi.lot, udi.serial) == (values["01"], values.get("10"), values.get("21"))
    assert (udi.epc is not None) == ("21" in values)
    assert udi.epc is None or "/10/" not in udi.epc.partition("/21/")[0]
    assert udi.epc_class is not None
    assert udi.epc_class.startswith(f"https://id.gs1.org/01/{values['01']}")
    for carrier in (udi.carrier_aidc, udi.carrier_hrf):
        assert {element.ai: element.value for element in parse(carrier).elements} == values
    assert (udi.expiration_date is None) == ("17" not in values)


def test_day_00_is_the_last_day_of_the_month_and_stays_visible() -> None:
    udi = parse_udi("(01)09506000117843(17)280200", reference_year=2026)
    assert (udi.expiration_date, udi.expiration_original) == (date(2028, 2, 29), "280200")
    assert [(finding.code, finding.severity) for finding in udi.findings] == [("day_00", "warning")]


def test_di_and_pi_without_each_other_are_findings_of_the_item() -> None:
    udi = parse_udi("(17)271231(10)LOT42", reference_year=2026)
    assert udi.di is None
    assert [finding.code for finding in udi.findings] == ["required_ai_missing"] * 2


@pytest.mark.parametrize(
    ("text", "epc", "epc_class"),
    [
        ("(00)106141412345678908", "https://id.gs1.org/00/106141412345678908", None),
        ("(8004)4012345ABC", "https://id.gs1.org/8004/4012345ABC", None),
        (
            "(8003)04012345000221A1",
            "https://id.gs1.org/8003/04012345000221A1",
            "https://id.gs1.org/8003/04012345000221",
        ),
    ],
)
def test_other_keys_give_their_epc_too(text: str, epc: str, epc_class: str | None) -> None:
    udi = udi_from_elements(parse(text))
    assert (udi.di, udi.epc) == (None, epc)
    assert udi.epc_class in (epc_class, None, udi.epc)


def test_fhir_and_gudid_names() -> None:
    udi = parse_udi("]d201095060001178431727123110LOT42", reference_year=2026)
    assert udi.carrier_aidc == "]d201095060001178431727123110LOT42"
    assert udi.to_gudid()["expirationDateOriginalFormat"] == "YYMMDD"
    carrier = udi.to_fhir_udi_carrier()
    assert carrier["deviceIdentifier"] == "09506000117843"
    assert carrier["issuer"] == "http://hl7.org/fhir/NamingSystem/gs1-di"
    assert carrier["carrierHRF"] == "(01)09506000117843(17)271231(10)LOT42"


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%", min_size=3, max_size=40))
def test_any_wrong_hibc_check_character_is_found(body: str) -> None:
    """Rejects modulo 43 over the data without its '+' (41 instead of nothing)."""
    good = "+" + body + check_character("+" + body)
    bad = good[:-1] + ("A" if good[-1] != "A" else "B")
    assert "hibc_check_character" not in [finding.code for finding in parse_hibc(good).findings]
    assert "hibc_check_character" in [finding.code for finding in parse_hibc(bad).findings]


def test_hibc_primary_and_secondary_join_only_by_their_link() -> None:
    primary = parse_hibc("+A99912345" + check_character("+A99912345"))
    secondary_body = "+$$52001510X3" + primary.carrier_hrf[-1]
    secondary = parse_hibc(secondary_body + check_character(secondary_body), reference_year=2026)
    joined = join_hibc(primary, secondary)
    assert (joined.di, joined.lot, joined.expiration_date) == ("A99912345", "10X3", date(2020, 1, 15))
    assert joined.epc_class == "https://ns.traceward.org/udi/hibcc/A99912345/lot/10X3"
    with pytest.raises(UdiError, match="links to check character"):
        join_hibc(parse_hibc("+A123BJC5D6E71G"), parse_hibc("+$$0624J139276%5"))


@pytest.mark.parametrize("text", ["", "+", "+A", "HELLO", "+a123bjc5d6e71g", "]d1HELLO", "=?", "(10"])
def test_what_holds_no_udi_is_refused(text: str) -> None:
    with pytest.raises(UdiError):
        parse_udi(text)


@given(st.text(max_size=40), st.sampled_from(["+", "=", "&", "+$$", "+A123", "=>", "]C0+", "("]))
def test_only_udi_errors_leave_the_udi_parsers(text: str, start: str) -> None:
    """Rejects dates that overflow, such as day 000 of year 0, and foreign digits that int() accepts."""
    for read in (parse_udi, parse_hibc, parse_iccbba):
        try:
            read(start + text)
        except UdiError:
            continue


def test_iccbba_data_left_over_is_a_finding() -> None:
    udi = parse_iccbba("=)1TE123456A&)RZ12345678??")
    assert [finding.code for finding in udi.findings] == ["iccbba_structure"]
    assert not udi.is_valid
