"""Stock and ownership transfers of one organisation: now from the ledger's tables, else from a fold.

Both ways give the same rows for the present. It must not show a balance that names the caller neither as owner nor
as holder.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from traceward.epcis.errors import QueryParameterException
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.percent import encode_link_segment
from traceward.ledger import expiry
from traceward.ledger.facts import GS1
from traceward.ledger.notices import classes_of, with_notices
from traceward.ledger.persistence import balance_rows, notices_of
from traceward.ledger.place_zones import PlaceZones
from traceward.ledger.state import Ledger, Notice, class_record, item_of
from traceward.ledger.steps import IN_TRANSIT, ON_HAND
from traceward.services.identity.principals import Principal
from traceward.services.pages import BodyPage
from traceward.services.queries import place_tree
from traceward.services.queries.master_data import names_of
from traceward.services.queries.visible_events import (
    Moment,
    moment,
    visible_event_ids,
)
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tokens import page_bounds, text_position
from traceward.services.tracing.labels import as_printed, with_labels
from traceward.services.tracing.past_stock import PastStock, Position
from traceward.services.tracing.past_transfers import PastTransfers
from traceward.store import ledger_lists, rows
from traceward.store.compile import VisibleTo
from traceward.store.read import Reader

STATUSES: Final = ("on_hand", "in_transit", "explanted")
"""What stock can be; everything else has left it."""

_MAX_TIME_US: Final = 1 << 62
_PLACES: Final = 1000
_READ_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class StockFilter:
    """What stock is asked for; None asks for any. place: SGLN in either spelling. status: one of STATUSES.

    within: a place with all below it, as its identifier and the master data that the caller may see have them.
    incoming: what others hold and have sent to the caller too, which is in transit and on nobody's hand.
    """

    as_of: str | None = None
    known_at: str | None = None
    place: str | None = None
    within: str | None = None
    gtin: str | None = None
    lot: str | None = None
    status: str | None = None
    incoming: bool = False


@dataclass(frozen=True, slots=True)
class TransferFilter:
    """Which transfers are asked for: start <= eventTime < end, by what was true and known at a moment."""

    start: str | None = None
    end: str | None = None
    as_of: str | None = None
    known_at: str | None = None


def stock_page(runtime: Runtime, caller: Principal, wanted: StockFilter, token: str | None, per_page: int) -> BodyPage:
    """The caller's balances in stock (on hand or in transit), by place and item.

    Of the past each page is in that order by itself; it may hold fewer than per_page where finding more costs too much.
    Raises QueryParameterException for a status that stock cannot have.
    """
    if wanted.status is not None and wanted.status not in STATUSES:
        raise QueryParameterException(f"status is {wanted.status[:40]!r}; expected one of {', '.join(STATUSES)}")
    at = moment(runtime, wanted.as_of, wanted.known_at)
    spans = None if wanted.within is None else place_tree.spans_within(runtime, caller, wanted.within)
    digest = hashlib.sha256(repr(wanted).encode()).digest()
    bounds = page_bounds(runtime, caller, digest, token)
    position = text_position(runtime, caller, digest, token)
    after: ledger_lists.BalanceKey | None = None
    if position is not None and position.text:
        place, _, record_key = position.text.partition("\n")
        after = (place, record_key, position.number or 0)
    notices: Mapping[str, Sequence[Notice]]
    next_token = None
    if at.is_now:
        found, last = _present_balances(runtime, caller, wanted, after, per_page, spans)
        notices = _present_notices(runtime, found)
        if last is not None:
            next_token = bounds.next_text_token(f"{last[0]}\n{last[1]}", 0, last[2])
    else:
        start_us = position.order_us if position is not None else None
        past = _past(runtime, caller, wanted, at, spans).page(Position(start_us, after), per_page)
        found, notices = list(past.balances), past.notices
        if past.next is not None:
            behind = past.next.after
            text, number = (f"{behind[0]}\n{behind[1]}", behind[2]) if behind is not None else ("", 0)
            next_token = bounds.next_text_token(text, past.next.start_us, number)
    with runtime.store.reader() as reader:
        event_ids = visible_event_ids(reader, caller, {row.last_eid for row in found})
    zones = runtime.place_zones()
    items = [_stock_body(row, event_ids, _flags(runtime, row, notices), at, zones) for row in found]
    named = names(runtime, caller, items)
    return BodyPage({"asOf": at.text, "items": items, **named}, next_token, bounds.expires_us)


def balances_at(
    runtime: Runtime, caller: Principal, at: Moment, *, places: Iterable[str], gtin: str | None = None
) -> list[rows.Balance]:
    """The caller's stock at these places (canonical SGLN) at a moment, as balances; every one of them."""
    found: list[rows.Balance] = []
    for place in sorted(places):
        wanted = StockFilter(place=place, gtin=gtin)
        found += _all_present(runtime, caller, wanted) if at.is_now else _all_past(runtime, caller, wanted, at)
    return found


def _all_present(runtime: Runtime, caller: Principal, wanted: StockFilter) -> Iterator[rows.Balance]:
    after: ledger_lists.BalanceKey | None = None
    while True:
        part, after = _present_balances(runtime, caller, wanted, after, _READ_AT_ONCE)
        yield from part
        if after is None:
            return


def _all_past(runtime: Runtime, caller: Principal, wanted: StockFilter, at: Moment) -> list[rows.Balance]:
    past = _past(runtime, caller, wanted, at)
    found: list[rows.Balance] = []
    begin: Position | None = Position(None, None)
    while begin is not None:
        page = past.page(begin, _READ_AT_ONCE)
        found += page.balances
        begin = page.next
    return sorted(found, key=ledger_lists.balance_key)


def balances_of(ledger: Ledger, party: str) -> list[rows.Balance]:
    """The balances of a folded ledger that a party owns or holds, in the order of `stock_of_party`."""
    found = [row for record in ledger.records.values() for row in balance_rows(record)]
    own = [row for row in found if party in (row.owner, row.holder)]
    return sorted(own, key=ledger_lists.balance_key)


def flags_of_balances(runtime: Runtime, balances: Sequence[rows.Balance]) -> dict[tuple[str, int], list[str]]:
    """What stands against each of these balances now, notices on product and lot included; by record key and slot."""
    notices = _present_notices(runtime, balances)
    return {(row.record_key, row.slot): _flags(runtime, row, notices) for row in balances}


def transfers_page(
    runtime: Runtime, caller: Principal, wanted: TransferFilter, token: str | None, per_page: int
) -> BodyPage:
    """The passings of ownership from or to the caller, by eventTime.

    By what was known at another time a page may hold fewer than per_page, where finding more costs too much.
    """
    at = moment(runtime, wanted.as_of, wanted.known_at)
    start_us, end_us = _bound("from", wanted.start, 0), _bound("to", wanted.end, _MAX_TIME_US)
    digest = hashlib.sha256(repr(wanted).encode()).digest()
    bounds = page_bounds(runtime, caller, digest, token)
    position = text_position(runtime, caller, digest, token)
    after = (position.order_us or 0, position.text) if position is not None else None
    behind: tuple[int, str] | None = None
    if at.known_at_us is None and at.as_of_us <= runtime.now_us():
        # What happens later makes no earlier passing undone, so that those up to a time are what stands up to it.
        before_us = min(end_us, at.as_of_us + 1) if not at.is_now else end_us
        with runtime.store.reader() as reader:
            found = ledger_lists.transfers_of_party(
                reader, caller.organisation, from_us=start_us, before_us=before_us, after=after, limit=per_page + 1
            )
        page = found[:per_page]
        if len(found) > per_page:
            behind = (page[-1].event_time_us, page[-1].id)
    else:
        past = PastTransfers(runtime, caller, at, start_us, end_us).page(after, per_page)
        page, behind = list(past.transfers), past.next
    next_token = bounds.next_text_token(behind[1], behind[0], 0) if behind is not None else None
    with runtime.store.reader() as reader:
        event_ids = visible_event_ids(reader, caller, {row.eid for row in page})
        bodies = with_labels(reader, caller, [_transfer_body(row, event_ids) for row in page], at.known_at_us)
    return BodyPage({"transfers": bodies}, next_token, bounds.expires_us)


def places(runtime: Runtime, caller: Principal) -> dict[str, Any]:
    """The places of the caller's organisation: those it declared, and those of its own in events that it may see."""
    own = runtime.registry.find(caller.organisation)
    known = dict(own.place_names) if own is not None else {}
    belongs = runtime.registry.parties.party_of_place
    with runtime.store.reader() as reader:
        for kind in ("bizLocations", "readPoints"):
            listed = reader.vocabulary(kind, VisibleTo(caller.viewers), limit=_PLACES)
            for place in listed:
                if place not in known and belongs(place) == caller.organisation:
                    known[place] = place
    named = sorted(known.items(), key=lambda entry: (entry[1], entry[0]))
    return {"places": [{"id": place, "name": name} for place, name in named]}


def _present_balances(
    runtime: Runtime,
    caller: Principal,
    wanted: StockFilter,
    after: ledger_lists.BalanceKey | None,
    per_page: int,
    spans: Sequence[ledger_lists.Span] | None = None,
) -> tuple[list[rows.Balance], ledger_lists.BalanceKey | None]:
    """One page from the balance table, and its last key where there is more."""
    with runtime.store.reader() as reader:
        found = ledger_lists.stock_of_party(
            reader, caller.organisation, spans=spans, after=after, limit=per_page + 1, **_columns(wanted)
        )
        if wanted.incoming and wanted.status in (None, IN_TRANSIT):
            found += _sent_to(runtime, reader, caller, wanted, after, per_page + 1, spans)
    found = sorted(found, key=ledger_lists.balance_key)
    page = found[:per_page]
    return page, ledger_lists.balance_key(page[-1]) if len(found) > per_page else None


def _sent_to(
    runtime: Runtime,
    reader: Reader,
    caller: Principal,
    wanted: StockFilter,
    after: ledger_lists.BalanceKey | None,
    limit: int,
    spans: Sequence[ledger_lists.Span] | None,
) -> list[rows.Balance]:
    """What is on its way to the caller and neither owned nor held by it, in the order of its stock."""
    parties, columns = runtime.registry.parties, _columns(wanted)
    found: list[rows.Balance] = []
    for start, end in parties.spans_of(caller.organisation):
        behind = after
        while len(found) < limit:
            part = ledger_lists.on_the_way_into(
                reader, caller.organisation, start, end, after=behind, limit=limit, **columns
            )
            own = (row for row in part if parties.party_of_place(row.place) == caller.organisation)
            found += [row for row in own if spans is None or place_tree.lies_in(row.place, spans)]
            if len(part) < limit:
                break
            behind = ledger_lists.balance_key(part[-1])
    return sorted(found, key=ledger_lists.balance_key)[:limit]


def _columns(wanted: StockFilter) -> dict[str, str]:
    """The columns of a balance that a filter fixes, and their values."""
    asked = {
        "place": canonical_identifier(wanted.place) if wanted.place is not None else None,
        "gtin": wanted.gtin.zfill(14) if wanted.gtin is not None else None,
        "lot": encode_link_segment(wanted.lot) if wanted.lot is not None else None,
        "status": wanted.status,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _past(
    runtime: Runtime,
    caller: Principal,
    wanted: StockFilter,
    at: Moment,
    spans: Sequence[ledger_lists.Span] | None = None,
) -> PastStock:
    return PastStock(
        runtime, caller, at, _columns(wanted), spans, lambda row: row.status in STATUSES, incoming=wanted.incoming
    )


def _classes(row: rows.Balance) -> tuple[str, ...]:
    return classes_of(row.gtin, row.lot)


def _present_notices(runtime: Runtime, balances: Iterable[rows.Balance]) -> dict[str, tuple[Notice, ...]]:
    """The notices about the products and lots of these balances, by class key."""
    keys = {key for row in balances for key in _classes(row)}
    if not keys:
        return {}
    with runtime.store.reader() as reader:
        states = ledger_lists.record_states(reader, map(class_record, sorted(keys)))
    return {item_of(record_key): notices_of(state) for record_key, state in states.items()}


def _flags(runtime: Runtime, row: rows.Balance, notices: Mapping[str, Sequence[Notice]]) -> list[str]:
    heard = (runtime.registry.parties.maker_of(item_of(row.record_key)), row.owner or None, row.holder or None)
    listed = [notice for key in _classes(row) for notice in notices.get(key, ())]
    flags = (flag for flag in row.flags.split(",") if flag)
    return list(with_notices(flags, row.status, listed, heard, row.serial))


def _stock_body(
    row: rows.Balance, event_ids: Mapping[bytes, str], flags: Sequence[str], at: Moment, zones: PlaceZones
) -> dict[str, Any]:
    expired = expiry.is_over(row.expiry, at.as_of_us, zones.of(row.place))
    return {
        "item": item_of(row.record_key),
        "gtin": row.gtin,
        "lot": as_printed(row.lot),
        "serial": as_printed(row.serial),
        "expiry": row.expiry,
        "place": row.place,
        "container": item_of(row.container) if row.container is not None else None,
        "owner": row.owner or None,
        "holder": row.holder or None,
        "status": row.status,
        "quantity": row.quantity,
        "uom": row.uom,
        "flags": list(flags),
        "expired": expired,
        "usable": row.status == ON_HAND and not flags and not expired and not row.quantity.startswith("-"),
        "lastSeen": format_time_us(row.last_time_us),
        "lastEventID": event_ids.get(row.last_eid),
    }


def _transfer_body(row: rows.OwnershipTransfer, event_ids: Mapping[bytes, str]) -> dict[str, Any]:
    return {
        "eventTime": format_time_us(row.event_time_us),
        "eventID": event_ids.get(row.eid, ""),
        "from": row.from_party or None,
        "to": row.to_party or None,
        "item": row.key,
        "gtin": row.gtin,
        "lot": as_printed(row.lot),
        "serial": as_printed(row.serial),
        "quantity": row.quantity,
        "uom": row.uom,
        "useType": row.use_type,
        "usageReport": row.usage_report,
        "agreement": row.agreement,
        "voided": row.voided,
    }


def names(runtime: Runtime, caller: Principal, bodies: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """What the places, parties and products (by GTIN) in balances or units are called, as far as the caller may know.

    The caller's own master data comes first, then what an organisation was made known with, then others' master data.
    Places and parties without a name stand under their id; products without one are left out.
    """
    found = list(bodies)
    place_ids = {place for one in found if (place := one.get("place")) is not None}
    party_ids = {party for one in found for field in ("owner", "holder") if (party := one.get(field)) is not None}
    products = {product: gtin for one in found for product, gtin in _product(one)}
    known = {place: name for one in runtime.registry.organisations() for place, name in one.place_names.items()}
    known |= {one.id: one.name for one in runtime.registry.organisations()}
    with runtime.store.reader() as reader:
        told = names_of(runtime, reader, caller, {*place_ids, *party_ids, *products}, known)
    return {
        "places": {place: told.get(place, place) for place in sorted(place_ids)},
        "parties": {party: told.get(party) or runtime.registry.parties.name_of(party) for party in sorted(party_ids)},
        "products": {gtin: told[product] for product, gtin in sorted(products.items()) if product in told},
    }


def _product(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The product of a balance or unit, where it has one: its id and its GTIN."""
    item = body.get("item")
    if isinstance(item, str) and item.startswith(f"{GS1}01/"):
        gtin = item.removeprefix(f"{GS1}01/")[:14]
        yield f"{GS1}01/{gtin}", gtin


def _bound(name: str, text: str | None, absent_us: int) -> int:
    return instant(name, text, end_of_day=False) if text is not None else absent_us
