"""One page of an answer of our own interface, as plain values.

It must not know what is on the page.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BodyPage:
    """One page of an answer, as plain values, and the token of the next page."""

    body: dict[str, Any]
    next_token: str | None
    expires_us: int
