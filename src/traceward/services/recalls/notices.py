"""Recall notices as their events say them: what is recalled, by whom, how gravely, and whether it was taken back.

A notice is every statement under one notice number of one issuer. It must not look for goods: `recall` does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from traceward.epcis.errors import (
    Finding,
    NoSuchResource,
    QueryParameterException,
    ValidationException,
)
from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.epcis.times import format_time_us
from traceward.ledger import corrections
from traceward.ledger.facts import GS1, MCX, LedgerEvent, class_parts, serial_ranges
from traceward.ledger.parties import Parties
from traceward.ledger.serials import SerialRange
from traceward.services.identity.principals import Principal
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.visible_events import visible_pages
from traceward.services.runtime import Runtime

MOST_EVENTS: Final = 5000
"""Events with the mark of a recall that one list is read from."""

ITEMS_OF_PRODUCT: Final = "SELECT key, lot FROM ledger_record WHERE gtin = ? ORDER BY lot, key"

NOTICE: Final = MCX + "recallNotice"
CLASS: Final = MCX + "recallClass"
SERIALS: Final = MCX + "recallSerials"
CONTAINS: Final = MCX + "recallContains"

_PAGE: Final = 500
_BEYOND: Final = f"more than {MOST_EVENTS} events tell of recalls; ask for one notice"
_RECALLED: Final = "recalled"
MARKS: Final = AnyTerm(
    (
        ("persistentDisposition_set", _RECALLED),
        ("persistentDisposition_unset", _RECALLED),
        ("disposition", _RECALLED),
    )
)
"""Events that set or take off the mark of a recall; `is_statement` tells those that are notices."""

_CLAUSE: Final = "Traceward recalls"


def serial_range(first: str, last: str, path: str) -> SerialRange:
    """The range of two serials. Raises ValidationException where they are no two ends of one."""
    found = SerialRange(first, last)
    if not found.is_one():
        message = (
            f"{path} is {first!r} to {last!r}; expected two serials of one length that differ in a number at their end,"
            " the lower one first"
        )
        raise ValidationException(message, [Finding(path, "serial_range", message, _CLAUSE)])
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """What a notice covers: a product, or one lot of it, or a range of its serials. lot: as on the label.

    contains: the recalled goods for which it is recalled, where it is so for what it is made of.
    """

    gtin: str
    lot: str | None = None
    serials: SerialRange | None = None
    contains: tuple[str, ...] = ()

    def covers(self, gtin: str, lot: str | None, serial: str | None) -> bool:
        """Whether it covers an item or class. lot, serial: percent-encoded, as identifiers have them."""
        if gtin != self.gtin:
            return False
        if self.serials is not None:
            return serial is not None and unquote(serial) in self.serials
        return self.lot is None or (lot is not None and unquote(lot) == self.lot)

    def body(self) -> dict[str, Any]:
        """The line as answers have it."""
        serials = {"from": self.serials.first, "to": self.serials.last} if self.serials is not None else None
        return {"gtin": self.gtin, "lot": self.lot, "serials": serials, "contains": list(self.contains)}


@dataclass(frozen=True, slots=True)
class RecallNotice:
    """One notice. number: as its events name it; issuer: PGLN. Times: microseconds since 1970 UTC.

    withdrawn_us: None while it stands. events: all that say so, by time.
    """

    number: str
    issuer: str
    recall_class: str | None
    reason: str | None
    issued_us: int
    withdrawn_us: int | None
    lines: tuple[Line, ...]
    events: tuple[LedgerEvent, ...]

    def covers(self, gtin: str, lot: str | None, serial: str | None) -> bool:
        """Whether any line covers an item or class. lot, serial: percent-encoded."""
        return any(line.covers(gtin, lot, serial) for line in self.lines)

    def body(self) -> dict[str, Any]:
        """What the notice says, as answers have it."""
        return {
            "notice": self.number,
            "issuer": self.issuer,
            "recallClass": self.recall_class,
            "reason": self.reason,
            "issuedAt": format_time_us(self.issued_us),
            "withdrawnAt": format_time_us(self.withdrawn_us) if self.withdrawn_us is not None else None,
            "items": [line.body() for line in self.lines],
            "eventIDs": [event.event_id for event in self.events],
        }


@dataclass(frozen=True, slots=True)
class _Statement:
    fact: LedgerEvent
    number: str
    issuer: str
    recall_class: str | None
    lines: tuple[Line, ...]

    @property
    def withdraws(self) -> bool:
        return _RECALLED in self.fact.unset_flags


def all_notices(runtime: Runtime, caller: Principal, time: TimeRange) -> list[RecallNotice]:
    """The notices that the caller may see and that were issued in a time, newest first.

    Raises QueryTooComplexException beyond MOST_EVENTS events that carry the mark of a recall.
    """
    found = _grouped(_statements(runtime, caller, MARKS, TimeRange()))
    kept = [one for one in found if one.issued_us in time]
    return sorted(kept, key=lambda one: (-one.issued_us, one.issuer, one.number))


def notices_of_number(runtime: Runtime, caller: Principal, number: str) -> list[RecallNotice]:
    """The notices of that number, one for each issuer, as far as the caller may see them."""
    named = AnyTerm(((f"ext:{NOTICE}", number), ("eventID", number)))
    return [one for one in _grouped(_statements(runtime, caller, named, TimeRange())) if one.number == number]


def find_notice(runtime: Runtime, caller: Principal, number: str, issuer: str | None) -> RecallNotice:
    """The one notice of a number. issuer: canonical PGLN, needed where several issuers use the number.

    Raises NoSuchResource where the caller sees none, QueryParameterException where it sees several.
    """
    found = [one for one in notices_of_number(runtime, caller, number) if issuer in (None, one.issuer)]
    if not found:
        raise NoSuchResource("there is no such recall notice")
    if len(found) > 1:
        issuers = ", ".join(sorted(one.issuer for one in found))
        raise QueryParameterException(f"several parties issued this number: {issuers}; name one as issuer")
    return found[0]


def _statements(runtime: Runtime, caller: Principal, clause: AnyTerm, time: TimeRange) -> list[_Statement]:
    query = Query(clauses=(clause,), event_time=time, descending=False)
    facts: dict[bytes, LedgerEvent] = {}
    said: dict[bytes, Mapping[str, Any]] = {}
    with runtime.store.reader() as reader:
        for page in visible_pages(runtime, reader, caller, query, limit=_PAGE, most=MOST_EVENTS, beyond=_BEYOND):
            for stored in reader.documents(page.seqs, witnesses=True):
                fact = stored_fact(stored, runtime.registry)
                facts[fact.eid] = fact
                if fact.declares is None and is_statement(fact):
                    said[fact.eid] = expanded_stored(stored.text, stored.context, stored.event_id)
    standing = corrections.standing(facts.values())
    return [_statement(runtime, fact, said[fact.eid]) for fact in standing if fact.eid in said]


def is_statement(fact: LedgerEvent) -> bool:
    """Whether an event says of goods, wherever they are, that they are recalled or no longer so."""
    flags = {*fact.set_flags, *fact.unset_flags, fact.disposition}
    return (
        fact.type == "ObjectEvent"
        and _RECALLED in flags
        and not fact.private
        and bool(fact.captured_by)
        and (fact.read_point, fact.biz_location, fact.location) == (None, None, None)
        and all(amount is None for _, amount, _ in fact.quantities)
    )


def issuer_of(fact: LedgerEvent, parties: Parties) -> str:
    """Whose statement an event is: of its captors the maker of what it names, else the first."""
    named = [*(key for key, _, _ in fact.quantities), *fact.instances]
    makers = {parties.maker_of(key) for key in named}
    return next((one for one in fact.captured_by if one in makers), fact.captured_by[0])


def _statement(runtime: Runtime, fact: LedgerEvent, expanded: Mapping[str, Any]) -> _Statement:
    number, recall_class = expanded.get(NOTICE), expanded.get(CLASS)
    return _Statement(
        fact=fact,
        number=number if isinstance(number, str) else fact.event_id,
        issuer=issuer_of(fact, runtime.registry.parties),
        recall_class=recall_class if isinstance(recall_class, str) else None,
        lines=tuple(replace(one, contains=_texts(expanded.get(CONTAINS))) for one in _lines(fact, expanded)),
    )


def _lines(fact: LedgerEvent, expanded: Mapping[str, Any]) -> Iterable[Line]:
    ranges = [Line(gtin, None, SerialRange(*ends)) for gtin, *ends in serial_ranges(expanded.get(SERIALS))]
    for key, _, _ in fact.quantities:
        gtin, lot, _ = class_parts(key)
        if gtin is not None and (lot is not None or not any(one.gtin == gtin for one in ranges)):
            yield Line(gtin, unquote(lot) if lot is not None else None)
    yield from ranges
    for key in fact.instances:
        gtin, lot, serial = class_parts(key)
        if gtin is not None and serial is not None and not any(one.covers(gtin, lot, serial) for one in ranges):
            yield Line(gtin, None, SerialRange(unquote(serial), unquote(serial)))


def _texts(value: Any) -> tuple[str, ...]:
    """The texts of an extension field that has one or several."""
    return tuple(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _grouped(statements: Sequence[_Statement]) -> list[RecallNotice]:
    groups: dict[tuple[str, str], list[_Statement]] = {}
    for one in sorted(statements, key=lambda one: (one.fact.event_time_us, one.fact.eid)):
        groups.setdefault((one.number, one.issuer), []).append(one)
    found = []
    for (number, issuer), members in groups.items():
        issued = [one for one in members if not one.withdraws]
        if not issued:
            continue  # taken back, but what was taken back is not visible or not here
        last = members[-1]
        found.append(
            RecallNotice(
                number=number,
                issuer=issuer,
                recall_class=next((one.recall_class for one in issued if one.recall_class is not None), None),
                reason=next((one.fact.reason for one in issued if one.fact.reason is not None), None),
                issued_us=issued[0].fact.event_time_us,
                withdrawn_us=last.fact.event_time_us if last.withdraws else None,
                lines=tuple(dict.fromkeys(line for one in issued for line in one.lines)),
                events=tuple(one.fact for one in members),
            )
        )
    return found


def keys_of(runtime: Runtime, notice: RecallNotice) -> list[str]:
    """The ledger's items and classes that a notice covers, with their products; what is hidden has no events."""
    keys: dict[str, None] = {}
    with runtime.store.reader() as reader:
        for line in notice.lines:
            keys[f"{GS1}01/{line.gtin}"] = None
            rows = reader.fetch(ITEMS_OF_PRODUCT, (line.gtin,))
            for key, lot in rows:
                item = key.partition("|")[0]
                gtin, of_lot, serial = class_parts(item)
                if gtin is not None and line.covers(gtin, lot if of_lot is None else of_lot, serial):
                    keys[item] = None
    return list(keys)
