"""Check digits, keys, dates, company prefixes."""

import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gs1.strategies import digits
from traceward.gs1.check_digits import check_digit, check_pair, has_valid_check_digit
from traceward.gs1.company_prefix import CompanyPrefixes
from traceward.gs1.dates import four_digit_year, parse_yymmdd
from traceward.gs1.errors import CheckDigitError, DateError, KeyFormatError
from traceward.gs1.keys import checked_key, gtin14, gtin_short


@given(digits(17), st.integers(0, 16), st.integers(1, 9))
def test_any_single_wrong_digit_breaks_the_check_digit(body: str, place: int, change: int) -> None:
    """Rejects a sum that leaves a place out, or weighs one by 0, 2 or 5. GS1 General Specifications 7.9.1."""
    key = body + check_digit(body)
    wrong = key[:place] + str((int(key[place]) + change) % 10) + key[place + 1 :]
    assert has_valid_check_digit(key)
    assert not has_valid_check_digit(wrong)


def test_a_check_pair_refuses_what_is_too_long_or_not_of_its_alphabet() -> None:
    """GS1 General Specifications 7.9.5."""
    assert check_pair("1987654Ad4X4bL5ttr2310c") == "2K"
    with pytest.raises(KeyFormatError, match="at most"):
        check_pair("1" * 98)
    with pytest.raises(KeyFormatError, match="CSET 82"):
        check_pair("1 2")


def test_gtins_of_all_lengths_are_one_gtin14_and_come_back_short() -> None:
    for short in ("96385074", "614141073467", "4012345678901", "14012345678908"):
        assert gtin14(short).endswith(short)
        assert gtin_short(gtin14(short)) == short


@pytest.mark.parametrize("text", ["", "123", "4012345678902", "40123456789O1", "401234567890²"])
def test_a_faulty_gtin_is_refused(text: str) -> None:
    with pytest.raises((KeyFormatError, CheckDigitError)):
        gtin14(text)


def test_a_wrong_check_digit_is_named_with_the_right_one() -> None:
    with pytest.raises(CheckDigitError, match="check digit 7; expected 6") as caught:
        checked_key("GLN", "4012345000017")
    assert caught.value.position == 12


@given(st.integers(0, 99), st.integers(1950, 2150))
def test_a_two_digit_year_is_within_49_back_and_50_ahead(year: int, reference: int) -> None:
    """Rejects a fixed pivot such as 2000-2099, and an off-by-one at 51. GS1 General Specifications 7.12."""
    found = four_digit_year(year, reference)
    assert found % 100 == year
    assert -49 <= found - reference <= 50


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("280200", date(2028, 2, 29)),
        ("270200", date(2027, 2, 28)),
        ("771231", date(1977, 12, 31)),
        ("761231", date(2076, 12, 31)),
        ("271231", date(2027, 12, 31)),
    ],
)
def test_dates_follow_the_century_rule_and_day_00_means_the_last_day(text: str, expected: date) -> None:
    """GS1 General Specifications 3.4.2 and 7.12."""
    found = parse_yymmdd(text, 2026)
    assert found.value == expected
    assert found.is_whole_month == text.endswith("00")


@pytest.mark.parametrize("text", ["", "2712", "271331", "270230", "270229", "000000", "27123A", "27123²", "2712311"])
def test_a_date_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(DateError):
        parse_yymmdd(text, 2026)


def test_partners_come_before_the_table_and_the_longest_partner_first() -> None:
    prefixes = CompanyPrefixes(["401234", "4012345", "061414123"])
    assert prefixes.length("4012345000016") == 7
    assert prefixes.length("4012346000016") == 6
    assert prefixes.length("0614141234567") == 9
    assert CompanyPrefixes().length("0614141107346") == 7


def test_a_prefix_that_nobody_knows_is_not_guessed() -> None:
    """Rejects the usual default of 7 digits."""
    assert CompanyPrefixes().length("1022222233336") is None
    assert CompanyPrefixes().length("") is None
    assert CompanyPrefixes().length("ABC") is None


@pytest.mark.parametrize("partner", ["", "12345", "1234567890123", "40123A5", "401234²"])
def test_a_partner_prefix_of_the_wrong_form_is_refused(partner: str) -> None:
    with pytest.raises(KeyFormatError):
        CompanyPrefixes([partner])


def test_the_prefix_table_is_loaded_only_when_a_key_is_looked_up_in_it() -> None:
    """Rejects `import biip` at module level: 33 MB and 0.4 s for servers that never write a URN."""
    code = (
        "import sys; import traceward.gs1.company_prefix as c, traceward.gs1.epc_uri, traceward.gs1.udi;"
        "p = c.CompanyPrefixes(['4012345']); assert p.length('4012345000016') == 7;"
        "assert 'biip' not in sys.modules; p.length('7044610873466'); assert 'biip' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
