"""The events of an agreed write-off (F8), which take what is missing off the book.

Pure. It must not decide who pays: the write-off says so.
"""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

from traceward.epcis.builder import CONTEXT
from traceward.ledger.facts import class_parts
from traceward.store.count_models import WriteOff

_EVENT_SPACE: Final = uuid.UUID("4be1cf2c-6c0f-5a0a-8a55-1f3ce6b2d7c4")


def events_of(row: WriteOff, time: str) -> list[dict[str, Any]]:
    """One event for what is charged, with the passing of ownership, and one for what is not. time: their eventTime."""
    items = orjson.loads(row.items)
    charged = [(one["item"], one["uom"], Decimal(one["charged"])) for one in items]
    borne = [(one["item"], one["uom"], Decimal(one["quantity"]) - Decimal(one["charged"])) for one in items]
    made = []
    for part, named in (("charged", charged), ("borne", borne)):
        taken = [one for one in named if one[2] > 0]
        if taken:
            made.append(_event(row, time, part, taken))
    return made


def _event(row: WriteOff, time: str, part: str, taken: Sequence[tuple[str, str | None, Decimal]]) -> dict[str, Any]:
    owning = part == "charged"
    sources = [{"type": "owning_party", "source": row.supplier}] if owning else []
    epcs = [item for item, _, _ in taken if class_parts(item)[2] is not None or class_parts(item)[0] is None]
    quantities = [
        {"epcClass": item, "quantity": int(amount) if amount == int(amount) else float(amount)}
        | ({"uom": uom} if uom is not None else {})
        for item, uom, amount in taken
        if item not in epcs
    ]
    optional = {
        "epcList": epcs,
        "quantityList": quantities,
        "destinationList": [{"type": "owning_party", "destination": row.hospital}] if owning else [],
    }
    event = {
        "@context": list(CONTEXT),
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid5(_EVENT_SPACE, f'{row.id} {part}')}",
        "eventTime": time,
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": "stock_taking",
        "disposition": "stolen" if row.reason == "stolen" else "unavailable",
        "readPoint": {"id": row.place},
        "sourceList": [*sources, {"type": "location", "source": row.place}],
        "mcx:reason": row.reason,
        "mcx:agreement": row.agreement_id,
    }
    return event | {name: value for name, value in optional.items() if value}
