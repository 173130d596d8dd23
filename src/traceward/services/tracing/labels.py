"""Lot and expiry of serialised goods in answers: what their label says, as events told it.

One way for all lists and reports: `with_labels`. It must not tell what an event says that the caller may not see, nor,
of a thing that happened, what was told of the label only afterwards: both parties then draw the same line.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from traceward.epcis.times import parse_time_us
from traceward.ledger.facts import LedgerEvent, class_parts, decode_event, label_of
from traceward.ledger.persistence import record_of
from traceward.ledger.state import Instance
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import visible_event_ids
from traceward.store import alert_rows, ledger_lists
from traceward.store.read import Reader

_NEVER_US: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says beside GTIN and serial. lot: as on the label. expiry: YYYY-MM-DD, or YYYY-MM-00."""

    lot: str | None = None
    expiry: str | None = None


def as_printed(part: str | None) -> str | None:
    """A lot or serial as on the label; identifiers have it percent-encoded."""
    return unquote(part) if part is not None else None


def with_labels(
    reader: Reader, caller: Principal, bodies: Sequence[Mapping[str, Any]], known_at_us: int | None = None
) -> list[dict[str, Any]]:
    """The bodies of an answer with the lot, and where they have the field the expiry, of their serialised goods.

    Each body: item (canonical identifier), lot and serial; eventTime where it tells of what happened then. What a body
    says already stays. known_at_us: by what the caller could know then; None for now.
    """
    wanted = {one["item"] for one in bodies if one.get("serial") is not None and _is_open(one)}
    told = _told(reader, caller, wanted, known_at_us) if wanted else {}
    filled = []
    for one in bodies:
        body = dict(one)
        if one["item"] in told and _is_open(one):
            until_us = parse_time_us(one["eventTime"]) if one.get("eventTime") else _NEVER_US
            label = _label(told[one["item"]], one["item"], until_us)
            body["lot"] = one["lot"] if one["lot"] is not None else label.lot
            if "expiry" in one and one["expiry"] is None:
                body["expiry"] = label.expiry
        filled.append(body)
    return filled


def _is_open(body: Mapping[str, Any]) -> bool:
    return body["lot"] is None or ("expiry" in body and body["expiry"] is None)


def _told(
    reader: Reader, caller: Principal, items: Collection[str], known_at_us: int | None
) -> dict[str, list[LedgerEvent]]:
    """Of each item, the events that say something of its label and that the caller may see, in the ledger's order."""
    trails = {
        key: [eid for eid, _ in record.trail]
        for key, row in alert_rows.records(reader, items).items()
        if isinstance(record := record_of(row), Instance)
    }
    stored = ledger_lists.stored_facts(reader, {eid for eids in trails.values() for eid in eids})
    telling = {
        eid: fact
        for eid, facts in stored.items()
        if (fact := decode_event(facts)).lot is not None or fact.expiry is not None or fact.labels
    }
    seen = visible_event_ids(reader, caller, telling, known_at_us)
    found: defaultdict[str, list[LedgerEvent]] = defaultdict(list)
    for key, eids in trails.items():
        found[key] += [telling[eid] for eid in eids if eid in seen and not telling[eid].private]
    return found


def _label(events: Iterable[LedgerEvent], item: str, until_us: int) -> Label:
    known = [label_of(one, item) for one in events if one.event_time_us <= until_us]
    lot = next((lot for lot, _ in known if lot is not None), None)
    return Label(as_printed(lot), next((expiry for _, expiry in known if expiry is not None), None))


def printed_parts(item: str) -> dict[str, str | None]:
    """GTIN, lot and serial that an identifier itself carries, as on the label, as bodies have them."""
    gtin, lot, serial = class_parts(item)
    return {"gtin": gtin, "lot": as_printed(lot), "serial": as_printed(serial)}
