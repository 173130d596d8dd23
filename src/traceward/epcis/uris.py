"""What an absolute URI looks like; it must not resolve one, nor know what it names."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_URI_LENGTH = 2048
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*+:(?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]++|%[0-9A-Fa-f]{2})++"
    r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]++|%[0-9A-Fa-f]{2})*+)?",
    re.ASCII,
)


@lru_cache(maxsize=65_536)
def is_uri(text: str) -> bool:
    """Whether the text is an absolute URI (RFC 3986) of at most 2048 characters; a CURIE is one as well."""
    return len(text) <= MAX_URI_LENGTH and _URI.fullmatch(text) is not None
