"""Issuing and withdrawing recall notices: the maker's statement becomes events, captured together at once.

Lots and products stand in one event, ranges of serials in another; each is seen by all who have, or ever had, some of
what it covers. It must not issue a notice about another maker's goods.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

import orjson

from traceward.epcis.builder import CONTEXT
from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    ResourceAlreadyExistsException,
    ValidationException,
)
from traceward.epcis.extension import CONSIGNMENT_NAMESPACE
from traceward.epcis.times import format_time_us
from traceward.gs1.check_digits import check_digit
from traceward.gs1.percent import encode_link_segment
from traceward.ledger.facts import GS1, class_parts
from traceward.ledger.serials import SerialRange
from traceward.services.identity.principals import Principal, Right
from traceward.services.intake import capture, documents
from traceward.services.intake.writing import WrittenEvents
from traceward.services.queries.visible_events import moment
from traceward.services.recalls.containing import containing_of
from traceward.services.recalls.notices import Line, RecallNotice, keys_of, notices_of_number, serial_range
from traceward.services.recalls.recall import require_no_patient
from traceward.services.runtime import Runtime
from traceward.store.write import WriteTransaction

RECALL_TYPE: Final = CONSIGNMENT_NAMESPACE + "btt/recall"

_SPACE: Final = uuid.UUID("7f1d0a52-5a0e-5c1d-9b5e-6f0c55a1e2d4")
_CLAUSE: Final = "Traceward recalls"
_ISSUED: Final = {"disposition": "recalled", "persistentDisposition": {"set": ["recalled"]}}
_WITHDRAWN: Final = {"persistentDisposition": {"unset": ["recalled"]}}
_UTC: Final = "+00:00"


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice to be issued. number: a URI of the issuer's own, None for one that is made. items: see `Line`.

    recall_class: I, II or III. with_containing: recall as well what the issuer made of them. event_time, offset: as an
    event has them; None for now, in UTC.
    """

    number: str | None
    recall_class: str
    reason: str
    lines: tuple[Line, ...]
    with_containing: bool = True
    event_time: str | None = None
    offset: str | None = None


def lines_of(items: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """What a request asks to recall: {gtin}, {gtin, lot} or {gtin, serials: {from, to}} each, as on the label.

    Raises ValidationException with the path of a bad field.
    """
    lines = []
    for index, item in enumerate(items):
        path = f"items[{index}]"
        gtin, lot, serials = item["gtin"].zfill(14), item.get("lot"), item.get("serials")
        if lot is not None and serials is not None:
            message = f"{path} has both lot and serials; expected one of them, or none for the whole product"
            raise ValidationException(message, [Finding(path, "recall_item", message, _CLAUSE)])
        if gtin[-1] != check_digit(gtin[:-1]):
            message = f"{path}.gtin is {item['gtin']!r}, whose check digit is wrong; expected {check_digit(gtin[:-1])}"
            raise ValidationException(message, [Finding(f"{path}.gtin", "check_digit", message, _CLAUSE)])
        found = serial_range(serials["from"], serials["to"], f"{path}.serials") if serials is not None else None
        lines.append(Line(gtin, lot, found))
    return tuple(dict.fromkeys(lines))


def issue(runtime: Runtime, caller: Principal, new: NewNotice) -> tuple[str, bool]:
    """Capture a notice's events in one unit; gives its number, and whether it is new.

    The same notice again is extended to what its issuer made of the goods since, where it is to cover that; else it
    changes nothing. Raises ForbiddenException for goods of another maker,
    ResourceAlreadyExistsException where the caller has issued something else under the number.
    """
    _require_maker(runtime, caller, new.lines)
    require_no_patient(new.reason, "reason")
    number = new.number or f"urn:uuid:{uuid.UUID(bytes=runtime.random_bytes(16), version=4)}"
    for known in notices_of_number(runtime, caller, number):
        if known.issuer != caller.organisation:
            continue
        lines = {line for line in known.lines if not line.contains}
        said = (known.recall_class, known.reason, lines, known.withdrawn_us)
        if said == (new.recall_class, new.reason, set(new.lines), None):
            _extend(runtime, caller, known, new)
            return number, False
        message = f"notice {number!r} was issued before with other content"
        raise ResourceAlreadyExistsException(message, [Finding("notice", "notice_taken", message, _CLAUSE)])
    notice = RecallNotice(number, caller.organisation, new.recall_class, new.reason, 0, None, new.lines, ())
    if new.with_containing:
        notice = replace(notice, lines=(*new.lines, *_made_of(runtime, caller, notice)))
    _capture(runtime, caller, notice, _said(new, new.event_time or format_time_us(runtime.now_us())), "issued")
    return number, True


def _extend(runtime: Runtime, caller: Principal, known: RecallNotice, new: NewNotice) -> None:
    """Recall from now on what the issuer made of the goods since it issued the notice."""
    lines = tuple(_made_of(runtime, caller, known)) if new.with_containing else ()
    if lines:
        names = " ".join(sorted(map(repr, lines)))
        more = replace(known, lines=lines)
        what = f"extended {uuid.uuid5(_SPACE, names)}"
        _capture(runtime, caller, more, _said(new, format_time_us(runtime.now_us())), what)


def _said(new: NewNotice, event_time: str) -> dict[str, Any]:
    return _ISSUED | {
        "eventTime": event_time,
        "eventTimeZoneOffset": new.offset or _UTC,
        "mcx:recallClass": new.recall_class,
        "mcx:reason": new.reason,
    }


def withdraw(runtime: Runtime, caller: Principal, number: str, *, reason: str) -> None:
    """Take a notice back; what it flagged is recalled no longer. Again changes nothing.

    Raises NoSuchResource where the caller has issued no such notice.
    """
    caller.require(Right.READ)
    caller.require(Right.CAPTURE)
    require_no_patient(reason, "reason")
    known = next((one for one in notices_of_number(runtime, caller, number) if one.issuer == caller.organisation), None)
    if known is None:
        raise NoSuchResource("there is no such recall notice of this organisation")
    if known.withdrawn_us is not None:
        return
    common: dict[str, Any] = _WITHDRAWN | {
        "eventTime": format_time_us(runtime.now_us()),
        "eventTimeZoneOffset": _UTC,
        "mcx:reason": reason,
    }
    _capture(runtime, caller, known, common, "withdrawn")


def _made_of(runtime: Runtime, caller: Principal, notice: RecallNotice) -> list[Line]:
    """What the caller, the notice's issuer, made of the recalled goods: further lines of the notice.

    Of what others made of them they are told by the notice itself, and issue notices of their own.
    """
    around = containing_of(runtime, caller, notice, keys_of(runtime, notice), moment(runtime, None, None))
    lines = []
    for key, parts in around.parts.items():
        gtin, lot, serial = class_parts(key)
        if gtin is not None and runtime.registry.parties.maker_of(key) == caller.organisation:
            of_serial = SerialRange(unquote(serial), unquote(serial)) if serial is not None else None
            lines.append(Line(gtin, unquote(lot) if lot is not None and serial is None else None, of_serial, parts))
    return lines


def _require_maker(runtime: Runtime, caller: Principal, lines: Iterable[Line]) -> None:
    caller.require(Right.READ)
    caller.require(Right.CAPTURE)
    findings = []
    for index, line in enumerate(lines):
        if runtime.registry.parties.maker_of(f"{GS1}01/{line.gtin}") != caller.organisation:
            message = f"{line.gtin} does not carry a company prefix of yours; a notice is issued by the maker"
            findings.append(Finding(f"items[{index}].gtin", "not_maker", message, _CLAUSE))
    if findings:
        raise ForbiddenException(findings[0].message, findings)


def _capture(runtime: Runtime, caller: Principal, notice: RecallNotice, common: dict[str, Any], what: str) -> None:
    """Capture the events that say `common` of all that a notice covers."""
    events = [
        {"@context": list(CONTEXT), "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "holding"}
        | {"eventID": f"urn:uuid:{uuid.uuid5(_SPACE, f'{caller.organisation} {notice.number} {what} {index}')}"}
        | common
        | body
        | {"bizTransactionList": [{"type": RECALL_TYPE, "bizTransaction": notice.number}]}
        | {"mcx:recallNotice": notice.number}
        for index, body in enumerate(_bodies(notice.lines))
    ]
    raw = [documents.read_event(orjson.dumps(event), documents.BodyFormat(), runtime.limits) for event in events]
    prepared = capture.prepare_all(runtime, caller, raw)

    def unit(tx: WriteTransaction) -> WrittenEvents:
        return capture.write_whole(runtime, caller, None, prepared, tx)

    written = runtime.store.committer.run(unit, weight=max(1, len(prepared)))
    runtime.changes.publish(written.concerned)


def _bodies(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """What the events of a notice name: products and lots in one, products of which serials are recalled in another,
    and what was made of the same recalled goods in one each.

    Apart, since ranges restrict what an event says of a product.
    """
    asked = [line for line in lines if not line.contains]
    whole = [{"epcClass": _class_of(line)} for line in asked if line.serials is None]
    bodies: list[dict[str, Any]] = [{"quantityList": whole}] if whole else []
    ranges = [(line.gtin, line.serials) for line in asked if line.serials is not None]
    if ranges:
        products = dict.fromkeys(gtin for gtin, _ in ranges)
        bodies.append(
            {
                "quantityList": [{"epcClass": f"{GS1}01/{gtin}"} for gtin in products],
                "mcx:recallSerials": [
                    {"mcx:gtin": gtin, "mcx:from": serials.first, "mcx:to": serials.last} for gtin, serials in ranges
                ],
            }
        )
    for parts in dict.fromkeys(line.contains for line in lines if line.contains):
        of_these = [line for line in lines if line.contains == parts]
        classes = [{"epcClass": _class_of(line)} for line in of_these if line.serials is None]
        items = [f"{GS1}01/{one.gtin}/21/{encode_link_segment(one.serials.first)}" for one in of_these if one.serials]
        named = {name: listed for name, listed in (("epcList", items), ("quantityList", classes)) if listed}
        bodies.append(named | {"mcx:recallContains": list(parts)})
    return bodies


def _class_of(line: Line) -> str:
    return f"{GS1}01/{line.gtin}" + (f"/10/{encode_link_segment(line.lot)}" if line.lot is not None else "")
