"""Numbers as sent, and their one normal form as decimal text.

Must not pass through float: two numbers that differ in any digit stay different.
"""

from __future__ import annotations

from decimal import Decimal


def normal_decimal(number: int | Decimal) -> str:
    """The number as decimal text without exponent, trailing zeros or a negative zero.

    >>> normal_decimal(Decimal("20.50")), normal_decimal(Decimal("1E-7")), normal_decimal(2**53 + 1)
    ('20.5', '0.0000001', '9007199254740993')
    """
    if isinstance(number, int):
        return str(number)
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are not."""
    return value.__class__ is int or value.__class__ is Decimal
