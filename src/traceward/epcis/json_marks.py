"""The brackets and commas of a JSON text, counted without reading it: how deep it nests, how many items its list has.

Must not judge whether the text is JSON. Takes little memory and linear time, whatever the text is: that is what it is
for.
"""

from __future__ import annotations

_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'[]{},"')
_CHUNK = 65_536


def nests_deeper(text: bytes, levels: int) -> bool:
    """Whether more than so many lists and objects are open somewhere; brackets that do not pair count as deeper."""
    if text.count(b"[") + text.count(b"{") <= levels:
        return False
    brackets = b"".join(_marks(text).split(b'"')[::2]).replace(b",", b"")
    for _ in range(levels):
        if not brackets:
            break
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def list_length(text: bytes) -> int:
    """How many items the outermost list of the text has, counted by its commas; 1 for an empty list."""
    # Takes a tenth of a second to import, and only large documents need it.
    import numpy as np  # noqa: PLC0415

    step = np.zeros(256, dtype=np.int32)
    step[[ord("["), ord("{")]] = 1
    step[[ord("]"), ord("}")]] = -1
    marks = np.frombuffer(_marks(text), dtype=np.uint8)
    commas = depth = quotes = 0
    for start in range(0, len(marks), _CHUNK):
        chunk = marks[start : start + _CHUNK]
        quoted = np.cumsum(chunk == ord('"'), dtype=np.int32) + quotes
        outside = quoted % 2 == 0
        depths = np.cumsum(step[chunk] * outside, dtype=np.int32) + depth
        commas += int(((chunk == ord(",")) & outside & (depths == 1)).sum())
        depth, quotes = int(depths[-1]), int(quoted[-1])
    return commas + 1


def _marks(text: bytes) -> bytes:
    """The brackets, commas and quotes of the text, without the quotes that a backslash escapes."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_MARKS)
