"""Check digits and check pairs of GS1 keys.

This module must not know which key a value belongs to: see keys.py and application_identifiers.py.
"""

from __future__ import annotations

from traceward.gs1.errors import KeyFormatError

_ZERO = ord("0")
# The 82 characters of GS1 General Specifications figure 7.11-1 in the order of their check values.
CSET82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
# The 32 check characters of a check pair: no 0, 1, I or O.
CSET32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CSET82_VALUE = {character: value for value, character in enumerate(CSET82)}
# Weights from the right. An AI's value needs 23 of them; the rule itself goes on, and so does the table.
_PRIMES = tuple(n for n in range(2, 510) if all(n % divisor for divisor in range(2, 23) if divisor < n))


def is_digits(text: str) -> bool:
    """Whether `text` is one or more of 0-9; other scripts' digits do not count.

    >>> is_digits("0950"), is_digits(""), is_digits("²")
    (True, False, False)
    """
    return text.isascii() and text.isdigit()


def check_digit(body: str) -> str:
    """The check digit that follows the digits `body` (modulo 10, weights 3 and 1 from the right).

    body: ASCII digits without the check digit; the caller has checked that.
    GS1 General Specifications 7.9.1.

    >>> check_digit("0950600011784")
    '3'
    """
    codes = body.encode("ascii")
    weighted, plain = codes[::-2], codes[-2::-2]
    total = 3 * (sum(weighted) - _ZERO * len(weighted)) + sum(plain) - _ZERO * len(plain)
    return "0987654321"[total % 10]


def has_valid_check_digit(key: str) -> bool:
    """Whether the last digit of `key` is the check digit of those before it.

    >>> has_valid_check_digit("09506000117843"), has_valid_check_digit("09506000117844")
    (True, False)
    """
    return len(key) > 1 and is_digits(key) and check_digit(key[:-1]) == key[-1]


def check_pair(body: str) -> str:
    """The two check characters that follow `body` in a GMN (AI 8013) or M-UDI-DI (AI 8014).

    body: up to 97 characters of CSET 82. Raises KeyFormatError for a longer body or another character.
    GS1 General Specifications 7.9.5.

    >>> check_pair("1987654Ad4X4bL5ttr2310c")
    '2K'
    """
    if len(body) > len(_PRIMES):
        raise KeyFormatError(
            f"'{body}' has {len(body)} characters before its check pair; expected at most {len(_PRIMES)}"
        )
    total = 0
    for prime, (index, character) in zip(_PRIMES, reversed(list(enumerate(body))), strict=False):
        value = _CSET82_VALUE.get(character)
        if value is None:
            raise KeyFormatError(f"'{character}' at {index} of '{body}'; expected CSET 82", position=index)
        total += prime * value
    total %= 1021
    return CSET32[total >> 5] + CSET32[total & 31]
