"""How far long work on a whole database is: what it is told to, and the words for what it goes through.

It must not do any of the work.
"""

from typing import Final, Protocol

EVENTS: Final = "events"
COMPARED: Final = "rows compared"
SHOWN: Final = "events shown"


class Tell(Protocol):
    """Told now and then how far something is."""

    def __call__(self, done: int, in_all: int, what: str = EVENTS, /) -> None:
        """So many of so many are done; what: of what, in words."""
