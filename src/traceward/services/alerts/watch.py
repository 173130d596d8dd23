"""Keeps alerts as the facts have them: after each capture for what it touched, and when time alone changes something.

Bounded and durable: events mark the products that they touch, a marked product is looked at and rests until the time at
which its alerts can change. It must not look within a capture's transaction, nor judge (`ledger.alerts` does).
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from traceward.epcis.errors import TracewardError
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.alerts import all_alerts, next_change_us
from traceward.ledger.alerts_model import PATIENT, Alert
from traceward.ledger.facts import LedgerEvent, class_keys, class_parts, decode_event, item_keys
from traceward.ledger.steps import COUNT, LOSE, USE, effect_of
from traceward.services.alerts.facts import Gatherer
from traceward.services.changes import Topic, first_of, private_of
from traceward.services.runtime import Runtime
from traceward.store import alert_rows
from traceward.store.agreement_models import AlertScope
from traceward.store.read import Reader
from traceward.store.write import WriteTransaction, json_text

_log = structlog.get_logger("traceward.alerts")

_EVERY_S: Final = 60.0
_EVENTS: Final = 1000
_SCOPES: Final = 100
_CATCH_UP_S: Final = 2.0
_DEPTH: Final = 16
_NAMING: Final = 5000


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at a scope came to: the rows that open, change or close, and the time of the next look."""

    scope: AlertScope
    changed: list[alert_rows.AlertColumns]
    next_us: int | None


def catch_up(runtime: Runtime, *, most_s: float = _CATCH_UP_S) -> bool:
    """Look at what was touched or came due until now; False where there is more than fits into most_s seconds.

    One thread looks at a time; another that comes meanwhile waits for it and goes on from there.
    """
    until = time.monotonic() + most_s
    with runtime.looking_at_alerts:
        while True:
            more = _mark_touched(runtime)
            looked = _look_at_due(runtime)
            if not more and not looked:
                return True
            if time.monotonic() > until:
                return False


async def watch_alerts(runtime: Runtime) -> None:
    """Look whenever something was committed, and each minute for what time alone changes, until the server stops."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def hear(parties: frozenset[str]) -> None:
        if parties and not loop.is_closed():
            loop.call_soon_threadsafe(news.set)

    end_listening = runtime.changes.listen(hear)
    try:
        while not runtime.stopping.is_set():
            news.clear()
            try:
                done = await asyncio.to_thread(catch_up, runtime)
            except TracewardError as error:
                _log.warning("alerts wait", reason=error.detail)
                done = True
            if done:
                await first_of(news, runtime.stopping, _EVERY_S)
    finally:
        end_listening()


# ---------------------------------------------------------------------------------------------- what to look at


def _mark_touched(runtime: Runtime) -> bool:
    """Mark what the events behind the cursor touch, and those that count anew; whether there may be more of them."""
    book = runtime.agreement_books.current(runtime.store)
    with runtime.store.reader() as reader:
        rows = alert_rows.events_behind(reader, alert_rows.cursor(reader), _EVENTS)
        again = alert_rows.touched(reader, _EVENTS)
        if not rows and not again:
            return False
        events = {seq: decode_event(facts) for seq, facts in [*rows, *again] if facts is not None}
        scopes = _scopes_of(runtime, reader, book, events)

    def unit(tx: WriteTransaction) -> None:
        alert_rows.mark(tx, scopes)
        alert_rows.forget_touched(tx, [seq for seq, _ in again])
        if rows:
            alert_rows.move_cursor(tx, rows[-1][0])

    runtime.store.committer.run(unit)
    return len(rows) == _EVENTS or len(again) == _EVENTS


def _scopes_of(
    runtime: Runtime, reader: Reader, book: AgreementBook, events: Mapping[int, LedgerEvent]
) -> set[tuple[str, str, str]]:
    """The products between each pair of parties that events touch: those they name, and what lay in what they name."""
    gtins, containers, measured = set[str](), set[str](), list[int]()
    for seq, event in events.items():
        _add_named(event, gtins, containers)
        if event.biz_step == "sensor_reporting":
            measured.append(seq)
    pairs = book.pairs()
    # What was used of a tray's contents is not missing from it.
    whole_pair = bool(containers) or any(effect_of(event) == USE for event in events.values())
    done = set[str]()
    for _ in range(_DEPTH):
        done |= containers
        inside = set[str]()
        for facts in alert_rows.facts_naming(reader, containers, _NAMING) if containers else ():
            _add_named(decode_event(facts), gtins, inside)
        containers = inside - done
    scopes = {(supplier, hospital, gtin) for supplier, hospital in pairs for gtin in gtins}
    # A write-off takes of the tolerance that what else the count missed has a part in; orders may name reports alone.
    counted = {one for event in events.values() if _concerns_all(event) for one in event.captured_by}
    for supplier, hospital in pairs:
        if whole_pair or counted & {supplier, hospital}:
            scopes.add((supplier, hospital, ""))
        if counted & {supplier, hospital}:
            versions = book.versions_of_pair(supplier, hospital)
            scopes |= {(supplier, hospital, line.gtin) for one in versions for line in one.terms.lines}
    return scopes | _measured(runtime, reader, book, [events[seq] for seq in _alarming(reader, measured)])


def _concerns_all(event: LedgerEvent) -> bool:
    """Whether an event may touch alerts on products that it does not name."""
    return effect_of(event) in (COUNT, LOSE) or (event.type == "TransactionEvent" and not item_keys(event))


def _add_named(event: LedgerEvent, gtins: set[str], containers: set[str]) -> None:
    for key in item_keys(event) | class_keys(event):
        gtin = class_parts(key)[0]
        if gtin is not None:
            gtins.add(gtin)
        else:
            containers.add(key)
    gtins |= {gtin for one in event.count_gtins if (gtin := class_parts(one)[0]) is not None}


def _alarming(reader: Reader, seqs: Sequence[int]) -> list[int]:
    """Those of these sensor events that report an exception: readings that are as they should be touch nothing."""
    return [one.seq for one in reader.documents(seqs) if b'"exception"' in (one.rendered or one.text)]


def _measured(
    runtime: Runtime, reader: Reader, book: AgreementBook, alarms: Iterable[LedgerEvent]
) -> set[tuple[str, str, str]]:
    """The products that lie where a sensor raised an alarm."""
    belongs = runtime.registry.parties.party_of_place
    found = set[tuple[str, str, str]]()
    for event in alarms:
        place = event.biz_location or event.read_point
        hospital = belongs(place)
        if place is not None and hospital is not None:
            gtins = alert_rows.products_at(reader, hospital, place)
            found |= {(supplier, one, gtin) for supplier, one in book.pairs() if one == hospital for gtin in gtins}
    return found


# ---------------------------------------------------------------------------------------------- looks


def _look_at_due(runtime: Runtime) -> bool:
    """Look at scopes whose time has come, some at a time; whether there were any."""
    now_us = runtime.now_us()
    with runtime.store.reader() as reader:
        due = alert_rows.due_scopes(reader, now_us, _SCOPES)
    if not due:
        return False
    looks = _looks(runtime, due, now_us)
    concerned = runtime.store.committer.run(lambda tx: _written(tx, looks))
    if concerned:
        runtime.changes.publish(concerned, Topic.ALERTS)
    return True


def _looks(runtime: Runtime, due: Sequence[AlertScope], now_us: int) -> list[_Look]:
    book = runtime.agreement_books.current(runtime.store)
    by_pair: defaultdict[tuple[str, str], list[AlertScope]] = defaultdict(list)
    for scope in due:
        by_pair[scope.supplier, scope.hospital].append(scope)
    looks = []
    with runtime.store.reader() as reader:
        for (supplier, hospital), scopes in by_pair.items():
            gatherer = Gatherer(runtime, reader, book, supplier, hospital, now_us)
            for scope in scopes:
                facts = gatherer.facts(scope.gtin or None)
                found = all_alerts(facts)
                standing = {base: one for base, one in found.items() if one.is_open(now_us)}
                event_ids = gatherer.event_ids({eid for one in standing.values() for eid in one.evidence})
                changed = _changed(reader, scope, standing, event_ids, now_us)
                looks.append(_Look(scope, changed, next_change_us(facts, found)))
    return looks


def _changed(
    reader: Reader, scope: AlertScope, standing: Mapping[str, Alert], event_ids: Mapping[bytes, str], now_us: int
) -> list[alert_rows.AlertColumns]:
    """The rows of a scope that are other than they stand: those that open, say something else, or close."""
    before = {one["base"]: one for one in alert_rows.open_in_scope(reader, scope.scope)}
    fresh = [base for base in standing if base not in before]
    numbers = alert_rows.last_numbers(reader, fresh) if fresh else {}
    changed = [one for base, one in before.items() if base not in standing]
    for one in changed:
        one["closed_us"] = max(now_us, one["opened_us"])
    for base, alert in standing.items():
        old = before.get(base)
        row = _row(scope, event_ids, base, alert, old, numbers.get(base, 0) + 1)
        if row != old:
            changed.append(row)
    return changed


def _written(tx: WriteTransaction, looks: Iterable[_Look]) -> set[str]:
    """Write what changed of scopes that nothing touched since they were read; gives whom it concerns."""
    concerned = set[str]()
    for look in looks:
        if alert_rows.settle_scope(tx, look.scope, look.next_us):
            alert_rows.put_alerts(tx, look.changed)
            for row in look.changed:
                told = private_of if row["sight"] == PATIENT else str
                concerned |= {told(party) for party in (row["supplier"], row["hospital"]) if party}
    return concerned


def _row(
    scope: AlertScope,
    event_ids: Mapping[bytes, str],
    base: str,
    alert: Alert,
    old: alert_rows.AlertColumns | None,
    number: int,
) -> alert_rows.AlertColumns:
    """The row of an alert that stands; one that stood before keeps its id and when it opened."""
    return alert_rows.AlertColumns(
        id=old["id"] if old is not None else base if number == 1 else f"{base}-{number}",
        base=base,
        number=old["number"] if old is not None else number,
        scope=scope.scope,
        kind=alert.kind,
        severity=alert.severity,
        sight=alert.sight,
        agreement_id=alert.agreement_id,
        supplier="" if alert.sight == PATIENT or not alert.shared else alert.supplier,
        hospital=alert.hospital,
        responsible=alert.responsible,
        subject=alert.subject,
        place=alert.place,
        gtin=alert.gtin,
        message=alert.message,
        detail=json_text(dict(alert.detail)),
        evidence=json_text(sorted({event_ids[eid] for eid in alert.evidence if eid in event_ids})),
        due_us=alert.due_us,
        opened_us=old["opened_us"] if old is not None else alert.opens_us,
        closed_us=None,
    )
