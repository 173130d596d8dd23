"""Edits of JSON text that leave every other byte as it was: members added, replaced or dropped, strings replaced.

Takes text that the parser factory (``json_codec``) has accepted; it validates nothing itself and recurses nowhere.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import orjson

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]', re.DOTALL)
_SPACE: Final = b" \t\n\r"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the outermost object: its key, and where it, its value and its end stand in the text."""

    key: str
    start: int
    value_start: int
    end: int


def members(text: bytes) -> Iterator[Member]:
    """The members of the outermost object of a JSON text, in their order, each as soon as its end is reached."""
    depth = 0
    key = ""
    start = value_start = -1
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth == 0 and value_start >= 0:
                yield _member(text, key, start, value_start, token.start())
        elif depth == 1:
            if mark == ord(":"):
                value_start = token.end()
            elif mark == ord(","):
                yield _member(text, key, start, value_start, token.start())
                value_start = -1
            elif value_start < 0:
                key, start = orjson.loads(token.group()), token.start()


def _member(text: bytes, key: str, start: int, value_start: int, end: int) -> Member:
    value_start += len(text[value_start:end]) - len(text[value_start:end].lstrip(_SPACE))
    return Member(key, start, value_start, end)


def value_of(text: bytes, key: str) -> bytes | None:
    """The JSON text of one member of the outermost object; None where there is no such member."""
    for member in members(text):
        if member.key == key:
            return text[member.value_start : member.end].rstrip(_SPACE)
    return None


def may_have(text: bytes, key: bytes) -> bool:
    """Tell whether a key may stand anywhere in the text; False is certain. Costs one search of the bytes."""
    # One byte is found several times faster than two, and few events have any escape.
    return key in text or (b"\\" in text and b"\\u" in text)


def without(text: bytes, key: str) -> bytes:
    """The text of an object without one member of its outermost level."""
    found = list(members(text))
    for index, member in enumerate(found):
        if member.key == key:
            if index + 1 < len(found):
                return text[: member.start] + text[found[index + 1].start :]
            if index == 0:
                return text[: member.start] + text[member.end :]
            return text[: found[index - 1].end] + text[member.end :]
    return text


def with_first(text: bytes, added: bytes) -> bytes:
    """The text of an object with more members before its own; ``added`` is their JSON text, joined by commas."""
    body = text.lstrip(_SPACE)[1:]
    empty = body.lstrip(_SPACE)[:1] == b"}"
    return b"{" + added + body if empty or not added else b"{" + added + b"," + body


@dataclass(slots=True)
class _Level:
    """One open object or array while a text is walked: objects alternate between key and value."""

    is_object: bool
    expects_key: bool


def string_values(text: bytes) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Every string value of a JSON text: the keys that lead to it (array levels left out), its start and end.

    start and end include the quotation marks; keys themselves are not given.
    """
    levels: list[_Level] = []
    path: list[str] = []
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        level = levels[-1] if levels else None
        if mark in b"{[":
            levels.append(_Level(mark == ord("{"), mark == ord("{")))
            if mark == ord("{"):
                path.append("")
        elif mark in b"}]":
            levels.pop()
            if mark == ord("}"):
                path.pop()
        elif mark == ord(":"):
            if level is not None:
                level.expects_key = False
        elif mark == ord(","):
            if level is not None:
                level.expects_key = level.is_object
        elif level is not None and level.expects_key:
            path[-1] = orjson.loads(token.group())
        else:
            yield tuple(path), token.start(), token.end()


def with_strings_replaced(text: bytes, replace: Callable[[tuple[str, ...], str], str]) -> bytes:
    """The text with string values replaced by what ``replace(path, value)`` gives; equal values keep their bytes."""
    pieces: list[bytes] = []
    done = 0
    for path, start, end in string_values(text):
        value = orjson.loads(text[start:end])
        new = replace(path, value)
        if new != value:
            pieces += [text[done:start], orjson.dumps(new)]
            done = end
    return b"".join([*pieces, text[done:]]) if pieces else text
