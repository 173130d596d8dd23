"""Which places lie below a place: those that extend its GLN, and those that master data puts there.

It must not use master data that the caller may not see, nor read stock.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from traceward.epcis.errors import QueryParameterException
from traceward.gs1.epc_uri import canonical_identifier
from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime
from traceward.store.compile import VisibleTo
from traceward.store.ledger_lists import Span
from traceward.store.master_data_read import CallerMasterData

_GLN: Final = "https://id.gs1.org/414/"
_EXTENSION: Final = "/254/"
_DEPTH: Final = 16
_MOST: Final = 5000


def spans_within(runtime: Runtime, caller: Principal, place: str) -> list[Span]:
    """The spans of identifiers that a place and everything below it have, sorted and apart.

    place: SGLN in either spelling. Raises QueryParameterException where more than 5000 places are declared below it.
    """
    root = canonical_identifier(place)
    found, frontier = {root}, {root}
    with runtime.store.reader() as reader:
        declared = CallerMasterData(reader, VisibleTo(caller.viewers))
        for _ in range(_DEPTH):
            frontier = {canonical_identifier(one) for one in declared.children(frontier)} - found
            if not frontier:
                break
            found |= frontier
            if len(found) > _MOST:
                raise QueryParameterException(f"within has more than {_MOST} places below it; expected a smaller place")
    return _apart(span for one in found for span in _spans_of(one))


def lies_in(place: str | None, spans: Sequence[Span]) -> bool:
    """Whether a place is in one of the spans, which are sorted and apart."""
    if place is None:
        return False
    at = bisect_right(spans, (place, "\U0010ffff")) - 1
    return at >= 0 and place < spans[at][1]


def _spans_of(place: str) -> list[Span]:
    # No identifier has a character before the space, so that the span of a single one ends there.
    spans = [(place, f"{place} ")]
    if place.startswith(_GLN) and _EXTENSION not in place:
        below = f"{place}{_EXTENSION}"
        spans.append((below, below[:-1] + chr(ord("/") + 1)))
    return spans


def _apart(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
