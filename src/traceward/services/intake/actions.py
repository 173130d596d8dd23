"""Consignment actions: what was scanned becomes the event of one business step, captured at once.

One event per owner and source place, so that no supplier sees another's goods. It must not refuse a physical fact:
what does not fit the ledger is captured and told as a warning.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from traceward.epcis.builder import Item, build_event
from traceward.epcis.errors import Finding, ResourceAlreadyExistsException, ValidationException
from traceward.epcis.times import format_time_us, parse_time_us
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.ledger.expiry import is_past_at
from traceward.ledger.steps import IN_TRANSIT, ON_HAND
from traceward.services.identity.principals import Principal, Right
from traceward.services.intake import capture, coarse_uses
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime
from traceward.services.scanning.labelled_items import item_of_texts
from traceward.services.tracing import conflicts
from traceward.services.tracing.holdings import Holding, find_holdings
from traceward.services.tracing.products import is_known_product
from traceward.store.compile import VisibleTo

_CLAUSE: Final = "Traceward consignment actions"
_RETRY_SPACE: Final = uuid.UUID("6a5c1b1e-8f0c-5d6e-9a37-3a2f0a9c7b55")
_NEEDS_COUNTERPARTY: Final = frozenset({"ship", "return", "receive"})
_PAPERS: Final = {"purchaseOrder": "po", "despatchAdvice": "desadv"}
_TAKES_FROM_A_PLACE: Final = frozenset({"put_away", "transfer", "use", "ship", "return"})
MOST_EVENTS: Final = 1000
"""Events of one action at most: one for each item that a request may have."""


def event_id_of(first_id: str, index: int) -> str:
    """The eventID of an action's event of that number: further ones follow from the first."""
    return first_id if index == 0 else f"urn:uuid:{uuid.uuid5(_RETRY_SPACE, f'{first_id} {index}')}"


@dataclass(frozen=True, slots=True)
class _Group:
    """The items of one event: of one owner, taken from one place (None: not known, or not of concern)."""

    owner: str
    sender: str | None
    source: str | None
    items: tuple[Item, ...]


def perform(runtime: Runtime, caller: Principal, request: Mapping[str, Any]) -> dict[str, Any]:
    """Build the events of an action, capture them, and tell what is remarkable about them.

    request: the fields of `ActionRequest`, absent ones left out. A retry with the same eventID and content finds the
    events that it made and changes nothing. Raises ValidationException with the path of each bad field.
    """
    warnings: list[dict[str, str]] = []
    items = _items(runtime, caller, request["items"], warnings)
    place = place_of(request["place"], "place")
    source = place_of(request["source"], "from") if "source" in request else None
    first_id = request.get("eventID") or f"urn:uuid:{uuid.UUID(bytes=runtime.random_bytes(16), version=4)}"
    asked = _Asked(request, place, items, first_id)
    if "eventID" in request:
        earlier = _earlier_events(runtime, caller, asked)
        if earlier:
            return _answer(earlier, warnings)
    holdings = find_holdings(runtime, caller, [item.epc or item.epc_class or "" for item in items])
    groups = _groups(runtime, caller, asked, source, holdings, warnings)
    events = [_event(runtime, caller, asked, group, index) for index, group in enumerate(groups)]
    events, details = _coarsened(runtime, caller, asked, groups, events, warnings)
    try:
        bodies = [orjson.dumps(event) for event in (*events, *details)]
        captured = capture.capture_together(runtime, caller, bodies)[: len(events)]
    except ResourceAlreadyExistsException:
        earlier = _earlier_events(runtime, caller, asked)
        if not earlier:
            raise
        return _answer(earlier, warnings)
    warnings += _expiry_warnings(request["action"], items, holdings, events[0])
    warnings += _conflict_warnings(runtime, caller, [one.event_id for one in captured])
    return _answer([orjson.loads(one.text) for one in captured], warnings)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An action as asked for, with its place and items resolved; first_id: the eventID of its first event."""

    request: Mapping[str, Any]
    place: str
    items: tuple[Item, ...]
    first_id: str

    @property
    def action(self) -> str:
        """The kind of action."""
        return str(self.request["action"])

    def event_id(self, index: int) -> str:
        """The eventID of the action's event of that number."""
        return event_id_of(self.first_id, index)


def _items(
    runtime: Runtime, caller: Principal, wanted: Sequence[Mapping[str, Any]], warnings: list[dict[str, str]]
) -> tuple[Item, ...]:
    items: list[Item] = []
    findings: list[Finding] = []
    for index, one in enumerate(wanted):
        found = _item(one, f"items[{index}]", findings, warnings)
        if found is None:
            continue
        items.append(found)
        if one.get("confirmed", True):
            continue
        identifier = found.epc or found.epc_class or ""
        if is_known_product(runtime, caller, identifier):
            message = f"the label of {identifier} was read with doubt; taken because the product is known here"
            warnings.append({"code": "unconfirmed", "message": message})
        else:
            message = f"{identifier} was read with doubt and its product is not known here; expected a second read"
            findings.append(Finding(f"items[{index}]", "unconfirmed", message, _CLAUSE))
    if findings:
        raise ValidationException(summary(findings), findings)
    return tuple(items)


def _item(one: Mapping[str, Any], path: str, findings: list[Finding], warnings: list[dict[str, str]]) -> Item | None:
    named = [name for name in ("elementString", "elementStrings", "epc", "epcClass") if name in one]
    if len(named) != 1:
        given = " and ".join(named) or "none"
        message = f"{path} has {given} of elementString, elementStrings, epc and epcClass; expected one"
        findings.append(Finding(path, "item", message, _CLAUSE))
        return None
    quantity = Decimal(str(one["quantity"])) if "quantity" in one else None
    if "epc" in one:
        return Item(epc=canonical_identifier(one["epc"]))
    if "epcClass" in one:
        return Item(epc_class=canonical_identifier(one["epcClass"]), quantity=_count(quantity), uom=one.get("uom"))
    texts = [one["elementString"]] if "elementString" in one else one["elementStrings"]
    return _scanned_item(texts, quantity, f"{path}.{named[0]}", findings, warnings)


def _scanned_item(
    texts: Sequence[str],
    quantity: Decimal | None,
    path: str,
    findings: list[Finding],
    warnings: list[dict[str, str]],
) -> Item | None:
    label = item_of_texts(texts)
    wrong = [one for one in label.findings if one.severity == "error"]
    if wrong:
        findings += [Finding(path, one.code, one.message, _CLAUSE) for one in wrong]
        return None
    warnings += [{"code": one.code, "message": one.message} for one in label.findings]
    udi = label.udi
    if udi is not None:
        expiry = udi.expiration_date.isoformat() if udi.expiration_date is not None else None
        if udi.epc is not None:
            return Item(epc=udi.epc, lot=udi.lot, expiration_date=expiry)
        if udi.epc_class is not None:
            amount = quantity if quantity is not None else Decimal(udi.quantity or 1)
            return Item(epc_class=udi.epc_class, quantity=_count(amount), lot=udi.lot, expiration_date=expiry)
    message = f"{path} names no item; expected an SSCC, or a device identifier with a serial or lot number"
    findings.append(Finding(path, "no_item", message, _CLAUSE))
    return None


def _count(quantity: Decimal | None) -> int | Decimal | None:
    if quantity is None:
        return 1
    return int(quantity) if quantity == quantity.to_integral_value() else quantity


def place_of(place: Mapping[str, Any], path: str) -> str:
    """The canonical SGLN of a place that a request names. Raises ValidationException with the path of the field."""
    if ("gln" in place) == ("id" in place):
        message = f"{path} has {'both' if 'gln' in place else 'neither'} of gln and id; expected one of them"
        raise ValidationException(message, [Finding(path, "place", message, _CLAUSE)])
    if "gln" in place:
        extension = f"/254/{place['extension']}" if "extension" in place else ""
        return canonical_identifier(f"https://id.gs1.org/414/{place['gln']}{extension}")
    identifier = canonical_identifier(place["id"])
    if identifier_kind(identifier).kind not in {"sgln", "other"}:
        message = f"{path}.id is {place['id']!r}; expected a place (SGLN)"
        raise ValidationException(message, [Finding(f"{path}.id", "place", message, _CLAUSE)])
    return identifier


def _groups(
    runtime: Runtime,
    caller: Principal,
    asked: _Asked,
    source: str | None,
    holdings: Mapping[str, tuple[Holding, ...]],
    warnings: list[dict[str, str]],
) -> list[_Group]:
    """The items by owner and source place, in the order in which they were scanned."""
    grouped: dict[tuple[str, str | None, str | None], list[Item]] = {}
    counterparty = asked.request.get("counterparty")
    named = canonical_identifier(counterparty) if counterparty is not None else None
    for item in asked.items:
        identifier = item.epc or item.epc_class or ""
        own = holdings.get(identifier, ())
        maker = runtime.registry.parties.maker_of(identifier)
        origin = _source_of(caller, asked, own, source) if asked.action in _TAKES_FROM_A_PLACE else None
        owner = _owner_of(asked, item, own, origin) or maker or named
        if owner is None:
            owner = caller.organisation
            warnings.append(
                {"code": "unknown_owner", "message": f"nothing tells who owns {identifier}; taken as your own"}
            )
        if not own and asked.action in _TAKES_FROM_A_PLACE:
            message = f"{identifier} is not on your book; nothing tells how it came here"
            warnings.append({"code": "unknown_item", "message": message})
        sender = next((one.holder for one in own if one.status == "in_transit"), None)
        grouped.setdefault((owner, sender, origin), []).append(item)
    return [_Group(owner, sender, origin, tuple(items)) for (owner, sender, origin), items in grouped.items()]


def _owner_of(asked: _Asked, item: Item, own: Sequence[Holding], origin: str | None) -> str | None:
    """Who owns what is acted upon: of a lot, who owns what is there for it, not who owns what was used of it before.

    Of several owners at one place the first one whose quantity suffices. None: the book does not tell.
    """
    wanted = Decimal(item.quantity or 1)
    first, second = (IN_TRANSIT, ON_HAND) if asked.action == "receive" else (ON_HAND, IN_TRANSIT)
    ranks = {first: 1, second: 2}

    def rank(one: Holding) -> tuple[int, bool]:
        there = one.status == ON_HAND and one.place == (origin or asked.place) and asked.action != "receive"
        return (0 if there else ranks.get(one.status, 3), one.quantity < wanted)

    known = [one for one in own if one.owner is not None and (item.epc is not None or one.status in ranks)]
    return next((one.owner for one in sorted(known, key=rank)), None)


def _source_of(caller: Principal, asked: _Asked, own: Sequence[Holding], stated: str | None) -> str | None:
    """Where the item is taken from: as stated, or the only place where the caller has it, or the action's own place."""
    if stated is not None:
        return stated
    places = {
        one.place
        for one in own
        if one.status == "on_hand" and one.place is not None and caller.organisation in (one.owner, one.holder)
    }
    if asked.place in places:
        return asked.place
    return next(iter(places)) if len(places) == 1 else None


def _event(runtime: Runtime, caller: Principal, asked: _Asked, group: _Group, index: int) -> dict[str, Any]:
    request, action = asked.request, asked.action
    now = format_time_us(runtime.now_us())
    here = caller.organisation
    other = _counterparty(asked, group, here)
    owning = {"ship": (group.owner, group.owner), "receive": (group.owner, group.owner)}
    owning |= {"return": (group.owner, group.owner), "use": (group.owner, here)}
    possessing = {"ship": (here, other), "return": (here, other), "receive": (other, here)}
    optional = {"use_type": "useType", "usage_report": "usageReport", "agreement": "agreement"}
    optional |= {"reason": "reason", "count_scope": "countScope"}
    typed = any(one.get("typed") for one in request["items"])
    return build_event(
        request["action"],
        group.items,
        asked.place,
        event_time=request.get("eventTime", now),
        offset=request.get("eventTimeZoneOffset", "+00:00"),
        event_id=asked.event_id(index),
        source_place=group.source,
        owning=owning.get(action),
        possessing=possessing.get(action),
        device_mode="manual" if typed else None,
        biz_transactions=_papers(request, action, here, other),
        **{name: request[field] for name, field in optional.items() if field in request},
    )


def _papers(request: Mapping[str, Any], action: str, here: str, other: str) -> list[tuple[str, str]]:
    """(type, id) of the papers that an action names; a bare number gets the GLN of who gave it out. CBV 2.0 8.5.

    The purchase order is the consignee's, the despatch advice the consignor's.
    """
    issuers = {
        "purchaseOrder": (other if action == "ship" else here),
        "despatchAdvice": (here if action == "ship" else other),
    }
    found = []
    for field, kind in _PAPERS.items():
        named = request.get(field)
        if named is not None:
            gln = issuers[field].rpartition("/417/")[2].partition("/")[0]
            found.append((kind, named if ":" in named else f"urn:epcglobal:cbv:bt:{gln}:{named}"))
    return found


def _names_papers(event: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether an event names the papers that an action asks for, and no others."""
    named = {one.get("type"): one["bizTransaction"] for one in event.get("bizTransactionList", ())}
    for field, kind in _PAPERS.items():
        asked, told = request.get(field), named.get(kind)
        if asked is None and told is None:
            continue
        if told is None or asked not in (told, told.rpartition(":")[2]):
            return False
    return True


def _coarsened(
    runtime: Runtime,
    caller: Principal,
    asked: _Asked,
    groups: Sequence[_Group],
    events: Sequence[dict[str, Any]],
    warnings: list[dict[str, str]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The shared events, coarse where an agreement asks for that, and the private ones that say it exactly."""
    if asked.action != "use":
        return list(events), []
    shared: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []
    for group, event in zip(groups, events, strict=True):
        if not coarse_uses.is_coarse(runtime, caller, group.owner, group.items, asked.place, event["eventTime"]):
            shared.append(event)
            continue
        shared.append(coarse_uses.coarse_event(event, runtime.now_us()))
        if caller.may(Right.CAPTURE_PRIVATE):
            details.append(coarse_uses.fine_event(event))
        else:
            message = "exact place and time are not kept: the agreement shares site and day, the role records no more"
            warnings.append({"code": "detail_not_kept", "message": message})
    return shared, details


def _counterparty(asked: _Asked, group: _Group, here: str) -> str:
    """The other party of a change of hands: as named, else the sender of what is in transit, else the owner."""
    named = asked.request.get("counterparty")
    if named is not None:
        return canonical_identifier(named)
    if asked.action == "ship":
        message = "counterparty is missing; expected the party that the goods are shipped to"
        raise ValidationException(message, [Finding("counterparty", "missing", message, _CLAUSE)])
    if asked.action == "return" and group.owner == here:
        message = "counterparty is missing; expected the party that your own goods are returned to"
        raise ValidationException(message, [Finding("counterparty", "missing", message, _CLAUSE)])
    return group.sender or group.owner


def _earlier_events(runtime: Runtime, caller: Principal, asked: _Asked) -> list[dict[str, Any]]:
    """The events that this very action has made before, or none.

    Raises ResourceAlreadyExistsException when its eventID stands for something else.
    """
    found: list[dict[str, Any]] = []
    with runtime.store.reader() as reader:
        for index in range(len(asked.items)):
            stored = [
                event
                for event in reader.event_by_id(asked.event_id(index), VisibleTo(caller.viewers))
                if caller.party_number in reader.witnesses([event.eid]).get(event.eid, ())
            ]
            if not stored:
                break
            found.append(orjson.loads(capture.answered_text(stored[0])))
    if found and not _same_action(asked, found):
        message = f"eventID {asked.first_id!r} stands for another action that was captured before"
        raise ResourceAlreadyExistsException(message, [Finding("eventID", "event_id_taken", message, _CLAUSE)])
    return found


def _same_action(asked: _Asked, events: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the events say what was asked, but for what the ledger has added to them."""
    first, *_ = made = list(events)
    epcs = {epc for event in made for epc in event.get("epcList", ())}
    classes: dict[str, Decimal] = {}
    for event in made:
        for entry in event.get("quantityList", ()):
            amount = Decimal(str(entry.get("quantity", 0)))
            classes[entry["epcClass"]] = classes.get(entry["epcClass"], Decimal(0)) + amount
    wanted: dict[str, Decimal] = {}
    for item in asked.items:
        if item.epc is None and item.epc_class is not None:
            wanted[item.epc_class] = wanted.get(item.epc_class, Decimal(0)) + Decimal(item.quantity or 0)
    time, place = asked.request.get("eventTime", first["eventTime"]), first["readPoint"]["id"]
    exactly = first["eventTime"] == time and place == asked.place
    coarsely = place == coarse_uses.site_of(asked.place) and coarse_uses.same_day(
        first["eventTime"], time, first["eventTimeZoneOffset"]
    )
    return (
        (exactly or (asked.action == "use" and coarsely))
        and first.get("mcx:useType") == asked.request.get("useType")
        and all(_names_papers(event, asked.request) for event in made)
        and epcs == {item.epc for item in asked.items if item.epc is not None}
        and classes == wanted
    )


def _expiry_warnings(
    action: str, items: Iterable[Item], holdings: Mapping[str, tuple[Holding, ...]], event: Mapping[str, Any]
) -> list[dict[str, str]]:
    """A warning for each item that is used or received after its expiry date, by the calendar of the event's offset."""
    if action not in {"use", "receive", "put_away"}:
        return []
    found = []
    for item in items:
        identifier = item.epc or item.epc_class or ""
        known = next((one.expiry for one in holdings.get(identifier, ()) if one.expiry is not None), None)
        expiry = item.expiration_date or known
        if is_past_at(expiry, parse_time_us(event["eventTime"]), event["eventTimeZoneOffset"]):
            found.append({"code": "expired", "message": f"{identifier} expired on {expiry}"})
    return found


def _conflict_warnings(runtime: Runtime, caller: Principal, event_ids: Sequence[str]) -> list[dict[str, str]]:
    found = conflicts.standing(runtime, caller)
    return [{"code": one["kind"], "message": one["message"]} for one in found if set(event_ids) & set(one["eventIDs"])]


def _answer(events: Sequence[Mapping[str, Any]], warnings: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "eventID": events[0]["eventID"],
        "event": events[0],
        "eventIDs": [event["eventID"] for event in events],
        "warnings": warnings,
    }
