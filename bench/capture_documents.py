"""The documents that the capture bench sends: fresh goods, five serials an event, about 1.2 kB of JSON each.

They must stay as the published figures had them: 5 EPCs, 3 ILMD fields, 2 business transactions, 2 sources, 1
destination, 1 extension.
"""

import uuid
from typing import Any

import orjson

SERIALS = 5


def made_document(number: int, count: int) -> bytes:
    """The document of that number, with `count` events that no other document has."""
    return orjson.dumps(
        {
            "@context": [
                "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                {"mcx": "https://ns.traceward.org/consignment/"},
            ],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-05-01T00:00:00Z",
            "epcisBody": {"eventList": [made_event(number * 1_000_000 + index) for index in range(count)]},
        }
    )


def made_event(serial: int) -> dict[str, Any]:
    """The commissioning of five valves of one lot."""
    seconds = serial % 3600
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.UUID(int=(4 << 76) + (8 << 60) + serial)}",
        "eventTime": f"2026-05-01T10:{seconds // 60:02}:{seconds % 60:02}.{serial % 1000:03}Z",
        "eventTimeZoneOffset": "+02:00",
        "action": "ADD",
        "bizStep": "commissioning",
        "disposition": "active",
        "epcList": [
            f"urn:epc:id:sgtin:9521141.{100_000 + serial % 2000:06}.{serial:09}{part}" for part in range(SERIALS)
        ],
        "readPoint": {"id": "urn:epc:id:sgln:9521141.00020.LINE4"},
        "bizLocation": {"id": f"urn:epc:id:sgln:9521141.00010.B{serial % 500}"},
        "bizTransactionList": [
            {"type": "prodorder", "bizTransaction": f"urn:epcglobal:cbv:bt:9521141000007:WO-{serial}"},
            {"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:9521141000007:PO-{serial // 100}"},
        ],
        "sourceList": [
            {"type": "owning_party", "source": "urn:epc:id:pgln:9521141.00000"},
            {"type": "possessing_party", "source": "urn:epc:id:pgln:9521141.00000"},
        ],
        "destinationList": [{"type": "owning_party", "destination": "urn:epc:id:pgln:9521141.00000"}],
        "ilmd": {
            "cbvmda:lotNumber": f"L{serial // 50}",
            "cbvmda:itemExpirationDate": "2029-01-31",
            "mcx:manufacturingDate": "2026-04-30",
        },
        "mcx:agreement": "https://ns.traceward.org/consignment/agreement/CA-2026-01",
    }
