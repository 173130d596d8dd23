"""Labels read in a count: which item each names, how much of it, and what the counter should know of it.

It must not store anything. What names no item, or was read with doubt and is not known here, is refused with a reason;
everything else is counted, and told where it seems out of place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from traceward.epcis.times import parse_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger import expiry
from traceward.ledger.facts import class_parts
from traceward.services.identity.principals import Principal, Right
from traceward.services.runtime import Runtime
from traceward.services.scanning.labelled_items import LabelledItem, ReadSymbol, item_of_texts, items_of
from traceward.services.tracing.holdings import Holding, find_holdings
from traceward.services.tracing.products import is_known_product
from traceward.store.count_models import CountSession

Told = dict[str, str]
"""{code, message} of one thing that the counter should know."""

REFUSING: Final = frozenset({"no_item", "unconfirmed", "not_in_recount"})


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a request. item: None where it names none. read_us: when it was read, None where not told."""

    read_id: str
    item: str | None
    is_class: bool
    quantity: Decimal
    uom: str | None
    lot: str | None
    expiry: str | None
    read_us: int | None
    confirmed: bool
    manual: bool
    findings: tuple[Told, ...]


def labels_of(scans: Iterable[Mapping[str, Any]]) -> list[Label]:
    """The labels of a request's scans. One scan of several symbols may show several labels: `<readID>.<n>` from 1."""
    return [label for scan in scans for label in _labels_of_scan(scan)]


def judged(runtime: Runtime, caller: Principal, session: CountSession, labels: Sequence[Label]) -> list[Label]:
    """The same labels with what is remarkable about each, as far as the caller may know it.

    In a blind count it is told that an item is booked elsewhere, not where.
    """
    named = [label.item for label in labels if label.item is not None]
    known: Mapping[str, tuple[Holding, ...]] = {}
    if named and caller.may(Right.READ):
        known = find_holdings(runtime, caller, named)
    return [_judged(runtime, caller, session, label, known) for label in labels]


def _labels_of_scan(scan: Mapping[str, Any]) -> Iterator[Label]:
    if "symbols" in scan:
        reads = [
            ReadSymbol(one["symbologyIdentifier"], one["text"], one.get("confirmed", True), one.get("middle"))
            for one in scan["symbols"]
        ]
        for number, item in enumerate(items_of(reads), start=1):
            yield _labelled(item, scan, f"{scan['readID']}.{number}", item.confirmed)
        return
    if "epc" in scan or "epcClass" in scan:
        identifier = canonical_identifier(scan.get("epc") or scan["epcClass"])
        yield _label(scan, scan["readID"], identifier, (None, None, None), is_class="epcClass" in scan)
        return
    texts = [scan["elementString"]] if "elementString" in scan else scan["elementStrings"]
    yield _labelled(item_of_texts(texts), scan, scan["readID"], scan.get("confirmed", True))


def _labelled(item: LabelledItem, scan: Mapping[str, Any], read_id: str, confirmed: bool) -> Label:
    wrong = [one for one in item.findings if one.severity == "error"]
    notes = tuple({"code": one.code, "message": one.message} for one in (wrong or item.findings))
    udi = item.udi
    identifier = None if wrong or udi is None else udi.epc or udi.epc_class
    if udi is None or identifier is None:
        message = "the label names no item; expected an SSCC, or a device identifier with a serial or lot number"
        return _label(
            scan, read_id, None, (None, None, None), findings=({"code": "no_item", "message": message}, *notes)
        )
    expires = udi.expiration_date.isoformat() if udi.expiration_date is not None else None
    facts = (udi.lot, expires, udi.quantity)
    return _label(
        scan, read_id, identifier, facts, is_class=udi.epc is None, confirmed=confirmed, findings=notes
    )  # fmt: skip


def _label(
    scan: Mapping[str, Any],
    read_id: str,
    item: str | None,
    facts: tuple[str | None, str | None, int | None],
    *,
    is_class: bool = False,
    confirmed: bool = True,
    findings: tuple[Told, ...] = (),
) -> Label:
    lot, expires, on_label = facts
    stated = scan.get("quantity")
    quantity = Decimal(str(stated)) if stated is not None else Decimal(on_label or 1)
    read_us = parse_time_us(scan["readAt"]) if "readAt" in scan else None
    return Label(
        read_id, item, is_class, quantity if is_class else Decimal(1), scan.get("uom") if is_class else None, lot,
        expires, read_us, confirmed and scan.get("confirmed", True), scan.get("typed", False), findings,
    )  # fmt: skip


def _judged(
    runtime: Runtime,
    caller: Principal,
    session: CountSession,
    label: Label,
    known: Mapping[str, tuple[Holding, ...]],
) -> Label:
    if label.item is None:
        return label
    told = list(label.findings)
    item = label.item
    if not label.confirmed:
        is_known = caller.may(Right.READ) and is_known_product(runtime, caller, item)
        message = (
            "read with doubt; counted because the product is known here"
            if is_known
            else f"{item} was read with doubt and its product is not known here; expected a second read"
        )
        told.append({"code": "read_with_doubt" if is_known else "unconfirmed", "message": message})
    if caller.may(Right.READ):
        told += _of_the_book(session, known.get(item, ()))
    told += _of_the_scope(runtime, session, item, known.get(item, ()))
    date = label.expiry or next((one.expiry for one in known.get(item, ()) if one.expiry is not None), None)
    if expiry.is_over(date, label.read_us or runtime.now_us(), runtime.place_zones().of(session.place)):
        told.append({"code": "expired", "message": f"expired on {date}"})
    refused = any(one["code"] in REFUSING for one in told)
    return _with(label, tuple(told), refused=refused)


def _with(label: Label, findings: tuple[Told, ...], *, refused: bool) -> Label:
    return Label(
        label.read_id, None if refused else label.item, label.is_class, label.quantity, label.uom, label.lot,
        label.expiry, label.read_us, label.confirmed, label.manual, findings,
    )  # fmt: skip


def _of_the_book(session: CountSession, holdings: Sequence[Holding]) -> Iterator[Told]:
    if not holdings:
        yield {"code": "unknown_item", "message": "no event that you may see names this item as yours or held by you"}
        return
    stock = [one for one in holdings if one.status in ("on_hand", "in_transit")]
    if not stock:
        yield {"code": "left_stock", "message": f"by the book it is {holdings[0].status} already"}
        return
    if any(one.place == session.place and one.status == "on_hand" for one in stock):
        return
    where = "at another place" if session.blind else f"at {stock[0].place or 'no place'} ({stock[0].status})"
    yield {"code": "wrong_place", "message": f"by the book it is {where}"}


def _of_the_scope(runtime: Runtime, session: CountSession, item: str, holdings: Sequence[Holding]) -> Iterator[Told]:
    owner = next((one.owner for one in holdings if one.owner), None) or runtime.registry.parties.maker_of(item)
    if session.supplier is not None and owner is not None and owner != session.supplier:
        message = "another supplier's than the one whose stock is counted; noted apart, its own stock is not judged"
        yield {"code": "foreign_supplier", "message": message}
    gtins, again = _json_list(session.gtins), _json_list(session.recount)
    product = class_parts(item)[0] or item
    if gtins and product not in gtins:
        yield {
            "code": "outside_scope",
            "message": "not among the products that this count is about; noted all the same",
        }
    if session.round > 1 and product not in again:
        yield {
            "code": "not_in_recount",
            "message": "not among the products that are counted again; its first count stands",
        }


def _json_list(text: str) -> list[str]:
    found: list[str] = orjson.loads(text)
    return found
