"""How many digits of a GS1 key are its company prefix: from partners' own prefixes, then from a published table.

This module must not guess: where neither source knows the prefix, the answer is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from traceward.gs1.errors import KeyFormatError

_PREFIX = re.compile(r"[0-9]{6,12}").fullmatch
_LEADING_DIGITS = re.compile(r"[0-9]*")


class CompanyPrefixes:
    """Company prefix lengths. Partners come first, since a table of GS1 lags behind what a partner says of itself.

    The table is the one that biip bundles (GS1's GCP length list); it is loaded when a key is first looked up there.

    >>> CompanyPrefixes(["9521141"]).length("9521141010235")
    7
    """

    def __init__(self, partners: Iterable[str] = ()) -> None:
        prefixes = frozenset(partners)
        for prefix in prefixes:
            if not _PREFIX(prefix):
                raise KeyFormatError(f"company prefix '{prefix}'; expected 6-12 digits")
        self._partners = prefixes
        self._partner_lengths = sorted({len(prefix) for prefix in prefixes}, reverse=True)

    def length(self, key_digits: str) -> int | None:
        """Digits of the company prefix that `key_digits` starts with, 6-12, or None where it is not known.

        key_digits: a key from its company prefix on (GTIN-14 without indicator, SSCC without extension digit).
        """
        for length in self._partner_lengths:
            if key_digits[:length] in self._partners:
                return length
        found = _LEADING_DIGITS.match(key_digits)
        digits = found[0] if found else ""
        return _table_length(digits) if digits else None


def _table_length(digits: str) -> int | None:
    # Loading biip takes 0.4 s and 33 MB, which only servers that write URNs should pay.
    from biip.gs1_prefixes import GS1CompanyPrefix  # noqa: PLC0415

    found = GS1CompanyPrefix.extract(digits)
    return len(found.value) if found is not None and 6 <= len(found.value) <= 12 else None
