"""The time zone of each place: what its own party declares of it, of a place around it, or of its GLN; else a default.

Pure: it reads no store. It must not let one party say what day it is at another's place.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import lru_cache
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EXTENSION: Final = "/254/"
_DEPTH: Final = 16
Owner = Callable[[str | None], str | None]


@lru_cache(maxsize=1024)
def zone_named(name: str) -> tzinfo | None:
    """The zone of an IANA name, None where there is none of that name.

    >>> zone_named("Mars/Olympus_Mons") is None
    True
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def inherited(own: Mapping[str, tzinfo], children: Mapping[str, list[str]]) -> dict[str, tzinfo]:
    """Place -> zone for the places of one party: its own, else that of the nearest place around it.

    children: place -> the places that lie directly in it, besides those that extend its GLN. Of two places equally
    near, the first by id counts.
    """
    found = dict(own)
    extending: dict[str, set[str]] = {}
    for place in chain(children, own):
        base, extended, _ = place.partition(_EXTENSION)
        if extended:
            extending.setdefault(base, set()).add(place)
    frontier = sorted(own)
    for _ in range(_DEPTH):
        reached: list[str] = []
        for place in frontier:
            for child in sorted({*children.get(place, ()), *extending.get(place, ())}):
                if child not in found:
                    found[child] = found[place]
                    reached.append(child)
        if not reached:
            break
        frontier = sorted(reached)
    return found


class PlaceZones:
    """The zones of all places, a value. by_party: party -> place -> zone; owner: the party that a place belongs to."""

    def __init__(self, by_party: Mapping[str, Mapping[str, tzinfo]], owner: Owner, default: tzinfo = UTC) -> None:
        self._by_party = by_party
        self._owner = owner
        self._default = default

    def of(self, place: str | None) -> tzinfo:
        """The zone of a place (canonical SGLN); the default where nothing is declared, and of no place."""
        mine = self._by_party.get(self._owner(place) or "") if place is not None else None
        if place is None or mine is None:
            return self._default
        return mine.get(place) or mine.get(place.partition(_EXTENSION)[0]) or self._default
