"""Ranges of serials, as recall notices name them: pure values that know no goods."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_SERIAL: Final = re.compile(r"(.*?)([0-9]+)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class SerialRange:
    """Serials of one length that begin alike and end in a number from `first`'s to `last`'s, as on the label.

    >>> "V23-0009" in SerialRange("V23-0007", "V23-0012")
    True
    """

    first: str
    last: str

    def __contains__(self, serial: object) -> bool:
        """Whether a serial lies in the range."""
        if serial == self.first:
            return True
        start, end = _SERIAL.fullmatch(self.first), _SERIAL.fullmatch(self.last)
        if not isinstance(serial, str) or start is None or end is None:
            return False
        stem = start[1]
        digits = serial[len(stem) :]
        is_alike = len(serial) == len(self.first) and serial.startswith(stem)
        return is_alike and digits.isascii() and digits.isdigit() and int(start[2]) <= int(digits) <= int(end[2])

    def is_one(self) -> bool:
        """Whether its ends are the ends of one range: of one length, alike but for a number, the lower one first."""
        start, end = _SERIAL.fullmatch(self.first), _SERIAL.fullmatch(self.last)
        if self.first == self.last:
            return True
        return (
            start is not None
            and end is not None
            and start[1] == end[1]
            and len(self.first) == len(self.last)
            and int(start[2]) <= int(end[2])
        )


def within(ranges: tuple[tuple[str, str], ...], serial: str | None) -> bool:
    """Whether ranges, each (first, last) as on the label, have a serial; no ranges have everything, None too.

    serial: percent-encoded, as identifiers have it; None for what has no serial.

    >>> within((("V-001", "V-009"),), "V-005"), within((("V-001", "V-009"),), None), within((), None)
    (True, False, True)
    """
    if not ranges:
        return True
    return serial is not None and any(unquote(serial) in SerialRange(*ends) for ends in ranges)
