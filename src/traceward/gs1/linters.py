"""Component linters: rules for one component of an AI's value, each by its name in the AI table.

This module must not split values into components; application_identifiers.py says which linter goes where.
GS1 General Specifications section 3, and GS1 Barcode Syntax Tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import NamedTuple

from traceward.gs1.check_digits import CSET82, check_digit, check_pair, is_digits
from traceward.gs1.coupons import coupon_code, coupon_offer_file
from traceward.gs1.dates import days_in_month
from traceward.gs1.lint_error import LintError


class _Unit(NamedTuple):
    """A two-digit part of a time of day: where the limit lies and how its errors are called."""

    name: str
    limit: int


Linter = Callable[[str], LintError | None]
_HOUR, _MINUTE, _SECOND = _Unit("hour", 23), _Unit("minute", 59), _Unit("second", 59)


def _read_code_lists(text: str) -> dict[str, frozenset[str]]:
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {words[0]: frozenset(words[1:]) for words in lines}


CODE_LISTS: Mapping[str, frozenset[str]] = _read_code_lists(
    files("traceward.gs1").joinpath("tables/code_lists.txt").read_text(encoding="utf-8")
)


def _alphabet(code: str, characters: str) -> Linter:
    other = re.compile(f"[^{characters}]").search

    def lint(text: str) -> LintError | None:
        found = other(text)
        return LintError(code, found.start(), 1) if found else None

    return lint


digits = _alphabet("non_digit_character", "0-9")
cset82 = _alphabet("invalid_cset82_character", re.escape(CSET82))
cset39 = _alphabet("invalid_cset39_character", "#\\-/0-9A-Z")
_CSET64 = re.compile(r"[A-Za-z0-9_\-]*")


def cset64(text: str) -> LintError | None:
    """base64url, with '=' padding to a multiple of three characters allowed."""
    body = _CSET64.match(text)
    end = body.end() if body else 0
    rest = text[end:]
    if rest.strip("="):
        return LintError("invalid_cset64_character", end, 1)
    if rest and (len(rest) > 2 or len(text) % 3):
        return LintError("invalid_cset64_padding", end, len(rest))
    return None


def csum(text: str) -> LintError | None:
    """The last digit is the check digit of the rest. GS1 General Specifications 7.9.1."""
    if not text:
        return LintError("too_short_for_check_digit", 0, 0)
    if not is_digits(text):
        return digits(text)
    return None if check_digit(text[:-1]) == text[-1] else LintError("incorrect_check_digit", len(text) - 1, 1)


def csumalpha(text: str) -> LintError | None:
    """The last two characters are the check pair of the rest. GS1 General Specifications 7.9.5."""
    if len(text) < 2:
        return LintError("too_short_for_check_pair", 0, len(text))
    if len(text) > 99:
        return LintError("too_long_for_check_pair_implementation", 0, len(text))
    bad = cset82(text[:-2])
    if bad:
        return bad
    return None if check_pair(text[:-2]) == text[-2:] else LintError("incorrect_check_pair", len(text) - 2, 2)


def _company_prefix_at(start: int) -> Linter:
    def lint(text: str) -> LintError | None:
        head = text[start : start + 4]
        if len(head) < 4:
            return LintError("too_short_for_gcp", 0, len(text))
        return None if is_digits(head) else LintError("invalid_gcp_prefix", start, len(text) - start)

    return lint


def _date(year_digits: int, *, day_zero: bool) -> Linter:
    length = year_digits + 4

    def lint(text: str) -> LintError | None:
        if len(text) != length:
            return LintError("date_too_short" if len(text) < length else "date_too_long", 0, len(text))
        if not is_digits(text):
            return digits(text)
        month, day = int(text[-4:-2]), int(text[-2:])
        if not 1 <= month <= 12:
            return LintError("illegal_month", year_digits, 2)
        if day > days_in_month(int(text[:year_digits]), month) or (day == 0 and not day_zero):
            return LintError("illegal_day", year_digits + 2, 2)
        return None

    return lint


def _clock(name: str, *units: _Unit) -> Linter:
    length = 2 * len(units)

    def lint(text: str) -> LintError | None:
        if len(text) != length:
            return LintError(f"{name}_too_short" if len(text) < length else f"{name}_too_long", 0, len(text))
        if not is_digits(text):
            return digits(text)
        for index, unit in enumerate(units):
            if int(text[2 * index : 2 * index + 2]) > unit.limit:
                return LintError(f"illegal_{unit.name}", 2 * index, 2)
        return None

    return lint


def _one_of(code: str, accepted: frozenset[str]) -> Linter:
    def lint(text: str) -> LintError | None:
        return None if text in accepted else LintError(code, 0, len(text))

    return lint


def _made_of(code: str, pattern: str) -> Linter:
    fits = re.compile(pattern).fullmatch

    def lint(text: str) -> LintError | None:
        return None if fits(text) else LintError(code, 0, len(text))

    return lint


def nonzero(text: str) -> LintError | None:
    """A number other than 0."""
    return digits(text) or (None if text.strip("0") else LintError("illegal_zero_value", 0, len(text)))


def nozeroprefix(text: str) -> LintError | None:
    """A number without leading zero; 0 itself is refused."""
    return digits(text) or (LintError("illegal_zero_prefix", 0, 1) if text.startswith("0") else None)


def hasnondigit(text: str) -> LintError | None:
    """At least one character that is no digit."""
    return None if text.strip("0123456789") else LintError("requires_non_digit_character", 0, len(text))


def pcenc(text: str) -> LintError | None:
    """Every '%' starts an escape of two hexadecimal digits."""
    found = re.search("%(?![0-9A-Fa-f]{2})", text)
    if not found:
        return None
    return LintError("invalid_percent_sequence", found.start(), len(text[found.start() : found.start() + 3]))


def importeridx(text: str) -> LintError | None:
    """One character of the file-safe base64 alphabet. GS1 General Specifications 3.8.21 (AI 7040)."""
    if len(text) != 1:
        return LintError("importer_idx_must_be_one_character", 0, len(text))
    return None if _CSET64.fullmatch(text) else LintError("invalid_import_idx_character", 0, 1)


def pieceoftotal(text: str) -> LintError | None:
    """Piece number and total of pieces, the same number of digits each. GS1 General Specifications 3.9.6."""
    half, odd = divmod(len(text), 2)
    if odd or not text:
        return LintError("invalid_length_for_piece_of_total", 0, len(text))
    if not is_digits(text):
        return digits(text)
    piece, total = int(text[:half]), int(text[half:])
    if piece == 0:
        return LintError("zero_piece_number", 0, half)
    if total == 0:
        return LintError("zero_total_pieces", half, half)
    return LintError("piece_number_exceeds_total", 0, len(text)) if piece > total else None


def posinseqslash(text: str) -> LintError | None:
    """Position and end of a sequence, as in 1/3. GS1 General Specifications 3.8.18 (AI 7258)."""
    position, slash, end = text.partition("/")
    if not slash or not is_digits(position) or not is_digits(end):
        return LintError("position_in_sequence_malformed", 0, len(text))
    if position[0] == "0":
        return LintError("illegal_zero_prefix", 0, len(position))
    if end[0] == "0":
        return LintError("illegal_zero_prefix", len(position) + 1, len(end))
    return LintError("position_exceeds_end", 0, len(text)) if int(position) > int(end) else None


def iban(text: str) -> LintError | None:
    """An international bank account number: country, length, modulo 97. ISO 13616."""
    if len(text) > 34 or len(text) < 10:
        return LintError("iban_too_long" if len(text) > 34 else "iban_too_short", 0, len(text))
    other = re.search("[^0-9A-Z]", text)
    if other:
        return LintError("invalid_iban_character", other.start(), 1)
    if text[:2] not in CODE_LISTS["iso3166alpha2"]:
        return LintError("illegal_iban_country_code", 0, 2)
    # ISO 7064: letters count 10-35, the first four characters move to the end.
    number = int("".join(str(int(character, 36)) for character in text[4:] + text[:4]))
    return None if number % 97 == 1 else LintError("incorrect_iban_checksum", 2, 2)


def _geo(name: str, greatest: int) -> Linter:
    def lint(text: str) -> LintError | None:
        if len(text) != 10:
            return LintError(f"{name}_invalid_length", 0, len(text))
        return digits(text) or (None if int(text) <= greatest else LintError(f"invalid_{name}", 0, 10))

    return lint


LINTERS: Mapping[str, Linter] = {
    "couponcode": coupon_code,
    "couponposoffer": coupon_offer_file,
    "cset39": cset39,
    "cset64": cset64,
    "cset82": cset82,
    "csetnumeric": digits,
    "csum": csum,
    "csumalpha": csumalpha,
    "gcppos1": _company_prefix_at(0),
    "gcppos2": _company_prefix_at(1),
    "hasnondigit": hasnondigit,
    "hh": _clock("hour", _HOUR),
    "hhmi": _clock("hour_with_minute", _HOUR, _MINUTE),
    "hyphen": _made_of("not_hyphen", "-+"),
    "iban": iban,
    "importeridx": importeridx,
    "iso3166": _one_of("not_iso3166", CODE_LISTS["iso3166"]),
    "iso3166999": _one_of("not_iso3166_or_999", CODE_LISTS["iso3166"] | {"999"}),
    "iso3166alpha2": _one_of("not_iso3166_alpha2", CODE_LISTS["iso3166alpha2"]),
    "iso4217": _one_of("not_iso4217", CODE_LISTS["iso4217"]),
    "iso5218": _one_of("invalid_biological_sex_code", frozenset("0129")),
    "latitude": _geo("latitude", 1_800_000_000),
    "longitude": _geo("longitude", 3_600_000_000),
    "mediatype": _one_of("invalid_media_type", CODE_LISTS["mediatype"]),
    "mi": _clock("minute", _MINUTE),
    "nonzero": nonzero,
    "nozeroprefix": nozeroprefix,
    "packagetype": _one_of("invalid_package_type", CODE_LISTS["packagetype"]),
    "pcenc": pcenc,
    "pieceoftotal": pieceoftotal,
    "posinseqslash": posinseqslash,
    "ss": _clock("second", _SECOND),
    "winding": _one_of("invalid_winding_direction", frozenset("019")),
    "yesno": _one_of("not_zero_or_one", frozenset("01")),
    "yymmd0": _date(2, day_zero=True),
    "yymmdd": _date(2, day_zero=False),
    "yyyymmd0": _date(4, day_zero=True),
    "yyyymmdd": _date(4, day_zero=False),
    "zero": _made_of("not_zero", "0+"),
}
