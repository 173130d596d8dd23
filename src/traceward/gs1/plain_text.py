"""A text as a reader of identifiers takes it: escapes undone, one case, ASCII digits; and where each sign stood before.

This module must not judge what a text names.
"""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

# Escapes may be nested by each system that a URI passes; deeper nesting than this is not undone.
_DEEPEST_ESCAPE = 8
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")

# What becomes of a stretch of a text: the new signs, and the start and end of the old ones.
_Piece = tuple[str, int, int]


class Aligned(NamedTuple):
    """A text's plain form; the sign at an index of it was read from starts[index] to ends[index] of the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def plain_text(text: str) -> str:
    """The text in lower case, with escapes and entities undone, ASCII digits for all others, and no invisible signs.

    >>> plain_text("%2538018&#47;\u0663")
    '8018/3'
    """
    for _ in range(_DEEPEST_ESCAPE):
        once = unquote(text, errors="replace") if "%" in text else text
        once = html.unescape(once) if "&#" in once else once
        once = once if once.isascii() else once.translate(_SIGNS)
        if once == text:
            break
        text = once
    return text.lower() if text.isascii() else "".join(map(str.lower, text))


def aligned_plain_text(text: str) -> Aligned:
    """`plain_text` with the place in the original of each of its signs; for short texts, since it goes sign by sign.

    >>> aligned_plain_text("A%2FB")
    Aligned(text='a/b', starts=(0, 1, 4), ends=(1, 4, 5))
    """
    now = Aligned(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    for _ in range(_DEEPEST_ESCAPE):
        before = now.text
        now = _changed(now, _unquoted)
        now = _changed(now, _unescaped) if "&#" in now.text else now
        now = _changed(now, _signs)
        if now.text == before:
            break
    return _changed(now, lambda plain: ((sign.lower(), at, at + 1) for at, sign in enumerate(plain)))


def _changed(now: Aligned, change: Callable[[str], Iterator[_Piece]]) -> Aligned:
    """The text after one more change, aligned with the same original."""
    signs: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for new, start, end in change(now.text):
        signs.append(new)
        starts += [now.starts[start]] * len(new)
        ends += [now.ends[end - 1]] * len(new)
    return Aligned("".join(signs), tuple(starts), tuple(ends))


def _between(
    text: str, pattern: re.Pattern[str], inside: Callable[[re.Match[str]], Iterator[_Piece]]
) -> Iterator[_Piece]:
    """What `inside` makes of each match, and every sign outside of matches as it is."""
    at = 0
    for found in pattern.finditer(text):
        yield from ((text[index], index, index + 1) for index in range(at, found.start()))
        yield from inside(found)
        at = found.end()
    yield from ((text[index], index, index + 1) for index in range(at, len(text)))


def _unquoted(text: str) -> Iterator[_Piece]:
    return _between(text, _PERCENT, _decoded)


def _decoded(run: re.Match[str]) -> Iterator[_Piece]:
    """The signs of a run of percent-encoded bytes, each with the bytes that it was read from."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    octets = bytes.fromhex(run[0].replace("%", ""))
    first = 0
    for index in range(len(octets)):
        last = index + 1 == len(octets)
        new = decoder.decode(octets[index : index + 1], final=last)
        if new:
            yield new, run.start() + 3 * first, run.start() + 3 * (index + 1)
            first = index + 1


def _unescaped(text: str) -> Iterator[_Piece]:
    return _between(text, _ENTITY, lambda found: iter([(html.unescape(found[0]), found.start(), found.end())]))


def _signs(text: str) -> Iterator[_Piece]:
    return ((_plain_sign(ord(sign)), at, at + 1) for at, sign in enumerate(text))


@lru_cache(maxsize=4096)
def _plain_sign(code: int) -> str:
    """The compatible form of a sign, as ASCII digits where it is a digit; empty for an invisible one."""
    return "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in unicodedata.normalize("NFKC", chr(code))
        if unicodedata.category(sign) != "Cf"
    )


class _SignTable:
    """What `str.translate` asks for each sign."""

    def __getitem__(self, code: int) -> str:
        return _plain_sign(code)


_SIGNS = _SignTable()
