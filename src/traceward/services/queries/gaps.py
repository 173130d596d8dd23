"""Gaps in master data: products, lots, places and parties that the caller's events name and nothing describes.

It must not name what the caller's own events do not, nor tell whether master data that the caller may not see exists.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from traceward.epcis.errors import QueryParameterException
from traceward.ledger.facts import GS1, class_parts
from traceward.services.identity.principals import Principal
from traceward.services.pages import BodyPage
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds
from traceward.store import ledger_lists
from traceward.store.compile import VisibleTo
from traceward.store.master_data_read import CallerMasterData
from traceward.store.read import Reader

SEVERITY: Final = "low"
_WALKED: Final = 200
_PARTS: Final = 10
"""Parts of what the caller's events name that one page looks through before it tells where to go on."""

_MISSING: Final = {
    "product": "no master data and no agreement of yours describe this product (GTIN)",
    "lot": "no event tells the expiry date of this lot",
    "place": "no master data describe this place, and its organisation has not declared it",
    "party": "this party is no organisation here, and no master data describe it",
}
KINDS: Final = tuple(_MISSING)


def gaps_page(runtime: Runtime, caller: Principal, kind: str | None, token: str | None, per_page: int) -> BodyPage:
    """One page of the gaps by id: {"gaps": [{"id", "kind", "severity", "message"}]}.

    A page may hold fewer than per_page and yet not be the last. kind: one of KINDS, None: any. Raises
    QueryParameterException for another kind, BadPageToken.
    """
    if kind is not None and kind not in KINDS:
        raise QueryParameterException(f"kind is {kind[:40]!r}; expected one of {', '.join(KINDS)}")
    bounds = page_bounds(runtime, caller, hashlib.sha256(f"gaps {kind}".encode()).digest(), token)
    known = _known(runtime, caller)
    found: list[dict[str, Any]] = []
    after: str | None = bounds.after
    with runtime.store.reader() as reader:
        source = CallerMasterData(reader, VisibleTo(caller.viewers))
        for _ in range(_PARTS):
            assert after is not None
            ids, end = source.named_ids(after, _WALKED)
            found += _gaps(reader, source, caller, known, ids, kind)
            after = end if end is None or end > after else None
            if after is None or len(found) >= per_page:
                break
    if len(found) > per_page:
        found = found[:per_page]
        after = found[-1]["id"]
    next_token = bounds.next_text_token(after) if after is not None else None
    return BodyPage({"gaps": found}, next_token, bounds.expires_us)


def _known(runtime: Runtime, caller: Principal) -> dict[str, frozenset[str]]:
    """What describes things of each kind beside master data: products of agreements, declared places, organisations."""
    book = runtime.agreement_books.current(runtime.store)
    lines = (line for one in book if caller.organisation in one.parties for line in one.terms.lines)
    organisations = runtime.registry.organisations()
    return {
        "product": frozenset(f"{GS1}01/{line.gtin}" for line in lines),
        "place": frozenset(place for one in organisations for place in one.place_names),
        "party": frozenset(one.id for one in organisations),
    }


def _gaps(
    reader: Reader,
    source: CallerMasterData,
    caller: Principal,
    known: Mapping[str, frozenset[str]],
    ids: Iterable[str],
    kind: str | None,
) -> list[dict[str, Any]]:
    wanted = {one: of for one in ids if (of := _kind(one)) is not None and kind in (None, of)}
    described = {row.id for row in source.by_id([one for one, of in wanted.items() if of != "lot"])}
    found = [
        (one, of)
        for one, of in sorted(wanted.items())
        if (_lacks_expiry(reader, caller, one) if of == "lot" else one not in described and one not in known[of])
    ]
    return [{"id": one, "kind": of, "severity": SEVERITY, "message": f"{one}: {_MISSING[of]}"} for one, of in found]


def _kind(identifier: str) -> str | None:
    if identifier.startswith((f"{GS1}414/", f"{GS1}254/")):
        return "place"
    if identifier.startswith(f"{GS1}417/"):
        return "party"
    gtin, lot, serial = class_parts(identifier)
    if gtin is None or serial is not None:
        return None
    return "product" if lot is None else "lot"


def _lacks_expiry(reader: Reader, caller: Principal, lot_key: str) -> bool:
    """Whether the caller has some of a lot whose expiry date nothing tells; of others' lots it is not to know."""
    gtin, lot, _ = class_parts(lot_key)
    assert gtin is not None
    assert lot is not None
    own = ledger_lists.balances_of_lot(reader, caller.organisation, gtin, lot, limit=1)
    return bool(own) and own[0].expiry is None
