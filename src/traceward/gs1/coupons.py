"""Linters for the nested fields of North American coupons (AI 8110) and positive offer files (AI 8112).

This module must not interpret coupons; it says only whether their fields are well formed.
GS1 General Specifications 3.9.20 and 3.9.21; GS1 US North American Coupon Application Guideline.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from traceward.gs1.dates import days_in_month
from traceward.gs1.lint_error import LintError

_OTHER_THAN_DIGIT = re.compile("[^0-9]").search
_REQUIREMENT_CODES = "012349"
# Length of a purchase requirement or save value by its length indicator, and of company prefixes, GLNs and serials.
_VALUE_LENGTHS = {str(length): length for length in range(1, 6)}
_PREFIX_LENGTHS = {str(indicator): indicator + 6 for indicator in range(7)}
_OPTIONAL_PREFIX_LENGTHS = {**_PREFIX_LENGTHS, "9": 0}
_RETAILER_LENGTHS = {str(indicator): indicator + 6 for indicator in range(1, 8)}
_SERIAL_LENGTHS = {str(indicator): indicator + 6 for indicator in range(10)}


class _CouponFault(Exception):
    """Carries the first error out of the reader; never leaves this module."""

    def __init__(self, error: LintError) -> None:
        super().__init__(error.code)
        self.error = error


class _Reader:
    """Reads fields from left to right; what is missing or malformed ends the reading with a _CouponFault."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def fail(self, code: str, start: int | None = None, length: int = 1) -> _CouponFault:
        """A fault at `start`, or over what is left (over the whole where nothing is left)."""
        if start is None:
            rest = len(self.text) - self.position
            start, length = (self.position, rest) if rest else (0, len(self.text))
        return _CouponFault(LintError(f"coupon_{code}", start, length))

    def take(self, length: int, code: str) -> str:
        """The next `length` digits; fails with `code` when fewer are left."""
        if len(self.text) - self.position < length:
            raise self.fail(code)
        self.position += length
        return self.text[self.position - length : self.position]

    def sized(self, lengths: dict[str, int], name: str, *, invalid: str = "") -> str:
        """A field behind a one-digit length indicator."""
        indicator = self.take(1, f"missing_{name}_vli")
        if indicator not in lengths:
            raise self.fail(invalid or f"invalid_{name}_length", self.position - 1)
        return self.take(lengths[indicator], f"truncated_{name}")

    def coded(self, codes: str, name: str) -> str:
        """A one-digit field with one of `codes`."""
        code = self.take(1, f"missing_{name}")
        if code not in codes:
            raise self.fail(f"invalid_{name}", self.position - 1)
        return code

    def next_is(self, field: str) -> bool:
        """Whether the next data field has the identifier `field`; steps over it if so."""
        if self.text[self.position : self.position + 1] != field:
            return False
        self.position += 1
        return True

    def date(self, name: str) -> str:
        date = self.take(6, f"too_short_for_{name}_date")
        month, day = int(date[2:4]), int(date[4:])
        if not 1 <= month <= 12 or not 1 <= day <= days_in_month(int(date[:2]), month):
            raise self.fail(f"invalid_{name}_date", self.position - 6, 6)
        return date

    def end(self) -> None:
        """Nothing may be left."""
        if self.position < len(self.text):
            raise self.fail("excess_data")


def coupon_code(text: str) -> LintError | None:
    """The first fault of the data of AI 8110, or None."""
    return _lint(text, _read_coupon)


def coupon_offer_file(text: str) -> LintError | None:
    """The first fault of the data of AI 8112, or None."""
    return _lint(text, _read_offer_file)


def _lint(text: str, read: Callable[[_Reader], None]) -> LintError | None:
    other = _OTHER_THAN_DIGIT(text)
    if other:
        return LintError("non_digit_character", other.start(), 1)
    try:
        read(_Reader(text))
    except _CouponFault as fault:
        return fault.error
    return None


def _read_offer_file(reader: _Reader) -> None:
    reader.coded("01", "format_code")
    reader.sized(_PREFIX_LENGTHS, "funder")
    reader.take(6, "truncated_offer_code")
    reader.sized(_SERIAL_LENGTHS, "serial_number")
    reader.end()


def _read_coupon(reader: _Reader) -> None:
    reader.sized(_PREFIX_LENGTHS, "gcp")
    reader.take(6, "truncated_offer_code")
    reader.sized(_VALUE_LENGTHS, "save_value")
    _read_purchase(reader, "1st")
    if reader.next_is("1"):
        reader.coded("0123", "additional_purchase_rules_code")
        _read_purchase(reader, "2nd")
        reader.sized(_OPTIONAL_PREFIX_LENGTHS, "2nd_purchase_gcp")
    if reader.next_is("2"):
        _read_purchase(reader, "3rd")
        reader.sized(_OPTIONAL_PREFIX_LENGTHS, "3rd_purchase_gcp")
    _read_dates(reader)
    if reader.next_is("5"):
        reader.sized(_SERIAL_LENGTHS, "serial_number")
    if reader.next_is("6"):
        reader.sized(_RETAILER_LENGTHS, "retailer_gcp_or_gln")
    if reader.next_is("9"):
        reader.coded("01256", "save_value_code")
        reader.coded("012", "save_value_applies_to_item")
        reader.take(1, "missing_store_coupon_flag")
        reader.coded("01", "dont_multiply_flag")
    reader.end()


def _read_purchase(reader: _Reader, which: str) -> None:
    reader.sized(_VALUE_LENGTHS, f"{which}_purchase_requirement")
    reader.coded(_REQUIREMENT_CODES, f"{which}_purchase_requirement_code")
    reader.take(3, f"truncated_{which}_purchase_family_code")


def _read_dates(reader: _Reader) -> None:
    start = reader.position
    expiration = reader.date("expiration") if reader.next_is("3") else None
    beginning = reader.date("start") if reader.next_is("4") else None
    if expiration and beginning and expiration < beginning:
        raise reader.fail("expiration_before_start", start, reader.position - start)
